//! Recurrences whose definitions stand in several loops: by elements, some of them may come before the others.
//!
//! `y[1]` and `y[t]` for the later `t` define one array, and together with what they read they are a cycle of names. Which
//! elements each reads says more: the first alone needs no other.

use super::*;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Statements of a recurrence.
pub(super) struct Part {
    statements: Vec<usize>,
    /// Whether they read elements that they define themselves.
    recurrent: bool,
}

impl<'g> Lowerer<'_, 'g> {
    /// Statements that read each other's elements, each part after those that it reads.
    pub(super) fn parts(
        &self,
        group: &[usize],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Vec<Part> {
        let mut owners: HashMap<(VarId, usize), usize> = HashMap::new();
        for ((statement, target, _), own) in streams.iter().zip(places) {
            let indexed = target.indices.len();
            let extents = self.extents_of(target.var, indexed, streams, places);
            for place in own.chunks(indexed) {
                let flat = flat_index(place, &extents);
                owners.insert((target.var, flat), *statement);
            }
        }
        let mut graph: DiGraph<usize, ()> = DiGraph::new();
        let nodes: BTreeMap<usize, NodeIndex> =
            group.iter().map(|&i| (i, graph.add_node(i))).collect();
        for read in reads.values() {
            for &element in &read.elements {
                if let Some(owner) = owners.get(&(read.var, element)) {
                    graph.update_edge(nodes[&read.statement], nodes[owner], ());
                }
            }
        }
        for &i in group {
            let uses = uses(self.program, i, false);
            for &j in group {
                if let StatementKind::Let { target, .. } = &self.program.statements[j].kind
                    && target.indices.is_empty()
                    && uses.contains(&target.var)
                {
                    graph.update_edge(nodes[&i], nodes[&j], ());
                }
            }
        }
        // Components come after those that they point to.
        let components = tarjan_scc(&graph).into_iter();
        let part = |nodes: Vec<NodeIndex>| {
            let mut statements: Vec<usize> = nodes.iter().map(|&n| graph[n]).collect();
            statements.sort_unstable();
            let itself = graph.contains_edge(nodes[0], nodes[0]);
            Part {
                recurrent: statements.len() > 1 || itself,
                statements,
            }
        };
        components.map(part).collect()
    }

    /// Lowers one part after the other. Arrays are read as far as they are known by then.
    pub(super) fn one_by_one(
        &mut self,
        parts: &[Part],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> Result<()> {
        let arrays: BTreeMap<VarId, Vec<usize>> = streams
            .iter()
            .map(|(_, t, _)| {
                let extents = self.extents_of(t.var, t.indices.len(), streams, places);
                (t.var, extents)
            })
            .collect();
        let result = parts.iter().try_for_each(|part| {
            let own = streams.iter();
            let own = own.filter(|(i, ..)| part.statements.contains(i));
            let own: Vec<VarId> = own.map(|(_, target, _)| target.var).collect();
            for (&var, extents) in &arrays {
                self.env.remove(&var);
                if !(part.recurrent && own.contains(&var))
                    && let Some(known) = self.known_so_far(var, extents)
                {
                    self.env.insert(var, Value::plain(known));
                }
            }
            match part.recurrent {
                true => self.recur(&part.statements),
                false => {
                    let done = self.define(part.statements[0], true);
                    self.filters.clear();
                    done
                }
            }
        });
        arrays.keys().for_each(|var| {
            self.env.remove(var);
        });
        result
    }

    /// An array of which some elements are defined, and 0 where not.
    fn known_so_far(&self, var: VarId, extents: &[usize]) -> Option<Var<'g>> {
        let pieces = self.pieces.get(&var)?;
        let total = numel(extents);
        let part = |piece: &Piece<'g>| {
            let places = piece.places.chunks(piece.indexed);
            let flat = places.map(|p| flat_index(p, extents) as f64);
            let values = piece.values();
            values.scatter_add(values.rank() - 1, total, self.vector(flat))
        };
        let whole = pieces.iter().map(part).reduce(|a, b| a + b)?;
        let shape = [extents, &whole.shape()[1..]].concat();
        Some(whole.reshape(&shape))
    }
}
