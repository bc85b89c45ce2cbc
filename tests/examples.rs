//! The programs of `examples/`: each binds to its data, fits, and finds what the data were made from.
//!
//! Bounds on a simulated value are in posterior sds around it. 3.5 of them are exceeded by one honest
//! posterior in 2 000. Mean-field sds are too small where latents are correlated, so such rows have
//! absolute bounds.

use elbo::Model;
use elbo::data::{self, Disk};
use elbo::infer::{self, Fit, Options};
use elbo::{Data, Program};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "examples/truths.rs"]
mod truths;

/// What a fit is to find: a moment of a latent's element or the ELBO, the value simulated with (or known), and how far
/// what is found may lie from it.
struct Known {
    of: Of,
    name: &'static str,
    element: usize,
    value: f64,
    within: Within,
}

enum Of {
    Mean,
    Sd,
    Elbo,
}

enum Within {
    Sds(f64),
    Absolute(f64),
}

const fn sds(name: &'static str, element: usize, value: f64) -> Known {
    let within = Within::Sds(3.5);
    Known {
        of: Of::Mean,
        name,
        element,
        value,
        within,
    }
}

const fn near(name: &'static str, element: usize, value: f64, bound: f64) -> Known {
    let within = Within::Absolute(bound);
    Known {
        of: Of::Mean,
        name,
        element,
        value,
        within,
    }
}

/// The mean of a posterior that is known, with its sd. Of 1000 draws it has a standard error of 0.032 sds: four of them.
const fn mean(name: &'static str, element: usize, value: f64, sd: f64) -> Known {
    near(name, element, value, 0.13 * sd)
}

/// The sd of a posterior that is known. Of 1000 draws it has a standard error of 0.022 of itself: four of them.
const fn sd(name: &'static str, element: usize, value: f64) -> Known {
    Known {
        of: Of::Sd,
        ..near(name, element, value, 0.09 * value)
    }
}

/// The evidence, where the guide can be the posterior: fits end where a step promises less than 0.0001 nats.
const fn evidence(value: f64) -> Known {
    elbo(value, 0.001)
}

const fn elbo(value: f64, bound: f64) -> Known {
    Known {
        of: Of::Elbo,
        ..near("ELBO", 0, value, bound)
    }
}

/// One row for each folder of `examples/`. Those without numbers have tests of their own.
const EXAMPLES: &[(&str, &[Known])] = &[
    (
        // Reference means by long NUTS runs of posteriordb: mu 4.4 (sd 3.3), tau 3.6 (sd 3.2).
        "eight_schools",
        &[near("mu", 0, 4.4, 0.7), near("tau", 0, 3.6, 1.2)],
    ),
    (
        "linear_regression",
        &[
            sds("alpha", 0, 20.0),
            sds("b_light", 0, 2.0),
            sds("b_water", 0, -0.8),
            sds("sigma", 0, 3.0),
        ],
    ),
    (
        "logistic_regression",
        &[
            sds("alpha", 0, 0.5),
            sds("beta", 0, 1.5),
            sds("beta", 1, -1.0),
            sds("beta", 2, 0.0),
        ],
    ),
    (
        "hierarchical_regression",
        &[
            sds("mu_level", 0, 6.0),
            sds("mu_slope", 0, 0.8),
            sds("sd_level", 0, 1.0),
            sds("sd_slope", 0, 0.4),
            sds("sigma", 0, 0.5),
        ],
    ),
    (
        // omega, alpha and beta trade off: bounds of what a reader would call found.
        "garch",
        &[
            sds("mu", 0, 0.05),
            near("omega", 0, 0.1, 0.12),
            near("alpha", 0, 0.2, 0.15),
            near("beta", 0, 0.7, 0.2),
        ],
    ),
    (
        "gaussian_process",
        &[
            sds("amplitude", 0, 1.5),
            sds("length", 0, 1.2),
            sds("sigma", 0, 0.3),
        ],
    ),
    (
        // Means of the posterior by NUTS (Carpenter 2018, "Predator-prey population dynamics").
        "lotka_volterra",
        &[
            near("alpha", 0, 0.545, 0.02),
            near("beta", 0, 0.028, 0.002),
            near("gamma", 0, 0.80, 0.03),
            near("delta", 0, 0.024, 0.001),
            near("start", 0, 34.0, 1.0),
            near("start", 1, 5.9, 0.3),
            near("sigma", 0, 0.25, 0.02),
            near("sigma", 1, 0.25, 0.02),
        ],
    ),
    (
        // Means of the posterior by NUTS (Grinsztajn et al. 2021, section 2).
        "sir",
        &[
            near("beta", 0, 1.73, 0.04),
            near("gamma", 0, 0.54, 0.03),
            near("reproduction", 0, 3.2, 0.2),
            near("days_ill", 0, 1.85, 0.1),
        ],
    ),
    (
        "stiff_kinetics",
        &[
            sds("k1", 0, 0.04),
            sds("k2", 0, 3e7),
            sds("k3", 0, 1e4),
            sds("sigma", 0, 0.05),
        ],
    ),
    (
        "dynamic_causal",
        &[
            sds("forward", 0, 0.3),
            sds("forward", 1, 0.4),
            sds("backward", 0, 0.1),
            sds("backward", 1, 0.2),
            sds("gain", 0, 0.6),
            sds("input", 0, 0.4),
            sds("sigma", 0, 0.3),
        ],
    ),
    (
        // Beta(22, 12) and Gamma(47, 12.5), as `exact.py` prints them and the evidence.
        "conjugate",
        &[
            mean("p", 0, 22.0 / 34.0, 0.08078),
            sd("p", 0, 0.08078),
            mean("rate", 0, 47.0 / 12.5, 0.54845),
            sd("rate", 0, 0.54845),
            evidence(-48.42936),
        ],
    ),
    ("evidence", &[evidence(-34.65968)]),
    (
        // The exact posterior, as `exact.py` prints it.
        "predictive_coding",
        &[
            mean("cause", 0, 1.1978, 0.1786),
            sd("cause", 0, 0.1786),
            mean("cause", 1, -1.4390, 0.2756),
            sd("cause", 1, 0.2756),
            mean("feature", 0, -0.3493, 0.3211),
            mean("feature", 1, -0.9739, 0.1633),
            mean("feature", 2, -5.0866, 0.1709),
            mean("feature", 3, 1.0841, 0.4351),
            evidence(-14.57289),
        ],
    ),
    (
        // The greatest likelihood in closed form, as `generate.py` prints it. The fit ends where averages move by less than 0.02
        // sds in each of some 40 directions, 0.01 nats below the best; five times that. An sd of noise from 600 residuals is 0.015;
        // a fifth of that.
        "probabilistic_pca",
        &[elbo(-1175.7877, 0.05), near("noise", 0, 0.5314, 0.003)],
    ),
    (
        // What the twin in PyTorch of `bench/autoencoder_twin.py` gets to with 4000 steps, -15.3 nats an image. Seeds and rates of
        // the twin differ by 0.15 to 0.4; pixels by themselves have -24.1.
        "autoencoder",
        &[elbo(-15320.0, 400.0)],
    ),
    ("topics", &[]),
    ("anomaly", &[]),
    ("semi_supervised", &[]),
    (
        "hmm",
        &[
            sds("mu", 0, -1.0),
            sds("mu", 1, 2.0),
            sds("sigma", 0, 1.0),
            sds("stay", 0, 0.95),
            sds("stay", 1, 0.9),
        ],
    ),
    (
        // The ELBO is that of a program with `hmm.log_likelihood` in place of the states; both have a standard error of 0.02: four of them.
        "hidden_states",
        &[
            sds("stay", 0, 0.9),
            sds("stay", 1, 0.85),
            sds("rate", 0, 3.0),
            sds("rate", 1, 8.0),
            elbo(-240.65, 0.1),
        ],
    ),
    (
        "mixture",
        &[
            sds("share", 0, 0.3),
            sds("share", 1, 0.5),
            sds("mu", 0, -4.0),
            sds("mu", 1, 0.0),
            sds("mu", 2, 3.5),
            sds("sigma", 0, 0.8),
            sds("sigma", 1, 1.0),
            sds("sigma", 2, 0.6),
        ],
    ),
    (
        "item_response",
        &[
            sds("spread", 0, 1.2),
            sds("difficulty", 0, -2.000),
            sds("difficulty", 1, -1.636),
            sds("difficulty", 2, -1.273),
            sds("difficulty", 3, -0.909),
            sds("difficulty", 4, -0.545),
            sds("difficulty", 5, -0.182),
            sds("difficulty", 6, 0.182),
            sds("difficulty", 7, 0.545),
            sds("difficulty", 8, 0.909),
            sds("difficulty", 9, 1.273),
            sds("difficulty", 10, 1.636),
            sds("difficulty", 11, 2.000),
        ],
    ),
    (
        // Exactly, as `generate.py` integrates. Log-normals are not quite Gammas: the ELBO may lie 0.01 nats below the evidence.
        "change_point",
        &[
            mean("early", 0, 3.8506, 0.33),
            mean("late", 0, 1.5996, 0.26),
            mean("change", 0, 36.279, 0.14),
            elbo(-124.1458, 0.01),
        ],
    ),
    (
        // Exactly, as `exact.py` sums. Chances are not quite logit-normal: the ELBO may lie 0.02 nats below the evidence, and the sd of
        // what is drawn given them a tenth below the exact one.
        "capture_recapture",
        &[
            mean("N", 0, 135.140, 10.244),
            Known {
                within: Within::Absolute(2.0),
                ..sd("N", 0, 10.244)
            },
            sds("p", 0, 0.2),
            sds("p", 1, 0.15),
            sds("p", 2, 0.25),
            sds("p", 3, 0.1),
            sds("p", 4, 0.2),
            sds("p", 5, 0.3),
            elbo(-41.4729, 0.02),
        ],
    ),
    (
        // sin(2x) at -1, 0 and 1.
        "bayesian_network",
        &[
            sds("curve", 2, -0.909),
            sds("curve", 4, 0.0),
            sds("curve", 6, 0.909),
        ],
    ),
    (
        "spike_train",
        &[
            sds("base", 0, -1.5),
            sds("filter", 0, 0.0),
            sds("filter", 1, 0.3),
            sds("filter", 2, 0.8),
            sds("filter", 3, 0.6),
            sds("filter", 4, 0.2),
            sds("filter", 5, -0.2),
            sds("filter", 6, -0.3),
            sds("filter", 7, -0.1),
            sds("history", 0, -3.0),
            sds("history", 1, -1.0),
            sds("history", 2, 0.3),
            sds("history", 3, 0.2),
        ],
    ),
    (
        "poisson_regression",
        &[
            sds("alpha", 0, -1.5),
            sds("b_traffic", 0, 0.6),
            sds("b_speed", 0, 0.4),
            sds("b_roundabout", 0, -0.5),
        ],
    ),
    (
        "negative_binomial",
        &[
            sds("alpha", 0, 2.0),
            sds("beta", 0, 0.5),
            sds("beta", 1, -0.3),
            sds("dispersion", 0, 2.0),
        ],
    ),
    (
        "ordinal_regression",
        &[
            sds("beta", 0, 1.0),
            sds("beta", 1, -0.7),
            sds("cutpoints", 0, -2.5),
            sds("cutpoints", 1, -1.0),
            sds("cutpoints", 2, 0.5),
            sds("cutpoints", 3, 2.0),
        ],
    ),
    (
        "survival",
        &[
            sds("shape", 0, 1.5),
            sds("typical", 0, 4.0),
            sds("b_treated", 0, -0.7),
            sds("b_age", 0, 0.4),
            sds("hazard_ratio", 0, 0.4966),
        ],
    ),
    (
        // Least squares are off by 0.107 as a root mean square where there is no effect, as `generate.py` prints: half of that.
        "horseshoe",
        &[
            sds("alpha", 0, 0.5),
            sds("sigma", 0, 1.0),
            near("beta", 0, 0.0, 0.05),
            near("beta", 1, 0.0, 0.05),
            sds("beta", 2, 1.5),
            near("beta", 3, 0.0, 0.05),
            near("beta", 4, 0.0, 0.05),
            near("beta", 5, 0.0, 0.05),
            sds("beta", 6, -1.0),
            near("beta", 7, 0.0, 0.05),
            near("beta", 8, 0.0, 0.05),
            sds("beta", 9, 0.7),
            near("beta", 10, 0.0, 0.05),
            near("beta", 11, 0.0, 0.05),
            near("beta", 12, 0.0, 0.05),
            near("beta", 13, 0.0, 0.05),
            near("beta", 14, 0.0, 0.05),
            near("beta", 15, 0.0, 0.05),
            near("beta", 16, 0.0, 0.05),
            near("beta", 17, 0.0, 0.05),
            near("beta", 18, 0.0, 0.05),
            near("beta", 19, 0.0, 0.05),
        ],
    ),
    (
        // Exactly, as `generate.py` sums. One Normal follows the peak of a coefficient that may be out and leaves its base: what is
        // improbable is found more improbable, by up to 0.14, and half a nat is lost.
        "variable_selection",
        &[
            near("gamma", 0, 0.998, 0.02),
            near("gamma", 1, 1.0, 0.01),
            near("gamma", 2, 0.950, 0.06),
            near("gamma", 3, 0.135, 0.1),
            near("gamma", 4, 0.230, 0.2),
            near("gamma", 5, 0.136, 0.1),
            near("gamma", 6, 0.127, 0.1),
            near("gamma", 7, 0.129, 0.1),
            sds("beta", 0, 1.0),
            sds("beta", 1, -0.5),
            sds("beta", 2, 0.3),
            sds("alpha", 0, 0.5),
            sds("sigma", 0, 1.0),
            elbo(-127.134, 0.6),
        ],
    ),
    (
        // Means by NUTS; bounds are half of their sds. Simulated with 0.2, 0.4, 0.6 and 0.8.
        "bym2",
        &[
            near("alpha", 0, 0.21, 0.025),
            near("beta", 0, 0.42, 0.06),
            near("sigma", 0, 0.68, 0.04),
            near("rho", 0, 0.81, 0.085),
        ],
    ),
    (
        "varying_slopes",
        &[
            sds("mean", 0, 5.0),
            sds("mean", 1, -1.0),
            sds("sds", 0, 1.2),
            sds("sds", 1, 0.5),
            sds("sigma", 0, 0.5),
            sds("correlation", 0, -0.6),
        ],
    ),
    (
        // Exactly: sds of each number with the other held. The ELBO is an average over 1000 draws, with a standard error of
        // 0.025: four of them.
        "correlated_normal",
        &[
            mean("x", 0, 1.0, 0.6),
            sd("x", 0, 0.6),
            mean("x", 1, -1.0, 1.2),
            sd("x", 1, 1.2),
            elbo(-0.510826, 0.1),
        ],
    ),
    (
        // The nearest Normal, as `generate.py` finds it on a grid. Standard error of the ELBO 0.011: four of them.
        "cauchy",
        &[
            mean("x", 0, 0.0, 1.633978),
            sd("x", 0, 1.633978),
            elbo(-0.182758, 0.045),
        ],
    ),
    (
        // The better of two optima, likewise. Standard error of the ELBO 0.0024: four of them.
        "two_modes",
        &[
            mean("x", 0, -2.99054, 1.01467),
            sd("x", 0, 1.01467),
            elbo(-0.354034, 0.01),
        ],
    ),
    (
        // log p(y) on a grid, as `exact.py` prints it. The guide's path does not roughen as sigma grows: 1.5 nats are found.
        "stochastic_volatility",
        &[
            sds("mu", 0, -1.0),
            sds("phi", 0, 0.95),
            sds("sigma", 0, 0.25),
            elbo(-163.4, 2.5),
        ],
    ),
    (
        "local_trend",
        &[
            sds("level_sd", 0, 0.3),
            sds("slope_sd", 0, 0.1),
            sds("season_sd", 0, 0.2),
            sds("noise_sd", 0, 0.5),
        ],
    ),
    (
        "autoregression",
        &[
            sds("constant", 0, 1.0),
            sds("b", 0, 0.6),
            sds("b", 1, 0.3),
            sds("b", 2, -0.4),
            sds("sigma", 0, 0.5),
        ],
    ),
    (
        // log p(y) by Laplace's method on a grid, as `exact.py` prints it; one Normal for weights and amplitude lies 0.9 nats below.
        "gp_counts",
        &[
            sds("level", 0, 1.5),
            sds("amplitude", 0, 0.8),
            sds("length", 0, 6.0),
            sds("rate", 9, 6.68),
            sds("rate", 29, 6.96),
            sds("rate", 49, 2.75),
            elbo(-136.36, 1.5),
        ],
    ),
    (
        // The dense process's posterior on a grid, as `generate.py` prints it. Log-normals are not quite its shape: a quarter of an
        // sd, and 0.1 nats.
        "sparse_gaussian_process",
        &[
            near("amplitude", 0, 2.0102, 0.15),
            near("length", 0, 1.4968, 0.054),
            near("sigma", 0, 0.3478, 0.0066),
            elbo(-61.7583, 0.1),
        ],
    ),
];

/// Examples whose fits are stopped here, and after how many steps: they end by themselves, as their pages show, but take a minute or
/// two in a build with assertions.
const STOPPED: &[(&str, usize)] = &[("topics", 2500), ("semi_supervised", 2000)];

/// The default, but for fits that are stopped.
fn options(name: &str) -> Options {
    let stopped = STOPPED.iter().find(|(known, _)| *known == name);
    Options {
        max_steps: stopped.map(|(_, steps)| *steps),
        ..Options::default()
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

fn bound(name: &str) -> Model {
    bound_with(name, |_| ())
}

/// With some of the data changed.
fn bound_with(name: &str, change: impl FnOnce(&mut Data)) -> Model {
    bound_to(name, name, change)
}

/// Another program of a folder, with the same data.
fn rival(name: &str, program: &str) -> Model {
    bound_to(name, program, |_| ())
}

/// A program of a folder, with the folder's data.
fn bound_to(name: &str, program: &str, change: impl FnOnce(&mut Data)) -> Model {
    let path = folder(name).join(format!("{program}.vi"));
    let program = Program::load(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(
        program.warnings().is_empty(),
        "{name}: {:?}",
        program.warnings()
    );
    let file = data::beside(&Disk, &folder(name).join(format!("{name}.vi")));
    let file = file.unwrap_or_else(|| panic!("{name} has no data"));
    let mut sources = program.sources().clone();
    let mut data: Data = data::load(&Disk, &file, &mut sources).expect("the data can be read");
    change(&mut data);
    let model = program
        .bind(&data)
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(model.notes().is_empty(), "{name}: {:?}", model.notes());
    model
}

fn moments(model: &Model, fit: &Fit, known: &Known) -> (f64, f64) {
    if matches!(known.of, Of::Elbo) {
        return (fit.elbo.mean, fit.elbo.se);
    }
    let at = model.quantities.iter().position(|q| q.name == known.name);
    let at = at.unwrap_or_else(|| panic!("there is no {}", known.name));
    let numel: usize = model.quantities[at].shape.iter().product();
    let draws = fit.posterior.quantities[at].draws.iter();
    let draws: Vec<f64> = draws.skip(known.element).step_by(numel).copied().collect();
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let squares: f64 = draws.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (draws.len() - 1) as f64).sqrt())
}

#[test]
fn examples_fit_and_find_what_was_simulated() {
    let mut failures = Vec::new();
    for (name, known) in EXAMPLES.iter().filter(|row| !row.1.is_empty()) {
        let model = bound(name);
        let options = options(name);
        let fit = infer::fit(&model, &options, &mut |_| {})
            .unwrap_or_else(|d| panic!("{name}: {}", d.message));
        if !fit.converged && options.max_steps.is_none() {
            failures.push(format!("{name}: {}", fit.verdict));
        }
        for known in *known {
            let (mean, sd) = moments(&model, &fit, known);
            let found = if matches!(known.of, Of::Sd) { sd } else { mean };
            let bound = match known.within {
                Within::Sds(k) => k * sd,
                Within::Absolute(bound) => bound,
            };
            let off = (found - known.value).abs();
            if off.is_nan() || off > bound {
                failures.push(format!(
                    "{name}: {}[{}] is {found:.4}, made with {}, {bound:.4} allowed",
                    known.name, known.element, known.value
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// log p(y) of each order, as `exact.py` computes it from the Normal density of all points together.
#[test]
fn the_evidence_of_each_order_is_exact() {
    let exact = [
        -93.8701, -64.1384, -66.2620, -34.6597, -37.2231, -39.7644, -42.2576,
    ];
    for (order, exact) in exact.into_iter().enumerate() {
        let model = bound_with("evidence", |data| data.insert("order", order as f64));
        let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
        let found = fit.elbo.mean;
        // As for a row of `evidence`.
        let off = (found - exact).abs();
        assert!(off < 0.001, "order {order}: {found}, exactly {exact}");
    }
}

/// Attention was simulated on the forward connection.
#[test]
fn evidence_picks_the_connection_that_attention_acts_on() {
    let elbo = |connection: f64| {
        let model = bound_with("dynamic_causal", |data| {
            data.insert("modulated", connection)
        });
        let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
        assert!(fit.converged, "{}", fit.verdict);
        fit.elbo.mean
    };
    let (forward, backward) = (elbo(1.0), elbo(2.0));
    // A log Bayes factor of 5 is called decisive.
    assert!(forward > backward + 5.0, "{forward} {backward}");
}

/// Steps of a fit by fixed draws go uphill, and draws whose moments are exact have the ELBO of a Normal posterior exactly: the
/// free energy falls to the surprise.
#[test]
fn free_energy_falls_at_every_step() {
    let model = bound("predictive_coding");
    let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
    let free: Vec<f64> = fit.trace.iter().map(|(_, elbo)| -elbo).collect();
    assert!(free.len() > 3 && free[0] > free[1] + 0.1, "{free:?}");
    let surprise = 14.57289;
    for pair in free.windows(2) {
        // Roundings of sums of some tens of terms.
        assert!(pair[1] < pair[0] + 1e-9, "{free:?}");
        assert!(pair[1] > surprise - 0.0001, "{free:?}");
    }
}

/// The curve is less certain in the middle of a gap of the data, at 0, than at its edges, at -1 and 1: more than twice as wide, where
/// three to four times are found with other seeds.
#[test]
fn a_network_knows_where_it_does_not_know() {
    let model = bound("bayesian_network");
    let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
    let [left, middle, right] = [2, 4, 6].map(|i| moments(&model, &fit, &sds("curve", i, 0.0)).1);
    assert!(middle > 2.0 * left.max(right), "{left} {middle} {right}");
}

/// The posterior means of a quantity's elements.
fn means(model: &Model, fit: &Fit, name: &str) -> Vec<f64> {
    let at = model.quantities.iter().position(|q| q.name == name);
    let at = at.unwrap_or_else(|| panic!("there is no {name}"));
    let numel: usize = model.quantities[at].shape.iter().product();
    let draws = &fit.posterior.quantities[at].draws;
    let mut means = vec![0.0; numel];
    for draw in draws.chunks(numel) {
        for (mean, x) in means.iter_mut().zip(draw) {
            *mean += x * numel as f64 / draws.len() as f64;
        }
    }
    means
}

/// The more probable state is the right one in more than 83 of 96 hours, which the best threshold of counts gets right; 87 are found.
#[test]
fn hidden_states_are_drawn_after_the_fit() {
    let model = bound("hidden_states");
    let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
    let file = folder("hidden_states").join("truth.json");
    let truth = data::load(&Disk, &file, &mut Default::default()).expect("the truth can be read");
    let truth = truth.get("state").expect("it has the states");
    let truth = truth.numbers().expect("which are numbers").data;
    let found = means(&model, &fit, "state");
    assert_eq!(found.len(), truth.len());
    let pairs = found.iter().zip(truth.iter());
    let right = pairs.filter(|(mean, state)| (**mean > 1.5) == (**state > 1.5));
    assert!(right.count() > 83, "{found:?}");
}

/// The least of the greatest costs, over all ways to give each row a column of its own.
fn matched(costs: &[Vec<f64>], taken: &mut Vec<usize>) -> f64 {
    let Some(row) = costs.get(taken.len()) else {
        return 0.0;
    };
    let mut least = f64::INFINITY;
    for (column, &cost) in row.iter().enumerate() {
        if taken.contains(&column) {
            continue;
        }
        taken.push(column);
        least = least.min(matched(costs, taken).max(cost));
        taken.pop();
    }
    least
}

/// Topics have no names. The five of `generate.py` differ from each other by a total variation of 0.8; three seeds find them to
/// 0.05. The bar is 0.1.
#[test]
fn topics_are_recovered_whatever_their_order() {
    let model = bound("topics");
    let fit = infer::fit(&model, &options("topics"), &mut |_| {}).expect("it can be fitted");
    let found = means(&model, &fit, "topic");
    let truth = |k: usize| -> Vec<f64> {
        let weight = |v: usize| 0.85_f64.powi(((v + 50 - 10 * k) % 50) as i32);
        let total: f64 = (0..50).map(weight).sum();
        (0..50).map(|v| weight(v) / total).collect()
    };
    let variation = |found: &[f64], k: usize| -> f64 {
        let differences = found.iter().zip(truth(k)).map(|(a, b)| (a - b).abs());
        0.5 * differences.sum::<f64>()
    };
    let costs: Vec<Vec<f64>> = found
        .chunks(50)
        .map(|topic| (0..5).map(|k| variation(topic, k)).collect())
        .collect();
    let worst = matched(&costs, &mut Vec::new());
    assert!(worst < 0.1, "{costs:?}");
}

/// The most likely class is the right one for more than 96.5 % of the 680 images without label: three seeds have 97.6 to 98.1 %, the
/// best of the classifiers of `generate.py`, which see the 40 labelled images alone, 94.9 %.
#[test]
fn images_without_labels_help_to_classify() {
    let model = bound("semi_supervised");
    let options = options("semi_supervised");
    let fit = infer::fit(&model, &options, &mut |_| {}).expect("it can be fitted");
    let chance = means(&model, &fit, "chance");
    let right = means(&model, &fit, "right");
    let unlabelled = chance.chunks(4).zip(&right).skip(40);
    // Roundings of means.
    let is_found = |(chance, right): &(&[f64], &f64)| chance.iter().all(|c| *c < **right + 1e-9);
    let found = unlabelled.clone().filter(is_found).count();
    let share = found as f64 / unlabelled.count() as f64;
    assert!(share > 0.965, "{share}");
}

/// The chance that one of the 50 odd rows, which stand last, has a lower bound than a good row: 0.988 or more for three seeds. The best of
/// the linear methods of `generate.py` has 0.597. Rows' bounds add up to the ELBO.
#[test]
fn odd_rows_have_the_lowest_bounds() {
    let model = bound("anomaly");
    let options = options("anomaly");
    let fit = infer::fit(&model, &options, &mut |_| {}).expect("it can be fitted");
    let bounds = means(&model, &fit, "bound");
    let (good, odd) = bounds.split_at(950);
    let lower = |odd: &f64| good.iter().filter(|good| odd < *good).count();
    let area = odd.iter().map(lower).sum::<usize>() as f64 / (950.0 * 50.0);
    assert!(area > 0.97, "{area}");
    let total: f64 = bounds.iter().sum();
    // Both are means over draws: four standard errors of their difference are 5 nats.
    let off = (total - fit.elbo.mean).abs();
    assert!(off < 5.0, "{total}, ELBO {}", fit.elbo.mean);
}

/// Mean log predictive density of 100 held-out points: -0.27 to -0.25 for three seeds where the posterior weighs all weights, -1.15 by the
/// most probable ones, which are the best optimum of 40 starts.
#[test]
fn all_weights_predict_better_than_the_most_probable() {
    let predictive = |program: &str| {
        let model = rival("bayesian_network", program);
        let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
        assert!(fit.converged, "{program}: {}", fit.verdict);
        let densities = means(&model, &fit, "density");
        densities.iter().map(|p| p.ln()).sum::<f64>() / densities.len() as f64
    };
    let (all, one) = (predictive("bayesian_network"), predictive("point_network"));
    assert!(all > one + 0.5, "{all}, by the most probable weights {one}");
}

/// The same catches as Poisson counts: the ELBO falls by some 144 nats, and the interval of a coefficient misses what it was made with.
#[test]
fn counts_are_found_to_vary_more_than_poisson_ones() {
    let wide = bound("negative_binomial");
    let narrow = rival("negative_binomial", "poisson");
    let fit = |model: &Model| {
        infer::fit(model, &Options::default(), &mut |_| {}).expect("it can be fitted")
    };
    let (by_wide, by_narrow) = (fit(&wide), fit(&narrow));
    // Far above what Monte Carlo could do, far below what was found.
    assert!(by_wide.elbo.mean > by_narrow.elbo.mean + 50.0);
    // A Poisson's variance would make 1 of it.
    let (mean, sd) = moments(&wide, &by_wide, &near("excess", 0, 1.0, 0.0));
    assert!(mean - 4.0 * sd > 1.0, "{mean} {sd}");
    let (mean, sd) = moments(&narrow, &by_narrow, &near("beta", 1, -0.3, 0.0));
    assert!((mean + 0.3).abs() > 4.0 * sd, "{mean} {sd}");
}

/// Whoever takes the last sight of a survivor for a death finds deaths too early: the typical time is far from the one simulated with.
#[test]
fn survivors_who_are_counted_as_dead_mislead() {
    let model = bound_with("survival", |data| data.insert("event", [1.0; 200]));
    let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
    let (mean, sd) = moments(&model, &fit, &sds("typical", 0, 4.0));
    assert!(mean < 4.0 - 3.5 * sd, "{mean} {sd}");
}

/// With districts in another order neighbours have nothing in common: the spatial share falls, and with it the evidence.
#[test]
fn a_shuffled_map_has_no_neighbours() {
    let shuffled = bound_with("bym2", |data| {
        for name in ["expected", "smoking", "cases"] {
            let values = data.get(name).expect("it is data").numbers();
            let values = values.expect("they are numbers").data;
            // 13 and 40 have no common divisor: every district is somewhere.
            let values: Vec<f64> = (0..40).map(|i| values[13 * i % 40]).collect();
            data.insert(name, values);
        }
    });
    let rho = near("rho", 0, 0.0, 0.0);
    let [(true_rho, true_elbo), (rho, elbo)] = [bound("bym2"), shuffled].map(|model| {
        let fit = infer::fit(&model, &Options::default(), &mut |_| {}).expect("it can be fitted");
        (moments(&model, &fit, &rho).0, fit.elbo.mean)
    });
    // 0.79 and 0.15 are found, and 8 nats.
    assert!(true_rho > 0.6 && rho < 0.4, "{true_rho} {rho}");
    assert!(true_elbo > elbo + 4.0, "{true_elbo} {elbo}");
}

/// Centred and non-centred are one model. Neither guide is the posterior: 0.3 sds between means, 0.14 between a cafe's, and 0.4
/// nats are found.
#[test]
fn forms_of_a_hierarchy_agree() {
    let models = [
        bound("varying_slopes"),
        rival("varying_slopes", "non_centred"),
    ];
    let fits = models.each_ref().map(|model| {
        infer::fit(model, &Options::default(), &mut |_| {}).expect("it can be fitted")
    });
    let off = (fits[0].elbo.mean - fits[1].elbo.mean).abs();
    assert!(off < 1.5, "{off} nats");
    let means = [("mean", 2), ("sds", 2), ("sigma", 1), ("correlation", 1)];
    let means = means.map(|(name, numel)| (name, numel, 0.5));
    for (name, numel, within) in means.into_iter().chain([("effect", 40, 0.2)]) {
        for element in 0..numel {
            let of = near(name, element, 0.0, 0.0);
            let (centred, sd) = moments(&models[0], &fits[0], &of);
            let (other, _) = moments(&models[1], &fits[1], &of);
            assert!(
                (centred - other).abs() < within * sd,
                "{name}[{element}]: {centred} and {other}, sd {sd}"
            );
        }
    }
}

#[test]
fn every_folder_is_listed() {
    let mut folders: Vec<String> = fs::read_dir(folder(""))
        .expect("examples/ can be read")
        .map(|entry| entry.expect("its entries too"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut listed: Vec<&str> = EXAMPLES.iter().map(|e| e.0).collect();
    listed.sort_unstable();
    assert_eq!(folders, listed);
}

/// The first word of each row of a page's table is the name of something that the model reports.
#[test]
fn pages_speak_of_what_the_models_report() {
    for (name, _) in EXAMPLES {
        let page = fs::read_to_string(folder(name).join("README.md"))
            .unwrap_or_else(|e| panic!("{name}/README.md: {e}"));
        let names: Vec<&str> = table_names(&page);
        let model = bound(name);
        for quantity in &model.quantities {
            assert!(
                names.contains(&quantity.name.as_str()),
                "{name}/README.md does not show {}",
                quantity.name
            );
        }
        for shown in names {
            assert!(
                model.quantities.iter().any(|q| q.name == shown),
                "{name}/README.md shows {shown}, which the model does not report"
            );
        }
    }
}

/// Names in the first column of the table in a page's output block: what follows the ruled line.
fn table_names(page: &str) -> Vec<&str> {
    let rows = page.lines().skip_while(|line| !line.starts_with("───"));
    rows.skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.trim().split(['[', ' ']).next())
        .filter(|name| name.starts_with(char::is_alphabetic))
        .collect()
}
