//! The tests of noisy descent: a new stepper that should pass them is a name in `STEADY`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{StochasticSettings, minimise_stochastic};
use crate::infer::optim::problems::{
    Correlated, Density, Logistic, MeanField, Regression, normals,
};
use crate::infer::optim::{
    Budget, NewStepper, NewtonSettings, NonFinite, Outcome, STEPPERS, StochasticObjective, Stop,
    minimise_newton,
};

/// Steppers that converge without help on correlated and badly scaled targets.
const STEADY: &[&str] = &["adam", "adabelief"];

fn settings(name: &str) -> StochasticSettings {
    let named = STEPPERS.iter().find(|(n, _)| *n == name);
    let stepper: NewStepper = named
        .expect("the list of steppers has every name used here")
        .1;
    StochasticSettings {
        stepper,
        ..StochasticSettings::default()
    }
}

fn run(
    objective: &mut dyn StochasticObjective,
    x0: &[f64],
    name: &str,
    max_steps: usize,
) -> Outcome {
    let budget = Budget {
        max_steps: Some(max_steps),
        ..Budget::default()
    };
    minimise_stochastic(objective, x0, &settings(name), &budget, &mut |_| ())
}

/// Largest distance from the truth in the objective's scale there.
fn distance(objective: &dyn StochasticObjective, x: &[f64], truth: &[f64]) -> f64 {
    let mut scale = vec![1.0; truth.len()];
    objective.scale(truth, &mut scale);
    x.iter()
        .zip(truth)
        .zip(&scale)
        .map(|((x, t), s)| ((x - t) / s).abs())
        .fold(0.0, f64::max)
}

/// Two draws a step, as a pair of opposites or independent.
fn noisy<D: Density>(density: D, antithetic: bool) -> MeanField<D> {
    MeanField {
        antithetic,
        ..MeanField::new(density, 2)
    }
}

fn check(
    label: &str,
    objective: &mut dyn StochasticObjective,
    x0: &[f64],
    truth: &[f64],
    tolerance: f64,
) {
    for name in STEADY {
        let out = run(objective, x0, name, 100_000);
        let off = distance(objective, &out.x, truth);
        println!(
            "{label} by {name}: off {off:.3} after {} steps, {:?}",
            out.steps, out.stop
        );
        assert_eq!(
            out.stop,
            Stop::Converged,
            "{label} by {name}: {off} after {}",
            out.steps
        );
        assert!(
            off < tolerance,
            "{label} by {name}: {off} after {}",
            out.steps
        );
    }
}

#[test]
fn correlated_normals_to_a_twentieth_of_an_sd() {
    for (d, rho, antithetic) in [
        (2, 0.5, true),
        (2, 0.95, false),
        (5, 0.95, true),
        (5, 0.95, false),
    ] {
        let density = Correlated {
            m: (0..d).map(|j| 3.0 - j as f64).collect(),
            rho,
        };
        let mut truth = density.m.clone();
        truth.extend(vec![density.mean_field_sd().ln(); d]);
        let label = format!("correlated {d}, {rho}");
        check(
            &label,
            &mut noisy(density, antithetic),
            &vec![0.0; 2 * d],
            &truth,
            0.05,
        );
    }
}

#[test]
fn a_logistic_regression_to_a_twentieth_of_an_sd() {
    let mut exact = MeanField::new(Logistic::new(5), 1000);
    let (newton, budget) = (NewtonSettings::default(), Budget::default());
    let fit = minimise_newton(&mut exact, &[0.0; 10], &newton, &budget, &mut |_| ());
    check(
        "logistic",
        &mut noisy(Logistic::new(5), true),
        &[0.0; 10],
        &fit.x,
        0.05,
    );
}

#[test]
fn raw_dollars_to_a_twentieth_of_an_sd() {
    let truth = Regression::earnings().mean_field();
    // Tens of sds away, as a rough start is.
    let start = [-55000.0, 1100.0, 9.0, 5.0, 1.0, -2.0];
    check(
        "earnings",
        &mut noisy(Regression::earnings(), true),
        &start,
        &truth,
        0.05,
    );
}

#[test]
fn convergence_is_not_claimed_far_from_the_truth() {
    let truth = Regression::earnings().mean_field();
    for (name, _) in STEPPERS {
        for antithetic in [true, false] {
            let mut objective = noisy(Regression::earnings(), antithetic);
            let out = run(&mut objective, &[0.0; 6], name, 10_000);
            let off = distance(&objective, &out.x, &truth);
            // A mean-field sd is a sixteenth of a posterior sd here.
            assert!(out.stop != Stop::Converged || off < 1.0, "{name}: {off}");
            assert!(
                out.value < 1e12 || out.x == [0.0; 6],
                "{name}: worse than the start: {out:?}"
            );
        }
    }
}

/// `x − n·log x` with noise on the gradient, not finite for `x ≤ 0`; lowest at `n`.
struct NoisyHalfSpace(f64);

impl StochasticObjective for NoisyHalfSpace {
    fn dim(&self) -> usize {
        1
    }
    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite> {
        if x[0] <= 0.0 {
            return Err(NonFinite);
        }
        let noise = 0.1 * normals(1, seed_step)[0];
        g[0] = 1.0 - self.0 / x[0] + noise;
        Ok(x[0] - self.0 * x[0].ln() + noise * x[0])
    }
    fn scale(&self, _x: &[f64], out: &mut [f64]) {
        out[0] = self.0.sqrt();
    }
}

#[test]
fn half_of_space_is_not_finite() {
    check(
        "half space",
        &mut NoisyHalfSpace(9.0),
        &[0.01],
        &[9.0],
        0.05,
    );
    let out = run(&mut NoisyHalfSpace(9.0), &[-1.0], "adam", 1000);
    assert_eq!(
        (out.stop, &out.x[..], out.value),
        (Stop::NonFinite, &[-1.0][..], f64::INFINITY)
    );
}

#[test]
fn budgets_are_kept_and_the_best_point_handed_back() {
    let x0 = [10.0, -10.0, 0.0, 0.0];
    let flag = Arc::new(AtomicBool::new(false));
    let go = |budget: Budget, cancel_at: usize| {
        flag.store(false, Ordering::Relaxed);
        let mut objective = noisy(
            Correlated {
                m: vec![0.0; 2],
                rho: 0.5,
            },
            true,
        );
        minimise_stochastic(&mut objective, &x0, &settings("adam"), &budget, &mut |p| {
            flag.store(p.step >= cancel_at, Ordering::Relaxed);
        })
    };
    // In the middle of the step search, and after it.
    for max in [7, 150, 777] {
        let out = go(
            Budget {
                max_steps: Some(max),
                ..Budget::default()
            },
            usize::MAX,
        );
        assert_eq!((&out.stop, out.steps), (&Stop::MaxSteps, max));
        // The start is worth 100 nats and more above the optimum.
        assert!(out.value < 100.0 && out.std_error > 0.0, "{out:?}");
    }
    let late = go(
        Budget {
            deadline: Some(Instant::now()),
            ..Budget::default()
        },
        usize::MAX,
    );
    assert_eq!((&late.stop, &late.x[..]), (&Stop::Deadline, &x0[..]));
    let cancelled = go(
        Budget {
            cancel: Some(flag.clone()),
            ..Budget::default()
        },
        600,
    );
    assert_eq!(cancelled.stop, Stop::Cancelled);
    assert!(cancelled.steps >= 600 && cancelled.steps < 700 && cancelled.value < 10.0);
}

#[test]
fn the_same_run_twice_gives_the_same_bits() {
    for (name, _) in STEPPERS {
        let go = || run(&mut noisy(Logistic::new(3), false), &[0.0; 6], name, 2000);
        assert_eq!(go(), go(), "{name}");
    }
}

/// `(x − at)²/2`, or where there is no such place `−x`, with noise.
struct Way {
    at: Option<f64>,
}

impl StochasticObjective for Way {
    fn dim(&self) -> usize {
        1
    }
    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite> {
        let noise = normals(1, seed_step)[0];
        let (value, slope) = match self.at {
            Some(at) => (0.5 * (x[0] - at).powi(2), x[0] - at),
            None => (-x[0], -1.0),
        };
        g[0] = slope + noise;
        Ok(value + noise * x[0])
    }
}

/// Steps are of a natural length at most: the way to an optimum may be as long as that of what has none.
#[test]
fn an_optimum_far_away_is_told_from_none() {
    let mut far = Way { at: Some(1e6) };
    assert_eq!(run(&mut far, &[0.0], "adam", 40_000).stop, Stop::MaxSteps);
    let mut nowhere = Way { at: None };
    let out = run(&mut nowhere, &[0.0], "adam", 40_000);
    assert_eq!(out.stop, Stop::Diverging(0));
}

/// Noisy coordinates with natural lengths, and another that comes to rest at once.
struct Many(MeanField<Correlated>);

impl StochasticObjective for Many {
    fn dim(&self) -> usize {
        self.0.dim() + 1
    }
    fn estimate(&mut self, x: &[f64], seed_step: u64, g: &mut [f64]) -> Result<f64, NonFinite> {
        let (x, own) = x.split_at(self.0.dim());
        let (g, own_g) = g.split_at_mut(self.0.dim());
        own_g[0] = own[0];
        Ok(self.0.estimate(x, seed_step, g)? + 0.5 * own[0] * own[0])
    }
    fn measured(&self) -> usize {
        self.0.dim()
    }
    fn rows(&self) -> usize {
        1000
    }
}

/// Where precision is out of reach the run ends by what steps gain, and says how far off it may be.
#[test]
fn what_is_out_of_reach_is_said() {
    let (d, rho) = (50, 0.5);
    let many = || {
        Many(noisy(
            Correlated {
                m: vec![1.0; d],
                rho,
            },
            false,
        ))
    };
    let go = |most_steps: f64| {
        let settings = StochasticSettings {
            tolerance: 0.02,
            most_steps,
            ..settings("adam")
        };
        let budget = Budget {
            max_steps: Some(50_000),
            ..Budget::default()
        };
        let x0 = vec![0.0; 2 * d + 1];
        minimise_stochastic(&mut many(), &x0, &settings, &budget, &mut |_| ())
    };
    let out = go(1e5);
    assert_eq!(out.stop, Stop::Converged, "{} steps", out.steps);
    assert!(out.off > 0.02 && out.off < 1.0, "{}", out.off);
    let on = go(f64::INFINITY);
    assert!(on.steps > 2 * out.steps, "{} steps", on.steps);
}
