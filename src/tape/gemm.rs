//! Products of matrices: `c += a b`, or `c = 0 + a b`, at the speed of the machine's multipliers.
//!
//! A tile of `c`, a few rows of a few registers, is kept in registers while the sum over the inner
//! extent runs (Goto & van de Geijn, *Anatomy of high-performance matrix multiplication*, ACM TOMS 34
//! (2008)). Operands are read where they lie if the elements of their rows are neighbours, since a
//! block stays in the nearer caches anyway; if not, `a` is packed in panels of as many rows as a tile
//! has, `b` in panels of as many columns. Panels of `b` that lie begin where cache lines do. The workspace
//! is the caller's. Each element is summed in order, block by block of the inner extent, whatever the
//! tile: the same bits on each machine with fused multiply-adds.

use super::lanes::{Lanes, prefetch};
use crate::special::Real;

/// A matrix in memory: the step from row to row and from column to column.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<P> {
    pub at: P,
    pub row: usize,
    pub column: usize,
}

/// `c += a b` with `a` of `m` by `k`, `b` of `k` by `n`.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<T> {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: Matrix<*const T>,
    pub b: Matrix<*const T>,
    pub c: Matrix<*mut T>,
    /// Whether `c` counts as 0, whatever it holds.
    pub fresh: bool,
    /// Room for [`workspace`] numbers.
    pub room: *mut T,
}

/// Rows of `a` that are packed at a time.
const ROWS: usize = 240;
/// The most products that are summed at a time: two registers' width of so many rows of `b` fill most
/// of a first-level cache.
const INNER: usize = 256;
/// Columns of `b` that are packed at a time.
const COLUMNS: usize = 512;
/// The largest tile: rows, and registers in a row.
const TILE_ROWS: usize = 8;
const TILE_WIDTH: usize = 2;

/// Numbers that a product needs beside its operands.
pub(super) fn workspace<T: Real>(m: usize, k: usize, n: usize) -> usize {
    let inner = k.min(INNER);
    let rows = m.min(ROWS).next_multiple_of(TILE_ROWS) + TILE_ROWS;
    let columns = n.min(COLUMNS).next_multiple_of(TILE_WIDTH * T::LANES);
    (rows * inner).next_multiple_of(T::LANES) + inner * columns
}

/// With tiles of `R` rows of `W` registers.
///
/// # Safety
/// The operands hold what their extents and steps say, and `c` overlaps nothing; a line past the end
/// of `b` is readable; the machine has the unit.
#[inline(always)]
pub(super) unsafe fn run<L: Lanes, const R: usize, const W: usize>(product: &Gemm<L::T>) {
    let mut whole = *product;
    if whole.c.column != 1 && whole.c.row == 1 {
        // The transposed product has neighbours in its rows.
        let turned = |x: Matrix<*const L::T>| Matrix {
            at: x.at,
            row: x.column,
            column: x.row,
        };
        (whole.a, whole.b) = (turned(product.b), turned(product.a));
        (whole.m, whole.n) = (product.n, product.m);
        (whole.c.row, whole.c.column) = (product.c.column, product.c.row);
    }
    let Gemm { m, k, n, .. } = whole;
    // Blocks of one length: a short last one would pay for `c` as a long one does.
    let inner = k.div_ceil(k.div_ceil(INNER).max(1)).max(1);
    let rows = m.min(ROWS).next_multiple_of(R);
    // SAFETY: offsets lie inside the operands; the workspace has room for both packed blocks.
    unsafe {
        let packed_a = whole.room;
        let packed_b = whole.room.add((rows * inner).next_multiple_of(L::T::LANES));
        let mut next = 0;
        while next < n {
            let column = next;
            let past = match whole.a.column {
                1 => whole.b.part(0, column).past_line(),
                // Loads that lie across lines fit between those of a packed operand.
                _ => 0,
            };
            let columns = (COLUMNS - past).min(n - column);
            next += columns;
            for from in (0..k).step_by(inner) {
                let count = inner.min(k - from);
                let b = whole.b.part(from, column);
                let direct = b.column == 1;
                if !direct {
                    pack::<L>(b.transposed(), columns, count, W * L::T::LANES, packed_b);
                }
                for row in (0..m).step_by(ROWS) {
                    let height = ROWS.min(m - row);
                    let mut a = whole.a.part(row, from);
                    let neighbours = a.column == 1;
                    if !neighbours {
                        pack::<L>(a, height, count, R, packed_a);
                        a.at = packed_a;
                    }
                    let block = Block {
                        rows: height,
                        columns,
                        count,
                        a: a.at,
                        row: neighbours.then_some(a.row),
                        b: if direct { b.at } else { packed_b },
                        step: if direct { Some(b.row) } else { None },
                        past,
                        fresh: whole.fresh && from == 0,
                        c: Matrix {
                            at: whole.c.at.add(row * whole.c.row + column * whole.c.column),
                            ..whole.c
                        },
                    };
                    block.run::<L, R, W>();
                }
            }
        }
    }
}

impl<T> Matrix<*const T> {
    unsafe fn part(self, row: usize, column: usize) -> Matrix<*const T> {
        // SAFETY: the caller stays inside the matrix.
        let at = unsafe { self.at.add(row * self.row + column * self.column) };
        Matrix { at, ..self }
    }

    /// How many elements past a cache line its rows begin, if that is the same for all.
    fn past_line(&self) -> usize {
        let same = (self.row * size_of::<T>()).is_multiple_of(64);
        if self.column == 1 && same {
            self.at.addr() % 64 / size_of::<T>()
        } else {
            0
        }
    }

    fn transposed(self) -> Matrix<*const T> {
        Matrix {
            at: self.at,
            row: self.column,
            column: self.row,
        }
    }
}

/// Copies `rows` by `count` of a matrix in panels of `height` rows, each column by column; rows that
/// the last panel lacks are 0.
#[inline(always)]
unsafe fn pack<L: Lanes>(
    from: Matrix<*const L::T>,
    rows: usize,
    count: usize,
    height: usize,
    to: *mut L::T,
) {
    let lanes = L::T::LANES;
    // SAFETY: the caller has room for whole panels.
    unsafe {
        for first in (0..rows).step_by(height) {
            let panel = to.add(first * count);
            let source = from.at.add(first * from.row);
            let full = height.min(rows - first);
            if from.row == 1 && full == height {
                for j in 0..count {
                    let column = source.add(j * from.column);
                    std::ptr::copy_nonoverlapping(column, panel.add(j * height), height);
                }
                continue;
            }
            if full < height {
                std::slice::from_raw_parts_mut(panel, height * count).fill(L::T::ZERO);
            }
            if from.column == 1 && full == height && height.is_multiple_of(lanes) {
                transpose::<L>(source, from.row, height, count, panel);
                continue;
            }
            // A few columns at a time: what is written stays in the nearest cache.
            for start in (0..count).step_by(lanes) {
                let end = (start + lanes).min(count);
                for i in 0..full {
                    let row = source.add(i * from.row);
                    for j in start..end {
                        *panel.add(j * height + i) = *row.add(j * from.column);
                    }
                }
            }
        }
    }
}

/// Writes `rows` by `count` of a matrix, whose rows are `step` apart, column by column: as many rows as
/// some lines have lanes.
#[inline(always)]
unsafe fn transpose<L: Lanes>(
    from: *const L::T,
    step: usize,
    rows: usize,
    count: usize,
    to: *mut L::T,
) {
    let lanes = L::T::LANES;
    let whole = count / lanes * lanes;
    // SAFETY: the caller has both.
    unsafe {
        for first in (0..rows).step_by(lanes) {
            let (from, to) = (from.add(first * step), to.add(first));
            for column in (0..whole).step_by(lanes) {
                let at = from.add(column);
                match lanes {
                    16 => square::<L, 16>(at, step, to.add(column * rows), rows),
                    _ => square::<L, 8>(at, step, to.add(column * rows), rows),
                }
            }
            for column in whole..count {
                for i in 0..lanes {
                    *to.add(column * rows + i) = *from.add(i * step + column);
                }
            }
        }
    }
}

/// Transposes as many rows as lanes, by as many perfect shuffles as it takes to halve their number to one.
#[expect(
    clippy::needless_range_loop,
    reason = "iterators keep the lines from registers"
)]
#[inline(always)]
unsafe fn square<L: Lanes, const N: usize>(
    from: *const L::T,
    step: usize,
    to: *mut L::T,
    next: usize,
) {
    // SAFETY: the caller has both.
    unsafe {
        let mut lines = [L::splat(L::T::ZERO); N];
        for i in 0..N {
            lines[i] = L::read(from.add(i * step));
        }
        for _ in 0..N.ilog2() {
            let before = lines;
            for i in 0..N / 2 {
                (lines[2 * i], lines[2 * i + 1]) = before[i].zip(before[i + N / 2]);
            }
        }
        for i in 0..N {
            lines[i].write(to.add(i * next));
        }
    }
}

/// A block of the product. Either operand is packed, unless it has a step from row to row.
struct Block<T> {
    rows: usize,
    columns: usize,
    count: usize,
    a: *const T,
    row: Option<usize>,
    b: *const T,
    step: Option<usize>,
    /// Columns by which the first panel is narrower, so that the others begin where lines do.
    past: usize,
    fresh: bool,
    c: Matrix<*mut T>,
}

impl<T: Real> Block<T> {
    #[inline(always)]
    unsafe fn run<L: Lanes<T = T>, const R: usize, const W: usize>(&self) {
        let width = W * T::LANES;
        // SAFETY: as for `run` of the module.
        unsafe {
            let mut next = 0;
            while next < self.columns {
                let column = next;
                next += if column == 0 {
                    width - self.past
                } else {
                    width
                };
                next = next.min(self.columns);
                let columns = next - column;
                let (b, step) = match self.step {
                    Some(step) => (self.b.add(column), step),
                    None => (self.b.add(column * self.count), width),
                };
                let tiles = self.rows.div_ceil(R);
                for (number, row) in (0..self.rows).step_by(R).enumerate() {
                    if next < self.columns {
                        self.ask::<W>(next, (number, tiles));
                    }
                    let height = R.min(self.rows - row);
                    // Rows that are not there are read as the last one is; nobody asks for their sums.
                    let start = |i: usize| match self.row {
                        Some(step) => self.a.add((row + i.min(height - 1)) * step),
                        None => self.a.add(row * self.count + i),
                    };
                    let next = if self.row.is_some() { 1 } else { R };
                    let a: [_; R] = std::array::from_fn(start);
                    let at = self.c.at.add(row * self.c.row + column * self.c.column);
                    let c = Matrix { at, ..self.c };
                    let size = (height, columns);
                    if columns > T::LANES {
                        tile::<L, R, W>(self.count, (a, next), b, step, c, size, self.fresh);
                    } else {
                        tile::<L, R, 1>(self.count, (a, next), b, step, c, size, self.fresh);
                    }
                }
            }
        }
    }

    /// Asks for its share of the panel of `b` that comes next: rows that lie far apart are not
    /// foreseen by the machine.
    #[inline(always)]
    fn ask<const W: usize>(&self, column: usize, (number, of): (usize, usize)) {
        let Some(step) = self.step else { return };
        let share = self.count.div_ceil(of);
        for row in number * share..((number + 1) * share).min(self.count) {
            for w in 0..W {
                prefetch(self.b.wrapping_add(row * step + column + w * T::LANES));
            }
        }
    }
}

/// Adds a tile of the product to `c`, of which only `size` is there.
#[expect(
    clippy::needless_range_loop,
    reason = "iterators keep the sums from registers"
)]
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize, const W: usize>(
    count: usize,
    (a, next): ([*const L::T; R], usize),
    b: *const L::T,
    step: usize,
    c: Matrix<*mut L::T>,
    size: (usize, usize),
    fresh: bool,
) {
    let lanes = L::T::LANES;
    // SAFETY: panels of `a` are whole; a line past the end of `b` is readable.
    unsafe {
        // Loops of fixed length with plain indices: only so the sums stay in registers.
        let mut sums = [[L::splat(L::T::ZERO); W]; R];
        let (mut at, mut q) = (0, b);
        for _ in 0..count {
            let mut row = [L::splat(L::T::ZERO); W];
            for w in 0..W {
                row[w] = L::read(q.add(w * lanes));
            }
            for i in 0..R {
                let factor = L::splat(*a[i].add(at));
                for w in 0..W {
                    sums[i][w] = factor.mul_add(row[w], sums[i][w]);
                }
            }
            at += next;
            q = q.add(step);
        }
        if size == (R, W * lanes) && c.column == 1 {
            for i in 0..R {
                for w in 0..W {
                    let to = c.at.add(i * c.row + w * lanes);
                    let before = match fresh {
                        true => L::splat(L::T::ZERO),
                        false => L::read(to),
                    };
                    before.add(sums[i][w]).write(to);
                }
            }
            return;
        }
        let mut tile = [[L::T::LINE; W]; R];
        for i in 0..R {
            for w in 0..W {
                sums[i][w].write(tile[i][w].as_mut().as_mut_ptr());
            }
        }
        add_part::<L::T, W>(&tile[..size.0], size.1, c, fresh);
    }
}

/// Adds the first columns of some rows to `c`.
///
/// # Safety
/// `c` has them.
#[inline(never)]
unsafe fn add_part<T: Real, const W: usize>(
    rows: &[[T::Line; W]],
    columns: usize,
    c: Matrix<*mut T>,
    fresh: bool,
) {
    for (i, row) in rows.iter().enumerate() {
        let numbers = row.iter().flat_map(|line| line.as_ref());
        for (j, &x) in numbers.enumerate().take(columns) {
            // SAFETY: the caller's promise.
            unsafe {
                let to = c.at.add(i * c.row + j * c.column);
                *to = x + if fresh { T::ZERO } else { *to };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::element::Element;
    use super::*;
    use crate::special::Level;

    /// Sums of small whole numbers are exact in any order, so every tile must give the same bits.
    fn every_shape_and_step<T: Element>() {
        for level in Level::available() {
            for (m, k, n) in [
                (1, 2, 1),
                (8, 8, 8),
                (7, 3, 33),
                (20, 300, 40),
                (250, 5, 17),
                (9, 257, 530),
                (64, 600, 31),
                (20, 300, 544),
            ] {
                for layout in 0..16 {
                    check::<T>(*level, (m, k, n), layout);
                }
            }
        }
    }

    /// By columns where one of the first three bits of `layout` is set; over what was there if the fourth is.
    fn check<T: Element>(level: Level, (m, k, n): (usize, usize, usize), layout: usize) {
        let steps = |rows: usize, columns: usize, bit: usize| match layout >> bit & 1 {
            0 => (columns, 1),
            _ => (1, rows),
        };
        let ((ar, ac), (br, bc), (cr, cc)) = (steps(m, k, 0), steps(k, n, 1), steps(m, n, 2));
        let values = |len: usize, by: usize| -> Vec<T> {
            let line = len + T::LANES;
            (0..line)
                .map(|i| T::of((i * by % 7) as f64 - 3.0))
                .collect()
        };
        let (a, b, mut c) = (
            values(m * k, 5),
            values(k * n + T::LANES, 3),
            values(m * n, 2),
        );
        // Rows of whole lines begin a few numbers past a cache line.
        let past = b.as_ptr().addr() / size_of::<T>() % T::LANES;
        let b = &b[(3 + T::LANES - past) % T::LANES..];
        let mut wanted = c.clone();
        if layout >= 8 {
            wanted[..m * n].fill(T::ZERO);
        }
        for i in 0..m {
            for j in 0..n {
                for p in 0..k {
                    wanted[i * cr + j * cc] += a[i * ar + p * ac] * b[p * br + j * bc];
                }
            }
        }
        let size = workspace::<T>(m, k, n).max(workspace::<T>(n, k, m));
        let mut room = vec![T::ZERO; size + 1];
        room[size] = T::of(0.5);
        let product = Gemm {
            m,
            k,
            n,
            a: Matrix {
                at: a.as_ptr(),
                row: ar,
                column: ac,
            },
            b: Matrix {
                at: b.as_ptr(),
                row: br,
                column: bc,
            },
            c: Matrix {
                at: c.as_mut_ptr(),
                row: cr,
                column: cc,
            },
            fresh: layout >= 8,
            room: room.as_mut_ptr(),
        };
        // SAFETY: the operands are as long as their steps say, and a line more.
        unsafe { (T::vector(level).gemm)(&product) };
        assert_eq!(c, wanted, "{m}×{k}×{n}, layout {layout}, {level:?}");
        assert_eq!(room[size], T::of(0.5), "the workspace is enough");
    }

    #[test]
    fn products_of_double_precision() {
        every_shape_and_step::<f64>();
    }

    #[test]
    fn products_of_single_precision() {
        every_shape_and_step::<f32>();
    }
}
