//! A cache line of numbers at a time (eight `f64`, sixteen `f32`), in the registers of each vector unit.
//!
//! Elementwise loops need no such type, the compiler finds their lanes by itself; in sums it does
//! not, since it starts from the final addition across lanes.

use crate::special::Real;

/// As many numbers as a cache line holds; lane by lane operations.
///
/// All methods are inlined into functions that have the features of the unit; elsewhere they must
/// not be called.
pub(super) trait Lanes: Copy {
    type T: Real;
    /// # Safety
    /// A line of numbers can be read at `p`; the machine has the unit.
    unsafe fn read(p: *const Self::T) -> Self;
    /// # Safety
    /// A line of numbers can be written at `p`; the machine has the unit.
    unsafe fn write(self, p: *mut Self::T);
    /// # Safety
    /// The machine has the unit (as for all that follow).
    unsafe fn splat(x: Self::T) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// `self · factor + sum`, rounded once if the unit can.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// The sum over lanes, always in the same order.
    unsafe fn total(self) -> Self::T;
    /// Lanes of both in turn: of their lower halves, and of their upper halves.
    unsafe fn zip(self, other: Self) -> (Self, Self);
    /// How many of these the unit's registers hold.
    const REGISTERS: usize;
}

/// Asks for the cache line at `p`, which need not be memory of ours: nothing is read.
#[inline(always)]
pub(super) fn prefetch<T>(p: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which never faults; every x86-64 has it.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// The order in which lanes are summed: the upper half is added to the lower one, and so on.
#[inline(always)]
fn total<T: Real>(mut line: T::Line) -> T {
    let v = line.as_mut();
    let mut half = v.len() / 2;
    while half > 0 {
        for i in 0..half {
            let other = v[i + half];
            v[i] += other;
        }
        half /= 2;
    }
    v[0]
}

#[derive(Clone, Copy)]
pub(super) struct Portable<T: Real>(T::Line);

impl<T: Real> Lanes for Portable<T> {
    type T = T;
    const REGISTERS: usize = 8;

    #[inline(always)]
    unsafe fn read(p: *const T) -> Portable<T> {
        // SAFETY: the caller's promise; the cast needs no alignment.
        Portable(unsafe { p.cast::<T::Line>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn write(self, p: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<T::Line>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(x: T) -> Portable<T> {
        Portable(x.line())
    }

    #[inline(always)]
    unsafe fn add(self, other: Portable<T>) -> Portable<T> {
        let mut out = self.0;
        let pairs = out.as_mut().iter_mut().zip(other.0.as_ref());
        pairs.for_each(|(a, &b)| *a += b);
        Portable(out)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Portable<T>, sum: Portable<T>) -> Portable<T> {
        let mut out = sum.0;
        let products = self.0.as_ref().iter().zip(factor.0.as_ref());
        let pairs = out.as_mut().iter_mut().zip(products);
        pairs.for_each(|(s, (&a, &b))| *s += a * b);
        Portable(out)
    }

    #[inline(always)]
    unsafe fn zip(self, other: Portable<T>) -> (Portable<T>, Portable<T>) {
        let (mut lower, mut upper) = (T::LINE, T::LINE);
        let (a, b) = (self.0.as_ref(), other.0.as_ref());
        let half = T::LANES / 2;
        for i in 0..half {
            (lower.as_mut()[2 * i], lower.as_mut()[2 * i + 1]) = (a[i], b[i]);
            (upper.as_mut()[2 * i], upper.as_mut()[2 * i + 1]) = (a[half + i], b[half + i]);
        }
        (Portable(lower), Portable(upper))
    }

    #[inline(always)]
    unsafe fn total(self) -> T {
        total(self.0)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx2Single, Avx512, Avx512Single};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Lanes, total};
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub struct Avx2(__m256d, __m256d);

    // SAFETY (of all blocks below): the callers' promises, as the trait states them.
    impl Lanes for Avx2 {
        type T = f64;
        const REGISTERS: usize = 8;

        #[inline(always)]
        unsafe fn read(p: *const f64) -> Avx2 {
            unsafe { Avx2(_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4))) }
        }

        #[inline(always)]
        unsafe fn write(self, p: *mut f64) {
            unsafe {
                _mm256_storeu_pd(p, self.0);
                _mm256_storeu_pd(p.add(4), self.1);
            }
        }

        #[inline(always)]
        unsafe fn splat(x: f64) -> Avx2 {
            unsafe { Avx2(_mm256_set1_pd(x), _mm256_set1_pd(x)) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Avx2) -> Avx2 {
            unsafe {
                Avx2(
                    _mm256_add_pd(self.0, other.0),
                    _mm256_add_pd(self.1, other.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Avx2, sum: Avx2) -> Avx2 {
            unsafe {
                Avx2(
                    _mm256_fmadd_pd(self.0, factor.0, sum.0),
                    _mm256_fmadd_pd(self.1, factor.1, sum.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn zip(self, other: Avx2) -> (Avx2, Avx2) {
            let zip = |a, b| unsafe {
                // Within halves of a register, which are then sorted.
                let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                Avx2(
                    _mm256_permute2f128_pd::<0x20>(even, odd),
                    _mm256_permute2f128_pd::<0x31>(even, odd),
                )
            };
            (zip(self.0, other.0), zip(self.1, other.1))
        }

        #[inline(always)]
        unsafe fn total(self) -> f64 {
            let mut out = [0.0; 8];
            unsafe { self.write(out.as_mut_ptr()) };
            total::<f64>(out)
        }
    }

    #[derive(Clone, Copy)]
    pub struct Avx2Single(__m256, __m256);

    // SAFETY (of all blocks below): the callers' promises, as the trait states them.
    impl Lanes for Avx2Single {
        type T = f32;
        const REGISTERS: usize = 8;

        #[inline(always)]
        unsafe fn read(p: *const f32) -> Avx2Single {
            unsafe { Avx2Single(_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))) }
        }

        #[inline(always)]
        unsafe fn write(self, p: *mut f32) {
            unsafe {
                _mm256_storeu_ps(p, self.0);
                _mm256_storeu_ps(p.add(8), self.1);
            }
        }

        #[inline(always)]
        unsafe fn splat(x: f32) -> Avx2Single {
            unsafe { Avx2Single(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Avx2Single) -> Avx2Single {
            unsafe {
                Avx2Single(
                    _mm256_add_ps(self.0, other.0),
                    _mm256_add_ps(self.1, other.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Avx2Single, sum: Avx2Single) -> Avx2Single {
            unsafe {
                Avx2Single(
                    _mm256_fmadd_ps(self.0, factor.0, sum.0),
                    _mm256_fmadd_ps(self.1, factor.1, sum.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn zip(self, other: Avx2Single) -> (Avx2Single, Avx2Single) {
            let zip = |a, b| unsafe {
                // Within halves of a register, which are then sorted.
                let (even, odd) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                Avx2Single(
                    _mm256_permute2f128_ps::<0x20>(even, odd),
                    _mm256_permute2f128_ps::<0x31>(even, odd),
                )
            };
            (zip(self.0, other.0), zip(self.1, other.1))
        }

        #[inline(always)]
        unsafe fn total(self) -> f32 {
            let mut out = [0.0; 16];
            unsafe { self.write(out.as_mut_ptr()) };
            total::<f32>(out)
        }
    }

    #[derive(Clone, Copy)]
    pub struct Avx512(__m512d);

    impl Lanes for Avx512 {
        type T = f64;
        const REGISTERS: usize = 32;

        #[inline(always)]
        unsafe fn read(p: *const f64) -> Avx512 {
            unsafe { Avx512(_mm512_loadu_pd(p)) }
        }

        #[inline(always)]
        unsafe fn write(self, p: *mut f64) {
            unsafe { _mm512_storeu_pd(p, self.0) }
        }

        #[inline(always)]
        unsafe fn splat(x: f64) -> Avx512 {
            unsafe { Avx512(_mm512_set1_pd(x)) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Avx512) -> Avx512 {
            unsafe { Avx512(_mm512_add_pd(self.0, other.0)) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Avx512, sum: Avx512) -> Avx512 {
            unsafe { Avx512(_mm512_fmadd_pd(self.0, factor.0, sum.0)) }
        }

        #[inline(always)]
        unsafe fn zip(self, other: Avx512) -> (Avx512, Avx512) {
            // Lanes of the second are numbered from 8.
            unsafe {
                let lower = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
                let upper = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
                (
                    Avx512(_mm512_permutex2var_pd(self.0, lower, other.0)),
                    Avx512(_mm512_permutex2var_pd(self.0, upper, other.0)),
                )
            }
        }

        #[inline(always)]
        unsafe fn total(self) -> f64 {
            unsafe {
                // (v0 + v4, v1 + v5, v2 + v6, v3 + v7), and so on as `total` does.
                let half = _mm256_add_pd(
                    _mm512_castpd512_pd256(self.0),
                    _mm512_extractf64x4_pd::<1>(self.0),
                );
                let quarter = _mm_add_pd(
                    _mm256_castpd256_pd128(half),
                    _mm256_extractf128_pd::<1>(half),
                );
                _mm_cvtsd_f64(_mm_add_sd(quarter, _mm_unpackhi_pd(quarter, quarter)))
            }
        }
    }

    #[derive(Clone, Copy)]
    pub struct Avx512Single(__m512);

    impl Lanes for Avx512Single {
        type T = f32;
        const REGISTERS: usize = 32;

        #[inline(always)]
        unsafe fn read(p: *const f32) -> Avx512Single {
            unsafe { Avx512Single(_mm512_loadu_ps(p)) }
        }

        #[inline(always)]
        unsafe fn write(self, p: *mut f32) {
            unsafe { _mm512_storeu_ps(p, self.0) }
        }

        #[inline(always)]
        unsafe fn splat(x: f32) -> Avx512Single {
            unsafe { Avx512Single(_mm512_set1_ps(x)) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Avx512Single) -> Avx512Single {
            unsafe { Avx512Single(_mm512_add_ps(self.0, other.0)) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Avx512Single, sum: Avx512Single) -> Avx512Single {
            unsafe { Avx512Single(_mm512_fmadd_ps(self.0, factor.0, sum.0)) }
        }

        #[inline(always)]
        unsafe fn zip(self, other: Avx512Single) -> (Avx512Single, Avx512Single) {
            // Lanes of the second are numbered from 16.
            unsafe {
                let lower =
                    _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let upper =
                    _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                (
                    Avx512Single(_mm512_permutex2var_ps(self.0, lower, other.0)),
                    Avx512Single(_mm512_permutex2var_ps(self.0, upper, other.0)),
                )
            }
        }

        #[inline(always)]
        unsafe fn total(self) -> f32 {
            unsafe {
                // As `total` does: halves of 8, 4, 2 and 1.
                let upper = _mm512_extractf32x8_ps::<1>(self.0);
                let eight = _mm256_add_ps(_mm512_castps512_ps256(self.0), upper);
                let upper = _mm256_extractf128_ps::<1>(eight);
                let four = _mm_add_ps(_mm256_castps256_ps128(eight), upper);
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }
    }
}
