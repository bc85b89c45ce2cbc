//! Covariance matrices: by way of their Cholesky factors.

use super::cholesky_covariance::{factor, free};
use super::matrix::{lower_places, positive_definite, times_transpose, vector};
use super::{Bounds, Transform};
use crate::graph::Var;
use std::f64::consts::LN_2;

/// `L Lᵀ` for the factor of [`super::cholesky_covariance::CholeskyCovariance`].
pub struct Covariance;

impl Transform for Covariance {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        vec![event[0] * (event[0] + 1) / 2]
    }

    // The Jacobian of the factor, times Π 2 L[i, i]^(rows from i on).
    fn constrain<'g>(
        &self,
        event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let size = event[0];
        let count = |(i, j): (usize, usize)| {
            if i == j { (size - i + 1) as f64 } else { 0.0 }
        };
        let counts = vector(u, lower_places(size, false).into_iter().map(count));
        let log_jacobian = (u * counts).sum_axes(&[0]) + size as f64 * LN_2;
        (times_transpose(factor(size, u)), log_jacobian)
    }

    fn unconstrain<'g>(&self, event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        free(event[0], x.cholesky())
    }

    fn contains(&self, event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        positive_definite(x, event[0])
    }
}
