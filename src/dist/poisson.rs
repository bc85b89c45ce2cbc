//! The Poisson distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;

pub struct Poisson;

static DECLARATION: Declaration = Declaration {
    name: "Poisson",
    doc: "Number of independent rare events.\n\n\
          `P(x) = rate^x exp(−rate) / x!`; mean and variance are `rate`, or `exp(log_rate)`.",
    forms: &[
        Form {
            parameters: &[Parameter::scalar("rate", Domain::Nonnegative, "mean")],
        },
        Form {
            parameters: &[Parameter::scalar(
                "log_rate",
                Domain::Real,
                "logarithm of the mean",
            )],
        },
    ],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

fn rate<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(0)
    } else {
        d.value(0).exp()
    }
}

/// Logarithm of the probability up to `x`, which is that of the waiting time for event `x + 1` to be longer
/// than 1, or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let k = x.floor();
    let possible = k.ge(0.0);
    let Tail { upper, log } = tail;
    let within = possible
        .select(k + 1.0, 1.0)
        .gamma_tail(rate(d), Tail { upper: !upper, log });
    possible.select(within, if upper { 0.0 } else { f64::NEG_INFINITY })
}

impl Family for Poisson {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let v = d.value(0);
        let power = if d.form == 0 { x.xlogy(v) } else { x * v };
        // The rate, which data may have in common, can leave a sum.
        power - (x + 1.0).lgamma() - rate(d)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0).graph.scalar(0.0)),
            upper: None,
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let rate = if p.form == 0 {
            p.scalar(0)
        } else {
            p.scalar(0).exp()
        };
        out[0] = draw::poisson(rate, rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d))
    }
}
