//! Recurrences: definitions that use other elements of what they define, as scans.
//!
//! First the definitions are lowered once for all rows with a stand-in for the arrays that they
//! define (the *probe*). Every read of such an array then shows which elements which row uses; from
//! that follows the loop that is time, its direction, and how far back reads reach. Then they are
//! lowered again for one step, as the body of a scan whose carry is the window of earlier elements:
//! a read becomes a place in that window, by a table over time where it differs from step to step.

mod parts;
mod plan;
mod probe;
mod step;

use super::order::uses;
use super::statement::Piece;
use super::value::{AxisId, AxisList, Value, flat_index};
use super::{Lowerer, Result, error};
use crate::check::program::{Index, StatementKind, Target, VarId};
use crate::diag::Span;
use crate::graph::{Graph, NodeId, Shape, Tensor, Var, numel};
use crate::ops::{Body, concat, scan};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How reads of the arrays that are being defined are answered.
pub enum Recurrence<'g> {
    Probe(Probe<'g>),
    Step(Step<'g>),
}

/// All rows at once, with stand-ins.
#[derive(Default)]
pub struct Probe<'g> {
    arrays: HashMap<VarId, (Value<'g>, usize)>,
    reads: BTreeMap<u32, Read>,
    statement: usize,
}

/// One step.
pub struct Step<'g> {
    plan: Arc<Plan>,
    /// Position of the step in time.
    position: Var<'g>,
    /// Window of each stream, oldest first: `[L·R, element…]`.
    windows: Vec<Var<'g>>,
    /// What the step has given so far: `[R, element…]`.
    current: Vec<Option<Var<'g>>>,
    initial: HashMap<VarId, Var<'g>>,
}

/// A place in the program that reads elements: on rows of `axes`, with own axes `own`.
struct Read {
    var: VarId,
    statement: usize,
    axes: AxisList,
    own: Vec<usize>,
    /// Loop variables of axes, as the step will open its own.
    variables: HashMap<AxisId, VarId>,
    /// Flat elements, row-major over axes then own axes.
    elements: Vec<usize>,
    span: Span,
}

/// Elements that one statement defines, a row for each turn of its other loops.
#[derive(Clone)]
struct Stream {
    statement: usize,
    var: VarId,
    /// Axes of its rows, time included.
    axes: AxisList,
    rows: usize,
    element: Vec<usize>,
    /// Steps that the window reaches back.
    reach: usize,
}

struct Plan {
    time: AxisId,
    steps: usize,
    reverse: bool,
    streams: Vec<Stream>,
    tables: HashMap<u32, Table>,
}

/// Where a read finds its elements in the array's buffer: `[steps, extents…, own…]`.
struct Table {
    var: VarId,
    variables: Vec<VarId>,
    extents: Vec<usize>,
    own: Vec<usize>,
    places: Vec<f64>,
}

/// Where an element of an array comes from.
#[derive(Clone, Copy)]
enum Source {
    /// Defined by a stream at a time, in a row.
    Stream {
        stream: usize,
        time: usize,
        row: usize,
    },
    Initial,
}

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn is_recurrent(&self, var: VarId) -> bool {
        match &self.recurrence {
            Some(Recurrence::Probe(probe)) => probe.arrays.contains_key(&var),
            Some(Recurrence::Step(step)) => step.plan.streams.iter().any(|s| s.var == var),
            None => false,
        }
    }

    /// Which step it is that is being lowered.
    pub(super) fn step_position(&self) -> Option<Var<'g>> {
        match &self.recurrence {
            Some(Recurrence::Step(step)) => Some(step.position),
            _ => None,
        }
    }

    /// Lowers definitions that use each other's elements.
    pub(super) fn recur(&mut self, group: &[usize]) -> Result<()> {
        let program = self.program;
        let mut streams = Vec::new();
        let mut locals = Vec::new();
        for &i in group {
            self.come_from(i);
            let StatementKind::Let { target, .. } = &program.statements[i].kind else {
                return Err(vec![self.cycle(group)]);
            };
            if target.indices.is_empty() {
                locals.push(i);
                continue;
            }
            let axes = self.open_nest(i)?;
            self.filters.clear();
            streams.push((i, target, axes));
        }
        if streams.is_empty() {
            return Err(vec![self.cycle(group)]);
        }
        let places = self.stream_places(&streams)?;
        if places.iter().all(Vec::is_empty) {
            return self.define_nothing(&streams);
        }
        let reads = self.probe(group, &streams, &places)?;
        let (_, _, first) = &streams[0];
        let shares = |axis: &AxisId| streams.iter().all(|(_, _, axes)| axes.contains(axis));
        if !first.iter().any(shares) {
            let parts = self.parts(group, &streams, &places, &reads);
            if parts.len() > 1 {
                return self.one_by_one(&parts, &streams, &places);
            }
        }
        for ((i, _, _), rows) in streams.iter().zip(&places) {
            self.stream_rows.insert(*i, rows.clone());
        }
        let (plan, order) = self.plan(group, &streams, &places, &reads)?;
        self.run(plan, &places, &order)?;
        Ok(())
    }

    /// No turn of the loops: nothing is defined, and what turns would read need not exist.
    fn define_nothing(&mut self, streams: &[(usize, &Target, AxisList)]) -> Result<()> {
        for (statement, target, _) in streams {
            let mut shape = vec![0];
            shape.extend(self.element_shape(target)?);
            let none = self.graph.scalar(0.0).broadcast(&shape);
            let indexed = self.indexed(target.var);
            let span = self.program.statements[*statement].span;
            let piece = Piece::new(none, Vec::new(), indexed, span);
            self.pieces.entry(target.var).or_default().push(piece);
        }
        Ok(())
    }

    fn cycle(&self, group: &[usize]) -> crate::diag::Diagnostic {
        let places: Vec<(Span, String)> = group
            .iter()
            .map(|&i| {
                let statement = &self.program.statements[i];
                let name = match &statement.kind {
                    StatementKind::Let { target, .. } | StatementKind::Draw { target, .. } => {
                        self.program.variable(target.var).name.clone()
                    }
                    _ => "this".into(),
                };
                (statement.span, name)
            })
            .collect();
        error::cycle(&places)
    }

    /// Flat indices (by axis) of each stream's rows.
    fn stream_places(&mut self, streams: &[(usize, &Target, AxisList)]) -> Result<Vec<Vec<usize>>> {
        let mut all = Vec::new();
        for (i, target, _) in streams {
            let axes = self.open_nest(*i)?;
            all.push(self.places(target, &axes)?);
            self.filters.clear();
        }
        Ok(all)
    }

    pub(super) fn index_recurrent(
        &mut self,
        id: u32,
        var: VarId,
        indices: &[Index],
        span: Span,
    ) -> Result<Value<'g>> {
        match self.recurrence.take() {
            Some(Recurrence::Probe(probe)) => {
                let (stand_in, indexed) = probe.arrays[&var].clone();
                let statement = probe.statement;
                self.recurrence = Some(Recurrence::Probe(probe));
                let read = self.record(var, statement, &stand_in, indexed, indices, span)?;
                let what = format!("`{}`", self.program.variable(var).name);
                let value = self.index_value(None, stand_in, indices, &what, span)?;
                if let Some(Recurrence::Probe(probe)) = &mut self.recurrence {
                    probe.reads.insert(id, read);
                }
                Ok(value)
            }
            Some(Recurrence::Step(step)) => {
                let value = self.read(&step, id);
                let own = step.plan.tables[&id].own.len();
                let indexed = self.indexed(var);
                self.recurrence = Some(Recurrence::Step(step));
                let value = self.on_rows_left(value);
                let mut rest = vec![Index::All; own];
                rest.extend(indices.iter().skip(indexed).cloned());
                let what = format!("`{}`", self.program.variable(var).name);
                self.index_value(None, value, &rest, &what, span)
            }
            None => unreachable!("asked only inside a recurrence"),
        }
    }

    fn indexed(&self, var: VarId) -> usize {
        self.program
            .statements
            .iter()
            .find_map(|s| match &s.kind {
                StatementKind::Let { target, .. } if target.var == var => {
                    Some(target.indices.len())
                }
                _ => None,
            })
            .unwrap_or(0)
    }

    fn vector(&self, numbers: impl IntoIterator<Item = f64>) -> Var<'g> {
        self.graph
            .constant(Tensor::vector(numbers.into_iter().collect::<Vec<_>>()))
    }

    /// Shape of one element of an array that is being defined.
    fn element_shape(&self, target: &Target) -> Result<Vec<usize>> {
        if let Some(piece) = self.pieces.get(&target.var).and_then(|p| p.first()) {
            return Ok(piece.values().shape()[1..].to_vec());
        }
        let variable = self.program.variable(target.var);
        let dims = variable
            .ty
            .number()
            .map(|(_, d)| d.to_vec())
            .unwrap_or_default();
        let known: Option<Vec<usize>> = dims[target.indices.len()..]
            .iter()
            .map(|d| self.bound.evaluate(d).map(|n| n.max(0) as usize))
            .collect();
        known.ok_or_else(|| {
            vec![error::unknown_extent(
                target.span,
                &variable.name,
                "of one element",
            )]
        })
    }

    fn extents_of(
        &self,
        var: VarId,
        indexed: usize,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> Vec<usize> {
        let mut extents = vec![0; indexed];
        let earlier = self
            .pieces
            .get(&var)
            .into_iter()
            .flatten()
            .map(|p| &p.places);
        let same = streams
            .iter()
            .zip(places)
            .filter(|((_, t, _), _)| t.var == var)
            .map(|(_, p)| p);
        for all in earlier.chain(same) {
            for place in all.chunks(indexed) {
                extents
                    .iter_mut()
                    .zip(place)
                    .for_each(|(n, &p)| *n = (*n).max(p + 1));
            }
        }
        extents
    }

    /// Names inside loops before what uses them.
    fn local_order(&self, group: &[usize]) -> Vec<usize> {
        self.sorted(group, &|i, j| {
            let StatementKind::Let { target, .. } = &self.program.statements[j].kind else {
                return false;
            };
            target.indices.is_empty() && uses(self.program, i, false).contains(&target.var)
        })
    }

    /// Statements such that `needs(i, j)` puts `j` before `i`.
    fn sorted(&self, group: &[usize], needs: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
        let mut left: Vec<usize> = group.to_vec();
        let mut order = Vec::new();
        while !left.is_empty() {
            let next = left
                .iter()
                .position(|&i| !left.iter().any(|&j| j != i && needs(i, j)))
                .unwrap_or(0);
            order.push(left.remove(next));
        }
        order
    }
}
