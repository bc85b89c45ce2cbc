//! Straight-line code and how it is run: as machine code where that could be made, else
//! interpreted; for several samples also in rows.

use super::element::Element;
use super::jit::{self, Function, Machine, Part};
use super::micro::Context;
use super::scalar::{Scalar, Steps};
use super::wide::{InRows, room};
use std::ops::Range;

/// Machine code has two samples in a vector, rows have as many as the machine can. With fewer
/// instructions for each slow one than this, that counts for more than what goes through memory.
const PER_SLOW: usize = 16;

pub(super) struct Straight<T: Element> {
    /// Run once, before the steps.
    pub before: Vec<Scalar>,
    pub step: Vec<Scalar>,
    pub steps: Steps,
    /// All of it is run for each of so many samples, from the same cells.
    pub samples: usize,
    /// Cells that nobody else reads.
    pub private: Range<u32>,
    /// Cells that hold constants from the start.
    pub known: Vec<(usize, f64)>,
    run: Run<T>,
}

enum Run<T: Element> {
    Machine(Function),
    Rows(InRows<T>),
    Interpreted,
}

impl<T: Element> Straight<T> {
    pub fn new(
        before: Vec<Scalar>,
        step: Vec<Scalar>,
        steps: Steps,
        samples: usize,
        private: Range<u32>,
        known: Vec<(usize, f64)>,
    ) -> Straight<T> {
        Straight {
            before,
            step,
            steps,
            samples,
            private,
            known,
            run: Run::Interpreted,
        }
    }

    /// The same code run in rows, if there are several samples and that is faster.
    pub fn in_rows(mut self) -> Straight<T> {
        if self.samples > 1 && is_for_rows::<T>(&self.step) {
            let region = self.private.start as usize;
            let code = (&self.before[..], &self.step[..]);
            self.run = Run::Rows(InRows::new(code, &self.private, self.samples, region));
        }
        self
    }

    /// Numbers that it takes in the arena.
    pub fn len(&self) -> usize {
        match self.run {
            Run::Rows(_) => room::<T>(self.private.len(), self.samples),
            _ => self.private.len(),
        }
    }

    /// Cells of the arena that must hold constants from the start.
    pub fn initial(&self) -> Vec<(usize, f64)> {
        let Run::Rows(rows) = &self.run else {
            return self.known.clone();
        };
        let start = self.private.start as usize;
        let known = self.known.iter();
        let cells = known.flat_map(|&(cell, x)| rows.row(cell - start).map(move |at| (at, x)));
        cells.collect()
    }

    /// # Safety
    /// All cells lie in the context's memory, which nobody else uses meanwhile; the machine that
    /// [`assemble`] gave for this code lives.
    #[inline]
    pub unsafe fn run(&self, context: &Context<T>) {
        let [arena, constants] = context.bases;
        // SAFETY: the caller's promise.
        unsafe {
            match &self.run {
                // Made for the numbers that it computes with only.
                Run::Machine(function) => function.run(arena.cast(), constants.cast()),
                Run::Rows(rows) => rows.run(context, self.steps, self.samples),
                Run::Interpreted => {
                    let run = context.vector.scalars;
                    for sample in 0..self.samples {
                        run(&self.before, arena, constants, Steps::ONE, sample);
                        run(&self.step, arena, constants, self.steps, sample);
                    }
                }
            }
        }
    }

    /// `5 scalars`, of a step.
    pub fn detail(&self) -> String {
        let kind = match self.run {
            Run::Machine(_) => "scalars",
            Run::Rows(_) => "rows",
            Run::Interpreted => "interpreted scalars",
        };
        let samples = match self.samples {
            1 => String::new(),
            n => format!(" of {n} samples"),
        };
        format!("{} {kind}{samples}", self.step.len())
    }

    /// Instructions of one run.
    pub fn work(&self) -> usize {
        self.samples * (self.before.len() + self.steps.count * self.step.len())
    }

    fn part(&self, inputs: u32) -> Part<'_> {
        Part {
            before: &self.before,
            step: &self.step,
            steps: self.steps,
            samples: self.samples,
            inputs,
            private: self.private.clone(),
            known: self.known.iter().map(|&(at, x)| (at as u32, x)).collect(),
        }
    }
}

/// Whether straight-line code on these numbers becomes machine code here.
pub(super) fn compiled<T: Element>() -> bool {
    T::MACHINE_CODE && jit::available()
}

/// Whether code for samples had better be run in rows: if it calls functions, or in a loop waits for
/// roots and quotients.
fn is_for_rows<T: Element>(step: &[Scalar]) -> bool {
    let is_slow = |i: &&Scalar| {
        matches!(
            i,
            Scalar::Call1(..)
                | Scalar::Call2(..)
                | Scalar::Sqrt(..)
                | Scalar::Div(..)
                | Scalar::Recip(..)
        )
    };
    let slow = step.iter().filter(is_slow).count();
    !compiled::<T>() || slow * PER_SLOW > step.len()
}

/// Makes machine code of all pieces that want it, if the machine allows it; the result owns it. Cells
/// below `inputs` are written before the program runs.
pub(super) fn assemble<T: Element>(pieces: Vec<&mut Straight<T>>, inputs: u32) -> Option<Machine> {
    if !compiled::<T>() {
        return None;
    }
    let pieces = pieces.into_iter();
    let mut pieces: Vec<&mut Straight<T>> = pieces
        .filter(|p| matches!(p.run, Run::Interpreted))
        .collect();
    let parts: Vec<Part> = pieces.iter().map(|piece| piece.part(inputs)).collect();
    let (machine, functions) = jit::compile(&parts)?;
    for (piece, function) in pieces.iter_mut().zip(functions) {
        piece.run = Run::Machine(function);
    }
    Some(machine)
}
