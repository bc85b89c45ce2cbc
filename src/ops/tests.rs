//! One battery for all operations: a row gives every check (derivatives of first and second order
//! against central differences, the leading axis against separate runs, compiled against slow).

use super::*;
use crate::autodiff::{grad, hvp, vjp};
use crate::graph::{Graph, NodeId, Rebuild, Shape, Tensor, Var, evaluate};
use std::sync::Arc;

type Build = dyn for<'g> Fn(&[Var<'g>]) -> Var<'g>;

/// A function of inputs of given shapes, with the ranges from which the inputs are drawn.
pub(crate) struct Case {
    pub name: String,
    pub shapes: Vec<Vec<usize>>,
    pub range: (f64, f64),
    pub build: Box<Build>,
}

/// `xᵢ^a` of some numbers, then their sum if there is room for it.
struct Powers;

impl External for Powers {
    fn name(&self) -> &str {
        "powers"
    }

    fn value(&self, args: &[&[f64]], out: &mut [f64]) {
        let powers = args[0].iter().map(|x| x.powf(args[1][0]));
        out.iter_mut().zip(powers).for_each(|(out, p)| *out = p);
        let (sum, parts) = out.split_last_mut().expect("it has elements");
        if parts.len() == args[0].len() {
            *sum = parts.iter().sum();
        }
    }

    fn pullback(&self, args: &[&[f64]], cotangent: &[f64], adjoints: &mut [&mut [f64]]) {
        let (a, n) = (args[1][0], args[0].len());
        let of_sum = if cotangent.len() > n {
            cotangent[n]
        } else {
            0.0
        };
        for (i, x) in args[0].iter().enumerate() {
            let c = cotangent[i] + of_sum;
            adjoints[0][i] += c * a * x.powf(a - 1.0);
            adjoints[1][0] += c * x.powf(a) * x.ln();
        }
    }
}

fn case(
    name: &str,
    shapes: &[&[usize]],
    range: (f64, f64),
    build: impl for<'g> Fn(&[Var<'g>]) -> Var<'g> + 'static,
) -> Case {
    let shapes = shapes.iter().map(|s| s.to_vec()).collect();
    Case {
        name: name.into(),
        shapes,
        range,
        build: Box::new(build),
    }
}

/// Deterministic, irregular numbers in a range.
pub(crate) fn values(n: usize, (low, high): (f64, f64), seed: usize) -> Vec<f64> {
    (0..n)
        .map(|i| {
            low + (high - low)
                * (((i + 1) as f64 * 0.754_877_666 + seed as f64 * 0.569_840_29).fract())
        })
        .collect()
}

pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for row in unary::TABLE {
        let range = match row.name {
            "log2" | "log10" | "cbrt" | "log" | "sqrt" | "lgamma" | "digamma" | "trigamma"
            | "recip" => (0.3, 4.0),
            "tan" => (-1.2, 1.1),
            "log1p" => (-0.6, 2.0),
            "log1m_exp" => (-3.0, -0.1),
            "acosh" => (1.2, 3.0),
            "lambert_w" => (-0.3, 2.0),
            "asin" | "acos" | "atanh" => (-0.9, 0.9),
            "inv_phi" => (0.05, 0.95),
            "floor" | "ceil" | "round" | "trunc" | "sign" | "abs" => (0.1, 0.4),
            _ => (-2.0, 2.1),
        };
        all.push(case(row.name, &[&[5]], range, |x| {
            x[0].graph.apply(Unary(row), &[x[0]])
        }));
    }
    for row in binary::TABLE.iter().filter(|r| r.name != "polygamma") {
        all.push(case(row.name, &[&[2, 3], &[2, 3]], (0.3, 1.9), |x| {
            x[0].graph.apply(Binary(row), &[x[0], x[1]])
        }));
    }
    all.extend([
        case("polygamma", &[&[4]], (0.5, 3.0), |x| {
            x[0].graph.scalar(2.0).broadcast(&[4]).polygamma(x[0])
        }),
        case("broadcasting", &[&[3], &[2, 1]], (0.5, 2.0), |x| {
            x[0] * x[1] + x[1].exp()
        }),
        case("gamma tails", &[&[6], &[6]], (0.3, 4.0), |x| {
            all_tails(|tail| x[0].gamma_tail(x[1], tail))
        }),
        case("beta tails", &[&[5], &[5], &[5]], (0.2, 0.9), |x| {
            all_tails(|tail| (x[0] * 4.0).beta_tail(x[1] * 3.0, x[2], tail))
        }),
        case("Student's t tails", &[&[6], &[6]], (0.5, 4.0), |x| {
            all_tails(|tail| x[0].student_t_tail(x[1] - 2.0, tail))
        }),
        case("select", &[&[4], &[4], &[4]], (-1.0, 1.0), |x| {
            x[0].gt(0.0).select(x[1] * x[2], x[2].square())
        }),
        case("movement", &[&[2, 3, 4]], (-1.0, 1.0), |x| {
            let y = x[0]
                .square()
                .permute(&[2, 0, 1])
                .reshape(&[4, 6])
                .slice(0, 1, 4)
                .pad(1, 1, 2);
            y * y.exp()
        }),
        case("concat", &[&[2, 3], &[2, 1]], (-1.0, 1.0), |x| {
            concat(&[x[0].square(), x[1], x[0].exp()], 0).square()
        }),
        case("gather", &[&[2, 3, 2]], (-1.0, 1.0), |x| {
            let index = x[0].graph.constant(Tensor::vector([2.0, 0.0, 2.0, 1.0]));
            x[0].gather(1, index).square()
        }),
        case("scatter_add", &[&[2, 4, 2]], (-1.0, 1.0), |x| {
            let index = x[0].graph.constant(Tensor::vector([2.0, 0.0, 2.0, 4.0]));
            x[0].square().scatter_add(1, 5, index).exp()
        }),
        case("reductions", &[&[2, 3, 4]], (-1.0, 1.0), |x| {
            x[0].square().sum_axes(&[0, 2]).exp() + x[0].max_axes(&[0, 2]) * x[0].min_axes(&[0, 2])
        }),
        case("linear sums", &[&[3, 4], &[4], &[3, 1]], (0.5, 1.5), |x| {
            ((x[0] - x[1]) * x[2] / x[1] + x[1].log() - x[2]).sum()
        }),
        case("contract", &[&[2, 3, 4], &[2, 4, 5]], (-1.0, 1.0), |x| {
            x[0].matmul(x[1]).square()
        }),
        case(
            "contract orders",
            &[&[2, 3, 4], &[4, 3]],
            (-1.0, 1.0),
            |x| {
                contract(x[0], &[7, 8, 9], x[1], &[9, 8], &[7]).exp()
                    + contract(x[0], &[7, 8, 9], x[1], &[9, 8], &[8, 7]).sum()
            },
        ),
        case("outer", &[&[3], &[4]], (-1.0, 1.0), |x| {
            contract(x[0], &[1], x[1], &[2], &[2, 1]).exp()
        }),
        case("matrix vector", &[&[3, 4], &[4]], (-1.0, 1.0), |x| {
            x[0].matmul(x[1]).square()
        }),
        case("cumsum", &[&[2, 4, 2]], (-1.0, 1.0), |x| {
            x[0].cumsum(1).square()
        }),
        case("cholesky", &[&[2, 3, 3]], (-1.0, 1.0), |x| {
            spd(x[0]).cholesky().square()
        }),
        case("tri_solve", &[&[3, 3], &[3, 2]], (0.5, 1.5), |x| {
            let l = x[0].lower_triangle(1.0) + x[0].graph.constant(eye(3));
            l.tri_solve(x[1], false).square() + l.tri_solve(x[1].exp(), true)
        }),
        case("solve", &[&[2, 3, 3], &[2, 3, 2]], (0.5, 1.5), |x| {
            let a = x[0] + x[0].graph.constant(eye(3)) * 2.0;
            a.solve(x[1], false).square() + a.solve(x[1].exp(), true)
        }),
        case("log_abs_det", &[&[2, 3, 3]], (0.5, 1.5), |x| {
            (x[0] - x[0].graph.constant(eye(3)) * 2.0)
                .log_abs_det()
                .sin()
        }),
        case("det", &[&[2, 3, 3]], (0.5, 1.5), |x| {
            (x[0] - x[0].graph.constant(eye(3)) * 2.0).det().sin()
        }),
        case("matrix_exp", &[&[2, 3, 3]], (-1.0, 1.5), |x| {
            x[0].matrix_exp().sin()
        }),
        case("external", &[&[2, 3], &[2]], (0.3, 2.0), |x| {
            let own = [Shape::from_slice(&[3]), Shape::new()];
            external(Arc::new(Powers), x, &own, &[true, true], &[4]).sin()
        }),
        case(
            "external of single numbers",
            &[&[2, 3], &[2, 3]],
            (0.3, 2.0),
            |x| {
                fn power<'g>(x: &[Var<'g>]) -> Var<'g> {
                    let own = [Shape::new(), Shape::new()];
                    external(Arc::new(Powers), x, &own, &[true, true], &[])
                }
                power(x).exp() * power(&[x[1], x[0]])
            },
        ),
        case("matrix_power", &[&[2, 3, 3]], (-1.0, 1.0), |x| {
            x[0].matrix_power(5).sin() + x[0].matrix_power(0)
        }),
        case("eigenvalues", &[&[2, 4, 4]], (-1.0, 1.0), |x| {
            apart(x[0]).eigenvalues().sin()
        }),
        case("eigenvectors", &[&[2, 3, 3]], (-1.0, 1.0), |x| {
            apart(x[0]).eigenvectors().exp()
        }),
        case("qr", &[&[2, 4, 3]], (-1.0, 1.0), |x| {
            x[0].qr_q().exp().sum_axes(&[1]) + x[0].qr_r().square().sum_axes(&[1])
        }),
        case(
            "singular_values",
            &[&[2, 4, 3], &[2, 3]],
            (-1.0, 1.0),
            |x| x[0].singular_values().exp() + x[1].singular_values().sin().sum(),
        ),
        case("kron", &[&[2, 2, 3], &[1, 3, 2]], (-1.0, 1.0), |x| {
            x[0].kron(x[1]).sin()
        }),
        case("sort", &[&[2, 5]], (-1.0, 1.0), |x| {
            let sorted = x[0].pick(x[0].order());
            sorted.exp() * x[0].sin() + x[0].order()
        }),
        case("invert", &[&[2, 3], &[3], &[2, 1]], (0.3, 1.5), |x| {
            inverse_of_a_cubic(x).exp()
        }),
        case("interp", &[&[2, 6], &[2, 4], &[2, 4]], (-0.3, 1.6), |x| {
            let xs = (x[1].square() + 0.2).cumsum(0) * 0.7 - 0.4;
            (x[0] * 1.4).interp(xs, x[2]).sin() + x[0].find_interval(xs)
        }),
        case("compositions", &[&[5], &[5]], (0.1, 0.9), |x| {
            let sum = x[0].cloglog() + x[0].inv_cloglog() + x[0].log_mix(x[1], x[1].square());
            sum + (x[0] + 1.5).lmgamma(3) + x[1].sqrt_or_0()
        }),
        case("cumprod", &[&[2, 5]], (-1.0, 1.0), |x| x[0].cumprod().exp()),
        case("log_product", &[&[2, 4], &[4, 5]], (-1.0, 1.0), |x| {
            x[0].log_product(x[1]).square()
        }),
        case(
            "log_products",
            &[&[2, 2, 3], &[2, 3, 9]],
            (-1.0, 1.0),
            |x| x[0].log_product(x[1]).sin(),
        ),
        case(
            "log_product of vectors and a matrix",
            &[&[2, 3, 2], &[3, 1, 2, 2]],
            (-1.0, 1.0),
            |x| {
                x[0].square()
                    .reshape(&[2, 3, 2])
                    .permute(&[0, 2, 1])
                    .log_product(x[1])
                    .cos()
            },
        ),
        case("log_sum_exp", &[&[3, 4]], (-1.0, 1.0), |x| {
            x[0].log_sum_exp(&[0]).square()
        }),
        case("softmax", &[&[3, 4]], (-1.0, 1.0), |x| {
            x[0].softmax().square()
        }),
        case("prod", &[&[2, 5]], (-1.0, 1.0), |x| x[0].prod().exp()),
        case("diagonal", &[&[3, 3]], (-1.0, 1.0), |x| {
            x[0].diagonal()
                .exp()
                .diagonal_matrix()
                .sum_axes(&[1])
                .square()
        }),
        case("log_add_exp", &[&[3], &[3]], (-1.0, 1.0), |x| {
            x[0].log_add_exp(x[1]).square()
        }),
        case("scan", &[&[2], &[5, 2], &[2, 2]], (0.1, 0.7), |x| {
            scanned(x, false)
        }),
        case(
            "scan reversed",
            &[&[2], &[5, 2], &[2, 2]],
            (0.1, 0.7),
            |x| scanned(x, true),
        ),
        case("ode", &[&[2], &[], &[2], &[2]], (0.1, 0.4), |x| {
            solved(x, ode::Method::DormandPrince)
        }),
        case("ode, stiff", &[&[2], &[], &[2], &[2]], (0.1, 0.4), |x| {
            solved(x, ode::Method::Rodas)
        }),
    ]);
    all
}

fn eye(n: usize) -> Tensor {
    Tensor::new(
        [n, n].into_iter().collect(),
        (0..n * n)
            .map(|k| f64::from(u8::from(k / n == k % n)))
            .collect(),
    )
}

/// Both tails of a distribution and their logarithms, with different weights.
fn all_tails<'g>(tail: impl Fn(crate::special::Tail) -> Var<'g>) -> Var<'g> {
    let of = |upper, log| tail(crate::special::Tail { upper, log });
    of(false, false) + of(true, false).sin() + of(false, true) * 0.5 + of(true, true).cos()
}

/// The `u` with `a u + u³ + sin b = y`.
fn inverse_of_a_cubic<'g>(x: &[Var<'g>]) -> Var<'g> {
    let g = Arc::new(Graph::new());
    let (u, a, b) = (g.input(&[2, 3]), g.input(&[3]), g.input(&[2, 1]));
    let out = u * a + u.square() * u + b.sin();
    let body = Body {
        inputs: vec![u.id, a.id, b.id],
        output: out.id,
        graph: g.clone(),
    };
    invert(body, false, x[0], &x[1..])
}

/// Keeps eigenvalues from meeting, where their derivatives have poles.
fn apart(x: Var<'_>) -> Var<'_> {
    let n = x.extent(0);
    let places = Tensor::vector((0..n).map(|i| (i * i) as f64).collect::<Vec<_>>());
    x + x.graph.constant(places).diagonal_matrix()
}

fn spd(x: Var<'_>) -> Var<'_> {
    x.matmul(x.transpose()) + x.graph.constant(eye(x.extent(0))) * 2.0
}

/// `c' = tanh(W c + sin(x)) · x`, with part of the body to hoist.
fn scanned<'g>(x: &[Var<'g>], reverse: bool) -> Var<'g> {
    let g = Arc::new(Graph::new());
    let (c, s, w) = (g.input(&[2]), g.input(&[2]), g.input(&[2, 2]));
    let out = (w.matmul(c) + s.sin() * w.exp().sum()).tanh() * s;
    let body = Body {
        inputs: vec![c.id, s.id, w.id],
        output: out.id,
        graph: g.clone(),
    };
    scan(body, 5, reverse, x[0], &[x[1]], &[x[2]]).square()
}

/// A driven oscillator whose start, start's time, times and two numbers vary.
fn solved<'g>(x: &[Var<'g>], method: ode::Method) -> Var<'g> {
    let g = Arc::new(Graph::new());
    let (t, y, c) = (g.input(&[]), g.input(&[2]), g.input(&[2]));
    let at = |v: Var<'g>, i: usize| v.slice(0, i, 1);
    let (a, b) = (y.slice(0, 0, 1), y.slice(0, 1, 1));
    let da = b * c.slice(0, 0, 1) + t.sin().reshape(&[1]);
    let db = -(a * b.exp() * c.slice(0, 1, 1));
    let body = Body {
        inputs: vec![t.id, y.id, c.id],
        output: concat(&[da, db], 0).id,
        graph: g.clone(),
    };
    // Differences of neighbouring values tell derivatives only where these are exact.
    let solver = ode::Solver {
        rtol: 1e-12,
        atol: 1e-12,
        ..ode::Solver::new(method)
    };
    let start = x[1].reshape(&[1]);
    let times = concat(&[start + at(x[2], 0), start + at(x[2], 0) + at(x[2], 1)], 0);
    ode(body, solver, x[0], x[1], times, &[x[3] * 3.0]).square()
}

/// Σ w·f with irregular weights: a scalar whose gradient sees every element.
pub(crate) fn weighted<'g>(y: Var<'g>) -> Var<'g> {
    let w = Tensor::new(y.shape(), values(y.numel(), (0.5, 1.5), 7));
    (y * y.graph.constant(w)).sum()
}

pub(crate) fn feeds(inputs: &[Var<'_>], range: (f64, f64)) -> Vec<(NodeId, Tensor)> {
    let tensor =
        |(i, v): (usize, &Var<'_>)| (v.id, Tensor::new(v.shape(), values(v.numel(), range, i)));
    inputs.iter().enumerate().map(tensor).collect()
}

pub(crate) fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!(
        (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs())),
        "{what}: {a} and {b}"
    );
}

/// Central difference of the value of `of` in one element of one feed.
fn difference(
    graph: &Graph,
    of: NodeId,
    feeds: &[(NodeId, Tensor)],
    input: usize,
    element: usize,
) -> Vec<f64> {
    let h = 1e-5;
    let shifted = |by: f64| {
        let mut feeds = feeds.to_vec();
        let mut data = feeds[input].1.data().to_vec();
        data[element] += by;
        feeds[input].1 = Tensor::new(feeds[input].1.shape().clone(), data);
        evaluate(graph, &feeds, &[of]).remove(0)
    };
    let (up, down) = (shifted(h), shifted(-h));
    up.data()
        .iter()
        .zip(down.data())
        .map(|(u, d)| (u - d) / (2.0 * h))
        .collect()
}

#[test]
fn first_derivatives_equal_central_differences() {
    for case in cases() {
        let g = Graph::new();
        let inputs: Vec<Var> = case.shapes.iter().map(|s| g.input(s)).collect();
        let y = weighted((case.build)(&inputs));
        let gradients = grad(y, &inputs);
        crate::graph::verify(&g).unwrap();
        let feeds = feeds(&inputs, case.range);
        for (i, gradient) in gradients.iter().enumerate() {
            let exact = evaluate(&g, &feeds, &[gradient.id]).remove(0);
            for (element, &d) in exact.data().iter().enumerate() {
                // Central differences with h = 1e-5 carry an error of about 1e-9 times the third derivative.
                close(
                    d,
                    difference(&g, y.id, &feeds, i, element)[0],
                    2e-7,
                    &format!("{} d/dx{i}[{element}]", case.name),
                );
            }
        }
    }
}

#[test]
fn second_derivatives_equal_differences_of_first() {
    for case in cases() {
        let g = Graph::new();
        let inputs: Vec<Var> = case.shapes.iter().map(|s| g.input(s)).collect();
        let y = weighted((case.build)(&inputs));
        let v: Vec<Var> = inputs
            .iter()
            .enumerate()
            .map(|(i, x)| {
                g.constant(Tensor::new(
                    x.shape(),
                    values(x.numel(), (-1.0, 1.0), i + 3),
                ))
            })
            .collect();
        let gradients = grad(y, &inputs);
        let along = gradients
            .iter()
            .zip(&v)
            .map(|(g, v)| (*g * *v).sum())
            .reduce(|a, b| a + b)
            .unwrap();
        let h = hvp(y, &inputs, &v);
        let feeds = feeds(&inputs, case.range);
        for (i, h) in h.iter().enumerate() {
            let exact = evaluate(&g, &feeds, &[h.id]).remove(0);
            for (element, &d) in exact.data().iter().enumerate() {
                close(
                    d,
                    difference(&g, along.id, &feeds, i, element)[0],
                    1e-6,
                    &format!("{} H·v {i}[{element}]", case.name),
                );
            }
        }
    }
}

#[test]
fn a_leading_axis_gives_what_separate_runs_give() {
    for case in cases() {
        for batched in 1..(1usize << case.shapes.len()) {
            let source = Graph::new();
            let inputs: Vec<Var> = case.shapes.iter().map(|s| source.input(s)).collect();
            let y = (case.build)(&inputs);
            let all = grad(weighted(y), &inputs);
            let mut outputs = vec![y.id];
            outputs.extend(all.iter().map(|v| v.id));
            let g = Graph::new();
            let mut rebuild = Rebuild::batched(&source, &g, 3);
            let mut wide = Vec::new();
            let base = feeds(&inputs, case.range);
            for (i, x) in inputs.iter().enumerate() {
                let lead = batched >> i & 1 == 1;
                let mut shape = x.shape();
                if lead {
                    shape.insert(0, 3);
                }
                let input = g.input(&shape);
                rebuild.substitute(x.id, input, lead);
                let data = if lead {
                    values(input.numel(), case.range, i)
                } else {
                    base[i].1.data().to_vec()
                };
                wide.push((input.id, Tensor::new(shape, data)));
            }
            let lanes: Vec<NodeId> = rebuild
                .emit_batched(&outputs)
                .iter()
                .map(|v| v.id)
                .collect();
            crate::graph::verify(&g).unwrap();
            let together = evaluate(&g, &wide, &lanes);
            for s in 0..3 {
                let one: Vec<(NodeId, Tensor)> = inputs
                    .iter()
                    .enumerate()
                    .map(|(i, x)| {
                        let n = x.numel();
                        let from = if batched >> i & 1 == 1 { s * n } else { 0 };
                        (
                            x.id,
                            Tensor::new(x.shape(), wide[i].1.data()[from..from + n].to_vec()),
                        )
                    })
                    .collect();
                for (k, alone) in evaluate(&source, &one, &outputs).iter().enumerate() {
                    let n = alone.numel();
                    for (j, &a) in alone.data().iter().enumerate() {
                        close(
                            a,
                            together[k].data()[s * n + j],
                            1e-12,
                            &format!("{} sample {s} of output {k}, {batched:b}", case.name),
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn jacobian_products_agree() {
    let g = Graph::new();
    let x = g.input(&[3]);
    let y = (x * x.slice(0, 0, 1)).exp();
    let (u, v) = (
        g.constant(Tensor::vector([0.3, -0.2, 0.9])),
        g.constant(Tensor::vector([1.0, 0.5, -0.7])),
    );
    let left = (crate::autodiff::jvp(y, &[x], &[v]) * u).sum();
    let right = (vjp(&[y], &[u], &[x])[0] * v).sum();
    let out = evaluate(
        &g,
        &[(x.id, Tensor::vector([0.1, 0.4, -0.3]))],
        &[left.id, right.id],
    );
    close(
        out[0].data()[0],
        out[1].data()[0],
        1e-14,
        "uᵀ(Jv) and (uᵀJ)v",
    );
}

#[test]
fn functions_of_gathered_elements_are_taken_before() {
    let g = Graph::new();
    let x = g.input(&[3]);
    let picked = |places: &[f64]| x.gather(0, g.constant(Tensor::vector(places.to_vec())));
    let all = picked(&[0.0, 2.0, 1.0, 1.0, 2.0]).log();
    assert!(
        all.as_op::<Gather>().is_some(),
        "three logarithms, not five"
    );
    let some = picked(&[0.0, 2.0, 0.0, 2.0]).log();
    assert!(
        some.as_op::<Gather>().is_some(),
        "of the two that are picked"
    );
    let hardly = picked(&[0.0, 2.0, 0.0]).log();
    assert!(hardly.as_op::<Unary>().is_some());
    // Through changes of shape, so that the logarithm meets the exponential.
    let table = g.input(&[2, 2]);
    let places = g.constant(Tensor::vector([3.0, 0.0, 1.0, 2.0, 2.0, 0.0]));
    let grid = table.exp().reshape(&[4]).gather(0, places).reshape(&[3, 2]);
    assert_eq!(
        grid.log().id,
        table.reshape(&[4]).gather(0, places).reshape(&[3, 2]).id
    );
    // Where an element is not picked its logarithm must not be asked for.
    let (da, ds) = (grad(all.sum(), &[x])[0], grad(some.sum(), &[x])[0]);
    let at =
        |v: [f64; 3], of: Var<'_>| evaluate(&g, &[(x.id, Tensor::vector(v))], &[of.id])[0].clone();
    let logs = [
        0.5f64.ln(),
        4.0f64.ln(),
        2.0f64.ln(),
        2.0f64.ln(),
        4.0f64.ln(),
    ];
    assert_eq!(at([0.5, 2.0, 4.0], all).data(), logs);
    assert_eq!(at([0.5, 2.0, 4.0], da).data(), [2.0, 1.0, 0.5]);
    let logs = [0.5f64.ln(), 4.0f64.ln(), 0.5f64.ln(), 4.0f64.ln()];
    assert_eq!(at([0.5, 0.0, 4.0], some).data(), logs);
    assert_eq!(at([0.5, 0.0, 4.0], ds).data(), [4.0, 0.0, 0.5]);
}

#[test]
fn sums_of_exponentials_by_parts_and_along_an_axis_agree() {
    let infinite = f64::NEG_INFINITY;
    for at in [
        [0.3, -1.2, 2.0],
        [-800.0, -801.0, -750.0],
        [infinite, 1.0, infinite],
    ] {
        let g = Graph::new();
        let x = g.input(&[3]);
        let parts: Vec<Var> = (0..3).map(|k| x.slice(0, k, 1).reshape(&[])).collect();
        let (one, other) = (log_add_exp_of(&parts), x.log_sum_exp(&[0]));
        let (d_one, d_other) = (grad(one, &[x])[0], grad(other, &[x])[0]);
        let ids = [one.id, other.id, d_one.id, d_other.id];
        let out = evaluate(&g, &[(x.id, Tensor::vector(at))], &ids);
        close(out[0].data()[0], out[1].data()[0], 1e-15, "log Σ exp");
        for (a, b) in out[2].data().iter().zip(out[3].data()) {
            close(*a, *b, 1e-15, "its derivative");
        }
    }
    // Of nothing but −∞ there is −∞.
    let g = Graph::new();
    let none = log_add_exp_of(&[g.input(&[]), g.input(&[])]);
    let least = Tensor::scalar(infinite);
    let feeds = [(NodeId(0), least.clone()), (NodeId(1), least)];
    assert_eq!(evaluate(&g, &feeds, &[none.id])[0].data(), [infinite]);
}
