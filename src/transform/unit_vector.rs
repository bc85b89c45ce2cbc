//! Directions: a vector of free numbers, divided by its length.

use super::{Bounds, TOLERANCE, Transform};
use crate::graph::Var;

/// `x = u / ‖u‖`. There is one free number more than a direction has: in place of a Jacobian stands
/// the density of a standard Normal vector, `−½ ‖u‖²` up to a constant, under which directions are
/// uniform and the length is proper (as in Stan).
pub struct UnitVector;

impl Transform for UnitVector {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        _event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        let square = u.square().sum_axes(&[0]);
        // The origin has no direction: the diagonal is taken.
        let u = square.eq(0.0).unsqueeze(0).select(1.0, u);
        let length = u.square().sum_axes(&[0]).sqrt();
        (u / length.unsqueeze(0), square * -0.5)
    }

    fn unconstrain<'g>(&self, _event: &[usize], _bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g> {
        x
    }

    fn contains(&self, _event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        if (length - 1.0).abs() > TOLERANCE {
            return Err(format!("its length is {length}, not 1"));
        }
        Ok(())
    }
}
