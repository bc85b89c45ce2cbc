//! Densities whose derivatives do not tell what their averages over a guide do.

use super::models::*;
use super::{close, fit, options, run};
use crate::graph::Tensor;
use crate::model::{Model, Role};

/// `yᵢ ~ Laplace(Σ u, 1)` for data that are symmetric about 3, with `u ~ N(0, sd)` where an sd is given.
fn medians(latents: usize, sd: Option<f64>) -> Model {
    let y: Vec<f64> = (-6..=6).map(|i| 3.0 + 0.3 * f64::from(i)).collect();
    model(&[("mu", Role::Latent, latents)], move |g, u| {
        let off = g.constant(Tensor::vector(y.clone())) - u[0].sum();
        let prior = sd.map_or(g.scalar(0.0), |sd| {
            normal(u[0], g.scalar(3.0), g.scalar(sd)).sum()
        });
        parts(prior - off.abs().sum())
    })
}

/// The second derivative is that of the prior alone, a hundredth of the curvature and less.
#[test]
fn kinks_are_not_taken_for_a_flat_posterior() {
    for sd in [1e2, 1e6] {
        for seed in 1..4 {
            let fitted = run("medians", &medians(1, Some(sd)), &options(seed));
            let p = &fitted.params;
            close(p.mean[0], 3.0, 0.05 * p.sd[0], "mean, by symmetry");
            let codes: Vec<&str> = fitted.messages.iter().map(|m| m.code).collect();
            assert!(codes.is_empty(), "{codes:?}");
        }
    }
}

#[test]
fn a_flat_direction_is_seen_among_kinks() {
    for seed in 1..4 {
        let fitted = fit(&medians(2, None), &options(seed), &mut |_| ()).expect("it is finite");
        let codes: Vec<&str> = fitted.messages.iter().map(|m| m.code).collect();
        assert!(!fitted.converged && codes == ["E0816"], "{codes:?}");
    }
}
