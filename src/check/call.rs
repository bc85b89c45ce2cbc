//! Calls: of the language's functions, of distributions, of the user's functions (which are put in
//! place), and methods.

use super::program::{Expr, ExprKind, Property};
use super::{Binding, Checker, error};
use crate::diag::Span;
use crate::functions;
use crate::syntax::ast;
use crate::types::{Base, Dim, Type};

/// Properties of distributions, by method name, and whether they take an argument.
const PROPERTIES: &[(&str, Property, bool)] = &[
    ("log_prob", Property::LogProb, true),
    ("cdf", Property::Cdf, true),
    ("log_cdf", Property::LogCdf, true),
    ("survival", Property::Survival, true),
    ("log_survival", Property::LogSurvival, true),
    ("mean", Property::Mean, false),
    ("variance", Property::Variance, false),
    ("sd", Property::Sd, false),
    ("entropy", Property::Entropy, false),
];

/// Methods that wrap a distribution in another.
const WRAPPERS: &[(&str, &str)] = &[("truncate", "Truncated"), ("censor", "Censored")];

impl<'a> Checker<'a> {
    pub(super) fn call(&mut self, callee: &'a ast::Expr, args: &'a [ast::Arg], span: Span) -> Expr {
        match &callee.kind {
            ast::ExprKind::Name(name) => self.call_name(name, callee.span, args, span),
            ast::ExprKind::Field { value, name } => self.method(value, name, args, span),
            ast::ExprKind::Lambda { params, body } => {
                let scope = self.scope;
                self.put_in_place(params, None, body, scope, args, None, span, callee.span)
            }
            _ => {
                let callee = self.expr(callee);
                if callee.ty.is_error() {
                    return Expr::error(span);
                }
                self.fail(span, error::not_a_function(callee.span, "this", &callee.ty))
            }
        }
    }

    fn call_name(&mut self, name: &'a str, place: Span, args: &'a [ast::Arg], span: Span) -> Expr {
        match self.lookup(name) {
            Some(Binding::Function(index)) => self.call_function(index, args, None, span),
            Some(Binding::Lambda {
                params,
                body,
                scope,
                span: definition,
            }) => self.put_in_place(params, None, body, scope, args, None, span, definition),
            Some(Binding::Var(id))
                if functions::find(name).is_none() && crate::dist::find(name).is_none() =>
            {
                self.ensure(id);
                let ty = self.variable(id).ty.clone();
                self.fail(span, error::not_a_function(place, name, &ty))
            }
            _ => {
                if let Some(family) = crate::dist::find(name) {
                    return self.distribution(family, None, args, span);
                }
                if functions::find(name).is_none() {
                    let families = crate::dist::FAMILIES.iter().map(|f| f.declaration().name);
                    let known: Vec<&str> =
                        functions::all().map(|f| f.name).chain(families).collect();
                    return self.fail(span, error::unknown_function(place, name, known));
                }
                let checked = self.positional(name, None, args);
                self.apply(name, checked, span)
            }
        }
    }

    /// Arguments of a function of the language, which have no names.
    fn positional(&mut self, name: &str, first: Option<Expr>, args: &'a [ast::Arg]) -> Vec<Expr> {
        let mut checked: Vec<Expr> = first.into_iter().collect();
        for arg in args {
            let value = self.expr(&arg.value);
            checked.push(match &arg.name {
                Some(given) => self.fail(
                    given.span,
                    error::named_argument(given.span, name, &given.name),
                ),
                None => value,
            });
        }
        checked
    }

    fn call_function(
        &mut self,
        index: usize,
        args: &'a [ast::Arg],
        first: Option<Expr>,
        span: Span,
    ) -> Expr {
        let def = self.functions[index];
        if self.calls.contains(&index) {
            let mut cycle: Vec<String> = self
                .calls
                .iter()
                .skip_while(|&&c| c != index)
                .map(|&c| self.functions[c].name.name.clone())
                .collect();
            cycle.push(def.name.name.clone());
            return self.fail(span, error::recursion(span, def.name.span, &cycle));
        }
        self.calls.push(index);
        let before = self.diagnostics.len();
        let result = self.put_in_place(
            &def.params,
            def.result.as_ref(),
            &def.body,
            0,
            args,
            first,
            span,
            def.name.span,
        );
        // What goes wrong inside a function is said with the place of the call.
        for diagnostic in &mut self.diagnostics[before..] {
            let inside = |s: Span| {
                s.source == def.body.span.source
                    && s.start >= def.body.span.start
                    && s.end <= def.body.span.end
            };
            if diagnostic.labels.first().is_some_and(|l| inside(l.span))
                && diagnostic.labels.len() < 4
            {
                diagnostic.labels.push(crate::diag::Label {
                    span,
                    text: format!("in this call of `{}`", def.name.name),
                });
            }
        }
        self.calls.pop();
        result
    }

    /// The body of a function with its arguments bound to names: functions are gone after checking.
    #[allow(clippy::too_many_arguments)]
    fn put_in_place(
        &mut self,
        params: &'a [ast::FnParam],
        result: Option<&'a ast::TypeExpr>,
        body: &'a ast::Expr,
        scope: usize,
        args: &'a [ast::Arg],
        first: Option<Expr>,
        span: Span,
        definition: Span,
    ) -> Expr {
        let given = args.len() + usize::from(first.is_some());
        let required = params.iter().filter(|p| p.default.is_none()).count();
        if given > params.len() || given < required {
            let text = format!("this function, {} parameters,", params.len());
            let problem = error::argument_count(span, &text, (required, params.len()), given)
                .at(definition, "defined here");
            return self.fail(span, problem);
        }
        let inner = self.open_scope(scope);
        let mut bindings = Vec::new();
        let mut position = 0;
        let mut filled: Vec<bool> = vec![false; params.len()];
        if let Some(first) = first {
            filled[0] = true;
            position = 1;
            self.bind_parameter(inner, &params[0], first, &mut bindings);
        }
        for arg in args {
            let at = match &arg.name {
                Some(name) => match params.iter().position(|p| p.name.name == name.name) {
                    Some(at) => at,
                    None => {
                        return self.fail(
                            name.span,
                            error::named_argument(name.span, "this function", &name.name),
                        );
                    }
                },
                None => {
                    position += 1;
                    position - 1
                }
            };
            if std::mem::replace(&mut filled[at], true) {
                let problem =
                    error::parameter_twice(arg.value.span, "this function", &params[at].name.name);
                return self.fail(span, problem);
            }
            if let Some(binding) = self.function_value(&arg.value) {
                self.scopes[inner]
                    .names
                    .insert(params[at].name.name.clone(), binding);
                continue;
            }
            let value = self.expr(&arg.value);
            self.bind_parameter(inner, &params[at], value, &mut bindings);
        }
        for (param, filled) in params.iter().zip(&filled) {
            if let (false, Some(default)) = (*filled, &param.default) {
                let value = self.within(scope, |c| c.expr(default));
                self.bind_parameter(inner, param, value, &mut bindings);
            } else if !filled {
                let problem = error::missing_parameter(
                    span,
                    "this function",
                    &param.name.name,
                    "with all its arguments",
                );
                return self.fail(span, problem);
            }
        }
        let value = self.within(inner, |c| {
            let value = c.expr(body);
            if let Some(result) = result
                && let Some((base, _, dims)) = c.type_expr(result, false)
            {
                let declared = Type::array(base, dims);
                if !value.ty.is_error() && !c.assignable(&declared, &value.ty) {
                    return c.fail(
                        span,
                        error::declared_type(result.span, &declared, body.span, &value.ty),
                    );
                }
            }
            value
        });
        if bindings.is_empty() || value.ty.is_error() {
            return value;
        }
        let (ty, size) = (value.ty.clone(), value.size.clone());
        Expr {
            kind: ExprKind::Let {
                bindings,
                body: Box::new(value),
            },
            ty,
            span,
            size,
        }
    }

    /// A function given as an argument.
    fn function_value(&mut self, e: &'a ast::Expr) -> Option<Binding<'a>> {
        match &e.kind {
            ast::ExprKind::Lambda { params, body } => Some(Binding::Lambda {
                params,
                body,
                scope: self.scope,
                span: e.span,
            }),
            ast::ExprKind::Name(name) => match self.lookup(name)? {
                Binding::Var(_) => None,
                function => Some(function),
            },
            _ => None,
        }
    }

    /// Binds a parameter; names of extents in its declared type become numbers of the body.
    fn bind_parameter(
        &mut self,
        scope: usize,
        param: &'a ast::FnParam,
        value: Expr,
        bindings: &mut Vec<(super::VarId, Expr)>,
    ) {
        self.within(scope, |c| {
            if let Some(ty) = &param.ty
                && let Some((_, found)) = value.ty.number()
                && found.len() == ty.dims.len()
            {
                let found = found.to_vec();
                for (axis, (e, dim)) in ty.dims.iter().zip(&found).enumerate() {
                    let ast::ExprKind::Name(name) = &e.kind else {
                        continue;
                    };
                    if c.lookup(name).is_some() {
                        continue;
                    }
                    let kind = ExprKind::Extent {
                        value: Box::new(value.clone()),
                        axis,
                    };
                    let extent = Expr {
                        kind,
                        ty: Type::scalar(Base::Int),
                        span: e.span,
                        size: Some(dim.clone()),
                    };
                    let id = c.bind_local(name, e.span, &extent);
                    bindings.push((id, extent));
                }
            }
            if let Some(ty) = &param.ty
                && let Some((base, _, dims)) = c.type_expr(ty, false)
            {
                let declared = Type::array(base, dims);
                if !value.ty.is_error() && !c.assignable(&declared, &value.ty) {
                    let problem = error::declared_type(ty.span, &declared, value.span, &value.ty);
                    c.report(problem);
                }
            }
            let id = c.bind_local(&param.name.name, param.name.span, &value);
            bindings.push((id, value));
        });
    }

    fn method(
        &mut self,
        value: &'a ast::Expr,
        name: &'a ast::Ident,
        args: &'a [ast::Arg],
        span: Span,
    ) -> Expr {
        if let ast::ExprKind::Name(module) = &value.kind
            && self.lookup(module).is_none()
        {
            return self.expr(value);
        }
        let receiver = self.expr(value);
        if receiver.ty.is_error() {
            return Expr::error(span);
        }
        if matches!(receiver.ty, Type::Distribution { .. }) {
            return self.distribution_method(receiver, name, args, span);
        }
        match self.lookup(&name.name) {
            Some(Binding::Function(index)) => self.call_function(index, args, Some(receiver), span),
            Some(Binding::Lambda {
                params,
                body,
                scope,
                span: definition,
            }) => self.put_in_place(
                params,
                None,
                body,
                scope,
                args,
                Some(receiver),
                span,
                definition,
            ),
            _ if functions::find(&name.name).is_some() => {
                let checked = self.positional(&name.name, Some(receiver), args);
                self.apply(&name.name, checked, span)
            }
            _ => {
                let known: Vec<&str> = functions::all().map(|f| f.name).collect();
                self.fail(span, error::unknown_function(name.span, &name.name, known))
            }
        }
    }

    fn distribution_method(
        &mut self,
        dist: Expr,
        name: &'a ast::Ident,
        args: &'a [ast::Arg],
        span: Span,
    ) -> Expr {
        if let Some((_, wrapper)) = WRAPPERS.iter().find(|w| w.0 == name.name)
            && let Some(family) = crate::dist::find(wrapper)
        {
            return self.distribution(family, Some(dist), args, span);
        }
        let Some(&(_, property, takes)) = PROPERTIES.iter().find(|p| p.0 == name.name) else {
            let known: Vec<&str> = PROPERTIES
                .iter()
                .map(|p| p.0)
                .chain(WRAPPERS.iter().map(|w| w.0))
                .collect();
            return self.fail(span, error::unknown_method(name.span, &name.name, &known));
        };
        if args.len() != usize::from(takes) {
            let arity = usize::from(takes);
            return self.fail(
                span,
                error::argument_count(span, &format!(".{}", name.name), (arity, arity), args.len()),
            );
        }
        let x = args.first().map(|a| self.expr(&a.value));
        if x.as_ref().is_some_and(|x| x.ty.is_error()) {
            return Expr::error(span);
        }
        let Type::Distribution { array, event, .. } = dist.ty.clone() else {
            return Expr::error(span);
        };
        let dims: Vec<Dim> = match &x {
            None => array.iter().chain(&event).cloned().collect(),
            Some(x) => {
                let Some((_, given)) = x.ty.number() else {
                    return self.fail(
                        span,
                        error::types_differ(x.span, "a number or an array", &x.ty),
                    );
                };
                let lead = given.len().checked_sub(event.len());
                let fits =
                    lead.is_some_and(|lead| super::statement::dims_fit(&given[lead..], &event));
                let Some(lead) = lead.filter(|_| fits) else {
                    return self.fail(span, error::draw_shape(x.span, &x.ty, dist.span, &dist.ty));
                };
                let (wide, narrow) = if lead >= array.len() {
                    (&given[..lead], &array[..])
                } else {
                    (&array[..], &given[..lead])
                };
                if !super::statement::dims_fit(&wide[wide.len() - narrow.len()..], narrow) {
                    return self.fail(span, error::draw_shape(x.span, &x.ty, dist.span, &dist.ty));
                }
                wide.to_vec()
            }
        };
        let kind = ExprKind::Property {
            property,
            dist: Box::new(dist),
            x: x.map(Box::new),
        };
        Expr {
            kind,
            ty: Type::array(Base::Real, dims),
            span,
            size: None,
        }
    }

    pub(super) fn field(&mut self, value: &'a ast::Expr, name: &'a ast::Ident, span: Span) -> Expr {
        let checked = self.expr(value);
        if checked.ty.is_error() {
            return checked;
        }
        if let (ExprKind::Var(id), "levels") = (&checked.kind, name.name.as_str())
            && self.is_label(*id)
        {
            let size = Dim::atom(crate::types::Atom::Levels(self.variable(*id).name.clone()));
            return Expr {
                kind: ExprKind::Levels(*id),
                ty: Type::scalar(Base::Int),
                span,
                size: Some(size),
            };
        }
        self.fail(span, error::unknown_field(name.span, &name.name))
    }

    fn is_label(&self, id: super::VarId) -> bool {
        self.program
            .data
            .iter()
            .any(|d| d.var == id && d.refinement == super::program::Refinement::Label)
    }
}
