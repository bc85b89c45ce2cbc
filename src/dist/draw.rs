//! Draws that several samplers need. Arguments outside of a family's domain give NaN, which whoever
//! reads the draw reports; a sampler has no place to say it.

use rand::{Rng, RngExt};
use rand_distr::{StandardNormal, StandardUniform};

pub(super) fn normal(rng: &mut dyn Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// Uniform on `[0, 1)`.
pub(super) fn uniform(rng: &mut dyn Rng) -> f64 {
    rng.sample(StandardUniform)
}

/// Gamma with scale 1.
pub(super) fn gamma(shape: f64, rng: &mut dyn Rng) -> f64 {
    rand_distr::Gamma::new(shape, 1.0).map_or(f64::NAN, |d| rng.sample(d))
}

pub(super) fn beta(a: f64, b: f64, rng: &mut dyn Rng) -> f64 {
    rand_distr::Beta::new(a, b).map_or(f64::NAN, |d| rng.sample(d))
}

pub(super) fn poisson(rate: f64, rng: &mut dyn Rng) -> f64 {
    if rate == 0.0 {
        return 0.0;
    }
    rand_distr::Poisson::new(rate).map_or(f64::NAN, |d| rng.sample(d))
}

pub(super) fn binomial(trials: f64, prob: f64, rng: &mut dyn Rng) -> f64 {
    if trials.is_nan() {
        return f64::NAN;
    }
    // Sums and quotients of probabilities may exceed 1 by rounding.
    let prob = if prob > 1.0 && prob < 1.0 + 1e-9 {
        1.0
    } else {
        prob
    };
    rand_distr::Binomial::new(trials as u64, prob).map_or(f64::NAN, |d| rng.sample(d) as f64)
}

/// Index from 0 with probabilities in proportion to `weights`.
pub(super) fn index(weights: &[f64], rng: &mut dyn Rng) -> usize {
    let mut rest = uniform(rng) * weights.iter().sum::<f64>();
    for (k, w) in weights.iter().enumerate() {
        rest -= w;
        if rest < 0.0 {
            return k;
        }
    }
    // Rounding left a little: the last that is possible at all.
    weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
}

/// Multinomial counts, one Binomial for each but the last class.
pub(super) fn multinomial(trials: f64, weights: &[f64], rng: &mut dyn Rng, out: &mut [f64]) {
    let (mut left, mut rest) = (trials, weights.iter().sum::<f64>());
    for (k, (x, w)) in out.iter_mut().zip(weights).enumerate() {
        *x = if k + 1 == weights.len() || left == 0.0 {
            left
        } else {
            binomial(left, (w / rest).clamp(0.0, 1.0), rng)
        };
        left -= *x;
        rest -= w;
    }
}

/// `exp(logits)` without overflow, not normalised.
pub(super) fn weights(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.iter().map(|l| (l - top).exp()).collect()
}
