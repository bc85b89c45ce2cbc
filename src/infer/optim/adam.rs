//! Turns gradients into moves by Adam: a mean of gradients over the root of a mean of squares.

use super::Stepper;
use crate::special::{Level, Real};
use crate::tape::Aligned;

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
        // Divisions are dear: those by what all share are made once.
        let (rate, seen) = (lr / seen_mean, 1.0 / seen_square);
        for (((x, m), v), g) in x
            .iter_mut()
            .zip(&mut self.mean)
            .zip(&mut self.square)
            .zip(g)
        {
            *m = self.mean_decay * *m + (1.0 - self.mean_decay) * g;
            *v = self.square_decay * *v + (1.0 - self.square_decay) * g * g;
            *x -= rate * *m / ((*v * seen).sqrt() + self.epsilon);
        }
    }

    fn reset(&mut self) {
        self.mean.clear();
        self.square.clear();
        self.steps = 0;
    }
}

/// [`Adam`] with its usual settings (β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸) for large vectors of either kind of
/// numbers, such as the inputs of a [`Tape`](crate::tape::Tape): one pass over memory, on vector units.
///
/// ```
/// use elbo::infer::optim::AdamInPlace;
/// let (mut x, mut adam) = ([1.0_f32, -1.0], AdamInPlace::default());
/// for _ in 0..1000 {
///     let gradient = x.map(|x| 2.0 * (x - 0.5));
///     adam.step(&gradient, 0.01, &mut x);
/// }
/// assert!(x.iter().all(|x| (x - 0.5).abs() < 1e-3));
/// ```
#[derive(Default)]
pub struct AdamInPlace<T: Real> {
    /// Means, then mean squares.
    moments: Aligned<T>,
    steps: i32,
}

const MEAN_DECAY: f64 = 0.9;
const SQUARE_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl<T: Real> AdamInPlace<T> {
    /// Moves `x` downhill, given the gradient `g` there and the step size `rate`.
    ///
    /// # Panics
    /// If `g` and `x` are not as long as at the first step.
    pub fn step(&mut self, g: &[T], rate: f64, x: &mut [T]) {
        if self.steps == 0 {
            self.moments = Aligned::zeros(2 * x.len());
        }
        let lengths = [g.len(), self.moments.len() / 2];
        assert_eq!(
            lengths,
            [x.len(); 2],
            "gradient and point keep their length"
        );
        self.steps = self.steps.saturating_add(1);
        // x − lr m̂ / (√v̂ + ε), with the corrections taken out of the loop.
        let root = (1.0 - SQUARE_DECAY.powi(self.steps)).sqrt();
        let factor = T::of(rate * root / (1.0 - MEAN_DECAY.powi(self.steps)));
        let floor = T::of(EPSILON * root);
        let (m, v) = self.moments.split_at_mut(x.len());
        // SAFETY: the machine offers the level that is asked for.
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_unsafe))]
        unsafe {
            match Level::detect() {
                Level::Avx512 => avx512(g, m, v, x, factor, floor),
                Level::Avx2 => avx2(g, m, v, x, factor, floor),
                Level::Portable => walk(g, m, v, x, factor, floor),
            }
        }
    }
}

#[inline(always)]
fn walk<T: Real>(g: &[T], m: &mut [T], v: &mut [T], x: &mut [T], factor: T, floor: T) {
    let (b1, b2) = (T::of(MEAN_DECAY), T::of(SQUARE_DECAY));
    let (a1, a2) = (T::of(1.0 - MEAN_DECAY), T::of(1.0 - SQUARE_DECAY));
    let all = x.iter_mut().zip(m).zip(v).zip(g);
    for (((x, m), v), &g) in all {
        *m = b1 * *m + a1 * g;
        *v = b2 * *v + a2 * (g * g);
        *x -= factor * *m / (v.sqrt() + floor);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<T: Real>(g: &[T], m: &mut [T], v: &mut [T], x: &mut [T], factor: T, floor: T) {
    walk(g, m, v, x, factor, floor);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn avx512<T: Real>(g: &[T], m: &mut [T], v: &mut [T], x: &mut [T], factor: T, floor: T) {
    walk(g, m, v, x, factor, floor);
}

#[cfg(not(target_arch = "x86_64"))]
use {walk as avx2, walk as avx512};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_place_it_moves_as_the_stepper_does() {
        let (mut slow, mut fast) = (vec![0.5; 37], vec![0.5; 37]);
        let mut single = vec![0.5_f32; 37];
        let mut adam = Adam {
            epsilon: EPSILON,
            ..Adam::default()
        };
        let (mut double, mut short) = (AdamInPlace::default(), AdamInPlace::default());
        for step in 0..50 {
            let g: Vec<f64> = (0..37)
                .map(|i| f64::from(i * 7 % 11 + step % 3) - 5.0)
                .collect();
            let narrow: Vec<f32> = g.iter().map(|&g| g as f32).collect();
            adam.step(&g, 0.01, &mut slow);
            double.step(&g, 0.01, &mut fast);
            short.step(&narrow, 0.01, &mut single);
        }
        for ((a, b), c) in slow.iter().zip(&fast).zip(&single) {
            assert!((a - b).abs() < 1e-13, "{a} {b}");
            // Fifty steps of 0.01, each with some roundings of 6e-8.
            assert!((a - f64::from(*c)).abs() < 1e-6, "{a} {c}");
        }
    }

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
