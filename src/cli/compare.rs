//! `elbo compare`: saved fits of the same observations beside each other.

use super::progress::Phases;
use super::streams::{Exit, Result, note, print, print_json};
use crate::api::{Error, Fit};
use crate::data::Data;
use crate::diag::Diagnostic;
use crate::infer::Loo;
use crate::output::grid;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Compares saved fits of the same observations
///
/// By the ELBO, a lower bound of the log evidence, and by how well each would predict an observation that it had not seen: the
/// expected log predictive density of leave-one-out cross-validation. The best is first.
#[derive(Args)]
#[command(after_help = "Example:\n  elbo compare pooled.elbo partial.elbo separate.elbo")]
pub(super) struct Compare {
    /// Files that `elbo fit --save` has written
    #[arg(required = true, num_args = 1.., value_name = "FIT")]
    fits: Vec<PathBuf>,

    /// Prints one JSON object instead of the table
    #[arg(long)]
    pub(super) json: bool,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl Compare {
    pub(super) fn run(&self) -> Result<Exit> {
        let silent = self.quiet || self.json;
        let phases = Phases::new(!silent);
        let mut rows = Vec::new();
        for path in &self.fits {
            let name = path.display().to_string();
            phases.begin(format!("comparing {name}"));
            let fit = Fit::load(path)?.watched(phases.count());
            rows.push(Row::new(name, &fit)?);
        }
        drop(phases);
        same_observations(&rows)?;
        rows.sort_by(Row::by_prediction);
        match self.json {
            true => print_json(&object(&rows))?,
            false => print(&text(&rows))?,
        }
        if !silent {
            tell_doubts(&rows);
        }
        Ok(match rows.iter().all(|r| r.converged) {
            true => Exit::Good,
            false => Exit::Untrusted,
        })
    }
}

/// What is compared of a fit.
#[derive(Clone)]
pub(super) struct Row {
    name: String,
    elbo: crate::infer::Estimate,
    converged: bool,
    loo: Loo,
    observed: Data,
}

impl Row {
    pub(super) fn new(name: String, fit: &Fit) -> std::result::Result<Row, Error> {
        let log_likelihood = fit.log_likelihood()?;
        let mut observed = Data::default();
        for quantity in &log_likelihood {
            if let Some(entry) = fit.data().get(&quantity.name) {
                observed.insert(&quantity.name, entry.values.clone());
            }
        }
        Ok(Row {
            name,
            elbo: fit.elbo(),
            converged: fit.converged(),
            loo: Loo::new(&log_likelihood),
            observed,
        })
    }
}

impl Row {
    /// The best first.
    pub(super) fn by_prediction(&self, other: &Row) -> std::cmp::Ordering {
        other.loo.elpd.total_cmp(&self.loo.elpd)
    }
}

/// What fits say of other observations cannot be compared.
pub(super) fn same_observations(rows: &[Row]) -> std::result::Result<(), Error> {
    let Some((first, others)) = rows.split_first() else {
        return Ok(());
    };
    match others.iter().find(|r| r.observed != first.observed) {
        None => Ok(()),
        Some(other) => {
            let names = |row: &Row| row.observed.names().collect::<Vec<_>>().join(", ");
            let message = format!(
                "{} and {} are not of the same observations ({} and {})",
                first.name,
                other.name,
                names(first),
                names(other)
            );
            let help = "fit both models to the same data; densities of different data, also of transformed ones, have nothing in common";
            let problem = Diagnostic::error("E0632", message).help(help);
            Err(problem.into())
        }
    }
}

pub(super) fn text(rows: &[Row]) -> String {
    let head = [
        "",
        "ELBO",
        "± se",
        "elpd",
        "± se",
        "less than best",
        "± se",
        "parameters",
        "k > 0.7",
    ];
    let mut lines = Vec::new();
    for row in rows {
        let (less, se) = row.loo.difference(&rows[0].loo);
        let number = |x: f64| format!("{x:.2}");
        lines.push(vec![
            row.name.clone(),
            number(row.elbo.mean),
            number(row.elbo.se),
            number(row.loo.elpd),
            number(row.loo.se),
            number(less),
            number(se),
            number(row.loo.parameters),
            row.loo.untrusted().to_string(),
        ]);
    }
    grid(&head, &lines) + "\n"
}

fn object(rows: &[Row]) -> serde_json::Value {
    let object = |row: &Row| {
        let (less, se) = row.loo.difference(&rows[0].loo);
        json!({
            "fit": row.name,
            "elbo": {"mean": row.elbo.mean, "se": row.elbo.se},
            "converged": row.converged,
            "elpd": {"mean": row.loo.elpd, "se": row.loo.se},
            "less_than_best": {"mean": less, "se": se},
            "parameters": row.loo.parameters,
            "untrusted": row.loo.untrusted(),
        })
    };
    json!({"fits": rows.iter().map(object).collect::<Vec<_>>()})
}

/// What keeps the numbers from being believed.
pub(super) fn tell_doubts(rows: &[Row]) {
    for row in rows {
        if !row.converged {
            note(&format!(
                "{} did not converge, or is not to be trusted",
                row.name
            ));
        }
        let (bad, all) = (row.loo.untrusted(), row.loo.pointwise.len());
        if bad > 0 {
            note(&format!(
                "{}: {bad} of {all} observations weigh so much that leaving them out cannot be told from these draws (k > 0.7)",
                row.name
            ));
        }
    }
}
