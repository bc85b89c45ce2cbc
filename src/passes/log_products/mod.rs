//! Steps of a recurrence that sum over the states before them, on the scale of logarithms, become products with a matrix.
//!
//! A hidden Markov chain's `log Σᵢ exp(gᵢ + log Pᵢⱼ)` takes an exponential for every pair of states in every step. The
//! matrix is the same in all steps: as a [`LogProduct`](crate::ops::LogProduct) the step takes an exponential and a
//! logarithm for every state, and so does its derivative.

use super::rewriting::{Density, Rewritten};
use crate::graph::{Graph, Node, NodeId, Rebuild, Shape, Var, needed};
use crate::ops::{
    Binary, Body, Broadcast, LogProduct, Permute, Reduce, ReduceKind, Reshape, Scan, Select, Unary,
    hoisted, invariants,
};
use std::sync::Arc;

/// Sums over fewer states, or for fewer, are left: machine code without a call is quicker.
const FEWEST: usize = 4;

/// See the head of this file.
pub fn log_products<'g>(
    density: &Density<'g>,
    var: Var<'g>,
    args: &[Var<'g>],
) -> Option<(Var<'g>, Vec<Rewritten>)> {
    let node = density.graph.node(var.id);
    let scan = node.op.get::<Scan>()?;
    let step = Step::new(scan);
    let live = needed(&scan.body.graph, &[scan.body.output], |_| false);
    let found: Vec<Product> = live.iter().filter_map(|&id| step.product(id)).collect();
    if found.is_empty() {
        return None;
    }
    let report = Rewritten {
        name: "log_products",
        origin: node.origin,
        rows: scan.steps,
        left: scan.steps,
    };
    Some((step.rewritten(&found, args), vec![report]))
}

/// A step and what its nodes depend on.
struct Step<'a> {
    scan: &'a Scan,
    nodes: Vec<Node>,
    carry: Vec<bool>,
    /// Whether it depends on the carry or on slices.
    changes: Vec<bool>,
}

/// `log Σ exp(vector + matrix) + outside`, the sum over one axis.
struct Product {
    node: NodeId,
    /// What does not vary along the axis `out`, what is the same in all steps, and what does not vary along the
    /// axis that is summed over.
    vector: Vec<Summand>,
    matrix: Vec<Summand>,
    outside: Vec<Summand>,
    shape: Shape,
    /// Axes that are summed over and that results have.
    sum: usize,
    out: usize,
}

/// A node, added or subtracted.
#[derive(Clone, Copy)]
struct Summand {
    node: NodeId,
    negative: bool,
}

impl<'a> Step<'a> {
    fn new(scan: &'a Scan) -> Step<'a> {
        let nodes = scan.body.graph.nodes();
        let mut carry = vec![false; nodes.len()];
        let mut changes = vec![false; nodes.len()];
        for (k, id) in scan.body.inputs.iter().enumerate() {
            carry[id.index()] = k == 0;
            changes[id.index()] = k <= scan.slices();
        }
        for (i, node) in nodes.iter().enumerate() {
            carry[i] |= node.args.iter().any(|a| carry[a.index()]);
            changes[i] |= node.args.iter().any(|a| changes[a.index()]);
        }
        Step {
            scan,
            nodes,
            carry,
            changes,
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The argument of a function of one number.
    fn argument(&self, id: NodeId, name: &str) -> Option<NodeId> {
        let function = self.node(id).op.get::<Unary>()?;
        (function.0.name == name).then(|| self.node(id).args[0])
    }

    fn arguments(&self, id: NodeId, name: &str) -> Option<[NodeId; 2]> {
        let function = self.node(id).op.get::<Binary>()?;
        let args = &self.node(id).args;
        (function.0.name == name).then(|| [args[0], args[1]])
    }

    /// The product that the node is, if it is one, as [`Var::log_sum_exp`] writes it.
    fn product(&self, id: NodeId) -> Option<Product> {
        let [a, b] = self.arguments(id, "add")?;
        let (terms, axis) = self.log_sum(a, b).or_else(|| self.log_sum(b, a))?;
        let shape = self.node(terms).shape.clone();
        let mut summands = Vec::new();
        self.summands(terms, false, &mut summands);
        (0..shape.len()).find_map(|out| self.sorted(id, &summands, &shape, [axis, out]))
    }

    /// For `log Σ exp(x − top)` and `top`: `x`, and the axis of the sum.
    fn log_sum(&self, log: NodeId, top: NodeId) -> Option<(NodeId, usize)> {
        let sum = self.argument(log, "log")?;
        let reduce = self.node(sum).op.get::<Reduce>()?;
        let (ReduceKind::Sum, [axis]) = (reduce.kind, reduce.axes.as_slice()) else {
            return None;
        };
        let shifted = self.argument(self.node(sum).args[0], "exp")?;
        let [x, mut repeated] = self.arguments(shifted, "sub")?;
        while self.node(repeated).op.get::<Broadcast>().is_some()
            || self.node(repeated).op.get::<Reshape>().is_some()
        {
            repeated = self.node(repeated).args[0];
        }
        // Any number does that is the same for all terms, if it is finite.
        let finite = self.node(top).op.get::<Select>().is_some();
        (repeated == top && finite).then_some((x, *axis))
    }

    fn summands(&self, node: NodeId, negative: bool, all: &mut Vec<Summand>) {
        let sum = self.arguments(node, "add").map(|args| (args, negative));
        let difference = || Some((self.arguments(node, "sub")?, !negative));
        match sum.or_else(difference) {
            Some(([a, b], of_second)) if self.changes[node.index()] => {
                self.summands(a, negative, all);
                self.summands(b, of_second, all);
            }
            _ => all.push(Summand { node, negative }),
        }
    }

    fn sorted(
        &self,
        node: NodeId,
        summands: &[Summand],
        shape: &Shape,
        axes: [usize; 2],
    ) -> Option<Product> {
        let [sum, out] = axes;
        let extent = |axis: usize| shape[shape.len() - 1 - axis];
        if sum == out || extent(sum) < FEWEST || extent(out) < FEWEST {
            return None;
        }
        let (mut vector, mut matrix, mut outside) = (Vec::new(), Vec::new(), Vec::new());
        for &summand in summands {
            let id = summand.node;
            let var = self.scan.body.graph.var(id);
            if !self.changes[id.index()] {
                matrix.push(summand);
            } else if var.repeats_along(sum) {
                outside.push(summand);
            } else if var.repeats_along(out) {
                vector.push(summand);
            } else {
                return None;
            }
        }
        let carries = vector.iter().any(|part| self.carry[part.node.index()]);
        let shape = shape.clone();
        (carries && !matrix.is_empty()).then_some(Product {
            node,
            vector,
            matrix,
            outside,
            shape,
            sum,
            out,
        })
    }

    /// All states, by a step with products in their places.
    fn rewritten<'g>(&self, found: &[Product], args: &[Var<'g>]) -> Var<'g> {
        let (body, graph) = (&self.scan.body, args[0].graph);
        let slices = self.scan.slices();
        let mut outer = Rebuild::new(&body.graph, graph);
        for (&id, &arg) in body.inputs.iter().zip(args).skip(1 + slices) {
            outer.substitute(id, arg, false);
        }
        let fresh = Arc::new(Graph::new());
        let mut inner = Rebuild::new(&body.graph, &fresh);
        let mut inputs = Vec::new();
        for &id in &body.inputs {
            let input = fresh.input(&self.node(id).shape);
            inner.substitute(id, input, false);
            inputs.push(input.id);
        }
        let mut constants = args[1 + slices..].to_vec();
        for product in found {
            let matrix = sum(&mut outer, &product.matrix).expect("a product has a matrix");
            let given = invariants(product.oriented(matrix)).map(|outside| {
                let inside = fresh.input(&outside.shape());
                inputs.push(inside.id);
                constants.push(outside);
                inside
            });
            let vector = sum(&mut inner, &product.vector).expect("a product has a vector");
            let [p, matrix, shift] = given;
            let y = fresh.apply(LogProduct, &[product.of_states(vector), p, matrix, shift]);
            let y = product.placed(y);
            let outside = sum(&mut inner, &product.outside);
            let y = outside.map_or(y, |x| y + product.without(x, product.sum));
            inner.substitute(product.node, y, false);
        }
        let output = inner.emit(&[body.output])[0].var.id;
        // What was read by the sums alone is no longer given.
        let read = needed(&fresh, &[output], |_| false);
        let first = 1 + slices;
        let kept = |k: &usize| *k < first || read.contains(&inputs[*k]);
        let kept: Vec<usize> = (0..inputs.len()).filter(kept).collect();
        let body = Body {
            graph: fresh.clone(),
            inputs: kept.iter().map(|&k| inputs[k]).collect(),
            output,
        };
        let constants = kept[first..].iter().map(|&k| constants[k - first]);
        let plan = Scan {
            body,
            ..self.scan.clone()
        };
        hoisted(
            plan,
            args[0],
            &args[1..first],
            &constants.collect::<Vec<_>>(),
        )
    }
}

fn sum<'g>(rebuild: &mut Rebuild<'_, 'g>, summands: &[Summand]) -> Option<Var<'g>> {
    let ids: Vec<NodeId> = summands.iter().map(|part| part.node).collect();
    let vars = rebuild.emit(&ids).into_iter().map(|lane| lane.var);
    let signed = vars
        .zip(summands)
        .map(|(var, part)| if part.negative { -var } else { var });
    signed.reduce(|a, b| a + b)
}

impl Product {
    /// A summand without an axis along which it is repeated.
    fn without<'g>(&self, x: Var<'g>, axis: usize) -> Var<'g> {
        let part = x.broadcast(&self.shape);
        let short = part.without_repeats(&[axis]);
        short.unwrap_or_else(|| {
            let mut shape = self.shape.clone();
            shape.remove(shape.len() - 1 - axis);
            part.slice(axis, 0, 1).reshape(&shape)
        })
    }

    /// The matrix with the axis of the sum and that of results last, without leading axes if it is the same along all.
    fn oriented<'g>(&self, matrix: Var<'g>) -> Var<'g> {
        let matrix = matrix.broadcast(&self.shape);
        let rank = self.shape.len();
        let rest: Vec<usize> = (0..rank)
            .filter(|&a| a != self.sum && a != self.out)
            .collect();
        if let Some(short) = matrix.without_repeats(&rest) {
            return if self.sum > self.out {
                short
            } else {
                short.transpose()
            };
        }
        let mut order = vec![self.out, self.sum];
        order.extend(rest);
        matrix.permute(&order)
    }

    /// The vector with the axis of the sum last.
    fn of_states<'g>(&self, vector: Var<'g>) -> Var<'g> {
        let short = self.without(vector, self.out);
        let sum = self.sum - usize::from(self.sum > self.out);
        let mut order: Vec<usize> = (0..short.rank()).filter(|&a| a != sum).collect();
        order.insert(0, sum);
        short.permute(&order)
    }

    /// A result, whose axis of results is last, with that in its place.
    fn placed<'g>(&self, y: Var<'g>) -> Var<'g> {
        let out = self.out - usize::from(self.out > self.sum);
        let mut order: Vec<usize> = (1..y.rank()).collect();
        order.insert(out, 0);
        let op = Permute {
            order: order.into(),
        };
        y.graph.apply(op, &[y])
    }
}

#[cfg(test)]
mod tests;
