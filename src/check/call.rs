//! Calls: of the language's functions, of distributions, of the user's functions (which are put in
//! place), and methods.

use super::program::{Expr, ExprKind, Property};
use super::{Binding, Checker, Function, error};
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
    ("quantile", Property::Quantile, true),
    ("mean", Property::Mean, false),
    ("variance", Property::Variance, false),
    ("sd", Property::Sd, false),
    ("entropy", Property::Entropy, false),
];

/// Methods that wrap a distribution in another.
const WRAPPERS: &[(&str, &str)] = &[("truncate", "Truncated"), ("censor", "Censored")];

/// A function to put in place.
struct Callee<'a> {
    /// Empty for one without a name.
    name: &'a str,
    params: &'a [ast::FnParam],
    result: Option<&'a ast::TypeExpr>,
    body: &'a ast::Expr,
    /// Where its body's other names are read.
    scope: usize,
    definition: Span,
}

impl Callee<'_> {
    fn shown(&self) -> String {
        match self.name {
            "" => "this function".into(),
            name => format!("`{name}`"),
        }
    }

    /// `` `f(a, b = 2)` ``
    fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|p| match &p.default {
                Some(default) => {
                    let default = crate::syntax::print_expr(default);
                    format!("{} = {default}", p.name.name)
                }
                None => p.name.name.clone(),
            })
            .collect();
        match self.name {
            "" => format!("`|{}| …`", params.join(", ")),
            name => format!("`{name}({})`", params.join(", ")),
        }
    }
}

/// Functions within functions, at most: more are a lambda that calls itself.
const DEPTH: usize = 16;

impl<'a> Checker<'a> {
    pub(super) fn call(&mut self, callee: &'a ast::Expr, args: &'a [ast::Arg], span: Span) -> Expr {
        match &callee.kind {
            ast::ExprKind::Name(name) => self.call_name(name, callee.span, args, span),
            ast::ExprKind::Field { value, name } => self.method(value, name, args, span),
            ast::ExprKind::Lambda { params, body } => {
                let function = Callee {
                    name: "",
                    params,
                    result: None,
                    body,
                    scope: self.scope,
                    definition: callee.span,
                };
                self.put_in_place(&function, args, Vec::new(), span)
            }
            _ => {
                let callee = self.expr(callee);
                if callee.ty.is_error() {
                    return Expr::error(span);
                }
                self.fail(span, error::not_a_function(callee.span, "", &callee.ty))
            }
        }
    }

    fn call_name(&mut self, name: &'a str, place: Span, args: &'a [ast::Arg], span: Span) -> Expr {
        let solver = super::ode::solver(name).is_some();
        let constant = functions::constant(name).filter(|_| args.is_empty());
        let own = solver || functions::find(name).is_some() || crate::dist::find(name).is_some();
        let own = own || constant.is_some();
        match self.lookup(name) {
            Some(Binding::Var(_) | Binding::Constant { .. } | Binding::Module(..)) if own => {}
            Some(binding) => {
                return self.call_binding(binding, name, place, args, Vec::new(), span);
            }
            None => {}
        }
        if solver {
            return self.ode(name, args, span);
        }
        if let Some(constant) = constant {
            return Expr {
                kind: ExprKind::Number(constant.value),
                ty: Type::scalar(Base::Real),
                span,
                size: None,
            };
        }
        if let Some(family) = crate::dist::find(name) {
            return self.distribution(family, None, args, span);
        }
        let Some(function) = functions::find(name) else {
            let families = crate::dist::FAMILIES.iter().map(|f| f.declaration().name);
            let solvers = super::ode::SOLVERS.iter().map(|s| s.0);
            let constants = functions::CONSTANTS.iter().map(|c| c.name);
            let known = functions::all()
                .map(|f| &*f.name)
                .chain(families)
                .chain(constants);
            let own = self.known_functions();
            let own = own.iter().map(String::as_str);
            let known: Vec<&str> = known.chain(solvers).chain(own).collect();
            return self.fail(span, error::unknown_function(place, name, known));
        };
        let checked = self.positional(name, Vec::new(), args);
        self.apply(function, checked, span)
    }

    /// A call of what a name is bound to, with its first arguments where they do not stand among the others.
    pub(super) fn call_binding(
        &mut self,
        binding: Binding<'a>,
        name: &'a str,
        place: Span,
        args: &'a [ast::Arg],
        first: Vec<Expr>,
        span: Span,
    ) -> Expr {
        let ty = match binding {
            Binding::Function(index) => return self.call_function(index, args, first, span),
            Binding::Lambda {
                params,
                body,
                scope,
                span: definition,
            } => {
                let function = Callee {
                    name,
                    params,
                    result: None,
                    body,
                    scope,
                    definition,
                };
                return self.put_in_place(&function, args, first, span);
            }
            Binding::Own(function) => {
                let checked = self.positional(name, first, args);
                return self.apply(&function, checked, span);
            }
            value => self.bound(value, place).ty,
        };
        self.fail(span, error::not_a_function(place, name, &ty))
    }

    /// What `module.name` is, where the first is the name of a module; an error is reported where that
    /// has no such name.
    pub(super) fn member(
        &mut self,
        module: &'a ast::Expr,
        name: &'a ast::Ident,
    ) -> Option<Result<Binding<'a>, ()>> {
        let ast::ExprKind::Name(of) = &module.kind else {
            return None;
        };
        let Some(Binding::Module(scope, _)) = self.lookup(of) else {
            return None;
        };
        let names = &self.scopes[scope].names;
        if let Some(binding) = names.get(&name.name) {
            return Some(Ok(binding.clone()));
        }
        let mut known: Vec<&str> = names.keys().map(String::as_str).collect();
        known.sort_unstable();
        let problem = error::no_member(name.span, of, &name.name, known);
        self.report(problem);
        Some(Err(()))
    }

    /// Arguments of a function of the language, which have no names.
    fn positional(&mut self, name: &str, first: Vec<Expr>, args: &'a [ast::Arg]) -> Vec<Expr> {
        let mut checked = first;
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
        first: Vec<Expr>,
        span: Span,
    ) -> Expr {
        let Function { def, scope } = self.functions[index];
        if self.calls.contains(&index) {
            let mut cycle: Vec<String> = self
                .calls
                .iter()
                .skip_while(|&&c| c != index)
                .map(|&c| self.functions[c].def.name.name.clone())
                .collect();
            cycle.push(def.name.name.clone());
            return self.fail(span, error::recursion(span, def.name.span, &cycle));
        }
        self.calls.push(index);
        let before = self.diagnostics.len();
        let function = Callee {
            name: &def.name.name,
            params: &def.params,
            result: def.result.as_ref(),
            body: &def.body,
            scope,
            definition: def.name.span,
        };
        let result = self.put_in_place(&function, args, first, span);
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
    fn put_in_place(
        &mut self,
        function: &Callee<'a>,
        args: &'a [ast::Arg],
        first: Vec<Expr>,
        span: Span,
    ) -> Expr {
        if self.inside >= DEPTH {
            let name = function.shown().trim_matches('`').to_string();
            let cycle = [name.clone(), name];
            return self.fail(span, error::recursion(span, function.definition, &cycle));
        }
        self.inside += 1;
        let inner = self.open_scope(function.scope);
        let mut bindings = Vec::new();
        let draws = self.may_draw();
        let bound = self.named_within(None, false, |c| {
            c.bind_arguments(function, inner, args, first, span, &mut bindings)
        });
        if bound.is_some() && super::unfold::has_loops(function.body) {
            let value = self.unfold(function.body, inner, bindings, draws, span);
            self.inside -= 1;
            return value;
        }
        let value = match bound {
            Some(()) => self.named_within(None, draws, |c| {
                c.remember(&bindings);
                c.within(inner, |c| c.body(function, span))
            }),
            None => Expr::error(span),
        };
        self.inside -= 1;
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

    fn body(&mut self, function: &Callee<'a>, span: Span) -> Expr {
        let value = self.expr(function.body);
        if let Some(result) = function.result
            && let Some((base, _, dims)) = self.type_expr(result)
        {
            let declared = Type::array(base, dims);
            if !value.ty.is_error() && !self.assignable(&declared, &value.ty) {
                let place = function.body.span;
                return self.fail(
                    span,
                    error::declared_type(result.span, &declared, place, &value.ty),
                );
            }
        }
        value
    }

    /// Names for the arguments in the function's scope; `None` if something is wrong with them.
    fn bind_arguments(
        &mut self,
        function: &Callee<'a>,
        inner: usize,
        args: &'a [ast::Arg],
        first: Vec<Expr>,
        span: Span,
        bindings: &mut Vec<(super::VarId, Expr)>,
    ) -> Option<()> {
        let params = function.params;
        let given = args.len() + first.len();
        let required = params.iter().filter(|p| p.default.is_none()).count();
        if given > params.len() {
            let arity = (required, params.len());
            let problem = error::argument_count(span, &function.signature(), arity, given)
                .at(function.definition, "defined here");
            self.report(problem);
            return None;
        }
        let mut filled: Vec<bool> = vec![false; params.len()];
        let mut position = 0;
        let mut fine = true;
        for value in first {
            filled[position] = true;
            fine &= self.bind_parameter(inner, &params[position], value, bindings);
            position += 1;
        }
        for arg in args {
            let at = self.parameter_of(function, arg, &mut position)?;
            if std::mem::replace(&mut filled[at], true) {
                let (function, name) = (function.shown(), &params[at].name.name);
                let function = function.trim_matches('`');
                self.report(error::parameter_twice(arg.value.span, function, name));
                return None;
            }
            if let Some(binding) = self.function_value(&arg.value) {
                self.scopes[inner]
                    .names
                    .insert(params[at].name.name.clone(), binding);
                continue;
            }
            let value = self.expr(&arg.value);
            fine &= self.bind_parameter(inner, &params[at], value, bindings);
        }
        for (param, filled) in params.iter().zip(&filled) {
            if *filled {
                continue;
            }
            let Some(default) = &param.default else {
                let problem = error::missing_parameter(
                    span,
                    function.shown().trim_matches('`'),
                    &param.name.name,
                    &function.signature(),
                )
                .at(function.definition, "defined here");
                self.report(problem);
                return None;
            };
            if let Some(binding) = self.within(function.scope, |c| c.function_value(default)) {
                let name = param.name.name.clone();
                self.scopes[inner].names.insert(name, binding);
                continue;
            }
            let value = self.within(function.scope, |c| c.expr(default));
            fine &= self.bind_parameter(inner, param, value, bindings);
        }
        fine.then_some(())
    }

    /// Which parameter an argument is for.
    fn parameter_of(
        &mut self,
        function: &Callee<'a>,
        arg: &'a ast::Arg,
        position: &mut usize,
    ) -> Option<usize> {
        let Some(name) = &arg.name else {
            *position += 1;
            return Some(*position - 1);
        };
        let params = function.params;
        let at = params.iter().position(|p| p.name.name == name.name);
        if at.is_none() {
            let known = params.iter().map(|p| p.name.name.as_str());
            self.report(error::unknown_argument(
                name.span,
                &function.signature(),
                function.shown().trim_matches('`'),
                &name.name,
                known,
            ));
        }
        at
    }

    /// A function given as an argument.
    pub(super) fn function_value(&mut self, e: &'a ast::Expr) -> Option<Binding<'a>> {
        let found = match &e.kind {
            ast::ExprKind::Lambda { params, body } => Some(Binding::Lambda {
                params,
                body,
                scope: self.scope,
                span: e.span,
            }),
            ast::ExprKind::Name(name) => self
                .lookup(name)
                .or_else(|| functions::find(name).map(|f| Binding::Own(f.clone()))),
            ast::ExprKind::Field { value, name } => self.member(value, name)?.ok(),
            _ => None,
        };
        let is_function = |b: &Binding| {
            matches!(
                b,
                Binding::Function(_) | Binding::Lambda { .. } | Binding::Own(_)
            )
        };
        found.filter(is_function)
    }

    /// Binds a parameter; names of extents in its declared type become numbers of the body. False if
    /// the value is not of that type.
    fn bind_parameter(
        &mut self,
        scope: usize,
        param: &'a ast::FnParam,
        value: Expr,
        bindings: &mut Vec<(super::VarId, Expr)>,
    ) -> bool {
        self.within(scope, |c| {
            let fits = match &param.ty {
                Some(ty) if !value.ty.is_error() => c.fits_parameter(ty, &value, bindings),
                _ => !value.ty.is_error(),
            };
            let id = c.bind_local(&param.name.name, param.name.span, &value);
            bindings.push((id, value));
            fits
        })
    }

    fn fits_parameter(
        &mut self,
        ty: &'a ast::TypeExpr,
        value: &Expr,
        bindings: &mut Vec<(super::VarId, Expr)>,
    ) -> bool {
        if let Some((_, found)) = value.ty.number()
            && found.len() == ty.dims.len()
        {
            let found = found.to_vec();
            for (axis, (e, dim)) in ty.dims.iter().zip(&found).enumerate() {
                let ast::ExprKind::Name(name) = &e.kind else {
                    continue;
                };
                if self.lookup(name).is_some() {
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
                let id = self.bind_local(name, e.span, &extent);
                bindings.push((id, extent));
            }
        } else if ty
            .dims
            .iter()
            .any(|e| matches!(&e.kind, ast::ExprKind::Name(n) if self.lookup(n).is_none()))
        {
            // Its extents have no names yet: what was written is all there is to say.
            let dims: Vec<String> = ty.dims.iter().map(crate::syntax::print_expr).collect();
            let declared = format!("{}[{}]", ty.base.name, dims.join(", "));
            let problem = error::argument_shape(ty.span, value.span, &declared, &value.ty);
            self.report(problem);
            return false;
        }
        let Some((base, _, dims)) = self.type_expr(ty) else {
            return false;
        };
        let declared = Type::array(base, dims);
        if self.assignable(&declared, &value.ty) {
            return true;
        }
        self.report(error::declared_type(
            ty.span, &declared, value.span, &value.ty,
        ));
        false
    }

    fn method(
        &mut self,
        value: &'a ast::Expr,
        name: &'a ast::Ident,
        args: &'a [ast::Arg],
        span: Span,
    ) -> Expr {
        match self.member(value, name) {
            Some(Ok(member)) => {
                return self.call_binding(member, &name.name, name.span, args, Vec::new(), span);
            }
            Some(Err(())) => return Expr::error(span),
            None => {}
        }
        let receiver = self.expr(value);
        if receiver.ty.is_error() {
            return Expr::error(span);
        }
        if matches!(receiver.ty, Type::Distribution { .. }) {
            return self.distribution_method(receiver, name, args, span);
        }
        match self.lookup(&name.name) {
            Some(function @ (Binding::Function(_) | Binding::Lambda { .. } | Binding::Own(_))) => {
                self.call_binding(function, &name.name, name.span, args, vec![receiver], span)
            }
            _ => match functions::find(&name.name) {
                Some(function) => {
                    let checked = self.positional(&name.name, vec![receiver], args);
                    self.apply(function, checked, span)
                }
                None => {
                    let known: Vec<&str> = functions::all().map(|f| &*f.name).collect();
                    self.fail(span, error::unknown_function(name.span, &name.name, known))
                }
            },
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
                error::argument_count(
                    span,
                    &format!("`.{}`", name.name),
                    (arity, arity),
                    args.len(),
                ),
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
                    return self.fail(
                        span,
                        error::draw_shape(x.span, "this", &x.ty, dist.span, &dist.ty),
                    );
                };
                let (wide, narrow) = if lead >= array.len() {
                    (&given[..lead], &array[..])
                } else {
                    (&array[..], &given[..lead])
                };
                if !super::statement::dims_fit(&wide[wide.len() - narrow.len()..], narrow) {
                    return self.fail(
                        span,
                        error::draw_shape(x.span, "this", &x.ty, dist.span, &dist.ty),
                    );
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
        match self.member(value, name) {
            Some(Ok(member)) => return self.bound(member, span),
            Some(Err(())) => return Expr::error(span),
            None => {}
        }
        if let Some(site) = self.site_of(value, name) {
            return self.bound(Binding::Var(site), span);
        }
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
        let function = functions::find(&name.name).is_some();
        let label = matches!(checked.kind, ExprKind::Var(id) if self.is_label(id));
        self.fail(
            span,
            error::unknown_field(name.span, &name.name, function, label),
        )
    }

    pub(super) fn is_label(&self, id: super::VarId) -> bool {
        self.program
            .data
            .iter()
            .any(|d| d.var == id && d.refinement == super::program::Refinement::Label)
    }
}
