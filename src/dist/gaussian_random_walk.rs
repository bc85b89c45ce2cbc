//! Gaussian random walks.

use super::normal::LOG_SQRT_2PI;
use super::{
    Declaration, DefaultValue, Distribution, Domain, EventAxis, Family, Form, Kind, Parameter,
    Point, Values, draw,
};
use crate::graph::{Tensor, Var};
use rand::Rng;

pub struct GaussianRandomWalk;

static DECLARATION: Declaration = Declaration {
    name: "GaussianRandomWalk",
    doc: "A path of independent Normal steps.\n\n\
          `x[t] ~ Normal(x[t − 1], sigma)` for t = 2 … `length`, and `x[1] ~ Normal(0, initial_sd)`; \
          without `initial_sd` the first element is a step from 0, `x[1] ~ Normal(0, sigma)`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("sigma", Domain::Positive, "standard deviation of a step"),
            Parameter {
                name: "length",
                kind: Kind::Dimension,
                default: DefaultValue::Required,
                missing: None,
                doc: "number of elements",
            },
            Parameter::scalar(
                "initial_sd",
                Domain::Positive,
                "standard deviation of the first element",
            )
            .optional(),
        ],
    }],
    event: &[EventAxis::Number { position: 1 }],
    values: Values::Real,
    support: Domain::Real,
};

fn initial_sd<'g>(d: &Distribution<'g>) -> Var<'g> {
    d.value_or_none(2).unwrap_or_else(|| d.value(0))
}

impl Family for GaussianRandomWalk {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, sigma, first_sd) = (x.extent(0), d.value(0), initial_sd(d));
        let half_precision = |sd: Var<'g>| sd.square().recip() * 0.5;
        let steps = x.slice(0, 1, n - 1) - x.slice(0, 0, n - 1);
        let first = x.slice(0, 0, 1).sum_axes(&[0]);
        -(steps.square().sum_axes(&[0]) * half_precision(sigma))
            - sigma.log() * (n as f64 - 1.0)
            - first.square() * half_precision(first_sd)
            - first_sd.log()
            - LOG_SQRT_2PI * n as f64
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        if d.dimension(1) == 0 {
            return Err("'length' must be at least 1".into());
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let sigma = p.scalar(0);
        let (mut at, mut sd) = (0.0, p.scalar_or_none(2).unwrap_or(sigma));
        for x in out.iter_mut() {
            at += sd * draw::normal(rng);
            *x = at;
            sd = sigma;
        }
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let first: Vec<f64> = (0..noise.extent(0)).map(|t| f64::from(t == 0)).collect();
        let first = noise.graph.constant(Tensor::vector(first));
        let (initial, sigma) = (initial_sd(d).unsqueeze(0), d.value(0).unsqueeze(0));
        Some((noise * first.select(initial, sigma)).cumsum(0))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(self.variance(d)? * 0.0)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let steps: Vec<f64> = (0..d.dimension(1)).map(|t| t as f64).collect();
        let steps = d.value(0).graph.constant(Tensor::vector(steps));
        Some(initial_sd(d).square().unsqueeze(0) + d.value(0).square().unsqueeze(0) * steps)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let n = d.dimension(1) as f64;
        Some(initial_sd(d).log() + d.value(0).log() * (n - 1.0) + n * (LOG_SQRT_2PI + 0.5))
    }
}
