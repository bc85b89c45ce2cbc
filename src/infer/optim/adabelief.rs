//! Turns gradients into moves by AdaBelief: a mean of gradients over their spread around it.
//!
//! The spread of reparameterised gradients over a guide of width σ is curvature times σ. Dividing by
//! it, and not by the gradient's size, makes the move a Newton step up to the step size: far from the
//! optimum, where gradients are large but agree, it is long where Adam's would be σ at most. Antithetic
//! and path-derivative estimators hide that spread; then it is much like Adam.

use super::Stepper;

/// `m ← β₁m + (1 − β₁)g`, `v ← β₂v + (1 − β₂)(g − m)²`, `x ← x − lr·m̂ / (√v̂ + ε)`, the ratio held
/// within `±max_ratio`. Zhuang et al. (2020).
#[derive(Clone, Debug, PartialEq)]
pub struct AdaBelief {
    /// β₁, in [0, 1).
    pub mean_decay: f64,
    /// β₂, in [0, 1).
    pub spread_decay: f64,
    /// Keeps the division finite while the gradients are equal.
    pub epsilon: f64,
    /// Longest move of a coordinate in units of the step size: gradients without noise have no
    /// spread, and nothing else would bound the ratio.
    pub max_ratio: f64,
    /// State: the mean of past gradients.
    pub mean: Vec<f64>,
    /// State: the mean square of the gradients' distance from their mean.
    pub spread: Vec<f64>,
    /// State: steps taken.
    pub steps: i32,
}

impl Default for AdaBelief {
    fn default() -> AdaBelief {
        AdaBelief {
            mean_decay: 0.9,
            spread_decay: 0.99,
            epsilon: 1e-12,
            max_ratio: 30.0,
            mean: Vec::new(),
            spread: Vec::new(),
            steps: 0,
        }
    }
}

impl Stepper for AdaBelief {
    fn step(&mut self, g: &[f64], lr: f64, x: &mut [f64]) {
        self.mean.resize(g.len(), 0.0);
        self.spread.resize(g.len(), 0.0);
        self.steps = self.steps.saturating_add(1);
        let seen_mean = 1.0 - self.mean_decay.powi(self.steps);
        let seen_spread = 1.0 - self.spread_decay.powi(self.steps);
        for (((x, m), v), g) in x
            .iter_mut()
            .zip(&mut self.mean)
            .zip(&mut self.spread)
            .zip(g)
        {
            *m = self.mean_decay * *m + (1.0 - self.mean_decay) * g;
            *v = self.spread_decay * *v + (1.0 - self.spread_decay) * (g - *m) * (g - *m);
            let ratio = (*m / seen_mean) / ((*v / seen_spread).sqrt() + self.epsilon);
            *x -= lr * ratio.clamp(-self.max_ratio, self.max_ratio);
        }
    }

    fn reset(&mut self) {
        self.mean.clear();
        self.spread.clear();
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut x = [0.0];
        let mut adabelief = AdaBelief {
            mean_decay: 0.5,
            spread_decay: 0.5,
            ..AdaBelief::default()
        };
        adabelief.step(&[1.0], 0.1, &mut x); // m = 0.5, m̂ = 1; v̂ = 0.25
        adabelief.step(&[2.0], 0.1, &mut x); // m = 1.25, m̂ = 5/3; v = 0.34375, v̂ = 0.4583
        let expected = -0.1 * (2.0 + (5.0 / 3.0) / (0.34375f64 / 0.75).sqrt());
        assert!((x[0] - expected).abs() < 1e-12);
    }

    #[test]
    fn equal_gradients_do_not_blow_up() {
        let mut x = [0.0];
        let mut adabelief = AdaBelief::default();
        for _ in 0..1000 {
            adabelief.step(&[1.0], 0.1, &mut x);
        }
        assert!(x[0] >= -0.1 * 30.0 * 1000.0);
    }
}
