//! The HalfFlat improper distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::Rng;

pub struct HalfFlat;

static DECLARATION: Declaration = Declaration {
    name: "HalfFlat",
    doc: "No preference among numbers above a bound: density 1, without normalisation.\n\n\
          `p(x) = 1` for x ≥ lower. It has no draws.",
    forms: &[Form {
        parameters: &[Parameter::scalar("lower", Domain::Real, "smallest value").or(0.0)],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for HalfFlat {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        self.support(d).guard(x, |x| x * 0.0 + d.value(0) * 0.0)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Interval {
            lower: Some(d.value(0)),
            upper: None,
        }
    }

    /// NaN: there is nothing to draw from.
    fn support_needs_arguments(&self) -> bool {
        true
    }

    fn is_normalised(&self) -> bool {
        false
    }

    fn sample(&self, _p: &Point, _rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = f64::NAN;
    }
}
