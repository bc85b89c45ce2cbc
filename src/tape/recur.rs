//! Running a recurrence: small bodies as straight-line code, others as a tape of their own inside
//! the arena of the one that holds them.

use super::element::Element;
use super::micro::{Context, Place};
use super::program::Program;
use super::scalar::{Scalar, Steps, carry_in_place, drop_unread, join_products};
use super::unroll::Unroll;
use crate::graph::{Shape, numel};
use crate::ops::Scan;
use crate::passes::prepare;

/// A body ready to be given its places.
pub(super) enum Body<T: Element = f64> {
    /// With the number of cells that it takes.
    Straight(usize),
    Nested(Box<Program<T>>),
}

pub(super) struct Recurrence<T: Element = f64> {
    steps: usize,
    reverse: bool,
    run: Run<T>,
}

enum Run<T: Element> {
    Straight {
        before: Vec<Scalar<T>>,
        step: Vec<Scalar<T>>,
    },
    Nested(Box<Nested<T>>),
}

struct Nested<T: Element> {
    program: Program<T>,
    /// Start of the body's arena.
    region: usize,
    /// Copied once: first carry and constants, to inputs of the body.
    once: Vec<(Place, usize, usize)>,
    slices: Vec<Strip>,
    out: Strip,
    carry: usize,
}

/// Rows of a tensor with a time axis, and the dense step that they make up.
struct Strip {
    tensor: Place,
    step: usize,
    rows: usize,
    row: usize,
}

/// The body of a scan, compiled as far as it goes without places.
pub(super) fn body<T: Element>(scan: &Scan, shapes: &[Shape], out: &Shape) -> Body<T> {
    let nowhere = vec![Place::arena(0); shapes.len()];
    match straight::<T>(scan, shapes, &nowhere, out, Place::arena(0), 0) {
        Some((unroll, ..)) => Body::Straight(unroll.next as usize),
        None => {
            let body = &scan.body;
            let subject = prepare(&body.graph, &body.inputs, &[body.output]);
            Body::Nested(Box::new(Program::new(&subject)))
        }
    }
}

/// Numbers that the body takes in the arena.
impl<T: Element> Body<T> {
    pub fn len(&self) -> usize {
        match self {
            Body::Straight(cells) => *cells,
            Body::Nested(program) => program.arena_len(),
        }
    }
}

/// How a tensor with a time axis falls into steps: rows, their length.
fn split(shape: &Shape, inner: usize, steps: usize) -> (usize, usize) {
    let row = numel(&shape[shape.len() - inner..]);
    (numel(shape) / (row * steps).max(1), row)
}

type Straight<T> = (Unroll<T>, Vec<Scalar<T>>);

/// Code of one step (in the first part) and what is run before the first.
fn straight<T: Element>(
    scan: &Scan,
    shapes: &[Shape],
    args: &[Place],
    out_shape: &Shape,
    out: Place,
    region: usize,
) -> Option<Straight<T>> {
    let mut unroll = Unroll::new(region);
    let body = &scan.body;
    let mut before = Vec::new();
    let mut given = Vec::new();
    let take = |cell: u32, place: Place, at: usize, stride: usize| {
        let stride = stride as u32;
        match place.plus(at).in_constants() {
            Some(start) => Scalar::TakeConstant(cell, start, stride),
            None => Scalar::Take(cell, place.plus(at).cell(), stride),
        }
    };
    let n = scan.slices();
    for (i, &input) in body.inputs.iter().enumerate() {
        let count = numel(&body.graph.var(input).shape());
        if count > 1000 {
            return None;
        }
        let cells = unroll.cells(count);
        let sliced = i >= 1 && i <= n;
        for (e, &cell) in cells.iter().enumerate() {
            if sliced {
                let (_, row) = split(&shapes[i], scan.inner[i - 1], scan.steps);
                let at = e / row * scan.steps * row + e % row;
                unroll.code.push(take(cell, args[i], at, row));
            } else {
                before.push(take(cell, args[i], e, 0));
            }
        }
        given.push((input, cells));
    }
    let result = unroll.emit(&body.graph, &given, body.output)?;
    let (_, row) = split(out_shape, scan.out_inner, scan.steps);
    for (e, &cell) in result.iter().enumerate() {
        let at = e / row * scan.steps * row + e % row;
        let place = out.plus(at).cell();
        unroll.code.push(Scalar::Put(cell, place, row as u32));
    }
    move_carry(&mut unroll, &result, &given[0].1);
    join_products(&mut unroll.code, |_| false);
    carry_in_place(&mut unroll.code);
    drop_unread(&mut unroll.code);
    Some((unroll, before))
}

/// The result becomes the carry; over fresh cells where it is made of the old carry.
fn move_carry<T: Element>(unroll: &mut Unroll<T>, result: &[u32], carry: &[u32]) {
    let mixed = result
        .iter()
        .zip(carry)
        .any(|(r, c)| r != c && carry.contains(r));
    let mut from = result.to_vec();
    if mixed {
        for cell in &mut from {
            let fresh = unroll.cell();
            unroll.code.push(Scalar::Copy(fresh, *cell));
            *cell = fresh;
        }
    }
    for (&r, &c) in from.iter().zip(carry) {
        if r != c {
            unroll.code.push(Scalar::Copy(c, r));
        }
    }
}

impl<T: Element> Recurrence<T> {
    /// `args` are dense; gives also the cells that must hold constants from the start.
    pub fn new(
        scan: &Scan,
        body: Body<T>,
        shapes: &[Shape],
        args: &[Place],
        out_shape: &Shape,
        out: Place,
        region: usize,
    ) -> (Recurrence<T>, Vec<(usize, T)>) {
        let (run, initial) = match body {
            Body::Straight(_) => {
                let (unroll, before) = straight(scan, shapes, args, out_shape, out, region)
                    .expect("it could be unrolled before it had its places");
                let run = Run::Straight {
                    before,
                    step: unroll.code,
                };
                let initial = unroll.initial.iter().map(|&(at, x)| (at, T::of(x)));
                (run, initial.collect())
            }
            Body::Nested(program) => {
                let shifted = program.initial.iter().map(|&(at, x)| (region + at, x));
                let initial = shifted.collect();
                let nested = Nested::new(scan, *program, shapes, args, out_shape, out, region);
                (Run::Nested(Box::new(nested)), initial)
            }
        };
        let recurrence = Recurrence {
            steps: scan.steps,
            reverse: scan.reverse,
            run,
        };
        (recurrence, initial)
    }

    /// # Safety
    /// All places were planned for this context; nobody else uses its arena meanwhile.
    pub unsafe fn run(&self, context: &Context<T>) {
        let order = |i: usize| if self.reverse { self.steps - 1 - i } else { i };
        let [arena, constants] = context.bases;
        // SAFETY: the caller's promise.
        unsafe {
            match &self.run {
                Run::Straight { before, step } => {
                    let steps = Steps {
                        count: self.steps,
                        reverse: self.reverse,
                    };
                    let run = context.vector.scalars;
                    run(before, arena, constants, Steps::ONE);
                    run(step, arena, constants, steps);
                }
                Run::Nested(nested) => {
                    nested.start(context);
                    for i in 0..self.steps {
                        nested.step(context, order(i), self.steps);
                    }
                }
            }
        }
    }

    /// Instructions a step.
    pub fn detail(&self) -> String {
        match &self.run {
            Run::Straight { step, .. } => format!("{} steps of {} scalars", self.steps, step.len()),
            Run::Nested(nested) => format!(
                "{} steps of {} instructions",
                self.steps,
                nested.program.instructions.len()
            ),
        }
    }
}

impl<T: Element> Nested<T> {
    fn new(
        scan: &Scan,
        program: Program<T>,
        shapes: &[Shape],
        args: &[Place],
        out_shape: &Shape,
        out: Place,
        region: usize,
    ) -> Nested<T> {
        let n = scan.slices();
        let input = |i: usize| region + program.inputs[i].0;
        let once = (0..args.len()).filter(|i| *i == 0 || *i > n);
        let once = once
            .map(|i| (args[i], input(i), program.inputs[i].1))
            .collect();
        let slices = (1..=n).map(|i| {
            let (rows, row) = split(&shapes[i], scan.inner[i - 1], scan.steps);
            Strip {
                tensor: args[i],
                step: input(i),
                rows,
                row,
            }
        });
        let slices = slices.collect();
        let (rows, row) = split(out_shape, scan.out_inner, scan.steps);
        let out = Strip {
            tensor: out,
            step: region + program.outputs[0].0,
            rows,
            row,
        };
        Nested {
            carry: input(0),
            once,
            slices,
            out,
            region,
            program,
        }
    }

    unsafe fn start(&self, context: &Context<T>) {
        for &(from, to, len) in &self.once {
            // SAFETY: planned places; the body's arena overlaps no argument.
            unsafe {
                let to = context.bases[0].add(to);
                std::ptr::copy_nonoverlapping(from.pointer(context), to, len);
            }
        }
    }

    unsafe fn step(&self, context: &Context<T>, t: usize, steps: usize) {
        let arena = context.bases[0];
        // SAFETY: planned places; the body's arena overlaps no argument and not the result.
        unsafe {
            for strip in &self.slices {
                let (from, to) = (strip.tensor.pointer(context), arena.add(strip.step));
                for i in 0..strip.rows {
                    let row = from.add((i * steps + t) * strip.row);
                    std::ptr::copy_nonoverlapping(row, to.add(i * strip.row), strip.row);
                }
            }
            self.program.run(arena.add(self.region));
            let (from, to) = (arena.add(self.out.step), self.out.tensor.pointer(context));
            for i in 0..self.out.rows {
                let row = to.add((i * steps + t) * self.out.row);
                std::ptr::copy_nonoverlapping(from.add(i * self.out.row), row, self.out.row);
            }
            let len = self.out.rows * self.out.row;
            std::ptr::copy_nonoverlapping(from, arena.add(self.carry), len);
        }
    }
}
