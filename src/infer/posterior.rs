//! Turns a fitted guide into posterior draws of everything a model reports, and a fresh estimate of the
//! ELBO.
//!
//! Draws come in chunks, each with a random stream of its own, so threads may share them out in any way
//! without changing a bit of the result.

use super::noise::{keys, normals};
use super::objective::Inputs;
use super::optim::Budget;
use crate::dist::KEY;
use crate::graph::{Graph, NodeId, Var, numel};
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
    /// Where the keys of draws of what was set aside go.
    keys: Option<usize>,
}

impl Sampler {
    /// Compiles log densities and, if asked, all quantities.
    fn new(model: &Model, guide: &dyn Guide, chunk: usize, quantities: bool) -> Sampler {
        let graph = Graph::new();
        let inputs = Inputs::new(&graph, model, guide, chunk);
        let mut walk = inputs.walk(model, guide);
        let key = model.drawn.as_ref().filter(|_| quantities).map(|drawn| {
            let key = graph.input(&[chunk, KEY]);
            walk.substitute(drawn.key, key, true);
            key
        });
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
        let given = inputs.params.iter().chain(&inputs.noise).chain(&key);
        let given = given.map(|v| v.id);
        let wanted: Vec<NodeId> = outputs.iter().map(|v| v.id).collect();
        Sampler {
            tape: Tape::compile(&graph, &given.collect::<Vec<_>>(), &wanted),
            params: inputs.params.len(),
            has_noise: inputs.noise.is_some(),
            keys: key.map(|_| inputs.params.len() + usize::from(inputs.noise.is_some())),
        }
    }

    fn run(&mut self, x: &[f64], seed: u64, stream: u64) {
        self.tape.set_inputs_flat(x);
        if self.has_noise {
            normals(seed, stream, self.tape.input_mut(self.params));
        }
        if let Some(at) = self.keys {
            keys(seed, stream, self.tape.input_mut(at));
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
    let shares: Vec<_> = shares(range.clone(), sampling.threads.max(1)).collect();
    let compiled = Sampler::new(model, guide, sampling.chunk, quantities);
    let mut sizes = vec![1, 1];
    if quantities {
        sizes.extend(model.quantities.iter().map(|q| numel(&q.shape)));
    }
    // Each output has one place for all its draws, into which every share writes its own stretch: large
    // results are held once.
    let all = range.len() * sampling.chunk;
    let mut outputs: Vec<Vec<f64>> = sizes.iter().map(|n| vec![0.0; n * all]).collect();
    let mut rest: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let mut places = Vec::new();
    for share in &shares {
        let mut own = Vec::new();
        for (output, n) in rest.iter_mut().zip(&sizes) {
            let (mine, others) =
                std::mem::take(output).split_at_mut(n * share.len() * sampling.chunk);
            *output = others;
            own.push(mine);
        }
        places.push(own);
    }
    let work = |share: std::ops::Range<usize>, mut own: Vec<&mut [f64]>| {
        let mut sampler = compiled.clone();
        let mut draws = 0;
        for chunk in share {
            if draws > 1 && late() {
                break;
            }
            sampler.run(x, sampling.seed, chunk as u64);
            for (i, (place, n)) in own.iter_mut().zip(&sizes).enumerate() {
                let to = n * draws..n * (draws + sampling.chunk);
                place[to].copy_from_slice(sampler.tape.output(i));
            }
            draws += sampling.chunk;
        }
        draws
    };
    let done: Vec<usize> = if shares.len() == 1 {
        let both = shares.iter().cloned().zip(places);
        both.map(|(share, own)| work(share, own)).collect()
    } else {
        std::thread::scope(|scope| {
            let both = shares.iter().cloned().zip(places);
            let running: Vec<_> = both
                .map(|(share, own)| scope.spawn(|| work(share, own)))
                .collect();
            let done = running.into_iter().map(|t| t.join());
            done.map(|draws| draws.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    };
    let lengths: Vec<usize> = shares.iter().map(|s| s.len() * sampling.chunk).collect();
    for (output, n) in outputs.iter_mut().zip(&sizes) {
        close_up(output, *n, &lengths, &done);
    }
    let mut outputs = outputs.into_iter();
    let mut next = || outputs.next().unwrap_or_default();
    PosteriorDraws {
        draws: done.iter().sum(),
        log_p: next(),
        log_q: next(),
        quantities: outputs.collect(),
    }
}

/// Moves stretches of draws together, of which only the first part was made; a draw has `size` numbers.
fn close_up(output: &mut Vec<f64>, size: usize, lengths: &[usize], done: &[usize]) {
    let (mut from, mut to) = (0, 0);
    for (length, done) in lengths.iter().zip(done) {
        if from != to {
            output.copy_within(from * size..(from + done) * size, to * size);
        }
        from += length;
        to += done;
    }
    output.truncate(to * size);
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
