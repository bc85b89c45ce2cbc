//! Reads of discrete latents: the states of an element, or of several together, along an axis of their own.

use super::super::bind::axis_text;
use super::super::value::{AxisId, AxisList, Value};
use super::super::{Lowerer, Result, error};
use super::{MOST_TERMS, Reference};
use crate::check::program::{Index, VarId};
use crate::diag::Span;
use crate::graph::{Tensor, Var, numel};
use std::collections::BTreeSet;

/// What an index reads along one axis.
struct Along<'g> {
    /// The first element, from 1, and how many there are from it on; one if the axis goes.
    first: Value<'g>,
    count: Option<usize>,
    span: Span,
}

impl<'g> Lowerer<'_, 'g> {
    /// The states of an element, along an axis of their own.
    pub(in super::super) fn states_at(
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
    pub(super) fn states(
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
    pub(super) fn drawn_elements(
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
    pub(super) fn axis_of_states(
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
    pub(super) fn most_terms(&self) -> f64 {
        self.program.most_terms.unwrap_or(MOST_TERMS)
    }

    /// Whether a reference is of the same elements wherever these axes are.
    pub(super) fn is_same(
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
    pub(in super::super) fn rows_on(
        &self,
        others: &AxisList,
        axes: &AxisList,
    ) -> Option<Vec<usize>> {
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
    pub(in super::super) fn is_of_states(&self, axis: AxisId) -> bool {
        self.discrete.references.iter().any(|r| r.axis == axis)
    }

    /// Of the axes of states that rows lie on, the state of each row.
    pub(in super::super) fn states_of_rows(&self, axes: &AxisList) -> Vec<(AxisId, Vec<usize>)> {
        let of = |axis| {
            let rows = self.rows_on(&AxisList::from_slice(&[axis]), axes);
            (axis, rows.expect("rows lie on it"))
        };
        self.states_among(axes).into_iter().map(of).collect()
    }

    /// The axes of states among some axes and what these lie on, ascending.
    pub(super) fn states_among(&self, axes: &AxisList) -> AxisList {
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
    pub(super) fn loops_among(&self, axes: &AxisList) -> AxisList {
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
    pub(super) fn without_states(
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
}
