//! The SkewNormal distribution.

use super::normal::LOG_SQRT_2PI;
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::{FRAC_2_PI, LN_2};

pub struct SkewNormal;

static DECLARATION: Declaration = Declaration {
    name: "SkewNormal",
    doc: "Normal distribution leaning to one side.\n\n\
          `p(x) = 2/sigma · φ(z) Φ(alpha z)` for `z = (x − mu) / sigma`.\n\n\
          Azzalini (1985), A class of distributions which includes the normal ones.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "location"),
            Parameter::scalar("sigma", Domain::Positive, "scale"),
            Parameter::scalar(
                "alpha",
                Domain::Real,
                "slant: positive for a longer upper tail",
            ),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

/// Correlation of the variable with the half-normal one that makes it lean.
fn delta<'g>(d: &Distribution<'g>) -> Var<'g> {
    let alpha = d.value(2);
    alpha / (alpha.square() + 1.0).sqrt()
}

impl Family for SkewNormal {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (sigma, z) = (d.value(1), (x - d.value(0)) / d.value(1));
        (z * d.value(2)).log_phi() - z.square() * 0.5 - sigma.log() - (LOG_SQRT_2PI - LN_2)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let alpha = p.scalar(2);
        let (u, v): (f64, f64) = (rng.sample(StandardNormal), rng.sample(StandardNormal));
        let z = (alpha * u.abs() + v) / 1f64.hypot(alpha);
        out[0] = p.scalar(0) + p.scalar(1) * z;
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let z = (x - d.value(0)) / d.value(1);
        Some(z.log_skew_phi(d.value(2)))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let z = (d.value(0) - x) / d.value(1);
        Some(z.log_skew_phi(-d.value(2)))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1) * delta(d) * FRAC_2_PI.sqrt())
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).square() * (1.0 - delta(d).square() * FRAC_2_PI) + d.value(0) * 0.0)
    }
}
