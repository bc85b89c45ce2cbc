//! Turns gradients into moves by Adam: a mean of gradients over the root of a mean of squares.

use super::Stepper;

/// `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)g²`, `x ← x − lr·m̂ / (√v̂ + ε)`, where the hats correct
/// for the start at 0. Kingma & Ba (2015).
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// β₁, in [0, 1).
    pub mean_decay: f64,
    /// β₂, in [0, 1).
    pub square_decay: f64,
    /// Keeps the division finite while the gradients are 0.
    pub epsilon: f64,
    /// State: the mean of past gradients.
    pub mean: Vec<f64>,
    /// State: the mean of squared gradients.
    pub square: Vec<f64>,
    /// State: steps taken.
    pub steps: i32,
}

impl Default for Adam {
    fn default() -> Adam {
        Adam {
            mean_decay: 0.9,
            square_decay: 0.999,
            epsilon: 1e-12,
            mean: Vec::new(),
            square: Vec::new(),
            steps: 0,
        }
    }
}

impl Stepper for Adam {
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]) {
        self.mean.resize(g.len(), 0.0);
        self.square.resize(g.len(), 0.0);
        self.steps = self.steps.saturating_add(1);
        let seen_mean = 1.0 - self.mean_decay.powi(self.steps);
        let seen_square = 1.0 - self.square_decay.powi(self.steps);
        for (((x, m), v), g) in x
            .iter_mut()
            .zip(&mut self.mean)
            .zip(&mut self.square)
            .zip(g)
        {
            *m = self.mean_decay * *m + (1.0 - self.mean_decay) * g;
            *v = self.square_decay * *v + (1.0 - self.square_decay) * g * g;
            *x -= lr * (*m / seen_mean) / ((*v / seen_square).sqrt() + self.epsilon);
        }
    }

    fn reset(&mut self) {
        self.mean.clear();
        self.square.clear();
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut x = [0.0];
        let mut adam = Adam {
            mean_decay: 0.5,
            square_decay: 0.5,
            ..Adam::default()
        };
        adam.step(&[1.0], 0.1, &mut x); // m̂ = 1, v̂ = 1
        adam.step(&[2.0], 0.1, &mut x); // m = 1.25, m̂ = 5/3; v = 2.25, v̂ = 3
        assert!((x[0] + 0.1 + 0.1 * (5.0 / 3.0) / 3f64.sqrt()).abs() < 1e-12);
    }
}
