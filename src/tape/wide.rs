//! Straight-line code on rows of numbers: one for each of many samples, side by side.
//!
//! The code is that of a single sample ([`Scalar`]); every cell is a row, every instruction
//! a loop over it. A dispatch is paid once for all samples, and vector units are full whatever the
//! code is like, in functions above all.

use super::micro::{Context, Place};
use super::scalar::{At, Scalar, Steps};
use crate::ops::ReduceKind;
use crate::special::{BinaryKernel, Level, UnaryKernel};
use std::ops::Range;

/// Samples that are worked on together: their rows stay in the first-level cache.
const MOST: usize = 64;

/// Straight-line code that is run in rows.
pub(super) struct InRows {
    before: Vec<Wide>,
    step: Vec<Wide>,
    /// Where the rows lie in the arena, and the numbers of each.
    region: usize,
    width: usize,
}

fn width(samples: usize) -> usize {
    samples.next_multiple_of(8).min(MOST)
}

/// Numbers that the rows of so many cells take.
pub(super) fn room(cells: usize, samples: usize) -> usize {
    cells * width(samples)
}

impl InRows {
    /// The code on cells `private`, with rows from `region` on.
    pub fn new(
        (before, step): (&[Scalar], &[Scalar]),
        private: &Range<u32>,
        samples: usize,
        region: usize,
    ) -> InRows {
        let widened = |code: &[Scalar]| code.iter().map(|i| widen(*i, private.start)).collect();
        InRows {
            before: widened(before),
            step: widened(step),
            region,
            width: width(samples),
        }
    }

    /// The cells of a constant's row.
    pub fn row(&self, cell: usize) -> Range<usize> {
        let start = self.region + cell * self.width;
        start..start + self.width
    }

    /// # Safety
    /// All strided numbers and rows lie in the context's memory, which nobody else uses meanwhile.
    pub unsafe fn run(&self, context: &Context, steps: Steps, samples: usize) {
        let mut first = 0;
        while first < samples {
            // SAFETY: the caller's promise.
            unsafe {
                let rows = Rows {
                    start: context.bases[0].add(self.region),
                    width: self.width,
                    first,
                    count: self.width.min(samples - first),
                };
                (context.vector.wide)(&self.before, context, rows, Steps::ONE);
                (context.vector.wide)(&self.step, context, rows, steps);
            }
            first += self.width;
        }
    }
}

/// The loop over rows for an instruction; rows count from the cell `first`.
fn widen(mut scalar: Scalar, first: u32) -> Wide {
    let level = Level::detect();
    scalar.move_cells(first);
    let strided = |place: Place, at: At| Strided {
        place,
        sample: at.sample as usize,
        step: at.step as usize,
    };
    let [arena, constants] = [Place::arena, Place::constant];
    match scalar {
        Scalar::Call1(row, r, a) => Wide::Unary((row.block)(level), r, a),
        Scalar::Call2(row, r, a, b) => Wide::Binary((row.blocks)(level).both, r, a, b),
        Scalar::Take(r, at) => Wide::Take(r, strided(arena(at.start as usize), at)),
        Scalar::TakeConstant(r, at) => Wide::Take(r, strided(constants(at.start as usize), at)),
        Scalar::Put(a, at) => Wide::Put(a, strided(arena(at.start as usize), at)),
        plain => Wide::Plain(plain),
    }
}

/// One instruction; numbers are rows, counted from the start of the rows' memory.
pub(super) enum Wide {
    Plain(Scalar),
    Unary(UnaryKernel, u32, u32),
    Binary(BinaryKernel, u32, u32, u32),
    Take(u32, Strided),
    Put(u32, Strided),
}

/// One number of a tensor for each sample and step.
#[derive(Clone, Copy)]
pub(super) struct Strided {
    pub place: Place,
    /// From sample to sample, and from step to step.
    pub sample: usize,
    pub step: usize,
}

/// The samples that are worked on together.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// The memory of the rows.
    pub start: *mut f64,
    /// Numbers of a row: whole vectors.
    pub width: usize,
    /// The first sample and their number.
    pub first: usize,
    pub count: usize,
}

/// `(code, context, rows, steps)`
pub(super) type WideKernel = unsafe fn(&[Wide], &Context, Rows, Steps);

/// Runs the code for each step.
///
/// # Safety
/// All rows lie in their memory and all strided numbers in the context's, which nobody else uses.
#[inline(always)]
pub(super) unsafe fn run<const FUSED: bool>(
    code: &[Wide],
    context: &Context,
    rows: Rows,
    steps: Steps,
) {
    // SAFETY: the caller's promise.
    let at = |row: u32| unsafe { rows.start.add(row as usize * rows.width) };
    for step in 0..steps.count {
        let t = if steps.reverse {
            steps.count - 1 - step
        } else {
            step
        };
        for instruction in code {
            // SAFETY: the caller's promise.
            unsafe {
                match instruction {
                    Wide::Plain(scalar) => plain::<FUSED>(*scalar, rows),
                    Wide::Unary(kernel, r, a) => kernel(at(*a), at(*r), rows.width),
                    Wide::Binary(kernel, r, a, b) => kernel(at(*a), at(*b), at(*r), rows.width),
                    Wide::Take(r, from) => {
                        let x = from.place.pointer(context);
                        let x = x.add(t * from.step + rows.first * from.sample);
                        gather(x, from.sample, at(*r), rows.count);
                    }
                    Wide::Put(a, to) => {
                        let x = to.place.pointer(context);
                        let x = x.add(t * to.step + rows.first * to.sample);
                        scatter(at(*a), x, to.sample, rows.count);
                    }
                }
            }
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn gather(from: *const f64, stride: usize, to: *mut f64, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if stride == 1 {
            std::ptr::copy_nonoverlapping(from, to, count);
        } else {
            for i in 0..count {
                *to.add(i) = *from.add(i * stride);
            }
        }
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn scatter(from: *const f64, to: *mut f64, stride: usize, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if stride == 1 {
            std::ptr::copy_nonoverlapping(from, to, count);
        } else {
            for i in 0..count {
                *to.add(i * stride) = *from.add(i);
            }
        }
    }
}

type Eight = [f64; 8];

/// `f` of eight numbers at a time.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn map(r: *mut f64, [a, b, c]: [*const f64; 3], n: usize, f: impl Fn(f64, f64, f64) -> f64) {
    let mut i = 0;
    while i < n {
        // SAFETY: rows are whole eights.
        unsafe {
            let x = a.add(i).cast::<Eight>().read();
            let y = b.add(i).cast::<Eight>().read();
            let z = c.add(i).cast::<Eight>().read();
            let mut out = [0.0; 8];
            for l in 0..8 {
                out[l] = f(x[l], y[l], z[l]);
            }
            r.add(i).cast::<Eight>().write(out);
        }
        i += 8;
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn plain<const FUSED: bool>(scalar: Scalar, rows: Rows) {
    let n = rows.width;
    // SAFETY: the caller's promise.
    let at = |row: u32| unsafe { rows.start.add(row as usize * n) };
    let truth = |x: bool| f64::from(u8::from(x));
    let fma = |a: f64, b: f64, c: f64| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let one = |a: u32| [at(a).cast_const(); 3];
    let two = |a: u32, b: u32| [at(a).cast_const(), at(b).cast_const(), at(b).cast_const()];
    let three = |a: u32, b: u32, c: u32| [at(a), at(b), at(c)].map(|p| p.cast_const());
    // SAFETY: the caller's promise.
    unsafe {
        match scalar {
            Scalar::Copy(r, a) => map(at(r), one(a), n, |x, _, _| x),
            Scalar::Neg(r, a) => map(at(r), one(a), n, |x, _, _| -x),
            Scalar::Square(r, a) => map(at(r), one(a), n, |x, _, _| x * x),
            Scalar::Recip(r, a) => map(at(r), one(a), n, |x, _, _| 1.0 / x),
            Scalar::Sqrt(r, a) => map(at(r), one(a), n, |x, _, _| x.sqrt()),
            Scalar::Add(r, a, b) => map(at(r), two(a, b), n, |x, y, _| x + y),
            Scalar::Sub(r, a, b) => map(at(r), two(a, b), n, |x, y, _| x - y),
            Scalar::Mul(r, a, b) => map(at(r), two(a, b), n, |x, y, _| x * y),
            Scalar::Div(r, a, b) => map(at(r), two(a, b), n, |x, y, _| x / y),
            Scalar::MulAdd(r, a, b, c) => map(at(r), three(a, b, c), n, fma),
            Scalar::MulSub(r, a, b, c) => map(at(r), three(a, b, c), n, |x, y, z| fma(-x, y, z)),
            Scalar::MulLess(r, a, b, c) => map(at(r), three(a, b, c), n, |x, y, z| fma(x, y, -z)),
            Scalar::Lt(r, a, b) => map(at(r), two(a, b), n, |x, y, _| truth(x < y)),
            Scalar::Gt(r, a, b) => map(at(r), two(a, b), n, |x, y, _| truth(x > y)),
            Scalar::Eq(r, a, b) => map(at(r), two(a, b), n, |x, y, _| truth(x == y)),
            Scalar::Max(r, a, b) => {
                map(at(r), two(a, b), n, |x, y, _| ReduceKind::Max.combine(x, y));
            }
            Scalar::Min(r, a, b) => {
                map(at(r), two(a, b), n, |x, y, _| ReduceKind::Min.combine(x, y));
            }
            Scalar::Select(r, c, a, b) => {
                map(
                    at(r),
                    three(c, a, b),
                    n,
                    |c, x, y| if c != 0.0 { x } else { y },
                );
            }
            Scalar::Call1(row, r, a) => map(at(r), one(a), n, |x, _, _| (row.value)(x)),
            Scalar::Call2(row, r, a, b) => map(at(r), two(a, b), n, |x, y, _| (row.value)(x, y)),
            Scalar::Take(..) | Scalar::TakeConstant(..) | Scalar::Put(..) => {
                unreachable!("rows are taken and put by strides")
            }
        }
    }
}
