//! How much a posterior differs from its prior, from draws of both.

/// About `KL(q ‖ p)` of two samples of a number, in nats, from below: both are counted between the quantiles of `p` that part it
/// into twenty equal shares, which can only lose divergence, and what few draws would add by chance is taken off.
///
/// 0 where `q` is as `p`, at most `log 20` where all of it lies in one share.
///
/// ```
/// use elbo::infer::divergence;
/// let prior: Vec<f64> = (0..2000).map(f64::from).collect();
/// let upper: Vec<f64> = (1000..2000).map(f64::from).collect();
/// assert!(divergence(&prior, &prior) < 0.01);
/// assert!((divergence(&upper, &prior) - 2_f64.ln()).abs() < 0.02);
/// ```
pub fn divergence(q: &[f64], p: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = p.iter().copied().filter(|x| !x.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() || q.is_empty() {
        return f64::NAN;
    }
    // Equal numbers fall into one share, which then is as large as they are many.
    let mut edges: Vec<f64> = (1..SHARES)
        .map(|k| sorted[k * sorted.len() / SHARES])
        .collect();
    edges.dedup();
    let counts = |x: &[f64]| {
        let mut counts = vec![0.0; edges.len() + 1];
        for x in x {
            counts[edges.partition_point(|edge| edge <= x)] += 1.0;
        }
        counts
    };
    let (of_q, of_p) = (counts(q), counts(&sorted));
    let (n, m) = (q.len() as f64, sorted.len() as f64);
    // No share of the prior is empty but by rounding.
    let each = of_q
        .iter()
        .zip(&of_p)
        .filter(|(a, b)| **a > 0.0 && **b > 0.0);
    let sum: f64 = each.map(|(a, b)| a / n * ((a / n) / (b / m)).ln()).sum();
    let occupied = of_q.iter().filter(|a| **a > 0.0).count() as f64;
    (sum - (occupied - 1.0) / (2.0 * n)).max(0.0)
}

/// Into which the prior is parted.
const SHARES: usize = 20;
