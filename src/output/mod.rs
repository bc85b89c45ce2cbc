//! A fit's results turned into tables, CSV and JSON, and a program's dependencies into drawings.
//!
//! The stage is handed plain structs of numbers and names and knows nothing of models, guides or
//! optimisers; [`graph`] alone is handed a checked program. Every writer takes a `&mut dyn io::Write`; only `folder` touches the disk. A
//! new kind of file is one file here and one row of `folder::FILES`, a new form of export one of [`export::FORMATS`].

#[cfg(feature = "report")]
mod cells;
mod draws;
mod error;
pub mod export;
mod folder;
pub mod graph;
mod json;
mod number;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "cli")]
mod states;
mod summary;
mod summary_csv;
#[cfg(feature = "cli")]
mod table;
mod trace;

#[cfg(test)]
mod tests;

pub use crate::infer::{Estimate, Posterior, Quantity, Seconds};
pub use draws::write_draws;
pub use folder::{make_folder, replace_file, write_folder};
pub use json::{messages, summary_json, write_fit_json, write_json};
#[cfg(feature = "report")]
pub use number::duration;
#[cfg(feature = "cli")]
pub use states::{StatesRow, states_table};
pub use summary::{Summary, summarise};
pub use summary_csv::write_summary;
#[cfg(feature = "cli")]
pub use table::{TableOptions, grid, table, wants_colour};
pub use trace::{TracePoint, write_trace};

use crate::diag::Diagnostic;

/// What is to be told of a run besides its posterior.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The model's name or file.
    pub model: String,
    pub seed: u64,
    /// `None` if there was nothing to estimate it from.
    pub elbo: Option<Estimate>,
    pub converged: bool,
    pub steps: usize,
    pub seconds: Seconds,
    /// What the fit says about itself.
    pub messages: Vec<Diagnostic>,
    /// Settings in the order in which they are to be shown.
    pub settings: Vec<(String, serde_json::Value)>,
}

/// Everything that can be written about a fit.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    pub posterior: &'a Posterior,
    pub summaries: &'a [Summary],
    pub run: &'a Run,
    pub trace: &'a [TracePoint],
}
