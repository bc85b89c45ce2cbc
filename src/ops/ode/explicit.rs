//! The explicit method of order 5 with an estimate of order 4 by Dormand and Prince (1980), whose last slope is the
//! next step's first.

use super::solve::{Equations, Size, Stepper};

/// Where the stages lie in the step.
const C: [f64; 7] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];

/// What the stages are made of; the last is the step's end.
const A: [&[f64]; 7] = [
    &[],
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[
        19372.0 / 6561.0,
        -25360.0 / 2187.0,
        64448.0 / 6561.0,
        -212.0 / 729.0,
    ],
    &[
        9017.0 / 3168.0,
        -355.0 / 33.0,
        46732.0 / 5247.0,
        49.0 / 176.0,
        -5103.0 / 18656.0,
    ],
    &[
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
    ],
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

/// `out = y + h Σ weights · slopes`
fn combine(out: &mut [f64], y: &[f64], h: f64, weights: &[f64], slopes: &[f64]) {
    out.copy_from_slice(y);
    for (&weight, slope) in weights.iter().zip(slopes.chunks_exact(y.len())) {
        if weight != 0.0 {
            let by = h * weight;
            out.iter_mut().zip(slope).for_each(|(o, &k)| *o += by * k);
        }
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
        for s in 1..7 {
            let (before, after) = self.slopes.split_at_mut(s * self.state);
            let stage = if s == 6 { &mut *end } else { &mut *self.stage };
            combine(stage, y, h, A[s], before);
            equations.slope(t + C[s] * h, stage, &mut after[..self.state]);
        }
        error.fill(0.0);
        for (&weight, slope) in E.iter().zip(self.slopes.chunks_exact(self.state)) {
            let by = h * weight;
            error.iter_mut().zip(slope).for_each(|(e, &k)| *e += by * k);
        }
    }

    fn slope(&mut self) -> &mut [f64] {
        &mut self.slopes[..self.state]
    }

    fn accept(&mut self, _: &mut impl Equations, _: f64, _: &[f64]) {
        self.slopes.copy_within(6 * self.state.., 0);
    }

    fn start(&mut self, _: &mut impl Equations, _: f64, _: &[f64]) {}
}
