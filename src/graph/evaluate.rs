//! The slow, exact way to run a graph: node by node, every value kept.
//!
//! Compiled tapes are held against it by tests, and when a step of a tape is not finite this finds
//! the node that made it so.

use super::{Graph, NodeId, Tensor};
use std::collections::HashMap;

/// Values of `outputs`, given values for inputs (or for any other nodes, which are then cut off
/// from what they were computed from).
///
/// # Panics
/// If an input that is needed has no value.
pub fn evaluate(graph: &Graph, feeds: &[(NodeId, Tensor)], outputs: &[NodeId]) -> Vec<Tensor> {
    let values = run(graph, feeds, outputs, |_, _| true);
    outputs.iter().map(|id| values[id].clone()).collect()
}

/// The first node, in order of computation, whose value is not finite though all its arguments
/// are: with the flat index of the element, the node's value and those of its arguments.
pub fn first_non_finite(
    graph: &Graph,
    feeds: &[(NodeId, Tensor)],
    outputs: &[NodeId],
) -> Option<(NodeId, usize, Tensor, Vec<Tensor>)> {
    let mut culprit = None;
    let values = run(graph, feeds, outputs, |id, value: &Tensor| {
        // Infinite constants are bounds and neutral elements, not mistakes.
        if graph.var(id).as_const().is_some() {
            return true;
        }
        culprit = value
            .data()
            .iter()
            .position(|x| x.is_nan() || *x == f64::INFINITY)
            .map(|i| (id, i));
        culprit.is_none()
    });
    let (id, element) = culprit?;
    let args = graph
        .node(id)
        .args
        .iter()
        .map(|a| values[a].clone())
        .collect();
    Some((id, element, values[&id].clone(), args))
}

fn run(
    graph: &Graph,
    feeds: &[(NodeId, Tensor)],
    outputs: &[NodeId],
    mut go_on: impl FnMut(NodeId, &Tensor) -> bool,
) -> HashMap<NodeId, Tensor> {
    let mut values: HashMap<NodeId, Tensor> = feeds.iter().cloned().collect();
    for id in needed(graph, outputs, |id| values.contains_key(&id)) {
        if values.contains_key(&id) {
            continue;
        }
        let node = graph.node(id);
        let args: Vec<&Tensor> = node.args.iter().map(|a| &values[a]).collect();
        let mut out = vec![0.0; super::numel(&node.shape)];
        node.op.0.eval(&args, &mut out);
        let value = Tensor::new(node.shape, out);
        let proceed = go_on(id, &value);
        values.insert(id, value);
        if !proceed {
            break;
        }
    }
    values
}

/// The nodes that `outputs` need, in order of computation; what lies behind nodes for which `cut`
/// holds is left out.
pub(crate) fn needed(
    graph: &Graph,
    outputs: &[NodeId],
    cut: impl Fn(NodeId) -> bool,
) -> Vec<NodeId> {
    let nodes = graph.nodes();
    let mut seen = vec![false; nodes.len()];
    let mut stack: Vec<NodeId> = outputs.to_vec();
    while let Some(id) = stack.pop() {
        if !std::mem::replace(&mut seen[id.index()], true) && !cut(id) {
            stack.extend(nodes[id.index()].args.iter().copied());
        }
    }
    (0..nodes.len() as u32)
        .map(NodeId)
        .filter(|id| seen[id.index()])
        .collect()
}
