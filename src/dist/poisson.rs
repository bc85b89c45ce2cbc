//! The Poisson distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
    finite_sum,
};
use crate::graph::Var;
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

    /// Above the mean a sum of the upper tail itself, below it the complement.
    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let next = (x.floor() + 1.0).as_const()?;
        // For a rate up to k the terms from k on fall like exp(−j² / 2k), later geometrically.
        let terms = |k: f64| 40.0 + (9.0 * k.max(1.0).sqrt()).ceil();
        let tail = finite_sum::log_tail(d, x.rank(), &next, terms)?;
        let cdf = finite_sum::log_cdf(d, x)?;
        let far = rate(d).le(x.graph.constant(next));
        // The complement's derivative is infinite where the tail is all that is left.
        let complement = far.select(-1.0, cdf).log1m_exp();
        Some(far.select(tail, complement))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d))
    }
}
