//! Zero-inflated counts.

use super::truncated::DISTRIBUTION;
use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Support, Values,
    draw,
};
use crate::graph::{Shape, Var};
use rand::Rng;

pub struct ZeroInflated;

static DECLARATION: Declaration = Declaration {
    name: "ZeroInflated",
    doc: "Counts with extra zeros.\n\n\
          `P(0) = prob + (1 − prob) p(0)`, `P(x) = (1 − prob) p(x)` for other x; p is the \
          distribution that is wrapped (Lambert 1992, Zero-inflated Poisson regression).",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("prob", Domain::Unit, "probability of an extra zero"),
            DISTRIBUTION,
        ],
    }],
    event: &[EventAxis::AllOf { position: 1 }],
    values: Values::AsInner(1),
    support: Domain::AsInner(1),
};

/// The wrapped log density at 0: of the parameters' size, not the data's.
pub(super) fn log_prob_at_zero<'g>(inner: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
    let zero = x.graph.scalar(0.0);
    inner.log_prob(zero.broadcast(&Shape::from_elem(1, x.rank())))
}

/// The wrapped support and 0.
pub(super) fn with_zero(support: Support<'_>) -> Support<'_> {
    match support {
        Support::Interval { lower, upper } => Support::Interval {
            lower: lower.map(|a| a.min(0.0)),
            upper: upper.map(|b| b.max(0.0)),
        },
        Support::Integers { lower, upper } => Support::Integers {
            lower: lower.map(|a| a.min(0.0)),
            upper: upper.map(|b| b.max(0.0)),
        },
        other => other,
    }
}

impl Family for ZeroInflated {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (prob, inner) = (d.value(0), d.inner(1));
        let log_rest = (-prob).log1p();
        let zero = prob
            .log()
            .log_add_exp(log_rest + log_prob_at_zero(inner, x));
        x.eq(0.0).select(zero, inner.log_prob(x) + log_rest)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        with_zero(d.inner(1).support())
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        let inner = d.inner(1);
        let name = inner.family.declaration().name;
        if !inner.is_discrete() || inner.event_rank() > 0 {
            return Err(format!(
                "{name} cannot be zero-inflated: its values are not counts"
            ));
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        if draw::uniform(rng) < p.scalar(0) {
            out[0] = 0.0;
        } else {
            p.inner(1).sample(rng, out);
        }
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let inner = d.inner(1);
        Some((1.0 - d.value(0)) * inner.family.mean(inner)?)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (prob, inner) = (d.value(0), d.inner(1));
        let (mean, variance) = (inner.family.mean(inner)?, inner.family.variance(inner)?);
        Some((1.0 - prob) * (variance + prob * mean.square()))
    }
}
