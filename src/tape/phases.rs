//! Straight-line code for many samples, cut where it calls functions.
//!
//! Machine code has two samples in a vector, loops over blocks as many as the machine can: functions
//! are several times faster there, and the code between them is short enough that the processor
//! works on several pairs of samples at once. So a phase of code is followed by the calls whose
//! arguments it made, for all samples; what a later phase reads goes through a row of memory.

use super::element::Element;
use super::micro::{Context, Kernel, Micro, Place, Slot};
use super::scalar::{At, Scalar, Steps};
use super::straight::Straight;
use crate::special::Level;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub(super) enum Phase<T: Element> {
    Code(Straight<T>),
    Calls(Kernel<T>),
}

impl<T: Element> Phase<T> {
    /// # Safety
    /// As for [`Straight::run`] and [`Kernel::run`].
    #[inline]
    pub unsafe fn run(&self, context: &Context<T>) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Phase::Code(code) => code.run(context),
                Phase::Calls(calls) => calls.run(context),
            }
        }
    }

    pub fn code(&mut self) -> Option<&mut Straight<T>> {
        match self {
            Phase::Code(code) => Some(code),
            Phase::Calls(_) => None,
        }
    }

    /// Operations on numbers of one run.
    pub fn work(&self) -> usize {
        match self {
            Phase::Code(code) => code.work(),
            Phase::Calls(calls) => calls.n * calls.body.len(),
        }
    }

    pub fn operations(&self) -> usize {
        match self {
            Phase::Code(code) => code.step.len(),
            Phase::Calls(calls) => calls.body.len(),
        }
    }
}

/// Where a cell comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// From memory, whenever it is needed.
    Taken(Scalar),
    /// Made in the phase, by code.
    Made(usize),
    /// Made by a call after the phase.
    Called(usize),
}

struct Cutter {
    samples: usize,
    origins: HashMap<u32, Origin>,
    rows: HashMap<u32, usize>,
    /// Where the next row lies.
    end: usize,
    phases: Vec<(Vec<Scalar>, Vec<Scalar>)>,
}

/// Cuts the code; every cell is written once. Rows lie from `start` on; gives their end, too.
pub(super) fn phases<T: Element>(
    code: &[Scalar],
    samples: usize,
    private: Range<u32>,
    known: &[(usize, f64)],
    start: usize,
) -> (Vec<Phase<T>>, usize) {
    let mut cutter = Cutter {
        samples,
        origins: HashMap::new(),
        rows: HashMap::new(),
        end: start,
        phases: Vec::new(),
    };
    code.iter().for_each(|i| cutter.assign(*i));
    cutter.find_rows(T::LANES);
    let mut all = Vec::new();
    for at in 0..cutter.phases.len() {
        let step = cutter.code(at);
        if !step.is_empty() {
            let (private, known) = (private.clone(), known.to_vec());
            let code = Straight::new(Vec::new(), step, Steps::ONE, samples, private, known);
            all.push(Phase::Code(code));
        }
        if !cutter.phases[at].1.is_empty() {
            all.push(Phase::Calls(cutter.calls(at)));
        }
    }
    (all, cutter.end)
}

impl Cutter {
    /// Gives the instruction to the first phase in which it can be done.
    fn assign(&mut self, instruction: Scalar) {
        let (result, operands) = instruction.parts();
        if let (Scalar::Take(..) | Scalar::TakeConstant(..), Some(cell)) = (instruction, result) {
            self.origins.insert(cell, Origin::Taken(instruction));
            return;
        }
        let ready = |cell: u32| match self.origins.get(&cell) {
            Some(Origin::Made(phase)) => *phase,
            Some(Origin::Called(phase)) => phase + 1,
            Some(Origin::Taken(_)) | None => 0,
        };
        let phase = operands.into_iter().flatten().map(ready).max().unwrap_or(0);
        if self.phases.len() <= phase {
            self.phases.resize_with(phase + 1, Default::default);
        }
        let call = instruction.is_call();
        let (code, calls) = &mut self.phases[phase];
        if call { calls } else { code }.push(instruction);
        if let Some(cell) = result {
            let origin = if call { Origin::Called } else { Origin::Made };
            self.origins.insert(cell, origin(phase));
        }
    }

    /// A row for each cell that calls read or write, or that a later phase reads.
    fn find_rows(&mut self, lanes: usize) {
        let mut wanted = Vec::new();
        for (at, (code, calls)) in self.phases.iter().enumerate() {
            for call in calls {
                let (result, operands) = call.parts();
                wanted.extend(result.into_iter().chain(operands.into_iter().flatten()));
            }
            for cell in code.iter().flat_map(|i| i.parts().1).flatten() {
                match self.origins.get(&cell) {
                    Some(Origin::Made(phase)) if *phase < at => wanted.push(cell),
                    _ => {}
                }
            }
        }
        for cell in wanted {
            if let Entry::Vacant(row) = self.rows.entry(cell) {
                row.insert(self.end);
                self.end += self.samples.next_multiple_of(lanes);
            }
        }
    }

    fn place(&self, cell: u32) -> At {
        At::of_sample(self.rows[&cell] as u32, 1)
    }

    /// The code of a phase, with what it reads from rows and what it leaves there.
    fn code(&self, at: usize) -> Vec<Scalar> {
        let (code, calls) = &self.phases[at];
        let mut out = Vec::new();
        let mut here: HashSet<u32> = HashSet::new();
        let mut load = |cell: u32, out: &mut Vec<Scalar>| {
            let instruction = match self.origins.get(&cell) {
                Some(Origin::Taken(take)) => *take,
                Some(Origin::Made(phase)) if *phase == at => return,
                Some(_) => Scalar::Take(cell, self.place(cell)),
                None => return,
            };
            if here.insert(cell) {
                out.push(instruction);
            }
        };
        for instruction in code {
            let (result, operands) = instruction.parts();
            for cell in operands.into_iter().flatten() {
                load(cell, &mut out);
            }
            out.push(*instruction);
            if let Some(cell) = result.filter(|cell| self.rows.contains_key(cell)) {
                out.push(Scalar::Put(cell, self.place(cell)));
            }
        }
        // Arguments of calls that no code makes.
        let mut put: HashSet<u32> = HashSet::new();
        for cell in calls.iter().flat_map(|call| call.parts().1).flatten() {
            let made = matches!(
                self.origins.get(&cell),
                Some(Origin::Made(_) | Origin::Called(_))
            );
            if !made && put.insert(cell) {
                load(cell, &mut out);
                out.push(Scalar::Put(cell, self.place(cell)));
            }
        }
        out
    }

    /// The calls after a phase, for all samples.
    fn calls<T: Element>(&self, at: usize) -> Kernel<T> {
        let level = Level::detect();
        let row = |cell: u32| Slot::stream(Place::arena(self.rows[&cell]));
        let body = self.phases[at].1.iter().map(|call| match *call {
            Scalar::Call1(function, out, a) => Micro::Unary {
                kernel: T::unary_block(function, level),
                a: row(a),
                out: row(out),
                whole: true,
            },
            Scalar::Call2(function, out, a, b) => Micro::Binary {
                kernel: T::binary_blocks(function, level).both,
                a: row(a),
                b: row(b),
                out: row(out),
                whole: true,
            },
            _ => unreachable!("the others are code"),
        });
        Kernel {
            rows: 1,
            n: self.samples,
            block: self.samples.next_multiple_of(T::LANES),
            together: 1,
            presets: Vec::new(),
            body: body.collect(),
        }
    }
}
