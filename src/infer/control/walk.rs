//! Turns a noisy objective and a stepper into a walk, measured in the objective's scale.
//!
//! The stepper sees gradients in nats per natural length and moves in natural lengths. A point where
//! the objective is not finite is left again, so the walk always stands where an estimate was finite.

use crate::infer::optim::{NonFinite, Stepper, StochasticObjective};

/// The present point of a noisy descent.
pub(crate) struct Walk<'a> {
    pub(crate) objective: &'a mut dyn StochasticObjective,
    /// Estimates asked for.
    pub(crate) gradients: usize,
    pub(crate) place: Place,
    /// Longest move of a coordinate in one step, in natural lengths.
    pub(crate) longest: f64,
    g: Vec<f64>,
    scale: Vec<f64>,
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
}

/// Consecutive points without a finite estimate after which there is no going on.
const MOST_REFUSALS: u32 = 30;
/// Noise for judging a point; no walk is so long that it gets here.
const JUDGING_SEED: u64 = 1 << 63;

impl Place {
    pub(crate) fn new(x: &[f64], stepper: Box<dyn Stepper>) -> Place {
        Place { x: x.to_vec(), stepper, seed: 0, finite: x.to_vec(), refused: 0 }
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(objective: &'a mut dyn StochasticObjective, place: Place, longest: f64) -> Walk<'a> {
        let dim = place.x.len();
        Walk { objective, gradients: 0, place, longest, g: vec![0.0; dim], scale: vec![1.0; dim] }
    }

    /// Takes one step and gives the estimate made before it; `None` where that was not finite and
    /// the walk went back instead, which is an error only when it happens again and again.
    pub(crate) fn step(&mut self, step_size: f64) -> Result<Option<f64>, NonFinite> {
        let place = &mut self.place;
        self.gradients += 1;
        let estimate = self.objective.estimate(&place.x, place.seed, &mut self.g);
        place.seed += 1;
        let finite = self.g.iter().all(|g| g.is_finite());
        let Some(value) = estimate.ok().filter(|v| v.is_finite() && finite) else {
            return self.go_back();
        };
        place.finite.copy_from_slice(&place.x);
        place.refused = 0;
        self.objective.scale(&place.x, &mut self.scale);
        crate::infer::optim::make_positive(&mut self.scale);
        self.g.iter_mut().zip(&self.scale).for_each(|(g, s)| *g *= s);
        let mut moved = vec![0.0; place.x.len()];
        place.stepper.step(&self.g, step_size, &mut moved);
        for ((x, m), s) in place.x.iter_mut().zip(&moved).zip(&self.scale) {
            *x += s * m.clamp(-self.longest, self.longest);
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
        if place.refused < MOST_REFUSALS { Ok(None) } else { Err(NonFinite) }
    }

    /// Mean and standard error of `draws` estimates at `x`; infinite where one of them was not finite.
    /// Equal noise for all points makes comparisons fair.
    pub(crate) fn judge(&mut self, x: &[f64], draws: usize) -> (f64, f64) {
        let mut values = Vec::with_capacity(draws);
        for i in 0..draws.max(2) as u64 {
            self.gradients += 1;
            match self.objective.estimate(x, JUDGING_SEED + i, &mut self.g) {
                Ok(value) if value.is_finite() => values.push(value),
                _ => return (f64::INFINITY, 0.0),
            }
        }
        mean_and_error(&values)
    }

    /// The largest `|a − b|` in natural lengths at `a`.
    pub(crate) fn distance(&mut self, a: &[f64], b: &[f64]) -> f64 {
        let apart: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        self.length(a, &apart)
    }

    /// The largest `|vᵢ|` in natural lengths at `x`.
    pub(crate) fn length(&mut self, x: &[f64], v: &[f64]) -> f64 {
        self.objective.scale(x, &mut self.scale);
        crate::infer::optim::make_positive(&mut self.scale);
        v.iter().zip(&self.scale).map(|(v, s)| (v / s).abs()).fold(0.0, f64::max)
    }
}

/// Mean of some values, and its standard error as if they were independent.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n * (n - 1.0).max(1.0))).sqrt())
}
