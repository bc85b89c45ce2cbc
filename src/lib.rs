//! elbo: a probabilistic programming language fitted by variational inference.

pub mod diag;
pub mod special;
pub mod syntax;
