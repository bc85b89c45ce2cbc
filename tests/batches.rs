//! Loops with batches: steps over some rows add up to all of them, and fits in batches end where fits of all rows do.

use elbo::Model;
use elbo::autodiff::grad;
use elbo::graph::{Tensor, evaluate};
use elbo::infer::{Fit, Method, Options, fit};
use elbo::model::Role;
use elbo::{Data, Program};

fn bound(text: &str, data: &Data) -> Model {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    program.bind(data).unwrap_or_else(|e| panic!("{e}"))
}

fn fitted(text: &str, data: &Data) -> (Model, Fit) {
    let model = bound(text, data);
    let fit = fit(&model, &Options::default(), &mut |_| ()).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(fit.converged, "{}", fit.verdict);
    (model, fit)
}

/// Numbers that look random.
fn numbers(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| (i as f64 * 1.7 + 0.3).sin() + 0.5 * (i as f64 * 0.37).cos())
        .collect()
}

fn data(n: usize) -> Data {
    let mut data = Data::default();
    data.insert("y", numbers(n));
    data.insert("g", (0..n).map(|i| (i % 3 + 1) as f64).collect::<Vec<_>>());
    data
}

/// Groups by an index among the data, a local latent with a guide, one without, a number that is the row's.
const ALL: &str = "data y: real[N]
data g: int[N]
mu ~ Normal(0, 1) ^ 3
tau ~ HalfNormal(1)
for i in 1..N batch 4 {
  z[i] ~ Normal(0, 1)
  s[i] ~ HalfNormal(1)
  let m = mu[g[i]] + z[i] + i / N
  y[i] ~ Normal(m, s[i] + tau)
}
guide {
  param a: real = 0.3
  for i in 1..N { z[i] ~ Normal(a * y[i], 0.5) }
}";

/// The log density of a model where each input has numbers that depend on its name and row alone.
fn density(model: &elbo::model::Model, rows: &[usize], total: usize) -> f64 {
    let mut feeds = Vec::new();
    for block in &model.blocks {
        let own: Vec<f64> = match block.role {
            Role::Noise => rows.iter().map(|&r| (r as f64 + 0.5).cos()).collect(),
            _ => (0..block.size)
                .map(|k| (k as f64 * 0.9).sin() / 2.0)
                .collect(),
        };
        assert_eq!(own.len(), block.size, "{}", block.name);
        feeds.push((block.input, Tensor::vector(own)));
    }
    if let Some(inputs) = &model.rows {
        let weight = total as f64 / rows.len() as f64;
        feeds.extend(inputs.feeds(&model.graph, rows, &vec![weight; rows.len()]));
    }
    let wanted = [model.log_joint, model.log_jacobian];
    let found = evaluate(&model.graph, &feeds, &wanted);
    found.iter().map(|v| v.data()[0]).sum()
}

#[test]
fn the_steps_of_an_epoch_average_to_all_rows() {
    let model = bound(ALL, &data(12));
    let batched = model.batched.as_deref().expect("the program has batches");
    let all: Vec<usize> = (0..12).collect();
    let exact = density(&batched.all, &all, 12);
    let order = [3, 0, 7, 11, 2, 9, 1, 5, 10, 4, 8, 6];
    let steps = order.chunks(4).map(|rows| density(&batched.step, rows, 12));
    let mean = steps.sum::<f64>() / 3.0;
    // Roundings of some tens of terms.
    assert!((mean - exact).abs() < 1e-10 * exact.abs(), "{mean} {exact}");
}

/// A step of a recurrence reads latents of its own row.
#[test]
fn recurrences_read_the_latents_of_their_rows() {
    let text = "data y: real[N]
a ~ Normal(0, 1)
for i in 1..N batch 4 {
  z[i] ~ Normal(0, 1)
  let h[i, 1] = z[i]
  for t in 2..5 { let h[i, t] = a * h[i, t - 1] + z[i] + y[i] }
  y[i] ~ Normal(h[i, 5], 1)
}";
    let model = bound(text, &data(12));
    let batched = model.batched.as_deref().expect("the program has batches");
    let all: Vec<usize> = (0..12).collect();
    let exact = density(&batched.all, &all, 12);
    let steps = all.chunks(4).map(|rows| density(&batched.step, rows, 12));
    let mean = steps.sum::<f64>() / 3.0;
    // Roundings of some hundreds of terms.
    assert!((mean - exact).abs() < 1e-9 * exact.abs(), "{mean} {exact}");
}

/// The log density of a model and its derivatives by what is inferred or learned, where all noise is the same number.
fn derivatives(model: &elbo::model::Model, rows: &[usize], total: usize) -> Vec<f64> {
    let mut feeds = Vec::new();
    let mut inputs = Vec::new();
    for block in &model.blocks {
        let own: Vec<f64> = match block.role {
            Role::Noise => vec![0.4; block.size],
            _ => (0..block.size)
                .map(|k| (k as f64 * 0.9 + 0.3).sin() / 2.0)
                .collect(),
        };
        feeds.push((block.input, Tensor::vector(own)));
        if block.role != Role::Noise {
            inputs.push(model.graph.var(block.input));
        }
    }
    if let Some(inputs) = &model.rows {
        let weight = total as f64 / rows.len() as f64;
        feeds.extend(inputs.feeds(&model.graph, rows, &vec![weight; rows.len()]));
    }
    let value = model.graph.var(model.log_joint) + model.graph.var(model.log_jacobian);
    let mut wanted = vec![value.id];
    wanted.extend(grad(value, &inputs).iter().map(|g| g.id));
    let found = evaluate(&model.graph, &feeds, &wanted);
    found.iter().flat_map(|v| v.data().to_vec()).collect()
}

/// Programs in which data tell what is done with a row, and values where that would go wrong: logarithms of what is
/// not positive, padding that is far away, rows without anything.
const VARYING: &[(&str, &str)] = &[
    (
        "a condition",
        "if y[i] > 0 { y[i] ~ LogNormal(mu, tau) } else { factor -tau }",
    ),
    ("none in most batches", "if g[i] == 4 { y[i] ~ Normal(mu, tau) }"),
    ("in no row", "if g[i] == 9 { y[i] ~ Normal(mu, tau) }"),
    (
        "in every row, inside of one",
        "if g[i] < 9 { if y[i] > 0 { y[i] ~ LogNormal(mu, tau) } }",
    ),
    (
        "a loop",
        "for t in 1..L[i] { let m = mu * log(x[i, t])\n x[i, t] ~ LogNormal(m, tau) }",
    ),
    (
        "a loop of a loop",
        "for t in 1..L[i] { for k in 1..t { factor Normal(log(x[i, k]), tau + k).log_prob(x[i, t] * mu) } }",
    ),
    (
        "a condition in a loop",
        "for t in 1..4 { if x[i, t] > 0 { x[i, t] ~ LogNormal(mu * t, tau) } }",
    ),
    (
        "rows of one long list",
        "z[i] ~ Normal(mu, 1)
         for k in first[i]..first[i] + L[i] - 1 { if all[k] > 0 { all[k] ~ LogNormal(z[i], tau) } }",
    ),
    (
        "slices of equal lengths",
        "let a = all[first[i]..first[i] + L[i] - 1]\n let b = 2 * all[first[i]..first[i] + L[i] - 1]
         factor -sum((a - mu * b)^2) - tau * length(a)",
    ),
    (
        "slices as long in every row",
        "let w = all[first[i]..first[i] + g[i] - g[i] + 1]\n factor -sum((w - mu)^2)",
    ),
    (
        "a comprehension",
        "factor -tau * sum([if all[k] > 0 { log(all[k]) * mu } else { mu^2 } for k in first[i]..first[i] + L[i] - 1])",
    ),
    (
        "a comprehension with a condition",
        "factor sum([log(x[i, t]) * mu for t in 1..4 if x[i, t] > 0])",
    ),
    (
        "elements and latents by two ways",
        "if g[i] == 1 { let m[i] = mu } else { let m[i] = log(L[i] + 0 * y[i]) }
         if g[i] == 1 { z[i] ~ Normal(m[i], 1) } else { z[i] ~ Exponential(tau) }
         y[i] ~ Normal(z[i], 1)",
    ),
    (
        "a latent of rows and columns by two ways",
        "for t in 1..2 { if x[i, t] > 0 { z[i, t] ~ Normal(mu, 1) } else { z[i, t] ~ Gamma(2, tau) } }
         y[i] ~ Normal(z[i, 1] - z[i, 2], 1)",
    ),
    (
        "missing values",
        "gap[i] ~ Normal(mu, tau)\n y[i] ~ Normal(mu + tau * gap[i], 1)",
    ),
    (
        "missing values of bounded support",
        "for k in 1..3 { gaps[i, k] ~ Gamma(2, exp(mu)) }\n y[i] ~ Normal(gaps[i, 2], tau)",
    ),
    (
        "missing values of vectors",
        "gaps[i] ~ MvNormal([mu, 1, 2], [[1, 0.8, 0.3], [0.8, 1, 0.2], [0.3, 0.2, 1]])
         y[i] ~ Normal(gaps[i] @ [1, 2, 3], tau)",
    ),
    (
        "missing values by two ways",
        "if y[i] > 0 { gap[i] ~ Normal(mu, tau) } else { gap[i] ~ Normal(0, 1) }
         y[i] ~ Normal(gap[i], 1)",
    ),
];

#[test]
fn rows_may_differ_in_what_is_done_with_them() {
    let n = 12;
    let lengths: Vec<f64> = (0..n).map(|i| (i * 7 % 5) as f64).collect();
    let mut first = vec![1.0];
    first.extend((0..n - 1).scan(1.0, |at, i| {
        *at += lengths[i];
        Some(*at)
    }));
    let total = lengths.iter().sum::<f64>() as usize + 2;
    let mut x = numbers(4 * n);
    for i in 0..n {
        for t in 0..4 {
            let used = (t as f64) < lengths[i];
            x[4 * i + t] = if used { x[4 * i + t].abs() + 0.1 } else { -1e9 };
        }
    }
    let gap = |k: usize, x: &f64| {
        if k.is_multiple_of(5) {
            f64::NAN
        } else {
            x.abs()
        }
    };
    let gaps = |n: usize| -> Vec<f64> {
        let all = numbers(n);
        all.iter().enumerate().map(|(k, x)| gap(k, x)).collect()
    };
    let mut data = Data::default();
    data.insert("y", numbers(n));
    let groups: Vec<f64> = (0..n)
        .map(|i| if i == 6 { 4.0 } else { (i % 3 + 1) as f64 })
        .collect();
    data.insert("g", groups);
    data.insert("L", lengths);
    data.insert("first", first);
    data.insert("all", numbers(total));
    data.insert("x", x.chunks(4).map(<[f64]>::to_vec).collect::<Vec<_>>());
    data.insert("gap", gaps(n));
    data.insert(
        "gaps",
        gaps(3 * n)
            .chunks(3)
            .map(<[f64]>::to_vec)
            .collect::<Vec<_>>(),
    );
    let declared =
        "data y: real[N]\ndata g: int[N]\ndata L: int[N]\ndata first: int[N]\ndata all: real[M]
data x: real[N, 4]\n";
    for (what, body) in VARYING {
        let of_gaps = match (body.contains("gap["), body.contains("gaps[")) {
            (true, _) => "data gap: real[N]\n",
            (_, true) => "data gaps: real[N, 3]\n",
            _ => "",
        };
        let text = format!(
            "{declared}{of_gaps}mu ~ Normal(0, 1)\ntau ~ HalfNormal(1)\nfor i in 1..N batch 4 {{ {body} }}"
        );
        let model = bound(&text, &data);
        let batched = model.batched.as_deref().expect("the program has batches");
        let all: Vec<usize> = (0..n).collect();
        let exact = derivatives(&batched.all, &all, n);
        let order = [3, 0, 7, 11, 2, 9, 1, 5, 10, 4, 8, 6];
        let mut mean = vec![0.0; exact.len()];
        for rows in order.chunks(4) {
            let step = derivatives(&batched.step, rows, n);
            assert_eq!(step.len(), mean.len(), "{what}");
            mean.iter_mut().zip(step).for_each(|(m, x)| *m += x / 3.0);
        }
        for (k, (mean, exact)) in mean.iter().zip(&exact).enumerate() {
            // Roundings of some tens of terms.
            let error = (mean - exact).abs() / exact.abs().max(1.0);
            assert!(error < 1e-10, "{what}, {k}: {mean} {exact}");
        }
    }
}

/// Missing values that nothing else reads tell nothing: the fit is that of the values that are there.
#[test]
fn missing_values_that_nothing_reads_are_left_out() {
    let y = numbers(60);
    let gaps = |(k, y): (usize, &f64)| if k % 3 == 0 { f64::NAN } else { *y };
    let there = y.iter().enumerate().filter(|(k, _)| k % 3 != 0);
    let there: Vec<f64> = there.map(|(_, y)| *y).collect();
    let mut some = Data::default();
    some.insert("y", y.iter().enumerate().map(gaps).collect::<Vec<_>>());
    let mut all = Data::default();
    all.insert("y", there);
    let text = "data y: real[N]\nmu ~ Normal(0, 1)\ntau ~ HalfNormal(1)
for i in 1..N batch 20 { y[i] ~ Normal(mu, tau) }";
    let rows = |n: usize| (0..n).collect::<Vec<usize>>();
    let whole = |data: &Data, n: usize| {
        let model = bound(text, data);
        let batched = model.batched.as_deref().expect("the program has batches");
        let steps = rows(n);
        let mean = steps
            .chunks(20)
            .map(|rows| derivatives(&batched.step, rows, n));
        let parts = mean.collect::<Vec<_>>();
        let count = parts.len() as f64;
        (0..parts[0].len())
            .map(move |k| parts.iter().map(|p| p[k]).sum::<f64>() / count)
            .collect::<Vec<_>>()
    };
    for (a, b) in whole(&some, 60).iter().zip(whole(&all, 40)) {
        assert!((a - b).abs() < 1e-10 * b.abs().max(1.0), "{a} {b}");
    }
}

/// Among further indices of what the batch has rows of, the loop's index would count these rows.
#[test]
fn a_batch_has_its_rows_first() {
    for index in ["i", "2 * i", "floor(i / 2)"] {
        let text = format!(
            "data y: real[N]
for i in 1..N batch 4 {{
  z[i] ~ Normal(0, 1) ^ 3
  y[i] ~ Normal(z[i, {index}], 1)
}}"
        );
        let found = Program::parse(&text).expect_err("it is refused");
        let codes: Vec<&str> = found.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["E0425"], "{index}");
    }
}

#[test]
fn batches_as_large_as_the_data_are_none() {
    let model = bound(ALL, &data(4));
    assert!(model.batched.is_none());
}

/// The posterior of a Normal mean is known.
#[test]
fn a_global_is_found_from_batches() {
    let n = 500;
    let text = "data y: real[N]
mu ~ Normal(0, 2)
for i in 1..N batch 32 { y[i] ~ Normal(mu, 1) }";
    let (model, fit) = fitted(text, &data(n));
    assert_eq!(fit.method, Method::Svi);
    let precision = n as f64 + 0.25;
    let exact = numbers(n).iter().sum::<f64>() / precision;
    let mean = fit.params.mean[0];
    // The fit stops where no average moves by more than 0.02 sds; four times that.
    let sd = precision.powf(-0.5);
    assert!(
        (mean - exact).abs() < 0.1 * sd + 1e-12,
        "{mean}, exactly {exact} ± {sd}"
    );
    assert!(
        (fit.params.sd[0] / sd - 1.0).abs() < 0.1,
        "{:?}",
        fit.params.sd
    );
    assert_eq!(model.quantities.len(), 1);
}

/// Local latents with learned numbers for each row: the exact posterior, since locals are independent.
#[test]
fn locals_are_stored_row_by_row() {
    let n = 60;
    let text = "data y: real[N]
for i in 1..N batch 16 {
  z[i] ~ Normal(0, 1)
  y[i] ~ Normal(z[i], 0.5)
}";
    let (model, fit) = fitted(text, &data(n));
    assert_eq!(model.quantities[0].shape, [n]);
    let tau = 2.0 * std::f64::consts::PI * 1.25;
    let exact: f64 = numbers(n)
        .iter()
        .map(|y| -0.5 * y * y / 1.25 - 0.5 * tau.ln())
        .sum();
    assert!(
        (fit.elbo.mean - exact).abs() < 0.2,
        "{:?}, exactly {exact}",
        fit.elbo
    );
    let draws = &fit.posterior.quantities[0].draws;
    for (i, y) in numbers(n).iter().enumerate() {
        let own: Vec<f64> = draws.chunks(n).map(|d| d[i]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        // A standard error of 0.014, and what the fit leaves.
        assert!(
            (mean - 0.8 * y).abs() < 0.1,
            "row {i}: {mean}, exactly {}",
            0.8 * y
        );
    }
}

/// A thousand local latents, some of which are always on their way. The best mean-field guide is known: all is
/// Normal, so its ELBO is the evidence plus half the log determinant of the posterior's precision, less that
/// of its diagonal.
#[test]
fn many_locals_do_not_keep_a_fit_from_its_end() {
    let n = 1000;
    let text = "data y: real[N]
mu ~ Normal(0, 2)
for i in 1..N batch 100 {
  z[i] ~ Normal(mu, 1)
  y[i] ~ Normal(z[i], 0.5)
}";
    let (_, fit) = fitted(text, &data(n));
    let (y, rows) = (numbers(n), n as f64);
    let (sum, squares) = y.iter().fold((0.0, 0.0), |(s, q), y| (s + y, q + y * y));
    // y ~ N(0, 1.25·I + 4·11ᵀ).
    let (own, shared) = (1.25, 1.25 + 4.0 * rows);
    let log_det = (rows - 1.0) * f64::ln(own) + shared.ln();
    let quadratic = squares / own - 4.0 * sum * sum / (own * shared);
    let evidence = -0.5 * (rows * (2.0 * std::f64::consts::PI).ln() + log_det + quadratic);
    // Precisions 5 of a local, N + 1/4 of the global, and −1 between them.
    let (global, given_locals) = (rows + 0.25, rows + 0.25 - rows / 5.0);
    let exact = evidence + 0.5 * (given_locals / global).ln();
    println!("{} steps, {:?}, exactly {exact}", fit.steps, fit.elbo);
    assert!(fit.steps <= 80_000, "{} steps", fit.steps);
    // Two thousandths of a nat a row, which is 0.06 sds in each local mean.
    let off = fit.elbo.mean - exact;
    assert!(
        off.abs() < 0.002 * rows + 4.0 * fit.elbo.se,
        "{off}: {:?}",
        fit.elbo
    );
    // Mean of the posterior's mu; four of the 0.02 sds of the guide that the fit stops at.
    let mu = sum / 1.25 / (rows / 1.25 + 0.25);
    let (mean, sd) = (fit.params.mean[0], global.powf(-0.5));
    assert!((mean - mu).abs() < 0.1 * sd, "{mean}, exactly {mu} ± {sd}");
}

/// Data around a million are 30 000 posterior sds from where fits start, and steps no longer than one.
#[test]
fn an_optimum_far_from_the_start_is_found() {
    let n = 1000;
    let y: Vec<f64> = numbers(n).iter().map(|z| 1e6 + z).collect();
    let mean = y.iter().sum::<f64>() / n as f64;
    let mut data = Data::default();
    data.insert("y", y);
    let text = "data y: real[N]
mu ~ Normal(0, 1e7)
for i in 1..N batch 50 { y[i] ~ Normal(mu, 1) }";
    let (_, fit) = fitted(text, &data);
    let (sd, found) = ((n as f64).powf(-0.5), fit.params.mean[0]);
    // As in batches of data around 0.
    assert!((found - mean).abs() < 0.1 * sd, "{found}, exactly {mean}");
}

/// Posteriors without an ELBO optimum, in batches: the classes are separated; all data are equal.
#[test]
fn what_runs_away_in_batches_is_named() {
    let n = 200;
    let middle = (n - 1) as f64 / 2.0;
    let (mut separated, mut equal) = (Data::default(), Data::default());
    let x = (0..n).map(|i| i as f64 - middle);
    separated.insert(
        "y",
        x.clone()
            .map(|x| f64::from(u8::from(x > 0.0)))
            .collect::<Vec<_>>(),
    );
    separated.insert("x", x.collect::<Vec<_>>());
    equal.insert("y", vec![2.0; n]);
    let cases = [
        (
            "data x: real[N]
data y: int[N]
for k in 1..2 { b[k] ~ Flat() }
for i in 1..N batch 50 { y[i] ~ Bernoulli(logit = b[1] + b[2] * x[i]) }",
            separated,
            "runs away",
        ),
        (
            "data y: real[N]
mu ~ Normal(0, 10)
sigma ~ HalfNormal(5)
for i in 1..N batch 50 { y[i] ~ Normal(mu, sigma) }",
            equal,
            "narrows to a point",
        ),
    ];
    for (text, data, said) in cases {
        let options = Options {
            max_steps: Some(200_000),
            ..Options::default()
        };
        let fit = fit(&bound(text, &data), &options, &mut |_| {}).expect("it begins");
        assert!(
            !fit.converged && fit.verdict.contains(said),
            "{}",
            fit.verdict
        );
    }
}

/// One guide for all rows, by a linear function of the datum: what a network would be.
#[test]
fn a_guide_is_amortised_over_batches() {
    let n = 300;
    let text = "data y: real[N]
param s: positive = 1
for i in 1..N batch 32 {
  z[i] ~ Normal(0, 1)
  y[i] ~ Normal(z[i], s)
}
guide {
  param w: real = 0
  param v: positive = 1
  for i in 1..N { z[i] ~ Normal(w * y[i], v) }
}";
    let (_, fit) = fitted(text, &data(n));
    // By maximum likelihood y has its own mean square as variance.
    let variance = numbers(n).iter().map(|y| y * y).sum::<f64>() / n as f64;
    let exact = -0.5 * n as f64 * (1.0 + (2.0 * std::f64::consts::PI * variance.max(1.0)).ln());
    let bound = match variance > 1.0 {
        true => exact,
        // The mean square is below the prior's variance: s goes towards 0.
        false => -0.5 * n as f64 * (variance + (2.0 * std::f64::consts::PI).ln()),
    };
    assert!(fit.elbo.mean < bound + 1.0, "{:?} {bound}", fit.elbo);
    assert!(fit.elbo.mean > bound - 3.0, "{:?} {bound}", fit.elbo);
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let text = "data y: real[N]
mu ~ Normal(0, 2)
for i in 1..N batch 16 { y[i] ~ Normal(mu, 1) }";
    let model = bound(text, &data(100));
    let run = |threads| {
        let options = Options {
            threads,
            max_steps: Some(300),
            ..Options::default()
        };
        let fit = fit(&model, &options, &mut |_| ()).expect("it can be fitted");
        fit.params.mean[0].to_bits()
    };
    assert_eq!(run(1), run(1));
    assert_eq!(run(1), run(2));
}
