//! The distribution of single elements, and under it that of their prior.

use super::super::Posterior;
use super::axis::{Axis, range};
use super::density::{Bins, density};
use super::plot::{Layer, Marks, Plot, Points, Role};
use super::select::{Element, choose};
use super::{Report, counted, prose};
use crate::infer::quantile;
use crate::output::cells::Digits;
use maud::{Markup, html};

/// The most elements that are drawn.
const MOST: usize = 24;
/// Axes hold all draws but this share at either end.
const TAIL: f64 = 0.003;
/// How far an axis reaches out to show the prior, in widths of the posterior.
const REACH: f64 = 0.4;
/// The most bars of whole numbers.
const BARS: usize = 40;

pub(super) fn section(report: &Report) -> Option<Markup> {
    let (elements, all) = choose(&report.results, MOST);
    let prior_of = |e: &Element| report.prior.and_then(|prior| prior_draws(prior, e));
    let drawn: Vec<(Element, Option<Vec<f64>>)> =
        elements.iter().map(|e| (*e, prior_of(e))).collect();
    let (any, every) = (
        drawn.iter().any(|d| d.1.is_some()),
        drawn.iter().all(|d| d.1.is_some()),
    );
    let section = html! {
        p.legend {
            span.key.area { "posterior" }
            @if any { " " span.key.dashed { "prior" @if !every { ", where it can be drawn" } } }
        }
        @if let Some(why) = report.missing.prior {
            p.note { "The prior is not beside it, since it cannot be drawn from: " (prose(why)) "." }
        }
        div.grid {
            @for (element, prior) in &drawn {
                figure {
                    figcaption { code { (element.name()) } }
                    (marginal(element, prior.as_deref()))
                }
            }
        }
        @if drawn.len() < all {
            p.note { (all - drawn.len()) " more not drawn: of long arrays the first elements are." }
        }
    };
    (!drawn.is_empty()).then_some(section)
}

/// The draws of the same element from the prior.
fn prior_draws(prior: &Posterior, element: &Element) -> Option<Vec<f64>> {
    let Element { quantity, index } = element;
    let same = prior
        .quantities
        .iter()
        .find(|q| q.name == quantity.name && q.shape == quantity.shape)?;
    let draws = same.column(*index);
    (!draws.is_empty()).then_some(draws)
}

fn marginal(element: &Element, prior: Option<&[f64]>) -> Markup {
    let mut draws = element.draws();
    let taken = draws.len();
    draws.retain(|x| x.is_finite());
    let lost = taken - draws.len();
    let title = format!("Marginal distribution of {}", element.name());
    let integer = element.quantity.integer;
    let (low, high) = range(draws.iter().copied());
    let plot = match integer {
        _ if low >= high => None,
        true => bars(title, &draws, prior),
        false => curves(title, &mut draws, prior),
    };
    html! {
        @match plot {
            Some(plot) => (plot.draw()),
            None => p.note { (in_words(&draws, integer)) },
        }
        @if lost > 0 { p.note { (counted(lost, "draw")) " not finite." } }
    }
}

/// What is said of draws that have no width.
fn in_words(draws: &[f64], integer: bool) -> String {
    let number = |x: f64| Digits::of(x, f64::NAN, [x; 3]).write_value(x, integer);
    match range(draws.iter().copied()) {
        _ if draws.is_empty() => "No draw is finite.".into(),
        (low, high) if low == high && draws.len() == 1 => {
            format!("The one draw is {}.", number(low))
        }
        (low, high) if low == high => format!("All {} draws are {}.", draws.len(), number(low)),
        (low, high) => format!(
            "Draws from {} to {}: no axis shows them.",
            number(low),
            number(high)
        ),
    }
}

fn curves(title: String, draws: &mut [f64], prior: Option<&[f64]>) -> Option<Plot> {
    let (low, high) = (quantile(draws, TAIL), quantile(draws, 1.0 - TAIL));
    let (low, high) = if low < high {
        (low, high)
    } else {
        range(draws.iter().copied())
    };
    let mut ends = vec![low, high];
    if let Some(prior) = prior {
        let mut prior: Vec<f64> = prior.iter().copied().filter(|x| x.is_finite()).collect();
        let reach = REACH * (high - low);
        ends.push(quantile(&mut prior, TAIL).clamp(low - reach, high));
        ends.push(quantile(&mut prior, 1.0 - TAIL).clamp(low, high + reach));
    }
    let x = Axis::around(ends)?;
    let posterior = density(draws, (x.low, x.high));
    let prior = prior.map_or(Points::new(), |prior| density(prior, (x.low, x.high)));
    let y = Axis::from_zero(posterior.iter().chain(&prior).map(|p| p.1))?.hidden();
    let layers = vec![
        Layer(Role::Posterior, 0.22, Marks::Area(posterior.clone())),
        Layer(Role::Posterior, 1.0, Marks::Line(posterior)),
        Layer(Role::Prior, 1.0, Marks::Line(prior)),
    ];
    Some(Plot {
        title,
        size: (300, 150),
        x,
        y,
        layers,
    })
}

fn bars(title: String, draws: &[f64], prior: Option<&[f64]>) -> Option<Plot> {
    let bins = Bins::of(draws.iter().copied(), BARS)?;
    let shares = |draws: &[f64]| -> Vec<f64> {
        let counts = bins.counts(draws.iter().copied());
        counts.iter().map(|c| c / draws.len() as f64).collect()
    };
    let posterior = shares(draws);
    let prior: Points = prior.map_or(Points::new(), |p| bins.middles().zip(shares(p)).collect());
    let highest = prior.iter().map(|p| p.1).chain(posterior.iter().copied());
    let y = Axis::from_zero(highest)?.hidden();
    let x = bins.axis()?;
    let layers = vec![
        Layer(Role::Posterior, 0.5, Marks::Bars(bins.bars(&posterior))),
        Layer(Role::Prior, 1.0, Marks::Line(prior.clone())),
        Layer(Role::Prior, 1.0, Marks::Dots(prior)),
    ];
    Some(Plot {
        title,
        size: (300, 150),
        x,
        y,
        layers,
    })
}
