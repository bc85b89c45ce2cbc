//! The ELBO along the way.

use super::super::TracePoint;
use super::axis::Axis;
use super::plot::{Layer, Marks, Plot, Points, Role};
use super::select::spread;
use super::{Report, counted};
use maud::{Markup, html};

/// The most estimates that are drawn.
const MOST: usize = 500;
/// The most standard errors.
const ERRORS: usize = 60;
/// Where the whole rise is so many times that of the last part, its beginning is cut off.
const STEEP: f64 = 8.0;
/// The least height of the axis in nats, and as a share of the ELBO: what differs by less is the same.
const LEAST: f64 = 1.0;
const DIGITS: f64 = 1e-6;
/// The first estimates that may be cut off, as a share.
const EARLY: f64 = 0.25;

pub(super) fn section(report: &Report) -> Option<Markup> {
    let trace = report.results.trace;
    let last = trace.last()?;
    let mut kept: Vec<TracePoint> = spread(trace.len(), MOST)
        .iter()
        .map(|&i| trace[i])
        .collect();
    if kept.last() != Some(last) {
        kept.push(*last);
    }
    let strange = kept.iter().filter(|p| !p.elbo.is_finite()).count();
    let early = (EARLY * kept.len() as f64) as usize;
    let least = LEAST.max(DIGITS * last.elbo.abs());
    let elbos = |points: &[TracePoint]| Axis::around_at_least(points.iter().map(|p| p.elbo), least);
    let (whole, late) = (elbos(&kept), elbos(&kept[early..]));
    let height = |axis: &Axis| axis.high - axis.low;
    let y = match (whole, late) {
        (Some(whole), Some(late)) if height(&whole) > STEEP * height(&late) => Some(late),
        (whole, _) => whole,
    };
    let x = Axis::around(kept.iter().map(|p| p.step as f64));
    let (Some(x), Some(y)) = (x, y) else {
        return Some(html! {
            p.note { "There is nothing to draw: " (counted(trace.len(), "estimate")) ", the last " (format!("{:.2}", last.elbo)) "." }
        });
    };
    let below = kept
        .iter()
        .filter(|p| p.elbo.is_finite() && !y.contains(p.elbo))
        .count();
    let plot = Plot {
        title: format!("ELBO at {}", counted(kept.len(), "step")),
        size: (400, 200),
        layers: layers(&kept, &y),
        x: x.labelled("step"),
        y: y.labelled("ELBO (nats)"),
    };
    Some(html! {
        figure.wide { (plot.draw()) }
        p.note {
            @if kept.len() < trace.len() { "Drawn are " (kept.len()) " of " (trace.len()) " estimates. " }
            @if below > 0 { (counted(below, "early estimate")) " below the axis " (if below == 1 { "is" } else { "are" }) " not drawn. " }
            @if strange > 0 { (counted(strange, "estimate")) " not finite. " }
            @if kept.iter().any(|p| p.se.is_some()) { "Upright lines: ± one standard error." }
        }
    })
}

fn layers(kept: &[TracePoint], y: &Axis) -> Vec<Layer> {
    let within = |p: &TracePoint| y.contains(p.elbo);
    let told = spread(kept.len(), ERRORS).into_iter().map(|i| &kept[i]);
    let errors = told.filter(|p| within(p)).filter_map(|p| {
        let se = p.se.filter(|se| se.is_finite())?;
        Some((p.step as f64, p.elbo - se, p.elbo + se))
    });
    // A line ends where an estimate is not drawn.
    let runs = kept.split(|p| !within(p));
    let points =
        |run: &[TracePoint]| -> Points { run.iter().map(|p| (p.step as f64, p.elbo)).collect() };
    let lines = runs
        .clone()
        .map(|run| Layer(Role::Posterior, 1.0, Marks::Line(points(run))));
    let alone = runs.filter(|run| run.len() == 1).flat_map(points).collect();
    let mut layers = vec![Layer(
        Role::Posterior,
        0.35,
        Marks::Intervals(errors.collect()),
    )];
    layers.extend(lines);
    layers.push(Layer(Role::Posterior, 1.0, Marks::Dots(alone)));
    layers
}
