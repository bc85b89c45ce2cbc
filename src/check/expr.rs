//! Expressions, apart from indexing, calls and distributions, which have files of their own.

use super::program::{Expr, ExprKind, VarId, VariableKind};
use super::site::Made;
use super::{Binding, Checker, error};
use crate::diag::Span;
use crate::functions;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::{Base, Dim, Type};
use std::sync::Arc;

/// The deepest expression that is checked, counted over the functions and definitions that it uses:
/// each level takes some of the machine's stack. A tree from the parser alone is less deep.
const DEPTH: usize = 240;

impl<'a> Checker<'a> {
    /// An expression that must be a value: numbers, or a distribution.
    pub(super) fn expr(&mut self, e: &'a ast::Expr) -> Expr {
        let checked = self.expr_or_range(e);
        if checked.ty == Type::Range {
            return self.fail(e.span, error::range_as_value(e.span));
        }
        checked
    }

    /// An expression, or a range; whole numbers known from data have a symbolic value.
    pub(super) fn expr_or_range(&mut self, e: &'a ast::Expr) -> Expr {
        if self.depth >= DEPTH {
            return self.fail(e.span, error::too_deep(e.span));
        }
        self.depth += 1;
        let mut checked = self.expr_kind(e);
        self.depth -= 1;
        if checked.size.is_none()
            && matches!(checked.ty.number(), Some((Base::Int, [])))
            && self.latent_in(&checked).is_none()
        {
            checked.size = Some(Dim::opaque(crate::syntax::print_expr(e)));
        }
        checked
    }

    fn expr_kind(&mut self, e: &'a ast::Expr) -> Expr {
        let span = e.span;
        match &e.kind {
            ast::ExprKind::Int(n) => number(span, *n as f64, Base::Int, Some((*n).into())),
            ast::ExprKind::Real(x) => number(span, *x, Base::Real, None),
            ast::ExprKind::Bool(b) => number(span, f64::from(u8::from(*b)), Base::Bool, None),
            ast::ExprKind::String(s) => Expr {
                kind: ExprKind::Text(s.clone()),
                ty: Type::Text,
                span,
                size: None,
            },
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Unary { op, value } => {
                let value = self.expr(value);
                let name = match op {
                    UnaryOp::Neg => "negate",
                    UnaryOp::Not => "!",
                };
                let size = match op {
                    UnaryOp::Neg => value.size.as_ref().map(|d| d.times(-1)),
                    UnaryOp::Not => None,
                };
                Expr {
                    size,
                    ..self.apply(functions::own(name), vec![value], span)
                }
            }
            ast::ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span),
            ast::ExprKind::Transpose(value) => {
                let value = self.expr(value);
                self.apply(functions::own("transpose"), vec![value], span)
            }
            ast::ExprKind::Call { callee, args } => self.call(callee, args, span),
            ast::ExprKind::Field { value, name } => self.field(value, name, span),
            ast::ExprKind::Index { value, indices } => self.index(value, indices, span),
            ast::ExprKind::Array(elements) => self.array(elements, span),
            ast::ExprKind::Tuple(_) => self.fail(
                span,
                error::wrong_place(
                    span,
                    "several values in parentheses",
                    "an array is written `[a, b]`",
                ),
            ),
            ast::ExprKind::Comprehension { body, clauses } => {
                self.comprehension(body, clauses, span)
            }
            ast::ExprKind::Lambda { .. } => self.fail(
                span,
                error::wrong_place(
                    span,
                    "a function without a name",
                    "give it one: `let f = |x| …`",
                ),
            ),
            ast::ExprKind::If {
                condition,
                then,
                otherwise,
            } => self.choice(condition, then, otherwise, span),
            ast::ExprKind::Block(statements) => self.block(statements, span),
            ast::ExprKind::Range { start, end } => {
                let (start, end) = (self.expr(start), self.expr(end));
                self.expect_whole(&start);
                self.expect_whole(&end);
                let kind = ExprKind::Range {
                    start: Box::new(start),
                    end: Box::new(end),
                };
                Expr {
                    kind,
                    ty: Type::Range,
                    span,
                    size: None,
                }
            }
            ast::ExprKind::Error => Expr::error(span),
        }
    }

    /// The value that a name is bound to.
    pub(super) fn bound(&mut self, binding: Binding<'a>, span: Span) -> Expr {
        match binding {
            Binding::Var(id) => self.variable_value(id, span),
            Binding::Constant {
                value,
                scope,
                span: place,
            } => {
                if self.constants.contains(&place) {
                    let name = crate::syntax::print_expr(value);
                    let problem = error::self_definition(span, place, &[name]);
                    return self.fail(span, problem);
                }
                self.constants.push(place);
                let value = self.within(scope, |c| c.expr(value));
                self.constants.pop();
                value
            }
            _ => Expr {
                kind: ExprKind::Error,
                ty: Type::Function,
                span,
                size: None,
            },
        }
    }

    fn variable_value(&mut self, id: VarId, span: Span) -> Expr {
        self.used.insert(id);
        self.ensure(id, span);
        let indices = self.lifting(id, span);
        let variable = self.variable(id);
        if variable.ty.is_error()
            && variable.kind == VariableKind::Data
            && self.diagnostics.is_empty()
        {
            let what = format!("`{}`", variable.name);
            let instead = "extents are names, whole numbers in the data, and sums of these";
            return self.fail(span, error::wrong_place(span, &what, instead));
        }
        let whole = Expr {
            kind: ExprKind::Var(id),
            ty: variable.ty.clone(),
            span,
            size: variable.size.clone(),
        };
        match indices.is_empty() {
            true => whole,
            false => self.element(whole, indices),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Expr {
        let found = self.lookup(name);
        let callable = functions::find(name).is_some() || crate::dist::find(name).is_some();
        let bare = match &found {
            Some(Binding::Own(_)) => true,
            Some(_) => false,
            None => callable,
        };
        if bare {
            let what = format!("`{name}` without arguments");
            let wrong = error::wrong_place(span, &what, &format!("write `{name}(…)`"));
            return self.fail(span, wrong);
        }
        match found {
            Some(binding) => self.bound(binding, span),
            None if functions::constant(name).is_some() => {
                let what = format!("`{name}` without parentheses");
                let wrong = error::wrong_place(span, &what, &format!("write `{name}()`"));
                self.fail(span, wrong)
            }
            None => {
                let known = self.known_names();
                self.fail(
                    span,
                    error::unknown_name(span, name, known.iter().map(String::as_str)),
                )
            }
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        span: Span,
    ) -> Expr {
        let a = self.expr(left);
        if op == BinaryOp::Pow && matches!(a.ty, Type::Distribution { .. }) {
            return self.power(a, right, span);
        }
        let b = self.expr(right);
        let (a, b) = match op {
            BinaryOp::Eq | BinaryOp::Ne => self.level_compared(a, b),
            _ => (a, b),
        };
        let size = match (op, &a.size, &b.size) {
            (BinaryOp::Add, Some(x), Some(y)) => Some(x.plus(y, 1)),
            (BinaryOp::Sub, Some(x), Some(y)) => Some(x.plus(y, -1)),
            (BinaryOp::Mul, Some(x), Some(y)) => match (x.known(), y.known()) {
                (Some(k), _) => Some(y.times(k)),
                (_, Some(k)) => Some(x.times(k)),
                _ => Some(Dim::opaque(format!("{x} * {y}"))),
            },
            _ => None,
        };
        let checked = self.apply(functions::own(op.symbol()), vec![a, b], span);
        let whole = matches!(checked.ty.number(), Some((Base::Int, [])));
        Expr {
            size: if whole { size } else { None },
            ..checked
        }
    }

    /// `city[i] == "Rome"`: beside a label a text is the index of the level of this name.
    fn level_compared(&self, a: Expr, b: Expr) -> (Expr, Expr) {
        let label = |e: &Expr| {
            let whole = match &e.kind {
                ExprKind::Index { value, .. } => &value.kind,
                kind => kind,
            };
            match whole {
                ExprKind::Var(id) if self.is_label(*id) => Some(*id),
                _ => None,
            }
        };
        let level = |text: Expr, label: VarId| match text.kind {
            ExprKind::Text(name) => Expr {
                kind: ExprKind::Level { label, text: name },
                ty: Type::scalar(Base::Int),
                ..text
            },
            _ => text,
        };
        match (label(&a), label(&b)) {
            (Some(id), None) => (a, level(b, id)),
            (None, Some(id)) => (level(a, id), b),
            _ => (a, b),
        }
    }

    fn array(&mut self, elements: &'a [ast::Expr], span: Span) -> Expr {
        let Some(first) = elements.first() else {
            return self.fail(span, error::empty_array(span));
        };
        let checked: Vec<Expr> = elements.iter().map(|e| self.expr(e)).collect();
        if checked.iter().any(|e| e.ty.is_error()) {
            return Expr::error(span);
        }
        let Some((mut base, dims)) = checked[0].ty.number().map(|(b, d)| (b, d.to_vec())) else {
            let ty = checked[0].ty.clone();
            let problem = if matches!(ty, Type::Distribution { .. }) {
                error::distribution_as_value(first.span)
            } else {
                error::types_differ(first.span, "a number or an array", &ty)
            };
            return self.fail(span, problem);
        };
        for e in &checked[1..] {
            match e.ty.number() {
                Some((b, d)) if super::statement::dims_fit(&dims, d) => base = base.join(b),
                _ => {
                    let problem =
                        error::elements_differ(checked[0].span, &checked[0].ty, e.span, &e.ty);
                    return self.fail(span, problem);
                }
            }
        }
        let mut all = vec![Dim::from(checked.len() as i64)];
        all.extend(dims);
        Expr {
            kind: ExprKind::Array(checked),
            ty: Type::array(base, all),
            span,
            size: None,
        }
    }

    fn choice(
        &mut self,
        condition: &'a ast::Expr,
        then: &'a ast::Expr,
        otherwise: &'a ast::Expr,
        span: Span,
    ) -> Expr {
        let condition = self.condition(condition, None);
        if let Some((_, dims)) = condition.ty.number()
            && !dims.is_empty()
        {
            let ty = condition.ty.clone();
            let problem = error::condition_not_bool(condition.span, &ty)
                .help("element by element it is `where(c, a, b)`");
            return self.fail(span, problem);
        }
        let (a, b) = (self.expr(then), self.expr(otherwise));
        if a.ty.is_error() || b.ty.is_error() || condition.ty.is_error() {
            return Expr::error(span);
        }
        let ty = match (&a.ty, &b.ty) {
            (Type::Number { base: x, dims: dx }, Type::Number { base: y, dims: dy })
                if super::statement::dims_fit(dx, dy) =>
            {
                Type::array(x.join(*y), dx.clone())
            }
            (x, y) => {
                let problem = error::branches_differ(a.span, x, b.span, y);
                return self.fail(span, problem);
            }
        };
        let id = self.new_loop();
        let kind = ExprKind::If {
            id,
            condition: Box::new(condition),
            then: Box::new(a),
            otherwise: Box::new(b),
        };
        Expr {
            kind,
            ty,
            span,
            size: None,
        }
    }

    pub(super) fn block(&mut self, statements: &'a [ast::Statement], span: Span) -> Expr {
        let scope = self.open_scope(self.scope);
        self.within(scope, |c| c.block_inside(statements, span))
    }

    fn block_inside(&mut self, statements: &'a [ast::Statement], span: Span) -> Expr {
        let mut bindings = Vec::new();
        let Some((last, before)) = statements.split_last() else {
            return self.fail(
                span,
                error::wrong_place(span, "an empty block", "its last line is its value"),
            );
        };
        for statement in before {
            match &statement.kind {
                ast::StatementKind::Let {
                    target: ast::Target::Element { name, indices, .. },
                    value,
                } if indices.is_empty() => {
                    if let ast::ExprKind::Lambda { params, body } = &value.kind {
                        let scope = self.scope;
                        let binding = Binding::Lambda {
                            params,
                            body,
                            scope,
                            span: name.span,
                        };
                        self.scopes[scope].names.insert(name.name.clone(), binding);
                        continue;
                    }
                    let value = self.named_within(Some(&name.name), false, |c| c.expr(value));
                    let id = self.bind_local(&name.name, name.span, &value);
                    self.remember(&[(id, value.clone())]);
                    bindings.push((id, value));
                }
                ast::StatementKind::Draw {
                    target: ast::Target::Element { name, indices, .. },
                    dist,
                } if indices.is_empty() => {
                    match self.draw_in_function(name, dist, statement.span) {
                        Made::Bound(value) => {
                            self.remember(value.as_slice());
                            bindings.extend(value);
                        }
                        Made::Failed => return Expr::error(span),
                    }
                }
                ast::StatementKind::Param { name, ty, init } => {
                    let made = self.param_in_function(name, ty, init, statement.span);
                    if let Made::Failed = made {
                        return Expr::error(span);
                    }
                }
                ast::StatementKind::Error => {}
                _ => {
                    let problem = error::wrong_place(
                        statement.span,
                        "this statement",
                        "inside a function stand `let`, `param`, draws of whole names and, at the end, its value; elements are given by a comprehension",
                    );
                    return self.fail(statement.span, problem);
                }
            }
        }
        let ast::StatementKind::Expr { value } = &last.kind else {
            if matches!(last.kind, ast::StatementKind::Error) {
                return Expr::error(span);
            }
            return self.fail(
                span,
                error::wrong_place(
                    last.span,
                    "this statement at the end",
                    "the last line of a block is its value",
                ),
            );
        };
        let body = self.named_within(None, false, |c| c.expr(value));
        if bindings.is_empty() || body.ty.is_error() {
            return body;
        }
        let (ty, size) = (body.ty.clone(), body.size.clone());
        Expr {
            kind: ExprKind::Let {
                bindings,
                body: Box::new(body),
            },
            ty,
            span,
            size,
        }
    }

    /// A local name for a value, in the present scope.
    pub(super) fn bind_local(&mut self, name: &str, span: Span, value: &Expr) -> VarId {
        let id = self.new_variable(name, span, VariableKind::Local, value.ty.clone());
        self.variable_mut(id).size = value.size.clone();
        self.depends_as(id, value);
        let scope = self.scope;
        self.scopes[scope]
            .names
            .insert(name.into(), Binding::Var(id));
        id
    }

    /// Applies a function of the language to checked arguments.
    pub(super) fn apply(
        &mut self,
        function: &Arc<functions::Function>,
        args: Vec<Expr>,
        span: Span,
    ) -> Expr {
        if args.iter().any(|a| a.ty.is_error()) {
            return Expr::error(span);
        }
        let (low, high) = function.arity;
        if args.len() < low || args.len() > high {
            return self.fail(
                span,
                error::argument_count(
                    span,
                    &format!("`{}`", function.signature),
                    function.arity,
                    args.len(),
                ),
            );
        }
        if let Some(wrong) = args.iter().find(|a| a.ty.number().is_none()) {
            let problem = match wrong.ty {
                Type::Distribution { .. } => error::distribution_as_value(wrong.span),
                _ => error::argument_kind(
                    wrong.span,
                    &function.name,
                    "a number or an array",
                    &wrong.ty,
                ),
            };
            return self.fail(span, problem);
        }
        let seen: Vec<functions::Argument> = args
            .iter()
            .map(|a| functions::Argument {
                ty: &a.ty,
                size: a.size.as_ref(),
            })
            .collect();
        match function.result(&seen) {
            Ok(ty) => {
                let size = match function.size {
                    Some(size) => size(&seen),
                    None => self.size_of_call(&function.name, &args),
                };
                Expr {
                    kind: ExprKind::Call {
                        function: function.clone(),
                        args,
                    },
                    ty,
                    span,
                    size,
                }
            }
            Err(wrong) => {
                let problem = self.wrong_arguments(&function.name, &args, wrong);
                self.fail(span, problem)
            }
        }
    }

    /// The symbolic value of a whole number that a function gives.
    fn size_of_call(&self, name: &str, args: &[Expr]) -> Option<Dim> {
        match (name, args) {
            ("max" | "min" | "sum", [x])
                if matches!(x.ty.number(), Some((Base::Int, _))) && self.latent_in(x).is_none() =>
            {
                Some(Dim::opaque(format!("{name}({})", describe(self, x))))
            }
            _ => None,
        }
    }

    fn wrong_arguments(
        &self,
        name: &str,
        args: &[Expr],
        wrong: functions::Wrong,
    ) -> crate::diag::Diagnostic {
        match wrong {
            functions::Wrong::Kind { at, .. }
                if matches!(args[at].ty.number(), Some((Base::Int, [])))
                    && self.latent_in(&args[at]).is_some() =>
            {
                let latent = self.latent_in(&args[at]).expect("just found");
                let latent = &self.variable(latent).name;
                error::latent_bound(args[at].span, &format!("a size given to `{name}`"), latent)
            }
            functions::Wrong::Kind { at, .. } if name == "transpose" => {
                error::transpose_of_vector(args[at].span, &args[at].ty)
            }
            functions::Wrong::Kind { at, expected } => {
                error::argument_kind(args[at].span, name, &expected, &args[at].ty)
            }
            functions::Wrong::Extents { a, of_a, b, of_b } => {
                let (a, b) = ((&args[a], &of_a), (&args[b], &of_b));
                let ((a, of_a), (b, of_b)) = if a.0.span.start <= b.0.span.start {
                    (a, b)
                } else {
                    (b, a)
                };
                error::dimensions_differ((a.span, &a.ty, of_a), (b.span, &b.ty, of_b))
            }
            functions::Wrong::Shapes { a, b } => {
                error::shapes_differ(args[a].span, &args[a].ty, args[b].span, &args[b].ty)
            }
        }
    }

    /// A latent on which an expression depends.
    pub(super) fn latent_in(&self, e: &Expr) -> Option<VarId> {
        self.latent_among(e, &|_| true)
    }

    /// A latent of real numbers on which an expression depends. Of those of whole numbers all values are gone through,
    /// so that what depends on them alone is known for each.
    pub(super) fn real_latent_in(&self, e: &Expr) -> Option<VarId> {
        self.latent_among(e, &|latent| !self.is_discrete(latent))
    }

    fn latent_among(&self, e: &Expr, wanted: &dyn Fn(VarId) -> bool) -> Option<VarId> {
        let mut found = None;
        match &e.kind {
            // The shape of a latent is known, whatever its value.
            ExprKind::Call { function, .. } if function.size.is_some() => {}
            ExprKind::Extent { .. } => {}
            ExprKind::Call { args, .. } => {
                return args.iter().find_map(|a| self.latent_among(a, wanted));
            }
            ExprKind::Range { start, end } => {
                let ends = [start, end];
                return ends.iter().find_map(|e| self.latent_among(e, wanted));
            }
            _ => e.variables(&mut |id| {
                let latent = self.latents.get(&id).copied();
                found = found.or(latent.filter(|&latent| wanted(latent)));
            }),
        }
        found
    }

    fn is_discrete(&self, latent: VarId) -> bool {
        let base = self.variable(latent).ty.number().map(|(base, _)| base);
        base.is_some_and(|base| base != Base::Real)
    }

    /// A variable depends on latents as its value does.
    pub(super) fn depends_as(&mut self, id: VarId, value: &Expr) {
        if let Some(latent) = self.real_latent_in(value).or(self.latent_in(value)) {
            self.latents.insert(id, latent);
        }
    }

    /// What is known from data, or for every value of discrete latents.
    pub(super) fn expect_countable(&mut self, e: &Expr, what: &str) {
        if let Some(latent) = self.real_latent_in(e) {
            let name = self.variable(latent).name.clone();
            self.report(error::latent_bound(e.span, what, &name));
        }
    }

    pub(super) fn expect_known(&mut self, e: &Expr, what: &str) {
        if let Some(latent) = self.latent_in(e) {
            let name = self.variable(latent).name.clone();
            self.report(error::latent_bound(e.span, what, &name));
        }
    }

    pub(super) fn expect_whole(&mut self, e: &Expr) {
        match e.ty.number() {
            Some((Base::Int, [])) => {}
            _ if e.ty.is_error() => {}
            _ => self.report(error::index_not_whole(e.span, &e.ty)),
        }
    }

    pub(super) fn expect_number(&mut self, e: &Expr) -> Option<()> {
        if e.ty.number().is_some() {
            return Some(());
        }
        if !e.ty.is_error() {
            let problem = match e.ty {
                Type::Distribution { .. } => error::distribution_as_value(e.span),
                _ => error::types_differ(e.span, "a number", &e.ty),
            };
            self.report(problem);
        }
        None
    }
}

pub(super) fn number(span: Span, value: f64, base: Base, size: Option<Dim>) -> Expr {
    Expr {
        kind: ExprKind::Number(value),
        ty: Type::scalar(base),
        span,
        size,
    }
}

/// A name for a value in messages and symbolic extents.
fn describe(checker: &Checker, e: &Expr) -> String {
    match &e.kind {
        ExprKind::Var(id) => checker.variable(*id).name.clone(),
        _ => format!("#{}..{}", e.span.start, e.span.end),
    }
}
