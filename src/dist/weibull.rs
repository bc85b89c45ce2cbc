//! The Weibull distribution.

use super::gumbel::{EULER_GAMMA, log1m_exp_neg_exp};
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Exp1;

pub struct Weibull;

static DECLARATION: Declaration = Declaration {
    name: "Weibull",
    doc: "Lifetime with a hazard that grows or falls like a power of time.\n\n\
          `p(x) = shape/scale · (x/scale)^(shape − 1) exp(−(x/scale)^shape)` for x > 0.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar(
                "shape",
                Domain::Positive,
                "above 1 the hazard grows, below it falls",
            ),
            Parameter::scalar("scale", Domain::Positive, "scale"),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

/// `log (x/scale)^shape`, the logarithm of the cumulative hazard.
fn log_hazard<'g>(d: &Distribution<'g>, log_x: Var<'g>) -> Var<'g> {
    (log_x - d.value(1).log()) * d.value(0)
}

/// Expectation of the n-th power, for scale 1.
fn moment<'g>(d: &Distribution<'g>, n: f64) -> Var<'g> {
    (d.value(0).recip() * n + 1.0).lgamma().exp()
}

impl Family for Weibull {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (shape, log_x) = (d.value(0), x.log());
        let hazard = log_hazard(d, log_x).exp();
        log_x * (shape - 1.0) - hazard + shape.log() - shape * d.value(1).log()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let e: f64 = rng.sample(Exp1);
        out[0] = p.scalar(1) * e.powf(1.0 / p.scalar(0));
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log1m_exp_neg_exp(log_hazard(d, x.max(0.0).log())))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(-log_hazard(d, x.max(0.0).log()).exp())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(1) * (-(-p).log1p()).pow(d.value(0).recip()))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1) * moment(d, 1.0))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(1).square() * (moment(d, 2.0) - moment(d, 1.0).square()))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, scale) = (d.value(0), d.value(1));
        Some((1.0 - shape.recip()) * EULER_GAMMA + scale.log() - shape.log() + 1.0)
    }
}
