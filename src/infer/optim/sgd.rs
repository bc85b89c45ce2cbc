//! Turns gradients into moves by stochastic gradient descent with heavy-ball momentum.

use super::{Stepper, add_scaled};

/// `v ← m·v + (1 − m)·g`, `x ← x − lr·v`.
///
/// The velocity is a mean of gradients, so that the step size keeps its meaning when `momentum`
/// changes; `momentum = 0` is plain gradient descent. Robbins & Monro (1951); Polyak (1964).
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the velocity kept at each step, in [0, 1).
    pub momentum: f64,
    /// State: the mean of past gradients.
    pub velocity: Vec<f64>,
}

impl Default for Sgd {
    fn default() -> Sgd {
        Sgd {
            momentum: 0.9,
            velocity: Vec::new(),
        }
    }
}

impl Stepper for Sgd {
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]) {
        self.velocity.resize(g.len(), 0.0);
        for (v, g) in self.velocity.iter_mut().zip(g) {
            *v = self.momentum * *v + (1.0 - self.momentum) * g;
        }
        add_scaled(x, -lr, &self.velocity);
    }

    fn reset(&mut self) {
        self.velocity.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut x = [1.0];
        let mut sgd = Sgd {
            momentum: 0.5,
            ..Sgd::default()
        };
        sgd.step(&[2.0], 0.1, &mut x); // v = 1
        sgd.step(&[2.0], 0.1, &mut x); // v = 1.5
        assert!((x[0] - 0.75).abs() < 1e-15);
    }
}
