//! elbo: a probabilistic programming language fitted by variational inference.

pub mod data;
pub mod diag;
pub mod output;
pub mod syntax;
