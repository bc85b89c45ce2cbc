//! Angles: a scaled logistic function onto `(−π, π)`.

use super::{Bounds, Transform, log_logistic_slope, sum_last};
use crate::graph::Var;
use std::f64::consts::PI;

/// `x = π tanh(u / 2)`
pub struct Circle;

impl Transform for Circle {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let slope = log_logistic_slope(u) + (2.0 * PI).ln();
        ((u * 0.5).tanh() * PI, sum_last(slope, event.len()))
    }

    fn unconstrain<'g>(&self, _event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        (x + PI).log() - (PI - x).log()
    }

    fn contains(&self, _event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        match x.iter().find(|x| x.abs() > PI) {
            None => Ok(()),
            Some(x) => Err(format!("{x} is not an angle between −π and π")),
        }
    }
}
