//! Censored distributions.

use super::truncated::{DISTRIBUTION, bound, check_bounds, sample_between};
use super::{
    Bounds, Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Support,
    Values, log_space,
};
use crate::graph::Var;
use rand::Rng;

pub struct Censored;

static DECLARATION: Declaration = Declaration {
    name: "Censored",
    doc: "A distribution whose values beyond bounds are recorded as the bounds.\n\n\
          `p(x)` between the bounds; at `lower` the probability `P(X ≤ lower)`, at `upper` \
          `P(X ≥ upper)`.",
    forms: &[Form {
        parameters: &[
            DISTRIBUTION,
            Parameter::scalar("lower", Domain::Real, "least value recorded").optional(),
            Parameter::scalar("upper", Domain::Real, "greatest value recorded").optional(),
        ],
    }],
    event: &[EventAxis::AllOf { position: 0 }],
    values: Values::AsInner(0),
    support: Domain::AsInner(0),
};

impl Family for Censored {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        const KNOWN: &str = "check_arguments refuses what has no distribution function";
        let (inner, lower, upper) = (d.inner(0), bound(d, 1), bound(d, 2));
        let mut log_prob = inner.log_prob(x);
        if let Some(a) = lower {
            let tail = log_space::log_between(inner, None, Some(a)).expect(KNOWN);
            log_prob = x.eq(a).select(tail, log_prob);
        }
        if let Some(b) = upper {
            let tail = log_space::log_between(inner, Some(b), None).expect(KNOWN);
            log_prob = x.eq(b).select(tail, log_prob);
        }
        match log_space::inside(x, lower, upper) {
            Some(inside) => inside.select(log_prob, f64::NEG_INFINITY),
            None => log_prob,
        }
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        let (a, b) = (bound(d, 1), bound(d, 2));
        match d.inner(0).support() {
            Support::Interval { lower, upper } => Support::Interval {
                lower: a.or(lower),
                upper: b.or(upper),
            },
            Support::Integers { lower, upper } => Support::Integers {
                lower: a.or(lower),
                upper: b.or(upper),
            },
            other => other,
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            lower: 1,
            upper: 2,
            may_be_equal: true,
        })
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        check_bounds(d, "censored")
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let lower = p.scalar_or_none(1).unwrap_or(f64::NEG_INFINITY);
        let upper = p.scalar_or_none(2).unwrap_or(f64::INFINITY);
        let free = sample_between(p.inner(0), f64::NEG_INFINITY, f64::INFINITY, rng);
        // Not `clamp`: bounds that a latent put in the wrong order are no reason to stop.
        out[0] = free.max(lower).min(upper);
    }
}
