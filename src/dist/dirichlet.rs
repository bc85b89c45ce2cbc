//! The Dirichlet distribution.

use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, noise,
};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::Gamma;

pub struct Dirichlet;

static DECLARATION: Declaration = Declaration {
    name: "Dirichlet",
    doc: "Distribution of proportions that sum to 1.\n\n\
          `p(x) = Γ(Σ a) / Π Γ(a[k]) · Π x[k]^(a[k] − 1)`, a the concentration.",
    forms: &[Form {
        parameters: &[Parameter::array(
            "concentration",
            Domain::Positive,
            1,
            "one number for each proportion",
        )],
    }],
    event: &[EventAxis::Of {
        position: 0,
        axis: 0,
    }],
    values: Values::Real,
    support: Domain::Simplex,
};

impl Family for Dirichlet {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let a = d.value(0);
        let constant = a.sum_axes(&[0]).lgamma() - a.lgamma().sum_axes(&[0]);
        (a - 1.0).xlogy(x).sum_axes(&[0]) + constant
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        for (x, &a) in out.iter_mut().zip(p.array(0)) {
            let gamma = Gamma::new(a, 1.0).expect("a concentration is positive");
            *x = rng.sample(gamma);
        }
        let total: f64 = out.iter().sum();
        out.iter_mut().for_each(|x| *x /= total);
    }

    /// Gamma draws over their sum.
    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        // Of tiny concentrations all draws may be too small for numbers: then all are alike.
        let draws = noise::gamma(d.value(0), noise) + f64::MIN_POSITIVE;
        Some(draws / draws.sum_axes(&[0]).unsqueeze(0))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let a = d.value(0);
        Some(a / a.sum_axes(&[0]).unsqueeze(0))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let a = d.value(0);
        let total = a.sum_axes(&[0]).unsqueeze(0);
        let mean = a / total;
        Some(mean * (1.0 - mean) / (total + 1.0))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let a = d.value(0);
        let total = a.sum_axes(&[0]);
        let log_beta = a.lgamma().sum_axes(&[0]) - total.lgamma();
        let size = a.extent(0) as f64;
        Some(log_beta + (total - size) * total.digamma() - ((a - 1.0) * a.digamma()).sum_axes(&[0]))
    }
}
