//! Comprehensions: their clauses, and how long the array is that they make.

use super::program::{Clause, Expr, ExprKind};
use super::{Binding, Bounds, Checker, VariableKind, error};
use crate::diag::Span;
use crate::syntax::ast;
use crate::types::{Atom, Base, Dim, Type};

impl<'a> Checker<'a> {
    pub(super) fn comprehension(
        &mut self,
        body: &'a ast::Expr,
        clauses: &'a [ast::Clause],
        span: Span,
    ) -> Expr {
        let scope = self.open_scope(self.scope);
        self.within(scope, |c| {
            let checked: Vec<Clause> = clauses.iter().map(|clause| c.clause(clause)).collect();
            // What a turn of it draws would need an index.
            c.comprehensions += 1;
            let value = c.named_within(None, false, |c| c.expr(body));
            c.comprehensions -= 1;
            if value.ty.is_error() {
                return Expr::error(span);
            }
            let length = c.comprehension_length(clauses, &checked, span);
            let ty = match value.ty.clone() {
                Type::Number { base, mut dims } => {
                    dims.insert(0, length);
                    Type::Number { base, dims }
                }
                Type::Distribution {
                    base,
                    mut array,
                    event,
                } => {
                    array.insert(0, length);
                    Type::Distribution { base, array, event }
                }
                other => {
                    return c.fail(
                        span,
                        error::types_differ(value.span, "a number or an array", &other),
                    );
                }
            };
            Expr {
                kind: ExprKind::Comprehension {
                    clauses: checked,
                    body: Box::new(value),
                },
                ty,
                span,
                size: None,
            }
        })
    }

    fn clause(&mut self, clause: &'a ast::Clause) -> Clause {
        let var = self.new_variable(
            &clause.var.name,
            clause.var.span,
            VariableKind::Loop,
            Type::scalar(Base::Int),
        );
        let size = Dim::atom(Atom::Loop(var.0, clause.var.name.clone()));
        self.variable_mut(var).size = Some(size);
        let range = self.loop_range(var, &clause.range);
        let scope = self.scope;
        self.scopes[scope]
            .names
            .insert(clause.var.name.clone(), Binding::Var(var));
        let conditions = clause
            .conditions
            .iter()
            .map(|c| {
                let condition = self.condition(c, Some("the condition of a comprehension"));
                (self.new_loop(), condition)
            })
            .collect();
        Clause {
            id: self.new_loop(),
            var,
            range,
            conditions,
        }
    }

    fn comprehension_length(
        &mut self,
        clauses: &[ast::Clause],
        checked: &[Clause],
        _span: Span,
    ) -> Dim {
        let text = || {
            let parts: Vec<String> = clauses
                .iter()
                .map(|c| {
                    let filters: String = c
                        .conditions
                        .iter()
                        .map(|e| format!(" if {}", crate::syntax::print_expr(e)))
                        .collect();
                    format!(
                        "{} in {}{filters}",
                        c.var.name,
                        crate::syntax::print_expr(&c.range)
                    )
                })
                .collect();
            Dim::opaque(format!("#({})", parts.join(", ")))
        };
        match checked {
            [one] if one.conditions.is_empty() => match self.bounds.get(&one.var) {
                Some(Bounds { low, high }) => high.plus(low, -1).plus(&1.into(), 1),
                None => text(),
            },
            _ => text(),
        }
    }
}
