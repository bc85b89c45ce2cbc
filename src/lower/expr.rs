//! Expressions to graph nodes.

use super::bind::element_text;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, ExprKind, Property, VarId};
use crate::diag::{Diagnostic, Diagnostics, Label, Span};
use crate::functions::{self, Operand, Wrong};
use crate::graph::{Shape, Var, numel};
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
            ExprKind::Var(id) if self.is_summed(*id) => self.states_at(*id, &[], e.span),
            ExprKind::Var(id) => match self.inlined(*id, &[], e.span) {
                Some(found) => found,
                None => self.variable(*id, e.span),
            },
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
        match self.bound.values.get(&id) {
            Some(bound) if !bound.missing.is_empty() => {
                let element = element_text(&bound.value.shape(), bound.missing[0]);
                error::missing_read(span, &variable.name, &element, &bound.file)
            }
            _ => error::left_out(span, variable.span, &variable.name),
        }
    }

    /// Applies a function of the language.
    pub(super) fn call(
        &mut self,
        function: &functions::Function,
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
            return Err(vec![error::ragged(span, &function.name)]);
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
            expect_given(&function.name, &values[first..], span)?;
        }
        self.fits(function, &operands, span)?;
        let var = function.lower(&operands);
        let var = var.map_err(|e| vec![error::built_otherwise(span, &function.signature, &e)])?;
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
        match function.result(&seen) {
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
                    &function.name,
                    &expected,
                    &shape,
                )])
            }
        }
    }

    /// Reductions over a length that differs from row to row.
    fn call_ragged(
        &mut self,
        function: &functions::Function,
        values: &[Value<'g>],
        span: Span,
    ) -> Result<Value<'g>> {
        let find = |name: &str| functions::own(name);
        match &*function.name {
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

    pub(super) fn array(&mut self, values: &[Value<'g>], span: Span) -> Result<Value<'g>> {
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
