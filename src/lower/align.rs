//! Definitions in several loops that use each other's elements are put into one.
//!
//! Loops say *for every*, so `for t in 1..T { y[t] = f(s[t]) }` beside `for t in 2..T { s[t] = g(y[t-1]) }` is one
//! recurrence, though a scan has one loop that is time. The loops are cut where any of them begins or ends, and those
//! that then run over the same numbers become one: `y[1]` by itself, and both from 2 to T.

use super::bind::Bound;
use super::order::{self, Step};
use crate::check::program::{
    Expr, ExprKind, LoopId, Nest, Program, Statement, StatementKind, VarId, VariableKind,
};
use crate::types::Dim;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The program with its loops put together wherever a recurrence needs it.
pub(super) fn align<'p>(program: &'p Program, bound: &Bound) -> Cow<'p, Program> {
    let groups = apart(program);
    if groups.is_empty() {
        return Cow::Borrowed(program);
    }
    let mut aligner = Aligner::new(program, bound);
    for loops in groups {
        aligner.put_together(&loops);
    }
    Cow::Owned(aligner.program)
}

/// The outermost loops of recurrences that stand in several.
fn apart(program: &Program) -> Vec<Vec<LoopId>> {
    let defines = |i: usize| match &program.statements[i].kind {
        StatementKind::Let { target, .. }
        | StatementKind::Sample { target, .. }
        | StatementKind::Noise { target, .. } => Some(target.var),
        StatementKind::Param { var, .. } => Some(*var),
        StatementKind::Draw { target, .. } => {
            let given = [
                VariableKind::Data,
                VariableKind::Guided,
                VariableKind::Given,
            ];
            let kind = program.variable(target.var).kind;
            (!given.contains(&kind)).then_some(target.var)
        }
        StatementKind::Factor { .. } => None,
    };
    let mut all = Vec::new();
    for step in order::order(program, &defines) {
        let Step::Recurrence(group) = step else {
            continue;
        };
        let loops = group
            .iter()
            .filter_map(|&i| outermost(&program.statements[i]));
        let loops: BTreeSet<LoopId> = loops.map(|(id, ..)| id).collect();
        if loops.len() > 1 {
            all.push(loops.into_iter().collect());
        }
    }
    all
}

fn outermost(statement: &Statement) -> Option<(LoopId, VarId, &Expr)> {
    match statement.nest.first()? {
        Nest::For { id, var, range, .. } => Some((*id, *var, range)),
        Nest::If { .. } => None,
    }
}

struct Aligner<'b> {
    program: Program,
    bound: &'b Bound,
    next_loop: u32,
    next_index: u32,
    next_serial: u32,
}

impl<'b> Aligner<'b> {
    fn new(program: &Program, bound: &'b Bound) -> Aligner<'b> {
        let (mut loops, mut indices, mut serials) = (0, 0, 0);
        let mut own = program.clone();
        for statement in &mut own.statements {
            each_expr(statement, &mut |e| {
                numbers(e, &mut |number| match number {
                    Number::Loop(id) => loops = loops.max(id.0),
                    Number::Index(id) => indices = indices.max(*id),
                    Number::Serial(id) => serials = serials.max(*id),
                    Number::Var(_) => {}
                });
            });
            for part in &statement.nest {
                let (Nest::For { id, .. } | Nest::If { id, .. }) = part;
                loops = loops.max(id.0);
            }
        }
        Aligner {
            program: own,
            bound,
            next_loop: loops + 1,
            next_index: indices + 1,
            next_serial: serials + 1,
        }
    }

    /// First and last number of a loop's index, if the data tell.
    fn ends(&self, range: &Expr) -> Option<(i64, i64)> {
        let ExprKind::Range { start, end } = &range.kind else {
            return None;
        };
        let known = |e: &Expr| e.size.as_ref().and_then(|size| self.bound.evaluate(size));
        Some((known(start)?, known(end)?)).filter(|(low, high)| low <= high)
    }

    /// Cuts loops and makes one of those parts that run over the same numbers. Where the data do not tell over which
    /// they run, all stays as it is.
    fn put_together(&mut self, loops: &[LoopId]) {
        let mut ranges: BTreeMap<LoopId, (i64, i64)> = BTreeMap::new();
        for statement in &self.program.statements {
            if let Some((id, _, range)) = outermost(statement)
                && loops.contains(&id)
            {
                let Some(ends) = self.ends(range) else {
                    return;
                };
                ranges.insert(id, ends);
            }
        }
        let ends = ranges.values().flat_map(|&(low, high)| [low, high + 1]);
        let cuts: Vec<i64> = ends.collect::<BTreeSet<i64>>().into_iter().collect();
        let statements = std::mem::take(&mut self.program.statements);
        let own: BTreeMap<LoopId, BTreeSet<VarId>> = loops
            .iter()
            .map(|&id| (id, own_names(&statements, id)))
            .collect();
        let mut parts: BTreeMap<(i64, i64), (LoopId, VarId)> = BTreeMap::new();
        // Names inside a loop, and numbers of loops inside it, are new in each part.
        let mut names: BTreeMap<(LoopId, i64), Renamed> = BTreeMap::new();
        for statement in statements {
            let found = outermost(&statement).map(|(id, var, _)| (id, var));
            let Some(((id, var), &(low, high))) =
                found.and_then(|found| Some((found, ranges.get(&found.0)?)))
            else {
                self.program.statements.push(statement);
                continue;
            };
            for cut in cuts.windows(2) {
                let (first, last) = (cut[0], cut[1] - 1);
                if first < low || last > high {
                    continue;
                }
                let part = *parts.entry((first, last)).or_insert_with(|| {
                    let new = LoopId(self.next_loop);
                    self.next_loop += 1;
                    (new, new_variable(&mut self.program, var))
                });
                let renamed = names.entry((id, first)).or_insert_with(|| {
                    let own = own[&id].iter();
                    let new = own.map(|&id| (id, new_variable(&mut self.program, id)));
                    let mut variables: BTreeMap<VarId, VarId> = new.collect();
                    variables.insert(var, part.1);
                    let loops = BTreeMap::from([(id, part.0)]);
                    Renamed { loops, variables }
                });
                let mut statement = statement.clone();
                narrow(&mut statement, first, last);
                self.rename(&mut statement, renamed);
                self.program.statements.push(statement);
            }
        }
    }

    fn rename(&mut self, statement: &mut Statement, renamed: &mut Renamed) {
        let mut new = |number: Number<'_>| match number {
            Number::Loop(id) => {
                let next = &mut self.next_loop;
                *id = *renamed.loops.entry(*id).or_insert_with(|| {
                    *next += 1;
                    LoopId(*next - 1)
                });
            }
            Number::Index(id) => {
                *id = self.next_index;
                self.next_index += 1;
            }
            // Elements of another part have noise of their own.
            Number::Serial(id) => {
                *id = self.next_serial;
                self.next_serial += 1;
            }
            Number::Var(id) => *id = renamed.variables.get(id).copied().unwrap_or(*id),
        };
        for part in &mut statement.nest {
            if let Nest::For { var, .. } = part {
                new(Number::Var(var));
            }
            let (Nest::For { id, .. } | Nest::If { id, .. }) = part;
            new(Number::Loop(id));
        }
        if let StatementKind::Let { target, .. } = &mut statement.kind {
            new(Number::Var(&mut target.var));
        }
        each_expr(statement, &mut |e| numbers(e, &mut new));
    }
}

/// What names and numbers of one loop are in one of its parts.
struct Renamed {
    loops: BTreeMap<LoopId, LoopId>,
    variables: BTreeMap<VarId, VarId>,
}

/// Names that statements of a loop give inside it, and indices of loops there.
fn own_names(statements: &[Statement], of: LoopId) -> BTreeSet<VarId> {
    let mut own = BTreeSet::new();
    for statement in statements {
        if outermost(statement).is_none_or(|(id, ..)| id != of) {
            continue;
        }
        own.extend(statement.nest.iter().skip(1).filter_map(|part| match part {
            Nest::For { var, .. } => Some(*var),
            Nest::If { .. } => None,
        }));
        if let StatementKind::Let { target, .. } = &statement.kind
            && target.indices.is_empty()
        {
            own.insert(target.var);
        }
    }
    own
}

fn new_variable(program: &mut Program, like: VarId) -> VarId {
    let id = VarId(program.variables.len() as u32);
    program.variables.push(program.variable(like).clone());
    id
}

/// Lets the outermost loop of a statement run from one number to another.
fn narrow(statement: &mut Statement, first: i64, last: i64) {
    let Some(Nest::For { range, .. }) = statement.nest.first_mut() else {
        return;
    };
    if let ExprKind::Range { start, end } = &mut range.kind {
        for (e, number) in [(start, first), (end, last)] {
            e.kind = ExprKind::Number(number as f64);
            e.size = Some(Dim::from(number));
        }
    }
}

/// Calls `visit` on the expressions of a statement.
fn each_expr(statement: &mut Statement, visit: &mut dyn FnMut(&mut Expr)) {
    for part in &mut statement.nest {
        match part {
            Nest::For { range, batch, .. } => {
                visit(range);
                batch.iter_mut().for_each(&mut *visit);
            }
            Nest::If { condition, .. } => visit(condition),
        }
    }
    match &mut statement.kind {
        StatementKind::Draw {
            target,
            dist: value,
        }
        | StatementKind::Noise {
            target,
            dist: value,
        }
        | StatementKind::Sample {
            target,
            dist: value,
        }
        | StatementKind::Let { target, value } => {
            target.indices.iter_mut().for_each(&mut *visit);
            visit(value);
        }
        StatementKind::Factor { value } => visit(value),
        StatementKind::Param { .. } => {}
    }
}

/// What tells places of a program apart.
enum Number<'e> {
    Loop(&'e mut LoopId),
    Index(&'e mut u32),
    Serial(&'e mut u32),
    Var(&'e mut VarId),
}

/// Calls `visit` on all of them in an expression.
fn numbers(e: &mut Expr, visit: &mut dyn FnMut(Number<'_>)) {
    match &mut e.kind {
        ExprKind::Var(id) => visit(Number::Var(id)),
        ExprKind::Index { id, .. } => visit(Number::Index(id)),
        ExprKind::If { id, .. } => visit(Number::Loop(id)),
        ExprKind::Draw(draw) => visit(Number::Serial(&mut draw.serial)),
        ExprKind::Comprehension { clauses, .. } => {
            for clause in clauses {
                visit(Number::Loop(&mut clause.id));
                clause
                    .conditions
                    .iter_mut()
                    .for_each(|(id, _)| visit(Number::Loop(id)));
            }
        }
        _ => {}
    }
    e.children_mut(&mut |child| numbers(child, visit));
}
