//! What the transforms of matrices share: places in a triangle, and membership.

use super::TOLERANCE;
use crate::graph::{Shape, Tensor, Var};
use nalgebra::DMatrix;

/// Rows and columns of the lower triangle, row by row; without the diagonal if `strict`.
pub(super) fn lower_places(size: usize, strict: bool) -> Vec<(usize, usize)> {
    (0..size)
        .flat_map(|i| (0..i + usize::from(!strict)).map(move |j| (i, j)))
        .collect()
}

/// A constant vector.
pub(super) fn vector<'g>(like: Var<'g>, values: impl Iterator<Item = f64>) -> Var<'g> {
    like.graph
        .constant(Tensor::vector(values.collect::<Vec<_>>()))
}

/// Elements of the last axis at places of matrices of zeros.
pub(super) fn place<'g>(x: Var<'g>, places: &[(usize, usize)], size: usize) -> Var<'g> {
    let index = vector(x, places.iter().map(|(i, j)| (i * size + j) as f64));
    let flat = x.scatter_add(0, size * size, index);
    let mut shape: Shape = flat.shape();
    shape.pop();
    shape.extend_from_slice(&[size, size]);
    flat.reshape(&shape)
}

/// Elements at places of the matrices in the last two axes.
pub(super) fn pick<'g>(x: Var<'g>, places: &[(usize, usize)], size: usize) -> Var<'g> {
    let index = vector(x, places.iter().map(|(i, j)| (i * size + j) as f64));
    let mut shape: Shape = x.shape();
    shape.truncate(shape.len() - 2);
    shape.push(size * size);
    x.reshape(&shape).gather(0, index)
}

/// `L Lᵀ`
pub(super) fn times_transpose(l: Var<'_>) -> Var<'_> {
    l.matmul(l.transpose())
}

/// Whether a matrix is symmetric and positive definite, or why not.
pub(super) fn positive_definite(x: &[f64], size: usize) -> Result<(), String> {
    for (i, j) in lower_places(size, true) {
        let (a, b) = (x[i * size + j], x[j * size + i]);
        if (a - b).abs() > TOLERANCE * a.abs().max(1.0) {
            return Err(format!(
                "it is not symmetric: [{}, {}] is {a}, [{}, {}] is {b}",
                i + 1,
                j + 1,
                j + 1,
                i + 1
            ));
        }
    }
    match DMatrix::from_row_slice(size, size, x).cholesky() {
        Some(_) => Ok(()),
        None => Err("it is not positive definite".into()),
    }
}

/// Whether a matrix is lower triangular with a positive diagonal, or why not.
pub(super) fn cholesky_factor(x: &[f64], size: usize) -> Result<(), String> {
    for (i, j) in lower_places(size, true) {
        let above = x[j * size + i];
        if above != 0.0 {
            return Err(format!(
                "it is not lower triangular: [{}, {}] is {above}",
                j + 1,
                i + 1
            ));
        }
    }
    for i in 0..size {
        let x = x[i * size + i];
        if x <= 0.0 {
            return Err(format!(
                "[{0}, {0}] on its diagonal is {x}, not positive",
                i + 1
            ));
        }
    }
    Ok(())
}
