//! What depends on what in a program: a graph of its names, with a plate for every loop.
//!
//! A node is a name as the program draws, computes or declares it; an edge says that a statement for the
//! one reads the other. Loops over the same range inside the same plate are one plate. Data stand in the
//! innermost plate whose variables pick their elements wherever they are read. [`dot`] and
//! [`svg`] write it.

mod dot;
mod layout;
mod svg;

pub use dot::dot;
pub use svg::svg;

use crate::check::program::{
    Expr, ExprKind, Index, Nest, Program, Statement, StatementKind, VarId, VariableKind,
};
use crate::diag::Span;
use crate::types::Type;
use std::collections::BTreeMap;

/// Definitions longer than this, in characters, are left out.
const LONGEST: usize = 34;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Drawn and inferred.
    Latent,
    /// Drawn and known from data.
    Observed,
    /// Data that are only read.
    Data,
    /// A parameter that is learned, not drawn.
    Param,
    /// Computed by `let`.
    Value,
    /// A `factor`.
    Factor,
}

/// A name of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: NodeKind,
    /// What is written in it: the name, and its distribution or definition if that is short.
    pub lines: Vec<String>,
    /// The innermost plate around it.
    pub plate: Option<usize>,
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Plate {
    /// `j in 1..J`, and `J = 8` if it is known.
    pub label: String,
    pub parent: Option<usize>,
}

/// The dependencies of a program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub plates: Vec<Plate>,
    /// From what is read to what reads it, each pair once; a name may read itself (a recurrence).
    pub edges: Vec<(usize, usize)>,
}

impl Graph {
    /// The graph of a checked program. `text` gives what is written at a place; `extents` are the dimensions
    /// that are known from data.
    pub fn of(
        program: &Program,
        text: &dyn Fn(Span) -> String,
        extents: &[(String, i64)],
    ) -> Graph {
        let mut builder = Builder {
            program,
            text,
            extents,
            graph: Graph::default(),
            of: BTreeMap::new(),
            reads: BTreeMap::new(),
            names: program
                .statements
                .iter()
                .filter_map(|s| alias(program, s))
                .collect(),
        };
        let drawn = |s: &&Statement| alias(program, s).is_none();
        let statements: Vec<&Statement> = program.statements.iter().filter(drawn).collect();
        let targets: Vec<usize> = statements.iter().map(|s| builder.target(s)).collect();
        for (statement, target) in statements.into_iter().zip(targets) {
            builder.reads(statement, target);
        }
        builder.place_data();
        builder.graph
    }

    /// A plate and those around it, outermost first.
    fn around(&self, plate: Option<usize>) -> Vec<usize> {
        let mut all: Vec<usize> =
            std::iter::successors(plate, |&p| self.plates[p].parent).collect();
        all.reverse();
        all
    }
}

/// A place where data are read: the plates whose variables pick the element, and what is written there.
struct Read {
    plates: Vec<usize>,
    written: Option<String>,
}

struct Builder<'a> {
    program: &'a Program,
    text: &'a dyn Fn(Span) -> String,
    extents: &'a [(String, i64)],
    graph: Graph,
    of: BTreeMap<VarId, usize>,
    /// Where data that are not drawn are read.
    reads: BTreeMap<VarId, Vec<Read>>,
    /// What arguments of functions are that are names themselves.
    names: BTreeMap<VarId, VarId>,
}

/// The argument of a function that is given by a name, and that name.
fn alias(program: &Program, statement: &Statement) -> Option<(VarId, VarId)> {
    match &statement.kind {
        StatementKind::Let { target, value } if target.indices.is_empty() => match value.kind {
            ExprKind::Var(of) => Some((target.var, of)),
            _ => None,
        },
        _ => None,
    }
    .filter(|(var, _)| program.variable(*var).kind == VariableKind::Local)
}

impl Builder<'_> {
    fn written(&self, span: Span) -> String {
        (self.text)(span)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The plates around a statement, outermost first.
    fn plates(&mut self, nest: &[Nest]) -> Vec<usize> {
        let mut all: Vec<usize> = Vec::new();
        for level in nest {
            let Nest::For { var, range, .. } = level else {
                continue;
            };
            let parent = all.last().copied();
            let range = self.written(range.span);
            let mut label = format!("{} in {range}", self.program.variable(*var).name);
            let words = range.split(|c: char| !c.is_alphanumeric() && c != '_');
            for (name, extent) in self.extents {
                if words.clone().any(|word| word == name) {
                    label.push_str(&format!(", {name} = {extent}"));
                }
            }
            let plates = &mut self.graph.plates;
            let known = plates
                .iter()
                .position(|p| p.parent == parent && p.label == label);
            all.push(known.unwrap_or_else(|| {
                plates.push(Plate { label, parent });
                plates.len() - 1
            }));
        }
        all
    }

    /// The node of what a statement draws, computes or declares.
    fn target(&mut self, statement: &Statement) -> usize {
        let plates = self.plates(&statement.nest);
        let (kind, var, lines) = match &statement.kind {
            StatementKind::Draw { target, dist } => {
                let observed = self.program.variable(target.var).kind == VariableKind::Data;
                let kind = match observed {
                    true => NodeKind::Observed,
                    false => NodeKind::Latent,
                };
                let mut dist = self.written(dist.span);
                if dist.chars().count() > LONGEST {
                    dist = format!("{}(…)", dist.split('(').next().unwrap_or_default());
                }
                let lines = vec![self.written(target.span), format!("~ {dist}")];
                (kind, Some(target.var), lines)
            }
            StatementKind::Let { target, value } => {
                let mut lines = vec![self.written(target.span)];
                let value = self.written(value.span);
                if value.chars().count() <= LONGEST {
                    lines.push(format!("= {value}"));
                }
                (NodeKind::Value, Some(target.var), lines)
            }
            StatementKind::Noise { target, .. } | StatementKind::Sample { target, .. } => {
                let lines = vec![self.named(target.var)];
                (NodeKind::Latent, Some(target.var), lines)
            }
            StatementKind::Param { var, .. } => {
                (NodeKind::Param, Some(*var), vec![self.named(*var)])
            }
            StatementKind::Factor { value } => {
                let mut lines = vec!["factor".to_string()];
                let value = self.written(value.span);
                if value.chars().count() <= LONGEST {
                    lines.push(value);
                }
                (NodeKind::Factor, None, lines)
            }
        };
        let node = Node {
            kind,
            lines,
            plate: plates.last().copied(),
        };
        let known = var.and_then(|var| self.of.get(&var).copied());
        if let Some(known) = known {
            // The statement in most loops says most.
            let depth = self.graph.around(self.graph.nodes[known].plate).len();
            if plates.len() > depth {
                self.graph.nodes[known] = node;
            }
            return known;
        }
        self.graph.nodes.push(node);
        let new = self.graph.nodes.len() - 1;
        if let Some(var) = var {
            self.of.insert(var, new);
        }
        new
    }

    /// A name with its extents.
    fn named(&self, var: VarId) -> String {
        let variable = self.program.variable(var);
        match &variable.ty {
            Type::Number { dims, .. } if !dims.is_empty() => {
                let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
                format!("{}[{}]", variable.name, dims.join(", "))
            }
            _ => variable.name.clone(),
        }
    }

    /// Adds what a statement reads.
    fn reads(&mut self, statement: &Statement, target: usize) {
        let plates = self.plates(&statement.nest);
        let loops: Vec<VarId> = statement
            .nest
            .iter()
            .filter_map(|level| match level {
                Nest::For { var, .. } => Some(*var),
                Nest::If { .. } => None,
            })
            .collect();
        let mut found: Vec<(VarId, Read)> = Vec::new();
        let mut look = |expr: &Expr| self.look(expr, &loops, &plates, &mut found);
        match &statement.kind {
            StatementKind::Draw { target, dist } => {
                target.indices.iter().for_each(&mut look);
                look(dist);
            }
            StatementKind::Let { target, value } => {
                target.indices.iter().for_each(&mut look);
                look(value);
            }
            StatementKind::Param { .. } => {}
            StatementKind::Factor { value } => look(value),
            StatementKind::Noise { .. } | StatementKind::Sample { .. } => {}
        }
        for level in &statement.nest {
            if let Nest::If { condition, .. } = level {
                look(condition);
            }
        }
        for (var, read) in found {
            self.read(var, read, target);
        }
    }

    /// Finds the names in an expression, and which loops pick their elements.
    fn look(&self, expr: &Expr, loops: &[VarId], plates: &[usize], found: &mut Vec<(VarId, Read)>) {
        let mut picked: Vec<*const Expr> = Vec::new();
        expr.walk(&mut |e| match &e.kind {
            ExprKind::Index { value, indices, .. } => {
                let ExprKind::Var(var) = value.kind else {
                    return;
                };
                picked.push(std::ptr::from_ref(&**value));
                let mut depth = 0;
                for index in indices {
                    let mut note = |var| {
                        let at = loops.iter().position(|l| *l == var);
                        depth = depth.max(at.map_or(0, |at| at + 1));
                    };
                    // Only the loop's own variable picks one element for each turn.
                    if let Index::At(Expr {
                        kind: ExprKind::Var(var),
                        ..
                    }) = index
                    {
                        note(*var);
                    }
                }
                let read = Read {
                    plates: plates[..depth].to_vec(),
                    written: (depth > 0).then(|| self.written(e.span)),
                };
                found.push((var, read));
            }
            ExprKind::Var(var) | ExprKind::Levels(var) | ExprKind::Level { label: var, .. }
                if !picked.contains(&std::ptr::from_ref(e)) =>
            {
                let read = Read {
                    plates: Vec::new(),
                    written: None,
                };
                found.push((*var, read));
            }
            _ => {}
        });
    }

    fn read(&mut self, mut var: VarId, read: Read, reader: usize) {
        while let Some(&of) = self.names.get(&var) {
            var = of;
        }
        let is_data = self.program.variable(var).kind == VariableKind::Data;
        let known = self.of.get(&var).copied();
        let from = match known {
            Some(known) => known,
            None if is_data => {
                let node = Node {
                    kind: NodeKind::Data,
                    lines: vec![self.named(var)],
                    plate: None,
                };
                self.graph.nodes.push(node);
                self.of.insert(var, self.graph.nodes.len() - 1);
                self.graph.nodes.len() - 1
            }
            // Variables of loops, dimensions, and names inside expressions.
            None => return,
        };
        if self.graph.nodes[from].kind == NodeKind::Data {
            self.reads.entry(var).or_default().push(read);
        }
        if !self.graph.edges.contains(&(from, reader)) {
            self.graph.edges.push((from, reader));
        }
    }

    /// Puts data into the plates that all places where they are read have in common.
    fn place_data(&mut self) {
        for (var, reads) in &self.reads {
            let first = &reads[0];
            let same = |depth: &usize| {
                let part = &first.plates[..*depth];
                reads.iter().all(|read| read.plates.starts_with(part))
            };
            let depth = (0..=first.plates.len()).rev().find(same).unwrap_or(0);
            let node = &mut self.graph.nodes[self.of[var]];
            node.plate = first.plates[..depth].last().copied();
            if let Some(written) = &first.written
                && depth == first.plates.len()
                && depth > 0
            {
                node.lines[0].clone_from(written);
            }
        }
    }
}
