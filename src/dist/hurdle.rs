//! Hurdle distributions.

use super::truncated::DISTRIBUTION;
use super::zero_inflated::{log_prob_at_zero, with_zero};
use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Support, Values,
    draw,
};
use crate::graph::Var;
use rand::Rng;

pub struct Hurdle;

static DECLARATION: Declaration = Declaration {
    name: "Hurdle",
    doc: "Zero or not, and then a value that is not zero.\n\n\
          `P(0) = prob`; other x have `(1 − prob) p(x) / (1 − p(0))` for counts and \
          `(1 − prob) p(x)` for real numbers, p the distribution that is wrapped (Mullahy 1986, \
          Specification and testing of some modified count data models).",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("prob", Domain::Unit, "probability of zero"),
            DISTRIBUTION,
        ],
    }],
    event: &[EventAxis::AllOf { position: 1 }],
    values: Values::AsInner(1),
    support: Domain::AsInner(1),
};

impl Family for Hurdle {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (prob, inner) = (d.value(0), d.inner(1));
        let is_zero = x.eq(0.0);
        let discrete = inner.is_discrete();
        // Densities may be infinite at 0: there another value stands in for it, in the support of
        // every family of positive numbers or proportions.
        let other = if discrete { 1.0 } else { 0.5 };
        let mut log_prob = inner.log_prob(is_zero.select(other, x)) + (-prob).log1p();
        if discrete {
            log_prob = log_prob - log_prob_at_zero(inner, x).log1m_exp();
        }
        is_zero.select(prob.log(), log_prob)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        with_zero(d.inner(1).support())
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        let inner = d.inner(1);
        let line = matches!(
            inner.support(),
            Support::Interval { .. } | Support::Integers { .. }
        );
        if inner.event_rank() > 0 || !line {
            return Err(format!(
                "{} cannot have a hurdle at 0: its values are not numbers on a line",
                inner.family.declaration().name
            ));
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        if draw::uniform(rng) < p.scalar(0) {
            out[0] = 0.0;
            return;
        }
        for _ in 0..1000 {
            p.inner(1).sample(rng, out);
            if out[0] != 0.0 {
                return;
            }
        }
        // Nothing but zeros, so far: the least count that is none.
        out[0] = super::truncated::sample_between(p.inner(1), 1.0, f64::INFINITY, rng);
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let inner = d.inner(1);
        Some(scale(d)? * inner.family.mean(inner)?)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (scale, inner) = (scale(d)?, d.inner(1));
        let (mean, variance) = (inner.family.mean(inner)?, inner.family.variance(inner)?);
        Some(scale * (variance + mean.square()) - (scale * mean).square())
    }
}

/// What the wrapped density is multiplied by.
fn scale<'g>(d: &Distribution<'g>) -> Option<Var<'g>> {
    let (prob, inner) = (d.value(0), d.inner(1));
    let left = 1.0 - prob;
    if inner.is_discrete() {
        Some(left / -log_prob_at_zero(inner, prob).expm1())
    } else {
        Some(left)
    }
}
