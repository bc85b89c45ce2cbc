//! Turns gradients into moves by RMSProp: each coordinate is divided by its recent size.

use super::Stepper;

/// `a ← d·a + (1 − d)·g²`, `x ← x − lr·g / (√â + ε)`, where `â` is `a` corrected for its start at 0.
/// Tieleman & Hinton (2012).
#[derive(Clone, Debug, PartialEq)]
pub struct RmsProp {
    /// Share of the mean square kept at each step, in [0, 1).
    pub decay: f64,
    /// Keeps the division finite while the gradients are 0.
    pub epsilon: f64,
    /// State: the mean of squared gradients.
    pub mean_square: Vec<f64>,
    /// State: steps taken.
    pub steps: i32,
}

impl Default for RmsProp {
    fn default() -> RmsProp {
        RmsProp {
            decay: 0.99,
            epsilon: 1e-12,
            mean_square: Vec::new(),
            steps: 0,
        }
    }
}

impl Stepper for RmsProp {
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]) {
        self.mean_square.resize(g.len(), 0.0);
        self.steps = self.steps.saturating_add(1);
        let seen = 1.0 - self.decay.powi(self.steps);
        for ((x, a), g) in x.iter_mut().zip(&mut self.mean_square).zip(g) {
            *a = self.decay * *a + (1.0 - self.decay) * g * g;
            *x -= lr * g / ((*a / seen).sqrt() + self.epsilon);
        }
    }

    fn reset(&mut self) {
        self.mean_square.clear();
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut x = [0.0];
        let mut rmsprop = RmsProp {
            decay: 0.5,
            ..RmsProp::default()
        };
        rmsprop.step(&[1.0], 0.1, &mut x); // â = 1
        rmsprop.step(&[2.0], 0.1, &mut x); // a = 2.25, â = 3
        assert!((x[0] + 0.1 + 0.2 / 3f64.sqrt()).abs() < 1e-12);
    }
}
