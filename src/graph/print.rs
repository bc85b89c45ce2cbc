//! Prints a graph, a node a line: how a stage is looked at, documented and tested.

use super::Graph;
use std::fmt::Write;

/// `%3 = mul(%1, %2) : [8]`, a line for each node.
pub fn print(graph: &Graph) -> String {
    let mut out = String::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        let args: Vec<String> = node.args.iter().map(|a| format!("%{}", a.0)).collect();
        let detail = node.op.0.detail();
        let detail = if detail.is_empty() {
            detail
        } else {
            format!(" {{{detail}}}")
        };
        let (name, args, shape) = (node.op.0.name(), args.join(", "), node.shape.as_slice());
        writeln!(out, "%{i} = {name}({args}){detail} : {shape:?}")
            .expect("writing to a String does not fail");
    }
    out
}
