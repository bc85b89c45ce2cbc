//! Loops and comprehensions: the axes that they open, and what becomes of them.

use super::value::{AxisId, AxisList, Value};
use super::varying::Cause;
use super::{Lowerer, Result, error};
use crate::check::program::{Clause, Expr, ExprKind, VarId};
use crate::diag::Span;
use crate::functions;
use crate::graph::Tensor;

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn comprehension(&mut self, clauses: &[Clause], body: &Expr) -> Result<Value<'g>> {
        let filters = self.filters.len();
        let outer = self.axes.len();
        let mut own: Vec<AxisId> = Vec::new();
        for clause in clauses {
            self.open_clause(clause, &mut own)?;
        }
        let value = self.value(body)?;
        self.filters.truncate(filters);
        self.close_comprehension(value, outer, &own, body.span)
    }

    /// Binds a clause's variable; conditions leave rows of a flat axis.
    pub(super) fn open_clause(&mut self, clause: &Clause, own: &mut Vec<AxisId>) -> Result<()> {
        let axis = self.open_loop(clause.var, &clause.range, None)?;
        own.push(axis);
        for (id, condition) in &clause.conditions {
            let value = self.value(condition)?;
            if self.recurrence.is_some() && value.var.as_const().is_none() {
                self.mask_also(axis, value)?;
                continue;
            }
            let cause = Cause::If(*id, true);
            if let Some(flat) = self.filter(cause, &value, Some(axis), condition.span)? {
                self.filters.push(flat);
                own.push(flat);
            }
        }
        Ok(())
    }

    /// Only turns of a loop where a condition holds that a step of a recurrence finds out count.
    fn mask_also(&mut self, axis: AxisId, condition: Value<'g>) -> Result<()> {
        let ones = Value::on_axis(self.graph.scalar(1.0).broadcast(&[self.extent(axis)]), axis);
        let and = functions::own("&&");
        let mask = self.masks.get(&axis).cloned().unwrap_or(ones);
        let mask = self.call(and, &[mask, condition], Span::default())?;
        self.masks.insert(axis, mask);
        Ok(())
    }

    /// The comprehension's own axes become the first positional one.
    fn close_comprehension(
        &mut self,
        value: Value<'g>,
        outer: usize,
        own: &[AxisId],
        span: Span,
    ) -> Result<Value<'g>> {
        // Innermost axes, without those that others refine.
        let leaves: AxisList = self.union([own.iter().copied().collect::<AxisList>()]);
        let axes = self.union([value.axes.clone(), leaves.clone()]);
        if value.ragged.is_some() {
            return Err(vec![error::ragged(span, "an array of arrays")]);
        }
        let flat_of_outer = leaves.iter().copied().find(|l| {
            self.masks.contains_key(l) || self.axes[l.0].parents.iter().any(|(p, _)| p.0 < outer)
        });
        if let Some(flat) = flat_of_outer {
            if leaves.len() > 1 {
                return Err(vec![error::ragged(
                    span,
                    "a comprehension with several clauses",
                )]);
            }
            let mut var = self.align(&value, &axes);
            let at = axes
                .iter()
                .position(|a| *a == flat)
                .expect("the union has the leaves");
            let mut shape = var.shape();
            shape[at] = self.extent(flat);
            var = var.broadcast(&shape);
            let (mut axes, row) = (axes, self.rows_of(flat, outer));
            axes[at] = row;
            return Ok(Value {
                ragged: Some(row),
                ..self.tidy(var, &axes, Some(row))
            });
        }
        let rows = leaves.iter().map(|leaf| self.extent(*leaf));
        self.expect_size("this", rows.chain([value.var.numel()]), span)?;
        let aligned = self.align(&value, &axes);
        let mut shape = aligned.shape();
        for leaf in &leaves {
            let at = axes
                .iter()
                .position(|a| a == leaf)
                .expect("the union has the leaves");
            shape[at] = self.extent(*leaf);
        }
        let var = aligned.broadcast(&shape);
        // Leaves, in order, after the other axes and before what is positional.
        let others: Vec<usize> = (0..axes.len())
            .filter(|&i| !leaves.contains(&axes[i]))
            .collect();
        let mine: Vec<usize> = (0..axes.len())
            .filter(|&i| leaves.contains(&axes[i]))
            .collect();
        let rank = shape.len();
        let front: Vec<usize> = others
            .iter()
            .chain(&mine)
            .copied()
            .chain(axes.len()..rank)
            .collect();
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        let mut to: Vec<usize> = others.iter().map(|&i| shape[i]).collect();
        to.push(mine.iter().map(|&i| shape[i]).product());
        to.extend_from_slice(&shape[axes.len()..]);
        let others: AxisList = others.iter().map(|&i| axes[i]).collect();
        Ok(self.tidy(var.permute(&order).reshape(&to), &others, None))
    }

    /// Opens a loop: its axis, and the index's value on it.
    pub(super) fn open_loop(
        &mut self,
        var: VarId,
        range: &Expr,
        batch: Option<&Expr>,
    ) -> Result<AxisId> {
        let ExprKind::Range { start, end } = &range.kind else {
            unreachable!("checking leaves only ranges here");
        };
        let (low, high) = (self.value(start)?, self.value(end)?);
        let axes = self.union([low.axes.clone(), high.axes.clone()]);
        if let Some(step) = self.step_loop(var, &low, &high, &axes, range.span)? {
            return Ok(step);
        }
        if let Some(axis) = self.open_varying(var, (&low, &high), &axes) {
            return Ok(axis);
        }
        let name = self.program.variable(var).name.clone();
        let low = self.known(&low, &axes, range.span)?;
        let high = self.known(&high, &axes, range.span)?;
        let count = |a: f64, b: f64| (b - a + 1.0).max(0.0);
        let total: f64 = low.iter().zip(&high).map(|(a, b)| count(*a, *b)).sum();
        if total.is_nan() || total > error::MOST_ELEMENTS {
            return Err(vec![error::too_large(range.span, "this range", total)]);
        }
        if let Some(size) = batch.filter(|_| self.in_batches()) {
            return self.open_batch(var, (low[0], total as usize), size, range.span);
        }
        let longest = low
            .iter()
            .zip(&high)
            .map(|(a, b)| count(*a, *b))
            .fold(0.0, f64::max);
        self.lengths.insert(var, longest as usize);
        let (axis, numbers) = if axes.is_empty() {
            let numbers: Vec<f64> = (0..total as usize).map(|k| low[0] + k as f64).collect();
            (self.new_axis(numbers.len(), Vec::new()), numbers)
        } else {
            let mut numbers = Vec::new();
            let (mut rows, mut steps) = (Vec::new(), Vec::new());
            for (row, (&a, &b)) in low.iter().zip(&high).enumerate() {
                for k in 0..count(a, b) as usize {
                    numbers.push(a + k as f64);
                    rows.push(row);
                    steps.push(k);
                }
            }
            let flat = self.flat_axis(&axes, &rows);
            self.axes[flat.0].steps = steps;
            (flat, numbers)
        };
        self.axis_of.insert(var, axis);
        self.loop_names.insert(axis, (name, numbers.clone()));
        if !axes.is_empty() {
            self.record_turns(Cause::Loop(var), &axes, Some(axis));
        }
        let value = Value::on_axis(self.graph.constant(Tensor::vector(numbers)), axis);
        self.env.insert(var, value);
        Ok(axis)
    }

    /// A flat axis whose rows lie on given rows of `axes`.
    pub(super) fn flat_axis(&mut self, axes: &AxisList, rows: &[usize]) -> AxisId {
        let mut parents: Vec<(AxisId, Vec<usize>)> = Vec::new();
        let mut stride = 1;
        for &axis in axes.iter().rev() {
            let n = self.extent(axis).max(1);
            let table: Vec<usize> = rows.iter().map(|r| r / stride % n).collect();
            for (grand, of_parent) in &self.axes[axis.0].parents {
                if !parents.iter().any(|(p, _)| p == grand) {
                    parents.push((*grand, table.iter().map(|&k| of_parent[k]).collect()));
                }
            }
            parents.push((axis, table));
            stride *= n;
        }
        self.new_axis(rows.len(), parents)
    }

    /// The flat axis of a comprehension as those outside see it: rows of the axes around it, without the
    /// comprehension's own, of which a condition has left some turns.
    fn rows_of(&mut self, flat: AxisId, outer: usize) -> AxisId {
        let axis = &self.axes[flat.0];
        let around = axis.parents.iter().filter(|(p, _)| p.0 < outer);
        let around: Vec<(AxisId, Vec<usize>)> = around.cloned().collect();
        if around.len() == axis.parents.len() {
            return flat;
        }
        let rows = self.new_axis(axis.extent, around);
        if let Some(found) = self.found.get(&flat).cloned() {
            self.found.insert(rows, found);
        }
        rows
    }
}
