//! Turns where an optimiser ended into a sentence on whether to believe it, and the warnings that go with it.

use super::error;
use super::fit::{Method, Reached};
use super::optim::Stop;
use super::response::Response;
use crate::diag::Diagnostic;
use crate::guide::Guide;
use crate::model::{Model, Role};

/// What is said of a fit.
pub(super) struct Verdict {
    pub(super) sentence: String,
    pub(super) messages: Vec<Diagnostic>,
    /// Whether the optimum was reached and is one of a posterior that exists.
    pub(super) good: bool,
}

impl Verdict {
    pub(super) fn of(reached: &Reached, model: &Model, guide: &dyn Guide) -> Verdict {
        let name = |parameter| latent_name(model, guide, parameter);
        let warning = match &reached.outcome.stop {
            Stop::Converged => return converged(reached, &name),
            Stop::MaxSteps => cut_short("the limit on steps", reached),
            Stop::Deadline => cut_short("the time limit", reached),
            Stop::Cancelled => cut_short("request", reached),
            Stop::Stalled(why) => error::stalled(why),
            Stop::Diverging(parameter) => {
                let (latent, steps) = (name(*parameter), reached.outcome.steps);
                let own: usize = guide.parameters().iter().map(|p| p.size).sum();
                let (_, sds) = guide.moments(&reached.outcome.x[..own]);
                match *parameter < own {
                    true if sds[guide.latent(*parameter)] < SPIKE => error::spike(&latent),
                    true => error::diverging(&latent, steps),
                    false => error::learned_on(&latent, steps),
                }
            }
            Stop::NonFinite => error::stalled("the ELBO is not finite around the best point found"),
        };
        Verdict {
            sentence: format!("Not converged: {}.", warning.message),
            messages: vec![warning],
            good: false,
        }
    }
}

/// What runs away with an sd below this, in unconstrained space, runs towards a point.
const SPIKE: f64 = 1e-6;

fn cut_short(by: &str, reached: &Reached) -> Diagnostic {
    let (steps, draws) = (reached.outcome.steps, reached.samples);
    match (reached.optimum, reached.error) {
        (true, Some(e)) => error::too_few_rounds(by, steps, draws, Some((e.sds, e.nats))),
        (true, None) => error::too_few_rounds(by, steps, draws, None),
        (false, _) => error::cut_short(by, steps),
    }
}

fn converged(reached: &Reached, name: &dyn Fn(usize) -> String) -> Verdict {
    let (draws, tolerance) = (reached.samples, reached.tolerance);
    let mut messages = Vec::new();
    let sentence = match reached.error {
        Some(error) => {
            let short = error.excess(tolerance) > 1.0;
            let (sds, nats) = (bound(error.sds), bound(error.nats));
            if short {
                let wanted = error.draws_wanted(draws, tolerance);
                messages.push(error::imprecise(draws, &sds, &nats, wanted));
            }
            let so = claim(short);
            // Where all of the guide is the program's its parameters have no sds.
            match error.sds == 0.0 {
                false => format!(
                    "{so}: with {draws} draws every mean is known to {sds} of its guide's sd, and the guide is within {nats} nats of the best one.",
                ),
                true => format!(
                    "{so}: with {draws} draws the guide is within {nats} nats of the best one."
                ),
            }
        }
        None if reached.method == Method::Svi => {
            let off = reached.outcome.off;
            if off > tolerance {
                messages.push(error::noisy(off, tolerance));
            }
            lowered(reached, tolerance)
        }
        None if reached.exact => "Converged: the log density is at its maximum.".into(),
        None => {
            messages.push(error::unknown_precision(draws));
            format!(
                "Converged for these {draws} draws only: others are not finite there, so their Monte Carlo error is unknown."
            )
        }
    };
    let improper = |r: &Response| r.widening >= Response::IMPROPER;
    match &reached.response {
        Some(flat) if improper(flat) => {
            let warning = error::improper(&name(flat.parameter), flat.other.map(name));
            Verdict {
                sentence: format!("Not to be trusted: {}.", warning.message),
                messages: vec![warning],
                good: false,
            }
        }
        wide => {
            let wide = wide.as_ref().filter(|r| r.widening >= Response::NOTABLE);
            messages.extend(
                wide.map(|r| error::too_narrow(&name(r.parameter), r.other.map(name), r.widening)),
            );
            Verdict {
                sentence,
                messages,
                good: true,
            }
        }
    }
}

/// What lowering the step size did not do.
fn lowered(reached: &Reached, tolerance: f64) -> String {
    let off = reached.outcome.off;
    let so = claim(off > tolerance);
    let moves = format!(
        "moves no mean by more than {:.2} of its guide's sd",
        off.max(tolerance)
    );
    let gains = format!("gains less than {tolerance:.2} nats a row");
    let what = match (reached.by_rows, reached.measured) {
        (false, _) => moves,
        (true, false) => gains,
        (true, true) => format!("{moves}, and {gains}"),
    };
    format!("{so}: lowering the step size {what}.")
}

/// How a verdict begins where there is an optimum, which may be known less well than it should be.
fn claim(short: bool) -> &'static str {
    match short {
        false => "Converged",
        true => "Converged, less precisely than asked for",
    }
}

/// An error in words.
fn bound(error: f64) -> String {
    if error < 0.001 {
        "0.001".into()
    } else {
        format!("{error:.3}")
    }
}

/// The latent, with its index, that a parameter of the guide belongs to; a learned parameter's own name.
fn latent_name(model: &Model, guide: &dyn Guide, parameter: usize) -> String {
    let sizes = guide.parameters();
    let own: usize = sizes.iter().map(|p| p.size).sum();
    let (learned, mut at) = match parameter < own {
        true => (false, guide.latent(parameter)),
        false => (true, parameter - own),
    };
    let blocks = model.blocks.iter();
    for block in blocks.filter(|b| (b.role == Role::Param) == learned) {
        if at < block.size {
            let quantity = model.quantities.iter().find(|q| q.name == block.name);
            return match (quantity, block.places.get(at)) {
                // Of a simplex or a matrix no element has a coordinate to itself.
                (Some(q), Some(&place)) if block.size == block.places.len() => q.element(place),
                _ => block.name.clone(),
            };
        }
        at -= block.size;
    }
    unreachable!("blocks cover every parameter")
}
