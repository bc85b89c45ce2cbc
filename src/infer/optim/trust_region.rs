//! Turns a smooth objective into its minimum by trust-region Newton steps.
//!
//! Conjugate gradients solve each Newton system from Hessian products alone, in coordinates divided
//! by the objective's scale. The predicted gain of an unhindered step is half the Newton decrement,
//! `½ gᵀH⁻¹g`: the nats still to be won, and hence the natural measure of being done.

use super::cg_path::{Cut, End, Path, PathLimits, conjugate_gradients, in_natural_lengths};
use super::run::Descent;
use super::{Budget, Drift, Objective, Outcome, Progress, Stop, dot, max_product};

/// How the trust-region Newton method goes about it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewtonSettings {
    /// Stop when a Newton step promises less than this, in nats. The step is still taken, so what
    /// remains is of the order of its square.
    pub decrement: f64,
    /// Stop when no coordinate of the gradient, in nats per natural length, is larger.
    pub gradient: f64,
    /// First radius, in natural lengths.
    pub initial_radius: f64,
    /// Most Hessian products for one step.
    pub max_products: usize,
}

impl Default for NewtonSettings {
    fn default() -> NewtonSettings {
        NewtonSettings {
            decrement: 1e-5,
            gradient: 1e-7,
            initial_radius: 10.0,
            max_products: 250,
        }
    }
}

/// A radius below this many natural lengths cannot change anything that matters.
const SMALLEST_RADIUS: f64 = 1e-13;

/// Steps after which a run is watched for what runs away; most have ended long before.
const PATIENCE: usize = 128;

/// Minimises by trust-region Newton with conjugate gradients.
///
/// Non-finite trial points and negative curvature are met by a smaller region and by its boundary.
/// A refused step costs one gradient and no Hessian product. Steihaug (1983), Toint (1981); Conn,
/// Gould & Toint (2000), "Trust Region Methods"; for variational objectives Giordano, Ingram &
/// Broderick (2024).
///
/// ```
/// use elbo::infer::optim::{Budget, NewtonSettings, NonFinite, Objective, minimise_newton};
/// struct Bowl;
/// impl Objective for Bowl {
///     fn dim(&self) -> usize { 1 }
///     fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
///         g[0] = 2.0 * (x[0] - 3.0);
///         Ok((x[0] - 3.0).powi(2))
///     }
/// }
/// let fit = minimise_newton(&mut Bowl, &[0.0], &NewtonSettings::default(), &Budget::default(), &mut |_| ());
/// assert!((fit.x[0] - 3.0).abs() < 1e-6);
/// ```
pub fn minimise_newton(
    objective: &mut dyn Objective,
    x0: &[f64],
    settings: &NewtonSettings,
    budget: &Budget,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let mut descent = match Descent::start(objective, x0, progress) {
        Ok(descent) => descent,
        Err(outcome) => {
            // An evaluation that was cut off says nothing of the point.
            let stop = budget.spent(0).unwrap_or(outcome.stop);
            return Outcome { stop, ..outcome };
        }
    };
    let mut radius = settings.initial_radius;
    let mut drift = Drift::new(PATIENCE, 1.0);
    loop {
        if let Some(stop) = budget.spent(descent.steps) {
            return descent.end(stop);
        }
        let scale = descent.objective.scale(&descent.x);
        if max_product(&descent.g, &scale) <= settings.gradient {
            return descent.end(Stop::Converged);
        }
        if let Some(away) = drift.look(descent.steps, &descent.x, &scale) {
            return descent.end(Stop::Diverging(away.coordinate));
        }
        let path = newton_path(&mut descent, &scale, radius, settings);
        match descend_path(&mut descent, &path, &scale, &mut radius, settings, budget) {
            Some(stop) => return descent.end(stop),
            None => continue,
        }
    }
}

/// The path of conjugate gradients from the present point, in units of the scale.
fn newton_path(
    descent: &mut Descent,
    scale: &[f64],
    radius: f64,
    settings: &NewtonSettings,
) -> Path {
    let g: Vec<f64> = descent.g.iter().zip(scale).map(|(g, s)| g * s).collect();
    // Loose far away, tighter as the gradient vanishes: convergence is then faster than linear.
    let limits = PathLimits {
        radius,
        residual: dot(&g, &g).sqrt().sqrt().min(0.1),
        products: settings.max_products,
        epsilon: descent.objective.epsilon(),
    };
    let Descent { objective, x, .. } = descent;
    let mut product = in_natural_lengths(scale, |v, out| objective.hess_vec(x, v, out));
    conjugate_gradients(&g, &limits, &mut product)
}

/// Cuts the path ever shorter until a step along it is good, and takes that step.
fn descend_path(
    descent: &mut Descent,
    path: &Path,
    scale: &[f64],
    radius: &mut f64,
    settings: &NewtonSettings,
    budget: &Budget,
) -> Option<Stop> {
    let mut g = vec![0.0; scale.len()];
    loop {
        let cut = path.cut(*radius);
        let last = path.end == End::Solved && !cut.on_boundary && cut.gain <= settings.decrement;
        let x: Vec<f64> = descent
            .x
            .iter()
            .zip(&cut.step)
            .zip(scale)
            .map(|((x, p), s)| x + s * p)
            .collect();
        let trial = descent.objective.value_grad(&x, &mut g);
        if trial.is_err()
            && let Some(stop) = budget.spent(descent.steps)
        {
            return Some(stop);
        }
        let noise = descent.rounding();
        let ratio = match trial {
            Ok(value) => (descent.value - value + noise) / (cut.gain + noise),
            Err(_) => f64::NEG_INFINITY,
        };
        // Where the gain drowns in rounding only the gradient can tell a good step from a bad one.
        let blind = cut.gain <= noise;
        let good = if blind {
            max_product(&g, scale) < max_product(&descent.g, scale)
        } else {
            ratio > 0.1
        };
        if let (Ok(value), true) = (trial, good && ratio > 0.0) {
            resize(radius, ratio, &cut);
            descent.advance(x, value, g, *radius);
            return last.then_some(Stop::Converged);
        }
        if last {
            return Some(Stop::Converged);
        }
        if blind || cut.length < SMALLEST_RADIUS {
            return Some(Stop::Stalled(
                "steps change the objective by less than rounding".into(),
            ));
        }
        *radius = shrink(
            cut.length,
            trial.map_or(f64::INFINITY, |v| v - descent.value),
            cut.gain,
        );
        if let Some(stop) = budget.spent(descent.steps) {
            return Some(stop);
        }
    }
}

/// Where the model was right up to the boundary, the region was too small.
fn resize(radius: &mut f64, ratio: f64, cut: &Cut) {
    if ratio < 0.25 {
        *radius = 0.25 * cut.length;
    } else if ratio > 0.75 && cut.on_boundary {
        *radius = if ratio > 0.95 && ratio < 1.05 {
            10.0
        } else {
            3.0
        } * cut.length;
    }
}

/// The length at which a parabola through the refused value (`rise` above the present one) and the
/// promised slope is lowest, but neither next to the refused point nor out of all proportion.
fn shrink(length: f64, rise: f64, gain: f64) -> f64 {
    // The slope along the step is at least the gain, and twice the gain for a full Newton step.
    length * (gain / (rise + 2.0 * gain)).clamp(0.05, 0.5)
}
