//! `:trace`: the ELBO by step.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::{fitted, short};
use textplots::{Chart, Plot, Shape};

pub(super) const COMMAND: Command = Command {
    name: "trace",
    usage: "",
    about: "draws the ELBO by step",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    let fit = fitted(session)?;
    let trace = fit.trace();
    let points: Vec<(f32, f32)> = trace
        .iter()
        .filter(|p| p.elbo.is_finite())
        .map(|p| (p.step as f32, p.elbo as f32))
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok("there was no step".into());
    };
    if points.len() < 2 {
        return Ok(format!(
            "the fit began at its end, at an ELBO of {}",
            short(last.1.into())
        ));
    }
    let mut chart = Chart::new(120, 48, first.0, last.0);
    let shape = Shape::Lines(&points);
    let chart = chart.lineplot(&shape);
    chart.axis();
    chart.figures();
    Ok(format!(
        "{}steps {} to {}: ELBO {} to {}",
        chart.frame(),
        first.0,
        last.0,
        short(first.1.into()),
        short(last.1.into())
    ))
}
