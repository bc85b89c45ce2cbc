//! The Wishart distribution.

use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, matrix,
    noise,
};
use crate::graph::Var;
use rand::Rng;
use std::f64::consts::LN_2;

pub struct Wishart;

pub(super) const NU: Parameter = Parameter::scalar(
    "nu",
    Domain::Positive,
    "degrees of freedom, more than the number of rows less 1",
);
pub(super) const SCALE: Parameter =
    Parameter::array("scale", Domain::Covariance, 2, "scale matrix");
pub(super) const CHOL: Parameter = Parameter::array(
    "chol",
    Domain::CholeskyCovariance,
    2,
    "lower Cholesky factor of the scale matrix",
);
pub(super) const EVENT: &[EventAxis] = &[
    EventAxis::Of {
        position: 1,
        axis: 0,
    },
    EventAxis::Of {
        position: 1,
        axis: 1,
    },
];

static DECLARATION: Declaration = Declaration {
    name: "Wishart",
    doc: "Covariance matrices: the scatter of `nu` Normal vectors of covariance V.\n\n\
          `p(X) = |X|^((nu − n − 1) / 2) exp(−tr(V⁻¹ X) / 2) / (2^(nu n / 2) |V|^(nu / 2) Γₙ(nu / 2))` \
          for n rows; V is `scale` or `chol cholᵀ`. The mean is nu V.",
    forms: &[
        Form {
            parameters: &[NU, SCALE],
        },
        Form {
            parameters: &[NU, CHOL],
        },
    ],
    event: EVENT,
    values: Values::Real,
    support: Domain::Covariance,
};

/// The scale matrix.
pub(super) fn scale<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 1 {
        matrix::squared(d.value(1))
    } else {
        d.value(1)
    }
}

impl Family for Wishart {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (nu, n) = (d.value(0), x.extent(0));
        let l = matrix::factor_of(d, 1, d.form == 1);
        let c = x.cholesky();
        let constant = nu * (0.5 * LN_2 * n as f64)
            + nu * matrix::half_log_det(l)
            + matrix::multivariate_lgamma(nu * 0.5, n);
        (nu - (n as f64 + 1.0)) * matrix::half_log_det(c)
            - matrix::squared_norm_of_solution(l, c) * 0.5
            - constant
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        matrix::check_degrees(d, d.value(1).extent(0))
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let n = out.len().isqrt();
        let l = matrix::factor_of_data(p.array(1), n, p.form == 1);
        let a = matrix::bartlett(p.scalar(0), n, rng);
        // (L A) (L A)ᵀ
        let mut product = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                product[i * n + j] = (j..=i).map(|k| l[i * n + k] * a[k * n + j]).sum();
            }
        }
        matrix::product_transposed(&product, &product, n, out);
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let l = matrix::factor_of(d, 1, d.form == 1);
        let a = noise::bartlett(d.value(0), noise);
        Some(matrix::squared(l.matmul(a)))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0).unsqueeze(0).unsqueeze(0) * scale(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let v = scale(d);
        let diagonal = v.diagonal();
        let outer = diagonal.unsqueeze(0) * diagonal.unsqueeze(1);
        Some(d.value(0).unsqueeze(0).unsqueeze(0) * (v.square() + outer))
    }
}
