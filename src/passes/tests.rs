//! Each pass keeps what a graph computes, and does what it is there for.

use super::*;
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, Tensor, Var, evaluate};
use crate::ops::tests::{cases, close as near, feeds, values, weighted};
use crate::ops::{Concat, Pad};

/// Values of the outputs before and after a pass.
fn keeps_values(pass: Pass, graph: &Graph, inputs: &[Var], outputs: &[Var], what: &str) -> Subject {
    let ids = |vars: &[Var]| vars.iter().map(|v| v.id).collect::<Vec<_>>();
    let after = pass(close(graph, &ids(inputs), &ids(outputs)));
    verify(&after.graph).unwrap();
    let given = feeds(inputs, (0.3, 0.9));
    let before = evaluate(graph, &given, &ids(outputs));
    let moved = after.inputs.iter().zip(&given);
    let moved: Vec<_> = moved.map(|(&id, (_, v))| (id, v.clone())).collect();
    for (a, b) in evaluate(&after.graph, &moved, &after.outputs)
        .iter()
        .zip(&before)
    {
        for (&a, &b) in a.data().iter().zip(b.data()) {
            if !(a.is_nan() && b.is_nan()) {
                // A few roundings, of products in another order.
                near(a, b, 1e-13, what);
            }
        }
    }
    after
}

/// The kinds of nodes that the outputs need.
fn count(subject: &Subject, what: impl Fn(&crate::graph::Node) -> bool) -> usize {
    let live = crate::graph::needed(&subject.graph, &subject.outputs, |_| false);
    live.iter()
        .filter(|&&id| what(&subject.graph.node(id)))
        .count()
}

#[test]
fn every_pass_keeps_every_operation_and_its_derivatives() {
    for (name, pass) in ORDER {
        for case in cases() {
            let g = Graph::new();
            let inputs: Vec<Var> = case.shapes.iter().map(|s| g.input(s)).collect();
            let y = weighted((case.build)(&inputs));
            let v: Vec<Var> = inputs.iter().map(|x| x.cos()).collect();
            let mut outputs = vec![y];
            outputs.extend(grad(y, &inputs));
            outputs.extend(hvp(y, &inputs, &v));
            keeps_values(
                *pass,
                &g,
                &inputs,
                &outputs,
                &format!("{name}, {}", case.name),
            );
        }
    }
}

#[test]
fn a_normal_density_needs_three_operations_an_observation() {
    let g = Graph::new();
    let (mu, sd) = (g.input(&[]), g.input(&[]));
    let y = g.constant(Tensor::vector(values(100, (-1.0, 1.0), 1)));
    let density = (((y - mu) / sd).square() * -0.5 - sd.log()).sum();
    let mut outputs = vec![density];
    outputs.extend(grad(density, &[mu, sd]));
    let after = keeps_values(factors, &g, &[mu, sd], &outputs, "normal");
    // The mean repeated, y − mean, its square.
    assert_eq!(
        count(&after, |n| n.shape.as_slice() == [100]
            && !n.args.is_empty()),
        3
    );
}

#[test]
fn a_gradient_of_slices_is_joined_once() {
    let g = Graph::new();
    let x = g.input(&[6]);
    let y = x.slice(0, 0, 2).exp().sum() + x.slice(0, 2, 1).sin().sum() * x.slice(0, 4, 2).sum();
    let d = grad(y, &[x])[0];
    let after = keeps_values(pads, &g, &[x], &[y, d], "slices");
    assert_eq!(count(&after, |n| n.op.get::<Pad>().is_some()), 0);
    assert_eq!(count(&after, |n| n.op.get::<Concat>().is_some()), 1);
}

#[test]
fn a_short_axis_is_taken_apart() {
    let g = Graph::new();
    let (y, mu) = (g.input(&[50, 1]), g.input(&[2]));
    let mixture = ((y - mu).square() * -0.5).log_sum_exp(&[0]).sum();
    let mut outputs = vec![mixture];
    outputs.extend(grad(mixture, &[y, mu]));
    let after = keeps_values(unstack, &g, &[y, mu], &outputs, "mixture");
    assert_eq!(count(&after, |n| crate::graph::numel(&n.shape) == 100), 0);
}

#[test]
fn the_maximum_of_parts_keeps_nan() {
    let g = Graph::new();
    let x = g.input(&[20, 2]);
    let top = x.exp().max_axes(&[0]);
    let after = unstack(close(&g, &[x.id], &[top.id]));
    for at in [0, 1] {
        let mut data = vec![0.5; 40];
        data[at] = f64::NAN;
        let value = Tensor::new(x.shape(), data);
        let out = evaluate(&after.graph, &[(after.inputs[0], value)], &after.outputs);
        assert!(out[0].data()[0].is_nan());
    }
}
