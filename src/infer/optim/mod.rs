//! Turns an objective and a starting point into a point where the objective is lowest.
//!
//! Everything minimises. An [`Objective`] is seen exactly and is met by second-order methods
//! ([`minimise_newton`], [`minimise_lbfgs`]); a [`StochasticObjective`] is seen through noise, and a
//! [`Stepper`] turns each noisy gradient into a move. All lengths are measured in the objective's
//! own [`scale`](Objective::scale), so that a coefficient in dollars and a log sd are alike.

mod adabelief;
mod adagrad;
#[allow(unsafe_code)]
mod adam;
#[cfg(test)]
mod battery;
mod cg_path;
mod conjugate;
mod drift;
mod lbfgs;
mod line_search;
#[cfg(test)]
pub(crate) mod problems;
mod rmsprop;
mod run;
mod sgd;
mod trust_region;

pub use adabelief::AdaBelief;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamInPlace};
pub(crate) use cg_path::{HessVec, in_natural_lengths};
pub(crate) use conjugate::ConjugateDirections;
pub(crate) use drift::{Drift, Runaway, unresolved};
pub use lbfgs::{LbfgsSettings, minimise_lbfgs};
pub use rmsprop::RmsProp;
pub use run::{Budget, Outcome, Progress, Stop};
pub(crate) use run::{all_finite, finite, make_positive, natural_lengths};
pub use sgd::Sgd;
pub use trust_region::{NewtonSettings, minimise_newton};

/// The objective or one of its derivatives is NaN or infinite at the point asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the objective is not finite at this point")]
pub struct NonFinite;

/// A smooth function to minimise, seen exactly.
///
/// The contract: the same `x` gives the same answer, and a point where value or gradient is not
/// finite gives [`NonFinite`], which optimisers answer with a shorter step.
pub trait Objective {
    /// Number of coordinates.
    fn dim(&self) -> usize;

    /// The value at `x`, in nats; the gradient is written to `g`.
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite>;

    /// The Hessian at `x` times `v`, written to `out`.
    ///
    /// Unless overridden, a central difference of two gradients: right to about 8 digits where the
    /// objective is smooth over a ten-thousandth of its scale.
    fn hess_vec(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        central_difference(self, x, v, out)
    }

    /// The natural length of each coordinate at `x`, positive, written to `out`: the posterior sd
    /// for a mean, 1 for a log sd. Steps, preconditioning and stopping use it as their unit.
    fn scale(&self, _x: &[f64], out: &mut [f64]) {
        out.fill(1.0);
    }

    /// The distance from 1 to the next number in the arithmetic that value and gradient are
    /// computed in: what optimisers take differences below a few times that for rounding.
    fn epsilon(&self) -> f64 {
        f64::EPSILON
    }
}

/// A function to minimise that is seen only through unbiased noisy estimates.
pub trait StochasticObjective {
    /// Number of coordinates.
    fn dim(&self) -> usize;

    /// An estimate of the value at `x`, in nats; that of the gradient is written to `g`.
    ///
    /// `seed_step` names the noise: the same `x` and `seed_step` give the same answer, and
    /// different ones independent noise. Comparing two points under equal `seed_step` is fair.
    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite>;

    /// As [`Objective::scale`].
    fn scale(&self, _x: &[f64], out: &mut [f64]) {
        out.fill(1.0);
    }

    /// Coordinates that have a natural length, the first so many. For the others [`scale`](Self::scale) is
    /// only a unit, and what a move of theirs is worth the objective alone tells.
    fn measured(&self) -> usize {
        self.dim()
    }

    /// Rows of data that the objective is a sum over, where it is a sum over rows.
    fn rows(&self) -> usize {
        1
    }
}

/// A first-order rule: what one gradient does to the point.
///
/// The contract: `step` moves `x` by a displacement that does not depend on where `x` is, only on
/// the gradients seen so far and on `lr`, and is 0 while all of them were 0. A stepper sizes its
/// memory at the first step.
pub trait Stepper {
    /// Moves `x` downhill, given the gradient `g` there and the step size `lr`.
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]);

    /// Forgets all gradients seen.
    fn reset(&mut self);
}

/// A constructor of a stepper with its default settings.
pub type NewStepper = fn() -> Box<dyn Stepper>;

/// Every stepper by name, with its default settings.
pub const STEPPERS: &[(&str, NewStepper)] = &[
    ("sgd", || {
        Box::new(Sgd {
            momentum: 0.0,
            ..Sgd::default()
        })
    }),
    ("momentum", || Box::new(Sgd::default())),
    ("adagrad", || Box::new(Adagrad::default())),
    ("rmsprop", || Box::new(RmsProp::default())),
    ("adam", || Box::new(Adam::default())),
    ("adabelief", || Box::new(AdaBelief::default())),
];

/// `(∇f(x + hv) − ∇f(x − hv)) / 2h`, with `h` such that the longest coordinate of `hv` is a
/// ten-thousandth of the scale: there truncation and rounding are about equal for sums over data.
fn central_difference<O: Objective + ?Sized>(
    objective: &mut O,
    x: &[f64],
    v: &[f64],
    out: &mut [f64],
) -> Result<(), NonFinite> {
    let mut scale = vec![1.0; x.len()];
    objective.scale(x, &mut scale);
    let longest = v
        .iter()
        .zip(&scale)
        .map(|(v, s)| (v / s).abs())
        .fold(0.0, f64::max);
    if longest == 0.0 {
        out.fill(0.0);
        return Ok(());
    }
    let h = 1e-4 / longest;
    let shifted = |sign: f64| {
        x.iter()
            .zip(v)
            .map(|(x, v)| x + sign * h * v)
            .collect::<Vec<_>>()
    };
    let mut below = vec![0.0; x.len()];
    objective.value_grad(&shifted(-1.0), &mut below)?;
    objective.value_grad(&shifted(1.0), out)?;
    out.iter_mut()
        .zip(&below)
        .for_each(|(o, b)| *o = (*o - b) / (2.0 * h));
    Ok(())
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `y += c·x`.
pub(crate) fn add_scaled(y: &mut [f64], c: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += c * x);
}

/// Largest `|aᵢ·bᵢ|`; of a gradient and the scale, the gradient in nats per natural length.
pub(crate) fn max_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a * b).abs())
        .fold(0.0, f64::max)
}
