//! Latents that nothing observed depends on are left out of the fit and drawn afterwards: the fit is
//! what it is without them, and their draws are those of the exact predictive distribution.

use elbo::Model;
use elbo::infer::{Evaluator, Fit, Options, fit};
use elbo::{Data, Program};

fn bind(text: &str, data: &Data) -> Model {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    program.bind(data).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn fitted(model: &Model, threads: usize) -> Fit {
    let options = Options {
        draws: DRAWS,
        threads,
        ..Options::default()
    };
    fit(model, &options, &mut |_| ()).expect("the model can be fitted")
}

const DRAWS: usize = 4000;

/// The draws of one element.
fn draws(model: &Model, fit: &Fit, name: &str, element: usize) -> Vec<f64> {
    let at = model.quantities.iter().position(|q| q.name == name);
    let at = at.unwrap_or_else(|| panic!("{name} is reported"));
    let size: usize = model.quantities[at].shape.iter().product();
    let rows = fit.posterior.quantities[at].draws.chunks_exact(size);
    rows.map(|row| row[element]).collect()
}

fn moments(draws: &[f64]) -> (f64, f64) {
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    let squares: f64 = draws.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// Five standard errors of the mean, and of the sd of what has a fourth moment near the Normal one.
fn expect_moments(draws: &[f64], mean: f64, sd: f64) {
    let found = moments(draws);
    let error = 5.0 * sd / (draws.len() as f64).sqrt();
    assert!((found.0 - mean).abs() < error, "{found:?} for {mean}");
    assert!((found.1 - sd).abs() < error, "{found:?} for {sd}");
}

const Y: [f64; 10] = [3.1, 0.4, 5.2, 2.6, 1.9, 4.4, 3.3, 2.2, 6.1, 1.0];

fn some_missing(missing: usize) -> Data {
    let mut y = Y.to_vec();
    y.extend(vec![f64::NAN; missing]);
    let mut data = Data::default();
    data.insert("y", y);
    data
}

const UNKNOWN_SD: &str =
    "data y: real[N]\nmu ~ Normal(0, 10)\nsigma ~ HalfNormal(5)\ny ~ Normal(mu, sigma)";

#[test]
fn missing_entries_tell_nothing() {
    let (with, without) = (
        bind(UNKNOWN_SD, &some_missing(990)),
        bind(UNKNOWN_SD, &some_missing(0)),
    );
    assert_eq!((with.size(), without.size()), (2, 2));
    let drawn = with.drawn.as_ref().expect("some are set aside");
    assert_eq!(drawn.names, [("y".to_string(), 990)]);
    let (with_fit, without_fit) = (fitted(&with, 1), fitted(&without, 1));
    let pairs = [
        (&with_fit.params.mean, &without_fit.params.mean),
        (&with_fit.params.sd, &without_fit.params.sd),
    ];
    for (a, b) in pairs {
        // The same sums in another order, through some Newton steps.
        let close = a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8);
        assert!(close, "{a:?} {b:?}");
    }
    // The exact posterior sd of the mean, by a t distribution with 9 degrees of freedom, is 0.63 to 0.65
    // under these wide priors; 1000 observations would make it 0.06.
    let sd = moments(&draws(&with, &with_fit, "mu", 0)).1;
    assert!((0.5..0.75).contains(&sd), "{sd}");
}

const KNOWN_SD: &str = "data y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 2)";

#[test]
fn draws_are_those_of_the_posterior_predictive() {
    let text = format!(
        "{KNOWN_SD}\nagain ~ Normal(mu, 2)^3\nlet above = again - mu\nof_again ~ Normal(again[2], 1)"
    );
    let model = bind(&text, &some_missing(5));
    assert_eq!(model.size(), 1);
    let fit = fitted(&model, 1);
    let precision = 1.0 / 100.0 + 10.0 / 4.0;
    let mean = Y.iter().sum::<f64>() / 4.0 / precision;
    let variance: f64 = 1.0 / precision;
    expect_moments(&draws(&model, &fit, "mu", 0), mean, variance.sqrt());
    for element in 10..15 {
        let y = draws(&model, &fit, "y", element);
        expect_moments(&y, mean, (variance + 4.0).sqrt());
    }
    for element in 0..3 {
        let again = draws(&model, &fit, "again", element);
        expect_moments(&again, mean, (variance + 4.0).sqrt());
        expect_moments(&draws(&model, &fit, "above", element), 0.0, 2.0);
    }
    let third = draws(&model, &fit, "of_again", 0);
    expect_moments(&third, mean, (variance + 5.0).sqrt());
    // Elements are independent, and what follows one follows its draws.
    let (a, b) = (
        draws(&model, &fit, "again", 0),
        draws(&model, &fit, "again", 1),
    );
    let difference =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
    expect_moments(&difference(&a, &b), 0.0, 8f64.sqrt());
    expect_moments(&difference(&third, &b), 0.0, 1.0);
    assert_eq!(draws(&model, &fit, "y", 3), vec![Y[3]; DRAWS]);
}

#[test]
fn seeds_repeat_and_threads_change_nothing() {
    let model = bind(
        &format!("{UNKNOWN_SD}\nz ~ Gamma(2, sigma)"),
        &some_missing(7),
    );
    let first = fitted(&model, 1);
    assert_eq!(first.posterior, fitted(&model, 1).posterior);
    assert_eq!(first.posterior, fitted(&model, 3).posterior);
}

#[test]
fn the_tail_of_a_chain_is_drawn_step_by_step() {
    let chain = "data y: real
        x[1] ~ Normal(0, 1)
        for t in 2..8 { x[t] ~ Normal(x[t - 1], 1) }
        y ~ Normal(x[3], 1)";
    let mut data = Data::default();
    data.insert("y", 2.0);
    let model = bind(chain, &data);
    assert_eq!(model.size(), 3);
    let fit = fitted(&model, 1);
    let third = draws(&model, &fit, "x", 2);
    let (mean, sd) = moments(&third);
    for t in 3..8 {
        let x = draws(&model, &fit, "x", t);
        let steps = (t - 2) as f64;
        expect_moments(&x, mean, (sd * sd + steps).sqrt());
        let since: Vec<f64> = x.iter().zip(&third).map(|(a, b)| a - b).collect();
        expect_moments(&since, 0.0, steps.sqrt());
    }
}

#[test]
fn what_something_reads_stays() {
    let sizes = [
        // The missing entry is read by data.
        ("data z: real\nz ~ Normal(y[11], 1)", 2),
        ("factor -(y[11] - 1)^2", 2),
        // Read by a latent that data read.
        ("data z: real\nw ~ Normal(y[12], 1)\nz ~ Normal(w, 1)", 3),
        // Read by what nothing reads.
        ("w ~ Normal(y[12], 1)\nlet v = y[11] + w", 1),
        // The support depends on one, and the value is observed through.
        (
            "data z: real\nw ~ Uniform(0, exp(y[11]))\nz ~ Normal(w, 1)",
            3,
        ),
        // Improper: it has no draws.
        ("w ~ HalfFlat(lower = 0)", 2),
    ];
    let mut data = some_missing(4);
    data.insert("z", 0.3);
    for (more, size) in sizes {
        let model = bind(&format!("{KNOWN_SD}\n{more}"), &data);
        assert_eq!(model.size(), size, "{more}");
    }
}

#[test]
fn learned_parameters_and_programs_without_observations_are_as_they_were() {
    let alone = bind("mu ~ Normal(0, 1)\nx ~ Normal(mu, 1)^3", &Data::default());
    assert_eq!(alone.size(), 4);
    assert!(alone.drawn.is_none());
    let learned = "param s: positive = 1\nmu ~ Normal(0, s)\nz ~ Normal(mu, s)";
    let model = bind(learned, &Data::default());
    assert_eq!(model.size(), 3);
    let mut data = Data::default();
    data.insert("y", 2.0);
    let model = bind(&format!("data y: real\n{learned}\ny ~ Normal(0, s)"), &data);
    assert_eq!(model.size(), 1);
}

#[test]
fn values_of_all_kinds_are_drawn() {
    let text = format!(
        "{KNOWN_SD}
        p ~ Dirichlet([2, 3, 5])
        r ~ Lkj(3, 1)
        t ~ Normal(0, 1).truncate(lower = 1)
        m ~ Mixture([0.25, 0.75], [Normal(0, 1), Normal(4, 1)])
        u ~ Uniform(t, t + 2)
        let log_u = log(u)"
    );
    let model = bind(&text, &some_missing(0));
    assert_eq!(model.size(), 1);
    let fit = fitted(&model, 1);
    for (k, a) in [2.0, 3.0, 5.0].into_iter().enumerate() {
        let mean = a / 10.0;
        let sd = f64::sqrt(mean * (1.0 - mean) / 11.0);
        expect_moments(&draws(&model, &fit, "p", k), mean, sd);
    }
    // Marginally (r + 1)/2 is Beta(3/2, 3/2).
    expect_moments(&draws(&model, &fit, "r", 1), 0.0, 0.5);
    assert_eq!(draws(&model, &fit, "r", 4), vec![1.0; DRAWS]);
    // φ(1)/(1 − Φ(1)), and the variance 1 + λ − λ².
    let t = 1.525_135_276_160_981_f64;
    expect_moments(&draws(&model, &fit, "t", 0), t, (1.0 + t - t * t).sqrt());
    expect_moments(&draws(&model, &fit, "m", 0), 3.0, 2.0);
    let (u, t) = (draws(&model, &fit, "u", 0), draws(&model, &fit, "t", 0));
    assert!(u.iter().zip(&t).all(|(u, t)| (*t..=t + 2.0).contains(u)));
    let logs = draws(&model, &fit, "log_u", 0);
    // One rounding of the logarithm and of the way through unconstrained space.
    assert!(u.iter().zip(&logs).all(|(u, l)| (u.ln() - l).abs() < 1e-9));
}

#[test]
fn the_density_at_a_point_is_that_of_all_latents() {
    let text = format!("{KNOWN_SD}\nw ~ Normal(y[11], 3)");
    let model = bind(&text, &some_missing(1));
    let mut evaluator = Evaluator::new(&model);
    let normal = |x: f64, mean: f64, sd: f64| {
        -0.5 * ((x - mean) / sd).powi(2) - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
    };
    let (mu, y, w): (f64, f64, f64) = (1.5, -0.5, 2.0);
    let values: Vec<Vec<f64>> = model
        .stated
        .blocks
        .iter()
        .map(|b| match b.name.as_str() {
            "mu" => vec![mu],
            "y" => vec![y],
            _ => vec![w],
        })
        .collect();
    let expected = normal(mu, 0.0, 10.0)
        + Y.iter().map(|x| normal(*x, mu, 2.0)).sum::<f64>()
        + normal(y, mu, 2.0)
        + normal(w, y, 3.0);
    let (found, outside) = evaluator.log_density(&values);
    // A dozen terms of order 10.
    assert!(
        outside.is_empty() && (found - expected).abs() < 1e-12,
        "{found} {expected}"
    );
}

#[test]
fn missing_outcomes_of_a_regression_change_nothing() {
    // A regression whose missing outcomes need rows of a matrix product.
    let text = "data X: real[N, K]
        data y: real[N]
        beta ~ Normal(0, 1)^K
        sigma ~ HalfNormal(1)
        y ~ Normal(X @ beta, sigma)";
    let rows: Vec<Vec<f64>> = (0..14).map(|i| vec![1.0, f64::sin(i as f64)]).collect();
    let mut with = some_missing(4);
    with.insert("X", rows.clone());
    let mut without = some_missing(0);
    without.insert("X", rows[..10].to_vec());
    let (with, without) = (bind(text, &with), bind(text, &without));
    assert_eq!(with.size(), 3);
    let (a, b) = (fitted(&with, 1), fitted(&without, 1));
    let close = a
        .params
        .mean
        .iter()
        .zip(&b.params.mean)
        .all(|(a, b)| (a - b).abs() < 1e-8);
    assert!(close, "{:?} {:?}", a.params.mean, b.params.mean);
}
