//! The engine by itself: a graph, its gradient and Hessian products, compiled and minimised.
//!
//! Newton's method on Rosenbrock's function. `cargo run --example autodiff`

use elbo::autodiff::{grad, hvp};
use elbo::graph::Graph;
use elbo::tape::Tape;

fn main() {
    // f(a, b) = (1 − a)² + 100 (b − a²)²
    let g = Graph::new();
    let (a, b) = (g.input(&[]), g.input(&[]));
    let (va, vb) = (g.input(&[]), g.input(&[]));
    let f = (1.0 - a).square() + 100.0 * (b - a.square()).square();

    // Derivatives are graphs again, so a Hessian product is a gradient of a gradient.
    let df = grad(f, &[a, b]);
    let hv = hvp(f, &[a, b], &[va, vb]);
    let mut tape = Tape::compile(
        &g,
        &[a.id, b.id, va.id, vb.id],
        &[f.id, df[0].id, df[1].id, hv[0].id, hv[1].id],
    );

    let mut point = [-1.2, 1.0];
    for step in 0..8 {
        // Two products give the columns of the Hessian.
        let [value, ga, gb, haa, hab] = run(&mut tape, point, [1.0, 0.0]);
        let [_, _, _, _, hbb] = run(&mut tape, point, [0.0, 1.0]);
        println!("{step}: f({:.6}, {:.6}) = {value:.3e}", point[0], point[1]);
        let determinant = haa * hbb - hab * hab;
        point[0] -= (hbb * ga - hab * gb) / determinant;
        point[1] -= (haa * gb - hab * ga) / determinant;
    }
    assert!((point[0] - 1.0).abs() < 1e-12 && (point[1] - 1.0).abs() < 1e-12);
}

/// Value, gradient and Hessian product; nothing is allocated.
fn run(tape: &mut Tape, point: [f64; 2], direction: [f64; 2]) -> [f64; 5] {
    tape.set_inputs_flat(&[point[0], point[1], direction[0], direction[1]]);
    tape.run();
    let mut out = [0.0; 5];
    out.copy_from_slice(tape.outputs_flat());
    out
}
