//! elbo: a probabilistic programming language fitted by variational inference.

pub mod autodiff;
pub mod diag;
pub mod graph;
pub mod ops;
pub mod passes;
pub mod special;
pub mod syntax;
pub mod tape;
