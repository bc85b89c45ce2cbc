//! What is integrated: the right-hand side as a graph, by itself or with rows for its derivatives, and the parts of
//! its Jacobian that an implicit method takes. All of it is made by differentiating the right-hand side's graph.

use super::{Method, Problem, Size, Wrt};
use crate::autodiff::jvp;
use crate::graph::{Graph, NodeId, Rebuild, Shape, Tensor, Var, numel};
use crate::ops::{Body, concat};
use std::sync::Arc;

/// A differential equation of a state of `size`, as graphs to be run.
pub struct System {
    pub size: Size,
    /// `t`, state `[groups, n]`, constants to the slopes `[groups, n]`.
    pub slope: Body,
    /// The same to `[n + 1, groups, n]`: derivatives with respect to the first row's numbers, then to `t`.
    pub jacobian: Option<Body>,
}

/// The derivative of a body along tangents of all its inputs.
struct Tangent {
    graph: Arc<Graph>,
    inputs: Vec<NodeId>,
    tangents: Vec<NodeId>,
    /// The body's own value, and the derivative.
    value: NodeId,
    output: NodeId,
}

impl Tangent {
    fn new(body: &Body) -> Tangent {
        let graph = Arc::new(Graph::new());
        let mut copy = Rebuild::new(&body.graph, &graph);
        let (mut inputs, mut tangents) = (Vec::new(), Vec::new());
        for &id in &body.inputs {
            let shape = body.graph.var(id).shape();
            let input = graph.input(&shape);
            copy.substitute(id, input, false);
            inputs.push(input);
            tangents.push(graph.input(&shape));
        }
        let value = copy.emit(&[body.output])[0].var;
        let output = jvp(value, &inputs, &tangents).id;
        let ids = |vars: &[Var]| vars.iter().map(|v| v.id).collect();
        Tangent {
            inputs: ids(&inputs),
            tangents: ids(&tangents),
            value: value.id,
            output,
            graph: graph.clone(),
        }
    }
}

impl System {
    /// The equation alone.
    pub fn plain(problem: &Problem) -> System {
        let size = Size {
            n: problem.extent(),
            groups: 1,
        };
        let body = &problem.body;
        let graph = Arc::new(Graph::new());
        let inputs = inputs_of(&graph, body, size);
        let mut copy = Rebuild::new(&body.graph, &graph);
        for (&id, &input) in body.inputs.iter().zip(&inputs) {
            let shape = body.graph.var(id).shape();
            copy.substitute(id, input.reshape(&shape), false);
        }
        let slope = copy.emit(&[body.output])[0].var.reshape(&[1, size.n]);
        System::new(problem, size, &graph, &inputs, slope)
    }

    /// With a row for the derivative with respect to each of `wrt`.
    pub fn with_derivatives(problem: &Problem, wrt: &Wrt) -> System {
        let n = problem.extent();
        let q = wrt.len(&problem.body);
        let size = Size { n, groups: 1 + q };
        let body = &problem.body;
        let graph = Arc::new(Graph::new());
        let inputs = inputs_of(&graph, body, size);
        let state = inputs[1];
        let tangent = Tangent::new(body);
        let mut copy = Rebuild::batched(&tangent.graph, &graph, q);
        copy.substitute(tangent.inputs[0], inputs[0], false);
        let first = state.slice(1, 0, 1).reshape(&[n]);
        copy.substitute(tangent.inputs[1], first, false);
        for (&id, &input) in tangent.inputs.iter().zip(&inputs).skip(2) {
            copy.substitute(id, input, false);
        }
        copy.substitute(tangent.tangents[0], graph.scalar(0.0), false);
        copy.substitute(tangent.tangents[1], state.slice(1, 1, q), true);
        let mut direction = wrt.state;
        for (i, &id) in tangent.tangents.iter().enumerate().skip(2) {
            let shape = tangent.graph.var(id).shape();
            if wrt.constants.contains(&(i - 2)) {
                let units = units(q, &shape, direction);
                direction += numel(&shape);
                copy.substitute(id, graph.constant(units), true);
            } else {
                copy.substitute(id, graph.scalar(0.0).broadcast(&shape), false);
            }
        }
        let value = copy.emit(&[tangent.value])[0].var.reshape(&[1, n]);
        let rows = copy.emit_batched(&[tangent.output])[0];
        let slope = concat(&[value, rows], 1);
        System::new(problem, size, &graph, &inputs, slope)
    }

    fn new(problem: &Problem, size: Size, graph: &Arc<Graph>, inputs: &[Var], out: Var) -> System {
        let slope = Body {
            graph: graph.clone(),
            inputs: inputs.iter().map(|v| v.id).collect(),
            output: out.id,
        };
        let implicit = problem.solver.method == Method::Rodas;
        let jacobian = implicit.then(|| jacobian(&slope, size));
        System {
            size,
            slope,
            jacobian,
        }
    }
}

/// Inputs for `t`, the state and the constants of a body.
fn inputs_of<'g>(graph: &'g Graph, body: &Body, size: Size) -> Vec<Var<'g>> {
    let shape = |(i, &id): (usize, &NodeId)| match i {
        1 => Shape::from_slice(&[size.groups, size.n]),
        _ => body.graph.var(id).shape(),
    };
    let shapes = body.inputs.iter().enumerate().map(shape);
    shapes.map(|shape| graph.input(&shape)).collect()
}

/// `count` tangents of that shape: from the `first` on each the derivative of one element.
fn units(count: usize, shape: &Shape, first: usize) -> Tensor {
    let size = numel(shape);
    let mut values = vec![0.0; count * size];
    for e in 0..size {
        values[(first + e) * size + e] = 1.0;
    }
    let mut batched = shape.clone();
    batched.insert(0, count);
    Tensor::new(batched, values)
}

/// The derivatives of a system's slopes with respect to its first row and to time.
fn jacobian(slope: &Body, size: Size) -> Body {
    let Size { n, groups } = size;
    let tangent = Tangent::new(slope);
    let graph = Arc::new(Graph::new());
    let mut copy = Rebuild::batched(&tangent.graph, &graph, n + 1);
    let mut inputs = Vec::new();
    for (i, (&id, &along)) in tangent.inputs.iter().zip(&tangent.tangents).enumerate() {
        let shape = tangent.graph.var(id).shape();
        let input = graph.input(&shape);
        copy.substitute(id, input, false);
        inputs.push(input.id);
        let mut directions = vec![0.0; (n + 1) * numel(&shape)];
        match i {
            0 => directions[n] = 1.0,
            1 => (0..n).for_each(|j| directions[j * groups * n + j] = 1.0),
            _ => {
                copy.substitute(along, graph.scalar(0.0).broadcast(&shape), false);
                continue;
            }
        }
        let mut batched = shape;
        batched.insert(0, n + 1);
        let directions = graph.constant(Tensor::new(batched, directions));
        copy.substitute(along, directions, true);
    }
    let output = copy.emit_batched(&[tangent.output])[0].id;
    Body {
        graph: graph.clone(),
        inputs,
        output,
    }
}

/// The body of `[y, w]` with `w` the derivative of the solution along a tangent of everything: constants, then the
/// tangents of those in `wrt`.
pub(super) fn directional(body: &Body, wrt: &Wrt) -> Body {
    let tangent = Tangent::new(body);
    let n = numel(&body.graph.var(body.inputs[1]).shape());
    let graph = Arc::new(Graph::new());
    let (t, state) = (graph.input(&[]), graph.input(&[2 * n]));
    let mut inputs = vec![t.id, state.id];
    let mut copy = Rebuild::new(&tangent.graph, &graph);
    copy.substitute(tangent.inputs[0], t, false);
    copy.substitute(tangent.inputs[1], state.slice(0, 0, n), false);
    copy.substitute(tangent.tangents[0], graph.scalar(0.0), false);
    copy.substitute(tangent.tangents[1], state.slice(0, n, n), false);
    for &id in &tangent.inputs[2..] {
        let input = graph.input(&tangent.graph.var(id).shape());
        copy.substitute(id, input, false);
        inputs.push(input.id);
    }
    for (i, &id) in tangent.tangents[2..].iter().enumerate() {
        let shape = tangent.graph.var(id).shape();
        if wrt.constants.contains(&i) {
            let input = graph.input(&shape);
            copy.substitute(id, input, false);
            inputs.push(input.id);
        } else {
            copy.substitute(id, graph.scalar(0.0).broadcast(&shape), false);
        }
    }
    let parts: Vec<Var> = copy
        .emit(&[tangent.value, tangent.output])
        .iter()
        .map(|lane| lane.var)
        .collect();
    let output = concat(&parts, 0).id;
    Body {
        graph: graph.clone(),
        inputs,
        output,
    }
}
