//! Turns a model into what its density, gradient and fitting steps cost on this machine.
//!
//! Times are medians over rounds of a tight loop, each long enough that the clock does not matter. The
//! point changes from run to run, so that nothing can be remembered from the run before.

use super::fit::{Options, fit};
use crate::autodiff::grad;
use crate::diag::Diagnostic;
use crate::graph::{Graph, NodeId, Rebuild, Var, needed};
use crate::model::{Model, Role};
use crate::passes::Rewritten;
use crate::tape::{AnyTape, Precision};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::time::{Duration, Instant};

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
    /// What was summed of the data beforehand.
    pub rewritten: Vec<Rewritten>,
    /// What the statements take of a gradient, the dearest first.
    pub statements: Vec<StatementShare>,
}

/// What one statement takes of a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementShare {
    /// Index into [`Model::places`]; `None` for what belongs to no statement.
    pub place: Option<usize>,
    /// Part of the time, from 0 to 1. An instruction that serves several statements is split evenly.
    pub share: f64,
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
/// let program = elbo::Program::parse("normal.vi", "mu ~ Normal(0, 1)")?;
/// let model = program.bind(&elbo::Data::default())?;
/// let cost = elbo::infer::profile(&model, elbo::tape::Precision::Double);
/// assert!(cost.gradient > 0.0 && cost.size == 1);
/// # Ok::<(), elbo::Error>(())
/// ```
pub fn profile(model: &Model, precision: Precision) -> Profile {
    let begin = Instant::now();
    let graph = Graph::new();
    let blocks = model.blocks.iter();
    let inputs: Vec<Var> = blocks.map(|b| graph.input(&[b.size])).collect();
    let mut walk = Rebuild::new(&model.graph, &graph);
    for (block, input) in model.blocks.iter().zip(&inputs) {
        walk.substitute(block.input, *input, false);
    }
    let parts = walk.emit(&[model.log_joint, model.log_jacobian]);
    let value = parts[0].var + parts[1].var;
    let gradients = grad(value, &inputs);
    let outputs: Vec<NodeId> = std::iter::once(value)
        .chain(gradients)
        .map(|v| v.id)
        .collect();
    let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
    let mut gradient = precision.compile(&graph, &inputs, &outputs);
    let compile = begin.elapsed().as_secs_f64() * 1e3;
    let mut density = precision.compile(&graph, &inputs, &outputs[..1]);

    let points = points(model);
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
        rewritten: model.rewritten.clone(),
        statements: shares(model, &mut gradient, &points),
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

fn shares(model: &Model, tape: &mut AnyTape, points: &[Vec<f64>]) -> Vec<StatementShare> {
    let inputs = model.blocks.len();
    let mut times = vec![0_u64; tape.instruction_count()];
    let begin = Instant::now();
    for point in points.iter().cycle().take(TIMED_RUNS) {
        tape.fill(0, inputs, point);
        for (sum, time) in times.iter_mut().zip(tape.run_timed()) {
            *sum += time;
        }
        if begin.elapsed() > TIMED {
            break;
        }
    }
    let total = times.iter().sum::<u64>().max(1) as f64;
    let mut shares = vec![0.0; model.places.len() + 1];
    for (instruction, time) in tape.instructions().iter().zip(&times) {
        let known = |origin: &crate::graph::Origin| match (origin.0 as usize) < shares.len() {
            true => origin.0 as usize,
            false => 0,
        };
        let origins: Vec<usize> = instruction.origins.iter().map(known).collect();
        let owners = if origins.is_empty() { vec![0] } else { origins };
        let part = *time as f64 / total / owners.len() as f64;
        owners.iter().for_each(|&o| shares[o] += part);
    }
    let share = |(i, share)| StatementShare {
        place: usize::checked_sub(i, 1),
        share,
    };
    let mut statements: Vec<_> = shares.into_iter().enumerate().map(share).collect();
    statements.retain(|s| s.share > 0.0);
    statements.sort_by(|a, b| b.share.total_cmp(&a.share));
    statements
}
