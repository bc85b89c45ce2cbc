//! Terms of the log density: draws and factors, summed over their rows.

use super::bind::element_text;
use super::distribution::DistValue;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{StatementKind, Target, VariableKind};
use crate::diag::Span;
use crate::dist::Support;
use crate::graph::{Shape, Var, numel};
use crate::model::Term;
use crate::transform;

/// Which row of which statement observes an element of data.
#[derive(Clone)]
pub struct Observation {
    span: Span,
    row: usize,
    axes: AxisList,
}

impl<'g> Lowerer<'_, 'g> {
    /// The summand of the log density that a statement gives.
    pub(super) fn term(&mut self, statement: usize) -> Result<()> {
        let program = self.program;
        let span = program.statements[statement].span;
        match &program.statements[statement].kind {
            StatementKind::Draw { target, dist } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                let d = self.distribution(dist)?;
                let name = program.variable(target.var).name.clone();
                let observed = program.variable(target.var).kind == VariableKind::Data;
                let x = self.target_value(target, &axes)?;
                self.check_event(&d, &x, target)?;
                if observed {
                    self.expect_once(target, &axes)?;
                    self.check_support(target, &d, &x, &axes, dist.span)?;
                }
                let (log_prob, own) = self.log_prob(&d, &x, dist.span)?;
                let array = log_prob.rank() - own.len();
                let mut full: Vec<usize> = log_prob.shape().to_vec();
                for i in 0..array {
                    let at = own.len() + i;
                    if full[at] == 1 && array == d.array.len() {
                        full[at] = d.array[i];
                    }
                }
                let value = self.tidy(log_prob.broadcast(&full), &own, None);
                self.add_term(name, &value, &axes, observed, span);
                Ok(())
            }
            StatementKind::Factor { value } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                let value = self.value(value)?;
                if value.ragged.is_some() {
                    return Err(vec![error::ragged(span, "factor")]);
                }
                self.add_term("factor".into(), &value, &axes, false, span);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every element of data is observed once.
    fn expect_once(&mut self, target: &Target, axes: &AxisList) -> Result<()> {
        let indexed = target.indices.len();
        if indexed == 0 {
            return Ok(());
        }
        let shape = self.env[&target.var].var.shape();
        let lead: Shape = shape[..indexed].into();
        let places = self.data_places(target, axes, &lead, 1)?;
        let mut seen = self.observed.remove(&target.var).unwrap_or_default();
        seen.resize(numel(&lead), None);
        for (row, &place) in places.iter().enumerate() {
            let now = Observation {
                span: target.span,
                row,
                axes: axes.clone(),
            };
            if let Some(first) = seen[place].replace(now) {
                return Err(vec![error::observed_twice(
                    (target.span, &self.row_text(axes, row)),
                    (first.span, &self.row_text(&first.axes, first.row)),
                    &self.program.variable(target.var).name,
                    &element_text(&lead, place),
                )]);
            }
        }
        self.observed.insert(target.var, seen);
        Ok(())
    }

    pub(super) fn check_event(
        &self,
        d: &DistValue<'g>,
        x: &Value<'g>,
        target: &Target,
    ) -> Result<()> {
        let dims = x.dims();
        let expected: Vec<usize> = d.array.iter().chain(&d.event).copied().collect();
        let n = dims.len().min(expected.len());
        let (a, b) = (&dims[dims.len() - n..], &expected[expected.len() - n..]);
        match a.iter().zip(b).find(|(a, b)| a != b) {
            Some((&a, &b)) => Err(vec![error::extents_differ(target.span, a, b)]),
            None => Ok(()),
        }
    }

    pub(super) fn add_term(
        &mut self,
        name: String,
        value: &Value<'g>,
        axes: &AxisList,
        observed: bool,
        span: Span,
    ) {
        let pointwise = self.spread(value, axes);
        let node = pointwise.sum();
        self.terms.push(Term {
            name,
            node: node.id,
            pointwise: pointwise.id,
            observed,
            span,
        });
    }

    /// What is drawn, row by row.
    pub(super) fn target_value(&mut self, target: &Target, axes: &AxisList) -> Result<Value<'g>> {
        let base = self.variable(target.var, target.span)?;
        if target.indices.is_empty() {
            return Ok(base);
        }
        let indices: Vec<crate::check::program::Index> = target
            .indices
            .iter()
            .map(|e| crate::check::program::Index::At(e.clone()))
            .collect();
        let what = format!("`{}`", self.program.variable(target.var).name);
        let _ = axes;
        self.index_value(base, &indices, &what, target.span)
    }

    /// Observed values must be possible.
    pub(super) fn check_support(
        &mut self,
        target: &Target,
        d: &DistValue<'g>,
        x: &Value<'g>,
        axes: &AxisList,
        span: Span,
    ) -> Result<()> {
        let Some(values) = x.var.as_const() else {
            return Ok(());
        };
        let rank = x.rank() - d.event.len();
        let (support, _, _) =
            self.own_support(d, &self.union([axes.clone(), x.axes.clone()]), rank, span)?;
        let bounds = |b: &Option<Var<'g>>| b.map(|v| v.as_uniform());
        let (lower, upper) = match &support {
            Support::Interval { lower, upper }
            | Support::Integers { lower, upper }
            | Support::Ordered { lower, upper } => {
                match (bounds(lower), bounds(upper)) {
                    // Bounds that are not one known number are for the density to judge.
                    (Some(None), _) | (_, Some(None)) => return Ok(()),
                    (l, u) => (l.flatten(), u.flatten()),
                }
            }
            _ => (None, None),
        };
        let size = numel(&d.event).max(1);
        for (i, part) in values.data().chunks(size).enumerate() {
            if let Err(why) = transform::contains(&support, &d.event, part, lower, upper) {
                let name = &self.program.variable(target.var).name;
                let row = self.row_text(&x.axes, i * size / self.count(x).max(1));
                let element = if row.is_empty() {
                    element_text(&x.dims()[..rank], i)
                } else {
                    format!(" (at {row})")
                };
                let family = d.family.declaration().name;
                return Err(vec![error::outside_support(
                    target.span,
                    name,
                    &element,
                    part[0],
                    family,
                    &why,
                )]);
            }
        }
        Ok(())
    }
}
