//! Eight numbers at a time, in the registers of each vector unit.
//!
//! Elementwise loops need no such type, the compiler finds their lanes by itself; in sums it does
//! not, since it starts from the final addition across lanes.

/// Eight numbers; lane by lane operations.
///
/// All methods are inlined into functions that have the features of the unit; elsewhere they must
/// not be called.
pub(super) trait Lanes: Copy {
    /// # Safety
    /// Eight numbers can be read at `p`; the machine has the unit.
    unsafe fn read(p: *const f64) -> Self;
    /// # Safety
    /// Eight numbers can be written at `p`; the machine has the unit.
    unsafe fn write(self, p: *mut f64);
    /// # Safety
    /// The machine has the unit (as for all that follow).
    unsafe fn splat(x: f64) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// `self · factor + sum`, rounded once if the unit can.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// The sum over lanes, always in the same order.
    unsafe fn total(self) -> f64;
    /// How many of these the unit's registers hold.
    const REGISTERS: usize;
}

/// Asks for the cache line at `p`, which need not be memory of ours: nothing is read.
#[inline(always)]
pub(super) fn prefetch(p: *const f64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which never faults; every x86-64 has it.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// The order in which lanes are summed.
#[inline(always)]
fn total(v: [f64; 8]) -> f64 {
    ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}

#[derive(Clone, Copy)]
pub(super) struct Portable([f64; 8]);

impl Lanes for Portable {
    const REGISTERS: usize = 8;

    #[inline(always)]
    unsafe fn read(p: *const f64) -> Portable {
        // SAFETY: the caller's promise; the cast needs no alignment.
        Portable(unsafe { p.cast::<[f64; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn write(self, p: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<[f64; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn splat(x: f64) -> Portable {
        Portable([x; 8])
    }

    #[inline(always)]
    unsafe fn add(self, other: Portable) -> Portable {
        let mut out = self.0;
        out.iter_mut().zip(other.0).for_each(|(a, b)| *a += b);
        Portable(out)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Portable, sum: Portable) -> Portable {
        let mut out = sum.0;
        let products = self.0.iter().zip(factor.0);
        out.iter_mut()
            .zip(products)
            .for_each(|(s, (a, b))| *s += a * b);
        Portable(out)
    }

    #[inline(always)]
    unsafe fn total(self) -> f64 {
        total(self.0)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Lanes, total};
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub struct Avx2(__m256d, __m256d);

    // SAFETY (of all blocks below): the callers' promises, as the trait states them.
    impl Lanes for Avx2 {
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
        unsafe fn total(self) -> f64 {
            let mut out = [0.0; 8];
            unsafe { self.write(out.as_mut_ptr()) };
            total(out)
        }
    }

    #[derive(Clone, Copy)]
    pub struct Avx512(__m512d);

    impl Lanes for Avx512 {
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
}
