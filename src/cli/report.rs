//! `elbo report`: a saved fit as a page for the browser.

use super::fit::cores;
use super::input::spare;
use super::progress::Phases;
use super::show::choose_rows;
use super::streams::{Exit, Failure, Result, note};
use crate::api::{self, Error, Fit, Prediction};
use crate::check::program::VariableKind;
use crate::data::Data;
use crate::diag::Sources;
use crate::infer::{Posterior, Quantity, divergence};
use crate::output::report::{Missing, Predictive, Report as Page, write};
use crate::output::{Results, Summary, replace_file, summarise};
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
        let out = self.out.clone();
        let out = out.unwrap_or_else(|| self.fit.with_extension("html"));
        spare(&out, [&self.fit])?;
        let phases = Phases::new(!self.quiet);
        phases.begin("reading the fit");
        let fit = Fit::load(&self.fit)?.watched(phases.count());
        let (run, trace) = (fit.run(), fit.trace());
        let mut summaries = summarise(&fit.posterior().quantities);
        choose_rows(&fit, &mut summaries);
        let (params, summaries): (Vec<Summary>, Vec<Summary>) =
            summaries.into_iter().partition(|s| is_param(&fit, &s.name));
        let results = Results {
            posterior: fit.posterior(),
            summaries: &summaries,
            run: &run,
            trace: &trace,
        };
        phases.begin("drawing from the prior");
        let (prior, no_prior) = either(self.prior(&fit));
        phases.begin("replicating");
        let (replicated, no_replicates) = either(self.replicated(&fit));
        let replicated = replicated.unwrap_or_default();
        phases.begin("plotting");
        let observed = observed(&fit, &replicated);
        let title = self
            .fit
            .file_stem()
            .map(|s| s.to_string_lossy())
            .unwrap_or_default();
        let page = Page {
            title: &title,
            results,
            learned: &params,
            program: fit.program().text(),
            data: described(fit.data()),
            kl: prior
                .as_ref()
                .map_or(Vec::new(), |prior| learned(&fit, prior)),
            prior: prior.as_ref(),
            predictive: beside(&replicated, &observed),
            missing: Missing {
                prior: no_prior.as_deref(),
                replicates: no_replicates.as_deref(),
            },
        };
        let mut html = Vec::new();
        write(&mut html, &page)?;
        let wrong = |d| Failure::wrong(vec![d], &Sources::default());
        phases.write(|| replace_file(&out, html).map_err(wrong))?;
        drop(phases);
        if !self.quiet {
            note(&format!("{}", out.display()));
        }
        Ok(Exit::of(&fit, self.quiet))
    }

    /// Draws of the prior, where it can be drawn from.
    fn prior(&self, fit: &Fit) -> std::result::Result<Posterior, Error> {
        let prior = fit.program().prior(fit.data(), self.seed, PRIOR_DRAWS)?;
        Ok(Posterior {
            quantities: prior.latents,
            draws: PRIOR_DRAWS,
            ..Posterior::default()
        })
    }

    /// Replicates of the data.
    fn replicated(&self, fit: &Fit) -> std::result::Result<Prediction, Error> {
        let how = api::Predictive {
            seed: self.seed,
            threads: cores(),
            ..api::Predictive::default()
        };
        fit.predict_with(&Data::default(), &how)
    }
}

/// What there is, or else why there is nothing: without it all else is still worth a page.
fn either<T>(made: std::result::Result<T, Error>) -> (Option<T>, Option<String>) {
    match made {
        Ok(made) => (Some(made), None),
        Err(error) => (None, Some(reason(&error))),
    }
}

/// The first line of what is wrong.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    match error.diagnostics.first() {
        Some(first) => format!("{line} ({})", first.code),
        None => line.into(),
    }
}

fn is_param(fit: &Fit, name: &str) -> bool {
    let variable = fit.program().variable(name);
    variable.is_some_and(|v| v.kind == VariableKind::Param)
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
