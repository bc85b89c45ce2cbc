//! The loops of fused kernels that are no row of an operation: sums, choices, indexed loads and
//! stores; products of columns are in [`tile`]. Compiled for each vector unit; a tape takes the set
//! of its machine.
//!
//! Sums run in four times eight lanes that are added up in a fixed order: the same bits whatever
//! the vector unit, but for fused multiply-adds.

#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, Portable};
use super::micro::{Context, Starts};
use super::scalar::{Scalar, ScalarKernel, Steps};
use super::tile;
use super::wide::{Rows, Wide, WideKernel};
use crate::ops::one_vector_at_a_time;
use crate::special::{Level, log1p, logistic_parts};

/// `(c, a, b, out, n)`: `out = c ≠ 0 ? a : b`.
pub(super) type SelectKernel = unsafe fn(*const f64, *const f64, *const f64, *mut f64, usize);

/// A column of a matrix and the place of the number it is multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub start: u32,
    pub factor: u32,
}

/// The loops for one vector unit. Every one may be called if its pointers are good for as many
/// elements as it is told.
pub(super) struct Vector {
    pub sum: unsafe fn(*const f64, usize) -> f64,
    pub dot: unsafe fn(*const f64, *const f64, usize) -> f64,
    pub largest: unsafe fn(*const f64, usize) -> f64,
    pub smallest: unsafe fn(*const f64, usize) -> f64,
    /// `(x, out, n)`: `out += x`.
    pub add: unsafe fn(*const f64, *mut f64, usize),
    /// `(factor, x, out, n)`: `out += factor · x`.
    pub add_scaled: unsafe fn(f64, *const f64, *mut f64, usize),
    /// `(x, index, out, n)`: `out[i] = x[index[i]]`.
    pub gather: unsafe fn(*const f64, *const u32, *mut f64, usize),
    /// `(x, index, out, n)`: `out[index[i]] += x[i]`.
    pub scatter: unsafe fn(*const f64, *const u32, *mut f64, usize),
    /// `(x, sigmoid, n)`: `Σ softplus(x)`, and `sigmoid = sigmoid(x)`.
    pub softplus_sum: unsafe fn(*const f64, Option<*mut f64>, usize) -> f64,
    /// `(matrix, factors, columns, out, (rows, n))`: [`tile::columns`].
    pub columns: unsafe fn(*const f64, Starts, &[Column], Starts, (usize, usize)),
    /// `(matrix, x, columns, out, (rows, n))`: [`tile::column_dots`].
    pub column_dots: unsafe fn(*const f64, Starts, &[Column], Starts, (usize, usize)),
    /// Straight-line code.
    pub scalars: ScalarKernel,
    /// Likewise, on rows.
    pub wide: WideKernel,
    /// By which of condition, first and second are single numbers: bits 0, 1, 2.
    pub select: [SelectKernel; 8],
}

#[inline(always)]
unsafe fn sum<L: Lanes>(x: *const f64, n: usize) -> f64 {
    // SAFETY: reads lie below n.
    unsafe {
        let mut acc = [L::splat(0.0); 4];
        let mut i = 0;
        while i + 32 <= n {
            for (k, a) in acc.iter_mut().enumerate() {
                *a = a.add(L::read(x.add(i + 8 * k)));
            }
            i += 32;
        }
        while i + 8 <= n {
            acc[0] = acc[0].add(L::read(x.add(i)));
            i += 8;
        }
        let mut rest = 0.0;
        while i < n {
            rest += *x.add(i);
            i += 1;
        }
        acc[0].add(acc[1]).add(acc[2].add(acc[3])).total() + rest
    }
}

#[inline(always)]
pub(super) unsafe fn dot<L: Lanes>(x: *const f64, y: *const f64, n: usize) -> f64 {
    // SAFETY: reads lie below n.
    unsafe {
        let mut acc = [L::splat(0.0); 4];
        let mut i = 0;
        while i + 32 <= n {
            for (k, a) in acc.iter_mut().enumerate() {
                *a = L::read(x.add(i + 8 * k)).mul_add(L::read(y.add(i + 8 * k)), *a);
            }
            i += 32;
        }
        while i + 8 <= n {
            acc[0] = L::read(x.add(i)).mul_add(L::read(y.add(i)), acc[0]);
            i += 8;
        }
        let mut rest = 0.0;
        while i < n {
            rest += *x.add(i) * *y.add(i);
            i += 1;
        }
        acc[0].add(acc[1]).add(acc[2].add(acc[3])).total() + rest
    }
}

/// The extreme by `better(candidate, best)`; NaN if there is one.
#[inline(always)]
unsafe fn extreme(x: *const f64, n: usize, neutral: f64, better: impl Fn(f64, f64) -> bool) -> f64 {
    let keep = |best: f64, v: f64| {
        if better(v, best) || v.is_nan() {
            v
        } else {
            best
        }
    };
    let mut acc = [neutral; 8];
    let mut i = 0;
    // SAFETY: reads lie below n.
    unsafe {
        while i + 8 <= n {
            let v = x.add(i).cast::<[f64; 8]>().read_unaligned();
            for l in 0..8 {
                acc[l] = if acc[l].is_nan() {
                    acc[l]
                } else {
                    keep(acc[l], v[l])
                };
            }
            i += 8;
        }
        let mut best = neutral;
        for v in acc {
            best = if best.is_nan() { best } else { keep(best, v) };
        }
        while i < n {
            best = if best.is_nan() {
                best
            } else {
                keep(best, *x.add(i))
            };
            i += 1;
        }
        best
    }
}

#[inline(always)]
unsafe fn add<L: Lanes>(x: *const f64, out: *mut f64, n: usize) {
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i + 8 <= n {
            L::read(out.add(i)).add(L::read(x.add(i))).write(out.add(i));
            i += 8;
        }
        while i < n {
            *out.add(i) += *x.add(i);
            i += 1;
        }
    }
}

#[inline(always)]
unsafe fn add_scaled<L: Lanes>(factor: f64, x: *const f64, out: *mut f64, n: usize) {
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i + 8 <= n {
            let sum = L::splat(factor).mul_add(L::read(x.add(i)), L::read(out.add(i)));
            sum.write(out.add(i));
            i += 8;
        }
        while i < n {
            *out.add(i) += factor * *x.add(i);
            i += 1;
        }
    }
}

#[inline(always)]
unsafe fn gather(x: *const f64, index: *const u32, out: *mut f64, n: usize) {
    // SAFETY: index and out hold n values; indices were made for the buffer at x.
    unsafe {
        for i in 0..n {
            *out.add(i) = *x.add(*index.add(i) as usize);
        }
    }
}

#[inline(always)]
unsafe fn scatter(x: *const f64, index: *const u32, out: *mut f64, n: usize) {
    // SAFETY: x and index hold n values; indices were made for the buffer at out.
    unsafe {
        for i in 0..n {
            *out.add(*index.add(i) as usize) += *x.add(i);
        }
    }
}

/// `Σ softplus(x)`, with `sigmoid(x)` written where asked for: both start from z = e^−|x|.
///
/// The logarithms of 1 + z are taken together, as that of their product: Π (1 + z) = 1 + d, where
/// d has no cancellation and small z leave their mark. A piece is so short that d is finite.
#[inline(always)]
unsafe fn softplus_sum<L: Lanes>(x: *const f64, sigmoid: Option<*mut f64>, n: usize) -> f64 {
    const PIECE: usize = 512;
    let mut sum = 0.0;
    let mut i = 0;
    while i < n {
        let m = PIECE.min(n - i);
        // SAFETY: accesses lie below n.
        sum += unsafe { softplus_piece::<L>(x.add(i), sigmoid.map(|s| s.add(i)), m) };
        i += m;
    }
    sum
}

#[inline(always)]
unsafe fn softplus_piece<L: Lanes>(x: *const f64, sigmoid: Option<*mut f64>, n: usize) -> f64 {
    // Chunks of one length, so that the compiler makes vectors only; the last may be a short one.
    const CHUNK: usize = 64;
    const SHORT: usize = 16;
    let mut sums = Softplus {
        above: [0.0; 8],
        d: [[0.0; 8]; 2],
    };
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i < n {
            let at = |p: *mut f64| p.add(i);
            let (x, s) = (x.add(i), sigmoid.map(at));
            i += match n - i {
                CHUNK.. => sums.take::<L, CHUNK>(x, s, CHUNK),
                SHORT.. => sums.take::<L, SHORT>(x, s, SHORT),
                rest => sums.take::<L, SHORT>(x, s, rest),
            };
        }
    }
    let d = sums.d.as_flattened().iter();
    sums.above.iter().sum::<f64>() + log1p(d.fold(0.0, |a, b| a * (1.0 + b) + b))
}

/// What a piece has come to, in lanes: the sum of what lies above 0, and Π (1 + z) − 1.
struct Softplus {
    above: [f64; 8],
    d: [[f64; 8]; 2],
}

impl Softplus {
    /// The next `n` numbers, of which a chunk has room for `N`.
    ///
    /// # Safety
    /// `x` readable and `sigmoid` writable for `n` numbers.
    #[inline(always)]
    unsafe fn take<L: Lanes, const N: usize>(
        &mut self,
        x: *const f64,
        sigmoid: Option<*mut f64>,
        n: usize,
    ) -> usize {
        let (mut z, mut s, mut over) = ([0.0; N], [0.0; N], [0.0; N]);
        // SAFETY: the caller's promise; locals have N numbers, a multiple of two vectors.
        unsafe {
            // What fills a chunk adds nothing.
            let mut args = [f64::NEG_INFINITY; N];
            std::ptr::copy_nonoverlapping(x, args.as_mut_ptr(), n);
            for k in 0..N {
                let x = args[k];
                (z[k], s[k]) = logistic_parts(x);
                over[k] = if x < 0.0 { 0.0 } else { x };
            }
            if let Some(sigmoid) = sigmoid {
                std::ptr::copy_nonoverlapping(s.as_ptr(), sigmoid, n);
            }
            let one = L::splat(1.0);
            let mut above = L::read(self.above.as_ptr());
            let mut d = [L::read(self.d[0].as_ptr()), L::read(self.d[1].as_ptr())];
            for k in (0..N).step_by(8) {
                let z = L::read(z.as_ptr().add(k));
                d[k / 8 % 2] = d[k / 8 % 2].mul_add(one.add(z), z);
                above = above.add(L::read(over.as_ptr().add(k)));
            }
            above.write(self.above.as_mut_ptr());
            d[0].write(self.d[0].as_mut_ptr());
            d[1].write(self.d[1].as_mut_ptr());
        }
        n
    }
}

#[inline(always)]
unsafe fn select<const SC: bool, const SA: bool, const SB: bool>(
    c: *const f64,
    a: *const f64,
    b: *const f64,
    out: *mut f64,
    n: usize,
) {
    // SAFETY: arguments hold n values, or one where it serves for all.
    unsafe {
        let lanes = |p: *const f64, i: usize, single: bool| {
            if single {
                [*p; 8]
            } else {
                p.add(i).cast::<[f64; 8]>().read_unaligned()
            }
        };
        let one = |p: *const f64, i: usize, single: bool| if single { *p } else { *p.add(i) };
        let mut i = 0;
        while i + 8 <= n {
            one_vector_at_a_time();
            let (c, a, b) = (lanes(c, i, SC), lanes(a, i, SA), lanes(b, i, SB));
            let mut r = [0.0; 8];
            for l in 0..8 {
                r[l] = if c[l] != 0.0 { a[l] } else { b[l] };
            }
            out.add(i).cast::<[f64; 8]>().write_unaligned(r);
            i += 8;
        }
        while i < n {
            let (a, b) = (one(a, i, SA), one(b, i, SB));
            *out.add(i) = if one(c, i, SC) != 0.0 { a } else { b };
            i += 1;
        }
    }
}

/// The set of loops compiled with some target features, fused multiply-adds or not.
macro_rules! set {
    ($lanes:ident, $fused:expr $(, $feature:literal)?) => {{
        $(#[target_feature(enable = $feature)])?
        unsafe fn sum(x: *const f64, n: usize) -> f64 {
            unsafe { super::sum::<$lanes>(x, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn dot(x: *const f64, y: *const f64, n: usize) -> f64 {
            unsafe { super::dot::<$lanes>(x, y, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn largest(x: *const f64, n: usize) -> f64 {
            unsafe { super::extreme(x, n, f64::NEG_INFINITY, |a, b| a > b) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn smallest(x: *const f64, n: usize) -> f64 {
            unsafe { super::extreme(x, n, f64::INFINITY, |a, b| a < b) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn add(x: *const f64, out: *mut f64, n: usize) {
            unsafe { super::add::<$lanes>(x, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn add_scaled(factor: f64, x: *const f64, out: *mut f64, n: usize) {
            unsafe { super::add_scaled::<$lanes>(factor, x, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn gather(x: *const f64, index: *const u32, out: *mut f64, n: usize) {
            unsafe { super::gather(x, index, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn scatter(x: *const f64, index: *const u32, out: *mut f64, n: usize) {
            unsafe { super::scatter(x, index, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn softplus_sum(x: *const f64, sigmoid: Option<*mut f64>, n: usize) -> f64 {
            unsafe { super::softplus_sum::<$lanes>(x, sigmoid, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn columns(m: *const f64, f: Starts, c: &[Column], out: Starts, n: (usize, usize)) {
            unsafe { tile::columns::<$lanes>(m, f, c, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn column_dots(m: *const f64, x: Starts, c: &[Column], out: Starts, n: (usize, usize)) {
            unsafe { tile::column_dots::<$lanes>(m, x, c, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn select<const C: bool, const A: bool, const B: bool>(
            c: *const f64, a: *const f64, b: *const f64, out: *mut f64, n: usize,
        ) {
            unsafe { super::select::<C, A, B>(c, a, b, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn scalars(
            code: &[Scalar], arena: *mut f64, constants: *const f64, steps: Steps, sample: usize,
        ) {
            unsafe { crate::tape::scalar::run::<{ $fused }>(code, arena, constants, steps, sample) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn wide(code: &[Wide], context: &Context, rows: Rows, steps: Steps) {
            unsafe { crate::tape::wide::run::<{ $fused }>(code, context, rows, steps) }
        }
        Vector {
            scalars, wide, sum, dot, largest, smallest, add, add_scaled, gather, scatter,
            softplus_sum, columns, column_dots,
            select: [
                select::<false, false, false>, select::<true, false, false>,
                select::<false, true, false>, select::<true, true, false>,
                select::<false, false, true>, select::<true, false, true>,
                select::<false, true, true>, select::<true, true, true>,
            ],
        }
    }};
}

mod portable {
    use super::{Column, Context, Portable, Rows, Scalar, Starts, Steps, Vector, Wide, tile};
    /// Whether single numbers are fused: every ARM64 can.
    const FUSED: bool = cfg!(target_arch = "aarch64");
    pub(super) static SET: Vector = set!(Portable, FUSED);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Avx2, Column, Context, Rows, Scalar, Starts, Steps, Vector, Wide, tile};
    pub(super) static SET: Vector = set!(Avx2, true, "avx2,fma");
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Avx512, Column, Context, Rows, Scalar, Starts, Steps, Vector, Wide, tile};
    pub(super) static SET: Vector = set!(Avx512, true, "avx512f,avx512dq,avx2,fma");
}

#[cfg(not(target_arch = "x86_64"))]
use {portable as avx2, portable as avx512};

impl Vector {
    /// The loops for a vector unit, which the machine must have ([`Level::available`]).
    pub fn at(level: Level) -> &'static Vector {
        match level {
            Level::Portable => &portable::SET,
            Level::Avx2 => &avx2::SET,
            Level::Avx512 => &avx512::SET,
        }
    }
}
