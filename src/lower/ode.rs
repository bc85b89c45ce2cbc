//! Differential equations: the right-hand side as a graph of its own, of a time, a state, and what it reads of
//! the program.
//!
//! What of it depends on neither time nor state is computed outside, once for every row of the loops around, and is a constant of
//! the equation. Rows are integrated one by one.

use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, ExprKind, Index, Ode, Setting, VarId};
use crate::diag::{Diagnostics, Span};
use crate::graph::{Graph, Var, needed};
use crate::ops::ode::{Method, Problem, Solver};
use crate::ops::{self, Body};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a right-hand side reads from outside, by the names it has there.
struct Reads<'l, 'p, 'g> {
    lowerer: &'l mut Lowerer<'p, 'g>,
    /// Names that the right-hand side itself gives.
    own: BTreeSet<VarId>,
    values: BTreeMap<VarId, Value<'g>>,
    /// Names of values that have none in the program.
    next: u32,
    problems: Diagnostics,
}

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn ode(&mut self, ode: &Ode, span: Span) -> Result<Value<'g>> {
        let solver = self.solver(ode)?;
        let y0 = self.value(&ode.y0)?;
        let t0 = self.value(&ode.t0)?;
        let ts = self.value(&ode.ts)?;
        let (slope, reads) = self.reads(ode)?;
        let given = [&y0, &t0, &ts].into_iter().chain(reads.values());
        if given.clone().any(|v| v.ragged.is_some()) {
            return Err(vec![error::ragged(span, "a differential equation")]);
        }
        let axes = self.union(given.map(|v| v.axes.clone()));
        let rows: usize = axes.iter().map(|&a| self.extent(a)).product();
        let (n, times) = (y0.dims()[0], ts.dims()[0]);
        self.expect_size("this", [rows, times, n], span)?;
        self.expect_ascending(&t0, &ts, ode.ts.span)?;
        let (body, constants) = self.right_side(ode, &slope, &reads, n)?;
        // Every number read is a direction of the derivatives, and each direction names them all.
        let read = n + constants.iter().map(|c| self.count(c)).sum::<usize>();
        self.expect_size("the derivatives of this equation", [read, read], span)?;
        let mut shape: Vec<usize> = axes.iter().map(|&a| self.extent(a)).collect();
        shape.extend([times, n]);
        if shape.contains(&0) {
            let none = self.graph.scalar(0.0).broadcast(&shape);
            return Ok(self.tidy(none, &axes, None));
        }
        let mut batched: SmallVec<[bool; 8]> = SmallVec::new();
        let mut args = Vec::new();
        for value in [&y0, &t0, &ts].into_iter().chain(constants) {
            batched.push(!value.axes.is_empty());
            args.push(self.in_rows(value, &axes, rows));
        }
        let problem = Problem {
            body,
            solver,
            rows: (!axes.is_empty()).then_some(rows),
            batched,
        };
        let solution = self.graph.apply(ops::Ode(problem), &args);
        Ok(self.tidy(solution.reshape(&shape), &axes, None))
    }

    /// A value with one axis for all rows, where it varies along any.
    fn in_rows(&mut self, value: &Value<'g>, axes: &AxisList, rows: usize) -> Var<'g> {
        if value.axes.is_empty() {
            return value.var;
        }
        let mut shape = vec![rows];
        shape.extend_from_slice(&value.dims());
        self.spread(value, axes).reshape(&shape)
    }

    fn solver(&mut self, ode: &Ode) -> Result<Solver> {
        let mut solver = Solver::new(match ode.stiff {
            true => Method::Rodas,
            false => Method::DormandPrince,
        });
        for (setting, e) in &ode.settings {
            let value = self.value(e)?;
            let number = value.var.as_uniform().unwrap_or(f64::NAN);
            let (name, least) = match setting {
                Setting::Relative => ("rtol", 1e-14),
                Setting::Absolute => ("atol", 0.0),
                Setting::MaxSteps => ("max_steps", 1.0),
            };
            let fits = number >= least && number.is_finite() && (number > 0.0);
            if !fits {
                return Err(vec![error::bad_setting(e.span, name, number, least)]);
            }
            match setting {
                Setting::Relative => solver.rtol = number,
                Setting::Absolute => solver.atol = number,
                Setting::MaxSteps => solver.max_steps = number as usize,
            }
        }
        Ok(solver)
    }

    /// Times that are known must ascend from the start.
    fn expect_ascending(&mut self, t0: &Value<'g>, ts: &Value<'g>, span: Span) -> Result<()> {
        let axes = self.union([t0.axes.clone(), ts.axes.clone()]);
        let (start, times) = (self.spread(t0, &axes), self.spread(ts, &axes));
        let (Some(start), Some(times)) = (start.as_const(), times.as_const()) else {
            return Ok(());
        };
        let count = ts.dims()[0].max(1);
        for (row, (&first, times)) in start
            .data()
            .iter()
            .zip(times.data().chunks(count))
            .enumerate()
        {
            let mut before = first;
            for (j, &t) in times.iter().enumerate() {
                // NaN is no later time either.
                if t < before || t.is_nan() || before.is_nan() {
                    let row = self.row_text(&axes, row);
                    return Err(vec![error::times_descend(span, j, before, t, &row)]);
                }
                before = t;
            }
        }
        Ok(())
    }

    /// The right-hand side with what it reads from outside under names, and the values of these.
    fn reads(&mut self, ode: &Ode) -> Result<(Expr, BTreeMap<VarId, Value<'g>>)> {
        let mut own = BTreeSet::from([ode.t, ode.y]);
        ode.slope.walk(&mut |e| match &e.kind {
            ExprKind::Let { bindings, .. } => own.extend(bindings.iter().map(|b| b.0)),
            ExprKind::Comprehension { clauses, .. } => own.extend(clauses.iter().map(|c| c.var)),
            ExprKind::Ode(inner) => own.extend([inner.t, inner.y]),
            _ => {}
        });
        let mut slope = ode.slope.clone();
        let mut reads = Reads {
            lowerer: self,
            own,
            values: BTreeMap::new(),
            next: u32::MAX,
            problems: Vec::new(),
        };
        reads.replace(&mut slope);
        let Reads {
            values, problems, ..
        } = reads;
        match problems.is_empty() {
            true => Ok((slope, values)),
            false => Err(problems),
        }
    }

    /// The graph of the right-hand side, and the values that are its constants, in order.
    fn right_side<'v>(
        &mut self,
        ode: &Ode,
        slope: &Expr,
        reads: &'v BTreeMap<VarId, Value<'g>>,
        n: usize,
    ) -> Result<(Body, Vec<&'v Value<'g>>)> {
        let graph = Arc::new(Graph::new());
        graph.set_origin(self.graph.origin());
        let (t, y) = (graph.input(&[]), graph.input(&[n]));
        let mut env = HashMap::from([(ode.t, Value::plain(t)), (ode.y, Value::plain(y))]);
        let mut constants = Vec::new();
        for (&id, value) in reads {
            let known = value.var.as_const().filter(|_| value.axes.is_empty());
            let inside = match known {
                Some(tensor) => graph.constant(tensor),
                None => {
                    let input = graph.input(&value.dims());
                    constants.push((input.id, value));
                    input
                }
            };
            env.insert(id, Value::plain(inside));
        }
        let mut inside = self.inside(&graph, env, None);
        let value = inside.value(slope)?;
        if value.var.shape().as_slice() != [n] {
            let found = value.dims().first().copied().unwrap_or(0);
            return Err(vec![error::slope_extent(slope.span, found, ode.y0.span, n)]);
        }
        let output = value.var.id;
        let live = needed(&graph, &[output], |_| false);
        constants.retain(|(id, _)| live.binary_search(id).is_ok());
        let mut inputs = vec![t.id, y.id];
        inputs.extend(constants.iter().map(|c| c.0));
        let body = Body {
            graph: graph.clone(),
            inputs,
            output,
        };
        Ok((body, constants.into_iter().map(|c| c.1).collect()))
    }
}

impl Reads<'_, '_, '_> {
    fn is_own(&self, e: &Expr) -> bool {
        let mut found = false;
        e.variables(&mut |id| found |= self.own.contains(&id));
        found
    }

    /// Puts names in the place of what does not depend on the right-hand side's own.
    fn replace(&mut self, e: &mut Expr) {
        let fixed = matches!(e.kind, ExprKind::Number(_) | ExprKind::Text(_));
        if fixed {
            return;
        }
        if e.ty.number().is_some() && !self.is_own(e) {
            return self.name(e);
        }
        self.split_index(e);
        e.children_mut(&mut |child| self.replace(child));
    }

    fn name(&mut self, e: &mut Expr) {
        let value = match self.lowerer.value(e) {
            Ok(value) => value,
            Err(problems) => return self.problems.extend(problems),
        };
        let same = |v: &Value| v.var.id == value.var.id && v.axes == value.axes;
        let known = self.values.iter().find(|(_, v)| same(v)).map(|(&id, _)| id);
        let id = known.unwrap_or_else(|| match e.kind {
            ExprKind::Var(id) => id,
            _ => {
                self.next -= 1;
                VarId(self.next)
            }
        });
        self.values.insert(id, value);
        e.kind = ExprKind::Var(id);
    }

    /// `a[i, j]`, of which only `j` is its own, becomes `a[i, :][j]`: what is `a[i, :]` is known outside.
    fn split_index(&mut self, e: &mut Expr) {
        let ExprKind::Index { id, value, indices } = &e.kind else {
            return;
        };
        let outside =
            |index: &Index| matches!(index, Index::At(at) if !self.is_own(at) && at.ty.rank() == 0);
        let some = indices.iter().any(outside);
        if self.is_own(value) || !some || matches!(value.kind, ExprKind::Number(_)) {
            return;
        }
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for index in indices {
            match outside(index) {
                true => first.push(index.clone()),
                false => {
                    first.push(Index::All);
                    rest.push(index.clone());
                }
            }
        }
        let Some((base, dims)) = value.ty.number() else {
            return;
        };
        let gone = |i: usize| matches!(first.get(i), Some(Index::At(_)));
        let left = (0..dims.len())
            .filter(|&i| !gone(i))
            .map(|i| dims[i].clone());
        let ty = crate::types::Type::array(base, left.collect::<Vec<_>>());
        let outer = Expr {
            kind: ExprKind::Index {
                id: *id,
                value: value.clone(),
                indices: first.clone(),
            },
            ty,
            span: e.span,
            size: None,
        };
        e.kind = ExprKind::Index {
            id: *id,
            value: Box::new(outer),
            indices: rest,
        };
    }
}
