//! Turns a noisy objective and a stepper into a walk, measured in the objective's scale.
//!
//! The stepper sees gradients in nats per natural length and moves in natural lengths. A point where
//! the objective is not finite is left again, so the walk always stands where an estimate was finite.

use crate::infer::optim::{Drift, NonFinite, Runaway, Stepper, StochasticObjective, all_finite};

/// The present point of a noisy descent.
pub(crate) struct Walk<'a> {
    pub(crate) objective: &'a mut dyn StochasticObjective,
    /// Estimates asked for.
    pub(crate) gradients: usize,
    pub(crate) place: Place,
    limits: Limits,
    g: Vec<f64>,
    scale: Vec<f64>,
    moved: Vec<f64>,
}

/// What keeps one bad draw from undoing a walk.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Longest move of a coordinate in one step, in natural lengths.
    pub(crate) move_length: f64,
    /// Longest gradient, in units of the recent ones' geometric mean length.
    pub(crate) clip: f64,
}

/// All that a walk needs to go on from where it was.
pub(crate) struct Place {
    pub(crate) x: Vec<f64>,
    pub(crate) stepper: Box<dyn Stepper>,
    /// Names the noise of the next step.
    pub(crate) seed: u64,
    /// The last point with a finite estimate.
    finite: Vec<f64>,
    /// Refusals since then.
    refused: u32,
    /// Logarithm of the recent gradients' typical length.
    log_length: Option<f64>,
}

/// Consecutive points without a finite estimate after which there is no going on.
const MOST_REFUSALS: u32 = 30;
/// Powers of 4 by which it is looked ahead, and estimates at each.
const FURTHEST: i32 = 18;
const AHEAD: usize = 25;
/// Noise for judging a point; no walk is so long that it gets here.
const JUDGING_SEED: u64 = 1 << 63;

impl Place {
    pub(crate) fn new(x: &[f64], stepper: Box<dyn Stepper>) -> Place {
        Place {
            x: x.to_vec(),
            stepper,
            seed: 0,
            finite: x.to_vec(),
            refused: 0,
            log_length: None,
        }
    }

    /// Goes on from another point, with what the stepper learnt forgotten: its memory may be of a place
    /// where gradients were so large that steps here would be as good as none and pass for rest.
    pub(crate) fn restart(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
        self.finite.copy_from_slice(x);
        self.refused = 0;
        self.stepper.reset();
        self.log_length = None;
    }

    /// Shortens a gradient that is out of proportion. Without this, one draw from the far tails would
    /// fill the stepper's memory of squares and stop the walk for thousands of steps.
    fn clip(&mut self, g: &mut [f64], clip: f64) {
        let Some(length) = length_of(g) else {
            return;
        };
        let typical = self.log_length.unwrap_or(length.ln());
        let log_length = length.ln().min(typical + clip.ln());
        let share = (log_length - length.ln()).exp();
        if share != 1.0 {
            g.iter_mut().for_each(|g| *g *= share);
        }
        self.log_length = Some(typical + 0.05 * (log_length - typical));
    }
}

/// Folds from 0 on in several sums by turns, since each addition waits for the one before it.
fn in_turns(g: &[f64], add: impl Fn(f64, f64) -> f64) -> [f64; 8] {
    let mut sums = [0.0; 8];
    let (chunks, rest) = g.as_chunks::<8>();
    for chunk in chunks {
        for (sum, &g) in sums.iter_mut().zip(chunk) {
            *sum = add(*sum, g);
        }
    }
    for (sum, &g) in sums.iter_mut().zip(rest) {
        *sum = add(*sum, g);
    }
    sums
}

/// The Euclidean length of finite numbers, if they are not all 0.
fn length_of(g: &[f64]) -> Option<f64> {
    let larger = |m: f64, g: f64| if g.abs() > m { g.abs() } else { m };
    let largest = in_turns(g, larger).into_iter().fold(0.0, larger);
    if largest == 0.0 {
        return None;
    }
    // Squares of the largest finite numbers overflow, and the reciprocal of the smallest.
    let unit = largest.recip().min(f64::MAX);
    let sums = in_turns(g, |sum, g| sum + (g * unit) * (g * unit));
    Some(sums.iter().sum::<f64>().sqrt() / unit)
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        objective: &'a mut dyn StochasticObjective,
        place: Place,
        limits: Limits,
    ) -> Walk<'a> {
        let dim = place.x.len();
        Walk {
            objective,
            gradients: 0,
            place,
            limits,
            g: vec![0.0; dim],
            scale: vec![1.0; dim],
            moved: vec![0.0; dim],
        }
    }

    /// Takes one step and gives the estimate made before it; `None` where that was not finite and
    /// the walk went back instead, which is an error only when it happens again and again.
    pub(crate) fn step(&mut self, step_size: f64) -> Result<Option<f64>, NonFinite> {
        let place = &mut self.place;
        self.gradients += 1;
        let estimate = self.objective.estimate(&place.x, place.seed, &mut self.g);
        place.seed += 1;
        let Some(value) = estimate.ok().filter(|v| v.is_finite()) else {
            return self.go_back();
        };
        self.objective.scale(&place.x, &mut self.scale);
        crate::infer::optim::make_positive(&mut self.scale);
        self.g
            .iter_mut()
            .zip(&self.scale)
            .for_each(|(g, s)| *g *= s);
        if !all_finite(&self.g) {
            return self.go_back();
        }
        place.finite.copy_from_slice(&place.x);
        place.refused = 0;
        place.clip(&mut self.g, self.limits.clip);
        let moved = &mut self.moved;
        moved.fill(0.0);
        place.stepper.step(&self.g, step_size, moved);
        let longest = self.limits.move_length;
        for ((x, m), s) in place.x.iter_mut().zip(moved).zip(&self.scale) {
            *x += s * m.clamp(-longest, longest);
        }
        Ok(Some(value))
    }

    /// Half way back to the last finite point, then all the way: the noise alone may be at fault
    /// there, and the next step draws other noise.
    fn go_back(&mut self) -> Result<Option<f64>, NonFinite> {
        let place = &mut self.place;
        place.refused += 1;
        let share = if place.refused < 5 { 0.5 } else { 0.0 };
        for (x, finite) in place.x.iter_mut().zip(&place.finite) {
            *x = finite + share * (*x - finite);
        }
        place.stepper.reset();
        if place.refused < MOST_REFUSALS {
            Ok(None)
        } else {
            Err(NonFinite)
        }
    }

    /// `draws` estimates at `x`; none where one of them was not finite. The noise is the same for all
    /// points, so that they can be compared draw by draw.
    pub(crate) fn judge(&mut self, x: &[f64], draws: usize) -> Option<Vec<f64>> {
        let mut judge_one = |i| {
            self.gradients += 1;
            let value = self
                .objective
                .estimate(x, JUDGING_SEED + i, &mut self.g)
                .ok();
            value.filter(|v| v.is_finite())
        };
        (0..draws.max(2) as u64).map(&mut judge_one).collect()
    }

    /// The coordinate that runs away, if there is one.
    ///
    /// Short steps are long on their way to an optimum that is far off, or that the density hardly leads to. So what
    /// goes on runs away only if nothing ahead is worse, by itself or all of it together: the density of a posterior
    /// that exists falls on every way out.
    pub(crate) fn runaway(&mut self, drift: &mut Drift, steps: usize) -> Option<usize> {
        let Runaway { coordinate, course } = drift.look(steps, &self.place.x, &self.scale)?;
        let Some(course) = course else {
            return Some(coordinate);
        };
        let mut alone = vec![0.0; course.len()];
        alone[coordinate] = course[coordinate];
        let here = self.judge(&self.place.x.clone(), AHEAD)?;
        let mut rises = |course: &[f64]| !self.falls_ahead(course, &here);
        (rises(&alone) || rises(&course)).then_some(coordinate)
    }

    /// Whether somewhere ahead, as far as estimates are finite, all of them are worse. So it is not by chance, nor
    /// by the roundings of huge numbers.
    fn falls_ahead(&mut self, course: &[f64], here: &[f64]) -> bool {
        for far in (0..FURTHEST).map(|k| 4f64.powi(k)) {
            let ahead = self.place.x.iter().zip(course).map(|(x, c)| x + far * c);
            let Some(there) = self.judge(&ahead.collect::<Vec<_>>(), AHEAD) else {
                return false;
            };
            if there.iter().zip(here).all(|(t, h)| t > h) {
                return true;
            }
        }
        false
    }

    /// The largest `|vᵢ|` in natural lengths at `x`; `v` may be of the first coordinates alone.
    pub(crate) fn length(&mut self, x: &[f64], v: &[f64]) -> f64 {
        self.objective.scale(x, &mut self.scale);
        crate::infer::optim::make_positive(&mut self.scale);
        v.iter()
            .zip(&self.scale)
            .map(|(v, s)| (v / s).abs())
            .fold(0.0, f64::max)
    }
}

/// Mean of some values, and its standard error as if they were independent.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n * (n - 1.0).max(1.0))).sqrt())
}

/// Whether the first of two points, judged by the same draws, is plainly the worse one: by its mean,
/// or in so many draws that no fair coin would show it. The latter counts where a few huge values
/// leave the means unknown.
pub(crate) fn plainly_worse(values: &[f64], than: &[f64]) -> bool {
    let differences: Vec<f64> = values.iter().zip(than).map(|(a, b)| a - b).collect();
    let (mean, std_error) = mean_and_error(&differences);
    let n = values.len() as f64;
    let worse = differences.iter().filter(|d| **d > 0.0).count() as f64;
    mean > 0.0 && (mean > 2.0 * std_error || worse > 0.5 * n + n.sqrt())
}
