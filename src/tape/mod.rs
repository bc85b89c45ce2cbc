//! The compiled form of a graph: compile once, run many times.
//!
//! Nodes that compute element by element belong to the class of their number of elements. All nodes
//! of one class that can be computed at the same time, of the forward and of the reverse part of a
//! gradient alike, become one kernel: a list of block operations that is run block by block, so
//! that what is between loads and stores stays in the first-level cache. Movements are never
//! carried out, consumers load through them; reductions and scatters are how a kernel stores; a
//! product of a matrix and a vector is a block operation too where its long axis is the kernel's,
//! for several vectors together where there are several; a sum of `softplus` takes the logarithm of
//! one product, and its exponentials serve `sigmoid` too.
//! Single numbers are computed by straight-line code ([`scalar`]). Other operations (products of
//! matrices, factorisations, recurrences) are an instruction each. All buffers lie in one arena,
//! placed by their lifetimes; running allocates nothing.
//!
//! The order in which numbers are added is fixed when the tape is compiled: a tape gives the same
//! bits each time it is run on the same machine.

mod arena;
mod element;
mod fuse;
mod gemm;
mod index_map;
mod jit;
mod lanes;
mod layout;
mod log_product;
mod matrix;
mod melt;
mod memory;
mod micro;
mod ode;
mod opaque;
mod phases;
mod plan;
mod precision;
mod program;
mod recur;
mod reuse;
mod samples;
mod scalar;
mod softplus;
mod straight;
mod tile;
mod unroll;
mod vector;
mod wide;

pub use element::Element;
pub use precision::{AnyTape, Precision};
pub use program::Listing;
pub use reuse::Reuse;

use crate::clock::Instant;
use crate::graph::{Graph, NodeId};
use crate::passes::{apply, close};
pub(crate) use arena::Aligned;
use program::Program;
use std::sync::Arc;

/// A compiled function of arrays, computed in `f64` or in `f32`. Clones share the program and have
/// memory of their own.
///
/// ```
/// use elbo::{autodiff::grad, graph::Graph, tape::Tape};
/// let g = Graph::new();
/// let x = g.input(&[3]);
/// let y = (x * x).sum();
/// let dy = grad(y, &[x])[0];
/// let mut tape = Tape::compile(&g, &[x.id], &[y.id, dy.id]);
/// tape.set_input(0, &[1.0, 2.0, 3.0]);
/// tape.run();
/// assert_eq!(tape.output(0), [14.0]);
/// assert_eq!(tape.output(1), [2.0, 4.0, 6.0]);
/// ```
pub struct Tape<T: Element = f64> {
    program: Arc<Program<T>>,
    arena: Aligned<T>,
}

impl Tape {
    /// Compiles what computes `outputs` from `inputs`, which may be any nodes: they are cut off from
    /// what they were computed from.
    ///
    /// # Panics
    /// If an output needs an input of the graph that is not among `inputs`.
    pub fn compile(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Tape {
        Tape::compile_as(graph, inputs, outputs)
    }
}

impl<T: Element> Tape<T> {
    /// As [`Tape::compile`], for numbers of type `T`. In `f32`, constants of the graph are rounded
    /// once, here; a sum of n numbers is off by some √n/64 roundings, for n up to a block.
    ///
    /// ```
    /// use elbo::{graph::Graph, tape::Tape};
    /// let g = Graph::new();
    /// let x = g.input(&[2]);
    /// let mut tape = Tape::<f32>::compile_as(&g, &[x.id], &[(x / 3.0).id]);
    /// tape.set_input(0, &[1.0, 2.0]);
    /// tape.run();
    /// assert_eq!(tape.output(0), [1.0_f32 / 3.0, 2.0 / 3.0]);
    /// ```
    ///
    /// # Panics
    /// Likewise.
    pub fn compile_as(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Tape<T> {
        Tape::compile_with(&Reuse::default(), graph, inputs, outputs)
    }

    /// [`Tape::compile_as`], by what was compiled before for a graph that differs in its numbers alone. What is compiled anew is
    /// kept; it reads such numbers as inputs after the graph's own.
    ///
    /// # Panics
    /// Likewise.
    pub fn compile_with(
        reuse: &Reuse,
        graph: &Graph,
        inputs: &[NodeId],
        outputs: &[NodeId],
    ) -> Tape<T> {
        let subject = close(graph, inputs, outputs);
        let (program, numbers) = reuse.program(subject, |s| Program::new(&apply(s)));
        let mut tape = Tape::with_program(program);
        for (i, number) in numbers.iter().enumerate() {
            let values = number.data().iter().map(|&x| T::of(x));
            let input = tape.input_mut(inputs.len() + i).iter_mut();
            input.zip(values).for_each(|(to, x)| *to = x);
        }
        tape
    }

    fn with_program(program: Arc<Program<T>>) -> Tape<T> {
        let mut arena = Aligned::zeros(program.arena_len());
        for &(at, value) in &program.initial {
            arena[at] = T::of(value);
        }
        Tape { program, arena }
    }

    /// Computes the outputs from the inputs as they are.
    pub fn run(&mut self) {
        // SAFETY: the arena was made for this program, with its initial cells set, and is ours.
        unsafe { self.program.run(self.arena.pointer()) }
    }

    /// As [`Tape::run`], and the nanoseconds that each instruction took.
    pub fn run_timed(&mut self) -> Vec<u64> {
        let context = self.program.context(self.arena.pointer());
        let timed = self.program.instructions.iter().map(|instruction| {
            let start = Instant::now();
            // SAFETY: as for `run`.
            unsafe { instruction.run(&context) };
            start.elapsed().as_nanos() as u64
        });
        timed.collect()
    }

    /// The elements of an input, in row-major order.
    pub fn input_mut(&mut self, i: usize) -> &mut [T] {
        let (at, len) = self.program.inputs[i];
        &mut self.arena[at..at + len]
    }

    pub fn input(&self, i: usize) -> &[T] {
        let (at, len) = self.program.inputs[i];
        &self.arena[at..at + len]
    }

    /// # Panics
    /// If `values` has another length than the input.
    pub fn set_input(&mut self, i: usize, values: &[T]) {
        self.input_mut(i).copy_from_slice(values);
    }

    /// All inputs, one after the other.
    pub fn inputs_flat_mut(&mut self) -> &mut [T] {
        let range = flat(&self.program.inputs);
        &mut self.arena[range]
    }

    /// Sets the first inputs from their elements one after the other.
    ///
    /// # Panics
    /// If `values` is longer than all inputs together.
    pub fn set_inputs_flat(&mut self, values: &[T]) {
        self.inputs_flat_mut()[..values.len()].copy_from_slice(values);
    }

    /// The elements of an output after the last run.
    pub fn output(&self, i: usize) -> &[T] {
        let (at, len) = self.program.outputs[i];
        &self.arena[at..at + len]
    }

    pub fn output_count(&self) -> usize {
        self.program.outputs.len()
    }

    /// All outputs, one after the other.
    pub fn outputs_flat(&self) -> &[T] {
        &self.arena[flat(&self.program.outputs)]
    }

    /// All inputs and all outputs, each one after the other: to make the next inputs of the outputs.
    pub fn inputs_and_outputs_flat(&mut self) -> (&mut [T], &[T]) {
        let (inputs, outputs) = (flat(&self.program.inputs), flat(&self.program.outputs));
        let (before, after) = self.arena.split_at_mut(outputs.start);
        (&mut before[inputs], &after[..outputs.len()])
    }

    /// Numbers that the arena holds.
    pub fn arena_len(&self) -> usize {
        self.program.arena_len()
    }

    /// Numbers of data that it reads, which clones share.
    pub fn constants_len(&self) -> usize {
        self.program.constants_len()
    }

    pub fn instruction_count(&self) -> usize {
        self.program.instructions.len()
    }

    /// Elementary operations of one run, roughly: a measure of what it costs that is the same on every
    /// machine.
    pub fn work(&self) -> usize {
        self.program.work()
    }

    /// What each instruction does, in the order of [`Tape::run_timed`].
    pub fn instructions(&self) -> &[Listing] {
        &self.program.listing
    }
}

impl<T: Element> Clone for Tape<T> {
    fn clone(&self) -> Tape<T> {
        let mut copy = Tape::with_program(self.program.clone());
        copy.inputs_flat_mut()
            .copy_from_slice(&self.arena[flat(&self.program.inputs)]);
        copy
    }
}

fn flat(parts: &[(usize, usize)]) -> std::ops::Range<usize> {
    match (parts.first(), parts.last()) {
        (Some(first), Some(last)) => first.0..last.0 + last.1,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests;
