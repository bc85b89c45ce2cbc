//! Turns a start into the optimum of the deterministic objective, with as many draws as it takes.
//!
//! The optimum for one set of draws is off by their Monte Carlo error. Solving again with twice as many
//! independent draws shows that error: the distance between the two optima has three times the
//! variance of the second one's. Draws are doubled until what is left is too small to matter.

use super::objective::{Elbo, FixedDraws};
use super::optim::{
    Budget, NewtonSettings, Objective, Outcome, Progress, Stop, make_positive, minimise_newton,
};

/// How draws are chosen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draws {
    /// In the first round.
    pub(crate) first: usize,
    /// In the last, at most.
    pub(crate) most: usize,
    /// Monte Carlo error that does not matter: of any coordinate in its natural length, and of the
    /// ELBO in nats.
    pub(crate) tolerance: f64,
}

/// Monte Carlo error of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonteCarlo {
    /// Largest standard error of a mean in posterior sds, or of a log sd.
    pub sds: f64,
    /// ELBO lost because of it, in nats.
    pub nats: f64,
}

/// The last round's optimum, and what all of them took.
pub(crate) struct Solved {
    pub(crate) outcome: Outcome,
    pub(crate) draws: usize,
    /// `None` after a single round.
    pub(crate) error: Option<MonteCarlo>,
}

/// Solves with ever more draws, each round from the one before.
pub(crate) fn solve(
    elbo: &mut Elbo,
    x0: &[f64],
    draws: &Draws,
    seed: u64,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Solved {
    let mut count = draws.first;
    let mut solved = Solved {
        outcome: round(elbo, x0, count, seed, budget, 0, progress),
        draws: count,
        error: None,
    };
    let mut shift: Option<MonteCarlo> = None;
    while solved.outcome.stop == Stop::Converged && 2 * count <= draws.most {
        count *= 2;
        let before = &solved.outcome;
        let mut next = round(elbo, &before.x, count, seed, budget, before.steps, progress);
        if next.stop != Stop::Converged {
            // The optimum of fewer draws is a better answer than a point on the way to another.
            solved.outcome = joined(&solved.outcome, next, true);
            break;
        }
        let moved = movement(elbo, &before.x, &next);
        let error = larger(moved, shift);
        let confirmed = shift.replace(moved).is_some();
        next = joined(before, next, false);
        solved = Solved {
            outcome: next,
            draws: count,
            error: Some(error),
        };
        if is_small(error, draws.tolerance) && (confirmed || is_small(error, 0.1 * draws.tolerance))
        {
            break;
        }
    }
    solved
}

/// One optimum; steps and trace go on from those before.
fn round(
    elbo: &mut Elbo,
    x0: &[f64],
    draws: usize,
    seed: u64,
    budget: &Budget,
    steps: usize,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    // Every round has draws of its own, named by their number.
    let elbo_epsilon = elbo.precision().epsilon();
    let mut objective = FixedDraws::new(elbo, draws, seed.wrapping_add(draws as u64));
    let left = Budget {
        max_steps: budget.max_steps.map(|most| most.saturating_sub(steps)),
        ..budget.clone()
    };
    // Where a posterior is much longer than the guide's sds in some direction, a ten-thousandth of a nat
    // is a way of several such sds: the last steps cost little and make the optimum the same from
    // wherever it is approached.
    let settings = NewtonSettings {
        decrement: most_exact(elbo_epsilon),
        ..NewtonSettings::default()
    };
    let mut later = |p: &Progress| {
        progress(&Progress {
            step: p.step + steps,
            ..*p
        })
    };
    let mut outcome = minimise_newton(&mut objective, x0, &settings, &left, &mut later);
    if matches!(outcome.stop, Stop::Stalled(_)) && is_flat(&mut objective, &outcome.x) {
        outcome.stop = Stop::Converged;
    }
    outcome
}

/// The promised gain, in nats, below which a step is the last one. Gradients in natural lengths are off
/// by some thousand roundings: in single precision no gain below that, squared, can be told from 0.
fn most_exact(epsilon: f64) -> f64 {
    (1e3 * epsilon).powi(2).max(1e-8)
}

/// Whether the gradient is too small to matter: steps then stall on rounding alone.
fn is_flat(objective: &mut FixedDraws, x: &[f64]) -> bool {
    let (mut g, mut scale) = (vec![0.0; x.len()], vec![1.0; x.len()]);
    objective.scale(x, &mut scale);
    make_positive(&mut scale);
    // In single precision a gradient of this size is rounding; a step by it moves no mean by more than a
    // hundredth of an sd.
    let limit = match objective.epsilon() > f64::EPSILON {
        true => 1e-2,
        false => 1e-3,
    };
    let flat = |(g, s): (&f64, &f64)| (g * s).abs() < limit;
    objective.value_grad(x, &mut g).is_ok() && g.iter().zip(&scale).all(flat)
}

/// The error of the later optimum that its distance from the earlier one shows.
fn movement(elbo: &Elbo, before: &[f64], now: &Outcome) -> MonteCarlo {
    let mut scale = vec![1.0; before.len()];
    elbo.scale(&now.x, &mut scale);
    make_positive(&mut scale);
    // Learned parameters have no sd; what their error costs is part of the nats.
    let apart = before.iter().zip(&now.x).zip(&scale).take(elbo.guide_dim());
    let largest = apart
        .map(|((a, b), s)| ((a - b) / s).abs())
        .fold(0.0, f64::max);
    let gained = now.trace.first().map_or(0.0, |first| first.1 - now.value);
    // What is rounding says nothing.
    let rounding = 10.0 * elbo.precision().epsilon() * now.value.abs();
    let gained = if gained > rounding { gained } else { 0.0 };
    MonteCarlo {
        sds: largest / f64::sqrt(3.0),
        nats: gained / 3.0,
    }
}

fn is_small(error: MonteCarlo, tolerance: f64) -> bool {
    error.sds <= tolerance && error.nats <= tolerance
}

/// The larger of this round's error and of the one that the last round leads to expect: with few
/// coordinates a single distance may be small by chance, and rounds go on only while it is not.
fn larger(now: MonteCarlo, before: Option<MonteCarlo>) -> MonteCarlo {
    let Some(before) = before else { return now };
    MonteCarlo {
        sds: now.sds.max(before.sds * std::f64::consts::FRAC_1_SQRT_2),
        nats: now.nats.max(0.5 * before.nats),
    }
}

/// An outcome with the account of the rounds before; `earlier` says whose point it is.
fn joined(before: &Outcome, now: Outcome, earlier: bool) -> Outcome {
    let later = now.trace.iter().skip(1);
    let trace = before.trace.iter().copied();
    let (x, value) = if earlier {
        (before.x.clone(), before.value)
    } else {
        (now.x, now.value)
    };
    Outcome {
        x,
        value,
        std_error: 0.0,
        stop: now.stop,
        steps: before.steps + now.steps,
        trace: trace
            .chain(later.map(|&(step, value)| (before.steps + step, value)))
            .collect(),
        gradients: before.gradients + now.gradients,
        hess_vecs: before.hess_vecs + now.hess_vecs,
    }
}
