//! Recurrences with an axis of samples: the body of one sample, run for all of them abreast.
//!
//! Where every node of a body treats the elements of its carry's leading axis alike and apart, that
//! axis is taken off ([`without_samples`]); what remains is unrolled as for one sample, and its
//! cells become rows ([`super::wide`]).

use super::element::Element;
use super::micro::{Context, Place};
use super::scalar::{Scalar, Steps, drop_unread, join_products};
use super::unroll::Unroll;
use super::wide::{Rows, Strided, Wide};
use crate::graph::{Graph, Node, NodeId, Op, Shape, Tensor, needed, numel};
use crate::ops::{
    Binary, Broadcast, Cholesky, Concat, Constant, Contract, CumSum, Gather, Pad, Permute, Reduce,
    Reshape, Scan, ScatterAdd, Select, Slice, StopGradient, TriSolve, Unary,
};
use crate::special::Level;
use std::collections::HashMap;
use std::sync::Arc;

/// Fewer samples than this are left to other ways.
const FEWEST: usize = 4;
/// Samples that are worked on together: their rows stay in the first-level cache.
const MOST: usize = 64;

/// The unrolled body of one sample; cells count from 0.
pub(super) struct Body {
    samples: usize,
    unroll: Unroll,
    /// Inputs with their cells, and whether they have the axis of samples.
    given: Vec<(Vec<u32>, bool)>,
    result: Vec<u32>,
}

pub(super) struct Abreast<T: Element> {
    samples: usize,
    width: usize,
    region: usize,
    before: Vec<Wide<T>>,
    step: Vec<Wide<T>>,
    steps: Steps,
}

impl Body {
    /// `None` if samples are not apart, or the body is too large.
    pub fn new(scan: &Scan) -> Option<Body> {
        let graph = &scan.body.graph;
        let samples = *graph.var(scan.body.inputs[0]).shape().first()?;
        if samples < FEWEST {
            return None;
        }
        let mut unroll = Unroll::new(0);
        let mut values: HashMap<NodeId, (Vec<u32>, bool)> = HashMap::new();
        let mut given = Vec::new();
        for &input in &scan.body.inputs {
            let shape = graph.var(input).shape();
            let lane = shape.first() == Some(&samples);
            let count = numel(&shape) / if lane { samples } else { 1 };
            if count > 1000 {
                return None;
            }
            let cells = unroll.cells(count);
            given.push((cells.clone(), lane));
            values.insert(input, (cells, lane));
        }
        emit(&mut unroll, graph, &mut values, scan.body.output, samples)?;
        let (result, lane) = values.remove(&scan.body.output)?;
        lane.then_some(Body {
            samples,
            unroll,
            given,
            result,
        })
    }

    fn width<T: Element>(&self) -> usize {
        self.samples.next_multiple_of(T::LANES).min(MOST)
    }

    /// Numbers that the rows take, with some to spare for the moves of carries.
    pub fn len<T: Element>(&self) -> usize {
        (self.unroll.next as usize + self.result.len()) * self.width::<T>()
    }
}

fn emit(
    unroll: &mut Unroll,
    graph: &Graph,
    values: &mut HashMap<NodeId, (Vec<u32>, bool)>,
    output: NodeId,
    samples: usize,
) -> Option<()> {
    for id in needed(graph, &[output], |id| values.contains_key(&id)) {
        if values.contains_key(&id) {
            continue;
        }
        let node = graph.node(id);
        let shapes = node
            .args
            .iter()
            .map(|&a| (graph.var(a).shape(), values[&a].1));
        let (node, shapes, lane) = without_samples(&node, &shapes.collect::<Vec<_>>(), samples)?;
        let args: Vec<&Vec<u32>> = node.args.iter().map(|a| &values[a].0).collect();
        let index = node.args.get(1).and_then(|&k| graph.var(k).as_const());
        let cells = unroll.node(&node, &args, &shapes, index.as_ref())?;
        if unroll.is_long() {
            return None;
        }
        values.insert(id, (cells, lane));
    }
    Some(())
}

/// The node for one sample, the shapes of its arguments, and whether it differs between samples.
/// Arguments come with whether they do; those that do have the samples as their leading axis.
fn without_samples(
    node: &Node,
    args: &[(Shape, bool)],
    samples: usize,
) -> Option<(Node, Vec<Shape>, bool)> {
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

impl<T: Element> Abreast<T> {
    /// `args` are dense; gives also the cells that must hold constants from the start.
    pub fn new(
        scan: &Scan,
        body: Body,
        shapes: &[Shape],
        args: &[Place],
        out_shape: &Shape,
        out: Place,
        region: usize,
    ) -> (Abreast<T>, Vec<(usize, f64)>) {
        let width = body.width::<T>();
        let Body {
            samples,
            mut unroll,
            given,
            result,
        } = body;
        let (before, mut step) = takes(scan, &given, shapes, args);
        let row = super::recur::row(out_shape, scan.out_inner);
        let puts = result.iter().enumerate().map(|(e, &cell)| {
            let to = strided(out, e, result.len(), row, scan.steps);
            Wide::Put(cell, to)
        });
        join_products(&mut unroll.code, |cell| result.contains(&cell));
        drop_unread(&mut unroll.code);
        step.extend(unroll.code.drain(..).map(widened));
        step.extend(puts);
        super::recur::move_carry(&mut unroll, &result, &given[0].0);
        step.extend(unroll.code.drain(..).map(widened));
        let initial = unroll.initial.iter().flat_map(|&(cell, x)| {
            let row = region + cell * width;
            (row..row + width).map(move |at| (at, x))
        });
        let initial = initial.collect();
        let steps = Steps {
            count: scan.steps,
            reverse: scan.reverse,
        };
        (
            Abreast {
                samples,
                width,
                region,
                before,
                step,
                steps,
            },
            initial,
        )
    }

    /// # Safety
    /// All places were planned for this context; nobody else uses its arena meanwhile.
    pub unsafe fn run(&self, context: &Context<T>) {
        let mut first = 0;
        while first < self.samples {
            // SAFETY: the caller's promise.
            unsafe {
                let rows = Rows {
                    start: context.bases[0].add(self.region),
                    width: self.width,
                    first,
                    count: self.width.min(self.samples - first),
                };
                (context.vector.wide)(&self.before, context, rows, Steps::ONE);
                (context.vector.wide)(&self.step, context, rows, self.steps);
            }
            first += self.width;
        }
    }

    pub fn instructions(&self) -> usize {
        self.step.len()
    }

    pub fn samples(&self) -> usize {
        self.samples
    }
}

/// What rows are taken before the first step, and in each.
fn takes<T: Element>(
    scan: &Scan,
    given: &[(Vec<u32>, bool)],
    shapes: &[Shape],
    args: &[Place],
) -> (Vec<Wide<T>>, Vec<Wide<T>>) {
    let (mut before, mut step) = (Vec::new(), Vec::new());
    for (i, (cells, lane)) in given.iter().enumerate() {
        let is_sliced = (1..=scan.slices()).contains(&i);
        let count = if *lane { cells.len() } else { 0 };
        for (e, &cell) in cells.iter().enumerate() {
            if is_sliced {
                let row = super::recur::row(&shapes[i], scan.inner[i - 1]);
                let from = strided(args[i], e, count, row, scan.steps);
                step.push(Wide::Take(cell, from));
            } else {
                let from = Strided {
                    place: args[i].plus(e),
                    sample: count,
                    step: 0,
                };
                before.push(Wide::Take(cell, from));
            }
        }
    }
    (before, step)
}

/// Element `e` of the `count` of a sample in a tensor whose steps have rows of length `row`; with no
/// samples if `count` is 0.
fn strided(place: Place, e: usize, count: usize, row: usize, steps: usize) -> Strided {
    let at = |flat: usize| flat / row * steps * row + flat % row;
    Strided {
        place: place.plus(at(e)),
        sample: if count == 0 { 0 } else { at(e + count) - at(e) },
        step: row,
    }
}

/// The loop over rows for an instruction.
fn widened<T: Element>(scalar: Scalar) -> Wide<T> {
    let level = Level::detect();
    match scalar {
        Scalar::Call1(row, r, a) => Wide::Unary(T::unary_block(row, level), r, a),
        Scalar::Call2(row, r, a, b) => Wide::Binary(T::binary_blocks(row, level).both, r, a, b),
        plain => Wide::Plain(plain),
    }
}
