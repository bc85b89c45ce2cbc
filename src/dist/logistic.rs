//! The Logistic distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Open01;
use std::f64::consts::PI;

pub struct Logistic;

static DECLARATION: Declaration = Declaration {
    name: "Logistic",
    doc: "Distribution whose distribution function is the logistic curve.\n\n\
          `p(x) = eᶻ / (scale (1 + eᶻ)²)` for `z = (x − mu) / scale`; variance `scale² π² / 3`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "mean and median"),
            Parameter::scalar("scale", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for Logistic {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let z = (x - d.value(0)) / d.value(1);
        -z - (-z).softplus() * 2.0 - d.value(1).log()
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let u: f64 = rng.sample(Open01);
        out[0] = p.scalar(0) + p.scalar(1) * (u.ln() - (-u).ln_1p());
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((x - d.value(0)) / d.value(1)).log_sigmoid())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((d.value(0) - x) / d.value(1)).log_sigmoid())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1) * p.logit())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1) * 0.0)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).square() * (PI * PI / 3.0) + d.value(0) * 0.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).log() + d.value(0) * 0.0 + 2.0)
    }
}
