//! Turns a model and a guide into a function to minimise, compiled with its derivatives.

mod elbo;
mod rows;
mod team;

pub(crate) use elbo::Inputs;
pub use elbo::{Elbo, FixedDraws, FreshDraws};
pub(crate) use rows::in_order;
