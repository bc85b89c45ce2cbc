//! Tapes whose kind of numbers is chosen when the program runs; callers keep to `f64`.

use super::{Element, Listing, Reuse, Tape};
use crate::graph::{Graph, NodeId};
use crate::special::Real;

/// What a tape computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Precision {
    /// `f64`: relative rounding errors of 1.1·10⁻¹⁶.
    #[default]
    Double,
    /// `f32`: relative rounding errors of 6·10⁻⁸, in half the memory and up to twice as fast.
    Single,
}

impl Precision {
    /// Every precision by its name on the command line, the default first.
    pub const ALL: &[(&str, Precision)] = &[
        (f64::NAME, Precision::Double),
        (f32::NAME, Precision::Single),
    ];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Double => f64::NAME,
            Precision::Single => f32::NAME,
        }
    }

    /// The distance from 1 to the next number.
    pub fn epsilon(self) -> f64 {
        match self {
            Precision::Double => 2.0 * f64::UNIT_ROUNDOFF,
            Precision::Single => 2.0 * f32::UNIT_ROUNDOFF,
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::Double => size_of::<f64>(),
            Precision::Single => size_of::<f32>(),
        }
    }

    /// Compiles as [`Tape::compile_with`] does.
    pub fn compile(
        self,
        reuse: &Reuse,
        graph: &Graph,
        inputs: &[NodeId],
        outputs: &[NodeId],
    ) -> AnyTape {
        match self {
            Precision::Double => AnyTape::Double(Tape::compile_with(reuse, graph, inputs, outputs)),
            Precision::Single => AnyTape::Single(Tape::compile_with(reuse, graph, inputs, outputs)),
        }
    }
}

/// A tape of either precision, with the functions of [`Tape`]. Inputs are rounded to its own; outputs are
/// exact in `f64`.
#[derive(Clone)]
pub enum AnyTape {
    Double(Tape<f64>),
    Single(Tape<f32>),
}

macro_rules! on {
    ($any:expr, $tape:ident => $do:expr) => {
        match $any {
            AnyTape::Double($tape) => $do,
            AnyTape::Single($tape) => $do,
        }
    };
}

impl AnyTape {
    /// Computes the outputs from the inputs as they are.
    pub fn run(&mut self) {
        on!(self, tape => tape.run());
    }

    /// As [`Tape::run_timed`].
    pub fn run_timed(&mut self) -> Vec<u64> {
        on!(self, tape => tape.run_timed())
    }

    /// Sets `count` inputs from the `first` on from their elements one after the other.
    ///
    /// # Panics
    /// If `flat` is shorter than these inputs together.
    pub fn fill(&mut self, first: usize, count: usize, flat: &[f64]) {
        on!(self, tape => fill(tape, first, count, flat));
    }

    /// Adds the elements of `count` outputs from the `first` on to a flat vector.
    ///
    /// # Panics
    /// If `flat` is shorter than these outputs together.
    pub fn add_outputs(&self, first: usize, count: usize, flat: &mut [f64]) {
        on!(self, tape => add_outputs(tape, first, count, flat));
    }

    /// The first element of an output.
    pub fn value(&self, output: usize) -> f64 {
        on!(self, tape => tape.output(output)[0].wide())
    }

    /// Bytes that the tape works in.
    pub fn arena_bytes(&self) -> usize {
        match self {
            AnyTape::Double(tape) => tape.arena_len() * Precision::Double.bytes(),
            AnyTape::Single(tape) => tape.arena_len() * Precision::Single.bytes(),
        }
    }

    /// Bytes of data that it reads, which clones share.
    pub fn constants_bytes(&self) -> usize {
        match self {
            AnyTape::Double(tape) => tape.constants_len() * Precision::Double.bytes(),
            AnyTape::Single(tape) => tape.constants_len() * Precision::Single.bytes(),
        }
    }

    /// As [`Tape::work`].
    pub fn work(&self) -> usize {
        on!(self, tape => tape.work())
    }

    pub fn output_count(&self) -> usize {
        on!(self, tape => tape.output_count())
    }

    pub fn instruction_count(&self) -> usize {
        self.instructions().len()
    }

    /// What each instruction does.
    pub fn instructions(&self) -> &[Listing] {
        on!(self, tape => tape.instructions())
    }
}

fn fill<T: Element>(tape: &mut Tape<T>, first: usize, count: usize, flat: &[f64]) {
    let mut at = 0;
    for i in first..first + count {
        let input = tape.input_mut(i);
        let values = &flat[at..at + input.len()];
        at += values.len();
        for (to, &x) in input.iter_mut().zip(values) {
            *to = T::of(x);
        }
    }
}

fn add_outputs<T: Element>(tape: &Tape<T>, first: usize, count: usize, flat: &mut [f64]) {
    let mut at = 0;
    for i in first..first + count {
        let output = tape.output(i);
        let sums = &mut flat[at..at + output.len()];
        at += output.len();
        for (sum, x) in sums.iter_mut().zip(output) {
            *sum += x.wide();
        }
    }
}
