//! Turns a smooth objective into its minimum from gradients alone, by limited-memory BFGS.
//!
//! The inverse Hessian is that of the objective's scale, squared, corrected by what the last few
//! steps did to the gradient.

use std::collections::VecDeque;

use super::line_search::{Trial, strong_wolfe};
use super::run::Descent;
use super::{Budget, Objective, Outcome, Progress, Stop, add_scaled, dot, max_product};

/// How L-BFGS goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct LbfgsSettings {
    /// Steps remembered.
    pub memory: usize,
    /// Stop when three steps running promised less than this, in nats, and gave no more.
    pub decrement: f64,
    /// Stop when no coordinate of the gradient, in nats per natural length, is larger.
    pub gradient: f64,
    /// Longest first step, in natural lengths: nothing is known of the curvature yet.
    pub first_step: f64,
}

impl Default for LbfgsSettings {
    fn default() -> LbfgsSettings {
        LbfgsSettings {
            memory: 20,
            decrement: 1e-8,
            gradient: 1e-6,
            first_step: 1.0,
        }
    }
}

/// Minimises by L-BFGS with a strong Wolfe line search.
///
/// A non-finite trial point shortens the step. Where the line search fails, the memory is dropped
/// and the steepest descent in units of the scale is tried before giving up. Liu & Nocedal (1989).
/// Arguments and outcome are as for [`minimise_newton`](super::minimise_newton).
pub fn minimise_lbfgs(
    objective: &mut dyn Objective,
    x0: &[f64],
    settings: &LbfgsSettings,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let mut descent = match Descent::start(objective, x0, progress) {
        Ok(descent) => descent,
        Err(outcome) => return outcome,
    };
    let mut memory = Memory::new(settings.memory.max(1));
    let mut quiet = 0;
    loop {
        if let Some(stop) = budget.spent(descent.steps) {
            return descent.end(stop);
        }
        let scale = descent.objective.scale(&descent.x);
        if max_product(&descent.g, &scale) <= settings.gradient || quiet == 3 {
            return descent.end(Stop::Converged);
        }
        let mut direction = memory.direction(&descent.g, &scale);
        if dot(&direction, &descent.g) >= 0.0 {
            memory.clear();
            direction = memory.direction(&descent.g, &scale);
        }
        let promised = -0.5 * dot(&direction, &descent.g);
        let first = if memory.is_empty() {
            first_length(&direction, &scale, settings.first_step)
        } else {
            1.0
        };
        // A step that keeps none of its promise says that what is remembered is wrong.
        let idle =
            |found: &Trial, value: f64| found.value >= value && promised >= settings.decrement;
        let found = search(&mut descent, &direction, first);
        let Some(found) = found.filter(|found| !idle(found, descent.value)) else {
            if memory.is_empty() {
                let stop = "no point along the gradient lowers the objective by more than rounding";
                return descent.end(Stop::Stalled(stop.into()));
            }
            memory.clear();
            continue;
        };
        let gained = descent.value - found.value;
        quiet = if promised.max(gained) < settings.decrement {
            quiet + 1
        } else {
            0
        };
        memory.learn(&descent, &found, &scale);
        descent.advance(found.x, found.value, found.g, found.t);
    }
}

fn first_length(direction: &[f64], scale: &[f64], longest: f64) -> f64 {
    let length = direction
        .iter()
        .zip(scale)
        .map(|(d, s)| (d / s).powi(2))
        .sum::<f64>()
        .sqrt();
    (longest / length).min(1.0)
}

fn search(descent: &mut Descent, direction: &[f64], first: f64) -> Option<Trial> {
    let noise = descent.rounding();
    let Descent {
        objective,
        x: origin,
        value,
        g,
        ..
    } = descent;
    let start = Trial {
        t: 0.0,
        value: *value,
        slope: dot(g, direction),
        x: origin.clone(),
        g: g.clone(),
    };
    strong_wolfe(&start, first, noise, &mut |t| {
        let mut x = origin.clone();
        add_scaled(&mut x, t, direction);
        let mut g = vec![0.0; x.len()];
        let value = objective.value_grad(&x, &mut g).ok()?;
        Some(Trial {
            t,
            value,
            slope: dot(&g, direction),
            x,
            g,
        })
    })
}

/// One remembered step: how `x` and the gradient changed.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    sy: f64,
}

struct Memory {
    pairs: VecDeque<Pair>,
    most: usize,
    /// Inverse curvature along the last step, in units of the scale.
    gamma: f64,
}

impl Memory {
    fn new(most: usize) -> Memory {
        Memory {
            pairs: VecDeque::new(),
            most,
            gamma: 1.0,
        }
    }

    fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    fn clear(&mut self) {
        self.pairs.clear();
        self.gamma = 1.0;
    }

    /// `−H g` by the two-loop recursion, with `γ·diag(scale²)` for what is not remembered.
    fn direction(&self, g: &[f64], scale: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = g.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = dot(&pair.s, &q) / pair.sy;
            add_scaled(&mut q, -alpha, &pair.y);
            alphas.push(alpha);
        }
        q.iter_mut()
            .zip(scale)
            .for_each(|(q, s)| *q *= self.gamma * s * s);
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = dot(&pair.y, &q) / pair.sy;
            add_scaled(&mut q, alpha - beta, &pair.s);
        }
        q
    }

    /// Remembers a step, unless it shows no positive curvature.
    fn learn(&mut self, from: &Descent, to: &Trial, scale: &[f64]) {
        let s: Vec<f64> = to.x.iter().zip(&from.x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = to.g.iter().zip(&from.g).map(|(a, b)| a - b).collect();
        let sy = dot(&s, &y);
        let s_length = s
            .iter()
            .zip(scale)
            .map(|(s, c)| (s / c).powi(2))
            .sum::<f64>();
        let y_length = y
            .iter()
            .zip(scale)
            .map(|(y, c)| (y * c).powi(2))
            .sum::<f64>();
        if sy > 1e-12 * (s_length * y_length).sqrt() {
            self.gamma = sy / y_length;
            if self.pairs.len() == self.most {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s, y, sy });
        }
    }
}
