//! Turns a noisy objective into its minimum: search a step size, average, lower the step, stop.
//!
//! At each step size the iterates are left to settle. Once they only wander, their average is a better
//! answer than any of them, but off by an amount that grows with the step size. So the step is
//! lowered, and when the average no longer moves by an amount that matters, it is done.

use super::step_search::find_step_size;
use super::tail::{Summary, Tail};
use super::walk::{Place, Walk, mean_and_error};
use crate::infer::optim::{
    AdaBelief, Budget, NewStepper, Outcome, Progress, StochasticObjective, Stop,
};

/// How a noisy objective is minimised.
#[derive(Clone, Debug)]
pub struct StochasticSettings {
    /// Makes the stepper.
    pub stepper: NewStepper,
    /// Step sizes to try, in natural lengths; a single one is used as it is.
    pub step_sizes: Vec<f64>,
    /// Steps for which each of them is tried.
    pub search_steps: usize,
    /// Longest move of a coordinate in one step, in natural lengths.
    pub longest_move: f64,
    /// Steps between looks at the iterates.
    pub block: usize,
    /// Fewest steps at the first step size; each lower one gets as many more as it is slower, up to
    /// twice those of the one before.
    pub phase_steps: usize,
    /// R-hat of the iterates' later half below which they count as settled.
    pub r_hat: f64,
    /// Factor by which the step size is lowered once they have.
    pub lower: f64,
    /// Movement of the average, in natural lengths, and twice its standard error that do not matter.
    pub tolerance: f64,
    /// Estimates averaged to judge the final point.
    pub judging_draws: usize,
}

impl Default for StochasticSettings {
    fn default() -> StochasticSettings {
        StochasticSettings {
            stepper: || Box::new(AdaBelief::default()),
            step_sizes: vec![1.0, 0.3, 0.1, 0.03, 0.01],
            search_steps: 100,
            longest_move: 10.0,
            block: 25,
            phase_steps: 400,
            r_hat: 1.1,
            lower: 0.3,
            tolerance: 0.05,
            judging_draws: 100,
        }
    }
}

/// A step this much below the first one has stopped moving anything.
const SMALLEST_STEP: f64 = 1e-8;

/// Minimises a noisy objective by first-order steps, their average and a falling step size.
///
/// Steps and stopping are in units of the objective's scale. The outcome's `x` is the average of the
/// last iterates, or whatever was judged better when the run was cut short. Step search after
/// Agrawal, Sheldon & Domke (2020); lowering and stopping after Dhaka et al. (2020) and Welandawe et
/// al. (2024), with the movement of the average from one step size to the next as the error
/// that a still lower one could remove.
pub fn minimise_stochastic(
    objective: &mut dyn StochasticObjective,
    x0: &[f64],
    settings: &StochasticSettings,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let walk = Walk::new(objective, Place::new(x0, (settings.stepper)()), settings.longest_move);
    let mut control = Control { walk, settings, budget, progress, steps: 0, trace: Vec::new() };
    let mut candidates = vec![x0.to_vec()];
    let step_size = match settings.step_sizes[..] {
        [only] => Ok(only),
        _ => find_step_size(&mut control),
    };
    let stop = match step_size {
        Ok(step_size) => descend(&mut control, step_size, &mut candidates),
        Err(stop) => stop,
    };
    candidates.push(control.walk.place.x.clone());
    control.end(stop, candidates)
}

/// One phase for each step size, each starting from the average of the one before.
fn descend(control: &mut Control, first: f64, candidates: &mut Vec<Vec<f64>>) -> Stop {
    let settings = control.settings;
    let (mut step_size, mut least) = (first, settings.phase_steps);
    let mut before: Option<Vec<f64>> = None;
    loop {
        let (summary, stop) = settle(control, step_size, least);
        let Some(summary) = summary else {
            return stop.unwrap_or(Stop::NonFinite);
        };
        candidates.truncate(1);
        candidates.extend(before.take());
        candidates.push(summary.mean.clone());
        if let Some(stop) = stop {
            return stop;
        }
        let moved = candidates.get(1).filter(|_| candidates.len() == 3);
        let moved = moved.map_or(f64::INFINITY, |b| control.walk.distance(&summary.mean, b));
        if moved <= settings.tolerance && control.is_precise(&summary) {
            candidates.drain(..candidates.len() - 1);
            control.walk.place.x.clone_from(&summary.mean);
            return Stop::Converged;
        }
        step_size *= settings.lower;
        if step_size < SMALLEST_STEP * first {
            return Stop::Stalled(format!(
                "the average still moves by {moved:.2} posterior sds though steps are as good as 0"
            ));
        }
        least = (least as f64 * (1.0 / settings.lower).clamp(1.0, 2.0)) as usize;
        control.walk.place.x.clone_from(&summary.mean);
        before = Some(summary.mean);
    }
}

/// Steps at one step size until the iterates only wander and their average is known well enough, or,
/// where noise is too large for that, until lowering the step is the better use of time.
fn settle(control: &mut Control, step_size: f64, least: usize) -> (Option<Summary>, Option<Stop>) {
    let settings = control.settings;
    let mut tail = Tail::new(control.walk.place.x.len(), settings.block);
    let (mut values, mut next_look) = (Vec::new(), least);
    loop {
        match control.step(step_size) {
            Ok(value) => values.extend(value),
            Err(stop) => return (tail.summary(), Some(stop)),
        }
        if !tail.push(&control.walk.place.x) {
            continue;
        }
        if values.len() >= settings.block {
            let (value, std_error) = mean_and_error(&values);
            control.report(value, std_error, step_size);
            values.clear();
        }
        if tail.steps() < next_look {
            continue;
        }
        // Looking at every block would stop by chance sooner or later.
        next_look = tail.steps() + tail.steps() / 4;
        let Some(summary) = tail.summary() else { continue };
        let enough = control.is_precise(&summary) || tail.steps() >= 4 * least;
        if summary.r_hat <= settings.r_hat && enough {
            return (Some(summary), None);
        }
    }
}

/// A walk with its limits and its record.
pub(super) struct Control<'a> {
    pub(super) walk: Walk<'a>,
    pub(super) settings: &'a StochasticSettings,
    budget: &'a Budget,
    progress: &'a mut dyn FnMut(&Progress),
    steps: usize,
    trace: Vec<(usize, f64)>,
}

impl Control<'_> {
    /// One step of the walk, if the budget allows; the value estimated, where it was finite.
    pub(super) fn step(&mut self, step_size: f64) -> Result<Option<f64>, Stop> {
        if let Some(stop) = self.budget.spent(self.steps) {
            return Err(stop);
        }
        self.steps += 1;
        self.walk.step(step_size).map_err(|_| Stop::NonFinite)
    }

    pub(super) fn report(&mut self, value: f64, std_error: f64, step_size: f64) {
        self.trace.push((self.steps, value));
        (self.progress)(&Progress { step: self.steps, elbo: -value, std_error, step_size });
    }

    fn is_precise(&mut self, summary: &Summary) -> bool {
        2.0 * self.walk.length(&summary.mean, &summary.std_error) <= self.settings.tolerance
    }

    /// The candidate with the lowest objective under equal noise.
    fn end(mut self, stop: Stop, candidates: Vec<Vec<f64>>) -> Outcome {
        let mut best = (f64::INFINITY, 0.0, candidates[0].clone());
        for x in candidates {
            let (value, std_error) = self.walk.judge(&x, self.settings.judging_draws);
            if value < best.0 {
                best = (value, std_error, x);
            }
        }
        let (value, std_error, x) = best;
        let stop = if value.is_finite() { stop } else { Stop::NonFinite };
        let Control { walk, steps, trace, .. } = self;
        Outcome { x, value, std_error, stop, steps, trace, gradients: walk.gradients, hess_vecs: 0 }
    }
}
