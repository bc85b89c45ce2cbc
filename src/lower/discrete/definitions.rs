//! Definitions by discrete latents: they are put in place where they are read, and made again for the results once the
//! latents have values.

use super::super::value::{AxisList, Value};
use super::super::{Lowerer, Result};
use super::{Sampling, draws_whole_numbers};
use crate::check::program::{
    Expr, ExprKind, Index, Nest, Program, Statement, StatementKind, VarId, VariableKind,
};
use crate::diag::{Diagnostics, Span};
use std::collections::{BTreeMap, BTreeSet};

impl<'g> Lowerer<'_, 'g> {
    /// Definitions that depend on discrete latents, by what they define: arrays are put in place where they are read.
    pub(in super::super) fn find_inlined(&mut self) {
        let program = self.program;
        let mut depends: BTreeMap<VarId, VarId> = BTreeMap::new();
        for (i, statement) in program.statements.iter().enumerate() {
            if let StatementKind::Draw { target, dist } = &statement.kind
                && self.defines(i).is_some()
                && draws_whole_numbers(dist)
                && self.discrete.wanted.get(&target.var) != Some(&Sampling::Untracked)
            {
                depends.insert(target.var, target.var);
            }
            if let StatementKind::Sample { target, .. } = &statement.kind
                && self.discrete.wanted.get(&target.var) != Some(&Sampling::Untracked)
            {
                depends.insert(target.var, target.var);
            }
        }
        if depends.is_empty() {
            return;
        }
        loop {
            let before = depends.len();
            for statement in &program.statements {
                let StatementKind::Let { target, .. } = &statement.kind else {
                    continue;
                };
                let mut on = None;
                statement.variables(true, &mut |v| on = on.or(depends.get(&v).copied()));
                if let Some(on) = on {
                    depends.entry(target.var).or_insert(on);
                }
            }
            if depends.len() == before {
                break;
            }
        }
        self.discrete.free = free(program, &depends);
        let again = |s: &Statement| match &s.kind {
            StatementKind::Let { target, .. } => depends.contains_key(&target.var),
            StatementKind::Draw { target, .. } => self.discrete.free.contains(&target.var),
            _ => false,
        };
        let statements = program.statements.iter().enumerate();
        let inlined = statements.filter(|(_, s)| again(s)).map(|(i, _)| i);
        self.discrete.inlined = inlined.collect();
        self.discrete.depends = depends;
    }

    /// Definitions by discrete latents, which are put in place where they are read; names for distributions are not.
    pub(in super::super) fn inlined_statements(&self) -> BTreeSet<usize> {
        let value = |i: &&usize| match &self.program.statements[**i].kind {
            StatementKind::Let { value, .. } => value.ty.number().is_some(),
            _ => false,
        };
        self.discrete
            .inlined
            .iter()
            .filter(value)
            .copied()
            .collect()
    }

    /// All definitions by discrete latents, which are to be defined again now that these are drawn.
    pub(super) fn take_inlined(&mut self) -> BTreeSet<usize> {
        let again = std::mem::take(&mut self.discrete.inlined);
        // Loops and conditions by states are opened anew.
        for statement in again.iter().map(|&i| &self.program.statements[i]) {
            for part in &statement.nest {
                let (Nest::For { id, .. } | Nest::If { id, .. }) = part;
                let of_states =
                    |axis| !self.states_among(&AxisList::from_slice(&[axis])).is_empty();
                if self.loops.get(id).copied().flatten().is_some_and(of_states) {
                    self.loops.remove(id);
                }
            }
        }
        again
    }

    /// An element of an array that discrete latents define: its definition, with the indices in place of the loops'.
    pub(in super::super) fn inlined(
        &mut self,
        var: VarId,
        indices: &[Index],
        span: Span,
    ) -> Option<Result<Value<'g>>> {
        let program = self.program;
        let own = |i: &usize| matches!(&program.statements[*i].kind, StatementKind::Let { target, .. } if target.var == var);
        let mut statements = self.discrete.inlined.iter().copied().filter(own);
        let statement = statements.next()?;
        let several = statements.next().is_some();
        let name = &program.variable(var).name;
        let Statement {
            kind: StatementKind::Let { target, value },
            nest,
            ..
        } = &program.statements[statement]
        else {
            unreachable!("found above")
        };
        if let (
            false,
            [],
            [
                Nest::For {
                    var: index, range, ..
                },
            ],
            [own],
        ) = (several, indices, &nest[..], &target.indices[..])
            && matches!(own.kind, ExprKind::Var(id) if id == *index)
        {
            return Some(self.whole_definition((var, *index), range, value, span));
        }
        let loops = nest.iter().filter(|part| matches!(part, Nest::For { .. }));
        let whole = target.indices.is_empty();
        if several
            || indices.len() < target.indices.len()
            || !whole && loops.count() != target.indices.len()
        {
            return Some(Err(self.refuse_definition(var, span)));
        }
        let (first, rest) = indices.split_at(target.indices.len());
        let mut bound = Vec::new();
        for (index, own) in first.iter().zip(&target.indices) {
            let loops = nest.iter().filter_map(|part| match part {
                Nest::For { var, .. } => Some(*var),
                Nest::If { .. } => None,
            });
            let (Index::At(e), ExprKind::Var(of_loop)) = (index, &own.kind) else {
                return Some(Err(self.refuse_definition(var, span)));
            };
            if !loops.into_iter().any(|v| v == *of_loop) {
                return Some(Err(self.refuse_definition(var, span)));
            }
            match self.value(e) {
                Ok(value) => bound.push((*of_loop, value)),
                Err(problems) => return Some(Err(problems)),
            }
        }
        let before: Vec<_> = bound
            .into_iter()
            .map(|(id, value)| (id, self.env.insert(id, value)))
            .collect();
        let found = self.value(value);
        for (id, old) in before {
            match old {
                Some(old) => self.env.insert(id, old),
                None => self.env.remove(&id),
            };
        }
        let what = format!("`{name}`");
        Some(found.and_then(|value| match rest {
            [] => Ok(value),
            rest => self.index_value(None, value, rest, &what, span),
        }))
    }

    /// All elements of an array that discrete latents define, side by side.
    pub(super) fn whole_definition(
        &mut self,
        (var, index): (VarId, VarId),
        range: &Expr,
        value: &Expr,
        span: Span,
    ) -> Result<Value<'g>> {
        let ExprKind::Range { start, end } = &range.kind else {
            return Err(self.refuse_definition(var, span));
        };
        let mut ends = Vec::new();
        for end in [start, end] {
            let end = self.value(end)?;
            ends.extend(end.var.as_uniform().filter(|_| end.var.rank() == 0));
        }
        let [1.0, last] = ends[..] else {
            return Err(self.refuse_definition(var, span));
        };
        let before = self.env.remove(&index);
        let mut elements = Vec::new();
        for k in 1..=last as usize {
            let number = Value::plain(self.graph.scalar(k as f64));
            self.env.insert(index, number);
            elements.push(self.value(value));
        }
        self.env.remove(&index);
        before.map(|before| self.env.insert(index, before));
        let elements = elements.into_iter().collect::<Result<Vec<_>>>()?;
        let axes = self.union(elements.iter().map(|value| value.axes.clone()));
        let states = axes.iter().map(|&a| self.extent(a) as f64).product::<f64>();
        if elements.is_empty() || states * elements.len() as f64 > self.most_terms() {
            return Err(self.refuse_definition(var, span));
        }
        self.array(&elements, span)
    }

    /// Of a definition that cannot be put in place where it is read: the latent behind it is not summed out.
    pub(super) fn refuse_definition(&mut self, var: VarId, span: Span) -> Diagnostics {
        let latent = self.discrete.depends.get(&var).copied().unwrap_or(var);
        let name = &self.program.variable(var).name;
        let why = format!("`{name}` is defined by it in several parts, or read as a whole");
        self.refuse(latent, span, &why)
    }
}

/// Discrete latents that no density depends on, nor their own.
fn free(program: &Program, depends: &BTreeMap<VarId, VarId>) -> BTreeSet<VarId> {
    let latents: BTreeSet<VarId> = depends.values().copied().collect();
    let needed = |latent: VarId| {
        let mut reached = BTreeSet::from([latent]);
        loop {
            let before = reached.len();
            for statement in &program.statements {
                let mut reads = false;
                statement.variables(true, &mut |v| reads |= reached.contains(&v));
                match &statement.kind {
                    StatementKind::Let { target, .. } if reads => {
                        reached.insert(target.var);
                    }
                    _ if reads => return true,
                    _ => {}
                }
            }
            if reached.len() == before {
                return false;
            }
        }
    };
    // What a guide draws it draws.
    let own = |latent: &VarId| program.variable(*latent).kind == VariableKind::Latent;
    let latents = latents.into_iter().filter(own);
    latents.filter(|&latent| !needed(latent)).collect()
}
