//! Distributions as values: arguments matched to a family's declaration, shapes of draws.

use super::program::{DistArg, Expr, ExprKind};
use super::{Checker, error};
use crate::diag::Span;
use crate::dist::{Declaration, DefaultValue, Domain, EventAxis, Family, Kind, Parameter, Values};
use crate::syntax::ast;
use crate::types::{Base, Dim, Same, Type};

/// An argument as it was written, checked.
enum Given<'a> {
    One(Expr),
    List(Vec<Expr>, Span),
    /// A function, which is checked with an argument of its own.
    Function(&'a ast::Expr),
}

impl Given<'_> {
    fn span(&self) -> Span {
        match self {
            Given::One(e) => e.span,
            Given::List(_, span) => *span,
            Given::Function(e) => e.span,
        }
    }
}

impl<'a> Checker<'a> {
    /// What stands right of `~`.
    pub(super) fn expr_of_distribution(&mut self, e: &'a ast::Expr) -> Option<Expr> {
        // A function of the user's is a draw from the distribution that it gives.
        let checked = self.expr(e);
        match checked.ty {
            Type::Distribution { .. } => Some(checked),
            Type::Error => None,
            _ => {
                self.report(error::not_a_distribution(e.span, &checked.ty));
                None
            }
        }
    }

    /// A family with arguments; `first` is the receiver of a method.
    pub(super) fn distribution(
        &mut self,
        family: &'static dyn Family,
        first: Option<Expr>,
        args: &'a [ast::Arg],
        span: Span,
    ) -> Expr {
        let declaration = family.declaration();
        let mut positional: Vec<Given<'a>> = first.into_iter().map(Given::One).collect();
        let mut named: Vec<(&'a ast::Ident, Given<'a>)> = Vec::new();
        let mut failed = false;
        for arg in args {
            let value = match takes_function(declaration, positional.len(), arg.name.as_ref()) {
                true => Given::Function(&arg.value),
                false => self.given(&arg.value),
            };
            failed |= matches!(&value, Given::One(e) if e.ty.is_error());
            match &arg.name {
                Some(name) => named.push((name, value)),
                None => positional.push(value),
            }
        }
        if failed {
            return Expr::error(span);
        }
        let names: Vec<&str> = named.iter().map(|(n, _)| n.name.as_str()).collect();
        let form = match pick_form(declaration, positional.len(), &names) {
            Ok(form) => form,
            Err(mistake) => {
                let problem = mistake.report(declaration, &positional, &named, span);
                return self.fail(span, problem);
            }
        };
        self.match_arguments(family, form, positional, named, span)
    }

    fn given(&mut self, e: &'a ast::Expr) -> Given<'a> {
        // A list literal may hold distributions, which are no elements of an array.
        if let ast::ExprKind::Array(elements) = &e.kind {
            let checked: Vec<Expr> = elements.iter().map(|e| self.expr(e)).collect();
            if !checked.is_empty()
                && checked
                    .iter()
                    .all(|c| matches!(c.ty, Type::Distribution { .. }))
            {
                return Given::List(checked, e.span);
            }
        }
        Given::One(self.expr(e))
    }

    fn match_arguments(
        &mut self,
        family: &'static dyn Family,
        form: usize,
        positional: Vec<Given<'a>>,
        named: Vec<(&'a ast::Ident, Given<'a>)>,
        span: Span,
    ) -> Expr {
        let declaration = family.declaration();
        let parameters = declaration.forms[form].parameters;
        let mut slots: Vec<Option<Given<'a>>> = parameters.iter().map(|_| None).collect();
        for (slot, value) in slots.iter_mut().zip(positional) {
            *slot = Some(value);
        }
        for (name, value) in named {
            let Some(at) = parameters.iter().position(|p| p.name == name.name) else {
                continue;
            };
            if slots[at].is_some() {
                return self.fail(
                    span,
                    error::parameter_twice(name.span, declaration.name, &name.name),
                );
            }
            slots[at] = Some(value);
        }
        let mut args = Vec::new();
        for (parameter, slot) in parameters.iter().zip(slots) {
            let arg = match slot {
                Some(given) => self.argument(declaration.name, parameter, given),
                None => Some(match parameter.default {
                    DefaultValue::Number(x) => DistArg::Number(x),
                    DefaultValue::Absent | DefaultValue::Required => DistArg::Absent,
                }),
            };
            let Some(arg) = arg else {
                return Expr::error(span);
            };
            args.push(arg);
        }
        match self.draw_type(declaration, parameters, &args, span) {
            Some(ty) => Expr {
                kind: ExprKind::Distribution { family, form, args },
                ty,
                span,
                size: None,
            },
            None => Expr::error(span),
        }
    }

    fn argument(&mut self, dist: &str, parameter: &Parameter, given: Given<'a>) -> Option<DistArg> {
        if let Given::Function(e) = given {
            let chain = self.one_to_one(dist, parameter.name, e)?;
            return Some(DistArg::Function(chain));
        }
        let expected = match parameter.kind {
            Kind::Value { rank, .. } => match given {
                Given::One(e) if e.ty.number().is_some() && e.ty.rank() >= rank => {
                    return self.constant_domain(dist, parameter, e).map(DistArg::Value);
                }
                _ => ["a number or an array of numbers", "a vector", "a matrix"][rank.min(2)],
            },
            Kind::Dimension => match given {
                Given::One(e) if matches!(e.ty.number(), Some((Base::Int, []))) => {
                    self.expect_known(&e, &format!("`{}`", parameter.name));
                    return Some(DistArg::Dimension(e));
                }
                _ => "a whole number known from data",
            },
            Kind::Distribution => match given {
                Given::One(e) if matches!(e.ty, Type::Distribution { .. }) => {
                    return Some(DistArg::Distribution(e));
                }
                _ => "a distribution",
            },
            Kind::Distributions => match given {
                Given::List(all, _) => return Some(DistArg::Distributions(all)),
                Given::One(e) if matches!(&e.ty, Type::Distribution { array, .. } if !array.is_empty()) =>
                {
                    return Some(DistArg::Distributions(vec![e]));
                }
                _ => "distributions: `[d1, d2]`, or one with an array of parameters",
            },
            Kind::Function => "a function of one number",
        };
        let (span, ty) = match &given {
            Given::One(e) => (e.span, e.ty.clone()),
            Given::List(all, span) => (*span, all[0].ty.clone()),
            Given::Function(e) => (e.span, Type::Function),
        };
        let name = parameter.name;
        self.report(error::parameter_kind(span, dist, name, expected, &ty));
        None
    }

    /// A literal outside of the parameter's domain is seen before any data.
    fn constant_domain(&mut self, dist: &str, parameter: &Parameter, e: Expr) -> Option<Expr> {
        let literal = match &e.kind {
            ExprKind::Number(x) => Some(*x),
            ExprKind::Call { function, args } if function.name == "negate" => match args[0].kind {
                ExprKind::Number(x) => Some(-x),
                _ => None,
            },
            _ => None,
        };
        if let (Some(x), Kind::Value { domain, .. }) = (literal, parameter.kind)
            && let Some(words) = domain.refuses(x)
        {
            self.report(error::parameter_domain(
                e.span,
                dist,
                parameter.name,
                words,
                x,
            ));
            return None;
        }
        Some(e)
    }

    /// Base, array and event of draws.
    fn draw_type(
        &mut self,
        declaration: &Declaration,
        parameters: &[Parameter],
        args: &[DistArg],
        span: Span,
    ) -> Option<Type> {
        // Array axes: those of values beyond their own, and of wrapped distributions.
        let mut array: Vec<Dim> = Vec::new();
        let mut widest: Option<Span> = None;
        let taken_of_last = |at: usize| {
            declaration
                .event
                .iter()
                .any(|a| matches!(a, EventAxis::LastOf { position } if *position == at))
        };
        for (at, (parameter, arg)) in parameters.iter().zip(args).enumerate() {
            let extents = match (arg, parameter.kind) {
                (DistArg::Value(e), Kind::Value { rank, .. }) => {
                    let (_, dims) = e.ty.number()?;
                    vec![(dims[..dims.len() - rank].to_vec(), e.span)]
                }
                (DistArg::Distribution(e), _) => {
                    let Type::Distribution { array, .. } = &e.ty else {
                        return None;
                    };
                    let mut dims = array.clone();
                    if taken_of_last(at) {
                        if dims.is_empty() {
                            let problem = error::parameter_kind(
                                e.span,
                                declaration.name,
                                parameter.name,
                                "a distribution of an array, such as `d ^ K`",
                                &e.ty,
                            );
                            self.report(problem);
                            return None;
                        }
                        dims.pop();
                    }
                    vec![(dims, e.span)]
                }
                (DistArg::Distributions(all), _) => {
                    let Type::Distribution { array, .. } = &all[0].ty else {
                        return None;
                    };
                    let mut dims = array.clone();
                    if all.len() == 1 {
                        dims.pop();
                    }
                    vec![(dims, all[0].span)]
                }
                (DistArg::Function(chain), _) => {
                    let extents = |e: &Expr| Some((e.ty.number()?.1.to_vec(), e.span));
                    chain.values().map(extents).collect::<Option<Vec<_>>>()?
                }
                _ => continue,
            };
            for (dims, place) in extents {
                let wider = widest.is_none() || dims.len() > array.len();
                array = self.join_arrays(array, widest, dims, place)?;
                if wider {
                    widest = Some(place);
                }
            }
        }
        self.expect_counts(declaration, parameters, args)?;
        self.expect_transformable(declaration, args)?;
        let event = self.event_dims(declaration, args)?;
        let base = match declaration.values {
            Values::Real => Base::Real,
            Values::Integer => Base::Int,
            Values::AsInner(at) => match args.get(at) {
                Some(DistArg::Distribution(e)) => dist_base(e),
                Some(DistArg::Distributions(all)) => {
                    let first = dist_base(&all[0]);
                    if let Some(other) = all.iter().find(|d| dist_base(d) != first) {
                        self.report(error::elements_differ(
                            all[0].span,
                            &all[0].ty,
                            other.span,
                            &other.ty,
                        ));
                        return None;
                    }
                    first
                }
                _ => Base::Real,
            },
        };
        let _ = span;
        Some(Type::Distribution { base, array, event })
    }

    /// What a function is applied to is a real number.
    fn expect_transformable(&mut self, declaration: &Declaration, args: &[DistArg]) -> Option<()> {
        let Domain::Image(at) = declaration.support else {
            return Some(());
        };
        let Some(DistArg::Distribution(inner)) = args.get(at) else {
            return None;
        };
        match &inner.ty {
            Type::Distribution {
                base: Base::Real,
                event,
                ..
            } if event.is_empty() => Some(()),
            found => {
                let problem = error::not_transformable(inner.span, declaration.name, found);
                self.report(problem);
                None
            }
        }
    }

    /// As many weights as distributions.
    fn expect_counts(
        &mut self,
        declaration: &Declaration,
        parameters: &[Parameter],
        args: &[DistArg],
    ) -> Option<()> {
        let of_weights = parameters
            .iter()
            .zip(args)
            .find_map(|(p, arg)| match (p.kind, arg) {
                (Kind::Value { rank: 1, .. }, DistArg::Value(e)) => {
                    let dim = e.ty.number()?.1.last()?.clone();
                    Some((e.span, p.name, dim))
                }
                _ => None,
            });
        let of_components = args.iter().find_map(|arg| match arg {
            DistArg::Distributions(all) => match (&all[..], &all[0].ty) {
                ([one], Type::Distribution { array, .. }) if !array.is_empty() => {
                    Some((one.span, array.last()?.clone()))
                }
                _ => Some((
                    all[0].span.to(all[all.len() - 1].span),
                    (all.len() as i64).into(),
                )),
            },
            _ => None,
        });
        if let (Some((weights, name, a)), Some((components, b))) = (of_weights, of_components)
            && a.compare(&b) == Same::No
        {
            let dist = declaration.name;
            self.report(error::counts_differ(
                dist,
                (weights, name, &a),
                (components, &b),
            ));
            return None;
        }
        Some(())
    }

    fn join_arrays(
        &mut self,
        a: Vec<Dim>,
        place_a: Option<Span>,
        b: Vec<Dim>,
        place_b: Span,
    ) -> Option<Vec<Dim>> {
        let (wide, narrow) = if a.len() >= b.len() {
            (&a, &b)
        } else {
            (&b, &a)
        };
        let offset = wide.len() - narrow.len();
        let differ = narrow
            .iter()
            .zip(&wide[offset..])
            .find(|(x, y)| x.compare(y) == Same::No);
        if let Some((x, y)) = differ {
            let (of_a, of_b) = if a.len() >= b.len() { (y, x) } else { (x, y) };
            let ty = |dims: &Vec<Dim>| Type::array(Base::Real, dims.clone());
            self.report(error::dimensions_differ(
                (place_a.unwrap_or(place_b), &ty(&a), of_a),
                (place_b, &ty(&b), of_b),
            ));
            return None;
        }
        Some(wide.clone())
    }

    fn event_dims(&mut self, declaration: &Declaration, args: &[DistArg]) -> Option<Vec<Dim>> {
        let mut dims = Vec::new();
        for axis in declaration.event {
            match *axis {
                EventAxis::Of { position, axis } => {
                    let DistArg::Value(e) = args.get(position)? else {
                        return None;
                    };
                    let (_, all) = e.ty.number()?;
                    let own = declaration.forms.iter().find_map(|f| {
                        match f.parameters.get(position)?.kind {
                            Kind::Value { rank, .. } => Some(rank),
                            _ => None,
                        }
                    })?;
                    dims.push(all[all.len() - own + axis].clone());
                }
                EventAxis::Number { position } => match args.get(position)? {
                    DistArg::Dimension(e) => {
                        dims.push(
                            e.size
                                .clone()
                                .unwrap_or_else(|| Dim::opaque(format!("#{}", e.span.start))),
                        );
                    }
                    DistArg::Number(n) => dims.push((*n as i64).into()),
                    _ => return None,
                },
                EventAxis::LastOf { position } => {
                    let DistArg::Distribution(e) = args.get(position)? else {
                        return None;
                    };
                    let Type::Distribution { array, .. } = &e.ty else {
                        return None;
                    };
                    dims.push(array.last()?.clone());
                }
                EventAxis::AllOf { position } => {
                    let inner = match args.get(position)? {
                        DistArg::Distribution(e) => e,
                        DistArg::Distributions(all) => &all[0],
                        _ => return None,
                    };
                    let Type::Distribution { event, .. } = &inner.ty else {
                        return None;
                    };
                    dims.extend(event.iter().cloned());
                }
            }
        }
        Some(dims)
    }

    /// `d ^ K`, `d ^ (N, K)`
    pub(super) fn power(&mut self, dist: Expr, right: &'a ast::Expr, span: Span) -> Expr {
        let counts: Vec<&'a ast::Expr> = match &right.kind {
            ast::ExprKind::Tuple(all) => all.iter().collect(),
            _ => vec![right],
        };
        let mut dims = Vec::new();
        let mut checked = Vec::new();
        for e in counts {
            let count = self.expr(e);
            match count.ty.number() {
                Some((Base::Int, [])) => {}
                _ if count.ty.is_error() => return Expr::error(span),
                _ => return self.fail(span, error::power_of(count.span, &count.ty)),
            }
            self.expect_known(&count, "the number of copies");
            dims.push(
                count
                    .size
                    .clone()
                    .unwrap_or_else(|| Dim::opaque(crate::syntax::print_expr(e))),
            );
            checked.push(count);
        }
        let Type::Distribution { base, array, event } = dist.ty.clone() else {
            return Expr::error(span);
        };
        dims.extend(array);
        let ty = Type::Distribution {
            base,
            array: dims,
            event,
        };
        Expr {
            kind: ExprKind::Power {
                dist: Box::new(dist),
                dims: checked,
            },
            ty,
            span,
            size: None,
        }
    }
}

/// Whether an argument at a position or with a name is a function.
fn takes_function(declaration: &Declaration, position: usize, name: Option<&ast::Ident>) -> bool {
    let parameters = declaration.forms[0].parameters;
    let parameter = match name {
        Some(name) => parameters.iter().find(|p| p.name == name.name),
        None => parameters.get(position),
    };
    parameter.is_some_and(|p| p.kind == Kind::Function)
}

fn dist_base(e: &Expr) -> Base {
    match e.ty {
        Type::Distribution { base, .. } => base,
        _ => Base::Real,
    }
}

/// Why no form fits the arguments.
enum Mistake {
    Unknown(usize),
    TooMany,
    Missing(&'static str),
    Mixed,
}

impl Mistake {
    fn report(
        self,
        declaration: &Declaration,
        positional: &[Given<'_>],
        named: &[(&ast::Ident, Given<'_>)],
        span: Span,
    ) -> crate::diag::Diagnostic {
        let forms = forms_text(declaration);
        let name = declaration.name;
        match self {
            Mistake::Unknown(at) => {
                let ident = named[at].0;
                let known = declaration
                    .forms
                    .iter()
                    .flat_map(|f| f.parameters.iter().map(|p| p.name));
                let problem = error::unknown_parameter(ident.span, name, &ident.name, &forms);
                match crate::diag::closest(&ident.name, known) {
                    Some(close) => problem.help(format!(
                        "did you mean `{close}`? `{name}` is written {forms}"
                    )),
                    None => problem,
                }
            }
            Mistake::TooMany => {
                let place = positional.last().map_or(span, Given::span);
                error::too_many_parameters(place, name, &forms)
            }
            Mistake::Missing(parameter) => error::missing_parameter(span, name, parameter, &forms),
            Mistake::Mixed => {
                let place = named.last().map_or(span, |(n, _)| n.span);
                error::parameters_mixed(place, name, &forms)
            }
        }
    }
}

/// ``Normal(mu, sigma)` or `Normal(mu, precision)``
pub fn forms_text(declaration: &Declaration) -> String {
    let forms: Vec<String> = declaration
        .forms
        .iter()
        .map(|form| {
            let parameters: Vec<String> = form
                .parameters
                .iter()
                .map(|p| match p.default {
                    DefaultValue::Required => p.name.to_string(),
                    DefaultValue::Number(x) => format!("{} = {x}", p.name),
                    DefaultValue::Absent => format!("[{}]", p.name),
                })
                .collect();
            format!("`{}({})`", declaration.name, parameters.join(", "))
        })
        .collect();
    forms.join(" or ")
}

fn pick_form(
    declaration: &Declaration,
    positional: usize,
    names: &[&str],
) -> Result<usize, Mistake> {
    let mut best: Option<Mistake> = None;
    let known = |name: &str| {
        declaration
            .forms
            .iter()
            .any(|f| f.parameters.iter().any(|p| p.name == name))
    };
    if let Some(at) = names.iter().position(|n| !known(n)) {
        return Err(Mistake::Unknown(at));
    }
    for (index, form) in declaration.forms.iter().enumerate() {
        if !names
            .iter()
            .all(|n| form.parameters.iter().any(|p| p.name == *n))
        {
            best.get_or_insert(Mistake::Mixed);
            continue;
        }
        if positional > form.parameters.len() {
            best = Some(Mistake::TooMany);
            continue;
        }
        let missing = form.parameters.iter().enumerate().find(|(i, p)| {
            p.default == DefaultValue::Required && *i >= positional && !names.contains(&p.name)
        });
        match missing {
            None => return Ok(index),
            Some((_, p)) => {
                if !matches!(best, Some(Mistake::Missing(_))) {
                    best = Some(Mistake::Missing(p.name));
                }
            }
        }
    }
    Err(best.unwrap_or(Mistake::TooMany))
}
