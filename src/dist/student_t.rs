//! The StudentT distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::{Rng, RngExt};
use rand_distr::ChiSquared;
use rand_distr::StandardNormal;
use std::f64::consts::PI;

pub struct StudentT;

static DECLARATION: Declaration = Declaration {
    name: "StudentT",
    doc: "Student's t distribution: like the Normal with heavier tails.\n\n\
          `p(x) = Γ((nu+1)/2) / (Γ(nu/2) √(nu π) sigma) · (1 + ((x − mu)/sigma)²/nu)^(−(nu+1)/2)`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("nu", Domain::Positive, "degrees of freedom"),
            Parameter::scalar("mu", Domain::Real, "centre"),
            Parameter::scalar("sigma", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

/// `log(Γ(a + ½) / Γ(a))`, without cancellation for large a.
pub(super) fn log_gamma_half_step<'g>(a: Var<'g>) -> Var<'g> {
    let large = a.gt(100.0);
    let wide = large.select(a, 100.0);
    let r = wide.recip();
    let r2 = r.square();
    // Asymptotic series; the first term left out is below 1e-16 here.
    let series = wide.log() * 0.5 - r * (0.125 - r2 * (1.0 / 192.0 - r2 * (1.0 / 640.0)));
    let small = large.select(100.0, a);
    large.select(series, (small + 0.5).lgamma() - small.lgamma())
}

/// Logarithm of the density at the centre, for scale 1.
pub(super) fn log_constant<'g>(nu: Var<'g>) -> Var<'g> {
    log_gamma_half_step(nu * 0.5) - (nu * PI).log() * 0.5
}

pub(super) fn standard_entropy<'g>(nu: Var<'g>) -> Var<'g> {
    let half = (nu + 1.0) * 0.5;
    half * (half.digamma() - (nu * 0.5).digamma()) - log_constant(nu)
}

/// One draw of centre 0 and scale 1.
pub(super) fn draw(nu: f64, rng: &mut dyn Rng) -> f64 {
    let z: f64 = rng.sample(StandardNormal);
    let square: f64 = rng.sample(ChiSquared::new(nu).expect("degrees of freedom are positive"));
    z / (square / nu).sqrt()
}

/// Logarithm of the probability up to `x` or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    d.value(0)
        .student_t_tail((x - d.value(1)) / d.value(2), tail)
}

impl Family for StudentT {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (nu, sigma) = (d.value(0), d.value(2));
        let square = (x - d.value(1)).square() * (nu * sigma.square()).recip();
        log_constant(nu) - sigma.log() - square.log1p() * ((nu + 1.0) * 0.5)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = p.scalar(1) + p.scalar(2) * draw(p.scalar(0), rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let exists = d.value(0).gt(1.0);
        Some(exists.select(d.value(1) + d.value(2) * 0.0, f64::NAN))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (nu, sigma) = (d.value(0), d.value(2));
        let finite = nu.gt(2.0);
        let safe = finite.select(nu, 3.0);
        let elsewhere = nu.gt(1.0).select(f64::INFINITY, f64::NAN);
        Some(finite.select(sigma.square() * safe / (safe - 2.0), elsewhere) + d.value(1) * 0.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(standard_entropy(d.value(0)) + d.value(2).log() + d.value(1) * 0.0)
    }
}
