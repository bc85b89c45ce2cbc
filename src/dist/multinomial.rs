//! The Multinomial distribution.

use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, draw,
};
use crate::graph::Var;
use rand::Rng;

pub struct Multinomial;

const TRIALS: Parameter = Parameter::scalar("trials", Domain::Count, "sum of the counts");

static DECLARATION: Declaration = Declaration {
    name: "Multinomial",
    doc: "How often each of K outcomes occurs in independent trials.\n\n\
          `P(x) = n! Π p[k]^x[k] / x[k]!`; n = `trials`, p = `prob` or the softmax of `logit`.",
    forms: &[
        Form {
            parameters: &[
                TRIALS,
                Parameter::array("prob", Domain::Simplex, 1, "probability of each outcome"),
            ],
        },
        Form {
            parameters: &[
                TRIALS,
                Parameter::array(
                    "logit",
                    Domain::Real,
                    1,
                    "log probabilities, but for a common constant",
                ),
            ],
        },
    ],
    event: &[EventAxis::Of {
        position: 1,
        axis: 0,
    }],
    values: Values::Integer,
    support: Domain::Counts,
};

fn prob<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(1)
    } else {
        d.value(1).softmax()
    }
}

impl Family for Multinomial {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, v) = (d.value(0), d.value(1));
        let choices = (n + 1.0).lgamma() - (x + 1.0).lgamma().sum_axes(&[0]);
        if d.form == 0 {
            return x.xlogy(v).sum_axes(&[0]) + choices;
        }
        (x * v).sum_axes(&[0]) - n * v.log_sum_exp(&[0]) + choices
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        if p.form == 0 {
            draw::multinomial(p.scalar(0), p.array(1), rng, out);
        } else {
            draw::multinomial(p.scalar(0), &draw::weights(p.array(1)), rng, out);
        }
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0).unsqueeze(0) * prob(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let p = prob(d);
        Some(d.value(0).unsqueeze(0) * (p * (1.0 - p)))
    }
}
