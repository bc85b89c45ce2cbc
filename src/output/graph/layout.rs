//! Where nodes and plates stand in a drawing: layers from top to bottom, plate by plate.
//!
//! A plate is laid out by itself and is one box in the plate around it. In a plate the boxes stand in layers
//! such that edges lead down (Sugiyama, Tagawa and Toda 1981): layers by longest paths, the order in a layer by the
//! mean place of neighbours, and a point in every layer that a long edge passes.

use super::{Graph, NodeKind};
use std::collections::BTreeMap;

/// Distances in pixels.
const BETWEEN_COLUMNS: f64 = 22.0;
const BETWEEN_LAYERS: f64 = 44.0;
const PADDING: f64 = 14.0;
/// The height of a plate's label, and of a line of text.
pub(super) const LINE: f64 = 16.0;
/// The mean width of a letter.
const LETTER: f64 = 6.7;
/// How often the order in layers, and then places, are improved.
const SWEEPS: usize = 8;

/// A rectangle by its centre.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A drawing: where everything is.
pub(super) struct Layout {
    pub nodes: Vec<Area>,
    pub plates: Vec<Area>,
    /// For each edge, the points it passes between its ends.
    pub bends: Vec<Vec<(f64, f64)>>,
    pub width: f64,
    pub height: f64,
}

/// Finds a place for everything.
pub(super) fn lay_out(graph: &Graph) -> Layout {
    let mut layout = Layout {
        nodes: graph.nodes.iter().map(|n| size(n.kind, &n.lines)).collect(),
        plates: vec![Area::default(); graph.plates.len()],
        bends: vec![Vec::new(); graph.edges.len()],
        width: 0.0,
        height: 0.0,
    };
    let (width, height) = inside(graph, None, &mut layout);
    layout.width = width + 2.0 * PADDING;
    layout.height = height + 2.0 * PADDING;
    shift(graph, None, (PADDING, PADDING), &mut layout);
    layout
}

fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

fn size(kind: NodeKind, lines: &[String]) -> Area {
    let text = lines
        .iter()
        .map(|line| text_width(line))
        .fold(0.0, f64::max);
    let height = lines.len() as f64 * LINE;
    let round = !matches!(kind, NodeKind::Data | NodeKind::Param | NodeKind::Factor);
    // An ellipse around a rectangle is longer by the square root of two.
    let (width, height) = match round {
        true => (1.25 * text + 22.0, 1.3 * height + 12.0),
        false => (text + 20.0, height + 12.0),
    };
    Area {
        x: 0.0,
        y: 0.0,
        width: width.max(44.0),
        height,
    }
}

/// What stands in a plate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Member {
    Node(usize),
    Plate(usize),
    /// A point where a long edge between two members passes a layer.
    Bend,
}

/// The layers of a plate.
struct Layers {
    members: Vec<Member>,
    sizes: Vec<(f64, f64)>,
    /// Between members of neighbouring layers, downwards.
    edges: Vec<(usize, usize)>,
    layers: Vec<Vec<usize>>,
    /// Centres.
    x: Vec<f64>,
    /// The bends of an edge between two members, from above.
    bends: BTreeMap<(usize, usize), Vec<usize>>,
}

/// Lays out a plate with its upper left corner at the origin, and gives its size.
fn inside(graph: &Graph, plate: Option<usize>, layout: &mut Layout) -> (f64, f64) {
    let mut members = Vec::new();
    for (i, inner) in graph.plates.iter().enumerate() {
        if inner.parent == plate {
            let (width, height) = inside(graph, Some(i), layout);
            let width = width.max(text_width(&inner.label));
            layout.plates[i].width = width + 2.0 * PADDING;
            layout.plates[i].height = height + 2.0 * PADDING + LINE;
            members.push(Member::Plate(i));
        }
    }
    let nodes = (0..graph.nodes.len()).filter(|&i| graph.nodes[i].plate == plate);
    members.extend(nodes.map(Member::Node));
    let member_of = |node: usize| -> Option<usize> {
        let around = graph.around(graph.nodes[node].plate);
        let wanted = match plate {
            None => around.first().copied(),
            Some(p) => {
                let at = around.iter().position(|&a| a == p)?;
                around.get(at + 1).copied()
            }
        };
        let wanted = wanted.map_or(Member::Node(node), Member::Plate);
        members.iter().position(|m| *m == wanted)
    };
    let ends: Vec<Option<(usize, usize)>> = graph
        .edges
        .iter()
        .map(|&(a, b)| Some((member_of(a)?, member_of(b)?)).filter(|(a, b)| a != b))
        .collect();
    let sizes = members
        .iter()
        .map(|member| match *member {
            Member::Node(i) => (layout.nodes[i].width, layout.nodes[i].height),
            Member::Plate(i) => (layout.plates[i].width, layout.plates[i].height),
            Member::Bend => (0.0, 0.0),
        })
        .collect();
    // What is observed is at the bottom: of a cycle, what leads away from it is left to lead up.
    let observed = |edge: &usize| graph.nodes[graph.edges[*edge].0].kind == NodeKind::Observed;
    let (last, first): (Vec<usize>, Vec<usize>) = (0..ends.len()).partition(observed);
    let pairs: Vec<(usize, usize)> = first.iter().chain(&last).filter_map(|&e| ends[e]).collect();
    let mut layers = Layers::new(members, sizes, &pairs);
    layers.order();
    layers.place();
    layers.write(&ends, layout)
}

impl Layers {
    fn new(members: Vec<Member>, sizes: Vec<(f64, f64)>, pairs: &[(usize, usize)]) -> Layers {
        let mut pairs = without_cycles(members.len(), pairs);
        pairs.sort_unstable();
        pairs.dedup();
        let layer = layer_of(members.len(), &pairs);
        let depth = layer.iter().max().map_or(0, |d| d + 1);
        let mut all = Layers {
            members,
            sizes,
            edges: Vec::new(),
            layers: vec![Vec::new(); depth],
            x: Vec::new(),
            bends: BTreeMap::new(),
        };
        for (member, &at) in layer.iter().enumerate() {
            all.layers[at].push(member);
        }
        for (a, b) in pairs {
            let mut last = a;
            for at in layer[a] + 1..layer[b] {
                let bend = all.members.len();
                all.members.push(Member::Bend);
                all.sizes.push((0.0, 0.0));
                all.layers[at].push(bend);
                all.edges.push((last, bend));
                all.bends.entry((a, b)).or_default().push(bend);
                last = bend;
            }
            all.edges.push((last, b));
        }
        all.x = vec![0.0; all.members.len()];
        all
    }

    /// The mean of `of` over the neighbours of a member above or below (or both).
    fn mean(&self, member: usize, above: bool, below: bool, of: &[f64]) -> Option<f64> {
        let up = self
            .edges
            .iter()
            .filter(|e| above && e.1 == member)
            .map(|e| of[e.0]);
        let down = self
            .edges
            .iter()
            .filter(|e| below && e.0 == member)
            .map(|e| of[e.1]);
        let all: Vec<f64> = up.chain(down).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }

    /// Orders each layer by the mean place of neighbours, downwards and upwards in turn.
    fn order(&mut self) {
        let mut place = vec![0.0; self.members.len()];
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            for step in 0..self.layers.len() {
                let at = if down {
                    step
                } else {
                    self.layers.len() - 1 - step
                };
                let mut layer = std::mem::take(&mut self.layers[at]);
                let middle = (layer.len() as f64 - 1.0) / 2.0;
                let mut keyed: Vec<(f64, usize)> = layer
                    .iter()
                    .enumerate()
                    .map(|(i, &m)| {
                        let own = i as f64 - middle;
                        (self.mean(m, down, !down, &place).unwrap_or(own), m)
                    })
                    .collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                layer.clear();
                for (i, (_, member)) in keyed.into_iter().enumerate() {
                    place[member] = i as f64 - middle;
                    layer.push(member);
                }
                self.layers[at] = layer;
            }
        }
    }

    /// Finds centres near those of the neighbours, so that nothing overlaps.
    fn place(&mut self) {
        for sweep in 0..SWEEPS {
            for step in 0..self.layers.len() {
                let at = match sweep % 2 {
                    0 => step,
                    _ => self.layers.len() - 1 - step,
                };
                let layer = self.layers[at].clone();
                let wanted: Vec<f64> = layer
                    .iter()
                    .map(|&m| self.mean(m, true, true, &self.x).unwrap_or(self.x[m]))
                    .collect();
                let mut right = f64::NEG_INFINITY;
                for (&member, wanted) in layer.iter().zip(&wanted) {
                    let half = self.sizes[member].0 / 2.0;
                    self.x[member] = wanted.max(right + half);
                    right = self.x[member] + half + BETWEEN_COLUMNS;
                }
                // What was pushed to the right is brought back, all of a layer together.
                let pushed = layer.iter().zip(&wanted).map(|(&m, w)| self.x[m] - w);
                let mean = pushed.sum::<f64>() / layer.len().max(1) as f64;
                layer.iter().for_each(|&m| self.x[m] -= mean);
            }
        }
    }

    /// Writes places relative to the plate's corner, and gives its size.
    fn write(&self, ends: &[Option<(usize, usize)>], layout: &mut Layout) -> (f64, f64) {
        let sides =
            |sign: f64| (0..self.x.len()).map(move |m| self.x[m] + sign * self.sizes[m].0 / 2.0);
        let left = sides(-1.0).fold(f64::INFINITY, f64::min);
        let right = sides(1.0).fold(f64::NEG_INFINITY, f64::max);
        let mut y = vec![0.0; self.members.len()];
        let mut top = 0.0;
        for layer in &self.layers {
            let height = layer.iter().map(|&m| self.sizes[m].1).fold(0.0, f64::max);
            layer.iter().for_each(|&m| y[m] = top + height / 2.0);
            top += height + BETWEEN_LAYERS;
        }
        for (m, member) in self.members.iter().enumerate() {
            let area = match *member {
                Member::Node(i) => &mut layout.nodes[i],
                Member::Plate(i) => &mut layout.plates[i],
                Member::Bend => continue,
            };
            (area.x, area.y) = (self.x[m] - left, y[m]);
        }
        for (edge, ends) in ends.iter().enumerate() {
            if let Some(bends) = ends.and_then(|ends| self.bends.get(&ends)) {
                layout.bends[edge] = bends.iter().map(|&m| (self.x[m] - left, y[m])).collect();
            }
        }
        match self.members.is_empty() {
            true => (0.0, 0.0),
            false => (right - left, (top - BETWEEN_LAYERS).max(0.0)),
        }
    }
}

/// The pairs without those that close a cycle when all are followed in order.
fn without_cycles(count: usize, pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut kept: Vec<(usize, usize)> = Vec::new();
    for &(a, b) in pairs {
        let mut reached = vec![false; count];
        let mut open = vec![b];
        while let Some(member) = open.pop() {
            if !std::mem::replace(&mut reached[member], true) {
                open.extend(kept.iter().filter(|e| e.0 == member).map(|e| e.1));
            }
        }
        if !reached[a] {
            kept.push((a, b));
        }
    }
    kept
}

/// The layer of each member: below all that lead to it, and what nothing leads to just above what it leads to.
fn layer_of(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0; count];
    for _ in 0..count {
        for &(a, b) in pairs {
            layer[b] = layer[b].max(layer[a] + 1);
        }
    }
    for member in 0..count {
        let below = pairs
            .iter()
            .filter(|e| e.0 == member)
            .map(|e| layer[e.1])
            .min();
        if let Some(below) = below
            && pairs.iter().all(|e| e.1 != member)
        {
            layer[member] = below - 1;
        }
    }
    layer
}

/// Moves what stands in a plate from the plate's corner to its place in the drawing.
fn shift(graph: &Graph, plate: Option<usize>, by: (f64, f64), layout: &mut Layout) {
    for (i, node) in graph.nodes.iter().enumerate() {
        if node.plate == plate {
            layout.nodes[i].x += by.0;
            layout.nodes[i].y += by.1;
        }
    }
    for (edge, &(a, b)) in graph.edges.iter().enumerate() {
        if common(graph, a, b) == plate {
            for bend in &mut layout.bends[edge] {
                bend.0 += by.0;
                bend.1 += by.1;
            }
        }
    }
    for (i, inner) in graph.plates.iter().enumerate() {
        if inner.parent == plate {
            let area = &mut layout.plates[i];
            area.x += by.0;
            area.y += by.1;
            let corner = (
                area.x - area.width / 2.0 + PADDING,
                area.y - area.height / 2.0 + PADDING,
            );
            shift(graph, Some(i), corner, layout);
        }
    }
}

/// The innermost plate around two nodes.
fn common(graph: &Graph, a: usize, b: usize) -> Option<usize> {
    let a = graph.around(graph.nodes[a].plate);
    let b = graph.around(graph.nodes[b].plate);
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b);
    same.last().map(|(a, _)| *a)
}
