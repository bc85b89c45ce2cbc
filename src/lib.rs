//! elbo: a probabilistic programming language fitted by variational inference.
//!
//! A program, bound to data, is a model; a model is fitted:
//!
//! ```
//! use elbo::{Data, Program, infer};
//!
//! let program = Program::parse("coin.vi", "data y: int[N]\np ~ Beta(1, 1)\ny ~ Bernoulli(p)")?;
//! let mut data = Data::default();
//! data.insert("y", [1.0, 0.0, 1.0, 1.0]);
//! let model = program.bind(&data)?;
//!
//! let fit = infer::fit(&model, &infer::Options::default(), &mut |_| {}).map_err(|d| d.message)?;
//! assert!(fit.converged);
//! // Three heads of four: the posterior is Beta(4, 2), with mean 2/3.
//! let p = &fit.posterior.quantities[0];
//! let mean = p.iter().sum::<f64>() / p.len() as f64;
//! assert!((mean - 2.0 / 3.0).abs() < 0.03); // four standard errors of 1000 draws are 0.023
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The stages are modules, in the order in which a program goes through them: [`syntax`] (text to
//! tree), [`check`] (names and types), [`lower`] (with [`data`], to a graph: a [`model`]),
//! [`guide`] and [`infer`] (the fit), [`output`]. Below them stands the engine, which knows nothing of
//! probability and can be used by itself:
//!
#![doc = include_str!("../docs/autodiff.md")]

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
pub mod modules;
pub mod ops;
pub mod output;
pub mod passes;
pub mod special;
pub mod syntax;
pub mod tape;
pub mod transform;
pub mod types;

pub use api::{Error, Program, Simulated};
pub use data::Data;
