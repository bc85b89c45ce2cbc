//! `for i in 1..N batch M`: what may be said where only some rows are looked at in a step.
//!
//! A value made in such a loop exists for the rows of the batch alone. So it is read at the loop's own index
//! and nowhere else, and a loop of the guide that draws such values is over the same rows.

use super::program::{
    Expr, ExprKind, Index, Init, LoopId, Nest, Program, Statement, StatementKind, VarId,
};
use super::{Checker, VariableKind, error};
use crate::diag::Span;
use std::collections::{BTreeMap, HashSet};

impl Checker<'_> {
    /// Puts the guide's loops over the model's batches, and checks what is read.
    pub(super) fn check_batches(&mut self, guide: &mut [Statement]) {
        let own = std::mem::take(&mut self.program.statements);
        let made = made_in_batches(&self.program, &own);
        follow_batches(&own, guide, &made);
        for statement in own.iter().chain(guide.iter()) {
            self.check_place(statement);
            self.check_rows(statement, &made);
        }
        self.program.statements = own;
    }

    /// Batches are of the outermost loop.
    fn check_place(&mut self, statement: &Statement) {
        for part in statement.nest.iter().skip(1) {
            if let Nest::For {
                batch: Some(size), ..
            } = part
            {
                self.report(error::inner_batch(size.span));
            }
        }
    }

    /// What a statement reads of the rows of batches it reads at its own.
    fn check_rows(&mut self, statement: &Statement, made: &BTreeMap<VarId, Span>) {
        let index = batch(statement).map(|(var, _)| var);
        for (var, span) in beyond(statement, Reads::new(index, made)) {
            let name = self.variable(var).name.clone();
            self.report(error::beyond_batch(span, made[&var], &name));
        }
    }
}

/// Arrays of data that are read otherwise than at the index of a loop with batches over `1..`, and where. Of the
/// others a step needs its own rows alone.
fn read_beyond_batches(program: &Program) -> BTreeMap<VarId, Span> {
    let arrays = program.data.iter().filter(|d| !d.dims.is_empty());
    let arrays: BTreeMap<VarId, Span> = arrays
        .map(|d| (d.var, program.variable(d.var).span))
        .collect();
    let mut found: BTreeMap<VarId, Span> = BTreeMap::new();
    for statement in &program.statements {
        let from_1 = match statement.nest.first() {
            Some(Nest::For { range, .. }) => {
                matches!(&range.kind, ExprKind::Range { start, .. } if matches!(start.kind, ExprKind::Number(1.0)))
            }
            _ => false,
        };
        let index = batch(statement).filter(|_| from_1).map(|(var, _)| var);
        for (var, span) in beyond(statement, Reads::of_data(index, &arrays)) {
            found.entry(var).or_insert(span);
        }
    }
    let mut of_data = Reads::of_data(None, &arrays);
    for decl in &program.data {
        let own = decl.default.iter().chain(&decl.condition);
        own.for_each(|e| of_data.expr(e));
    }
    for (var, span) in of_data.beyond {
        found.entry(var).or_insert(span);
    }
    found
}

/// What a statement reads of arrays that have the rows of batches, but not at its own row.
fn beyond(statement: &Statement, mut reads: Reads) -> Vec<(VarId, Span)> {
    if let Some(target) = target(statement)
        && reads.made.contains_key(&target.var)
    {
        match target.indices.split_first() {
            Some((first, others)) if reads.is_index(first) => {
                others.iter().for_each(|e| reads.position(e, target.var));
            }
            _ => reads.beyond.push((target.var, target.span)),
        }
    }
    match &statement.kind {
        StatementKind::Draw { dist: value, .. }
        | StatementKind::Noise { dist: value, .. }
        | StatementKind::Sample { dist: value, .. }
        | StatementKind::Let { value, .. }
        | StatementKind::Factor { value } => reads.expr(value),
        StatementKind::Param { init, .. } => {
            if let Some(Init::Value(value)) = init {
                reads.expr(value);
            }
        }
    }
    for part in &statement.nest {
        match part {
            Nest::For { range, batch, .. } => {
                reads.expr(range);
                batch.iter().for_each(|size| reads.expr(size));
            }
            Nest::If { condition, .. } => reads.expr(condition),
        }
    }
    reads.beyond
}

/// Tells a program what its loops with batches make.
pub(super) fn tell_batches(program: &mut Program) {
    program.has_batches = program.statements.iter().any(|s| batch(s).is_some());
    let made = made_in_batches(program, &program.statements);
    program.made_in_batches = made.into_keys().collect();
    program.beyond_batches = read_beyond_batches(program);
}

/// Variables whose elements are made in loops with batches, and where.
fn made_in_batches(program: &Program, statements: &[Statement]) -> BTreeMap<VarId, Span> {
    let mut made = BTreeMap::new();
    for statement in statements {
        let (Some(_), Some(target)) = (batch(statement), target(statement)) else {
            continue;
        };
        let data = program.variable(target.var).kind == VariableKind::Data;
        if !data && !target.indices.is_empty() {
            made.insert(target.var, target.span);
        }
    }
    made
}

/// The index and the size of the batches that a statement stands in.
fn batch(statement: &Statement) -> Option<(VarId, &Expr)> {
    match statement.nest.first() {
        Some(Nest::For { var, batch, .. }) => batch.as_ref().map(|size| (*var, size)),
        _ => None,
    }
}

fn target(statement: &Statement) -> Option<&super::program::Target> {
    match &statement.kind {
        StatementKind::Draw { target, .. }
        | StatementKind::Let { target, .. }
        | StatementKind::Sample { target, .. }
        | StatementKind::Noise { target, .. } => Some(target),
        _ => None,
    }
}

/// Loops of the guide that draw what the model makes in batches are over these.
fn follow_batches(own: &[Statement], guide: &mut [Statement], made: &BTreeMap<VarId, Span>) {
    let Some((_, size)) = own.iter().find_map(batch) else {
        return;
    };
    let mut loops: HashSet<LoopId> = HashSet::new();
    for statement in guide.iter() {
        if let (Some(target), Some(Nest::For { id, .. })) =
            (target(statement), statement.nest.first())
            && made.contains_key(&target.var)
        {
            loops.insert(*id);
        }
    }
    for statement in guide {
        if let Some(Nest::For { id, batch, .. }) = statement.nest.first_mut()
            && loops.contains(id)
        {
            batch.get_or_insert_with(|| size.clone());
        }
    }
}

/// Reads of arrays that have the rows of batches.
struct Reads<'m> {
    made: &'m BTreeMap<VarId, Span>,
    /// The index of the batches around.
    index: Option<VarId>,
    /// Whether extents are known without the array.
    extents: bool,
    /// Arrays of which a read is not of the row of the batch alone.
    beyond: Vec<(VarId, Span)>,
}

impl<'m> Reads<'m> {
    fn new(index: Option<VarId>, made: &'m BTreeMap<VarId, Span>) -> Reads<'m> {
        Reads {
            made,
            index,
            extents: false,
            beyond: Vec::new(),
        }
    }

    fn of_data(index: Option<VarId>, made: &'m BTreeMap<VarId, Span>) -> Reads<'m> {
        Reads {
            extents: true,
            ..Reads::new(index, made)
        }
    }

    fn is_index(&self, e: &Expr) -> bool {
        matches!(e.kind, ExprKind::Var(id) if Some(id) == self.index)
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Var(id) if self.made.contains_key(id) => self.beyond.push((*id, e.span)),
            ExprKind::Extent { value, .. }
                if self.extents && matches!(value.kind, ExprKind::Var(_)) => {}
            ExprKind::Index { value, indices, .. } => {
                let made = match value.kind {
                    ExprKind::Var(id) => Some(id).filter(|id| self.made.contains_key(id)),
                    _ => None,
                };
                let Some(id) = made else {
                    return e.children(&mut |child| self.expr(child));
                };
                match indices.split_first() {
                    Some((Index::At(first), _)) if self.is_index(first) => {
                        // The value and its first index are seen already.
                        let mut seen = 2;
                        e.children(&mut |child| match seen {
                            0 => self.position(child, id),
                            _ => seen -= 1,
                        });
                    }
                    _ => self.beyond.push((id, e.span)),
                }
            }
            _ => e.children(&mut |child| self.expr(child)),
        }
    }

    /// A further index of an array of the batch: the loop's index counts rows of the batch there, but not among
    /// the indices of what is read in it.
    fn position(&mut self, e: &Expr, array: VarId) {
        match &e.kind {
            ExprKind::Var(_) if self.is_index(e) => self.beyond.push((array, e.span)),
            ExprKind::Var(_) => self.expr(e),
            ExprKind::Index { value, .. } if matches!(value.kind, ExprKind::Var(_)) => self.expr(e),
            _ => e.children(&mut |child| self.position(child, array)),
        }
    }
}
