//! The explicit method of order 5 with an estimate of order 4 by Dormand and Prince (1980), whose last slope is the
//! next step's first.

use super::solve::{Equations, Size, Stepper};

/// Where the stages lie in the step.
const C: [f64; 7] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];

/// What the stages are made of; the last is the step's end.
const A1: [f64; 1] = [1.0 / 5.0];
const A2: [f64; 2] = [3.0 / 40.0, 9.0 / 40.0];
const A3: [f64; 3] = [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0];
const A4: [f64; 4] = [
    19372.0 / 6561.0,
    -25360.0 / 2187.0,
    64448.0 / 6561.0,
    -212.0 / 729.0,
];
const A5: [f64; 5] = [
    9017.0 / 3168.0,
    -355.0 / 33.0,
    46732.0 / 5247.0,
    49.0 / 176.0,
    -5103.0 / 18656.0,
];
const A6: [f64; 6] = [
    35.0 / 384.0,
    0.0,
    500.0 / 1113.0,
    125.0 / 192.0,
    -2187.0 / 6784.0,
    11.0 / 84.0,
];

/// Order 5 less order 4.
const E: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

pub(super) struct DormandPrince<'w> {
    /// Slopes of the seven stages, one after the other.
    slopes: &'w mut [f64],
    stage: &'w mut [f64],
    state: usize,
}

impl<'w> DormandPrince<'w> {
    pub fn workspace(size: Size) -> usize {
        8 * size.state()
    }

    pub fn new(size: Size, work: &'w mut [f64]) -> DormandPrince<'w> {
        let state = size.state();
        let (slopes, rest) = work.split_at_mut(7 * state);
        DormandPrince {
            slopes,
            stage: &mut rest[..state],
            state,
        }
    }
}

/// `h Σ weights · slopes`, number by number.
#[inline(always)]
// One loop over all slopes at once is what becomes vector code.
#[allow(clippy::needless_range_loop)]
fn combine<const S: usize>(
    h: f64,
    weights: &[f64; S],
    slopes: &[f64],
    n: usize,
    mut put: impl FnMut(usize, f64),
) {
    let slopes: [&[f64]; S] = std::array::from_fn(|s| &slopes[s * n..][..n]);
    let by = weights.map(|w| h * w);
    for i in 0..n {
        let mut sum = by[0] * slopes[0][i];
        for s in 1..S {
            sum += by[s] * slopes[s][i];
        }
        put(i, sum);
    }
}

impl Stepper for DormandPrince<'_> {
    const ORDER: f64 = 5.0;

    fn attempt(
        &mut self,
        equations: &mut impl Equations,
        t: f64,
        h: f64,
        y: &[f64],
        end: &mut [f64],
        error: &mut [f64],
    ) {
        let n = self.state;
        let (y, end, error) = (&y[..n], &mut end[..n], &mut error[..n]);
        macro_rules! stage {
            ($s:literal, $weights:ident, $to:expr) => {
                let to = $to;
                combine(h, &$weights, self.slopes, n, |i, by| to[i] = y[i] + by);
                let slope = &mut self.slopes[$s * n..][..n];
                equations.slope(t + C[$s] * h, to, slope);
            };
        }
        stage!(1, A1, &mut self.stage[..n]);
        stage!(2, A2, &mut self.stage[..n]);
        stage!(3, A3, &mut self.stage[..n]);
        stage!(4, A4, &mut self.stage[..n]);
        stage!(5, A5, &mut self.stage[..n]);
        stage!(6, A6, &mut *end);
        combine(h, &E, self.slopes, n, |i, by| error[i] = by);
    }

    fn slope(&mut self) -> &mut [f64] {
        &mut self.slopes[..self.state]
    }

    fn accept(&mut self, _: &mut impl Equations, _: f64, _: &[f64]) {
        self.slopes.copy_within(6 * self.state.., 0);
    }

    fn start(&mut self, _: &mut impl Equations, _: f64, _: &[f64]) {}
}
