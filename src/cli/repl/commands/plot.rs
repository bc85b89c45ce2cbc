//! `:plot`: histograms.

use super::{Command, Takes, arguments, misused};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::{find, short};
use textplots::utils::histogram;
use textplots::{Chart, Plot, Shape};

pub(super) const COMMAND: Command = Command {
    name: "plot",
    usage: "NAME…",
    about: "draws histograms, of the posterior or of the prior",
    takes: Takes::Names,
    run,
};

/// Elements of an array that are drawn, at most.
const MOST: usize = 6;

fn run(session: &mut Session, names: &str, _: Watch) -> Result<String> {
    if names.is_empty() {
        return Err(misused(&COMMAND));
    }
    let mut charts = Vec::new();
    for name in arguments(names) {
        let quantity = find(session, name)?.quantity;
        for i in 0..quantity.numel().min(MOST) {
            charts.push(format!(
                "{}\n{}",
                quantity.element(i),
                chart(&quantity.column(i))
            ));
        }
        if quantity.numel() > MOST {
            let rest = quantity.numel() - MOST;
            charts.push(format!(
                "{rest} more elements of `{name}`: `:plot {name}[{}]`",
                MOST + 1
            ));
        }
    }
    Ok(charts.join("\n"))
}

/// A histogram, and the range that it is of.
fn chart(draws: &[f64]) -> String {
    let finite = || draws.iter().copied().filter(|x| x.is_finite());
    let (low, high) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    if high <= low {
        return format!("always {}", short(low));
    }
    if low > high {
        return "not finite".into();
    }
    // It counts the second of each pair.
    let points: Vec<(f32, f32)> = finite().map(|x| (0.0, x as f32)).collect();
    let (from, to) = (low as f32, high as f32);
    let bars = histogram(&points, from, to, 40);
    let mut chart = Chart::new(120, 32, from, to);
    let shape = Shape::Bars(&bars);
    let chart = chart.lineplot(&shape);
    chart.axis();
    chart.figures();
    format!("{}{} … {}", chart.frame(), short(low), short(high))
}
