//! The multivariate Normal distribution.

use super::normal::{LOG_SQRT_2PI, Normal};
use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, draw,
    matrix,
};
use crate::graph::{Tensor, Var};
use crate::ops::solve;
use rand::Rng;

pub struct MvNormal;

const MU: Parameter = Parameter::array("mu", Domain::Real, 1, "mean");

static DECLARATION: Declaration = Declaration {
    name: "MvNormal",
    doc: "Multivariate Normal distribution.\n\n\
          `p(x) = |2π S|^(−1/2) exp(−(x − mu)ᵀ S⁻¹ (x − mu) / 2)`; the covariance S is `cov`, \
          `precision⁻¹` or `chol cholᵀ`.",
    forms: &[
        Form {
            parameters: &[
                MU,
                Parameter::array("cov", Domain::Covariance, 2, "covariance"),
            ],
        },
        Form {
            parameters: &[
                MU,
                Parameter::array(
                    "precision",
                    Domain::Covariance,
                    2,
                    "inverse of the covariance",
                ),
            ],
        },
        Form {
            parameters: &[
                MU,
                Parameter::array(
                    "chol",
                    Domain::CholeskyCovariance,
                    2,
                    "lower Cholesky factor of the covariance",
                ),
            ],
        },
    ],
    event: &[EventAxis::Of {
        position: 0,
        axis: 0,
    }],
    values: Values::Real,
    support: Domain::Real,
};

const PRECISION: usize = 1;
const CHOL: usize = 2;

/// `½ log |S|` of the covariance.
fn half_log_det<'g>(d: &Distribution<'g>) -> Var<'g> {
    let l = matrix::factor_of(d, 1, d.form == CHOL);
    if d.form == PRECISION {
        -matrix::half_log_det(l)
    } else {
        matrix::half_log_det(l)
    }
}

impl Family for MvNormal {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let l = matrix::factor_of(d, 1, d.form == CHOL);
        let r = x - d.value(0);
        let square = if d.form == PRECISION {
            matrix::squared_norm_of_product(l, r)
        } else {
            matrix::mahalanobis(l, r)
        };
        square * -0.5 - half_log_det(d) - LOG_SQRT_2PI * r.extent(0) as f64
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let n = out.len();
        let l = matrix::factor_of_data(p.array(1), n, p.form == CHOL);
        let mut z: Vec<f64> = (0..n).map(|_| draw::normal(rng)).collect();
        if p.form == PRECISION {
            solve(&l, &mut z, n, 1, true);
            out.copy_from_slice(&z);
        } else {
            matrix::times(&l, &z, out);
        }
        out.iter_mut().zip(p.array(0)).for_each(|(x, mu)| *x += mu);
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let l = matrix::factor_of(d, 1, d.form == CHOL);
        let shift = match d.form {
            PRECISION => matrix::solution_of_transposed(l, noise),
            _ => matrix::product(l, noise),
        };
        Some(d.value(0) + shift)
    }

    fn conditional<'g>(
        &self,
        d: &Distribution<'g>,
        before: &[Var<'g>],
    ) -> Option<Distribution<'g>> {
        if d.form == PRECISION {
            return None;
        }
        let l = matrix::factor_of(d, 1, d.form == CHOL);
        let (mean, sd, _) = matrix::conditional(d.value(0), l, before);
        Some(Distribution::new(&Normal, 0, &[mean, sd]))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + d.value(1).diagonal() * 0.0)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (zero, matrix) = (d.value(0) * 0.0, d.value(1));
        Some(match d.form {
            PRECISION => {
                // S = L⁻ᵀ L⁻¹, L Lᵀ the precision.
                let n = matrix.extent(0);
                let one = matrix.graph.constant(Tensor::vector(vec![1.0; n]));
                let identity = one.diagonal_matrix().broadcast(&matrix.shape());
                let inverse = matrix.cholesky().tri_solve(identity, false);
                inverse.square().sum_axes(&[1]) + zero
            }
            CHOL => matrix::squared_diagonal(matrix) + zero,
            _ => matrix.diagonal() + zero,
        })
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let mu = d.value(0);
        let size = mu.extent(0) as f64;
        Some(half_log_det(d) + (mu * 0.0).sum_axes(&[0]) + size * (LOG_SQRT_2PI + 0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;

    /// `z = mu + M ε` with `M Mᵀ` the covariance, whatever the form.
    #[test]
    fn noise_becomes_draws_with_the_covariance() {
        let covariance = [2.0, 0.5, 0.5, 1.0];
        let precision = [4.0 / 7.0, -2.0 / 7.0, -2.0 / 7.0, 8.0 / 7.0];
        let root = 2f64.sqrt();
        let chol = [root, 0.0, 0.5 / root, 0.875f64.sqrt()];
        for (form, matrix) in [covariance, precision, chol].into_iter().enumerate() {
            let g = Graph::new();
            let of = |shape: &[usize], data: &[f64]| {
                g.constant(Tensor::new(shape.into(), data.to_vec()))
            };
            let mu = of(&[2], &[3.0, -1.0]);
            let d = Distribution::new(&MvNormal, form, &[mu, of(&[2, 2], &matrix)]);
            // Two draws, at the unit vectors.
            let noise = of(&[2, 2], &[1.0, 0.0, 0.0, 1.0]);
            let draws = d.reparameterised(noise).expect("it is one");
            let m = (draws - mu).as_const().expect("all is known");
            let m = m.data();
            for (i, j) in [(0, 0), (0, 1), (1, 1)] {
                let found = m[i] * m[j] + m[2 + i] * m[2 + j];
                let exact = covariance[2 * i + j];
                assert!(
                    (found - exact).abs() < 1e-14,
                    "form {form}: {found} {exact}"
                );
            }
        }
    }
}
