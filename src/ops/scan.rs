//! Recurrences: a body applied step after step.
//!
//! `c_t = f(c_{t−1}, x_t, constants)`; the result holds all states. Everything that does not need
//! the carry is done outside for all steps at once: when a scan is built, what its body computes
//! from `x_t` alone is hoisted, and in the derivative only the chain of carries' cotangents runs
//! backwards, while those of `x` and of the constants are one batched pass over the stored states.

use super::{Constant, Input, Slice, concat, moves};
use crate::autodiff::vjp;
use crate::graph::{
    Graph, Lane, NodeId, Operation, Pull, Range, Ranges, Rebuild, Shape, Tensor, Var, evaluate,
};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A function of one carry, of slices and of constants: a graph of its own.
#[derive(Clone)]
pub struct Body {
    pub graph: Arc<Graph>,
    /// Carry, then slices, then constants.
    pub inputs: Vec<NodeId>,
    pub output: NodeId,
}

impl Body {
    /// The body for `size` lanes at once: a leading axis on the carry, which depends on whatever has one, on those of the
    /// other inputs that are `batched`, and on the output.
    pub(super) fn batched(&self, batched: &[bool], size: usize) -> Body {
        let graph = Arc::new(Graph::new());
        let mut rebuild = Rebuild::batched(&self.graph, &graph, size);
        let mut inputs = Vec::new();
        for (i, &id) in self.inputs.iter().enumerate() {
            let lead = i == 0 || batched[i];
            let mut shape = self.graph.var(id).shape();
            if lead {
                shape.insert(0, size);
            }
            let input = graph.input(&shape);
            rebuild.substitute(id, input, lead);
            inputs.push(input.id);
        }
        let output = rebuild.emit_batched(&[self.output])[0].id;
        Body {
            graph: graph.clone(),
            inputs,
            output,
        }
    }
}

/// Arguments: the first carry, `slices` tensors with a time axis, then constants.
///
/// The time axis of the `i`th sliced argument stands before its last `inner[i]` axes; that of the
/// result before the last `out_inner` axes of the carry.
#[derive(Clone)]
pub struct Scan {
    pub body: Body,
    pub steps: usize,
    /// Runs from the last step to the first; result `t` is the state after step `t`.
    pub reverse: bool,
    pub inner: SmallVec<[usize; 4]>,
    pub out_inner: usize,
}

/// Runs `body` over `steps` steps. `xs` have the time axis first.
pub fn scan<'g>(
    body: Body,
    steps: usize,
    reverse: bool,
    init: Var<'g>,
    xs: &[Var<'g>],
    constants: &[Var<'g>],
) -> Var<'g> {
    let inner: SmallVec<[usize; 4]> = xs.iter().map(|x| x.rank() - 1).collect();
    let plan = Scan {
        body,
        steps,
        reverse,
        inner,
        out_inner: init.rank(),
    };
    hoisted(plan, init, xs, constants)
}

/// Builds the node, with what needs no carry moved out of the body.
pub(crate) fn hoisted<'g>(
    plan: Scan,
    init: Var<'g>,
    xs: &[Var<'g>],
    constants: &[Var<'g>],
) -> Var<'g> {
    let graph = init.graph;
    let (body, inner) = (&plan.body, &plan.inner);
    let moved = frontier(body);
    let mut args = vec![init];
    if moved.is_empty() {
        args.extend_from_slice(xs);
        args.extend_from_slice(constants);
        return graph.apply(plan, &args);
    }
    // Outside: the same nodes with time as the leading axis.
    let mut outside = Rebuild::batched(&body.graph, graph, plan.steps);
    for (i, &x) in xs.iter().enumerate() {
        outside.substitute(body.inputs[1 + i], x.axis_to_front(inner[i]), true);
    }
    for (i, &c) in constants.iter().enumerate() {
        outside.substitute(body.inputs[1 + xs.len() + i], c, false);
    }
    let lanes = outside.emit(&moved);

    let fresh = Arc::new(Graph::new());
    let mut inside = Rebuild::new(&body.graph, &fresh);
    let carry = fresh.input(&body.graph.var(body.inputs[0]).shape());
    inside.substitute(body.inputs[0], carry, false);
    let mut inputs = vec![carry.id];
    let (mut new_xs, mut new_inner, mut new_constants, mut constant_inputs) =
        (Vec::new(), SmallVec::new(), Vec::new(), Vec::new());
    for (&id, lane) in moved.iter().zip(&lanes) {
        let input = fresh.input(&body.graph.var(id).shape());
        inside.substitute(id, input, false);
        if lane.batched {
            inputs.push(input.id);
            new_inner.push(input.rank());
            new_xs.push(lane.var);
        } else {
            constant_inputs.push(input.id);
            new_constants.push(lane.var);
        }
    }
    // What the body still reads directly.
    let still = reads(body, &moved);
    for (i, &x) in xs.iter().enumerate() {
        if still.contains(&body.inputs[1 + i]) {
            let input = fresh.input(&body.graph.var(body.inputs[1 + i]).shape());
            inside.substitute(body.inputs[1 + i], input, false);
            inputs.push(input.id);
            new_inner.push(inner[i]);
            new_xs.push(x);
        }
    }
    for (i, &c) in constants.iter().enumerate() {
        let old = body.inputs[1 + xs.len() + i];
        if still.contains(&old) {
            let input = fresh.input(&c.shape());
            inside.substitute(old, input, false);
            constant_inputs.push(input.id);
            new_constants.push(c);
        }
    }
    let output = inside.emit(&[body.output])[0].var.id;
    inputs.extend(constant_inputs);
    let body = Body {
        graph: fresh.clone(),
        inputs,
        output,
    };
    args.extend(new_xs);
    args.extend(new_constants);
    graph.apply(
        Scan {
            body,
            inner: new_inner,
            ..plan
        },
        &args,
    )
}

/// Nodes computed without the carry that nodes with the carry (or the output) use. Mere movements
/// and repetitions stay inside: outside they would only take memory.
fn frontier(body: &Body) -> Vec<NodeId> {
    let nodes = body.graph.nodes();
    let mut with_carry = vec![false; nodes.len()];
    let mut used = vec![false; nodes.len()];
    with_carry[body.inputs[0].index()] = true;
    let leaf =
        |i: usize| nodes[i].op.get::<Input>().is_some() || nodes[i].op.get::<Constant>().is_some();
    for i in 0..nodes.len() {
        with_carry[i] |= nodes[i].args.iter().any(|a| with_carry[a.index()]);
    }
    // Going down from the output through nodes that stay inside.
    let mut stack = vec![body.output];
    let mut seen = vec![false; nodes.len()];
    while let Some(id) = stack.pop() {
        let i = id.index();
        if std::mem::replace(&mut seen[i], true) {
            continue;
        }
        if with_carry[i] || moves(&nodes[i].op) {
            stack.extend(nodes[i].args.iter().copied());
        } else if !leaf(i) {
            used[i] = true;
        }
    }
    (0..nodes.len() as u32)
        .map(NodeId)
        .filter(|id| used[id.index()])
        .collect()
}

/// Inputs of the body that are still read when `moved` are given.
fn reads(body: &Body, moved: &[NodeId]) -> Vec<NodeId> {
    let nodes = body.graph.nodes();
    let mut seen = vec![false; nodes.len()];
    let mut stack = vec![body.output];
    while let Some(id) = stack.pop() {
        if !std::mem::replace(&mut seen[id.index()], true) && !moved.contains(&id) {
            stack.extend(nodes[id.index()].args.iter().copied());
        }
    }
    body.inputs
        .iter()
        .copied()
        .filter(|id| seen[id.index()])
        .collect()
}

fn without_axis(shape: &Shape, inner: usize) -> Shape {
    let mut shape = shape.clone();
    shape.remove(shape.len() - 1 - inner);
    shape
}

fn with_axis(shape: &Shape, inner: usize, extent: usize) -> Shape {
    let mut shape = shape.clone();
    shape.insert(shape.len() - inner, extent);
    shape
}

impl Scan {
    pub fn slices(&self) -> usize {
        self.inner.len()
    }

    /// Step numbers in the order in which they are run.
    pub fn order(&self) -> Box<dyn Iterator<Item = usize>> {
        if self.reverse {
            Box::new((0..self.steps).rev())
        } else {
            Box::new(0..self.steps)
        }
    }
}

impl Operation for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        for (i, &inner) in self.inner.iter().enumerate() {
            let x = args[1 + i];
            if x.len() <= inner || x[x.len() - 1 - inner] != self.steps {
                return Err(format!(
                    "slice {i} of shape {:?} has no {} steps",
                    x.as_slice(),
                    self.steps
                ));
            }
            let expected = self.body.graph.var(self.body.inputs[1 + i]).shape();
            if without_axis(x, inner) != expected {
                return Err(format!(
                    "slice {i} of shape {:?} is not steps of {expected:?}",
                    x.as_slice()
                ));
            }
        }
        let (carry, out) = (
            self.body.graph.var(self.body.inputs[0]),
            self.body.graph.var(self.body.output),
        );
        if *args[0] != carry.shape() || out.shape() != *args[0] {
            return Err(format!(
                "carries of shape {:?}, {:?}, {:?}",
                args[0],
                carry.shape(),
                out.shape()
            ));
        }
        Ok(with_axis(args[0], self.out_inner, self.steps))
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let mut carry = args[0].clone();
        let shape = carry.shape().clone();
        let after: usize = shape[shape.len() - self.out_inner..].iter().product();
        for t in self.order() {
            let mut feeds = vec![(self.body.inputs[0], carry.clone())];
            for (i, &inner) in self.inner.iter().enumerate() {
                let x = args[1 + i];
                let slice = Slice {
                    axis: inner,
                    start: t,
                    len: 1,
                };
                let step = without_axis(x.shape(), inner);
                let mut values = vec![0.0; crate::graph::numel(&step)];
                slice.eval(&[x], &mut values);
                feeds.push((self.body.inputs[1 + i], Tensor::new(step, values)));
            }
            let first = 1 + self.slices();
            for (&input, &arg) in self.body.inputs.iter().zip(args).skip(first) {
                feeds.push((input, arg.clone()));
            }
            carry = evaluate(&self.body.graph, &feeds, &[self.body.output]).remove(0);
            for (i, part) in carry.data().chunks_exact(after.max(1)).enumerate() {
                let to = (i * self.steps + t) * after;
                out[to..to + after].copy_from_slice(part);
            }
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        // By induction: what holds of the first carry and is kept by a step holds of all states.
        let holds = Range::FROM_0;
        let mut given: Vec<_> = self
            .body
            .inputs
            .iter()
            .copied()
            .zip(args.to_vec())
            .collect();
        given[0].1 = holds;
        let next = Ranges::new(&self.body.graph, given).of(self.body.output);
        match args[0].is_from_0() && next.is_from_0() {
            true => holds,
            false => Range::ALL,
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let n = self.slices();
        let (init, xs, constants) = (node.args[0], &node.args[1..1 + n], &node.args[1 + n..]);
        let axis = self.out_inner;
        let step = self.body_vjp();

        // The state before each step.
        let first = init.reshape(&with_axis(&init.shape(), axis, 1));
        let states = node.out;
        let before = if self.reverse {
            concat(&[states.slice(axis, 1, self.steps - 1), first], axis)
        } else {
            concat(&[first, states.slice(axis, 0, self.steps - 1)], axis)
        };

        // λ: the cotangent of each state; only this runs backwards.
        let backward = self.carry_chain(&step);
        let zero = init.graph.scalar(0.0).broadcast(&init.shape());
        let mut inner: SmallVec<[usize; 4]> = SmallVec::from_slice(&[axis, axis]);
        inner.extend(self.inner.iter().copied());
        let mut slices = vec![node.cotangent, before];
        slices.extend_from_slice(xs);
        let plan = Scan {
            body: backward,
            steps: self.steps,
            reverse: !self.reverse,
            inner,
            out_inner: axis,
        };
        let chained = hoisted(plan, zero, &slices, constants);
        let pad = |v: Var<'g>| {
            if self.reverse {
                v.pad(axis, 1, 0)
            } else {
                v.pad(axis, 0, 1)
            }
        };
        let (start, last) = if self.reverse {
            (0, self.steps - 1)
        } else {
            (1, 0)
        };
        let lambda = node.cotangent + pad(chained.slice(axis, start, self.steps - 1));
        let d_init = chained.slice(axis, last, 1).reshape(&init.shape());

        // The rest for all steps at once.
        let mut pass = Rebuild::batched(&step.graph, init.graph, self.steps);
        pass.substitute(step.inputs[0], lambda.axis_to_front(axis), true);
        pass.substitute(step.inputs[1], before.axis_to_front(axis), true);
        for (i, &x) in xs.iter().enumerate() {
            pass.substitute(step.inputs[2 + i], x.axis_to_front(self.inner[i]), true);
        }
        for (i, &c) in constants.iter().enumerate() {
            pass.substitute(step.inputs[2 + n + i], c, false);
        }
        let lanes = pass.emit(&step.outputs[1..]);
        let mut cotangents = vec![Some(d_init)];
        cotangents
            .extend((0..n).map(|i| Some(lanes[i].lead(self.steps).front_to_axis(self.inner[i]))));
        cotangents.extend(lanes[n..].iter().map(|lane| {
            let all = lane.lead(self.steps);
            Some(all.sum_axes(&[all.rank() - 1]))
        }));
        cotangents
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let body = self.body.batched(batched, size);
        let mut args = args.to_vec();
        args[0] = Lane {
            var: args[0],
            batched: batched[0],
        }
        .lead(size);
        args[0].graph.apply(
            Scan {
                body,
                ..self.clone()
            },
            &args,
        )
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if self.steps > 0 {
            return None;
        }
        Some(
            graph
                .scalar(0.0)
                .broadcast(&with_axis(&args[0].shape(), self.out_inner, 0)),
        )
    }

    fn detail(&self) -> String {
        let direction = if self.reverse { " reverse" } else { "" };
        format!(
            "steps={}{direction} body of {} nodes",
            self.steps,
            self.body.graph.len()
        )
    }
}

/// The body's vector-Jacobian product: inputs `λ, carry, slices…, constants…`; outputs their
/// cotangents without λ's.
struct BodyVjp {
    graph: Arc<Graph>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

impl Scan {
    fn body_vjp(&self) -> BodyVjp {
        let graph = Arc::new(Graph::new());
        let mut copy = Rebuild::new(&self.body.graph, &graph);
        let lambda = graph.input(&self.body.graph.var(self.body.output).shape());
        let mut inputs = vec![lambda.id];
        let mut wrt = Vec::new();
        for &id in &self.body.inputs {
            let input = graph.input(&self.body.graph.var(id).shape());
            copy.substitute(id, input, false);
            inputs.push(input.id);
            wrt.push(input);
        }
        let output = copy.emit(&[self.body.output])[0].var;
        let outputs = vjp(&[output], &[lambda], &wrt)
            .iter()
            .map(|v| v.id)
            .collect();
        BodyVjp {
            graph: graph.clone(),
            inputs,
            outputs,
        }
    }

    /// `λ ↦ (∂f/∂c)ᵀ (λ + g_t)`: carry λ, slices `g, carry before, x…`, constants.
    fn carry_chain(&self, step: &BodyVjp) -> Body {
        let graph = Arc::new(Graph::new());
        let shape = step.graph.var(step.inputs[0]).shape();
        let (lambda, g) = (graph.input(&shape), graph.input(&shape));
        let mut copy = Rebuild::new(&step.graph, &graph);
        copy.substitute(step.inputs[0], lambda + g, false);
        let mut inputs = vec![lambda.id, g.id];
        for &id in &step.inputs[1..] {
            let input = graph.input(&step.graph.var(id).shape());
            copy.substitute(id, input, false);
            inputs.push(input.id);
        }
        let output = copy.emit(&step.outputs[..1])[0].var.id;
        Body {
            graph: graph.clone(),
            inputs,
            output,
        }
    }
}

// Two scans are the same node if they run the same body object the same way.
impl PartialEq for Scan {
    fn eq(&self, other: &Scan) -> bool {
        Arc::ptr_eq(&self.body.graph, &other.body.graph)
            && self.body.inputs == other.body.inputs
            && self.body.output == other.body.output
            && (self.steps, self.reverse, self.out_inner)
                == (other.steps, other.reverse, other.out_inner)
            && self.inner == other.inner
    }
}

impl Eq for Scan {}

impl Hash for Scan {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (
            Arc::as_ptr(&self.body.graph) as usize,
            self.body.output,
            self.steps,
            self.reverse,
        )
            .hash(state);
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail())
    }
}
