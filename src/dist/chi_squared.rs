//! The ChiSquared distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;
use std::f64::consts::LN_2;

pub struct ChiSquared;

static DECLARATION: Declaration = Declaration {
    name: "ChiSquared",
    doc: "Sum of `nu` squares of standard Normal variables.\n\n\
          `p(x) = x^(nu/2 − 1) exp(−x/2) / (2^(nu/2) Γ(nu/2))` for x > 0; mean `nu`, variance `2 \
          nu`.",
    forms: &[Form {
        parameters: &[Parameter::scalar(
            "nu",
            Domain::Positive,
            "degrees of freedom",
        )],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

/// Logarithm of the probability up to `x` or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    (d.value(0) * 0.5).gamma_tail(x * 0.5, tail)
}

impl Family for ChiSquared {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let half = d.value(0) * 0.5;
        x.log() * (half - 1.0) - x * 0.5 - half * LN_2 - half.lgamma()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = 2.0 * super::gamma::draw(0.5 * p.scalar(0), rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * 2.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let half = d.value(0) * 0.5;
        Some(half + LN_2 + half.lgamma() + (1.0 - half) * half.digamma())
    }
}
