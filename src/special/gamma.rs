//! The logarithms of the gamma and beta functions.
//!
//! Near its roots, lgamma(2 + f) = f·P(f) for |f| ≤ ½; arguments below 4.5 are brought there by the
//! recurrence, all factors gathered under one logarithm. From 4.5 on stands Stirling's formula, its
//! remainder a polynomial in 1/x². Negative arguments take the reflection formula, one at a time.

use super::kernel::{binary, unary};
use super::lane::{horner, select};
use super::log::{log, log_unguarded, log1p};
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
    LBETA, lbeta, lbeta_block, lbeta_raw = lbeta_scalar
);

/// lgamma(2 + f) / f.
const LGAMMA_TWO: [f64; 22] = [
    0.42278433509846713,
    0.3224670334241132,
    -0.06735230105319809,
    0.020580808427784546,
    -0.0073855510286741114,
    0.0028905103307415836,
    -0.0011927539116954181,
    0.0005096695247392805,
    -0.00022315475870367355,
    9.945751290176889e-05,
    -4.492623209360517e-05,
    2.05072105479096e-05,
    -9.439541921024715e-06,
    4.374892520636031e-06,
    -2.0388192484564222e-06,
    9.549510392959532e-07,
    -4.511181191016309e-07,
    2.129692727315228e-07,
    -9.501416425423385e-08,
    4.509983567521808e-08,
    -3.1314285360886705e-08,
    1.4963573191192003e-08,
];

/// x (lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2) in 1/x^2.
const STIRLING: [f64; 9] = [
    0.08333333333333333,
    -0.002777777777765266,
    0.0007936507868185768,
    -0.0005952366440120043,
    0.0008415942827924871,
    -0.0019078367038283701,
    0.006044731242028588,
    -0.02090064226333019,
    0.048187985364672455,
];

/// ½ log 2π − ½.
const STIRLING_CONSTANT: f64 = 0.418_938_533_204_672_74;

/// Where Stirling's formula begins.
const FAR: f64 = 4.5;

/// lgamma(x) − ((x − ½) log x − x + ½ log 2π), from r = 1/x, for x ≥ 4.5.
#[inline(always)]
fn stirling_remainder(r: f64) -> f64 {
    r * horner(r * r, &STIRLING)
}

#[inline(always)]
fn lgamma_lane(x: f64) -> f64 {
    let (below_half, below_one) = (x < 0.5, x < 1.5);
    let (below_two, below_three) = (x < 2.5, x < 3.5);
    let far = x >= FAR;
    let shift = select(
        below_two,
        select(below_one, 1.0, 2.0),
        select(below_three, 3.0, 4.0),
    );
    let f = x - select(below_half, 0.0, shift);

    let product = select(below_three, x - 1.0, (x - 1.0) * (x - 2.0));
    let low_product = select(below_half, x * (x + 1.0), x);
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

fn lbeta_scalar(x: f64, y: f64) -> f64 {
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
        return (lgamma(b) - lgamma(a + b)) + lgamma(a);
    }
    let sum = a + b;
    let small = a / sum;
    let remainder = stirling_remainder(1.0 / b) - stirling_remainder(1.0 / sum);
    if a < FAR {
        // lgamma(b) − lgamma(a + b), Stirling's leading terms subtracted by hand.
        let rest = (b - 0.5).mul_add(log1p(-small), a - a * log(sum));
        return lgamma(a) + (rest + remainder);
    }
    let tails = stirling_remainder(1.0 / a) + remainder + (STIRLING_CONSTANT + 0.5);
    let powers = (a - 0.5).mul_add(log(small), b * log1p(-small));
    powers + (tails - 0.5 * log(b))
}
