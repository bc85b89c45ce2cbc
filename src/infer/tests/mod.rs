//! Fits of models whose answer is known.

mod failures;
mod kinks;
mod models;
mod precision;
mod scores;

use super::{Fit, Method, Options, fit};
use crate::model::{Model, Role};
use models::*;

fn options(seed: u64) -> Options {
    Options {
        seed,
        ..Options::default()
    }
}

/// Fits and prints what a look at times needs (`--nocapture`).
fn run(name: &str, model: &Model, options: &Options) -> Fit {
    let fitted =
        fit(model, options, &mut |_| ()).unwrap_or_else(|d| panic!("{name}: {}", d.message));
    println!(
        "{name}: {:?} elbo {:.5}±{:.5} steps {} samples {} {:?} compile {:.1} ms fit {:.1} ms total {:.1} ms",
        fitted.stop,
        fitted.elbo.mean,
        fitted.elbo.se,
        fitted.steps,
        fitted.samples,
        fitted.monte_carlo,
        1e3 * fitted.seconds.compile,
        1e3 * fitted.seconds.fit,
        1e3 * fitted.seconds.total,
    );
    assert!(fitted.converged, "{name}: {}", fitted.verdict);
    fitted
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} against {b}");
}

/// The ELBO against the truth, within `slack` and four standard errors of its estimate.
fn elbo_close(fitted: &Fit, truth: f64, slack: f64) {
    close(
        fitted.elbo.mean,
        truth,
        slack + 4.0 * fitted.elbo.se,
        "ELBO",
    );
}

#[test]
fn a_conjugate_normal_has_its_exact_posterior_and_evidence() {
    let n = CONJUGATE_Y.len() as f64;
    let (sum, squares) = CONJUGATE_Y
        .iter()
        .fold((0.0, 0.0), |(s, q), y| (s + y, q + y * y));
    let precision = n + 0.25;
    let (mean, sd) = (sum / precision, precision.powf(-0.5));
    let evidence =
        -n * HALF_LOG_2PI - f64::ln(2.0) + sd.ln() - 0.5 * (squares - precision * mean * mean);
    for seed in 1..4 {
        let fitted = run("conjugate", &conjugate(), &options(seed));
        // Whitened draws are exact for a Normal, up to where Newton stops: 1e-4 nats.
        close(fitted.params.mean[0], mean, 1e-3 * sd, "mean");
        close(fitted.params.sd[0], sd, 1e-3 * sd, "sd");
        // log p − log q is the same at every draw.
        close(fitted.elbo.mean, evidence, 1e-4, "evidence");
        assert!(fitted.elbo.se < 1e-4);
    }
}

#[test]
fn a_correlated_normal_has_conditional_variances() {
    for (rho, seed) in [(0.5, 1), (0.9, 2), (0.99, 3)] {
        let fitted = run("correlated", &correlated(rho), &options(seed));
        let shrink = f64::sqrt(1.0 - rho * rho);
        for (j, sd) in [2.0, 0.5].into_iter().enumerate() {
            close(fitted.params.mean[j], 0.0, 1e-2 * sd * shrink, "mean");
            close(fitted.params.sd[j], sd * shrink, 1e-2 * sd * shrink, "sd");
        }
        // By linear response the sds are the true ones again, the guide's divided by `shrink`.
        let wider = fitted.messages.iter().find(|m| m.code == "E0817");
        let times = format!("about {:.1} times", 1.0 / shrink);
        let said = wider.is_some_and(|w| w.message.contains(&times));
        assert_eq!(said, 1.0 / shrink >= 2.0, "{:?}", fitted.messages);
        elbo_close(&fitted, shrink.ln(), 1e-3);
    }
}

#[test]
fn a_cauchy_target_has_the_known_scale() {
    for seed in 1..4 {
        let fitted = run("cauchy", &cauchy(), &options(seed));
        close(fitted.params.mean[0], 0.0, 0.1 * 1.634, "mean");
        close(fitted.params.sd[0], 1.633978, 0.1 * 1.634, "scale");
        elbo_close(&fitted, -0.182758, 0.03);
    }
}

#[test]
fn of_two_modes_the_one_with_the_higher_elbo_is_found() {
    for seed in 1..4 {
        let fitted = run("mixture", &mixture(), &options(seed));
        close(fitted.params.mean[0], -2.99054, 0.1, "mean");
        close(fitted.params.sd[0], 1.01467, 0.1, "sd");
        elbo_close(&fitted, -0.354034, 0.03);
    }
}

/// Optimum by an independent implementation to 1e-4: −32.2843 where the prior of τ is the density of
/// the whole Cauchy, hence log 2 more for that of the half.
const EIGHT_SCHOOLS: f64 = -32.2843 + std::f64::consts::LN_2;

#[test]
fn eight_schools_reach_the_mean_field_optimum_from_three_seeds() {
    let fits: Vec<Fit> = (1..4)
        .map(|seed| run("eight schools", &eight_schools(), &options(seed)))
        .collect();
    // So many draws that their own error is near 0.005 sds.
    let many = Options {
        samples: Some(1 << 14),
        ..options(77)
    };
    let exact = run("eight schools, many draws", &eight_schools(), &many).params;
    for fitted in &fits {
        elbo_close(fitted, EIGHT_SCHOOLS, 0.1);
        for j in 0..10 {
            close(
                fitted.params.mean[j],
                exact.mean[j],
                0.1 * exact.sd[j],
                "mean",
            );
            close(fitted.params.sd[j].ln(), exact.sd[j].ln(), 0.1, "log sd");
        }
    }
}

#[test]
fn a_regression_in_raw_dollars_is_fitted_from_the_default_starts() {
    let n = 1192;
    let (model, x, y) = earnings(n);
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
    let (mx, my) = (mean(&x), mean(&y));
    let sxx: f64 = x.iter().map(|x| (x - mx).powi(2)).sum();
    let sxy: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let slope = sxy / sxx;
    let intercept = my - slope * mx;
    let residual = |(x, y): (&f64, &f64)| (y - intercept - slope * x).powi(2);
    let squares: f64 = x.iter().zip(&y).map(residual).sum();
    let sigma = (squares / n as f64).sqrt();
    for seed in 1..4 {
        let fitted = run("earnings", &model, &options(seed));
        let p = &fitted.params;
        // Mean-field sds are conditional ones: σ/√n and σ/√Σx².
        let sd_slope = sigma / x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let sd_intercept = sigma / (n as f64).sqrt();
        close(
            p.sd[0],
            sd_intercept,
            0.05 * sd_intercept,
            "sd of the intercept",
        );
        close(p.sd[1], sd_slope, 0.05 * sd_slope, "sd of the slope");
        close(p.mean[0], intercept, 0.1 * sd_intercept, "intercept");
        close(p.mean[1], slope, 0.1 * sd_slope, "slope");
        // The posterior mean of log σ lies 1/n beside its mode: less than 0.1 sd = 0.002.
        close(p.mean[2], sigma.ln(), 0.003, "log sigma");
    }
}

#[test]
fn a_learned_parameter_reaches_maximum_likelihood() {
    let fitted = run("learned", &learned(), &options(1));
    let n = LEARNED_Y.len() as f64;
    let mean = LEARNED_Y.iter().sum::<f64>() / n;
    close(fitted.params.learned[0], mean, 1e-2, "theta");
    close(fitted.params.mean[0], mean, 1e-2, "x");
    close(
        fitted.params.sd[0],
        (1.0 + n / 4.0).powf(-0.5),
        1e-3,
        "sd of x",
    );
}

#[test]
fn without_latents_the_density_itself_is_maximised() {
    let blocks = [("nothing", Role::Latent, 0), ("theta", Role::Param, 2)];
    let model = model(&blocks, |g, u| {
        parts((u[1] - 3.0).square().sum() * -0.5 + normal(u[0], g.scalar(0.0), g.scalar(1.0)).sum())
    });
    let fitted = run("no latents", &model, &options(1));
    close(fitted.params.learned[1], 3.0, 1e-3, "theta");
    close(fitted.elbo.mean, 0.0, 1e-4, "log density");
    assert!(fitted.params.mean.is_empty());
    let empty = super::tests::model(&[], |g, _| parts(g.scalar(-1.5)));
    close(
        run("empty", &empty, &options(1)).elbo.mean,
        -1.5,
        0.0,
        "constant",
    );
}

#[test]
fn stochastic_descent_reaches_the_same_optimum() {
    let svi = |seed| Options {
        method: Method::Svi,
        ..options(seed)
    };
    let fitted = run("eight schools, svi", &eight_schools(), &svi(1));
    elbo_close(&fitted, EIGHT_SCHOOLS, 0.1);
    let fitted = run("correlated, svi", &correlated(0.9), &svi(2));
    elbo_close(&fitted, 0.5 * f64::ln(1.0 - 0.81), 0.1);
    let fitted = run("cauchy, svi", &cauchy(), &svi(3));
    elbo_close(&fitted, -0.182758, 0.1);
}

#[test]
fn hundreds_of_latents_agree_between_seeds() {
    let fits: Vec<Fit> = (1..3)
        .map(|seed| run("counts", &counts(200), &options(seed)))
        .collect();
    let se = fits[0].elbo.se + fits[1].elbo.se;
    // Each within 0.1 of the optimum.
    close(fits[0].elbo.mean, fits[1].elbo.mean, 0.1 + 3.0 * se, "ELBO");
    for j in 0..202 {
        let (a, b) = (fits[0].params.mean[j], fits[1].params.mean[j]);
        close(a, b, 0.2 * fits[0].params.sd[j], "mean");
    }
}

#[test]
fn draws_are_of_the_fitted_guide() {
    let options = Options {
        draws: 4000,
        ..options(1)
    };
    let model = eight_schools();
    let fitted = run("eight schools", &model, &options);
    let posterior = &fitted.posterior;
    assert_eq!(
        (
            posterior.draws,
            posterior.log_p.len(),
            posterior.log_q.len()
        ),
        (4000, 4000, 4000)
    );
    for (quantity, values) in model.quantities.iter().zip(&posterior.quantities) {
        let size: usize = quantity.shape.iter().product();
        assert_eq!(values.draws.len(), 4000 * size, "{}", quantity.name);
    }
    let mu = &posterior.quantities[0].draws;
    let mean = mu.iter().sum::<f64>() / 4000.0;
    // Four standard errors.
    close(
        mean,
        fitted.params.mean[0],
        4.0 * fitted.params.sd[0] / 4000f64.sqrt(),
        "mean of draws",
    );
    // θ = μ + τ z in every draw.
    let (z, tau, theta) = (
        &posterior.quantities[2].draws,
        &posterior.quantities[3].draws,
        &posterior.quantities[4].draws,
    );
    for s in (0..4000).step_by(371) {
        for j in 0..8 {
            close(
                theta[8 * s + j],
                mu[s] + tau[s] * z[8 * s + j],
                1e-10,
                "theta",
            );
        }
    }
}

#[test]
fn seeds_repeat_and_threads_change_nothing() {
    let with = |seed, threads| Options {
        threads,
        ..options(seed)
    };
    let model = eight_schools();
    let one = run("one thread", &model, &with(5, 1));
    let three = run("three threads", &model, &with(5, 3));
    let other = run("another seed", &model, &with(6, 1));
    assert_eq!(one.params, three.params);
    assert_eq!(one.posterior, three.posterior);
    assert_eq!(one.elbo, three.elbo);
    assert_ne!(one.posterior.log_q, other.posterior.log_q);
}

#[test]
fn a_centred_hierarchy_is_fitted_though_its_density_is_unbounded() {
    let fits: Vec<Fit> = (1..4)
        .map(|seed| run("centred schools", &centred_schools(), &options(seed)))
        .collect();
    for fitted in &fits {
        let se = fitted.elbo.se + fits[0].elbo.se;
        close(fitted.elbo.mean, fits[0].elbo.mean, 0.1 + 3.0 * se, "ELBO");
    }
}

#[test]
fn a_funnel_has_its_known_optimum() {
    let n = 9;
    // E[e^(−v)] E[xᵢ²] = 1 at the optimum.
    let var = 1.0 / (1.0 / 9.0 + n as f64 / 2.0);
    for seed in 1..4 {
        let p = run("funnel", &funnel(n), &options(seed)).params;
        close(p.sd[0].ln(), 0.5 * f64::ln(var), 0.1, "log sd of v");
        for j in 0..=n {
            close(p.mean[j], 0.0, 0.1 * p.sd[j], "mean");
        }
        for sd in &p.sd[1..] {
            close(sd.ln(), -0.25 * var, 0.1, "log sd of x");
        }
    }
}

#[test]
fn numbers_of_any_size_are_fitted_from_the_default_starts() {
    let noise = crate::infer::optim::problems::normals(50, 3);
    let mean = noise.iter().sum::<f64>() / 50.0;
    for (centre, spread) in [(0.0, 1e-6), (1e9, 1e5), (-1e4, 1e-2), (3.0, 1e8)] {
        let name = format!("{centre} ± {spread}");
        let fitted = run(&name, &location(centre, spread), &options(1));
        let (p, sd) = (&fitted.params, spread / 50f64.sqrt());
        close(p.mean[0], centre + spread * mean, 0.1 * sd, &name);
        assert!((0.7 * sd..1.4 * sd).contains(&p.sd[0]), "{name}: {p:?}");
    }
}

#[test]
fn a_horseshoe_is_fitted_or_its_error_is_said() {
    // Moments of e^(2 log λ) have so heavy tails that thousands of draws leave an error.
    let fits: Vec<Fit> = (1..3)
        .map(|seed| run("horseshoe", &horseshoe(), &options(seed)))
        .collect();
    let se = fits[0].elbo.se + fits[1].elbo.se;
    close(fits[0].elbo.mean, fits[1].elbo.mean, 0.1 + 3.0 * se, "ELBO");
    for fitted in &fits {
        let error = fitted.monte_carlo.expect("there were several rounds");
        let said = fitted.messages.iter().any(|m| m.code == "E0813");
        assert_eq!(
            said,
            error.sds > 0.03 || error.nats > 0.03,
            "{}",
            fitted.verdict
        );
    }
}
