//! The Laplace distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Exp1;
use std::f64::consts::LN_2;

pub struct Laplace;

static DECLARATION: Declaration = Declaration {
    name: "Laplace",
    doc: "Double exponential distribution.\n\n\
          `p(x) = exp(−|x − mu| / scale) / (2 scale)`; mean `mu`, variance `2 scale²`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "mean and median"),
            Parameter::scalar("scale", Domain::Positive, "mean absolute deviation"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

/// Logarithm of the standard distribution function.
fn log_below<'g>(z: Var<'g>) -> Var<'g> {
    let above = z.gt(0.0);
    let tail = (-above.select(z, 0.0)).exp() * -0.5;
    above.select(tail.log1p(), z - LN_2)
}

impl Family for Laplace {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let scale = d.value(1);
        -((x - d.value(0)).abs() * scale.recip()) - scale.log() - LN_2
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let z: f64 = rng.sample(Exp1);
        let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
        out[0] = p.scalar(0) + sign * p.scalar(1) * z;
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_below((x - d.value(0)) / d.value(1)))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_below((d.value(0) - x) / d.value(1)))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        let below = p.le(0.5);
        let tail = below.select(p, 1.0 - p) * 2.0;
        let distance = tail.log() * d.value(1);
        Some(d.value(0) + below.select(distance, -distance))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1) * 0.0)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).square() * 2.0 + d.value(0) * 0.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).log() + d.value(0) * 0.0 + (1.0 + LN_2))
    }
}
