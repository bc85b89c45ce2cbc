//! elbo: a probabilistic programming language fitted by variational inference.

mod api;
pub mod autodiff;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod diag;
pub mod dist;
pub mod functions;
pub mod graph;
pub mod guide;
pub mod infer;
pub mod lower;
pub mod model;
pub mod ops;
pub mod output;
pub mod passes;
pub mod special;
pub mod syntax;
pub mod tape;
pub mod transform;
pub mod types;

pub use api::{Error, Program};
pub use data::Data;
