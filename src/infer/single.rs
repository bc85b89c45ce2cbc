//! Turns a task into an optimum in single precision, and looks from double whether it is one.
//!
//! What a gradient of 7 digits cannot resolve shows where it is computed once more with 16: a Newton step
//! from there says how far away the optimum is. If that is more than the tolerance, or single precision
//! fails altogether, the fit goes on in double precision, and says so.

use super::deterministic::{fixed, joined};
use super::error;
use super::fit::{Method, Reached, Task};
use super::objective::Elbo;
use super::optim::{
    ConjugateDirections, NonFinite, Objective, Progress, Stop, dot, in_natural_lengths,
    natural_lengths,
};
use super::precision::MonteCarlo;
use super::start::Start;
use crate::diag::Diagnostic;
use crate::graph::needed;
use crate::model::Model;
use crate::ops::{Gather, ScatterAdd};
use crate::tape::Precision;

/// Relative length of what is left of the Newton equation, and Hessian products for it, at most.
const RESIDUAL: f64 = 0.05;
const PRODUCTS: usize = 300;

/// The objective, now in double precision, and the optimum. `compiled` is told when the first objective is.
pub(super) fn solve_in_single<'a>(
    task: &Task<'a>,
    compiled: &mut dyn FnMut(),
    progress: &mut dyn FnMut(&Progress),
) -> Result<(Elbo<'a>, Reached), Diagnostic> {
    if let Some(why) = beyond_range(task.model) {
        let (elbo, mut reached) = task.solve(None, compiled, progress)?;
        reached.notes.push(error::took_over(&why));
        return Ok((elbo, reached));
    }
    let density = task.density(Precision::Single);
    let mut single = task.compile(Precision::Single);
    compiled();
    let Ok(start) = task.start(density, &mut single) else {
        let (elbo, mut reached) = task.solve(None, compiled, progress)?;
        reached.notes.push(error::took_over(
            "the density is not finite in single precision where the search starts",
        ));
        return Ok((elbo, reached));
    };
    let reached = task.maximise(&mut single, &start, progress);
    let why = match reached.outcome.stop {
        Stop::Stalled(_) | Stop::NonFinite => {
            Some("in single precision the optimiser does not get to an optimum".to_string())
        }
        Stop::Converged => None,
        _ => return Ok((single, reached)),
    };
    let mut double = task.compile(Precision::Double);
    let judged = why.is_none() && reached.method == Method::Dadvi;
    let why =
        why.or_else(|| judged.then(|| misplaced(task, &mut single, &mut double, &reached))?);
    match why {
        None => Ok((double, reached)),
        Some(why) => go_on(task, double, &start, reached, &why, progress),
    }
}

/// Continues in double precision from where single precision ended, or from the `start` where that is no
/// place at all.
fn go_on<'a>(
    task: &Task<'a>,
    mut double: Elbo<'a>,
    start: &Start,
    before: Reached,
    why: &str,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(Elbo<'a>, Reached), Diagnostic> {
    let from = match before.outcome.value.is_finite() {
        true => &before.outcome.x,
        false => &start.x,
    };
    let from = Start {
        x: from.clone(),
        ..start.clone()
    };
    let mut reached = task.maximise(&mut double, &from, progress);
    reached.outcome = joined(&before.outcome, reached.outcome);
    reached.notes.push(error::took_over(why));
    Ok((double, reached))
}

/// Why an optimum in single precision is not one in double, if it is not.
fn misplaced(
    task: &Task,
    single: &mut Elbo,
    double: &mut Elbo,
    reached: &Reached,
) -> Option<String> {
    let tolerance = task.options.tolerance;
    match displacement(task, single, double, reached) {
        Ok(MonteCarlo { sds, nats }) if sds <= tolerance && nats <= tolerance => None,
        Ok(MonteCarlo { sds, nats }) => Some(format!(
            "the optimum in single precision is off by {sds:.2} sds of the guide and {nats:.2} nats"
        )),
        Err(NonFinite) => Some("the optimum in single precision is not finite in double".into()),
    }
}

/// How far an optimum is from that in double precision for the same draws: the gradient is taken in
/// double precision, and the Hessian, of which two digits are enough, in single.
fn displacement(
    task: &Task,
    single: &mut Elbo,
    double: &mut Elbo,
    reached: &Reached,
) -> Result<MonteCarlo, NonFinite> {
    let (x, seed, guide_dim) = (&reached.outcome.x, task.options.seed, single.guide_dim());
    let mut objective = fixed(double, reached.samples, seed, &task.budget);
    let scale = natural_lengths(&objective, x);
    let mut g = vec![0.0; x.len()];
    objective.value_grad(x, &mut g)?;
    g.iter_mut().zip(&scale).for_each(|(g, s)| *g *= s);
    let mut objective = fixed(single, reached.samples, seed, &task.budget);
    let mut product = in_natural_lengths(&scale, |v, out| objective.hess_vec(x, v, out));
    let shift = ConjugateDirections::default().solve(&g, RESIDUAL, PRODUCTS, &mut product)?;
    Ok(MonteCarlo {
        sds: shift[..guide_dim].iter().fold(0.0, |m, d| d.abs().max(m)),
        nats: 0.5 * dot(&g, &shift).abs(),
    })
}

/// Indices above this are not all whole numbers of `f32`.
const LARGEST_INDEX: usize = 1 << f32::MANTISSA_DIGITS;

/// What of the density single precision cannot hold, if anything: numbers that would become infinite or 0,
/// or places in a very long axis.
fn beyond_range(model: &Model) -> Option<String> {
    let graph = &model.graph;
    let nodes = needed(graph, &[model.log_joint, model.log_jacobian], |_| false);
    let lost = |x: &f64| {
        let short = *x as f32;
        x.is_finite() && (short.is_infinite() || (short == 0.0 && *x != 0.0))
    };
    for id in nodes {
        if let Some(constant) = graph.var(id).as_const() {
            if let Some(x) = constant.data().iter().copied().find(lost) {
                return Some(format!("single precision cannot hold {x:e}"));
            }
            continue;
        }
        let node = graph.node(id);
        let indexed = node.op.get::<Gather>().is_some() || node.op.get::<ScatterAdd>().is_some();
        let sizes = node.args.iter().map(|&a| graph.var(a).shape());
        let sizes = sizes.chain([node.shape.clone()]);
        let long = sizes.flatten().any(|n| n > LARGEST_INDEX);
        if indexed && long {
            return Some("single precision cannot hold all indices of a very long array".into());
        }
    }
    None
}
