//! Turns a model and a guide into a function to minimise, compiled with its derivatives.

mod elbo;
mod team;

pub use elbo::{Elbo, FixedDraws, FreshDraws};
pub(crate) use elbo::{Inputs, add_outputs, fill};
