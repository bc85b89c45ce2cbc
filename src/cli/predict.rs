//! `elbo predict`: what a saved fit says of its own data, or of new ones.

use super::fit::whole;
use super::input::read;
use super::progress::Phases;
use super::streams::{Exit, Failure, Result, note, print, print_json};
use crate::api::{Fit, Prediction, Predictive};
use crate::diag::{Diagnostic, Sources};
use crate::infer::{Quantity, log_sum_exp};
use crate::output::{TableOptions, summarise, summary_json, table};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Predicts: draws of what is observed, given a saved fit
///
/// Without data replicates of those that were fitted, to be held against them; with new data predictions for these. What new data
/// leave out is as in the fit, but for what is observed, which is predicted. Latents of a label's levels are those of the fit
/// where names are the same, and drawn from their distribution where a level is new.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo predict schools.elbo                       replicates, and the log predictive density of the data
  elbo predict line.elbo --set x=[10,20]          at new points
  elbo predict schools.elbo --data new.json --new J    the schools are others
  elbo predict series.elbo --set T=120 --extend T      the series goes on
  elbo predict line.elbo --data new.csv --json")]
pub(super) struct Predict {
    /// A file that `elbo fit --save` has written
    fit: PathBuf,

    /// What to show besides what is observed: names of latents or definitions, or `all`
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// New data, as for `elbo fit`
    #[arg(short, long = "data", value_name = "FILE")]
    data: Vec<PathBuf>,

    /// Sets one value of the new data
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// A dimension whose elements are others than those of the fit
    #[arg(long = "new", value_name = "DIM")]
    new: Vec<String>,

    /// A dimension whose first elements are those of the fit: a series goes on
    #[arg(long, value_name = "DIM")]
    extend: Vec<String>,

    /// Observed data whose values stay, so that only missing ones are drawn
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,

    /// Names the random numbers: the same seed gives the same predictions
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Threads; the results do not depend on it [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = |text: &str| whole(text, 1, 1024))]
    threads: Option<u64>,

    /// Prints one JSON object instead of the table
    #[arg(long)]
    pub(super) json: bool,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl Predict {
    pub(super) fn run(&self) -> Result<Exit> {
        let silent = self.quiet || self.json;
        let phases = Phases::new(!silent);
        phases.begin("reading the fit");
        let fit = Fit::load(&self.fit)?.watched(phases.count());
        let mut sources = Sources::default();
        let data = read(fit.program(), &self.data, &self.set, u64::MAX, &mut sources)?;
        let how = Predictive {
            new: self.new.clone(),
            extend: self.extend.clone(),
            keep: self.keep.clone(),
            seed: self.seed,
            threads: self.threads.map_or_else(super::fit::cores, |n| n as usize),
        };
        phases.begin("predicting");
        let prediction = fit.predict_with(&data, &how)?;
        self.expect_names(&prediction)?;
        phases.begin("summarising");
        let summaries = summarise(&self.wanted(&prediction));
        let densities = densities(&prediction.log_likelihood, fit.posterior().draws);
        drop(phases);
        if self.json {
            let densities: serde_json::Map<_, _> = densities
                .into_iter()
                .map(|(name, lpd, _)| (name, lpd.into()))
                .collect();
            let object = json!({"predictive": summary_json(&summaries), "log_predictive_density": densities});
            print_json(&object)?;
            return Ok(Exit::of(&fit, silent));
        }
        if summaries.is_empty() && !silent {
            note(
                "the program observes nothing, so there is nothing to predict: name a latent or a definition",
            );
        }
        if !summaries.is_empty() {
            let options = TableOptions {
                how_to_see_all: "`--json` prints all of them".into(),
                ..TableOptions::for_stdout()
            };
            print(&format!("{}\n", table(&summaries, &options)))?;
        }
        for (name, lpd, count) in densities {
            print(&format!(
                "\nlog predictive density of `{name}` as given: {lpd:.2} ({count} values)\n"
            ))?;
        }
        Ok(Exit::of(&fit, silent))
    }

    /// That there is something of each name.
    fn expect_names(&self, prediction: &Prediction) -> Result<()> {
        let made = prediction.observed.iter().chain(&prediction.latents);
        let known: Vec<&str> = made.map(|q| q.name.as_str()).chain(["all"]).collect();
        let unknown = self.names.iter().filter(|n| !known.contains(&n.as_str()));
        let problem = |name: &String| {
            let message = format!("nothing that the program draws is called `{name}`");
            Diagnostic::error("E0638", message)
                .suggest(name, known.iter().copied())
                .or_help(format!("there are {}", known.join(", ")))
        };
        let problems: Vec<_> = unknown.map(problem).collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage(problems, &Sources::default())),
        }
    }

    /// What is observed, and what is asked for.
    fn wanted(&self, prediction: &Prediction) -> Vec<Quantity> {
        let asked = |q: &&Quantity| {
            let all = self.names.iter().any(|name| name == "all");
            all || self.names.contains(&q.name)
        };
        let latents = prediction.latents.iter().filter(asked);
        prediction.observed.iter().chain(latents).cloned().collect()
    }
}

/// For each observed array `Σ log mean p(y | draw)` over its elements, and how many these are.
fn densities(log_likelihood: &[Quantity], draws: usize) -> Vec<(String, f64, usize)> {
    let of = |quantity: &Quantity| {
        let mut each: Vec<f64> = Vec::new();
        quantity.each_column(|column| {
            if column.iter().all(|x| !x.is_nan()) {
                each.push(log_sum_exp(column) - (draws as f64).ln());
            }
        });
        (quantity.name.clone(), each.iter().sum(), each.len())
    };
    log_likelihood.iter().map(of).collect()
}
