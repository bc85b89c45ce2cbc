//! Turns a model into what its density, gradient and fitting steps cost on this machine.
//!
//! Times are medians over rounds of a tight loop, each long enough that the clock does not matter. The
//! point changes from run to run, so that nothing can be remembered from the run before.

use super::fit::{Options, fit};
use crate::autodiff::grad;
use crate::clock::Instant;
use crate::diag::Diagnostic;
use crate::graph::{Graph, NodeId, Origin, needed};
use crate::model::{Model, Role};
use crate::passes::Rewritten;
use crate::tape::{AnyTape, Listing, Precision};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

/// What a model costs. The density is that of unconstrained numbers, with Jacobian, one point at a
/// time.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What everything was computed in.
    pub precision: Precision,
    /// Length of the unconstrained vector.
    pub size: usize,
    /// Nanoseconds of one log density.
    pub log_density: f64,
    /// Nanoseconds of one log density with its gradient.
    pub gradient: f64,
    /// Nanoseconds of one step of the default method; an error where the model cannot be fitted.
    pub step: Result<f64, Box<Diagnostic>>,
    /// Milliseconds from the model's graph to the compiled gradient.
    pub compile: f64,
    /// Nodes of the graph of log density and gradient that are not constant.
    pub nodes: usize,
    /// Instructions of the compiled gradient.
    pub instructions: usize,
    /// Bytes that it works in.
    pub arena: usize,
    /// Bytes of data that it reads.
    pub data: usize,
    /// What was summed of the data beforehand.
    pub rewritten: Vec<Rewritten>,
    /// What the statements take of a gradient, the dearest first.
    pub statements: Vec<StatementShare>,
    /// What its instructions take, the dearest first.
    pub kernels: Vec<KernelShare>,
}

/// What one statement takes of a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementShare {
    /// Index into [`Model::places`]; `None` for what belongs to no statement.
    pub place: Option<usize>,
    /// Part of the time, from 0 to 1. An instruction that serves several statements is split by the
    /// operations that it does for each.
    pub share: f64,
    /// Bytes of what is kept in memory for it, split likewise.
    pub bytes: f64,
}

/// What one instruction of the compiled gradient takes.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelShare {
    /// Its operations, each name as often as there are of it: `exp mul mul sum`.
    pub name: String,
    /// Elements that it ranges over.
    pub elements: usize,
    /// Nanoseconds of one run, those of looking at the clock among them.
    pub nanoseconds: f64,
    /// Part of the time, from 0 to 1.
    pub share: f64,
    /// Bytes of what it leaves in memory. Memory that is free again is used again, so all of them
    /// together can be more than there is.
    pub bytes: usize,
    /// Statements that it serves: indices into [`Model::places`].
    pub places: Vec<usize>,
}

/// A round of repetitions lasts at least this long.
const ROUND: Duration = Duration::from_millis(20);
/// Rounds of which the median is taken.
const ROUNDS: usize = 7;
/// Points that take turns.
const POINTS: usize = 16;
/// Runs with each instruction timed, at most, and for at most this long.
const TIMED_RUNS: usize = 1000;
const TIMED: Duration = Duration::from_millis(200);
/// Steps of the default method that are timed, at most.
const STEPS: usize = 50;

/// Measures a model, computed in a precision.
///
/// ```
/// let program = elbo::Program::parse("mu ~ Normal(0, 1)")?;
/// let model = program.bind(&elbo::Data::default())?;
/// let cost = elbo::infer::profile(&model, elbo::tape::Precision::Double);
/// assert!(cost.gradient > 0.0 && cost.size == 1);
/// # Ok::<(), elbo::Error>(())
/// ```
pub fn profile(model: &Model, precision: Precision) -> Profile {
    let begin = Instant::now();
    let graph = Graph::new();
    let (inputs, parts) = model.of_inputs(&graph, &[model.log_joint, model.log_jacobian]);
    let value = parts[0] + parts[1];
    let gradients = grad(value, &inputs);
    let outputs: Vec<NodeId> = std::iter::once(value)
        .chain(gradients)
        .map(|v| v.id)
        .collect();
    let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
    let mut gradient = precision.compile(&model.reuse, &graph, &inputs, &outputs);
    let compile = begin.elapsed().as_secs_f64() * 1e3;
    let mut density = precision.compile(&model.reuse, &graph, &inputs, &outputs[..1]);

    let points = points(model);
    let times = times(model, &mut gradient, &points);
    let nodes = needed(&graph, &outputs, |id| graph.var(id).as_const().is_some());
    Profile {
        precision,
        size: model.size(),
        log_density: nanoseconds(&mut density, inputs.len(), &points),
        gradient: nanoseconds(&mut gradient, inputs.len(), &points),
        step: step(model, precision).map_err(Box::new),
        compile,
        nodes: nodes.len(),
        instructions: gradient.instruction_count(),
        arena: gradient.arena_bytes(),
        data: gradient.constants_bytes(),
        rewritten: model.rewritten.clone(),
        statements: statements(model, &gradient, &times),
        kernels: kernels(model, &gradient, &times),
    }
}

/// Points near the origin, where learned parameters near where they start.
fn points(model: &Model) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let start = |block: &crate::model::Block| match (&block.init, block.role) {
        (Some(init), Role::Param) => init.clone(),
        _ => vec![0.0; block.size],
    };
    let origin: Vec<f64> = model.blocks.iter().flat_map(start).collect();
    let mut near = || {
        origin
            .iter()
            .map(|x| x + rng.random::<f64>() - 0.5)
            .collect()
    };
    (0..POINTS).map(|_| near()).collect()
}

/// Nanoseconds of one run, the median of several rounds.
fn nanoseconds(tape: &mut AnyTape, inputs: usize, points: &[Vec<f64>]) -> f64 {
    let mut runs = 1_usize;
    let mut time = |runs: usize| {
        let begin = Instant::now();
        for point in points.iter().cycle().take(runs) {
            tape.fill(0, inputs, black_box(point));
            tape.run();
            black_box(tape.value(0));
        }
        begin.elapsed()
    };
    while time(runs) < ROUND {
        runs *= 2;
    }
    median(
        (0..ROUNDS)
            .map(|_| time(runs).as_nanos() as f64 / runs as f64)
            .collect(),
    )
}

/// The median time between two steps of a fit.
fn step(model: &Model, precision: Precision) -> Result<f64, Diagnostic> {
    let options = Options {
        draws: 1,
        precision,
        max_steps: Some(STEPS),
        ..Options::default()
    };
    let mut times = Vec::new();
    let begin = Instant::now();
    fit(model, &options, &mut |_| {
        times.push(begin.elapsed().as_nanos() as f64)
    })?;
    let between: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    Ok(median(between))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds of each instruction.
fn times(model: &Model, tape: &mut AnyTape, points: &[Vec<f64>]) -> Vec<f64> {
    let inputs = model.blocks.len();
    let mut times = vec![0_u64; tape.instruction_count()];
    let mut runs = 0;
    let begin = Instant::now();
    for point in points.iter().cycle().take(TIMED_RUNS) {
        tape.fill(0, inputs, point);
        for (sum, time) in times.iter_mut().zip(tape.run_timed()) {
            *sum += time;
        }
        runs += 1;
        if begin.elapsed() > TIMED {
            break;
        }
    }
    let mean = |sum| sum as f64 / f64::from(runs);
    times.into_iter().map(mean).collect()
}

/// The statement of an origin.
fn place(model: &Model, origin: Origin) -> Option<usize> {
    let at = (origin.0 as usize).checked_sub(1)?;
    (at < model.places.len()).then_some(at)
}

fn statements(model: &Model, tape: &AnyTape, times: &[f64]) -> Vec<StatementShare> {
    let total = times.iter().sum::<f64>().max(1.0);
    let mut all: BTreeMap<Option<usize>, (f64, f64)> = BTreeMap::new();
    for (instruction, time) in tape.instructions().iter().zip(times) {
        for &(origin, part) in &instruction.origins {
            let (share, bytes) = all.entry(place(model, origin)).or_default();
            *share += part * time / total;
            *bytes += part * instruction.bytes as f64;
        }
    }
    let statement = |(place, (share, bytes))| StatementShare {
        place,
        share,
        bytes,
    };
    let mut statements: Vec<_> = all.into_iter().map(statement).collect();
    statements.retain(|s| s.share > 0.0);
    statements.sort_by(|a, b| b.share.total_cmp(&a.share));
    statements
}

fn kernels(model: &Model, tape: &AnyTape, times: &[f64]) -> Vec<KernelShare> {
    let total = times.iter().sum::<f64>().max(1.0);
    let instructions = tape.instructions().iter().zip(times);
    let kernel = |(listing, &nanoseconds): (&Listing, &f64)| KernelShare {
        name: listing.name.clone(),
        elements: listing.size,
        nanoseconds,
        share: nanoseconds / total,
        bytes: listing.bytes,
        places: listing
            .origins
            .iter()
            .filter_map(|&(origin, _)| place(model, origin))
            .collect(),
    };
    let mut kernels: Vec<_> = instructions.map(kernel).collect();
    kernels.sort_by(|a, b| b.share.total_cmp(&a.share));
    kernels
}
