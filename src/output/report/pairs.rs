//! Elements against each other: the few that are most correlated, where that is more than chance.

use super::axis::Axis;
use super::plot::{Layer, Marks, Plot, Role};
use super::select::{Element, choose, spread};
use super::{Report, counted, head, name};
use crate::infer::quantile;
use crate::output::cells::Digits;
use maud::{Markup, html};

/// Elements among which correlations are looked for.
const AMONG: usize = 48;
/// The most rows and columns.
const MOST: usize = 5;
/// The most draws in one plot.
const DOTS: usize = 250;
/// The share of draws beyond either end.
const TAIL: f64 = 0.005;
/// A correlation beyond this means that one is computed from the other.
const COPY: f64 = 0.9999;

/// An element with its draws.
struct Column<'a> {
    element: Element<'a>,
    draws: Vec<f64>,
    /// Of the middle of the draws.
    ends: [f64; 2],
    /// With some room around the ends.
    axis: Axis,
}

pub(super) fn section(report: &Report) -> Option<Markup> {
    let (elements, all) = choose(&report.results, AMONG);
    let columns: Vec<Column> = elements.iter().filter_map(Column::of).collect();
    let mut pairs = pairs(&columns);
    if pairs.is_empty() {
        return None;
    }
    let draws = report.results.posterior.draws;
    let noise = noise(draws, pairs.len());
    pairs.retain(|pair| pair.0 > noise);
    let chosen = chosen(pairs, &columns);
    let among = match elements.len() < all {
        true => format!(
            "the {} elements looked at, of {all} in all,",
            elements.len()
        ),
        false => format!("the {all} elements"),
    };
    Some(match chosen.is_empty() {
        true => html! {
            p {
                "No two of " (among) " are noticeably correlated: in " (counted(draws, "draw"))
                " correlations up to " (format!("{noise:.2}")) " come about by chance. " (of_guide(report))
            }
        },
        false => html! {
            p.note {
                "Below the diagonal draws, above it correlations. The range under a name holds the middle 99 % of its draws. "
                @if chosen.len() < all { "Shown are the " (chosen.len()) " that are most correlated of " (among) ". " }
                (of_guide(report))
            }
            (matrix(&chosen))
        },
    })
}

/// What correlations tell, by the family of the guide.
fn of_guide(report: &Report) -> &'static str {
    let mean_field = |(name, value): (&str, String)| name == "guide" && value == "mean_field";
    match head::settings(report.results.run).any(mean_field) {
        true => {
            "A mean-field guide draws each latent number on its own and has no correlations at all between them, whatever \
             the posterior has; only what is computed from several can be correlated."
        }
        false => {
            "Correlations are those of the guide, which may leave out some that the posterior has."
        }
    }
}

fn matrix(chosen: &[&Column]) -> Markup {
    html! {
        div.pairs style=(format!("--n:{}", chosen.len())) {
            @for (i, a) in chosen.iter().enumerate() {
                @for (j, b) in chosen.iter().enumerate() {
                    @if i == j { (diagonal(a)) }
                    @else if i < j { (coefficient(correlation(&a.draws, &b.draws))) }
                    @else { div { (scatter(b, a)) } }
                }
            }
        }
    }
}

impl<'a> Column<'a> {
    /// `None` where a draw is not finite or all are equal.
    fn of(element: &Element<'a>) -> Option<Column<'a>> {
        let draws = element.draws();
        let mut sorted = draws.clone();
        let ends = [TAIL, 1.0 - TAIL].map(|p| quantile(&mut sorted, p));
        let axis = Axis::around(ends)?.hidden();
        let finite = draws.iter().all(|x| x.is_finite());
        finite.then_some(Column {
            element: *element,
            draws,
            ends,
            axis,
        })
    }
}

/// The size of a correlation with the two columns that have it.
type Pair = (f64, usize, usize);

/// All pairs; of columns that are copies of each other the first.
fn pairs(columns: &[Column]) -> Vec<Pair> {
    let mut distinct: Vec<usize> = Vec::new();
    let mut pairs = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let with = |&j: &usize| (correlation(&column.draws, &columns[j].draws).abs(), j, i);
        let found: Vec<Pair> = distinct.iter().map(with).collect();
        if found.iter().all(|(r, ..)| *r < COPY) {
            distinct.push(i);
            pairs.extend(found);
        }
    }
    pairs
}

/// What correlations of independent draws hardly ever exceed: three standard errors of Fisher's z of a single pair, and
/// more of many, of which some are large by chance.
fn noise(draws: usize, pairs: usize) -> f64 {
    let errors = (9.0 + 2.0 * (pairs as f64).ln()).sqrt();
    (errors / (draws as f64 - 3.0).max(1.0).sqrt()).tanh()
}

/// The columns of the largest correlations, in their order.
fn chosen<'a, 'b>(mut pairs: Vec<Pair>, columns: &'b [Column<'a>]) -> Vec<&'b Column<'a>> {
    // Equal correlations stay in the order of the columns.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut chosen: Vec<usize> = Vec::new();
    for (_, i, j) in pairs {
        let new: Vec<usize> = [i, j].into_iter().filter(|k| !chosen.contains(k)).collect();
        if chosen.len() + new.len() <= MOST {
            chosen.extend(new);
        }
    }
    chosen.sort_unstable();
    chosen.iter().map(|&i| &columns[i]).collect()
}

/// Pearson's, 0 where it is not defined.
fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let scaled = |v: &[f64]| -> Vec<f64> {
        let mean = v.iter().map(|x| x / n).sum::<f64>();
        let off = v.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
        v.iter().map(|x| (x - mean) / off).collect()
    };
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let (x, y) = (scaled(x), scaled(y));
    let r = dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt();
    if r.is_finite() { r } else { 0.0 }
}

fn diagonal(column: &Column) -> Markup {
    let [low, high] = column.ends;
    let digits = Digits::of(low, 0.3 * (high - low), [high; 3]);
    html! {
        div.name { code { (name(&column.element.name())) } small { (digits.write(low)) " … " (digits.write(high)) } }
    }
}

/// A correlation, set larger the larger it is.
fn coefficient(r: f64) -> Markup {
    let size = 0.75 + 0.5 * r.abs();
    html! { div.r style=(format!("--size:{size:.2}")) { (format!("{r:.2}").replace("-0.00", "0.00")) } }
}

fn scatter(x: &Column, y: &Column) -> Markup {
    let places = spread(x.draws.len(), DOTS);
    let dots = places
        .iter()
        .filter_map(|&i| Some((x.draws[i], *y.draws.get(i)?)));
    let dots = dots.filter(|dot| x.axis.contains(dot.0) && y.axis.contains(dot.1));
    let plot = Plot {
        title: format!(
            "Draws of {} (across) and {} (upwards)",
            x.element.name(),
            y.element.name()
        ),
        size: (110, 110),
        x: x.axis.clone(),
        y: y.axis.clone(),
        layers: vec![Layer(Role::Posterior, 0.5, Marks::Specks(dots.collect()))],
    };
    plot.draw()
}
