//! The Uniform distribution.

use super::{
    Bounds, Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values,
};
use crate::graph::Var;
use rand::{Rng, RngExt};

pub struct Uniform;

static DECLARATION: Declaration = Declaration {
    name: "Uniform",
    doc: "Every number between two bounds alike.\n\n\
          `p(x) = 1 / (upper − lower)` for lower ≤ x ≤ upper, else 0.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("lower", Domain::Real, "smallest value"),
            Parameter::scalar("upper", Domain::Real, "largest value"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for Uniform {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let width = d.value(1) - d.value(0);
        self.support(d).guard(x, |x| x * 0.0 - width.log())
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Interval {
            lower: Some(d.value(0)),
            upper: Some(d.value(1)),
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            lower: 0,
            upper: 1,
            may_be_equal: false,
        })
    }

    fn support_needs_arguments(&self) -> bool {
        true
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (lower, upper) = (p.scalar(0), p.scalar(1));
        out[0] = lower + (upper - lower) * rng.random::<f64>();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let (lower, upper) = (d.value(0), d.value(1));
        Some(((x.max(lower).min(upper) - lower) / (upper - lower)).log())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let (lower, upper) = (d.value(0), d.value(1));
        Some(((upper - x.max(lower).min(upper)) / (upper - lower)).log())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * (1.0 - p) + d.value(1) * p)
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((d.value(0) + d.value(1)) * 0.5)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((d.value(1) - d.value(0)).square() * (1.0 / 12.0))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((d.value(1) - d.value(0)).log())
    }
}
