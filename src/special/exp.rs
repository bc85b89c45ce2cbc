//! The exponential and its cousin e^x − 1.
//!
//! Cody and Waite's reduction: x = k ln 2 + r with k whole and |r| ≤ ½ ln 2, so that e^x is a
//! polynomial in r times 2ᵏ.

use super::kernel::unary;
use super::lane::{fast_two_sum, horner, pow2, round, round_product, select};
use super::single;
use std::f64::consts::LOG2_E;

unary!(
    /// e^x, within 0.9 ulp (1 ulp where the result is subnormal).
    EXP, exp, exp_block, exp_raw = exp_lane; f32 = single::exp
);

unary!(
    /// e^x − 1 without cancellation near 0, within 0.8 ulp.
    EXPM1, expm1, expm1_block, expm1_raw = expm1_lane; f32 = single::expm1
);

/// ln 2 in two parts; the first has 42 bits, so that its product with a |k| < 2¹¹ is exact.
pub(crate) const LN_2_HI: f64 = 0.6931471805598903;
pub(crate) const LN_2_LO: f64 = 5.497923018708371e-14;

/// (e^r - 1 - r) / r^2.
pub(crate) const SERIES: [f64; 10] = [
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

/// (e^r - 1 - r) / r^2, on the interval of [`reduce`].
pub(crate) const SHIFTED_SERIES: [f64; 11] = [
    0.5,
    0.16666666666666666,
    0.0416666666666674,
    0.008333333333334577,
    0.001388888888827531,
    0.00019841269839214126,
    2.4801589144616144e-05,
    2.755730997942451e-06,
    2.755500757386275e-07,
    2.5077632677199744e-08,
    2.192074928432723e-09,
];

/// x = k ln 2 + r, r as its rounded value and a rest.
struct Reduced {
    k: f64,
    r: f64,
    tail: f64,
}

/// Reduces x, for |x| < 1100, to −0.29 < r < 0.403: e^x − 1 is worst off where k = 1 and r is low.
#[inline(always)]
fn reduce(x: f64) -> Reduced {
    let k = round(x.mul_add(LOG2_E, -0.08));
    let near = (-k).mul_add(LN_2_HI, x);
    let (r, tail) = fast_two_sum(near, -(k * LN_2_LO));
    Reduced { k, r, tail }
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
    let x = select(710.0 < x, 710.0, x);
    let x = select(-746.0 > x, -746.0, x);
    let k = round_product(x, LOG2_E);
    // The rounding of r costs up to ¼ ulp; e^r − 1 − r is small, and 1 + r is summed exactly.
    let r = (-k).mul_add(LN_2_HI, x) + k.mul_add(-LN_2_LO, x_lo);
    let (head, rest) = fast_two_sum(1.0, r);
    let beyond = (r * r).mul_add(horner(r, &SERIES), rest);

    // 2ᵏ as two factors, so that the ends overflow and underflow gradually.
    let low = x < -690.0;
    let scale = factor * pow2(k + select(low, 128.0, -1.0));
    beyond.mul_add(scale, head * scale) * select(low, TWO_TO_MINUS_128, 2.0)
}

pub(crate) const TWO_TO_MINUS_128: f64 = f64::from_bits((1023 - 128) << 52);

#[inline(always)]
pub(super) fn exp_lane(x: f64) -> f64 {
    exp_of_sum(x, 0.0)
}

#[inline(always)]
pub(super) fn expm1_lane(x: f64) -> f64 {
    let clamped = select(710.0 < x, 710.0, x);
    let clamped = select(-40.0 > clamped, -40.0, clamped);
    let result = 2.0 * half_expm1(clamped);
    // Halving would lose the last bit of a subnormal, adding would lose the sign of −0.
    select(x.abs() < 1e-17, x, result)
}

/// (e^x − 1)/2 for −40 ≤ x ≤ 710: halved so that 2ᵏ⁻¹ stays finite to the very end.
#[inline(always)]
pub(super) fn half_expm1(x: f64) -> f64 {
    let Reduced { k, r, tail } = reduce(x);
    let power = pow2(k - 1.0);
    // 2ᵏ(1 + r + …) − 1: the large terms are summed exactly, 2ᵏ − 1 being no smaller than 2ᵏ|r|
    // unless it is 0.
    let (head, rest) = fast_two_sum(power - 0.5, power * r);
    let beyond = (r * r).mul_add(horner(r, &SHIFTED_SERIES), tail);
    head + power.mul_add(beyond, rest)
}
