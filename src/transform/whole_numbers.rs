//! Whole numbers: membership only, as there is no way to move within them.

use super::{Bounds, Transform, interval};
use crate::graph::Var;

const NO_WAY: &str = "whole numbers are summed over or given; nothing unconstrained maps to them";

/// Whole numbers between bounds.
pub struct Integers;

/// Vectors of counts.
pub struct Counts;

fn whole(x: f64) -> Result<(), String> {
    if x.fract() == 0.0 {
        Ok(())
    } else {
        Err(format!("{x} is not a whole number"))
    }
}

impl Transform for Integers {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        _event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        _u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        panic!("{NO_WAY}")
    }

    fn unconstrain<'g>(&self, _event: &[usize], _bounds: &Bounds<Var<'g>>, _x: Var<'g>) -> Var<'g> {
        panic!("{NO_WAY}")
    }

    fn contains(&self, _event: &[usize], x: &[f64], bounds: &Bounds<f64>) -> Result<(), String> {
        x.iter()
            .try_for_each(|&x| interval::between(x, bounds).and_then(|()| whole(x)))
    }
}

impl Transform for Counts {
    fn free_shape(&self, event: &[usize]) -> Vec<usize> {
        event.to_vec()
    }

    fn constrain<'g>(
        &self,
        _event: &[usize],
        _bounds: &Bounds<Var<'g>>,
        _u: Var<'g>,
    ) -> (Var<'g>, Var<'g>) {
        panic!("{NO_WAY}")
    }

    fn unconstrain<'g>(&self, _event: &[usize], _bounds: &Bounds<Var<'g>>, _x: Var<'g>) -> Var<'g> {
        panic!("{NO_WAY}")
    }

    fn contains(&self, event: &[usize], x: &[f64], _bounds: &Bounds<f64>) -> Result<(), String> {
        let counts = Bounds {
            lower: Some(0.0),
            upper: None,
        };
        Integers.contains(event, x, &counts)
    }
}
