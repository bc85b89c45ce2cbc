//! Statements: declarations of data, draws, definitions, factors, and the loops around them.

use super::program::{Expr, ExprKind, Init, Nest, Statement, StatementKind, Target, VarId};
use super::{Binding, BlockKind, Bounds, Checker, State, VariableKind, error};
use crate::diag::Span;
use crate::dist::{self, Values};
use crate::functions;
use crate::syntax::ast;
use crate::types::{Atom, Base, Dim, Same, Type};

impl<'a> Checker<'a> {
    /// Checks the statements that define a variable, so that it has a type.
    /// `span` is where it is used.
    pub(super) fn ensure(&mut self, id: VarId, span: Span) {
        if !self.variable(id).ty.is_error() {
            return;
        }
        let definitions = self.definitions.get(&id).cloned().unwrap_or_default();
        for &leaf in &definitions {
            if self.leaves[leaf].state == State::Todo {
                self.check_leaf(leaf);
            }
            if !self.variable(id).ty.is_error() {
                return;
            }
        }
        // Only statements that are being checked define it: elements given by other elements.
        let doing = definitions
            .iter()
            .copied()
            .find(|&leaf| self.leaves[leaf].state == State::Doing);
        let Some(leaf) = doing else { return };
        if !self.sizing.insert(id) {
            self.report_cycle(id, leaf, span);
            return;
        }
        let dims = self.target_dims(id, &definitions);
        if !self.sizing.remove(&id) {
            return; // its own extents depend on it: reported
        }
        match dims {
            Some(dims) if dims.is_empty() && !self.through_elements(leaf) => {
                self.report_cycle(id, leaf, span);
            }
            // What an element needs of elements before it is a number, until it turns out to be more.
            Some(dims) => {
                let base = match &self.leaves[leaf].statement.kind {
                    ast::StatementKind::Draw { dist, .. } => self.base_drawn(dist),
                    _ => Base::Real,
                };
                self.variable_mut(id).ty = Type::array(base, dims);
            }
            None => {}
        }
    }

    /// What a distribution gives, as far as it can be told by its name alone.
    fn base_drawn(&self, dist: &ast::Expr) -> Base {
        let (callee, args) = match &dist.kind {
            ast::ExprKind::Call { callee, args } => (callee, args),
            ast::ExprKind::Binary { left, .. } => return self.base_drawn(left),
            ast::ExprKind::Index { value, .. } => return self.base_drawn(value),
            ast::ExprKind::Array(all) => {
                return all.first().map_or(Base::Real, |d| self.base_drawn(d));
            }
            _ => return Base::Real,
        };
        let ast::ExprKind::Name(name) = &callee.kind else {
            return Base::Real;
        };
        match dist::find(name).map(|family| family.declaration().values) {
            Some(Values::Integer) => Base::Int,
            Some(Values::AsInner(at)) => args
                .get(at)
                .map_or(Base::Real, |a| self.base_drawn(&a.value)),
            _ => Base::Real,
        }
    }

    /// Whether what a statement waits for goes through elements of an array: then it may be a recurrence.
    fn through_elements(&self, leaf: usize) -> bool {
        let from = self.path.iter().position(|&l| l == leaf).unwrap_or(0);
        let mut path = self.path[from..].iter();
        path.any(|&step| !self.leaves[step].is_whole())
    }

    /// A value that is needed to find itself: the statements from its own to the one that asks.
    fn report_cycle(&mut self, id: VarId, leaf: usize, span: Span) {
        let from = self.path.iter().position(|&l| l == leaf).unwrap_or(0);
        let mut cycle: Vec<String> = Vec::new();
        for &step in &self.path[from..] {
            if let ast::StatementKind::Draw { target, .. } | ast::StatementKind::Let { target, .. } =
                &self.leaves[step].statement.kind
                && let ast::Target::Element { name, .. } = target
            {
                cycle.push(name.name.clone());
            }
        }
        let variable = self.variable(id);
        cycle.push(variable.name.clone());
        let problem = error::self_definition(span, variable.span, &cycle);
        self.sizing.remove(&id);
        self.report(problem);
    }

    pub(super) fn check_leaf(&mut self, leaf: usize) {
        if self.leaves[leaf].state != State::Todo {
            return;
        }
        self.leaves[leaf].state = State::Doing;
        self.path.push(leaf);
        let scope = self.leaves[leaf].scope;
        let statement = self.leaves[leaf].statement;
        let site = self.site_at(leaf);
        let site = self.site.replace(site);
        let call = self.leaves[leaf].call.clone();
        let call = std::mem::replace(&mut self.call, call);
        let calls = self.call.as_ref().map_or(Vec::new(), |c| c.calls.clone());
        let calls = std::mem::replace(&mut self.calls, calls);
        let comprehensions = std::mem::take(&mut self.comprehensions);
        let guide = std::mem::replace(&mut self.guide, self.leaves[leaf].guide);
        let nest = self.check_nest(leaf);
        let kind = self.within(scope, |c| c.check_kind(leaf, statement));
        self.guide = guide;
        self.comprehensions = comprehensions;
        self.calls = calls;
        self.call = call;
        self.site = site;
        self.path.pop();
        self.leaves[leaf].state = State::Done;
        self.leaves[leaf].checked = kind.map(|kind| Statement {
            kind,
            nest,
            span: statement.span,
        });
    }

    fn check_kind(&mut self, leaf: usize, statement: &'a ast::Statement) -> Option<StatementKind> {
        match &statement.kind {
            ast::StatementKind::Draw { target, dist } if self.is_guide() => {
                self.check_guide_draw(target, dist)
            }
            ast::StatementKind::Draw { target, dist } => self.check_draw(leaf, target, dist),
            ast::StatementKind::Let { target, value } => self.check_let(leaf, target, value, false),
            ast::StatementKind::Factor { value } => {
                let value = self.expr(value);
                self.expect_number(&value)?;
                Some(StatementKind::Factor { value })
            }
            ast::StatementKind::Param { name, ty, init } => match self.lookup(&name.name) {
                Some(Binding::Var(var)) => self.check_param(var, name, ty, init),
                _ => None,
            },
            _ => None,
        }
    }

    /// The loops and conditions around a statement, each checked once.
    pub(super) fn check_nest(&mut self, leaf: usize) -> Vec<Nest> {
        let path = self.leaves[leaf].nest.clone();
        path.iter().map(|&block| self.check_block(block)).collect()
    }

    fn check_block(&mut self, block: usize) -> Nest {
        if let Some(nest) = &self.blocks[block].checked {
            return nest.clone();
        }
        let scope = self.blocks[block].scope;
        let nest = match self.blocks[block].kind {
            BlockKind::For { var, range, batch } => {
                let range = self.within(scope, |c| c.loop_range(var, range));
                let batch = batch.map(|size| {
                    let size = self.within(scope, |c| c.expr(size));
                    self.expect_whole(&size);
                    self.expect_known(&size, "the size of a batch");
                    size
                });
                Nest::For {
                    id: self.new_loop(),
                    var,
                    range,
                    batch,
                }
            }
            BlockKind::If {
                condition,
                holds,
                shared,
            } => {
                let checked = match shared.and_then(|s| self.blocks[s].checked.clone()) {
                    Some(Nest::If { condition, .. }) => condition,
                    _ => self.within(scope, |c| {
                        c.condition(condition, Some("a condition around statements"))
                    }),
                };
                Nest::If {
                    id: self.new_loop(),
                    condition: checked,
                    holds,
                }
            }
        };
        self.blocks[block].checked = Some(nest.clone());
        nest
    }

    /// What a loop runs over: a range, or all of a dimension. Remembers the index's bounds.
    pub(super) fn loop_range(&mut self, var: VarId, range: &'a ast::Expr) -> Expr {
        let mut checked = self.expr_or_range(range);
        if matches!(checked.kind, ExprKind::Levels(_)) {
            let one = Expr {
                kind: ExprKind::Number(1.0),
                ty: Type::scalar(Base::Int),
                span: range.span,
                size: Some(1.into()),
            };
            let kind = ExprKind::Range {
                start: Box::new(one),
                end: Box::new(checked),
            };
            checked = Expr {
                kind,
                ty: Type::Range,
                span: range.span,
                size: None,
            };
        }
        match &checked.kind {
            ExprKind::Range { start, end } => {
                let (low, high) = (start.size.clone(), end.size.clone());
                self.expect_countable(&checked, "the range of a loop");
                let text = crate::syntax::print_expr(range);
                let bounds = Bounds {
                    low: self.text_of(&low, &text),
                    high: self.text_of(&high, &text),
                };
                self.bounds.insert(var, bounds);
            }
            _ if checked.ty.is_error() => {}
            _ => {
                let ty = checked.ty.clone();
                return self.fail(range.span, error::not_iterable(range.span, &ty));
            }
        }
        checked
    }

    /// `known` says of what must be known from data that it is a condition.
    pub(super) fn condition(&mut self, condition: &'a ast::Expr, known: Option<&str>) -> Expr {
        let checked = self.expr(condition);
        match checked.ty.number() {
            Some((Base::Bool, dims)) if dims.is_empty() || known.is_none() => {}
            _ if checked.ty.is_error() => {}
            _ => self.report(error::condition_not_bool(
                condition.span,
                &checked.ty.clone(),
            )),
        }
        if let Some(what) = known {
            self.expect_countable(&checked, what);
        }
        checked
    }

    pub(super) fn check_param(
        &mut self,
        var: VarId,
        name: &'a ast::Ident,
        ty: &'a ast::TypeExpr,
        init: &'a Option<ast::Expr>,
    ) -> Option<StatementKind> {
        let (base, refinement, dims, extents) = self.computed_type(ty)?;
        let declared = Type::array(base, dims.clone());
        if base != Base::Real {
            self.report(error::types_differ(
                ty.span,
                "a type of real numbers",
                &declared,
            ));
            return None;
        }
        self.variable_mut(var).ty = declared.clone();
        let init = match init {
            Some(e) => Some(self.check_init(e, ty, &declared)?),
            None => None,
        };
        Some(StatementKind::Param {
            var,
            refinement,
            dims,
            extents,
            init,
            span: name.span,
        })
    }

    fn check_init(
        &mut self,
        e: &'a ast::Expr,
        ty: &'a ast::TypeExpr,
        declared: &Type,
    ) -> Option<Init> {
        if let ast::ExprKind::Call { callee, args } = &e.kind
            && let ast::ExprKind::Name(name) = &callee.kind
            && self.lookup(name).is_none()
            && let Some(initialiser) = functions::initialiser(name)
        {
            let given: Option<Vec<f64>> = args
                .iter()
                .map(|arg| match (&arg.name, &self.expr(&arg.value).kind) {
                    (None, ExprKind::Number(x)) if *x > 0.0 => Some(*x),
                    _ => None,
                })
                .collect();
            let given = given.filter(|given| given.len() == initialiser.numbers);
            if given.is_none() {
                self.report(error::initialiser(e.span, initialiser.signature));
            }
            return Some(Init::Random(initialiser, given?));
        }
        let value = self.expr(e);
        self.expect_known(&value, "the start of a parameter");
        let fits =
            value.ty.is_error() || value.ty.rank() == 0 || self.assignable(declared, &value.ty);
        if !fits {
            let found = value.ty.clone();
            self.report(error::declared_type(ty.span, declared, e.span, &found));
        }
        Some(Init::Value(value))
    }

    /// `draws` where the value is a call of a function that draws, after `~`.
    fn check_let(
        &mut self,
        leaf: usize,
        target: &'a ast::Target,
        value: &'a ast::Expr,
        draws: bool,
    ) -> Option<StatementKind> {
        let named = target;
        let target = self.check_target(target)?;
        let value = self.named_after(named, draws, |c| c.expr(value));
        if value.ty.is_error() {
            return None;
        }
        let whole = target.indices.is_empty();
        if whole && matches!(value.ty, Type::Distribution { .. }) {
            // A name for a distribution: nothing that results could hold.
            let variable = self.variable_mut(target.var);
            variable.ty = value.ty.clone();
            variable.kind = VariableKind::Local;
            return Some(StatementKind::Let { target, value });
        }
        let Some((base, dims)) = value.ty.number().map(|(b, d)| (b, d.to_vec())) else {
            let problem = match value.ty {
                Type::Distribution { .. } => error::distribution_as_value(value.span),
                Type::Range => error::range_as_value(value.span),
                _ => error::types_differ(value.span, "a number or an array", &value.ty.clone()),
            };
            self.report(problem);
            return None;
        };
        self.depends_as(target.var, &value);
        let branches = self.definitions.get(&target.var).map_or(1, Vec::len);
        let assumed = !self.variable(target.var).ty.is_error();
        if whole && branches == 1 && !assumed {
            let size = value.size.clone();
            let variable = self.variable_mut(target.var);
            variable.ty = Type::array(base, dims);
            variable.size = size;
        } else {
            self.give_type(leaf, &target, base, &dims);
        }
        Some(StatementKind::Let { target, value })
    }

    fn check_draw(
        &mut self,
        leaf: usize,
        target: &'a ast::Target,
        dist: &'a ast::Expr,
    ) -> Option<StatementKind> {
        if self.drawing_call(dist).is_some() {
            return self.check_let(leaf, target, dist, true);
        }
        let target = self.check_target(target)?;
        let checked = self.expr_of_distribution(dist)?;
        let Type::Distribution { base, array, event } = checked.ty.clone() else {
            return None;
        };
        let dims: Vec<Dim> = array.iter().chain(&event).cloned().collect();
        if self.variable(target.var).kind != VariableKind::Data {
            self.give_type(leaf, &target, base, &dims);
            return Some(StatementKind::Draw {
                target,
                dist: checked,
            });
        }
        let name = self.variable(target.var).name.clone();
        let (data_base, data_dims) = {
            let (base, dims) = self.variable(target.var).ty.number()?;
            (base, dims.to_vec())
        };
        let indexed = target.indices.len();
        if indexed > data_dims.len() {
            let ty = self.variable(target.var).ty.clone();
            let place = self.variable(target.var).span;
            self.report(error::too_many_indices(target.span, place, &ty, indexed));
            return None;
        }
        if base != Base::Real && data_base == Base::Real {
            let family = family_name(&checked);
            self.report(error::draw_base(target.span, checked.span, &name, &family));
            return None;
        }
        // A single distribution observed in an array: every element is a draw from it.
        let rest = &data_dims[indexed..];
        let fits = if array.is_empty() && rest.len() >= event.len() {
            dims_fit(&rest[rest.len() - event.len()..], &event)
        } else {
            dims_fit(rest, &dims)
        };
        if !fits {
            let observed = Type::array(data_base, rest);
            self.report(error::draw_shape(
                target.span,
                &format!("`{name}`"),
                &observed,
                checked.span,
                &checked.ty,
            ));
            return None;
        }
        Some(StatementKind::Draw {
            target,
            dist: checked,
        })
    }

    /// The type of a variable from a statement that defines it, or elements of it.
    fn give_type(&mut self, leaf: usize, target: &Target, base: Base, element: &[Dim]) {
        let definitions = self
            .definitions
            .get(&target.var)
            .cloned()
            .unwrap_or_else(|| vec![leaf]);
        let Some(mut dims) = self.target_dims(target.var, &definitions) else {
            return;
        };
        dims.extend(element.iter().cloned());
        let old = self.variable(target.var).ty.clone();
        let ty = Type::array(base, dims);
        match old.number() {
            Some((old_base, old_dims)) if old_dims.len() == ty.rank() => {
                let ty = Type::array(old_base.join(base), old_dims.to_vec());
                self.variable_mut(target.var).ty = ty;
            }
            Some(_) => {
                let first = self.variable(target.var).span;
                self.report(match target.indices.is_empty() {
                    true => error::branches_differ(first, &old, target.span, &ty),
                    false => error::elements_differ(first, &old, target.span, &ty),
                });
            }
            None => self.variable_mut(target.var).ty = ty,
        }
    }

    pub(super) fn check_target(&mut self, target: &'a ast::Target) -> Option<Target> {
        let ast::Target::Element {
            name,
            indices,
            span,
        } = target
        else {
            return None;
        };
        let Some(Binding::Var(var)) = self.target_named(name) else {
            return None;
        };
        if self.variable(var).kind == VariableKind::Data {
            self.used.insert(var);
        }
        let mut checked = self.lifting(var, *span);
        for index in indices {
            match index {
                ast::Index::At(e) => {
                    let e = self.expr(e);
                    self.expect_whole(&e);
                    self.expect_known(&e, "an index of a definition");
                    checked.push(e);
                }
                ast::Index::Range { span, .. } | ast::Index::All(span) => {
                    self.report(error::slice_in_target(*span));
                    return None;
                }
            }
        }
        Some(Target {
            var,
            indices: checked,
            span: *span,
        })
    }

    /// Extents of the indexed axes of a variable, from all statements that define its elements.
    fn target_dims(&mut self, var: VarId, definitions: &[usize]) -> Option<Vec<Dim>> {
        let mut dims: Option<(Vec<Dim>, Span)> = None;
        for &leaf in definitions {
            let target = match &self.leaves[leaf].statement.kind {
                ast::StatementKind::Draw { target, .. }
                | ast::StatementKind::Let { target, .. } => target,
                _ => return None,
            };
            let ast::Target::Element { indices, span, .. } = target else {
                return None;
            };
            self.check_nest(leaf);
            let scope = self.leaves[leaf].scope;
            let mut own = Vec::new();
            for index in indices {
                let ast::Index::At(e) = index else {
                    return None;
                };
                let size = self.within(scope, |c| c.expr(e)).size;
                own.push(match size {
                    Some(size) => self.largest(&size),
                    None => Dim::opaque(crate::syntax::print_expr(e)),
                });
            }
            dims = match dims {
                None => Some((own, *span)),
                Some((all, first)) if all.len() != own.len() => {
                    let name = self.variable(var).name.clone();
                    self.report(error::index_rank(*span, first, &name));
                    return None;
                }
                Some((all, first)) => Some((
                    all.iter().zip(&own).map(|(a, b)| wider(a, b)).collect(),
                    first,
                )),
            };
        }
        let around = self.lifting(var, Span::default());
        let around = around.iter().filter_map(|i| i.size.as_ref());
        let mut all: Vec<Dim> = around.map(|size| self.largest(size)).collect();
        all.extend(dims?.0);
        Some(all)
    }

    /// The largest value of a whole number over the loops around it.
    pub(super) fn largest(&self, size: &Dim) -> Dim {
        let mut result = size.clone();
        // Inner loops' bounds may speak of outer ones: a few rounds reach the outermost.
        for _ in 0..8 {
            let inner: Vec<(Atom, i64)> = result
                .terms
                .iter()
                .filter(|(a, _)| matches!(a, Atom::Loop(..)))
                .map(|(a, k)| (a.clone(), *k))
                .collect();
            if inner.is_empty() {
                return result;
            }
            for (atom, k) in inner {
                let Atom::Loop(id, _) = &atom else { continue };
                let Some(bounds) = self.bounds.get(&VarId(*id)) else {
                    return Dim::opaque(size.to_string());
                };
                let bound = if k > 0 { &bounds.high } else { &bounds.low };
                result = result.plus(&Dim::atom(atom), -k).plus(bound, k);
            }
        }
        Dim::opaque(size.to_string())
    }

    pub(super) fn assignable(&self, declared: &Type, found: &Type) -> bool {
        match (declared.number(), found.number()) {
            (Some((base, dims)), Some((found_base, found_dims))) => {
                found_base <= base && dims_fit(dims, found_dims)
            }
            _ => false,
        }
    }
}

pub(super) fn family_name(dist: &Expr) -> String {
    match &dist.kind {
        ExprKind::Distribution { family, .. } => family.declaration().name.into(),
        ExprKind::Power { dist, .. } => family_name(dist),
        ExprKind::Let { body, .. } => family_name(body),
        _ => "this distribution".into(),
    }
}

pub(super) fn dims_fit(a: &[Dim], b: &[Dim]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.compare(b) != Same::No)
}

/// The larger of two extents as far as it can be told; a name tells more than a number.
fn wider(a: &Dim, b: &Dim) -> Dim {
    match (a.plus(b, -1).known(), a.known()) {
        (Some(difference), _) => {
            if difference >= 0 {
                a.clone()
            } else {
                b.clone()
            }
        }
        (None, Some(_)) => b.clone(),
        (None, None) => a.clone(),
    }
}
