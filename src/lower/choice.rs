//! Conditions: rows that they leave, and choices between two values.

use super::recurrence::Recurrence;
use super::value::{AxisId, AxisList, Value};
use super::varying::Cause;
use super::{Lowerer, Result};
use crate::check::program::{Expr, LoopId};
use crate::diag::Span;
use crate::functions;
use crate::graph::{Tensor, Var};

impl<'g> Lowerer<'_, 'g> {
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
        if condition.var.as_const().is_none() && self.drawn {
            return Ok(Some(self.rows_where(cause.holds(), condition, &axes, None)));
        }
        let truth = self.known(condition, &axes, span)?;
        let rows: Vec<usize> = (0..truth.len())
            .filter(|&i| (truth[i] != 0.0) == cause.holds())
            .collect();
        let some = (rows.len() < truth.len()).then(|| self.flat_axis(&axes, &rows));
        self.record_turns(cause, &axes, some);
        Ok(some)
    }

    pub(super) fn choice(
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
            let select = functions::own("where");
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
        let select = functions::own("where");
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
}
