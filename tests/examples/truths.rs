//! What is known of some examples beyond a row: optima in closed form or by quadrature, likelihoods without a filter, evidence.

use super::{bound, bound_with};
use elbo::Model;
use elbo::guide;
use elbo::infer::{self, Evaluator, Options};
use std::f64::consts::PI;

/// Without correlations the sds are `√(1 − ρ²)` times the true ones and the ELBO is `½ log(1 − ρ²)`; a full-rank guide is exact.
/// Fixed draws have exact second moments, so that their optimum differs by roundings alone. The last Newton step promised less than
/// 1e-4 nats and left the square of that, 1e-8, which an sd 1e-4 of itself away costs.
#[test]
fn correlations_cost_what_they_should() {
    let scale = [1.0, 2.0];
    for rho in [0.0_f64, 0.5, 0.8, -0.95, 0.99] {
        let model = bound_with("correlated_normal", |data| data.insert("rho", rho));
        let rest = 1.0 - rho * rho;
        for (family, narrower, elbo) in [
            ("mean_field", rest.sqrt(), 0.5 * rest.ln()),
            ("full_rank", 1.0, 0.0),
        ] {
            let guide = guide::find(family);
            let options = Options {
                guide,
                ..Options::default()
            };
            let fit = infer::fit(&model, &options, &mut |_| {}).expect("it can be fitted");
            let found = fit.trace.last().expect("a trace").1;
            assert!((found - elbo).abs() < 1e-8, "{family}, {rho}: {found}");
            for (sd, scale) in fit.params.sd.iter().zip(scale) {
                let ratio = sd / (narrower * scale);
                assert!((ratio - 1.0).abs() < 1e-4, "{family}, {rho}: {ratio}");
            }
            // By linear response `1 / √(1 − ρ²)` times, warned of from 2 on.
            let told = fit
                .messages
                .iter()
                .any(|m| m.message.contains("times what"));
            assert_eq!(told, 1.0 / rest.sqrt() > 2.0 && family == "mean_field");
        }
    }
}

type LogDensity<'a> = &'a dyn Fn(f64) -> f64;

/// The nearest Normals, and `KL(q ‖ p)` of what fits find by quadrature. A mean and a log sd are to have a standard error below 0.02
/// sds, 3.5 of them for three seeds; that of a fit is stated, and its nats above the best are half the square in the two
/// directions, each with a curvature of at most 2: 0.01 at 3.5 of them.
#[test]
fn the_nearest_normal_is_found() {
    let cauchy = |x: f64| -(PI * (1.0 + x * x)).ln();
    let normal = |x: f64, m: f64| (-0.5 * (x - m).powi(2)).exp() / (2.0 * PI).sqrt();
    let modes = |x: f64| (0.7 * normal(x, -3.0) + 0.3 * normal(x, 3.0)).ln();
    let cases: [(&str, LogDensity, [f64; 3]); 2] = [
        ("cauchy", &cauchy, [0.0, 1.633978, 0.182758]),
        ("two_modes", &modes, [-2.99054, 1.01467, 0.354034]),
    ];
    for (name, log_density, [mean, sd, kl]) in cases {
        let model = bound(name);
        for seed in 1..=3 {
            let options = Options {
                seed,
                ..Options::default()
            };
            let fit = infer::fit(&model, &options, &mut |_| {}).expect("it can be fitted");
            let (m, s) = (fit.params.mean[0], fit.params.sd[0]);
            let off = ((m - mean) / sd).abs().max((s / sd).ln().abs());
            assert!(off < 0.07, "{name}, seed {seed}: {m} {s}");
            let lost = divergence(m, s, log_density) - kl;
            assert!((-2e-6..0.01).contains(&lost), "{name}, seed {seed}: {lost}");
        }
    }
}

/// `KL(Normal(m, s) ‖ p)` by a sum over a grid of steps of 0.01 sds, exact to rounding.
fn divergence(m: f64, s: f64, log_density: LogDensity) -> f64 {
    let at = |i: i32| {
        let z = f64::from(i) * 0.01;
        let log_standard = -0.5 * (z * z + (2.0 * PI).ln());
        0.01 * log_standard.exp() * (log_standard - s.ln() - log_density(m + s * z))
    };
    (-1000..=1000).map(at).sum()
}

/// At values of all latents, which are scalars here.
fn log_density(model: &Model, at: &[(&str, f64)]) -> f64 {
    let value = |name: &str| {
        at.iter()
            .find(|(known, _)| *known == name)
            .expect("a value")
            .1
    };
    let blocks = model.stated.blocks.iter();
    let values: Vec<Vec<f64>> = blocks.map(|b| vec![value(&b.name)]).collect();
    Evaluator::new(model).log_density(&values).0
}

fn log_gamma_2(x: f64, rate: f64) -> f64 {
    (rate * rate * x).ln() - rate * x
}

/// The Kalman filter against the Normal density of all observations together, as `generate.py` computes it. Both lose some 1e-12 of
/// numbers around 100.
#[test]
fn the_kalman_filter_has_the_likelihood_of_all_together() {
    let model = bound("local_trend");
    for ([level, slope, season, noise], log_likelihood) in [
        ([0.3, 0.1, 0.2, 0.5], -90.7558842959),
        ([1.0, 0.01, 0.5, 0.2], -102.7475574923),
        ([0.05, 0.4, 0.02, 1.5], -115.2185593243),
    ] {
        let prior = log_gamma_2(level, 4.0)
            + log_gamma_2(slope, 10.0)
            + log_gamma_2(season, 4.0)
            + log_gamma_2(noise, 4.0);
        let at = [
            ("level_sd", level),
            ("slope_sd", slope),
            ("season_sd", season),
            ("noise_sd", noise),
        ];
        let off = log_density(&model, &at) - prior - log_likelihood;
        assert!(off.abs() < 1e-8, "{at:?}: {off}");
    }
}

/// Titsias's bound is what `generate.py` computes by matrices of all points, and below the log likelihood, by up to 1.3 nats for a
/// length of less than the points' distance. The prior is what both have.
#[test]
fn inducing_points_bound_the_likelihood() {
    let [sparse, dense] = [0.0, 1.0].map(|dense| {
        bound_with("sparse_gaussian_process", |data| {
            data.insert("dense", dense)
        })
    });
    for ([amplitude, length, sigma], likelihood, bound) in [
        ([1.5, 1.2, 0.3], -59.196613, -59.20007114),
        ([1.0, 0.8, 0.4], -64.082727, -64.21694359),
        ([2.5, 2.0, 0.25], -70.142839, -70.14286523),
        ([0.7, 0.5, 0.6], -94.006482, -95.28689106),
    ] {
        let at = [
            ("amplitude", amplitude),
            ("length", length),
            ("sigma", sigma),
        ];
        let gap = log_density(&dense, &at) - log_density(&sparse, &at);
        assert!(gap > 0.0, "{at:?}: {gap}");
        // Six digits after the point are printed; the program's dense covariance has the same noise and no jitter.
        let off = gap - (likelihood - bound);
        assert!(off.abs() < 2e-6, "{at:?}: {gap}");
    }
}

/// log p(y) of each order, as `generate.py` integrates it. The posterior of sigma is not quite log-normal, 0.02 nats; 1000 draws add a standard
/// error below 0.005.
#[test]
fn the_order_of_an_autoregression_is_found() {
    let exact = [-244.4016, -245.8161, -229.1860, -231.7589, -234.5853];
    for (order, exact) in (1_i32..).zip(exact) {
        let model = bound_with("autoregression", |data| {
            data.insert("order", f64::from(order))
        });
        let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
        let off = fit.elbo.mean - exact;
        assert!((-0.04..0.02).contains(&off), "order {order}: {off}");
    }
}

/// A chain follows a path that independent factors tear apart: 12 nats are found.
#[test]
fn a_chain_is_nearer_to_a_path_than_independent_factors() {
    let model = bound("stochastic_volatility");
    let [chain, independent] = [None, guide::find("mean_field")].map(|guide| {
        let options = Options {
            guide,
            ..Options::default()
        };
        let fit = infer::fit(&model, &options, &mut |_| {}).expect("it can be fitted");
        fit.elbo.mean
    });
    assert!(chain > independent + 2.0, "{chain} {independent}");
}
