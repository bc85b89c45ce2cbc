//! Gauss–Legendre quadrature.

use std::sync::LazyLock;

/// Number of nodes: enough for what is smooth over an interval that it varies along by some 40 powers of e.
pub const NODES: usize = 40;

/// Nodes between 0 and 1, and weights that sum to 1: exact for polynomials of degree 79.
///
/// ```
/// let integral: f64 = elbo::special::legendre().iter().map(|(x, w)| w * x.exp()).sum();
/// assert!((integral - 1f64.exp_m1()).abs() < 1e-15);
/// ```
pub fn legendre() -> &'static [(f64, f64); NODES] {
    static RULE: LazyLock<[(f64, f64); NODES]> = LazyLock::new(|| std::array::from_fn(node));
    &RULE
}

/// The root of the Legendre polynomial at a place, by Newton's method from an approximation of it.
fn node(i: usize) -> (f64, f64) {
    let n = NODES as f64;
    let mut x = -(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
    let mut slope = 0.0;
    for _ in 0..8 {
        let (mut before, mut value) = (1.0, x);
        for k in 2..=NODES {
            let k = k as f64;
            let next = ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k;
            (before, value) = (value, next);
        }
        slope = n * (x * value - before) / (x * x - 1.0);
        x -= value / slope;
    }
    (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
}
