//! The small branch-free pieces that every lane function is made of.
//!
//! A lane function maps one `f64` to one `f64` with arithmetic, fused multiply-add, bit operations
//! and selects only: no tables, no early returns, no conversions between `f64` and integers (which
//! older vector units lack). A loop over such a function is what the compiler turns into vector
//! code, and since every step is exactly rounded the scalar and vector results have the same bits.

/// 1.5 · 2⁵²: adding it to |v| < 2⁵¹ leaves round-to-nearest(v) in the low bits of the sum.
const ROUND: f64 = 6755399441055744.0;

/// The polynomial c₀ + c₁x + … with one fused operation per coefficient.
#[inline(always)]
pub(super) fn horner<const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// `if condition { yes } else { no }` on values already at hand: a blend, not a jump.
#[inline(always)]
pub(super) fn select(condition: bool, yes: f64, no: f64) -> f64 {
    if condition { yes } else { no }
}

/// The nearest whole number, for |x| < 2⁵¹.
#[inline(always)]
pub(super) fn round(x: f64) -> f64 {
    (x + ROUND) - ROUND
}

/// The lowest bits of the nearest whole number (two's complement), for |x| < 2⁵¹.
#[inline(always)]
pub(super) fn round_bits(x: f64) -> u64 {
    (x + ROUND).to_bits()
}

/// 2ᵏ for a whole k in −1022..=1023.
#[inline(always)]
pub(super) fn pow2(k: f64) -> f64 {
    f64::from_bits((k + (ROUND + 1023.0)).to_bits() << 52)
}

/// y·2ᵏ for a whole k in −2044..=2046, in two steps so that the ends overflow and underflow as
/// they should.
#[inline(always)]
pub(super) fn scale(y: f64, k: f64) -> f64 {
    let half = round(0.5 * k);
    (y * pow2(half)) * pow2(k - half)
}

/// a·b as the rounded product and the exact rest.
#[inline(always)]
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// a + b as the rounded sum and the exact rest, where |a| ≥ |b| or a = 0.
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// a + b as the rounded sum and the exact rest, in any order.
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}
