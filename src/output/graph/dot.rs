//! A graph in the language of Graphviz: plates are clusters.

use super::{Graph, NodeKind};
use std::fmt::Write;

/// The graph as a DOT file, for `dot -Tpdf` and other tools.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph program {\n  \
         graph [fontname=\"Helvetica\", fontsize=11, labelloc=b, labeljust=r];\n  \
         node [fontname=\"Helvetica\", fontsize=11];\n  \
         edge [arrowsize=0.7];\n",
    );
    inside(graph, None, 1, &mut out);
    for (from, to) in &graph.edges {
        let _ = writeln!(out, "  n{from} -> n{to};");
    }
    out.push_str("}\n");
    out
}

/// The nodes and plates directly inside a plate.
fn inside(graph: &Graph, plate: Option<usize>, depth: usize, out: &mut String) {
    let margin = "  ".repeat(depth);
    for (i, node) in graph.nodes.iter().enumerate() {
        if node.plate == plate {
            let label = node.lines.join("\n");
            let (label, style) = (quoted(&label), style(node.kind));
            let _ = writeln!(out, "{margin}n{i} [label={label}, {style}];");
        }
    }
    for (i, inner) in graph.plates.iter().enumerate() {
        if inner.parent == plate {
            let label = quoted(&inner.label);
            let _ = writeln!(
                out,
                "{margin}subgraph cluster_{i} {{\n{margin}  label={label};"
            );
            inside(graph, Some(i), depth + 1, out);
            let _ = writeln!(out, "{margin}}}");
        }
    }
}

fn style(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Latent => "shape=ellipse",
        NodeKind::Observed => "shape=ellipse, style=filled, fillcolor=\"#d0d0d0\"",
        NodeKind::Data => "shape=box, style=filled, fillcolor=\"#ececec\"",
        NodeKind::Param => "shape=box, penwidth=2",
        NodeKind::Value => "shape=ellipse, style=dashed",
        NodeKind::Factor => "shape=box, style=filled, fillcolor=black, fontcolor=white",
    }
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
