//! Gradients of discrete latents that are sampled: their means are the gradients of the ELBO summed over all states.

use crate::data::Data;
use crate::guide;
use crate::infer::objective::{Elbo, FreshDraws};
use crate::infer::optim::StochasticObjective;
use crate::tape::Precision;
use crate::{Model, Program};

const HALF_LOG_2PI: f64 = 0.918_938_533_204_672_8;

fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    -0.5 * ((x - mean) / sd).powi(2) - sd.ln() - HALF_LOG_2PI
}

/// A program all of whose discrete latents are sampled, and its log density at states and a Normal latent.
struct Small {
    name: &'static str,
    program: &'static str,
    /// Numbers of states of the elements, in the order of the logits.
    states: &'static [usize],
    /// Whether there is a Normal latent `b`, of which the guide has a mean and a log sd first.
    normal: bool,
    log_density: fn(&[usize], f64) -> f64,
}

fn log_of(p: f64, z: usize) -> f64 {
    if z == 1 { p.ln() } else { (1.0 - p).ln() }
}

const SMALL: &[Small] = &[
    Small {
        name: "one",
        program: "data y: real\nz ~ Bernoulli(0.3)\ny ~ Normal(z, 1)",
        states: &[2],
        normal: false,
        log_density: |z, _| log_of(0.3, z[0]) + normal(Y, z[0] as f64, 1.0),
    },
    Small {
        name: "three states",
        program: "data y: real\nz ~ Categorical([0.2, 0.5, 0.3])\ny ~ Normal([1, -1, 2][z], 1)",
        states: &[3],
        normal: false,
        log_density: |z, _| f64::ln([0.2, 0.5, 0.3][z[0]]) + normal(Y, [1.0, -1.0, 2.0][z[0]], 1.0),
    },
    Small {
        name: "linked by data",
        program: "data y: real\na ~ Bernoulli(0.3)\nb ~ Bernoulli(0.6)\ny ~ Normal(a + 2 * b, 1)",
        states: &[2, 2],
        normal: false,
        log_density: |z, _| {
            log_of(0.3, z[0]) + log_of(0.6, z[1]) + normal(Y, (z[0] + 2 * z[1]) as f64, 1.0)
        },
    },
    Small {
        name: "a chain",
        program: "data y: real
                  s[1] ~ Bernoulli(0.5)
                  for t in 2..4 { s[t] ~ Bernoulli(if s[t - 1] == 1 { 0.8 } else { 0.3 }) }
                  for t in 1..4 { factor Normal(s[t], 0.7).log_prob(y / t) }",
        states: &[2, 2, 2, 2],
        normal: false,
        log_density: |z, _| {
            let moves = (1..4).map(|t| log_of(if z[t - 1] == 1 { 0.8 } else { 0.3 }, z[t]));
            let data = (0..4).map(|t| normal(Y / (t + 1) as f64, z[t] as f64, 0.7));
            0.5f64.ln() + moves.sum::<f64>() + data.sum::<f64>()
        },
    },
    Small {
        name: "a count",
        program: "data y: real\nk ~ Binomial(3, 0.4)\ny ~ Normal(k, 1)",
        states: &[4],
        normal: false,
        log_density: |z, _| {
            let choose = [1.0, 3.0, 3.0, 1.0][z[0]];
            let k = z[0] as i32;
            f64::ln(choose * 0.4f64.powi(k) * 0.6f64.powi(3 - k)) + normal(Y, z[0] as f64, 1.0)
        },
    },
    Small {
        name: "a condition",
        program: "data y: real\nz ~ Bernoulli(0.3)\nif z == 1 { y ~ Normal(2, 1) } else { y ~ Laplace(0, 1) }",
        states: &[2],
        normal: false,
        log_density: |z, _| {
            let given = if z[0] == 1 {
                normal(Y, 2.0, 1.0)
            } else {
                -Y.abs() - 2f64.ln()
            };
            log_of(0.3, z[0]) + given
        },
    },
    Small {
        name: "a recurrence",
        program: "data y: real
                  for t in 1..3 { s[t] ~ Bernoulli(0.4) }
                  let x[1] = s[1]
                  for t in 2..3 { let x[t] = 0.5 * x[t - 1] + s[t] }
                  y ~ Normal(x[3], 1)",
        states: &[2, 2, 2],
        normal: false,
        log_density: |z, _| {
            let x = z.iter().fold(0.0, |x, &s| 0.5 * x + s as f64);
            z.iter().map(|&s| log_of(0.4, s)).sum::<f64>() + normal(Y, x, 1.0)
        },
    },
    Small {
        name: "read together",
        program: "data y: real\nz ~ Bernoulli(0.4)^3\ny ~ Normal(dot(z, [1, 2, -1]), 1)",
        states: &[2, 2, 2],
        normal: false,
        log_density: |z, _| {
            let mean = z[0] as f64 + 2.0 * z[1] as f64 - z[2] as f64;
            z.iter().map(|&s| log_of(0.4, s)).sum::<f64>() + normal(Y, mean, 1.0)
        },
    },
    Small {
        name: "beside a Normal",
        program: "data y: real\nb ~ Normal(0, 1)\nz ~ Bernoulli(0.3)\ny ~ Normal(b + 2 * z, 1)",
        states: &[2],
        normal: true,
        log_density: |z, b| {
            normal(b, 0.0, 1.0) + log_of(0.3, z[0]) + normal(Y, b + 2.0 * z[0] as f64, 1.0)
        },
    },
    Small {
        name: "of a Normal",
        program: "data y: real
                  b ~ Normal(0, 1)
                  for i in 1..2 { z[i] ~ Bernoulli(logit = b * i) }
                  y ~ Normal(b + z[1] - z[2], 1)",
        states: &[2, 2],
        normal: true,
        log_density: |z, b| {
            let of = |i: usize| {
                let logit = b * (i + 1) as f64;
                logit * z[i] as f64 - (1.0 + logit.exp()).ln()
            };
            normal(b, 0.0, 1.0) + of(0) + of(1) + normal(Y, b + z[0] as f64 - z[1] as f64, 1.0)
        },
    },
];

const Y: f64 = 0.8;

fn sampled(program: &str) -> Model {
    let program = Program::parse(program).unwrap_or_else(|e| panic!("{e:?}"));
    let mut data = Data::default();
    data.insert("y", Y);
    let model = program.with_most_terms(0.0).bind(&data);
    let model = model.unwrap_or_else(|e| panic!("{e:?}"));
    assert!(!model.scored.is_empty());
    model
}

/// The negative ELBO at parameters, by all states and 60 nodes of the Normal latent's noise.
fn exact(small: &Small, x: &[f64]) -> f64 {
    // The trapezoidal rule is exact to rounding for such integrands.
    let nodes: Vec<f64> = (0..161).map(|i| -8.0 + 0.1 * f64::from(i)).collect();
    let (nodes, logits, entropy) = match small.normal {
        true => (nodes, &x[2..], x[1] + HALF_LOG_2PI + 0.5),
        false => (vec![0.0], x, 0.0),
    };
    let mut log_q = Vec::new();
    let mut at = 0;
    for &n in small.states {
        let own: Vec<f64> = [0.0]
            .iter()
            .chain(&logits[at..at + n - 1])
            .copied()
            .collect();
        let sum = own.iter().map(|l| l.exp()).sum::<f64>().ln();
        log_q.push(own.iter().map(|l| l - sum).collect::<Vec<f64>>());
        at += n - 1;
    }
    let mut all = vec![Vec::new()];
    for &n in small.states {
        let longer = |z: Vec<usize>| (0..n).map(move |k| [z.as_slice(), &[k]].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    let mut elbo = entropy;
    for z in &all {
        let q: f64 = z.iter().zip(&log_q).map(|(&k, own)| own[k]).sum();
        for &e in &nodes {
            let (b, weight) = match small.normal {
                true => (x[0] + x[1].exp() * e, 0.1 * normal(e, 0.0, 1.0).exp()),
                false => (0.0, 1.0),
            };
            elbo += weight * q.exp() * ((small.log_density)(z, b) - q);
        }
    }
    -elbo
}

/// Mean gradients of so many draws of 16, with their standard errors, and the mean value.
fn estimated(model: &Model, x: &[f64], count: u64) -> (Vec<f64>, Vec<f64>, f64) {
    let guide = guide::of(model, None);
    let mut elbo = Elbo::new(model, guide.as_ref(), 16, Precision::Double);
    assert_eq!(elbo.dim(), x.len());
    let mut draws = FreshDraws::new(&mut elbo, 16, 5);
    let (mut sum, mut squares) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let (mut g, mut value) = (vec![0.0; x.len()], 0.0);
    for step in 0..count {
        value += draws.estimate(x, step, &mut g).expect("it is finite");
        for ((s, q), g) in sum.iter_mut().zip(&mut squares).zip(&g) {
            *s += g;
            *q += g * g;
        }
    }
    let n = count as f64;
    let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
    let error = squares
        .iter()
        .zip(&mean)
        .map(|(q, m)| ((q / n - m * m) / n).sqrt());
    (mean.clone(), error.collect(), value / n)
}

#[test]
fn mean_gradients_are_those_of_the_sum() {
    for small in SMALL {
        let model = sampled(small.program);
        let numbers =
            small.states.iter().map(|n| n - 1).sum::<usize>() + 2 * usize::from(small.normal);
        let x: Vec<f64> = (0..numbers)
            .map(|i| 0.6 * (i as f64 * 1.3 + 0.4).sin())
            .collect();
        // 10⁵ draws.
        let (mean, error, _) = estimated(&model, &x, 6250);
        for i in 0..numbers {
            let h = 1e-5;
            let moved = |by: f64| {
                let mut x = x.clone();
                x[i] += by;
                exact(small, &x)
            };
            let truth = (moved(h) - moved(-h)) / (2.0 * h);
            assert!(
                (mean[i] - truth).abs() < 4.0 * error[i] + 1e-9,
                "{} {i}: {} ± {} is not {truth}",
                small.name,
                mean[i],
                error[i]
            );
        }
    }
}

#[test]
fn without_a_limit_a_count_is_a_rounded_normal() {
    // n and a mean and a log sd; z is summed, given n.
    let model = {
        let program = "data y: real\nn ~ Poisson(3)\nz ~ Bernoulli(0.4)\ny ~ Normal(n + z, 1)";
        let program = Program::parse(program).expect("it is right");
        let mut data = Data::default();
        data.insert("y", 4.2);
        program.bind(&data).expect("it is right")
    };
    assert_eq!(model.scored.len(), 1);
    let phi = |x: f64| crate::special::phi(x);
    let exact = |x: &[f64]| {
        let (m, s) = (x[0], x[1].exp());
        let mut elbo = 0.0;
        for n in 0..60 {
            let k = f64::from(n);
            let below = if n == 0 { 0.0 } else { phi((k - 0.5 - m) / s) };
            let q = phi((k + 0.5 - m) / s) - below;
            if q > 1e-300 {
                let log_factorial: f64 = (1..=n).map(|i| f64::from(i).ln()).sum();
                let prior = k * 3f64.ln() - 3.0 - log_factorial;
                let of = |z: f64, p: f64| p * normal(4.2, k + z, 1.0).exp();
                elbo += q * (prior + (of(0.0, 0.6) + of(1.0, 0.4)).ln() - q.ln());
            }
        }
        -elbo
    };
    let x = [2.4, -0.2];
    let (mean, error, _) = estimated(&model, &x, 6250);
    for i in 0..2 {
        let moved = |by: f64| {
            let mut x = x;
            x[i] += by;
            exact(&x)
        };
        let truth = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!(
            (mean[i] - truth).abs() < 4.0 * error[i],
            "{} ± {} is not {truth}",
            mean[i],
            error[i]
        );
    }
}

#[test]
fn what_is_constant_has_no_noise() {
    // At the posterior log q − log p is the same for all states: with the other draws as baseline all gradients are 0.
    let small = &SMALL[0];
    let model = sampled(small.program);
    let weight = |z: usize| (small.log_density)(&[z], 0.0);
    let x = [weight(1) - weight(0)];
    let guide = guide::of(&model, None);
    let mut elbo = Elbo::new(&model, guide.as_ref(), 4, Precision::Double);
    let mut draws = FreshDraws::new(&mut elbo, 4, 5);
    let mut g = [1.0];
    for step in 0..100 {
        draws.estimate(&x, step, &mut g).expect("it is finite");
        assert!(g[0].abs() < 1e-14, "{}", g[0]);
    }
}

#[test]
fn variance_does_not_grow_with_the_number_of_latents() {
    // An element's own summands alone are counted (Rao-Blackwell): noise of the others does not reach it.
    let variance = |n: usize| {
        let program = format!(
            "data y: real\nfor i in 1..{n} {{ z[i] ~ Bernoulli(0.3)\nfactor Normal(z[i], 1).log_prob(y) }}"
        );
        let model = sampled(&program);
        let x = vec![0.3; n];
        let (_, error, _) = estimated(&model, &x, 500);
        error.iter().map(|e| e * e * 500.0).sum::<f64>() / n as f64
    };
    let (few, many) = (variance(5), variance(300));
    assert!((many / few - 1.0).abs() < 0.2, "{few} {many}");
}
