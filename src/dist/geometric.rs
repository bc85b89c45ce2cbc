//! The Geometric distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use rand::Rng;

pub struct Geometric;

static DECLARATION: Declaration = Declaration {
    name: "Geometric",
    doc: "Number of failures before the first success: 0, 1, …\n\n\
          `P(x) = p (1 − p)^x`; p = `prob`.",
    forms: &[Form {
        parameters: &[Parameter::scalar(
            "prob",
            Domain::Unit,
            "probability of a success",
        )],
    }],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

impl Family for Geometric {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let p = d.value(0);
        x.xlog1py(-p) + p.log()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0).graph.scalar(0.0)),
            upper: None,
        }
    }

    /// By inversion of the survival function.
    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let p = p.scalar(0);
        let exponential = -(-draw::uniform(rng)).ln_1p();
        out[0] = if p == 1.0 {
            0.0
        } else {
            (exponential / -(-p).ln_1p()).floor()
        };
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(self.log_survival(d, x)?.log1m_exp())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((x.floor() + 1.0).max(0.0).xlog1py(-d.value(0)))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = d.value(0);
        Some((1.0 - p) / p)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = d.value(0);
        Some((1.0 - p) / p.square())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = d.value(0);
        let q = 1.0 - p;
        Some(-(q.xlogy(q) + p * p.log()) / p)
    }
}
