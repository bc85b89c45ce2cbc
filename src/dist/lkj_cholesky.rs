//! The LKJ distribution of correlation matrices, by their Cholesky factors.

use super::lkj::{DIMENSION, ETA, EVENT, log_constant, sample_factor};
use super::{Declaration, Distribution, Domain, Family, Form, Point, Values, noise};
use crate::graph::{Tensor, Var};
use rand::Rng;

pub struct LkjCholesky;

static DECLARATION: Declaration = Declaration {
    name: "LkjCholesky",
    doc: "Cholesky factors L of correlation matrices L Lᵀ that follow Lkj.\n\n\
          `p(L) ∝ Π L[k, k]^(n − k + 2 eta − 2)` over k = 2 … n, in the elements below the diagonal.",
    forms: &[Form {
        parameters: &[DIMENSION, ETA],
    }],
    event: EVENT,
    values: Values::Real,
    support: Domain::CholeskyCorrelation,
};

impl Family for LkjCholesky {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (n, eta) = (d.dimension(0), d.value(1));
        let powers: Vec<f64> = (1..=n).map(|k| (n - k) as f64).collect();
        let powers = eta.graph.constant(Tensor::vector(powers));
        let log_diagonal = x.diagonal().log();
        (log_diagonal * powers).sum_axes(&[0])
            + log_diagonal.sum_axes(&[0]) * ((eta - 1.0) * 2.0)
            + log_constant(eta, n)
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        Some(noise::correlation_factor(d.value(1), noise))
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        sample_factor(p.scalar(1), p.dimension(0), rng, out);
    }
}
