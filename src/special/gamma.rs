//! The logarithms of the gamma and beta functions.
//!
//! Near its roots, lgamma(2 + f) = f·P(f) for −0.65 ≤ f < 0.35; arguments below 4.35 are brought
//! there by the recurrence, all factors gathered under one logarithm. From 4.35 on stands Stirling's
//! formula, its remainder a polynomial in 1/x². Negative arguments take the reflection formula, one
//! at a time.

use super::kernel::{binary, unary};
use super::lane::{horner, select};
use super::log::{log, log_lane, log_unguarded, log1p_lane};
use std::f64::consts::PI;

unary!(
    /// log |Γ(x)|, within 4 ulp for x > 0, the roots 1 and 2 included.
    ///
    /// ∞ at 0 and the negative whole numbers. For x < 0 the error is within 1e-15 · (1 + |x log |x||)
    /// (no relative accuracy near the roots there).
    LGAMMA, lgamma, lgamma_block, lgamma_raw = lgamma_lane;
    repair = (|x: f64| x <= 0.0, reflected)
);

binary!(
    /// log B(a, b) = lgamma(a) + lgamma(b) − lgamma(a + b) for a, b > 0, without the cancellation
    /// of that sum when an argument is large; within 1e-14 relative or 1e-15 absolute.
    ///
    /// The arrangement is that of Didonato and Morris, ACM TOMS 18 (1992), algorithm 708. ∞ where an
    /// argument is 0, −∞ where one is ∞, NaN below 0.
    LBETA, lbeta, lbeta_block, lbeta_raw = lbeta_lane
);

/// lgamma(2 + f) / f.
const LGAMMA_TWO: [f64; 23] = [
    0.42278433509846713,
    0.3224670334241132,
    -0.0673523010531981,
    0.02058080842778454,
    -0.007385551028673902,
    0.0028905103307425278,
    -0.0011927539117086326,
    0.0005096695246854803,
    -0.00022315475830115468,
    9.945751460802738e-05,
    -4.4926238320516435e-05,
    2.0507178730363644e-05,
    -9.439501999434457e-06,
    4.3752384107530956e-06,
    -2.038684904517278e-06,
    9.529775453318782e-07,
    -4.5481410426380353e-07,
    2.161799188645086e-07,
    -7.476804368613839e-08,
    6.451132476013863e-08,
    -6.077035457558792e-08,
    -5.881364605898547e-08,
    -4.298047848615118e-08,
];

/// x (lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2) in 1/x^2.
const STIRLING: [f64; 9] = [
    0.08333333333333333,
    -0.002777777777758024,
    0.0007936507835648832,
    -0.0005952360909242194,
    0.000841548383827335,
    -0.001905778732736302,
    0.005993837089155997,
    -0.020247752041926033,
    0.04479672770687309,
];

/// ½ log 2π − ½.
const STIRLING_CONSTANT: f64 = 0.418_938_533_204_672_7;

/// Where Stirling's formula begins.
const FAR: f64 = 4.35;

/// lgamma(x) − ((x − ½) log x − x + ½ log 2π), from r = 1/x, for x ≥ 4.35.
#[inline(always)]
fn stirling_remainder(r: f64) -> f64 {
    r * horner(r * r, &STIRLING)
}

/// lgamma(x) − ((x − ½) log x − x + ½ log 2π) for x > 0.
pub(super) fn stirling_rest(x: f64) -> f64 {
    if x >= FAR {
        return stirling_remainder(1.0 / x);
    }
    lgamma(x) - ((x - 0.5) * (log(x) - 1.0) + STIRLING_CONSTANT)
}

/// lgamma(1 + x) for 0 ≤ x ≤ 1, without the rounding of 1 + x.
pub(super) fn lgamma_1p(x: f64) -> f64 {
    if x >= 0.35 {
        return lgamma(1.0 + x);
    }
    x * horner(x, &LGAMMA_TWO) - log1p_lane(x)
}

#[inline(always)]
fn lgamma_lane(x: f64) -> f64 {
    let (lowest, below_one) = (x < 0.35, x < 1.35);
    let (below_two, below_three) = (x < 2.35, x < 3.35);
    let far = x >= FAR;
    let shift = select(
        below_two,
        select(below_one, 1.0, 2.0),
        select(below_three, 3.0, 4.0),
    );
    let f = x - select(lowest, 0.0, shift);

    let product = select(below_three, x - 1.0, (x - 1.0) * (x - 2.0));
    let low_product = select(lowest, x * (x + 1.0), x);
    let near_argument = select(below_two, select(below_one, low_product, 1.0), product);
    let logarithm = log_unguarded(select(far, x, near_argument));

    let near = (f * horner(f, &LGAMMA_TWO)) + select(below_one, -logarithm, logarithm);
    let tail = stirling_remainder(1.0 / x) + STIRLING_CONSTANT;
    select(far, (x - 0.5).mul_add(logarithm - 1.0, tail), near)
}

/// lgamma(x) = log(π / |x sin πx|) − lgamma(−x) for x ≤ 0.
#[cold]
fn reflected(x: f64) -> f64 {
    if x == x.floor() {
        return f64::INFINITY;
    }
    if x > -1e-17 {
        return -log(-x);
    }
    let sine = (PI * (x - x.round())).sin();
    log(PI / (x * sine).abs()) - lgamma(-x)
}

/// Not branch-free: one value at a time, but with the lanes of its parts inlined.
#[inline(always)]
fn lbeta_lane(x: f64, y: f64) -> f64 {
    let (a, b) = if x < y { (x, y) } else { (y, x) };
    if a.is_nan() || b.is_nan() || a < 0.0 {
        return f64::NAN;
    }
    if a == 0.0 || b == f64::INFINITY {
        return if a == 0.0 && b == f64::INFINITY {
            f64::NAN
        } else if a == 0.0 {
            f64::INFINITY
        } else {
            f64::NEG_INFINITY
        };
    }
    if b < FAR {
        return (lgamma_lane(b) - lgamma_lane(a + b)) + lgamma_lane(a);
    }
    let sum = a + b;
    let small = a / sum;
    let remainder = stirling_remainder(1.0 / b) - stirling_remainder(1.0 / sum);
    if a < FAR {
        // lgamma_lane(b) − lgamma_lane(a + b), Stirling's leading terms subtracted by hand.
        let rest = (b - 0.5).mul_add(log1p_lane(-small), a - a * log_lane(sum));
        return lgamma_lane(a) + (rest + remainder);
    }
    let tails = stirling_remainder(1.0 / a) + remainder + (STIRLING_CONSTANT + 0.5);
    let powers = (a - 0.5).mul_add(log_lane(small), b * log1p_lane(-small));
    powers + (tails - 0.5 * log_lane(b))
}
