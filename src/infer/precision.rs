//! Turns an optimum for fixed draws into the error that those draws leave.
//!
//! The optimum is where the gradient's average over its draws is 0. Averages over other sets of draws,
//! made in the same way, are not 0 there; how they scatter is the gradient's error, and a Newton step from
//! each says where those draws would have put the optimum. So one optimum is enough to know the standard
//! error of every coordinate: the sandwich `H⁻¹ Cov(g) H⁻¹` (Huber 1967; for fixed draws Giordano, Ingram
//! & Broderick 2024). Whole sets are compared because pairing and whitening make draws dependent.

use super::objective::FixedDraws;
use super::optim::{
    ConjugateDirections, NonFinite, Objective, dot, in_natural_lengths, natural_lengths,
};

/// Monte Carlo error of a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MonteCarlo {
    /// Largest standard error of a mean in sds of the guide, or of a log sd; more where the optimum is
    /// plainly further off.
    #[serde(with = "crate::data::any_float")]
    pub sds: f64,
    /// ELBO that is lost by it, in nats.
    #[serde(with = "crate::data::any_float")]
    pub nats: f64,
}

impl MonteCarlo {
    /// How many times the draws would bring the error down to the tolerance: it falls with their root, what
    /// it costs with their number.
    pub(super) fn excess(self, tolerance: f64) -> f64 {
        (self.sds / tolerance).powi(2).max(self.nats / tolerance)
    }

    /// Whether an optimum of `dim` coordinates is as good as unknown: some mean by more than its guide's sd,
    /// or more nats than that much in every coordinate loses.
    pub(super) fn is_useless(self, dim: usize) -> bool {
        !(self.sds <= 1.0 && self.nats <= 0.5 * dim as f64)
    }

    /// Draws that should bring the error of so many below the tolerance. Saturates where it is infinite.
    pub(super) fn draws_wanted(self, draws: usize, tolerance: f64) -> usize {
        (MARGIN * self.excess(tolerance) * draws as f64).ceil() as usize
    }
}

/// What other sets of draws say of an optimum.
pub(super) struct Precision {
    pub(super) error: MonteCarlo,
    /// Where all those draws together would have put it.
    pub(super) elsewhere: Vec<f64>,
}

/// Draws are added to what the error asks for, since it is itself an estimate.
pub(super) const MARGIN: f64 = 1.2;
/// Other sets of draws: the relative error of a standard error from so many is about 1/√22, a fifth.
const SETS: usize = 12;
/// Draws up to which a set has as many as the optimum.
const LARGEST_SET: usize = 1024;
/// An optimum further from where the other sets put it than so many standard errors is off by more than
/// its standard error: it missed what they saw.
const FAR: f64 = 4.0;
/// Relative length of what is left of a Newton equation. The standard errors need no more.
const RESIDUAL: f64 = 0.05;
/// Hessian products, at most.
const PRODUCTS: usize = 300;

/// The error at the optimum `x` of `draws` draws, of which the first `guide_dim` coordinates are a
/// guide's. An error where some draw of the other sets, or time, does not allow to tell.
pub(super) fn precision(
    objective: &mut FixedDraws,
    x: &[f64],
    guide_dim: usize,
    draws: usize,
    seed: u64,
) -> Result<Precision, NonFinite> {
    let scale = natural_lengths(objective, x);
    // Sets as large as the draws in question miss what those miss, the rare draws of a heavy tail; where
    // there are many, smaller ones do, since errors then fall with their root.
    let size = draws.min(LARGEST_SET.max(draws / 4).max(2 * guide_dim));
    let gradients = other_gradients(objective, x, &scale, size, seed)?;
    let mut directions = ConjugateDirections::default();
    let mut product = in_natural_lengths(&scale, |v, out| objective.hess_vec(x, v, out));
    let mut newton = |g: &[f64]| directions.solve(g, RESIDUAL, PRODUCTS, &mut product);
    let mean = mean(&gradients);
    let mut squares = vec![0.0; guide_dim];
    let mut decrements = 0.0;
    for g in &gradients {
        let scatter: Vec<f64> = g.iter().zip(&mean).map(|(g, m)| g - m).collect();
        let step = newton(&scatter)?;
        decrements += dot(&scatter, &step).max(0.0);
        squares.iter_mut().zip(&step).for_each(|(q, d)| *q += d * d);
    }
    let shift = newton(&mean)?;
    let lost = 0.5 * dot(&mean, &shift).max(0.0);
    // Squares are of `SETS` deviations from their mean; sets of all draws would scatter less.
    let each = size as f64 / draws as f64 / (SETS - 1) as f64;
    let errors = squares.iter().map(|q| (q * each).sqrt());
    let errors = errors.zip(&shift).map(|(e, d)| e.max(d.abs() / FAR));
    let moved = x.iter().zip(&shift).zip(&scale);
    Ok(Precision {
        error: MonteCarlo {
            sds: errors.fold(0.0, f64::max),
            nats: (0.5 * decrements * each).max(lost / FAR.powi(2)),
        },
        elsewhere: moved.map(|((x, d), s)| x - s * d).collect(),
    })
}

/// The gradient at `x` for each of the other sets, in natural lengths.
fn other_gradients(
    objective: &mut FixedDraws,
    x: &[f64],
    scale: &[f64],
    size: usize,
    seed: u64,
) -> Result<Vec<Vec<f64>>, NonFinite> {
    let mut gradient = |set: u64| {
        let mut g = vec![0.0; x.len()];
        let mut other = objective.redrawn(size, seed.wrapping_add(set));
        other.value_grad(x, &mut g)?;
        g.iter_mut().zip(scale).for_each(|(g, s)| *g *= s);
        Ok(g)
    };
    (0..SETS as u64).map(&mut gradient).collect()
}

fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for v in vectors {
        sum.iter_mut().zip(v).for_each(|(s, v)| *s += v);
    }
    sum.iter().map(|s| s / vectors.len() as f64).collect()
}
