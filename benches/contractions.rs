//! GFlop/s of matrix products through a tape, in both precisions, at the shapes of a variational
//! autoencoder (784-400-20-400-784, batches of 128) with its gradients, and at small ones.
//!
//!     taskset -c 1 cargo bench --bench contractions

use elbo::graph::Graph;
use elbo::ops::contract;
use elbo::tape::{Element, Tape};
use std::time::{Duration, Instant};

/// The best of many short rounds: a busy machine only ever makes a round slower.
fn rate<T: Element>((m, k, n): (usize, usize, usize), turned: (bool, bool)) -> f64 {
    let g = Graph::new();
    let a = g.input(&if turned.0 { [k, m] } else { [m, k] });
    let b = g.input(&if turned.1 { [n, k] } else { [k, n] });
    let label = |turned: bool, x: u8, y: u8| if turned { [y, x] } else { [x, y] };
    let c = contract(
        a,
        &label(turned.0, 0, 1),
        b,
        &label(turned.1, 1, 2),
        &[0, 2],
    );
    let mut tape = Tape::<T>::compile_as(&g, &[a.id, b.id], &[c.id]);
    for i in 0..2 {
        tape.input_mut(i).fill(T::ONE);
    }
    let flops = 2.0 * (m * k * n) as f64;
    let runs = (5e7 / flops).ceil() as usize;
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        (0..runs).for_each(|_| tape.run());
        best = best.min(start.elapsed().as_secs_f64() / runs as f64);
    }
    flops / best / 1e9
}

fn main() {
    println!(
        "{:>16} {:>12} {:>8} {:>8}",
        "m×k×n", "transposed", "f32", "f64"
    );
    for (shape, turned) in [
        ((128, 784, 400), (false, false)),
        ((128, 400, 20), (false, false)),
        ((128, 20, 400), (false, false)),
        ((128, 400, 784), (false, false)),
        ((784, 128, 400), (true, false)),
        ((400, 128, 20), (true, false)),
        ((20, 128, 400), (true, false)),
        ((400, 128, 784), (true, false)),
        ((128, 784, 400), (false, true)),
        ((128, 400, 20), (false, true)),
        ((128, 20, 400), (false, true)),
        ((16, 16, 16), (false, false)),
        ((32, 32, 32), (false, false)),
        ((64, 64, 64), (false, false)),
        ((100, 3, 100), (false, false)),
        ((1000, 10, 10), (false, false)),
        ((512, 512, 512), (false, false)),
    ] {
        let (m, k, n) = shape;
        let of = match turned {
            (true, _) => "first",
            (_, true) => "second",
            _ => "",
        };
        let (single, double) = (rate::<f32>(shape, turned), rate::<f64>(shape, turned));
        println!(
            "{:>16} {of:>12} {single:>8.1} {double:>8.1}",
            format!("{m}×{k}×{n}")
        );
    }
}
