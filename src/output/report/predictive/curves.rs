//! The density of what was observed over those of some replications.

use super::super::axis::Axis;
use super::super::density::density;
use super::super::plot::{Layer, Marks, Plot, Role};
use super::super::select::spread;
use super::{Sample, counted};
use crate::infer::quantile;
use maud::{Markup, html};

/// The most replications that are drawn.
const MOST: usize = 50;
/// The share of replicated values that may lie beyond either end of the axis.
const TAIL: f64 = 0.005;

pub(super) fn check(sample: &Sample) -> Markup {
    let observed = sample.values();
    let chosen = spread(sample.draws.len(), MOST);
    let replicated: Vec<Vec<f64>> = chosen.iter().map(|&i| sample.of(sample.draws[i])).collect();
    let mut all: Vec<f64> = replicated
        .iter()
        .flatten()
        .copied()
        .filter(|x| x.is_finite())
        .collect();
    let ends = [quantile(&mut all, TAIL), quantile(&mut all, 1.0 - TAIL)];
    let plot = Axis::around(observed.iter().copied().chain(ends)).and_then(|x| {
        let range = (x.low, x.high);
        let line =
            |role, opacity, draw: &[f64]| Layer(role, opacity, Marks::Line(density(draw, range)));
        let lines = replicated
            .iter()
            .map(|draw| line(Role::Replicated, 0.35, draw));
        let layers: Vec<Layer> = lines
            .chain([line(Role::Observed, 1.0, &observed)])
            .collect();
        let heights = layers.iter().flat_map(|Layer(.., marks)| match marks {
            Marks::Line(points) => points.iter().map(|p| p.1).collect(),
            _ => vec![],
        });
        let y = Axis::from_zero(heights)?.hidden();
        let title = format!("Densities of {}, observed and replicated", sample.name);
        Some(Plot {
            title,
            size: (400, 200),
            x: x.labelled("value"),
            y,
            layers,
        })
    });
    html! {
        figure {
            figcaption { "Density of observed values, and of " (counted(chosen.len(), "replication")) }
            @match plot {
                Some(plot) => (plot.draw()),
                None => p.note { "Too few different values for a density." },
            }
        }
    }
}
