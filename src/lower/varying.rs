//! Inner loops and conditions that differ from row to row of a batch.
//!
//! The graph of a step is made once, for any rows. So an inner loop has as many turns as it has in any row of the data,
//! and a condition is looked at in every row. A turn that does not count is computed from what an *example* reads in
//! its place: a row of the data where it counts, which every step has after those of its batch, with weight 0. So
//! nothing is computed from what it is not meant for, and a turn that does not count has no weight.

use super::value::{AxisId, AxisList, NO_AXIS, Value, flat_index};
use super::{Lowerer, Result};
use crate::check::program::{LoopId, Nest, Program, VarId};
use crate::diag::Span;
use crate::functions;
use crate::graph::{Tensor, Var, numel};
use std::collections::{BTreeMap, BTreeSet};

/// What of a program it is that data tell the turns of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A loop with this index.
    Loop(VarId),
    /// A condition, and whether it has to hold.
    If(LoopId, bool),
    /// A slice.
    Slice(u32),
}

/// Its turns in all of the data.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    /// The most in any row.
    longest: usize,
    /// Whether a condition leaves none out.
    all: bool,
    /// Where the first is.
    example: Option<Example>,
    /// Of a slice in each part of the data its axis, which others of equal lengths share, or its length in every row.
    lengths: Lengths,
}

/// A turn that counts: its row among those of batches, and place or turn in each other loop.
#[derive(Clone, Debug, Default)]
struct Example {
    row: Option<usize>,
    turns: BTreeMap<VarId, usize>,
}

/// Part of the data, and the axis of a slice there or its length in every row.
type Lengths = BTreeSet<(usize, std::result::Result<AxisId, usize>)>;

/// Slices of equal lengths on the same rows.
pub(super) type Equal = (Lengths, Vec<AxisId>);

/// A slice in a step.
pub(super) enum Slice<'g> {
    /// As long in every row.
    Equal(usize),
    /// An axis of its own, with the numbers that it takes.
    Ragged(AxisId, Value<'g>),
}

/// What the data tell, found where all rows are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Varying(BTreeMap<Cause, Turns>);

impl Varying {
    /// Adds what a further part of the rows tells.
    pub(super) fn merge(&mut self, part: Varying) {
        for (cause, new) in part.0 {
            match self.0.get_mut(&cause) {
                None => {
                    self.0.insert(cause, new);
                }
                Some(known) => {
                    known.all &= new.all && known.longest == new.longest;
                    known.longest = known.longest.max(new.longest);
                    known.example = known.example.take().or(new.example);
                    known.lengths.extend(new.lengths);
                }
            }
        }
    }

    /// Rows that every step has after its own.
    pub(super) fn examples(&self) -> Vec<usize> {
        let rows = self.0.values().filter_map(|t| t.example.as_ref()?.row);
        rows.collect::<BTreeSet<usize>>().into_iter().collect()
    }
}

/// Rows of a flat axis as a step finds them.
#[derive(Clone)]
pub(super) struct Found<'g> {
    /// For every ancestor the position on it that each row reads.
    tables: Vec<(AxisId, Var<'g>)>,
    /// 1 where a row counts, else 0.
    pub counts: Var<'g>,
}

/// The turns of a loop or slice of a step, as many as there are in any row.
struct Opened<'g> {
    turns: usize,
    flat: AxisId,
    /// Which turn each reads, from 0.
    steps: Var<'g>,
    /// Its number.
    numbers: Value<'g>,
}

/// Indices of loops with batches.
fn of_batches(program: &Program) -> BTreeSet<VarId> {
    let loops = program.statements.iter().filter_map(|s| s.nest.first());
    let vars = loops.filter_map(|part| match part {
        Nest::For { var, batch, .. } => batch.as_ref().map(|_| *var),
        Nest::If { .. } => None,
    });
    vars.collect()
}

impl Cause {
    /// Whether it is rows where a condition holds that are left.
    pub(super) fn holds(self) -> bool {
        !matches!(self, Cause::If(_, false))
    }
}

impl<'g> Lowerer<'_, 'g> {
    /// Records whether a condition inside an expression comes out the same in all rows.
    pub(super) fn record_choice(&mut self, id: LoopId, axes: &AxisList, same: Option<bool>) {
        let Some(holds) = same else {
            return;
        };
        self.record_turns(Cause::If(id, holds), axes, None);
        if !self.program.has_batches || self.is_step() {
            return;
        }
        let never = Turns {
            longest: 1,
            all: false,
            example: None,
            lengths: Lengths::new(),
        };
        let never = BTreeMap::from([(Cause::If(id, !holds), never)]);
        self.varying.merge(Varying(never));
    }

    /// Records the turns that data tell, on a flat axis made of them; `None` where a condition leaves none out.
    pub(super) fn record_turns(&mut self, cause: Cause, axes: &AxisList, flat: Option<AxisId>) {
        if !self.program.has_batches || self.is_step() {
            return;
        }
        let of_rows: AxisList = match flat {
            Some(flat) => AxisList::from_slice(&[flat]),
            None => axes.clone(),
        };
        let any = of_rows.iter().all(|axis| self.extent(*axis) > 0);
        let turns = Turns {
            longest: match (cause, flat) {
                (Cause::If(..), _) | (_, None) => 1,
                (_, Some(flat)) => self.longest(flat),
            },
            all: flat.is_none(),
            example: any.then(|| self.first_row(&of_rows)),
            lengths: Lengths::new(),
        };
        let new = Varying(BTreeMap::from([(cause, turns)]));
        self.varying.merge(new);
    }

    /// Records a slice: its flat axis, or its length in all rows.
    pub(super) fn record_slice(
        &mut self,
        id: u32,
        axes: &AxisList,
        slice: std::result::Result<AxisId, usize>,
    ) {
        let cause = Cause::Slice(id);
        self.record_turns(cause, axes, slice.ok());
        let part = self.first_of_part();
        if let Some(turns) = self.varying.0.get_mut(&cause) {
            turns.lengths.insert((part, slice));
            if let Err(length) = slice {
                turns.all &= turns.lengths.iter().all(|(_, l)| *l == Err(length));
                turns.longest = turns.longest.max(length);
            }
        }
    }

    /// The most rows of a flat axis that lie on one row of its parents.
    fn longest(&self, flat: AxisId) -> usize {
        let mut counts: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let parents = self.direct_parents(flat);
        for row in 0..self.extent(flat) {
            let cell = parents.iter().map(|(_, table)| table[row]).collect();
            *counts.entry(cell).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// Where the first row of some axes lies.
    fn first_row(&self, axes: &AxisList) -> Example {
        let batches = of_batches(self.program);
        let mut example = Example::default();
        let mut lies = |axis: AxisId, position: usize| {
            let this = &self.axes[axis.0];
            let Some((&var, _)) = self.axis_of.iter().find(|(_, a)| **a == axis) else {
                return;
            };
            let at = match this.parents.is_empty() {
                true => position,
                false => this.steps.get(position).copied().unwrap_or(0),
            };
            match batches.contains(&var) {
                true => example.row = Some(at + self.first_of_part()),
                false => {
                    example.turns.insert(var, at);
                }
            }
        };
        for &axis in axes {
            lies(axis, 0);
            for (parent, table) in &self.axes[axis.0].parents {
                lies(*parent, table[0]);
            }
        }
        example
    }

    /// The position of an example on an axis of a step.
    fn position_of(&self, example: &Example, axis: AxisId) -> usize {
        let var = self.axis_of.iter().find(|(_, a)| **a == axis);
        let turn = var.and_then(|(var, _)| example.turns.get(var)).copied();
        let this = &self.axes[axis.0];
        if this.parents.is_empty() {
            let place = self.place_of_example(axis, example.row);
            return place.or(turn).unwrap_or(0);
        }
        let parents = this.parents.iter();
        let at: Vec<usize> = parents
            .map(|(p, _)| self.position_of(example, *p))
            .collect();
        let lies = |row: &usize| {
            let tables = this.parents.iter().zip(&at);
            let turns = this.steps.get(*row).copied();
            tables
                .into_iter()
                .all(|((_, table), at)| table[*row] == *at)
                && turns.is_none_or(|t| t == turn.unwrap_or(0))
        };
        let found = (0..this.extent).find(lies);
        found.expect("an example is a row of every axis that it is made from")
    }

    /// A loop in a step whose bounds differ from row to row.
    pub(super) fn open_varying(
        &mut self,
        var: VarId,
        (low, high): (&Value<'g>, &Value<'g>),
        axes: &AxisList,
    ) -> Option<AxisId> {
        let Opened {
            turns,
            flat,
            numbers,
            ..
        } = self.turns_of(Cause::Loop(var), (low, high), axes, Some(var))?;
        self.lengths.insert(var, turns);
        self.axis_of.insert(var, flat);
        let name = self.program.variable(var).name.clone();
        self.loop_names.insert(flat, (name, Vec::new()));
        if let Some(first) = low.var.as_uniform() {
            let steps = self.axes[flat.0].steps.iter().map(|&s| first + s as f64);
            let all = self
                .graph
                .constant(Tensor::vector(steps.collect::<Vec<_>>()));
            self.numbers.insert(var, Value::on_axis(all, flat));
        }
        self.env.insert(var, numbers);
        Some(flat)
    }

    /// A slice in a step whose length data tell.
    pub(super) fn open_slice(
        &mut self,
        id: u32,
        bounds: (&Value<'g>, &Value<'g>),
        axes: &AxisList,
    ) -> Option<Slice<'g>> {
        let turns = self.told_turns(Cause::Slice(id))?;
        if turns.all {
            return Some(Slice::Equal(turns.longest));
        }
        let key: Equal = (turns.lengths.clone(), axes.to_vec());
        if let Some(&(flat, steps)) = self.slices.get(&key) {
            let low = self.descend(bounds.0, flat);
            let low = self.align(&low, &AxisList::from_slice(&[flat]));
            return Some(Slice::Ragged(flat, Value::on_axis(low + steps, flat)));
        }
        let found = self.turns_of(Cause::Slice(id), bounds, axes, None)?;
        self.slices.insert(key, (found.flat, found.steps));
        Some(Slice::Ragged(found.flat, found.numbers))
    }

    /// What the data told of a cause, for a step.
    fn told_turns(&self, cause: Cause) -> Option<&Turns> {
        self.told.0.get(&cause).filter(|_| self.is_step())
    }

    /// Turns from one number to another, as many as there are in any row.
    fn turns_of(
        &mut self,
        cause: Cause,
        (low, high): (&Value<'g>, &Value<'g>),
        axes: &AxisList,
        var: Option<VarId>,
    ) -> Option<Opened<'g>> {
        let turns = self.told_turns(cause)?.clone();
        let longest = turns.longest;
        let rows: usize = axes.iter().map(|a| self.extent(*a)).product();
        let parents: Vec<usize> = (0..rows * longest).map(|k| k / longest.max(1)).collect();
        let flat = self.flat_axis(axes, &parents);
        let steps: Vec<usize> = (0..rows * longest).map(|k| k % longest.max(1)).collect();
        self.axes[flat.0].steps = steps.clone();
        let vector = |numbers: Vec<f64>| self.graph.constant(Tensor::vector(numbers));
        let steps = vector(steps.iter().map(|&s| s as f64).collect());
        let parents = vector(parents.iter().map(|&k| k as f64).collect());
        let (first, last) = (self.spread(low, axes), self.spread(high, axes));
        let of_row = |bound: Var<'g>| bound.reshape(&[rows]).gather(0, parents);
        let is_in = functions::own("<=");
        let number = Value::on_axis(of_row(first) + steps, flat);
        let last = Value::on_axis(of_row(last), flat);
        let counts = self.call(is_in, &[number, last], Span::default());
        let counts = counts.expect("numbers can be compared").var;
        let example = turns.example.clone().unwrap_or_default();
        let turn = var
            .and_then(|v| example.turns.get(&v))
            .copied()
            .unwrap_or(0);
        let at = self.linear(&example, axes) * longest + turn;
        let chosen = self.find_rows(flat, axes, counts, Some(at));
        let low = self.descend(low, flat);
        let low = self.align(&low, &AxisList::from_slice(&[flat]));
        let steps = steps.gather(0, chosen);
        Some(Opened {
            turns: longest,
            flat,
            steps,
            numbers: Value::on_axis(low + steps, flat),
        })
    }

    /// The row of an example among those of some axes.
    fn linear(&self, example: &Example, axes: &AxisList) -> usize {
        let extents: Vec<usize> = axes.iter().map(|axis| self.extent(*axis)).collect();
        let at: Vec<usize> = axes.iter().map(|a| self.position_of(example, *a)).collect();
        flat_index(&at, &extents)
    }

    /// In a step, the rows where a condition holds (or not) as an axis of all of them; the inner `None` where no row
    /// of the data is left out.
    #[allow(clippy::option_option)]
    pub(super) fn filter_varying(
        &mut self,
        cause: Cause,
        condition: &Value<'g>,
        axes: &AxisList,
    ) -> Option<Option<AxisId>> {
        let Cause::If(_, holds) = cause else {
            return None;
        };
        let turns = self.told_turns(cause)?.clone();
        if turns.all {
            return Some(None);
        }
        let Some(example) = turns.example else {
            return Some(Some(self.flat_axis(axes, &[])));
        };
        let at = self.linear(&example, axes);
        Some(Some(self.rows_where(holds, condition, axes, Some(at))))
    }

    /// The rows where a condition holds (or not) as an axis of all of them. Those that do not count read the row `at`, or
    /// what is their own.
    pub(super) fn rows_where(
        &mut self,
        holds: bool,
        condition: &Value<'g>,
        axes: &AxisList,
        at: Option<usize>,
    ) -> AxisId {
        let rows: usize = axes.iter().map(|a| self.extent(*a)).product();
        let flat = self.flat_axis(axes, &(0..rows).collect::<Vec<_>>());
        let truth = self.spread(condition, axes).reshape(&[rows]);
        let (one, zero) = (self.graph.scalar(1.0), self.graph.scalar(0.0));
        let counts = match holds {
            true => truth.select(one, zero),
            false => truth.select(zero, one),
        };
        self.find_rows(flat, axes, counts, at);
        flat
    }

    /// Whether a condition holds in some rows of the data, and whether it does not.
    pub(super) fn told_of_condition(&self, id: LoopId) -> Option<(bool, bool)> {
        let some = |holds: bool| {
            let turns = self.told_turns(Cause::If(id, holds))?;
            Some(turns.example.is_some())
        };
        Some((some(true)?, some(false)?)).filter(|_| self.recurrence.is_none())
    }

    /// The value of a branch on the rows of its condition: those of `flat`, in their order.
    pub(super) fn unfiltered(&self, value: &Value<'g>, flat: AxisId, axes: &AxisList) -> Value<'g> {
        let Some(at) = value.axes.iter().position(|a| *a == flat) else {
            return value.clone();
        };
        let rank = value.var.rank();
        let front = value.var.axis_to_front(rank - 1 - at);
        let mut shape: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        shape.extend_from_slice(&front.shape()[1..]);
        let others = value.axes.iter().filter(|a| **a != flat);
        let names: Vec<AxisId> = axes.iter().chain(others).copied().collect();
        self.sorted_axes(front.reshape(&shape), &names)
    }

    /// Tells where rows of a flat axis read: at their own place if they count, else at the row `at`, if there is one. Gives
    /// the row that each reads.
    fn find_rows(
        &mut self,
        flat: AxisId,
        axes: &AxisList,
        counts: Var<'g>,
        at: Option<usize>,
    ) -> Var<'g> {
        let rows = self.extent(flat);
        let vector = |numbers: Vec<f64>| self.graph.constant(Tensor::vector(numbers));
        let own = vector((0..rows).map(|k| k as f64).collect());
        let chosen = match at {
            Some(at) => counts.select(own, self.graph.scalar(at as f64).broadcast(&[rows])),
            None => own,
        };
        let mut tables: Vec<(AxisId, Var<'g>)> = Vec::new();
        let mut all = counts;
        for (parent, table) in self.axes[flat.0].parents.clone() {
            let fixed = vector(table.iter().map(|&k| k as f64).collect());
            let through = axes.iter().find_map(|q| {
                let found = self.found.get(q)?;
                let (_, of_parent) = found.tables.iter().find(|(p, _)| *p == parent)?;
                Some((*q, *of_parent))
            });
            if let (true, Some(found)) = (axes.contains(&parent), self.found.get(&parent)) {
                all = all * found.counts.gather(0, fixed);
            }
            let position = match through {
                None => fixed.gather(0, chosen),
                Some((q, of_parent)) => {
                    let mut parents = self.axes[flat.0].parents.iter();
                    let (_, table) = parents
                        .find(|(p, _)| *p == q)
                        .expect("what an axis refines is its parent");
                    let row = vector(table.iter().map(|&k| k as f64).collect());
                    of_parent.gather(0, row.gather(0, chosen))
                }
            };
            tables.push((parent, position));
        }
        let found = Found {
            tables,
            counts: all,
        };
        self.found.insert(flat, found);
        chosen
    }

    /// Where the rows of a flat axis lie on an ancestor.
    pub(super) fn positions_on(&self, flat: AxisId, ancestor: AxisId) -> Option<Var<'g>> {
        let found = self.found.get(&flat).filter(|_| !self.laid_out)?;
        let table = found.tables.iter().find(|(p, _)| *p == ancestor);
        table.map(|(_, positions)| *positions)
    }

    /// Which rows of some axes count; `None` if all do.
    pub(super) fn counts(&mut self, axes: &AxisList) -> Option<Var<'g>> {
        let own = axes
            .iter()
            .filter_map(|a| Some((*a, self.found.get(a)?.counts)));
        let own: Vec<(AxisId, Var<'g>)> = own.collect();
        let parts = own.into_iter().map(|(axis, counts)| {
            let value = Value::on_axis(counts, axis);
            self.spread(&value, axes)
        });
        let parts: Vec<Var<'g>> = parts.collect();
        parts.into_iter().reduce(|a, b| a * b)
    }

    /// Runs where rows of a step stand for where they lie, whether they count or not.
    pub(super) fn laid_out<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = std::mem::replace(&mut self.laid_out, true);
        let result = run(self);
        self.laid_out = before;
        result
    }

    /// Where rows of some axes lie within their row of the batch, and how many places there are.
    pub(super) fn places_within(&self, axes: &AxisList) -> (Vec<usize>, usize) {
        let rows: usize = axes.iter().map(|a| self.extent(*a)).product();
        let own = |row: usize| {
            let mut at = self.coordinates(axes, row, NO_AXIS);
            at.retain(|axis, _| !self.is_of_batch(*axis));
            at
        };
        let extents: Vec<usize> = match rows {
            0 => Vec::new(),
            _ => own(0).keys().map(|axis| self.base_extent(*axis)).collect(),
        };
        let places = (0..rows).map(|row| flat_index(own(row).values(), &extents));
        (places.collect(), numel(&extents))
    }
}
