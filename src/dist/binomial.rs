//! The Binomial distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;

pub struct Binomial;

const TRIALS: Parameter = Parameter::scalar("trials", Domain::Count, "number of trials");

static DECLARATION: Declaration = Declaration {
    name: "Binomial",
    doc: "Number of successes in independent trials.\n\n\
          `P(x) = C(n, x) p^x (1 − p)^(n − x)`; n = `trials`, p = `prob` or `1 / (1 + exp(−logit))`.",
    forms: &[
        Form {
            parameters: &[
                TRIALS,
                Parameter::scalar("prob", Domain::Unit, "probability of a success"),
            ],
        },
        Form {
            parameters: &[
                TRIALS,
                Parameter::scalar("logit", Domain::Real, "log odds of a success"),
            ],
        },
    ],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

fn prob<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(1)
    } else {
        d.value(1).sigmoid()
    }
}

/// Logarithm of the probability up to `x` or above it, `P(X ≥ k) = I(k, n − k + 1, p)`.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let (n, k) = (d.value(0), x.floor());
    let (some, all) = (k.ge(0.0), k.ge(n));
    let inside = some.and(all.not());
    let successes = inside.select(k + 1.0, 1.0);
    let Tail { upper, log } = tail;
    let within = successes.beta_tail(
        inside.select(n - k, 1.0),
        prob(d),
        Tail { upper: !upper, log },
    );
    let (likely, impossible) = (0.0, f64::NEG_INFINITY);
    let outside = if upper {
        some.select(impossible, likely)
    } else {
        some.select(likely, impossible)
    };
    inside.select(within, outside)
}

impl Family for Binomial {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, v) = (d.value(0), d.value(1));
        let choices = n.log_choose(x);
        if d.form == 1 {
            return x * v - n * v.softplus() + choices;
        }
        x.xlogy(v) + (n - x).xlog1py(-v) + choices
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0).graph.scalar(0.0)),
            upper: Some(d.value(0)),
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let prob = if p.form == 0 {
            p.scalar(1)
        } else {
            crate::special::sigmoid(p.scalar(1))
        };
        out[0] = draw::binomial(p.scalar(0), prob, rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) * prob(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = prob(d);
        Some(d.value(0) * (p * (1.0 - p)))
    }
}
