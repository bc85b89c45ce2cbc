//! Which statement must be lowered before which: strongly connected parts of the dependency graph.
//!
//! A draw needs its arguments only to know where its latent may lie; in a cycle (`x[t]` drawn around
//! `x[t − 1]`) it does without. Definitions that remain in a cycle are recurrences.

use crate::check::program::{Program, StatementKind, VarId};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// A group of statements to lower together.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A statement whose needs have all been met.
    One(usize),
    /// A draw whose arguments are not known yet: its support must be known without them.
    Draw(usize),
    /// Definitions that use each other's elements.
    Recurrence(Vec<usize>),
}

/// Steps in which every statement comes after what it needs; `observed` says of a draw whether
/// nothing is to be inferred in it.
pub fn order(program: &Program, defines: &dyn Fn(usize) -> Option<VarId>) -> Vec<Step> {
    let all: Vec<usize> = (0..program.statements.len()).collect();
    let by_variable = definitions(&all, defines);
    let mut steps = Vec::new();
    for group in groups(program, &all, &by_variable, false) {
        match &group[..] {
            [one]
                if !uses(program, *one, false)
                    .iter()
                    .any(|v| defines(*one) == Some(*v)) =>
            {
                steps.push(Step::One(*one));
            }
            _ => {
                // Again without what draws need for their densities alone.
                for inner in groups(program, &group, &by_variable, true) {
                    let draw = |i: usize| {
                        matches!(
                            program.statements[i].kind,
                            StatementKind::Draw { .. } | StatementKind::Noise { .. }
                        )
                    };
                    let itself = uses(program, inner[0], true)
                        .iter()
                        .any(|v| defines(inner[0]) == Some(*v));
                    match &inner[..] {
                        [one] if draw(*one) => steps.push(Step::Draw(*one)),
                        [one] if !itself => steps.push(Step::One(*one)),
                        _ => steps.push(Step::Recurrence(inner)),
                    }
                }
            }
        }
    }
    steps
}

fn definitions(
    statements: &[usize],
    defines: &dyn Fn(usize) -> Option<VarId>,
) -> BTreeMap<VarId, Vec<usize>> {
    let mut by_variable: BTreeMap<VarId, Vec<usize>> = BTreeMap::new();
    for &i in statements {
        if let Some(var) = defines(i) {
            by_variable.entry(var).or_default().push(i);
        }
    }
    by_variable
}

/// Strongly connected groups, each after what it needs; statements within a group in order.
fn groups(
    program: &Program,
    statements: &[usize],
    by_variable: &BTreeMap<VarId, Vec<usize>>,
    without_densities: bool,
) -> Vec<Vec<usize>> {
    let mut graph: DiGraph<usize, ()> = DiGraph::new();
    let nodes: BTreeMap<usize, NodeIndex> =
        statements.iter().map(|&i| (i, graph.add_node(i))).collect();
    for &i in statements {
        for var in uses(program, i, without_densities) {
            for definition in by_variable.get(&var).into_iter().flatten() {
                if let Some(&to) = nodes.get(definition) {
                    graph.update_edge(nodes[&i], to, ());
                }
            }
        }
    }
    // Tarjan's algorithm gives components after those that they point to.
    let mut result: Vec<Vec<usize>> = tarjan_scc(&graph)
        .into_iter()
        .map(|c| c.into_iter().map(|n| graph[n]).collect())
        .collect();
    result.iter_mut().for_each(|group| group.sort_unstable());
    result
}

/// Variables that a statement reads.
pub fn uses(program: &Program, statement: usize, without_densities: bool) -> BTreeSet<VarId> {
    let mut vars = BTreeSet::new();
    program.statements[statement].variables(!without_densities, &mut |v| {
        vars.insert(v);
    });
    vars
}
