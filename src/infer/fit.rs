//! Turns a model into a [`Fit`]: start, objective, optimum, draws and a plain word on how it went.

use super::density::Density;
use super::deterministic::{Draws, Solved, solve};
use super::error;
use super::explain::explain_non_finite;
use super::kinks::jump;
use super::objective::{Elbo, FixedDraws, FreshDraws};
use super::optim::{
    Budget, NewtonSettings, Outcome, Progress, StochasticObjective, Stop, make_positive,
    minimise_newton, natural_lengths,
};
use super::posterior::Posterior;
use super::precision::MonteCarlo;
use super::response::{Response, response};
use super::sample::{Draws as Drawn, Estimate, Sampler, Sampling, sample};
use super::single::solve_in_single;
use super::start::{Start, StartSettings, earlier_end, earlier_start, find_start, written_start};
use super::verdict::Verdict;
use crate::clock::Instant;
use crate::diag::Diagnostic;
use crate::graph::{NodeId, numel};
use crate::guide::{self, Guide, NewGuide};
use crate::infer::control::{StochasticSettings, minimise_stochastic};
use crate::model::{Model, Role, Rows};
use crate::tape::Precision;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How the ELBO is maximised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Deterministic, and stochastic from where that fails.
    #[default]
    Auto,
    /// Fixed draws and Newton steps (Giordano, Ingram & Broderick 2024).
    Dadvi,
    /// Fresh draws and first-order steps (Kucukelbir et al. 2017).
    Svi,
}

/// What a fit may be told; the default needs no change.
#[derive(Clone, Debug)]
pub struct Options {
    /// Makes the guide, one of [`GUIDES`](crate::guide::GUIDES); `None` is what the program says, or else mean
    /// field.
    pub guide: Option<NewGuide>,
    pub method: Method,
    /// What the objective and its derivatives are computed in while they are optimised. Parameters and
    /// sums over draws are in double precision whatever it is, and so are the final draws, the ELBO
    /// reported and the look at how good the optimum is; where single precision does not do, double
    /// takes over and a message says why.
    pub precision: Precision,
    pub seed: u64,
    /// Draws of the objective: fixed ones, or at each stochastic step. `None` chooses.
    pub samples: Option<usize>,
    /// Posterior draws to report.
    pub draws: usize,
    pub max_steps: Option<usize>,
    pub max_time: Option<Duration>,
    /// Threads; the result does not depend on how many.
    pub threads: usize,
    /// Set to `true` from anywhere to stop; the best state so far is reported.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Error that does not matter: of the means in sds of the guide, and of the ELBO in nats.
    pub tolerance: f64,
    pub start: StartSettings,
    /// Where to begin instead of looking for a start: what an earlier fit has found
    /// ([`Fit::params`](crate::Fit::params)) for a model with as many latents and learned parameters, such as the same
    /// program with newer data. Where the density is not finite there a start is looked for.
    pub from: Option<FitParams>,
}

impl Method {
    /// Every method by its name on the command line, the default first.
    pub const ALL: &[(&str, Method)] = &[
        ("auto", Method::Auto),
        ("dadvi", Method::Dadvi),
        ("svi", Method::Svi),
    ];

    /// Its name among [`Method::ALL`].
    pub fn name(self) -> &'static str {
        let known = Method::ALL.iter().find(|(_, method)| *method == self);
        known.map_or("auto", |(name, _)| name)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            guide: None,
            method: Method::Auto,
            precision: Precision::Double,
            seed: 1,
            samples: None,
            draws: 1000,
            max_steps: None,
            max_time: None,
            threads: 1,
            cancel: None,
            tolerance: 0.02,
            start: StartSettings::default(),
            from: None,
        }
    }
}

/// A fitted guide and what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fit {
    /// From fresh draws, not those that were optimised.
    pub elbo: Estimate,
    pub converged: bool,
    pub stop: Stop,
    pub steps: usize,
    /// Its family's name: of one that the program writes `written`, of several families side by side `joint`.
    pub guide: String,
    /// The method that gave the result.
    pub method: Method,
    /// The precision in which the optimum was found: double where single did not do.
    pub precision: Precision,
    /// Draws of the objective in the last round or step.
    pub samples: usize,
    /// Error that the fixed draws leave, where it is known.
    pub monte_carlo: Option<MonteCarlo>,
    /// ELBO by step, as the optimiser saw it.
    #[serde(skip)]
    pub trace: Vec<(usize, f64)>,
    pub seconds: Seconds,
    /// Whether to believe the optimum, in one sentence.
    pub verdict: String,
    pub messages: Vec<Diagnostic>,
    #[serde(skip)]
    pub params: FitParams,
    #[serde(skip)]
    pub posterior: Posterior,
}

/// The fitted parameters, in unconstrained space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FitParams {
    /// The guide's own flat parameters.
    pub guide: Vec<f64>,
    /// Means of the latents' coordinates.
    pub mean: Vec<f64>,
    /// Their sds.
    pub sd: Vec<f64>,
    /// The model's learned parameters.
    pub learned: Vec<f64>,
    /// Fixed draws for which they are the optimum; 0 where it was found by steps with fresh ones.
    pub samples: usize,
}

/// Wall-clock time of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    pub compile: f64,
    pub fit: f64,
    pub total: f64,
}

/// Fits a guide to a model's posterior, and the model's learned parameters with it.
///
/// Fails where the density is finite at no starting point, and names the statement to blame; and where
/// [`Options::from`] is of another model (E0809). A fit that was stopped or did not converge is returned with a verdict and warnings that say
/// so. The same model, options and seed give the same bits whatever the number of threads.
pub fn fit(
    model: &Model,
    options: &Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Fit, Diagnostic> {
    let begin = Instant::now();
    let until = |part: f64| {
        options
            .max_time
            .and_then(|t| begin.checked_add(t.mul_f64(part)))
    };
    let overall = Budget {
        max_steps: None,
        deadline: until(1.0),
        cancel: options.cancel.clone(),
    };
    // Something is left for the final draws.
    let budget = Budget {
        max_steps: options.max_steps,
        deadline: until(0.9),
        ..overall.clone()
    };
    let batched = model.batched.as_deref();
    let written = model.guided.as_deref().filter(|_| options.guide.is_none());
    let model = written.unwrap_or(model);
    // Fixed draws are of all rows.
    let batched = batched.filter(|_| options.method != Method::Dadvi);
    if model.rows.is_some() && options.method == Method::Dadvi {
        return Err(error::needs_all_rows());
    }
    if !model.scored.is_empty() && options.method == Method::Dadvi {
        return Err(error::needs_fresh_draws());
    }
    let (step, model) = batched.map_or((model, model), |b| (&b.step, &b.all));
    let (step_guide, guide) = (
        guide::of(step, options.guide),
        guide::of(model, options.guide),
    );
    let (step_guide, guide) = (step_guide.as_ref(), guide.as_ref());
    let from = options.from.as_ref();
    let from = from.map(|earlier| earlier_end(earlier, model, guide));
    let task = Task {
        model: step,
        told: model,
        guide: step_guide,
        options,
        budget,
        from: from.transpose()?,
    };
    let sampler = || Sampler::new(model, guide, chunk(model, options));
    let early = options.threads > 1 && step.rows.is_none() && draws_are_small(model, options);
    let early = early.then(|| sampler().begin());
    let failure = || step.rows.as_ref().and_then(Rows::take_failure);
    // What failed in an earlier fit is no fault of this one.
    failure();
    let all_read = || failure().map_or(Ok(()), |(name, why)| Err(error::not_read(&name, &why)));
    let mut compile = 0.0;
    let mut compiled = || {
        if compile == 0.0 {
            compile = begin.elapsed().as_secs_f64();
        }
    };
    let solved = match options.precision {
        Precision::Double => task.solve(None, &mut compiled, progress),
        Precision::Single => solve_in_single(&task, &mut compiled, progress),
    };
    all_read()?;
    let (mut elbo, mut reached) = solved?;
    if reached.outcome.stop == Stop::Converged && step.rows.is_none() && step.scored.is_empty() {
        let (x, samples) = (&reached.outcome.x, reached.samples);
        reached.response = response(&mut elbo, x, samples, options.seed, &task.budget);
    }
    let fitted = begin.elapsed().as_secs_f64() - compile;

    let draws = match &step.rows {
        Some(rows) => {
            let work = elbo.work() * rows.steps();
            let affordable = usize::try_from(LARGEST_REPORT / work as u64).unwrap_or(usize::MAX);
            options.draws.min(affordable.max(FEWEST))
        }
        None => options.draws,
    };
    let sampling = Sampling {
        draws,
        most: Size::of(step, &elbo, options).most_fresh,
        std_error: 0.02,
        threads: options.threads,
        // Streams of their own, whatever the optimiser drew.
        seed: !options.seed,
        budget: &overall,
    };
    let mut sampler = match step.rows {
        Some(_) => Sampler::new(step, step_guide, cached(step).min(draws.max(2))),
        None => early.unwrap_or_else(sampler),
    };
    let (posterior, estimate) = sample(&mut sampler, &reached.outcome.x, &sampling);
    all_read()?;
    let seconds = Seconds {
        compile,
        fit: fitted,
        total: begin.elapsed().as_secs_f64(),
    };
    Ok(report(
        model,
        guide,
        options,
        reached,
        (posterior, estimate),
        draws,
        seconds,
    ))
}

/// What is fitted, and how.
pub(super) struct Task<'a> {
    pub(super) model: &'a Model,
    /// The model by which errors are explained: of all rows.
    told: &'a Model,
    guide: &'a dyn Guide,
    pub(super) options: &'a Options,
    pub(super) budget: Budget,
    /// The end of an earlier fit.
    from: Option<Start>,
}

impl<'a> Task<'a> {
    pub(super) fn compile(&self, precision: Precision) -> Elbo<'a> {
        let chunk = chunk(self.model, self.options);
        let elbo = Elbo::new(self.model, self.guide, chunk, precision);
        let elbo = elbo.with_threads(self.options.threads);
        match self.options.method {
            Method::Svi => elbo,
            _ => elbo.with_products(),
        }
    }

    /// Whether the program says where to start.
    fn starts_as_written(&self) -> bool {
        is_written(self.model) || self.model.rows.is_some()
    }

    /// The density in which a start is looked for; it is compiled on other threads if there are any. None is
    /// needed where the program or an earlier fit says where to start.
    pub(super) fn density(&self, precision: Precision) -> Option<Density> {
        let given = self.starts_as_written() || self.from.is_some();
        let density = || Density::new(self.model, precision).with_threads(self.options.threads);
        (!given).then(density)
    }

    pub(super) fn start(
        &self,
        density: Option<Density>,
        elbo: &mut Elbo,
    ) -> Result<Start, Diagnostic> {
        let Options { start, seed, .. } = self.options;
        let earlier = self.from.as_ref();
        if let Some(start) = earlier.and_then(|from| earlier_start(from, elbo, *seed)) {
            return Ok(start);
        }
        if self.starts_as_written() {
            return written_start(self.model, self.told, self.guide, elbo, *seed);
        }
        let density = density.unwrap_or_else(|| Density::new(self.model, elbo.precision()));
        find_start(
            self.model,
            self.guide,
            density,
            elbo,
            start,
            *seed,
            &self.budget,
        )
    }

    /// The whole way in double precision, `from` a point or one that is looked for; `compiled` is told
    /// when the objective is.
    pub(super) fn solve(
        &self,
        from: Option<Start>,
        compiled: &mut dyn FnMut(),
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(Elbo<'a>, Reached), Diagnostic> {
        let from = from.ok_or_else(|| self.density(Precision::Double));
        let mut elbo = self.compile(Precision::Double);
        compiled();
        let start = from.or_else(|density| self.start(density, &mut elbo))?;
        let reached = self.maximise(&mut elbo, &start, progress);
        Ok((elbo, reached))
    }
}

/// Numbers of draws that suit a model's cost.
struct Size {
    draws: Draws,
    per_step: usize,
    most_fresh: usize,
}

/// Numbers that a tape's working set should not exceed, so that it stays in the cache.
const CACHE: usize = 1 << 16;
/// Elementary operations of an evaluation in the first round, some 5 ms of them.
const FIRST_ROUND: usize = 1 << 22;
/// Draws whose error is believed, where so many can be had for as much.
const BELIEVED: usize = 1024;
/// As [`FIRST_ROUND`], for as many draws as whitening asks for.
const WHITENED_ROUND: usize = 1 << 25;
/// In the last round, at most: some 150 ms.
const LARGEST_ROUND: usize = 1 << 27;
/// Fewest and most draws of a round, where not asked for others.
const FEWEST: usize = 16;
const MOST: usize = 1 << 13;
/// Elementary operations that stochastic steps may take for the sake of precision: some minutes of them.
const LARGEST_WALK: f64 = 1e11;
/// Standard Normal numbers that are held at once, at most.
const LARGEST_NOISE: usize = 1 << 23;
/// Elementary operations for the final ELBO, at most.
const LARGEST_SAMPLE: usize = 1 << 29;

/// Draws of which the values fit into the cache.
fn cached(model: &Model) -> usize {
    ((CACHE / elements(model) + 1).next_power_of_two() / 2).clamp(2, 64)
}

/// Draws in one run of a tape.
fn chunk(model: &Model, options: &Options) -> usize {
    let fits = cached(model);
    if model.rows.is_some() {
        return options.samples.unwrap_or(PER_BATCH).max(1).min(fits);
    }
    match (options.method, options.samples) {
        (Method::Svi, asked) => asked.unwrap_or(PER_STEP).max(1).min(fits),
        (_, Some(asked)) => asked.clamp(1, fits),
        (_, None) => fits,
    }
}

/// Whether the memory of a run of the final draws is small beside what a process takes anyway.
fn draws_are_small(model: &Model, options: &Options) -> bool {
    let quantities = model.quantities.iter().map(|q| numel(&q.shape));
    chunk(model, options) * (elements(model) + quantities.sum::<usize>()) <= 4 * CACHE
}

/// Draws of a stochastic step.
const PER_STEP: usize = 16;
/// The same of some rows: which rows they are makes more noise than which draws.
const PER_BATCH: usize = 2;
/// Elementary operations for the draws reported of a fit in batches, at most: some ten seconds of them.
const LARGEST_REPORT: u64 = 1 << 33;

impl Size {
    fn of(model: &Model, elbo: &Elbo, options: &Options) -> Size {
        let (work, latents) = (elbo.work(), model.latent_size());
        let affordable = |operations: usize, most: usize| (operations / work).clamp(FEWEST, most);
        let asked = options.samples.map(|s| s.max(1));
        // Antithetic draws are whitened where there are twice as many as latents; a few more make them
        // less alike.
        let whitened = (2 * latents + latents / 4).min(affordable(WHITENED_ROUND, MOST));
        let first = affordable(FIRST_ROUND, 64).max(whitened);
        let noise = (LARGEST_NOISE / latents.max(1)).max(FEWEST);
        let most = affordable(LARGEST_ROUND, MOST).min(noise);
        let whole = |draws: usize| asked.unwrap_or(draws).next_multiple_of(elbo.chunk());
        Size {
            draws: Draws {
                first: whole(first.min(most)),
                believed: whole(affordable(FIRST_ROUND, BELIEVED)),
                most: whole(most),
                tolerance: options.tolerance,
            },
            per_step: asked.unwrap_or(match model.rows {
                Some(_) => PER_BATCH,
                None => PER_STEP,
            }),
            most_fresh: match &model.rows {
                Some(rows) => LARGEST_SAMPLE / work / rows.steps(),
                None => affordable(LARGEST_SAMPLE, MOST).max(1000),
            },
        }
    }
}

/// Numbers computed for one value of the log density, at least 1.
fn elements(model: &Model) -> usize {
    let wanted: Vec<NodeId> = vec![model.log_joint, model.log_jacobian];
    let nodes = crate::graph::needed(&model.graph, &wanted, |id| {
        model.graph.var(id).as_const().is_some()
    });
    let size = |id: NodeId| numel(&model.graph.node(id).shape);
    nodes.into_iter().map(size).sum::<usize>().max(1)
}

/// Where the optimiser ended.
pub(super) struct Reached {
    pub(super) outcome: Outcome,
    /// The parameter along which the density jumps, where that kept it from going on.
    pub(super) jumps: Option<usize>,
    pub(super) method: Method,
    pub(super) samples: usize,
    /// Whether it is an optimum, if only for these samples.
    pub(super) optimum: bool,
    /// Whether there is nothing to average over.
    pub(super) exact: bool,
    pub(super) error: Option<MonteCarlo>,
    pub(super) tolerance: f64,
    /// Whether steps were of some rows, and what is learned was judged by what a row gains.
    pub(super) by_rows: bool,
    /// Whether there was anything else.
    pub(super) measured: bool,
    /// How the posterior is wider than the guide, where that was looked for.
    pub(super) response: Option<Response>,
    /// What is to be said besides the verdict.
    pub(super) notes: Vec<Diagnostic>,
    pub(super) precision: Precision,
}

impl Task<'_> {
    pub(super) fn maximise(
        &self,
        elbo: &mut Elbo,
        start: &Start,
        progress: &mut dyn FnMut(&Progress),
    ) -> Reached {
        let (options, budget) = (self.options, &self.budget);
        let mut size = Size::of(self.model, elbo, options);
        // Fewer draws would lead away from the optimum of these.
        let Draws { first, most, .. } = size.draws;
        let first = first.max(start.draws).min(most);
        size.draws.first = first.next_multiple_of(elbo.chunk());
        let size = &size;
        let fresh = self.model.rows.is_some() || !self.model.scored.is_empty();
        if options.method == Method::Svi || fresh {
            let nearer = self
                .model
                .rows
                .is_some()
                .then(|| nearer(elbo, &start.x, options, budget));
            let from = nearer.flatten().unwrap_or_else(|| start.x.clone());
            return stochastic(elbo, &from, size, options, budget, progress);
        }
        let solved = solve(elbo, &start.x, &size.draws, options.seed, budget, progress);
        let Solved {
            outcome,
            draws,
            optimum,
            error,
        } = solved;
        let failed = matches!(outcome.stop, Stop::Stalled(_) | Stop::NonFinite);
        // Other draws would have put the optimum elsewhere, as where a few of them decide.
        let useless = error.is_some_and(|e| e.is_useless(outcome.x.len()));
        let chance = useless && outcome.stop == Stop::Converged && options.samples.is_none();
        // Double precision is tried before fresh draws are.
        let last = elbo.precision() == Precision::Double;
        // Fresh draws have no better gradients.
        let doubtful = last && matches!(outcome.stop, Stop::Stalled(_));
        let jumps = doubtful.then(|| {
            let means = elbo.locations();
            let objective = FixedDraws::new(elbo, size.draws.believed, options.seed);
            let mut objective = objective.within(budget);
            let scale = natural_lengths(&objective, &outcome.x);
            jump(&mut objective, (&outcome.x, &scale), means)
        });
        let jumps = jumps.flatten();
        if (failed || chance) && last && jumps.is_none() && options.method == Method::Auto {
            // From an optimum of chance the way is longer than from the start.
            let from = match outcome.value.is_finite() && !chance {
                true => &outcome.x,
                false => &start.x,
            };
            let mut reached = stochastic(elbo, from, size, options, budget, progress);
            if reached.outcome.stop == Stop::NonFinite
                && let Some(coordinate) = far_off(elbo, &start.x, &reached.outcome.x)
            {
                reached.outcome.stop = Stop::Diverging(coordinate);
            }
            return reached;
        }
        Reached {
            outcome,
            jumps,
            method: Method::Dadvi,
            samples: draws,
            optimum,
            exact: elbo.is_exact(),
            error,
            tolerance: size.draws.tolerance,
            by_rows: false,
            measured: true,
            response: None,
            notes: Vec::new(),
            precision: elbo.precision(),
        }
    }
}

/// The coordinate that has gone furthest, if so far that it was on its way out of all numbers.
fn far_off(elbo: &Elbo, from: &[f64], to: &[f64]) -> Option<usize> {
    let mut scale = vec![1.0; to.len()];
    elbo.scale(to, &mut scale);
    make_positive(&mut scale);
    let gone = |i: usize| (to[i] - from[i]).abs() / scale[i];
    let furthest = (0..to.len()).max_by(|&i, &j| gone(i).total_cmp(&gone(j)))?;
    (gone(furthest) > FAR_OFF).then_some(furthest)
}

/// Natural lengths from the start; optima lie within some tens.
const FAR_OFF: f64 = 100.0;

/// The optimum of a single batch, drawn at random, if Newton steps find it and it is better for other batches,
/// too: short steps are long on a far way. Not where numbers are learned for rows that this batch does not have.
fn nearer(elbo: &mut Elbo, x0: &[f64], options: &Options, budget: &Budget) -> Option<Vec<f64>> {
    if elbo.guide_dim() < elbo.dim() {
        return None;
    }
    let seed = options.seed;
    let mut objective = FixedDraws::of_batch(elbo, FEWEST, seed).within(budget);
    let few = Budget {
        max_steps: Some(BATCH_STEPS),
        ..budget.clone()
    };
    let found = minimise_newton(
        &mut objective,
        x0,
        &NewtonSettings::default(),
        &few,
        &mut |_| (),
    );
    let mut fresh = FreshDraws::new(elbo, FEWEST, !seed);
    let mut g = vec![0.0; x0.len()];
    let mut values = |x: &[f64]| -> Option<f64> {
        let others = (1..=OTHER_BATCHES).map(|step| fresh.estimate(x, step, &mut g).ok());
        others.sum::<Option<f64>>().filter(|v| v.is_finite())
    };
    let (here, there) = (values(x0), values(&found.x)?);
    let better = here.is_none_or(|here| there < here);
    (found.stop == Stop::Converged && better).then_some(found.x)
}

/// Newton steps for one batch, at most, and batches by which their end is judged.
const BATCH_STEPS: usize = 50;
const OTHER_BATCHES: u64 = 8;

fn stochastic(
    elbo: &mut Elbo,
    x0: &[f64],
    size: &Size,
    options: &Options,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Reached {
    let samples = size.per_step.next_multiple_of(elbo.chunk());
    let settings = StochasticSettings {
        tolerance: options.tolerance,
        most_steps: LARGEST_WALK / (elbo.work() * samples) as f64,
        ..StochasticSettings::default()
    };
    let mut objective = FreshDraws::new(elbo, samples, options.seed);
    let by_rows = objective.measured() < objective.dim();
    let measured = objective.measured() > 0;
    Reached {
        outcome: minimise_stochastic(&mut objective, x0, &settings, budget, progress),
        jumps: None,
        method: Method::Svi,
        samples,
        optimum: false,
        exact: false,
        error: None,
        tolerance: options.tolerance,
        by_rows,
        measured,
        response: None,
        notes: Vec::new(),
        precision: elbo.precision(),
    }
}

fn guide_name(model: &Model, guide: &dyn Guide) -> String {
    match is_written(model) {
        true => "written".into(),
        false => guide.name().into(),
    }
}

/// Whether the program's guide draws latents.
fn is_written(model: &Model) -> bool {
    model.blocks.iter().any(|b| b.role == Role::Noise)
}

/// Why there are fewer draws than asked for, if there are.
fn missing_draws(made: usize, affordable: usize, asked: usize) -> Option<Diagnostic> {
    if made < affordable {
        Some(error::few_draws(made, asked))
    } else if made < asked {
        Some(error::dear_draws(made, asked))
    } else {
        None
    }
}

fn report(
    model: &Model,
    guide: &dyn Guide,
    options: &Options,
    reached: Reached,
    (posterior, elbo): (Drawn, Estimate),
    affordable: usize,
    seconds: Seconds,
) -> Fit {
    let Verdict {
        mut sentence,
        mut messages,
        good,
    } = Verdict::of(&reached, model, guide);
    let Reached {
        outcome,
        method,
        samples,
        error,
        notes,
        precision,
        ..
    } = reached;
    messages.extend(notes);
    let guide_dim = outcome.x.len() - (model.size() - model.latent_size());
    let (own, learned) = outcome.x.split_at(guide_dim);
    let (mean, sd) = guide.moments(own);
    if outcome.stop == Stop::NonFinite {
        let centre = [mean.as_slice(), learned].concat();
        messages.extend(explain_non_finite(model, &centre));
    }
    if !elbo.mean.is_finite() {
        let bad = posterior.log_p.iter().filter(|p| !p.is_finite()).count();
        let warning = error::outside_support(bad, posterior.draws);
        if good {
            sentence = format!("Not to be trusted: {}.", warning.message);
        }
        messages.push(warning);
    }
    messages.extend(missing_draws(posterior.draws, affordable, options.draws));
    Fit {
        elbo,
        converged: good && elbo.mean.is_finite(),
        stop: outcome.stop,
        steps: outcome.steps,
        guide: guide_name(model, guide),
        method,
        precision,
        samples,
        monte_carlo: error,
        trace: outcome
            .trace
            .iter()
            .map(|&(s, value)| (s, -value))
            .collect(),
        seconds,
        verdict: sentence,
        messages,
        params: FitParams {
            guide: own.to_vec(),
            mean,
            sd,
            learned: learned.to_vec(),
            samples: match method {
                Method::Svi => 0,
                _ => samples,
            },
        },
        posterior: Posterior::of(model, posterior),
    }
}
