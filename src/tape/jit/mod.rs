//! Straight-line code on single numbers ([`Scalar`](super::scalar::Scalar)) to machine code.
//!
//! The interpreter pays a dispatch, loads and a store for every operation; compiled code keeps
//! what is between in registers, the carries of a recurrence over all its steps. Cells become
//! values of single assignment (`translate`), the commonest functions are put in place with
//! the very operations of [`crate::special`] (`functions`), others are called. Interpreter and
//! machine code give the same bits, so that it does not matter which one runs.
//!
//! Vectors hold two numbers: of two samples, where there are samples; else of neighbouring
//! instructions that do the same, where their operands lie side by side already.
//!
//! Where there is no compiler for the machine, or memory must not be executed, or the feature
//! `jit` is off, [`compile`] gives nothing and the interpreter goes on.

use super::scalar::{Scalar, Steps};
use std::collections::HashMap;
use std::ops::Range;

#[cfg(machine_code)]
mod functions;
#[cfg(machine_code)]
mod machine;
#[cfg(machine_code)]
mod translate;

#[cfg(machine_code)]
pub(super) use machine::{Function, Machine, available, compile};
#[cfg(not(machine_code))]
pub(super) use without::{Function, Machine, available, compile};

/// Code that becomes one function.
#[cfg_attr(not(machine_code), expect(dead_code, reason = "for the compiler only"))]
pub(super) struct Part<'a> {
    /// Run once, before the steps.
    pub before: &'a [Scalar],
    pub step: &'a [Scalar],
    pub steps: Steps,
    /// For each of which all of it is run, independently.
    pub samples: usize,
    /// Cells below this are written before the program runs.
    pub inputs: u32,
    /// Cells that nobody reads when the function is done.
    pub private: Range<u32>,
    /// Cells that hold constants.
    pub known: HashMap<u32, f64>,
}

#[cfg(not(machine_code))]
mod without {
    use super::Part;

    /// Never there.
    #[derive(Clone, Copy)]
    pub enum Function {}

    pub enum Machine {}

    impl Function {
        pub unsafe fn run(self, _: *mut f64, _: *const f64) {
            match self {}
        }
    }

    pub fn available() -> bool {
        false
    }

    pub fn compile(_: &[Part]) -> Option<(Machine, Vec<Function>)> {
        None
    }
}

#[cfg(test)]
mod tests;
