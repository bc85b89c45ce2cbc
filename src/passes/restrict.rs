//! A value at some of its elements, computed for these alone.
//!
//! Values that are read on the way may be [`Split`]: their elements then come from other values, so that
//! what is emitted is no function of the node itself.

use super::equal_rows::{LONGEST_AXIS, is_elementwise};
use super::statistics::{Place, coordinates, movement};
use crate::graph::{Graph, Node, NodeId, Op, Shape, Tensor, Var, numel};
use crate::ops::{
    Broadcast, Concat, Constant, Contract, Gather, Pad, Reduce, ReduceKind, ScatterAdd, concat,
    contract,
};
use std::collections::{BTreeMap, HashMap};

/// Emits values at lists of flat indices, each list a vector of whole numbers.
pub(crate) struct Restrict<'g> {
    graph: &'g Graph,
    done: HashMap<(NodeId, Tensor), Var<'g>>,
    splits: BTreeMap<NodeId, Split<'g>>,
    /// Nodes that are computed from a split one.
    reaches: Vec<bool>,
}

/// Where the elements of a value come from instead.
#[derive(Clone, Debug)]
pub(crate) struct Split<'g> {
    /// Vectors.
    parts: Vec<Var<'g>>,
    /// For each element the part and its place there.
    sources: Vec<Option<(usize, usize)>>,
    /// What elements without a source are.
    missing: f64,
}

impl<'g> Split<'g> {
    pub fn new(size: usize, missing: f64) -> Split<'g> {
        Split {
            parts: Vec::new(),
            sources: vec![None; size],
            missing,
        }
    }

    /// The elements of a vector are these elements.
    pub fn give(&mut self, part: Var<'g>, elements: &[usize]) {
        for (k, &element) in elements.iter().enumerate() {
            self.sources[element] = Some((self.parts.len(), k));
        }
        self.parts.push(part);
    }

    /// Elements, as a vector.
    pub fn pick(&self, graph: &'g Graph, elements: impl Iterator<Item = usize>) -> Var<'g> {
        let sources: Vec<Option<(usize, usize)>> = elements.map(|e| self.sources[e]).collect();
        // Parts in order, each with the places that are read of it.
        let mut used: Vec<usize> = sources.iter().flatten().map(|s| s.0).collect();
        used.sort_unstable();
        used.dedup();
        let mut places: HashMap<usize, Vec<f64>> = HashMap::new();
        let mut own = Vec::with_capacity(sources.len());
        for source in &sources {
            own.push(source.map(|(part, place)| {
                let all = places.entry(part).or_default();
                all.push(place as f64);
                (part, all.len() - 1)
            }));
        }
        let mut vectors: Vec<Var<'g>> = Vec::new();
        let (mut starts, mut count) = (HashMap::new(), 0);
        for part in used {
            let at = places.remove(&part).expect("it is used");
            starts.insert(part, count);
            count += at.len();
            vectors.push(self.parts[part].gather(0, graph.constant(Tensor::vector(at))));
        }
        if sources.iter().any(Option::is_none) {
            vectors.push(graph.constant(Tensor::vector([self.missing])));
        }
        let order = own.iter().map(|o| o.map_or(count, |(p, k)| starts[&p] + k));
        let order: Vec<f64> = order.map(|k| k as f64).collect();
        match vectors.is_empty() {
            true => graph.constant(Tensor::vector([])),
            false => concat(&vectors, 0).gather(0, graph.constant(Tensor::vector(order))),
        }
    }

    /// All elements, as a vector.
    pub fn whole(&self, graph: &'g Graph) -> Var<'g> {
        self.pick(graph, 0..self.sources.len())
    }
}

impl<'g> Restrict<'g> {
    pub fn new(graph: &'g Graph) -> Restrict<'g> {
        Restrict::with(graph, BTreeMap::new())
    }

    /// With elements of some nodes from elsewhere.
    pub fn with(graph: &'g Graph, splits: BTreeMap<NodeId, Split<'g>>) -> Restrict<'g> {
        let mut reaches = Vec::new();
        if !splits.is_empty() {
            for (i, node) in graph.nodes().iter().enumerate() {
                let own = splits.contains_key(&NodeId(i as u32));
                reaches.push(own || node.args.iter().any(|a| reaches[a.index()]));
            }
        }
        Restrict {
            graph,
            done: HashMap::new(),
            splits,
            reaches,
        }
    }

    /// Whether a value is computed from a split one.
    pub fn reaches(&self, id: NodeId) -> bool {
        self.reaches.get(id.index()).is_some_and(|&r| r)
    }

    pub fn split(&mut self, id: NodeId) -> Option<&mut Split<'g>> {
        self.splits.get_mut(&id)
    }

    pub fn is_split(&self, id: NodeId) -> bool {
        self.splits.contains_key(&id)
    }

    /// A vector of the elements of `var`.
    pub fn at(&mut self, var: Var<'g>, elements: &Tensor) -> Var<'g> {
        let key = (var.id, elements.clone());
        if let Some(&made) = self.done.get(&key) {
            return made;
        }
        let graph = self.graph;
        let before = graph.set_origin(graph.node(var.id).origin);
        let made = self.make(var, elements).unwrap_or_else(|| {
            let index = graph.constant(elements.clone());
            var.reshape(&[var.numel()]).gather(0, index)
        });
        graph.set_origin(before);
        self.done.insert(key, made);
        made
    }

    /// `None` where elements are picked from the value itself.
    fn make(&mut self, var: Var<'g>, elements: &Tensor) -> Option<Var<'g>> {
        let graph = self.graph;
        let n = elements.numel();
        if n == 0 {
            return Some(graph.constant(Tensor::vector([])));
        }
        let picked = elements.data().iter().map(|&e| e as usize);
        if let Some(split) = self.splits.get(&var.id) {
            return Some(split.pick(graph, picked));
        }
        if let Some(x) = var.as_uniform() {
            return Some(graph.scalar(x).broadcast(&[n]));
        }
        // What is no longer than the rows that are left is computed as it is.
        let reaches = self.reaches(var.id);
        if var.as_op::<Constant>().is_some() || (var.numel() <= n && !reaches) {
            return None;
        }
        if reaches && let Some(made) = self.once(var, elements) {
            return Some(made);
        }
        let node = graph.node(var.id);
        let args: Vec<Var> = node.args.iter().map(|&a| graph.var(a)).collect();
        if is_elementwise(&node.op) {
            let few: Vec<Var> = args.iter().map(|&a| self.at(a, elements)).collect();
            let sooner = reaches.then(|| before_gather(&node.op, &few)).flatten();
            return Some(sooner.unwrap_or_else(|| graph.apply_op(node.op, &few)));
        }
        if let Some(movement) = movement(&node, &args) {
            let place = movement(&Place::whole(&args[0].shape()));
            return match place {
                Some(place) => Some(self.at(args[0], &moved(&place, &node.shape, elements))),
                // A reshape keeps flat indices.
                None => Some(self.at(args[0], elements)),
            };
        }
        if let Some(op) = node.op.get::<Concat>() {
            return Some(self.joined(op, &node.shape, &args, elements));
        }
        if reaches && (node.op.get::<ScatterAdd>().is_some() || node.op.get::<Pad>().is_some()) {
            return self.placed(&node, &args, elements);
        }
        if let Some(op) = node.op.get::<Reduce>() {
            return self.reduced(op, &args, &node.shape, elements);
        }
        self.contraction(node.op.get::<Contract>()?, &args, &node.shape, elements)
    }

    /// From each part what lies in it, put into order again.
    fn joined(
        &mut self,
        op: &Concat,
        shape: &Shape,
        args: &[Var<'g>],
        elements: &Tensor,
    ) -> Var<'g> {
        let axis = shape.len() - 1 - op.axis;
        let mut order = vec![0.0; elements.numel()];
        let mut parts = Vec::new();
        let (mut start, mut count) = (0, 0);
        let mut at = vec![0; shape.len()];
        for &arg in args {
            let end = start + arg.extent(op.axis);
            let place = Place::whole(&arg.shape());
            let mut own = Vec::new();
            for (i, &element) in elements.data().iter().enumerate() {
                coordinates(shape, element as usize, &mut at);
                if (start..end).contains(&at[axis]) {
                    at[axis] -= start;
                    order[i] = (count + own.len()) as f64;
                    own.push(place.at(&at) as f64);
                }
            }
            if !own.is_empty() {
                count += own.len();
                parts.push(self.at(arg, &Tensor::vector(own)));
            }
            start = end;
        }
        let order = self.graph.constant(Tensor::vector(order));
        concat(&parts, 0).gather(0, order)
    }

    /// Each element that occurs several times computed once.
    fn once(&mut self, var: Var<'g>, elements: &Tensor) -> Option<Var<'g>> {
        let mut different = elements.data().to_vec();
        different.sort_by(f64::total_cmp);
        different.dedup();
        if different.len() == elements.numel() {
            return None;
        }
        let place = |e: &f64| different.partition_point(|d| d < e) as f64;
        let order: Vec<f64> = elements.data().iter().map(place).collect();
        let order = self.graph.constant(Tensor::vector(order));
        Some(self.at(var, &Tensor::vector(different)).gather(0, order))
    }

    /// Of a value put into zeros what stands at the elements; `None` where sums stand there.
    fn placed(&mut self, node: &Node, args: &[Var<'g>], elements: &Tensor) -> Option<Var<'g>> {
        let (axis, index): (usize, Vec<usize>) = match (node.op.get::<Pad>(), args.get(1)) {
            (Some(pad), _) => {
                let own = args[0].extent(pad.axis);
                (pad.axis, (pad.before..pad.before + own).collect())
            }
            (None, index) => {
                let index = index?.as_const()?;
                let index = index.data().iter().map(|&k| k as usize).collect();
                (node.op.get::<ScatterAdd>()?.axis, index)
            }
        };
        let extent = node.shape[node.shape.len() - 1 - axis];
        let mut source = vec![None; extent];
        for (from, &to) in index.iter().enumerate() {
            if source[to].replace(from).is_some() {
                return None;
            }
        }
        let after = numel(&node.shape[node.shape.len() - axis..]);
        let (mut own, mut at) = (Vec::new(), Vec::new());
        for (i, &element) in elements.data().iter().enumerate() {
            let flat = element as usize;
            let before = flat / after / extent;
            if let Some(from) = source[flat / after % extent] {
                own.push(((before * index.len() + from) * after + flat % after) as f64);
                at.push(i as f64);
            }
        }
        let n = elements.numel();
        if own.is_empty() {
            return Some(self.graph.scalar(0.0).broadcast(&[n]));
        }
        let parts = self.at(args[0], &Tensor::vector(own));
        let at = self.graph.constant(Tensor::vector(at));
        Some(parts.scatter_add(0, n, at))
    }

    /// Every place along the axes (from the first) that an element is made of, element by element.
    fn spread(
        shape: &Shape,
        place: &Place,
        inner: &[(usize, usize)],
        elements: &Tensor,
    ) -> Option<Tensor> {
        let count: usize = inner.iter().map(|x| x.1).product();
        if count > LONGEST_AXIS {
            return None;
        }
        let mut at = vec![0; shape.len()];
        let mut all = Vec::with_capacity(count * elements.numel());
        for &element in elements.data() {
            coordinates(shape, element as usize, &mut at);
            let base = place.at(&at);
            for flat in 0..count {
                let (mut rest, mut shift) = (flat, 0);
                for &(stride, extent) in inner.iter().rev() {
                    shift += stride * (rest % extent);
                    rest /= extent;
                }
                all.push((base + shift) as f64);
            }
        }
        Some(Tensor::vector(all))
    }

    fn reduced(
        &mut self,
        op: &Reduce,
        args: &[Var<'g>],
        shape: &Shape,
        elements: &Tensor,
    ) -> Option<Var<'g>> {
        let from = args[0].shape();
        let whole = Place::whole(&from);
        let axes: Vec<usize> = op.axes.iter().rev().map(|a| from.len() - 1 - a).collect();
        let kept: Vec<Option<usize>> = (0..from.len())
            .filter(|a| !axes.contains(a))
            .map(Some)
            .collect();
        let inner: Vec<(usize, usize)> =
            axes.iter().map(|&a| (whole.strides[a], from[a])).collect();
        let all = Self::spread(shape, &whole.relabel(&kept), &inner, elements)?;
        let n = elements.numel();
        let parts = self.at(args[0], &all).reshape(&[n, all.numel() / n]);
        Some(match op.kind {
            ReduceKind::Sum => parts.sum_axes(&[0]),
            ReduceKind::Max => parts.max_axes(&[0]),
            ReduceKind::Min => parts.min_axes(&[0]),
        })
    }

    fn contraction(
        &mut self,
        op: &Contract,
        args: &[Var<'g>],
        shape: &Shape,
        elements: &Tensor,
    ) -> Option<Var<'g>> {
        let summed = op.summed();
        let n = elements.numel();
        let mut sides = Vec::new();
        for (labels, arg) in [(&op.a, args[0]), (&op.b, args[1])] {
            let from = arg.shape();
            let whole = Place::whole(&from);
            let axis = |l: &u8| labels.iter().position(|m| m == l);
            let axes: Vec<Option<usize>> = op.out.iter().map(axis).collect();
            let place = whole.relabel(&axes);
            let inner: Option<Vec<(usize, usize)>> = summed
                .iter()
                .map(|l| axis(l).map(|a| (whole.strides[a], from[a])))
                .collect();
            let inner = inner?;
            let count: usize = inner.iter().map(|x| x.1).product();
            if place.is_fixed() {
                let one = Tensor::vector([0.0]);
                let all =
                    Self::spread(&Shape::from_slice(&[1]), &Place::whole(&[1]), &inner, &one)?;
                sides.push((self.at(arg, &all), false, count));
            } else {
                let all = Self::spread(shape, &place, &inner, elements)?;
                let value = self.at(arg, &all).reshape(&[n, count]);
                sides.push((value, true, count));
            }
        }
        let [(a, long_a, count), (b, long_b, _)] = sides[..] else {
            return None;
        };
        debug_assert!(count <= LONGEST_AXIS && numel(shape) > 0);
        let labels = |long: bool| if long { vec![0, 1] } else { vec![1] };
        match (long_a, long_b) {
            (false, false) => None,
            _ => Some(contract(a, &labels(long_a), b, &labels(long_b), &[0])),
        }
    }
}

/// An elementwise operation on vectors picked by one index, or on single numbers beside such, done before
/// they are picked, where that is less work and nothing is computed that is not picked.
fn before_gather<'g>(op: &Op, args: &[Var<'g>]) -> Option<Var<'g>> {
    let (_, first) = args.iter().find_map(|a| a.as_op::<Gather>())?;
    let (n, index) = (first[0].numel(), first[1]);
    let mut picked = vec![false; n];
    for &k in index.as_const()?.data() {
        *picked.get_mut(k as usize)? = true;
    }
    if n >= index.numel() || picked.contains(&false) {
        return None;
    }
    let source = |arg: &Var<'g>| {
        if let Some(x) = arg.as_uniform() {
            return Some(arg.graph.scalar(x).broadcast(&[n]));
        }
        if let Some((_, from)) = arg.as_op::<Broadcast>() {
            let one = from[0].numel() == 1;
            return one.then(|| from[0].reshape(&[]).broadcast(&[n]));
        }
        let (_, from) = arg.as_op::<Gather>()?;
        let same = from[1].id == index.id && from[0].shape().as_slice() == [n];
        same.then_some(from[0])
    };
    let sources: Option<Vec<Var<'g>>> = args.iter().map(source).collect();
    let sooner = index.graph.apply_op(op.clone(), &sources?);
    Some(sooner.gather(0, index))
}

/// The elements that a movement takes these from.
fn moved(place: &Place, shape: &Shape, elements: &Tensor) -> Tensor {
    let mut at = vec![0; shape.len()];
    let from = elements.data().iter().map(|&element| {
        coordinates(shape, element as usize, &mut at);
        place.at(&at) as f64
    });
    Tensor::vector(from.collect::<Vec<_>>())
}
