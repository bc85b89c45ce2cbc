//! The recurrence that is made has the value and the gradient of the one that was written.

use crate::autodiff::grad;
use crate::graph::{Graph, NodeId, Tensor, Var, evaluate};
use crate::ops::{Body, LogProduct, Scan, scan};
use crate::passes::rewrite_density;
use std::sync::Arc;

/// `(carry, slice, constant) ↦ step`, run over so many steps from 0.
fn chain<'g>(
    x: Var<'g>,
    p: Var<'g>,
    carry: &[usize],
    step: impl for<'b> Fn(Var<'b>, Var<'b>, Var<'b>) -> Var<'b>,
) -> Var<'g> {
    let body = Arc::new(Graph::new());
    let (c, t, m) = (
        body.input(carry),
        body.input(&x.shape()[1..]),
        body.input(&p.shape()),
    );
    let body = Body {
        inputs: vec![c.id, t.id, m.id],
        output: step(c, t, m).id,
        graph: body.clone(),
    };
    let init = x
        .slice(x.rank() - 1, 0, 1)
        .reshape(&x.shape()[1..])
        .broadcast(carry);
    scan(body, x.shape()[0], false, init, &[x], &[p])
}

/// Whether products are made of the recurrence; what it computes must not change.
fn rewritten<'g>(graph: &'g Graph, inputs: &[Var<'g>], states: Var<'g>, at: &[Vec<f64>]) -> bool {
    let sum = states.log_sum_exp(&[0]).sum();
    let (after, report) = rewrite_density(graph, sum.id, &["inverses"]);
    let after = graph.var(after);
    let numbers = |sum: Var<'g>| -> Vec<f64> {
        let mut outputs = vec![sum.id];
        outputs.extend(grad(sum, inputs).iter().map(|v| v.id));
        let feeds: Vec<(NodeId, Tensor)> = inputs
            .iter()
            .zip(at)
            .map(|(v, at)| (v.id, Tensor::new(v.shape(), at.clone())))
            .collect();
        let found = evaluate(graph, &feeds, &outputs);
        found.iter().flat_map(|t| t.data().to_vec()).collect()
    };
    let scale = numbers(sum)[0].abs().max(1.0);
    for (b, a) in numbers(sum).iter().zip(numbers(after)) {
        // Derivatives of what is −∞ are 0 by products, and may be no numbers as they were written. Weights round
        // in proportion to the logarithms that they are made of.
        assert!(
            b.is_nan() || (b - a).abs() <= 1e-13 * scale,
            "{b} became {a}"
        );
    }
    let products = crate::graph::needed(graph, &[after.id], |_| false)
        .iter()
        .any(|&id| {
            let node = graph.node(id);
            let body = node.op.get::<Scan>().map(|scan| scan.body.graph.nodes());
            body.is_some_and(|nodes| nodes.iter().any(|n| n.op.get::<LogProduct>().is_some()))
        });
    assert_eq!(products, report.iter().any(|r| r.name == "log_products"));
    products
}

fn numbers(n: usize, scale: f64, seed: usize) -> Vec<f64> {
    crate::ops::tests::values(n, (-scale, scale), seed)
}

#[test]
fn a_hidden_chain_is_products() {
    for scale in [1.0, 40.0, 3000.0] {
        let g = Graph::new();
        let (x, p) = (g.input(&[12, 5]), g.input(&[5, 5]));
        let at = [numbers(60, scale, 1), numbers(25, scale, 2)];
        // From j to k; written with either first, with what is seen inside or outside of the sum.
        let last = chain(x, p, &[5], |c, x, p| {
            (c + p.transpose()).log_sum_exp(&[0]) + x
        });
        assert!(rewritten(&g, &[x, p], last, &at));
        let first = chain(x, p, &[5], |c, x, p| {
            (c.unsqueeze(0) + p).log_sum_exp(&[1]) + x
        });
        assert!(rewritten(&g, &[x, p], first, &at));
        let inside = chain(x, p, &[5], |c, x, p| {
            (p.sigmoid().log() + (c.unsqueeze(0) + x)).log_sum_exp(&[1])
        });
        assert!(rewritten(&g, &[x, p], inside, &at));
    }
}

#[test]
fn chains_side_by_side_are_products() {
    let g = Graph::new();
    let (x, p) = (g.input(&[7, 3, 4]), g.input(&[4, 4]));
    let at = [numbers(84, 2.0, 1), numbers(16, 2.0, 2)];
    let one = chain(x, p, &[3, 4], |c, x, p| {
        (c.unsqueeze(0) + p).log_sum_exp(&[1]) + x
    });
    assert!(rewritten(&g, &[x, p], one, &at));
    let q = g.input(&[3, 4, 4]);
    let at = [numbers(84, 2.0, 1), numbers(48, 2.0, 2)];
    let each = chain(x, q, &[3, 4], |c, x, p| {
        (c.unsqueeze(1) + p).log_sum_exp(&[0]) + x
    });
    assert!(rewritten(&g, &[x, q], each, &at));
}

#[test]
fn states_that_cannot_be_reached_stay_so() {
    let g = Graph::new();
    let (x, p) = (g.input(&[6, 4]), g.input(&[4, 4]));
    let mut steps = numbers(16, 2.0, 1);
    for (i, j) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)] {
        steps[4 * i + j] = f64::NEG_INFINITY;
    }
    let mut seen = numbers(24, 900.0, 2);
    seen[1] = f64::NEG_INFINITY;
    let last = chain(x, p, &[4], |c, x, p| {
        (c + p.transpose()).log_sum_exp(&[0]) + x
    });
    assert!(rewritten(&g, &[x, p], last, &[seen, steps]));
}

#[test]
fn other_recurrences_are_left() {
    let g = Graph::new();
    // Few states, and a matrix that changes from step to step.
    let (x, p) = (g.input(&[12, 3]), g.input(&[3, 3]));
    let few = chain(x, p, &[3], |c, x, p| {
        (c + p.transpose()).log_sum_exp(&[0]) + x
    });
    assert!(!rewritten(
        &g,
        &[x, p],
        few,
        &[numbers(36, 1.0, 1), numbers(9, 1.0, 2)]
    ));
    let (x, p) = (g.input(&[6, 5]), g.input(&[5, 5]));
    let changing = chain(x, p, &[5], |c, x, p| {
        (c + p * x.unsqueeze(0)).log_sum_exp(&[0])
    });
    assert!(!rewritten(
        &g,
        &[x, p],
        changing,
        &[numbers(30, 1.0, 1), numbers(25, 1.0, 2)]
    ));
}
