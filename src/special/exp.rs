//! The exponential and its cousin e^x − 1.
//!
//! Cody and Waite's reduction: x = k ln 2 + r with k whole and |r| ≤ ½ ln 2, so that e^x is a
//! polynomial in r times 2ᵏ. Whatever r loses to rounding is carried along as a small tail.

use super::kernel::unary;
use super::lane::{fast_two_sum, horner, pow2, round, scale, select};
use std::f64::consts::LOG2_E;

unary!(
    /// e^x, within 0.6 ulp (1 ulp where the result is subnormal).
    EXP, exp, exp_block, exp_raw = exp_lane
);

unary!(
    /// e^x − 1 without cancellation near 0, within 0.7 ulp.
    EXPM1, expm1, expm1_block, expm1_raw = expm1_lane
);

/// ln 2 in two parts; the first has 42 bits, so that its product with a |k| < 2¹¹ is exact.
const LN_2_HI: f64 = 0.6931471805598903;
const LN_2_LO: f64 = 5.497923018708371e-14;

/// (e^r - 1 - r) / r^2.
const SERIES: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.04166666666662399,
    0.008333333333330051,
    0.0013888888917281794,
    0.00019841269863105968,
    2.480152119021773e-05,
    2.7557268378684192e-06,
    2.7620138719733994e-07,
    2.5100424157005067e-08,
];

/// x + x_lo = k ln 2 + r + tail.
pub(super) struct Reduced {
    pub k: f64,
    pub r: f64,
    pub tail: f64,
}

/// Reduces x + x_lo, for |x| < 1100 and a far smaller x_lo.
#[inline(always)]
pub(super) fn reduce(x: f64, x_lo: f64) -> Reduced {
    let k = round(x * LOG2_E);
    let near = (-k).mul_add(LN_2_HI, x);
    let far = k.mul_add(-LN_2_LO, x_lo);
    let (r, tail) = fast_two_sum(near, far);
    Reduced { k, r, tail }
}

/// e^(r + tail) − 1 − r, to be added to 1 + r.
#[inline(always)]
fn beyond_linear(r: f64, tail: f64) -> f64 {
    (r * r).mul_add(horner(r, &SERIES), tail)
}

/// e^(x + x_lo), with x_lo far smaller than x.
#[inline(always)]
pub(super) fn exp_of_sum(x: f64, x_lo: f64) -> f64 {
    exp_times(x, x_lo, 1.0)
}

/// factor · e^(x + x_lo): the factor goes in before the power of two, so that a subnormal result is
/// rounded once.
#[inline(always)]
pub(super) fn exp_times(x: f64, x_lo: f64, factor: f64) -> f64 {
    // Beyond these ends the result is ∞ or 0 all the same; a NaN passes both tests.
    let clamped = select(x > 710.0, 710.0, select(x < -746.0, -746.0, x));
    let Reduced { k, r, tail } = reduce(clamped, x_lo);
    let (head, rest) = fast_two_sum(1.0, r);
    scale((head + (rest + beyond_linear(r, tail))) * factor, k)
}

#[inline(always)]
pub(super) fn exp_lane(x: f64) -> f64 {
    exp_of_sum(x, 0.0)
}

#[inline(always)]
pub(super) fn expm1_lane(x: f64) -> f64 {
    let clamped = select(x > 710.0, 710.0, select(x < -40.0, -40.0, x));
    let result = 2.0 * half_expm1(clamped);
    // Halving would lose the last bit of a subnormal, adding would lose the sign of −0.
    select(x.abs() < 1e-17, x, result)
}

/// (e^x − 1)/2 for −40 ≤ x ≤ 710: halved so that 2ᵏ⁻¹ stays finite to the very end.
#[inline(always)]
pub(super) fn half_expm1(x: f64) -> f64 {
    let Reduced { k, r, tail } = reduce(x, 0.0);
    let power = pow2(k - 1.0);
    // 2ᵏ(1 + r + …) − 1: the large terms are summed exactly, 2ᵏ − 1 being no smaller than 2ᵏ|r|
    // unless it is 0.
    let (head, rest) = fast_two_sum(power - 0.5, power * r);
    head + power.mul_add(beyond_linear(r, tail), rest)
}
