//! Turns limits and a callback into the bookkeeping that every optimiser shares.
//!
//! A budget is looked at between steps, so an interrupted run still hands back the best point that
//! it has seen, with the reason for stopping beside it.

use crate::clock::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{NonFinite, Objective};

/// What a run may spend. The default is no limit.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// Most steps taken: accepted steps of the exact methods, gradients of the stochastic one.
    pub max_steps: Option<usize>,
    /// No step starts after this instant.
    pub deadline: Option<Instant>,
    /// Set to `true` from anywhere (a Ctrl-C handler, another thread) to stop before the next step.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Budget {
    /// Whether time is up or a stop was asked for.
    pub fn interrupted(&self) -> bool {
        matches!(self.spent(0), Some(Stop::Cancelled | Stop::Deadline))
    }

    /// The reason to stop before the next step, if there is one.
    pub fn spent(&self, steps: usize) -> Option<Stop> {
        if self
            .cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
        {
            Some(Stop::Cancelled)
        } else if self.max_steps.is_some_and(|max| steps >= max) {
            Some(Stop::MaxSteps)
        } else if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            Some(Stop::Deadline)
        } else {
            None
        }
    }
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Stop {
    /// What is left to gain is below the tolerance.
    Converged,
    MaxSteps,
    Deadline,
    Cancelled,
    /// No further progress is possible though the tolerance is not met; the text says why.
    Stalled(String),
    /// This coordinate runs away: there is no optimum within reach.
    Diverging(usize),
    /// The objective is not finite at the starting point, or at every point reached from it.
    NonFinite,
}

/// What a run reports while it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps taken so far.
    pub step: usize,
    /// Minus the objective, in nats; an average over recent steps where it is noisy.
    pub elbo: f64,
    /// Standard error of `elbo`; 0 where the objective is seen exactly.
    pub std_error: f64,
    /// The present step size; for trust regions the radius, in units of the scale.
    pub step_size: f64,
}

/// Where a run ended and how it got there.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The best point seen; for noisy objectives the average of the last iterates.
    pub x: Vec<f64>,
    /// The objective there, in nats; infinite where it was never finite.
    pub value: f64,
    /// Standard error of `value`; 0 where the objective is seen exactly.
    pub std_error: f64,
    pub stop: Stop,
    /// Steps taken, as counted by [`Budget::max_steps`].
    pub steps: usize,
    /// Objective by step.
    pub trace: Vec<(usize, f64)>,
    /// Evaluations of value and gradient.
    pub gradients: usize,
    /// Products of the Hessian with a vector.
    pub hess_vecs: usize,
    /// Of a noisy objective that converged, by how much its answer may be off for all that the last two step
    /// sizes tell, in natural lengths.
    pub off: f64,
}

/// An exact objective whose evaluations are counted and checked.
pub(crate) struct Counted<'a> {
    objective: &'a mut dyn Objective,
    gradients: usize,
    hess_vecs: usize,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(objective: &'a mut dyn Objective) -> Counted<'a> {
        Counted {
            objective,
            gradients: 0,
            hess_vecs: 0,
        }
    }

    pub(crate) fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        self.gradients += 1;
        let value = self.objective.value_grad(x, g)?;
        finite(g).and(if value.is_finite() {
            Ok(value)
        } else {
            Err(NonFinite)
        })
    }

    pub(crate) fn hess_vec(
        &mut self,
        x: &[f64],
        v: &[f64],
        out: &mut [f64],
    ) -> Result<(), NonFinite> {
        self.hess_vecs += 1;
        self.objective.hess_vec(x, v, out)?;
        finite(out)
    }

    pub(crate) fn epsilon(&self) -> f64 {
        self.objective.epsilon()
    }

    pub(crate) fn scale(&self, x: &[f64]) -> Vec<f64> {
        natural_lengths(&*self.objective, x)
    }
}

/// The scale at `x`, with anything that is not a positive number replaced by 1.
pub(crate) fn natural_lengths(objective: &dyn Objective, x: &[f64]) -> Vec<f64> {
    let mut scale = vec![1.0; x.len()];
    objective.scale(x, &mut scale);
    make_positive(&mut scale);
    scale
}

/// A length that is 0, negative or not finite would freeze or poison its coordinate.
pub(crate) fn make_positive(scale: &mut [f64]) {
    // A choice and not a condition, so that several are looked at at once.
    for s in scale {
        let good = (*s > 0.0) & (*s < f64::INFINITY);
        *s = if good { *s } else { 1.0 };
    }
}

pub(crate) fn finite(values: &[f64]) -> Result<(), NonFinite> {
    if all_finite(values) {
        Ok(())
    } else {
        Err(NonFinite)
    }
}

/// Whether all are: every one is looked at, several at once.
pub(crate) fn all_finite(values: &[f64]) -> bool {
    values.iter().fold(true, |all, v| all & v.is_finite())
}

/// The present point of an exact method and the account of how it got there.
pub(crate) struct Descent<'a> {
    pub(crate) objective: Counted<'a>,
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
    pub(crate) g: Vec<f64>,
    pub(crate) steps: usize,
    trace: Vec<(usize, f64)>,
    progress: &'a mut dyn FnMut(&Progress),
}

impl<'a> Descent<'a> {
    /// Evaluates the start; where it is not finite there is nothing to descend from.
    pub(crate) fn start(
        objective: &'a mut dyn Objective,
        x0: &[f64],
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Result<Descent<'a>, Outcome> {
        let mut objective = Counted::new(objective);
        let mut g = vec![0.0; x0.len()];
        let value = objective.value_grad(x0, &mut g);
        let (value, finite) = (value.unwrap_or(f64::INFINITY), value.is_ok());
        let trace = vec![(0, value)];
        let descent = Descent {
            objective,
            x: x0.to_vec(),
            value,
            g,
            steps: 0,
            trace,
            progress,
        };
        if finite {
            Ok(descent)
        } else {
            Err(descent.end(Stop::NonFinite))
        }
    }

    /// Takes a step and reports it.
    pub(crate) fn advance(&mut self, x: Vec<f64>, value: f64, g: Vec<f64>, step_size: f64) {
        (self.x, self.value, self.g) = (x, value, g);
        self.steps += 1;
        self.trace.push((self.steps, value));
        (self.progress)(&Progress {
            step: self.steps,
            elbo: -value,
            std_error: 0.0,
            step_size,
        });
    }

    /// How far two evaluations near here may differ by rounding alone.
    pub(crate) fn rounding(&self) -> f64 {
        10.0 * self.objective.epsilon() * self.value.abs().max(1.0)
    }

    pub(crate) fn end(self, stop: Stop) -> Outcome {
        Outcome {
            x: self.x,
            value: self.value,
            std_error: 0.0,
            stop,
            steps: self.steps,
            trace: self.trace,
            gradients: self.objective.gradients,
            hess_vecs: self.objective.hess_vecs,
            off: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_names_what_ran_out() {
        assert_eq!(Budget::default().spent(usize::MAX), None);
        let steps = Budget {
            max_steps: Some(3),
            ..Budget::default()
        };
        assert_eq!(
            (steps.spent(2), steps.spent(3)),
            (None, Some(Stop::MaxSteps))
        );
        let time = Budget {
            deadline: Some(Instant::now()),
            ..Budget::default()
        };
        assert_eq!(time.spent(0), Some(Stop::Deadline));
        let flag = Arc::new(AtomicBool::new(false));
        let cancel = Budget {
            cancel: Some(flag.clone()),
            ..Budget::default()
        };
        assert_eq!(cancel.spent(0), None);
        flag.store(true, Ordering::Relaxed);
        assert_eq!(cancel.spent(0), Some(Stop::Cancelled));
    }
}
