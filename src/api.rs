//! What embedders are promised: a [`Program`] bound to [`Data`] is a [`Model`], a model is fitted, and of a [`Fit`] anything can
//! be asked: its draws, expressions of them, predictions, the log likelihood.
//!
//! ```
//! use elbo::{Data, Options, Program};
//! let program = Program::parse("data y: int[N]\np ~ Beta(1, 1)\ny ~ Bernoulli(p)")?;
//! let mut data = Data::default();
//! data.insert("y", [1.0, 0.0, 1.0, 1.0]);
//! let fit = program.bind(&data)?.fit(&Options::default())?;
//! let mean = fit.posterior()["p"].mean()[0];
//! assert!((mean - 2.0 / 3.0).abs() < 0.03); // four standard errors of 1000 draws are 0.023
//! # Ok::<(), elbo::Error>(())
//! ```

mod density;
mod error;
mod evaluate;
mod export;
mod fit;
mod host;
mod likelihood;
mod model;
#[cfg(feature = "nuts")]
mod nuts;
mod predict;
mod program;
mod saved;
mod simulate;
mod states;

pub use density::LogDensity;
pub use error::Error;
pub use fit::Fit;
pub use host::{Host, HostFunction};
pub use model::Model;
#[cfg(feature = "nuts")]
pub use nuts::NoDensity;
pub use predict::{Prediction, Predictive};
pub use program::Program;
pub use simulate::Simulated;
pub use states::States;
