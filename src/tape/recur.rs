//! Running a recurrence: small bodies as straight-line code, others as a tape of their own inside
//! the arena of the one that holds them.

use super::element::Element;
use super::micro::{Context, Place};
use super::program::Program;
use super::samples::Cells;
use super::scalar::{At, Scalar, Steps, carry_in_place, drop_unread, join_products};
use super::straight::Straight;
use super::unroll::Unroll;
use crate::graph::{Shape, numel};
use crate::ops::Scan;
use crate::passes::prepare;
use std::collections::BTreeSet;

/// A body ready to be given its places.
pub(super) enum Body<T: Element> {
    Straight {
        /// Numbers that it takes.
        len: usize,
        samples: usize,
    },
    Nested(Box<Program<T>>),
}

pub(super) struct Recurrence<T: Element> {
    steps: usize,
    reverse: bool,
    run: Run<T>,
}

enum Run<T: Element> {
    Straight(Straight<T>),
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
    for samples in BTreeSet::from([samples(scan), 1]).into_iter().rev() {
        let nowhere_out = Place::arena(0);
        if let Some(code) = straight::<T>(scan, shapes, &nowhere, out, nowhere_out, 0, samples) {
            let len = code.len();
            return Body::Straight { len, samples };
        }
    }
    let body = &scan.body;
    let subject = prepare(&body.graph, &body.inputs, &[body.output]);
    Body::Nested(Box::new(Program::new(&subject)))
}

impl<T: Element> Body<T> {
    /// Numbers that the body takes in the arena.
    pub fn len(&self) -> usize {
        match self {
            Body::Straight { len, .. } => *len,
            Body::Nested(program) => program.arena_len(),
        }
    }
}

/// The length of a row of a tensor with a time axis.
pub(super) fn row(shape: &Shape, inner: usize) -> usize {
    numel(&shape[shape.len() - inner..])
}

/// How a tensor with a time axis falls into steps: rows, their length.
fn split(shape: &Shape, inner: usize, steps: usize) -> (usize, usize) {
    let row = row(shape, inner);
    (numel(shape) / (row * steps).max(1), row)
}

/// The samples that a body treats apart, if they are its carry's leading axis.
fn samples(scan: &Scan) -> usize {
    let carry = scan.body.graph.var(scan.body.inputs[0]).shape();
    carry.first().copied().unwrap_or(1).max(1)
}

/// The code of a body, for each sample.
fn straight<T: Element>(
    scan: &Scan,
    shapes: &[Shape],
    args: &[Place],
    out_shape: &Shape,
    out: Place,
    region: usize,
    samples: usize,
) -> Option<Straight<T>> {
    let mut unroll = Unroll::new(region);
    let graph = &scan.body.graph;
    let (mut before, mut values) = (Vec::new(), Cells::new());
    for (i, &input) in scan.body.inputs.iter().enumerate() {
        let shape = graph.var(input).shape();
        let lane = samples > 1 && shape.first() == Some(&samples);
        let count = numel(&shape) / if lane { samples } else { 1 };
        if count > 1000 {
            return None;
        }
        let cells = unroll.cells(count);
        let sliced = i >= 1 && i <= scan.slices();
        for (e, &cell) in cells.iter().enumerate() {
            if sliced {
                let row = row(&shapes[i], scan.inner[i - 1]);
                let at = element(e, lane.then_some(count), row, scan.steps);
                unroll.code.push(Scalar::take(cell, args[i], at));
            } else {
                let sample = if lane { count as u32 } else { 0 };
                let at = At::of_sample(e as u32, sample);
                before.push(Scalar::take(cell, args[i], at));
            }
        }
        values.insert(input, (cells, lane));
    }
    let carry = values[&scan.body.inputs[0]].0.clone();
    let (result, lane) = unroll.emit(graph, values, scan.body.output, samples)?;
    if lane != (samples > 1) {
        return None;
    }
    let row = row(out_shape, scan.out_inner);
    for (e, &cell) in result.iter().enumerate() {
        let at = element(e, lane.then_some(result.len()), row, scan.steps);
        let start = out.plus(at.start as usize).cell();
        unroll.code.push(Scalar::Put(cell, At { start, ..at }));
    }
    move_carry(&mut unroll, &result, &carry);
    join_products(&mut unroll.code, |_| false);
    carry_in_place(&mut unroll.code);
    drop_unread(&mut unroll.code);
    let steps = Steps {
        count: scan.steps,
        reverse: scan.reverse,
    };
    let private = region as u32..unroll.next;
    let code = Straight::new(before, unroll.code, steps, samples, private, unroll.initial);
    Some(code.in_rows())
}

/// Where element `e` of the `count` of a sample lies in a tensor whose steps have rows of length `row`.
fn element(e: usize, count: Option<usize>, row: usize, steps: usize) -> At {
    let at = |flat: usize| flat / row * steps * row + flat % row;
    let sample = count.map_or(0, |count| at(e + count) - at(e));
    let [start, step, sample] = [at(e), row, sample].map(|x| x as u32);
    At {
        start,
        step,
        sample,
    }
}

/// The result becomes the carry; over fresh cells where it is made of the old carry.
pub(super) fn move_carry(unroll: &mut Unroll, result: &[u32], carry: &[u32]) {
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
    ) -> (Recurrence<T>, Vec<(usize, f64)>) {
        let (run, initial) = match body {
            Body::Straight { samples, .. } => {
                let code = straight(scan, shapes, args, out_shape, out, region, samples)
                    .expect("it could be unrolled before it had its places");
                let initial = code.initial();
                (Run::Straight(code), initial)
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
        // SAFETY: the caller's promise.
        unsafe {
            match &self.run {
                Run::Straight(code) => code.run(context),
                Run::Nested(nested) => {
                    nested.start(context);
                    for i in 0..self.steps {
                        nested.step(context, order(i), self.steps);
                    }
                }
            }
        }
    }

    pub fn straight(&mut self) -> Option<&mut Straight<T>> {
        match &mut self.run {
            Run::Straight(code) => Some(code),
            _ => None,
        }
    }

    /// Elementary operations of one run, roughly.
    pub fn work(&self) -> usize {
        match &self.run {
            Run::Straight(code) => code.work(),
            Run::Nested(nested) => self.steps * nested.program.work(),
        }
    }

    /// Instructions a step.
    pub fn detail(&self) -> String {
        match &self.run {
            Run::Straight(code) => format!("{} steps of {}", self.steps, code.detail()),
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
