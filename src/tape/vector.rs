//! The loops of fused kernels that are no row of an operation: sums, choices, indexed loads and
//! stores; products of columns are in [`tile`]. Compiled for each vector unit; a tape takes the set
//! of its machine.
//!
//! Sums run in four cache lines of lanes that are added up in a fixed order: the same bits whatever
//! the vector unit, but for fused multiply-adds.

use super::element::Element;
use super::gemm::Gemm;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx2Single, Avx512, Avx512Single};
use super::lanes::{Lanes, Portable};
use super::micro::{Context, Starts};
use super::scalar::{Scalar, ScalarKernel, Steps};
use super::wide::{Rows, Wide, WideKernel};
use super::{log_product, softplus, tile};
use crate::ops::{LogMatrices, LogWeights, one_vector_at_a_time};
use crate::special::{Level, Real};

/// `(c, a, b, out, n)`: `out = c ≠ 0 ? a : b`.
pub type SelectKernel<T = f64> = unsafe fn(*const T, *const T, *const T, *mut T, usize);

/// A product of columns of a matrix and rows of vectors.
pub type ProductKernel<T> = unsafe fn(*const T, Starts<T>, &[Column], Starts<T>, (usize, usize));

/// A column of a matrix and the place of the number it is multiplied by.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub start: u32,
    pub factor: u32,
}

/// The loops for one vector unit. Every one may be called if its pointers are good for as many
/// elements as it is told.
pub struct Vector<T: Element> {
    pub sum: unsafe fn(*const T, usize) -> T,
    pub dot: unsafe fn(*const T, *const T, usize) -> T,
    pub largest: unsafe fn(*const T, usize) -> T,
    pub smallest: unsafe fn(*const T, usize) -> T,
    /// `(x, out, n)`: `out += x`.
    pub add: unsafe fn(*const T, *mut T, usize),
    /// `(factor, x, out, n)`: `out += factor · x`.
    pub add_scaled: unsafe fn(T, *const T, *mut T, usize),
    /// `(x, index, out, n)`: `out[i] = x[index[i]]`.
    pub gather: unsafe fn(*const T, *const u32, *mut T, usize),
    /// `(x, index, out, n)`: `out[index[i]] += x[i]`.
    pub scatter: unsafe fn(*const T, *const u32, *mut T, usize),
    /// `(x, sigmoid, n)`: [`softplus::sum`].
    pub softplus_sum: unsafe fn(*const T, Option<*mut T>, usize) -> T,
    /// `(matrix, factors, columns, out, (rows, n))`: [`tile::columns`].
    pub columns: ProductKernel<T>,
    /// `(matrix, x, columns, out, (rows, n))`: [`tile::column_dots`].
    pub column_dots: ProductKernel<T>,
    /// [`log_product::product`] and [`log_product::weights`].
    pub log_product: unsafe fn(&LogMatrices, &[&[T]], &mut [T]),
    pub log_weights: unsafe fn(LogWeights, &LogMatrices, &[&[T]], &mut [T]),
    /// A product of matrices; a line past the end of its second operand is readable.
    pub gemm: unsafe fn(&Gemm<T>),
    /// Straight-line code.
    pub scalars: ScalarKernel<T>,
    /// Likewise, on rows.
    pub wide: WideKernel<T>,
    /// By which of condition, first and second are single numbers: bits 0, 1, 2.
    pub select: [SelectKernel<T>; 8],
}

#[inline(always)]
unsafe fn sum<L: Lanes>(x: *const L::T, n: usize) -> L::T {
    // SAFETY: reads lie below n.
    unsafe {
        let mut acc = [L::splat(L::T::ZERO); 4];
        let mut i = 0;
        while i + 4 * L::T::LANES <= n {
            for (k, a) in acc.iter_mut().enumerate() {
                *a = a.add(L::read(x.add(i + L::T::LANES * k)));
            }
            i += 4 * L::T::LANES;
        }
        while i + L::T::LANES <= n {
            acc[0] = acc[0].add(L::read(x.add(i)));
            i += L::T::LANES;
        }
        let mut rest = L::T::ZERO;
        while i < n {
            rest += *x.add(i);
            i += 1;
        }
        acc[0].add(acc[1]).add(acc[2].add(acc[3])).total() + rest
    }
}

#[inline(always)]
pub(super) unsafe fn dot<L: Lanes>(x: *const L::T, y: *const L::T, n: usize) -> L::T {
    // SAFETY: reads lie below n.
    unsafe {
        let mut acc = [L::splat(L::T::ZERO); 4];
        let mut i = 0;
        while i + 4 * L::T::LANES <= n {
            for (k, a) in acc.iter_mut().enumerate() {
                *a = L::read(x.add(i + L::T::LANES * k))
                    .mul_add(L::read(y.add(i + L::T::LANES * k)), *a);
            }
            i += 4 * L::T::LANES;
        }
        while i + L::T::LANES <= n {
            acc[0] = L::read(x.add(i)).mul_add(L::read(y.add(i)), acc[0]);
            i += L::T::LANES;
        }
        let mut rest = L::T::ZERO;
        while i < n {
            rest += *x.add(i) * *y.add(i);
            i += 1;
        }
        acc[0].add(acc[1]).add(acc[2].add(acc[3])).total() + rest
    }
}

/// The extreme by `better(candidate, best)`; NaN if there is one.
#[inline(always)]
unsafe fn extreme<T: Real>(x: *const T, n: usize, neutral: T, better: impl Fn(T, T) -> bool) -> T {
    let keep = |best: T, v: T| {
        if better(v, best) || v.is_nan() {
            v
        } else {
            best
        }
    };
    let mut acc = neutral.line();
    let mut i = 0;
    // SAFETY: reads lie below n.
    unsafe {
        while i + T::LANES <= n {
            let v = x.add(i).cast::<T::Line>().read_unaligned();
            for (a, &v) in acc.as_mut().iter_mut().zip(v.as_ref()) {
                *a = if a.is_nan() { *a } else { keep(*a, v) };
            }
            i += T::LANES;
        }
        let mut best = neutral;
        for &v in acc.as_ref() {
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
unsafe fn add<L: Lanes>(x: *const L::T, out: *mut L::T, n: usize) {
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i + L::T::LANES <= n {
            L::read(out.add(i)).add(L::read(x.add(i))).write(out.add(i));
            i += L::T::LANES;
        }
        while i < n {
            *out.add(i) += *x.add(i);
            i += 1;
        }
    }
}

#[inline(always)]
unsafe fn add_scaled<L: Lanes>(factor: L::T, x: *const L::T, out: *mut L::T, n: usize) {
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i + L::T::LANES <= n {
            let sum = L::splat(factor).mul_add(L::read(x.add(i)), L::read(out.add(i)));
            sum.write(out.add(i));
            i += L::T::LANES;
        }
        while i < n {
            *out.add(i) += factor * *x.add(i);
            i += 1;
        }
    }
}

#[inline(always)]
unsafe fn gather<T: Real>(x: *const T, index: *const u32, out: *mut T, n: usize) {
    // SAFETY: index and out hold n values; indices were made for the buffer at x.
    unsafe {
        for i in 0..n {
            *out.add(i) = *x.add(*index.add(i) as usize);
        }
    }
}

#[inline(always)]
unsafe fn scatter<T: Real>(x: *const T, index: *const u32, out: *mut T, n: usize) {
    // SAFETY: x and index hold n values; indices were made for the buffer at out.
    unsafe {
        for i in 0..n {
            *out.add(*index.add(i) as usize) += *x.add(i);
        }
    }
}

#[inline(always)]
unsafe fn select<T: Real, const SC: bool, const SA: bool, const SB: bool>(
    c: *const T,
    a: *const T,
    b: *const T,
    out: *mut T,
    n: usize,
) {
    // SAFETY: arguments hold n values, or one where it serves for all.
    unsafe {
        let lanes = |p: *const T, i: usize, single: bool| {
            if single {
                (*p).line()
            } else {
                p.add(i).cast::<T::Line>().read_unaligned()
            }
        };
        let one = |p: *const T, i: usize, single: bool| if single { *p } else { *p.add(i) };
        let mut i = 0;
        while i + T::LANES <= n {
            one_vector_at_a_time();
            let (c, a, b) = (lanes(c, i, SC), lanes(a, i, SA), lanes(b, i, SB));
            let mut r = T::LINE;
            for l in 0..T::LANES {
                r.as_mut()[l] = if c.as_ref()[l] != T::ZERO {
                    a.as_ref()[l]
                } else {
                    b.as_ref()[l]
                };
            }
            out.add(i).cast::<T::Line>().write_unaligned(r);
            i += T::LANES;
        }
        while i < n {
            let (a, b) = (one(a, i, SA), one(b, i, SB));
            *out.add(i) = if one(c, i, SC) != T::ZERO { a } else { b };
            i += 1;
        }
    }
}

/// The set of loops compiled with some target features: tiles of products, fused multiply-adds or
/// not.
macro_rules! set {
    ($t:ident, $lanes:ty, $rows:literal by $width:literal, $fused:expr $(, $feature:literal)?) => {{
        $(#[target_feature(enable = $feature)])?
        unsafe fn sum(x: *const $t, n: usize) -> $t {
            unsafe { super::sum::<$lanes>(x, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn dot(x: *const $t, y: *const $t, n: usize) -> $t {
            unsafe { super::dot::<$lanes>(x, y, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn largest(x: *const $t, n: usize) -> $t {
            unsafe { super::extreme(x, n, $t::NEG_INFINITY, |a, b| a > b) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn smallest(x: *const $t, n: usize) -> $t {
            unsafe { super::extreme(x, n, $t::INFINITY, |a, b| a < b) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn add(x: *const $t, out: *mut $t, n: usize) {
            unsafe { super::add::<$lanes>(x, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn add_scaled(factor: $t, x: *const $t, out: *mut $t, n: usize) {
            unsafe { super::add_scaled::<$lanes>(factor, x, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn gather(x: *const $t, index: *const u32, out: *mut $t, n: usize) {
            unsafe { super::gather(x, index, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn scatter(x: *const $t, index: *const u32, out: *mut $t, n: usize) {
            unsafe { super::scatter(x, index, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn softplus_sum(x: *const $t, sigmoid: Option<*mut $t>, n: usize) -> $t {
            unsafe { softplus::sum::<$lanes>(x, sigmoid, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn columns(
            m: *const $t, f: Starts<$t>, c: &[Column], out: Starts<$t>, n: (usize, usize),
        ) {
            unsafe { tile::columns::<$lanes>(m, f, c, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn column_dots(
            m: *const $t, x: Starts<$t>, c: &[Column], out: Starts<$t>, n: (usize, usize),
        ) {
            unsafe { tile::column_dots::<$lanes>(m, x, c, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn log_product(all: &LogMatrices, args: &[&[$t]], out: &mut [$t]) {
            unsafe { log_product::product::<$lanes>(all, args, out) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn log_weights(
            kind: LogWeights, all: &LogMatrices, args: &[&[$t]], out: &mut [$t],
        ) {
            unsafe { log_product::weights::<$lanes>(kind, all, args, out) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn select<const C: bool, const A: bool, const B: bool>(
            c: *const $t, a: *const $t, b: *const $t, out: *mut $t, n: usize,
        ) {
            unsafe { super::select::<$t, C, A, B>(c, a, b, out, n) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn scalars(
            code: &[Scalar], arena: *mut $t, constants: *const $t, steps: Steps, sample: usize,
        ) {
            unsafe {
                crate::tape::scalar::run::<$t, { $fused }>(code, arena, constants, steps, sample)
            }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn wide(code: &[Wide<$t>], context: &Context<$t>, rows: Rows<$t>, steps: Steps) {
            unsafe { crate::tape::wide::run::<$t, { $fused }>(code, context, rows, steps) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn gemm(product: &Gemm<$t>) {
            unsafe { crate::tape::gemm::run::<$lanes, $rows, $width>(product) }
        }
        Vector {
            gemm, scalars, wide, sum, dot, largest, smallest, add, add_scaled, gather, scatter,
            softplus_sum, columns, column_dots, log_product, log_weights,
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
    use super::{
        Column, Context, Gemm, LogMatrices, LogWeights, Portable, Rows, Scalar, Starts, Steps,
        Vector, Wide, log_product, softplus, tile,
    };
    /// Whether single numbers are fused: every ARM64 can.
    const FUSED: bool = cfg!(target_arch = "aarch64");
    pub(super) static F64: Vector<f64> = set!(f64, Portable<f64>, 4 by 1, FUSED);
    pub(super) static F32: Vector<f32> = set!(f32, Portable<f32>, 4 by 1, FUSED);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{
        Avx2, Avx2Single, Column, Context, Gemm, LogMatrices, LogWeights, Rows, Scalar, Starts,
        Steps, Vector, Wide, log_product, softplus, tile,
    };
    pub(super) static F64: Vector<f64> = set!(f64, Avx2, 6 by 1, true, "avx2,fma");
    pub(super) static F32: Vector<f32> = set!(f32, Avx2Single, 6 by 1, true, "avx2,fma");
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{
        Avx512, Avx512Single, Column, Context, Gemm, LogMatrices, LogWeights, Rows, Scalar, Starts,
        Steps, Vector, Wide, log_product, softplus, tile,
    };
    pub(super) static F64: Vector<f64> =
        set!(f64, Avx512, 8 by 2, true, "avx512f,avx512dq,avx2,fma");
    pub(super) static F32: Vector<f32> =
        set!(f32, Avx512Single, 8 by 2, true, "avx512f,avx512dq,avx2,fma");
}

#[cfg(not(target_arch = "x86_64"))]
use {portable as avx2, portable as avx512};

/// The loops on `f64` for a vector unit, which the machine must have ([`Level::available`]).
pub(super) fn of_f64(level: Level) -> &'static Vector<f64> {
    match level {
        Level::Portable => &portable::F64,
        Level::Avx2 => &avx2::F64,
        Level::Avx512 => &avx512::F64,
    }
}

/// Those on `f32`.
pub(super) fn of_f32(level: Level) -> &'static Vector<f32> {
    match level {
        Level::Portable => &portable::F32,
        Level::Avx2 => &avx2::F32,
        Level::Avx512 => &avx512::F32,
    }
}
