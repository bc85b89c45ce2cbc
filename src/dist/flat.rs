//! The Flat improper distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};

pub struct Flat;

static DECLARATION: Declaration = Declaration {
    name: "Flat",
    doc: "No preference: density 1 on the support, without normalisation.\n\n\
          `p(x) = 1` for lower ≤ x ≤ upper; without bounds on all real numbers. It has no draws \
          unless both bounds are given.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("lower", Domain::Real, "smallest value").optional(),
            Parameter::scalar("upper", Domain::Real, "largest value").optional(),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for Flat {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let bounds = [d.value_or_none(0), d.value_or_none(1)];
        // Nothing but the bounds' batch axes.
        let shape = |x: Var<'g>| {
            bounds
                .iter()
                .flatten()
                .fold(x * 0.0, |sum, &b| sum + b * 0.0)
        };
        self.support(d).guard(x, shape)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Interval {
            lower: d.value_or_none(0),
            upper: d.value_or_none(1),
        }
    }

    /// Uniform between two bounds; NaN where one is missing, as there is nothing to draw from.
    fn support_needs_arguments(&self) -> bool {
        true
    }

    fn is_normalised(&self) -> bool {
        false
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = match (p.scalar_or_none(0), p.scalar_or_none(1)) {
            (Some(lower), Some(upper)) => lower + (upper - lower) * rng.random::<f64>(),
            _ => f64::NAN,
        };
    }
}
