//! The Dirichlet-Multinomial distribution.

use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, draw,
};
use crate::graph::Var;
use rand::Rng;

pub struct DirichletMultinomial;

static DECLARATION: Declaration = Declaration {
    name: "DirichletMultinomial",
    doc: "Multinomial whose probabilities are drawn from a Dirichlet.\n\n\
          `P(x) = n! Γ(A) / Γ(n + A) · Π Γ(x[k] + a[k]) / (Γ(a[k]) x[k]!)`; n = `trials`, a the \
          concentration, A its sum.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("trials", Domain::Count, "sum of the counts"),
            Parameter::array(
                "concentration",
                Domain::Positive,
                1,
                "one number for each outcome",
            ),
        ],
    }],
    event: &[EventAxis::Of {
        position: 1,
        axis: 0,
    }],
    values: Values::Integer,
    support: Domain::Counts,
};

impl Family for DirichletMultinomial {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, a) = (d.value(0), d.value(1));
        let total = a.sum_axes(&[0]);
        let choices = (n + 1.0).lgamma() - (x + 1.0).lgamma().sum_axes(&[0]);
        let constant = total.lgamma() - a.lgamma().sum_axes(&[0]);
        (x + a).lgamma().sum_axes(&[0]) - (n + total).lgamma() + constant + choices
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let weights: Vec<f64> = p.array(1).iter().map(|&a| draw::gamma(a, rng)).collect();
        draw::multinomial(p.scalar(0), &weights, rng, out);
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let a = d.value(1);
        Some(d.value(0).unsqueeze(0) * (a / a.sum_axes(&[0]).unsqueeze(0)))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (n, a) = (d.value(0).unsqueeze(0), d.value(1));
        let total = a.sum_axes(&[0]).unsqueeze(0);
        let p = a / total;
        Some(n * (p * (1.0 - p)) * ((n + total) / (total + 1.0)))
    }
}
