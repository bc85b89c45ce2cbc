//! elbo: a probabilistic programming language fitted by variational inference.

pub mod autodiff;
pub mod check;
pub mod data;
pub mod diag;
pub mod dist;
pub mod functions;
pub mod graph;
pub mod guide;
pub mod infer;
pub mod model;
pub mod ops;
pub mod output;
pub mod passes;
pub mod special;
pub mod syntax;
pub mod tape;
pub mod transform;
pub mod types;
