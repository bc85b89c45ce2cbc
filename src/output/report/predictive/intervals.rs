//! Each observed value against the interval of its replications.

use super::super::axis::{Axis, range};
use super::super::plot::{Layer, Marks, Plot, Points, Role};
use super::super::select::spread;
use super::Sample;
use crate::infer::quantile;
use maud::{Markup, html};

/// The most values that are drawn.
const MOST: usize = 60;

/// Some observed values, by index, with their replications.
#[derive(Default)]
struct Compared {
    observed: Points,
    medians: Points,
    intervals: Vec<(f64, f64, f64)>,
    /// Observed values in their intervals.
    inside: usize,
}

pub(super) fn check(sample: &Sample) -> Markup {
    let compared = compare(sample);
    let (inside, drawn) = (compared.inside, compared.observed.len());
    html! {
        figure {
            figcaption {
                "Replications by index, medians and 90 % intervals: " (inside) " of "
                @if drawn < sample.places.len() { "the " (drawn) " drawn of " (sample.places.len()) }
                @else { (drawn) }
                " observed lie inside"
            }
            @match plot(sample, compared) {
                Some(plot) => (plot.draw()),
                None => p.note { "The values have no axis that shows them." },
            }
        }
    }
}

fn compare(sample: &Sample) -> Compared {
    let mut compared = Compared::default();
    for k in spread(sample.places.len(), MOST) {
        let place = sample.places[k];
        let (index, value) = (place as f64 + 1.0, sample.observed[place]);
        compared.observed.push((index, value));
        let draws = sample.draws.iter().map(|draw| draw[place]);
        let mut draws: Vec<f64> = draws.filter(|x| x.is_finite()).collect();
        if draws.is_empty() {
            continue;
        }
        let [low, middle, high] = [0.05, 0.5, 0.95].map(|p| quantile(&mut draws, p));
        compared.medians.push((index, middle));
        compared.intervals.push((index, low, high));
        compared.inside += usize::from((low..=high).contains(&value));
    }
    compared
}

fn plot(sample: &Sample, compared: Compared) -> Option<Plot> {
    let ends = compared.intervals.iter().flat_map(|i| [i.1, i.2]);
    let y = Axis::around(compared.observed.iter().map(|p| p.1).chain(ends))?;
    // Room at the ends, for a single value too.
    let (first, last) = range(compared.observed.iter().map(|p| p.0));
    let x = Axis::new(first - 0.7, last + 0.7)?;
    let title = format!(
        "Intervals of {} by index, with observed values",
        sample.name
    );
    let index = match sample.shape.len() {
        0 | 1 => "index",
        _ => "element, row by row",
    };
    Some(Plot {
        title,
        size: (400, 200),
        x: x.labelled(index),
        y,
        layers: vec![
            Layer(Role::Replicated, 1.0, Marks::Intervals(compared.intervals)),
            Layer(Role::Replicated, 1.0, Marks::Dots(compared.medians)),
            Layer(Role::Observed, 1.0, Marks::Rings(compared.observed)),
        ],
    })
}
