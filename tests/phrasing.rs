//! One model written in several ways has one log density.
//!
//! Whether a user writes a loop, whole arrays or a matrix product must not matter; sums may only be
//! taken in another order.

use elbo::graph::{Tensor, evaluate};
use elbo::{Data, Program};

/// Log joint density and log Jacobian at unconstrained `u[k] = cos(k + shift) / 2`, `k` counted over all
/// latents; and how many there are.
fn densities(text: &str, data: &Data, shift: f64) -> (f64, f64, usize) {
    let program = Program::parse("model.vi", text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let model = program.bind(data).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut k = 0.0;
    let mut next = || {
        k += 1.0;
        f64::cos(k + shift) / 2.0
    };
    let feeds: Vec<_> = model
        .blocks
        .iter()
        .map(|b| {
            let u: Vec<f64> = (0..b.size).map(|_| next()).collect();
            (b.input, Tensor::vector(u))
        })
        .collect();
    let wanted = [model.log_joint, model.log_jacobian];
    let values = evaluate(&model.graph, &feeds, &wanted);
    (values[0].data()[0], values[1].data()[0], model.size())
}

/// All programs, each `head` and one of `bodies`, agree to 1e-12 of the density's size: some tens of
/// terms in doubles.
fn agree(head: &str, bodies: &[&str], data: &Data) {
    for shift in [0.0, 1.0, 2.5] {
        let all: Vec<_> = bodies
            .iter()
            .map(|body| densities(&format!("{head}\n{body}"), data, shift))
            .collect();
        let first = all[0];
        assert!(first.0.is_finite() && first.2 > 1);
        for (found, body) in all.iter().zip(bodies) {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
            assert!(
                close(found.0, first.0) && close(found.1, first.1) && found.2 == first.2,
                "{found:?} for {first:?}:\n{body}"
            );
        }
    }
}

fn data() -> Data {
    let wave = |i: usize, k: f64| (i as f64 * k).sin() * 1.5;
    let rows: Vec<Vec<f64>> = (1..=12)
        .map(|i| vec![wave(i, 0.7), wave(i, 1.3), wave(i, 2.9)])
        .collect();
    let y: Vec<f64> = (1..=12).map(|i| wave(i, 0.4) + 0.3).collect();
    let z: Vec<f64> = y.iter().map(|&y| f64::from(y > 0.0)).collect();
    let mut data = Data::default();
    data.insert("X", rows);
    data.insert("y", y);
    data.insert("z", z);
    data
}

#[test]
fn linear_regressions_agree() {
    let head = "data X: real[N, K]\ndata y: real[N]\nalpha ~ Normal(0, 3)";
    let bodies = [
        "for k in 1..K { beta[k] ~ Normal(0, 2) }
         sigma ~ HalfNormal(1)
         for n in 1..N { y[n] ~ Normal(alpha + sum([X[n, k] * beta[k] for k in 1..K]), sigma) }",
        "beta ~ Normal(0, 2) ^ K
         sigma ~ HalfNormal(1)
         for n in 1..N {
           let m[n] = alpha + dot(X[n, :], beta)
           y[n] ~ Normal(m[n], sigma)
         }",
        "beta ~ Normal(0, 2) ^ 3
         sigma ~ HalfNormal(1)
         y ~ Normal(alpha + X[:, 1] * beta[1] + X[:, 2] * beta[2] + X[:, 3] * beta[3], sigma)",
        "beta ~ Normal(0, 2) ^ K
         sigma ~ HalfNormal(1)
         y ~ Normal(alpha + X @ beta, sigma)",
        "beta ~ Normal(0, 2) ^ K
         sigma ~ HalfNormal(1)
         factor sum(Normal(alpha + X @ beta, sigma).log_prob(y))",
        "for k in 1..K { beta[k] ~ Normal(0, 2) }
         sigma ~ HalfNormal(1)
         for n in 1..N { factor Normal(alpha + (X @ beta)[n], sigma).log_prob(y[n]) }",
    ];
    agree(head, &bodies, &data());
}

#[test]
fn logistic_regressions_agree() {
    let head = "data X: real[N, K]\ndata z: int[N]\nalpha ~ Normal(0, 3)";
    let bodies = [
        "for k in 1..K { beta[k] ~ Normal(0, 2) }
         for n in 1..N { z[n] ~ Bernoulli(logit = alpha + sum([X[n, k] * beta[k] for k in 1..K])) }",
        "beta ~ Normal(0, 2) ^ 3
         z ~ Bernoulli(logit = alpha + X[:, 1] * beta[1] + X[:, 2] * beta[2] + X[:, 3] * beta[3])",
        "beta ~ Normal(0, 2) ^ K
         z ~ Bernoulli(logit = alpha + X @ beta)",
        "beta ~ Normal(0, 2) ^ K
         z ~ Bernoulli(expit(alpha + X @ beta))",
        "beta ~ Normal(0, 2) ^ K
         for n in 1..N {
           let p = expit(alpha + dot(X[n, :], beta))
           factor z[n] * log(p) + (1 - z[n]) * log(1 - p)
         }",
        "beta ~ Normal(0, 2) ^ K
         for n in 1..N { if z[n] == 1 { z[n] ~ Bernoulli(logit = alpha + dot(X[n, :], beta)) } }
         for n in 1..N { if z[n] == 0 { z[n] ~ Bernoulli(logit = alpha + dot(X[n, :], beta)) } }",
    ];
    agree(head, &bodies, &data());
}

#[test]
fn mixtures_agree() {
    let head = "data y: real[N]
         w ~ Beta(2, 3)
         mu ~ Ordered(Normal(0, 2) ^ 2)
         sigma ~ LogNormal(0, 1) ^ 2";
    let bodies = [
        "for n in 1..N {
           factor log_sum_exp([log(w) + Normal(mu[1], sigma[1]).log_prob(y[n]),
             log(1 - w) + Normal(mu[2], sigma[2]).log_prob(y[n])])
         }",
        "let p = [w, 1 - w]
         for n in 1..N {
           factor log_sum_exp([log(p[k]) + Normal(mu[k], sigma[k]).log_prob(y[n]) for k in 1..2])
         }",
        "factor sum(log_add_exp(log(w) + Normal(mu[1], sigma[1]).log_prob(y),
           log(1 - w) + Normal(mu[2], sigma[2]).log_prob(y)))",
        "for n in 1..N {
           let a = w * exp(Normal(mu[1], sigma[1]).log_prob(y[n]))
           let b = (1 - w) * exp(Normal(mu[2], sigma[2]).log_prob(y[n]))
           factor log(a + b)
         }",
        "y ~ Mixture([w, 1 - w], [Normal(mu[1], sigma[1]), Normal(mu[2], sigma[2])])",
        "for n in 1..N { y[n] ~ Mixture([w, 1 - w], Normal(mu, sigma)) }",
    ];
    agree(head, &bodies, &data());
}
