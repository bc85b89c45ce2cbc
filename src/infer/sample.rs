//! Turns a fitted guide into posterior draws of everything a model reports, and a fresh estimate of the
//! ELBO.
//!
//! Draws come in chunks, each with a random stream of its own, so threads may share them out in any way
//! without changing a bit of the result.

use super::epoch::Epoch;
use super::later::Later;
use super::noise::{keys, normals};
use super::objective::Inputs;
use super::optim::Budget;
use crate::clock::Instant;
use crate::data::any_float;
use crate::dist::KEY;
use crate::graph::{Graph, NodeId, Var, numel};
use crate::guide::Guide;
use crate::model::Model;
use crate::tape::Tape;
use std::fmt;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    #[serde(with = "any_float")]
    pub mean: f64,
    #[serde(with = "any_float")]
    pub se: f64,
}

/// To hundredths, as nats are told; a mean that is not finite is that of a density which is 0 somewhere.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { mean, se } = self;
        match mean.is_finite() {
            true if mean.abs() >= 1e9 => write!(f, "{mean:.2e} ± {se:.0e}"),
            true => write!(f, "{mean:.2} ± {se:.2}"),
            false => write!(f, "−∞"),
        }
    }
}

/// Draws of everything in [`Model::quantities`], in their order.
pub(crate) struct Draws {
    pub(crate) draws: usize,
    /// For each quantity: draws by elements, row-major.
    pub(crate) quantities: Vec<Vec<f64>>,
    /// Log density of model and Jacobian at each draw, in unconstrained space.
    pub(crate) log_p: Vec<f64>,
    /// Log density of the guide there.
    pub(crate) log_q: Vec<f64>,
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
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    /// Once it is spent, [`GRACE`] is left for what is still to be drawn.
    pub(crate) budget: &'a Budget,
}

/// A fit that was stopped is still reported, with as many draws as can be made in this time.
const GRACE: Duration = Duration::from_millis(500);

/// Draws from the guide at `x`, and the ELBO estimated from these and as many more as it takes.
pub(crate) fn sample(sampler: &mut Sampler, x: &[f64], sampling: &Sampling) -> (Draws, Estimate) {
    let draws = sampling.draws.max(2);
    let first = draws.div_ceil(sampler.chunk);
    let begin = Instant::now();
    let late = || begin.elapsed() > GRACE && sampling.budget.interrupted();
    let (chunk, kept) = (sampler.chunk, sampler.sizes.len());
    let mut posterior = sampler.run(x, sampling, 0..first, kept, &late);
    let weights =
        |p: &Draws| -> Vec<f64> { p.log_p.iter().zip(&p.log_q).map(|(p, q)| p - q).collect() };
    let mut log_weights = weights(&posterior);
    let estimate = mean_of(&log_weights);
    if !estimate.mean.is_finite() {
        posterior.cut(sampling.draws);
        return (posterior, estimate);
    }
    let wanted = log_weights.len() as f64 * (estimate.se / sampling.std_error).powi(2);
    let wanted = (wanted as usize).min(sampling.most).div_ceil(chunk);
    if wanted > first && !sampling.budget.interrupted() {
        let late = || sampling.budget.interrupted();
        let more = sampler.run(x, sampling, first..wanted, BARE, &late);
        log_weights.extend(weights(&more));
    }
    posterior.cut(sampling.draws);
    (posterior, mean_of(&log_weights))
}

/// Outputs of a tape that are no quantities: the log densities of model and guide.
const BARE: usize = 2;
/// Elementary operations that take as long as compiling a tape.
const WORTH_A_TAPE: usize = 1 << 22;

/// Draws from a guide, chunk after chunk.
pub(crate) struct Sampler {
    whole: Later<Draw>,
    /// Without the quantities, for draws of which only the densities are asked for.
    bare: Later<Draw>,
    chunk: usize,
    /// Numbers in each output of one draw.
    sizes: Vec<usize>,
    /// How draws are put together where the model is told its rows.
    epoch: Option<Epoch>,
}

/// Chunks of draws in one pass over the rows, at most: their results are held, and time is looked at in between.
const IN_A_PASS: usize = 64;

/// The tape of one chunk.
#[derive(Clone)]
struct Draw {
    tape: Tape,
    /// Where noise goes, after parameters and rows.
    noise: Option<usize>,
    /// Where the keys of draws of what was set aside go.
    keys: Option<usize>,
}

impl Draw {
    /// Of a part of the rows, where there are any.
    fn run(&mut self, given: &[f64], seed: u64, stream: u64, part: Option<(&Epoch, usize)>) {
        self.tape.set_inputs_flat(given);
        if let Some(at) = self.noise {
            let noise = self.tape.input_mut(at);
            normals(seed, stream, noise);
            if let Some((epoch, part)) = part {
                epoch.refresh(seed, stream, part, noise);
            }
        }
        if let Some(at) = self.keys {
            keys(seed, stream, self.tape.input_mut(at));
        }
        self.tape.run();
    }

    /// The outputs of the draws of some streams, of all rows, each to its place.
    fn pass(
        &mut self,
        x: &[f64],
        seed: u64,
        streams: Range<usize>,
        chunk: usize,
        epoch: Option<&Epoch>,
        mut to: Vec<&mut [f64]>,
    ) {
        let parts = epoch.map_or(1, Epoch::parts);
        let draws = streams.len() * chunk;
        for part in 0..parts {
            let (rows, count) = epoch.map_or((Vec::new(), 0), |epoch| epoch.part(part));
            let given = [x, &rows].concat();
            for (k, stream) in streams.clone().enumerate() {
                self.run(
                    &given,
                    seed,
                    stream as u64,
                    epoch.map(|epoch| (epoch, part)),
                );
                for (i, to) in to.iter_mut().enumerate() {
                    let n = to.len() / draws * chunk;
                    let to = &mut to[n * k..n * (k + 1)];
                    let found = self.tape.output(i);
                    match epoch {
                        None => to.copy_from_slice(found),
                        Some(_) if i < BARE => add_mean(to, found, part, parts),
                        Some(epoch) => epoch.put(i - BARE, (part, count), found, to),
                    }
                }
            }
        }
    }
}

/// Adds what a part has to the mean over parts, which the last of them makes of the sum.
fn add_mean(mean: &mut [f64], found: &[f64], part: usize, parts: usize) {
    for (mean, found) in mean.iter_mut().zip(found) {
        *mean = if part == 0 { *found } else { *mean + found };
        if part + 1 == parts {
            *mean /= parts as f64;
        }
    }
}

impl Sampler {
    /// Of `chunk` draws in one run of a tape; tapes are compiled when they are first run, or before. Where the
    /// model is told its rows, draws are of all rows nonetheless.
    pub(crate) fn new(model: &Model, guide: &dyn Guide, chunk: usize) -> Sampler {
        let graph = Arc::new(Graph::new());
        let inputs = Inputs::new(&graph, model, guide, chunk);
        let mut walk = inputs.walk(model, guide);
        let key = model.drawn.as_ref().map(|drawn| {
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
        let nodes: Vec<NodeId> = model.quantities.iter().map(|q| q.node).collect();
        outputs.extend(walk.emit_batched(&nodes));
        let outputs: Vec<NodeId> = outputs.iter().map(|v| v.id).collect();
        let before_noise = inputs.params.iter().chain(&inputs.rows);
        let given: Vec<NodeId> = before_noise.chain(&inputs.noise).map(|v| v.id).collect();
        let noise = inputs.noise.map(|_| given.len() - 1);
        let draw = |key: Option<NodeId>, wanted: &[NodeId]| {
            let (reuse, graph) = (model.reuse.clone(), graph.clone());
            let keys = key.map(|_| given.len());
            let (given, wanted) = ([&given, key.as_slice()].concat(), wanted.to_vec());
            Later::new(move || Draw {
                tape: Tape::compile_with(&reuse, &graph, &given, &wanted),
                noise,
                keys,
            })
        };
        let epoch = Epoch::new(model, guide.noise_size());
        let quantities = model.quantities.iter().enumerate().map(|(i, q)| {
            let size = numel(&q.shape);
            epoch.as_ref().map_or(size, |epoch| epoch.size(i, size))
        });
        let quantities: Vec<usize> = quantities.collect();
        Sampler {
            whole: draw(key.map(|key| key.id), &outputs),
            bare: draw(None, &outputs[..BARE]),
            chunk,
            sizes: [1; BARE].into_iter().chain(quantities).collect(),
            epoch,
        }
    }

    /// Begins to compile on another thread.
    pub(crate) fn begin(mut self) -> Sampler {
        self.whole.begin();
        self
    }

    /// The first outputs of the chunks of a range, shared out among threads and put together in order.
    /// When it is late, those not yet begun are left out, but for what it takes to have two draws.
    fn run(
        &mut self,
        x: &[f64],
        sampling: &Sampling,
        range: Range<usize>,
        outputs: usize,
        late: &(dyn Fn() -> bool + Sync),
    ) -> Draws {
        let (chunk, sizes) = (self.chunk, &self.sizes[..outputs]);
        let whole = self.whole.get();
        let spared = outputs == BARE && range.len() * whole.tape.work() > WORTH_A_TAPE;
        let draw = if spared { self.bare.get() } else { whole };
        let shares: Vec<_> = shares(range.clone(), sampling.threads.max(1)).collect();
        // Each output has one place for all its draws, into which every share writes its own stretch:
        // large results are held once.
        let all = range.len() * chunk;
        let mut outputs: Vec<Vec<f64>> = sizes.iter().map(|n| vec![0.0; n * all]).collect();
        let mut rest: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let mut places = Vec::new();
        for share in &shares {
            let mut own = Vec::new();
            for (output, n) in rest.iter_mut().zip(sizes) {
                let (mine, others) = std::mem::take(output).split_at_mut(n * share.len() * chunk);
                *output = others;
                own.push(mine);
            }
            places.push(own);
        }
        let epoch = self.epoch.as_ref();
        let work = |share: Range<usize>, mut own: Vec<&mut [f64]>| {
            let mut draw = draw.clone();
            let mut draws = 0;
            let mut next = share.start;
            while next < share.end && !(draws > 1 && late()) {
                let most = match epoch.is_some() && !late() {
                    true => IN_A_PASS,
                    false => 1,
                };
                let streams = next..share.end.min(next + most);
                next = streams.end;
                let made = streams.len() * chunk;
                let places = own.iter_mut().zip(sizes);
                let to = places.map(|(place, n)| &mut place[n * draws..n * (draws + made)]);
                draw.pass(x, sampling.seed, streams, chunk, epoch, to.collect());
                draws += made;
            }
            draws
        };
        let lengths: Vec<usize> = shares.iter().map(|s| s.len() * chunk).collect();
        let mut both = shares.into_iter().zip(places);
        let (mine, place) = both.next().expect("there is a share");
        let done: Vec<usize> = std::thread::scope(|scope| {
            let running: Vec<_> = both
                .map(|(share, own)| scope.spawn(|| work(share, own)))
                .collect();
            let mine = work(mine, place);
            let others = running.into_iter().map(|t| t.join());
            let others = others.map(|draws| draws.unwrap_or_else(|panic| resume_unwind(panic)));
            std::iter::once(mine).chain(others).collect()
        });
        for (output, n) in outputs.iter_mut().zip(sizes) {
            close_up(output, *n, &lengths, &done);
        }
        let mut outputs = outputs.into_iter();
        let mut next = || outputs.next().unwrap_or_default();
        Draws {
            draws: done.iter().sum(),
            log_p: next(),
            log_q: next(),
            quantities: outputs.collect(),
        }
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
pub(super) fn shares(range: Range<usize>, threads: usize) -> impl Iterator<Item = Range<usize>> {
    let count = threads.min(range.len()).max(1);
    let cut = move |i: usize| range.start + range.len() * i / count;
    (0..count).map(move |i| cut(i)..cut(i + 1))
}

impl Draws {
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
