//! A fit's results turned into tables, CSV and JSON, and a program's dependencies into drawings.
//!
//! The stage is handed plain structs of numbers and names and knows nothing of models, guides or
//! optimisers; [`graph`] alone is handed a checked program. Every writer takes a `&mut dyn io::Write`; only `folder` touches the disk. A
//! new kind of file is one file here and one row of `folder::FILES`.

mod draws;
mod error;
mod folder;
pub mod graph;
mod json;
mod number;
mod summary;
mod summary_csv;
#[cfg(feature = "cli")]
mod table;
mod trace;

#[cfg(test)]
mod tests;

pub use draws::write_draws;
pub use folder::{make_folder, replace_file, write_folder};
pub use json::{messages, write_fit_json, write_json};
pub use summary::{Summary, quantile, summarise};
pub use summary_csv::write_summary;
#[cfg(feature = "cli")]
pub use table::{TableOptions, table};
pub use trace::{TracePoint, write_trace};

use crate::diag::Diagnostic;

/// One named array of the posterior, as draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantity {
    pub name: String,
    /// Empty for a scalar.
    pub shape: Vec<usize>,
    /// For each dimension the names of its levels, if it has any.
    pub labels: Vec<Option<Vec<String>>>,
    /// Draws by elements, row-major; the elements of a draw are row-major too.
    pub draws: Vec<f64>,
    /// All values are whole numbers.
    pub integer: bool,
}

/// Draws from the fitted posterior.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Posterior {
    pub quantities: Vec<Quantity>,
    /// How many draws there are.
    pub draws: usize,
    /// Log joint density of the model at each draw, if it was kept.
    pub log_p: Option<Vec<f64>>,
    /// Log density of the guide at each draw, if it was kept.
    pub log_q: Option<Vec<f64>>,
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub se: f64,
}

/// Wall-clock seconds of the parts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Seconds {
    pub compile: f64,
    pub fit: f64,
    pub total: f64,
}

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

impl Quantity {
    /// How many elements one draw has.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }
}
