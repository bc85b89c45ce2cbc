//! Terms of the log density: draws and factors, summed over their rows.

use super::bind::element_text;
use super::distribution::DistValue;
use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result, error, order};
use crate::check::program::{Index, StatementKind, Target, VariableKind};
use crate::diag::{Diagnostics, Span};
use crate::dist::Support;
use crate::functions;
use crate::graph::{Shape, Tensor, Var, numel};
use crate::model::Term;
use crate::transform;

/// Which row of which statement observes an element of data.
#[derive(Clone)]
pub struct Observation {
    span: Span,
    row: usize,
    axes: AxisList,
    /// Where discrete latents have to be for it: one of their states each.
    states: Vec<(AxisId, usize)>,
}

impl Observation {
    /// Whether both are made for some states.
    fn meets(&self, other: &Observation) -> bool {
        let apart = |(axis, state): &(AxisId, usize)| {
            other.states.iter().any(|(a, s)| a == axis && s != state)
        };
        !self.states.iter().any(apart)
    }
}

/// Of which data a term is the likelihood: see [`Term`].
#[derive(Clone, Default)]
pub(super) struct Observed {
    pub observed: bool,
    pub places: Vec<usize>,
}

impl<'g> Lowerer<'_, 'g> {
    /// The summand of the log density that a statement gives.
    pub(super) fn term(&mut self, statement: usize) -> Result<()> {
        let program = self.program;
        let span = program.statements[statement].span;
        match &program.statements[statement].kind {
            StatementKind::Draw { target, .. } if self.is_free(target.var) => Ok(()),
            StatementKind::Draw { target, dist } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                let d = self.distribution(dist)?;
                let name = program.variable(target.var).name.clone();
                let kind = program.variable(target.var).kind;
                let observed = kind == VariableKind::Data;
                let x = self.target_value(target)?;
                self.check_event(&d, &x, target)?;
                let mut places = Vec::new();
                if (observed || kind == VariableKind::Given) && !self.is_step() {
                    places = self.expect_once(target, &axes)?;
                    self.check_support(target, &d, &x, &axes, dist.span)?;
                }
                let possible = self.possible(&d, &x, dist.span)?;
                let x = possible.as_ref().map_or(x, |(within, _)| within.clone());
                let (log_prob, own) = self.log_prob(&d, &x, dist.span)?;
                let array = log_prob.rank() - own.len();
                let mut full: Vec<usize> = log_prob.shape().to_vec();
                for i in 0..array {
                    let at = own.len() + i;
                    if full[at] == 1 && array == d.array.len() {
                        full[at] = d.array[i];
                    }
                }
                let batch = full.clone();
                let mut value = self.tidy(log_prob.broadcast(&full), &own, None);
                if observed && self.left_open.contains(&target.var) {
                    let missing = self.missing_at(target)?;
                    let choose = functions::own("where");
                    let zero = Value::plain(self.graph.scalar(0.0));
                    value = self.call(choose, &[missing, zero, value], span)?;
                }
                if let Some((_, possible)) = possible {
                    let choose = functions::own("where");
                    let never = Value::plain(self.graph.scalar(f64::NEG_INFINITY));
                    value = self.call(choose, &[possible, value, never], span)?;
                }
                self.add_term(name, &value, &axes, Observed { observed, places }, span)?;
                if own == axes && self.sites.contains_key(&self.graph.origin()) {
                    let dist = self.build(&d, &own, array);
                    self.tell_site(dist, &batch);
                }
                Ok(())
            }
            StatementKind::Factor { value } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                let mut value = self.value(value)?;
                if value.ragged.is_some() {
                    // All of its elements are added.
                    value = self.padded(&value, 0.0).0;
                }
                self.add_term("factor".into(), &value, &axes, Observed::default(), span)
            }
            _ => Ok(()),
        }
    }

    /// Every element of data is observed once; gives the places of those that rows observe, nothing if it is all.
    fn expect_once(&mut self, target: &Target, axes: &AxisList) -> Result<Vec<usize>> {
        let indexed = target.indices.len();
        if indexed == 0 {
            let whole = Observation {
                span: target.span,
                row: 0,
                axes: axes.clone(),
                states: Vec::new(),
            };
            self.observed.insert(target.var, vec![Some(whole)]);
            return Ok(Vec::new());
        }
        let shape = self.env[&target.var].var.shape();
        let lead: Shape = shape[..indexed].into();
        let places = self.data_places(target, axes, &lead, 1)?;
        // Which rows count is found in every draw.
        let found = self.counts(axes).is_some();
        let mut seen = self.observed.remove(&target.var).unwrap_or_default();
        seen.resize(numel(&lead), None);
        let states = self.states_of_rows(axes);
        for (row, &place) in places.iter().enumerate() {
            let now = Observation {
                span: target.span,
                row,
                axes: axes.clone(),
                states: states.iter().map(|(axis, of)| (*axis, of[row])).collect(),
            };
            let before = seen[place].replace(now.clone());
            if let Some(first) = before.filter(|first| first.meets(&now) && !found) {
                return Err(vec![error::observed_twice(
                    (target.span, &self.row_text(axes, row)),
                    (first.span, &self.row_text(&first.axes, first.row)),
                    &self.program.variable(target.var).name,
                    &element_text(&lead, place),
                )]);
            }
        }
        self.observed.insert(target.var, seen);
        Ok(places)
    }

    /// Notes on data that are drawn, but not all of them, and that nothing else reads.
    pub(super) fn unobserved(&self) -> Diagnostics {
        let count = self.program.statements.len();
        let mut notes = Diagnostics::new();
        for decl in &self.program.data {
            let var = decl.var;
            let drawn = |i: usize| matches!(&self.program.statements[i].kind, StatementKind::Draw { target, .. } if target.var == var);
            let (Some(value), true) = (self.env.get(&var), (0..count).any(drawn)) else {
                continue;
            };
            if (0..count).any(|i| order::uses(self.program, i, false).contains(&var)) {
                continue;
            }
            let shape = value.var.shape();
            let variable = self.program.variable(var);
            if numel(&shape) == 0 {
                notes.push(error::no_entries(variable.span, &variable.name));
                continue;
            }
            let Some(seen) = self.observed.get(&var) else {
                let all = (numel(&shape), numel(&shape));
                notes.push(error::unobserved(variable.span, &variable.name, all, ""));
                continue;
            };
            let Some(first) = seen.iter().position(Option::is_none) else {
                continue;
            };
            let each = numel(&shape) / seen.len().max(1);
            let left = seen.iter().filter(|s| s.is_none()).count() * each;
            let lead = leading(&shape, seen.len());
            let element = element_text(&lead, first);
            let counts = (left, numel(&shape));
            notes.push(error::unobserved(
                variable.span,
                &variable.name,
                counts,
                &element,
            ));
        }
        notes
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
            Some(_) => {
                let name = &self.program.variable(target.var).name;
                let (x, d) = (&dims, d.span);
                Err(vec![error::draw_extents(
                    target.span,
                    name,
                    x,
                    d,
                    &expected,
                )])
            }
            None => Ok(()),
        }
    }

    pub(super) fn add_term(
        &mut self,
        name: String,
        value: &Value<'g>,
        axes: &AxisList,
        of: Observed,
        span: Span,
    ) -> Result<()> {
        if self.has_states(value, axes) {
            return self.add_factor(name, value, axes, of, span);
        }
        let Observed { observed, places } = of;
        let mut pointwise = self.spread(value, axes);
        // In a step the rows of batches have weights.
        if let Some(counts) = self.counts(axes).filter(|_| !self.is_step()) {
            let mut counts = counts;
            while counts.rank() < pointwise.rank() {
                counts = counts.unsqueeze(0);
            }
            pointwise = counts.select(pointwise, 0.0);
        }
        let pointwise = self.weighted(pointwise, axes);
        let node = pointwise.sum();
        self.terms.push(Term {
            name,
            node: node.id,
            pointwise: pointwise.id,
            observed,
            places,
            span,
        });
        Ok(())
    }

    /// What is drawn, row by row.
    pub(super) fn target_value(&mut self, target: &Target) -> Result<Value<'g>> {
        let indices = target.indices.iter().cloned().map(Index::At);
        let indices: Vec<Index> = indices.collect();
        if self.is_summed(target.var) {
            return self.for_target(target.var, |l| {
                l.states_at(target.var, &indices, target.span)
            });
        }
        let base = self.variable(target.var, target.span)?;
        if target.indices.is_empty() {
            return Ok(base);
        }
        let what = format!("`{}`", self.program.variable(target.var).name);
        self.for_target(target.var, |l| {
            l.index_value(None, base, &indices, &what, target.span)
        })
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
        // What is impossible at some states has no density there.
        if x.var.as_const().is_none() || self.depends_on_states(d) {
            return Ok(());
        }
        let rank = x.rank() - d.event.len();
        let axes = self.union([axes.clone(), x.axes.clone()]);
        let (support, _, _) = self.own_support(d, &axes, rank, span)?;
        let mut batch: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        batch.extend_from_slice(&x.dims()[..rank]);
        let all: Vec<usize> = batch.iter().chain(&d.event).copied().collect();
        let values = self.widened(x, &axes, rank, d.event.len()).broadcast(&all);
        let Some(values) = values.as_const() else {
            return Ok(());
        };
        // Bounds that are not known are for the density to judge.
        let known = |bound: &Option<Var<'g>>| bound.and_then(|b| b.broadcast(&batch).as_const());
        let (lower, upper) = match &support {
            Support::Interval { lower, upper }
            | Support::Integers { lower, upper }
            | Support::Ordered { lower, upper } => (known(lower), known(upper)),
            _ => (None, None),
        };
        let upper = self.upper_by_row(upper, d, &axes, &batch);
        let size = numel(&d.event).max(1);
        let own = numel(&x.dims()[..rank]).max(1);
        for (i, part) in values.data().chunks(size).enumerate() {
            let bound = |b: &Option<Tensor>| b.as_ref().map(|b| b.data()[i]);
            let (lower, upper) = (bound(&lower), bound(&upper));
            if let Err(why) = transform::contains(&support, &d.event, part, lower, upper) {
                let name = &self.program.variable(target.var).name;
                let row = self.row_text(&axes, i / own);
                let element = match row.is_empty() {
                    true => element_text(&x.dims()[..rank], i % own),
                    false => String::new(),
                };
                let found = match part {
                    [number] => number.to_string(),
                    vector => format!("a vector of {}", vector.len()),
                };
                return Err(vec![error::outside_support(
                    target.span,
                    (name, &element, &row),
                    &found,
                    (span, d.family.declaration().name),
                    &why,
                )]);
            }
        }
        Ok(())
    }
}

/// The first axes, as many as have `count` elements together.
fn leading(shape: &[usize], count: usize) -> Shape {
    let mut lead = Shape::new();
    for &n in shape {
        if numel(&lead) == count && !lead.is_empty() {
            break;
        }
        lead.push(n);
    }
    lead
}
