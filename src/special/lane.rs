//! The small branch-free pieces that every lane function is made of.
//!
//! A lane function maps one `f64` to one `f64` with arithmetic, fused multiply-add, bit operations
//! and selects only: no tables, no early returns, no conversions between `f64` and integers (which
//! older vector units lack). A loop over such a function is what the compiler turns into vector
//! code, and since every step is exactly rounded the scalar and vector results have the same bits.

use super::Real;

/// 1.5 · 2⁵²: adding it to |v| < 2⁵¹ leaves round-to-nearest(v) in the low bits of the sum.
const ROUND: f64 = 6755399441055744.0;

/// The polynomial c₀ + c₁x + …, by Horner's rule on its even and its odd part: two chains of fused
/// operations that a vector unit works on side by side.
#[inline(always)]
pub(super) fn horner<T: Real, const N: usize>(x: T, c: &[T; N]) -> T {
    let square = x * x;
    let mut last = c[N - 1];
    let mut before = c[N - 2];
    let mut i = N - 2;
    while i >= 2 {
        i -= 2;
        last = last.mul_add(square, c[i + 1]);
        before = before.mul_add(square, c[i]);
    }
    // `last` belongs to the odd powers if N is even; if not, c₀ is still to come.
    if N.is_multiple_of(2) {
        last.mul_add(x, before)
    } else {
        last.mul_add(x, before).mul_add(x, c[0])
    }
}

/// `if condition { yes } else { no }` on values already at hand: a blend, not a jump.
#[inline(always)]
pub(super) fn select<T: Real>(condition: bool, yes: T, no: T) -> T {
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

/// a·b as the rounded product and the exact rest.
#[inline(always)]
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// a + b as the rounded sum and the exact rest, where |a| ≥ |b| or a = 0.
#[inline(always)]
pub(super) fn fast_two_sum<T: Real>(a: T, b: T) -> (T, T) {
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
