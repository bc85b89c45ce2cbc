//! The LogNormal distribution.

use super::normal::LOG_SQRT_2PI;
use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

pub struct LogNormal;

static DECLARATION: Declaration = Declaration {
    name: "LogNormal",
    doc: "Distribution of `exp(z)` for z Normal.\n\n\
          `p(x) = exp(−(log x − mu)² / 2 sigma²) / (x sigma √(2π))` for x > 0; median `exp(mu)`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "mean of the logarithm"),
            Parameter::scalar(
                "sigma",
                Domain::Positive,
                "standard deviation of the logarithm",
            ),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

impl Family for LogNormal {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let log_x = x.log();
        let sigma = d.value(1);
        let square = (log_x - d.value(0)).square();
        -(square * (sigma.square().recip() * 0.5)) - log_x - sigma.log() - LOG_SQRT_2PI
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let z: f64 = rng.sample(StandardNormal);
        out[0] = (p.scalar(0) + p.scalar(1) * z).exp();
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((x.log() - d.value(0)) / d.value(1)).log_phi())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((d.value(0) - x.log()) / d.value(1)).log_phi())
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        Some((d.value(0) + d.value(1) * noise).exp())
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some((d.value(0) + d.value(1) * p.inv_phi()).exp())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some((d.value(0) + d.value(1).square() * 0.5).exp())
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let square = d.value(1).square();
        Some(square.expm1() * (d.value(0) * 2.0 + square).exp())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1).log() + (LOG_SQRT_2PI + 0.5))
    }
}
