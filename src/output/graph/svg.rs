//! A graph as a drawing: plates as boxes, nodes in the shapes of plate notation, edges as curves that lead down.

use super::layout::{Area, LINE, Layout, lay_out};
use super::{Graph, Node, NodeKind};
use std::fmt::Write;

/// The graph as an SVG image: latents are white ellipses, what is observed is grey, data are grey boxes, parameters
/// are boxes with thick borders, computed values have dashed ones, factors are black.
pub fn svg(graph: &Graph) -> String {
    let layout = lay_out(graph);
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
         <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#444\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (plate, area) in graph.plates.iter().zip(&layout.plates) {
        let (left, top) = (area.x - area.width / 2.0, area.y - area.height / 2.0);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"6\" \
             fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{}</text>",
            area.width,
            area.height,
            left + area.width - 8.0,
            top + area.height - 7.0,
            escaped(&plate.label),
        );
    }
    for edge in 0..graph.edges.len() {
        let path = path(graph, edge, &layout);
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#444\" marker-end=\"url(#head)\"/>"
        );
    }
    for (node, area) in graph.nodes.iter().zip(&layout.nodes) {
        shape(node, area, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// The way of an edge, as curves that are upright where they begin and end.
fn path(graph: &Graph, edge: usize, layout: &Layout) -> String {
    let (from, to) = graph.edges[edge];
    let (a, b) = (layout.nodes[from], layout.nodes[to]);
    if from == to {
        let (x, y, up) = (a.x + a.width / 2.0, a.y, a.height / 2.0);
        return format!(
            "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {x:.1} {y:.1}",
            a.x + a.width / 4.0,
            y - 0.87 * up,
            x,
            y - 2.2 * up,
            x + 26.0,
            y - up,
        );
    }
    let downwards = b.y > a.y;
    let (start, end) = match downwards {
        true => (a.y + a.height / 2.0, b.y - b.height / 2.0),
        false => (a.y - a.height / 2.0, b.y + b.height / 2.0),
    };
    let mut points = vec![(a.x, start)];
    points.extend(layout.bends[edge].iter().copied().filter(|_| downwards));
    points.push((b.x, end));
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        let middle = (y1 + y2) / 2.0;
        let _ = write!(
            path,
            "C{x1:.1} {middle:.1} {x2:.1} {middle:.1} {x2:.1} {y2:.1}"
        );
    }
    path
}

fn shape(node: &Node, area: &Area, out: &mut String) {
    let (fill, stroke, ink) = match node.kind {
        NodeKind::Latent => ("white", "stroke=\"black\"", "black"),
        NodeKind::Observed => ("#d0d0d0", "stroke=\"black\"", "black"),
        NodeKind::Data => ("#ececec", "stroke=\"#666\"", "black"),
        NodeKind::Param => ("white", "stroke=\"black\" stroke-width=\"2\"", "black"),
        NodeKind::Value => (
            "white",
            "stroke=\"black\" stroke-dasharray=\"4 3\"",
            "black",
        ),
        NodeKind::Factor => ("black", "stroke=\"black\"", "white"),
    };
    let (x, y, width, height) = (area.x, area.y, area.width, area.height);
    let _ = match node.kind {
        NodeKind::Data | NodeKind::Param | NodeKind::Factor => writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\" {stroke}/>",
            x - width / 2.0,
            y - height / 2.0,
        ),
        _ => writeln!(
            out,
            "<ellipse cx=\"{x:.1}\" cy=\"{y:.1}\" rx=\"{:.1}\" ry=\"{:.1}\" fill=\"{fill}\" {stroke}/>",
            width / 2.0,
            height / 2.0,
        ),
    };
    let top = y - (node.lines.len() as f64 - 1.0) * LINE / 2.0 + 4.0;
    for (i, line) in node.lines.iter().enumerate() {
        let size = if i == 0 { "" } else { " font-size=\"11\"" };
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{ink}\"{size}>{}</text>",
            top + i as f64 * LINE,
            escaped(line),
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
