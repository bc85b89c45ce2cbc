//! Correlation matrices: by way of their Cholesky factors.

use super::cholesky_correlation::{factor, free};
use super::matrix::{lower_places, positive_definite, times_transpose, vector};
use super::{Bounds, TOLERANCE, Transform};
use crate::graph::Var;

/// `L Lᵀ` for the factor of [`super::cholesky_correlation::CholeskyCorrelation`].
pub struct Correlation;

impl Transform for Correlation {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        vec![event[0] * event[0].saturating_sub(1) / 2]
    }

    // The Jacobian of the factor, times Π L[i, i]^(rows below i).
    fn constrain<'g>(
        &self,
        event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let size = event[0];
        let (l, log_sech) = factor(size, u);
        let places = lower_places(size, true);
        let counts = vector(u, places.iter().map(|(_, j)| (size - j) as f64));
        (times_transpose(l), (log_sech * counts).sum_axes(&[0]))
    }

    fn unconstrain<'g>(&self, event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        free(event[0], x.cholesky())
    }

    fn contains(&self, event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        let size = event[0];
        for i in 0..size {
            let x = x[i * (size + 1)];
            if (x - 1.0).abs() > TOLERANCE {
                return Err(format!("[{0}, {0}] on its diagonal is {x}, not 1", i + 1));
            }
        }
        positive_definite(x, size)
    }
}
