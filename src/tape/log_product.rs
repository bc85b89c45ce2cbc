//! [`LogProduct`](crate::ops::LogProduct) and its derivatives: an exponential for each element of a vector, products
//! with the matrix's, and what underflows on that way as it is written. Compiled for each vector unit.

// Loops are over indices and lines: of iterators in pairs, calls would be left in them.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use super::element::Element;
use super::lanes::Lanes;
use crate::ops::{LogMatrices, LogWeights, log_sum, log_weight};
use crate::special::Real;

/// Elements of a vector that are kept at a time: whole lines.
const BLOCK: usize = 64;

/// Sums of products below this one may have lost terms that count: others underflow to a number that is less than
/// a 256th of their rounding.
fn least<T: Real>() -> T {
    T::of(2_f64.powi(10 - T::LARGEST_EXPONENT as i32) / T::UNIT_ROUNDOFF)
}

/// The largest number, 0 where that is not finite.
#[inline(always)]
fn top<T: Element>(c: &[T]) -> T {
    let mut tops = T::NEG_INFINITY.line();
    for first in (0..c.len()).step_by(T::LANES) {
        tops = map(tops, line(c, first, T::NEG_INFINITY), |a: T, b: T| {
            if b > a { b } else { a }
        });
    }
    let mut top = tops.as_ref()[0];
    for l in 1..T::LANES {
        let x = tops.as_ref()[l];
        top = if x > top { x } else { top };
    }
    let finite = top > T::NEG_INFINITY && top < T::INFINITY;
    if finite { top } else { T::ZERO }
}

/// A line of the numbers from `first` on, filled up.
#[inline(always)]
fn line<T: Real>(x: &[T], first: usize, fill: T) -> T::Line {
    let x = &x[first..];
    if x.len() >= T::LANES {
        // SAFETY: so many numbers are there.
        return unsafe { x.as_ptr().cast::<T::Line>().read_unaligned() };
    }
    let mut line = fill.line();
    for l in 0..x.len() {
        line.as_mut()[l] = x[l];
    }
    line
}

/// Writes the part of a line that there is room for.
#[inline(always)]
fn put<T: Real>(line: T::Line, to: &mut [T], first: usize) {
    let to = &mut to[first..];
    if to.len() >= T::LANES {
        // SAFETY: so many numbers are there.
        return unsafe { to.as_mut_ptr().cast::<T::Line>().write_unaligned(line) };
    }
    for l in 0..to.len() {
        to[l] = line.as_ref()[l];
    }
}

/// `f` of a line at a time of all that begin below `n`.
#[inline(always)]
fn fill<T: Real>(to: &mut [T; BLOCK], n: usize, f: impl Fn(usize) -> T::Line) {
    for first in (0..n.min(BLOCK)).step_by(T::LANES) {
        put(f(first), to, first);
    }
}

/// `f` of every lane: nothing else is done in the loop, so that it becomes vectors.
#[inline(always)]
fn map<T: Real>(x: T::Line, y: T::Line, f: impl Fn(T, T) -> T) -> T::Line {
    let mut out = T::LINE;
    for l in 0..T::LANES {
        out.as_mut()[l] = f(x.as_ref()[l], y.as_ref()[l]);
    }
    out
}

/// `exp(c − top)`
#[inline(always)]
fn near<T: Element>(c: &[T], top: T, first: usize) -> T::Line {
    map(line(c, first, T::ZERO), top.line(), |c: T, top| {
        (c - top).exp_lane()
    })
}

/// `sum + Σᵢ fᵢ mᵢ` for rows `m` of `stride` numbers.
///
/// # Safety
/// From `m` on there are as many rows as factors, and a line beyond the last; the machine has the unit.
#[inline(always)]
unsafe fn mixed<L: Lanes>(
    f: &[L::T],
    m: *const L::T,
    stride: usize,
    sum: &mut <L::T as Real>::Line,
) {
    // SAFETY: the caller's promise.
    unsafe {
        // Two sums, since each addition waits for the one before it.
        let mut sums = [L::read(sum.as_ref().as_ptr()), L::splat(L::T::ZERO)];
        let mut row = m;
        for i in 0..f.len() / 2 {
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = L::read(row).mul_add(L::splat(f[2 * i + k]), *sum);
                row = row.add(stride);
            }
        }
        if f.len() % 2 == 1 {
            sums[0] = L::read(row).mul_add(L::splat(f[f.len() - 1]), sums[0]);
        }
        sums[0].add(sums[1]).write(sum.as_mut().as_mut_ptr());
    }
}

/// `args` as [`LogProduct`](crate::ops::LogProduct) has them.
///
/// # Safety
/// The matrices are followed by a line that can be read; the machine has the unit.
#[inline(always)]
pub(super) unsafe fn product<L: Lanes>(all: &LogMatrices, args: &[&[L::T]], out: &mut [L::T])
where
    L::T: Element,
{
    let (rows, columns) = (all.rows, all.columns);
    let least = least::<L::T>();
    let mut block = [L::T::ZERO; BLOCK];
    for v in 0..all.vectors {
        let c = &args[0][v * rows..(v + 1) * rows];
        let at = all.of(v);
        let matrix = &args[2][at * all.size()..(at + 1) * all.size()];
        let shift = &args[3][at * columns..(at + 1) * columns];
        let out = &mut out[v * columns..(v + 1) * columns];
        let top = top(c);
        for j in (0..columns).step_by(L::T::LANES) {
            let mut sums = L::T::LINE;
            for i in (0..rows).step_by(BLOCK) {
                let c = &c[i..];
                if j == 0 || rows > BLOCK {
                    fill(&mut block, c.len(), |first| near(c, top, first));
                }
                let f = &block[..c.len().min(BLOCK)];
                // SAFETY: a line from the last row on reaches at most a line beyond the matrix.
                unsafe { mixed::<L>(f, matrix.as_ptr().add(i * columns + j), columns, &mut sums) };
            }
            let fits = |sum: L::T| sum >= least && sum < L::T::INFINITY;
            let nan = L::T::of(f64::NAN);
            let shift = line(shift, j, L::T::ZERO);
            let logs = map(sums, shift, |sum: L::T, shift| {
                sum.log_lane() + (top + shift)
            });
            let logs = map(
                sums,
                logs,
                |sum: L::T, log| if fits(sum) { log } else { nan },
            );
            put(logs, out, j);
            let out = &mut out[j..];
            let mut good = true;
            for l in 0..out.len().min(L::T::LANES) {
                good &= fits(sums.as_ref()[l]);
            }
            if !good {
                as_written(c, &args[1][at * all.size() + j..], columns, out);
            }
        }
    }
}

/// Computes those of a line of results anew that are not numbers.
#[cold]
#[inline(never)]
fn as_written<T: Real>(c: &[T], p: &[T], columns: usize, out: &mut [T]) {
    for (j, out) in out.iter_mut().take(T::LANES).enumerate() {
        if out.is_nan() {
            *out = log_sum(c, |i| p[i * columns + j]);
        }
    }
}

/// `args` as [`LogWeights`] has them.
///
/// # Safety
/// As for [`product`].
#[inline(always)]
pub(super) unsafe fn weights<L: Lanes>(
    kind: LogWeights,
    all: &LogMatrices,
    args: &[&[L::T]],
    out: &mut [L::T],
) where
    L::T: Element,
{
    let most = L::T::ONE / least();
    let sums = Weights { all, args, most };
    // SAFETY: the caller's promise.
    unsafe {
        match kind {
            LogWeights::Rows => sums.rows::<L>(out),
            LogWeights::Columns => sums.columns(out),
            LogWeights::Outer => sums.outer::<L>(out),
        }
    }
}

struct Weights<'a, T> {
    all: &'a LogMatrices,
    args: &'a [&'a [T]],
    /// Weights in columns whose `exp(top + shift − y)` is larger are computed as they are written.
    most: T,
}

impl<T: Element> Weights<'_, T> {
    /// An argument that has numbers for each row of a vector.
    #[inline(always)]
    fn row(&self, argument: usize, v: usize) -> &[T] {
        &self.args[argument][v * self.all.rows..(v + 1) * self.all.rows]
    }

    #[inline(always)]
    fn column(&self, argument: usize, v: usize) -> &[T] {
        &self.args[argument][v * self.all.columns..(v + 1) * self.all.columns]
    }

    #[inline(always)]
    fn matrix(&self, argument: usize, v: usize) -> &[T] {
        &self.args[argument][self.all.of(v) * self.all.size()..][..self.all.size()]
    }

    /// `bⱼ exp(top + shiftⱼ − yⱼ)` of a line of columns, 0 for weights that are computed as they are written; `good`
    /// remains if there are none.
    #[inline(always)]
    fn far(&self, v: usize, top: T, first: usize, b: Option<&[T]>, good: &mut bool) -> T::Line {
        let columns = self.all.columns;
        let shift = &self.args[4][self.all.of(v) * columns..][..columns];
        let (shift, y) = (
            line(shift, first, T::ZERO),
            line(self.column(2, v), first, T::INFINITY),
        );
        let b = b.map_or(T::ONE.line(), |b| line(b, first, T::ZERO));
        let scale = map(shift, y, |shift: T, y| (top + shift - y).exp_lane());
        let most = self.most;
        for l in 0..T::LANES {
            *good &= scale.as_ref()[l] <= most;
        }
        map(scale, b, |x, b| if x <= most { x * b } else { T::ZERO })
    }

    /// Gives the weights that are computed as they are written, with row and column.
    #[cold]
    #[inline(never)]
    fn beyond(&self, v: usize, top: T, b: Option<&[T]>, give: &mut dyn FnMut(usize, usize, T)) {
        let (c, y, p) = (self.row(0, v), self.column(2, v), self.matrix(1, v));
        for j in 0..self.all.columns {
            let shift = self.args[4][self.all.of(v) * self.all.columns + j];
            let good = (top + shift - y[j]).exp_lane() <= self.most;
            if good || b.is_some_and(|b| b[j] == T::ZERO) {
                continue;
            }
            for i in 0..c.len() {
                give(i, j, log_weight(c[i], p[i * self.all.columns + j], y[j]));
            }
        }
    }

    /// # Safety
    /// As for [`product`].
    #[inline(always)]
    unsafe fn rows<L: Lanes<T = T>>(&self, out: &mut [T]) {
        let (rows, columns) = (self.all.rows, self.all.columns);
        let mut block = [T::ZERO; BLOCK];
        for v in 0..self.all.vectors {
            let out = &mut out[v * rows..(v + 1) * rows];
            let (c, b, matrix) = (self.row(0, v), self.column(5, v), self.matrix(3, v));
            let top = top(c);
            let mut good = true;
            for i in (0..rows).step_by(L::T::LANES) {
                let mut sums = T::LINE;
                for j in (0..columns).step_by(BLOCK) {
                    if i == 0 || columns > BLOCK {
                        for first in (j..columns.min(j + BLOCK)).step_by(T::LANES) {
                            let far = self.far(v, top, first, Some(b), &mut good);
                            put(far, &mut block, first - j);
                        }
                    }
                    let f = &block[..(columns - j).min(BLOCK)];
                    // SAFETY: a line from the last row on reaches at most a line beyond the matrix.
                    unsafe { mixed::<L>(f, matrix.as_ptr().add(j * rows + i), rows, &mut sums) };
                }
                let near = near(c, top, i);
                put(map(sums, near, |sum: T, near| sum * near), out, i);
            }
            if !good {
                self.beyond(v, top, Some(b), &mut |i, j, w| out[i] += w * b[j]);
            }
        }
    }

    #[inline(always)]
    fn columns(&self, out: &mut [T]) {
        let n = self.all.columns;
        for (v, out) in out.chunks_exact_mut(n).enumerate() {
            let (c, a) = (self.row(0, v), self.row(5, v));
            let top = top(c);
            out.fill(T::ZERO);
            for ((&a, &c), m) in a.iter().zip(c).zip(self.matrix(3, v).chunks_exact(n)) {
                let scale = a * (c - top).exp_lane();
                out.iter_mut()
                    .zip(m)
                    .for_each(|(out, &m)| *out += scale * m);
            }
            let mut good = true;
            for j in (0..n).step_by(T::LANES) {
                let far = self.far(v, top, j, None, &mut good);
                let results = out[j..].iter_mut().zip(far.as_ref());
                results
                    .for_each(|(out, &far)| *out = if far == T::ZERO { far } else { *out * far });
            }
            if !good {
                self.beyond(v, top, None, &mut |i, j, w| {
                    if a[i] != T::ZERO {
                        out[j] += a[i] * w;
                    }
                });
            }
        }
    }

    /// # Safety
    /// As for [`product`].
    #[inline(always)]
    unsafe fn outer<L: Lanes<T = T>>(&self, out: &mut [T]) {
        let (rows, columns, size) = (self.all.rows, self.all.columns, self.all.size());
        let (mut near_block, mut far_block) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
        let mut good = true;
        out.fill(T::ZERO);
        for v in 0..self.all.vectors {
            let out = &mut out[self.all.of(v) * size..][..size];
            let (c, b) = (self.row(0, v), self.column(5, v));
            let top = top(c);
            for j in (0..columns).step_by(BLOCK) {
                let n = (columns - j).min(BLOCK);
                for first in (0..n).step_by(T::LANES) {
                    let far = self.far(v, top, j + first, Some(b), &mut good);
                    put(far, &mut far_block, first);
                }
                for i in (0..rows).step_by(BLOCK) {
                    let c = &c[i..];
                    fill(&mut near_block, c.len(), |first| near(c, top, first));
                    if let Some(a) = self.args.get(6) {
                        let a = &a[v * rows + i..(v + 1) * rows];
                        near_block
                            .iter_mut()
                            .zip(a)
                            .for_each(|(near, &a)| *near = *near * a);
                    }
                    let m = c.len().min(BLOCK);
                    for k in 0..m {
                        let near = near_block[k];
                        let to = &mut out[(i + k) * columns + j..][..n];
                        // SAFETY: the machine has the unit.
                        unsafe { add_scaled::<L>(near, &far_block, to) };
                    }
                }
            }
        }
        out.iter_mut()
            .zip(self.args[3])
            .for_each(|(out, &m)| *out = *out * m);
        if !good {
            self.outer_beyond(out);
        }
    }

    #[cold]
    #[inline(never)]
    fn outer_beyond(&self, out: &mut [T]) {
        let (rows, columns, size) = (self.all.rows, self.all.columns, self.all.size());
        for v in 0..self.all.vectors {
            let out = &mut out[self.all.of(v) * size..][..size];
            let b = self.column(5, v);
            self.beyond(v, top(self.row(0, v)), Some(b), &mut |i, j, w| {
                let a = self.args.get(6).map_or(T::ONE, |a| a[v * rows + i]);
                if a != T::ZERO {
                    out[i * columns + j] += a * w * b[j];
                }
            });
        }
    }
}

/// `out += factor · x`
///
/// # Safety
/// The machine has the unit.
#[inline(always)]
unsafe fn add_scaled<L: Lanes>(factor: L::T, x: &[L::T; BLOCK], out: &mut [L::T]) {
    let mut first = 0;
    while first + L::T::LANES <= out.len() {
        // SAFETY: a line of both begins there.
        unsafe {
            let (x, to) = (x.as_ptr().add(first), out.as_mut_ptr().add(first));
            L::read(x).mul_add(L::splat(factor), L::read(to)).write(to);
        }
        first += L::T::LANES;
    }
    for l in first..out.len() {
        out[l] += factor * x[l];
    }
}
