//! What a graph computes for one of many samples.
//!
//! Where every node treats the elements of its leading axis alike and apart, that axis is taken off
//! ([`without_samples`]); what remains is unrolled as for one sample, and run for each.

use super::unroll::Unroll;
use crate::graph::{Graph, Node, NodeId, Op, Shape, Tensor, needed};
use crate::ops::{
    Binary, Broadcast, Cholesky, Concat, Constant, Contract, CumSum, Gather, Pad, Permute, Reduce,
    Reshape, ScatterAdd, Select, Slice, StopGradient, TriSolve, Unary,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Cells of nodes, and whether they hold one of many samples.
pub(super) type Cells = HashMap<NodeId, (Vec<u32>, bool)>;

impl Unroll {
    /// The cells of `output`, given those of some nodes; `None` if an operation cannot be unrolled, or
    /// mixes samples.
    pub fn emit(
        &mut self,
        graph: &Graph,
        mut values: Cells,
        output: NodeId,
        samples: usize,
    ) -> Option<(Vec<u32>, bool)> {
        for id in needed(graph, &[output], |id| values.contains_key(&id)) {
            if values.contains_key(&id) {
                continue;
            }
            let node = graph.node(id);
            let shapes = node.args.iter();
            let shapes = shapes.map(|&a| (graph.var(a).shape(), values[&a].1));
            let (node, shapes, lane) =
                without_samples(&node, &shapes.collect::<Vec<_>>(), samples)?;
            let args: Vec<&Vec<u32>> = node.args.iter().map(|a| &values[a].0).collect();
            let index = node.args.get(1).and_then(|&k| graph.var(k).as_const());
            let cells = self.node(&node, &args, &shapes, index.as_ref())?;
            if self.is_long() {
                return None;
            }
            values.insert(id, (cells, lane));
        }
        values.remove(&output)
    }
}

/// The node for one sample, the shapes of its arguments, and whether it differs between samples.
/// Arguments come with whether they do; those that do have the samples as their leading axis.
pub(super) fn without_samples(
    node: &Node,
    args: &[(Shape, bool)],
    samples: usize,
) -> Option<(Node, Vec<Shape>, bool)> {
    if samples == 1 {
        let shapes = args.iter().map(|(shape, _)| shape.clone()).collect();
        return Some((node.clone(), shapes, false));
    }
    let leading = node.shape.first() == Some(&samples);
    let mut shapes: Vec<Shape> = args
        .iter()
        .map(|(shape, lane)| if *lane { rest(shape) } else { shape.clone() })
        .collect();
    let mut one = node.clone();
    if leading {
        one.shape = rest(&node.shape);
    }
    if !args.iter().any(|a| a.1) {
        let lane = leading && is_repeated(node, &mut one, &mut shapes, samples);
        let node = if lane { one } else { node.clone() };
        return Some((node, shapes, lane));
    }
    if let Some(contract) = node.op.get::<Contract>() {
        one.op = Op(Arc::new(one_of(contract, args)?));
    } else if !keeps_apart(node, args) {
        return None;
    }
    leading.then_some((one, shapes, true))
}

fn rest(shape: &Shape) -> Shape {
    shape[1..].iter().copied().collect()
}

/// Whether the node is one and the same thing for each sample: `one`, of such shapes.
fn is_repeated(node: &Node, one: &mut Node, shapes: &mut [Shape], samples: usize) -> bool {
    if let Some(constant) = node.op.get::<Constant>() {
        let data = constant.0.data();
        let part = data.len() / samples;
        let alike = data.chunks_exact(part.max(1)).all(|c| c == &data[..part]);
        let value = Tensor::new(one.shape.clone(), data[..part].to_vec());
        one.op = Op(Arc::new(Constant(value)));
        return alike;
    }
    if node.op.get::<Broadcast>().is_none() {
        return false;
    }
    let as_long = shapes[0].len() == node.shape.len();
    if as_long && shapes[0][0] != 1 {
        return false;
    }
    if as_long {
        shapes[0] = rest(&shapes[0]);
    }
    true
}

/// Whether elements of the result are made of elements of the same sample; some argument has samples.
fn keeps_apart(node: &Node, args: &[(Shape, bool)]) -> bool {
    let (op, rank) = (&node.op, node.shape.len());
    let all = args.iter().all(|a| a.1);
    let inner = |axis: usize| axis + 1 < rank;
    let by_element = op.get::<Unary>().is_some()
        || op.get::<Binary>().is_some()
        || op.get::<Select>().is_some()
        || op.get::<Reshape>().is_some()
        || op.get::<StopGradient>().is_some();
    if by_element {
        all
    } else if op.get::<Broadcast>().is_some() {
        args[0].0.len() == rank
    } else if let Some(op) = op.get::<Permute>() {
        op.order.get(rank - 1).is_none_or(|&axis| axis == rank - 1)
    } else if let Some(op) = op.get::<Slice>() {
        inner(op.axis)
    } else if let Some(op) = op.get::<Pad>() {
        inner(op.axis)
    } else if let Some(op) = op.get::<Concat>() {
        all && inner(op.axis)
    } else if let Some(op) = op.get::<CumSum>() {
        inner(op.axis)
    } else if let Some(op) = op.get::<Gather>() {
        inner(op.axis) && !args[1].1
    } else if let Some(op) = op.get::<ScatterAdd>() {
        inner(op.axis) && !args[1].1
    } else if let Some(op) = op.get::<Reduce>() {
        let last = args[0].0.len() - 1;
        op.axes.iter().all(|&axis| axis < last)
    } else {
        let matrices = op.get::<Cholesky>().is_some() || op.get::<TriSolve>().is_some();
        matrices && all && rank > 2
    }
}

/// The product of one sample.
fn one_of(op: &Contract, args: &[(Shape, bool)]) -> Option<Contract> {
    let mut one = op.clone();
    let label = one.out.first().copied()?;
    for (labels, (_, lane)) in [&mut one.a, &mut one.b].into_iter().zip(args) {
        if *lane {
            if labels.first() != Some(&label) {
                return None;
            }
            labels.remove(0);
        } else if labels.contains(&label) {
            return None;
        }
    }
    one.out.remove(0);
    Some(one)
}
