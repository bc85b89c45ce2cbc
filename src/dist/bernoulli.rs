//! The Bernoulli distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};

pub struct Bernoulli;

static DECLARATION: Declaration = Declaration {
    name: "Bernoulli",
    doc: "One trial: 1 with probability `prob`, else 0.\n\n\
          `P(1) = prob`, or `1 / (1 + exp(−logit))`.",
    forms: &[
        Form {
            parameters: &[Parameter::scalar("prob", Domain::Unit, "probability of 1")],
        },
        Form {
            parameters: &[Parameter::scalar("logit", Domain::Real, "log odds of 1")],
        },
    ],
    event: &[],
    values: Values::Integer,
    support: Domain::Binary,
};

fn prob<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(0)
    } else {
        d.value(0).sigmoid()
    }
}

impl Family for Bernoulli {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let v = d.value(0);
        if d.form == 1 {
            return x * v - v.softplus();
        }
        x.xlogy(v) + (1.0 - x).xlog1py(-v)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        let bound = |x: f64| Some(d.value(0).graph.scalar(x));
        Support::Integers {
            lower: bound(0.0),
            upper: bound(1.0),
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let prob = if p.form == 0 {
            p.scalar(0)
        } else {
            crate::special::sigmoid(p.scalar(0))
        };
        out[0] = f64::from(u8::from(rng.random::<f64>() < prob));
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(prob(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = prob(d);
        Some(p * (1.0 - p))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = prob(d);
        Some(-(p.xlogy(p) + (1.0 - p).xlogy(1.0 - p)))
    }
}
