//! A fused kernel: loads, arithmetic and stores over one range of elements, run block by block so
//! that what is between them stays in the first-level cache.

use super::element::Element;
use super::index_map::{Dims, runs};
use super::vector::{Column, SelectKernel, Vector};
use crate::ops::ReduceKind;
use crate::special::{BinaryKernel, UnaryKernel};
use std::sync::Arc;

/// Where a tape runs: its arena, its constants, the loops for the machine.
#[derive(Clone, Copy)]
pub struct Context<T: Element = f64> {
    /// Arena, then constants (never written).
    pub bases: [*mut T; 2],
    pub vector: &'static Vector<T>,
}

/// A place in the arena, or (top bit set) among the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u32);

const CONSTANT: u32 = 1 << 31;

impl Place {
    pub fn arena(at: usize) -> Place {
        assert!(
            at < CONSTANT as usize,
            "an arena has fewer than 2³¹ numbers"
        );
        Place(at as u32)
    }

    pub fn constant(at: usize) -> Place {
        assert!(
            at < CONSTANT as usize,
            "constants have fewer than 2³¹ numbers"
        );
        Place(at as u32 | CONSTANT)
    }

    pub fn plus(self, offset: usize) -> Place {
        if self.0 & CONSTANT == 0 {
            Place::arena(self.0 as usize + offset)
        } else {
            Place::constant((self.0 & !CONSTANT) as usize + offset)
        }
    }

    /// The cell in the arena.
    pub fn cell(self) -> u32 {
        debug_assert_eq!(self.0 & CONSTANT, 0, "cells are in the arena");
        self.0
    }

    /// The offset among the constants, if it is one.
    pub fn in_constants(self) -> Option<u32> {
        (self.0 & CONSTANT != 0).then_some(self.0 & !CONSTANT)
    }

    /// # Safety
    /// The place was planned for this context.
    #[inline(always)]
    pub unsafe fn pointer<T: Element>(self, context: &Context<T>) -> *mut T {
        // SAFETY: planned places lie inside their memory.
        unsafe { context.bases[(self.0 >> 31) as usize].add((self.0 & !CONSTANT) as usize) }
    }
}

/// A block of a kernel's range: `n` elements of a row from `start` on. The row is the `turn`th of
/// those that are worked on together.
#[derive(Clone, Copy)]
pub(super) struct Block {
    row: usize,
    turn: usize,
    start: usize,
    n: usize,
}

/// An operand of a block operation: a stream that advances with the block, or a fixed place (a
/// block register, a single number). From row to row it moves by `step`, from turn to turn by
/// `turn`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slot {
    place: Place,
    mask: u32,
    step: u32,
    turn: u32,
}

impl Slot {
    pub fn stream(place: Place) -> Slot {
        Slot {
            place,
            mask: u32::MAX,
            step: 0,
            turn: 0,
        }
    }

    pub fn fixed(place: Place) -> Slot {
        Slot {
            place,
            mask: 0,
            step: 0,
            turn: 0,
        }
    }

    /// The slot of the first row, which moves by so much to the next.
    pub fn by(self, step: usize) -> Slot {
        let step = u32::try_from(step).expect("buffers have fewer than 2³² elements");
        Slot { step, ..self }
    }

    /// A block register of `len` numbers, of which each row worked on at a time has its own.
    pub fn register(place: Place, len: usize) -> Slot {
        let turn = u32::try_from(len).expect("blocks are small");
        Slot {
            turn,
            ..Slot::fixed(place)
        }
    }

    /// A stream's slot that stands still: who uses it counts for itself.
    pub fn standing(self) -> Slot {
        Slot { mask: 0, ..self }
    }

    #[inline(always)]
    unsafe fn at<T: Element>(self, context: &Context<T>, block: Block) -> *mut T {
        let along = (block.start as u32 & self.mask) as usize;
        // SAFETY: streams are as long as the kernel's rows, and there are as many as it has.
        unsafe {
            self.place
                .pointer(context)
                .add(block.row * self.step as usize + block.turn * self.turn as usize + along)
        }
    }

    /// The slot in each of the rows from that of `block` on.
    #[inline(always)]
    unsafe fn rows<T: Element>(self, context: &Context<T>, block: Block) -> Starts<T> {
        Starts {
            // SAFETY: as for `at`.
            first: unsafe { self.at(context, block) },
            step: self.step as usize + self.turn as usize,
        }
    }
}

/// Where some rows begin: the first, and the step to the next.
#[derive(Clone, Copy)]
pub struct Starts<T> {
    pub first: *mut T,
    pub step: usize,
}

impl<T: Copy> Starts<T> {
    /// # Safety
    /// There is such a row.
    #[inline(always)]
    pub unsafe fn at(self, row: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.first.add(row * self.step) }
    }

    /// From another row on.
    ///
    /// # Safety
    /// There is such a row.
    #[inline(always)]
    pub unsafe fn from(self, row: usize) -> Starts<T> {
        // SAFETY: the caller's promise.
        let first = unsafe { self.at(row) };
        Starts { first, ..self }
    }

    /// From another element on.
    ///
    /// # Safety
    /// The rows have such an element.
    #[inline(always)]
    pub unsafe fn along(self, by: usize) -> Starts<T> {
        // SAFETY: the caller's promise.
        let first = unsafe { self.first.add(by) };
        Starts { first, ..self }
    }
}

/// How elements of the range lie in a buffer.
pub(super) struct Pattern {
    pub lie: Lie,
    /// Elements of a row if the pattern is one of all rows, 0 if each row is like the first.
    pub columns: usize,
}

pub(super) enum Lie {
    Nest { offset: usize, dims: Dims },
    Table(Arc<Vec<u32>>),
}

/// One block operation. `whole`: may be run on the block rounded up to whole vectors, since its
/// result has room for it.
pub(super) enum Micro<T: Element = f64> {
    Unary {
        kernel: UnaryKernel<T>,
        a: Slot,
        out: Slot,
        whole: bool,
    },
    Binary {
        kernel: BinaryKernel<T>,
        a: Slot,
        b: Slot,
        out: Slot,
        whole: bool,
    },
    Select {
        kernel: SelectKernel<T>,
        c: Slot,
        a: Slot,
        b: Slot,
        out: Slot,
        whole: bool,
    },
    /// The single number at `a`, repeated.
    Fill {
        a: Slot,
        out: Slot,
    },
    Copy {
        a: Slot,
        out: Slot,
    },
    Load {
        base: Slot,
        pattern: Box<Pattern>,
        out: Slot,
    },
    Store {
        a: Slot,
        base: Slot,
        pattern: Box<Pattern>,
    },
    Accumulate {
        kind: ReduceKind,
        a: Slot,
        base: Slot,
        pattern: Box<Pattern>,
    },
    /// Adds the sum of `softplus` of the block to one number, and perhaps writes its `sigmoid`.
    SoftplusSum {
        a: Slot,
        sigmoid: Option<Slot>,
        out: Slot,
    },
    /// Adds the block to another.
    Add {
        a: Slot,
        out: Slot,
    },
    /// Adds the sum of the block to one number.
    Sum {
        a: Slot,
        out: Slot,
    },
    Dot {
        a: Slot,
        b: Slot,
        out: Slot,
    },
    /// `out = M · factors`, block by block of rows; columns of M are streams.
    Columns {
        matrix: Slot,
        factors: Slot,
        columns: Box<[Column]>,
        out: Slot,
    },
    /// `out += Mᵀ a`
    ColumnDots {
        matrix: Slot,
        a: Slot,
        columns: Box<[Column]>,
        out: Slot,
    },
}

/// Sets a range of the arena before the first block.
pub(super) struct Preset<T = f64> {
    pub place: Place,
    pub len: usize,
    pub value: T,
}

/// Block operations over `rows` rows of `n` elements. All rows of one block of columns come before
/// the next block, so that what rows share stays in the cache; `together` rows are worked on at a
/// time, each operation for all of them before the next.
pub(super) struct Kernel<T: Element = f64> {
    pub rows: usize,
    pub n: usize,
    pub block: usize,
    pub together: usize,
    pub presets: Vec<Preset<T>>,
    pub body: Vec<Micro<T>>,
}

impl<T: Element> Kernel<T> {
    /// # Safety
    /// All places were planned for this context; nobody else uses its arena meanwhile.
    #[inline]
    pub unsafe fn run(&self, context: &Context<T>) {
        // SAFETY: the caller's promise.
        unsafe {
            run_presets(&self.presets, context);
            let mut start = 0;
            while start < self.n {
                let n = self.block.min(self.n - start);
                for row in (0..self.rows).step_by(self.together) {
                    let rows = self.together.min(self.rows - row);
                    let turn = 0;
                    let block = Block {
                        row,
                        turn,
                        start,
                        n,
                    };
                    for micro in &self.body {
                        micro.run_rows(context, block, rows);
                    }
                }
                start += n;
            }
        }
    }
}

/// # Safety
/// As for [`Kernel::run`].
#[inline]
pub(super) unsafe fn run_presets<T: Element>(presets: &[Preset<T>], context: &Context<T>) {
    for preset in presets {
        // SAFETY: the caller's promise.
        unsafe {
            std::slice::from_raw_parts_mut(preset.place.pointer(context), preset.len)
                .fill(preset.value);
        }
    }
}

impl<T: Element> Micro<T> {
    /// Runs the block of so many rows from that of `first` on.
    ///
    /// # Safety
    /// As for [`Kernel::run`]; the blocks lie in the kernel's range.
    #[inline(always)]
    unsafe fn run_rows(&self, context: &Context<T>, first: Block, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Micro::Columns {
                    matrix,
                    factors,
                    columns,
                    out,
                } => (context.vector.columns)(
                    matrix.at(context, first),
                    factors.rows(context, first),
                    columns,
                    out.rows(context, first),
                    (rows, first.n),
                ),
                Micro::ColumnDots {
                    matrix,
                    a,
                    columns,
                    out,
                } => (context.vector.column_dots)(
                    matrix.at(context, first),
                    a.rows(context, first),
                    columns,
                    out.rows(context, first),
                    (rows, first.n),
                ),
                _ => {
                    for turn in 0..rows {
                        let row = first.row + turn;
                        self.run(context, Block { row, turn, ..first });
                    }
                }
            }
        }
    }

    /// # Safety
    /// As for [`Kernel::run`]; the block lies in the kernel's range.
    #[inline(always)]
    unsafe fn run(&self, context: &Context<T>, block: Block) {
        let n = block.n;
        let rounded = |whole: bool| {
            if whole {
                n.next_multiple_of(T::LANES)
            } else {
                n
            }
        };
        // SAFETY: the caller's promise; results never overlap operands other than exactly.
        unsafe {
            match self {
                Micro::Unary {
                    kernel,
                    a,
                    out,
                    whole,
                } => kernel(
                    a.at(context, block),
                    out.at(context, block),
                    rounded(*whole),
                ),
                Micro::Binary {
                    kernel,
                    a,
                    b,
                    out,
                    whole,
                } => kernel(
                    a.at(context, block),
                    b.at(context, block),
                    out.at(context, block),
                    rounded(*whole),
                ),
                Micro::Select {
                    kernel,
                    c,
                    a,
                    b,
                    out,
                    whole,
                } => kernel(
                    c.at(context, block),
                    a.at(context, block),
                    b.at(context, block),
                    out.at(context, block),
                    rounded(*whole),
                ),
                Micro::Sum { a, out } => {
                    *out.at(context, block) += (context.vector.sum)(a.at(context, block), n);
                }
                Micro::Dot { a, b, out } => {
                    let (a, b) = (a.at(context, block), b.at(context, block));
                    *out.at(context, block) += (context.vector.dot)(a, b, n);
                }
                Micro::SoftplusSum { a, sigmoid, out } => {
                    let into = sigmoid.map(|s| s.at(context, block));
                    let sum = (context.vector.softplus_sum)(a.at(context, block), into, n);
                    *out.at(context, block) += sum;
                }
                _ => self.run_movement(context, block),
            }
        }
    }

    /// # Safety
    /// As for [`Micro::run`].
    unsafe fn run_movement(&self, context: &Context<T>, block: Block) {
        let n = block.n;
        // SAFETY: as for `run`; patterns were made for the buffers at their bases.
        unsafe {
            match self {
                Micro::Fill { a, out } => {
                    let value = *a.at(context, block);
                    std::slice::from_raw_parts_mut(out.at(context, block), n).fill(value);
                }
                Micro::Add { a, out } => {
                    let (a, out) = (a.at(context, block), out.at(context, block));
                    (context.vector.add)(a, out, n);
                }
                Micro::Copy { a, out } => {
                    std::ptr::copy(a.at(context, block), out.at(context, block), n);
                }
                Micro::Load { base, pattern, out } => load(
                    base.at(context, block),
                    pattern,
                    out.at(context, block),
                    block,
                    context,
                ),
                Micro::Store { a, base, pattern } => store(
                    a.at(context, block),
                    pattern,
                    base.at(context, block),
                    block,
                ),
                Micro::Accumulate {
                    kind,
                    a,
                    base,
                    pattern,
                } => accumulate(
                    *kind,
                    a.at(context, block),
                    pattern,
                    base.at(context, block),
                    block,
                    context,
                ),
                _ => unreachable!("arithmetic is run by `run` and `run_rows`"),
            }
        }
    }
}

impl Pattern {
    /// The index of the block's first element.
    fn first(&self, block: Block) -> usize {
        block.row * self.columns + block.start
    }
}

unsafe fn load<T: Element>(
    base: *const T,
    pattern: &Pattern,
    out: *mut T,
    block: Block,
    context: &Context<T>,
) {
    let (start, n) = (pattern.first(block), block.n);
    // SAFETY: the pattern was made for the buffer at `base`; `out` holds the block.
    unsafe {
        match &pattern.lie {
            Lie::Table(table) => (context.vector.gather)(base, table.as_ptr().add(start), out, n),
            Lie::Nest { offset, dims } => {
                let stride = dims.last().map_or(0, |d| d.stride);
                runs(*offset, dims, start, n, |at, address, len| {
                    let (from, to) = (base.add(address), out.add(at));
                    match stride {
                        0 => std::slice::from_raw_parts_mut(to, len).fill(*from),
                        1 => std::ptr::copy_nonoverlapping(from, to, len),
                        _ => {
                            for i in 0..len {
                                *to.add(i) = *from.add(i * stride);
                            }
                        }
                    }
                });
            }
        }
    }
}

unsafe fn store<T: Element>(a: *const T, pattern: &Pattern, base: *mut T, block: Block) {
    let (start, n) = (pattern.first(block), block.n);
    // SAFETY: the pattern was made for the buffer at `base`; `a` holds the block.
    unsafe {
        match &pattern.lie {
            Lie::Table(table) => {
                let index = &table[start..start + n];
                for (i, &k) in index.iter().enumerate() {
                    *base.add(k as usize) = *a.add(i);
                }
            }
            Lie::Nest { offset, dims } => {
                let stride = dims.last().map_or(0, |d| d.stride);
                runs(*offset, dims, start, n, |at, address, len| {
                    let (from, to) = (a.add(at), base.add(address));
                    if stride == 1 {
                        std::ptr::copy_nonoverlapping(from, to, len);
                    } else {
                        for i in 0..len {
                            *to.add(i * stride) = *from.add(i);
                        }
                    }
                });
            }
        }
    }
}

unsafe fn accumulate<T: Element>(
    kind: ReduceKind,
    a: *const T,
    pattern: &Pattern,
    base: *mut T,
    block: Block,
    context: &Context<T>,
) {
    let vector = context.vector;
    let (start, n) = (pattern.first(block), block.n);
    // SAFETY: the pattern was made for the buffer at `base`; `a` holds the block.
    unsafe {
        match &pattern.lie {
            Lie::Table(table) if kind == ReduceKind::Sum => {
                (vector.scatter)(a, table.as_ptr().add(start), base, n);
            }
            Lie::Table(table) => {
                for (i, &k) in table[start..start + n].iter().enumerate() {
                    let to = base.add(k as usize);
                    *to = kind.combine(*to, *a.add(i));
                }
            }
            Lie::Nest { offset, dims } => {
                let stride = dims.last().map_or(0, |d| d.stride);
                runs(*offset, dims, start, n, |at, address, len| {
                    let (from, to) = (a.add(at), base.add(address));
                    match (stride, kind) {
                        (0, ReduceKind::Sum) => *to += (vector.sum)(from, len),
                        (0, ReduceKind::Max) => {
                            *to = kind.combine(*to, (vector.largest)(from, len));
                        }
                        (0, ReduceKind::Min) => {
                            *to = kind.combine(*to, (vector.smallest)(from, len));
                        }
                        (1, ReduceKind::Sum) => (vector.add)(from, to, len),
                        _ => {
                            for i in 0..len {
                                let to = to.add(i * stride);
                                *to = kind.combine(*to, *from.add(i));
                            }
                        }
                    }
                });
            }
        }
    }
}
