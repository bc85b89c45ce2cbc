//! Recurrences: definitions that use other elements of what they define, as scans.
//!
//! First the definitions are lowered once for all rows with a stand-in for the arrays that they
//! define (the *probe*). Every read of such an array then shows which elements which row uses; from
//! that follows the loop that is time, its direction, and how far back reads reach. Then they are
//! lowered again for one step, as the body of a scan whose carry is the window of earlier elements:
//! a read becomes a place in that window, by a table over time where it differs from step to step.

use super::statement::Piece;
use super::value::{AxisId, AxisList, Value};
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
        let reads = self.probe(group, &streams, &places)?;
        for ((i, _, _), rows) in streams.iter().zip(&places) {
            self.stream_rows.insert(*i, rows.clone());
        }
        let plan = self.plan(&streams, &places, &reads)?;
        let order = self.step_order(group, &plan, &reads)?;
        self.run(plan, &places, &order)?;
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

    /// Lowers every statement for all rows, recording what is read.
    fn probe(
        &mut self,
        group: &[usize],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> Result<BTreeMap<u32, Read>> {
        let mut probe = Probe::default();
        for (_, target, _) in streams {
            let indexed = target.indices.len();
            let mut extents = self.extents_of(target.var, indexed, streams, places);
            let element = self.element_shape(target)?;
            extents.extend(element);
            let stand_in = self.graph.input(&extents);
            probe
                .arrays
                .insert(target.var, (Value::plain(stand_in), indexed));
        }
        self.recurrence = Some(Recurrence::Probe(probe));
        let mut result = Ok(());
        for i in self.local_order(group) {
            if let Some(Recurrence::Probe(probe)) = &mut self.recurrence {
                probe.statement = i;
            }
            self.come_from(i);
            let StatementKind::Let { target, value } = &self.program.statements[i].kind else {
                continue;
            };
            result = self
                .open_nest(i)
                .and_then(|_| self.value(value))
                .map(|value| {
                    if target.indices.is_empty() {
                        self.env.insert(target.var, value);
                    }
                });
            self.filters.clear();
            if result.is_err() {
                break;
            }
        }
        let Some(Recurrence::Probe(probe)) = self.recurrence.take() else {
            unreachable!("the probe is in place until here");
        };
        result.map(|()| probe.reads)
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

    /// Names inside loops before what uses them.
    fn local_order(&self, group: &[usize]) -> Vec<usize> {
        self.sorted(group, &|i, j| {
            let StatementKind::Let { target, .. } = &self.program.statements[j].kind else {
                return false;
            };
            target.indices.is_empty()
                && super::order::uses(self.program, i, false).contains(&target.var)
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
                let value = self.index_value(stand_in, indices, &what, span)?;
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
                let mut rest = vec![Index::All; own];
                rest.extend(indices.iter().skip(indexed).cloned());
                let what = format!("`{}`", self.program.variable(var).name);
                self.index_value(value, &rest, &what, span)
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

    /// Which elements a read takes, on all rows.
    fn record(
        &mut self,
        var: VarId,
        statement: usize,
        stand_in: &Value<'g>,
        indexed: usize,
        indices: &[Index],
        span: Span,
    ) -> Result<Read> {
        let dims = stand_in.dims();
        let numbers: Vec<f64> = (0..numel(&dims[..indexed])).map(|k| k as f64).collect();
        let iota = self
            .graph
            .constant(Tensor::new(Shape::from_slice(&dims[..indexed]), numbers));
        let what = format!("`{}`", self.program.variable(var).name);
        let taken = indices.len().min(indexed);
        let value = self.index_value(Value::plain(iota), &indices[..taken], &what, span)?;
        if value.ragged.is_some() {
            return Err(vec![error::ragged(span, "a recurrence")]);
        }
        let elements = self
            .known(&value, &value.axes.clone(), span)?
            .iter()
            .map(|&k| k as usize)
            .collect();
        let axes = value.axes.clone();
        let mut of_axes: HashMap<AxisId, VarId> = HashMap::new();
        for (&v, &a) in &self.axis_of {
            of_axes.insert(a, v);
        }
        Ok(Read {
            var,
            statement,
            own: value.dims().to_vec(),
            axes,
            variables: of_axes,
            elements,
            span,
        })
    }

    /// Position on every base axis of one row of `axes`; `time` counts as a base axis.
    fn coordinates(
        &self,
        axes: &AxisList,
        mut row: usize,
        time: AxisId,
    ) -> BTreeMap<AxisId, usize> {
        let mut found = BTreeMap::new();
        let mut positions = vec![0; axes.len()];
        for (i, &axis) in axes.iter().enumerate().rev() {
            let n = self.extent(axis).max(1);
            positions[i] = row % n;
            row /= n;
        }
        for (&axis, &position) in axes.iter().zip(&positions) {
            self.own_coordinate(axis, position, time, &mut found);
            for (parent, table) in &self.axes[axis.0].parents {
                if axis != time {
                    self.own_coordinate(*parent, table[position], time, &mut found);
                }
            }
        }
        found.retain(|axis, _| !self.is_ancestor(*axis, time));
        found
    }

    fn own_coordinate(
        &self,
        axis: AxisId,
        position: usize,
        time: AxisId,
        found: &mut BTreeMap<AxisId, usize>,
    ) {
        let this = &self.axes[axis.0];
        if axis == time || this.parents.is_empty() {
            found.insert(axis, position);
        } else if let Some(&step) = this.steps.get(position) {
            found.insert(axis, step);
        }
    }

    /// Finds the loop that is time, and where every read finds its elements.
    fn plan(
        &mut self,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Result<Arc<Plan>> {
        let candidates: Vec<AxisId> = streams[0]
            .2
            .iter()
            .copied()
            .filter(|a| streams.iter().all(|(_, _, axes)| axes.contains(a)))
            .collect();
        let mut problem = None;
        for &time in candidates.iter().rev() {
            match self.plan_along(time, streams, places, reads) {
                Ok(plan) => return Ok(Arc::new(plan)),
                Err(e) => problem = problem.or(Some(e)),
            }
        }
        let group: Vec<usize> = streams.iter().map(|s| s.0).collect();
        Err(problem.unwrap_or_else(|| vec![self.cycle(&group)]))
    }

    fn plan_along(
        &self,
        time: AxisId,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Result<Plan> {
        let sources = self.sources(time, streams, places);
        let mut reach = vec![1; streams.len()];
        let (mut forward, mut backward) = (false, false);
        let steps = self.extent(time);
        for read in reads.values() {
            let (axes, columns) = self.columns(read, time);
            let own = numel(&read.own).max(1);
            for (at, &element) in read.elements.iter().enumerate() {
                let Some(&Source::Stream {
                    stream, time: then, ..
                }) = sources[&read.var].get(element)
                else {
                    continue;
                };
                let times: Vec<usize> = match columns.get(&time) {
                    Some(column) => vec![column[at / own]],
                    None => (0..steps).collect(),
                };
                for now in times {
                    forward |= now > then;
                    backward |= now < then;
                    reach[stream] = reach[stream].max(now.abs_diff(then));
                    if forward && backward {
                        let name = &self.program.variable(read.var).name;
                        return Err(vec![error::not_earlier(
                            read.span,
                            name,
                            &self.row_text(&axes, at / own),
                        )]);
                    }
                }
            }
        }
        let made: Vec<Stream> = streams
            .iter()
            .zip(&reach)
            .map(|((statement, target, axes), &reach)| {
                let others: usize = axes
                    .iter()
                    .filter(|a| **a != time)
                    .map(|a| self.extent(*a))
                    .product();
                let element = self.element_shape(target)?;
                Ok(Stream {
                    statement: *statement,
                    var: target.var,
                    axes: axes.clone(),
                    rows: others,
                    element,
                    reach,
                })
            })
            .collect::<Result<_>>()?;
        let mut plan = Plan {
            time,
            steps,
            reverse: backward,
            streams: made,
            tables: HashMap::new(),
        };
        for (&id, read) in reads {
            let table = self.table(&plan, read, &sources[&read.var])?;
            plan.tables.insert(id, table);
        }
        Ok(plan)
    }

    /// Where every element of the arrays comes from.
    fn sources(
        &self,
        time: AxisId,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> HashMap<VarId, Vec<Source>> {
        let mut all: HashMap<VarId, Vec<Source>> = HashMap::new();
        for (_, target, _) in streams {
            let n = target.indices.len();
            let extents = self.extents_of(target.var, n, streams, places);
            all.entry(target.var)
                .or_insert_with(|| vec![Source::Initial; numel(&extents)]);
        }
        for (stream, (_, target, axes)) in streams.iter().enumerate() {
            let n = target.indices.len();
            let extents = self.extents_of(target.var, n, streams, places);
            let at = axes
                .iter()
                .position(|a| *a == time)
                .expect("time is an axis of every stream");
            let after: usize = axes[at + 1..].iter().map(|a| self.extent(*a)).product();
            let steps = self.extent(time);
            for (row, place) in places[stream].chunks(n).enumerate() {
                let flat = place.iter().zip(&extents).fold(0, |f, (k, n)| f * n + k);
                let (inner, rest) = (row % after.max(1), row / after.max(1));
                let source = Source::Stream {
                    stream,
                    time: rest % steps,
                    row: rest / steps * after + inner,
                };
                if let Some(slot) = all.get_mut(&target.var).and_then(|s| s.get_mut(flat)) {
                    *slot = source;
                }
            }
        }
        all
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

    /// For every base axis of a read, where each of its rows lies.
    fn columns(&self, read: &Read, time: AxisId) -> (AxisList, BTreeMap<AxisId, Vec<usize>>) {
        let rows: usize = read.axes.iter().map(|a| self.extent(*a)).product();
        let mut columns: BTreeMap<AxisId, Vec<usize>> = BTreeMap::new();
        for row in 0..rows {
            for (axis, position) in self.coordinates(&read.axes, row, time) {
                columns.entry(axis).or_default().push(position);
            }
        }
        (read.axes.clone(), columns)
    }

    /// Offset of a stream in its array's buffer, and where initial elements begin.
    fn offsets(plan: &Plan, var: VarId) -> (HashMap<usize, usize>, usize) {
        let mut offset = 0;
        let mut offsets = HashMap::new();
        for (k, stream) in plan
            .streams
            .iter()
            .enumerate()
            .filter(|(_, s)| s.var == var)
        {
            offsets.insert(k, offset);
            offset += (stream.reach + 1) * stream.rows;
        }
        (offsets, offset)
    }

    fn table(&self, plan: &Plan, read: &Read, sources: &[Source]) -> Result<Table> {
        let (_, columns) = self.columns(read, plan.time);
        let axes: Vec<AxisId> = columns
            .keys()
            .copied()
            .filter(|a| *a != plan.time)
            .collect();
        let extents: Vec<usize> = axes
            .iter()
            .map(|a| {
                columns[a]
                    .iter()
                    .max()
                    .map_or(0, |m| m + 1)
                    .max(self.base_extent(*a))
            })
            .collect();
        let variables = axes
            .iter()
            .map(|a| {
                read.variables
                    .get(a)
                    .copied()
                    .ok_or_else(|| vec![error::ragged(read.span, "a recurrence")])
            })
            .collect::<Result<Vec<_>>>()?;
        let own = numel(&read.own);
        let cells = numel(&extents) * own;
        let (offsets, initial) = Self::offsets(plan, read.var);
        let mut places = vec![f64::NAN; plan.steps * cells];
        for (at, &element) in read.elements.iter().enumerate() {
            let (row, inside) = (at / own.max(1), at % own.max(1));
            let cell = axes
                .iter()
                .zip(&extents)
                .fold(0, |c, (a, n)| c * n + columns[a][row])
                * own
                + inside;
            let times = match columns.get(&plan.time) {
                Some(column) => column[row]..column[row] + 1,
                None => 0..plan.steps,
            };
            for now in times {
                let place = match sources[element] {
                    Source::Initial => initial + element,
                    Source::Stream { stream, time, row } => {
                        let s = &plan.streams[stream];
                        offsets[&stream] + (s.reach - now.abs_diff(time)) * s.rows + row
                    }
                };
                places[now * cells + cell] = place as f64;
            }
        }
        Ok(Table {
            var: read.var,
            variables,
            extents,
            own: read.own.clone(),
            places,
        })
    }

    /// Turns of a loop that has one number of them in every row.
    fn base_extent(&self, axis: AxisId) -> usize {
        let this = &self.axes[axis.0];
        if this.parents.is_empty() {
            this.extent
        } else {
            this.steps.iter().max().map_or(0, |m| m + 1)
        }
    }

    /// Statements in the order in which one step computes them.
    fn step_order(
        &self,
        group: &[usize],
        plan: &Plan,
        reads: &BTreeMap<u32, Read>,
    ) -> Result<Vec<usize>> {
        // Reads of what the same step defines.
        let mut now: Vec<(usize, usize)> = Vec::new();
        for (id, read) in reads {
            let table = &plan.tables[id];
            let (offsets, _) = Self::offsets(plan, read.var);
            for (k, stream) in plan
                .streams
                .iter()
                .enumerate()
                .filter(|(_, s)| s.var == read.var)
            {
                let current = offsets[&k] + stream.reach * stream.rows;
                let range = current as f64..(current + stream.rows) as f64;
                if table.places.iter().any(|p| range.contains(p)) {
                    now.push((read.statement, stream.statement));
                    if read.statement == stream.statement {
                        let name = &self.program.variable(read.var).name;
                        return Err(vec![error::not_earlier(read.span, name, "the same row")]);
                    }
                }
            }
        }
        let program = self.program;
        let order = self.sorted(group, &|i, j| {
            let StatementKind::Let { target, .. } = &program.statements[j].kind else {
                return false;
            };
            let local = target.indices.is_empty()
                && super::order::uses(program, i, false).contains(&target.var);
            local || now.contains(&(i, j))
        });
        let position = |i: usize| order.iter().position(|&o| o == i);
        if now.iter().any(|&(i, j)| position(i) < position(j)) {
            return Err(vec![self.cycle(group)]);
        }
        Ok(order)
    }

    /// Builds the scan and takes the elements from its states.
    fn run(&mut self, plan: Arc<Plan>, places: &[Vec<usize>], order: &[usize]) -> Result<()> {
        let graph = Arc::new(Graph::new());
        let initial = self.initial(&plan);
        let (windows, regular) = self.first_windows(&plan, &initial);
        let flat: Vec<Var<'g>> = windows.iter().map(|w| w.reshape(&[w.numel()])).collect();
        let init = concat(&flat, 0);
        let plan = regular;
        let (body, xs, constants) = self.body(&graph, &plan, &initial, order)?;
        let states = scan(body, plan.steps, plan.reverse, init, &xs, &constants); // [steps, carry]
        let mut offset = 0;
        for (k, stream) in plan.streams.iter().enumerate() {
            let size = stream.rows * numel(&stream.element);
            let newest = states.slice(0, offset + (stream.reach - 1) * size, size);
            offset += stream.reach * size;
            let mut shape = vec![plan.steps];
            shape.extend(
                stream
                    .axes
                    .iter()
                    .filter(|a| **a != plan.time)
                    .map(|a| self.extent(*a)),
            );
            shape.extend(&stream.element);
            let at = stream
                .axes
                .iter()
                .position(|a| *a == plan.time)
                .expect("time is an axis of every stream");
            let values = newest.reshape(&shape).front_to_axis(shape.len() - 1 - at);
            let mut rows = vec![plan.steps * stream.rows];
            rows.extend(&stream.element);
            let indexed = self.indexed(stream.var);
            let span = self.program.statements[stream.statement].span;
            let piece = Piece::new(values.reshape(&rows), places[k].clone(), indexed, span);
            self.pieces.entry(stream.var).or_default().push(piece);
        }
        Ok(())
    }

    /// Elements that other statements define, as far as there are any: `[all elements, element…]`,
    /// zero where a stream defines them.
    fn initial(&mut self, plan: &Plan) -> HashMap<VarId, Var<'g>> {
        let mut result = HashMap::new();
        for stream in &plan.streams {
            let Some(pieces) = self.pieces.get(&stream.var).filter(|p| !p.is_empty()) else {
                continue;
            };
            let needed = plan.tables.values().filter(|t| t.var == stream.var);
            let (_, first) = Self::offsets(plan, stream.var);
            let most = needed
                .flat_map(|t| t.places.iter().copied())
                .fold(-1.0, f64::max);
            if most < first as f64 {
                continue;
            }
            let total = most as usize - first + 1;
            let indexed = self.indexed(stream.var);
            let extents = self.all_extents(plan, stream.var, indexed);
            let mut sum: Option<Var<'g>> = None;
            for piece in pieces {
                let flat: Vec<usize> = piece
                    .places
                    .chunks(indexed)
                    .map(|p| p.iter().zip(&extents).fold(0, |f, (k, n)| f * n + k))
                    .collect();
                let inside: Vec<usize> = (0..flat.len()).filter(|&i| flat[i] < total).collect();
                if inside.is_empty() {
                    continue;
                }
                let rank = piece.values().rank() - 1;
                let rows = self.vector(inside.iter().map(|&i| i as f64));
                let to = self.vector(inside.iter().map(|&i| flat[i] as f64));
                let part = piece
                    .values()
                    .gather(rank, rows)
                    .scatter_add(rank, total, to);
                sum = Some(match sum {
                    Some(sum) => sum + part,
                    None => part,
                });
            }
            if let Some(sum) = sum {
                result.insert(stream.var, sum);
            }
        }
        result
    }

    fn vector(&self, numbers: impl IntoIterator<Item = f64>) -> Var<'g> {
        self.graph
            .constant(Tensor::vector(numbers.into_iter().collect::<Vec<_>>()))
    }

    /// Extents of the indexed axes of an array, from the stand-in's time: all its statements.
    fn all_extents(&self, plan: &Plan, var: VarId, indexed: usize) -> Vec<usize> {
        let mut extents = vec![0; indexed];
        let of_streams = plan
            .streams
            .iter()
            .filter(|s| s.var == var)
            .map(|s| &self.stream_rows[&s.statement]);
        let earlier = self
            .pieces
            .get(&var)
            .into_iter()
            .flatten()
            .map(|p| &p.places);
        for all in of_streams.chain(earlier) {
            for place in all.chunks(indexed) {
                extents
                    .iter_mut()
                    .zip(place)
                    .for_each(|(n, &p)| *n = (*n).max(p + 1));
            }
        }
        extents
    }

    /// Windows before the first step. A read that always reaches the same place back, and at the
    /// first steps elements that other statements define, finds these in the window too: then its
    /// place is the same at every step.
    fn first_windows(
        &mut self,
        plan: &Arc<Plan>,
        initial: &HashMap<VarId, Var<'g>>,
    ) -> (Vec<Var<'g>>, Arc<Plan>) {
        // (stream, steps before the first, row) to the element that stands there.
        let mut virtual_elements: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
        let mut tables = HashMap::new();
        let mut ids: Vec<u32> = plan.tables.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let table = &plan.tables[&id];
            tables.insert(id, self.regular_table(plan, table, &mut virtual_elements));
        }
        let windows = plan
            .streams
            .iter()
            .enumerate()
            .map(|(k, stream)| {
                let mut shape = vec![stream.reach * stream.rows];
                shape.extend(&stream.element);
                let zeros = self.graph.scalar(0.0).broadcast(&shape);
                let Some(values) = initial.get(&stream.var) else {
                    return zeros;
                };
                let mut from = Vec::new();
                let mut to = Vec::new();
                for (&(s, back, row), &element) in &virtual_elements {
                    if s == k && back <= stream.reach {
                        from.push(element as f64);
                        to.push(((stream.reach - back) * stream.rows + row) as f64);
                    }
                }
                if from.is_empty() {
                    return zeros;
                }
                let axis = values.rank() - 1;
                values.gather(axis, self.vector(from)).scatter_add(
                    axis,
                    stream.reach * stream.rows,
                    self.vector(to),
                )
            })
            .collect();
        let Plan {
            time,
            steps,
            reverse,
            ..
        } = **plan;
        (
            windows,
            Arc::new(Plan {
                time,
                steps,
                reverse,
                streams: plan.streams.clone(),
                tables,
            }),
        )
    }

    fn regular_table(
        &self,
        plan: &Plan,
        table: &Table,
        elements: &mut BTreeMap<(usize, usize, usize), usize>,
    ) -> Table {
        let cells = numel(&table.extents) * numel(&table.own);
        let (offsets, first) = Self::offsets(plan, table.var);
        let mut places = table.places.clone();
        for cell in 0..cells {
            let column: Vec<usize> = (0..plan.steps).map(|t| t * cells + cell).collect();
            let usual: Vec<f64> = column
                .iter()
                .map(|&i| places[i])
                .filter(|p| *p < first as f64)
                .collect();
            let Some(&place) = usual.first() else {
                continue;
            };
            if usual.iter().any(|p| *p != place) {
                continue;
            }
            let (stream, offset) = offsets
                .iter()
                .map(|(&k, &o)| (k, o))
                .filter(|(_, o)| *o as f64 <= place)
                .max_by_key(|(_, o)| *o)
                .expect("a place before the initial elements is in a stream");
            let s = &plan.streams[stream];
            let (slot, row) = (
                (place as usize - offset) / s.rows.max(1),
                (place as usize - offset) % s.rows.max(1),
            );
            let lag = s.reach - slot.min(s.reach);
            if lag == 0 {
                continue;
            }
            for (t, &i) in column.iter().enumerate() {
                let done = if plan.reverse { plan.steps - 1 - t } else { t };
                if places[i].is_nan() || places[i] < first as f64 || done >= lag {
                    continue;
                }
                let element = places[i] as usize - first;
                let known = elements.entry((stream, lag - done, row)).or_insert(element);
                if *known == element {
                    places[i] = place;
                }
            }
            // Rows that no branch reads may find anything.
            for &i in &column {
                if places[i].is_nan() {
                    places[i] = place;
                }
            }
        }
        places
            .iter_mut()
            .filter(|p| p.is_nan())
            .for_each(|p| *p = 0.0);
        Table {
            var: table.var,
            variables: table.variables.clone(),
            extents: table.extents.clone(),
            own: table.own.clone(),
            places,
        }
    }

    /// The scan's body, with the slices and constants that it reads.
    #[allow(clippy::type_complexity)]
    fn body(
        &mut self,
        graph: &Arc<Graph>,
        plan: &Arc<Plan>,
        initial: &HashMap<VarId, Var<'g>>,
        order: &[usize],
    ) -> Result<(Body, Vec<Var<'g>>, Vec<Var<'g>>)> {
        let size = |s: &Stream| s.reach * s.rows * numel(&s.element);
        let carry = graph.input(&[plan.streams.iter().map(size).sum()]);
        let position = graph.input(&[]);
        let mut imports = Imports {
            slices: vec![(position.id, self.vector((0..plan.steps).map(|t| t as f64)))],
            constants: Vec::new(),
        };
        let env = self.import(graph, plan, order, &mut imports)?;
        let mut windows = Vec::new();
        let mut offset = 0;
        for stream in &plan.streams {
            let mut shape = vec![stream.reach * stream.rows];
            shape.extend(&stream.element);
            windows.push(carry.slice(0, offset, size(stream)).reshape(&shape));
            offset += size(stream);
        }
        let mut inside = HashMap::new();
        let mut vars: Vec<VarId> = initial.keys().copied().collect();
        vars.sort_unstable();
        for var in vars {
            inside.insert(var, imports.constant(graph, initial[&var]));
        }
        let step = Step {
            plan: plan.clone(),
            position,
            current: vec![None; windows.len()],
            windows,
            initial: inside,
        };
        let mut lowerer = Lowerer {
            program: self.program,
            bound: self.bound,
            graph,
            axes: self.axes.clone(),
            loops: self.loops.clone(),
            loop_names: self.loop_names.clone(),
            axis_of: self.axis_of.clone(),
            lengths: self.lengths.clone(),
            masks: HashMap::new(),
            stream_rows: HashMap::new(),
            ragged_axes: HashMap::new(),
            filters: Vec::new(),
            env,
            distributions: HashMap::new(),
            pieces: BTreeMap::new(),
            recurrence: Some(Recurrence::Step(step)),
            blocks: Vec::new(),
            jacobians: Vec::new(),
            terms: Vec::new(),
        };
        lowerer.take_step(order)?;
        let Some(Recurrence::Step(step)) = lowerer.recurrence.take() else {
            unreachable!("the step is in place until here");
        };
        let next: Vec<Var<'_>> = plan
            .streams
            .iter()
            .enumerate()
            .map(|(k, stream)| {
                let current = step.current[k].expect("every stream is computed in a step");
                let axis = current.rank() - 1;
                let kept =
                    step.windows[k].slice(axis, stream.rows, (stream.reach - 1) * stream.rows);
                let window = concat(&[kept, current], axis);
                window.reshape(&[window.numel()])
            })
            .collect();
        let output = concat(&next, 0).id;
        let mut inputs = vec![carry.id];
        inputs.extend(imports.slices.iter().map(|(id, _)| *id));
        inputs.extend(imports.constants.iter().map(|(id, _)| *id));
        let body = Body {
            graph: graph.clone(),
            inputs,
            output,
        };
        let slices = imports.slices.into_iter().map(|(_, v)| v).collect();
        let constants = imports.constants.into_iter().map(|(_, v)| v).collect();
        Ok((body, slices, constants))
    }

    /// Values from outside that the statements read, as inputs of the body.
    fn import<'b>(
        &mut self,
        graph: &'b Graph,
        plan: &Plan,
        order: &[usize],
        imports: &mut Imports<'g>,
    ) -> Result<HashMap<VarId, Value<'b>>> {
        let mut env = HashMap::new();
        let mut needed = std::collections::BTreeSet::new();
        for &i in order {
            needed.extend(super::order::uses(self.program, i, false));
        }
        let own: Vec<VarId> = order
            .iter()
            .filter_map(|&i| match &self.program.statements[i].kind {
                StatementKind::Let { target, .. } => Some(target.var),
                _ => None,
            })
            .collect();
        for var in needed {
            if own.contains(&var) {
                continue;
            }
            let Some(value) = self.env.get(&var).cloned() else {
                continue;
            };
            let value = self.descend(&value, plan.time);
            let with_time = value.axes.iter().position(|a| *a == plan.time);
            if value.axes.iter().any(|&a| self.is_ancestor(plan.time, a)) {
                // Rows finer than a step: only loops inside read them, and open them again.
                continue;
            }
            let var_in = match with_time {
                Some(at) => {
                    let front = value.var.axis_to_front(value.var.rank() - 1 - at);
                    let input = graph.input(&front.shape()[1..]);
                    imports.slices.push((input.id, front));
                    input
                }
                None => match value.var.as_const() {
                    Some(tensor) => graph.constant(tensor),
                    None => imports.constant(graph, value.var),
                },
            };
            let axes = value
                .axes
                .iter()
                .copied()
                .filter(|a| *a != plan.time)
                .collect();
            env.insert(
                var,
                Value {
                    var: var_in,
                    axes,
                    ragged: value.ragged,
                },
            );
        }
        Ok(env)
    }

    /// Lowers every statement for one step.
    fn take_step(&mut self, order: &[usize]) -> Result<()> {
        for &i in order {
            self.come_from(i);
            let StatementKind::Let { target, value } = &self.program.statements[i].kind else {
                continue;
            };
            let value = self.value(value)?;
            if target.indices.is_empty() {
                self.env.insert(target.var, value);
                continue;
            }
            let Some(Recurrence::Step(step)) = &self.recurrence else {
                continue;
            };
            let plan = step.plan.clone();
            let k = plan
                .streams
                .iter()
                .position(|s| s.statement == i)
                .expect("every element has its stream");
            let stream = &plan.streams[k];
            let others: AxisList = stream
                .axes
                .iter()
                .copied()
                .filter(|a| *a != plan.time)
                .collect();
            let full = self.spread(&value, &others);
            let mut shape = vec![stream.rows];
            shape.extend(&stream.element);
            if numel(&shape) != full.numel() {
                return Err(vec![error::extents_differ(
                    target.span,
                    numel(&shape),
                    full.numel(),
                )]);
            }
            if let Some(Recurrence::Step(step)) = &mut self.recurrence {
                step.current[k] = Some(full.reshape(&shape));
            }
        }
        Ok(())
    }

    /// The elements of a read at the present step.
    fn read(&mut self, step: &Step<'g>, id: u32) -> Value<'g> {
        let plan = step.plan.clone();
        let table = &plan.tables[&id];
        let mut parts = Vec::new();
        let mut first: Option<Var<'g>> = None;
        for (k, stream) in plan
            .streams
            .iter()
            .enumerate()
            .filter(|(_, s)| s.var == table.var)
        {
            let window = step.windows[k];
            let mut shape = window.shape();
            shape[0] = stream.rows;
            let current =
                step.current[k].unwrap_or_else(|| self.graph.scalar(0.0).broadcast(&shape));
            parts.extend([window, current]);
            first = first.or(Some(window));
        }
        parts.extend(step.initial.get(&table.var).copied());
        let axis = first.expect("a recurrent array has a stream").rank() - 1;
        let buffer = concat(&parts, axis);
        let cells = numel(&table.extents) * numel(&table.own);
        let rows: Vec<&[f64]> = table.places.chunks(cells.max(1)).collect();
        let fixed = rows.windows(2).all(|w| w[0] == w[1]);
        let index = if fixed {
            self.vector(rows.first().map_or(Vec::new(), |r| r.to_vec()))
        } else {
            let all = Tensor::new(
                Shape::from_slice(&[plan.steps, cells]),
                table.places.clone(),
            );
            let at = step.position.reshape(&[1]);
            self.graph.constant(all).gather(1, at).reshape(&[cells])
        };
        let picked = buffer.gather(axis, index);
        let mut named: Vec<(AxisId, usize)> = table
            .variables
            .iter()
            .zip(&table.extents)
            .map(|(v, &n)| (self.axis_of[v], n))
            .collect();
        let mut shape: Vec<usize> = table.extents.clone();
        shape.extend(&table.own);
        shape.extend_from_slice(&picked.shape()[1..]);
        let mut var = picked.reshape(&shape);
        // Axes of the step may be in another order than those of the probe.
        let lead = named.len();
        let mut order: Vec<usize> = (0..lead).collect();
        order.sort_by_key(|&i| named[i].0);
        if !order.is_sorted() {
            let rank = shape.len();
            let front: Vec<usize> = order.iter().copied().chain(lead..rank).collect();
            let permutation: Vec<usize> =
                (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
            var = var.permute(&permutation);
            named.sort_by_key(|n| n.0);
        }
        let axes: AxisList = named.iter().map(|n| n.0).collect();
        // A loop that this step runs longer or shorter than the table: masked rows read anything.
        for (i, axis) in axes.iter().enumerate() {
            let (have, want) = (var.shape()[i], self.extent(*axis));
            let from_end = var.rank() - 1 - i;
            if have < want {
                var = var.pad(from_end, 0, want - have);
            } else if have > want {
                var = var.slice(from_end, 0, want);
            }
        }
        self.tidy(var, &axes, None)
    }

    /// In a step, a loop whose bounds depend on time runs as long as it ever does; a mask says which
    /// turns count.
    pub(super) fn step_loop(
        &mut self,
        var: VarId,
        low: &Value<'g>,
        high: &Value<'g>,
        _axes: &AxisList,
        span: Span,
    ) -> Result<Option<AxisId>> {
        if !matches!(self.recurrence, Some(Recurrence::Step(_))) {
            return Ok(None);
        }
        if low.var.as_const().is_some() && high.var.as_const().is_some() {
            return Ok(None);
        }
        let longest = self.lengths.get(&var).copied().unwrap_or(0);
        let axis = self.new_axis(longest, Vec::new());
        let iota = Value {
            var: self.vector((0..longest).map(|k| k as f64)),
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        };
        let function =
            |name: &str| crate::functions::find(name).expect("a function of the language");
        let index = self.call(function("+"), &[low.clone(), iota], span)?;
        let mask = self.call(function("<="), &[index.clone(), high.clone()], span)?;
        self.env.insert(var, index);
        self.axis_of.insert(var, axis);
        self.masks.insert(axis, mask);
        Ok(Some(axis))
    }
}

/// What a body reads from outside, input by input.
struct Imports<'g> {
    slices: Vec<(NodeId, Var<'g>)>,
    constants: Vec<(NodeId, Var<'g>)>,
}

impl<'g> Imports<'g> {
    fn constant<'b>(&mut self, graph: &'b Graph, outside: Var<'g>) -> Var<'b> {
        let input = graph.input(&outside.shape());
        self.constants.push((input.id, outside));
        input
    }
}
