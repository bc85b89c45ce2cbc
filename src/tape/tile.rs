//! Products of a block of a matrix with several vectors: what is read of the matrix is multiplied
//! by all of them while it is in a register, and sums stay in registers too.
//!
//! A block is read by both products of a gradient. While they work on one, the matrix's next block is
//! asked for, each of them taking every other column: what is loaded from memory is then spread over
//! all that is computed. For a single vector there is too little of that to hide it behind.

use super::lanes::{Lanes, prefetch};
use super::micro::Starts;
use super::vector::{Column, dot};
use crate::special::Real;

/// Vectors for which the next block is asked for while one is worked on.
const FETCHING: usize = 4;

/// `out[r][i] = Σ factors[r][c.factor] · matrix[c.start + i]` for so many rows `r` of `n` elements.
///
/// # Safety
/// The pointers are good for as many elements; the machine has the unit.
#[inline(always)]
pub(super) unsafe fn columns<L: Lanes>(
    matrix: *const L::T,
    factors: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    (rows, n): (usize, usize),
) {
    let wide = L::REGISTERS >= 32;
    let mut row = 0;
    while row < rows {
        // SAFETY: the caller's promise.
        unsafe {
            let (f, o) = (factors.from(row), out.from(row));
            row += match rows - row {
                8.. if wide => of_columns::<L, 8, 2>(matrix, f, columns, o, n),
                4.. if wide => of_columns::<L, 4, 4>(matrix, f, columns, o, n),
                4.. => of_columns::<L, 4, 1>(matrix, f, columns, o, n),
                2.. => of_columns::<L, 2, 2>(matrix, f, columns, o, n),
                _ => of_columns::<L, 1, 4>(matrix, f, columns, o, n),
            };
        }
    }
}

/// The next `R` rows, by tiles of `V` vectors.
#[inline(always)]
unsafe fn of_columns<L: Lanes, const R: usize, const V: usize>(
    matrix: *const L::T,
    factors: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    n: usize,
) -> usize {
    let mut i = 0;
    // SAFETY: columns hold n values from their start; factors as many as columns say.
    unsafe {
        while i + L::T::LANES * V <= n {
            sums::<L, R, V>(matrix.add(i), factors, columns, out.along(i), n);
            i += L::T::LANES * V;
        }
        while i + L::T::LANES <= n {
            sums::<L, R, 1>(matrix.add(i), factors, columns, out.along(i), n);
            i += L::T::LANES;
        }
        while i < n {
            for r in 0..R {
                let mut acc = L::T::ZERO;
                for c in columns {
                    acc +=
                        *factors.at(r).add(c.factor as usize) * *matrix.add(c.start as usize + i);
                }
                *out.at(r).add(i) = acc;
            }
            i += 1;
        }
    }
    R
}

#[inline(always)]
unsafe fn sums<L: Lanes, const R: usize, const V: usize>(
    matrix: *const L::T,
    factors: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    ahead: usize,
) {
    // SAFETY: the callers' promise.
    unsafe {
        let mut acc = [[L::splat(L::T::ZERO); V]; R];
        let mut m = [L::splat(L::T::ZERO); V];
        for (j, c) in columns.iter().enumerate() {
            let p = matrix.add(c.start as usize);
            if R >= FETCHING && j % 2 == 0 {
                for k in 0..V {
                    prefetch(p.wrapping_add(ahead + L::T::LANES * k));
                }
            }
            for (k, m) in m.iter_mut().enumerate() {
                *m = L::read(p.add(L::T::LANES * k));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let factor = L::splat(*factors.at(r).add(c.factor as usize));
                for k in 0..V {
                    acc[k] = factor.mul_add(m[k], acc[k]);
                }
            }
        }
        for (r, row) in acc.iter().enumerate() {
            for (k, a) in row.iter().enumerate() {
                a.write(out.at(r).add(L::T::LANES * k));
            }
        }
    }
}

/// `out[r][c.factor] += Σ matrix[c.start + i] · x[r][i]` for so many rows `r` of `n` elements.
///
/// # Safety
/// As for [`columns`].
#[inline(always)]
pub(super) unsafe fn column_dots<L: Lanes>(
    matrix: *const L::T,
    x: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    (rows, n): (usize, usize),
) {
    let wide = L::REGISTERS >= 32;
    let mut row = 0;
    while row < rows {
        // SAFETY: the caller's promise.
        unsafe {
            let (x, o) = (x.from(row), out.from(row));
            row += match rows - row {
                8.. if wide => of_dots::<L, 8, 3>(matrix, x, columns, o, n),
                4.. if wide => of_dots::<L, 4, 4>(matrix, x, columns, o, n),
                2.. if wide => of_dots::<L, 2, 4>(matrix, x, columns, o, n),
                2.. => of_dots::<L, 2, 3>(matrix, x, columns, o, n),
                _ => of_dots::<L, 1, 4>(matrix, x, columns, o, n),
            };
        }
    }
}

/// The next `R` rows, by tiles of `C` columns.
#[inline(always)]
unsafe fn of_dots<L: Lanes, const R: usize, const C: usize>(
    matrix: *const L::T,
    x: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    n: usize,
) -> usize {
    let mut tiles = columns.chunks_exact(C);
    let mut at = 0;
    // SAFETY: columns hold n values from their start, out as many as columns say.
    unsafe {
        for tile in &mut tiles {
            dots::<L, R, C>(matrix, x, tile, out, (at, n));
            at += C;
        }
        for c in tiles.remainder() {
            if R == 1 {
                // One chain of sums would wait for itself.
                *out.at(0).add(c.factor as usize) +=
                    dot::<L>(matrix.add(c.start as usize), x.at(0), n);
            } else {
                dots::<L, R, 1>(matrix, x, &[*c], out, (at, n));
            }
            at += 1;
        }
    }
    R
}

/// The columns are those from the `at`th on.
#[inline(always)]
unsafe fn dots<L: Lanes, const R: usize, const C: usize>(
    matrix: *const L::T,
    x: Starts<L::T>,
    columns: &[Column],
    out: Starts<L::T>,
    (at, n): (usize, usize),
) {
    // SAFETY: the callers' promise; there are C columns.
    unsafe {
        let mut p = [matrix; C];
        for (p, c) in p.iter_mut().zip(columns) {
            *p = p.add(c.start as usize);
        }
        let mut acc = [[L::splat(L::T::ZERO); C]; R];
        let mut m = [L::splat(L::T::ZERO); C];
        let mut i = 0;
        while i + L::T::LANES <= n {
            for c in 0..C {
                m[c] = L::read(p[c].add(i));
                if R >= FETCHING && (at + c) % 2 == 1 {
                    prefetch(p[c].wrapping_add(n + i));
                }
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let v = L::read(x.at(r).add(i));
                for (acc, m) in acc.iter_mut().zip(m) {
                    *acc = v.mul_add(m, *acc);
                }
            }
            i += L::T::LANES;
        }
        for (r, acc) in acc.iter().enumerate() {
            for ((acc, p), column) in acc.iter().zip(p).zip(columns) {
                let mut rest = L::T::ZERO;
                for i in i..n {
                    rest += *x.at(r).add(i) * *p.add(i);
                }
                *out.at(r).add(column.factor as usize) += acc.total() + rest;
            }
        }
    }
}
