//! The error that a fit states against the scatter of fits from many seeds.

use super::models::*;
use super::{fit, options, run};
use crate::guide::{Guide, Layout, MeanField};
use crate::infer::objective::{Elbo, FixedDraws};
use crate::infer::optim::{Budget, NonFinite, Objective};
use crate::infer::{Options, Stop};
use crate::model::Model;
use crate::tape::Precision;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Largest scatter of a coordinate over seeds, in natural lengths, and the error stated, in the mean
/// square over seeds.
fn scatter_and_statement(name: &str, model: &Model, samples: usize) -> (f64, f64) {
    let seeds = 30;
    let latents = model.latent_size();
    let mut all: Vec<Vec<f64>> = Vec::new();
    let mut stated = 0.0;
    for seed in 1..=seeds {
        let options = Options {
            samples: Some(samples),
            draws: 2,
            ..options(seed)
        };
        let fitted = fit(model, &options, &mut |_| ()).expect("there is a start");
        assert_eq!(fitted.stop, Stop::Converged, "{name}");
        stated += fitted.monte_carlo.expect("it is known").sds.powi(2);
        all.push(fitted.params.guide);
    }
    let n = seeds as f64;
    let moments = |j: usize| {
        let mean = all.iter().map(|x| x[j]).sum::<f64>() / n;
        let squares = all.iter().map(|x| (x[j] - mean).powi(2)).sum::<f64>();
        (mean, (squares / (n - 1.0)).sqrt())
    };
    let in_lengths = |j: usize| match j < latents {
        true => moments(j).1 / moments(latents + j).0.exp(),
        false => moments(j).1,
    };
    let largest = (0..2 * latents).map(in_lengths).fold(0.0, f64::max);
    let stated = (stated / n).sqrt();
    println!("{name}: scatter {largest:.4}, stated {stated:.4}");
    (largest, stated)
}

/// 30 seeds and 12 sets of draws know a standard error to an eighth and a fifth; the largest of several is
/// a little more than the largest true one in both.
#[test]
fn the_stated_error_is_the_scatter_over_seeds() {
    let models = [
        ("cauchy", cauchy(), 128),
        ("eight schools", eight_schools(), 256),
        ("eight schools, more", eight_schools(), 1024),
        ("funnel", funnel(4), 128),
        ("counts", counts(10), 128),
    ];
    for (name, model, samples) in models {
        let (scatter, stated) = scatter_and_statement(name, &model, samples);
        let ratio = stated / scatter;
        assert!(
            (0.6..1.7).contains(&ratio),
            "{name}: {stated} for {scatter}"
        );
    }
}

#[test]
fn whitened_draws_of_a_normal_are_stated_to_be_exact() {
    let fitted = run("correlated", &correlated(0.9), &options(1));
    let error = fitted.monte_carlo.expect("it is known");
    assert!(error.sds < 1e-3 && error.nats < 1e-6, "{error:?}");
}

/// Against an optimum whose own error is a tenth: 4 standard errors are as good as never exceeded by one of
/// 80 numbers, if they are stated rightly.
#[test]
fn default_fits_are_as_near_to_the_optimum_as_they_state() {
    let many = Options {
        samples: Some(1 << 17),
        ..options(99)
    };
    let model = eight_schools();
    let exact = run("many draws", &model, &many).params;
    for seed in 1..=8 {
        let fitted = run("eight schools", &model, &options(seed));
        let error = fitted.monte_carlo.expect("it is known").sds;
        let apart = |j: usize| (fitted.params.mean[j] - exact.mean[j]).abs() / exact.sd[j];
        let furthest = (0..10).map(apart).fold(0.0, f64::max);
        println!("seed {seed}: {furthest} apart, {error} stated");
        assert!(furthest < 4.0 * error, "{furthest} apart, {error} stated");
        assert!(error <= 0.03, "{error}");
    }
}

#[test]
fn one_number_of_draws_has_its_error_stated_too() {
    let few = Options {
        samples: Some(64),
        ..options(1)
    };
    let fitted = run("eight schools, 64 draws", &eight_schools(), &few);
    let error = fitted.monte_carlo.expect("it is known");
    assert!(error.sds > 0.03, "{error:?}");
    assert!(fitted.messages.iter().any(|m| m.code == "E0813"));
}

#[test]
fn a_round_that_is_cut_short_leaves_the_optimum_of_the_one_before() {
    let model = eight_schools();
    let whole = run("eight schools", &model, &options(1));
    let cut = Options {
        max_steps: Some(whole.steps - 1),
        ..options(1)
    };
    let cut = fit(&model, &cut, &mut |_| ()).expect("there is a start");
    assert_eq!((cut.stop, cut.converged), (Stop::MaxSteps, false));
    assert!(cut.samples < whole.samples, "{}", cut.samples);
    let verdict = &cut.verdict;
    assert!(verdict.starts_with("Not converged"), "{verdict}");
    assert!(verdict.contains("fixed draws only"), "{verdict}");
    assert!(cut.monte_carlo.expect("it is known").sds > 0.03);
    assert_eq!(cut.messages[0].code, "E0811");
    let few = Options {
        samples: Some(cut.samples),
        ..options(1)
    };
    // One was begun where fewer draws had ended, the other at the start of the fit; steps end within 1e-4 of
    // a natural length from the optimum, and their last one usually far within.
    let again = run("the round before", &model, &few);
    let pairs = cut.params.guide.iter().zip(&again.params.guide);
    for (a, b) in pairs {
        assert!((a - b).abs() < 1e-5, "{a} and {b}");
    }
}

#[test]
fn threads_change_no_bit_of_a_large_fit() {
    let with = |threads| Options {
        threads,
        samples: Some(512),
        ..options(1)
    };
    let model = counts(100);
    let one = run("one thread", &model, &with(1));
    for threads in [2, 3] {
        let several = run("several threads", &model, &with(threads));
        assert_eq!(one.params, several.params);
        assert_eq!(one.monte_carlo, several.monte_carlo);
        assert_eq!(one.posterior, several.posterior);
    }
}

#[test]
fn an_evaluation_is_left_once_a_stop_is_asked_for() {
    let model = counts(10);
    let guide = MeanField::new(Layout::of(&model));
    let mut elbo = Elbo::new(&model, &guide, 4, Precision::Double);
    let x = guide.init(&[0.0; 12], &[0.1; 12]);
    let (mut g, mut product) = (vec![0.0; 24], vec![0.0; 24]);
    let stop = Budget {
        cancel: Some(Arc::new(AtomicBool::new(true))),
        ..Budget::default()
    };
    let mut endless = FixedDraws::new(&mut elbo, 1024, 1);
    assert!(endless.value_grad(&x, &mut g).is_ok());
    let mut stopped = endless.within(&stop);
    assert_eq!(stopped.value_grad(&x, &mut g), Err(NonFinite));
    assert_eq!(stopped.hess_vec(&x, &x, &mut product), Err(NonFinite));
}

#[test]
fn a_stopped_fit_reports_as_many_draws_as_it_had_time_for() {
    let asked = 3_000_000;
    let options = Options {
        draws: asked,
        cancel: Some(Arc::new(AtomicBool::new(true))),
        ..options(1)
    };
    let fitted = fit(&eight_schools(), &options, &mut |_| ()).expect("there is a start");
    let posterior = &fitted.posterior;
    assert!((2..asked).contains(&posterior.draws), "{}", posterior.draws);
    assert_eq!(posterior.log_p.len(), posterior.draws);
    assert_eq!(posterior.quantities[2].draws.len(), 8 * posterior.draws);
    assert!(fitted.messages.iter().any(|m| m.code == "E0815"));
}
