//! The LKJ distribution of correlation matrices.

use super::{
    Declaration, DefaultValue, Distribution, Domain, EventAxis, Family, Form, Kind, Parameter,
    Point, Values, draw, matrix, noise,
};
use crate::graph::{Tensor, Var};
use rand::Rng;
use std::f64::consts::PI;

pub struct Lkj;

pub(super) const DIMENSION: Parameter = Parameter {
    name: "dimension",
    kind: Kind::Dimension,
    default: DefaultValue::Required,
    missing: None,
    doc: "number of rows",
};
pub(super) const ETA: Parameter = Parameter::scalar(
    "eta",
    Domain::Positive,
    "1 is uniform; larger is nearer to no correlation",
);
pub(super) const EVENT: &[EventAxis] = &[
    EventAxis::Number { position: 0 },
    EventAxis::Number { position: 0 },
];

static DECLARATION: Declaration = Declaration {
    name: "Lkj",
    doc: "Correlation matrices.\n\n\
          `p(R) ∝ |R|^(eta − 1)` (Lewandowski, Kurowicka and Joe 2009, Generating random correlation \
          matrices based on vines and extended onion method).",
    forms: &[Form {
        parameters: &[DIMENSION, ETA],
    }],
    event: EVENT,
    values: Values::Real,
    support: Domain::Correlation,
};

/// The constant of the density of `n` rows; the same for matrices and for their factors.
pub(super) fn log_constant(eta: Var<'_>, n: usize) -> Var<'_> {
    if n < 2 {
        return eta * 0.0;
    }
    let m = (n - 1) as f64;
    let halves: Vec<f64> = (0..n - 1).map(|k| 0.5 * k as f64).collect();
    let halves = eta.graph.constant(Tensor::vector(halves));
    let product = (eta.unsqueeze(0) + halves).lgamma().sum_axes(&[0]);
    (eta + 0.5 * m).lgamma() * m - product - 0.25 * m * (m + 1.0) * PI.ln()
}

/// The factor of a draw, a row after the other (the "onion" of the paper).
pub(super) fn sample_factor(eta: f64, n: usize, rng: &mut dyn Rng, l: &mut [f64]) {
    l.fill(0.0);
    for i in 0..n {
        let row = &mut l[i * n..i * n + n];
        if i == 0 {
            row[0] = 1.0;
            continue;
        }
        let square = draw::beta(0.5 * i as f64, eta + 0.5 * (n - 1 - i) as f64, rng);
        row[..i].fill_with(|| draw::normal(rng));
        let norm = row[..i].iter().map(|z| z * z).sum::<f64>().sqrt();
        row[..i].iter_mut().for_each(|z| *z *= square.sqrt() / norm);
        row[i] = (1.0 - square).sqrt();
    }
}

impl Family for Lkj {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let eta = d.value(1);
        let log_det = matrix::half_log_det(x.cholesky()) * 2.0;
        (eta - 1.0) * log_det + log_constant(eta, d.dimension(0))
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let n = p.dimension(0);
        let mut l = vec![0.0; n * n];
        sample_factor(p.scalar(1), n, rng, &mut l);
        matrix::product_transposed(&l, &l, n, out);
        // Exactly 1, whatever the rounding.
        (0..n).for_each(|i| out[i * n + i] = 1.0);
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let l = noise::correlation_factor(d.value(1), noise);
        Some(matrix::squared(l))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (n, eta) = (d.dimension(0), d.value(1));
        let identity = eta.graph.constant(Tensor::vector(vec![1.0; n]));
        Some(identity.diagonal_matrix() + eta.unsqueeze(0).unsqueeze(0) * 0.0)
    }

    /// A correlation is `2 Beta(a, a) − 1`, `a = eta − 1 + n / 2`.
    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (n, eta) = (d.dimension(0), d.value(1));
        let identity = eta.graph.constant(Tensor::vector(vec![1.0; n]));
        let variance = (eta * 2.0 + (n as f64 - 1.0)).recip();
        Some((1.0 - identity.diagonal_matrix()) * variance.unsqueeze(0).unsqueeze(0))
    }
}
