//! Turns gradients into moves by Adagrad: each coordinate is slowed by all it has seen.

use super::Stepper;

/// `a ← a + g²`, `x ← x − lr·g / (√a + ε)`. Duchi, Hazan & Singer (2011).
#[derive(Clone, Debug, PartialEq)]
pub struct Adagrad {
    /// Keeps the division finite while the gradients are 0.
    pub epsilon: f64,
    /// State: the sum of squared gradients.
    pub sum: Vec<f64>,
}

impl Default for Adagrad {
    fn default() -> Adagrad {
        Adagrad {
            epsilon: 1e-12,
            sum: Vec::new(),
        }
    }
}

impl Stepper for Adagrad {
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]) {
        self.sum.resize(g.len(), 0.0);
        for ((x, a), g) in x.iter_mut().zip(&mut self.sum).zip(g) {
            *a += g * g;
            *x -= lr * g / (a.sqrt() + self.epsilon);
        }
    }

    fn reset(&mut self) {
        self.sum.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut x = [0.0];
        let mut adagrad = Adagrad::default();
        adagrad.step(&[3.0], 0.1, &mut x); // 3 / 3
        adagrad.step(&[4.0], 0.1, &mut x); // 4 / 5
        assert!((x[0] + 0.18).abs() < 1e-12);
    }
}
