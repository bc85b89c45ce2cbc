//! The Kumaraswamy distribution.

use super::beta::inside;
use super::gumbel::EULER_GAMMA;
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::log1m_exp;
use rand::{Rng, RngExt};
use rand_distr::Open01;

pub struct Kumaraswamy;

static DECLARATION: Declaration = Declaration {
    name: "Kumaraswamy",
    doc: "Distribution of a proportion, like the Beta with simple distribution function.\n\n\
          `p(x) = a b x^(a − 1) (1 − x^a)^(b − 1)` for 0 < x < 1.\n\n\
          Kumaraswamy (1980), A generalized probability density function for double-bounded \
          random processes.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("a", Domain::Positive, "shape at 0"),
            Parameter::scalar("b", Domain::Positive, "shape at 1"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Unit,
};

fn log_survival<'g>(d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
    (x.max(0.0).min(1.0).log() * d.value(0)).log1m_exp() * d.value(1)
}

/// Expectation of the n-th power.
fn moment<'g>(d: &Distribution<'g>, n: f64) -> Var<'g> {
    let (a, b) = (d.value(0), d.value(1));
    b * (a.recip() * n + 1.0).lbeta(b).exp()
}

impl Family for Kumaraswamy {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (a, b) = (d.value(0), d.value(1));
        let log_x = x.log();
        log_x * (a - 1.0) + (log_x * a).log1m_exp() * (b - 1.0) + a.log() + b.log()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::between(d.value(0), 0.0, 1.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let u: f64 = rng.sample(Open01);
        out[0] = inside((log1m_exp(u.ln() / p.scalar(1)) / p.scalar(0)).exp());
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_survival(d, x).log1m_exp())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_survival(d, x))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some((-((-p).log1p() / d.value(1)).expm1()).pow(d.value(0).recip()))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(moment(d, 1.0))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(moment(d, 2.0) - moment(d, 1.0).square())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b) = (d.value(0), d.value(1));
        let harmonic = (b + 1.0).digamma() + EULER_GAMMA;
        Some((1.0 - b.recip()) + (1.0 - a.recip()) * harmonic - (a * b).log())
    }
}
