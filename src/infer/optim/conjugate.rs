//! Turns Hessian products into solutions of `H x = b` for several right-hand sides.
//!
//! Every direction that one of them asked for is kept and serves all that follow, so that together they
//! cost no more products than there are coordinates.

use super::cg_path::HessVec;
use super::{NonFinite, add_scaled, dot};

/// Directions that are conjugate in a positive definite matrix `H`, with what is known of `H` from them.
#[derive(Default)]
pub(crate) struct ConjugateDirections {
    known: Vec<Known>,
}

struct Known {
    direction: Vec<f64>,
    product: Vec<f64>,
    curvature: f64,
}

impl ConjugateDirections {
    /// Solves `H x = b` until the residual is `residual` times as long as `b`, with at most `most`
    /// directions in all. What is left then is solved as if `H` were the identity there, which in
    /// natural lengths it is not far from being.
    pub(crate) fn solve(
        &mut self,
        b: &[f64],
        residual: f64,
        most: usize,
        product: &mut HessVec,
    ) -> Result<Vec<f64>, NonFinite> {
        let (mut x, mut left) = (vec![0.0; b.len()], b.to_vec());
        for known in &self.known {
            known.descend(&mut x, &mut left);
        }
        let enough = residual.powi(2) * dot(b, b);
        while dot(&left, &left) > enough && self.known.len() < most.min(b.len()) {
            let Some(known) = self.next(&left, product)? else {
                break;
            };
            known.descend(&mut x, &mut left);
            self.known.push(known);
        }
        add_scaled(&mut x, 1.0, &left);
        Ok(x)
    }

    /// A direction conjugate to those known, from a residual; none where `H` does not curve upwards.
    fn next(&self, left: &[f64], product: &mut HessVec) -> Result<Option<Known>, NonFinite> {
        let mut direction = left.to_vec();
        // Twice, as once loses conjugacy to rounding.
        for _ in 0..2 {
            for known in &self.known {
                let overlap = dot(&direction, &known.product) / known.curvature;
                add_scaled(&mut direction, -overlap, &known.direction);
            }
        }
        let mut image = vec![0.0; left.len()];
        product(&direction, &mut image)?;
        let curvature = dot(&direction, &image);
        let rounding = f64::EPSILON * (dot(&direction, &direction) * dot(&image, &image)).sqrt();
        Ok((curvature > rounding).then_some(Known {
            direction,
            product: image,
            curvature,
        }))
    }
}

impl Known {
    /// Moves `x` to the lowest point along the direction; `left` is the residual `b − H x`.
    fn descend(&self, x: &mut [f64], left: &mut [f64]) {
        let length = dot(&self.direction, left) / self.curvature;
        add_scaled(x, length, &self.direction);
        add_scaled(left, -length, &self.product);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_systems_cost_no_more_products_than_coordinates() {
        // Diagonal plus rank one: all coordinates interact.
        let diagonal = [1.0, 3.0, 10.0, 1e3];
        let mut products = 0;
        let mut apply = |v: &[f64], out: &mut [f64]| {
            products += 1;
            let sum: f64 = v.iter().sum();
            for (i, o) in out.iter_mut().enumerate() {
                *o = diagonal[i] * v[i] + sum;
            }
            Ok(())
        };
        let mut directions = ConjugateDirections::default();
        for b in [
            [1.0, 2.0, -1.0, 5.0],
            [0.0, 1.0, 0.0, 0.0],
            [3.0, 1.0, 4.0, 1.0],
        ] {
            let x = directions
                .solve(&b, 1e-12, 100, &mut apply)
                .expect("finite");
            let sum: f64 = x.iter().sum();
            for i in 0..4 {
                assert!((diagonal[i] * x[i] + sum - b[i]).abs() < 1e-9);
            }
        }
        assert_eq!(products, 4);
    }
}
