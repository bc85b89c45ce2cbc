//! Tapes against the slow evaluation of the same graph.

use super::Tape;
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Tensor, Var, evaluate};
use crate::ops::tests::{cases, close, feeds, values, weighted};
use crate::special::{sigmoid, softplus};

/// Runs the tape on the feeds twice, with other numbers between, and holds all outputs against
/// [`evaluate`]. Sums are added in another order, hence the tolerance of a few thousand roundings.
fn agrees(graph: &Graph, feeds: &[(NodeId, Tensor)], outputs: &[NodeId], what: &str) {
    let inputs: Vec<NodeId> = feeds.iter().map(|f| f.0).collect();
    let mut tape = Tape::compile(graph, &inputs, outputs);
    // Both round on the way, each in an order of its own, and errors are those of the largest numbers met:
    // what is small may be the difference of large terms.
    let nodes = crate::graph::needed(graph, outputs, |id| inputs.contains(&id));
    let largest = evaluate(graph, feeds, &nodes)
        .iter()
        .flat_map(|t| t.data().iter().map(|x| x.abs()).collect::<Vec<_>>())
        .filter(|x| x.is_finite())
        .fold(1.0, f64::max);
    let tolerance = 1e-12 * largest;
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
                        tolerance,
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

#[test]
fn every_operation_with_a_leading_axis() {
    for case in cases() {
        let source = Graph::new();
        let inputs: Vec<Var> = case.shapes.iter().map(|s| source.input(s)).collect();
        let y = (case.build)(&inputs);
        let mut wanted = vec![y.id];
        wanted.extend(grad(weighted(y), &inputs).iter().map(|v| v.id));
        for size in [3, 70] {
            let g = Graph::new();
            let (wide, outputs) = batched(&source, &g, &inputs, &wanted, size);
            agrees(&g, &feeds(&wide, case.range), &outputs, &case.name);
        }
    }
}

/// The inputs and nodes of a graph with a leading axis.
fn batched<'g>(
    source: &Graph,
    g: &'g Graph,
    inputs: &[Var],
    wanted: &[NodeId],
    size: usize,
) -> (Vec<Var<'g>>, Vec<NodeId>) {
    let mut walk = crate::graph::Rebuild::batched(source, g, size);
    let mut wide = Vec::new();
    for x in inputs {
        let mut shape = x.shape();
        shape.insert(0, size);
        let input = g.input(&shape);
        walk.substitute(x.id, input, true);
        wide.push(input);
    }
    let outputs = walk.emit_batched(wanted).iter().map(|v| v.id).collect();
    (wide, outputs)
}

/// A log density with most kinds of structure: data, a shared scalar, groups, sums by rows and
/// columns, all in sizes that do not fit a block or a vector.
fn density<'g>(x: Var<'g>, w: Var<'g>, groups: usize) -> Var<'g> {
    let g = x.graph;
    let n = x.extent(1);
    let index = Tensor::vector(
        (0..n)
            .map(|i| (i * 7 % groups) as f64)
            .collect::<Vec<f64>>(),
    );
    let index = g.constant(index);
    let scale = w.slice(0, 0, 1).exp();
    let effects = w.gather(0, index) * scale;
    let rows = x.log_sum_exp(&[0]);
    let data = g.constant(Tensor::new(
        [n, 3].into_iter().collect(),
        values(3 * n, (-1.0, 1.0), 5),
    ));
    let linear = data.matmul(w.slice(0, 1, 3)).sigmoid();
    let by_column = x.sum_axes(&[1]).tanh();
    let residual = (rows - effects).square() * linear;
    let ends = residual.slice(0, 1, n - 1) * residual.slice(0, 0, n - 1);
    residual.sum() + by_column.sum() + ends.tanh().sum() + x.max_axes(&[1]).sum()
}

#[test]
fn sizes_across_blocks_and_vectors() {
    for (n, k) in [(5, 2), (127, 3), (1024, 5), (3001, 9), (2500, 40)] {
        let g = Graph::new();
        let (x, w) = (g.input(&[n, k]), g.input(&[17]));
        let y = density(x, w, 17);
        let mut outputs = vec![y.id];
        outputs.extend(grad(y, &[x, w]).iter().map(|v| v.id));
        let v = [
            g.constant(Tensor::new(x.shape(), values(n * k, (-1.0, 1.0), 1))),
            g.constant(Tensor::vector(values(17, (-1.0, 1.0), 2))),
        ];
        outputs.extend(hvp(y, &[x, w], &v).iter().map(|v| v.id));
        let feeds = feeds(&[x, w], (-0.5, 0.5));
        agrees(&g, &feeds, &outputs, &format!("{n} rows of {k}"));
    }
}

#[test]
fn points_as_rows_of_kernels() {
    for (n, k, points) in [(40, 2, 3), (127, 3, 5), (1500, 4, 2)] {
        let source = Graph::new();
        let (x, w) = (source.input(&[n, k]), source.input(&[17]));
        let y = density(x, w, 17);
        let mut wanted = vec![y.id];
        wanted.extend(grad(y, &[x, w]).iter().map(|v| v.id));
        for x_too in [false, true] {
            let g = Graph::new();
            let mut walk = crate::graph::Rebuild::batched(&source, &g, points);
            let shape = [points, n, k];
            let wide_x = g.input(if x_too { &shape } else { &shape[1..] });
            let wide_w = g.input(&[points, 17]);
            walk.substitute(x.id, wide_x, x_too);
            walk.substitute(w.id, wide_w, true);
            let outputs: Vec<NodeId> = walk.emit_batched(&wanted).iter().map(|v| v.id).collect();
            let feeds = feeds(&[wide_x, wide_w], (-0.5, 0.5));
            agrees(
                &g,
                &feeds,
                &outputs,
                &format!("{points} points of {n} rows"),
            );
        }
    }
}

/// Numbers of points and columns that tiles of products do not divide, blocks that rows do not.
#[test]
fn logistic_regressions_at_several_points() {
    for (n, k, points) in [
        (40, 2, 3),
        (300, 7, 8),
        (1111, 5, 13),
        (700, 4, 1),
        (601, 3, 20),
    ] {
        let source = Graph::new();
        let (alpha, beta) = (source.input(&[]), source.input(&[k]));
        let data = source.constant(Tensor::new(
            [n, k].into_iter().collect(),
            values(n * k, (-3.0, 3.0), 7),
        ));
        let eta = data.matmul(beta) + alpha;
        let y = eta.softplus().sum() - (eta * 0.3).square().sum();
        let mut wanted = vec![y.id];
        wanted.extend(grad(y, &[alpha, beta]).iter().map(|v| v.id));
        let g = Graph::new();
        let mut walk = crate::graph::Rebuild::batched(&source, &g, points);
        let (wide_alpha, wide_beta) = (g.input(&[points]), g.input(&[points, k]));
        walk.substitute(alpha.id, wide_alpha, true);
        walk.substitute(beta.id, wide_beta, true);
        let outputs: Vec<NodeId> = walk.emit_batched(&wanted).iter().map(|v| v.id).collect();
        let feeds = feeds(&[wide_alpha, wide_beta], (-0.5, 0.5));
        let what = format!("{points} points of {n} rows and {k} columns");
        agrees(&g, &feeds, &outputs, &what);
    }
}

#[test]
fn sums_of_softplus_keep_what_is_small_and_what_is_large() {
    let g = Graph::new();
    for n in [5, 64, 100, 1500] {
        let x = g.input(&[n]);
        let sum = x.softplus().sum();
        let ids = [sum.id, grad(sum, &[x])[0].id];
        let mut tape = Tape::compile(&g, &[x.id], &ids);
        for at in [
            -700.0,
            -40.0,
            0.0,
            36.0,
            1e5,
            f64::NEG_INFINITY,
            f64::INFINITY,
        ] {
            let numbers: Vec<f64> = (0..n).map(|i| at + (i % 7) as f64).collect();
            tape.set_input(0, &numbers);
            tape.run();
            let expected: f64 = numbers.iter().map(|&x| softplus(x)).sum();
            let sum = tape.output(0)[0];
            // A rounding or two for each addition, whatever the size.
            let close = (sum - expected).abs() <= 1e-13 * expected;
            assert!(close || sum == expected, "{n} about {at}: {sum} {expected}");
            let slopes: Vec<f64> = numbers.iter().map(|&x| sigmoid(x)).collect();
            assert_eq!(tape.output(1), slopes, "the very bits of the function");
        }
        let mut numbers = vec![0.0; n];
        numbers[n / 2] = f64::NAN;
        tape.set_input(0, &numbers);
        tape.run();
        assert!(tape.output(0)[0].is_nan());
    }
}

#[test]
fn tapes_can_be_sent_to_threads() {
    fn sent<T: Send>(_: &T) {}
    let g = Graph::new();
    let x = g.input(&[2]);
    sent(&Tape::compile(&g, &[x.id], &[x.exp().id]));
}

#[test]
fn matrices_of_many_shapes() {
    for (m, k, n) in [
        (1, 5, 1),
        (3, 1, 4),
        (40, 3, 1),
        (3, 40, 1),
        (1, 300, 7),
        (300, 300, 1),
        (33, 17, 29),
        (2, 600, 2),
    ] {
        for constant in [false, true] {
            let g = Graph::new();
            let (x, b) = (g.input(&[m, k]), g.input(&[k, n]));
            let a = if constant {
                g.constant(Tensor::new(x.shape(), values(m * k, (-1.0, 1.0), 3)))
            } else {
                x.sin()
            };
            let squeezed = if n == 1 { b.reshape(&[k]) } else { b };
            let y =
                a.matmul(squeezed).square().sum() + (a.transpose().matmul(a) * 0.01).tanh().sum();
            let mut outputs = vec![y.id, a.matmul(squeezed).id];
            outputs.extend(grad(y, &[x, b]).iter().map(|v| v.id));
            agrees(
                &g,
                &feeds(&[x, b], (-1.0, 1.0)),
                &outputs,
                &format!("{m}×{k}×{n}"),
            );
        }
    }
}

#[test]
fn empty_tensors() {
    let g = Graph::new();
    let (x, y) = (g.input(&[0, 3]), g.input(&[3]));
    let product = x.matmul(y);
    let padded = (x * y).pad(1, 1, 1);
    let outputs = [
        product.id,
        product.sum().id,
        padded.id,
        (padded * y.exp()).sum().id,
        x.transpose().matmul(x).id,
        crate::ops::concat(&[x, y.reshape(&[1, 3])], 1).id,
        x.exp().id,
    ];
    agrees(&g, &feeds(&[x, y], (0.0, 1.0)), &outputs, "empty");
}

#[test]
fn inputs_in_the_middle_and_outputs_of_all_kinds() {
    let g = Graph::new();
    let x = g.input(&[4]);
    let middle = x.exp();
    let y = (middle * 2.0).sum();
    let outputs = [
        y.id,
        middle.id,
        y.id,
        g.constant(Tensor::vector([1.0, 2.0])).id,
        g.scalar(3.0).broadcast(&[5]).id,
        middle.reshape(&[2, 2]).transpose().id,
        middle.reshape(&[2, 2]).id,
        (middle + 1.0).slice(0, 1, 2).id,
    ];
    let value = Tensor::vector([1.0, 2.0, 3.0, 4.0]);
    agrees(&g, &[(middle.id, value.clone())], &outputs, "cut");
    agrees(
        &g,
        &[(x.id, value.clone()), (middle.id, value)],
        &outputs,
        "cut, both given",
    );
}

#[test]
fn flat_inputs_and_outputs_stand_in_order() {
    let g = Graph::new();
    let (a, b, c) = (g.input(&[3]), g.input(&[]), g.input(&[2]));
    let mut tape = Tape::compile(&g, &[a.id, b.id, c.id], &[(a * b).id, c.id, b.exp().id]);
    tape.set_inputs_flat(&[1.0, 2.0, 3.0, 0.5, 8.0, 9.0]);
    tape.run();
    assert_eq!(tape.outputs_flat(), [0.5, 1.0, 1.5, 8.0, 9.0, 0.5f64.exp()]);
    let mut other = tape.clone();
    other.set_input(1, &[2.0]);
    other.run();
    assert_eq!(other.output(0), [2.0, 4.0, 6.0]);
    assert_eq!(tape.output(0), [0.5, 1.0, 1.5]);
    assert_eq!(tape.run_timed().len(), tape.instruction_count());
}

#[test]
fn a_body_too_large_for_straight_code_is_run_by_kernels() {
    use crate::ops::{Body, scan};
    let body = std::sync::Arc::new(Graph::new());
    let (c, x, w) = (body.input(&[40]), body.input(&[40]), body.input(&[40, 40]));
    let next = (w.matmul(c) * 0.1 + x).tanh();
    let body = Body {
        inputs: vec![c.id, x.id, w.id],
        output: next.id,
        graph: body.clone(),
    };
    let g = Graph::new();
    let (c, x, w) = (g.input(&[40]), g.input(&[6, 40]), g.input(&[40, 40]));
    let y = scan(body, 6, false, c, &[x], &[w]).square().sum();
    let mut outputs = vec![y.id];
    outputs.extend(grad(y, &[c, x, w]).iter().map(|v| v.id));
    agrees(&g, &feeds(&[c, x, w], (-0.5, 0.5)), &outputs, "large body");
}

/// A recurrence of five steps on `k` numbers; `next` makes the new carry of the old one, the step's
/// numbers and a matrix.
fn recurrence<'g>(
    g: &'g Graph,
    k: usize,
    reverse: bool,
    next: impl for<'b> Fn([Var<'b>; 3]) -> Var<'b>,
) -> (Vec<Var<'g>>, Var<'g>) {
    use crate::ops::{Body, scan};
    let graph = std::sync::Arc::new(Graph::new());
    let inputs = [&[k] as &[usize], &[k], &[k, k]].map(|shape| graph.input(shape));
    let body = Body {
        output: next(inputs).id,
        inputs: inputs.iter().map(|x| x.id).collect(),
        graph: graph.clone(),
    };
    let inputs = [&[k] as &[usize], &[5, k], &[k, k]].map(|shape| g.input(shape));
    let y = scan(body, 5, reverse, inputs[0], &[inputs[1]], &[inputs[2]]);
    (inputs.to_vec(), y)
}

#[test]
fn samples_of_a_recurrence_are_run_abreast() {
    let source = Graph::new();
    let (inputs, y) = recurrence(&source, 2, false, |[c, x, w]| {
        (w.matmul(c) + x).tanh() * c.max_axes(&[0])
    });
    let mut wanted = vec![y.id];
    wanted.extend(grad(weighted(y), &inputs).iter().map(|v| v.id));
    for size in [4, 8, 67] {
        let g = Graph::new();
        let (wide, outputs) = batched(&source, &g, &inputs, &wanted, size);
        agrees(&g, &feeds(&wide, (-1.3, 1.1)), &outputs, "abreast");
        let ids: Vec<NodeId> = wide.iter().map(|x| x.id).collect();
        let tape = Tape::compile(&g, &ids, &outputs);
        let what = format!("of {size} samples");
        let scans = tape
            .instructions()
            .iter()
            .filter(|l| l.name.contains("scan"));
        assert!(scans.clone().count() >= 2);
        for scan in scans {
            assert!(scan.name.ends_with(&what), "{}", scan.name);
        }
    }
}

/// Builds a graph from random choices: each takes earlier values and makes a new one.
fn grown<'g>(g: &'g Graph, inputs: &[Var<'g>], choices: &[(u8, u16, u16)]) -> Vec<Var<'g>> {
    let mut values: Vec<Var<'g>> = inputs.to_vec();
    for &(what, i, j) in choices {
        let a = values[i as usize % values.len()];
        let b = values[j as usize % values.len()];
        let fitting = crate::graph::broadcast_shapes(&a.shape(), &b.shape()).is_some();
        let rank = a.rank();
        let axis = if rank > 0 { j as usize % rank } else { 0 };
        let made = match what % 16 {
            0 if fitting => a + b,
            1 if fitting => a * b,
            2 if fitting => a - b.tanh(),
            3 => a.tanh(),
            4 => a.sin() * 0.5,
            5 if fitting => a.gt(b).select(a, b),
            6 if rank > 0 => a.sum_axes(&[axis]) * 0.3,
            7 if rank > 0 => a.max_axes(&[axis]),
            8 if rank > 1 => a.permute(&[1, 0]),
            9 if rank > 0 && a.extent(axis) > 1 => a.slice(axis, 1, a.extent(axis) - 1),
            10 if rank > 0 && a.numel() < 4000 => a.pad(axis, 1, 2),
            11 if rank > 0 => {
                let n = a.extent(axis);
                let index: Vec<f64> = (0..n).map(|k| ((k * 5 + 2) % n) as f64).collect();
                a.gather(axis, g.constant(Tensor::vector(index)))
            }
            12 if rank > 0 => {
                let n = a.extent(axis);
                let index: Vec<f64> = (0..n).map(|k| ((k * 3 + 1) % 4) as f64).collect();
                a.scatter_add(axis, 4, g.constant(Tensor::vector(index)))
            }
            13 => a.reshape(&[a.numel()]),
            14 if rank == 2 && a.numel() < 3000 => a.matmul(a.transpose()).tanh(),
            15 if rank > 0 && a.numel() < 2000 => {
                let mut shape = a.shape();
                shape.insert(0, 3);
                a.broadcast(&shape).sin()
            }
            _ => a.square().tanh(),
        };
        if made.numel() <= 8000 {
            values.push(made);
        }
    }
    values
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn random_graphs(
        choices in proptest::collection::vec((0u8..16, 0u16..1000, 0u16..1000), 1..40),
        n in 1usize..40,
        m in 1usize..70,
    ) {
        let g = Graph::new();
        let inputs = [g.input(&[]), g.input(&[n]), g.input(&[m, n]), g.input(&[m, 1])];
        let all = grown(&g, &inputs, &choices);
        let mut outputs: Vec<NodeId> = all.iter().rev().take(3).map(|v| v.id).collect();
        let y = all.iter().rev().take(4).map(|v| v.tanh().sum()).reduce(|a, b| a + b).unwrap();
        outputs.push(y.id);
        outputs.extend(grad(y, &inputs).iter().map(|v| v.id));
        let feeds = feeds(&inputs, (-1.3, 1.1));
        agrees(&g, &feeds, &outputs, "random graph");
    }

    #[test]
    fn random_recurrences(
        choices in proptest::collection::vec((0u8..16, 0u16..1000, 0u16..1000), 1..12),
        k in 1usize..4,
        samples in 1usize..75,
        reverse: bool,
    ) {
        let source = Graph::new();
        let (inputs, y) = recurrence(&source, k, reverse, |inputs| {
            let all = grown(inputs[0].graph, &inputs, &choices);
            let fitting = all.iter().rev().filter(|v| v.shape() == inputs[0].shape());
            fitting.take(3).copied().reduce(|a, b| a + b).unwrap().tanh()
        });
        let mut wanted = vec![y.id];
        wanted.extend(grad(weighted(y), &inputs).iter().map(|v| v.id));
        agrees(&source, &feeds(&inputs, (-1.3, 1.1)), &wanted, "random recurrence");
        let g = Graph::new();
        let (wide, outputs) = batched(&source, &g, &inputs, &wanted, samples);
        agrees(&g, &feeds(&wide, (-1.3, 1.1)), &outputs, "random recurrence of samples");
    }
}

/// A vector of logarithms, a matrix, and factors of what comes out.
fn log_product_agrees(c: &[f64], p: &[f64], columns: usize, what: &str) {
    let g = Graph::new();
    let rows = p.len() / columns;
    let (x, m) = (g.input(&[c.len() / rows, rows]), g.input(&[rows, columns]));
    let y = x.log_product(m);
    let factors = g.constant(Tensor::new(y.shape(), values(y.numel(), (-1.0, 1.0), 3)));
    // Of what is infinite there is no sum to differentiate.
    let sum = (y.max(-1e300) * factors).sum();
    let mut outputs = vec![y];
    outputs.extend(crate::autodiff::vjp(&[y], &[factors], &[x, m]));
    outputs.extend(hvp(sum, &[x, m], &[x.cos(), m.sin()]));
    let feeds = [
        (x.id, Tensor::new(x.shape(), c.to_vec())),
        (m.id, Tensor::new(m.shape(), p.to_vec())),
    ];
    let ids: Vec<NodeId> = outputs.iter().map(|v| v.id).collect();
    agrees_in_logarithms(&g, &feeds, &ids, what);
}

/// As [`agrees`], where numbers are far apart in size.
fn agrees_in_logarithms(graph: &Graph, feeds: &[(NodeId, Tensor)], outputs: &[NodeId], what: &str) {
    let inputs: Vec<NodeId> = feeds.iter().map(|f| f.0).collect();
    let mut tape = Tape::compile(graph, &inputs, outputs);
    for (i, (_, value)) in feeds.iter().enumerate() {
        tape.set_input(i, value.data());
    }
    tape.run();
    let given = feeds.iter().flat_map(|f| f.1.data());
    let largest = given
        .filter(|x| x.is_finite())
        .fold(0.0, |m: f64, x| m.max(x.abs()));
    for (k, value) in evaluate(graph, feeds, outputs).iter().enumerate() {
        for (j, (&a, &b)) in tape.output(k).iter().zip(value.data()).enumerate() {
            // Some roundings of sums of some seventy terms; those of logarithms are errors of the weights.
            let of_weights = if k == 0 { 0.0 } else { 1e-15 * largest };
            let tolerance = (1e-13 + of_weights) * b.abs().max(1.0);
            let same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance;
            assert!(same, "{what}: output {k}[{j}] is {a:?} and not {b:?}");
        }
    }
}

#[test]
fn products_of_logarithms_are_right_where_they_underflow() {
    let infinity = f64::INFINITY;
    for (rows, columns) in [(4, 4), (8, 8), (5, 9), (3, 17), (70, 66), (66, 3)] {
        let c = values(3 * rows, (-3.0, 3.0), 1);
        let p = values(rows * columns, (-3.0, 1.0), 2);
        let changed = |x: &[f64], at: &[(usize, f64)]| {
            let mut x = x.to_vec();
            at.iter().for_each(|&(i, v)| x[i] = v);
            x
        };
        let what = |case: &str| format!("{rows} by {columns}, {case}");
        log_product_agrees(&c, &p, columns, &what("as usual"));
        // The likeliest state leads nowhere but to itself.
        let mut one_way = p.clone();
        one_way[1..columns].fill(-infinity);
        for far in [-600.0, -700.0, -1500.0, -1e5, -infinity] {
            let mut behind = c.clone();
            behind[1..rows].iter_mut().for_each(|x| *x += far);
            log_product_agrees(
                &behind,
                &one_way,
                columns,
                &what(&format!("one way, {far}")),
            );
            let mut steep = p.clone();
            steep[1..columns].iter_mut().for_each(|x| *x += far);
            log_product_agrees(&behind, &steep, columns, &what(&format!("steep, {far}")));
        }
        log_product_agrees(
            &changed(&c, &[(0, 1e6), (rows, -1e6)]),
            &p,
            columns,
            &what("large"),
        );
        log_product_agrees(
            &c,
            &changed(&p, &[(0, 900.0), (columns, -1e6)]),
            columns,
            &what("weights"),
        );
        log_product_agrees(&vec![-infinity; 3 * rows], &p, columns, &what("nothing"));
        log_product_agrees(
            &changed(&c, &[(1, f64::NAN)]),
            &p,
            columns,
            &what("no number"),
        );
        log_product_agrees(&changed(&c, &[(1, infinity)]), &p, columns, &what("all"));
    }
}
