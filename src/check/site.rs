//! `param` and `~` in functions: they become statements of the program, named after what the call is
//! bound to.
//!
//! `let h = dense(x[i], 3)` learns `h.w`, one for all turns of the loops around; `h[i] ~ f(x[i])` draws
//! `h.w[i]`, one for each. Within a function the names go on: `h.first.w`.

use super::program::{Expr, ExprKind, Index, Init, Nest, Statement, StatementKind, Target, VarId};
use super::{Binding, Checker, VariableKind, error};
use crate::diag::Span;
use crate::syntax::ast;
use crate::types::{Atom, Dim, Type};
use std::collections::HashSet;

/// Where the statements go that functions make.
#[derive(Clone)]
pub(super) struct Site {
    /// What their names begin with, where the call has a name.
    pub(super) path: Option<String>,
    /// The statement of the program that the call stands in.
    pub(super) leaf: usize,
    /// Whether what is looked at may draw: it stands after `~`.
    pub(super) draws: bool,
    /// Values of names of the functions around.
    pub(super) bindings: Vec<(VarId, Expr)>,
}

/// What a statement in a function has given.
pub(super) enum Made {
    /// A name for it, put into the scope, with its value if that is not the variable itself.
    Bound(Option<(VarId, Expr)>),
    Failed,
}

impl<'a> Checker<'a> {
    /// Where calls in a statement of the program go.
    pub(super) fn site_at(&self, leaf: usize) -> Site {
        Site {
            path: None,
            leaf,
            draws: false,
            bindings: Vec::new(),
        }
    }

    /// Runs where calls of functions are named after a target.
    pub(super) fn named_after<T>(
        &mut self,
        target: &ast::Target,
        draws: bool,
        run: impl FnOnce(&mut Checker<'a>) -> T,
    ) -> T {
        let before = self.site.clone();
        let call = self.call.as_ref().map(|call| call.path.clone());
        if let Some(site) = &mut self.site {
            let own = path_of_target(target);
            site.path = match call {
                // A guide's names are beside the model's.
                None if self.guide.is_some() => own.map(|own| format!("guide.{own}")),
                None => own,
                Some(path) => path.zip(own).map(|(path, own)| format!("{path}.{own}")),
            };
            site.draws = draws;
        }
        let result = run(self);
        self.site = before;
        result
    }

    /// Runs where calls are named after a name within the present function.
    pub(super) fn named_within<T>(
        &mut self,
        name: Option<&str>,
        draws: bool,
        run: impl FnOnce(&mut Checker<'a>) -> T,
    ) -> T {
        let before = self.site.clone();
        if let Some(site) = &mut self.site {
            site.draws = draws;
            if let Some(name) = name {
                site.path = site.path.as_ref().map(|path| format!("{path}.{name}"));
            }
        }
        let result = run(self);
        self.site = before;
        result
    }

    /// Whether what is looked at stands after `~`.
    pub(super) fn may_draw(&self) -> bool {
        self.site.as_ref().is_some_and(|site| site.draws)
    }

    /// Remembers values that statements made later may read.
    pub(super) fn remember(&mut self, bindings: &[(VarId, Expr)]) {
        if let Some(site) = &mut self.site {
            site.bindings.extend_from_slice(bindings);
        }
    }

    /// The function that is called, if it draws.
    pub(super) fn drawing_call(&self, e: &ast::Expr) -> Option<&'a ast::FnDef> {
        let ast::ExprKind::Call { callee, .. } = &e.kind else {
            return None;
        };
        let binding = match &callee.kind {
            ast::ExprKind::Name(name) => self.lookup(name),
            ast::ExprKind::Field { value, name } => {
                let module = match &value.kind {
                    ast::ExprKind::Name(module) => self.lookup(module),
                    _ => None,
                };
                match module {
                    Some(Binding::Module(scope, _)) => {
                        self.scopes[scope].names.get(&name.name).cloned()
                    }
                    _ => self.lookup(&name.name),
                }
            }
            _ => None,
        };
        let Some(Binding::Function(index)) = binding else {
            return None;
        };
        let def = self.functions[index].def;
        match &def.body.kind {
            ast::ExprKind::Block(statements) if statements.iter().any(draws) => Some(def),
            _ => None,
        }
    }

    /// A draw in a function.
    pub(super) fn draw_in_function(
        &mut self,
        name: &'a ast::Ident,
        dist: &'a ast::Expr,
        span: Span,
    ) -> Made {
        if self.drawing_call(dist).is_some() {
            let value = self.named_within(Some(&name.name), true, |c| c.expr(dist));
            if value.ty.is_error() {
                return Made::Failed;
            }
            let id = self.bind_local(&name.name, name.span, &value);
            return Made::Bound(Some((id, value)));
        }
        let Some(site) = self.site.clone().filter(|site| site.draws) else {
            self.report(error::draw_without_tilde(span, &name.name));
            return Made::Failed;
        };
        let checked = self.named_within(None, false, |c| c.expr_of_distribution(dist));
        let Some(checked) = checked else {
            return Made::Failed;
        };
        let Type::Distribution { base, array, event } = checked.ty.clone() else {
            return Made::Failed;
        };
        let Some(full) = self.new_site(&site, name) else {
            return Made::Failed;
        };
        let nest = self.check_nest(site.leaf);
        let loops: Vec<VarId> = nest
            .iter()
            .filter_map(|n| match n {
                Nest::For { var, .. } => Some(*var),
                Nest::If { .. } => None,
            })
            .collect();
        let indices: Vec<Expr> = loops.iter().map(|&id| self.index_value(id, span)).collect();
        let over = indices.iter().filter_map(|i| i.size.as_ref());
        let over: Vec<Dim> = over.map(|size| self.largest(size)).collect();
        let own: Vec<Dim> = array.iter().chain(&event).cloned().collect();
        let ty = Type::array(base, [over, own.clone()].concat());
        let var = self.new_variable(&full, name.span, VariableKind::Latent, ty);
        self.latents.insert(var, var);
        self.site_names.insert(full, var);
        self.make(Statement {
            kind: StatementKind::Draw {
                target: Target {
                    var,
                    indices: indices.clone(),
                    span: name.span,
                },
                dist: with_bindings(&site.bindings, checked),
            },
            nest,
            span,
        });
        if indices.is_empty() {
            self.scopes[self.scope]
                .names
                .insert(name.name.clone(), Binding::Var(var));
            return Made::Bound(None);
        }
        let whole = self.bound(Binding::Var(var), name.span);
        let element = self.element(whole, indices);
        let id = self.bind_local(&name.name, name.span, &element);
        Made::Bound(Some((id, element)))
    }

    /// `whole[indices]`
    pub(super) fn element(&mut self, whole: Expr, indices: Vec<Expr>) -> Expr {
        let (base, dims) = match whole.ty.number() {
            Some((base, dims)) => (base, dims.get(indices.len()..).unwrap_or(&[]).to_vec()),
            None => return Expr::error(whole.span),
        };
        self.indices += 1;
        Expr {
            ty: Type::array(base, dims),
            span: whole.span,
            size: None,
            kind: ExprKind::Index {
                id: self.indices,
                value: Box::new(whole),
                indices: indices.into_iter().map(Index::At).collect(),
            },
        }
    }

    /// A learned parameter in a function: one for all turns of the loops around.
    pub(super) fn param_in_function(
        &mut self,
        name: &'a ast::Ident,
        ty: &'a ast::TypeExpr,
        init: &'a Option<ast::Expr>,
        span: Span,
    ) -> Made {
        let Some(site) = self.site.clone().filter(|site| site.path.is_some()) else {
            self.report(error::site_without_name(span, &name.name));
            return Made::Failed;
        };
        let Some(full) = self.new_site(&site, name) else {
            return Made::Failed;
        };
        let var = self.new_variable(&full, name.span, VariableKind::Param, Type::Error);
        self.latents.insert(var, var);
        self.site_names.insert(full.clone(), var);
        let kind = self.named_within(None, false, |c| c.check_param(var, name, ty, init));
        let Some(mut kind) = kind else {
            return Made::Failed;
        };
        if let StatementKind::Param {
            dims,
            extents,
            init,
            ..
        } = &mut kind
        {
            for extent in extents.iter_mut().flatten() {
                *extent = with_bindings(&site.bindings, extent.clone());
            }
            let turning = dims
                .iter()
                .flat_map(|d| d.terms.keys())
                .find(|atom| matches!(atom, Atom::Loop(..)));
            let mut turning = turning.map(|atom| ("extents", atom.to_string()));
            if let Some(Init::Value(value)) = init {
                *value = with_bindings(&site.bindings, value.clone());
                value.variables(&mut |id| {
                    if self.variable(id).kind == VariableKind::Loop {
                        turning = Some(("start", self.variable(id).name.clone()));
                    }
                });
            }
            if let Some((what, index)) = turning {
                self.report(error::param_of_a_turn(ty.span, &full, what, &index));
                return Made::Failed;
            }
        }
        self.make(Statement {
            kind,
            nest: Vec::new(),
            span,
        });
        self.scopes[self.scope]
            .names
            .insert(name.name.clone(), Binding::Var(var));
        Made::Bound(None)
    }

    /// The full name of a new site; an error is reported where there is one of that name.
    pub(super) fn new_site(&mut self, site: &Site, name: &ast::Ident) -> Option<String> {
        let full = format!("{}.{}", site.path.as_deref()?, name.name);
        if let Some(&first) = self.site_names.get(&full) {
            let place = self.leaves[site.leaf].statement.span;
            let first = self.variable(first).span;
            self.report(error::site_twice(place, first, &full));
            return None;
        }
        Some(full)
    }

    pub(super) fn index_value(&self, id: VarId, span: Span) -> Expr {
        let variable = self.variable(id);
        Expr {
            kind: ExprKind::Var(id),
            ty: variable.ty.clone(),
            span,
            size: variable.size.clone(),
        }
    }

    /// The site that a path such as `h.first.w` names.
    pub(super) fn site_of(&mut self, value: &'a ast::Expr, name: &ast::Ident) -> Option<VarId> {
        let (root, path) = value.path()?;
        self.site_at_path(root, &format!("{path}.{}", name.name), value.span)
    }

    /// The site of a path that begins with a name: calls that are bound to the name make it.
    pub(super) fn site_at_path(&mut self, root: &str, path: &str, span: Span) -> Option<VarId> {
        let Some(Binding::Var(id)) = self.lookup(root) else {
            return None;
        };
        self.ensure(id, span);
        self.site_names.get(path).copied()
    }
}

/// Whether a statement draws, itself or in its block.
fn draws(statement: &ast::Statement) -> bool {
    match &statement.kind {
        ast::StatementKind::Draw { .. } => true,
        ast::StatementKind::For { body, .. } => body.iter().any(draws),
        ast::StatementKind::If {
            then, otherwise, ..
        } => then.iter().chain(otherwise.iter().flatten()).any(draws),
        _ => false,
    }
}

/// The name of a target, with its indices where they are numbers.
fn path_of_target(target: &ast::Target) -> Option<String> {
    let ast::Target::Element { name, indices, .. } = target else {
        return None;
    };
    let numbers: Option<Vec<String>> = indices
        .iter()
        .map(|i| match i {
            ast::Index::At(e) => match e.kind {
                ast::ExprKind::Int(n) => Some(n.to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    Some(match numbers {
        Some(numbers) if !numbers.is_empty() => format!("{}[{}]", name.name, numbers.join(", ")),
        _ => name.name.clone(),
    })
}

/// A value with those names bound that it reads, directly or not.
pub(super) fn with_bindings(bindings: &[(VarId, Expr)], value: Expr) -> Expr {
    let mut wanted = HashSet::new();
    value.variables(&mut |id| {
        wanted.insert(id);
    });
    let mut read: Vec<(VarId, Expr)> = Vec::new();
    for (id, bound) in bindings.iter().rev() {
        if wanted.contains(id) {
            bound.variables(&mut |id| {
                wanted.insert(id);
            });
            read.push((*id, bound.clone()));
        }
    }
    if read.is_empty() {
        return value;
    }
    read.reverse();
    let (ty, span, size) = (value.ty.clone(), value.span, value.size.clone());
    Expr {
        kind: ExprKind::Let {
            bindings: read,
            body: Box::new(value),
        },
        ty,
        span,
        size,
    }
}
