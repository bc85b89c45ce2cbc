//! Functions with loops: their statements become statements of the program.
//!
//! An expression has no room for `for`, nor for arrays that are given element by element. So at each call
//! of such a function its arguments become names, its statements those of the program, with names of their own, and its
//! value is the last line. Where loops are around the call, arrays of the function get these loops' indices before their own.

use super::program::{Expr, Statement, StatementKind, Target, VarId, VariableKind};
use super::site::with_bindings;
use super::{BlockKind, Checker, error};
use crate::diag::Span;
use crate::syntax::ast;
use crate::types::Type;

/// A call whose statements are the program's.
#[derive(Clone)]
pub(super) struct Call {
    /// Where the names of its statements are.
    pub scope: usize,
    /// What the names of its sites begin with, if the call has a name.
    pub path: Option<String>,
    /// Whether it stands after `~`.
    draws: bool,
    /// How many loops and conditions are around it.
    pub nest: usize,
    /// The loops among these.
    loops: Vec<VarId>,
    /// The functions being put in place, one in the other.
    pub calls: Vec<usize>,
}

/// Whether a function's body has statements that an expression has no room for.
pub(super) fn has_loops(body: &ast::Expr) -> bool {
    let ast::ExprKind::Block(statements) = &body.kind else {
        return false;
    };
    statements.iter().any(|statement| match &statement.kind {
        ast::StatementKind::For { .. }
        | ast::StatementKind::If { .. }
        | ast::StatementKind::Factor { .. } => true,
        ast::StatementKind::Let { target, .. } | ast::StatementKind::Draw { target, .. } => {
            matches!(target, ast::Target::Element { indices, .. } if !indices.is_empty())
        }
        _ => false,
    })
}

impl<'a> Checker<'a> {
    /// The value of a call whose arguments are bound in the scope.
    pub(super) fn unfold(
        &mut self,
        body: &'a ast::Expr,
        scope: usize,
        arguments: Vec<(VarId, Expr)>,
        draws: bool,
        span: Span,
    ) -> Expr {
        let ast::ExprKind::Block(statements) = &body.kind else {
            return self.expr(body);
        };
        let site = self.site.clone();
        let Some(site) = site.filter(|_| self.comprehensions == 0) else {
            return self.fail(span, error::loops_in_value(span));
        };
        let Some((last, before)) = statements.split_last() else {
            return Expr::error(span);
        };
        let ast::StatementKind::Expr { value } = &last.kind else {
            if matches!(last.kind, ast::StatementKind::Error) {
                return Expr::error(span);
            }
            let instead = "the last line of a function is its value";
            let problem = error::wrong_place(last.span, "this statement at the end", instead);
            return self.fail(span, problem);
        };
        let nest = self.check_nest(site.leaf);
        for (var, value) in arguments {
            // A distribution is a name for its expression.
            let target = Target {
                var,
                indices: Vec::new(),
                span: value.span,
            };
            let place = value.span;
            self.make(Statement {
                kind: StatementKind::Let {
                    target,
                    value: with_bindings(&site.bindings, value),
                },
                nest: nest.clone(),
                span: place,
            });
        }
        let blocks = self.leaves[site.leaf].nest.clone();
        let loops = blocks.iter().filter_map(|&b| match self.blocks[b].kind {
            BlockKind::For { var, .. } => Some(var),
            BlockKind::If { .. } => None,
        });
        let call = Call {
            scope,
            path: site.path.clone(),
            draws,
            nest: blocks.len(),
            loops: loops.collect(),
            calls: self.calls.clone(),
        };
        let outer = self.call.replace(call);
        self.outline_block(before, scope, &blocks, false);
        let value = self.within(scope, |c| c.named_within(None, false, |c| c.expr(value)));
        self.call = outer;
        value
    }

    /// Whether a statement stands in the outermost block of a function.
    pub(super) fn is_own_block(&self, nest: &[usize]) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.nest == nest.len())
    }

    /// A new variable of the program, or of the function whose statements are looked at; `None` where that may
    /// not have it.
    pub(super) fn new_name(&mut self, name: &ast::Ident, draw: bool, span: Span) -> Option<VarId> {
        let Some(call) = self.call.clone() else {
            let kind = match (draw, self.guide) {
                (true, _) => VariableKind::Latent,
                (false, None) => VariableKind::Let,
                (false, Some(_)) => VariableKind::Local,
            };
            return Some(self.new_variable(&name.name, name.span, kind, Type::Error));
        };
        let id = if draw {
            let site = self.site.clone().filter(|_| call.draws);
            let Some(site) = site.filter(|site| site.path.is_some()) else {
                self.report(error::draw_without_tilde(span, &name.name));
                return None;
            };
            let full = self.new_site(&site, name)?;
            let id = self.new_variable(&full, name.span, VariableKind::Latent, Type::Error);
            self.site_names.insert(full, id);
            id
        } else {
            self.new_variable(&name.name, name.span, VariableKind::Local, Type::Error)
        };
        if !call.loops.is_empty() {
            self.lifted.insert(id, call.loops);
        }
        Some(id)
    }

    /// The indices of the loops around the call that made a variable.
    pub(super) fn lifting(&self, id: VarId, span: Span) -> Vec<Expr> {
        let loops = self.lifted.get(&id).map_or(&[][..], Vec::as_slice);
        loops.iter().map(|&l| self.index_value(l, span)).collect()
    }
}
