//! Time per element of each kind of kernel, forwards and with its gradient, on one core.
//!
//! A kernel is a sum over what one kind of operation makes of an input, so that its gradient runs the
//! operation's pullback: that of a gather is a scatter, that of a contraction two contractions. Printed
//! are medians over rounds in nanoseconds per element. An argument filters by name:
//! `cargo bench --bench kernels -- scan`.

mod clock;

use clock::nanoseconds;
use elbo::autodiff::grad;
use elbo::graph::{Graph, Tensor, Var};
use elbo::ops::{Body, scan};
use elbo::tape::Tape;
use std::sync::Arc;
use std::time::Duration;

/// A scalar made of the elements of a vector.
type Kernel = for<'g> fn(Var<'g>, usize) -> Var<'g>;

const KERNELS: &[(&str, Kernel)] = &[
    ("elementwise, 4 operations", |x, _| {
        ((x * 2.0 + 1.0).square() - x).sum()
    }),
    ("exp", |x, _| x.exp().sum()),
    ("log", |x, _| x.log().sum()),
    ("gather", |x, n| {
        x.gather(0, permuted(x.graph, n, n)).square().sum()
    }),
    ("gather, from 64", |x, n| {
        let few = x.slice(0, 0, 64);
        few.gather(0, permuted(x.graph, n, 64)).square().sum()
    }),
    ("scatter, to 64", |x, n| {
        x.scatter_add(0, 64, permuted(x.graph, n, 64))
            .square()
            .sum()
    }),
    ("reduction of all", |x, _| x.sum().square()),
    ("reduction of rows", |x, n| {
        x.reshape(&[n / 16, 16]).sum_axes(&[1]).square().sum()
    }),
    ("reduction of columns", |x, n| {
        x.reshape(&[n / 16, 16]).sum_axes(&[0]).square().sum()
    }),
    ("log-sum-exp of rows", |x, n| {
        x.reshape(&[n / 16, 16]).log_sum_exp(&[1]).sum()
    }),
    ("matrix by vector", |x, n| {
        let v = x.slice(0, 0, 16);
        (x.reshape(&[n / 16, 16]).matmul(v)).square().sum()
    }),
    ("matrix by matrix", |x, n| {
        let wide = x.reshape(&[n / 16, 16]);
        wide.matmul(x.slice(0, 0, 256).reshape(&[16, 16]))
            .square()
            .sum()
    }),
    ("scan", recurrence),
];

const SIZES: [usize; 3] = [1 << 8, 1 << 13, 1 << 18];

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    println!(
        "{:<28}{:>10}{:>12}{:>12}",
        "", "elements", "forwards", "gradient"
    );
    for (name, kernel) in KERNELS {
        if filter.as_ref().is_none_or(|f| name.contains(f.as_str())) {
            for n in SIZES {
                let [forwards, both] = measure(*kernel, n).map(|ns| ns / n as f64);
                println!("{name:<28}{n:>10}{forwards:>12.3}{both:>12.3}");
            }
        }
    }
}

/// Nanoseconds of the value alone, and of the value with its gradient.
fn measure(kernel: Kernel, n: usize) -> [f64; 2] {
    let g = Graph::new();
    let x = g.input(&[n]);
    let y = kernel(x, n);
    let outputs = [y.id, grad(y, &[x])[0].id];
    [1, 2].map(|count| {
        let mut tape = Tape::compile(&g, &[x.id], &outputs[..count]);
        let at: Vec<f64> = (0..n).map(|i| 0.1 + 0.8 * irregular(i)).collect();
        tape.set_input(0, &at);
        let mut rounds: Vec<f64> = (0..15)
            .map(|_| {
                nanoseconds(Duration::from_millis(5), |runs| {
                    (0..runs).for_each(|_| tape.run());
                    std::hint::black_box(tape.outputs_flat());
                })
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    })
}

fn irregular(i: usize) -> f64 {
    ((i + 1) as f64 * 0.754_877_666_246_692_7).fract()
}

/// `n` indices below `extent`, in no order.
fn permuted(g: &Graph, n: usize, extent: usize) -> Var<'_> {
    let index = |i| (irregular(i) * extent as f64).floor();
    g.constant(Tensor::vector((0..n).map(index).collect::<Vec<_>>()))
}

/// `h ← h / 2 + x²`.
fn recurrence(x: Var<'_>, n: usize) -> Var<'_> {
    let body = Arc::new(Graph::new());
    let (h, step) = (body.input(&[]), body.input(&[]));
    let next = h * 0.5 + step.square();
    let body = Body {
        inputs: vec![h.id, step.id],
        output: next.id,
        graph: body.clone(),
    };
    let first = x.slice(0, 0, 1).reshape(&[]);
    scan(body, n, false, first, &[x], &[]).sum()
}
