//! The HalfCauchy distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

pub struct HalfCauchy;

static DECLARATION: Declaration = Declaration {
    name: "HalfCauchy",
    doc: "Absolute value of a Cauchy variable of median 0.\n\n\
          `p(x) = 2 / (π sigma (1 + (x/sigma)²))` for x ≥ 0; median `sigma`.",
    forms: &[Form {
        parameters: &[Parameter::scalar("sigma", Domain::Positive, "median")],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Nonnegative,
};

impl Family for HalfCauchy {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    // By the logarithm of x, so that neither very large nor very small scales overflow; where x is
    // exp(u) the logarithm goes away.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let log_sigma = d.value(0).log();
        -((x.log() - log_sigma) * 2.0).softplus() - log_sigma + FRAC_2_PI.ln()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = p.scalar(0) * (rng.random::<f64>() / FRAC_2_PI).tan();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((x.max(0.0).atan2(d.value(0)) * FRAC_2_PI).log())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((d.value(0).atan2(x.max(0.0)) * FRAC_2_PI).log())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * (p * FRAC_PI_2).tan())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0).log() + (2.0 * PI).ln())
    }
}
