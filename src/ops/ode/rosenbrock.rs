//! The linearly implicit method RODAS of order 4 with an estimate of order 3 by Hairer and Wanner (1996, IV.7 and their
//! program of that name): L-stable, six solutions with one matrix a step and no iterations.
//!
//! The rows of a state beyond the first (the derivatives) do not act on the first, and each acts on itself as the first
//! does: one matrix of the equation's own size is factored for all of them, and only the first row's stage enters the
//! others (`D` below).

use super::solve::{Equations, Size, Stepper};

const GAMMA: f64 = 0.25;
const C: [f64; 6] = [0.0, 0.386, 0.21, 0.63, 1.0, 1.0];
/// How much of the derivative in time each stage takes.
const D: [f64; 6] = [0.25, -0.1043, 0.1035, -0.036_200_000_000_000_23, 0.0, 0.0];

const A: [&[f64]; 6] = [
    &[],
    &[1.544],
    &[0.946_678_528_081_582_6, 0.255_701_169_898_328_4],
    &[
        3.314_825_187_068_521,
        2.896_124_015_972_201,
        0.998_641_913_997_781_7,
    ],
    &[
        1.221_224_509_226_641,
        6.019_134_481_288_629,
        12.537_083_329_320_87,
        -0.687_886_036_105_895,
    ],
    &[
        1.221_224_509_226_641,
        6.019_134_481_288_629,
        12.537_083_329_320_87,
        -0.687_886_036_105_895,
        1.0,
    ],
];

/// Weights over the step's length of earlier stages in what each is solved for.
const W: [&[f64]; 6] = [
    &[],
    &[-5.6688],
    &[-2.430_093_356_833_875, -0.206_359_915_709_191_5],
    &[
        -0.107_352_905_815_137_5,
        -9.594_562_251_023_355,
        -20.470_286_148_096_16,
    ],
    &[
        7.496_443_313_967_647,
        -10.246_804_314_643_52,
        -33.999_903_528_199_05,
        11.708_908_932_061_6,
    ],
    &[
        8.083_246_795_921_522,
        -7.981_132_988_064_893,
        -31.521_594_328_743_71,
        16.319_305_431_231_36,
        -6.058_818_238_834_054,
    ],
];

pub(super) struct Rodas<'w> {
    size: Size,
    slope: &'w mut [f64],
    stages: &'w mut [f64],
    point: &'w mut [f64],
    /// Derivatives with respect to the first row and to time.
    jacobian: &'w mut [f64],
    /// `1/(h γ) − ∂f/∂y`, factored, and the rows in the order of the pivots.
    matrix: &'w mut [f64],
    pivots: &'w mut [f64],
}

impl<'w> Rodas<'w> {
    pub fn workspace(size: Size) -> usize {
        let (n, state) = (size.n, size.state());
        8 * state + (n + 1) * state + n * n + n
    }

    pub fn new(size: Size, work: &'w mut [f64]) -> Rodas<'w> {
        let (n, state) = (size.n, size.state());
        let (slope, rest) = work.split_at_mut(state);
        let (stages, rest) = rest.split_at_mut(6 * state);
        let (point, rest) = rest.split_at_mut(state);
        let (jacobian, rest) = rest.split_at_mut((n + 1) * state);
        let (matrix, rest) = rest.split_at_mut(n * n);
        Rodas {
            size,
            slope,
            stages,
            point,
            jacobian,
            matrix,
            pivots: &mut rest[..n],
        }
    }

    fn factor(&mut self, h: f64) {
        let (n, state) = (self.size.n, self.size.state());
        for i in 0..n {
            for j in 0..n {
                let diagonal = if i == j { 1.0 / (h * GAMMA) } else { 0.0 };
                self.matrix[i * n + j] = diagonal - self.jacobian[j * state + i];
            }
        }
        factor(self.matrix, self.pivots, n);
    }

    /// Solves for a stage, in the place of the right-hand side.
    fn solve(&mut self, stage: usize) {
        let (n, state) = (self.size.n, self.size.state());
        let all = &mut self.stages[stage * state..(stage + 1) * state];
        let (first, others) = all.split_at_mut(n);
        solve(self.matrix, self.pivots, first);
        for (g, row) in others.chunks_exact_mut(n).enumerate() {
            for (j, &u) in first.iter().enumerate() {
                let part = &self.jacobian[j * state + (g + 1) * n..][..n];
                row.iter_mut().zip(part).for_each(|(r, &d)| *r += d * u);
            }
            solve(self.matrix, self.pivots, row);
        }
    }
}

impl Stepper for Rodas<'_> {
    const ORDER: f64 = 4.0;

    fn attempt(
        &mut self,
        equations: &mut impl Equations,
        t: f64,
        h: f64,
        y: &[f64],
        end: &mut [f64],
        error: &mut [f64],
    ) {
        let (n, state) = (self.size.n, self.size.state());
        self.factor(h);
        for s in 0..6 {
            self.point.copy_from_slice(y);
            let (before, after) = self.stages.split_at_mut(s * state);
            let stage = &mut after[..state];
            for (&weight, k) in A[s].iter().zip(before.chunks_exact(state)) {
                let pairs = self.point.iter_mut().zip(k);
                pairs.for_each(|(p, &k)| *p += weight * k);
            }
            match s {
                0 => stage.copy_from_slice(self.slope),
                _ => equations.slope(t + C[s] * h, self.point, stage),
            }
            for (&weight, k) in W[s].iter().zip(before.chunks_exact(state)) {
                let by = weight / h;
                stage.iter_mut().zip(k).for_each(|(r, &k)| *r += by * k);
            }
            let by_time = &self.jacobian[n * state..];
            let pairs = stage.iter_mut().zip(by_time);
            pairs.for_each(|(r, &d)| *r += h * D[s] * d);
            self.solve(s);
        }
        // The last point and the last stage are the end; that stage is the error.
        error.copy_from_slice(&self.stages[5 * state..]);
        for i in 0..state {
            end[i] = self.point[i] + error[i];
        }
    }

    fn slope(&mut self) -> &mut [f64] {
        self.slope
    }

    fn accept(&mut self, equations: &mut impl Equations, t: f64, y: &[f64]) {
        equations.slope(t, y, self.slope);
        equations.jacobian(t, y, self.jacobian);
    }

    fn start(&mut self, equations: &mut impl Equations, t: f64, y: &[f64]) {
        equations.jacobian(t, y, self.jacobian);
    }
}

/// Factors a matrix in its place, with pivots in columns.
fn factor(a: &mut [f64], pivots: &mut [f64], n: usize) {
    for k in 0..n {
        let size = |i: &usize| a[i * n + k].abs();
        let larger = |a: &usize, b: &usize| size(a).total_cmp(&size(b));
        let pivot = (k..n).max_by(larger).unwrap_or(k);
        pivots[k] = pivot as f64;
        if pivot != k {
            (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
        }
        for i in k + 1..n {
            let by = a[i * n + k] / a[k * n + k];
            a[i * n + k] = by;
            for j in k + 1..n {
                a[i * n + j] -= by * a[k * n + j];
            }
        }
    }
}

fn solve(a: &[f64], pivots: &[f64], x: &mut [f64]) {
    let n = x.len();
    for (k, &pivot) in pivots.iter().enumerate() {
        x.swap(k, pivot as usize);
    }
    for i in 0..n {
        for j in 0..i {
            x[i] -= a[i * n + j] * x[j];
        }
    }
    for i in (0..n).rev() {
        for j in i + 1..n {
            x[i] -= a[i * n + j] * x[j];
        }
        x[i] /= a[i * n + i];
    }
}
