//! Declarations of data: their types, dimensions and conditions.

use super::program::{DataDecl, Expr, Refinement};
use super::{Binding, Checker, VariableKind, error};
use crate::syntax::ast;
use crate::types::{Base, Dim, Same, Type};

/// Names of types, with base, refinement and own rank.
const TYPES: &[(&str, Base, Refinement, usize)] = &[
    ("real", Base::Real, Refinement::None, 0),
    ("int", Base::Int, Refinement::None, 0),
    ("bool", Base::Bool, Refinement::None, 0),
    ("positive", Base::Real, Refinement::Positive, 0),
    ("nonnegative", Base::Real, Refinement::Nonnegative, 0),
    ("unit", Base::Real, Refinement::Unit, 0),
    ("label", Base::Int, Refinement::Label, 0),
    ("simplex", Base::Real, Refinement::Simplex, 1),
    ("ordered", Base::Real, Refinement::Ordered, 1),
    (
        "positive_ordered",
        Base::Real,
        Refinement::PositiveOrdered,
        1,
    ),
    ("unit_vector", Base::Real, Refinement::UnitVector, 1),
    ("correlation", Base::Real, Refinement::Correlation, 2),
    (
        "cholesky_correlation",
        Base::Real,
        Refinement::CholeskyCorrelation,
        2,
    ),
    ("covariance", Base::Real, Refinement::Covariance, 2),
    (
        "cholesky_covariance",
        Base::Real,
        Refinement::CholeskyCovariance,
        2,
    ),
];

impl<'a> Checker<'a> {
    pub(super) fn declare_data(&mut self) {
        for statement in self.data.clone() {
            let ast::StatementKind::Data { name, ty, .. } = &statement.kind else {
                continue;
            };
            let Some(Binding::Var(id)) = self.lookup(&name.name) else {
                continue;
            };
            if self.variable(id).span != name.span {
                continue; // a second declaration, reported already
            }
            // Numbers may be in the extents of what is declared before them.
            let base = TYPES.iter().find(|t| t.0 == ty.base.name && t.3 == 0);
            if let (Some(&(_, base, _, _)), true) = (base, ty.dims.is_empty()) {
                let variable = self.variable_mut(id);
                variable.ty = Type::scalar(base);
                if ty.base.name == "int" {
                    variable.size = Some(Dim::name(&name.name));
                }
            }
        }
        // Extents that ask for other data come after those data.
        let simple = |e: &ast::Expr| {
            use ast::ExprKind::{Binary, Int, Name};
            matches!(e.kind, Name(_) | Int(_) | Binary { .. })
        };
        let mut order = self.data.clone();
        order.sort_by_key(|s| match &s.kind {
            ast::StatementKind::Data { ty, .. } => !ty.dims.iter().all(simple),
            _ => false,
        });
        for statement in order {
            self.declare_type(statement);
        }
        let in_text = |d: &DataDecl| (d.span.source, d.span.start);
        self.program.data.sort_by_key(in_text);
        for statement in self.data.clone() {
            self.declare_condition(statement);
        }
    }

    fn declare_type(&mut self, statement: &'a ast::Statement) {
        let ast::StatementKind::Data { name, ty, .. } = &statement.kind else {
            return;
        };
        let Some(Binding::Var(var)) = self.lookup(&name.name) else {
            return;
        };
        if self.variable(var).span != name.span {
            return;
        }
        let Some((base, refinement, dims)) = self.type_expr(ty) else {
            self.variable_mut(var).ty = Type::Error;
            return;
        };
        self.variable_mut(var).ty = Type::array(base, dims.clone());
        self.program.data.push(DataDecl {
            var,
            base,
            refinement,
            dims,
            default: None,
            condition: None,
            span: statement.span,
        });
    }

    /// The default and the condition of data, when all data have types.
    fn declare_condition(&mut self, statement: &'a ast::Statement) {
        let ast::StatementKind::Data {
            name,
            default,
            condition,
            ..
        } = &statement.kind
        else {
            return;
        };
        let declared = |d: &DataDecl| d.span == statement.span;
        let Some(index) = self.program.data.iter().position(declared) else {
            return;
        };
        let var = self.program.data[index].var;
        if let Some(default) = default {
            let value = self.expr(default);
            let ty = self.variable(var).ty.clone();
            let scalar = matches!(
                (value.ty.number(), ty.number()),
                (Some((found, [])), Some((base, _))) if found <= base
            );
            let fits = value.ty.is_error() || scalar || self.assignable(&ty, &value.ty);
            if !fits {
                let (at, found) = (value.span, value.ty.clone());
                self.report(error::declared_type(name.span, &ty, at, &found));
            }
            self.expect_data(&value, "a default");
            self.program.data[index].default = Some(value);
        }
        if let Some(condition) = condition {
            let before = self.used.contains(&var);
            let checked = self.condition(condition, None);
            if !before {
                self.used.remove(&var);
            }
            self.expect_data(&checked, "a condition on data");
            self.program.data[index].condition = Some(checked);
        }
    }

    fn expect_data(&mut self, e: &Expr, what: &str) {
        let mut other = None;
        e.variables(&mut |id| {
            let kind = self.program.variable(id).kind;
            if matches!(
                kind,
                VariableKind::Latent | VariableKind::Let | VariableKind::Param
            ) {
                other = Some(id);
            }
        });
        if let Some(id) = other {
            let name = self.variable(id).name.clone();
            self.report(error::not_data(e.span, what, &name));
        }
    }

    /// Base, refinement and extents.
    pub(super) fn type_expr(
        &mut self,
        ty: &'a ast::TypeExpr,
    ) -> Option<(Base, Refinement, Vec<Dim>)> {
        let (base, refinement, dims, _) = self.computed_type(ty)?;
        Some((base, refinement, dims))
    }

    /// [`Checker::type_expr`], with how extents are computed that are no sums of names.
    #[allow(clippy::type_complexity)]
    pub(super) fn computed_type(
        &mut self,
        ty: &'a ast::TypeExpr,
    ) -> Option<(Base, Refinement, Vec<Dim>, Vec<Option<Expr>>)> {
        let Some(&(_, base, refinement, rank)) = TYPES.iter().find(|t| t.0 == ty.base.name) else {
            let known = TYPES.iter().map(|t| t.0);
            self.report(error::unknown_type(ty.base.span, &ty.base.name, known));
            return None;
        };
        let (mut dims, mut extents): (Vec<Dim>, Vec<Option<Expr>>) = Default::default();
        for e in &ty.dims {
            let checked = self.expr(e);
            self.expect_whole(&checked);
            let size = checked.size.clone();
            let dim = size.unwrap_or_else(|| Dim::opaque(crate::syntax::print_expr(e)));
            extents.push(dim.is_computed().then_some(checked));
            dims.push(dim);
        }
        if dims.len() < rank {
            self.report(error::extents_missing(ty.span, &ty.base.name, rank));
            return None;
        }
        if rank == 2
            && dims.len() >= 2
            && dims[dims.len() - 1].compare(&dims[dims.len() - 2]) == Same::No
        {
            let expected = format!("a square {}", ty.base.name);
            self.report(error::types_differ(
                ty.span,
                &expected,
                &Type::array(base, dims),
            ));
            return None;
        }
        Some((base, refinement, dims, extents))
    }

    pub(super) fn bind_dimensions(&mut self, e: &'a ast::Expr) {
        match &e.kind {
            ast::ExprKind::Name(name) if self.lookup(name).is_none() => {
                let id = self.new_variable(
                    name,
                    e.span,
                    VariableKind::Dimension,
                    Type::scalar(Base::Int),
                );
                self.variable_mut(id).size = Some(Dim::name(name));
                self.scopes[0].names.insert(name.clone(), Binding::Var(id));
            }
            ast::ExprKind::Binary { left, right, .. } => {
                self.bind_dimensions(left);
                self.bind_dimensions(right);
            }
            _ => {}
        }
    }
}
