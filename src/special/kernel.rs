//! How a lane function becomes a function on blocks: compiled three times, chosen once.
//!
//! [`unary!`] and [`binary!`] compile the loop over a lane function for AVX-512, for AVX2 with FMA
//! and for the plain target, and name the forms by which the rest of the crate calls it. All three
//! give the same bits: lanes use exactly rounded operations only, and `f64::mul_add` is exact on
//! every target (a library call, hence slow, where the machine has no such instruction).
//!
//! Every row has loops in single precision too: over a lane function of its own where one is named
//! (`; f32 = lane`), else over the one above, in double precision, and rounded.

use super::Real;

/// The code path a machine can run; later ones need more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Portable,
    Avx2,
    Avx512,
}

impl Level {
    /// The best level of this machine.
    #[inline]
    pub fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            // The standard library caches the answer: each test is a load and a mask.
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                return Level::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Level::Avx2;
            }
        }
        Level::Portable
    }

    /// Every level this machine can run, the plainest first.
    pub fn available() -> &'static [Level] {
        match Level::detect() {
            Level::Portable => &[Level::Portable],
            Level::Avx2 => &[Level::Portable, Level::Avx2],
            Level::Avx512 => &[Level::Portable, Level::Avx2, Level::Avx512],
        }
    }
}

/// `(x, out, n)`: reads `n` values at `x`, writes `n` results at `out`.
pub type UnaryKernel<T = f64> = unsafe fn(*const T, *mut T, usize);

/// `(x, y, out, n)`: reads `n` values at `x` and at `y`, writes `n` results at `out`.
pub type BinaryKernel<T = f64> = unsafe fn(*const T, *const T, *mut T, usize);

/// A function of one argument with its compiled forms.
#[derive(Clone, Copy, Debug)]
pub struct Unary {
    /// The name of the scalar form.
    pub name: &'static str,
    /// The compiled loops, indexed by [`Level`].
    pub(super) loops: [UnaryKernel; 3],
    /// The lane function by itself, compiled for each level.
    pub(super) singles: [unsafe fn(f64) -> f64; 3],
    /// The same in single precision.
    pub(super) loops_f32: [UnaryKernel<f32>; 3],
    pub(super) singles_f32: [unsafe fn(f32) -> f32; 3],
}

impl Unary {
    /// The loop of one level, for tests and measurements.
    ///
    /// # Safety
    /// As for the `_raw` form; besides, the machine must offer `level` ([`Level::available`]).
    pub fn at(&self, level: Level) -> UnaryKernel {
        self.loops[level as usize]
    }

    /// The loop for this machine, to be stored by callers that dispatch once.
    ///
    /// # Safety
    /// Calling it is sound under the conditions of the `_raw` form.
    #[inline]
    pub fn kernel(&self) -> UnaryKernel {
        self.at(Level::detect())
    }

    /// As [`Unary::at`], in single precision.
    ///
    /// # Safety
    /// Likewise.
    pub fn at_f32(&self, level: Level) -> UnaryKernel<f32> {
        self.loops_f32[level as usize]
    }

    /// The function of one value in single precision.
    #[inline]
    pub fn of_f32(&self, x: f32) -> f32 {
        // SAFETY: the machine offers its own level.
        unsafe { self.singles_f32[Level::detect() as usize](x) }
    }
}

/// A function of two arguments with its compiled forms.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The name of the scalar form.
    pub name: &'static str,
    /// The compiled loops, indexed by [`Level`].
    pub(super) loops: [BinaryKernel; 3],
    /// The lane function by itself, compiled for each level.
    pub(super) singles: [unsafe fn(f64, f64) -> f64; 3],
    /// The same in single precision.
    pub(super) loops_f32: [BinaryKernel<f32>; 3],
    pub(super) singles_f32: [unsafe fn(f32, f32) -> f32; 3],
}

impl Binary {
    /// The loop of one level, for tests and measurements.
    ///
    /// # Safety
    /// As for the `_raw` form; besides, the machine must offer `level` ([`Level::available`]).
    pub fn at(&self, level: Level) -> BinaryKernel {
        self.loops[level as usize]
    }

    /// The loop for this machine, to be stored by callers that dispatch once.
    #[inline]
    pub fn kernel(&self) -> BinaryKernel {
        self.at(Level::detect())
    }

    /// As [`Binary::at`], in single precision.
    ///
    /// # Safety
    /// Likewise.
    pub fn at_f32(&self, level: Level) -> BinaryKernel<f32> {
        self.loops_f32[level as usize]
    }

    /// The function of two values in single precision.
    #[inline]
    pub fn of_f32(&self, x: f32, y: f32) -> f32 {
        // SAFETY: the machine offers its own level.
        unsafe { self.singles_f32[Level::detect() as usize](x, y) }
    }
}

/// Values worked on at a time: a few vectors, small enough to stay in the first-level cache.
pub(super) const CHUNK: usize = 64;

/// The loop of a unary kernel, through a local buffer: `x` and `out` may be the same memory, and
/// `repair` still sees the arguments when results have overwritten them.
///
/// # Safety
/// `x` readable and `out` writable for `n` values; the two are the same pointer or do not overlap.
#[inline(always)]
pub(super) unsafe fn run_unary<T: Real>(
    x: *const T,
    out: *mut T,
    n: usize,
    lane: impl Fn(T) -> T,
    repair: impl Fn(&[T], &mut [T]),
) {
    let mut args = [T::ZERO; CHUNK];
    let mut done = 0;
    while done < n {
        let m = (n - done).min(CHUNK);
        // SAFETY: done + m ≤ n, so both ranges lie in the caller's; `args` holds CHUNK ≥ m.
        let results = unsafe {
            std::ptr::copy_nonoverlapping(x.add(done), args.as_mut_ptr(), m);
            std::slice::from_raw_parts_mut(out.add(done), m)
        };
        let args = &args[..m];
        for (result, &arg) in results.iter_mut().zip(args) {
            *result = lane(arg);
        }
        repair(args, results);
        done += m;
    }
}

/// The loop of a binary kernel; see [`run_unary`].
///
/// # Safety
/// `x`, `y` readable and `out` writable for `n` values; `out` is the same pointer as either, or
/// overlaps neither.
#[inline(always)]
pub(super) unsafe fn run_binary<T: Real>(
    x: *const T,
    y: *const T,
    out: *mut T,
    n: usize,
    lane: impl Fn(T, T) -> T,
    repair: impl Fn(&[T], &[T], &mut [T]),
) {
    let mut first = [T::ZERO; CHUNK];
    let mut second = [T::ZERO; CHUNK];
    let mut done = 0;
    while done < n {
        let m = (n - done).min(CHUNK);
        // SAFETY: done + m ≤ n, so all ranges lie in the caller's; the buffers hold CHUNK ≥ m.
        let results = unsafe {
            std::ptr::copy_nonoverlapping(x.add(done), first.as_mut_ptr(), m);
            std::ptr::copy_nonoverlapping(y.add(done), second.as_mut_ptr(), m);
            std::slice::from_raw_parts_mut(out.add(done), m)
        };
        let (a, b) = (&first[..m], &second[..m]);
        for ((result, &a), &b) in results.iter_mut().zip(a).zip(b) {
            *result = lane(a, b);
        }
        repair(a, b, results);
        done += m;
    }
}

/// The loops over a lane function and the function by itself, compiled for each level.
macro_rules! unary_levels {
    ($t:ty, $lane:expr, $single:ident, $repair:ident) => {{
        // Unsafe like the other two, which need their level.
        unsafe fn single_portable(x: $t) -> $t {
            $single(x)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn single_avx2(x: $t) -> $t {
            $single(x)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn single_avx512(x: $t) -> $t {
            $single(x)
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {single_portable as single_avx2, single_portable as single_avx512};
        // SAFETY (all three): `run_unary` asks exactly what callers of a kernel promise.
        unsafe fn portable(x: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_unary(x, out, n, $lane, $repair) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(x: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_unary(x, out, n, $lane, $repair) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn avx512(x: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_unary(x, out, n, $lane, $repair) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {portable as avx2, portable as avx512};
        (
            [portable, avx2, avx512],
            [single_portable, single_avx2, single_avx512],
        )
    }};
}

/// `unary!(DOC, ROW, f, f_block, f_raw = lane)`, optionally `; repair = (needed, slow)`: arguments
/// for which `needed(x)` holds get `slow(x)` instead, in a second pass over the chunk; and
/// `; f32 = lane`, a lane function in single precision that needs no repair.
macro_rules! unary {
    (@f32 $lane:expr, $single:ident, $repair:ident) => {{
        #[inline(always)]
        fn single_f32(x: f32) -> f32 {
            $single(f64::from(x)) as f32
        }
        #[inline(always)]
        fn repair_f32(args: &[f32], results: &mut [f32]) {
            $repair(args, results);
        }
        $crate::special::kernel::unary_levels!(f32, |v: f32| $lane(f64::from(v)) as f32, single_f32, repair_f32)
    }};
    (@f32 $lane:expr, $single:ident, $repair:ident, $own:expr) => {{
        #[inline(always)]
        fn single_f32(x: f32) -> f32 {
            $own(x)
        }
        #[inline(always)]
        fn repair_f32(_args: &[f32], _results: &mut [f32]) {}
        $crate::special::kernel::unary_levels!(f32, |v: f32| $own(v), single_f32, repair_f32)
    }};
    ($(#[$doc:meta])* $row:ident, $scalar:ident, $block:ident, $raw:ident = $lane:expr $(; repair = ($needed:expr, $slow:expr))? $(; f32 = $own:expr)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $scalar(x: f64) -> f64 {
            // SAFETY: the machine offers its own level.
            unsafe { $row.singles[$crate::special::Level::detect() as usize](x) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] of each value of `x`, into `out`; panics unless the two have the same length.")]
        #[inline]
        pub fn $block(x: &[f64], out: &mut [f64]) {
            assert_eq!(x.len(), out.len(), "argument and result have the same length");
            // SAFETY: two slices of that length; a shared and a unique one cannot overlap.
            unsafe { $raw(x.as_ptr(), out.as_mut_ptr(), x.len()) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] of `n` values at `x`, into `out`, which may be the same memory.")]
        ///
        /// # Safety
        /// `x` readable and `out` writable for `n` values; the same pointer, or not overlapping.
        #[inline]
        pub unsafe fn $raw(x: *const f64, out: *mut f64, n: usize) {
            // SAFETY: the caller's promise; `kernel` chooses a loop that this machine can run.
            unsafe { $row.kernel()(x, out, n) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] as a row: its name and compiled loops.")]
        pub static $row: $crate::special::Unary = {
            use $crate::special::{Real, UnaryKernel};
            // `needed` is cheap and mostly false: the pass costs a compare per value.
            #[inline(always)]
            fn repair<T: Real>(_args: &[T], _results: &mut [T]) {
                $(for (result, &arg) in _results.iter_mut().zip(_args) {
                    if $needed(arg.wide()) {
                        *result = T::of($slow(arg.wide()));
                    }
                })?
            }
            #[inline(always)]
            fn single(x: f64) -> f64 {
                $(if $needed(x) {
                    return $slow(x);
                })?
                $lane(x)
            }
            const DOUBLE: ([UnaryKernel; 3], [unsafe fn(f64) -> f64; 3]) =
                $crate::special::kernel::unary_levels!(f64, |v: f64| $lane(v), single, repair);
            const SINGLE: ([UnaryKernel<f32>; 3], [unsafe fn(f32) -> f32; 3]) =
                $crate::special::kernel::unary!(@f32 $lane, single, repair $(, $own)?);
            $crate::special::Unary {
                name: stringify!($scalar),
                loops: DOUBLE.0,
                singles: DOUBLE.1,
                loops_f32: SINGLE.0,
                singles_f32: SINGLE.1,
            }
        };
    };
}

/// As [`unary_levels!`] for two arguments.
macro_rules! binary_levels {
    ($t:ty, $lane:expr, $single:ident, $repair:ident) => {{
        // Unsafe like the other two, which need their level.
        unsafe fn single_portable(x: $t, y: $t) -> $t {
            $single(x, y)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn single_avx2(x: $t, y: $t) -> $t {
            $single(x, y)
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn single_avx512(x: $t, y: $t) -> $t {
            $single(x, y)
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {single_portable as single_avx2, single_portable as single_avx512};
        // SAFETY (all three): `run_binary` asks exactly what callers of a kernel promise.
        unsafe fn portable(x: *const $t, y: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_binary(x, y, out, n, $lane, $repair) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(x: *const $t, y: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_binary(x, y, out, n, $lane, $repair) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        unsafe fn avx512(x: *const $t, y: *const $t, out: *mut $t, n: usize) {
            unsafe { $crate::special::kernel::run_binary(x, y, out, n, $lane, $repair) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {portable as avx2, portable as avx512};
        (
            [portable, avx2, avx512],
            [single_portable, single_avx2, single_avx512],
        )
    }};
}

/// As [`unary!`] for two arguments; `needed` and `slow` take both, and single precision always goes
/// through double.
macro_rules! binary {
    ($(#[$doc:meta])* $row:ident, $scalar:ident, $block:ident, $raw:ident = $lane:expr $(; repair = ($needed:expr, $slow:expr))?) => {
        $(#[$doc])*
        #[inline]
        pub fn $scalar(x: f64, y: f64) -> f64 {
            // SAFETY: the machine offers its own level.
            unsafe { $row.singles[$crate::special::Level::detect() as usize](x, y) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] of each pair from `x` and `y`, into `out`; panics unless all have the same length.")]
        #[inline]
        pub fn $block(x: &[f64], y: &[f64], out: &mut [f64]) {
            assert_eq!(x.len(), out.len(), "argument and result have the same length");
            assert_eq!(y.len(), out.len(), "argument and result have the same length");
            // SAFETY: slices of that length; `out` is unique and cannot overlap the others.
            unsafe { $raw(x.as_ptr(), y.as_ptr(), out.as_mut_ptr(), x.len()) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] of `n` pairs at `x` and `y`, into `out`, which may be the memory of either.")]
        ///
        /// # Safety
        /// `x`, `y` readable and `out` writable for `n` values; `out` the same pointer as either, or
        /// overlapping neither.
        #[inline]
        pub unsafe fn $raw(x: *const f64, y: *const f64, out: *mut f64, n: usize) {
            // SAFETY: the caller's promise; `kernel` chooses a loop that this machine can run.
            unsafe { $row.kernel()(x, y, out, n) }
        }

        #[doc = concat!("[`", stringify!($scalar), "`] as a row: its name and compiled loops.")]
        pub static $row: $crate::special::Binary = {
            use $crate::special::{BinaryKernel, Real};
            #[inline(always)]
            fn repair<T: Real>(_x: &[T], _y: &[T], _results: &mut [T]) {
                $(for ((result, &a), &b) in _results.iter_mut().zip(_x).zip(_y) {
                    if $needed(a.wide(), b.wide()) {
                        *result = T::of($slow(a.wide(), b.wide()));
                    }
                })?
            }
            #[inline(always)]
            fn single(x: f64, y: f64) -> f64 {
                $(if $needed(x, y) {
                    return $slow(x, y);
                })?
                $lane(x, y)
            }
            #[inline(always)]
            fn single_f32(x: f32, y: f32) -> f32 {
                single(f64::from(x), f64::from(y)) as f32
            }
            const DOUBLE: ([BinaryKernel; 3], [unsafe fn(f64, f64) -> f64; 3]) =
                $crate::special::kernel::binary_levels!(f64, |a: f64, b: f64| $lane(a, b), single, repair);
            const SINGLE: ([BinaryKernel<f32>; 3], [unsafe fn(f32, f32) -> f32; 3]) =
                $crate::special::kernel::binary_levels!(
                    f32, |a: f32, b: f32| $lane(f64::from(a), f64::from(b)) as f32, single_f32, repair);
            $crate::special::Binary {
                name: stringify!($scalar),
                loops: DOUBLE.0,
                singles: DOUBLE.1,
                loops_f32: SINGLE.0,
                singles_f32: SINGLE.1,
            }
        };
    };
}

pub(super) use {binary, binary_levels, unary, unary_levels};
