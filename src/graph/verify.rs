//! Checks that a graph is what a graph must be; run after every pass in tests and debug builds.

use super::{Graph, Shape};

/// Every argument comes before its node and every shape is the one its operation gives.
pub fn verify(graph: &Graph) -> Result<(), String> {
    let nodes = graph.nodes();
    for (i, node) in nodes.iter().enumerate() {
        if node.args.iter().any(|a| a.index() >= i) {
            return Err(format!("%{i} uses a node that is not before it"));
        }
        if node.op.get::<crate::ops::Input>().is_some() {
            continue;
        }
        let shapes: Vec<&Shape> = node.args.iter().map(|a| &nodes[a.index()].shape).collect();
        match node.op.0.shape(&shapes) {
            Ok(shape) if shape == node.shape => {}
            Ok(shape) => {
                return Err(format!(
                    "%{i} has shape {:?}, its operation gives {shape:?}",
                    node.shape
                ));
            }
            Err(why) => return Err(format!("%{i}: {why}")),
        }
    }
    Ok(())
}
