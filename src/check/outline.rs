//! The outline of a program: which names there are and which statements define them, before any
//! expression is looked at.

use super::{
    Binding, Block, BlockKind, Checker, Function, Leaf, Scope, State, VarId, VariableKind, error,
};
use crate::diag::Span;
use crate::functions;
use crate::modules::Module;
use crate::syntax::ast::{self, ExprKind, StatementKind, Target};
use crate::types::{Base, Dim, Type};
use std::sync::Arc;

impl<'a> Checker<'a> {
    pub(super) fn outline(&mut self, modules: &'a [Module], host: &[Arc<functions::Function>]) {
        // The program's scope is the first.
        let scopes: Vec<usize> = (self.scope..self.scope + modules.len()).collect();
        self.scopes
            .resize_with(modules.len().max(1), Scope::default);
        self.surround(host);
        for (module, &scope) in modules.iter().zip(&scopes) {
            self.within(scope, |c| c.outline_names(module, &scopes));
        }
        let Some(Module { ast, .. }) = modules.first() else {
            return;
        };
        // Data first: whether a name that is drawn is observed does not depend on the order.
        for statement in &ast.statements {
            if let StatementKind::Data { name, .. } = &statement.kind {
                let id = self.new_variable(&name.name, name.span, VariableKind::Data, Type::Error);
                self.bind(name, Binding::Var(id));
                self.data.push(statement);
            }
        }
        // Names of extents that are no data are dimensions, whatever else has the name.
        for statement in self.data.clone() {
            if let StatementKind::Data { ty, .. } = &statement.kind {
                ty.dims.iter().for_each(|e| self.bind_dimensions(e));
            }
        }
        let scope = self.scope;
        self.outline_block(&ast.statements, scope, &[], true);
    }

    /// Puts a scope around those of the modules, of what the program around offers.
    fn surround(&mut self, host: &[Arc<functions::Function>]) {
        let around = self.scopes.len();
        self.scopes.iter_mut().for_each(|s| s.parent = Some(around));
        let names = host
            .iter()
            .map(|f| (f.name.to_string(), Binding::Own(f.clone())));
        self.scopes.push(Scope {
            parent: None,
            names: names.collect(),
        });
    }

    /// A module's imports and functions; of others than the program all that they hold.
    fn outline_names(&mut self, module: &'a Module, scopes: &[usize]) {
        let scope = self.scope;
        for import in &module.imports {
            let binding = Binding::Module(scopes[import.module], import.name.span);
            self.bind(&import.name, binding);
        }
        for statement in &module.ast.statements {
            match &statement.kind {
                StatementKind::Fn(def) => {
                    self.functions.push(Function { def, scope });
                    let index = self.functions.len() - 1;
                    self.bind(&def.name, Binding::Function(index));
                }
                _ if scope == 0 => {}
                StatementKind::Import { .. } | StatementKind::Error => {}
                StatementKind::Let {
                    target: Target::Element { name, indices, .. },
                    value,
                } if indices.is_empty() => {
                    let span = name.span;
                    let binding = match &value.kind {
                        ExprKind::Lambda { params, body } => Binding::Lambda {
                            params,
                            body,
                            scope,
                            span,
                        },
                        _ => Binding::Constant { value, scope, span },
                    };
                    self.bind(name, binding);
                }
                _ => self.report(error::not_in_a_module(statement.span, &module.name)),
            }
        }
    }

    pub(super) fn bind(&mut self, name: &ast::Ident, binding: Binding<'a>) {
        if let Some(first) = self.scopes[self.scope].names.get(&name.name).cloned() {
            let first = self.place_of(&first);
            self.report(error::defined_twice(name.span, first, &name.name));
            return;
        }
        let scope = self.scope;
        self.scopes[scope].names.insert(name.name.clone(), binding);
    }

    pub(super) fn place_of(&self, binding: &Binding<'a>) -> Span {
        match binding {
            Binding::Var(id) => self.variable(*id).span,
            Binding::Function(f) => self.functions[*f].def.name.span,
            Binding::Own(_) => Span::default(),
            Binding::Lambda { span, .. }
            | Binding::Constant { span, .. }
            | Binding::Module(_, span) => *span,
        }
    }

    pub(super) fn outline_block(
        &mut self,
        statements: &'a [ast::Statement],
        scope: usize,
        nest: &[usize],
        top: bool,
    ) {
        for statement in statements {
            self.within(scope, |c| c.outline_statement(statement, nest, top));
        }
    }

    fn outline_statement(&mut self, statement: &'a ast::Statement, nest: &[usize], top: bool) {
        let span = statement.span;
        match &statement.kind {
            StatementKind::Data { .. } if top => {}
            StatementKind::Data { .. } => self.report(error::nested_declaration(span, "`data`")),
            StatementKind::Fn(_) | StatementKind::Import { .. } if top => {}
            StatementKind::Fn(_) => self.report(error::nested_declaration(span, "`fn`")),
            StatementKind::Param { name, .. } if top || self.guide == Some(self.scope) => {
                let id = self.new_variable(&name.name, name.span, VariableKind::Param, Type::Error);
                self.latents.insert(id, id);
                self.bind(name, Binding::Var(id));
                self.add_leaf(statement, nest, Some(id));
            }
            StatementKind::Param { name, ty, init } if self.is_own_block(nest) => {
                self.param_in_function(name, ty, init, span);
            }
            StatementKind::Param { .. } => self.report(error::nested_declaration(span, "`param`")),
            StatementKind::Draw { target, dist } if self.is_guide() => {
                self.outline_guide_draw(statement, target, dist, nest);
            }
            StatementKind::Factor { .. } if self.is_guide() => {
                self.report(error::factor_in_guide(span));
            }
            StatementKind::Draw { target, dist } => {
                let draw = self.drawing_call(dist).is_none();
                self.outline_target(statement, target, nest, draw)
            }
            StatementKind::Let { target, value } => {
                if let (Target::Element { name, indices, .. }, ExprKind::Lambda { params, body }) =
                    (target, &value.kind)
                    && indices.is_empty()
                {
                    let scope = self.scope;
                    self.bind(
                        name,
                        Binding::Lambda {
                            params,
                            body,
                            scope,
                            span: name.span,
                        },
                    );
                    return;
                }
                self.outline_target(statement, target, nest, false);
            }
            StatementKind::Factor { .. } => self.add_leaf(statement, nest, None),
            StatementKind::For {
                var,
                range,
                batch,
                body,
            } => self.outline_loop(var, range, batch, body, nest),
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => {
                let first = self.blocks.len();
                self.outline_branch(condition, then, true, None, nest);
                if let Some(otherwise) = otherwise {
                    self.outline_branch(condition, otherwise, false, Some(first), nest);
                }
            }
            StatementKind::Import { .. } => {
                self.report(error::nested_declaration(span, "`import`"))
            }
            StatementKind::Guide { strategy } if top => self.outline_guide(strategy),
            StatementKind::GuideBlock { .. } if top => self.guide_blocks.push(statement),
            StatementKind::Guide { .. } | StatementKind::GuideBlock { .. } => {
                self.report(error::nested_declaration(span, "`guide`"));
            }
            StatementKind::Expr { .. } => self.report(error::expression_statement(span)),
            StatementKind::Error => {}
        }
    }

    fn outline_loop(
        &mut self,
        var: &'a ast::Ident,
        range: &'a ast::Expr,
        batch: &'a Option<ast::Expr>,
        body: &'a [ast::Statement],
        nest: &[usize],
    ) {
        let inner = self.open_scope(self.scope);
        let id = self.new_variable(
            &var.name,
            var.span,
            VariableKind::Loop,
            Type::scalar(Base::Int),
        );
        if let Some(outer) = self.lookup(&var.name) {
            let first = self.place_of(&outer);
            self.report(error::shadows(var.span, first, &var.name));
        }
        self.scopes[inner]
            .names
            .insert(var.name.clone(), Binding::Var(id));
        let size = Dim::atom(crate::types::Atom::Loop(id.0, var.name.clone()));
        self.variable_mut(id).size = Some(size);
        self.blocks.push(Block {
            kind: BlockKind::For {
                var: id,
                range,
                batch: batch.as_ref(),
            },
            scope: self.scope,
            checked: None,
        });
        let mut deeper = nest.to_vec();
        deeper.push(self.blocks.len() - 1);
        self.outline_block(body, inner, &deeper, false);
    }

    fn outline_branch(
        &mut self,
        condition: &'a ast::Expr,
        body: &'a [ast::Statement],
        holds: bool,
        shared: Option<usize>,
        nest: &[usize],
    ) {
        let inner = self.open_scope(self.scope);
        self.blocks.push(Block {
            kind: BlockKind::If {
                condition,
                holds,
                shared,
            },
            scope: self.scope,
            checked: None,
        });
        let mut deeper = nest.to_vec();
        deeper.push(self.blocks.len() - 1);
        self.outline_block(body, inner, &deeper, false);
    }

    fn outline_target(
        &mut self,
        statement: &'a ast::Statement,
        target: &'a Target,
        nest: &[usize],
        draw: bool,
    ) {
        let Target::Element { name, indices, .. } = target else {
            self.report(error::tuple_target(statement.span));
            return;
        };
        if name.name.contains('.') {
            self.report(error::site_outside_guide(name.span, &name.name));
            return;
        }
        // The loops around a call are not its statements'.
        let outer = self.call.as_ref().map_or(0, |call| call.nest);
        let turns = if draw { &nest[outer..] } else { nest };
        let inside_loop = turns
            .iter()
            .rev()
            .find_map(|&b| match &self.blocks[b].kind {
                BlockKind::For { var, range, .. } => Some((*var, range.span)),
                BlockKind::If { .. } => None,
            });
        if indices.is_empty() && !draw && inside_loop.is_some() {
            // A name for this turn of the loop alone.
            if let Some(outer) = self.lookup(&name.name) {
                let first = self.place_of(&outer);
                self.report(error::shadows(name.span, first, &name.name));
                return;
            }
            let id = self.new_variable(&name.name, name.span, VariableKind::Local, Type::Error);
            self.bind(name, Binding::Var(id));
            self.add_leaf(statement, nest, Some(id));
            return;
        }
        let own = self.guide.unwrap_or(0);
        let home = self.call.as_ref().map_or(own, |call| call.scope);
        let id = match self.scopes[home].names.get(&name.name) {
            Some(Binding::Var(id)) => *id,
            Some(other) => {
                let first = self.place_of(&other.clone());
                self.report(error::defined_twice(name.span, first, &name.name));
                return;
            }
            None => {
                let Some(id) = self.new_name(name, draw, statement.span) else {
                    return;
                };
                if draw {
                    self.latents.insert(id, id);
                }
                self.scopes[home]
                    .names
                    .insert(name.name.clone(), Binding::Var(id));
                id
            }
        };
        if let (true, true, Some((var, range))) = (indices.is_empty(), draw, inside_loop) {
            let index = self.variable(var).name.clone();
            self.report(error::reassigned_in_loop(
                name.span, &name.name, &index, range,
            ));
            return;
        }
        if self.may_define(id, name, nest, indices.is_empty(), draw) {
            self.add_leaf(statement, nest, Some(id));
        }
    }

    /// Whole names are defined once, or in two branches of one condition; a name is either drawn or
    /// computed.
    fn may_define(
        &mut self,
        id: VarId,
        name: &ast::Ident,
        nest: &[usize],
        whole: bool,
        draw: bool,
    ) -> bool {
        let kind = self.variable(id).kind;
        if kind == VariableKind::Data && !draw {
            self.report(error::data_after_all(name.span, &name.name));
            return false;
        }
        // Of an array some elements may be computed and others drawn.
        let of_elements = |leaf: &usize| !self.leaves[*leaf].is_whole();
        let mixed = matches!(
            (kind, draw),
            (VariableKind::Latent, false) | (VariableKind::Let, true)
        );
        let mut definitions = self.definitions.get(&id).into_iter().flatten();
        let both = mixed && (whole || !definitions.all(of_elements));
        let wrong_kind = both || matches!(kind, VariableKind::Param | VariableKind::Dimension);
        let clash = self
            .definitions
            .get(&id)
            .into_iter()
            .flatten()
            .find(|&&leaf| {
                let earlier = &self.leaves[leaf];
                let whole = whole || earlier.is_whole();
                wrong_kind || whole && !self.are_exclusive(&earlier.nest, nest)
            });
        if clash.is_none() && !wrong_kind {
            if mixed {
                self.variable_mut(id).kind = VariableKind::Latent;
                self.latents.insert(id, id);
            }
            return true;
        }
        let first = clash.map_or(self.variable(id).span, |&leaf| {
            self.leaves[leaf].name_span()
        });
        let problem = match kind {
            VariableKind::Data => error::observed_twice(name.span, first, &name.name),
            _ if both => error::computed_and_drawn(name.span, first, &name.name),
            _ => error::defined_twice(name.span, first, &name.name),
        };
        self.report(problem);
        false
    }

    /// Whether two statements stand in different branches of one condition.
    fn are_exclusive(&self, a: &[usize], b: &[usize]) -> bool {
        let other = |block: usize| match self.blocks[block].kind {
            BlockKind::If { shared, .. } => shared,
            BlockKind::For { .. } => None,
        };
        a.iter().any(|x| other(*x).is_some_and(|y| b.contains(&y)))
            || b.iter().any(|x| other(*x).is_some_and(|y| a.contains(&y)))
    }

    pub(super) fn add_leaf(
        &mut self,
        statement: &'a ast::Statement,
        nest: &[usize],
        defines: Option<VarId>,
    ) {
        let leaf = Leaf {
            statement,
            nest: nest.to_vec(),
            scope: self.scope,
            call: self.call.clone(),
            state: State::Todo,
            checked: None,
            guide: self.guide,
        };
        self.leaves.push(leaf);
        if let Some(id) = defines {
            self.definitions
                .entry(id)
                .or_default()
                .push(self.leaves.len() - 1);
        }
    }
}
