//! Tapes against the slow evaluation of the same graph.

use super::Tape;
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Tensor, Var, evaluate};
use crate::ops::tests::{cases, close, feeds, values, weighted};

/// Runs the tape on the feeds twice, with other numbers between, and holds all outputs against
/// [`evaluate`]. Sums are added in another order, hence the tolerance of a few thousand roundings.
fn agrees(graph: &Graph, feeds: &[(NodeId, Tensor)], outputs: &[NodeId], what: &str) {
    let inputs: Vec<NodeId> = feeds.iter().map(|f| f.0).collect();
    let mut tape = Tape::compile(graph, &inputs, outputs);
    for round in 0..2 {
        for (i, (_, value)) in feeds.iter().enumerate() {
            tape.set_input(i, value.data());
        }
        if round == 1 {
            // Whatever another run leaves behind must not matter.
            tape.inputs_flat_mut().iter_mut().for_each(|x| *x *= 0.9);
            tape.run();
            for (i, (_, value)) in feeds.iter().enumerate() {
                tape.set_input(i, value.data());
            }
        }
        tape.run();
        for (k, value) in evaluate(graph, feeds, outputs).iter().enumerate() {
            assert_eq!(tape.output(k).len(), value.numel(), "{what}: output {k}");
            for (j, (&a, &b)) in tape.output(k).iter().zip(value.data()).enumerate() {
                if a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()) {
                    close(
                        a,
                        b,
                        1e-12,
                        &format!("{what}: output {k}[{j}], run {round}"),
                    );
                }
            }
        }
    }
}

#[test]
fn every_operation_with_its_derivatives() {
    for case in cases() {
        let g = Graph::new();
        let inputs: Vec<Var> = case.shapes.iter().map(|s| g.input(s)).collect();
        let f = (case.build)(&inputs);
        let y = weighted(f);
        let v: Vec<Var> = inputs
            .iter()
            .enumerate()
            .map(|(i, x)| {
                let direction = values(x.numel(), (-1.0, 1.0), i + 3);
                g.constant(Tensor::new(x.shape(), direction))
            })
            .collect();
        let mut outputs = vec![f.id, y.id];
        outputs.extend(grad(y, &inputs).iter().map(|v| v.id));
        outputs.extend(hvp(y, &inputs, &v).iter().map(|v| v.id));
        agrees(&g, &feeds(&inputs, case.range), &outputs, &case.name);
        for (k, &output) in outputs.iter().enumerate() {
            let what = format!("{} output {k} alone", case.name);
            agrees(&g, &feeds(&inputs, case.range), &[output], &what);
        }
    }
}
