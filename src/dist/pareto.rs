//! The Pareto distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Exp1;

pub struct Pareto;

static DECLARATION: Declaration = Declaration {
    name: "Pareto",
    doc: "Distribution with a tail like a power, above a minimum.\n\n\
          `p(x) = shape · minimum^shape / x^(shape + 1)` for x ≥ minimum.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("minimum", Domain::Positive, "smallest possible value"),
            Parameter::scalar("shape", Domain::Positive, "exponent of the tail"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

/// `−log P(X > x)`
fn hazard<'g>(d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
    (x.max(d.value(0)) / d.value(0)).log() * d.value(1)
}

impl Family for Pareto {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (minimum, shape) = (d.value(0), d.value(1));
        self.support(d).guard(x, |x| {
            shape.log() + shape * minimum.log() - x.log() * (shape + 1.0)
        })
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Interval {
            lower: Some(d.value(0)),
            upper: None,
        }
    }

    fn support_needs_arguments(&self) -> bool {
        true
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let e: f64 = rng.sample(Exp1);
        out[0] = p.scalar(0) * (e / p.scalar(1)).exp();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((-hazard(d, x)).log1m_exp())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(-hazard(d, x))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * (-((-p).log1p() / d.value(1))).exp())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (minimum, shape) = (d.value(0), d.value(1));
        let finite = shape.gt(1.0);
        let safe = finite.select(shape, 2.0);
        Some(finite.select(minimum * safe / (safe - 1.0), f64::INFINITY))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (minimum, shape) = (d.value(0), d.value(1));
        let finite = shape.gt(2.0);
        let safe = finite.select(shape, 3.0);
        let elsewhere = shape.gt(1.0).select(f64::INFINITY, f64::NAN);
        let variance = (minimum / (safe - 1.0)).square() * safe / (safe - 2.0);
        Some(finite.select(variance, elsewhere))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (minimum, shape) = (d.value(0), d.value(1));
        Some(minimum.log() - shape.log() + shape.recip() + 1.0)
    }
}
