//! The inverse Wishart distribution.

use super::wishart::{CHOL, EVENT, NU, SCALE, scale};
use super::{Declaration, Distribution, Domain, Family, Form, Point, Values, matrix, noise};
use crate::graph::Var;
use crate::ops::solve;
use rand::Rng;
use std::f64::consts::LN_2;

pub struct InverseWishart;

static DECLARATION: Declaration = Declaration {
    name: "InverseWishart",
    doc: "Covariance matrices whose inverses follow Wishart(nu, V⁻¹).\n\n\
          `p(X) = |V|^(nu / 2) |X|^(−(nu + n + 1) / 2) exp(−tr(V X⁻¹) / 2) / (2^(nu n / 2) Γₙ(nu / 2))` \
          for n rows; V is `scale` or `chol cholᵀ`. The mean is V / (nu − n − 1).",
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

impl Family for InverseWishart {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (nu, n) = (d.value(0), x.extent(0));
        let l = matrix::factor_of(d, 1, d.form == 1);
        let c = x.cholesky();
        let constant = nu * matrix::half_log_det(l)
            - nu * (0.5 * LN_2 * n as f64)
            - matrix::multivariate_lgamma(nu * 0.5, n);
        constant
            - (nu + (n as f64 + 1.0)) * matrix::half_log_det(c)
            - matrix::squared_norm_of_solution(c, l) * 0.5
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        matrix::check_degrees(d, d.value(1).extent(0))
    }

    // With A Aᵀ Wishart of unit scale, (A⁻¹ Lᵀ)ᵀ (A⁻¹ Lᵀ) is the inverse of one of scale V⁻¹.
    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let n = out.len().isqrt();
        let l = matrix::factor_of_data(p.array(1), n, p.form == 1);
        let a = matrix::bartlett(p.scalar(0), n, rng);
        let transposed =
            |m: &[f64]| -> Vec<f64> { (0..n * n).map(|k| m[(k % n) * n + k / n]).collect() };
        let mut solution = transposed(&l);
        solve(&a, &mut solution, n, n, false);
        let rows = transposed(&solution);
        matrix::product_transposed(&rows, &rows, n, out);
    }

    // As `sample`.
    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let l = matrix::factor_of(d, 1, d.form == 1);
        let a = noise::bartlett(d.value(0), noise);
        let rows = matrix::solution(a, l.transpose());
        Some(matrix::squared(rows.transpose()))
    }

    /// NaN where `nu ≤ n + 1`.
    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let excess = d.value(0) - (d.value(1).extent(0) as f64 + 1.0);
        let excess = excess.unsqueeze(0).unsqueeze(0);
        Some(excess.gt(0.0).select(scale(d) / excess, f64::NAN))
    }

    /// NaN where `nu ≤ n + 3`.
    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let v = scale(d);
        let diagonal = v.diagonal();
        let outer = diagonal.unsqueeze(0) * diagonal.unsqueeze(1);
        let e = d.value(0) - d.value(1).extent(0) as f64;
        let e = e.unsqueeze(0).unsqueeze(0);
        let variance =
            ((e + 1.0) * v.square() + (e - 1.0) * outer) / (e * (e - 1.0).square() * (e - 3.0));
        Some(e.gt(3.0).select(variance, f64::NAN))
    }
}
