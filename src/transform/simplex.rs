//! Proportions that sum to 1: each free number breaks off a part of what is left of a stick.

use super::{Bounds, TOLERANCE, Transform};
use crate::graph::{Tensor, Var};
use crate::ops::CumSum;

/// `x[k] = z[k] Π_{j<k} (1 − z[j])`, `z[k] = 1 / (1 + exp(−u[k]) (K − k))`: all zeros give equal
/// proportions. As in Stan; computed by logarithms, so that no part vanishes.
pub struct Simplex;

/// `log(K − k)` for k = 1 … K − 1: what centres the k-th break.
fn offsets<'g>(like: Var<'g>, size: usize) -> Var<'g> {
    let logs: Vec<f64> = (1..size).map(|k| ((size - k) as f64).ln()).collect();
    like.graph.constant(Tensor::vector(logs))
}

/// Logarithms of the proportions; their sum is the log Jacobian.
pub(super) fn log_proportions(u: Var<'_>) -> Var<'_> {
    let v = u - offsets(u, u.extent(0) + 1);
    let log_rest = -v.softplus();
    let log_part = v + log_rest;
    log_rest.cumsum(0).pad(0, 1, 0) + log_part.pad(0, 0, 1)
}

/// What comes after each element but the last, summed from the end.
pub(super) fn rests(x: Var<'_>) -> Var<'_> {
    let sums = CumSum {
        axis: 0,
        reverse: true,
    };
    x.graph.apply(sums, &[x]).slice(0, 1, x.extent(0) - 1)
}

impl Transform for Simplex {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        vec![event[0].saturating_sub(1)]
    }

    fn constrain<'g>(
        &self,
        _event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let log_x = log_proportions(u);
        (log_x.exp(), log_x.sum_axes(&[0]))
    }

    fn unconstrain<'g>(&self, event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        let parts = x.slice(0, 0, event[0] - 1);
        parts.log() - rests(x).log() + offsets(x, event[0])
    }

    fn contains(&self, _event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        if let Some(x) = x.iter().find(|&&x| x < 0.0) {
            return Err(format!("{x} is negative, so it is no proportion"));
        }
        let sum: f64 = x.iter().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(format!("its elements sum to {sum}, not 1"));
        }
        Ok(())
    }
}
