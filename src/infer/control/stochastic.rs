//! Turns a noisy objective into its minimum: search a step size, average, lower the step, stop.
//!
//! At each step size the iterates are left to settle. Once they only wander, their average is a better
//! answer than any of them, but off by an amount that grows with the step size. So the step is
//! lowered, and when the average no longer moves by an amount that matters, it is done. Coordinates
//! without a natural length, of which there may be thousands, are judged by what moving them gains.

use super::step_search::find_step_size;
use super::tail::{Summary, Tail};
use super::travel::Travel;
use super::walk::{Limits, Place, Walk, mean_and_error, plainly_worse};
use crate::infer::optim::{
    Adam, Budget, Drift, NewStepper, Outcome, Progress, StochasticObjective, Stop,
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
    /// Longest gradient that is believed, in units of the recent ones' typical length.
    pub clip: f64,
    /// Steps between looks at the iterates.
    pub block: usize,
    /// Fewest steps at the first step size; each lower one gets as many more as it is slower, up to
    /// twice those of the one before.
    pub phase_steps: usize,
    /// R-hat of the iterates' later half below which they count as settled.
    pub r_hat: f64,
    /// Steps after which coordinates without natural lengths no longer keep the step size from being lowered.
    pub learning_steps: usize,
    /// Factor by which the step size is lowered once they have settled.
    pub lower: f64,
    /// Movement of the average from one step size to the next, in natural lengths, that does not
    /// matter. Its standard error has to be a quarter of that. And nats for each of the objective's rows
    /// that do not matter, where coordinates have no natural length.
    pub tolerance: f64,
    /// Steps that it may take to make the average so precise. Where it would take more, what moving its
    /// coordinates gains counts for all of them.
    pub most_steps: f64,
    /// Share of the latter where these coordinates are at rest: there an optimum is near.
    pub resting: f64,
    /// Estimates averaged to judge the final point.
    pub judging_draws: usize,
}

impl Default for StochasticSettings {
    fn default() -> StochasticSettings {
        StochasticSettings {
            stepper: || Box::new(Adam::default()),
            step_sizes: vec![1.0, 0.3, 0.1, 0.03, 0.01],
            search_steps: 100,
            longest_move: 10.0,
            clip: 10.0,
            block: 25,
            phase_steps: 400,
            r_hat: 1.1,
            learning_steps: 2400,
            lower: 0.3,
            tolerance: 0.05,
            most_steps: f64::INFINITY,
            resting: 0.1,
            judging_draws: 100,
        }
    }
}

/// A step this much below the first one has stopped moving anything.
const SMALLEST_STEP: f64 = 1e-8;

/// Steps after which a run is watched for what runs away, and natural lengths that it has to go: steps
/// are small, so that an optimum far from the start is long approached.
const PATIENCE: usize = 4096;
const RUNAWAY: f64 = 10.0;

/// Minimises a noisy objective by first-order steps, their average and a falling step size.
///
/// Steps and stopping are in units of the objective's scale. The outcome's `x` is the average of the
/// last iterates, or whatever was judged better when the run was cut short. Step search after
/// Agrawal, Sheldon & Domke (2020); lowering and stopping after Dhaka et al. (2020) and Welandawe et
/// al. (2024), with the movement of the average from one step size to the next as the error
/// that a still lower one could remove. Coordinates without natural lengths settle together, by how far they
/// travel (Pesme, Dieuleveut & Flammarion 2020), and it is what lowering the step gained that
/// counts for them.
pub fn minimise_stochastic(
    objective: &mut dyn StochasticObjective,
    x0: &[f64],
    settings: &StochasticSettings,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let limits = Limits {
        move_length: settings.longest_move,
        clip: settings.clip,
    };
    let walk = Walk::new(objective, Place::new(x0, (settings.stepper)()), limits);
    let best = Best {
        x: x0.to_vec(),
        values: None,
    };
    let measured = walk.objective.measured();
    let mut control = Control {
        walk,
        measured,
        rests: false,
        off: 0.0,
        settings,
        budget,
        progress,
        best,
        drift: Drift::new(PATIENCE, RUNAWAY),
        steps: 0,
        trace: Vec::new(),
    };
    control.keep_if_better(x0);
    let step_size = match settings.step_sizes[..] {
        [only] => Ok(only),
        _ => find_step_size(&mut control),
    };
    let stop = match step_size {
        Ok(step_size) => {
            let found = control.walk.place.x.clone();
            control.keep_if_better(&found);
            descend(&mut control, step_size)
        }
        Err(stop) => stop,
    };
    if stop != Stop::Converged {
        let last = control.walk.place.x.clone();
        control.keep_if_better(&last);
    }
    control.end(stop)
}

/// One phase for each step size, each starting from the average of the one before.
fn descend(control: &mut Control, first: f64) -> Stop {
    let settings = control.settings;
    let (mut step_size, mut least) = (first, settings.phase_steps);
    let mut before: Option<Vec<f64>> = None;
    loop {
        let (summary, stop) = settle(control, step_size, least, before.as_deref());
        let kept = summary
            .as_ref()
            .is_some_and(|s| control.keep_if_better(&s.mean));
        match stop {
            // A shorter step from the best point may stay where the objective is finite.
            None | Some(Stop::NonFinite) => {}
            Some(stop) => return stop,
        }
        let settled = summary.filter(|_| kept && stop.is_none());
        let moved = match (&settled, &before) {
            (Some(now), Some(before)) => control.distance(&now.mean, before),
            _ => f64::INFINITY,
        };
        let gained = match (&settled, &before) {
            (Some(now), Some(before)) => control.gain(&now.mean, before),
            _ => f64::INFINITY,
        };
        if let Some(summary) = &settled
            && gained <= control.allowed()
        {
            let off = moved.max(control.imprecision(summary));
            if off <= settings.tolerance || control.is_out_of_reach(off) {
                control.off = off;
                return Stop::Converged;
            }
        }
        step_size *= settings.lower;
        if step_size < SMALLEST_STEP * first {
            return stalled(moved);
        }
        least = (least as f64 * (1.0 / settings.lower).clamp(1.0, 2.0)) as usize;
        // Where it settled somewhere worse, or nowhere, go on from the best: too long a step can live
        // far out in the tails.
        let next = settled.as_ref().map_or(&control.best.x, |s| &s.mean);
        control.walk.place.restart(next);
        before = settled.map(|s| s.mean);
    }
}

fn stalled(moved: f64) -> Stop {
    Stop::Stalled(if moved.is_finite() {
        format!(
            "the average still moves by {moved:.2} sds of the guide though steps are as good as 0"
        )
    } else {
        "no step size leads to anything better than the best point found".into()
    })
}

/// Steps at one step size until the iterates only wander and their average is known well enough, or,
/// where noise is too large for that, until lowering the step is the better use of time.
fn settle(
    control: &mut Control,
    step_size: f64,
    least: usize,
    before: Option<&[f64]>,
) -> (Option<Summary>, Option<Stop>) {
    let settings = control.settings;
    let mut tail = Tail::new(control.walk.place.x.len(), settings.block);
    let [mut measured, mut learned] = control.travels();
    let (mut values, mut next_look) = (Vec::new(), control.first_look(least));
    loop {
        match control.step(step_size) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => continue,
            Err(stop) => return (tail.summary(), Some(stop)),
        }
        if !tail.push(&control.walk.place.x) {
            continue;
        }
        let (value, std_error) = mean_and_error(&values);
        control.report(value, std_error, step_size);
        values.clear();
        let (first, rest) = control.walk.place.x.split_at(control.measured);
        measured.look(tail.steps(), first);
        learned.look(tail.steps(), rest);
        if tail.steps() < next_look {
            continue;
        }
        // Looking at every block would stop by chance sooner or later.
        next_look = tail.steps() + tail.steps() / 4;
        let Some(summary) = tail.summary() else {
            continue;
        };
        control.rests = learned.wanders();
        let learned = control.rests || tail.steps() >= settings.learning_steps;
        // Where lowering the step would do nothing to the average, only more steps can make it precise.
        let still = before.is_some_and(|b| control.has_stayed(&summary.mean, b));
        let patient = still || tail.steps() < 4 * least;
        let settled = learned && control.is_settled(&summary);
        if settled && (control.is_precise(&summary) || !patient) {
            return (Some(summary), None);
        }
        // Long steps that do not settle can lead away from what is good, as weights of networks do. Or they
        // go nowhere: of hundreds of coordinates one or the other is always on its way.
        if !settled && !patient {
            let nowhere = control.learns() && learned && measured.wanders();
            control.rests &= !nowhere;
            if nowhere || !control.keep_if_better(&summary.mean) {
                return (Some(summary), None);
            }
        }
    }
}

/// A walk with its limits and its record.
pub(super) struct Control<'a> {
    pub(super) walk: Walk<'a>,
    /// Coordinates with a natural length; the others come after them.
    measured: usize,
    /// Whether all were at rest when last looked at.
    rests: bool,
    /// Natural lengths by which the answer may be off.
    off: f64,
    pub(super) settings: &'a StochasticSettings,
    budget: &'a Budget,
    progress: &'a mut dyn FnMut(&Progress),
    best: Best,
    drift: Drift,
    steps: usize,
    trace: Vec<(usize, f64)>,
}

/// The best point judged so far.
struct Best {
    x: Vec<f64>,
    /// Estimates there; none until a point was finite in all of them.
    values: Option<Vec<f64>>,
}

impl Control<'_> {
    /// One step of the walk, if the budget allows; the value estimated, where it was finite.
    pub(super) fn step(&mut self, step_size: f64) -> Result<Option<f64>, Stop> {
        if let Some(stop) = self.budget.spent(self.steps) {
            return Err(stop);
        }
        if let Some(coordinate) = self.walk.runaway(&mut self.drift, self.steps) {
            return Err(Stop::Diverging(coordinate));
        }
        self.steps += 1;
        self.walk.step(step_size).map_err(|_| Stop::NonFinite)
    }

    pub(super) fn report(&mut self, value: f64, std_error: f64, step_size: f64) {
        self.trace.push((self.steps, value));
        (self.progress)(&Progress {
            step: self.steps,
            elbo: -value,
            std_error,
            step_size,
        });
    }

    /// How far coordinates with and without natural lengths get from here.
    fn travels(&mut self) -> [Travel; 2] {
        let (measured, learned) = self.walk.place.x.split_at(self.measured);
        let mut scale = vec![1.0; self.walk.place.x.len()];
        self.walk.objective.scale(&self.walk.place.x, &mut scale);
        crate::infer::optim::make_positive(&mut scale);
        let (natural, unit) = scale.split_at(self.measured);
        [Travel::new(measured, natural), Travel::new(learned, unit)]
    }

    /// Steps before the iterates are looked at: averages need more where steps are shorter, what is judged
    /// by gains does not.
    fn first_look(&self, least: usize) -> usize {
        match self.measured {
            0 => least.min(2 * self.settings.phase_steps),
            _ => least,
        }
    }

    fn distance(&mut self, mean: &[f64], before: &[f64]) -> f64 {
        let apart: Vec<f64> = mean.iter().zip(before).map(|(a, b)| a - b).collect();
        self.walk.length(mean, &apart[..self.measured])
    }

    fn has_stayed(&mut self, mean: &[f64], before: &[f64]) -> bool {
        self.measured > 0
            && self.distance(mean, before) <= self.settings.tolerance
            && self.gain(mean, before) <= self.allowed()
    }

    fn is_precise(&mut self, summary: &Summary) -> bool {
        self.imprecision(summary) <= self.settings.tolerance
    }

    /// Four standard errors of the average, in natural lengths.
    fn imprecision(&mut self, summary: &Summary) -> f64 {
        let std_error = &summary.std_error[..self.measured];
        4.0 * self.walk.length(&summary.mean, std_error)
    }

    /// Whether gains are all that can be judged by: errors of averages fall with the root of the steps.
    fn is_out_of_reach(&self, off: f64) -> bool {
        let times = (off / self.settings.tolerance).powi(2);
        self.learns() && self.steps as f64 * times > self.settings.most_steps
    }

    /// Whether there are coordinates without natural lengths.
    fn learns(&self) -> bool {
        self.measured < self.walk.place.x.len()
    }

    /// What the objective fell by at most: two standard errors more than it did for the same draws. 0 where
    /// all coordinates have natural lengths to tell by.
    fn gain(&mut self, now: &[f64], before: &[f64]) -> f64 {
        if !self.learns() {
            return 0.0;
        }
        let draws = self.settings.judging_draws;
        let (before, now) = (self.walk.judge(before, draws), self.walk.judge(now, draws));
        let (Some(before), Some(now)) = (before, now) else {
            return f64::INFINITY;
        };
        let fell: Vec<f64> = before.iter().zip(&now).map(|(b, n)| b - n).collect();
        let (mean, std_error) = mean_and_error(&fell);
        mean + 2.0 * std_error
    }

    /// A gain that does not matter.
    fn allowed(&self) -> f64 {
        let share = match self.rests {
            true => self.settings.resting,
            false => 1.0,
        };
        share * self.settings.tolerance * self.walk.objective.rows() as f64
    }

    /// Nothing drifts that could be told from wandering, or by an amount that matters.
    fn is_settled(&mut self, summary: &Summary) -> bool {
        let restless = |(drift, r_hat): (&f64, &f64)| {
            if *r_hat > self.settings.r_hat {
                *drift
            } else {
                0.0
            }
        };
        let drift: Vec<f64> = summary
            .drift
            .iter()
            .zip(&summary.r_hat)
            .take(self.measured)
            .map(restless)
            .collect();
        self.walk.length(&summary.mean, &drift) <= 0.1 * self.settings.tolerance
    }

    /// Judges a point, and keeps it unless it is plainly worse than the best so far.
    fn keep_if_better(&mut self, x: &[f64]) -> bool {
        let Some(values) = self.walk.judge(x, self.settings.judging_draws) else {
            return false;
        };
        let best = self.best.values.as_ref();
        let better = best.is_none_or(|best| !plainly_worse(&values, best));
        if better {
            self.best = Best {
                x: x.to_vec(),
                values: Some(values),
            };
        }
        better
    }

    fn end(self, stop: Stop) -> Outcome {
        let Best { x, values } = self.best;
        let (value, std_error) = values.map_or((f64::INFINITY, 0.0), |v| mean_and_error(&v));
        let stop = if value.is_finite() {
            stop
        } else {
            Stop::NonFinite
        };
        let Control {
            walk,
            steps,
            trace,
            off,
            ..
        } = self;
        Outcome {
            x,
            value,
            std_error,
            stop,
            steps,
            trace,
            gradients: walk.gradients,
            hess_vecs: 0,
            off,
        }
    }
}
