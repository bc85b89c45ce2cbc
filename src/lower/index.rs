//! Indexing: gathers, slices and rows of any length.

use super::bind::axis_text;
use super::value::{AxisList, Value};
use super::varying::Slice;
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, ExprKind, Index};
use crate::diag::Span;
use crate::functions::{self, Operand};
use crate::graph::{Shape, Tensor, Var, numel};

/// An index that picks: which positional axis, and the numbers (from 1) with their own axes.
struct Pick<'g> {
    axis: usize,
    at: Value<'g>,
    span: Span,
}

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn index(
        &mut self,
        id: u32,
        value: &Expr,
        indices: &[Index],
        span: Span,
    ) -> Result<Value<'g>> {
        let ExprKind::Var(var) = value.kind else {
            let base = self.value(value)?;
            return self.index_value(Some(id), base, indices, "this", span);
        };
        self.for_target(var, |l| {
            if l.is_recurrent(var) {
                return l.index_recurrent(id, var, indices, span);
            }
            if l.is_summed(var) {
                return l.states_at(var, indices, span);
            }
            if let Some(found) = l.inlined(var, indices, span) {
                return found;
            }
            let base = l.value(value)?;
            // Right-hand sides of differential equations have names that the program has not.
            let named = l.program.variables.get(var.0 as usize);
            let what = named.map_or("this".into(), |v| format!("`{}`", v.name));
            l.index_value(Some(id), base, indices, &what, span)
        })
    }

    pub(super) fn index_value(
        &mut self,
        id: Option<u32>,
        mut base: Value<'g>,
        indices: &[Index],
        what: &str,
        span: Span,
    ) -> Result<Value<'g>> {
        if base.ragged.is_some() {
            return Err(vec![error::ragged(span, "an index")]);
        }
        let mut picks = Vec::new();
        let mut ragged = None;
        for (axis, index) in indices.iter().enumerate() {
            match index {
                Index::All => {}
                Index::At(e) => picks.push(Pick {
                    axis,
                    at: self.value(e)?,
                    span: e.span,
                }),
                Index::Range { start, end, span } => {
                    self.slice(
                        id,
                        &mut base,
                        axis,
                        start.as_ref(),
                        end.as_ref(),
                        *span,
                        what,
                        &mut picks,
                        &mut ragged,
                    )?;
                }
            }
        }
        let mut value = self.pick(base, &picks, what)?;
        if let Some(flat) = ragged {
            value.ragged = Some(flat);
            if !value.axes.contains(&flat) {
                // Equal in every row of the slice: repeated, so that sums count it.
                let axes = self.union([value.axes.clone(), AxisList::from_slice(&[flat])]);
                let var = self.spread(&value, &axes);
                value = Value {
                    var,
                    axes,
                    ragged: Some(flat),
                };
            }
        }
        Ok(value)
    }

    #[allow(clippy::too_many_arguments)]
    fn slice(
        &mut self,
        id: Option<u32>,
        base: &mut Value<'g>,
        axis: usize,
        start: Option<&Expr>,
        end: Option<&Expr>,
        span: Span,
        what: &str,
        picks: &mut Vec<Pick<'g>>,
        ragged: &mut Option<super::value::AxisId>,
    ) -> Result<()> {
        let extent = base.dims()[axis];
        let bound = |l: &mut Self, e: Option<&Expr>, otherwise: f64| match e {
            Some(e) => l.value(e),
            None => Ok(Value::plain(l.graph.scalar(otherwise))),
        };
        let low = bound(self, start, 1.0)?;
        let high = bound(self, end, extent as f64)?;
        let axes = self.union([low.axes.clone(), high.axes.clone()]);
        if low.var.as_const().is_none() || high.var.as_const().is_none() {
            let Some(id) = id.filter(|_| self.fixed_length(start, end, extent).is_none()) else {
                return self.moving_slice(axis, &low, start, end, extent, span, picks);
            };
            return match self.open_slice(id, (&low, &high), &axes) {
                Some(Slice::Equal(length)) => {
                    let at = self.window(&low, (0..length).map(|k| k as f64).collect());
                    picks.push(Pick { axis, at, span });
                    Ok(())
                }
                Some(Slice::Ragged(flat, at)) => {
                    expect_first(picks, axis, ragged, span)?;
                    *ragged = Some(flat);
                    picks.push(Pick { axis, at, span });
                    Ok(())
                }
                None => self.moving_slice(axis, &low, start, end, extent, span, picks),
            };
        }
        let (lows, highs) = (
            self.known(&low, &axes, span)?,
            self.known(&high, &axes, span)?,
        );
        let lengths: Vec<f64> = lows
            .iter()
            .zip(&highs)
            .map(|(a, b)| (b - a + 1.0).max(0.0))
            .collect();
        for (row, (&a, &b)) in lows.iter().zip(&highs).enumerate() {
            if lengths[row] > 0.0 && (a < 1.0 || b > extent as f64) {
                let bad = if a < 1.0 { a } else { b };
                let row = self.row_text(&axes, row);
                return Err(vec![error::out_of_range(
                    span,
                    bad,
                    Some(extent),
                    &axis_text(what, base.rank(), axis),
                    &row,
                )]);
            }
        }
        if axes.is_empty() {
            let from_end = base.rank() - 1 - axis;
            let start = if lengths[0] > 0.0 {
                lows[0] as usize - 1
            } else {
                0
            };
            base.var = base.var.slice(from_end, start, lengths[0] as usize);
            return Ok(());
        }
        // Without rows the length is what it would be in any.
        let length = match lengths.first() {
            Some(length) => *length,
            None => self.fixed_length(start, end, extent).unwrap_or(0) as f64,
        };
        if lengths.iter().all(|n| *n == length) {
            let steps: Vec<f64> = (0..length as usize).map(|k| k as f64).collect();
            let at = self.window(&low, steps);
            picks.push(Pick { axis, at, span });
            id.iter()
                .for_each(|id| self.record_slice(*id, &axes, Err(length as usize)));
            return Ok(());
        }
        expect_first(picks, axis, ragged, span)?;
        let (flat, numbers) = self.ragged_rows(&axes, &lows, &lengths);
        id.iter()
            .for_each(|id| self.record_slice(*id, &axes, Ok(flat)));
        *ragged = Some(flat);
        let at = Value::on_axis(self.graph.constant(Tensor::vector(numbers)), flat);
        picks.push(Pick { axis, at, span });
        Ok(())
    }

    /// `low + steps`, a new positional axis.
    fn window(&mut self, low: &Value<'g>, steps: Vec<f64>) -> Value<'g> {
        let steps = self.graph.constant(Tensor::vector(steps));
        Value {
            var: low.var.unsqueeze(0) + steps,
            axes: low.axes.clone(),
            ragged: None,
        }
    }

    /// A slice whose place is known only when a recurrence runs: its length must be fixed.
    #[allow(clippy::too_many_arguments)]
    fn moving_slice(
        &mut self,
        axis: usize,
        low: &Value<'g>,
        start: Option<&Expr>,
        end: Option<&Expr>,
        extent: usize,
        span: Span,
        picks: &mut Vec<Pick<'g>>,
    ) -> Result<()> {
        let Some(length) = self.fixed_length(start, end, extent) else {
            return Err(vec![error::ragged(span, "a recurrence")]);
        };
        let at = self.window(low, (0..length).map(|k| k as f64).collect());
        picks.push(Pick { axis, at, span });
        Ok(())
    }

    /// The length of a slice where it is the same in every row: `x[i .. i + 2]` has 3.
    fn fixed_length(
        &self,
        start: Option<&Expr>,
        end: Option<&Expr>,
        extent: usize,
    ) -> Option<usize> {
        let size = |e: Option<&Expr>, otherwise: i64| match e {
            Some(e) => e.size.clone(),
            None => Some(otherwise.into()),
        };
        let (a, b) = (size(start, 1)?, size(end, extent as i64)?);
        let length = self.bound.evaluate(&b.plus(&a, -1).plus(&1.into(), 1))?;
        Some(length.max(0) as usize)
    }

    /// One flat axis for slices of several lengths; equal slices share it.
    fn ragged_rows(
        &mut self,
        axes: &AxisList,
        lows: &[f64],
        lengths: &[f64],
    ) -> (super::value::AxisId, Vec<f64>) {
        let mut rows = Vec::new();
        let mut numbers = Vec::new();
        for (row, (&low, &length)) in lows.iter().zip(lengths).enumerate() {
            for k in 0..length as usize {
                rows.push(row);
                numbers.push(low + k as f64);
            }
        }
        let key = (
            axes.to_vec(),
            lengths.iter().map(|n| *n as usize).collect::<Vec<_>>(),
        );
        if let Some(&flat) = self.ragged_axes.get(&key) {
            return (flat, numbers);
        }
        let flat = self.flat_axis(axes, &rows);
        self.ragged_axes.insert(key, flat);
        (flat, numbers)
    }

    /// Takes the picked elements.
    fn pick(&mut self, base: Value<'g>, picks: &[Pick<'g>], what: &str) -> Result<Value<'g>> {
        if picks.is_empty() {
            return Ok(base);
        }
        let dims = base.dims();
        for pick in picks {
            let what = axis_text(what, dims.len(), pick.axis);
            self.expect_inside(pick, dims[pick.axis], &what)?;
        }
        let strides = {
            let picked: Vec<usize> = picks.iter().map(|p| dims[p.axis]).collect();
            crate::graph::flat_strides(&picked)
        };
        // Linear index, picks' own axes one after the other.
        let axes = self.union(picks.iter().map(|p| p.at.axes.clone()));
        let total: usize = picks.iter().map(|p| p.at.rank()).sum();
        let mut before = 0;
        let mut linear: Option<Var<'g>> = None;
        for (pick, &stride) in picks.iter().zip(&strides) {
            let var = self.align(&pick.at, &axes);
            let mut shape: Shape = var.shape()[..axes.len()].into();
            shape.extend(std::iter::repeat_n(1, before));
            shape.extend_from_slice(&pick.at.dims());
            before += pick.at.rank();
            shape.extend(std::iter::repeat_n(1, total - before));
            // Places that a recurrence finds out as it runs were checked by its probe; turns that do
            // not count may point anywhere.
            let var = if var.as_const().is_some() {
                var
            } else {
                var.max(1.0).min(dims[pick.axis] as f64)
            };
            let part = (var.reshape(&shape) - 1.0) * stride as f64;
            linear = Some(match linear {
                Some(sum) => sum + part,
                None => part,
            });
        }
        let linear = linear.expect("there is a pick");
        let gathered = self.gather(&base, picks, linear, &axes);
        Ok(self.reorder(gathered, &base, picks))
    }

    /// `[axes…, picks' own…, kept…]`
    fn gather(
        &mut self,
        base: &Value<'g>,
        picks: &[Pick<'g>],
        linear: Var<'g>,
        axes: &AxisList,
    ) -> Value<'g> {
        let dims = base.dims();
        let lead = base.axes.len();
        let rank = base.var.rank();
        let kept: Vec<usize> = (0..dims.len())
            .filter(|i| !picks.iter().any(|p| p.axis == *i))
            .collect();
        let mut front: Vec<usize> = (0..lead).collect();
        front.extend(picks.iter().map(|p| lead + p.axis));
        front.extend(kept.iter().map(|i| lead + i));
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        let var = base.var.permute(&order);
        let n: usize = picks.iter().map(|p| dims[p.axis]).product();
        let own = linear.shape()[axes.len()..].to_vec();
        let kept_dims: Vec<usize> = kept.iter().map(|&i| dims[i]).collect();
        if axes.is_empty() || lead == 0 {
            // One table for all rows of the base, or a base without rows.
            let mut shape: Vec<usize> = base.var.shape()[..lead].to_vec();
            shape.push(n);
            shape.extend(&kept_dims);
            let picked = var
                .reshape(&shape)
                .gather(kept_dims.len(), linear.reshape(&[linear.numel()]));
            let mut out: Vec<usize> = if lead == 0 {
                linear.shape().to_vec()
            } else {
                shape[..lead].to_vec()
            };
            if lead > 0 {
                out.extend(&own);
            }
            out.extend(&kept_dims);
            let axes = if lead == 0 {
                axes.clone()
            } else {
                base.axes.clone()
            };
            return self.tidy(picked.reshape(&out), &axes, None);
        }
        // Every row of the base has its own picks.
        let union = self.union([base.axes.clone(), axes.clone()]);
        let rows = numel(&base.var.shape()[..lead]);
        let mut shape = vec![rows * n];
        shape.extend(&kept_dims);
        let iota = Tensor::new(
            base.var.shape()[..lead].into(),
            (0..rows).map(|r| (r * n) as f64).collect(),
        );
        let iota = Value {
            var: self.graph.constant(iota),
            axes: base.axes.clone(),
            ragged: None,
        };
        let linear = Value {
            var: linear,
            axes: axes.clone(),
            ragged: None,
        };
        let operands: Vec<Operand<'g>> = [&iota, &linear]
            .iter()
            .map(|v| Operand {
                var: self.align(v, &union),
                rank: v.rank(),
            })
            .collect();
        let parts = functions::align(&operands);
        let index = parts[0] + parts[1];
        let picked = var
            .reshape(&shape)
            .gather(kept_dims.len(), index.reshape(&[index.numel()]));
        let mut out = index.shape().to_vec();
        out.extend(&kept_dims);
        self.tidy(picked.reshape(&out), &union, None)
    }

    /// Picks' own axes to where the picked axes stood.
    fn reorder(&self, value: Value<'g>, base: &Value<'g>, picks: &[Pick<'g>]) -> Value<'g> {
        let lead = value.axes.len();
        let mut next_pick = lead;
        let mut next_kept = lead + picks.iter().map(|p| p.at.rank()).sum::<usize>();
        let mut front: Vec<usize> = (0..lead).collect();
        for axis in 0..base.rank() {
            match picks.iter().find(|p| p.axis == axis) {
                Some(pick) => {
                    front.extend(next_pick..next_pick + pick.at.rank());
                    next_pick += pick.at.rank();
                }
                None => {
                    front.push(next_kept);
                    next_kept += 1;
                }
            }
        }
        let rank = front.len();
        let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
        Value {
            var: value.var.permute(&order),
            ..value
        }
    }

    fn expect_inside(&mut self, pick: &Pick<'g>, extent: usize, what: &str) -> Result<()> {
        let Some(numbers) = pick.at.var.as_const() else {
            return Ok(());
        };
        let bad = numbers
            .data()
            .iter()
            .position(|&k| !(k >= 1.0 && k <= extent as f64 && k.fract() == 0.0));
        let Some(flat) = bad else { return Ok(()) };
        let own = self.count(&pick.at).max(1);
        let row = self.row_text(&pick.at.axes, flat / own);
        Err(vec![error::out_of_range(
            pick.span,
            numbers.data()[flat],
            Some(extent),
            what,
            &row,
        )])
    }
}

/// A ragged axis comes first: every axis before it has to be gone.
fn expect_first(
    picks: &[Pick<'_>],
    axis: usize,
    ragged: &Option<super::value::AxisId>,
    span: Span,
) -> Result<()> {
    let first = picks.len() == axis && picks.iter().all(|p| p.at.rank() == 0);
    match first && ragged.is_none() {
        true => Ok(()),
        false => Err(vec![error::ragged(span, "an index")]),
    }
}
