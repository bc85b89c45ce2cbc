//! Data that stay in their files: the model of a step, whose rows are all there is of them in memory.

use super::batch::{self, Over};
use super::bind::Bound;
use super::varying::Varying;
use super::{Result, error, lower_once};
use crate::check::program::{Program, VarId};
use crate::diag::{Diagnostics, Span};
use crate::graph::numel;
use crate::model::{Fed, Model, Quantity, Rows, Source};

/// Numbers of data that are looked at in one go, at most, unless a row has more.
const PART: usize = 1 << 20;

/// The model of a step, if some data can stay in their files for it; otherwise all are read.
///
/// What is said of data is said of constants of a graph, so all rows have their turn as such, part by part.
pub(super) fn lower_streamed(
    program: &Program,
    bound: &mut Bound,
    text: &dyn Fn(Span) -> String,
) -> Result<Option<(Model, Diagnostics)>> {
    if bound.stored().is_empty() {
        return Ok(None);
    }
    let beyond = program.beyond_batches.iter();
    bound.hold(program, beyond.map(|(var, span)| (*var, *span)))?;
    if bound.stored().is_empty() || !program.has_batches {
        return hold_all(program, bound).map(|()| None);
    }
    let width = |var: &VarId| numel(&bound.values[var].value.shape()[1..]);
    let widths: usize = batch::fed(program, bound).iter().map(width).sum();
    let most = (PART / widths.max(1)).max(1);
    let (mut varying, mut from) = (Varying::default(), 0);
    loop {
        let part = lower_once(program, bound, text, Over::Rows { from, most }, &varying)?;
        varying.merge(part.varying);
        from += most;
        if from >= part.total {
            break;
        }
    }
    let mut model = lower_once(program, bound, text, Over::Step, &varying)?.model;
    let streams = |rows: &&Rows| {
        let in_files = |fed: &Fed| matches!(fed.source, Source::Stored(_));
        rows.size < rows.total && rows.fed.iter().any(in_files)
    };
    let Some(rows) = model.rows.as_ref().filter(streams) else {
        return hold_all(program, bound).map(|()| None);
    };
    let made = |q: &Quantity| rows.made.contains(&q.name);
    let (left_out, kept): (Vec<_>, Vec<_>) = model.quantities.drain(..).partition(made);
    let mut notes = bound.notes.clone();
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out.iter().map(|q| q.name.as_str()).collect();
        notes.push(error::not_reported(&names, rows.total));
    }
    model.quantities = kept;
    Ok(Some((model, notes)))
}

/// Reads all that is still in its file.
pub(super) fn hold_all(program: &Program, bound: &mut Bound) -> Result<()> {
    let left = bound.stored().into_iter();
    let left: Vec<(VarId, Span)> = left.map(|v| (v, program.variable(v).span)).collect();
    bound.hold(program, left.into_iter())
}
