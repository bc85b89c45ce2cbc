//! Weighted rows against all rows, and where rows differ.

use crate::graph::{Graph, Tensor, Var};
use crate::ops::concat;
use crate::ops::tests::values;
use crate::passes::statistics::tests::agree;
use crate::passes::{Rewritten, rewrite_density};
use proptest::prelude::*;

fn counts(g: &Graph, n: usize, of: usize, step: usize) -> Var<'_> {
    let data: Vec<f64> = (0..n).map(|i| ((i * step + i / 5) % of) as f64).collect();
    g.constant(Tensor::vector(data))
}

fn left(report: &[Rewritten]) -> Vec<usize> {
    report.iter().map(|r| r.left).collect()
}

#[test]
fn equal_rows_are_computed_once() {
    let g = Graph::new();
    let (a, b) = (g.input(&[]), g.input(&[2]));
    let (x, z) = (counts(&g, 200, 4, 3), counts(&g, 200, 2, 2));
    let eta = a + x * b.slice(0, 0, 1) + z * b.slice(0, 1, 1);
    let (_, report) = agree(&g, &[a, b], eta.softplus().sum(), "equal_rows");
    assert_eq!(left(&report), [8]);
    // The same with the columns in a matrix.
    let table = concat(&[x.reshape(&[200, 1]), z.reshape(&[200, 1])], 0);
    let eta = table.matmul(b) + a;
    let (_, report) = agree(&g, &[a, b], eta.softplus().sum(), "equal_rows");
    assert_eq!(left(&report), [8]);
}

#[test]
fn tables_and_picked_latents_too() {
    let g = Graph::new();
    let (a, b) = (g.input(&[5]), g.input(&[3, 4]));
    let (i, j) = (counts(&g, 300, 5, 3), counts(&g, 300, 3, 1));
    // A mixture: a log-sum-exp over an axis of what an index picks.
    let parts = b.gather(1, j) + a.gather(0, i).reshape(&[300, 1]);
    let mixture = parts.log_sum_exp(&[0]).sum();
    let (_, report) = agree(&g, &[a, b], mixture, "equal_rows");
    assert_eq!(left(&report), [15]);
    // A table of two axes, with an effect of one of them.
    let table = counts(&g, 100, 3, 7).reshape(&[20, 5]);
    let sum = (table * a.exp() + a).sin().sum();
    let (_, report) = agree(&g, &[a], sum, "equal_rows");
    assert!(left(&report)[0] <= 15, "{report:?}");
    let sum = (table + a.gather(0, counts(&g, 20, 2, 1)).reshape(&[20, 1])).sin();
    let (_, report) = agree(&g, &[a], sum.sum(), "equal_rows");
    assert!(left(&report)[0] <= 6, "{report:?}");
}

#[test]
fn a_summand_that_reads_less_has_a_sum_of_its_own() {
    let g = Graph::new();
    let (phi, b) = (g.input(&[]), g.input(&[]));
    let y = counts(&g, 200, 6, 5);
    let x = g.constant(Tensor::vector(values(200, (-1.0, 1.0), 1)));
    let mean = (x * b).exp();
    let density = ((y + phi).lgamma() - (y + phi) * (mean + phi).log() - phi.lgamma()).sum();
    let (_, report) = agree(&g, &[phi, b], density, "equal_rows");
    assert_eq!(left(&report), [6]);
}

#[test]
fn branches_are_told_apart() {
    let g = Graph::new();
    let a = g.input(&[3]);
    let first = a.gather(0, counts(&g, 60, 3, 1)).exp();
    let second = (counts(&g, 40, 2, 1) * a.slice(0, 0, 1)).sin();
    let order: Vec<f64> = (0..100).map(|i| f64::from(i * 7 % 100)).collect();
    let joined = concat(&[first, second], 0).gather(0, g.constant(Tensor::vector(order)));
    let (_, report) = agree(&g, &[a], joined.cos().sum(), "equal_rows");
    assert_eq!(left(&report), [5]);
}

#[test]
fn rows_that_differ_stay() {
    let g = Graph::new();
    let (a, z) = (g.input(&[]), g.input(&[100]));
    let x = g.constant(Tensor::vector(values(100, (-1.0, 1.0), 1)));
    // Equal but for the sign of a zero, whose reciprocals are not.
    let zeros: Vec<f64> = (0..100).map(|i| if i < 50 { 0.0 } else { -0.0 }).collect();
    let zeros = g.constant(Tensor::vector(zeros));
    for sum in [
        (x * a).exp().sum(),
        (z * a).exp().sum(),
        (x + z).sin().sum(),
    ] {
        let (after, report) = rewrite_density(&g, sum.id, &["statistics"]);
        assert!(after == sum.id && report.is_empty(), "{report:?}");
    }
    let (_, report) = rewrite_density(&g, (zeros * a).exp().sum().id, &["statistics"]);
    assert_eq!(left(&report), [2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_table_is_kept(n in 4usize..40, k in 1usize..6, of in 1usize..9, step in 1usize..30) {
        let g = Graph::new();
        let (a, b) = (g.input(&[of]), g.input(&[k]));
        let table = counts(&g, n * k, 3, step).reshape(&[n, k]);
        let eta = a.gather(0, counts(&g, n, of, step)) + table.matmul(b);
        let wide = (table * eta.reshape(&[n, 1]) + b).sin().max_axes(&[0]);
        let density = (eta.softplus() - wide * 0.5).sum() + (table.permute(&[1, 0]) * 0.3
            + b.reshape(&[k, 1])).cos().sum();
        agree(&g, &[a, b], density, "equal_rows");
    }
}
