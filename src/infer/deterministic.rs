//! Turns a start into the optimum of the deterministic objective, with as many draws as it takes.
//!
//! The optimum for one set of draws is off by their Monte Carlo error, which other draws show
//! ([`precision`]). It falls with the root of the number of draws, so the first round says how many the
//! next one needs, and where that will end.

use super::objective::{Elbo, FixedDraws};
use super::optim::{
    Budget, NewtonSettings, Objective, Outcome, Progress, Stop, minimise_newton, natural_lengths,
};
use super::precision::{MARGIN, MonteCarlo, precision};

/// How draws are chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draws {
    /// In the first round.
    pub(crate) first: usize,
    /// So many at least before an error is believed: what a heavy tail does is rare.
    pub(crate) believed: usize,
    /// In the last round, at most.
    pub(crate) most: usize,
    /// Monte Carlo error that does not matter: of any coordinate in its natural length, and of the
    /// ELBO in nats.
    pub(crate) tolerance: f64,
}

/// The last optimum found, and what all rounds took.
pub(crate) struct Solved {
    pub(crate) outcome: Outcome,
    /// Of which the point is the optimum.
    pub(crate) draws: usize,
    /// Whether any round came to its end.
    pub(crate) optimum: bool,
    /// `None` where it is not known.
    pub(crate) error: Option<MonteCarlo>,
}

/// A round has so many times the draws of the one before, at most: its error was estimated from those.
const GROWTH: usize = 16;
/// The error that few draws show is believed if it is this small a part of the tolerance.
const NEGLIGIBLE: f64 = 0.25;
/// Draws from which Hessian products are taken, at least, where there are more; and for each parameter.
const CURVED: usize = 512;
const CURVED_EACH: usize = 4;
/// Steps that those products may take. More mean that some of the draws curve unlike all of them, as with
/// heavy tails.
const CURVED_STEPS: usize = 12;

/// Solves with ever more draws, each round from the one before.
pub(crate) fn solve(
    elbo: &mut Elbo,
    x0: &[f64],
    draws: &Draws,
    seed: u64,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Solved {
    let (mut count, mut start) = (draws.first, x0.to_vec());
    let mut solved: Option<Solved> = None;
    loop {
        let before = solved.as_ref().map(|s| &s.outcome);
        let (exact, guide_dim) = (elbo.is_exact(), elbo.guide_dim());
        let mut objective = fixed(elbo, count, seed, budget);
        let next = round(&mut objective, &start, budget, before, progress);
        if next.stop != Stop::Converged {
            return unfinished(solved, next, count);
        }
        let mut now = Solved {
            outcome: next,
            draws: count,
            optimum: true,
            error: None,
        };
        if exact {
            return now;
        }
        let known = audit(&mut objective, &now.outcome.x, guide_dim, count, seed);
        if known.is_none()
            && let Some(stop) = budget.spent(0)
        {
            now.outcome.stop = stop;
            return now;
        }
        let more = match &known {
            Some((error, elsewhere)) => {
                now.error = Some(*error);
                start.clone_from(elsewhere);
                needed(count, *error, draws)
            }
            // Some other draw is where the density is not finite: draws that see more may avoid it.
            None => {
                start.clone_from(&now.outcome.x);
                Some(GROWTH * count)
            }
        };
        let more = more.map(|n| n.min(GROWTH * count).min(draws.most));
        solved = Some(now);
        match more {
            // Where the model's cost leaves no room, a round that adds next to nothing is not worth its time.
            Some(n) if n as f64 >= MARGIN * count as f64 => {
                count = n.next_multiple_of(elbo.chunk())
            }
            _ => return solved.expect("it was set just above"),
        }
    }
}

/// What is left when a round did not end: the optimum of fewer draws, a better answer than a point on the
/// way to another, or if there is none the point itself.
fn unfinished(solved: Option<Solved>, next: Outcome, count: usize) -> Solved {
    match solved {
        Some(before) => Solved {
            outcome: Outcome {
                x: before.outcome.x,
                value: before.outcome.value,
                ..next
            },
            ..before
        },
        None => Solved {
            outcome: next,
            draws: count,
            optimum: false,
            error: None,
        },
    }
}

/// Draws that bring the error below the tolerance, and are enough to believe it; none if these do.
fn needed(count: usize, error: MonteCarlo, draws: &Draws) -> Option<usize> {
    let times = error.excess(draws.tolerance);
    let wanted = error.draws_wanted(count, draws.tolerance);
    let doubtful = count < draws.believed && times > NEGLIGIBLE.powi(2);
    (times > 1.0 || doubtful).then_some(wanted.max(draws.believed))
}

/// The error of an optimum, and a place nearer to that of infinitely many draws.
fn audit(
    objective: &mut FixedDraws,
    x: &[f64],
    guide_dim: usize,
    draws: usize,
    seed: u64,
) -> Option<(MonteCarlo, Vec<f64>)> {
    // Far from the seeds of the rounds themselves, and of other users' neighbouring seeds.
    let other = (seed ^ draws as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let found = precision(objective, x, guide_dim, draws, other).ok()?;
    let error = found.error;
    if !(error.sds.is_finite() && error.nats.is_finite()) {
        return None;
    }
    let mut g = vec![0.0; x.len()];
    let usable = objective.value_grad(&found.elsewhere, &mut g).is_ok();
    let place = if usable { found.elsewhere } else { x.to_vec() };
    Some((error, place))
}

/// The objective of a round. Every round has draws of its own, named by their number.
pub(super) fn fixed<'e, 'm>(
    elbo: &'e mut Elbo<'m>,
    draws: usize,
    seed: u64,
    budget: &Budget,
) -> FixedDraws<'e, 'm> {
    let curved = CURVED.max(CURVED_EACH * elbo.dim());
    FixedDraws::new(elbo, draws, seed.wrapping_add(draws as u64))
        .with_curvature_of(curved)
        .within(budget)
}

/// One optimum; steps and trace go on from those before.
fn round(
    objective: &mut FixedDraws,
    x0: &[f64],
    budget: &Budget,
    before: Option<&Outcome>,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let steps = before.map_or(0, |b| b.steps);
    let mut first = budget.clone();
    if objective.is_subsampled() {
        let most = budget.max_steps.unwrap_or(usize::MAX);
        first.max_steps = Some(most.min(steps + CURVED_STEPS));
    }
    let mut outcome = descend(objective, x0, &first, steps, progress);
    let on = steps + outcome.steps;
    let ended = matches!(outcome.stop, Stop::Stalled(_) | Stop::MaxSteps);
    if objective.is_subsampled() && ended && budget.spent(on).is_none() {
        let mut whole = objective.with_whole_curvature();
        let rest = descend(&mut whole, &outcome.x, budget, on, progress);
        outcome = joined(&outcome, rest);
    }
    if matches!(outcome.stop, Stop::Stalled(_)) && is_flat(objective, &outcome.x) {
        outcome.stop = Stop::Converged;
    }
    match before {
        Some(before) => joined(before, outcome),
        None => outcome,
    }
}

/// Newton steps within what is left of the budget after `steps`.
fn descend(
    objective: &mut FixedDraws,
    x0: &[f64],
    budget: &Budget,
    steps: usize,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let left = Budget {
        max_steps: budget.max_steps.map(|most| most.saturating_sub(steps)),
        ..budget.clone()
    };
    // Where a posterior is much longer than the guide's sds in some direction, a ten-thousandth of a nat
    // is a way of several such sds: the last steps cost little and make the optimum the same from
    // wherever it is approached.
    let settings = NewtonSettings {
        decrement: most_exact(objective.epsilon()),
        ..NewtonSettings::default()
    };
    let mut later = |p: &Progress| {
        progress(&Progress {
            step: p.step + steps,
            ..*p
        })
    };
    minimise_newton(objective, x0, &settings, &left, &mut later)
}

/// The promised gain, in nats, below which a step is the last one. Gradients in natural lengths are off
/// by some thousand roundings: in single precision no gain below that, squared, can be told from 0.
fn most_exact(epsilon: f64) -> f64 {
    (1e3 * epsilon).powi(2).max(1e-8)
}

/// Whether the gradient is too small to matter: steps then stall on rounding alone.
fn is_flat(objective: &mut FixedDraws, x: &[f64]) -> bool {
    let (mut g, scale) = (vec![0.0; x.len()], natural_lengths(objective, x));
    // In single precision a gradient of this size is rounding; a step by it moves no mean by more than a
    // hundredth of an sd.
    let limit = match objective.epsilon() > f64::EPSILON {
        true => 1e-2,
        false => 1e-3,
    };
    let flat = |(g, s): (&f64, &f64)| (g * s).abs() < limit;
    objective.value_grad(x, &mut g).is_ok() && g.iter().zip(&scale).all(flat)
}

/// An outcome with the account of the steps before it.
pub(super) fn joined(before: &Outcome, now: Outcome) -> Outcome {
    let later = now.trace.iter().skip(1);
    let later = later.map(|&(step, value)| (before.steps + step, value));
    Outcome {
        steps: before.steps + now.steps,
        trace: before.trace.iter().copied().chain(later).collect(),
        gradients: before.gradients + now.gradients,
        hess_vecs: before.hess_vecs + now.hess_vecs,
        ..now
    }
}
