//! Predictions: replicates, new data, new elements, series that go on, and the likelihood of each observation.

use elbo::data::Values;
use elbo::infer::Quantity;
use elbo::{Data, Error, Fit, Options, Prediction, Predictive, Program};
use std::f64::consts::PI;

fn data<const N: usize>(entries: [(&str, Values); N]) -> Data {
    let mut data = Data::default();
    for (name, values) in entries {
        data.insert(name, values);
    }
    data
}

fn fit(text: &str, data: &Data, draws: usize) -> Fit {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e:?}"));
    let options = Options {
        draws,
        ..Options::default()
    };
    let model = program.bind(data).unwrap_or_else(|e| panic!("{e:?}"));
    model.fit(&options).unwrap_or_else(|e| panic!("{e:?}"))
}

fn predict(fit: &Fit, new: Data, how: Predictive) -> Prediction {
    fit.predict_with(&new, &how)
        .unwrap_or_else(|e| panic!("{e:?}"))
}

fn of<'q>(quantities: &'q [Quantity], name: &str) -> &'q Quantity {
    let found = quantities.iter().find(|q| q.name == name);
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

fn normal_log_density(x: f64, mean: f64, sd: f64) -> f64 {
    -0.5 * ((x - mean) / sd).powi(2) - sd.ln() - 0.5 * (2.0 * PI).ln()
}

fn codes(result: Result<Prediction, Error>) -> Vec<&'static str> {
    result
        .expect_err("it is refused")
        .diagnostics
        .iter()
        .map(|d| d.code)
        .collect()
}

const LINE: &str = "data x: real[N]\ndata y: real[N]\na ~ Normal(0, 10)\nb ~ Normal(0, 10)\nlet m = a + b * x\ny ~ Normal(m, 0.5)";

fn line() -> Fit {
    let x: Vec<f64> = (0..20).map(|i| f64::from(i) / 10.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| 1.0 + 2.0 * x + 0.3 * (37.0 * x).sin())
        .collect();
    fit(LINE, &data([("x", x.into()), ("y", y.into())]), 4000)
}

/// The predictive distribution at a new point is Normal, around the line, with the variance of line and noise together.
#[test]
fn new_rows_are_predicted_with_the_posterior_and_the_noise() {
    let fit = line();
    let prediction = predict(
        &fit,
        data([("x", [5.0, -1.0].into())]),
        Predictive::default(),
    );
    let (y, m) = (of(&prediction.observed, "y"), of(&prediction.latents, "m"));
    assert_eq!((&y.shape, &m.shape), (&vec![2], &vec![2]));
    // What is computed is that of each draw.
    let (a, b) = (&fit.posterior()["a"], &fit.posterior()["b"]);
    for i in [0, 17, 3999] {
        assert!((m.draw(i)[0] - (a.draws[i] + 5.0 * b.draws[i])).abs() < 1e-12);
    }
    for k in 0..2 {
        let sd = (m.sd()[k].powi(2) + 0.25).sqrt();
        // Four standard errors of 4000 draws.
        assert!((y.mean()[k] - m.mean()[k]).abs() < 4.0 * 0.5 / 4000_f64.sqrt());
        assert!((y.sd()[k] / sd - 1.0).abs() < 4.0 / 8000_f64.sqrt());
    }
    // Nothing was given that could have a likelihood.
    assert!(prediction.log_likelihood.is_empty());
    let given = predict(
        &fit,
        data([("x", [5.0].into()), ("y", [12.0].into())]),
        Predictive::default(),
    );
    let density = of(&given.log_likelihood, "y");
    let expected = normal_log_density(12.0, a.draws[3] + 5.0 * b.draws[3], 0.5);
    assert!((density.draw(3)[0] - expected).abs() < 1e-12);
}

#[test]
fn replicates_are_of_the_data_of_the_fit_and_repeat_with_the_seed() {
    let fit = line();
    let none = Data::default();
    let once = fit.predict(&none).unwrap();
    assert_eq!(of(&once.observed, "y").shape, [20]);
    assert_eq!(once, fit.predict(&none).unwrap());
    let threads = Predictive {
        threads: 3,
        ..Predictive::default()
    };
    assert_eq!(once, predict(&fit, none.clone(), threads));
    let other = Predictive {
        seed: 2,
        ..Predictive::default()
    };
    assert_ne!(once.observed, predict(&fit, none, other).observed);
}

const GROUPS: &str = "data y: real[N]\ndata g: label[N]\nmu ~ Normal(0, 5)\ntau ~ HalfNormal(2)\n\
    for k in g.levels { a[k] ~ Normal(mu, tau) }\nfor i in 1..N { y[i] ~ Normal(a[g[i]], 0.1) }";

fn groups() -> Fit {
    let levels: Values = ["p", "p", "q", "q", "r", "r"][..].into();
    fit(
        GROUPS,
        &data([("y", [1.0, 1.1, 2.0, 2.1, 6.0, 6.1].into()), ("g", levels)]),
        4000,
    )
}

#[test]
fn levels_are_known_by_their_names_and_new_ones_are_drawn() {
    let fit = groups();
    let new: Values = ["r", "new", "p"][..].into();
    let prediction = predict(&fit, data([("g", new)]), Predictive::default());
    let a = of(&prediction.latents, "a");
    let names: Vec<String> = (0..a.numel()).map(|k| a.element(k)).collect();
    assert_eq!(names, ["a[p]", "a[q]", "a[r]", "a[new]"]);
    let old = &fit.posterior()["a"];
    for i in [0, 1234] {
        assert_eq!(&a.draw(i)[..3], old.draw(i));
    }
    // A new group is drawn around mu: its variance is that of mu and the mean of tau².
    let (mu, tau) = (&fit.posterior()["mu"], &fit.posterior()["tau"]);
    let squares: f64 = tau.draws.iter().map(|t| t * t).sum::<f64>() / 4000.0;
    let sd = (mu.sd()[0].powi(2) + squares).sqrt();
    // Four standard errors of a sum of Normals of several sds, of kurtosis below 6.
    assert!(
        (a.sd()[3] / sd - 1.0).abs() < 4.0 * (5.0 / 16_000_f64).sqrt(),
        "{} {sd}",
        a.sd()[3]
    );
    let y = of(&prediction.observed, "y").mean();
    assert!((y[0] - 6.05).abs() < 0.1 && (y[2] - 1.05).abs() < 0.1);
}

const WALK: &str = "data y: real[T]\ndata s: real\nl[1] ~ Normal(0, 1)\nfor t in 2..T { l[t] ~ Normal(0.5 * l[t - 1], s) }\n\
    for t in 1..T { y[t] ~ Normal(l[t], 0.1) }";

#[test]
fn series_go_on_from_where_they_were() {
    let known = [("y", [1.0, 2.0, 1.5, 3.0].into()), ("s", 0.2.into())];
    let fit = fit(WALK, &data(known), 4000);
    let longer = || data([("T", 7.into())]);
    assert_eq!(codes(fit.predict(&longer())), ["E0636"]);
    let goes_on = Predictive {
        extend: vec!["T".into()],
        ..Predictive::default()
    };
    let l = predict(&fit, longer(), goes_on.clone());
    let l = of(&l.latents, "l");
    assert_eq!(l.shape, [7]);
    let old = &fit.posterior()["l"];
    assert_eq!(&l.draw(10)[..4], old.draw(10));
    // Each step halves what it comes from.
    let next: Vec<f64> = (0..4000)
        .map(|i| l.draw(i)[4] - 0.5 * l.draw(i)[3])
        .collect();
    let mean = next.iter().sum::<f64>() / 4000.0;
    let sd = (next.iter().map(|x| x * x).sum::<f64>() / 4000.0).sqrt();
    assert!(
        mean.abs() < 4.0 * 0.2 / 4000_f64.sqrt() && (sd / 0.2 - 1.0).abs() < 4.0 / 8000_f64.sqrt()
    );
    // Others than those of the fit are drawn from the start.
    let others = Predictive {
        new: vec!["T".into()],
        ..Predictive::default()
    };
    let others = predict(&fit, longer(), others);
    let first = of(&others.latents, "l").sd()[0];
    assert!((first - 1.0).abs() < 4.0 / 8000_f64.sqrt(), "{first}");
}

#[test]
fn observed_values_that_are_kept_are_what_comes_after_depends_on() {
    let text = "data y: real[T]\nphi ~ Normal(0, 1)\nfor t in 2..T { y[t] ~ Normal(phi * y[t - 1], 0.01) }";
    let fit = fit(text, &data([("y", [8.0, 4.0, 2.0, 1.0].into())]), 1000);
    let nan = f64::NAN;
    let new = || data([("y", vec![3.0, nan, nan, 6.0, nan].into())]);
    let keep = Predictive {
        keep: vec!["y".into()],
        ..Predictive::default()
    };
    let prediction = predict(&fit, new(), keep);
    let y = of(&prediction.observed, "y").mean();
    for (found, expected) in y.iter().zip([3.0, 1.5, 0.75, 6.0, 3.0]) {
        assert!((found - expected).abs() < 0.01, "{y:?}");
    }
    // What is missing has no likelihood, what is kept has.
    let density = of(&prediction.log_likelihood, "y");
    let missing: Vec<bool> = density.draw(0).iter().map(|x| x.is_nan()).collect();
    assert_eq!(missing, [true, true, true, false, true]);
}

/// Loops, conditions, whole arrays, vectors, and missing values: each element has the density of its formula.
#[test]
fn every_observation_has_its_own_likelihood() {
    let text = "data y: real[N, 2]\ndata c: int[N]\ndata v: real[K, 2]\nmu ~ Normal(0, 1)\n\
        for i in 1..N { if c[i] > 0 { for j in 1..2 { y[i, j] ~ Normal(mu, j) } } else { for j in 1..2 { y[i, j] ~ Normal(-mu, 1) } } }\n\
        for k in 1..K { v[k] ~ MvNormal([mu, 0], [[1, 0], [0, 1]]) }";
    let mut given = data([("c", [1.0, 0.0, 2.0].into())]);
    given
        .insert_numbers("y", vec![3, 2], vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        .unwrap();
    given
        .insert_numbers("v", vec![2, 2], vec![1.0, 0.0, 0.5, -1.0])
        .unwrap();
    let fit = fit(text, &given, 50);
    let found = fit.log_likelihood().unwrap_or_else(|e| panic!("{e:?}"));
    let (y, v) = (of(&found, "y"), of(&found, "v"));
    assert_eq!((&y.shape[..], &v.shape[..]), (&[3, 2][..], &[2][..]));
    for i in 0..50 {
        let mu = fit.posterior()["mu"].draws[i];
        let mean = |row: usize| if row == 1 { -mu } else { mu };
        let sd = |row: usize, j: usize| if row == 1 { 1.0 } else { (j + 1) as f64 };
        for row in 0..3 {
            for j in 0..2 {
                let x = 0.1 * (2 * row + j + 1) as f64;
                let expected = normal_log_density(x, mean(row), sd(row, j));
                assert!((y.draw(i)[2 * row + j] - expected).abs() < 1e-12);
            }
        }
        let expected = normal_log_density(0.5, mu, 1.0) + normal_log_density(-1.0, 0.0, 1.0);
        assert!((v.draw(i)[1] - expected).abs() < 1e-12);
    }
}

#[test]
fn what_cannot_be_predicted_is_told() {
    let fit_groups = groups();
    let how = |new: &[&str], keep: &[&str]| Predictive {
        new: new.iter().map(|n| n.to_string()).collect(),
        keep: keep.iter().map(|n| n.to_string()).collect(),
        ..Predictive::default()
    };
    let none = Data::default();
    assert_eq!(
        codes(fit_groups.predict_with(&none, &how(&["k"], &[]))),
        ["E0638"]
    );
    assert_eq!(
        codes(fit_groups.predict_with(&none, &how(&[], &["a"]))),
        ["E0638"]
    );
    // What is drawn as a whole has no elements of its own.
    let text = "data x: real[N]\ndata y: real[N]\nf ~ MvNormal(zeros(N), eye(N))\ny ~ Normal(f, 1)";
    let whole = fit(
        text,
        &data([("x", [1.0, 2.0].into()), ("y", [0.5, 1.0].into())]),
        50,
    );
    let new = data([("x", [1.0, 2.0, 3.0].into())]);
    let extend = Predictive {
        extend: vec!["N".into()],
        ..Predictive::default()
    };
    assert_eq!(codes(whole.predict_with(&new, &extend)), ["E0637"]);
    let all_new = predict(&whole, new, how(&["N"], &[]));
    assert_eq!(of(&all_new.observed, "y").shape, [3]);
    // A learned parameter has no distribution.
    let text = "data y: real[N]\nparam w: real[N] = 0\nmu ~ Normal(0, 1)\ny ~ Normal(mu + w, 1)";
    let learned = fit(text, &data([("y", [1.0, 2.0].into())]), 50);
    assert_eq!(
        codes(learned.predict_with(&data([("N", 3.into())]), &extend)),
        ["E0637"]
    );
}

#[test]
fn what_weighs_known_latents_does_not_hinder_a_prediction() {
    let y = data([("y", vec![1.0, 2.0, 0.5].into())]);
    let fit = fit(
        "data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)\nfactor -mu ^ 2",
        &y,
        4000,
    );
    let replicates = predict(&fit, Data::default(), Predictive::default());
    // The posterior has precision 1 + 3 + 2 and mean 3.5 / 6; four standard errors of 4000 draws of variance 7/6.
    let mean = of(&replicates.observed, "y").mean()[0];
    assert!((mean - 3.5 / 6.0).abs() < 0.07, "{mean}");
}

#[test]
fn expressions_have_no_draws_of_their_own() {
    let program = "fn jittered(x) { e ~ Normal(0, 1); x + e }\nfn scaled(x) { param w: real; w * x }\nmu ~ Normal(0, 1)";
    let fit = fit(program, &Data::default(), 10);
    let code = |expression| fit.evaluate(expression).unwrap_err().diagnostics[0].code;
    assert_eq!(code("jittered(mu)"), "E0410");
    assert_eq!(code("scaled(mu)"), "E0633");
    assert_eq!(code("Normal(mu, 1)"), "E0634");
    assert_eq!(code("mu +"), "E0003");
}
