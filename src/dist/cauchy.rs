//! The Cauchy distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use std::f64::consts::PI;

pub struct Cauchy;

static DECLARATION: Declaration = Declaration {
    name: "Cauchy",
    doc: "Cauchy distribution: no mean, tails like `1 / x²`.\n\n\
          `p(x) = 1 / (π sigma (1 + ((x − mu)/sigma)²))`; median `mu`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "median"),
            Parameter::scalar(
                "sigma",
                Domain::Positive,
                "half the distance between the quartiles",
            ),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for Cauchy {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let sigma = d.value(1);
        let square = (x - d.value(0)).square() * sigma.square().recip();
        -square.log1p() - sigma.log() - PI.ln()
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let angle = PI * (rng.random::<f64>() - 0.5);
        out[0] = p.scalar(0) + p.scalar(1) * angle.tan();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((d.value(1).atan2(d.value(0) - x) / PI).log())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((d.value(1).atan2(x - d.value(0)) / PI).log())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) - d.value(1) * (p * PI).cos() / (p * PI).sin())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).log() + d.value(0) * 0.0 + (4.0 * PI).ln())
    }
}
