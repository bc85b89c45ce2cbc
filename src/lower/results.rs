//! The finished model: sums of terms, blocks, and the quantities that results report.

use super::{Lowerer, Parts, Result};
use crate::check::program::{VarId, Variable, VariableKind};
use crate::diag::Span;
use crate::dist::KEY;
use crate::graph::{Shape, Tensor, Var};
use crate::model::{Block, Drawn, Quantity, QuantityKind, Stated};
use std::collections::HashMap;

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn finish(mut self) -> Result<Parts> {
        self.graph.set_origin(crate::graph::Origin(0));
        let sum = |vars: Vec<Var<'g>>, graph: &'g crate::graph::Graph| {
            vars.into_iter()
                .reduce(|a, b| a + b)
                .unwrap_or_else(|| graph.scalar(0.0))
        };
        let all: Vec<Var> = self.terms.iter().map(|t| self.graph.var(t.node)).collect();
        let log_joint = sum(all, self.graph);
        let quantities = self.quantities();
        let mut blocks = self.blocks.clone();
        blocks.sort_by_key(|b| b.role);
        let stated = Stated {
            blocks,
            log_joint: log_joint.id,
        };
        let mut left = self.set_aside(quantities);
        let mut drawn = left.drawn.take().or(self.noise());
        let summed = self.discrete.take_drawn();
        drawn
            .iter_mut()
            .for_each(|d| d.names.extend(summed.clone()));
        let mut blocks = left.blocks;
        blocks.sort_by_key(|b| b.role);
        let terms = left.terms.iter().map(|t| self.graph.var(t.node));
        let log_joint = sum(terms.collect(), self.graph);
        Ok(Parts {
            blocks,
            stated,
            log_joint: log_joint.id,
            log_jacobian: sum(left.jacobians, self.graph).id,
            terms: left.terms,
            scored: std::mem::take(&mut self.scored),
            summation: self.summation.take(),
            quantities: left.quantities,
            drawn,
            notes: left.notes,
        })
    }

    /// Of a program that makes data nothing is inferred, all is drawn; of others, discrete latents.
    fn noise(&self) -> Option<Drawn> {
        let keys = |v: &Variable| v.kind == VariableKind::Key;
        let of_program = || {
            let at = self.program.variables.iter().position(keys)?;
            Some(self.env[&VarId(at as u32)].var)
        };
        Some(Drawn {
            key: self.key.or_else(of_program)?.id,
            names: Vec::new(),
        })
    }

    /// The input that makes the noise of results.
    pub(super) fn result_key(&mut self) -> Var<'g> {
        let graph = self.graph;
        *self.key.get_or_insert_with(|| graph.input(&[KEY]))
    }

    /// Latents, parameters and kept definitions, in the program's order.
    pub(super) fn quantities(&self) -> Vec<Quantity> {
        let mut order: Vec<(Span, usize)> = Vec::new();
        for (i, variable) in self.program.variables.iter().enumerate() {
            let kept = match variable.kind {
                VariableKind::Param => !variable.of_guide,
                VariableKind::Latent
                | VariableKind::Guided
                | VariableKind::Let
                | VariableKind::Simulated => true,
                VariableKind::Data => self
                    .bound
                    .values
                    .get(&VarId(i as u32))
                    .is_some_and(|b| !b.missing.is_empty()),
                _ => false,
            };
            if kept {
                order.push((variable.span, i));
            }
        }
        // What a function makes stands where its call has its name.
        let roots: HashMap<&str, Span> = order
            .iter()
            .map(|&(span, i)| (self.program.variables[i].name.as_str(), span))
            .collect();
        order.sort_by_key(|&(span, i)| {
            let name = self.program.variables[i].name.as_str();
            let root = name
                .split(['.', '['])
                .next()
                .and_then(|root| roots.get(root));
            let span = root.unwrap_or(&span);
            (span.source, span.start)
        });
        let quantity = |i: usize| {
            let (id, variable) = (VarId(i as u32), &self.program.variables[i]);
            let value = self.env.get(&id)?;
            let shape = value.var.shape().to_vec();
            let kind = match variable.kind {
                VariableKind::Param => QuantityKind::Param,
                VariableKind::Let => QuantityKind::Deterministic,
                VariableKind::Simulated => QuantityKind::Data,
                _ => QuantityKind::Latent,
            };
            let (base, dims) = variable.ty.number().unwrap_or_default();
            let node = self.with_unit_diagonal(&variable.name, value.var);
            let labels = (0..shape.len()).map(|axis| {
                let levels = self.bound.levels_of(dims.get(axis)?, shape[axis])?;
                Some(levels.to_vec())
            });
            let axes = (0..shape.len()).map(|axis| dims.get(axis)?.axis().map(str::to_owned));
            Some(Quantity {
                name: variable.name.clone(),
                node: node.id,
                dims: axes.collect(),
                labels: labels.collect(),
                shape,
                base,
                kind,
            })
        };
        order.into_iter().filter_map(|(_, i)| quantity(i)).collect()
    }

    /// What is reported of a latent: of correlation matrices the diagonal as the 1 that it is, not as the
    /// rounded sum of squares of a row of their factor.
    fn with_unit_diagonal(&self, name: &str, value: Var<'g>) -> Var<'g> {
        let is_correlation = |b: &Block| {
            b.name == name && matches!(b.support.kind, crate::dist::Support::Correlation)
        };
        if !self.blocks.iter().any(is_correlation) {
            return value;
        }
        let shape = value.shape();
        let n = shape[shape.len() - 1];
        let diagonal = (0..n * n).map(|k| f64::from(k % (n + 1) == 0));
        let diagonal = Tensor::new(Shape::from_slice(&[n, n]), diagonal.collect());
        self.graph.constant(diagonal).select(1.0, value)
    }
}
