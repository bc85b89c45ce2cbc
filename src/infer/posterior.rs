//! Turns a fitted guide into posterior draws of everything a model reports, and a fresh estimate of the
//! ELBO.
//!
//! Draws come in chunks, each with a random stream of its own, so threads may share them out in any way
//! without changing a bit of the result.

use super::noise::normals;
use super::objective::{Inputs, fill};
use super::optim::Budget;
use crate::graph::{Graph, NodeId, Var};
use crate::guide::Guide;
use crate::model::Model;
use crate::tape::Tape;
use std::time::{Duration, Instant};

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    pub se: f64,
}

/// Draws of everything in [`Model::quantities`], in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PosteriorDraws {
    pub draws: usize,
    /// For each quantity: draws by elements, row-major.
    pub quantities: Vec<Vec<f64>>,
    /// Log density of model and Jacobian at each draw, in unconstrained space.
    pub log_p: Vec<f64>,
    /// Log density of the guide there.
    pub log_q: Vec<f64>,
}

/// How many draws are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampling<'a> {
    /// Draws reported.
    pub(crate) draws: usize,
    /// Draws made for the ELBO, at most.
    pub(crate) most: usize,
    /// Standard error of the ELBO below which more draws are not made, in nats.
    pub(crate) std_error: f64,
    /// Draws in one run of a tape.
    pub(crate) chunk: usize,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    /// Once it is spent, [`GRACE`] is left for what is still to be drawn.
    pub(crate) budget: &'a Budget,
}

/// A fit that was stopped is still reported, with as many draws as can be made in this time.
const GRACE: Duration = Duration::from_millis(500);

/// Draws from the guide at `x`, and the ELBO estimated from these and as many more as it takes.
pub(crate) fn sample(
    model: &Model,
    guide: &dyn Guide,
    x: &[f64],
    sampling: &Sampling,
) -> (PosteriorDraws, Estimate) {
    let draws = sampling.draws.max(2);
    let first = draws.div_ceil(sampling.chunk);
    let begin = Instant::now();
    let late = || begin.elapsed() > GRACE && sampling.budget.interrupted();
    let mut posterior = run_chunks(model, guide, x, sampling, 0..first, true, &late);
    let weights = |p: &PosteriorDraws| -> Vec<f64> {
        p.log_p.iter().zip(&p.log_q).map(|(p, q)| p - q).collect()
    };
    let mut log_weights = weights(&posterior);
    let estimate = mean_of(&log_weights);
    if !estimate.mean.is_finite() {
        posterior.cut(sampling.draws);
        return (posterior, estimate);
    }
    let wanted = log_weights.len() as f64 * (estimate.se / sampling.std_error).powi(2);
    let wanted = (wanted as usize)
        .min(sampling.most)
        .div_ceil(sampling.chunk);
    if wanted > first && !sampling.budget.interrupted() {
        let late = || sampling.budget.interrupted();
        let more = run_chunks(model, guide, x, sampling, first..wanted, false, &late);
        log_weights.extend(weights(&more));
    }
    posterior.cut(sampling.draws);
    (posterior, mean_of(&log_weights))
}

/// The tape of one chunk.
#[derive(Clone)]
struct Sampler {
    tape: Tape,
    params: usize,
    has_noise: bool,
}

impl Sampler {
    /// Compiles log densities and, if asked, all quantities.
    fn new(model: &Model, guide: &dyn Guide, chunk: usize, quantities: bool) -> Sampler {
        let graph = Graph::new();
        let inputs = Inputs::new(&graph, model, guide, chunk);
        let mut walk = inputs.walk(model, guide);
        let log_p = walk.emit_batched(&[model.log_joint, model.log_jacobian]);
        let log_q = match inputs.noise {
            Some(noise) => guide.log_density(inputs.guide_params(), noise),
            None => graph.scalar(0.0).broadcast(&[chunk]),
        };
        let mut outputs: Vec<Var> = vec![log_p[0] + log_p[1], log_q];
        if quantities {
            let nodes: Vec<NodeId> = model.quantities.iter().map(|q| q.node).collect();
            outputs.extend(walk.emit_batched(&nodes));
        }
        let given = inputs.params.iter().chain(&inputs.noise).map(|v| v.id);
        let wanted: Vec<NodeId> = outputs.iter().map(|v| v.id).collect();
        Sampler {
            tape: Tape::compile(&graph, &given.collect::<Vec<_>>(), &wanted),
            params: inputs.params.len(),
            has_noise: inputs.noise.is_some(),
        }
    }

    fn run(&mut self, x: &[f64], seed: u64, stream: u64) {
        fill(&mut self.tape, 0, self.params, x);
        if self.has_noise {
            normals(seed, stream, self.tape.input_mut(self.params));
        }
        self.tape.run();
    }
}

/// The chunks of a range, shared out among threads and put together in order. When it is late, those not
/// yet begun are left out, but for what it takes to have two draws.
fn run_chunks(
    model: &Model,
    guide: &dyn Guide,
    x: &[f64],
    sampling: &Sampling,
    range: std::ops::Range<usize>,
    quantities: bool,
    late: &(dyn Fn() -> bool + Sync),
) -> PosteriorDraws {
    let shares: Vec<_> = shares(range, sampling.threads.max(1)).collect();
    let compiled = Sampler::new(model, guide, sampling.chunk, quantities);
    let kept = if quantities {
        model.quantities.len()
    } else {
        0
    };
    let work = |share: std::ops::Range<usize>| {
        let mut sampler = compiled.clone();
        let mut part = PosteriorDraws {
            quantities: vec![Vec::new(); kept],
            ..PosteriorDraws::default()
        };
        for chunk in share {
            if part.draws > 1 && late() {
                break;
            }
            sampler.run(x, sampling.seed, chunk as u64);
            part.draws += sampling.chunk;
            part.log_p.extend_from_slice(sampler.tape.output(0));
            part.log_q.extend_from_slice(sampler.tape.output(1));
            for (i, values) in part.quantities.iter_mut().enumerate() {
                values.extend_from_slice(sampler.tape.output(2 + i));
            }
        }
        part
    };
    let parts: Vec<PosteriorDraws> = match &shares[..] {
        [only] => vec![work(only.clone())],
        _ => std::thread::scope(|scope| {
            let running: Vec<_> = shares
                .iter()
                .map(|share| scope.spawn(|| work(share.clone())))
                .collect();
            let join = |t: std::thread::ScopedJoinHandle<'_, PosteriorDraws>| t.join();
            let done = running.into_iter().map(join);
            done.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        }),
    };
    let joined = parts.into_iter().reduce(PosteriorDraws::append);
    joined.expect("there is at least one share")
}

/// Stretches of a range, as even as can be, none empty unless it is the only one.
fn shares(
    range: std::ops::Range<usize>,
    threads: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count = threads.min(range.len()).max(1);
    let cut = move |i: usize| range.start + range.len() * i / count;
    (0..count).map(move |i| cut(i)..cut(i + 1))
}

impl PosteriorDraws {
    fn append(mut self, mut other: PosteriorDraws) -> PosteriorDraws {
        self.draws += other.draws;
        self.log_p.append(&mut other.log_p);
        self.log_q.append(&mut other.log_q);
        for (values, more) in self.quantities.iter_mut().zip(&mut other.quantities) {
            values.append(more);
        }
        self
    }

    /// Keeps the first `draws`.
    fn cut(&mut self, draws: usize) {
        let draws = draws.min(self.draws);
        for values in &mut self.quantities {
            values.truncate(values.len() / self.draws * draws);
        }
        self.draws = draws;
        self.log_p.truncate(draws);
        self.log_q.truncate(draws);
    }
}

/// Mean of independent values and its standard error; −∞ where any of them is not finite, since the
/// guide then has mass where the model has none.
fn mean_of(values: &[f64]) -> Estimate {
    if values.iter().any(|v| !v.is_finite()) {
        return Estimate {
            mean: f64::NEG_INFINITY,
            se: f64::INFINITY,
        };
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Estimate {
        mean,
        se: (squares / (n * (n - 1.0).max(1.0))).sqrt(),
    }
}
