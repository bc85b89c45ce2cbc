//! A fused kernel: loads, arithmetic and stores over one range of elements, run block by block so
//! that what is between them stays in the first-level cache.

use super::index_map::{Dims, runs};
use super::vector::{Column, SelectKernel, Vector};
use crate::ops::ReduceKind;
use crate::special::{BinaryKernel, UnaryKernel};
use std::sync::Arc;

/// Where a tape runs: its arena, its constants, the loops for the machine.
#[derive(Clone, Copy)]
pub(super) struct Context {
    /// Arena, then constants (never written).
    pub bases: [*mut f64; 2],
    pub vector: &'static Vector,
}

/// A place in the arena, or (top bit set) among the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(pub u32);

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
    pub unsafe fn pointer(self, context: &Context) -> *mut f64 {
        // SAFETY: planned places lie inside their memory.
        unsafe { context.bases[(self.0 >> 31) as usize].add((self.0 & !CONSTANT) as usize) }
    }
}

/// An operand of a block operation: a stream that advances with the block, or a fixed place (a
/// block register, a single number).
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    place: Place,
    mask: u32,
}

impl Slot {
    pub fn stream(place: Place) -> Slot {
        Slot {
            place,
            mask: u32::MAX,
        }
    }

    pub fn fixed(place: Place) -> Slot {
        Slot { place, mask: 0 }
    }

    #[inline(always)]
    unsafe fn at(self, context: &Context, start: usize) -> *mut f64 {
        // SAFETY: streams are as long as the kernel's range.
        unsafe {
            self.place
                .pointer(context)
                .add((start as u32 & self.mask) as usize)
        }
    }
}

/// How elements of the range lie in a buffer.
pub(super) enum Pattern {
    Nest { offset: usize, dims: Dims },
    Table(Arc<Vec<u32>>),
}

/// One block operation. `whole`: may be run on the block rounded up to whole vectors, since its
/// result has room for it.
pub(super) enum Micro {
    Unary {
        kernel: UnaryKernel,
        a: Slot,
        out: Slot,
        whole: bool,
    },
    Binary {
        kernel: BinaryKernel,
        a: Slot,
        b: Slot,
        out: Slot,
        whole: bool,
    },
    Select {
        kernel: SelectKernel,
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
        base: Place,
        pattern: Box<Pattern>,
        out: Slot,
    },
    Store {
        a: Slot,
        base: Place,
        pattern: Box<Pattern>,
    },
    Accumulate {
        kind: ReduceKind,
        a: Slot,
        base: Place,
        pattern: Box<Pattern>,
    },
    /// Adds the sum of the block to one number.
    Sum {
        a: Slot,
        out: Place,
    },
    Dot {
        a: Slot,
        b: Slot,
        out: Place,
    },
    /// `out = M · factors`, block by block of rows; columns of M are streams.
    Columns {
        matrix: Slot,
        factors: Place,
        columns: Box<[Column]>,
        out: Slot,
    },
    /// `out += Mᵀ a`
    ColumnDots {
        matrix: Slot,
        a: Slot,
        columns: Box<[Column]>,
        out: Place,
    },
}

/// Sets a range of the arena before the first block.
pub(super) struct Preset {
    pub place: Place,
    pub len: usize,
    pub value: f64,
}

pub(super) struct Kernel {
    pub n: usize,
    pub block: usize,
    pub presets: Vec<Preset>,
    pub body: Vec<Micro>,
}

impl Kernel {
    /// # Safety
    /// All places were planned for this context; nobody else uses its arena meanwhile.
    #[inline]
    pub unsafe fn run(&self, context: &Context) {
        // SAFETY: the caller's promise.
        unsafe {
            run_presets(&self.presets, context);
            let mut start = 0;
            while start < self.n {
                let n = self.block.min(self.n - start);
                for micro in &self.body {
                    micro.run(context, start, n);
                }
                start += n;
            }
        }
    }
}

/// # Safety
/// As for [`Kernel::run`].
#[inline]
pub(super) unsafe fn run_presets(presets: &[Preset], context: &Context) {
    for preset in presets {
        // SAFETY: the caller's promise.
        unsafe {
            std::slice::from_raw_parts_mut(preset.place.pointer(context), preset.len)
                .fill(preset.value);
        }
    }
}

impl Micro {
    /// # Safety
    /// As for [`Kernel::run`]; the block lies in the kernel's range.
    #[inline(always)]
    unsafe fn run(&self, context: &Context, start: usize, n: usize) {
        let rounded = |whole: bool| if whole { (n + 7) & !7 } else { n };
        // SAFETY: the caller's promise; results never overlap operands other than exactly.
        unsafe {
            match self {
                Micro::Unary {
                    kernel,
                    a,
                    out,
                    whole,
                } => kernel(
                    a.at(context, start),
                    out.at(context, start),
                    rounded(*whole),
                ),
                Micro::Binary {
                    kernel,
                    a,
                    b,
                    out,
                    whole,
                } => kernel(
                    a.at(context, start),
                    b.at(context, start),
                    out.at(context, start),
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
                    c.at(context, start),
                    a.at(context, start),
                    b.at(context, start),
                    out.at(context, start),
                    rounded(*whole),
                ),
                Micro::Sum { a, out } => {
                    *out.pointer(context) += (context.vector.sum)(a.at(context, start), n);
                }
                Micro::Dot { a, b, out } => {
                    let (a, b) = (a.at(context, start), b.at(context, start));
                    *out.pointer(context) += (context.vector.dot)(a, b, n);
                }
                Micro::Columns {
                    matrix,
                    factors,
                    columns,
                    out,
                } => (context.vector.columns)(
                    matrix.at(context, start),
                    factors.pointer(context),
                    columns,
                    out.at(context, start),
                    n,
                ),
                Micro::ColumnDots {
                    matrix,
                    a,
                    columns,
                    out,
                } => (context.vector.column_dots)(
                    matrix.at(context, start),
                    a.at(context, start),
                    columns,
                    out.pointer(context),
                    n,
                ),
                _ => self.run_movement(context, start, n),
            }
        }
    }

    /// # Safety
    /// As for [`Micro::run`].
    unsafe fn run_movement(&self, context: &Context, start: usize, n: usize) {
        // SAFETY: as for `run`; patterns were made for the buffers at their bases.
        unsafe {
            match self {
                Micro::Fill { a, out } => {
                    let value = *a.at(context, start);
                    std::slice::from_raw_parts_mut(out.at(context, start), n).fill(value);
                }
                Micro::Copy { a, out } => {
                    std::ptr::copy(a.at(context, start), out.at(context, start), n);
                }
                Micro::Load { base, pattern, out } => load(
                    base.pointer(context),
                    pattern,
                    out.at(context, start),
                    (start, n),
                    context,
                ),
                Micro::Store { a, base, pattern } => store(
                    a.at(context, start),
                    pattern,
                    base.pointer(context),
                    (start, n),
                ),
                Micro::Accumulate {
                    kind,
                    a,
                    base,
                    pattern,
                } => accumulate(
                    *kind,
                    a.at(context, start),
                    pattern,
                    base.pointer(context),
                    (start, n),
                    context,
                ),
                _ => unreachable!("arithmetic is run by `run`"),
            }
        }
    }
}

unsafe fn load(
    base: *const f64,
    pattern: &Pattern,
    out: *mut f64,
    (start, n): (usize, usize),
    context: &Context,
) {
    // SAFETY: the pattern was made for the buffer at `base`; `out` holds the block.
    unsafe {
        match pattern {
            Pattern::Table(table) => {
                (context.vector.gather)(base, table.as_ptr().add(start), out, n)
            }
            Pattern::Nest { offset, dims } => {
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

unsafe fn store(a: *const f64, pattern: &Pattern, base: *mut f64, (start, n): (usize, usize)) {
    // SAFETY: the pattern was made for the buffer at `base`; `a` holds the block.
    unsafe {
        match pattern {
            Pattern::Table(table) => {
                let index = &table[start..start + n];
                for (i, &k) in index.iter().enumerate() {
                    *base.add(k as usize) = *a.add(i);
                }
            }
            Pattern::Nest { offset, dims } => {
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

unsafe fn accumulate(
    kind: ReduceKind,
    a: *const f64,
    pattern: &Pattern,
    base: *mut f64,
    (start, n): (usize, usize),
    context: &Context,
) {
    let vector = context.vector;
    // SAFETY: the pattern was made for the buffer at `base`; `a` holds the block.
    unsafe {
        match pattern {
            Pattern::Table(table) if kind == ReduceKind::Sum => {
                (vector.scatter)(a, table.as_ptr().add(start), base, n);
            }
            Pattern::Table(table) => {
                for (i, &k) in table[start..start + n].iter().enumerate() {
                    let to = base.add(k as usize);
                    *to = kind.combine(*to, *a.add(i));
                }
            }
            Pattern::Nest { offset, dims } => {
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
