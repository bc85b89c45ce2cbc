//! `elbo report`: a saved fit as a page for the browser.

use super::fit::cores;
use super::progress::Phases;
use super::show::choose_rows;
use super::streams::{Exit, Failure, Result, note};
use crate::api::{self, Fit, Prediction};
use crate::data::Data;
use crate::diag::Sources;
use crate::infer::{Posterior, Quantity, divergence};
use crate::output::report::{Predictive, Report as Page, write};
use crate::output::{Results, replace_file, summarise};
use clap::Args;
use std::path::PathBuf;

/// Writes a saved fit as one page: verdict, posterior beside prior, predictive checks, program and data
///
/// The page is a single file that loads nothing, for light and dark screens of any size.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo report schools.elbo                  writes schools.html
  elbo report schools.elbo -o results.html")]
pub(super) struct Report {
    /// A file that `elbo fit --save` has written
    fit: PathBuf,

    /// The file to write [default: the name of the fit, ending in .html]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Names the random numbers of prior and replicates
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

/// Draws of the prior: more than of the posterior, for its tails.
const PRIOR_DRAWS: usize = 4000;

impl Report {
    pub(super) fn run(&self) -> Result<Exit> {
        let phases = Phases::new(!self.quiet);
        phases.begin("reading the fit");
        let fit = Fit::load(&self.fit)?.watched(phases.count());
        let (run, trace) = (fit.run(), fit.trace());
        let mut summaries = summarise(&fit.posterior().quantities);
        choose_rows(&fit, &mut summaries);
        let results = Results {
            posterior: fit.posterior(),
            summaries: &summaries,
            run: &run,
            trace: &trace,
        };
        phases.begin("drawing from the prior");
        let prior = self.prior(&fit);
        phases.begin("replicating");
        let replicated = self.replicated(&fit);
        phases.begin("plotting");
        let observed = observed(&fit, &replicated);
        let title = self
            .fit
            .file_stem()
            .map(|s| s.to_string_lossy())
            .unwrap_or_default();
        let command = format!("elbo fit {} --seed {}", run.model, run.seed);
        let page = Page {
            title: &title,
            results,
            program: fit.program().text(),
            data: described(fit.data()),
            kl: prior
                .as_ref()
                .map_or(Vec::new(), |prior| learned(&fit, prior)),
            prior: prior.as_ref(),
            predictive: beside(&replicated, &observed),
            command: Some(&command),
        };
        let mut html = Vec::new();
        write(&mut html, &page)?;
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| self.fit.with_extension("html"));
        let wrong = |d| Failure::wrong(vec![d], &Sources::default());
        phases.write(|| replace_file(&out, html).map_err(wrong))?;
        drop(phases);
        if !self.quiet {
            note(&format!("{}", out.display()));
        }
        Ok(Exit::Good)
    }

    /// Draws of the prior, where it can be drawn from.
    fn prior(&self, fit: &Fit) -> Option<Posterior> {
        let prior = fit
            .program()
            .prior(fit.data(), PRIOR_DRAWS, self.seed)
            .ok()?;
        Some(Posterior {
            quantities: prior.latents,
            draws: PRIOR_DRAWS,
            ..Posterior::default()
        })
    }

    /// Replicates of the data. Where nothing can be drawn there is no check, and all else is still worth a page.
    fn replicated(&self, fit: &Fit) -> Prediction {
        let how = api::Predictive {
            seed: self.seed,
            threads: cores(),
            ..api::Predictive::default()
        };
        fit.predict_with(&Data::default(), &how).unwrap_or_default()
    }
}

/// What was observed of each array that has replicates; NaN where it was missing.
fn observed(fit: &Fit, replicated: &Prediction) -> Vec<Vec<f64>> {
    let values = |name: &str| {
        let entry = fit.data().get(name)?;
        Some(entry.numbers().ok()?.data.to_vec())
    };
    let of = |q: &Quantity| values(&q.name).unwrap_or_else(|| vec![f64::NAN; q.numel()]);
    replicated.observed.iter().map(of).collect()
}

/// Replicates with what was observed.
fn beside<'a>(replicated: &'a Prediction, observed: &'a [Vec<f64>]) -> Vec<Predictive<'a>> {
    let both = replicated.observed.iter().zip(observed);
    let beside = |(q, observed): (&'a Quantity, &'a Vec<f64>)| Predictive {
        name: &q.name,
        shape: &q.shape,
        observed,
        replicated: &q.draws,
        integer: q.integer,
    };
    both.map(beside).collect()
}

fn described(data: &Data) -> Vec<(String, String)> {
    let entries = data.entries().iter();
    entries
        .map(|e| (e.name.clone(), e.values.describe()))
        .collect()
}

/// How far each element of each latent has come from its prior.
fn learned(fit: &Fit, prior: &Posterior) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    for quantity in fit
        .posterior()
        .quantities
        .iter()
        .filter(|q| fit.is_latent(&q.name))
    {
        let Some(before) = prior
            .get(&quantity.name)
            .filter(|p| p.shape == quantity.shape)
        else {
            continue;
        };
        for k in 0..quantity.numel() {
            let moved = divergence(&quantity.column(k), &before.column(k));
            found.push((quantity.element(k), moved));
        }
    }
    found
}
