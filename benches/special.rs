//! Time per element of every special function, on blocks that stay in the first-level cache.
//!
//! Prints the median over rounds for each level that this machine has. An argument filters by name:
//! `cargo bench --bench special -- lgamma`.

use elbo::special::{BINARY, Level, UNARY};
use std::time::Instant;

const BLOCK: usize = 1000;
const CALLS: usize = 200;
const ROUNDS: usize = 15;

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let wanted = |name: &str| filter.as_deref().is_none_or(|f| name.contains(f));
    let levels = Level::available();
    print!("{:<16}", "ns per element");
    for level in levels {
        print!("{:>12}", format!("{level:?}"));
    }
    println!();
    for row in UNARY.iter().filter(|row| wanted(row.name)) {
        let x = arguments(row.name);
        let mut out = vec![0.0; BLOCK];
        print!("{:<16}", row.name);
        for &level in levels {
            let kernel = row.at(level);
            // SAFETY: both hold BLOCK values, and the level is available.
            let call = || unsafe { kernel(x.as_ptr(), out.as_mut_ptr(), BLOCK) };
            print!("{:>12.2}", nanoseconds(call));
        }
        println!();
    }
    for row in BINARY.iter().filter(|row| wanted(row.name)) {
        let (x, y) = (arguments("log"), arguments("lgamma"));
        let mut out = vec![0.0; BLOCK];
        print!("{:<16}", row.name);
        for &level in levels {
            let kernel = row.at(level);
            // SAFETY: all hold BLOCK values, and the level is available.
            let call = || unsafe { kernel(x.as_ptr(), y.as_ptr(), out.as_mut_ptr(), BLOCK) };
            print!("{:>12.2}", nanoseconds(call));
        }
        println!();
    }
}

/// Spread evenly over what a model would ask for.
fn arguments(name: &str) -> Vec<f64> {
    let (low, high) = match name {
        "log" | "sqrt" | "lgamma" | "digamma" | "trigamma" => (0.01, 20.0),
        "log1p" => (-0.9, 20.0),
        "log1m_exp" => (-20.0, -0.01),
        "inv_phi" => (0.0001, 0.9999),
        "asin" | "acos" => (-1.0, 1.0),
        _ => (-8.0, 8.0),
    };
    // A stride coprime to the length, so that neighbours are not alike.
    (0..BLOCK)
        .map(|i| low + (high - low) * ((i * 373 % BLOCK) as f64 + 0.5) / BLOCK as f64)
        .collect()
}

fn nanoseconds(mut call: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e9 / (CALLS * BLOCK) as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
