//! How a function of single values becomes one of blocks: a loop over it, compiled for each vector
//! unit and chosen once, when a tape is compiled.
//!
//! The loops take a cache line of values at a time into locals ([`Real::LANES`], the widest vector
//! register holds as many), so that results may overwrite arguments and the compiler still sees
//! independent lanes.

use crate::special::Real;

/// Keeps the compiler from vectorising the loop around it across iterations: lanes already fill a
/// register, and what it makes of several iterations is slower by a factor of two to three.
#[inline(always)]
pub(crate) fn one_vector_at_a_time() {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: no instruction at all.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// `out[i] = f(x[i])`.
///
/// # Safety
/// `x` readable and `out` writable for `n` values; the same pointer, or not overlapping.
#[inline(always)]
pub(crate) unsafe fn unary<T: Real>(x: *const T, out: *mut T, n: usize, f: impl Fn(T) -> T) {
    let mut i = 0;
    // SAFETY: every access lies below n, which the caller vouches for.
    unsafe {
        while i + T::LANES <= n {
            one_vector_at_a_time();
            let v = x.add(i).cast::<T::Line>().read();
            let mut r = T::LINE;
            for l in 0..T::LANES {
                r.as_mut()[l] = f(v.as_ref()[l]);
            }
            out.add(i).cast::<T::Line>().write(r);
            i += T::LANES;
        }
        while i < n {
            *out.add(i) = f(*x.add(i));
            i += 1;
        }
    }
}

/// `out[i] = f(a[i], b[i])`; with `SA` (`SB`) the one number at `a` (`b`) serves for all.
///
/// # Safety
/// `out` writable for `n` values, `a` and `b` readable for `n` (for one where `SA`, `SB`); `out` the
/// same pointer as either, or overlapping neither; a single number is not among the results.
#[inline(always)]
pub(crate) unsafe fn binary<T: Real, const SA: bool, const SB: bool>(
    a: *const T,
    b: *const T,
    out: *mut T,
    n: usize,
    f: impl Fn(T, T) -> T,
) {
    // SAFETY: every access lies below n, or at 0 where one number serves for all.
    unsafe {
        let lanes = |p: *const T, i: usize, single: bool| {
            if single {
                (*p).line()
            } else {
                p.add(i).cast::<T::Line>().read()
            }
        };
        let mut i = 0;
        while i + T::LANES <= n {
            one_vector_at_a_time();
            let (x, y) = (lanes(a, i, SA), lanes(b, i, SB));
            let mut r = T::LINE;
            for l in 0..T::LANES {
                r.as_mut()[l] = f(x.as_ref()[l], y.as_ref()[l]);
            }
            out.add(i).cast::<T::Line>().write(r);
            i += T::LANES;
        }
        while i < n {
            let (x, y) = (
                if SA { *a } else { *a.add(i) },
                if SB { *b } else { *b.add(i) },
            );
            *out.add(i) = f(x, y);
            i += 1;
        }
    }
}

/// The block form of a function of one argument: `fn(Level) -> UnaryKernel<T>`.
macro_rules! unary_block {
    ($t:ty, $value:expr) => {{
        use $crate::ops::block;
        use $crate::special::{Level, UnaryKernel};
        // SAFETY (all three): callers of a kernel promise what `block::unary` asks.
        unsafe fn portable(x: *const $t, out: *mut $t, n: usize) {
            unsafe { block::unary(x, out, n, $value) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(x: *const $t, out: *mut $t, n: usize) {
            unsafe { block::unary(x, out, n, $value) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn avx512(x: *const $t, out: *mut $t, n: usize) {
            unsafe { block::unary(x, out, n, $value) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {portable as avx2, portable as avx512};
        |level: Level| -> UnaryKernel<$t> { [portable, avx2, avx512][level as usize] }
    }};
}

/// The block forms of a function of two arguments: `fn(Level) -> BinaryBlocks<T>`.
macro_rules! binary_block {
    ($t:ty, $value:expr) => {{
        use $crate::ops::{BinaryBlocks, block};
        use $crate::special::Level;
        // SAFETY (all three): callers of a kernel promise what `block::binary` asks.
        unsafe fn portable<const SA: bool, const SB: bool>(
            a: *const $t,
            b: *const $t,
            out: *mut $t,
            n: usize,
        ) {
            unsafe { block::binary::<$t, SA, SB>(a, b, out, n, $value) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<const SA: bool, const SB: bool>(
            a: *const $t,
            b: *const $t,
            out: *mut $t,
            n: usize,
        ) {
            unsafe { block::binary::<$t, SA, SB>(a, b, out, n, $value) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn avx512<const SA: bool, const SB: bool>(
            a: *const $t,
            b: *const $t,
            out: *mut $t,
            n: usize,
        ) {
            unsafe { block::binary::<$t, SA, SB>(a, b, out, n, $value) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {portable as avx2, portable as avx512};
        |level: Level| match level {
            Level::Portable => BinaryBlocks {
                both: portable::<false, false>,
                single_first: Some(portable::<true, false>),
                single_second: Some(portable::<false, true>),
            },
            Level::Avx2 => BinaryBlocks {
                both: avx2::<false, false>,
                single_first: Some(avx2::<true, false>),
                single_second: Some(avx2::<false, true>),
            },
            Level::Avx512 => BinaryBlocks {
                both: avx512::<false, false>,
                single_first: Some(avx512::<true, false>),
                single_second: Some(avx512::<false, true>),
            },
        }
    }};
}

pub(crate) use {binary_block, unary_block};
