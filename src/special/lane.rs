//! The small branch-free pieces that every lane function is made of.
//!
//! A lane function maps one `f64` to one `f64` with arithmetic, fused multiply-add, bit operations
//! and selects only: no tables, no early returns, no conversions between `f64` and integers (which
//! older vector units lack). A loop over such a function is what the compiler turns into vector
//! code, and since every step is exactly rounded the scalar and vector results have the same bits.

use super::Real;

/// 1.5 · 2⁵²: adding it to |v| < 2⁵¹ leaves round-to-nearest(v) in the low bits of the sum.
const ROUND: f64 = 6755399441055744.0;

/// The polynomial c₀ + c₁x + …: Horner's rule in x⁴ on parts of four terms, which do not wait for
/// each other.
#[inline(always)]
pub(super) fn horner<T: Real, const N: usize>(x: T, c: &[T; N]) -> T {
    let square = x * x;
    let fourth = square * square;
    let pair = |i: usize| {
        if i + 1 < N {
            c[i + 1].mul_add(x, c[i])
        } else {
            c[i]
        }
    };
    let four = |i: usize| {
        if i + 2 < N {
            pair(i + 2).mul_add(square, pair(i))
        } else {
            pair(i)
        }
    };
    let mut i = (N - 1) / 4 * 4;
    let mut sum = four(i);
    while i > 0 {
        i -= 4;
        sum = sum.mul_add(fourth, four(i));
    }
    sum
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

/// The nearest whole number to a·b, for |a·b| < 2⁵¹ (in a tie up to rounding, one of the two).
#[inline(always)]
pub(super) fn round_product(a: f64, b: f64) -> f64 {
    a.mul_add(b, ROUND) - ROUND
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
