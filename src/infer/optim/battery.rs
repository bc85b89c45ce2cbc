//! The tests that every optimiser of exact objectives must pass: a new one is a row in `METHODS`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::problems::{
    Correlated, Funnel, HalfSpace, Logistic, MeanField, Quadratic, Regression, Rosenbrock,
};
use super::{
    Budget, LbfgsSettings, NewtonSettings, NonFinite, Objective, Outcome, Progress, Stop,
    minimise_lbfgs, minimise_newton,
};

type Minimise = fn(&mut dyn Objective, &[f64], &Budget, &mut dyn FnMut(&Progress)) -> Outcome;

/// Name, the method with its default settings, and the most gradients and Hessian products that a
/// well-posed model of 10 parameters may cost it.
const METHODS: &[(&str, Minimise, usize, usize)] = &[
    (
        "newton",
        |o, x, b, p| minimise_newton(o, x, &NewtonSettings::default(), b, p),
        29,
        149,
    ),
    (
        "lbfgs",
        |o, x, b, p| minimise_lbfgs(o, x, &LbfgsSettings::default(), b, p),
        60,
        0,
    ),
];

/// Runs every method without limits and holds the results against the truth, in units of the scale
/// at the truth.
fn check(name: &str, objective: &mut dyn Objective, x0: &[f64], truth: &[f64], tolerance: f64) {
    let mut scale = vec![1.0; truth.len()];
    objective.scale(truth, &mut scale);
    for (method, minimise, ..) in METHODS {
        let out = minimise(objective, x0, &Budget::default(), &mut |_| ());
        let off = distance(&out.x, truth, &scale);
        println!(
            "{name} by {method}: off {off:.1e}, {} steps, {} gradients, {} products, {:?}",
            out.steps, out.gradients, out.hess_vecs, out.stop
        );
        assert!(
            off < tolerance,
            "{name} by {method}: {off} from the truth, {:?}",
            out.stop
        );
        assert_eq!(out.stop, Stop::Converged, "{name} by {method}");
        let falls = out
            .trace
            .windows(2)
            .all(|w| w[1].1 <= w[0].1 + 1e-12 * w[0].1.abs().max(1.0));
        assert!(falls, "{name} by {method}: the objective rose");
    }
}

fn distance(x: &[f64], truth: &[f64], scale: &[f64]) -> f64 {
    x.iter()
        .zip(truth)
        .zip(scale)
        .map(|((x, t), s)| ((x - t) / s).abs())
        .fold(0.0, f64::max)
}

#[test]
fn quadratics_of_condition_1e10() {
    let mut straight = Quadratic::new(10, 1e10, false);
    let truth = straight.m.clone();
    check(
        "quadratic with its scale",
        &mut straight,
        &[0.0; 10],
        &truth,
        1e-6,
    );
    // With curvatures from 1 to 1e10 and no scale, a gradient exact to 1e-16·1e10 leaves 1e-6.
    let mut turned = Quadratic::new(10, 1e10, true);
    check(
        "quadratic without scale",
        &mut turned,
        &[0.0; 10],
        &truth,
        1e-2,
    );
}

/// Values that are off by far more than their rounding.
struct Noisy(Quadratic);

impl Objective for Noisy {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        let value = self.0.value_grad(x, g)?;
        Ok(value + 1e-6 * (1e9 * x[0]).sin())
    }
    fn hess_vec(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        self.0.hess_vec(x, v, out)
    }
    fn scale(&self, x: &[f64], out: &mut [f64]) {
        self.0.scale(x, out);
    }
}

#[test]
fn every_method_ends_where_noise_hides_what_is_gained() {
    for (method, minimise, ..) in METHODS {
        let mut objective = Noisy(Quadratic::new(10, 1e10, true));
        let out = minimise(&mut objective, &[0.0; 10], &Budget::default(), &mut |_| ());
        assert!(out.value < 10.0, "{method}: {} at the end", out.value);
    }
}

#[test]
fn rosenbrock() {
    // Curvature 0.5 along the valley: a hundredth of the tolerated 1e-5 nats is 6e-4 away.
    check(
        "rosenbrock 2",
        &mut Rosenbrock(2),
        &[-1.2, 1.0],
        &[1.0; 2],
        1e-3,
    );
    // The usual start, from which no local minimum lies on the way.
    check(
        "rosenbrock 10",
        &mut Rosenbrock(10),
        &[-0.5; 10],
        &[1.0; 10],
        1e-3,
    );
}

#[test]
fn correlated_normals_are_solved_exactly() {
    for d in [2, 5, 20] {
        let density = Correlated {
            m: (0..d).map(|j| 3.0 - j as f64).collect(),
            rho: 0.95,
        };
        let mut truth = density.m.clone();
        truth.extend(vec![density.mean_field_sd().ln(); d]);
        // Whitened draws make the deterministic objective the ELBO itself, so that only the
        // optimiser's own tolerance is left: √(2·1e-8) nats, times the correlation's 1/√0.05.
        let mut objective = MeanField::new(density, 2 * d + 2);
        check(
            &format!("correlated {d}"),
            &mut objective,
            &vec![0.0; 2 * d],
            &truth,
            1e-3,
        );
    }
}

#[test]
fn raw_dollars() {
    let truth = Regression::earnings().mean_field();
    for omega in [0.0, -3.0, 3.0] {
        let x0 = [0.0, 0.0, 0.0, omega, omega, omega];
        // 60 draws: products of e^{-2u} and ε² are right to about 1/√1000·1/√60 for the sds of a
        // posterior this narrow in u.
        let mut objective = MeanField::new(Regression::earnings(), 60);
        check(
            &format!("earnings from {omega}"),
            &mut objective,
            &x0,
            &truth,
            0.02,
        );
    }
}

#[test]
fn a_funnel() {
    let mut funnel = Funnel(5);
    let truth = funnel.optimum();
    let mut start = vec![2.0; 6];
    start.extend(vec![0.5; 6]);
    check("funnel", &mut funnel, &start, &truth, 1e-3);
    start[0] = -4.0;
    check("funnel from its neck", &mut funnel, &start, &truth, 1e-3);
}

#[test]
fn half_of_space_is_not_finite() {
    let truth = vec![1.0, 100.0, 1e4];
    // The curvature at 1e4 is 1e-4 where the scale says 1.
    check(
        "half space",
        &mut HalfSpace(truth.clone()),
        &[5.0, 0.01, 3.0],
        &truth,
        0.05,
    );
}

#[test]
fn a_well_posed_model_is_cheap() {
    for (method, minimise, gradients, products) in METHODS {
        let mut objective = MeanField::new(Logistic::new(10), 30);
        for omega in [0.0, -2.0] {
            let mut x0 = vec![0.0; 20];
            x0[10..].fill(omega);
            let out = minimise(&mut objective, &x0, &Budget::default(), &mut |_| ());
            println!(
                "logistic by {method}: {} gradients, {} products",
                out.gradients, out.hess_vecs
            );
            assert_eq!(out.stop, Stop::Converged);
            assert!(
                out.gradients <= *gradients && out.hess_vecs <= *products,
                "{method}: {out:?}"
            );
        }
    }
}

#[test]
fn budgets_are_kept_and_the_best_point_handed_back() {
    let flag = Arc::new(AtomicBool::new(false));
    for (method, minimise, ..) in METHODS {
        let run = |budget: Budget, cancel_at: usize| {
            flag.store(false, Ordering::Relaxed);
            minimise(&mut Rosenbrock(2), &[-1.2, 1.0], &budget, &mut |p| {
                flag.store(p.step >= cancel_at, Ordering::Relaxed);
            })
        };
        let steps = run(
            Budget {
                max_steps: Some(3),
                ..Budget::default()
            },
            usize::MAX,
        );
        assert_eq!((&steps.stop, steps.steps), (&Stop::MaxSteps, 3), "{method}");
        assert!(steps.value < steps.trace[0].1);
        let late = run(
            Budget {
                deadline: Some(Instant::now()),
                ..Budget::default()
            },
            usize::MAX,
        );
        assert_eq!(
            (&late.stop, &late.x[..]),
            (&Stop::Deadline, &[-1.2, 1.0][..]),
            "{method}"
        );
        let cancelled = run(
            Budget {
                cancel: Some(flag.clone()),
                ..Budget::default()
            },
            2,
        );
        assert_eq!(
            (&cancelled.stop, cancelled.steps),
            (&Stop::Cancelled, 2),
            "{method}"
        );
        let mut g = [0.0; 2];
        assert_eq!(
            Rosenbrock(2).value_grad(&cancelled.x, &mut g),
            Ok(cancelled.value)
        );
    }
}

#[test]
fn a_start_that_is_not_finite_is_said_to_be() {
    struct Nan;
    impl Objective for Nan {
        fn dim(&self) -> usize {
            1
        }
        fn value_grad(&mut self, _x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
            g[0] = f64::NAN;
            Ok(1.0)
        }
    }
    for (method, minimise, ..) in METHODS {
        for objective in [&mut HalfSpace(vec![1.0]) as &mut dyn Objective, &mut Nan] {
            let out = minimise(objective, &[-1.0], &Budget::default(), &mut |_| ());
            assert_eq!((&out.stop, out.steps), (&Stop::NonFinite, 0), "{method}");
            assert_eq!(
                (&out.x[..], out.value),
                (&[-1.0][..], f64::INFINITY),
                "{method}"
            );
        }
    }
}

#[test]
fn the_same_run_twice_gives_the_same_bits() {
    for (method, minimise, ..) in METHODS {
        let run = || {
            let mut objective = MeanField::new(Logistic::new(4), 20);
            minimise(&mut objective, &[0.0; 8], &Budget::default(), &mut |_| ())
        };
        assert_eq!(run(), run(), "{method}");
    }
}
