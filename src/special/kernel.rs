//! How a lane function becomes a function on blocks: compiled three times, chosen once.
//!
//! [`unary!`] and [`binary!`] compile the loop over a lane function for AVX-512, for AVX2 with FMA
//! and for the plain target, and name the forms by which the rest of the crate calls it. All three
//! give the same bits: lanes use exactly rounded operations only, and `f64::mul_add` is exact on
//! every target (a library call, hence slow, where the machine has no such instruction).

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
pub type UnaryKernel = unsafe fn(*const f64, *mut f64, usize);

/// `(x, y, out, n)`: reads `n` values at `x` and at `y`, writes `n` results at `out`.
pub type BinaryKernel = unsafe fn(*const f64, *const f64, *mut f64, usize);

/// A function of one argument with its compiled forms.
#[derive(Clone, Copy, Debug)]
pub struct Unary {
    /// The name of the scalar form.
    pub name: &'static str,
    /// The compiled loops, indexed by [`Level`].
    pub(super) loops: [UnaryKernel; 3],
    /// The lane function by itself, compiled for each level.
    pub(super) singles: [unsafe fn(f64) -> f64; 3],
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
}

/// Values worked on at a time: a few vectors, small enough to stay in the first-level cache.
pub(super) const CHUNK: usize = 64;

/// The loop of a unary kernel, through a local buffer: `x` and `out` may be the same memory, and
/// `repair` still sees the arguments when results have overwritten them.
///
/// # Safety
/// `x` readable and `out` writable for `n` values; the two are the same pointer or do not overlap.
#[inline(always)]
pub(super) unsafe fn run_unary(
    x: *const f64,
    out: *mut f64,
    n: usize,
    lane: impl Fn(f64) -> f64,
    repair: impl Fn(&[f64], &mut [f64]),
) {
    let mut args = [0.0; CHUNK];
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
pub(super) unsafe fn run_binary(
    x: *const f64,
    y: *const f64,
    out: *mut f64,
    n: usize,
    lane: impl Fn(f64, f64) -> f64,
    repair: impl Fn(&[f64], &[f64], &mut [f64]),
) {
    let mut first = [0.0; CHUNK];
    let mut second = [0.0; CHUNK];
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

/// `unary!(DOC, ROW, f, f_block, f_raw = lane)`, optionally `; repair = (needed, slow)`: arguments
/// for which `needed(x)` holds get `slow(x)` instead, in a second pass over the chunk.
macro_rules! unary {
    ($(#[$doc:meta])* $row:ident, $scalar:ident, $block:ident, $raw:ident = $lane:expr $(; repair = ($needed:expr, $slow:expr))?) => {
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
            // `needed` is cheap and mostly false: the pass costs a compare per value.
            #[inline(always)]
            fn repair(_args: &[f64], _results: &mut [f64]) {
                $(for (result, &arg) in _results.iter_mut().zip(_args) {
                    if $needed(arg) {
                        *result = $slow(arg);
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
            // Unsafe like the other two, which need their level.
            unsafe fn single_portable(x: f64) -> f64 {
                single(x)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn single_avx2(x: f64) -> f64 {
                single(x)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
            unsafe fn single_avx512(x: f64) -> f64 {
                single(x)
            }
            #[cfg(not(target_arch = "x86_64"))]
            use {single_portable as single_avx2, single_portable as single_avx512};
            // SAFETY (all three): `run_unary` asks exactly what callers of a kernel promise.
            unsafe fn portable(x: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_unary(x, out, n, |v| $lane(v), repair) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2(x: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_unary(x, out, n, |v| $lane(v), repair) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
            unsafe fn avx512(x: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_unary(x, out, n, |v| $lane(v), repair) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            use {portable as avx2, portable as avx512};
            $crate::special::Unary {
                name: stringify!($scalar),
                loops: [portable, avx2, avx512],
                singles: [single_portable, single_avx2, single_avx512],
            }
        };
    };
}

/// As [`unary!`] for two arguments; `needed` and `slow` take both.
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
            #[inline(always)]
            fn repair(_x: &[f64], _y: &[f64], _results: &mut [f64]) {
                $(for ((result, &a), &b) in _results.iter_mut().zip(_x).zip(_y) {
                    if $needed(a, b) {
                        *result = $slow(a, b);
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
            // Unsafe like the other two, which need their level.
            unsafe fn single_portable(x: f64, y: f64) -> f64 {
                single(x, y)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn single_avx2(x: f64, y: f64) -> f64 {
                single(x, y)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
            unsafe fn single_avx512(x: f64, y: f64) -> f64 {
                single(x, y)
            }
            #[cfg(not(target_arch = "x86_64"))]
            use {single_portable as single_avx2, single_portable as single_avx512};
            // SAFETY (all three): `run_binary` asks exactly what callers of a kernel promise.
            unsafe fn portable(x: *const f64, y: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_binary(x, y, out, n, |a, b| $lane(a, b), repair) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2(x: *const f64, y: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_binary(x, y, out, n, |a, b| $lane(a, b), repair) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
            unsafe fn avx512(x: *const f64, y: *const f64, out: *mut f64, n: usize) {
                unsafe { $crate::special::kernel::run_binary(x, y, out, n, |a, b| $lane(a, b), repair) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            use {portable as avx2, portable as avx512};
            $crate::special::Binary {
                name: stringify!($scalar),
                loops: [portable, avx2, avx512],
                singles: [single_portable, single_avx2, single_avx512],
            }
        };
    };
}

pub(super) use {binary, unary};
