//! Indexing and slicing.

use super::program::{Expr, ExprKind, Index};
use super::{Checker, error};
use crate::diag::Span;
use crate::syntax::ast;
use crate::types::{Base, Dim, Type};

impl<'a> Checker<'a> {
    pub(super) fn index(
        &mut self,
        value: &'a ast::Expr,
        indices: &'a [ast::Index],
        span: Span,
    ) -> Expr {
        let value = self.expr(value);
        let checked: Vec<Index> = indices.iter().map(|i| self.one_index(i)).collect();
        // An element of a function's own array is an element of the array over all turns around its call.
        if let ExprKind::Index {
            value: whole,
            indices: around,
            ..
        } = &value.kind
            && let ExprKind::Var(id) = whole.kind
            && self.lifted.contains_key(&id)
            && around.len() == self.lifted[&id].len()
        {
            let all = around.iter().cloned().chain(checked).collect();
            return self.indexed_value((**whole).clone(), all, indices, around.len(), span);
        }
        self.indexed_value(value, checked, indices, 0, span)
    }

    /// `value[checked]`, of which those after the first `around` were written as `indices`.
    fn indexed_value(
        &mut self,
        value: Expr,
        checked: Vec<Index>,
        indices: &'a [ast::Index],
        around: usize,
        span: Span,
    ) -> Expr {
        if value.ty.is_error() {
            return Expr::error(span);
        }
        let Some((base, dims)) = value.ty.number().map(|(b, d)| (b, d.to_vec())) else {
            let problem = match value.ty {
                Type::Distribution { .. } => error::distribution_as_value(value.span),
                _ => error::types_differ(value.span, "an array", &value.ty),
            };
            return self.fail(span, problem);
        };
        if checked.len() > dims.len() {
            let place = span_of(&indices[dims.len() - around]);
            let problem = error::too_many_indices(place, value.span, &value.ty, checked.len());
            return self.fail(span, problem);
        }
        let mut out = Vec::new();
        for (index, dim) in checked.iter().zip(&dims) {
            match self.indexed(index, dim, &value) {
                Some(extents) => out.extend(extents),
                None => return Expr::error(span),
            }
        }
        out.extend(dims[checked.len()..].iter().cloned());
        self.indices += 1;
        let id = self.indices;
        let size = (base == Base::Int && out.is_empty() && self.latent_in(&value).is_none())
            .then(|| self.element_text(&value, &checked))
            .flatten();
        Expr {
            kind: ExprKind::Index {
                id,
                value: Box::new(value),
                indices: checked,
            },
            ty: Type::array(base, out),
            span,
            size,
        }
    }

    fn one_index(&mut self, index: &'a ast::Index) -> Index {
        match index {
            ast::Index::All(_) => Index::All,
            ast::Index::Range { start, end, span } => Index::Range {
                start: start.as_ref().map(|e| self.expr(e)),
                end: end.as_ref().map(|e| self.expr(e)),
                span: *span,
            },
            ast::Index::At(e) => {
                let e = self.expr_or_range(e);
                match e.kind {
                    ExprKind::Range { start, end } => Index::Range {
                        start: Some(*start),
                        end: Some(*end),
                        span: e.span,
                    },
                    _ => Index::At(e),
                }
            }
        }
    }

    /// Extents that one index leaves of an axis; reports what is wrong with it.
    fn indexed(&mut self, index: &Index, dim: &Dim, value: &Expr) -> Option<Vec<Dim>> {
        match index {
            Index::All => Some(vec![dim.clone()]),
            Index::At(e) => {
                if e.ty.is_error() {
                    return None;
                }
                if let Some(latent) = self.real_latent_in(e) {
                    let name = self.variable(latent).name.clone();
                    self.report(error::latent_index(e.span, &name));
                    return None;
                }
                match e.ty.number() {
                    Some((Base::Int, extents)) => {
                        let extents = extents.to_vec();
                        self.expect_inside(e, dim, value)?;
                        Some(extents)
                    }
                    _ => {
                        self.report(error::index_not_whole(e.span, &e.ty));
                        None
                    }
                }
            }
            Index::Range { start, end, .. } => {
                for e in start.iter().chain(end) {
                    self.expect_whole(e);
                    if let Some(latent) = self.real_latent_in(e) {
                        let name = self.variable(latent).name.clone();
                        self.report(error::latent_index(e.span, &name));
                        return None;
                    }
                }
                let size = |e: &Option<Expr>, otherwise: Dim| match e {
                    Some(e) => e
                        .size
                        .clone()
                        .unwrap_or_else(|| Dim::opaque(format!("#{}", e.span.start))),
                    None => otherwise,
                };
                let (low, high) = (size(start, 1.into()), size(end, dim.clone()));
                Some(vec![high.plus(&low, -1).plus(&1.into(), 1)])
            }
        }
    }

    /// What can be told of a single index before data is seen: it is from 1 to the extent.
    fn expect_inside(&mut self, index: &Expr, dim: &Dim, value: &Expr) -> Option<()> {
        let Some(size) = index.size.clone() else {
            return Some(());
        };
        let below = size.known().is_some_and(|n| n < 1);
        let above = size.plus(dim, -1).known().is_some_and(|n| n > 0);
        if below || above {
            self.report(error::out_of_range(index.span, &size, value.span, dim));
            return None;
        }
        Some(())
    }

    /// The symbolic value of an element of whole numbers in the data: `T[i]`.
    fn element_text(&self, value: &Expr, indices: &[Index]) -> Option<Dim> {
        let ExprKind::Var(id) = value.kind else {
            return None;
        };
        let mut text = Vec::new();
        for index in indices {
            match index {
                Index::At(e) => text.push(e.size.as_ref()?.to_string()),
                _ => return None,
            }
        }
        Some(Dim::opaque(format!(
            "{}[{}]",
            self.variable(id).name,
            text.join(", ")
        )))
    }
}

fn span_of(index: &ast::Index) -> Span {
    match index {
        ast::Index::At(e) => e.span,
        ast::Index::Range { span, .. } | ast::Index::All(span) => *span,
    }
}
