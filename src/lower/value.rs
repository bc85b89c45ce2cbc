//! Values of expressions inside loops: tensors whose leading axes are the loops they depend on.
//!
//! A loop nest is a table. Each loop with fixed bounds is an [`Axis`]; one whose bounds depend on
//! outer loops, or rows that a condition leaves, is a flat axis that knows for every row where it
//! lies on its parents. A value carries only the axes on which it depends, so what does not vary in
//! a loop is computed once; values meet by taking the union of their axes, parents giving way to
//! the flat axes that refine them.

use super::Lowerer;
use crate::graph::{Shape, Tensor, Var, numel};
use smallvec::SmallVec;

/// Index into [`Axes`], in order of creation: outer before inner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AxisId(pub usize);

/// A loop's axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    pub extent: usize,
    /// For flat axes: every ancestor with the position on it of each row.
    pub parents: Vec<(AxisId, Vec<usize>)>,
    /// For a loop with other bounds in every row: which of its turns each row is, from 0.
    pub steps: Vec<usize>,
}

pub type AxisList = SmallVec<[AxisId; 4]>;

/// No axis at all.
pub const NO_AXIS: AxisId = AxisId(usize::MAX);

/// The place of an element in an array of these extents, counted row by row.
pub fn flat_index<'k>(place: impl IntoIterator<Item = &'k usize>, extents: &[usize]) -> usize {
    place
        .into_iter()
        .zip(extents)
        .fold(0, |f, (k, n)| f * n + k)
}

/// `var` has the axes, in ascending order, then `var.rank() − axes.len()` positional ones.
#[derive(Clone, Debug)]
pub struct Value<'g> {
    pub var: Var<'g>,
    pub axes: AxisList,
    /// The first positional axis has a length that differs from row to row: it is this flat axis,
    /// held among `axes`.
    pub ragged: Option<AxisId>,
}

impl<'g> Value<'g> {
    /// A value that depends on no loop.
    pub fn plain(var: Var<'g>) -> Value<'g> {
        Value {
            var,
            axes: AxisList::new(),
            ragged: None,
        }
    }

    /// A value of the rows of one axis.
    pub fn on_axis(var: Var<'g>, axis: AxisId) -> Value<'g> {
        Value {
            var,
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        }
    }

    /// Number of positional axes, a ragged one not counted.
    pub fn rank(&self) -> usize {
        self.var.rank() - self.axes.len()
    }

    /// Extents of the positional axes.
    pub fn dims(&self) -> Shape {
        self.var.shape()[self.axes.len()..].into()
    }
}

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn new_axis(&mut self, extent: usize, parents: Vec<(AxisId, Vec<usize>)>) -> AxisId {
        self.axes.push(Axis {
            extent,
            parents,
            steps: Vec::new(),
        });
        AxisId(self.axes.len() - 1)
    }

    pub(super) fn extent(&self, axis: AxisId) -> usize {
        self.axes[axis.0].extent
    }

    pub(super) fn is_ancestor(&self, ancestor: AxisId, of: AxisId) -> bool {
        self.axes[of.0].parents.iter().any(|(p, _)| *p == ancestor)
    }

    /// The axes that several values together depend on: ancestors give way to their refinements.
    pub(super) fn union(&self, lists: impl IntoIterator<Item = AxisList>) -> AxisList {
        let mut all: AxisList = lists.into_iter().flatten().collect();
        all.sort_unstable();
        all.dedup();
        all.iter()
            .copied()
            .filter(|&a| !all.iter().any(|&b| self.is_ancestor(a, b)))
            .collect()
    }

    /// The value as a tensor with all of `axes` (ascending), of extent 1 where it does not vary.
    ///
    /// Every axis of the value must be one of `axes` or an ancestor of one.
    pub(super) fn align(&mut self, value: &Value<'g>, axes: &AxisList) -> Var<'g> {
        let mut value = value.clone();
        for &axis in axes {
            if value.axes.iter().any(|&a| self.is_ancestor(a, axis)) {
                value = self.descend(&value, axis);
            }
        }
        let shape = value.var.shape();
        let mut wide = Shape::new();
        for axis in axes {
            wide.push(
                value
                    .axes
                    .iter()
                    .position(|a| a == axis)
                    .map_or(1, |i| shape[i]),
            );
        }
        assert!(
            value.axes.iter().all(|a| axes.contains(a)),
            "a value varies along an axis that is not in use"
        );
        wide.extend_from_slice(&shape[value.axes.len()..]);
        value.var.reshape(&wide)
    }

    /// The same value on the rows of a flat axis instead of on its ancestors.
    pub(super) fn descend(&mut self, value: &Value<'g>, flat: AxisId) -> Value<'g> {
        let parents = self.axes[flat.0].parents.clone();
        let moved: Vec<usize> = (0..value.axes.len())
            .filter(|&i| parents.iter().any(|(p, _)| *p == value.axes[i]))
            .collect();
        if moved.is_empty() {
            return value.clone();
        }
        let rows = self.extent(flat);
        let shape = value.var.shape();
        let rank = shape.len();
        // The moved axes to the front, as one.
        let mut var = value.var;
        let mut front: Vec<usize> = moved.clone();
        front.extend((0..rank).filter(|i| !moved.contains(i)));
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        var = var.permute(&order);
        let count: usize = moved.iter().map(|&i| shape[i]).product();
        let mut flat_shape = vec![count];
        flat_shape.extend(front[moved.len()..].iter().map(|&i| shape[i]));
        var = var.reshape(&flat_shape);
        let mut known = vec![0.0; rows];
        let mut found: Option<Var<'g>> = None;
        for &i in &moved {
            if let Some(positions) = self.positions_on(flat, value.axes[i]) {
                found = Some(match found {
                    Some(before) => before * shape[i] as f64 + positions,
                    None => positions,
                });
                continue;
            }
            let (_, table) = parents
                .iter()
                .find(|(p, _)| *p == value.axes[i])
                .expect("moved axes are parents");
            for (k, &position) in known.iter_mut().zip(table) {
                *k = *k * shape[i] as f64 + position as f64;
            }
        }
        let index = found.unwrap_or_else(|| self.graph.constant(Tensor::vector(known)));
        var = var.gather(flat_shape.len() - 1, index);
        // The flat axis into its place.
        let mut axes: AxisList = (0..value.axes.len())
            .filter(|i| !moved.contains(i))
            .map(|i| value.axes[i])
            .collect();
        let at = axes.iter().filter(|a| **a < flat).count();
        axes.insert(at, flat);
        let to = var.rank() - 1 - at;
        Value {
            var: var.front_to_axis(to),
            axes,
            ragged: value.ragged,
        }
    }

    /// The value repeated to the full extents of `axes`.
    pub(super) fn spread(&mut self, value: &Value<'g>, axes: &AxisList) -> Var<'g> {
        let var = self.align(value, axes);
        let mut shape = var.shape();
        for (i, axis) in axes.iter().enumerate() {
            shape[i] = self.extent(*axis);
        }
        var.broadcast(&shape)
    }

    /// A value from a tensor with leading `axes`: those along which it does not vary are dropped.
    pub(super) fn tidy(&self, var: Var<'g>, axes: &AxisList, ragged: Option<AxisId>) -> Value<'g> {
        let shape = var.shape();
        let stays =
            |i: usize| shape[i] != 1 || self.extent(axes[i]) == 1 || Some(axes[i]) == ragged;
        let kept: AxisList = (0..axes.len())
            .filter(|&i| stays(i))
            .map(|i| axes[i])
            .collect();
        let mut to: Shape = (0..axes.len())
            .filter(|&i| stays(i))
            .map(|i| shape[i])
            .collect();
        to.extend_from_slice(&shape[axes.len()..]);
        Value {
            var: var.reshape(&to),
            axes: kept,
            ragged,
        }
    }

    /// A ragged value as a dense one: rows filled up with `fill`; gives the rows' lengths too.
    pub(super) fn padded(&mut self, value: &Value<'g>, fill: f64) -> (Value<'g>, Value<'g>) {
        let flat = value.ragged.expect("only ragged values are padded");
        if let Some(mask) = self.masks.get(&flat).cloned() {
            return self.masked(value, flat, &mask, fill);
        }
        let value = &self.counted(value, flat, fill);
        let parents = self.direct_parents(flat);
        let others: AxisList = value.axes.iter().copied().filter(|a| *a != flat).collect();
        let extents: Vec<usize> = parents.iter().map(|(p, _)| self.extent(*p)).collect();
        let (cells, rows) = (numel(&extents), self.extent(flat));
        // Which rows belong to which cell of the parents.
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); cells];
        for row in 0..rows {
            let cell = flat_index(parents.iter().map(|(_, table)| &table[row]), &extents);
            members[cell].push(row);
        }
        let longest = members.iter().map(Vec::len).max().unwrap_or(0);
        let mut index = Vec::with_capacity(cells * longest);
        for rows_of_cell in &members {
            index.extend((0..longest).map(|k| rows_of_cell.get(k).copied().unwrap_or(rows) as f64));
        }
        let at = value
            .axes
            .iter()
            .position(|a| *a == flat)
            .expect("the ragged axis is among the axes");
        let front = value.var.axis_to_front(value.var.rank() - 1 - at);
        let mut one = front.shape();
        one[0] = 1;
        let extended = crate::ops::concat(
            &[front, self.graph.scalar(fill).broadcast(&one)],
            front.rank() - 1,
        );
        let picked = extended.gather(front.rank() - 1, self.graph.constant(Tensor::vector(index)));
        // [parents…, longest, others…, rest…] to [axes ascending…, longest, rest…]
        let mut shape: Vec<usize> = extents.clone();
        shape.push(longest);
        shape.extend_from_slice(&picked.shape()[1..]);
        let mut names: Vec<Option<AxisId>> = parents.iter().map(|(p, _)| Some(*p)).collect();
        names.push(None);
        names.extend(others.iter().copied().map(Some));
        let var = picked.reshape(&shape);
        let mut axes: AxisList = names.iter().flatten().copied().collect();
        axes.sort_unstable();
        let rank = shape.len();
        let mut front: Vec<usize> = axes
            .iter()
            .map(|a| names.iter().position(|n| *n == Some(*a)).expect("named"))
            .collect();
        front.push(parents.len());
        front.extend(names.len()..rank);
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        let parent_axes: AxisList = parents.iter().map(|(p, _)| *p).collect();
        let lengths = match self.found.get(&flat) {
            Some(found) => {
                let each = [cells, rows / cells.max(1)];
                let lengths = found.counts.reshape(&each).sum_axes(&[0]);
                lengths.reshape(&extents)
            }
            None => {
                let lengths: Vec<f64> = members.iter().map(|m| m.len() as f64).collect();
                let shape = Shape::from_slice(&extents);
                self.graph.constant(Tensor::new(shape, lengths))
            }
        };
        (
            Value {
                var: var.permute(&order),
                axes,
                ragged: None,
            },
            Value {
                var: lengths,
                axes: parent_axes,
                ragged: None,
            },
        )
    }

    /// A value with `fill` in rows of a flat axis of a step that do not count.
    fn counted(&mut self, value: &Value<'g>, flat: AxisId, fill: f64) -> Value<'g> {
        let Some(found) = self.found.get(&flat) else {
            return value.clone();
        };
        let counts = Value::on_axis(found.counts, flat);
        let mut on = self.align(&counts, &value.axes);
        for _ in 0..value.rank() {
            on = on.unsqueeze(0);
        }
        Value {
            var: on.select(value.var, fill),
            ..value.clone()
        }
    }

    /// The same for a loop that runs as long as it ever does, with a mask of the turns that count.
    fn masked(
        &mut self,
        value: &Value<'g>,
        axis: AxisId,
        mask: &Value<'g>,
        fill: f64,
    ) -> (Value<'g>, Value<'g>) {
        let axes = self.union([value.axes.clone(), mask.axes.clone()]);
        let at = axes
            .iter()
            .position(|a| *a == axis)
            .expect("a masked loop is among the axes");
        let (mut on, x) = (self.align(mask, &axes), self.spread(value, &axes));
        for _ in 0..value.rank() {
            on = on.unsqueeze(0);
        }
        let filled = on.select(x, fill);
        let lead = axes.len();
        let rank = filled.rank();
        let front: Vec<usize> = (0..lead)
            .filter(|&i| i != at)
            .chain([at])
            .chain(lead..rank)
            .collect();
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        let others: AxisList = axes.iter().copied().filter(|a| *a != axis).collect();
        let counted = mask
            .axes
            .iter()
            .position(|a| *a == axis)
            .expect("a mask varies along its loop");
        let lengths = mask.var.sum_axes(&[mask.var.rank() - 1 - counted]);
        let of_mask: AxisList = mask.axes.iter().copied().filter(|a| *a != axis).collect();
        (
            self.tidy(filled.permute(&order), &others, None),
            Value {
                var: lengths,
                axes: of_mask,
                ragged: None,
            },
        )
    }

    /// The parents of a flat axis that are no ancestors of other parents, ascending.
    pub(super) fn direct_parents(&self, flat: AxisId) -> Vec<(AxisId, Vec<usize>)> {
        let parents = &self.axes[flat.0].parents;
        let mut direct: Vec<(AxisId, Vec<usize>)> = parents
            .iter()
            .filter(|(p, _)| !parents.iter().any(|(q, _)| self.is_ancestor(*p, *q)))
            .cloned()
            .collect();
        direct.sort_by_key(|(p, _)| *p);
        direct
    }

    /// Indices of loops around one row of `axes`, for messages: `i = 3, j = 2`.
    pub(super) fn row_text(&self, axes: &AxisList, mut row: usize) -> String {
        let mut positions = vec![0; axes.len()];
        for (i, axis) in axes.iter().enumerate().rev() {
            let n = self.extent(*axis).max(1);
            positions[i] = row % n;
            row /= n;
        }
        let mut parts: Vec<(AxisId, String)> = Vec::new();
        for (&axis, &position) in axes.iter().zip(&positions) {
            let mut add = |axis: AxisId, position: usize| {
                if let Some((name, numbers)) = self.loop_names.get(&axis)
                    && !parts.iter().any(|(a, _)| *a == axis)
                {
                    parts.push((
                        axis,
                        format!(
                            "{name} = {}",
                            numbers.get(position).copied().unwrap_or(f64::NAN)
                        ),
                    ));
                }
            };
            add(axis, position);
            for (parent, table) in &self.axes[axis.0].parents {
                add(*parent, table[position]);
            }
        }
        parts.sort_by_key(|(axis, _)| *axis);
        parts
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
