//! Lambert's W.

use super::kernel::unary;

unary!(
    /// The principal branch of W, with `W(x) exp(W(x)) = x` and W ≥ −1, for x ≥ −1/e: within 4 ulp for
    /// x ≥ −0.3, within 1e-13 nearer to the branch point.
    LAMBERT_W, lambert_w, lambert_w_block, lambert_w_raw = principal
);

/// 1/e in two parts.
const INV_E: f64 = 0.367_879_441_171_442_33;
const INV_E_LO: f64 = -1.242_875_367_278_836_4e-17;

/// W in p = √(2 (e x + 1)) near the branch point (Corless et al. 1996, "On the Lambert W function").
const SERIES: [f64; 9] = [
    -1.0,
    1.0,
    -1.0 / 3.0,
    11.0 / 72.0,
    -43.0 / 540.0,
    769.0 / 17280.0,
    -221.0 / 8505.0,
    680_863.0 / 43_545_600.0,
    -1963.0 / 204_120.0,
];

fn principal(x: f64) -> f64 {
    if x.is_nan() || x < -INV_E {
        return f64::NAN;
    }
    // The double nearest to −1/e lies below it, and stands for it.
    let above = ((x + INV_E) + INV_E_LO).max(0.0);
    if x == 0.0 || x == f64::INFINITY {
        return x;
    }
    let p = (2.0 * std::f64::consts::E * above).sqrt();
    let series = SERIES.iter().rev().fold(0.0, |sum, c| sum * p + c);
    if p < 0.03 {
        return series;
    }
    let start = if p < 1.0 {
        series
    } else if x < 3.0 {
        x.ln_1p() * (1.0 - x.ln_1p().ln_1p() / (2.0 + x.ln_1p()))
    } else {
        let (log, log_log) = (x.ln(), x.ln().ln());
        log - log_log + log_log / log
    };
    if x > 1.0 {
        newton_of_log(x, start)
    } else {
        halley(x, start)
    }
}

/// Newton's steps for `w + log w = log x`, which does not overflow.
fn newton_of_log(x: f64, mut w: f64) -> f64 {
    for _ in 0..8 {
        let next = w / (1.0 + w) * (1.0 + (x / w).ln());
        if (next - w).abs() <= 1e-16 * w.abs() {
            break;
        }
        w = next;
    }
    w
}

/// Halley's steps for `w exp(w) = x`.
fn halley(x: f64, mut w: f64) -> f64 {
    for _ in 0..8 {
        let e = w.exp();
        let f = w * e - x;
        let step = f / (e * (w + 1.0) - 0.5 * (w + 2.0) * f / (w + 1.0));
        w -= step;
        if step.abs() <= 1e-9 * w.abs() {
            break;
        }
    }
    w
}
