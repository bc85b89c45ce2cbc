//! The walk that passes share: a graph is built anew, node by node, a rule replacing some.

use super::Subject;
use crate::graph::{Graph, Node, NodeId, Var, needed};
use crate::ops::Input;

/// The graph before the pass.
pub(super) struct Old {
    pub nodes: Vec<Node>,
    /// The needed nodes that use each node.
    pub users: Vec<Vec<usize>>,
    /// Whether a node is asked for.
    pub asked: Vec<bool>,
}

impl Old {
    /// Whether one node uses it and nobody else.
    pub fn single_use(&self, i: usize) -> bool {
        !self.asked[i] && self.users[i].len() == 1
    }
}

/// Builds the graph anew. `rule(old, i, args, done)` may give a replacement for node `i`, whose
/// arguments have become `args`; `done` is what every earlier node has become.
pub(super) fn rewrite(
    subject: Subject,
    rule: impl for<'g> Fn(&Old, usize, &[Var<'g>], &[Option<Var<'g>>]) -> Option<Var<'g>>,
) -> Subject {
    let live = needed(&subject.graph, &subject.outputs, |_| false);
    let nodes = subject.graph.nodes();
    let mut old = Old {
        users: vec![Vec::new(); nodes.len()],
        asked: vec![false; nodes.len()],
        nodes,
    };
    for id in &live {
        let mut args: Vec<usize> = old.nodes[id.index()]
            .args
            .iter()
            .map(|a| a.index())
            .collect();
        args.sort_unstable();
        args.dedup();
        for arg in args {
            old.users[arg].push(id.index());
        }
    }
    for id in &subject.outputs {
        old.asked[id.index()] = true;
    }
    let graph = Graph::new();
    let mut done: Vec<Option<Var>> = vec![None; old.nodes.len()];
    for id in &subject.inputs {
        done[id.index()] = Some(graph.input(&old.nodes[id.index()].shape));
    }
    for i in live.iter().map(|id| id.index()) {
        if done[i].is_some() {
            continue;
        }
        let node = &old.nodes[i];
        debug_assert!(node.op.get::<Input>().is_none(), "all inputs are given");
        graph.set_origin(node.origin);
        let args: Vec<Var> = node
            .args
            .iter()
            .map(|a| done[a.index()].expect("arguments come first"))
            .collect();
        let made = rule(&old, i, &args, &done).unwrap_or_else(|| {
            if args.is_empty() {
                graph.insert(node.op.clone(), node.args.clone(), node.shape.clone())
            } else {
                graph.apply_op(node.op.clone(), &args)
            }
        });
        debug_assert_eq!(made.shape(), node.shape, "a pass keeps shapes");
        done[i] = Some(made);
    }
    let place = |ids: &[NodeId]| -> Vec<NodeId> {
        let vars = ids.iter().map(|id| done[id.index()]);
        vars.map(|v| v.expect("inputs and outputs were walked").id)
            .collect()
    };
    let (inputs, outputs) = (place(&subject.inputs), place(&subject.outputs));
    Subject {
        graph,
        inputs,
        outputs,
    }
}
