//! What is rewritten has the value and the gradient that it had, and roots of what may be negative stay.

use crate::graph::{Graph, Tensor, Var, evaluate};
use crate::ops::tests::{close, values};
use crate::passes::rewrite_density;

/// How many nodes of a kind the value needs after the rewriting; its value is checked.
fn left<'g>(graph: &'g Graph, inputs: &[Var<'g>], sum: Var<'g>, kind: &str) -> usize {
    let (after, _) = rewrite_density(graph, sum.id, &["statistics", "equal_rows"]);
    for seed in 0..4 {
        let at = |x: &Var| Tensor::new(x.shape(), values(x.numel(), (-1.5, 1.5), seed));
        let feeds: Vec<_> = inputs.iter().map(|x| (x.id, at(x))).collect();
        let found = evaluate(graph, &feeds, &[sum.id, after]);
        let (before, after) = (found[0].data()[0], found[1].data()[0]);
        if !(before.is_nan() && after.is_nan()) {
            // A few roundings of sums of some thirty numbers.
            close(after, before, 1e-13, "the rewritten sum");
        }
    }
    let live = crate::graph::needed(graph, &[after], |_| false);
    live.iter()
        .filter(|&&id| graph.node(id).op.0.name() == kind)
        .count()
}

#[test]
fn a_normal_of_a_variance_needs_no_root() {
    let g = Graph::new();
    let (x, u) = (g.input(&[30]), g.input(&[30]));
    let sd = (u.exp() + 0.1).sqrt();
    let sum = ((x / sd).square() * -0.5 - sd.log()).sum();
    assert_eq!(left(&g, &[x, u], sum, "sqrt"), 0);
}

#[test]
fn roots_are_seen_through_what_moves_them() {
    let g = Graph::new();
    let (x, u) = (g.input(&[31]), g.input(&[5, 6]));
    let first = g.constant(Tensor::vector([0.3]));
    let sd = crate::ops::concat(&[first, u.square().sqrt().reshape(&[30])], 0);
    let sum = ((x * sd).square() * -0.5 - sd.log()).sum();
    assert_eq!(left(&g, &[x, u], sum, "sqrt"), 0);
}

#[test]
fn the_root_of_what_may_be_negative_stays() {
    let g = Graph::new();
    let (x, u) = (g.input(&[30]), g.input(&[30]));
    let sum = ((x / (u + 0.5).sqrt()).square()).sum();
    assert_eq!(left(&g, &[x, u], sum, "sqrt"), 1);
    let first = g.constant(Tensor::vector([-0.3]));
    let sum = crate::ops::concat(&[first, u.exp().sqrt()], 0).log().sum();
    assert_eq!(left(&g, &[x, u], sum, "sqrt"), 1);
}
