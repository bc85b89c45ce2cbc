//! The Gumbel distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Exp1;
use std::f64::consts::PI;

pub struct Gumbel;

static DECLARATION: Declaration = Declaration {
    name: "Gumbel",
    doc: "Limit distribution of the largest of many values.\n\n\
          `p(x) = exp(−z − e⁻ᶻ) / scale` for `z = (x − mu) / scale`; mode `mu`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "mode"),
            Parameter::scalar("scale", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

/// The Euler–Mascheroni constant.
pub(super) const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// `log(1 − exp(−eᵗ))`, which is t for very negative t.
pub(super) fn log1m_exp_neg_exp<'g>(t: Var<'g>) -> Var<'g> {
    let far = t.lt(-40.0);
    let near = (-far.select(0.0, t).exp()).log1m_exp();
    far.select(t, near)
}

impl Family for Gumbel {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let z = (x - d.value(0)) / d.value(1);
        -z - (-z).exp() - d.value(1).log()
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let e: f64 = rng.sample(Exp1);
        out[0] = p.scalar(0) - p.scalar(1) * e.ln();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(-((d.value(0) - x) / d.value(1)).exp())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log1m_exp_neg_exp((d.value(0) - x) / d.value(1)))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) - d.value(1) * (-p.log()).log())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1) * EULER_GAMMA)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).square() * (PI * PI / 6.0) + d.value(0) * 0.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).log() + d.value(0) * 0.0 + (1.0 + EULER_GAMMA))
    }
}
