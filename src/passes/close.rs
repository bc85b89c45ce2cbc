//! Cuts a function out of a graph: what `outputs` need, as far as `inputs`, which become inputs of a
//! graph of its own.

use super::Subject;
use crate::graph::{Graph, NodeId, Rebuild};

/// The function that computes `outputs` from `inputs`; these may be any nodes, and are cut off from
/// what they were computed from.
///
/// # Panics
/// If an output needs an input of the graph that is not among `inputs`.
pub fn close(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Subject {
    let own = Graph::new();
    let mut walk = Rebuild::new(graph, &own);
    let mut given = Vec::with_capacity(inputs.len());
    for (i, &id) in inputs.iter().enumerate() {
        let input = own.input(&graph.var(id).shape());
        // Named twice, the first holds the value; the second is read by nobody.
        if !inputs[..i].contains(&id) {
            walk.substitute(id, input, false);
        }
        given.push(input.id);
    }
    let asked = walk.emit(outputs).iter().map(|lane| lane.var.id).collect();
    Subject {
        graph: own,
        inputs: given,
        outputs: asked,
    }
}
