//! How long a run takes.

use std::time::{Duration, Instant};

/// Nanoseconds of one run. The runs between two looks at the clock are doubled until they fill the
/// time.
pub fn nanoseconds(least: Duration, mut run: impl FnMut(usize)) -> f64 {
    let mut runs = 1;
    loop {
        let start = Instant::now();
        run(runs);
        let taken = start.elapsed();
        if taken >= least {
            return taken.as_nanos() as f64 / runs as f64;
        }
        runs *= 2;
    }
}
