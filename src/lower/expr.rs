//! Expressions to graph nodes.

use super::recurrence::Recurrence;
use super::value::{AxisId, AxisList, Value};
use super::varying::Cause;
use super::{Lowerer, Result, error};
use crate::check::program::{Clause, Expr, ExprKind, LoopId, Property, VarId};
use crate::diag::{Diagnostic, Diagnostics, Label, Span};
use crate::functions::{self, Operand, Wrong};
use crate::graph::{Shape, Tensor, Var, numel};
use crate::types::{Base, Dim, Type};

/// Extents that differ are said with the places and shapes of all arguments.
fn with_shapes(mut problems: Diagnostics, args: &[Expr], values: &[Value<'_>]) -> Diagnostics {
    for problem in problems.iter_mut().filter(|p| p.code == "E0662") {
        let shapes = args.iter().zip(values).filter(|(_, v)| v.rank() > 0);
        problem.labels = shapes
            .map(|(arg, value)| Label {
                span: arg.span,
                text: format!("this is {}", error::shape(&value.dims())),
            })
            .collect();
    }
    problems
}

impl<'g> Lowerer<'_, 'g> {
    /// Refuses what would have too many elements before memory is asked for.
    pub(super) fn expect_size(
        &self,
        what: &str,
        extents: impl IntoIterator<Item = usize>,
        span: Span,
    ) -> Result<()> {
        let size: f64 = extents.into_iter().map(|n| n as f64).product();
        if size <= error::MOST_ELEMENTS {
            return Ok(());
        }
        Err(vec![error::too_large(span, what, size)])
    }

    /// The value of an expression of numbers.
    pub(super) fn value(&mut self, e: &Expr) -> Result<Value<'g>> {
        match &e.kind {
            ExprKind::Number(x) => Ok(Value::plain(self.graph.scalar(*x))),
            ExprKind::Var(id) if self.is_recurrent(*id) => {
                let name = self.program.variable(*id).name.clone();
                Err(vec![error::cycle(&[(e.span, name)])])
            }
            ExprKind::Var(id) => self.variable(*id, e.span),
            ExprKind::Levels(id) => {
                let name = self.program.variable(*id).name.clone();
                let n = self.bound.levels.get(&name).map_or(0, Vec::len);
                Ok(Value::plain(self.graph.scalar(n as f64)))
            }
            ExprKind::Level { label, text } => {
                let name = &self.program.variable(*label).name;
                let levels = self.bound.levels.get(name).map_or(&[][..], Vec::as_slice);
                match levels.iter().position(|level| level == text) {
                    Some(at) => Ok(Value::plain(self.graph.scalar((at + 1) as f64))),
                    None => Err(vec![error::no_such_level(e.span, name, text, levels)]),
                }
            }
            ExprKind::Extent { value, axis }
                if let ExprKind::Var(id) = value.kind
                    && let Some(bound) = self.bound.values.get(&id) =>
            {
                // Of rows that a step is told this is the number of all.
                let extent = bound.value.shape()[*axis];
                Ok(Value::plain(self.graph.scalar(extent as f64)))
            }
            ExprKind::Extent { value, axis } => {
                let value = self.value(value)?;
                Ok(Value::plain(self.graph.scalar(value.dims()[*axis] as f64)))
            }
            ExprKind::Call { function, args } => {
                self.check_result(e)?;
                let values = args
                    .iter()
                    .map(|a| self.value(a))
                    .collect::<Result<Vec<_>>>()?;
                self.call(function, &values, e.span)
                    .map_err(|problems| with_shapes(problems, args, &values))
            }
            ExprKind::Let { bindings, body } => {
                for (id, value) in bindings {
                    if !matches!(value.ty, crate::types::Type::Distribution { .. }) {
                        let value = self.value(value)?;
                        self.env.insert(*id, value);
                    } else {
                        let dist = self.distribution(value)?;
                        self.distributions.insert(*id, dist);
                    }
                }
                let value = self.value(body);
                self.forget(bindings);
                value
            }
            ExprKind::Index { id, value, indices } => self.index(*id, value, indices, e.span),
            ExprKind::Array(elements) => {
                let values = elements
                    .iter()
                    .map(|v| self.value(v))
                    .collect::<Result<Vec<_>>>()?;
                self.array(&values, e.span)
            }
            ExprKind::Comprehension { clauses, body } => self.comprehension(clauses, body),
            ExprKind::If {
                id,
                condition,
                then,
                otherwise,
            } => self.choice(*id, condition, then, otherwise),
            ExprKind::Ode(ode) => {
                self.check_result(e)?;
                self.ode(ode, e.span)
            }
            ExprKind::Draw(draw) => self.drawn(draw, e.span),
            ExprKind::Property { property, dist, x } => {
                self.property(*property, dist, x.as_deref(), e.span)
            }
            _ => unreachable!("checking leaves only values here: {:?}", e.kind),
        }
    }

    /// Refuses a result that memory would not hold, before it is made.
    fn check_result(&self, e: &Expr) -> Result<()> {
        let dims = e.ty.number().map_or(&[][..], |(_, dims)| dims);
        let extents = dims.iter().map(|d| self.bound.evaluate(d));
        let extents: Option<Vec<usize>> = extents.map(|n| n?.try_into().ok()).collect();
        self.expect_size("this", extents.unwrap_or_default(), e.span)
    }

    /// A variable's value, on the rows that conditions around leave.
    pub(super) fn variable(&mut self, id: VarId, span: Span) -> Result<Value<'g>> {
        if let Some(number) = self.numbers.get(&id).filter(|_| self.laid_out) {
            return Ok(number.clone());
        }
        if let Some(position) = self.position(id) {
            return Ok(match self.laid_out {
                true => position,
                false => self.on_rows_left(position),
            });
        }
        let Some(value) = self.env.get(&id).cloned() else {
            return Err(vec![self.left_out(id, span)]);
        };
        Ok(self.on_rows_left(value))
    }

    /// Takes names back that an expression has for itself: a step of a recurrence would find those of all rows.
    pub(super) fn forget(&mut self, bindings: &[(VarId, Expr)]) {
        bindings.iter().for_each(|(id, _)| {
            self.env.remove(id);
        });
    }

    /// A value on the rows that the innermost of the conditions around leaves of it.
    pub(super) fn on_rows_left(&mut self, value: Value<'g>) -> Value<'g> {
        for i in (0..self.filters.len()).rev() {
            let flat = self.filters[i];
            if value.axes.iter().any(|&a| self.is_ancestor(a, flat)) {
                return self.descend(&value, flat);
            }
        }
        value
    }

    /// What is said of a name that only statements define which a condition leaves out.
    pub(super) fn left_out(&self, id: VarId, span: Span) -> Diagnostic {
        let variable = self.program.variable(id);
        error::left_out(span, variable.span, &variable.name)
    }

    /// Applies a function of the language.
    pub(super) fn call(
        &mut self,
        function: &'static functions::Function,
        values: &[Value<'g>],
        span: Span,
    ) -> Result<Value<'g>> {
        let ragged = values.iter().find_map(|v| v.ragged);
        if ragged.is_some() && !function.is_elementwise(values.len()) {
            return self.call_ragged(function, values, span);
        }
        if let Some(flat) = ragged
            && values.iter().any(|v| {
                v.ragged.is_some_and(|r| r != flat) || (v.ragged.is_none() && v.rank() > 0)
            })
        {
            return Err(vec![error::ragged(span, function.name)]);
        }
        let axes = self.union(values.iter().map(|v| v.axes.clone()));
        let operands: Vec<Operand<'g>> = values
            .iter()
            .map(|v| Operand {
                rank: v.rank(),
                var: self.align(v, &axes),
            })
            .collect();
        if let Some(first) = function.given_from {
            expect_given(function.name, &values[first..], span)?;
        }
        self.fits(function, &operands, span)?;
        let var = (function.lower)(&operands);
        Ok(self.tidy(var, &axes, ragged))
    }

    /// The function's type rule again, now that all extents are numbers: what only data tell is seen
    /// before graph code relies on it.
    fn fits(
        &self,
        function: &functions::Function,
        operands: &[Operand<'g>],
        span: Span,
    ) -> Result<()> {
        let types: Vec<Type> = operands.iter().map(concrete).collect();
        let sizes: Vec<Option<Dim>> = operands.iter().map(whole).collect();
        let seen: Vec<functions::Argument> = types
            .iter()
            .zip(&sizes)
            .map(|(ty, size)| functions::Argument {
                ty,
                size: size.as_ref(),
            })
            .collect();
        let own = |at: usize| types[at].number().map_or(&[][..], |(_, dims)| dims);
        let number = |d: &Dim| d.known().unwrap_or(0).max(0) as usize;
        let differ =
            |a: &Dim, b: &Dim| Err(vec![error::extents_differ(span, number(a), number(b))]);
        match (function.result)(&seen) {
            Ok(ty) => {
                let rows = operands.iter().map(|o| numel(&o.lead())).max();
                let own = ty.number().map_or(&[][..], |(_, dims)| dims);
                self.expect_size("this", rows.into_iter().chain(own.iter().map(number)), span)
            }
            Err(Wrong::Extents { of_a, of_b, .. }) => differ(&of_a, &of_b),
            Err(Wrong::Shapes { a, b }) => {
                let mut pairs = own(a).iter().rev().zip(own(b).iter().rev());
                match pairs.find(|(a, b)| a != b) {
                    Some((a, b)) => differ(a, b),
                    None => Ok(()),
                }
            }
            Err(Wrong::Kind { at, expected }) => {
                let shape: Vec<usize> = own(at).iter().map(number).collect();
                Err(vec![error::shape_unfit(
                    span,
                    function.name,
                    &expected,
                    &shape,
                )])
            }
        }
    }

    /// Reductions over a length that differs from row to row.
    fn call_ragged(
        &mut self,
        function: &'static functions::Function,
        values: &[Value<'g>],
        span: Span,
    ) -> Result<Value<'g>> {
        let find = |name: &str| functions::find(name).expect("a function of the language");
        match function.name {
            "dot" | "@" if values.len() == 2 => {
                let product = self.call(find("*"), values, span)?;
                self.call(find("sum"), &[product], span)
            }
            "mean" => {
                let (filled, lengths) = self.padded(&values[0], 0.0);
                let sum = self.call(find("sum"), &[filled], span)?;
                self.call(find("/"), &[sum, lengths], span)
            }
            "length" => Ok(self.padded(&values[0], 0.0).1),
            name => match function.neutral {
                Some(fill) if values.len() == 1 => {
                    let (filled, _) = self.padded(&values[0], fill);
                    self.call(function, &[filled], span)
                }
                _ => Err(vec![error::ragged(span, name)]),
            },
        }
    }

    fn array(&mut self, values: &[Value<'g>], span: Span) -> Result<Value<'g>> {
        if values.iter().any(|v| v.ragged.is_some()) {
            return Err(vec![error::ragged(span, "[…]")]);
        }
        let axes = self.union(values.iter().map(|v| v.axes.clone()));
        let aligned: Vec<Var<'g>> = values.iter().map(|v| self.align(v, &axes)).collect();
        let mut lead: Shape = Shape::from_elem(1, axes.len());
        for v in &aligned {
            for (n, &m) in lead.iter_mut().zip(v.shape().iter()) {
                *n = (*n).max(m);
            }
        }
        let rank = values[0].rank();
        let mut parts = Vec::new();
        for v in aligned {
            let mut shape = lead.clone();
            shape.extend_from_slice(&v.shape()[axes.len()..]);
            if shape[axes.len()..]
                != parts
                    .first()
                    .map_or(shape[axes.len()..].to_vec(), |p: &Var<'g>| {
                        p.shape()[axes.len() + 1..].to_vec()
                    })[..]
            {
                let first = parts[0].shape();
                return Err(vec![error::extents_differ(
                    span,
                    first[axes.len() + 1],
                    shape[axes.len()],
                )]);
            }
            parts.push(v.broadcast(&shape).unsqueeze(rank));
        }
        let var = crate::ops::concat(&parts, rank);
        Ok(self.tidy(var, &axes, None))
    }

    fn comprehension(&mut self, clauses: &[Clause], body: &Expr) -> Result<Value<'g>> {
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
        let ones = Value {
            var: self.graph.scalar(1.0).broadcast(&[self.extent(axis)]),
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        };
        let and = functions::find("&&").expect("a function of the language");
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
        let value = Value {
            var: self.graph.constant(Tensor::vector(numbers)),
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        };
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

    /// The rows where a known condition holds (or not), as a flat axis; `None` if all do and
    /// nothing varies. `along` is an axis to refine even if the condition does not vary on it.
    pub(super) fn filter(
        &mut self,
        cause: Cause,
        condition: &Value<'g>,
        along: Option<AxisId>,
        span: Span,
    ) -> Result<Option<AxisId>> {
        let extra: AxisList = along.into_iter().collect();
        let axes = self.union([condition.axes.clone(), extra]);
        if condition.var.as_const().is_none()
            && let Some(found) = self.filter_varying(cause, condition, &axes)
        {
            return Ok(found);
        }
        let truth = self.known(condition, &axes, span)?;
        let rows: Vec<usize> = (0..truth.len())
            .filter(|&i| (truth[i] != 0.0) == cause.holds())
            .collect();
        let some = (rows.len() < truth.len()).then(|| self.flat_axis(&axes, &rows));
        self.record_turns(cause, &axes, some);
        Ok(some)
    }

    fn choice(
        &mut self,
        id: LoopId,
        condition: &Expr,
        then: &Expr,
        otherwise: &Expr,
    ) -> Result<Value<'g>> {
        if let Some(Recurrence::Step(_)) = self.recurrence
            && let Some(&Some(holds)) = self.settled.get(&id)
        {
            // The other branch was not looked at: what it would read need not exist.
            return self.value(if holds { then } else { otherwise });
        }
        let condition_value = self.value(condition)?;
        let known = condition_value.var.as_const();
        let Some(truth) = known else {
            if let Some(told) = self.told_of_condition(id) {
                return self.choice_of_step(id, told, &condition_value, (then, otherwise));
            }
            let (a, b) = (self.value(then)?, self.value(otherwise)?);
            let select = functions::find("where").expect("a function of the language");
            return self.call(select, &[condition_value, a, b], condition.span);
        };
        let holds = truth.data().iter().filter(|x| **x != 0.0).count();
        let same = (holds == truth.numel() || holds == 0).then_some(holds > 0);
        self.record_choice(id, &condition_value.axes, same);
        if let Some(Recurrence::Probe(_)) = self.recurrence {
            let settled = self.settled.entry(id).or_insert(same);
            *settled = settled.filter(|s| Some(*s) == same);
        }
        if let Some(holds) = same {
            return self.value(if holds { then } else { otherwise });
        }
        // Each branch on its own rows only: what is not meant for a row is not computed there.
        let mut parts = Vec::new();
        for (branch, holds) in [(then, true), (otherwise, false)] {
            let cause = Cause::If(id, holds);
            let flat = self
                .filter(cause, &condition_value, None, condition.span)?
                .expect("both kinds of rows exist");
            self.filters.push(flat);
            let value = self.value(branch)?;
            self.filters.pop();
            parts.push((flat, value));
        }
        self.merge_branches(&condition_value.axes, &parts, &truth)
    }

    /// A choice that differs from row to row of a batch.
    fn choice_of_step(
        &mut self,
        id: LoopId,
        (holds, fails): (bool, bool),
        condition: &Value<'g>,
        (then, otherwise): (&Expr, &Expr),
    ) -> Result<Value<'g>> {
        if !(holds && fails) {
            return self.value(if holds { then } else { otherwise });
        }
        let mut parts = Vec::new();
        for (branch, holds) in [(then, true), (otherwise, false)] {
            let flat = self.filter(Cause::If(id, holds), condition, None, branch.span)?;
            let flat = flat.expect("both kinds of rows exist");
            self.filters.push(flat);
            let value = self.value(branch)?;
            self.filters.pop();
            // The branch has a row for every row of the condition, in its order.
            parts.push(self.unfiltered(&value, flat, &condition.axes));
        }
        let select = functions::find("where").expect("a function of the language");
        parts.insert(0, condition.clone());
        self.call(select, &parts, then.span)
    }

    /// Puts the rows of two branches in the order of the rows they came from.
    fn merge_branches(
        &mut self,
        axes: &AxisList,
        parts: &[(AxisId, Value<'g>)],
        truth: &Tensor,
    ) -> Result<Value<'g>> {
        let flats: AxisList = parts.iter().map(|(f, _)| *f).collect();
        let others: AxisList = self
            .union(parts.iter().map(|(_, v)| v.axes.clone()))
            .into_iter()
            .filter(|a| !flats.contains(a))
            .collect();
        let mut fronts = Vec::new();
        for (flat, value) in parts {
            let mut own = others.clone();
            own.push(*flat);
            own.sort_unstable();
            let var = self.spread(value, &own);
            let at = own.iter().position(|a| a == flat).expect("just put there");
            fronts.push(var.axis_to_front(var.rank() - 1 - at));
        }
        let rank = fronts[0].rank();
        let joined = crate::ops::concat(&fronts, rank - 1);
        let ones = truth.data().iter().filter(|x| **x != 0.0).count();
        let (mut yes, mut no) = (0, ones);
        let order: Vec<f64> = truth
            .data()
            .iter()
            .map(|x| {
                let next = if *x != 0.0 { &mut yes } else { &mut no };
                *next += 1;
                (*next - 1) as f64
            })
            .collect();
        let picked = joined.gather(rank - 1, self.graph.constant(Tensor::vector(order)));
        // [rows, others…, rest…] to [axes and others ascending…, rest…]
        let mut shape: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        shape.extend_from_slice(&picked.shape()[1..]);
        let names: Vec<AxisId> = axes.iter().chain(others.iter()).copied().collect();
        Ok(self.sorted_axes(picked.reshape(&shape), &names))
    }

    /// A value from a tensor whose leading axes are in any order.
    pub(super) fn sorted_axes(&self, var: Var<'g>, names: &[AxisId]) -> Value<'g> {
        let mut sorted: AxisList = names.iter().copied().collect();
        sorted.sort_unstable();
        let total = var.rank();
        let mut front: Vec<usize> = sorted
            .iter()
            .map(|a| names.iter().position(|n| n == a).expect("named"))
            .collect();
        front.extend(names.len()..total);
        let order: Vec<usize> = (0..total)
            .map(|i| total - 1 - front[total - 1 - i])
            .collect();
        self.tidy(var.permute(&order), &sorted, None)
    }

    /// Numbers of a value that is known, on all rows of `axes`.
    pub(super) fn known(
        &mut self,
        value: &Value<'g>,
        axes: &AxisList,
        span: Span,
    ) -> Result<Vec<f64>> {
        let var = self.spread(value, axes);
        match var.as_const() {
            Some(tensor) => Ok(tensor.data().to_vec()),
            None if self.is_step() => Err(vec![error::varies_in_batch(span)]),
            None => Err(vec![
                Diagnostic::error("E0207", "this must be known from data")
                    .at(span, "depends on a latent, or on a missing value"),
            ]),
        }
    }

    fn property(
        &mut self,
        property: Property,
        dist: &Expr,
        x: Option<&Expr>,
        span: Span,
    ) -> Result<Value<'g>> {
        let d = self.distribution(dist)?;
        let x = x.map(|x| self.value(x)).transpose()?;
        self.property_of(property, &d, x.as_ref(), span)
    }

    /// Elements of a value along its positional axes.
    pub(super) fn count(&self, value: &Value<'g>) -> usize {
        numel(&value.dims())
    }
}

/// Whole numbers that data must tell are equal in all rows, and not negative.
fn expect_given(name: &str, values: &[Value<'_>], span: Span) -> Result<()> {
    for value in values {
        match value.var.as_uniform() {
            Some(n) if n < 0.0 => {
                let what = format!("an extent of `{name}`");
                return Err(vec![error::negative_extent(span, &what, n as i64)]);
            }
            None if value.var.numel() > 0 => return Err(vec![error::ragged(span, name)]),
            _ => {}
        }
    }
    Ok(())
}

/// The type of an operand. What its elements are has been checked.
fn concrete(operand: &Operand<'_>) -> Type {
    let shape = operand.var.shape();
    let own = shape[shape.len() - operand.rank..].iter();
    Type::array(
        Base::Int,
        own.map(|&n| Dim::from(n as i64)).collect::<Vec<_>>(),
    )
}

/// The value of an operand that is one whole number in all rows, 0 if there are no rows.
fn whole(operand: &Operand<'_>) -> Option<Dim> {
    if operand.rank > 0 {
        return None;
    }
    let value = operand.var.as_uniform();
    let n = value.or((operand.var.numel() == 0).then_some(0.0))?;
    (n.fract() == 0.0).then(|| Dim::from(n as i64))
}
