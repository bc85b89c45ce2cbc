//! The hot functions in single precision: the arrangements of their double forms with shorter
//! polynomials.
//!
//! Each is within 2.5 ulp of `f32` over all arguments (`tests/special_f32.rs` holds every one to its
//! bound), subnormal results included. The other functions of this folder are computed in double
//! precision and rounded.

use super::lane::{fast_two_sum, horner, select};
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E, SQRT_2};

/// 1.5 · 2²³: adding it to |v| < 2²² leaves round-to-nearest(v) in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has 15 bits, so that its product with a |k| < 2⁸ is exact.
const LN_2_HI: f32 = 0.693_145_75;
const LN_2_LO: f32 = 1.428_606_8e-6;

/// (e^r - 1 - r) / r^2.
const EXP_SERIES: [f32; 5] = [0.5, 0.16666576, 0.041666556, 0.008363203, 0.0013926213];

/// (e^r - 1 - r) / r^2, on the interval of [`half_expm1`].
const SHIFTED_SERIES: [f32; 6] = [
    0.5,
    0.16666669,
    0.04166654,
    0.008332374,
    0.0013922491,
    0.00020737352,
];

/// (log((1+s)/(1-s)) - 2s) / s^3 in s^2.
const LOG_SERIES: [f32; 4] = [0.6666667, 0.40000123, 0.2855078, 0.23331614];

/// Below this, e^x − 1, log(1 + x) and tanh x are x to the last bit.
const TINY: f32 = 1e-8;

/// The nearest whole number, for |x| < 2²².
#[inline(always)]
fn round(x: f32) -> f32 {
    (x + ROUND) - ROUND
}

/// 2ᵏ for a whole k in −126..=127.
#[inline(always)]
fn pow2(k: f32) -> f32 {
    f32::from_bits((k + (ROUND + 127.0)).to_bits() << 23)
}

/// e^x, within 1.1 ulp.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const TWO_TO_MINUS_64: f32 = f32::from_bits((127 - 64) << 23);
    // Beyond these ends the result is ∞ or 0 all the same; a NaN passes both tests.
    let x = select(89.0 < x, 89.0, x);
    let x = select(-105.0 > x, -105.0, x);
    let k = round(x * LOG2_E);
    let r = (-k).mul_add(LN_2_HI, x) + k * -LN_2_LO;
    let (head, rest) = fast_two_sum(1.0, r);
    let y = head + (r * r).mul_add(horner(r, &EXP_SERIES), rest);
    // 2ᵏ as two factors, so that the ends overflow and underflow gradually.
    let low = x < -80.0;
    let power = pow2(k + select(low, 64.0, -1.0));
    (y * power) * select(low, TWO_TO_MINUS_64, 2.0)
}

/// (e^x − 1)/2 for −20 ≤ x ≤ 89.
#[inline(always)]
fn half_expm1(x: f32) -> f32 {
    let k = round(x.mul_add(LOG2_E, -0.08));
    let near = (-k).mul_add(LN_2_HI, x);
    let (r, tail) = fast_two_sum(near, -(k * LN_2_LO));
    let power = pow2(k - 1.0);
    let (head, rest) = fast_two_sum(power - 0.5, power * r);
    let beyond = (r * r).mul_add(horner(r, &SHIFTED_SERIES), tail);
    head + power.mul_add(beyond, rest)
}

/// e^x − 1, within 1 ulp.
#[inline(always)]
pub(super) fn expm1(x: f32) -> f32 {
    let clamped = select(89.0 < x, 89.0, x);
    let clamped = select(-20.0 > clamped, -20.0, clamped);
    select(x.abs() < TINY, x, 2.0 * half_expm1(clamped))
}

/// k and m with u = 2ᵏ m, √½ ≤ m < √2, for a positive finite u; subnormals too.
#[inline(always)]
fn split(u: f32) -> (f32, f32) {
    const TWO_25: f32 = 33_554_432.0;
    const TWO_23: f32 = 8_388_608.0;
    const SQRT_HALF: u32 = FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u32 = (1 << 23) - 1;
    let tiny = u < f32::MIN_POSITIVE;
    let bits = select(tiny, u * TWO_25, u).to_bits();
    let offset = bits.wrapping_sub(SQRT_HALF).wrapping_add(1.0f32.to_bits());
    let m = f32::from_bits((offset & MANTISSA).wrapping_add(SQRT_HALF));
    let biased = f32::from_bits((offset >> 23) | TWO_23.to_bits());
    let k = biased - select(tiny, TWO_23 + 127.0 + 25.0, TWO_23 + 127.0);
    (k, m)
}

/// k ln 2 + log(1 + f) where f is the rounded head + rest.
#[inline(always)]
fn artanh_form(k: f32, head: f32, f: f32, rest: f32) -> f32 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let series = z * horner(z, &LOG_SERIES);
    let low = k.mul_add(LN_2_LO, rest);
    k.mul_add(
        LN_2_HI,
        head - (half_square - s.mul_add(half_square + series, low)),
    )
}

/// What log gives at the ends of its range, else `result`.
#[inline(always)]
fn at_ends(u: f32, result: f32) -> f32 {
    let result = select(u == 0.0, f32::NEG_INFINITY, result);
    let result = select(u < f32::INFINITY, result, u);
    select(u < 0.0, f32::NAN, result)
}

/// log x, within 1 ulp.
#[inline(always)]
pub(super) fn log(x: f32) -> f32 {
    let (k, m) = split(x);
    let f = m - 1.0;
    at_ends(x, artanh_form(k, f, f, 0.0))
}

/// log(1 + x), within 1 ulp.
#[inline(always)]
pub(super) fn log1p(x: f32) -> f32 {
    let u = 1.0 + x;
    // What rounding took from 1 + x: exact either way, the larger being subtracted first.
    let c = select(x < 1.0, x - (u - 1.0), 1.0 - (u - x));
    let (k, m) = split(u);
    let head = m - 1.0;
    let rest = c * (0.5 * pow2(1.0 - k));
    let result = at_ends(u, artanh_form(k, head, head + rest, rest));
    select(x.abs() < TINY, x, result)
}

/// log(1 + z) for 0 ≤ z ≤ 1.
#[inline(always)]
fn log1p_unit(z: f32) -> f32 {
    let high = z > SQRT_2 - 1.0;
    let f = select(high, 0.5 * z - 0.5, z);
    artanh_form(select(high, 1.0, 0.0), f, f, 0.0)
}

/// tanh x, within 2.5 ulp.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    // From 10 on the result is 1 to the last bit.
    let h = half_expm1(2.0 * select(a > 10.0, 10.0, a));
    let result = (h / (h + 1.0)).copysign(x);
    select(a < TINY, x, result)
}

/// e^−|x| and the sigmoid of x.
#[inline(always)]
pub(super) fn logistic_parts(x: f32) -> (f32, f32) {
    let z = exp(-x.abs());
    (z, select(x >= 0.0, 1.0, z) / (1.0 + z))
}

/// 1/(1 + e^−x), within 2.5 ulp.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    logistic_parts(x).1
}

/// log(1 + e^x), within 2.5 ulp.
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let z = exp(-x.abs());
    select(x > 0.0, x, 0.0) + log1p_unit(z)
}

/// −softplus(−x), within 2.5 ulp.
#[inline(always)]
pub(super) fn log_sigmoid(x: f32) -> f32 {
    -softplus(-x)
}
