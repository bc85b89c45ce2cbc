//! Fits that cannot be made, or are cut short.

use super::models::*;
use super::{Options, fit, options};
use crate::infer::{Stop, explain_non_finite};
use crate::model::Role;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_density_of_zero_everywhere_names_the_term() {
    let impossible = model(&[("x", Role::Latent, 1)], |g, u| {
        let outside = g.scalar(f64::NEG_INFINITY);
        parts(normal(u[0], g.scalar(0.0), g.scalar(1.0)).sum() + outside)
    });
    let error = fit(&impossible, &options(1), &mut |_| ()).expect_err("there is no density");
    assert_eq!(error.code, "E0803");
    assert!(
        error.message.contains("`y` has probability 0"),
        "{}",
        error.message
    );
    let why = explain_non_finite(&impossible, &[0.3]).expect("it is not finite");
    assert_eq!(why.code, "E0802");
}

#[test]
fn a_value_that_is_no_number_names_statement_element_and_operands() {
    let broken = model(&[("x", Role::Latent, 3)], |g, u| {
        let shift = g.constant(crate::graph::Tensor::vector([5.0, -4.0, 5.0]));
        parts((u[0] + shift).sqrt().sum())
    });
    let why = explain_non_finite(&broken, &[0.0; 3]).expect("√−4 is not a number");
    assert_eq!(why.code, "E0801");
    assert_eq!(
        why.message,
        "`y ~ Normal(mu, sigma)` is not finite: sqrt(-4) = NaN at element [2]"
    );
    assert!(explain_non_finite(&broken, &[0.0, 5.0, 0.0]).is_none());
    // The value is finite and the gradient is not.
    let why = explain_non_finite(&broken, &[0.0, 4.0, 0.0]).expect("√ is not smooth at 0");
    assert!(why.message.contains("in its gradient"), "{}", why.message);
}

#[test]
fn half_a_space_without_density_is_left_alone() {
    // Exponential on u > −1, nothing but NaN below; the guide has to stay well inside.
    let half = model(&[("x", Role::Latent, 1)], |_, u| {
        let x = u[0] + 1.0;
        parts((x.log() * 50.0 - x * 50.0).sum())
    });
    // Gamma(51, 50) on x: mean near 1.02, sd near 0.14; its tail below 0 is 7 sds away.
    let fitted = fit(&half, &options(2), &mut |_| ()).expect("the origin is inside");
    assert!(fitted.converged, "{}", fitted.verdict);
    assert!(
        (fitted.params.mean[0] - 0.02).abs() < 0.02,
        "{:?}",
        fitted.params
    );
    assert!(
        (fitted.params.sd[0] - 0.14).abs() < 0.01,
        "{:?}",
        fitted.params
    );
}

#[test]
fn limits_and_requests_stop_the_fit_and_are_named() {
    let model = eight_schools();
    let steps = Options {
        max_steps: Some(1),
        ..options(1)
    };
    let time = Options {
        max_time: Some(Duration::ZERO),
        ..options(1)
    };
    let cancel = Options {
        cancel: Some(Arc::new(AtomicBool::new(true))),
        ..options(1)
    };
    for (options, stop) in [
        (steps, Stop::MaxSteps),
        (time, Stop::Deadline),
        (cancel, Stop::Cancelled),
    ] {
        let fitted = fit(&model, &options, &mut |_| ()).expect("a start was found");
        assert_eq!(fitted.stop, stop);
        assert!(!fitted.converged && fitted.steps <= 1);
        assert!(
            fitted.verdict.starts_with("Not converged"),
            "{}",
            fitted.verdict
        );
        assert_eq!(fitted.messages[0].code, "E0811");
        assert!(fitted.elbo.mean.is_finite());
    }
}

#[test]
fn a_request_in_the_middle_keeps_the_best_so_far() {
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options {
        cancel: Some(flag.clone()),
        ..options(1)
    };
    let fitted = fit(&cauchy(), &options, &mut |p| {
        flag.store(p.step >= 1, Ordering::Relaxed);
    });
    let fitted = fitted.expect("a start was found");
    assert_eq!((fitted.stop, fitted.steps), (Stop::Cancelled, 1));
    // Better than the start, which is centred as well but too narrow.
    let (_, first) = fitted.trace[0];
    assert!(fitted.trace[1].1 > first);
}

#[test]
fn too_few_draws_asked_for_are_taken_as_they_are() {
    let options = Options {
        samples: Some(10),
        ..options(1)
    };
    let fitted = fit(&eight_schools(), &options, &mut |_| ()).expect("a start was found");
    assert_eq!(fitted.samples, 10);
    assert!(fitted.verdict.contains("10 draws"), "{}", fitted.verdict);
}

#[test]
fn a_guide_that_cannot_avoid_the_void_is_not_believed() {
    // Exponential on u > 0 with no density below, which no Normal can keep clear of.
    let half = model(&[("x", Role::Latent, 1)], |g, u| {
        let x = u[0] + 1.0;
        let inside = x.gt(0.0);
        let void = g.scalar(f64::NEG_INFINITY);
        parts(inside.select(-x, void).sum())
    });
    let options = Options {
        max_steps: Some(3000),
        ..options(1)
    };
    let fitted = fit(&half, &options, &mut |_| ()).expect("the origin is inside");
    assert!(!fitted.converged, "{}", fitted.verdict);
    let codes: Vec<&str> = fitted.messages.iter().map(|m| m.code).collect();
    assert_eq!(codes, ["E0812", "E0814"]);
}
