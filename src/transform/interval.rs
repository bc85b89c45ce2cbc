//! Numbers between bounds: identity, exponential from one bound, scaled logistic between two.

use super::{Bounds, Transform, beside, log_logistic_slope, sum_last};
use crate::graph::Var;

/// `x = u`, `lower + eᵘ`, `upper − eᵘ`, or `lower + (upper − lower) / (1 + e⁻ᵘ)`.
pub struct Interval;

impl Transform for Interval {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        event: &[usize],
        bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let axes = event.len();
        let at = |bound: Var<'g>| beside(bound, axes);
        let (x, slope) = match (bounds.lower.map(at), bounds.upper.map(at)) {
            (None, None) => (u, u * 0.0),
            (Some(lower), None) => (u.exp() + lower, u),
            (None, Some(upper)) => (upper - u.exp(), u),
            (Some(lower), Some(upper)) => {
                let width = upper - lower;
                (
                    u.sigmoid() * width + lower,
                    log_logistic_slope(u) + width.log(),
                )
            }
        };
        (x, sum_last(slope, axes))
    }

    fn unconstrain<'g>(&self, event: &[usize], bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        let at = |bound: Var<'g>| beside(bound, event.len());
        match (bounds.lower.map(at), bounds.upper.map(at)) {
            (None, None) => x,
            (Some(lower), None) => (x - lower).log(),
            (None, Some(upper)) => (upper - x).log(),
            (Some(lower), Some(upper)) => (x - lower).log() - (upper - x).log(),
        }
    }

    fn contains(&self, _event: &[usize], x: &[f64], bounds: &Bounds<f64>) -> Result<(), String> {
        x.iter().try_for_each(|&x| between(x, bounds))
    }
}

/// Whether a number lies between bounds, or why not.
pub(super) fn between(x: f64, bounds: &Bounds<f64>) -> Result<(), String> {
    match (bounds.lower, bounds.upper) {
        (Some(lower), _) if x < lower => Err(format!("{x} is below the lower bound {lower}")),
        (_, Some(upper)) if x > upper => Err(format!("{x} is above the upper bound {upper}")),
        _ if x.is_infinite() => Err(format!("{x} is not finite")),
        _ => Ok(()),
    }
}
