//! elbo: a probabilistic programming language fitted by variational inference.
//!
#![doc = include_str!("../docs/embedding.md")]
//!
//! # The modules
//!
//! The stages are modules, in the order in which a program goes through them: [`syntax`] (text to
//! tree), [`check`] (names and types), [`lower`] (with [`data`], to a graph: a [`model`]),
//! [`guide`] and [`infer`] (the fit), [`output`]. Below them stands the engine, which knows nothing of
//! probability and can be used by itself:
//!
#![doc = include_str!("../docs/autodiff.md")]
// Kernels alone may: those of operations, special functions, tapes, and of one optimiser.
#![deny(unsafe_code)]

mod api;
pub mod autodiff;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
mod clock;
pub mod data;
pub mod diag;
pub mod dist;
pub mod elimination;
pub mod functions;
pub mod graph;
pub mod guide;
pub mod infer;
pub mod lower;
pub mod model;
pub mod modules;
#[allow(unsafe_code)]
pub mod ops;
pub mod output;
pub mod passes;
#[allow(unsafe_code)]
pub mod special;
pub mod syntax;
#[allow(unsafe_code)]
pub mod tape;
pub mod transform;
pub mod types;

#[cfg(feature = "nuts")]
pub use api::NoDensity;
pub use api::{
    Error, Fit, Host, HostFunction, LogDensity, Model, Prediction, Predictive, Program, Simulated,
    States,
};
pub use data::Data;
pub use infer::Options;
/// Its matrices are taken as [`data`] and given as results.
pub use nalgebra;
