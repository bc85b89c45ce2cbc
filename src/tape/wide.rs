//! Straight-line code on rows of numbers: one for each of many samples, side by side.
//!
//! The code is that of a single sample ([`Scalar`]); every cell is a row, every instruction
//! a loop over it. A dispatch is paid once for all samples, and vector units are full whatever the
//! code is like, in functions above all.

use super::element::Element;
use super::micro::{Context, Place};
use super::scalar::{At, Scalar, Steps};
use crate::ops::ReduceKind;
use crate::special::{BinaryKernel, Level, Real, UnaryKernel};
use std::ops::Range;

/// Samples that are worked on together: their rows stay in the first-level cache.
const MOST: usize = 64;

/// Straight-line code that is run in rows.
pub(super) struct InRows<T: Element> {
    before: Vec<Wide<T>>,
    step: Vec<Wide<T>>,
    /// Where the rows lie in the arena, and the numbers of each.
    region: usize,
    width: usize,
}

fn width<T: Element>(samples: usize) -> usize {
    samples.next_multiple_of(T::LANES).min(MOST)
}

/// Numbers that the rows of so many cells take.
pub(super) fn room<T: Element>(cells: usize, samples: usize) -> usize {
    cells * width::<T>(samples)
}

impl<T: Element> InRows<T> {
    /// The code on cells `private`, with rows from `region` on.
    pub fn new(
        (before, step): (&[Scalar], &[Scalar]),
        private: &Range<u32>,
        samples: usize,
        region: usize,
    ) -> InRows<T> {
        let widened = |code: &[Scalar]| code.iter().map(|i| widen(*i, private.start)).collect();
        InRows {
            before: widened(before),
            step: widened(step),
            region,
            width: width::<T>(samples),
        }
    }

    /// The cells of a constant's row.
    pub fn row(&self, cell: usize) -> Range<usize> {
        let start = self.region + cell * self.width;
        start..start + self.width
    }

    /// # Safety
    /// All strided numbers and rows lie in the context's memory, which nobody else uses meanwhile.
    pub unsafe fn run(&self, context: &Context<T>, steps: Steps, samples: usize) {
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
fn widen<T: Element>(mut scalar: Scalar, first: u32) -> Wide<T> {
    let level = Level::detect();
    scalar.move_cells(first);
    let strided = |place: Place, at: At| Strided {
        place,
        sample: at.sample as usize,
        step: at.step as usize,
    };
    let [arena, constants] = [Place::arena, Place::constant];
    match scalar {
        Scalar::Call1(row, r, a) => Wide::Unary(T::unary_block(row, level), r, a),
        Scalar::Call2(row, r, a, b) => Wide::Binary(T::binary_blocks(row, level).both, r, a, b),
        Scalar::Take(r, at) => Wide::Take(r, strided(arena(at.start as usize), at)),
        Scalar::TakeConstant(r, at) => Wide::Take(r, strided(constants(at.start as usize), at)),
        Scalar::Put(a, at) => Wide::Put(a, strided(arena(at.start as usize), at)),
        plain => Wide::Plain(plain),
    }
}

/// One instruction; numbers are rows, counted from the start of the rows' memory.
pub enum Wide<T> {
    Plain(Scalar),
    Unary(UnaryKernel<T>, u32, u32),
    Binary(BinaryKernel<T>, u32, u32, u32),
    Take(u32, Strided),
    Put(u32, Strided),
}

/// One number of a tensor for each sample and step.
#[derive(Clone, Copy)]
pub struct Strided {
    pub place: Place,
    /// From sample to sample, and from step to step.
    pub sample: usize,
    pub step: usize,
}

/// The samples that are worked on together.
#[derive(Clone, Copy)]
pub struct Rows<T> {
    /// The memory of the rows.
    pub start: *mut T,
    /// Numbers of a row: whole vectors.
    pub width: usize,
    /// The first sample and their number.
    pub first: usize,
    pub count: usize,
}

/// `(code, context, rows, steps)`
pub type WideKernel<T> = unsafe fn(&[Wide<T>], &Context<T>, Rows<T>, Steps);

/// Runs the code for each step.
///
/// # Safety
/// All rows lie in their memory and all strided numbers in the context's, which nobody else uses.
#[inline(always)]
pub(super) unsafe fn run<T: Element, const FUSED: bool>(
    code: &[Wide<T>],
    context: &Context<T>,
    rows: Rows<T>,
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
                    Wide::Plain(scalar) => plain::<T, FUSED>(*scalar, rows),
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
unsafe fn gather<T: Real>(from: *const T, stride: usize, to: *mut T, count: usize) {
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
unsafe fn scatter<T: Real>(from: *const T, to: *mut T, stride: usize, count: usize) {
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

/// `f` of a line of numbers at a time.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn map<T: Real>(r: *mut T, [a, b, c]: [*const T; 3], n: usize, f: impl Fn(T, T, T) -> T) {
    let mut i = 0;
    while i < n {
        // SAFETY: rows are whole lines.
        unsafe {
            let x = a.add(i).cast::<T::Line>().read();
            let y = b.add(i).cast::<T::Line>().read();
            let z = c.add(i).cast::<T::Line>().read();
            let mut out = T::LINE;
            for l in 0..T::LANES {
                out.as_mut()[l] = f(x.as_ref()[l], y.as_ref()[l], z.as_ref()[l]);
            }
            r.add(i).cast::<T::Line>().write(out);
        }
        i += T::LANES;
    }
}

/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn plain<T: Element, const FUSED: bool>(scalar: Scalar, rows: Rows<T>) {
    let n = rows.width;
    // SAFETY: the caller's promise.
    let at = |row: u32| unsafe { rows.start.add(row as usize * n) };
    let truth = |x: bool| if x { T::ONE } else { T::ZERO };
    let fma = |a: T, b: T, c: T| if FUSED { a.mul_add(b, c) } else { a * b + c };
    let one = |a: u32| [at(a).cast_const(); 3];
    let two = |a: u32, b: u32| [at(a).cast_const(), at(b).cast_const(), at(b).cast_const()];
    let three = |a: u32, b: u32, c: u32| [at(a), at(b), at(c)].map(|p| p.cast_const());
    // SAFETY: the caller's promise.
    unsafe {
        match scalar {
            Scalar::Copy(r, a) => map(at(r), one(a), n, |x, _, _| x),
            Scalar::Neg(r, a) => map(at(r), one(a), n, |x, _, _| -x),
            Scalar::Square(r, a) => map(at(r), one(a), n, |x, _, _| x * x),
            Scalar::Recip(r, a) => map(at(r), one(a), n, |x, _, _| T::ONE / x),
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
                    |c, x, y| if c != T::ZERO { x } else { y },
                );
            }
            Scalar::Call1(row, r, a) => map(at(r), one(a), n, |x, _, _| T::unary(row)(x)),
            Scalar::Call2(row, r, a, b) => map(at(r), two(a, b), n, |x, y, _| T::binary(row)(x, y)),
            Scalar::Take(..) | Scalar::TakeConstant(..) | Scalar::Put(..) => {
                unreachable!("rows are taken and put by strides")
            }
        }
    }
}
