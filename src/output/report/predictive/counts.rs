//! How often each whole number occurs, on a scale of square roots: a rootogram (Kleiber and Zeileis, Am. Stat. 70, 2016).

use super::super::axis::Axis;
use super::super::density::Bins;
use super::super::plot::{Layer, Marks, Plot, Role};
use super::Sample;
use crate::infer::quantile;
use maud::{Markup, html};

/// The most bars.
const BARS: usize = 40;

pub(super) fn check(sample: &Sample) -> Markup {
    let observed = sample.values();
    let highest = sample
        .draws
        .iter()
        .map(|draw| sample.of(draw))
        .map(|mut draw| quantile(&mut draw, 0.99));
    let bins = Bins::of(observed.iter().copied().chain(highest), BARS);
    let plot = bins.as_ref().and_then(|bins| plot(sample, &observed, bins));
    html! {
        figure {
            figcaption {
                "How often each value occurs: bars observed, lines 90 % of replications"
                @if let Some(bins) = &bins { @if bins.width() > 1.0 { ", in bins of " (bins.width()) } }
            }
            @match plot {
                Some(plot) => (plot.draw()),
                None => p.note { "The values have no axis that shows them." },
            }
        }
    }
}

fn plot(sample: &Sample, observed: &[f64], bins: &Bins) -> Option<Plot> {
    let roots = |values: &[f64]| -> Vec<f64> {
        let counts = bins.counts(values.iter().copied());
        counts.into_iter().map(f64::sqrt).collect()
    };
    let bars = roots(observed);
    let replicated: Vec<Vec<f64>> = sample
        .draws
        .iter()
        .map(|draw| roots(&sample.of(draw)))
        .collect();
    let (mut medians, mut intervals) = (Vec::new(), Vec::new());
    for (i, x) in bins.middles().enumerate() {
        let mut heights: Vec<f64> = replicated.iter().map(|r| r[i]).collect();
        let [low, middle, high] = [0.05, 0.5, 0.95].map(|p| quantile(&mut heights, p));
        medians.push((x, middle));
        intervals.push((x, low, high));
    }
    let heights = bars.iter().copied().chain(intervals.iter().map(|i| i.2));
    Some(Plot {
        title: format!("Rootogram of {}, observed and replicated", sample.name),
        size: (400, 200),
        x: bins.axis()?.labelled("value"),
        y: Axis::from_zero(heights)?.labelled("√count"),
        layers: vec![
            Layer(Role::Observed, 0.25, Marks::Bars(bins.bars(&bars))),
            Layer(Role::Replicated, 1.0, Marks::Intervals(intervals)),
            Layer(Role::Replicated, 1.0, Marks::Dots(medians)),
        ],
    })
}
