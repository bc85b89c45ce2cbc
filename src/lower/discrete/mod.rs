//! Discrete latents, which are summed out: all their values are gone through.
//!
//! A discrete latent is a loop over its states. Reading `z[i]` gives the states along an axis of its own, so that
//! whatever is computed of it varies along that axis and no code but this knows of it: `mu[z[i]]` picks along it,
//! `if z[i] == 1` leaves some of its turns, `for k in 1..z[i]` is as long as each of them says. A summand of the log
//! density that varies along such axes is a table of factors ([`factor`]), a row for each turn of the other loops; which
//! element of `z` a row's axis stands for is known from data. [`sum`] has them summed by [`elimination`](crate::elimination).

mod elements;
mod factor;
mod sampled;
mod sum;

use super::bind::axis_text;
use super::distribution::DistValue;
use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{
    Expr, ExprKind, Index, Nest, Program, Statement, StatementKind, Target, VarId, VariableKind,
};
use crate::diag::{Diagnostics, Span};
use crate::dist::Support;
use crate::graph::{Tensor, Var, numel};
use crate::types::{Base, Type};
pub(super) use elements::by_elements;
pub(super) use factor::Factor;
use std::collections::{BTreeMap, BTreeSet};

/// The discrete latents of a lowering.
#[derive(Clone, Default)]
pub(super) struct Discrete<'g> {
    sites: BTreeMap<VarId, Site<'g>>,
    references: Vec<Reference>,
    factors: Vec<Factor<'g>>,
    /// Those that are sampled instead.
    sampled: BTreeMap<VarId, sampled::Sampled<'g>>,
    /// Those that are to be sampled.
    wanted: BTreeMap<VarId, Sampling>,
    /// Those that no density depends on: draws of results.
    free: BTreeSet<VarId>,
    /// What depends on discrete latents by definition, and on which.
    depends: BTreeMap<VarId, VarId>,
    /// One that cannot be summed out, and why.
    refused: Option<(VarId, String)>,
    /// Definitions of arrays by discrete latents: where they are read they are put in place.
    inlined: BTreeSet<usize>,
    /// The one whose draw is looked at to know its states, which may read it.
    assumed: Option<VarId>,
    /// Names of those that have been drawn again, with how many elements they have.
    drawn: Vec<(String, usize)>,
    /// Whether the sums are done, so that what is drawn for the results can be.
    done: bool,
    /// Whether this is a lowering inside another, of a step or a right-hand side.
    inside: bool,
}

impl<'g> Discrete<'g> {
    /// What results hold draws of.
    pub(super) fn take_drawn(&mut self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.drawn)
    }

    /// For a lowering inside this one, which cannot read any.
    pub(super) fn inside<'b>(&self) -> Discrete<'b> {
        // What is sampled is read as other values are.
        let summed = self.sites.iter().filter(|(_, site)| site.value.is_none());
        let summed = summed.map(|(var, site)| {
            let Site {
                lower,
                upper,
                extents,
                span,
                ..
            } = site.clone();
            let value = None;
            let site = Site {
                lower,
                upper,
                extents,
                value,
                span,
            };
            (*var, site)
        });
        Discrete {
            sites: summed.collect(),
            inside: true,
            ..Discrete::default()
        }
    }
}

/// How a latent is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// It is followed which element is read where, so that it is known what an element reaches.
    Tracked,
    /// It is a value like others: each element may reach all.
    Untracked,
}

/// A discrete latent.
#[derive(Clone, Debug)]
struct Site<'g> {
    /// The least and the largest value that any element may have.
    lower: f64,
    upper: f64,
    /// Extents of the array that it is, once they are known.
    extents: Vec<usize>,
    /// The array, of one that is sampled.
    value: Option<Var<'g>>,
    span: Span,
}

impl Site<'_> {
    fn states(&self) -> usize {
        (self.upper - self.lower) as usize + 1
    }

    fn values(&self) -> Vec<f64> {
        (0..self.states()).map(|k| self.lower + k as f64).collect()
    }
}

/// A place in the program that reads elements: the axis of their states.
#[derive(Clone, Debug)]
struct Reference {
    var: VarId,
    axis: AxisId,
    /// Loops on which it depends which element it is, and for each of their turns the place of that.
    axes: AxisList,
    places: Vec<Vec<usize>>,
}

/// What an index reads along one axis.
struct Along<'g> {
    /// The first element, from 1, and how many there are from it on; one if the axis goes.
    first: Value<'g>,
    count: Option<usize>,
    span: Span,
}

/// How many terms the sums of one density may have, if nothing else is said.
const MOST_TERMS: f64 = 1e7;

/// Serials of draws of discrete latents go down from here.
const LAST_SERIAL: u32 = u32::MAX - 1;

/// Whether a statement draws whole numbers.
pub(super) fn draws_whole_numbers(dist: &Expr) -> bool {
    matches!(&dist.ty, Type::Distribution { base, .. } if *base != Base::Real)
}

impl<'g> Lowerer<'_, 'g> {
    /// Whether a variable is a discrete latent whose values are gone through.
    pub(super) fn is_summed(&self, var: VarId) -> bool {
        self.discrete.sites.contains_key(&var) || self.discrete.assumed == Some(var)
    }

    /// A draw of a discrete latent: its states are found.
    pub(super) fn define_discrete(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<()> {
        if self.discrete.free.contains(&target.var) {
            return match self.discrete.done {
                true => self.define_free(target, dist, axes),
                false => Ok(()),
            };
        }
        let before = self.discrete.assumed;
        if !arguments_known {
            self.discrete.assumed = Some(target.var);
        }
        let found = self.distribution(dist).and_then(|d| {
            let wide = self.with_states(&d, axes);
            let (support, ..) = self.own_support(&d, &wide, d.array.len(), dist.span)?;
            Ok((support, d))
        });
        self.discrete.assumed = before;
        let (support, d) = found?;
        let name = self.program.variable(target.var).name.clone();
        let family = d.family.declaration().name;
        if !d.event.is_empty() {
            return Err(vec![error::not_inferred(
                target.span,
                &name,
                dist.span,
                family,
            )]);
        }
        let sampled = self.discrete.wanted.contains_key(&target.var);
        let (lower, upper) = match ends(&support) {
            Some(ends) => ends,
            None if sampled => (0.0, 0.0),
            None => {
                let why = format!("`{family}` has no last value that is known");
                return Err(self.refuse(target.var, target.span, &why));
            }
        };
        let mut extents: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        extents.extend(&d.array);
        self.expect_size(&format!("`{name}`"), extents.iter().copied(), target.span)?;
        let site = Site {
            lower,
            upper,
            extents: Vec::new(),
            value: None,
            span: target.span,
        };
        let untracked = self.discrete.wanted.get(&target.var) == Some(&Sampling::Untracked);
        if !untracked {
            self.discrete.sites.entry(target.var).or_insert(site);
        }
        if sampled {
            self.drawn = true;
            let mean = self
                .prior_mean(&d, axes, dist.span)
                .filter(|_| arguments_known);
            let support = match self.with_states(&d, axes) == *axes {
                true => support,
                // The same in all rows, whatever the states are.
                false => {
                    let (ends, graph) = (ends(&support), self.graph);
                    Support::Integers {
                        lower: ends.map(|e| graph.scalar(e.0)),
                        upper: ends.map(|e| graph.scalar(e.1)),
                    }
                }
            };
            return self.define_sampled(target, &support, mean, &extents, axes);
        }
        let site = self
            .discrete
            .sites
            .get_mut(&target.var)
            .expect("it was put there above");
        site.lower = site.lower.min(lower);
        site.upper = site.upper.max(upper);
        let states = site.states();
        self.expect_size(&format!("the states of `{name}`"), [states], target.span)?;
        // Numbers in their place tell which elements there are.
        let stand_in = self.graph.scalar(lower).broadcast(&extents);
        self.bind_target(target, stand_in, axes, None)
    }

    /// A draw that no density depends on, given each draw of all else: `∑ p(z | x) = 1`.
    fn define_free(&mut self, target: &Target, dist: &Expr, axes: &AxisList) -> Result<()> {
        let d = self.distribution(dist)?;
        // Groups of other draws count from 0.
        let serial = LAST_SERIAL - self.graph.origin().0;
        let key = self.result_key();
        let value = self.draw_of(&d, axes, &d.array, (key, serial), dist.span)?;
        let name = self.program.variable(target.var).name.clone();
        self.discrete.drawn.push((name, value.var.numel()));
        if target.indices.is_empty() {
            self.env.insert(target.var, value);
            return Ok(());
        }
        self.add_piece(target, &value, axes, None)
    }

    /// Whether a draw is of a discrete latent that no density depends on.
    pub(super) fn is_free(&self, var: VarId) -> bool {
        self.discrete.free.contains(&var)
    }

    /// Says which latents are to be sampled.
    pub(super) fn sample(&mut self, latents: impl Iterator<Item = (VarId, Sampling)>) {
        self.discrete.wanted = latents.collect();
    }

    /// A latent that cannot be summed out, and why, if that is what went wrong.
    pub(super) fn take_refused(&mut self) -> Option<(VarId, String)> {
        self.discrete.refused.take()
    }

    /// Remembers that a latent cannot be summed out, so that it is sampled.
    fn refuse(&mut self, var: VarId, span: Span, why: &str) -> Diagnostics {
        let problem = error::not_summed(span, &self.program.variable(var).name, why);
        if !self.discrete.inside {
            self.discrete.refused.get_or_insert((var, why.into()));
        }
        vec![problem]
    }

    /// Means of draws, where they are known: there a factor of the guide starts.
    fn prior_mean(&mut self, d: &DistValue<'g>, axes: &AxisList, span: Span) -> Option<Var<'g>> {
        if self.with_states(d, axes) != *axes {
            return None;
        }
        let dist = self.checked(d, axes, d.array.len(), span).ok()?;
        dist.family.mean(&dist)
    }

    /// Once all elements of an array are there, those that are discrete latents are read by their states.
    pub(super) fn settle_discrete(&mut self, var: VarId) {
        let sampled = self.discrete.sampled.get_mut(&var);
        let value = self.env.get(&var).map(|value| value.var);
        let Some(value) = value else {
            return;
        };
        let is_sampled = sampled.is_some();
        if let Some(sampled) = sampled {
            sampled.extents = value.shape().to_vec();
        }
        if let Some(site) = self.discrete.sites.get_mut(&var) {
            site.extents = value.shape().to_vec();
            site.value = is_sampled.then_some(value);
            if !is_sampled {
                self.env.remove(&var);
            }
        }
    }

    /// The states of an element, along an axis of their own.
    pub(super) fn states_at(
        &mut self,
        var: VarId,
        indices: &[Index],
        span: Span,
    ) -> Result<Value<'g>> {
        let name = self.program.variable(var).name.clone();
        if self.discrete.assumed == Some(var) {
            return Ok(Value::plain(self.graph.scalar(1.0)));
        }
        if self.recurrence.is_some() || self.discrete.inside {
            let why = "a recurrence or a differential equation depends on it";
            return Err(self.refuse(var, span, why));
        }
        let extents = self.discrete.sites[&var].extents.clone();
        // Of every axis the elements that each turn of the loops reads: one, or several.
        let mut along = Vec::new();
        for (axis, &n) in extents.iter().enumerate() {
            let index = indices.get(axis).unwrap_or(&Index::All);
            along.push(self.elements_along(index, n, (var, extents.len(), axis), span)?);
        }
        let axes = self.union(along.iter().map(|along| along.first.axes.clone()));
        let rows: usize = axes.iter().map(|&a| self.extent(a)).product();
        let mut places = vec![vec![0]; rows];
        let mut dims = Vec::new();
        for ((axis, along), &n) in along.iter().enumerate().zip(&extents) {
            if along.first.var.as_const().is_none() {
                let why = "which element is read is not known from data";
                return Err(self.refuse(var, along.span, why));
            }
            let numbers = self.known(&along.first, &axes, along.span)?;
            for (row, (own, first)) in places.iter_mut().zip(numbers).enumerate() {
                let last = first + along.count.unwrap_or(1) as f64 - 1.0;
                let inside = first >= 1.0 && last <= n as f64 && first.fract() == 0.0;
                if let (false, Some(count)) = (inside, along.count.or(Some(1)))
                    && count > 0
                {
                    let number = if first < 1.0 { first } else { last };
                    let what = axis_text(&format!("`{name}`"), extents.len(), axis);
                    let text = self.row_text(&axes, row);
                    let problem = error::out_of_range(along.span, number, Some(n), &what, &text);
                    return Err(vec![problem]);
                }
                let steps = 0..along.count.unwrap_or(1);
                let of = |place: &usize| {
                    let flat = place * n + first.max(1.0) as usize - 1;
                    steps.clone().map(move |k| flat + k).collect::<Vec<_>>()
                };
                *own = own.iter().flat_map(of).collect();
            }
            dims.extend(along.count);
        }
        self.states(var, (axes, places), &dims, span)
    }

    /// The elements of one axis that an index reads.
    fn elements_along(
        &mut self,
        index: &Index,
        n: usize,
        (var, rank, axis): (VarId, usize, usize),
        span: Span,
    ) -> Result<Along<'g>> {
        let one = Value::plain(self.graph.scalar(1.0));
        let (start, end, span) = match index {
            Index::At(e) => {
                let first = self.value(e)?;
                if first.rank() > 0 {
                    return Err(self.refuse(
                        var,
                        e.span,
                        "which of its elements are read is an array",
                    ));
                }
                return Ok(Along {
                    first,
                    count: None,
                    span: e.span,
                });
            }
            Index::All => {
                let count = Some(n);
                return Ok(Along {
                    first: one,
                    count,
                    span,
                });
            }
            Index::Range { start, end, span } => (start, end, *span),
        };
        let first = start.as_ref().map_or(Ok(one), |e| self.value(e))?;
        let last = match end {
            Some(e) => self.value(e)?,
            None => Value::plain(self.graph.scalar(n as f64)),
        };
        let axes = self.union([first.axes.clone(), last.axes.clone()]);
        let (low, high) = (
            self.known(&first, &axes, span)?,
            self.known(&last, &axes, span)?,
        );
        let counts = low
            .iter()
            .zip(&high)
            .map(|(a, b)| (b - a + 1.0).max(0.0) as usize);
        let counts: BTreeSet<usize> = counts.collect();
        if counts.len() > 1 {
            let why = format!("slices of its axis {} of {rank} differ in length", axis + 1);
            return Err(self.refuse(var, span, &why));
        }
        let count = counts.first().copied().or(Some(0));
        Ok(Along { first, count, span })
    }

    /// The axis for elements of a discrete latent, those of each turn of loops: of all states that they can have together.
    /// The elements have the axes `dims`.
    fn states(
        &mut self,
        var: VarId,
        (axes, places): (AxisList, Vec<Vec<usize>>),
        dims: &[usize],
        span: Span,
    ) -> Result<Value<'g>> {
        let (axes, places) = self.without_states(axes, places, var, span)?;
        if let Some(value) = self.discrete.sites[&var].value {
            return Ok(self.drawn_elements(var, value, (axes, places), dims));
        }
        let site = &self.discrete.sites[&var];
        let (own, count) = (site.values(), dims.iter().product::<usize>());
        if (own.len() as f64).powi(count as i32) > self.most_terms() {
            let why = format!("{count} of its elements are read together");
            return Err(self.refuse(var, span, &why));
        }
        // All states of several elements, the last the fastest.
        let all = own.len().pow(count as u32);
        let digit = |k: usize, i: usize| own[k / own.len().pow((count - 1 - i) as u32) % own.len()];
        let values = (0..all).flat_map(|k| (0..count).map(move |i| (k, i)));
        let values: Vec<f64> = values.map(|(k, i)| digit(k, i)).collect();
        let numbers = match count {
            1 => values.clone(),
            _ => (1..=all).map(|k| k as f64).collect(),
        };
        let axis = self.axis_of_states(var, axes, places, numbers);
        let shape: Vec<usize> = std::iter::once(all).chain(dims.iter().copied()).collect();
        let values = self.graph.constant(Tensor::vector(values)).reshape(&shape);
        Ok(self.on_rows_left(Value::on_axis(values, axis)))
    }

    /// Elements of a latent that is sampled: an axis of extent 1 tells that they are read.
    fn drawn_elements(
        &mut self,
        var: VarId,
        value: Var<'g>,
        (axes, places): (AxisList, Vec<Vec<usize>>),
        dims: &[usize],
    ) -> Value<'g> {
        let count: usize = dims.iter().product();
        // Turns in which it is never read may read any.
        let mut index = Vec::with_capacity(places.len() * count);
        for own in &places {
            match own[..] {
                [] => index.extend(std::iter::repeat_n(0.0, count)),
                _ => index.extend(own.iter().map(|&k| k as f64)),
            }
        }
        let index = self.graph.constant(Tensor::vector(index));
        let flat = value.reshape(&[value.numel()]).gather(0, index);
        let mut shape: Vec<usize> = axes.iter().map(|&a| self.extent(a)).collect();
        shape.push(1);
        shape.extend(dims);
        let mut names: Vec<AxisId> = axes.to_vec();
        names.push(self.axis_of_states(var, axes, places, vec![1.0]));
        let value = self.sorted_axes(flat.reshape(&shape), &names);
        self.on_rows_left(value)
    }

    /// The axis of a reference, which may be known.
    fn axis_of_states(
        &mut self,
        var: VarId,
        axes: AxisList,
        places: Vec<Vec<usize>>,
        numbers: Vec<f64>,
    ) -> AxisId {
        let mut known = 0..self.discrete.references.len();
        if let Some(known) = known.find(|&r| self.is_same(r, var, &axes, &places)) {
            return self.discrete.references[known].axis;
        }
        let axis = self.new_axis(numbers.len(), Vec::new());
        let name = self.program.variable(var).name.clone();
        self.loop_names.insert(axis, (name, numbers));
        self.discrete.references.push(Reference {
            var,
            axis,
            axes,
            places,
        });
        axis
    }

    /// How many terms sums over discrete latents may have.
    fn most_terms(&self) -> f64 {
        self.program.most_terms.unwrap_or(MOST_TERMS)
    }

    /// Whether a reference is of the same elements wherever these axes are.
    fn is_same(
        &self,
        reference: usize,
        var: VarId,
        axes: &AxisList,
        places: &[Vec<usize>],
    ) -> bool {
        let known = &self.discrete.references[reference];
        if known.var != var {
            return false;
        }
        let Some(rows) = self.rows_on(&known.axes, axes) else {
            return false;
        };
        rows.iter()
            .zip(places)
            .all(|(&row, own)| known.places[row] == *own)
    }

    /// For every turn of `axes` which turn of `others` it lies on, where it lies on all of them.
    pub(super) fn rows_on(&self, others: &AxisList, axes: &AxisList) -> Option<Vec<usize>> {
        let extents: Vec<usize> = axes.iter().map(|&a| self.extent(a)).collect();
        let count = numel(&extents);
        let mut rows = vec![0; count];
        for &other in others {
            let n = self.extent(other);
            // Where the axis is, or lies on, the other: its stride, and the table.
            let found = axes.iter().enumerate().find_map(|(i, &axis)| {
                let stride: usize = extents[i + 1..].iter().product();
                if axis == other {
                    return Some((i, stride, None));
                }
                let table = self.axes[axis.0]
                    .parents
                    .iter()
                    .find(|(p, _)| *p == other)?;
                Some((i, stride, Some(&table.1)))
            });
            let (i, stride, table) = found?;
            for (row, on) in rows.iter_mut().enumerate() {
                let position = row / stride % extents[i];
                *on = *on * n + table.map_or(position, |table| table[position]);
            }
        }
        Some(rows)
    }

    /// Whether an axis is one of states.
    pub(super) fn is_of_states(&self, axis: AxisId) -> bool {
        self.discrete.references.iter().any(|r| r.axis == axis)
    }

    /// Of the axes of states that rows lie on, the state of each row.
    pub(super) fn states_of_rows(&self, axes: &AxisList) -> Vec<(AxisId, Vec<usize>)> {
        let of = |axis| {
            let rows = self.rows_on(&AxisList::from_slice(&[axis]), axes);
            (axis, rows.expect("rows lie on it"))
        };
        self.states_among(axes).into_iter().map(of).collect()
    }

    /// The axes of states among some axes and what these lie on, ascending.
    fn states_among(&self, axes: &AxisList) -> AxisList {
        let mut all: AxisList = axes
            .iter()
            .flat_map(|&a| self.axes[a.0].parents.iter().map(|(p, _)| *p).chain([a]))
            .filter(|&a| self.is_of_states(a))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The loops that axes are of or lie on, without states: rows of conditions on states give way to the loops around.
    fn loops_among(&self, axes: &AxisList) -> AxisList {
        let free = |a: AxisId| self.states_among(&AxisList::from_slice(&[a])).is_empty();
        let mut all = Vec::new();
        for &axis in axes {
            if free(axis) {
                all.push(axis);
            } else {
                let parents = self.axes[axis.0].parents.iter().map(|(p, _)| *p);
                all.extend(parents.filter(|&p| free(p)));
            }
        }
        self.union([all.into_iter().collect()])
    }

    /// Which elements are read, by turns of loops alone.
    fn without_states(
        &mut self,
        axes: AxisList,
        places: Vec<Vec<usize>>,
        var: VarId,
        span: Span,
    ) -> Result<(AxisList, Vec<Vec<usize>>)> {
        if self.states_among(&axes).is_empty() {
            return Ok((axes, places));
        }
        let loops = self.loops_among(&axes);
        let rows = self
            .rows_on(&loops, &axes)
            .expect("axes lie on their loops");
        let count: usize = loops.iter().map(|&a| self.extent(a)).product();
        let mut found: Vec<Option<Vec<usize>>> = vec![None; count];
        for (row, own) in rows.into_iter().zip(places) {
            let known = found[row].get_or_insert_with(|| own.clone());
            if *known != own {
                let why = "which element is read depends on a discrete latent";
                return Err(self.refuse(var, span, why));
            }
        }
        // Turns in which it is never read have no element.
        Ok((
            loops,
            found.into_iter().map(Option::unwrap_or_default).collect(),
        ))
    }

    /// Definitions that depend on discrete latents, by what they define: arrays are put in place where they are read.
    pub(super) fn find_inlined(&mut self) {
        let program = self.program;
        let mut depends: BTreeMap<VarId, VarId> = BTreeMap::new();
        for (i, statement) in program.statements.iter().enumerate() {
            if let StatementKind::Draw { target, dist } = &statement.kind
                && self.defines(i).is_some()
                && draws_whole_numbers(dist)
                && self.discrete.wanted.get(&target.var) != Some(&Sampling::Untracked)
            {
                depends.insert(target.var, target.var);
            }
            if let StatementKind::Sample { target, .. } = &statement.kind
                && self.discrete.wanted.get(&target.var) != Some(&Sampling::Untracked)
            {
                depends.insert(target.var, target.var);
            }
        }
        if depends.is_empty() {
            return;
        }
        loop {
            let before = depends.len();
            for statement in &program.statements {
                let StatementKind::Let { target, .. } = &statement.kind else {
                    continue;
                };
                let mut on = None;
                statement.variables(true, &mut |v| on = on.or(depends.get(&v).copied()));
                if let Some(on) = on {
                    depends.entry(target.var).or_insert(on);
                }
            }
            if depends.len() == before {
                break;
            }
        }
        self.discrete.free = free(program, &depends);
        let again = |s: &Statement| match &s.kind {
            StatementKind::Let { target, .. } => depends.contains_key(&target.var),
            StatementKind::Draw { target, .. } => self.discrete.free.contains(&target.var),
            _ => false,
        };
        let statements = program.statements.iter().enumerate();
        let inlined = statements.filter(|(_, s)| again(s)).map(|(i, _)| i);
        self.discrete.inlined = inlined.collect();
        self.discrete.depends = depends;
    }

    /// Definitions by discrete latents, which are put in place where they are read; names for distributions are not.
    pub(super) fn inlined_statements(&self) -> BTreeSet<usize> {
        let value = |i: &&usize| match &self.program.statements[**i].kind {
            StatementKind::Let { value, .. } => value.ty.number().is_some(),
            _ => false,
        };
        self.discrete
            .inlined
            .iter()
            .filter(value)
            .copied()
            .collect()
    }

    /// All definitions by discrete latents, which are to be defined again now that these are drawn.
    fn take_inlined(&mut self) -> BTreeSet<usize> {
        let again = std::mem::take(&mut self.discrete.inlined);
        // Loops and conditions by states are opened anew.
        for statement in again.iter().map(|&i| &self.program.statements[i]) {
            for part in &statement.nest {
                let (Nest::For { id, .. } | Nest::If { id, .. }) = part;
                let of_states =
                    |axis| !self.states_among(&AxisList::from_slice(&[axis])).is_empty();
                if self.loops.get(id).copied().flatten().is_some_and(of_states) {
                    self.loops.remove(id);
                }
            }
        }
        again
    }

    /// An element of an array that discrete latents define: its definition, with the indices in place of the loops'.
    pub(super) fn inlined(
        &mut self,
        var: VarId,
        indices: &[Index],
        span: Span,
    ) -> Option<Result<Value<'g>>> {
        let program = self.program;
        let own = |i: &usize| matches!(&program.statements[*i].kind, StatementKind::Let { target, .. } if target.var == var);
        let mut statements = self.discrete.inlined.iter().copied().filter(own);
        let statement = statements.next()?;
        let several = statements.next().is_some();
        let name = &program.variable(var).name;
        let Statement {
            kind: StatementKind::Let { target, value },
            nest,
            ..
        } = &program.statements[statement]
        else {
            unreachable!("found above")
        };
        if let (
            false,
            [],
            [
                Nest::For {
                    var: index, range, ..
                },
            ],
            [own],
        ) = (several, indices, &nest[..], &target.indices[..])
            && matches!(own.kind, ExprKind::Var(id) if id == *index)
        {
            return Some(self.whole_definition((var, *index), range, value, span));
        }
        let loops = nest.iter().filter(|part| matches!(part, Nest::For { .. }));
        let whole = target.indices.is_empty();
        if several
            || indices.len() < target.indices.len()
            || !whole && loops.count() != target.indices.len()
        {
            return Some(Err(self.refuse_definition(var, span)));
        }
        let (first, rest) = indices.split_at(target.indices.len());
        let mut bound = Vec::new();
        for (index, own) in first.iter().zip(&target.indices) {
            let loops = nest.iter().filter_map(|part| match part {
                Nest::For { var, .. } => Some(*var),
                Nest::If { .. } => None,
            });
            let (Index::At(e), ExprKind::Var(of_loop)) = (index, &own.kind) else {
                return Some(Err(self.refuse_definition(var, span)));
            };
            if !loops.into_iter().any(|v| v == *of_loop) {
                return Some(Err(self.refuse_definition(var, span)));
            }
            match self.value(e) {
                Ok(value) => bound.push((*of_loop, value)),
                Err(problems) => return Some(Err(problems)),
            }
        }
        let before: Vec<_> = bound
            .into_iter()
            .map(|(id, value)| (id, self.env.insert(id, value)))
            .collect();
        let found = self.value(value);
        for (id, old) in before {
            match old {
                Some(old) => self.env.insert(id, old),
                None => self.env.remove(&id),
            };
        }
        let what = format!("`{name}`");
        Some(found.and_then(|value| match rest {
            [] => Ok(value),
            rest => self.index_value(None, value, rest, &what, span),
        }))
    }

    /// All elements of an array that discrete latents define, side by side.
    fn whole_definition(
        &mut self,
        (var, index): (VarId, VarId),
        range: &Expr,
        value: &Expr,
        span: Span,
    ) -> Result<Value<'g>> {
        let ExprKind::Range { start, end } = &range.kind else {
            return Err(self.refuse_definition(var, span));
        };
        let mut ends = Vec::new();
        for end in [start, end] {
            let end = self.value(end)?;
            ends.extend(end.var.as_uniform().filter(|_| end.var.rank() == 0));
        }
        let [1.0, last] = ends[..] else {
            return Err(self.refuse_definition(var, span));
        };
        let before = self.env.remove(&index);
        let mut elements = Vec::new();
        for k in 1..=last as usize {
            let number = Value::plain(self.graph.scalar(k as f64));
            self.env.insert(index, number);
            elements.push(self.value(value));
        }
        self.env.remove(&index);
        before.map(|before| self.env.insert(index, before));
        let elements = elements.into_iter().collect::<Result<Vec<_>>>()?;
        let axes = self.union(elements.iter().map(|value| value.axes.clone()));
        let states = axes.iter().map(|&a| self.extent(a) as f64).product::<f64>();
        if elements.is_empty() || states * elements.len() as f64 > self.most_terms() {
            return Err(self.refuse_definition(var, span));
        }
        self.array(&elements, span)
    }

    /// Of a definition that cannot be put in place where it is read: the latent behind it is not summed out.
    fn refuse_definition(&mut self, var: VarId, span: Span) -> Diagnostics {
        let latent = self.discrete.depends.get(&var).copied().unwrap_or(var);
        let name = &self.program.variable(var).name;
        let why = format!("`{name}` is defined by it in several parts, or read as a whole");
        self.refuse(latent, span, &why)
    }

    /// Where a draw depends on states of which some make it impossible: the nearest values that are possible, and
    /// whether the values are these.
    pub(super) fn possible(
        &mut self,
        d: &DistValue<'g>,
        x: &Value<'g>,
        span: Span,
    ) -> Result<Option<(Value<'g>, Value<'g>)>> {
        let axes = self.union([d.axes(self), x.axes.clone()]);
        let rank = d.array.len().max(x.rank() - d.event.len());
        let known = x.var.as_const().is_some();
        if self.states_among(&axes).is_empty() || !d.event.is_empty() || !known {
            return Ok(None);
        }
        let (support, _, _) = self.own_support(d, &axes, rank, span)?;
        // Of bounds that are not known densities take care.
        let (lower, upper) = support.bounds();
        let known = |bound: Option<Var<'g>>| bound.filter(|b| b.as_const().is_some());
        let (lower, upper) = (known(lower), known(upper));
        let x = self.widened(x, &axes, rank, 0);
        let above = lower.map_or(x, |lower| x.max(lower));
        let within = upper.map_or(above, |upper| above.min(upper));
        let possible = within.eq(x);
        if possible.as_uniform() == Some(1.0) {
            return Ok(None);
        }
        let [within, possible] = [within, possible].map(|v| self.tidy(v, &axes, None));
        Ok(Some((within, possible)))
    }

    /// Some axes and those of the states that a distribution depends on.
    pub(super) fn with_states(&self, d: &DistValue<'g>, axes: &AxisList) -> AxisList {
        self.union([axes.clone(), self.states_among(&d.axes(self))])
    }

    /// A support that is the same at all states, of which `wide` has axes and `axes` has not.
    pub(super) fn support_at_all_states(
        &self,
        support: Support<'g>,
        wide: &AxisList,
        axes: &AxisList,
        span: Span,
    ) -> Result<Support<'g>> {
        let narrow = |bound: Option<Var<'g>>| {
            let Some(bound) = bound else {
                return Ok(None);
            };
            if let Some(x) = bound.as_uniform() {
                return Ok(Some(self.graph.scalar(x)));
            }
            let shape = bound.shape();
            let is_state = |i: usize| wide.get(i).is_some_and(|a| !axes.contains(a));
            if (0..shape.len()).any(|i| is_state(i) && shape[i] != 1) {
                return Err(vec![error::support_by_states(span)]);
            }
            let kept: Vec<usize> = (0..shape.len())
                .filter(|&i| !is_state(i))
                .map(|i| shape[i])
                .collect();
            Ok(Some(bound.reshape(&kept)))
        };
        let (lower, upper) = support.bounds();
        Ok(support.within(narrow(lower)?, narrow(upper)?))
    }

    /// What is drawn is drawn whatever the discrete latents are.
    pub(super) fn expect_drawn_at_all_states(
        &self,
        target: &Target,
        axes: &AxisList,
    ) -> Result<()> {
        let Some(&axis) = self.states_among(axes).first() else {
            return Ok(());
        };
        let reference = self.discrete.references.iter().find(|r| r.axis == axis);
        let var = reference.expect("an axis of states has one").var;
        let names = [target.var, var].map(|id| self.program.variable(id).name.as_str());
        Err(vec![error::drawn_at_some_states(target.span, names)])
    }

    /// Whether a distribution depends on discrete latents.
    pub(super) fn depends_on_states(&self, d: &DistValue<'g>) -> bool {
        !self.states_among(&d.axes(self)).is_empty()
    }
}

/// Discrete latents that no density depends on, nor their own.
fn free(program: &Program, depends: &BTreeMap<VarId, VarId>) -> BTreeSet<VarId> {
    let latents: BTreeSet<VarId> = depends.values().copied().collect();
    let needed = |latent: VarId| {
        let mut reached = BTreeSet::from([latent]);
        loop {
            let before = reached.len();
            for statement in &program.statements {
                let mut reads = false;
                statement.variables(true, &mut |v| reads |= reached.contains(&v));
                match &statement.kind {
                    StatementKind::Let { target, .. } if reads => {
                        reached.insert(target.var);
                    }
                    _ if reads => return true,
                    _ => {}
                }
            }
            if reached.len() == before {
                return false;
            }
        }
    };
    // What a guide draws it draws.
    let own = |latent: &VarId| program.variable(*latent).kind == VariableKind::Latent;
    let latents = latents.into_iter().filter(own);
    latents.filter(|&latent| !needed(latent)).collect()
}

/// The least and the largest of whole numbers between known bounds.
fn ends(support: &Support<'_>) -> Option<(f64, f64)> {
    let Support::Integers { lower, upper } = support else {
        return None;
    };
    let numbers = |bound: &Option<Var<'_>>| Some(bound.as_ref()?.as_const()?.data().to_vec());
    let (lower, upper) = (numbers(lower)?, numbers(upper)?);
    let least = lower.into_iter().fold(f64::INFINITY, f64::min);
    let most = upper.into_iter().fold(f64::NEG_INFINITY, f64::max);
    (least.is_finite() && most.is_finite() && most >= least).then_some((least, most))
}
