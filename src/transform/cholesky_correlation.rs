//! Cholesky factors of correlation matrices: free numbers are partial correlations behind `atanh`.

use super::matrix::{cholesky_factor, lower_places, pick, place, vector};
use super::{Bounds, TOLERANCE, Transform};
use crate::graph::{Tensor, Var};
use crate::ops::CumSum;
use std::f64::consts::LN_2;

/// `L[i, j] = z[i, j] √Π_{k<j} (1 − z[i, k]²)`, `z = tanh u` below the diagonal and 1 on it: rows
/// have length 1. Lewandowski, Kurowicka and Joe (2009), Generating random correlation matrices
/// based on vines and extended onion method.
pub struct CholeskyCorrelation;

/// `log √(1 − tanh² u)`, exact for all u.
pub(super) fn log_sech(u: Var<'_>) -> Var<'_> {
    u - (u * 2.0).softplus() + LN_2
}

/// The factor, and the free numbers' [`log_sech`]: the logarithm of `L[i, i]` is their sum over
/// row i.
pub(super) fn factor<'g>(size: usize, u: Var<'g>) -> (Var<'g>, Var<'g>) {
    let places = lower_places(size, true);
    let log_sech = log_sech(u);
    let z = place(u.tanh(), &places, size) + identity(u, size);
    // What is left of the unit row before each place.
    let sums = place(log_sech, &places, size).cumsum(0);
    let before = sums.slice(0, 0, size - 1).pad(0, 1, 0);
    (z * before.exp(), log_sech)
}

fn identity<'g>(like: Var<'g>, size: usize) -> Var<'g> {
    let mut data = vec![0.0; size * size];
    (0..size).for_each(|i| data[i * (size + 1)] = 1.0);
    like.graph
        .constant(Tensor::new([size, size].into_iter().collect(), data))
}

/// The free numbers of a factor: `sinh u[i, j]` is `L[i, j]` over the length of the row after it.
pub(super) fn free<'g>(size: usize, l: Var<'g>) -> Var<'g> {
    let sums = CumSum {
        axis: 0,
        reverse: true,
    };
    let squares = l.graph.apply(sums, &[l.square()]);
    let after = squares.slice(0, 1, size - 1).pad(0, 0, 1);
    let places = lower_places(size, true);
    let ratio = pick(l, &places, size) / pick(after, &places, size).sqrt();
    let size = ratio.abs();
    let root = (size.square() + 1.0).sqrt();
    ratio.sign() * (size + size.square() / (root + 1.0)).log1p()
}

impl Transform for CholeskyCorrelation {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        vec![event[0] * event[0].saturating_sub(1) / 2]
    }

    // dL[i, j]/du[i, j] is sech² u[i, j] times what is left of the row, which holds the sech of all
    // places before: each counts once for every later place of its row, and twice for itself.
    fn constrain<'g>(
        &self,
        event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let (l, log_sech) = factor(event[0], u);
        let places = lower_places(event[0], true);
        let counts = vector(u, places.iter().map(|(i, j)| (i + 1 - j) as f64));
        (l, (log_sech * counts).sum_axes(&[0]))
    }

    fn unconstrain<'g>(&self, event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        free(event[0], x)
    }

    fn contains(&self, event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        cholesky_factor(x, event[0])?;
        for (i, row) in x.chunks(event[0]).enumerate() {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            if (length - 1.0).abs() > TOLERANCE {
                return Err(format!("its row {} has length {length}, not 1", i + 1));
            }
        }
        Ok(())
    }
}
