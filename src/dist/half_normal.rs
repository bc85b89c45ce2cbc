//! The HalfNormal distribution.

use super::normal::LOG_SQRT_2PI;
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, FRAC_PI_2, LN_2};

pub struct HalfNormal;

static DECLARATION: Declaration = Declaration {
    name: "HalfNormal",
    doc: "Absolute value of a Normal variable of mean 0.\n\n\
          `p(x) = √(2/π) / sigma · exp(−x² / 2 sigma²)` for x ≥ 0.",
    forms: &[Form {
        parameters: &[Parameter::scalar(
            "sigma",
            Domain::Positive,
            "standard deviation before the sign is dropped",
        )],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Nonnegative,
};

impl Family for HalfNormal {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let sigma = d.value(0);
        -(x.square() * (sigma.square().recip() * 0.5)) - sigma.log() - (LOG_SQRT_2PI - LN_2)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let z: f64 = rng.sample(StandardNormal);
        out[0] = p.scalar(0) * z.abs();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((x.max(0.0) / d.value(0) * FRAC_1_SQRT_2).erf().log())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((-(x.max(0.0) / d.value(0))).log_phi() + LN_2)
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        // Near 0 the series of the inverse error function, for 1 − p has fewer digits.
        let small = p.lt(1e-3);
        let square = p.square() * FRAC_PI_2;
        let series = p * FRAC_PI_2.sqrt() * (square * (square * (7.0 / 120.0) + 1.0 / 6.0) + 1.0);
        let z = small.select(series, -((1.0 - p) * 0.5).inv_phi());
        Some(d.value(0) * z)
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * FRAC_2_PI.sqrt())
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0).square() * (1.0 - FRAC_2_PI))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0).log() + (LOG_SQRT_2PI - LN_2 + 0.5))
    }
}
