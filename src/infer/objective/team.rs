//! Turns one tape and many chunks of noise into the mean of its outputs, on as many threads as pay.
//!
//! Chunks are dealt to a fixed number of lanes; a lane adds up its chunks in order, and lanes are added
//! up in order. Threads take whole lanes, so that how many there are changes no bit.

use crate::infer::optim::{Budget, NonFinite, finite};
use crate::tape::AnyTape;
use std::ops::Range;

/// Partial sums, at most.
const LANES: usize = 16;
/// Elementary operations that pay for starting a thread (some 30 µs): about 300 µs of them.
const WORTH_A_THREAD: usize = 300_000;

/// A tape, with a copy for each thread that was ever needed.
pub(super) struct Team {
    tapes: Vec<AnyTape>,
    work: usize,
}

/// What one evaluation averages over.
pub(super) struct Job<'a> {
    /// Values of the first `inputs` inputs, the same for every chunk.
    given: &'a [f64],
    inputs: usize,
    /// One chunk after the other, each the value of the input after those.
    noise: &'a [f64],
    size: usize,
    threads: usize,
    budget: Option<&'a Budget>,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        given: &'a [f64],
        inputs: usize,
        noise: &'a [f64],
        size: usize,
        threads: usize,
        budget: Option<&'a Budget>,
    ) -> Job<'a> {
        Job {
            given,
            inputs,
            noise,
            size,
            threads,
            budget,
        }
    }

    /// Without noise one run is all.
    fn chunks(&self) -> usize {
        self.noise.len().checked_div(self.size).unwrap_or(1).max(1)
    }
}

impl Team {
    pub(super) fn new(tape: AnyTape) -> Team {
        Team {
            work: tape.work(),
            tapes: vec![tape],
        }
    }

    /// Elementary operations of one chunk.
    pub(super) fn work(&self) -> usize {
        self.work
    }

    /// The mean over chunks of all outputs, one after the other.
    pub(super) fn mean(&mut self, job: &Job, out: &mut [f64]) -> Result<(), NonFinite> {
        let chunks = job.chunks();
        let lanes = LANES.min(chunks);
        out.fill(0.0);
        if lanes == 1 {
            let tape = &mut self.tapes[0];
            tape.fill(0, job.inputs, job.given);
            add_chunks(tape, job, 0..chunks, out)?;
            return mean_of(out, chunks);
        }
        let mut sums = vec![0.0; lanes * out.len()];
        let most = (chunks * self.work / WORTH_A_THREAD).clamp(1, lanes);
        let share = lanes.div_ceil(job.threads.clamp(1, most));
        while self.tapes.len() < lanes.div_ceil(share) {
            self.tapes.push(self.tapes[0].clone());
        }
        let width = out.len().max(1);
        let shares = sums.chunks_mut(share * width).zip(&mut self.tapes);
        let mut work = shares.enumerate().map(|(i, (sums, tape))| {
            move || -> Result<(), NonFinite> {
                tape.fill(0, job.inputs, job.given);
                for (j, sum) in sums.chunks_mut(width).enumerate() {
                    let lane = i * share + j;
                    let range = chunks * lane / lanes..chunks * (lane + 1) / lanes;
                    add_chunks(tape, job, range, sum)?;
                }
                Ok(())
            }
        });
        let mut mine = work.next().expect("there is a lane");
        if lanes <= share {
            mine()?;
        } else {
            std::thread::scope(|scope| {
                let others: Vec<_> = work.map(|w| scope.spawn(w)).collect();
                let mine = mine();
                let join = |t: std::thread::ScopedJoinHandle<'_, Result<(), NonFinite>>| {
                    t.join().unwrap_or_else(|p| std::panic::resume_unwind(p))
                };
                let done: Vec<_> = others.into_iter().map(join).collect();
                done.into_iter().fold(mine, Result::and)
            })?;
        }
        for lane in sums.chunks(width) {
            out.iter_mut().zip(lane).for_each(|(o, s)| *o += s);
        }
        mean_of(out, chunks)
    }
}

fn mean_of(sums: &mut [f64], count: usize) -> Result<(), NonFinite> {
    if count > 1 {
        sums.iter_mut().for_each(|sum| *sum /= count as f64);
    }
    finite(sums)
}

/// Adds the outputs of a stretch of chunks to `sum`. The first chunk is always run, so that what has but
/// one is never cut off.
fn add_chunks(
    tape: &mut AnyTape,
    job: &Job,
    range: Range<usize>,
    sum: &mut [f64],
) -> Result<(), NonFinite> {
    let first = range.start;
    for i in range {
        if i > first && job.budget.is_some_and(Budget::interrupted) {
            return Err(NonFinite);
        }
        if job.size > 0 {
            let part = &job.noise[i * job.size..(i + 1) * job.size];
            tape.fill(job.inputs, 1, part);
        }
        tape.run();
        tape.add_outputs(0, tape.output_count(), sum);
        if !sum.first().is_none_or(|s| s.is_finite()) {
            return Err(NonFinite);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::tape::{Precision, Reuse};

    #[test]
    fn lanes_and_not_threads_say_in_which_order_numbers_are_added() {
        let graph = Graph::new();
        let (x, noise) = (graph.input(&[1]), graph.input(&[2]));
        let value = (x.sum() * noise.exp().sum()).sin();
        let noise_values: Vec<f64> = (0..2000).map(|i| f64::from(i).sin()).collect();
        let mean = |threads: usize| {
            let mut team = Team::new(Precision::Double.compile(
                &Reuse::default(),
                &graph,
                &[x.id, noise.id],
                &[value.id],
            ));
            // As if it were long, so that threads pay.
            team.work = WORTH_A_THREAD;
            let job = Job::new(&[0.3], 1, &noise_values, 2, threads, None);
            let mut out = [0.0];
            team.mean(&job, &mut out).expect("it is finite");
            (out[0].to_bits(), team.tapes.len())
        };
        let expected = noise_values
            .chunks(2)
            .map(|e| (0.3 * (e[0].exp() + e[1].exp())).sin());
        let expected = expected.sum::<f64>() / 1000.0;
        let (one, tapes) = mean(1);
        assert!((f64::from_bits(one) - expected).abs() < 1e-12 && tapes == 1);
        for threads in [2, 3, 5, 100] {
            let (bits, tapes) = mean(threads);
            assert_eq!(bits, one, "{threads} threads");
            assert!(tapes > 1 && tapes <= threads.min(LANES), "{tapes}");
        }
    }
}
