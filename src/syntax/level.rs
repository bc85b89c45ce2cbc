//! How tightly each kind of expression holds together, which says where parentheses are needed.

use super::ast::{BinaryOp, Expr, ExprKind};

/// How tightly an expression holds together, loosest first; the grammar's rules have the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Any,
    Or,
    And,
    Comparison,
    Range,
    Sum,
    Product,
    Unary,
    Power,
    Postfix,
}

impl Level {
    /// The next tighter level.
    pub(super) fn tighter(self) -> Level {
        match self {
            Level::Any => Level::Or,
            Level::Or => Level::And,
            Level::And => Level::Comparison,
            Level::Comparison => Level::Range,
            Level::Range => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product => Level::Unary,
            Level::Unary => Level::Power,
            Level::Power | Level::Postfix => Level::Postfix,
        }
    }

    pub(super) fn of(expr: &Expr) -> Level {
        match &expr.kind {
            // An `if` parses anywhere, but reads better enclosed when it is an operand.
            ExprKind::Lambda { .. } | ExprKind::If { .. } => Level::Any,
            ExprKind::Binary { op, .. } => Level::of_operator(*op),
            ExprKind::Range { .. } => Level::Range,
            ExprKind::Unary { .. } => Level::Unary,
            _ => Level::Postfix,
        }
    }

    pub(super) fn of_operator(op: BinaryOp) -> Level {
        use BinaryOp::*;
        match op {
            Or => Level::Or,
            And => Level::And,
            Eq | Ne | Lt | Le | Gt | Ge => Level::Comparison,
            Add | Sub => Level::Sum,
            Mul | Div | Rem | MatMul => Level::Product,
            Pow => Level::Power,
        }
    }
}
