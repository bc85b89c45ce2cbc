//! The Beta-Binomial distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use rand::Rng;

pub struct BetaBinomial;

static DECLARATION: Declaration = Declaration {
    name: "BetaBinomial",
    doc: "Binomial whose probability of a success is drawn from Beta(a, b).\n\n\
          `P(x) = C(n, x) B(x + a, n − x + b) / B(a, b)`; n = `trials`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("trials", Domain::Count, "number of trials"),
            Parameter::scalar("a", Domain::Positive, "first shape of the Beta"),
            Parameter::scalar("b", Domain::Positive, "second shape of the Beta"),
        ],
    }],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

impl Family for BetaBinomial {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, a, b) = (d.value(0), d.value(1), d.value(2));
        // The terms that the data are in, and one that may be common to all of them.
        (x + a).lgamma() + (n - x + b).lgamma() - (n + (a + b)).lgamma() - a.lbeta(b)
            + n.log_choose(x)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0).graph.scalar(0.0)),
            upper: Some(d.value(0)),
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let prob = draw::beta(p.scalar(1), p.scalar(2), rng);
        out[0] = draw::binomial(p.scalar(0), prob, rng);
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b) = (d.value(1), d.value(2));
        Some(d.value(0) * (a / (a + b)))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (n, a, b) = (d.value(0), d.value(1), d.value(2));
        let total = a + b;
        Some(n * (a * b / total.square()) * ((n + total) / (total + 1.0)))
    }
}
