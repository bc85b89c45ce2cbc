//! The natural logarithm of x, of 1 + x and of 1 − e^x.
//!
//! One core serves all: u = 2ᵏ(1 + f) with √½ ≤ 1 + f < √2, and log(1 + f) = 2 artanh(s) with
//! s = f/(2 + f), arranged as in Sun's fdlibm (`e_log.c`, `s_log1p.c`). The core takes u together
//! with a small correction c, since 1 + x and 1 − e^x do not fit into one f64.

use super::exp::{exp_of_sum, half_expm1};
use super::kernel::unary;
use super::lane::{horner, pow2, select};
use super::single;
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

unary!(
    /// log x, within 0.8 ulp; −∞ at 0, NaN below.
    LOG, log, log_block, log_raw = log_lane; f32 = single::log
);

unary!(
    /// log(1 + x) without cancellation near 0, within 0.8 ulp; −∞ at −1, NaN below.
    LOG1P, log1p, log1p_block, log1p_raw = log1p_lane; f32 = single::log1p
);

unary!(
    /// log(1 − e^x) for x < 0, within 2 ulp; −∞ at 0, NaN above.
    ///
    /// Mächler's advice (vignette "Accurately computing log(1 − exp(−|a|))" of R's Rmpfr): by
    /// e^x − 1 where that is the smaller part, else by log(1 + ·).
    LOG1M_EXP, log1m_exp, log1m_exp_block, log1m_exp_raw = log1m_exp_lane
);

unary!(
    /// Logarithm to base 2, exact for powers of 2, as the standard library has it.
    LOG2, log2, log2_block, log2_raw = f64::log2
);

unary!(
    /// Logarithm to base 10, as the standard library has it.
    LOG10, log10, log10_block, log10_raw = f64::log10
);

/// ln 2 in two parts; the first has 42 bits, so that its product with a |k| < 2¹¹ is exact.
const LN_2_HI: f64 = 0.6931471805598903;
const LN_2_LO: f64 = 5.497923018708371e-14;

/// (log((1+s)/(1-s)) - 2s) / s^3 in s^2.
pub(crate) const SERIES: [f64; 8] = [
    0.6666666666666666,
    0.40000000000000885,
    0.28571428570799784,
    0.22222222392581045,
    0.18181795547521137,
    0.15386244737621665,
    0.13268638369266825,
    0.13088034850927555,
];

/// u = 2ᵏ · m with √½ ≤ m < √2.
pub(super) struct Split {
    pub k: f64,
    pub m: f64,
}

/// Splits a positive finite u; subnormals too.
#[inline(always)]
pub(super) fn split(u: f64) -> Split {
    const TWO_54: f64 = 18014398509481984.0;
    // 2⁵²: put above a small whole number in the low bits, it makes that number's f64.
    const TWO_52: f64 = 4503599627370496.0;
    const SQRT_HALF: u64 = FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    let tiny = u < f64::MIN_POSITIVE;
    let bits = select(tiny, u * TWO_54, u).to_bits();
    // Counted from √½, the exponent field changes where m shall start anew.
    let offset = bits.wrapping_sub(SQRT_HALF).wrapping_add(1.0f64.to_bits());
    let m = f64::from_bits((offset & MANTISSA).wrapping_add(SQRT_HALF));
    let biased = f64::from_bits((offset >> 52) | TWO_52.to_bits());
    let k = biased - select(tiny, TWO_52 + 1023.0 + 54.0, TWO_52 + 1023.0);
    Split { k, m }
}

/// log(u + c) for u > 0 finite and a c no larger than the rounding error of 1 + u.
#[inline(always)]
fn log_core(u: f64, c: Option<f64>) -> f64 {
    let Split { k, m } = split(u);
    let head = m - 1.0;
    // c relative to 2ᵏ, by a detour since 2⁻ᵏ itself is subnormal at the upper end.
    let rest = match c {
        Some(c) => c * (0.5 * pow2(1.0 - k)),
        None => 0.0,
    };
    let f = head + rest;
    artanh_form(k, head, f, rest)
}

/// k ln 2 + log(1 + f) where f is the rounded head + rest.
#[inline(always)]
fn artanh_form(k: f64, head: f64, f: f64, rest: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let series = z * horner(z, &SERIES);
    let low = k.mul_add(LN_2_LO, rest);
    k.mul_add(
        LN_2_HI,
        head - (half_square - s.mul_add(half_square + series, low)),
    )
}

/// log(1 + z) for 0 ≤ z ≤ 1: 1 + z need not be formed, as its k is 0 or 1 and f exact.
#[inline(always)]
pub(super) fn log1p_unit(z: f64) -> f64 {
    let high = z > SQRT_2 - 1.0;
    let f = select(high, 0.5 * z - 0.5, z);
    artanh_form(select(high, 1.0, 0.0), f, f, 0.0)
}

/// What log gives at the ends of its range, else `result`.
#[inline(always)]
fn at_ends(u: f64, result: f64) -> f64 {
    let result = select(u == 0.0, f64::NEG_INFINITY, result);
    // ∞ and NaN are handed on; below 0 there is no logarithm.
    let result = select(u < f64::INFINITY, result, u);
    select(u < 0.0, f64::NAN, result)
}

#[inline(always)]
pub(super) fn log_lane(x: f64) -> f64 {
    at_ends(x, log_core(x, None))
}

/// log(u + c): as `log_lane`, with a c no larger than the rounding error of 1 + u; u not subnormal.
#[inline(always)]
pub(super) fn log_of_sum(u: f64, c: f64) -> f64 {
    at_ends(u, log_core(u, Some(c)))
}

/// log(1 + x) for −1 < x finite; may lose the sign of 0.
#[inline(always)]
fn log1p_core(x: f64) -> f64 {
    let u = 1.0 + x;
    // What rounding took from 1 + x: exact either way, the larger being subtracted first.
    let c = select(x < 1.0, x - (u - 1.0), 1.0 - (u - x));
    log_core(u, Some(c))
}

#[inline(always)]
pub(super) fn log1p_lane(x: f64) -> f64 {
    let result = at_ends(1.0 + x, log1p_core(x));
    // Keeps −0 and the last bit of subnormals.
    select(x.abs() < 1e-17, x, result)
}

#[inline(always)]
pub(super) fn log1m_exp_lane(x: f64) -> f64 {
    let near = x > -LN_2;
    let z = exp_of_sum(x, 0.0);
    let clamped = select(x < -40.0, -40.0, select(x > 0.0, f64::NAN, x));
    let gap = -2.0 * half_expm1(clamped);
    let far = 1.0 - z;
    let u = select(near, gap, far);
    let c = select(near, 0.0, (1.0 - far) - z);
    // Below −40, log(1 − z) = −z to the last bit; within 1e-200 of 0, 1 − e^x = −x, and 2⁻ᵏ of the
    // core would overflow.
    let result = at_ends(u, log_core(u, Some(c)));
    let result = select(x < -40.0, -z, result);
    select(x > -1e-17, log_lane(-x), result)
}

/// log u for u > 0 finite; anything elsewhere.
#[inline(always)]
pub(super) fn log_unguarded(u: f64) -> f64 {
    log_core(u, None)
}
