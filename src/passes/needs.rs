//! Which elements of inputs some elements of other values are computed from.
//!
//! Elements that are needed go backwards through the graph, each once, latest nodes first. Movements,
//! elementwise operations, sums and contractions are followed element by element; of what any other
//! operation takes (a scan, a factorisation) all is needed.

use super::equal_rows::is_elementwise;
use super::statistics::{Place, coordinates, movement};
use crate::graph::{Graph, Node, NodeId, Var, flat_strides, numel};
use crate::ops::{Concat, Contract, Input, Pad, Permute, Reduce, Reshape, ScatterAdd, Select};
use std::collections::{BTreeMap, HashMap};

/// Elements of one value, flat and row-major.
#[derive(Clone, Debug)]
pub(crate) enum Elements {
    All,
    These(Vec<usize>),
}

/// What is known to be needed of a node.
enum Mask {
    Nothing,
    Some(Vec<bool>, usize),
    All,
}

/// The elements needed so far.
pub(crate) struct Needs<'g> {
    graph: &'g Graph,
    nodes: Vec<Node>,
    varies: Vec<bool>,
    masks: Vec<Mask>,
    /// Nodes whose masks are not empty.
    touched: Vec<usize>,
    waiting: BTreeMap<usize, Elements>,
    /// Of scatters: for each place along the axis what is summed there.
    sources: HashMap<usize, Vec<Vec<usize>>>,
}

impl<'g> Needs<'g> {
    pub fn new(graph: &'g Graph) -> Needs<'g> {
        let nodes = graph.nodes();
        let mut varies = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            let given = node.op.get::<Input>().is_some();
            varies[i] = given || node.args.iter().any(|a| varies[a.index()]);
        }
        Needs {
            graph,
            masks: nodes.iter().map(|_| Mask::Nothing).collect(),
            nodes,
            varies,
            touched: Vec::new(),
            waiting: BTreeMap::new(),
            sources: HashMap::new(),
        }
    }

    /// Number of elements of a value.
    pub fn size(&self, id: NodeId) -> usize {
        numel(&self.nodes[id.index()].shape)
    }

    /// Forgets what was needed.
    pub fn clear(&mut self) {
        for i in self.touched.drain(..) {
            self.masks[i] = Mask::Nothing;
        }
        self.waiting.clear();
    }

    /// Elements of a value are needed; of a constant nothing is.
    pub fn add(&mut self, id: NodeId, elements: Elements) {
        let i = id.index();
        if !self.varies[i] {
            return;
        }
        let size = numel(&self.nodes[i].shape);
        if matches!(self.masks[i], Mask::Nothing) {
            self.touched.push(i);
        }
        let new = match (elements, &mut self.masks[i]) {
            (_, Mask::All) => return,
            (Elements::All, mask) => {
                *mask = Mask::All;
                Elements::All
            }
            (Elements::These(list), mask) => {
                if matches!(mask, Mask::Nothing) {
                    *mask = Mask::Some(vec![false; size], 0);
                }
                let Mask::Some(seen, count) = mask else {
                    return;
                };
                let fresh = |&e: &usize| !std::mem::replace(&mut seen[e], true);
                let list: Vec<usize> = list.into_iter().filter(fresh).collect();
                *count += list.len();
                let full = list.len() == size;
                if *count == size {
                    *mask = Mask::All;
                }
                match full {
                    true => Elements::All,
                    false => Elements::These(list),
                }
            }
        };
        match (self.waiting.get_mut(&i), new) {
            (_, Elements::These(list)) if list.is_empty() => {}
            (Some(Elements::These(before)), Elements::These(list)) => before.extend(list),
            (Some(before), Elements::All) => *before = Elements::All,
            (Some(_), _) => {}
            (None, new) => {
                self.waiting.insert(i, new);
            }
        }
    }

    /// Follows what is needed to the inputs; gives the elements of these that are new.
    pub fn run(&mut self) -> Vec<(NodeId, Elements)> {
        let mut reached = Vec::new();
        while let Some((i, elements)) = self.waiting.pop_last() {
            let node = self.nodes[i].clone();
            if node.op.get::<Input>().is_some() {
                reached.push((NodeId(i as u32), elements));
            } else {
                self.follow(i, &node, elements);
            }
        }
        reached
    }

    fn follow(&mut self, i: usize, node: &Node, elements: Elements) {
        let args: Vec<Var> = node.args.iter().map(|&a| self.graph.var(a)).collect();
        if node.op.get::<Select>().is_some()
            && let Some(choice) = args[0].as_const()
        {
            // Where it is known which of two is taken, the other is not needed.
            let list = listed(elements, numel(&node.shape));
            let (first, second) = list.into_iter().partition(|&e| choice.data()[e] != 0.0);
            self.add(node.args[1], Elements::These(first));
            return self.add(node.args[2], Elements::These(second));
        }
        if is_elementwise(&node.op) {
            for &arg in &node.args {
                self.add(arg, elements.clone());
            }
            return;
        }
        if node.op.get::<Reshape>().is_some() {
            return self.add(node.args[0], elements);
        }
        if let Some(op) = node.op.get::<ScatterAdd>()
            && let Some(index) = args[1].as_const()
        {
            return self.scattered(i, node, op, index.data(), elements);
        }
        let moves = movement(node, &args);
        let whole = matches!(elements, Elements::All);
        let same = node.op.get::<Permute>().is_some()
            || node.op.get::<crate::ops::Broadcast>().is_some()
            || node.op.get::<Concat>().is_some()
            || node.op.get::<Pad>().is_some()
            || node.op.get::<Reduce>().is_some()
            || node.op.get::<Contract>().is_some();
        if whole && (same || moves.is_none()) {
            for &arg in &node.args {
                self.add(arg, Elements::All);
            }
            return;
        }
        let list = listed(elements, numel(&node.shape));
        if let Some(place) = moves.and_then(|m| m(&Place::whole(&args[0].shape()))) {
            let from = at_places(&place, node, &list);
            return self.add(node.args[0], Elements::These(from));
        }
        if let Some(op) = node.op.get::<Concat>() {
            return self.joined(node, op.axis, &args, &list);
        }
        if let Some(op) = node.op.get::<Pad>() {
            let (axis, start) = (node.shape.len() - 1 - op.axis, op.before);
            let own = within(node, axis, start, &args[0].shape(), &list);
            return self.add(node.args[0], Elements::These(own));
        }
        if let Some(op) = node.op.get::<Reduce>() {
            let labels: Vec<u8> = (0..args[0].rank() as u8).collect();
            let summed = |l: &&u8| !op.axes.contains(&(args[0].rank() - 1 - usize::from(**l)));
            let out: Vec<u8> = labels.iter().filter(summed).copied().collect();
            return self.summed(node, 0, &labels, &out, &list);
        }
        if let Some(op) = node.op.get::<Contract>() {
            self.summed(node, 0, &op.a, &op.out, &list);
            return self.summed(node, 1, &op.b, &op.out, &list);
        }
        for &arg in &node.args {
            self.add(arg, Elements::All);
        }
    }

    /// What was summed into places along an axis.
    fn scattered(
        &mut self,
        i: usize,
        node: &Node,
        op: &ScatterAdd,
        index: &[f64],
        elements: Elements,
    ) {
        let Elements::These(list) = elements else {
            return self.add(node.args[0], Elements::All);
        };
        let sources = self.sources.entry(i).or_insert_with(|| {
            let mut sources = vec![Vec::new(); op.extent];
            for (from, &to) in index.iter().enumerate() {
                sources[to as usize].push(from);
            }
            sources
        });
        let after = numel(&node.shape[node.shape.len() - op.axis..]);
        let mut from = Vec::new();
        for e in list {
            let (inner, place) = (e % after, e / after % op.extent);
            let before = e / after / op.extent;
            let flat = |&k: &usize| (before * index.len() + k) * after + inner;
            from.extend(sources[place].iter().map(flat));
        }
        self.add(node.args[0], Elements::These(from));
    }

    fn joined(&mut self, node: &Node, axis: usize, args: &[Var<'g>], list: &[usize]) {
        let from_first = node.shape.len() - 1 - axis;
        let mut start = 0;
        for (arg, &id) in args.iter().zip(&node.args) {
            let own = within(node, from_first, start, &arg.shape(), list);
            self.add(id, Elements::These(own));
            start += arg.extent(axis);
        }
    }

    /// All places along the axes that an element is a sum over, of one argument with labelled axes.
    fn summed(&mut self, node: &Node, arg: usize, labels: &[u8], out: &[u8], list: &[usize]) {
        let from = self.nodes[node.args[arg].index()].shape.clone();
        let strides = flat_strides(&from);
        let mut inner = vec![0];
        for (axis, label) in labels.iter().enumerate() {
            if !out.contains(label) {
                let step = |base: &usize| {
                    let base = *base;
                    (0..from[axis]).map(move |k| (k, base))
                };
                inner = inner
                    .iter()
                    .flat_map(step)
                    .map(|(k, base)| base + k * strides[axis])
                    .collect();
            }
        }
        let mut at = vec![0; node.shape.len()];
        let mut all = Vec::with_capacity(list.len() * inner.len());
        for &e in list {
            coordinates(&node.shape, e, &mut at);
            let base: usize = out
                .iter()
                .zip(&at)
                .filter_map(|(l, k)| labels.iter().position(|m| m == l).map(|a| k * strides[a]))
                .sum();
            all.extend(inner.iter().map(|i| base + i));
        }
        self.add(node.args[arg], Elements::These(all));
    }
}

/// The elements one by one.
pub(crate) fn listed(elements: Elements, size: usize) -> Vec<usize> {
    match elements {
        Elements::All => (0..size).collect(),
        Elements::These(list) => list,
    }
}

fn at_places(place: &Place, node: &Node, list: &[usize]) -> Vec<usize> {
    let mut at = vec![0; node.shape.len()];
    let from = list.iter().map(|&e| {
        coordinates(&node.shape, e, &mut at);
        place.at(&at)
    });
    from.collect()
}

/// Of elements those that lie in a part, which begins at `start` along an axis from the first, as
/// elements of the part.
fn within(node: &Node, axis: usize, start: usize, part: &[usize], list: &[usize]) -> Vec<usize> {
    let strides = flat_strides(part);
    let mut at = vec![0; node.shape.len()];
    let mut own = Vec::new();
    for &e in list {
        coordinates(&node.shape, e, &mut at);
        if (start..start + part[axis]).contains(&at[axis]) {
            at[axis] -= start;
            own.push(at.iter().zip(&strides).map(|(k, s)| k * s).sum());
        }
    }
    own
}
