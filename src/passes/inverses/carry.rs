//! A recurrence that makes its carry by a function and reads it through the inverse alone carries
//! that function's argument.
//!
//! `s ← √(a + b s²)` becomes `v ← a + b v` with `v = s²`, and the states are the roots of the new ones,
//! all at once: neither root nor square is left on the way from step to step, which is as long as the
//! operations on it take one after the other. `h ← exp(a + b log h)` is of the same kind.

use super::{Ranges, moves};
use crate::graph::{Graph, Node, NodeId, Range, Var, needed, numel};
use crate::ops::{Binary, Body, Concat, Reshape, Scan, Slice, Unary, concat, hoisted};
use smallvec::SmallVec;
use std::ops::Range as Places;
use std::sync::Arc;

/// A function, its inverse, and where the one undoes the other.
struct Pair {
    makes: &'static str,
    reads: &'static str,
    /// Ranges that the arguments may be proved to stay in.
    domains: &'static [Range],
    /// Whether the inverse of a product is the product of the inverses.
    multiplies: bool,
}

const PAIRS: &[Pair] = &[
    Pair {
        makes: "sqrt",
        reads: "square",
        domains: &[Range::FROM_0, Range::new(-0.0, f64::INFINITY)],
        multiplies: true,
    },
    Pair {
        makes: "exp",
        reads: "log",
        domains: &[Range::ALL],
        multiplies: false,
    },
];

/// All states, by a recurrence that carries less.
pub(super) fn carried<'g>(scan: &Scan, args: &[Var<'g>]) -> Option<Var<'g>> {
    PAIRS.iter().find_map(|pair| carried_by(pair, scan, args))
}

fn carried_by<'g>(pair: &Pair, scan: &Scan, args: &[Var<'g>]) -> Option<Var<'g>> {
    let nodes = scan.body.graph.nodes();
    let parts = changed_parts(pair, &scan.body, &nodes)?;
    let (body, given, roots) = Rewrite::new(pair, &scan.body, &nodes, &parts).run()?;
    // By induction: the first carry is a square, and every step makes one again.
    let mut outside = Ranges::new(args[0].graph, Vec::new());
    let others = body.inputs.iter().zip(args).skip(1);
    let others: Vec<_> = others.map(|(&id, arg)| (id, outside.of(arg.id))).collect();
    let is_kept = |domain: &Range| {
        let carried = given.iter().map(|&id| (id, *domain));
        let mut inside = Ranges::new(&body.graph, carried.chain(others.clone()).collect());
        roots.iter().all(|&id| inside.of(id).is_within(*domain))
    };
    if !pair.domains.iter().any(is_kept) {
        return None;
    }
    let whole = |x: Var<'g>, function: &str, axis: usize| match parts.as_slice() {
        [_] => unary(function, x),
        _ => {
            let pieces: Vec<Var<'g>> = parts
                .iter()
                .map(|part| (part, x.slice(axis, part.places.start, part.places.len())))
                .map(|(part, x)| if part.changes { unary(function, x) } else { x })
                .collect();
            concat(&pieces, axis)
        }
    };
    let init = whole(args[0], pair.reads, 0);
    let (xs, constants) = args[1..].split_at(scan.slices());
    let states = hoisted(
        Scan {
            body,
            ..scan.clone()
        },
        init,
        xs,
        constants,
    );
    Some(whole(states, pair.makes, usize::from(scan.out_inner == 0)))
}

fn unary<'g>(name: &str, x: Var<'g>) -> Var<'g> {
    let row = crate::ops::unary::TABLE.iter().find(|row| row.name == name);
    x.graph.apply(Unary(row.expect("a pair names rows")), &[x])
}

/// A part of what a step gives, and so of the carry.
struct Part {
    node: NodeId,
    places: Places<usize>,
    /// Whether it carries the argument instead.
    changes: bool,
}

/// The parts that a step's result is joined of, if one is made by the pair's function.
fn changed_parts(pair: &Pair, body: &Body, nodes: &[Node]) -> Option<Vec<Part>> {
    let mut out = body.output;
    while nodes[out.index()].op.get::<Reshape>().is_some()
        && joins(nodes, nodes[out.index()].args[0])
    {
        out = nodes[out.index()].args[0];
    }
    let ids = match joins(nodes, out) && nodes[body.output.index()].shape.len() == 1 {
        true => nodes[out.index()].args.clone(),
        false => SmallVec::from_elem(body.output, 1),
    };
    let mut start = 0;
    let mut parts = Vec::new();
    for node in ids {
        let end = start + numel(&nodes[node.index()].shape);
        let source = unmoved(nodes, node);
        let makes = is(nodes, source, pair.makes);
        parts.push((
            makes,
            Part {
                node,
                places: start..end,
                changes: true,
            },
        ));
        start = end;
    }
    // What is handed on from the carry changes as the places that it comes from.
    loop {
        let changes: Vec<bool> = parts
            .iter()
            .flat_map(|(_, p)| p.places.clone().map(|_| p.changes))
            .collect();
        let stays = |(makes, part): &(bool, Part)| {
            let from = || places(body, nodes, part.node);
            part.changes
                && !makes
                && !from().is_some_and(|from| from.into_iter().all(|i| changes[i]))
        };
        match parts.iter().position(stays) {
            Some(i) => parts[i].1.changes = false,
            None => break,
        }
    }
    let any = parts.iter().any(|(makes, _)| *makes);
    any.then(|| parts.into_iter().map(|(_, part)| part).collect())
}

/// Whether the node joins vectors.
fn joins(nodes: &[Node], id: NodeId) -> bool {
    let node = &nodes[id.index()];
    node.op.get::<Concat>().is_some() && node.shape.len() == 1
}

fn is(nodes: &[Node], id: NodeId, name: &str) -> bool {
    let function = nodes[id.index()].op.get::<Unary>();
    function.is_some_and(|f| f.0.name == name)
}

/// The node of which this one only changes the shape.
fn unmoved(nodes: &[Node], mut id: NodeId) -> NodeId {
    while nodes[id.index()].op.get::<Reshape>().is_some() {
        id = nodes[id.index()].args[0];
    }
    id
}

/// The places of the carry that a node holds, if it is a stretch of it.
fn places(body: &Body, nodes: &[Node], id: NodeId) -> Option<Places<usize>> {
    let node = &nodes[id.index()];
    if id == body.inputs[0] {
        return Some(0..numel(&node.shape));
    }
    if node.op.get::<Reshape>().is_some() {
        return places(body, nodes, node.args[0]);
    }
    let slice = node.op.get::<Slice>()?;
    let whole = places(body, nodes, node.args[0])?;
    let start = whole.start + slice.start;
    (node.shape.len() == 1).then(|| start..start + slice.len)
}

/// A step built anew.
struct Rewrite<'a> {
    pair: &'a Pair,
    body: &'a Body,
    nodes: &'a [Node],
    parts: &'a [Part],
    graph: Arc<Graph>,
    /// What nodes have become; of a changed part of the carry there is nothing.
    plain: Vec<Option<NodeId>>,
    /// The inverses of what nodes have become, where they cost nothing.
    inverse: Vec<Option<NodeId>>,
    /// New nodes that are stretches of changed parts of the carry.
    given: Vec<NodeId>,
    /// New nodes that the pair's function was applied to.
    roots: Vec<NodeId>,
}

impl<'a> Rewrite<'a> {
    fn new(pair: &'a Pair, body: &'a Body, nodes: &'a [Node], parts: &'a [Part]) -> Rewrite<'a> {
        Rewrite {
            pair,
            body,
            nodes,
            parts,
            graph: Arc::new(Graph::new()),
            plain: vec![None; nodes.len()],
            inverse: vec![None; nodes.len()],
            given: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// The new body, the nodes of which the induction may assume something, and those of which it must
    /// hold; `None` where a changed part is read otherwise than through the inverse.
    fn run(mut self) -> Option<(Body, Vec<NodeId>, Vec<NodeId>)> {
        let graph = self.graph.clone();
        let shape = |id: &NodeId| self.nodes[id.index()].shape.clone();
        let inputs: Vec<Var> = self
            .body
            .inputs
            .iter()
            .map(|id| graph.input(&shape(id)))
            .collect();
        for (id, input) in self.body.inputs.iter().zip(&inputs).skip(1) {
            self.plain[id.index()] = Some(input.id);
        }
        for id in needed(&self.body.graph, &[self.body.output], |_| false) {
            match places(self.body, self.nodes, id) {
                Some(places) => self.stretch(id, inputs[0], places),
                None => self.step(id, &graph),
            }
        }
        let parts = self.parts.iter().map(|part| {
            let made = match part.changes {
                true => self.inverse[part.node.index()],
                false => self.plain[part.node.index()],
            };
            Some(graph.var(made?))
        });
        let parts = parts.collect::<Option<Vec<Var>>>()?;
        let output = match parts.as_slice() {
            [one] => *one,
            parts => concat(parts, 0),
        };
        let body = Body {
            graph: graph.clone(),
            inputs: inputs.iter().map(|v| v.id).collect(),
            output: output.reshape(&shape(&self.body.output)).id,
        };
        Some((body, self.given, self.roots))
    }

    /// A stretch of the carry.
    fn stretch(&mut self, id: NodeId, carry: Var<'_>, places: Places<usize>) {
        let changes = |i: &usize| self.parts.iter().any(|p| p.changes && p.places.contains(i));
        let shape = &self.nodes[id.index()].shape;
        let flat = carry.reshape(&[carry.numel()]);
        let new = flat.slice(0, places.start, places.len()).reshape(shape);
        let count = places.clone().filter(changes).count();
        if count == 0 {
            self.plain[id.index()] = Some(new.id);
        } else if count == places.len() {
            self.inverse[id.index()] = Some(new.id);
            self.given.push(new.id);
        }
    }

    fn step(&mut self, id: NodeId, graph: &Graph) {
        let node = &self.nodes[id.index()];
        let first = node.args.first().map(|a| a.index());
        let function = node.op.get::<Unary>().map(|f| f.0.name);
        if function == Some(self.pair.makes) {
            let argument = first.and_then(|i| self.plain[i]);
            self.inverse[id.index()] = argument;
            self.roots.extend(argument);
        } else if moves(&node.op) || self.multiplies(node) {
            let args = node
                .args
                .iter()
                .enumerate()
                .map(|(k, a)| match (k, moves(&node.op)) {
                    (1.., true) => self.plain[a.index()].map(|id| graph.var(id)),
                    _ => self.inverse_of(a.index(), graph),
                });
            let known = node.args.iter().any(|a| self.inverse[a.index()].is_some());
            let args: Option<Vec<Var>> = args.collect();
            self.inverse[id.index()] = args
                .filter(|_| known)
                .map(|args| graph.apply_op(node.op.clone(), &args).id);
        }
        let read = (function == Some(self.pair.reads)).then(|| first.and_then(|i| self.inverse[i]));
        self.plain[id.index()] = read.flatten().or_else(|| {
            if node.args.is_empty() {
                let (op, args, shape) = (node.op.clone(), node.args.clone(), node.shape.clone());
                return self.plain[id.index()].or_else(|| Some(graph.insert(op, args, shape).id));
            }
            let args = node.args.iter().map(|a| self.plain[a.index()]);
            let args: Option<Vec<NodeId>> = args.collect();
            let args = args.map(|ids| ids.iter().map(|&id| graph.var(id)).collect::<Vec<Var>>());
            let built = args.map(|args| graph.apply_op(node.op.clone(), &args).id);
            built.or_else(|| self.of_pairs(id, graph))
        });
    }

    /// A product in which what can be read through the inverse alone occurs twice, `s · c · s`.
    fn of_pairs(&self, id: NodeId, graph: &Graph) -> Option<NodeId> {
        let is_product = |i: usize| {
            let function = self.nodes[i].op.get::<Binary>();
            self.pair.reads == "square" && function.is_some_and(|f| f.0.name == "mul")
        };
        let (mut stack, mut singles, mut product) = (vec![id.index()], Vec::new(), None);
        while let Some(i) = stack.pop() {
            let factor = if let Some(plain) = self.plain[i] {
                plain
            } else if is_product(i) {
                stack.extend(self.nodes[i].args.iter().map(|a| a.index()));
                continue;
            } else {
                let inverse = self.inverse[i]?;
                match singles.iter().position(|&single| single == inverse) {
                    Some(other) => singles.swap_remove(other),
                    None => {
                        singles.push(inverse);
                        continue;
                    }
                }
            };
            let factor = graph.var(factor);
            product = Some(product.map_or(factor, |p| p * factor));
        }
        product.filter(|_| singles.is_empty()).map(|p| p.id)
    }

    fn multiplies(&self, node: &Node) -> bool {
        let function = node.op.get::<Binary>();
        self.pair.multiplies && function.is_some_and(|f| matches!(f.0.name, "mul" | "div"))
    }

    /// The inverse of what a node has become.
    fn inverse_of<'v>(&self, i: usize, graph: &'v Graph) -> Option<Var<'v>> {
        let known = self.inverse[i].map(|id| graph.var(id));
        known.or_else(|| Some(unary(self.pair.reads, graph.var(self.plain[i]?))))
    }
}
