//! Discrete latents that are sampled: a factor of the guide for each element, and what tells the gradient of its
//! parameters.
//!
//! A draw is a function of noise that has no derivative. The gradient of `E_q[f]` by the parameters of `q(zᵢ)` is
//! `E_q[(fᵢ − b) ∇ log q(zᵢ)]`, the *score function estimator*, in which `fᵢ` need hold only those summands of the log
//! density that `zᵢ` reaches, its Markov blanket (Rao-Blackwellisation), and `b` may be anything that does not depend on
//! `zᵢ`. Which summands those are follows from the references by which elements are read, as for sums; `b` is chosen
//! where several draws meet, in the objective.
//!
//! Sources: Ranganath, Gerrish & Blei, Black box variational inference (2014).

use super::super::term::Observed;
use super::super::value::{AxisList, Value};
use super::super::{Lowerer, Result, error};
use super::{Factor, Sampling};
use crate::check::program::{Expr, Target, VarId};
use crate::dist::{KEY, Support};
use crate::graph::{Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Role, Scored};
use std::collections::BTreeMap;

/// A latent that is sampled.
#[derive(Clone, Default)]
pub(super) struct Sampled<'g> {
    draws: Vec<Drawn<'g>>,
    pub extents: Vec<usize>,
}

/// Elements of a sampled latent that one statement draws.
#[derive(Clone)]
pub(super) struct Drawn<'g> {
    /// The elements among those of the array, flat, once its extents are known; for each its indices.
    places: Vec<Vec<usize>>,
    /// `[elements]`: the logarithm of the guide's probability of what was drawn.
    log_q: Var<'g>,
    /// What a row of batches counts, `[elements]`.
    weights: Option<Var<'g>>,
}

/// Summands, a row for each, with the sampled elements that reach them: `(row, latent, element)`.
pub(super) struct Reached<'g> {
    pub values: Var<'g>,
    pub by: Vec<(usize, VarId, usize)>,
}

/// Log probability of what is impossible, whose softmax is 0.
const IMPOSSIBLE: f64 = -1e30;

/// Where the sd of a rounded Normal starts, in units of the root of its mean.
const WIDE: f64 = 1.0;

impl<'g> Lowerer<'_, 'g> {
    /// A factor of the guide for what a statement draws: values that noise chooses, of a support with bounds of
    /// `[axes…, array…]`.
    pub(super) fn define_sampled(
        &mut self,
        target: &Target,
        support: &Support<'g>,
        mean: Option<Var<'g>>,
        batch: &[usize],
        axes: &AxisList,
    ) -> Result<()> {
        let name = self.program.variable(target.var).name.clone();
        let noise = self.new_noise(format!("noise of {name}"), batch, axes);
        let (lower, upper) = support.bounds();
        let wide = |bound: Var<'g>| bound.broadcast(batch).as_const();
        let known = (lower.and_then(wide), upper.and_then(wide));
        let (value, log_q) = match known {
            (Some(lower), Some(upper)) => {
                let least = lower.data().iter().copied().fold(f64::INFINITY, f64::min);
                let most = upper
                    .data()
                    .iter()
                    .copied()
                    .fold(f64::NEG_INFINITY, f64::max);
                let states: Vec<f64> = (0..=(most - least).max(0.0) as usize)
                    .map(|k| least + k as f64)
                    .collect();
                let logits = self.logits(&name, batch, &states, axes);
                let possible = (0..lower.numel()).flat_map(|i| {
                    let (low, high) = (lower.data()[i], upper.data()[i]);
                    states
                        .iter()
                        .map(move |s| f64::from(u8::from(*s >= low && *s <= high)))
                });
                let possible = Tensor::new(
                    batch.iter().copied().chain([states.len()]).collect(),
                    possible.collect(),
                );
                let possible = self.graph.constant(possible);
                let log_probs = possible.select(logits, IMPOSSIBLE).log_softmax();
                chosen(log_probs, noise.phi(), &states)
            }
            (Some(lower), None) => {
                let lower = self.graph.constant(lower);
                self.rounded(&name, batch, lower, mean, noise, axes)
            }
            _ => {
                let none = self.graph.scalar(f64::NEG_INFINITY).broadcast(batch);
                self.rounded(&name, batch, none, mean, noise, axes)
            }
        };
        let minus = Value {
            var: -log_q.stop_gradient(),
            axes: axes.clone(),
            ragged: None,
        };
        self.keep_sampled(target, (value, log_q), minus, batch, axes)
    }

    /// What the guide of the program draws of a discrete latent.
    pub(in super::super) fn define_by_guide(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
    ) -> Result<()> {
        let name = self.program.variable(target.var).name.clone();
        let d = self.distribution(dist)?;
        if !d.event.is_empty() {
            let family = d.family.declaration().name;
            return Err(vec![error::not_inferred(
                target.span,
                &name,
                dist.span,
                family,
            )]);
        }
        self.expect_drawn_at_all_states(target, axes)?;
        self.drawn = true;
        let mut batch: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        batch.extend(&d.array);
        let site = super::Site {
            lower: 0.0,
            upper: 0.0,
            extents: Vec::new(),
            value: None,
            span: target.span,
        };
        if self.discrete.wanted.get(&target.var) != Some(&Sampling::Untracked) {
            self.discrete.sites.entry(target.var).or_insert(site);
        }
        // What is sampled too has axes of extent 1 here.
        let wide = self.with_states(&d, axes);
        let full: Vec<usize> = wide.iter().map(|a| self.extent(*a)).collect();
        let full = [full.as_slice(), &d.array].concat();
        let (support, ..) = self.own_support(&d, &wide, d.array.len(), dist.span)?;
        let (value, log_q) = match super::ends(&support) {
            Some((least, most)) => {
                let states: Vec<f64> = (0..=(most - least) as usize)
                    .map(|k| least + k as f64)
                    .collect();
                let (lower, upper) = support.bounds();
                let mut columns = Vec::new();
                for &state in &states {
                    let x = Value::plain(self.graph.scalar(state));
                    let (log_prob, own) = self.log_prob(&d, &x, dist.span)?;
                    let log_prob = Value {
                        var: log_prob,
                        axes: own,
                        ragged: None,
                    };
                    let log_prob = self.align(&log_prob, &wide).broadcast(&full);
                    let state = self.graph.scalar(state).broadcast(&full);
                    let low = lower.map_or(log_prob, |b| {
                        state.ge(b.broadcast(&full)).select(log_prob, IMPOSSIBLE)
                    });
                    let both = upper.map_or(low, |b| {
                        state.le(b.broadcast(&full)).select(low, IMPOSSIBLE)
                    });
                    columns.push(both.reshape(&batch).unsqueeze(0));
                }
                let noise = self.new_noise(format!("noise of {name}"), &batch, axes);
                let log_probs = crate::ops::concat(&columns, 0);
                chosen(log_probs, noise.phi(), &states)
            }
            None => {
                let noise = self.new_noise(format!("noise of {name}"), &[KEY], &AxisList::new());
                let key = (noise.phi() * f64::from(u32::MAX)).floor();
                let serial = super::LAST_SERIAL - self.graph.origin().0;
                let value = self.draw_of(&d, &wide, &d.array, (key, serial), dist.span)?;
                let (log_prob, own) = self.log_prob(&d, &value, dist.span)?;
                let log_prob = Value {
                    var: log_prob,
                    axes: own,
                    ragged: None,
                };
                let log_q = self
                    .align(&log_prob, &wide)
                    .broadcast(&full)
                    .reshape(&batch);
                (self.spread(&value, &wide).reshape(&batch), log_q)
            }
        };
        let minus = Value {
            var: -log_q.stop_gradient().reshape(&full),
            axes: wide,
            ragged: None,
        };
        self.keep_sampled(target, (value, log_q), minus, &batch, axes)
    }

    /// Keeps what was sampled, `[axes…, array…]`, and the guide's part of the ELBO: that its gradient is 0 on average is no
    /// reason to add noise.
    fn keep_sampled(
        &mut self,
        target: &Target,
        (value, log_q): (Var<'g>, Var<'g>),
        minus_log_q: Value<'g>,
        batch: &[usize],
        axes: &AxisList,
    ) -> Result<()> {
        let name = format!("guide of {}", self.program.variable(target.var).name);
        self.add_term(name, &minus_log_q, axes, Observed::default(), target.span)?;
        let value = value.stop_gradient();
        let places = match target.indices.len() {
            0 => (0..numel(batch)).map(|k| vec![k]).collect(),
            n => self
                .places(target, axes)?
                .chunks(n)
                .map(<[usize]>::to_vec)
                .collect(),
        };
        let ones = self.graph.scalar(1.0).broadcast(batch);
        let weights = self.weighted(ones, axes);
        let flat = |v: Var<'g>| v.reshape(&[v.numel()]);
        let drawn = Drawn {
            places,
            log_q: flat(log_q),
            weights: (weights.id != ones.id).then(|| flat(weights)),
        };
        let sampled = self.discrete.sampled.entry(target.var);
        sampled.or_default().draws.push(drawn);
        self.bind_target(target, value, axes, None)
    }

    /// Learned numbers `[batch…, each…]`, for all rows of which a step takes its own.
    fn learned(
        &mut self,
        name: String,
        batch: &[usize],
        each: &[usize],
        start: &[f64],
        axes: &AxisList,
    ) -> Var<'g> {
        let shape = [batch, each].concat();
        let (total, at) = match self.is_local(axes) {
            true => {
                let (total, at, size) = self.stored_numbers(axes, batch, numel(each));
                (total, Some((at, size)))
            }
            false => (numel(&shape), None),
        };
        let input = self.graph.input(&[total]);
        self.blocks.push(Block {
            name,
            role: Role::Param,
            input: input.id,
            size: total,
            value: input.id,
            places: (0..total).collect(),
            support: BlockSupport::new(&Support::REAL, &[]),
            init: Some(start.iter().cycle().take(total).copied().collect()),
        });
        match at {
            Some((at, size)) => input
                .reshape(&[total / size, size])
                .gather(1, at)
                .reshape(&shape),
            None => input.reshape(&shape),
        }
    }

    /// Logarithms of the probabilities of states, but for a common constant: that of the first is 0.
    fn logits(&mut self, name: &str, batch: &[usize], states: &[f64], axes: &AxisList) -> Var<'g> {
        let others = states.len() - 1;
        let logits = self.learned(format!("logits of {name}"), batch, &[others], &[0.0], axes);
        logits.pad(0, 1, 0)
    }

    /// `max(lower, round(m + s ε))`, and its log probability: a Normal whose intervals around whole numbers count.
    fn rounded(
        &mut self,
        name: &str,
        batch: &[usize],
        lower: Var<'g>,
        mean: Option<Var<'g>>,
        noise: Var<'g>,
        axes: &AxisList,
    ) -> (Var<'g>, Var<'g>) {
        let mean = mean.and_then(|m| m.broadcast(batch).as_const());
        let starts: Vec<f64> = match (&mean, self.is_local(axes)) {
            (Some(mean), false) => mean.data().to_vec(),
            _ => vec![1.0],
        };
        let spreads: Vec<f64> = starts
            .iter()
            .map(|m| (WIDE * m.abs().max(1.0).sqrt()).ln())
            .collect();
        let m = self.learned(format!("mean of {name}"), batch, &[], &starts, axes);
        let log_s = self.learned(format!("log sd of {name}"), batch, &[], &spreads, axes);
        let s = log_s.exp();
        let value = ((m + s * noise) + 0.5).floor().max(lower).stop_gradient();
        // log(Φ(b) − Φ(a)) on the side where both are small; from the lower bound on all that lies below it too.
        let (a, b) = ((value - 0.5 - m) / s, (value + 0.5 - m) / s);
        let right = (a + b).gt(0.0);
        let (low, high) = (right.select(-b, a), right.select(-a, b));
        let (low, high) = (low.log_phi(), high.log_phi());
        let between = high + (-(low - high).exp()).log1p();
        let log_q = value.gt(lower).select(between, b.log_phi());
        (value, log_q)
    }

    /// The elements of sampled latents that a table's rows are reached by.
    pub(super) fn reached_by(&self, factor: &Factor<'g>, row: usize) -> Vec<(VarId, usize)> {
        let of = |(&r, places): (&usize, &Vec<Vec<usize>>)| {
            let var = self.discrete.references[r].var;
            let sampled = self.discrete.sampled.contains_key(&var);
            let elements = if sampled {
                places[row].clone()
            } else {
                Vec::new()
            };
            elements.into_iter().map(move |k| (var, k))
        };
        let pairs = factor.references.iter().zip(&factor.places);
        let mut all: Vec<(VarId, usize)> = pairs.flat_map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What gradients of the guide's factors are made of: for each element the logarithm of its probability, and the
    /// summands of the ELBO that it reaches.
    pub(super) fn score(&mut self, reached: &[Reached<'g>]) {
        let mut first: BTreeMap<VarId, usize> = BTreeMap::new();
        let mut total = 0;
        for (var, sampled) in &self.discrete.sampled {
            first.insert(*var, total);
            total += numel(&sampled.extents);
        }
        if total == 0 {
            return;
        }
        let numbers = |places: Vec<usize>| {
            let places = places.into_iter().map(|k| k as f64).collect::<Vec<_>>();
            self.graph.constant(Tensor::vector(places))
        };
        let mut log_q = self.graph.scalar(0.0).broadcast(&[total]);
        let mut advantage = log_q;
        let all = self.terms.iter().map(|t| self.graph.var(t.node));
        let all = all.reduce(|a, b| a + b).unwrap_or(self.graph.scalar(0.0));
        for (var, sampled) in &self.discrete.sampled {
            let extents = &sampled.extents;
            let untracked = self.discrete.wanted.get(var) == Some(&Sampling::Untracked);
            if untracked {
                let own = numbers((0..numel(extents)).map(|k| first[var] + k).collect());
                let all = all.broadcast(&[numel(extents)]);
                advantage = advantage + all.scatter_add(0, total, own);
            }
            for drawn in &sampled.draws {
                let place = |indices: &Vec<usize>| match indices.len() == extents.len() {
                    true => super::super::value::flat_index(indices, extents),
                    false => indices[0],
                };
                let to = drawn.places.iter().map(|i| first[var] + place(i)).collect();
                let to = numbers(to);
                log_q = log_q + drawn.log_q.scatter_add(0, total, to);
                // All summands have this one among them.
                if untracked {
                    continue;
                }
                let own = drawn.weights.map_or(drawn.log_q, |w| drawn.log_q * w);
                advantage = advantage - own.scatter_add(0, total, to);
            }
        }
        for Reached { values, by } in reached {
            if by.is_empty() {
                continue;
            }
            let rows = numbers(by.iter().map(|(row, ..)| *row).collect());
            let to = numbers(by.iter().map(|(_, var, k)| first[var] + k).collect());
            let all = values.reshape(&[values.numel()]);
            advantage = advantage + all.gather(0, rows).scatter_add(0, total, to);
        }
        self.scored.push(Scored {
            log_q: log_q.id,
            advantage: advantage.stop_gradient().id,
        });
    }
}

/// The state that a uniform number chooses, and its log probability, for log probabilities `[…, states]`.
fn chosen<'g>(log_probs: Var<'g>, uniform: Var<'g>, states: &[f64]) -> (Var<'g>, Var<'g>) {
    let graph = log_probs.graph;
    let below = log_probs.stop_gradient().exp().cumsum(0);
    let n = states.len();
    // Rounding must not choose a state beyond the last.
    let passed = uniform.unsqueeze(0).gt(below.slice(0, 0, n - 1));
    let index = passed.sum_axes(&[0]);
    let all = graph.constant(Tensor::vector((0..n).map(|k| k as f64).collect::<Vec<_>>()));
    let hit = index.unsqueeze(0).eq(all);
    let log_q = hit.select(log_probs, 0.0).sum_axes(&[0]);
    (index + states[0], log_q)
}
