//! One model written in several ways has one log density.
//!
//! Whether a user writes a loop, whole arrays or a matrix product must not matter: sums may only be
//! taken in another order, and the work is the same but for a fifth.

use elbo::autodiff::grad;
use elbo::graph::{Graph, NodeId, Tensor, evaluate, numel};
use elbo::ops::{Binary, Cholesky, Contract, Reduce, Scan, ScatterAdd, Select, TriSolve, Unary};
use elbo::passes::prepare;
use elbo::{Data, Program};

/// Log joint density and log Jacobian at unconstrained `u[k] = cos(k + shift) / 2`, `k` counted over all
/// latents; and how many there are.
fn densities(text: &str, data: &Data, shift: f64) -> (f64, f64, usize) {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
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

/// Floating-point operations of the log density with its gradient, as the graph that is compiled has
/// them: elements computed, products and additions of contractions, steps of recurrences. A function such
/// as `exp` counts as eight additions.
fn work(text: &str, data: &Data) -> f64 {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let model = program.bind(data).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let graph = &model.graph;
    let inputs: Vec<_> = model.blocks.iter().map(|b| graph.var(b.input)).collect();
    let value = graph.var(model.log_joint) + graph.var(model.log_jacobian);
    let outputs = grad(value, &inputs);
    let outputs: Vec<NodeId> = outputs.iter().chain([&value]).map(|v| v.id).collect();
    let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
    let compiled = prepare(graph, &inputs, &outputs);
    operations(&compiled.graph, &compiled.outputs)
}

fn operations(graph: &Graph, outputs: &[NodeId]) -> f64 {
    let nodes = graph.nodes();
    let mut needed = vec![false; nodes.len()];
    outputs.iter().for_each(|o| needed[o.index()] = true);
    let mut total = 0.0;
    for (i, node) in nodes.iter().enumerate().rev() {
        if !needed[i] {
            continue;
        }
        node.args.iter().for_each(|a| needed[a.index()] = true);
        let size = numel(&node.shape) as f64;
        let of = |k: usize| numel(&nodes[node.args[k].index()].shape) as f64;
        let op = &node.op;
        total += if let Some(unary) = op.get::<Unary>() {
            size * if unary.0.cheap { 1.0 } else { 8.0 }
        } else if let Some(binary) = op.get::<Binary>() {
            size * if binary.0.cheap { 1.0 } else { 8.0 }
        } else if op.get::<Select>().is_some() {
            size
        } else if op.get::<Reduce>().is_some() || op.get::<ScatterAdd>().is_some() {
            of(0)
        } else if let Some(contract) = op.get::<Contract>() {
            let shape = &nodes[node.args[0].index()].shape;
            let summed = contract.summed();
            let extents = contract.a.iter().zip(shape);
            let extents = extents.filter(|(l, _)| summed.contains(l));
            2.0 * size * extents.map(|(_, n)| *n as f64).product::<f64>()
        } else if let Some(scan) = op.get::<Scan>() {
            scan.steps as f64 * operations(&scan.body.graph, &[scan.body.output])
        } else if op.get::<Cholesky>().is_some() || op.get::<TriSolve>().is_some() {
            let n = node.shape[node.shape.len() - 1] as f64;
            size * n
        } else {
            0.0
        };
    }
    total
}

/// Irregular data of 120 rows for all models below.
fn rows() -> Data {
    let wave = |i: usize, k: f64| (i as f64 * k).sin() * 1.5;
    let all = || 1..=120;
    let whole = |of: usize| {
        all()
            .map(|i| ((i * i + i) % of + 1) as f64)
            .collect::<Vec<_>>()
    };
    let mut data = Data::default();
    let matrix: Vec<Vec<f64>> = all()
        .map(|i| vec![wave(i, 0.7), wave(i, 1.3), wave(i, 2.9)])
        .collect();
    let y: Vec<f64> = all().map(|i| wave(i, 0.4) + wave(i, 5.1) + 0.3).collect();
    data.insert("X", matrix);
    data.insert(
        "z",
        y.iter().map(|&y| f64::from(y > 0.0)).collect::<Vec<_>>(),
    );
    data.insert("k", whole(7));
    data.insert("g", whole(31));
    data.insert("x", all().map(|i| wave(i, 1.9)).collect::<Vec<_>>());
    let table = |i: usize| {
        (0..20)
            .map(|j| f64::from((i * 7 + j * j).is_multiple_of(3)))
            .collect()
    };
    data.insert("t", (0..9).map(table).collect::<Vec<Vec<f64>>>());
    data.insert("y", y);
    data
}

/// Families of models, each a head and phrasings of the rest. `Bernoulli(expit(eta))` and `Poisson(exp(eta))`
/// are not among them: a probability or a rate may be 0 where nothing is counted, which is guarded, and the
/// logit or the log rate may not be −∞.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    (
        "linear regression",
        "data X: real[N, K]\ndata y: real[N]\nalpha ~ Normal(0, 3)\nsigma ~ HalfNormal(1)\nbeta ~ Normal(0, 2) ^ K",
        &[
            "y ~ Normal(alpha + X @ beta, sigma)",
            "for n in 1..N { y[n] ~ Normal(alpha + sum([X[n, k] * beta[k] for k in 1..K]), sigma) }",
            "for n in 1..N {
               let m[n] = alpha + dot(X[n, :], beta)
               y[n] ~ Normal(m[n], sigma)
             }",
            "y ~ Normal(alpha + X[:, 1] * beta[1] + X[:, 2] * beta[2] + X[:, 3] * beta[3], sigma)",
            "factor sum(Normal(alpha + X @ beta, sigma).log_prob(y))",
            "for n in 1..N { factor -log(sigma) - ((y[n] - alpha - dot(X[n, :], beta)) / sigma)^2 / 2 }",
        ],
    ),
    (
        "logistic regression",
        "data X: real[N, K]\ndata z: int[N]\nalpha ~ Normal(0, 3)\nbeta ~ Normal(0, 2) ^ K",
        &[
            "z ~ Bernoulli(logit = alpha + X @ beta)",
            "for n in 1..N { z[n] ~ Bernoulli(logit = alpha + sum([X[n, k] * beta[k] for k in 1..K])) }",
            "z ~ Bernoulli(logit = alpha + X[:, 1] * beta[1] + X[:, 2] * beta[2] + X[:, 3] * beta[3])",
        ],
    ),
    (
        "Poisson regression",
        "data X: real[N, K]\ndata k: int[N]\nalpha ~ Normal(0, 3)\nbeta ~ Normal(0, 2) ^ K",
        &[
            "k ~ Poisson(log_rate = alpha + X @ beta)",
            "for n in 1..N { k[n] ~ Poisson(log_rate = alpha + dot(X[n, :], beta)) }",
            "for n in 1..N {
               let eta = alpha + sum([X[n, j] * beta[j] for j in 1..K])
               factor k[n] * eta - exp(eta)
             }",
        ],
    ),
    (
        "hierarchical regression",
        "data x: real[N]\ndata y: real[N]\ndata g: int[N]\ntau ~ HalfNormal(1)\nmu ~ Normal(0, 3)\nsigma ~ HalfNormal(1)
         beta ~ Normal(0, 1)\nalpha ~ Normal(0, 1) ^ 31",
        &[
            "let a = mu + tau * alpha
             for n in 1..N { y[n] ~ Normal(a[g[n]] + beta * x[n], sigma) }",
            "for n in 1..N { y[n] ~ Normal(mu + tau * alpha[g[n]] + beta * x[n], sigma) }",
            "for j in 1..31 { let a[j] = mu + tau * alpha[j] }
             for n in 1..N {
               let m = a[g[n]] + beta * x[n]
               y[n] ~ Normal(m, sigma)
             }",
        ],
    ),
    (
        "autoregression",
        "data y: real[T]\nalpha ~ Normal(0, 3)\nbeta ~ Normal(0, 1) ^ 2\nsigma ~ HalfNormal(1)",
        &[
            "for t in 3..T { y[t] ~ Normal(alpha + beta[1] * y[t-1] + beta[2] * y[t-2], sigma) }",
            "for t in 3..T { y[t] ~ Normal(alpha + sum([beta[k] * y[t-k] for k in 1..2]), sigma) }",
            "factor sum(Normal(alpha + beta[1] * y[2..T-1] + beta[2] * y[1..T-2], sigma).log_prob(y[3..T]))",
        ],
    ),
    (
        "mixture",
        "data y: real[N]\nw ~ Beta(2, 3)\nmu ~ Ordered(Normal(0, 2) ^ 2)\nsigma ~ LogNormal(0, 1) ^ 2",
        &[
            "y ~ Mixture([w, 1 - w], [Normal(mu[1], sigma[1]), Normal(mu[2], sigma[2])])",
            "for n in 1..N { y[n] ~ Mixture([w, 1 - w], Normal(mu, sigma)) }",
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
        ],
    ),
    (
        "Gaussian process",
        "data x: real[N]\ndata k: int[N]\nrho ~ Gamma(2, 2)\nalpha ~ HalfNormal(2)\nz ~ Normal(0, 1) ^ N",
        &[
            "for i in 1..N { for j in 1..N { let C[i, j] = alpha^2 * exp(-(x[i] - x[j])^2 / (2 * rho^2)) } }
             k ~ Poisson(log_rate = cholesky(C + 1e-6 * eye(N)) @ z)",
            "let C = [[alpha^2 * exp(-(x[i] - x[j])^2 / (2 * rho^2)) for j in 1..N] for i in 1..N]
             let f = cholesky(C + 1e-6 * eye(N)) @ z
             for n in 1..N { k[n] ~ Poisson(log_rate = f[n]) }",
        ],
    ),
    (
        "recurrence",
        "data y: real[T]\nmu ~ Normal(0, 3)\na ~ HalfNormal(1)\nb ~ Uniform(0, 1)\nc ~ Uniform(0, 1)\nlet s[1] = 1.0",
        &[
            "for t in 2..T { let s[t] = sqrt(a + b * (y[t-1] - mu)^2 + c * s[t-1]^2) }
             y ~ Normal(mu, s)",
            "for t in 2..T { let s[t] = sqrt(a + b * (y[t-1] - mu)^2 + c * s[t-1]^2) }
             for t in 1..T { y[t] ~ Normal(mu, s[t]) }",
            "let e = (y - mu)^2
             for t in 2..T { let s[t] = sqrt(a + b * e[t-1] + c * s[t-1]^2) }
             factor sum(Normal(mu, s).log_prob(y))",
        ],
    ),
    (
        "item response",
        "data t: int[I, J]\ntheta ~ Normal(0, 1) ^ J\na ~ LogNormal(0, 1) ^ I\nb ~ Normal(0, 2) ^ I",
        &[
            "for i in 1..I { for j in 1..J { t[i, j] ~ Bernoulli(logit = a[i] * (theta[j] - b[i])) } }",
            "for i in 1..I { t[i] ~ Bernoulli(logit = a[i] * (theta - b[i])) }",
            "for i in 1..I { for j in 1..J {
               let eta = a[i] * theta[j] - a[i] * b[i]
               t[i, j] ~ Bernoulli(logit = eta)
             } }",
        ],
    ),
];

#[test]
fn phrasings_cost_the_same() {
    let data = rows();
    let mut dear = Vec::new();
    for (name, head, bodies) in FAMILIES {
        let work: Vec<f64> = bodies
            .iter()
            .map(|body| work(&format!("{head}\n{body}"), &data))
            .collect();
        println!("{name}: {work:?}");
        let least = work.iter().copied().fold(f64::INFINITY, f64::min);
        for (work, body) in work.iter().zip(*bodies) {
            if *work > 1.2 * least {
                dear.push(format!("{name}: {work} operations for {least}:\n{body}"));
            }
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}
