//! The evidence lower bound, with the guide's entropy in closed form.
//!
//! One graph holds the estimate from a fixed number of draws, a *chunk*; any number of draws is so
//! many runs of the same tape with other noise, added up in a fixed order.

use super::rows::Batches;
use super::team::{Job, Team};
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Rebuild, Tensor, Var};
use crate::guide::Guide;
use crate::infer::draws::antithetic_whitened;
use crate::infer::later::Later;
use crate::infer::noise::{antithetic_normals, normals};
use crate::infer::optim::{Budget, NonFinite, Objective, StochasticObjective};
use crate::model::{Model, Role, Scored};
use crate::tape::{AnyTape, Precision, Reuse};

/// `−ELBO(φ, θ) = −(1/S) Σₛ [log p(u(φ, εₛ), θ) + log |dx/du|] − H(q_φ)`, in nats, with gradient and
/// Hessian products.
///
/// The flat argument is the guide's parameters `φ`, then the model's learned ones `θ`. Where a model
/// has no latents it is the log density itself.
pub struct Elbo<'m> {
    guide: &'m dyn Guide,
    /// Inputs for `φ` and `θ`.
    params: usize,
    precision: Precision,
    gradient: Team,
    product: Later<Team>,
    /// Whether gradients of some latents are told by scores.
    scores: bool,
    /// Which rows of the data are looked at, if not all.
    batches: Option<Batches>,
    /// What evaluations are given before their noise: the point, and rows.
    given: Vec<f64>,
    /// Value and gradient of the last evaluation.
    means: Vec<f64>,
    threads: usize,
    dim: usize,
    guide_dim: usize,
    chunk: usize,
}

impl<'m> Elbo<'m> {
    /// Compiles the estimate from `chunk` draws. Value and derivatives are computed in the precision
    /// asked for; sums over chunks are in double precision.
    pub fn new(
        model: &Model,
        guide: &'m dyn Guide,
        chunk: usize,
        precision: Precision,
    ) -> Elbo<'m> {
        let graph = Graph::new();
        let chunk = if guide.noise_size() == 0 {
            1
        } else {
            chunk.max(1)
        };
        let inputs = Inputs::new(&graph, model, guide, chunk);
        let value = inputs.negative_elbo(model, guide);
        let gradients = grad(value, &inputs.params);
        let params: Vec<NodeId> = inputs.params.iter().map(|p| p.id).collect();
        let noise = inputs.noise.map(|n| n.id);
        let rows: Vec<NodeId> = inputs.rows.iter().map(|r| r.id).collect();
        let given = [&params, &rows, noise.as_slice()].concat();
        let wanted: Vec<NodeId> = std::iter::once(value.id)
            .chain(gradients.iter().map(|g| g.id))
            .collect();
        let gradient = Team::new(precision.compile(&model.reuse, &graph, &given, &wanted));
        let guide_dim = guide.parameters().iter().map(|p| p.size).sum();
        let dim = guide_dim + model.size() - model.latent_size();
        let (value, count, reuse) = (value.id, params.len(), model.reuse.clone());
        Elbo {
            guide,
            params: count,
            precision,
            gradient,
            product: Later::new(move || {
                let others = [&rows, noise.as_slice()].concat();
                Team::new(products(
                    &reuse,
                    (&graph, value),
                    &params,
                    &others,
                    precision,
                ))
            }),
            scores: !model.scored.is_empty(),
            batches: model.rows.as_ref().map(Batches::new),
            given: Vec::new(),
            means: Vec::new(),
            threads: 1,
            dim,
            guide_dim,
            chunk,
        }
    }

    /// Length of the flat argument.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Length of its first part, the guide's parameters.
    pub fn guide_dim(&self) -> usize {
        self.guide_dim
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Coordinates that a parameter of the guide moves, the first of its parameters.
    pub fn locations(&self) -> usize {
        self.guide.locations()
    }

    /// Draws in one run of the tape.
    pub fn chunk(&self) -> usize {
        self.chunk
    }

    /// Whether there is no noise to average over.
    pub fn is_exact(&self) -> bool {
        self.guide.noise_size() == 0
    }

    /// Natural length of each coordinate: the guide's, and 1 for learned parameters.
    pub fn scale(&self, x: &[f64], out: &mut [f64]) {
        let (guide, model) = out.split_at_mut(self.guide_dim);
        self.guide.scale(&x[..self.guide_dim], guide);
        model.fill(1.0);
    }

    /// Shares out large evaluations among threads. No bit of any result depends on how many.
    pub fn with_threads(self, threads: usize) -> Elbo<'m> {
        Elbo { threads, ..self }
    }

    /// Begins to compile Hessian products, if there is a thread for it; else that is done when one is
    /// asked for.
    pub fn with_products(mut self) -> Elbo<'m> {
        if self.threads > 1 {
            self.product.begin();
        }
        self
    }

    /// Elementary operations that value and gradient take for one draw, roughly: a measure of what
    /// they cost that is the same in every run of a build.
    pub fn work(&self) -> usize {
        (self.gradient.work() / self.chunk).max(1)
    }

    /// Value and gradient, averaged over chunks of `noise`.
    fn value_grad(
        &mut self,
        x: &[f64],
        noise: &[f64],
        budget: Option<&Budget>,
        g: &mut [f64],
    ) -> Result<f64, NonFinite> {
        let size = self.chunk * self.guide.noise_size();
        let rows = self.fill(x);
        let inputs = self.params + rows;
        let job = Job::new(&self.given, inputs, noise, size, self.threads, budget);
        self.means.resize(1 + g.len(), 0.0);
        self.gradient.mean(&job, &mut self.means)?;
        g.copy_from_slice(&self.means[1..]);
        Ok(self.means[0])
    }

    /// The Hessian times `v`, averaged over chunks of `noise`.
    fn hess_vec(
        &mut self,
        x: &[f64],
        v: &[f64],
        noise: &[f64],
        budget: Option<&Budget>,
        out: &mut [f64],
    ) -> Result<(), NonFinite> {
        let size = self.chunk * self.guide.noise_size();
        let rows = self.fill(&[x, v].concat());
        let inputs = 2 * self.params + rows;
        let job = Job::new(&self.given, inputs, noise, size, self.threads, budget);
        self.product.get().mean(&job, out)
    }

    /// What evaluations are given: `x`, then rows, whose inputs it counts.
    fn fill(&mut self, x: &[f64]) -> usize {
        self.given.clear();
        self.given.extend_from_slice(x);
        self.batches
            .as_ref()
            .map_or(0, |b| b.extend(&mut self.given))
    }

    /// Looks at the rows of a step.
    fn turn_to(&mut self, step: u64, seed: u64) {
        if let Some(batches) = &mut self.batches {
            batches.turn_to(step, seed);
        }
    }
}

/// The tape of Hessian products along inputs of their own, which follow `params`.
fn products(
    reuse: &Reuse,
    (graph, value): (&Graph, NodeId),
    params: &[NodeId],
    others: &[NodeId],
    precision: Precision,
) -> AnyTape {
    let params: Vec<Var> = params.iter().map(|&p| graph.var(p)).collect();
    let along: Vec<Var> = params.iter().map(|p| graph.input(&p.shape())).collect();
    let products = hvp(graph.var(value), &params, &along);
    let given = params
        .iter()
        .chain(&along)
        .map(|p| p.id)
        .chain(others.iter().copied());
    let wanted: Vec<NodeId> = products.iter().map(|p| p.id).collect();
    precision.compile(reuse, graph, &given.collect::<Vec<_>>(), &wanted)
}

/// What the graph of an objective is a function of.
pub(crate) struct Inputs<'g> {
    /// The guide's parameters, then the model's learned blocks.
    pub(crate) params: Vec<Var<'g>>,
    /// `[chunk, noise_size]`; absent where there are no latents.
    pub(crate) noise: Option<Var<'g>>,
    /// The rows that a step looks at, what they count for and what they hold; empty where it looks at all.
    pub(crate) rows: Vec<Var<'g>>,
    graph: &'g Graph,
    guide_blocks: usize,
    chunk: usize,
}

impl<'g> Inputs<'g> {
    pub(crate) fn new(
        graph: &'g Graph,
        model: &Model,
        guide: &dyn Guide,
        chunk: usize,
    ) -> Inputs<'g> {
        let sizes: Vec<usize> = guide.parameters().iter().map(|p| p.size).collect();
        let learned = model.blocks.iter().filter(|b| b.role == Role::Param);
        let all = sizes.iter().copied().chain(learned.map(|b| b.size));
        let noise = guide.noise_size();
        Inputs {
            params: all.map(|n| graph.input(&[n])).collect(),
            noise: (noise > 0).then(|| graph.input(&[chunk, noise])),
            rows: told(model)
                .into_iter()
                .map(|input| graph.input(&model.graph.var(input).shape()))
                .collect(),
            graph,
            guide_blocks: sizes.len(),
            chunk,
        }
    }

    /// The guide's own parameters.
    pub(crate) fn guide_params(&self) -> &[Var<'g>] {
        &self.params[..self.guide_blocks]
    }

    /// A walk over the model's graph in which every block is replaced: latents by the guide's draws,
    /// which carry the sample axis, learned parameters by their inputs, which do not.
    pub(crate) fn walk<'s>(&self, model: &'s Model, guide: &dyn Guide) -> Rebuild<'s, 'g> {
        let mut walk = Rebuild::batched(&model.graph, self.graph, self.chunk);
        let latents = model.blocks.iter().filter(|b| b.role != Role::Param);
        match self.noise {
            Some(noise) => {
                let draws = guide.sample(self.guide_params(), noise);
                for (block, draw) in latents.zip(draws) {
                    walk.substitute(block.input, draw, true);
                }
            }
            // All blocks are empty, as arrays over no data are.
            None => {
                let nothing = self.graph.constant(Tensor::vector([]));
                latents.for_each(|block| walk.substitute(block.input, nothing, false));
            }
        }
        let learned = model.blocks.iter().filter(|b| b.role == Role::Param);
        for (block, value) in learned.zip(&self.params[self.guide_blocks..]) {
            walk.substitute(block.input, *value, false);
        }
        for (input, value) in told(model).into_iter().zip(&self.rows) {
            walk.substitute(input, *value, false);
        }
        walk
    }

    fn negative_elbo(&self, model: &Model, guide: &dyn Guide) -> Var<'g> {
        let mut walk = self.walk(model, guide);
        let parts = walk.emit_batched(&[model.log_joint, model.log_jacobian]);
        let mut sum = (parts[0] + parts[1]).sum();
        for Scored { log_q, advantage } in &model.scored {
            let found = walk.emit_batched(&[*log_q, *advantage]);
            sum = sum + score(found[0], found[1]);
        }
        let mean = sum / self.chunk as f64;
        match self.noise {
            Some(_) => -(mean + guide.entropy(self.guide_params(), self.graph)),
            None => -mean,
        }
    }
}

/// 0, whose derivative is that of the score function estimator, `Σ (advantage − b) ∇ log q`, with the mean advantage of
/// the other draws as baseline `b`. Both are `[draws, elements]`, of independent draws.
///
/// Kool, van Hoof & Welling, Buy 4 REINFORCE samples, get a baseline for free! (2019); with all summands of the ELBO as
/// advantage it is VarGrad (Richter et al. 2020).
fn score<'g>(log_q: Var<'g>, advantage: Var<'g>) -> Var<'g> {
    let draws = advantage.shape()[0];
    let centred = match draws {
        1 => advantage,
        n => {
            let mean = advantage.sum_axes(&[1]) / n as f64;
            (advantage - mean.broadcast(&advantage.shape())) * (n as f64 / (n as f64 - 1.0))
        }
    };
    let weighted = centred.stop_gradient() * log_q;
    (weighted - weighted.stop_gradient()).sum()
}

/// The inputs by which a model is told its rows, if it is.
fn told(model: &Model) -> Vec<NodeId> {
    model.rows.as_ref().map_or(Vec::new(), |rows| rows.inputs())
}

/// The deterministic objective: the same draws at every point.
///
/// Giordano, Ingram & Broderick (2024), with antithetic whitened draws.
pub struct FixedDraws<'e, 'm> {
    elbo: &'e mut Elbo<'m>,
    noise: Vec<f64>,
    /// Numbers of `noise` that Hessian products average over.
    curved: usize,
    budget: Option<Budget>,
}

impl<'e, 'm> FixedDraws<'e, 'm> {
    /// Fixes `draws` draws, rounded up to whole chunks.
    pub fn new(elbo: &'e mut Elbo<'m>, draws: usize, seed: u64) -> FixedDraws<'e, 'm> {
        let draws = draws.next_multiple_of(elbo.chunk);
        let noise = antithetic_whitened(draws, elbo.guide.noise_size(), seed);
        FixedDraws {
            elbo,
            curved: noise.len(),
            noise,
            budget: None,
        }
    }

    /// The same for the rows of one batch, each of which counts for many.
    pub fn of_batch(elbo: &'e mut Elbo<'m>, draws: usize, seed: u64) -> FixedDraws<'e, 'm> {
        elbo.turn_to(0, seed);
        FixedDraws::new(elbo, draws, seed)
    }

    /// Gives up within an evaluation once time is up or a stop was asked for; what is asked for then
    /// counts as not finite.
    pub fn within(self, budget: &Budget) -> FixedDraws<'e, 'm> {
        FixedDraws {
            budget: Some(budget.clone()),
            ..self
        }
    }

    /// Takes Hessian products from the first `draws` draws alone: enough to point the way down.
    ///
    /// Roosta-Khorasani & Mahoney (2019), "Sub-sampled Newton methods".
    pub fn with_curvature_of(self, draws: usize) -> FixedDraws<'e, 'm> {
        let draws = draws.next_multiple_of(self.elbo.chunk);
        let curved = (draws * self.elbo.guide.noise_size()).min(self.noise.len());
        FixedDraws { curved, ..self }
    }

    /// Whether [`FixedDraws::with_curvature_of`] left any draw out.
    pub fn is_subsampled(&self) -> bool {
        self.curved < self.noise.len()
    }

    /// The same objective with Hessian products from all of its draws.
    pub fn with_whole_curvature(&mut self) -> FixedDraws<'_, 'm> {
        FixedDraws {
            elbo: self.elbo,
            noise: self.noise.clone(),
            curved: self.noise.len(),
            budget: self.budget.clone(),
        }
    }

    /// The same objective with other draws.
    pub fn redrawn(&mut self, draws: usize, seed: u64) -> FixedDraws<'_, 'm> {
        FixedDraws {
            budget: self.budget.clone(),
            ..FixedDraws::new(self.elbo, draws, seed)
        }
    }
}

impl Objective for FixedDraws<'_, '_> {
    fn dim(&self) -> usize {
        self.elbo.dim
    }

    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        self.elbo
            .value_grad(x, &self.noise, self.budget.as_ref(), g)
    }

    fn hess_vec(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        let noise = &self.noise[..self.curved];
        self.elbo.hess_vec(x, v, noise, self.budget.as_ref(), out)
    }

    fn scale(&self, x: &[f64], out: &mut [f64]) {
        self.elbo.scale(x, out);
    }

    fn epsilon(&self) -> f64 {
        self.elbo.precision.epsilon()
    }
}

/// The stochastic objective: fresh antithetic draws at every step.
pub struct FreshDraws<'e, 'm> {
    elbo: &'e mut Elbo<'m>,
    noise: Vec<f64>,
    seed: u64,
}

impl<'e, 'm> FreshDraws<'e, 'm> {
    /// Takes `draws` draws a step, rounded up to whole chunks.
    pub fn new(elbo: &'e mut Elbo<'m>, draws: usize, seed: u64) -> FreshDraws<'e, 'm> {
        let draws = draws.next_multiple_of(elbo.chunk);
        let noise = vec![0.0; draws * elbo.guide.noise_size()];
        FreshDraws { elbo, noise, seed }
    }
}

impl StochasticObjective for FreshDraws<'_, '_> {
    fn dim(&self) -> usize {
        self.elbo.dim
    }

    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite> {
        let width = self.elbo.guide.noise_size();
        match self.elbo.scores {
            // Baselines are of draws that know nothing of each other.
            true => normals(self.seed, seed_step, &mut self.noise),
            false => antithetic_normals(self.seed, seed_step, width, &mut self.noise),
        }
        self.elbo.turn_to(seed_step, self.seed);
        self.elbo.value_grad(x, &self.noise, None, g)
    }

    fn scale(&self, x: &[f64], out: &mut [f64]) {
        self.elbo.scale(x, out);
    }

    /// Of a model in batches only the guide's parameters: networks' weights and numbers for every row are too
    /// many to ask for all of them to come to rest. Nor do logits of what is all but certain.
    fn measured(&self) -> usize {
        match self.elbo.batches.is_some() || self.elbo.scores {
            true => self.elbo.guide_dim,
            false => self.elbo.dim,
        }
    }

    fn rows(&self) -> usize {
        self.elbo.batches.as_ref().map_or(1, Batches::total)
    }
}
