//! Increasing vectors: free numbers are logarithms of differences, or break up the space between
//! two bounds.

use super::simplex::{log_proportions, rests};
use super::{Bounds, Transform, interval};
use crate::graph::{Tensor, Var};
use crate::ops::{CumSum, concat};

/// The first element is free or as far above `lower` as the exponential of its number; each next
/// one is that far above the one before. Between two bounds the gaps are proportions of the width
/// (see [`super::simplex::Simplex`]), the last of them above the last element.
pub struct Ordered;

fn reverse_cumsum(x: Var<'_>) -> Var<'_> {
    let sums = CumSum {
        axis: 0,
        reverse: true,
    };
    x.graph.apply(sums, &[x])
}

/// `x[k + 1] − x[k]` along the last axis.
fn differences(x: Var<'_>) -> Var<'_> {
    let n = x.extent(0) - 1;
    x.slice(0, 1, n) - x.slice(0, 0, n)
}

impl Transform for Ordered {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        event: &[usize],
        bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let size = event[0];
        let at = |bound: Var<'g>| bound.unsqueeze(0);
        match (bounds.lower.map(at), bounds.upper.map(at)) {
            (None, None) => {
                let (first, rest) = (u.slice(0, 0, 1), u.slice(0, 1, size - 1));
                let x = concat(&[first, rest.exp()], 0).cumsum(0);
                (x, rest.sum_axes(&[0]))
            }
            (Some(lower), None) => (u.exp().cumsum(0) + lower, u.sum_axes(&[0])),
            (None, Some(upper)) => (upper - reverse_cumsum(u.exp()), u.sum_axes(&[0])),
            (Some(lower), Some(upper)) => {
                let width = upper - lower;
                let log_gaps = log_proportions(u);
                let x = log_gaps.exp().slice(0, 0, size).cumsum(0) * width + lower;
                let log_gaps = log_gaps.sum_axes(&[0]).unsqueeze(0);
                let log_jacobian = log_gaps + width.log() * size as f64;
                (x, log_jacobian.sum_axes(&[0]))
            }
        }
    }

    fn unconstrain<'g>(&self, event: &[usize], bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        let size = event[0];
        let at = |bound: Var<'g>| bound.unsqueeze(0) + x.slice(0, 0, 1) * 0.0;
        match (bounds.lower.map(at), bounds.upper.map(at)) {
            (None, None) => concat(&[x.slice(0, 0, 1), differences(x).log()], 0),
            (Some(lower), None) => differences(concat(&[lower, x], 0)).log(),
            (None, Some(upper)) => differences(concat(&[x, upper], 0)).log(),
            (Some(lower), Some(upper)) => {
                let gaps = differences(concat(&[lower, x, upper], 0));
                let logs: Vec<f64> = (0..size).map(|k| ((size - k) as f64).ln()).collect();
                let offsets = x.graph.constant(Tensor::vector(logs));
                gaps.slice(0, 0, size).log() - rests(gaps).log() + offsets
            }
        }
    }

    fn contains(&self, _event: &[usize], x: &[f64], bounds: &Bounds<f64>) -> Result<(), String> {
        x.iter().try_for_each(|&x| interval::between(x, bounds))?;
        match x.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(()),
            Some(k) => Err(format!(
                "element {} ({}) is not above element {} ({})",
                k + 2,
                x[k + 1],
                k + 1,
                x[k]
            )),
        }
    }
}
