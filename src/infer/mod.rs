//! Turns a model into a fitted guide: [`fit`] is the whole way.
//!
//! [`objective`] makes model and guide a function to minimise; [`draws`] makes the fixed noise of its
//! deterministic form, [`optim`] goes downhill on any objective, [`control`] decides step sizes,
//! averaging and stopping where it is only seen through noise. The last three know no model, no graph
//! and no guide.

pub mod control;
mod density;
mod deterministic;
pub mod draws;
mod epoch;
mod error;
mod evaluate;
mod explain;
mod fit;
mod kinks;
mod later;
mod noise;
pub mod objective;
pub mod optim;
mod posterior;
mod precision;
mod profile;
mod response;
mod simulate;
mod single;
mod start;
#[cfg(test)]
mod tests;
mod verdict;

pub use evaluate::{Evaluator, Outside};
pub use explain::explain_non_finite;
pub use fit::{Fit, FitParams, Method, Options, Seconds, fit};
pub use optim::{Progress, Stop};
pub use posterior::{Estimate, PosteriorDraws};
pub use precision::MonteCarlo;
pub use profile::{KernelShare, Profile, StatementShare, profile};
pub use simulate::simulate;
pub use start::StartSettings;
