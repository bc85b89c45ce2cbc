//! Tails of importance weights: a generalised Pareto distribution fitted to the largest, and the weights smoothed by it.
//!
//! Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling; the fit is that of Zhang & Stephens
//! (2009), with the weak prior on the shape that the former give.

/// Smooths log weights in place and scales them to sum to 1; gives the shape `k` of their tail. Above 0.7 the weights decide too
/// little for what is computed by them to be trusted; it is infinite where there are too few draws to see a tail.
///
/// ```
/// use elbo::infer::smooth_weights;
/// let mut equal = vec![0.0; 100];
/// let k = smooth_weights(&mut equal);
/// assert!(equal.iter().all(|w| (w.exp() - 0.01).abs() < 1e-12));
/// assert!(k < 0.7);
/// ```
pub fn smooth_weights(log_weights: &mut [f64]) -> f64 {
    let n = log_weights.len();
    let largest = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    log_weights.iter_mut().for_each(|w| *w -= largest);
    let tail = (0.2 * n as f64).min(3.0 * (n as f64).sqrt()).ceil() as usize;
    let mut k = f64::INFINITY;
    if tail >= FEWEST && tail < n {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| log_weights[i].total_cmp(&log_weights[j]));
        let cutoff = log_weights[order[n - tail - 1]].max(f64::MIN_POSITIVE.ln());
        let above: Vec<usize> = order[n - tail..]
            .iter()
            .copied()
            .filter(|&i| log_weights[i] > cutoff)
            .collect();
        let base = cutoff.exp();
        let excess: Vec<f64> = above.iter().map(|&i| log_weights[i].exp() - base).collect();
        match excess.len() < FEWEST {
            // The largest weights are equal: there is no tail.
            true => k = f64::NEG_INFINITY,
            false => {
                let fitted = GeneralisedPareto::fit(&excess);
                k = fitted.k;
                for (i, &at) in above.iter().enumerate() {
                    let p = (i as f64 + 0.5) / above.len() as f64;
                    // No weight is larger than the largest was.
                    log_weights[at] = (fitted.quantile(p) + base).ln().min(0.0);
                }
            }
        }
    }
    let total = log_sum_exp(log_weights);
    log_weights.iter_mut().for_each(|w| *w -= total);
    k
}

/// Weights that a tail is fitted to, at least.
const FEWEST: usize = 5;

/// `log Σ exp x`, −∞ of nothing.
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    largest + x.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

/// Location 0, shape `k`, scale `sigma`.
struct GeneralisedPareto {
    k: f64,
    sigma: f64,
}

impl GeneralisedPareto {
    /// Of positive numbers in ascending order.
    fn fit(x: &[f64]) -> GeneralisedPareto {
        let n = x.len() as f64;
        let quartile = x[(n / 4.0 + 0.5) as usize - 1];
        let largest = x[x.len() - 1];
        let grid = 30 + n.sqrt() as usize;
        let shape = |b: f64| x.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n;
        let at = |i: usize| {
            let root = (grid as f64 / (i as f64 + 0.5)).sqrt();
            1.0 / largest + (1.0 - root) / (3.0 * quartile)
        };
        let points: Vec<f64> = (0..grid).map(at).collect();
        // The profile log likelihood of −k/σ.
        let profile = |b: &f64| {
            let k = shape(*b);
            n * ((-b / k).ln() - k - 1.0)
        };
        let likelihoods: Vec<f64> = points.iter().map(profile).collect();
        let total = log_sum_exp(&likelihoods);
        let weighted = points.iter().zip(&likelihoods);
        let b: f64 = weighted.map(|(b, l)| b * (l - total).exp()).sum();
        let k = shape(b);
        GeneralisedPareto {
            sigma: -k / b,
            // Ten observations of a shape of 1/2.
            k: (k * n + 5.0) / (n + 10.0),
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        let exponent = -self.k * (-p).ln_1p();
        match self.k.abs() < 1e-12 {
            true => -self.sigma * (-p).ln_1p(),
            false => self.sigma * exponent.exp_m1() / self.k,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights `u^(−k)` of evenly spread `u` have a tail of shape `k` exactly.
    #[test]
    fn the_shape_of_a_tail_is_found() {
        for k in [0.2, 0.5, 0.9] {
            let n = 100_000;
            let mut weights: Vec<f64> = (0..n)
                .map(|i| -k * ((i as f64 + 0.5) / n as f64).ln())
                .collect();
            let found = smooth_weights(&mut weights);
            // 949 weights: the shape's standard error is (1 + k) / √949 ≤ 0.062, and the prior's pull below 0.01.
            assert!((found - k).abs() < 0.07, "{found} for {k}");
            assert!((log_sum_exp(&weights)).abs() < 1e-12);
        }
    }

    #[test]
    fn smoothing_keeps_the_order_and_bounds_the_largest() {
        let mut weights: Vec<f64> = (0..1000).map(|i| (i as f64 * 0.7123).sin() * 5.0).collect();
        let before = weights.clone();
        smooth_weights(&mut weights);
        let rank = |w: &[f64]| {
            let mut order: Vec<usize> = (0..w.len()).collect();
            order.sort_by(|&i, &j| w[i].total_cmp(&w[j]));
            order
        };
        assert_eq!(rank(&before)[..900], rank(&weights)[..900]);
        assert!(weights.iter().all(|w| w.is_finite() && *w < 0.0));
    }
}
