//! The Exponential distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Exp1;

pub struct Exponential;

static DECLARATION: Declaration = Declaration {
    name: "Exponential",
    doc: "Waiting time at a constant rate.\n\n\
          `p(x) = rate · exp(−rate x)` for x ≥ 0; `scale = 1 / rate` is the mean.",
    forms: &[
        Form {
            parameters: &[Parameter::scalar(
                "rate",
                Domain::Positive,
                "events in a unit of time",
            )],
        },
        Form {
            parameters: &[Parameter::scalar("scale", Domain::Positive, "mean")],
        },
    ],
    event: &[],
    values: Values::Real,
    support: Domain::Nonnegative,
};

fn rate<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(0)
    } else {
        d.value(0).recip()
    }
}

impl Family for Exponential {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        rate(d).log() - x * rate(d)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let e: f64 = rng.sample(Exp1);
        out[0] = if p.form == 0 {
            e / p.scalar(0)
        } else {
            e * p.scalar(0)
        };
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some((-(x.max(0.0) * rate(d))).log1m_exp())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(-(x.max(0.0) * rate(d)))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(-((-p).log1p() / rate(d)))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d).recip())
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(rate(d).square().recip())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(1.0 - rate(d).log())
    }
}
