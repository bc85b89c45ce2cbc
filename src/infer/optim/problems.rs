//! Objectives with known minima, for the tests of every optimiser.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{NonFinite, Objective, StochasticObjective, add_scaled, dot};
use crate::infer::draws::antithetic_whitened;

/// Standard Normal numbers from a seed.
pub(crate) fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.sample(StandardNormal)).collect()
}

/// `½ (x − m)ᵀ A (x − m)` for `A = Σₖ λₖ vₖ vₖᵀ`. It is summed over `k`, which keeps the value's relative
/// error at rounding however the curvatures differ.
pub(crate) struct Quadratic {
    curvatures: Vec<f64>,
    axes: Vec<Vec<f64>>,
    pub(crate) m: Vec<f64>,
    scale: Vec<f64>,
}

impl Quadratic {
    /// Curvatures spread evenly in logarithm from 1 to `condition`; turned by a random rotation, or
    /// along the axes with the scale that this implies.
    pub(crate) fn new(d: usize, condition: f64, turned: bool) -> Quadratic {
        let curvatures: Vec<f64> = (0..d)
            .map(|i| condition.powf(i as f64 / (d - 1) as f64))
            .collect();
        let rotation = antithetic_whitened(2 * d, d, 5);
        let axis = |k: usize, i: usize| match turned {
            true => rotation[2 * k * d + i] / (d as f64).sqrt(),
            false => f64::from(u8::from(i == k)),
        };
        let axes = (0..d).map(|k| (0..d).map(|i| axis(k, i)).collect());
        let scale = if turned {
            vec![1.0; d]
        } else {
            curvatures.iter().map(|v| v.powf(-0.5)).collect()
        };
        Quadratic {
            axes: axes.collect(),
            curvatures,
            m: (0..d).map(|i| i as f64 - 1.5).collect(),
            scale,
        }
    }
}

impl Objective for Quadratic {
    fn dim(&self) -> usize {
        self.m.len()
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        let away: Vec<f64> = x.iter().zip(&self.m).map(|(x, m)| x - m).collect();
        self.hess_vec(x, &away, g)?;
        let squares = self.axes.iter().map(|axis| dot(axis, &away).powi(2));
        Ok(0.5
            * squares
                .zip(&self.curvatures)
                .map(|(s, c)| s * c)
                .sum::<f64>())
    }
    fn hess_vec(&mut self, _x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        out.fill(0.0);
        for (axis, curvature) in self.axes.iter().zip(&self.curvatures) {
            add_scaled(out, curvature * dot(axis, v), axis);
        }
        Ok(())
    }
    fn scale(&self, _x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.scale);
    }
}

/// `Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²`, lowest at 1; Hessian products by differences.
pub(crate) struct Rosenbrock(pub(crate) usize);

impl Objective for Rosenbrock {
    fn dim(&self) -> usize {
        self.0
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        g.fill(0.0);
        let mut value = 0.0;
        for i in 0..x.len() - 1 {
            let (bend, rest) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
            value += 100.0 * bend * bend + rest * rest;
            g[i] -= 400.0 * bend * x[i] + 2.0 * rest;
            g[i + 1] += 200.0 * bend;
        }
        Ok(value)
    }
}

/// `x − n·log x` in each coordinate: lowest at `x = n`, not finite in the half space `x ≤ 0`.
pub(crate) struct HalfSpace(pub(crate) Vec<f64>);

impl Objective for HalfSpace {
    fn dim(&self) -> usize {
        self.0.len()
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        if x.iter().any(|x| *x <= 0.0) {
            return Err(NonFinite);
        }
        g.iter_mut()
            .zip(x)
            .zip(&self.0)
            .for_each(|((g, x), n)| *g = 1.0 - n / x);
        Ok(x.iter().zip(&self.0).map(|(x, n)| x - n * x.ln()).sum())
    }
}

/// Negative ELBO of a mean-field Normal guide of Neal's funnel `v ~ N(0, 3)`, `xᵢ ~ N(0, eᵛᐟ²)`.
///
/// Coordinates: means of `v, x…`, then log sds. Exact, not convex; lowest where all means are 0,
/// `sd_v² = 1 / (1/9 + n/2)` and `sd_x² = exp(−sd_v²/2)`.
pub(crate) struct Funnel(pub(crate) usize);

impl Funnel {
    pub(crate) fn optimum(&self) -> Vec<f64> {
        let n = self.0;
        let var = 1.0 / (1.0 / 9.0 + n as f64 / 2.0);
        let mut x = vec![0.0; n + 1];
        x.push(0.5 * var.ln());
        x.extend(vec![-0.25 * var; n]);
        x
    }
}

impl Objective for Funnel {
    fn dim(&self) -> usize {
        2 * (self.0 + 1)
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        let n = self.0;
        let (m, w) = x.split_at(n + 1);
        let (gm, gw) = g.split_at_mut(n + 1);
        let var = (2.0 * w[0]).exp();
        let precision = (-m[0] + 0.5 * var).exp();
        let mut value = (m[0] * m[0] + var) / 18.0 + 0.5 * n as f64 * m[0] - w[0];
        (gm[0], gw[0]) = (m[0] / 9.0 + 0.5 * n as f64, var / 9.0 - 1.0);
        for i in 1..=n {
            let square = m[i] * m[i] + (2.0 * w[i]).exp();
            value += 0.5 * square * precision - w[i];
            gm[0] -= 0.5 * square * precision;
            gw[0] += 0.5 * square * precision * var;
            gm[i] = m[i] * precision;
            gw[i] = (2.0 * w[i]).exp() * precision - 1.0;
        }
        Ok(value)
    }
    fn scale(&self, x: &[f64], out: &mut [f64]) {
        mean_field_scale(x, out);
    }
}

/// Guide sds for the means, 1 for their logarithms.
fn mean_field_scale(x: &[f64], out: &mut [f64]) {
    let d = x.len() / 2;
    for j in 0..d {
        (out[j], out[d + j]) = (x[d + j].exp(), 1.0);
    }
}

/// A log density with its derivatives.
pub(crate) trait Density {
    fn dim(&self) -> usize;
    fn log_prob_grad(&self, z: &[f64], g: &mut [f64]) -> f64;
    fn hess_vec(&self, z: &[f64], v: &[f64], out: &mut [f64]);
}

/// Normal with unit marginal sds around `m`, all correlations `ρ`.
pub(crate) struct Correlated {
    pub(crate) m: Vec<f64>,
    pub(crate) rho: f64,
}

impl Correlated {
    /// Sds of the best mean-field guide: `1/√Λᵢᵢ`.
    pub(crate) fn mean_field_sd(&self) -> f64 {
        let (own, shared) = self.precision();
        (own - shared).powf(-0.5)
    }
    /// The precision matrix is `own·I − shared·11ᵀ`.
    fn precision(&self) -> (f64, f64) {
        let d = self.m.len() as f64;
        let own = 1.0 / (1.0 - self.rho);
        (own, own * self.rho / (1.0 + (d - 1.0) * self.rho))
    }
}

impl Density for Correlated {
    fn dim(&self) -> usize {
        self.m.len()
    }
    fn log_prob_grad(&self, z: &[f64], g: &mut [f64]) -> f64 {
        let away: Vec<f64> = z.iter().zip(&self.m).map(|(z, m)| z - m).collect();
        self.hess_vec(z, &away, g);
        0.5 * dot(&away, g)
    }
    fn hess_vec(&self, _z: &[f64], v: &[f64], out: &mut [f64]) {
        let (own, shared) = self.precision();
        let sum: f64 = v.iter().sum();
        out.iter_mut()
            .zip(v)
            .for_each(|(o, v)| *o = shared * sum - own * v);
    }
}

/// Earnings on height in raw units: `y ~ N(a + b·h, e^u)`, flat priors on `z = (a, b, u)`.
pub(crate) struct Regression {
    n: f64,
    sum_h: f64,
    sum_hh: f64,
    least_squares: [f64; 2],
    residual: f64,
}

impl Regression {
    /// 1000 people, heights N(66, 4), earnings −60000 + 1260 h + N(0, 19000).
    pub(crate) fn earnings() -> Regression {
        let (h, e) = (normals(1000, 1), normals(1000, 2));
        let data = h.iter().zip(&e).map(|(h, e)| {
            let h = 66.0 + 4.0 * h;
            (h, -60000.0 + 1260.0 * h + 19000.0 * e)
        });
        let data: Vec<(f64, f64)> = data.collect();
        let sum = |f: &dyn Fn(f64, f64) -> f64| data.iter().map(|&(h, y)| f(h, y)).sum::<f64>();
        let (n, sum_h, sum_hh) = (data.len() as f64, sum(&|h, _| h), sum(&|h, _| h * h));
        let centre = sum_h / n;
        let b = sum(&|h, y| (h - centre) * y) / sum(&|h, _| (h - centre).powi(2));
        let a = sum(&|_, y| y) / n - b * centre;
        let residual = sum(&|h, y| (y - a - b * h).powi(2));
        Regression {
            n,
            sum_h,
            sum_hh,
            least_squares: [a, b],
            residual,
        }
    }

    /// The exact mean-field optimum, means then log sds. With `τ = E[e^{−2u}]`: `sd_a² = 1/(τn)`,
    /// `sd_b² = 1/(τ Σh²)`, `sd_u² = 1/(2n)`, and `τ = (n − 2)/residual`.
    pub(crate) fn mean_field(&self) -> Vec<f64> {
        let tau = (self.n - 2.0) / self.residual;
        let var_u = 0.5 / self.n;
        let [a, b] = self.least_squares;
        let half_log = |v: f64| 0.5 * v.ln();
        let u = -half_log(tau) + var_u;
        vec![
            a,
            b,
            u,
            -half_log(tau * self.n),
            -half_log(tau * self.sum_hh),
            half_log(var_u),
        ]
    }

    /// Sum of squared residuals, and half its derivatives by `a` and `b`.
    fn squares(&self, z: &[f64]) -> (f64, f64, f64) {
        let (da, db) = (z[0] - self.least_squares[0], z[1] - self.least_squares[1]);
        let (qa, qb) = (
            self.n * da + self.sum_h * db,
            self.sum_h * da + self.sum_hh * db,
        );
        (self.residual + da * qa + db * qb, qa, qb)
    }
}

impl Density for Regression {
    fn dim(&self) -> usize {
        3
    }
    fn log_prob_grad(&self, z: &[f64], g: &mut [f64]) -> f64 {
        let tau = (-2.0 * z[2]).exp();
        let (square, qa, qb) = self.squares(z);
        (g[0], g[1], g[2]) = (-tau * qa, -tau * qb, tau * square - self.n);
        -0.5 * tau * square - self.n * z[2]
    }
    fn hess_vec(&self, z: &[f64], v: &[f64], out: &mut [f64]) {
        let tau = (-2.0 * z[2]).exp();
        let (square, qa, qb) = self.squares(z);
        out[0] = -tau * (self.n * v[0] + self.sum_h * v[1] - 2.0 * qa * v[2]);
        out[1] = -tau * (self.sum_h * v[0] + self.sum_hh * v[1] - 2.0 * qb * v[2]);
        out[2] = 2.0 * tau * (qa * v[0] + qb * v[1] - square * v[2]);
    }
}

/// Logistic regression with standard Normal priors, 200 rows.
pub(crate) struct Logistic {
    pub(crate) d: usize,
    rows: Vec<f64>,
    labels: Vec<f64>,
}

impl Logistic {
    pub(crate) fn new(d: usize) -> Logistic {
        let (rows, truth, coins) = (normals(200 * d, 3), normals(d, 4), normals(200, 5));
        let labels = rows
            .chunks(d)
            .zip(&coins)
            .map(|(r, c)| f64::from(u8::from(dot(r, &truth) > 1.6 * c)));
        Logistic {
            d,
            labels: labels.collect(),
            rows,
        }
    }
}

impl Density for Logistic {
    fn dim(&self) -> usize {
        self.d
    }
    fn log_prob_grad(&self, z: &[f64], g: &mut [f64]) -> f64 {
        g.iter_mut().zip(z).for_each(|(g, z)| *g = -z);
        let mut value = -0.5 * dot(z, z);
        for (row, y) in self.rows.chunks(self.d).zip(&self.labels) {
            let eta = dot(row, z);
            value += y * eta - eta.max(0.0) - (-eta.abs()).exp().ln_1p();
            super::add_scaled(g, y - 1.0 / (1.0 + (-eta).exp()), row);
        }
        value
    }
    fn hess_vec(&self, z: &[f64], v: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(v).for_each(|(o, v)| *o = -v);
        for row in self.rows.chunks(self.d) {
            let p = 1.0 / (1.0 + (-dot(row, z)).exp());
            super::add_scaled(out, -p * (1.0 - p) * dot(row, v), row);
        }
    }
}

/// Negative ELBO, up to a constant, of a mean-field Normal guide of `density`; coordinates are means,
/// then log sds. As an [`Objective`] over the fixed draws, as a [`StochasticObjective`] over two
/// new draws.
pub(crate) struct MeanField<D> {
    pub(crate) density: D,
    pub(crate) draws: Vec<f64>,
    /// Draws of one noisy estimate come as a pair of opposites, not as two independent ones.
    pub(crate) antithetic: bool,
}

impl<D: Density> MeanField<D> {
    pub(crate) fn new(density: D, draws: usize) -> MeanField<D> {
        let draws = antithetic_whitened(draws, density.dim(), 9);
        MeanField {
            density,
            draws,
            antithetic: true,
        }
    }

    fn average(&self, x: &[f64], draws: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        let d = self.density.dim();
        let count = (draws.len() / d) as f64;
        let (m, w) = x.split_at(d);
        g.fill(0.0);
        let (mut z, mut gz) = (vec![0.0; d], vec![0.0; d]);
        let mut value = 0.0;
        for eps in draws.chunks(d) {
            (0..d).for_each(|j| z[j] = m[j] + w[j].exp() * eps[j]);
            value -= self.density.log_prob_grad(&z, &mut gz) / count;
            for j in 0..d {
                g[j] -= gz[j] / count;
                g[d + j] -= gz[j] * w[j].exp() * eps[j] / count;
            }
        }
        g[d..].iter_mut().for_each(|g| *g -= 1.0);
        let value = value - w.iter().sum::<f64>();
        if value.is_finite() {
            Ok(value)
        } else {
            Err(NonFinite)
        }
    }
}

impl<D: Density> Objective for MeanField<D> {
    fn dim(&self) -> usize {
        2 * self.density.dim()
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        self.average(x, &self.draws, g)
    }
    fn hess_vec(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        let d = self.density.dim();
        let count = (self.draws.len() / d) as f64;
        let (m, w) = x.split_at(d);
        out.fill(0.0);
        let (mut z, mut dz, mut gz, mut hz) =
            (vec![0.0; d], vec![0.0; d], vec![0.0; d], vec![0.0; d]);
        for eps in self.draws.chunks(d) {
            for j in 0..d {
                let noise = w[j].exp() * eps[j];
                (z[j], dz[j]) = (m[j] + noise, v[j] + noise * v[d + j]);
            }
            self.density.log_prob_grad(&z, &mut gz);
            self.density.hess_vec(&z, &dz, &mut hz);
            for j in 0..d {
                out[j] -= hz[j] / count;
                out[d + j] -= (hz[j] + gz[j] * v[d + j]) * w[j].exp() * eps[j] / count;
            }
        }
        Ok(())
    }
    fn scale(&self, x: &[f64], out: &mut [f64]) {
        mean_field_scale(x, out);
    }
}

impl<D: Density> StochasticObjective for MeanField<D> {
    fn dim(&self) -> usize {
        2 * self.density.dim()
    }
    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite> {
        let d = self.density.dim();
        let mut draws = normals(2 * d, seed_step);
        if self.antithetic {
            (0..d).for_each(|j| draws[d + j] = -draws[j]);
        }
        self.average(x, &draws, g)
    }
    fn scale(&self, x: &[f64], out: &mut [f64]) {
        mean_field_scale(x, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::optim::central_difference;

    /// Gradient and Hessian products of every problem agree with differences of its values.
    #[test]
    fn derivatives_are_right() {
        let regression = Regression::earnings().mean_field();
        let nearby: Vec<f64> = regression.iter().map(|x| x * 1.001).collect();
        let spread = |n: usize| normals(n, 8).iter().map(|z| 0.5 * z).collect::<Vec<f64>>();
        let correlated = Correlated {
            m: vec![1.0, 2.0],
            rho: 0.95,
        };
        let cases: Vec<(Box<dyn Objective>, Vec<f64>)> = vec![
            (Box::new(Quadratic::new(3, 10.0, true)), spread(3)),
            (Box::new(Rosenbrock(4)), spread(4)),
            (Box::new(HalfSpace(vec![2.0, 3.0])), vec![1.0, 5.0]),
            (Box::new(Funnel(3)), spread(8)),
            (Box::new(MeanField::new(correlated, 8)), spread(4)),
            (Box::new(MeanField::new(Logistic::new(3), 8)), spread(6)),
            (Box::new(MeanField::new(Regression::earnings(), 8)), nearby),
        ];
        for (case, (mut objective, x)) in cases.into_iter().enumerate() {
            let d = x.len();
            let (mut g, mut scale, mut unused) = (vec![0.0; d], vec![0.0; d], vec![0.0; d]);
            objective.value_grad(&x, &mut g).expect("finite here");
            objective.scale(&x, &mut scale);
            let size = super::super::max_product(&g, &scale).max(1.0);
            for j in 0..d {
                let mut at = |h: f64| {
                    let mut moved = x.clone();
                    moved[j] += h * scale[j];
                    objective
                        .value_grad(&moved, &mut unused)
                        .expect("finite here")
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                // Truncation 1e-10 and rounding 1e-16·1e4/1e-5 of the value.
                assert!(
                    (slope - g[j] * scale[j]).abs() < 1e-5 * size,
                    "case {case}, coordinate {j}"
                );
            }
            let v: Vec<f64> = normals(d, 10)
                .iter()
                .zip(&scale)
                .map(|(z, s)| z * s)
                .collect();
            let (mut exact, mut difference) = (vec![0.0; d], vec![0.0; d]);
            objective.hess_vec(&x, &v, &mut exact).expect("finite here");
            central_difference(objective.as_mut(), &x, &v, &mut difference).expect("finite here");
            let size = super::super::max_product(&exact, &scale);
            for j in 0..d {
                let off = (exact[j] - difference[j]).abs() * scale[j];
                assert!(
                    off < 1e-6 * size,
                    "case {case}, coordinate {j}: {off} of {size}"
                );
            }
        }
    }
}
