//! Rewritten sums against the sums as they were written, and where they must stay as they are.

use super::Doubled;
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Tensor, Var, evaluate, verify};
use crate::ops::tests::values;
use crate::passes::{REWRITINGS, Rewritten, rewrite_density};
use proptest::prelude::*;

/// Names of the rewritings but one.
fn all_but(name: &str) -> Vec<&'static str> {
    let names = REWRITINGS.iter().map(|(n, _)| *n);
    names.filter(|n| *n != name).collect()
}

/// Value, gradient and a Hessian product of the sum before and after, to 1e-12 of the largest
/// number of each kind: the sums are of some hundred numbers in another order.
pub(crate) fn agree<'g>(
    graph: &'g Graph,
    inputs: &[Var<'g>],
    sum: Var<'g>,
    name: &str,
) -> (Var<'g>, Vec<Rewritten>) {
    let (after, report) = rewrite_density(graph, sum.id, &all_but(name));
    verify(graph).expect("a rewriting makes a graph");
    let after = graph.var(after);
    let along: Vec<Var> = inputs.iter().map(|x| x.cos()).collect();
    for seed in 0..3 {
        let feeds: Vec<(NodeId, Tensor)> = inputs
            .iter()
            .enumerate()
            .map(|(i, x)| {
                let data = values(x.numel(), (0.4, 1.7), seed + 5 * i);
                (x.id, Tensor::new(x.shape(), data))
            })
            .collect();
        let kinds = |y: Var<'g>| [vec![y], grad(y, inputs), hvp(y, inputs, &along)];
        for (a, b) in kinds(sum).iter().zip(&kinds(after)) {
            let flat = |vars: &[Var]| -> Vec<f64> {
                let ids: Vec<NodeId> = vars.iter().map(|v| v.id).collect();
                let all = evaluate(graph, &feeds, &ids);
                all.iter().flat_map(|t| t.data().to_vec()).collect()
            };
            let (a, b) = (flat(a), flat(b));
            let top = a.iter().fold(1e-300_f64, |m, x| m.max(x.abs()));
            for (x, y) in a.iter().zip(&b) {
                assert!((x - y).abs() <= 1e-12 * top, "{x} became {y} of {top}");
            }
        }
    }
    (after, report)
}

/// Rows and columns of irregular data.
fn matrix(g: &Graph, n: usize, k: usize, seed: usize) -> Var<'_> {
    g.constant(Tensor::vector(values(n * k, (-1.0, 2.0), seed)))
        .reshape(&[n, k])
}

fn vector(g: &Graph, n: usize, seed: usize) -> Var<'_> {
    g.constant(Tensor::vector(values(n, (-1.0, 3.0), seed)))
}

fn indices(g: &Graph, n: usize, of: usize) -> Var<'_> {
    let index: Vec<f64> = (0..n).map(|i| ((i * 7 + i / 3) % of) as f64).collect();
    g.constant(Tensor::vector(index))
}

fn left(report: &[Rewritten]) -> Vec<usize> {
    report.iter().map(|r| r.left).collect()
}

#[test]
fn a_regression_is_as_short_as_it_has_coefficients() {
    let g = Graph::new();
    let (a, b, s) = (g.input(&[]), g.input(&[3]), g.input(&[]));
    let (x, y) = (matrix(&g, 200, 3, 1), vector(&g, 200, 2));
    let mu = a + x.matmul(b);
    let by_hand = a
        + x.slice(0, 0, 1).reshape(&[200]) * b.slice(0, 0, 1)
        + x.slice(0, 1, 1).reshape(&[200]) * b.slice(0, 1, 1)
        + x.slice(0, 2, 1).reshape(&[200]) * b.slice(0, 2, 1);
    let summed = a + (x * b).sum_axes(&[0]);
    for mean in [mu, by_hand, summed] {
        for density in [
            ((y - mean).square() * (s.square().recip() * 0.5) + s.log()).sum(),
            ((y - mean) / s).square().sum() * 0.5 + s.log() * 200.0,
            -((mean - y).square() / (s.square() * 2.0)).sum(),
        ] {
            let (_, report) = agree(&g, &[a, b, s], density, "statistics");
            assert!(left(&report).contains(&5), "{report:?}");
        }
    }
}

#[test]
fn weights_and_many_coefficients_are_no_hindrance() {
    let g = Graph::new();
    let b = g.input(&[20]);
    let (x, y) = (matrix(&g, 400, 20, 3), vector(&g, 400, 4));
    let weight = g.constant(Tensor::vector(values(400, (0.1, 4.0), 5)));
    let density = ((y - x.matmul(b)).square() * weight).sum();
    let (_, report) = agree(&g, &[b], density, "statistics");
    assert_eq!(left(&report), [21]);
    let density = ((y - x.matmul(b)) / weight).square().sum();
    let (_, report) = agree(&g, &[b], density, "statistics");
    assert_eq!(left(&report), [21]);
}

#[test]
fn groups_keep_a_row_for_each_latent_of_theirs() {
    let g = Graph::new();
    let (a, b, s) = (g.input(&[30]), g.input(&[2]), g.input(&[]));
    let (x, y) = (matrix(&g, 600, 2, 1), vector(&g, 600, 2));
    let mean = a.gather(0, indices(&g, 600, 30)) + x.matmul(b);
    let density = ((y - mean).square() * s).sum();
    let (_, report) = agree(&g, &[a, b, s], density, "statistics");
    assert_eq!(left(&report), [33]);
    // A slope for each group as well.
    let slope = a.square().gather(0, indices(&g, 600, 30));
    let mean = mean + slope * x.slice(0, 0, 1).reshape(&[600]);
    let density = ((y - mean).square() * s).sum();
    let (_, report) = agree(&g, &[a, b, s], density, "statistics");
    assert_eq!(left(&report), [63]);
}

#[test]
fn a_scale_for_each_group_keeps_groups_apart() {
    let g = Graph::new();
    let (a, s) = (g.input(&[20]), g.input(&[20]));
    let (index, y) = (indices(&g, 800, 20), vector(&g, 800, 2));
    let weight = s.square().recip().gather(0, index);
    let density = ((y - a.gather(0, index)).square() * weight).sum();
    let (_, report) = agree(&g, &[a, s], density, "statistics");
    assert_eq!(left(&report), [40]);
}

#[test]
fn few_values_of_an_index_are_columns() {
    let g = Graph::new();
    let b = g.input(&[6]);
    let y = vector(&g, 300, 2);
    let index: Vec<f64> = (0..200).map(|i| f64::from(i % 3) + 1.0).collect();
    let picked = b.gather(0, g.constant(Tensor::vector(index)));
    let nothing = g.scalar(0.0).broadcast(&[100]);
    let order: Vec<f64> = (0..300).map(|i| f64::from((i * 7) % 300)).collect();
    let joined = crate::ops::concat(&[nothing, picked], 0);
    let mean = joined.gather(0, g.constant(Tensor::vector(order))) + b.slice(0, 0, 1);
    let (_, report) = agree(&g, &[b], (y - mean).square().sum(), "statistics");
    assert_eq!(left(&report), [5]);
}

#[test]
fn linear_summands_leave_the_sum() {
    let g = Graph::new();
    let (b, s) = (g.input(&[3]), g.input(&[]));
    let (x, y) = (matrix(&g, 300, 3, 1), vector(&g, 300, 2));
    let eta = x.matmul(b);
    let density = (y * eta - eta.exp() - (y + 1.0).lgamma() + s).sum();
    let (after, report) = agree(&g, &[b, s], density, "statistics");
    assert!(left(&report).contains(&4), "{report:?}");
    // What is left of the elements is one exponential.
    let live = crate::graph::needed(&g, &[after.id], |_| false);
    let long = live.iter().filter(|&&id| {
        let node = g.node(id);
        node.shape.as_slice() == [300] && !node.args.is_empty()
    });
    assert!(long.count() <= 2);
}

#[test]
fn sums_stay_where_nothing_is_gained() {
    let g = Graph::new();
    let (a, b, s, z) = (
        g.input(&[]),
        g.input(&[60]),
        g.input(&[100]),
        g.input(&[100]),
    );
    let (x, y) = (matrix(&g, 100, 60, 1), vector(&g, 100, 2));
    let own: Vec<f64> = (0..100).map(f64::from).collect();
    let own = g.constant(Tensor::vector(own));
    let bad = g.constant(Tensor::vector([[1.0; 99].as_slice(), &[f64::NAN]].concat()));
    let nonlinear = (x.slice(0, 0, 1).reshape(&[100]) * a).exp();
    for sum in [
        // A weight, a mean and a missing observation for each row are latents.
        ((y - a).square() * s).sum(),
        (y - z).square().sum(),
        (z - a).square().sum(),
        (y - nonlinear).square().sum(),
        // More than half as many latents as rows.
        (y - x.matmul(b)).square().sum(),
        (y - s.gather(0, own)).square().sum(),
        // Few rows, and data that are no numbers.
        (y.slice(0, 0, 6) - a).square().sum(),
        (y * bad - a).square().sum(),
        (y * a - a.square()).abs().sum(),
    ] {
        let (after, report) = rewrite_density(&g, sum.id, &all_but("statistics"));
        assert!(after == sum.id && report.is_empty(), "{report:?}");
    }
}

#[test]
fn what_is_asked_to_be_left_out_is() {
    let g = Graph::new();
    let a = g.input(&[]);
    let sum = (vector(&g, 100, 2) - a).square().sum();
    assert_eq!(
        rewrite_density(&g, sum.id, &["statistics", "equal_rows"]).0,
        sum.id
    );
    assert_ne!(rewrite_density(&g, sum.id, &[]).0, sum.id);
}

/// Σ (y − a − b x)² and its derivatives by a and b, in doubled digits.
fn exact(x: &[f64], y: &[f64], a: f64, b: f64) -> [f64; 3] {
    let mut sums = [Doubled::from(0.0); 3];
    for (&x, &y) in x.iter().zip(y) {
        let r = Doubled::from(y).plus(-a).plus_product(-b, x);
        let (high, low) = (r.value(), r.minus(r.value()));
        sums[0] = sums[0]
            .plus_product(high, high)
            .plus_product(2.0 * high, low);
        sums[1] = sums[1].plus(-2.0 * high).plus(-2.0 * low);
        sums[2] = sums[2]
            .plus_product(-2.0 * high, x)
            .plus_product(-2.0 * low, x);
    }
    sums.map(Doubled::value)
}

/// Near the optimum of badly conditioned data, where nearly all digits of data and parameters cancel,
/// the rewritten sum is as exact as the written one is allowed to be: errors are compared with
/// what one rounding of each residual's terms makes of the sum.
#[test]
fn no_digits_are_lost_on_badly_conditioned_data() {
    let n = 1000;
    // In the last, as in raw earnings by height, 16 parts in 17 of the columns cancel as well.
    for (level, spread, start, digits) in [
        (1e6, 1.0, 0.0, 1e-14),
        (1e6, 1e-3, 1e5, 1e-14),
        (3e4, 2e4, 66.0, 1e-13),
    ] {
        let x: Vec<f64> = values(n, (start, start + 4.0), 1);
        let y: Vec<f64> = values(n, (level - spread, level + spread), 2);
        let g = Graph::new();
        let (a, b) = (g.input(&[]), g.input(&[]));
        let rows = |v: &[f64]| g.constant(Tensor::vector(v));
        let sum = (rows(&y) - (a + rows(&x) * b)).square().sum();
        let (after, report) = rewrite_density(&g, sum.id, &all_but("statistics"));
        assert_eq!(left(&report), [3]);
        let after = g.var(after);
        let mut wanted = vec![after];
        wanted.extend(grad(after, &[a, b]));
        let wanted: Vec<NodeId> = wanted.iter().map(|v| v.id).collect();
        for (da, db) in [
            (0.0, 0.0),
            (0.3 * spread, 0.0),
            (-2.0 * spread, 0.1 * spread),
        ] {
            let (at_a, at_b) = (level + da - db * start, db);
            let feeds = [(a.id, Tensor::scalar(at_a)), (b.id, Tensor::scalar(at_b))];
            let found = evaluate(&g, &feeds, &wanted);
            let truth = exact(&x, &y, at_a, at_b);
            // One rounding of the largest term of a residual, in each residual.
            let slip = f64::EPSILON * level.max(at_a.abs());
            let size = (truth[0] / n as f64).sqrt() + slip;
            let widest = x[n - 1].abs().max(start + 4.0);
            let allowed = [
                n as f64 * 2.0 * size * slip + digits * truth[0],
                n as f64 * (2.0 * slip + digits * size),
                n as f64 * (2.0 * slip + digits * size) * widest,
            ];
            for k in 0..3 {
                let error = (found[k].data()[0] - truth[k]).abs();
                assert!(
                    error <= allowed[k],
                    "{k}: {} for {}, {error:e} of {:e}",
                    found[k].data()[0],
                    truth[k],
                    allowed[k]
                );
            }
        }
    }
}

#[test]
fn columns_that_others_span_are_no_hindrance() {
    let g = Graph::new();
    let (a, b, c) = (g.input(&[20]), g.input(&[]), g.input(&[]));
    let index = indices(&g, 400, 20);
    // The same for all rows of a group, so that the group's own latent spans it.
    let level = vector(&g, 20, 9).gather(0, index);
    let mean = a.gather(0, index) + level * b + c;
    let sum = (vector(&g, 400, 2) - mean).square().sum();
    let (_, report) = agree(&g, &[a, b, c], sum, "statistics");
    assert_eq!(left(&report), [23]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the numbers of rows, columns and groups: the same function.
    #[test]
    fn any_table_is_kept(n in 8usize..90, k in 1usize..14, of in 2usize..40, seed in 0usize..99) {
        let g = Graph::new();
        let (a, b, s) = (g.input(&[of]), g.input(&[k]), g.input(&[]));
        let (x, y) = (matrix(&g, n, k, seed), vector(&g, n, seed + 1));
        let mean = a.gather(0, indices(&g, n, of)) + x.matmul(b) * s;
        let density = ((y - mean).square() * s + y * x.matmul(b) - mean).sum();
        agree(&g, &[a, b, s], density, "statistics");
    }
}
