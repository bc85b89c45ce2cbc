//! The tests that noisy descent must pass, with every stepper that is fit for it.

use super::{StochasticSettings, minimise_stochastic};
use crate::infer::optim::problems::{Correlated, Logistic, MeanField, Regression};
use crate::infer::optim::{Budget, STEPPERS, StochasticObjective};

#[test]
fn explore() {
    for anti in [true, false] { for (name, stepper) in STEPPERS { if !["adam","adabelief","rmsprop","sgd"].contains(name) { continue }
        let settings = StochasticSettings { stepper: *stepper, ..Default::default() };
        let budget = Budget { max_steps: Some(100_000), ..Default::default() };
        let mut go = |label: &str, objective: &mut dyn StochasticObjective, x0: &[f64], truth: &[f64]| {
            let mut lr = vec![];
            let out = minimise_stochastic(objective, x0, &settings, &budget, &mut |p| lr.push(p.step_size));
            lr.dedup();
            let mut scale = vec![1.0; truth.len()];
            objective.scale(truth, &mut scale);
            let off = out.x.iter().zip(truth).zip(&scale).map(|((x, t), s)| ((x - t) / s).abs()).fold(0.0, f64::max);
            if label=="earnings 0" { println!("{:?} {} {}",out.x,out.value,out.std_error); }
            println!("{anti} {name} {label}: off {off:.3} {:?} {} steps, lr {:?} {:?}", out.stop, out.steps, lr.get(5), lr.last());
        };
        for (d, rho) in [(2, 0.5), (2, 0.95), (5, 0.95), (20, 0.95)] {
            let density = Correlated { m: (0..d).map(|j| 3.0 - j as f64).collect(), rho };
            let mut truth = density.m.clone();
            truth.extend(vec![density.mean_field_sd().ln(); d]);
            go(&format!("corr {d} {rho}"), &mut { let mut m = MeanField::new(density, 2); m.antithetic = anti; m }, &vec![0.0; 2 * d], &truth);
        }
        let truth = Regression::earnings().mean_field();
        go("earnings 0", &mut { let mut m = MeanField::new(Regression::earnings(), 2); m.antithetic = anti; m }, &[0.0; 6], &truth);
        let near: Vec<f64> = vec![-55000.0, 1100.0, 9.0, 5.0, 1.0, -2.0];
        go("earnings near", &mut { let mut m = MeanField::new(Regression::earnings(), 2); m.antithetic = anti; m }, &near, &truth);
        let mut exact = MeanField::new(Logistic::new(10), 2000);
        let fit = crate::infer::optim::minimise_newton(&mut exact, &[0.0; 20], &Default::default(), &Budget::default(), &mut |_| ());
        go("logistic", &mut { let mut m = MeanField::new(Logistic::new(10), 2); m.antithetic = anti; m }, &[0.0; 20], &fit.x);
    }}
}
