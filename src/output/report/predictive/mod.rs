//! Posterior predictive checks: what was observed beside replications of it.
//!
//! A check is a file here and a line in [`checks`].

mod counts;
mod curves;
mod intervals;
mod statistics;

use super::{Predictive, Report, counted, prose};
use maud::{Markup, html};

/// The most arrays that are checked.
const MOST: usize = 8;

pub(super) fn section(report: &Report) -> Option<Markup> {
    if let Some(why) = report.missing.replicates {
        return Some(
            html! { p { "There are none, since the data cannot be replicated: " (prose(why)) "." } },
        );
    }
    let left = report.predictive.len().saturating_sub(MOST);
    let section = html! {
        p.note {
            "If the model is right, what was observed looks like one more of the replications, which are drawn from the model
            with latents from the fitted posterior."
        }
        @for predictive in report.predictive.iter().take(MOST) {
            h3 { code { (predictive.name) } }
            (checks(predictive))
        }
        @if left > 0 { p.note { (counted(left, "further array")) " not checked." } }
    };
    (!report.predictive.is_empty()).then_some(section)
}

fn checks(predictive: &Predictive) -> Markup {
    let sample = Sample::new(predictive);
    let missing = predictive.observed.len() - sample.places.len();
    if sample.places.is_empty() || sample.draws.is_empty() {
        let what = if sample.draws.is_empty() {
            "replicated"
        } else {
            "observed"
        };
        return html! { p.note { "Nothing is " (what) "." } };
    }
    html! {
        p.legend {
            span.key.observed { "observed" } " "
            span.key.replicated { "replicated" }
        }
        div.grid.wide {
            @if sample.integer { (counts::check(&sample)) } @else { (curves::check(&sample)) }
            (intervals::check(&sample))
        }
        (statistics::check(&sample))
        @if missing > 0 { p.note { (counted(missing, "value")) " without an observation left out." } }
    }
}

/// Observed values with their replications.
struct Sample<'a> {
    name: &'a str,
    shape: &'a [usize],
    integer: bool,
    /// The whole array.
    observed: &'a [f64],
    /// Where in it something finite was observed.
    places: Vec<usize>,
    /// The whole array in each draw.
    draws: Vec<&'a [f64]>,
}

impl<'a> Sample<'a> {
    fn new(p: &Predictive<'a>) -> Sample<'a> {
        let observed = p.observed.iter().enumerate();
        Sample {
            name: p.name,
            shape: p.shape,
            integer: p.integer,
            observed: p.observed,
            places: observed
                .filter(|(_, x)| x.is_finite())
                .map(|(i, _)| i)
                .collect(),
            draws: p.replicated.chunks_exact(p.observed.len().max(1)).collect(),
        }
    }

    /// What was observed, where it was.
    fn values(&self) -> Vec<f64> {
        self.of(self.observed)
    }

    /// A draw where there are observations.
    fn of(&self, draw: &[f64]) -> Vec<f64> {
        self.places.iter().map(|&i| draw[i]).collect()
    }
}
