//! Builds a graph anew, inside another or with an extra leading axis: substitution, inlining and
//! batching are this one walk.

use super::{Graph, NodeId, QuickHash, Var, evaluate::needed};
use std::collections::HashMap;

/// Where a node of the old graph went.
#[derive(Clone, Copy, Debug)]
pub struct Lane<'g> {
    pub var: Var<'g>,
    /// Whether `var` has the extra leading axis.
    pub batched: bool,
}

/// A walk over `source` that emits its nodes into `target`.
///
/// Nodes with a substitute are replaced; inputs without one must not be reached. With `size`, a
/// node whose arguments carry the extra leading axis of that extent carries it too (its
/// operation's `batch` rule), the rest is emitted as it was.
pub struct Rebuild<'s, 'g> {
    source: &'s Graph,
    target: &'g Graph,
    size: usize,
    done: HashMap<NodeId, Lane<'g>, QuickHash>,
}

impl<'s, 'g> Rebuild<'s, 'g> {
    /// A walk without an extra axis.
    pub fn new(source: &'s Graph, target: &'g Graph) -> Rebuild<'s, 'g> {
        Rebuild::batched(source, target, 1)
    }

    pub fn batched(source: &'s Graph, target: &'g Graph, size: usize) -> Rebuild<'s, 'g> {
        Rebuild {
            source,
            target,
            size,
            done: HashMap::default(),
        }
    }

    /// Replaces a node by a value of the target graph.
    pub fn substitute(&mut self, id: NodeId, var: Var<'g>, batched: bool) {
        self.done.insert(id, Lane { var, batched });
    }

    /// Emits what `outputs` need and gives where they went.
    pub fn emit(&mut self, outputs: &[NodeId]) -> Vec<Lane<'g>> {
        for id in needed(self.source, outputs, |id| self.done.contains_key(&id)) {
            if self.done.contains_key(&id) {
                continue;
            }
            let lane = self.emit_node(id);
            self.done.insert(id, lane);
        }
        outputs.iter().map(|id| self.done[id]).collect()
    }

    /// As [`Rebuild::emit`], every result with the leading axis, repeated where it does not vary.
    pub fn emit_batched(&mut self, outputs: &[NodeId]) -> Vec<Var<'g>> {
        let size = self.size;
        self.emit(outputs)
            .into_iter()
            .map(|lane| lane.lead(size))
            .collect()
    }

    fn emit_node(&self, id: NodeId) -> Lane<'g> {
        let node = self.source.node(id);
        let previous = self.target.set_origin(node.origin);
        let lanes: Vec<Lane<'g>> = node.args.iter().map(|a| self.done[a]).collect();
        let args: Vec<Var<'g>> = lanes.iter().map(|l| l.var).collect();
        let batched = lanes.iter().any(|l| l.batched);
        let var = if batched {
            let flags: Vec<bool> = lanes.iter().map(|l| l.batched).collect();
            node.op.0.batch(&args, &flags, self.size)
        } else if args.is_empty() {
            assert!(
                node.op.get::<crate::ops::Input>().is_none(),
                "input %{} was reached and has no substitute",
                id.0
            );
            self.target.insert(node.op, node.args, node.shape)
        } else {
            self.target.apply_op(node.op, &args)
        };
        self.target.set_origin(previous);
        Lane { var, batched }
    }
}

impl<'g> Lane<'g> {
    /// The value with the leading axis, repeated if it did not have it.
    pub fn lead(self, size: usize) -> Var<'g> {
        if self.batched {
            return self.var;
        }
        let mut shape = self.var.shape();
        shape.insert(0, size);
        self.var.broadcast(&shape)
    }
}
