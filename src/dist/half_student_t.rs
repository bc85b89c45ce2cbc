//! The HalfStudentT distribution.

use super::student_t::{draw, log_constant, standard_entropy};
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;
use std::f64::consts::LN_2;

pub struct HalfStudentT;

static DECLARATION: Declaration = Declaration {
    name: "HalfStudentT",
    doc: "Absolute value of a StudentT variable of centre 0.\n\n\
          `p(x) = 2 Γ((nu+1)/2) / (Γ(nu/2) √(nu π) sigma) · (1 + (x/sigma)²/nu)^(−(nu+1)/2)` for \
          x ≥ 0.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("nu", Domain::Positive, "degrees of freedom"),
            Parameter::scalar("sigma", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Nonnegative,
};

/// `2 sigma nu p₀ / (nu − 1)`, p₀ the density at the centre of the StudentT of scale 1.
fn half_mean<'g>(d: &Distribution<'g>, nu: Var<'g>) -> Var<'g> {
    d.value(1) * 2.0 * log_constant(nu).exp() * nu / (nu - 1.0)
}

/// Logarithm of the probability up to `x` or above it, by the share `ratio² / (1 + ratio²)`, which is
/// Beta(½, nu/2).
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let nu = d.value(0);
    let positive = x.gt(0.0);
    let ratio = positive.select(x, 1.0) / (d.value(1) * nu.sqrt());
    // The smaller of the two shares has all its digits.
    let far = ratio.gt(1.0);
    let near_square = far.select(1.0, ratio).square();
    let below = near_square / (near_square + 1.0);
    let above = (far.select(ratio, 1.0).square() + 1.0).recip();
    let (half, shape) = (nu.graph.scalar(0.5).broadcast(&nu.shape()), nu * 0.5);
    let Tail { upper, log } = tail;
    let within = far.select(
        shape.beta_tail(half, above, Tail { upper: !upper, log }),
        half.beta_tail(shape, below, tail),
    );
    positive.select(within, if upper { 0.0 } else { f64::NEG_INFINITY })
}

impl Family for HalfStudentT {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    // By the logarithm of x, so that neither very large nor very small scales overflow; where x is
    // exp(u) the logarithm goes away.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (nu, sigma) = (d.value(0), d.value(1));
        let log_square = x.log() * 2.0 - (sigma.log() * 2.0 + nu.log());
        log_constant(nu) + LN_2 - sigma.log() - log_square.softplus() * ((nu + 1.0) * 0.5)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = p.scalar(1) * draw(p.scalar(0), rng).abs();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let nu = d.value(0);
        let finite = nu.gt(1.0);
        Some(finite.select(half_mean(d, finite.select(nu, 2.0)), f64::INFINITY))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (nu, sigma) = (d.value(0), d.value(1));
        let finite = nu.gt(2.0);
        let safe = finite.select(nu, 3.0);
        let square = sigma.square() * safe / (safe - 2.0);
        let elsewhere = nu.gt(1.0).select(f64::INFINITY, f64::NAN);
        Some(finite.select(square - half_mean(d, safe).square(), elsewhere))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(standard_entropy(d.value(0)) + d.value(1).log() - LN_2)
    }
}
