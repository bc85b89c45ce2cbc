//! Functions that learn and draw are what the same statements are in the program itself.

use elbo::Model;
use elbo::data::InMemory;
use elbo::infer::{self, Evaluator, Options};
use elbo::{Data, Host, Program};
use std::sync::Arc;

fn data() -> Data {
    let mut data = Data::default();
    let x: Vec<Vec<f64>> = (0..12)
        .map(|i| vec![(0.9 * f64::from(i)).sin(), (0.4 * f64::from(i)).cos()])
        .collect();
    let y: Vec<f64> = x.iter().map(|x| 0.7 * x[0] - 0.2 * x[1] * x[0]).collect();
    data.insert("x", x);
    data.insert("y", y);
    data
}

fn bind(program: &str) -> Model {
    let parsed = Program::parse(program).unwrap_or_else(|e| panic!("{program}\n{e}"));
    parsed
        .bind(&data())
        .unwrap_or_else(|e| panic!("{program}\n{e}"))
}

/// The log density where every element of the block `name` is given by the element's number and by
/// `known`, the name that both programs have for it.
fn log_density(model: &Model, names: &[(&str, &str)]) -> f64 {
    let values: Vec<Vec<f64>> = model
        .blocks
        .iter()
        .map(|block| {
            let known = names.iter().find(|(own, _)| *own == block.name);
            let known = known.map_or(block.name.as_str(), |(_, known)| known);
            let seed: u32 = known.bytes().map(u32::from).sum();
            let number = |i: usize| 0.5 + 0.4 * (f64::from(seed) + 1.3 * i as f64).sin();
            (0..block.places.len()).map(number).collect()
        })
        .collect();
    let (value, outside) = Evaluator::new(model).log_density(&values);
    assert!(outside.is_empty(), "{outside:?}");
    value
}

/// Both programs have the blocks of the table and the same density.
fn same(by_function: &str, by_hand: &str, names: &[(&str, &str)]) {
    let (a, b) = (bind(by_function), bind(by_hand));
    let mut found: Vec<&str> = a.blocks.iter().map(|b| b.name.as_str()).collect();
    let mut wanted: Vec<&str> = names.iter().map(|n| n.0).collect();
    found.sort_unstable();
    // Elements that statements of their own draw are blocks of their own.
    found.dedup();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    let (left, right) = (log_density(&a, names), log_density(&b, &[]));
    assert!(
        (left - right).abs() <= 1e-12 * right.abs(),
        "{left} by functions, {right} by hand"
    );
}

#[test]
fn draws_in_loops_have_an_element_for_each_turn() {
    same(
        "data x: real[N, K]
data y: real[N]
fn effect(m, s) {
  z ~ Normal(0, 1)
  m + s * z
}
mu ~ Normal(0, 1)
tau ~ HalfNormal(1)
for i in 1..N {
  theta[i] ~ effect(mu, tau)
  y[i] ~ Normal(theta[i] + theta.z[1] + x[i, 1], 1)
}",
        "data x: real[N, K]
data y: real[N]
mu ~ Normal(0, 1)
tau ~ HalfNormal(1)
for i in 1..N {
  z[i] ~ Normal(0, 1)
  let theta[i] = mu + tau * z[i]
  y[i] ~ Normal(theta[i] + z[1] + x[i, 1], 1)
}",
        &[("mu", "mu"), ("tau", "tau"), ("theta.z", "z")],
    );
}

#[test]
fn whole_arrays_and_calls_within_calls_have_their_path() {
    same(
        "data x: real[N, K]
data y: real[N]
fn linear(x: real[n], m: int, scale) -> real[m] {
  s ~ HalfNormal(scale)
  w ~ Normal(0, s) ^ (m, n)
  w @ x
}
fn twice(x: real[n]) {
  let wide = 2 * x
  inner ~ linear(wide, 3, 0.5)
  b ~ Normal(sum(inner), 1)
  inner + b
}
for i in 1..N {
  h[i] ~ twice(x[i])
  y[i] ~ Normal(sum(h[i]), 1)
}",
        "data x: real[N, K]
data y: real[N]
for i in 1..N {
  s[i] ~ HalfNormal(0.5)
  w[i] ~ Normal(0, s[i]) ^ (3, K)
  let inner[i] = w[i] @ (2 * x[i])
  b[i] ~ Normal(sum(inner[i]), 1)
  y[i] ~ Normal(sum(inner[i] + b[i]), 1)
}",
        &[("h.inner.s", "s"), ("h.inner.w", "w"), ("h.b", "b")],
    );
}

#[test]
fn loops_in_functions_are_recurrences_of_the_program() {
    same(
        "data x: real[N, K]
data y: real[N]
fn garch(y: real[n], omega, alpha, beta) -> real[n] {
  let h[1] = omega / (1 - alpha - beta)
  for t in 2..n { let h[t] = omega + alpha * y[t - 1]^2 + beta * h[t - 1] }
  h
}
fn walk(n: int, sd) {
  z[1] ~ Normal(0, 1)
  for t in 2..n { z[t] ~ Normal(z[t - 1], 1) }
  sd * z
}
omega ~ HalfNormal(1)
alpha ~ Uniform(0, 2)
tau ~ HalfNormal(1)
let v = garch(y, omega, 0.1 * alpha, 0.2)
w ~ walk(N, tau)
for t in 1..N { y[t] ~ Normal(w[t] + x[t, 1], sqrt(v[t])) }",
        "data x: real[N, K]
data y: real[N]
omega ~ HalfNormal(1)
alpha ~ Uniform(0, 2)
tau ~ HalfNormal(1)
z[1] ~ Normal(0, 1)
for t in 2..N { z[t] ~ Normal(z[t - 1], 1) }
let h[1] = omega / (1 - 0.1 * alpha - 0.2)
for t in 2..N { let h[t] = omega + 0.1 * alpha * y[t - 1]^2 + 0.2 * h[t - 1] }
for t in 1..N { y[t] ~ Normal(tau * z[t] + x[t, 1], sqrt(h[t])) }",
        &[
            ("omega", "omega"),
            ("alpha", "alpha"),
            ("tau", "tau"),
            ("w.z", "z"),
        ],
    );
}

#[test]
fn arrays_of_functions_have_the_loops_around_their_call() {
    same(
        "data x: real[N, K]
data y: real[N]
fn decayed(x: real[n], rho) -> real[n] {
  let twice = 2 * rho
  let m[1] = x[1]
  for t in 2..n {
    let old = rho * m[t - 1]
    let m[t] = old + twice * x[t]
  }
  m
}
fn shifted(x: real[n], s) {
  for t in 1..n {
    e[t] ~ Normal(0, s)
    factor -0.1 * e[t]^2
  }
  let d = decayed(e, 0.5)
  x + d
}
s ~ HalfNormal(1)
for i in 1..N {
  rho[i] ~ Normal(0, 1)
  let m[i] = decayed(x[i], rho[i])
  q[i] ~ shifted(m[i], s)
  y[i] ~ Normal(sum(q[i]), 1)
}",
        "data x: real[N, K]
data y: real[N]
s ~ HalfNormal(1)
for i in 1..N {
  rho[i] ~ Normal(0, 1)
  let m[i, 1] = x[i, 1]
  for t in 2..K { let m[i, t] = rho[i] * m[i, t - 1] + 2 * rho[i] * x[i, t] }
  for t in 1..K {
    e[i, t] ~ Normal(0, s)
    factor -0.1 * e[i, t]^2
  }
  let d[i, 1] = e[i, 1]
  for t in 2..K { let d[i, t] = 0.5 * d[i, t - 1] + e[i, t] }
  y[i] ~ Normal(sum(m[i] + d[i]), 1)
}",
        &[("s", "s"), ("rho", "rho"), ("q.e", "e")],
    );
}

#[test]
fn what_is_learned_is_shared_by_all_turns() {
    same(
        "import nn
data x: real[N, K]
data y: real[N]
param s: positive = 1
for i in 1..N {
  let h[i] = nn.mlp(x[i], 4, 1, f = relu)
  y[i] ~ Normal(h[i, 1], s)
}",
        "data x: real[N, K]
data y: real[N]
param s: positive = 1
param w: real[4, K]
param b: real[4]
param v: real[1, 4]
param c: real[1]
for i in 1..N {
  let z[i] = v @ relu(w @ x[i] + b) + c
  y[i] ~ Normal(z[i, 1], s)
}",
        &[
            ("s", "s"),
            ("h.first.w", "w"),
            ("h.first.b", "b"),
            ("h.w", "v"),
            ("h.b", "c"),
        ],
    );
}

#[test]
fn a_network_learns_what_a_line_cannot() {
    // y is a sine of x: the best line leaves a standard deviation of 0.44.
    let program = "import nn
data x: real[N]
data y: real[N]
param s: positive = 1
for i in 1..N {
  let h[i] = nn.mlp([x[i]], 8, 1)
  y[i] ~ Normal(h[i, 1], s)
}";
    let mut data = Data::default();
    let x: Vec<f64> = (0..40).map(|i| f64::from(i) / 20.0 - 1.0).collect();
    let noise = |i: usize| 0.1 * (37.0 * i as f64).sin();
    let y = x
        .iter()
        .enumerate()
        .map(|(i, x)| (3.0 * x).sin() + noise(i));
    let y: Vec<f64> = y.collect();
    data.insert("x", x.clone());
    data.insert("y", y);
    let parsed = Program::parse(program).expect("it is a program");
    let model = parsed.bind(&data).expect("the data fit");
    let options = Options {
        max_steps: Some(200),
        ..Options::default()
    };
    let fit = infer::fit(&model, &options, &mut |_| ()).expect("it can be fitted");
    let s = fit.posterior["s"].draws[0];
    assert!(s < 0.12, "{s} is left");
}

#[test]
fn what_is_not_given_cannot_be_imported() {
    let files = InMemory::new([("model.vi", "import \"../secret.vi\"\nmu ~ secret.prior()")]);
    let error = Host::new(Arc::new(files))
        .load("model.vi")
        .expect_err("there is no such file");
    assert_eq!(error.diagnostics[0].code, "E0112");
}
