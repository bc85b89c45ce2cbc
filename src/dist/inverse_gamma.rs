//! The InverseGamma distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;

pub struct InverseGamma;

static DECLARATION: Declaration = Declaration {
    name: "InverseGamma",
    doc: "Distribution of `1 / y` for y Gamma.\n\n\
          `p(x) = scale^shape / Γ(shape) · x^(−shape − 1) exp(−scale / x)` for x > 0.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("shape", Domain::Positive, "shape"),
            Parameter::scalar("scale", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

/// Logarithm of the probability up to `x`, which is that of `1 / x` and above, or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let positive = x.gt(0.0);
    let inverse = d.value(1) / positive.select(x, 1.0);
    let Tail { upper, log } = tail;
    let within = d.value(0).gamma_tail(inverse, Tail { upper: !upper, log });
    positive.select(within, if upper { 0.0 } else { f64::NEG_INFINITY })
}

impl Family for InverseGamma {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (shape, scale) = (d.value(0), d.value(1));
        -(x.log() * (shape + 1.0)) - x.recip() * scale + shape * scale.log() - shape.lgamma()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = p.scalar(1) / super::gamma::draw(p.scalar(0), rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, scale) = (d.value(0), d.value(1));
        let finite = shape.gt(1.0);
        let safe = finite.select(shape, 2.0);
        Some(finite.select(scale / (safe - 1.0), f64::INFINITY))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, scale) = (d.value(0), d.value(1));
        let finite = shape.gt(2.0);
        let safe = finite.select(shape, 3.0);
        let elsewhere = shape.gt(1.0).select(f64::INFINITY, f64::NAN);
        let variance = (scale / (safe - 1.0)).square() / (safe - 2.0);
        Some(finite.select(variance, elsewhere))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, scale) = (d.value(0), d.value(1));
        Some(shape + scale.log() + shape.lgamma() - (shape + 1.0) * shape.digamma())
    }
}
