//! Turns a model into the parameters from which its guide is fitted.
//!
//! Several points of unconstrained space are tried. Each goes some way uphill on the log density; on
//! the way, guides centred where it has come to, with sds from the curvature there, are scored by their
//! ELBO, and the best of all is kept. The density's own maximum is not the aim: in a hierarchical model
//! it may be infinitely high and hold no probability.

use super::density::Density;
use super::error;
use super::explain::explain_non_finite;
use super::fit::FitParams;
use super::objective::{Elbo, FixedDraws};
use super::optim::{Budget, NewtonSettings, Objective, Stop, minimise_newton, unresolved};
use crate::diag::Diagnostic;
use crate::guide::Guide;
use crate::model::{Model, Role};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How starting points are looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct StartSettings {
    /// Points tried besides the origin.
    pub random: usize,
    /// Random points are uniform within this distance of 0 in each unconstrained coordinate, as in
    /// Stan.
    pub spread: f64,
    /// Random points drawn for each that turns out finite, at most.
    pub redraws: usize,
    /// Steps uphill between two scores.
    pub stage_steps: usize,
    /// Scores on the way from one point, at most.
    pub stages: usize,
    /// Up to this many coordinates each curvature is computed by itself; beyond, by probing.
    pub exact_curvature: usize,
    /// Random probes of the curvature of many coordinates.
    pub probes: usize,
}

impl Default for StartSettings {
    fn default() -> StartSettings {
        StartSettings {
            random: 3,
            spread: 2.0,
            redraws: 20,
            stage_steps: 10,
            stages: 6,
            exact_curvature: 50,
            probes: 16,
        }
    }
}

/// Where a fit starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    /// The guide's parameters, then the model's learned ones.
    pub(crate) x: Vec<f64>,
    /// Estimate from a few draws.
    pub(crate) elbo: f64,
    /// Fixed draws of which it is the optimum, if it is.
    pub(crate) draws: usize,
}

impl Start {
    fn at(x: Vec<f64>, elbo: f64) -> Start {
        Start { x, elbo, draws: 0 }
    }
}

/// The start of a guide that the program writes: where its parameters ask to start. The density of a single
/// point of noise has no peak that would tell of a better one.
pub(crate) fn written_start(
    model: &Model,
    told: &Model,
    guide: &dyn Guide,
    elbo: &mut Elbo,
    seed: u64,
) -> Result<Start, Diagnostic> {
    let point = origin(model);
    let (centre, learned) = point.split_at(model.latent_size());
    let draws = elbo.chunk();
    let mut score = FixedDraws::new(elbo, draws, seed);
    let mut g = vec![0.0; score.dim()];
    for sd in [1.0, 0.1, 1e-2, 1e-4] {
        let mut x = guide.init(centre, &vec![sd; centre.len()]);
        x.extend_from_slice(learned);
        if let Ok(value) = score.value_grad(&x, &mut g) {
            return Ok(Start::at(x, -value));
        }
    }
    Err(error::no_start(1, explain_non_finite(told, &origin(told))))
}

/// The parameters that an earlier fit has found. A guide of another family is centred where that one was.
pub(crate) fn earlier_end(
    earlier: &FitParams,
    model: &Model,
    guide: &dyn Guide,
) -> Result<Start, Diagnostic> {
    let FitParams {
        guide: own,
        mean,
        sd,
        learned,
        samples,
    } = earlier;
    let (latents, learn) = (model.latent_size(), model.size() - model.latent_size());
    let parameters: usize = guide.parameters().iter().map(|p| p.size).sum();
    // Those of another family have other moments.
    let moments = || (mean.clone(), sd.clone());
    let same = own.len() == parameters && (own.is_empty() || guide.moments(own) == moments());
    let centred = mean.len() == latents && sd.len() == latents;
    if !(same || centred) || learned.len() != learn {
        let (had, has) = ((mean.len(), learned.len()), (latents, learn));
        return Err(error::other_sizes(had, has));
    }
    let own = match same {
        true => own.clone(),
        false => guide.init(mean, sd),
    };
    Ok(Start {
        draws: *samples,
        ..Start::at([own.as_slice(), learned].concat(), f64::NAN)
    })
}

/// That place with its score, if the density is finite there.
pub(crate) fn earlier_start(from: &Start, elbo: &mut Elbo, seed: u64) -> Option<Start> {
    let draws = elbo.chunk();
    let mut score = FixedDraws::new(elbo, draws, seed);
    let (mut g, mut scale) = (vec![0.0; from.x.len()], vec![0.0; from.x.len()]);
    score.scale(&from.x, &mut scale);
    if unresolved(&from.x, &scale).is_some() {
        return None;
    }
    let value = score.value_grad(&from.x, &mut g).ok()?;
    Some(Start {
        elbo: -value,
        ..from.clone()
    })
}

/// The best start found; an error where the density is finite nowhere.
pub(crate) fn find_start(
    model: &Model,
    guide: &dyn Guide,
    density: Density,
    elbo: &mut Elbo,
    settings: &StartSettings,
    seed: u64,
    budget: &Budget,
) -> Result<Start, Diagnostic> {
    let draws = elbo.chunk();
    let mut search = Search {
        density: density.within(budget),
        score: FixedDraws::new(elbo, draws, seed),
        guide,
        latents: model.latent_size(),
        settings,
        seed,
        best: None,
    };
    let mut tried = 0;
    for attempt in 0..=settings.random as u64 {
        // The first attempt is always made, so that an interrupted search still has something to show.
        if attempt > 0 && budget.spent(0).is_some() {
            break;
        }
        let Some(point) = search.finite_point(model, attempt, &mut tried) else {
            continue;
        };
        search.climb(point, budget);
    }
    let best = search.best.take();
    best.ok_or_else(|| {
        let first = explain_non_finite(model, &origin(model));
        error::no_start(tried, first)
    })
}

struct Search<'a, 'e, 'm> {
    density: Density,
    score: FixedDraws<'e, 'm>,
    guide: &'a dyn Guide,
    latents: usize,
    settings: &'a StartSettings,
    seed: u64,
    best: Option<Start>,
}

impl Search<'_, '_, '_> {
    /// The origin or a random point, with a finite density.
    fn finite_point(&mut self, model: &Model, attempt: u64, tried: &mut usize) -> Option<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(attempt);
        let mut g = vec![0.0; model.size()];
        let redraws = if attempt == 0 {
            1
        } else {
            self.settings.redraws
        };
        for _ in 0..redraws {
            let mut point = origin(model);
            if attempt > 0 {
                let spread = self.settings.spread;
                let mut shift = || spread * (2.0 * rng.random::<f64>() - 1.0);
                point.iter_mut().for_each(|x| *x += shift());
            }
            *tried += 1;
            if self.density.value_grad(&point, &mut g).is_ok() {
                return Some(point);
            }
        }
        None
    }

    /// Goes uphill from a point and scores guides on the way, until it is at the top or scores fall.
    fn climb(&mut self, mut point: Vec<f64>, budget: &Budget) {
        let mut sd = self.sds(&point, &vec![1.0; point.len()]);
        let mut last = self.keep(&point, &sd);
        for _ in 0..self.settings.stages {
            let stage = Budget {
                max_steps: Some(self.settings.stage_steps),
                ..budget.clone()
            };
            self.density.scale.copy_from_slice(&sd);
            let newton = NewtonSettings {
                decrement: 1e-3,
                ..NewtonSettings::default()
            };
            let outcome = minimise_newton(&mut self.density, &point, &newton, &stage, &mut |_| ());
            point = outcome.x;
            sd = self.sds(&point, &sd);
            let score = self.keep(&point, &sd);
            // A score that falls by more than chance: the density's peak is not where its mass is.
            if outcome.stop != Stop::MaxSteps || score < last - 1.0 {
                return;
            }
            last = score;
        }
    }

    /// Sds of a Normal with the density's curvature at a point, one for each coordinate.
    fn sds(&mut self, point: &[f64], before: &[f64]) -> Vec<f64> {
        let curvature = if point.len() <= self.settings.exact_curvature {
            self.exact_curvature(point)
        } else {
            self.probed_curvature(point, before)
        };
        let usable = |(h, before): (f64, &f64)| {
            let sd = h.abs().powf(-0.5);
            if sd.is_finite() { sd } else { *before }
        };
        curvature.into_iter().zip(before).map(usable).collect()
    }

    fn exact_curvature(&mut self, point: &[f64]) -> Vec<f64> {
        let (mut axis, mut product) = (vec![0.0; point.len()], vec![0.0; point.len()]);
        let mut along = |i: usize| {
            axis.fill(0.0);
            axis[i] = 1.0;
            let done = self.density.hess_vec(point, &axis, &mut product);
            done.map_or(f64::NAN, |()| product[i])
        };
        (0..point.len()).map(&mut along).collect()
    }

    /// `E[v ⊙ Hv]` over random signs `v`, in units of the sds so far, so that a stiff coordinate does
    /// not drown the others (Bekas, Kokiopoulou & Saad 2007).
    fn probed_curvature(&mut self, point: &[f64], sd: &[f64]) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::MAX);
        let mut sum = vec![0.0; point.len()];
        let mut product = vec![0.0; point.len()];
        for _ in 0..self.settings.probes {
            let sign = |s: &f64| if rng.random::<bool>() { *s } else { -s };
            let probe: Vec<f64> = sd.iter().map(sign).collect();
            if self.density.hess_vec(point, &probe, &mut product).is_err() {
                return vec![f64::NAN; point.len()];
            }
            for ((sum, p), v) in sum.iter_mut().zip(&product).zip(&probe) {
                *sum += p / v;
            }
        }
        let probes = self.settings.probes as f64;
        sum.iter().map(|s| s / probes).collect()
    }

    /// Scores the guide at a point and keeps it if it is the best so far. Where some draws are not
    /// finite the widest sds are drawn in until all are.
    fn keep(&mut self, point: &[f64], sd: &[f64]) -> f64 {
        let (centre, learned) = point.split_at(self.latents);
        let mut g = vec![0.0; self.score.dim()];
        let mut scale = g.clone();
        for longest in [f64::INFINITY, 1e3, 30.0, 3.0, 1.0, 0.1, 1e-2, 1e-4] {
            let sd: Vec<f64> = sd[..self.latents].iter().map(|s| s.min(longest)).collect();
            let mut x = self.guide.init(centre, &sd);
            x.extend_from_slice(learned);
            self.score.scale(&x, &mut scale);
            if unresolved(&x, &scale).is_some() {
                // The density's peak is a spike that no guide can stand on.
                return f64::NEG_INFINITY;
            }
            let Ok(value) = self.score.value_grad(&x, &mut g) else {
                continue;
            };
            if self.best.as_ref().is_none_or(|b| -value > b.elbo) {
                self.best = Some(Start::at(x, -value));
            }
            return -value;
        }
        f64::NEG_INFINITY
    }
}

/// 0 for latents, and where learned parameters ask to start.
pub(super) fn origin(model: &Model) -> Vec<f64> {
    let start = |b: &crate::model::Block| match (&b.init, b.role) {
        (Some(init), Role::Param) => init.clone(),
        _ => vec![0.0; b.size],
    };
    model.blocks.iter().flat_map(start).collect()
}
