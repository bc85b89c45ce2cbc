//! The uniform distribution on whole numbers.

use super::{
    Bounds, Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values,
    draw, log_space,
};
use crate::graph::Var;
use rand::Rng;

pub struct DiscreteUniform;

static DECLARATION: Declaration = Declaration {
    name: "DiscreteUniform",
    doc: "Every whole number from `lower` to `upper`, both included, alike.\n\n\
          `P(x) = 1 / (upper − lower + 1)`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("lower", Domain::Integer, "least value"),
            Parameter::scalar("upper", Domain::Integer, "greatest value"),
        ],
    }],
    event: &[],
    values: Values::Integer,
    support: Domain::Integer,
};

fn size<'g>(d: &Distribution<'g>) -> Var<'g> {
    d.value(1) - d.value(0) + 1.0
}

impl Family for DiscreteUniform {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let log_prob = -size(d).log() + x * 0.0;
        match log_space::inside(x, Some(d.value(0)), Some(d.value(1))) {
            Some(inside) => inside.select(log_prob, f64::NEG_INFINITY),
            None => log_prob,
        }
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0)),
            upper: Some(d.value(1)),
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            lower: 0,
            upper: 1,
            may_be_equal: true,
        })
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (lower, upper) = (p.scalar(0), p.scalar(1));
        let step = (draw::uniform(rng) * (upper - lower + 1.0)).floor();
        out[0] = (lower + step).min(upper);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let below = (x.floor() - d.value(0) + 1.0).max(0.0);
        Some((below.min(size(d)) / size(d)).log())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let above = (d.value(1) - x.floor()).max(0.0);
        Some((above.min(size(d)) / size(d)).log())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((d.value(0) + d.value(1)) * 0.5)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((size(d).square() - 1.0) / 12.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(size(d).log())
    }
}
