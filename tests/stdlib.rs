//! The standard library: every function is used in a program, and gives what a source of its own says.

use elbo::data::{self, Disk, Values};
use elbo::graph::{Tensor, evaluate};
use elbo::{Data, Program, modules};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The value of the expression after the imports, in a program of these data.
fn value(import: &str, lets: &str, data: &[(&str, Values)]) -> Vec<f64> {
    let declared: String = data
        .iter()
        .map(|(name, value)| match value {
            Values::Numbers { shape, integer, .. } => {
                let base = if *integer { "int" } else { "real" };
                let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
                match dims.is_empty() {
                    true => format!("data {name}: {base}\n"),
                    false => format!("data {name}: {base}[{}]\n", dims.join(", ")),
                }
            }
            _ => unreachable!("numbers are given"),
        })
        .collect();
    let text = format!("import {import}\n{declared}unused ~ Normal(0, 1)\n{lets}");
    let program = Program::parse(&text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let mut given = Data::default();
    for (name, value) in data {
        given.insert(*name, value.clone());
    }
    let model = program
        .bind(&given)
        .unwrap_or_else(|e| panic!("{text}\n{e}"));
    let result = model.quantities.iter().find(|q| q.name == "result");
    let node = result.expect("the program has a `result`").node;
    evaluate(&model.graph, &[], &[node])[0].data().to_vec()
}

fn near(found: &[f64], truth: &[f64]) {
    assert_eq!(found.len(), truth.len());
    for (f, t) in found.iter().zip(truth) {
        assert!(
            (f - t).abs() <= 1e-12 * t.abs().max(1.0),
            "{found:?} is not {truth:?}"
        );
    }
}

#[test]
fn a_hidden_markov_chain_is_the_sum_over_all_its_paths() {
    let (first, p) = ([0.3_f64, 0.7], [[0.9_f64, 0.1], [0.2, 0.8]]);
    let density = [[0.5_f64, 0.1], [0.4, 0.2], [0.05, 0.9], [0.3, 0.3]];
    let mut total = 0.0;
    for path in 0..16_usize {
        let s = |t: usize| path >> t & 1;
        let steps = (1..4).map(|t| p[s(t - 1)][s(t)] * density[t][s(t)]);
        total += first[s(0)] * density[0][s(0)] * steps.product::<f64>();
    }
    let logs = |rows: &[[f64; 2]]| {
        Values::from(
            rows.iter()
                .map(|r| r.map(f64::ln).to_vec())
                .collect::<Vec<_>>(),
        )
    };
    let found = value(
        "hmm",
        "let result = hmm.log_likelihood(log([0.3, 0.7]), p, d)",
        &[("p", logs(&p)), ("d", logs(&density))],
    );
    near(&found, &[total.ln()]);
}

#[test]
fn a_local_level_is_a_multivariate_normal() {
    // Cov(y[s], y[t]) = sd² + level_sd² (min(s, t) − 1) + noise_sd² [s = t].
    let y = [0.3, -0.2, 0.9, 1.4, 0.8];
    let covariance: Vec<Vec<f64>> = (0..5)
        .map(|s| {
            (0..5)
                .map(|t| 0.25 + 0.09 * s.min(t) as f64 + if s == t { 0.16 } else { 0.0 })
                .collect()
        })
        .collect();
    let data = [("y", Values::from(&y[..])), ("c", Values::from(covariance))];
    let filtered = "let result = time.local_level_log_likelihood(y, 0.1, 0.5, 0.3, 0.4)";
    let whole = "let result = MvNormal(rep(0.1, 5), cov = c).log_prob(y) + 0 * time.local_level_log_likelihood(y, 0, 1, 1, 1)";
    near(
        &value("time", filtered, &data),
        &value("time", whole, &data),
    );
}

#[test]
fn series_are_what_their_equations_say() {
    let y = [("y", Values::from(&[1.0, -2.0, 0.5, 3.0][..]))];
    near(
        &value("time", "let result = time.garch(y, 0.1, 0.2, 0.5, 1)", &y),
        &[1.0, 0.8, 1.3, 0.8],
    );
    near(
        &value(
            "time",
            "let result = time.autoregression(y, 0.5, [0.2, -0.1])",
            &y,
        ),
        &[0.5 - 0.4 - 0.1, 0.5 + 0.1 + 0.2],
    );
}

#[test]
fn covariances_are_those_of_the_books() {
    // Rasmussen & Williams (2006), equations 4.9 and 4.17, at distance 1.5 with scale 2.
    let at = |f: &str| {
        value(
            "gp",
            &format!("let result = gp.{f}([0.5, 1], [0.5, 2.5], 1.5, 2)"),
            &[],
        )
    };
    let d = 1.5_f64 / 2.0;
    let (r3, r5) = (3_f64.sqrt() * d, 5_f64.sqrt() * d);
    near(&at("squared_exponential"), &[2.25 * (-0.5 * d * d).exp()]);
    near(&at("matern32"), &[2.25 * (1.0 + r3) * (-r3).exp()]);
    near(
        &at("matern52"),
        &[2.25 * (1.0 + r5 + r5 * r5 / 3.0) * (-r5).exp()],
    );
    let periodic = value(
        "gp",
        "let result = gp.periodic([0.5], [1.2], 1.5, 2, 3)",
        &[],
    );
    let s = (std::f64::consts::PI * 0.7 / 3.0).sin();
    near(&periodic, &[2.25 * (-2.0 * s * s / 4.0).exp()]);
}

#[test]
fn the_hilbert_space_approximation_nears_the_kernel() {
    let x = [("x", Values::from(&[-0.8, 0.1, 0.6][..]))];
    let approximate = value(
        "gp",
        "let b = gp.sine_basis(x, 30, 3)
let w = gp.spectral_weights(1.5, 0.7, 30, 3)
let result = [[sum(b[i] * w^2 * b[j]) for j in 1..3] for i in 1..3]",
        &x,
    );
    let exact = value(
        "gp",
        "let result = gp.covariance([[x[i]] for i in 1..length(x)], |a, b| gp.squared_exponential(a, b, 1.5, 0.7), jitter = 0)",
        &x,
    );
    // Riutort-Mayol et al. (2023): with L about 4 times the largest |x| and 30 functions the error is far below 1 %.
    for (a, e) in approximate.iter().zip(&exact) {
        assert!((a - e).abs() < 1e-3, "{approximate:?} {exact:?}");
    }
}

#[test]
fn hazards_give_the_densities() {
    let t = [("t", Values::from(1.7))];
    let by_hazard = "let result = survival.log_likelihood(t, 1, survival.weibull_log_hazard(t, 1.4, 2.2), survival.weibull_cumulative_hazard(t, 1.4, 2.2))";
    let direct =
        "let result = Weibull(1.4, 2.2).log_prob(t) + 0 * survival.log_likelihood(t, 1, 0, 0)";
    near(
        &value("survival", by_hazard, &t),
        &value("survival", direct, &t),
    );
    near(
        &value(
            "survival",
            "let result = survival.piecewise_cumulative_hazard(t, [0, 1, 3], [0.5, 2, 7])",
            &t,
        ),
        &[0.5 + 0.7 * 2.0],
    );
}

#[test]
fn neighbours_spikes_and_items() {
    let pairs = [
        ("a", Values::from(&[1_i64, 2][..])),
        ("b", Values::from(&[2_i64, 3][..])),
    ];
    near(
        &value(
            "spatial",
            "let result = spatial.icar([0.5, -1, 0.5], a, b) + 0 * spatial.bym2([1], [1], 1, 0.5, 1)[1]",
            &pairs,
        ),
        &[-0.5 * (2.25 + 2.25)],
    );
    let x = [("x", Values::from(&[1.0, 0.0, 2.0, 0.0][..]))];
    near(
        &value("neuro", "let result = neuro.response(x, [0.5, 0.25])", &x),
        &[0.5, 0.25, 1.0, 0.5],
    );
    near(
        &value(
            "neuro",
            "let result = neuro.spike_log_rate(x, x, -1, [0.5, 0.25], [2], 3)",
            &x,
        ),
        &[-1.0 + 1.0, -1.0 + 0.5 + 4.0],
    );
    near(
        &value(
            "neuro",
            "let result = [neuro.raised_cosine(2, 1, 3, 2, 8), neuro.raised_cosine(8, 1, 3, 2, 8)]",
            &[],
        ),
        &[1.0, 0.0],
    );
    // t⁵ e⁻ᵗ / 5! − t¹⁵ e⁻ᵗ / (6 · 15!) at 5.
    let truth = (3125.0 / 120.0 - 30_517_578_125.0 / (6.0 * 1_307_674_368_000.0)) * (-5_f64).exp();
    near(
        &value("neuro", "let result = neuro.haemodynamic_response(5)", &[]),
        &[truth],
    );
    near(
        &value(
            "items",
            "let result = [items.rasch(1, 0.25), items.two_parameters(1, 0.25, 2), items.graded(1, 2, [0, 0.5]).log_prob(2)]",
            &[],
        ),
        &[
            0.75,
            1.5,
            (1.0 / (1.0 + (-2_f64).exp()) - 1.0 / (1.0 + (-1_f64).exp())).ln(),
        ],
    );
}

#[test]
fn priors_are_drawn() {
    let text = "import priors
import time
import gp
data x: real[N]
data y: real[N]
a ~ priors.horseshoe(N)
b ~ priors.regularised_horseshoe(N, 0.1)
c ~ priors.r2d2(N, 1)
d ~ priors.effects(N, 0, 1)
e ~ time.random_walk(N, 0, 1)
f ~ time.local_trend(N, 0, 0.1, 1, 0.2)
g ~ gp.latent([[x[i]] for i in 1..length(x)], |a, b| gp.matern32(a, b, 1, 1))
h ~ gp.approximate(x, 1, 1, 5, 4)
y ~ Normal(a + b + c + d + e + f + g + h, 1)";
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let mut data = Data::default();
    data.insert("x", [0.1, 0.5, 0.9]);
    data.insert("y", [0.0, 1.0, 0.5]);
    let model = program.bind(&data).unwrap_or_else(|e| panic!("{e}"));
    // 7, 8, 1 + 2 + 3, and 3 each but for the trend's 6 and the basis's 5.
    assert_eq!(model.size(), 7 + 8 + 6 + 3 + 3 + 6 + 3 + 5);
}

/// Steps by hand, with all shocks 0.3: the latents at which quantities are evaluated.
#[test]
fn a_path_of_a_stochastic_equation_is_made_of_its_steps() {
    let text = "import time
p ~ time.euler_maruyama(|t, x| t - 2 * x, |t, x| 0.5 * x, 1.5, 0.1, 4)
data y: real[4]
y ~ Normal(p, 1)
let result = p";
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let mut data = Data::default();
    data.insert("y", [0.0, 0.0, 0.0, 0.0]);
    let model = program.bind(&data).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(model.size(), 3);
    let result = model.quantities.iter().find(|q| q.name == "result");
    let node = result.expect("the program has a `result`").node;
    let shocks = elbo::graph::Tensor::vector([0.3; 3]);
    let found = evaluate(&model.graph, &[(model.blocks[0].input, shocks)], &[node]);
    let mut path = vec![1.5];
    for i in 0..3 {
        let (t, x): (f64, f64) = (0.1 * f64::from(i), path[i as usize]);
        path.push(x + (t - 2.0 * x) * 0.1 + 0.5 * x * 0.1f64.sqrt() * 0.3);
    }
    near(found[0].data(), &path);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stdlib")
}

/// Values of a program of `tests/stdlib`. What it learns and draws is 0.5 + 0.4 sin(b + 1.3 i) at its i-th element, for the
/// sum b of the name's bytes.
fn quantities(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let program = Program::load(path).unwrap_or_else(|e| panic!("{e}"));
    let mut sources = program.sources().clone();
    let given: Data = data::load(&Disk, &folder().join("data.json"), &mut sources)
        .unwrap_or_else(|e| panic!("{e:?}"));
    let model = program.bind(&given).unwrap_or_else(|e| panic!("{e}"));
    let blocks = model.stated.blocks.iter().map(|block| {
        let seed: u32 = block.name.bytes().map(u32::from).sum();
        let number = |i: usize| 0.5 + 0.4 * (f64::from(seed) + 1.3 * i as f64).sin();
        let numbers: Vec<f64> = (0..block.size).map(number).collect();
        (block.input, Tensor::vector(numbers))
    });
    let feeds: Vec<_> = blocks.collect();
    let value = |node| evaluate(&model.graph, &feeds, &[node])[0].data().to_vec();
    let named = |q: &elbo::model::Quantity| (q.name.clone(), value(q.node));
    model.quantities.iter().map(named).collect()
}

#[test]
fn values_are_those_of_numpy_and_scipy() {
    // `truth.py` computes them in other ways: joint densities for filters, complex numbers for waves.
    let text = fs::read_to_string(folder().join("truth.json")).expect("the truth can be read");
    let truth: BTreeMap<String, BTreeMap<String, Vec<f64>>> =
        serde_json::from_str(&text).expect("modules, of them values by name");
    let programs = fs::read_dir(folder()).expect("the folder can be read");
    let names = programs.map(|entry| entry.expect("its entries too").file_name());
    let count = names
        .filter(|n| n.to_string_lossy().ends_with(".vi"))
        .count();
    assert_eq!(count, truth.len(), "a program has no truth");
    for (module, values) in &truth {
        let found = quantities(&folder().join(format!("{module}.vi")));
        for (name, numbers) in values {
            let own = found.get(name);
            let own = own.unwrap_or_else(|| panic!("{module} has no `{name}`"));
            println!("{module} {name}");
            near(own, numbers);
        }
    }
}

/// The programs of `tests/stdlib`, one after the other.
fn programs() -> String {
    let entries = fs::read_dir(folder()).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("its entries too").path());
    let programs = paths.filter(|p| p.extension().is_some_and(|e| e == "vi"));
    let texts = programs.map(|p| fs::read_to_string(p).expect("a program can be read"));
    texts.collect()
}

#[test]
fn every_function_is_documented_and_in_a_test() {
    let here = include_str!("stdlib.rs").to_string() + &programs();
    let elsewhere = include_str!("function_sites.rs");
    for (name, text) in modules::STANDARD {
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("fn ") {
                let function = rest.split('(').next().unwrap_or(rest);
                let call = format!("{name}.{function}");
                let shown = here.contains(&call)
                    || elsewhere.contains(&call)
                    || here.contains(&format!("at(\"{function}\")"))
                    || text.matches(&format!("{function}(")).count() > 1;
                assert!(shown, "{call} is in no test");
                let page = include_str!("../docs/stdlib.md");
                assert!(
                    page.contains(&format!("`{call}(")),
                    "{call} is not in docs/stdlib.md"
                );
            }
        }
    }
}
