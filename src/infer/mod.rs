//! Turns a model into a fitted guide: [`fit`] is the whole way.
//!
//! [`objective`] makes model and guide a function to minimise; [`draws`] makes the fixed noise of its
//! deterministic form, [`optim`] goes downhill on any objective, [`control`] decides step sizes,
//! averaging and stopping where it is only seen through noise. The last three know no model, no graph
//! and no guide.

pub mod control;
mod density;
mod deterministic;
mod divergence;
pub mod draws;
mod epoch;
mod error;
mod evaluate;
mod explain;
mod fit;
mod kinks;
mod later;
mod loo;
mod noise;
pub mod objective;
pub mod optim;
mod pareto;
mod posterior;
mod precision;
mod profile;
mod response;
mod sample;
mod simulate;
mod single;
mod start;
#[cfg(test)]
mod tests;
mod verdict;

pub use divergence::divergence;
pub use evaluate::{Evaluator, Outside};
pub use explain::explain_non_finite;
pub use fit::{Fit, FitParams, Method, Options, Seconds, fit};
pub use loo::Loo;
pub use optim::{Progress, Stop};
pub use pareto::{log_sum_exp, smooth_weights};
pub use posterior::{Posterior, Quantity, moments, quantile};
pub use precision::MonteCarlo;
pub use profile::{KernelShare, Profile, StatementShare, profile};
pub use sample::Estimate;
pub use simulate::{Told, Watch, simulate};
pub use start::StartSettings;
