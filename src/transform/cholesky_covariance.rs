//! Cholesky factors of covariance matrices: the logarithm of the diagonal is free.

use super::matrix::{cholesky_factor, lower_places, pick, place, vector};
use super::{Bounds, Transform};
use crate::graph::Var;

/// `L[i, i] = exp(u[i, i])`, `L[i, j] = u[i, j]` below the diagonal; free numbers row by row.
pub struct CholeskyCovariance;

/// Whether each free number is on the diagonal.
fn on_diagonal<'g>(like: Var<'g>, size: usize) -> Var<'g> {
    let places = lower_places(size, false);
    vector(
        like,
        places.iter().map(|(i, j)| f64::from(u8::from(i == j))),
    )
}

pub(super) fn factor<'g>(size: usize, u: Var<'g>) -> Var<'g> {
    let diagonal = on_diagonal(u, size);
    let elements = diagonal.select(diagonal.select(u, 0.0).exp(), u);
    place(elements, &lower_places(size, false), size)
}

/// The free numbers of a factor.
pub(super) fn free<'g>(size: usize, l: Var<'g>) -> Var<'g> {
    let elements = pick(l, &lower_places(size, false), size);
    let diagonal = on_diagonal(l, size);
    diagonal.select(diagonal.select(elements, 1.0).log(), elements)
}

impl Transform for CholeskyCovariance {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        vec![event[0] * (event[0] + 1) / 2]
    }

    fn constrain<'g>(
        &self,
        event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let log_jacobian = (u * on_diagonal(u, event[0])).sum_axes(&[0]);
        (factor(event[0], u), log_jacobian)
    }

    fn unconstrain<'g>(&self, event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        free(event[0], x)
    }

    fn contains(&self, event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        cholesky_factor(x, event[0])
    }
}
