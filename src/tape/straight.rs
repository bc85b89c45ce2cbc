//! Straight-line code and how it is run: as machine code where that could be made, else
//! interpreted.

use super::element::Element;
use super::jit::{self, Function, Machine, Part};
use super::micro::Context;
use super::scalar::{Scalar, Steps};
use std::ops::Range;

pub(super) struct Straight {
    /// Run once, before the steps.
    pub before: Vec<Scalar>,
    pub step: Vec<Scalar>,
    pub steps: Steps,
    /// Cells that nobody else reads.
    pub private: Range<u32>,
    /// Cells that hold constants from the start.
    pub known: Vec<(usize, f64)>,
    function: Option<Function>,
}

impl Straight {
    pub fn new(
        before: Vec<Scalar>,
        step: Vec<Scalar>,
        steps: Steps,
        private: Range<u32>,
        known: Vec<(usize, f64)>,
    ) -> Straight {
        Straight {
            before,
            step,
            steps,
            private,
            known,
            function: None,
        }
    }

    /// # Safety
    /// All cells lie in the context's memory, which nobody else uses meanwhile; the machine that
    /// [`assemble`] gave for this code lives.
    #[inline]
    pub unsafe fn run<T: Element>(&self, context: &Context<T>) {
        let [arena, constants] = context.bases;
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(function) = self.function {
                // Made for the numbers that it computes with only.
                return function.run(arena.cast(), constants.cast());
            }
            let run = context.vector.scalars;
            run(&self.before, arena, constants, Steps::ONE);
            run(&self.step, arena, constants, self.steps);
        }
    }

    pub fn is_compiled(&self) -> bool {
        self.function.is_some()
    }

    fn part(&self) -> Part<'_> {
        Part {
            before: &self.before,
            step: &self.step,
            steps: self.steps,
            private: self.private.clone(),
            known: self.known.iter().map(|&(at, x)| (at as u32, x)).collect(),
        }
    }
}

/// Makes machine code of all pieces, if the machine allows it; the result owns it.
pub(super) fn assemble(mut pieces: Vec<&mut Straight>) -> Option<Machine> {
    let parts: Vec<Part> = pieces.iter().map(|piece| piece.part()).collect();
    let (machine, functions) = jit::compile(&parts)?;
    for (piece, function) in pieces.iter_mut().zip(functions) {
        piece.function = Some(function);
    }
    Some(machine)
}
