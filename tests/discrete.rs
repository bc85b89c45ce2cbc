//! Discrete latents: summed out exactly, and drawn again after the fit.

use elbo::{Data, Model, Options, Program};

fn bound(program: &str, data: &Data) -> Result<Model, String> {
    let program = Program::parse(program).map_err(|e| format!("{e:?}"))?;
    program.bind(data).map_err(|e| format!("{e:?}"))
}

fn numbers(count: usize, seed: f64) -> Vec<f64> {
    let number = |i: usize| 2.0 * ((i as f64 + seed) * 1.7).sin() + 0.3 * (i as f64 * seed).cos();
    (0..count).map(number).collect()
}

/// Density and gradient of a program with discrete latents and of the same with the sums written out.
fn compare(discrete: &str, written: &str, data: &Data) -> Result<(), String> {
    let mut densities = Vec::new();
    for program in [discrete, written] {
        densities.push(
            bound(program, data)?
                .log_density()
                .map_err(|e| format!("{e:?}"))?,
        );
    }
    let size = densities[0].size();
    if size != densities[1].size() {
        return Err(format!("{size} numbers and {}", densities[1].size()));
    }
    for point in 0..4 {
        let at = |i: usize| ((i * 5 + point * 3 + 1) as f64).sin();
        let at: Vec<f64> = (0..size).map(at).collect();
        let found = densities.iter_mut().map(|density| {
            let mut gradient = vec![0.0; size];
            let value = density.gradient(&at, &mut gradient);
            [vec![value], gradient].concat()
        });
        let found: Vec<Vec<f64>> = found.collect();
        let pairs = found[0].iter().zip(&found[1]);
        if !pairs
            .into_iter()
            .all(|(a, b)| (a - b).abs() < 1e-10 * b.abs().max(1.0))
        {
            return Err(format!("{:?}\n{:?}", found[0], found[1]));
        }
    }
    Ok(())
}

/// A program with discrete latents beside one with the sums written out.
const PAIRS: &[(&str, &str, &str)] = &[
    (
        "a mixture",
        "data y: real[N]
         w ~ Dirichlet([1, 2, 1])
         mu ~ Normal(0, 3)^3
         for i in 1..N {
           z[i] ~ Categorical(w)
           y[i] ~ Normal(mu[z[i]], 0.5 + 0.1 * z[i])
         }",
        "data y: real[N]
         w ~ Dirichlet([1, 2, 1])
         mu ~ Normal(0, 3)^3
         for i in 1..N { factor log_sum_exp([log(w[k]) + Normal(mu[k], 0.5 + 0.1 * k).log_prob(y[i]) for k in 1..3]) }",
    ),
    (
        "a mixture of whole arrays",
        "data y: real[N]
         w ~ Dirichlet([1, 2, 1])
         mu ~ Normal(0, 3)^3
         z ~ Categorical(w)^N
         let m = mu[z] + 0.1 * y
         y ~ Normal(m, 0.5 + 0.1 * z)",
        "data y: real[N]
         w ~ Dirichlet([1, 2, 1])
         mu ~ Normal(0, 3)^3
         for i in 1..N { factor log_sum_exp([log(w[k]) + Normal(mu[k] + 0.1 * y[i], 0.5 + 0.1 * k).log_prob(y[i]) for k in 1..3]) }",
    ),
    (
        "groups with one state each",
        "data y: real[N]
         data group: int[N]
         p ~ Beta(2, 2)
         mu ~ Normal(0, 3)^2
         for g in 1..3 { z[g] ~ Bernoulli(p) }
         for i in 1..N { y[i] ~ Normal(mu[1 + z[group[i]]], 1) }",
        "data y: real[N]
         data group: int[N]
         p ~ Beta(2, 2)
         mu ~ Normal(0, 3)^2
         for g in 1..3 {
           factor log_sum_exp([log(if k == 1 { 1 - p } else { p })
             + sum([Normal(mu[k], 1).log_prob(y[i]) for i in 1..N if group[i] == g]) for k in 1..2])
         }",
    ),
    (
        "a hidden Markov chain",
        "data y: real[N]
         for k in 1..2 { P[k] ~ Dirichlet([1, 1]) }
         mu ~ Normal(0, 3)^2
         for t in 1..N {
           if t == 1 { s[t] ~ Categorical([0.3, 0.7]) } else { s[t] ~ Categorical(P[s[t - 1]]) }
           y[t] ~ Normal(mu[s[t]], 1)
         }",
        "data y: real[N]
         for k in 1..2 { P[k] ~ Dirichlet([1, 1]) }
         mu ~ Normal(0, 3)^2
         for k in 1..2 { let a[1, k] = log([0.3, 0.7][k]) + Normal(mu[k], 1).log_prob(y[1]) }
         for t in 2..N { for k in 1..2 {
           let a[t, k] = log_sum_exp([a[t - 1, j] + log(P[j, k]) for j in 1..2]) + Normal(mu[k], 1).log_prob(y[t])
         } }
         factor log_sum_exp(a[N])",
    ),
    (
        "conditions on states, and definitions by them",
        "data y: real[N]
         p ~ Beta(2, 2)
         mu ~ Normal(0, 3)^2
         for i in 1..N {
           z[i] ~ Bernoulli(p)
           let scale = if z[i] == 1 { 2 } else { 0.5 }
           let shift[i] = 0.1 * z[i]
           if z[i] == 1 { y[i] ~ Normal(mu[1] + shift[i], scale) } else { y[i] ~ Laplace(mu[2], scale) }
         }
         for i in 1..N { if y[i] > 0 { factor -shift[i] } }",
        "data y: real[N]
         p ~ Beta(2, 2)
         mu ~ Normal(0, 3)^2
         for i in 1..N {
           factor log_sum_exp([log(p) + Normal(mu[1] + 0.1, 2).log_prob(y[i]) - (if y[i] > 0 { 0.1 } else { 0 }),
                               log(1 - p) + Laplace(mu[2], 0.5).log_prob(y[i])])
         }",
    ),
    (
        "supports that differ from row to row",
        "data y: real[N]
         p ~ Beta(2, 2)
         b ~ Normal(0, 1)
         for i in 1..N {
           k[i] ~ Binomial(i % 3 + 1, p)
           y[i] ~ Normal(b * k[i], 1)
         }",
        "data y: real[N]
         p ~ Beta(2, 2)
         b ~ Normal(0, 1)
         for i in 1..N {
           factor log_sum_exp([Binomial(i % 3 + 1, p).log_prob(k) + Normal(b * k, 1).log_prob(y[i]) for k in 0..(i % 3 + 1)])
         }",
    ),
    (
        "an unknown number of trials",
        "data count: int[M] = [3, 1, 2]
         data y: real[N]
         lambda ~ Gamma(2, 1)
         p ~ Beta(2, 2)
         n ~ Truncated(Poisson(lambda), 0, 30)
         for i in 1..3 { count[i] ~ Binomial(n, p) }",
        "data count: int[M] = [3, 1, 2]
         data y: real[N]
         lambda ~ Gamma(2, 1)
         p ~ Beta(2, 2)
         factor log_sum_exp([Truncated(Poisson(lambda), 0, 30).log_prob(n)
           + sum([Binomial(n, p).log_prob(count[i]) for i in 1..3]) for n in 3..30])",
    ),
    (
        "a tree",
        "data y: real[N]
         data parent: int[6] = [0, 1, 1, 2, 2, 3]
         p ~ Beta(2, 2)
         q ~ Beta(2, 2)
         s[1] ~ Bernoulli(p)
         for i in 2..6 { s[i] ~ Bernoulli(if s[parent[i]] == 1 { q } else { 1 - p }) }
         for i in 4..6 { y[i] ~ Normal(s[i], 1) }
         for i in 1..3 { y[i] ~ Normal(0, 1) }
         for i in 7..N { y[i] ~ Normal(0, 1) }",
        "data y: real[N]
         data parent: int[6] = [0, 1, 1, 2, 2, 3]
         p ~ Beta(2, 2)
         q ~ Beta(2, 2)
         let move = [[p, 1 - p], [1 - q, q]]
         for k in 1..2 {
           let four[k] = log_sum_exp([log(move[k, j]) + Normal(j - 1, 1).log_prob(y[4]) for j in 1..2])
           let five[k] = log_sum_exp([log(move[k, j]) + Normal(j - 1, 1).log_prob(y[5]) for j in 1..2])
           let six[k] = log_sum_exp([log(move[k, j]) + Normal(j - 1, 1).log_prob(y[6]) for j in 1..2])
         }
         for k in 1..2 {
           let two[k] = log_sum_exp([log(move[k, j]) + four[j] + five[j] for j in 1..2])
           let three[k] = log_sum_exp([log(move[k, j]) + six[j] for j in 1..2])
         }
         factor log_sum_exp([log(if k == 2 { p } else { 1 - p }) + two[k] + three[k] for k in 1..2])
         for i in 1..3 { y[i] ~ Normal(0, 1) }
         for i in 7..N { y[i] ~ Normal(0, 1) }",
    ),
    (
        "coupled chains",
        "data y: real[N]
         p ~ Beta(2, 2)
         q ~ Beta(2, 2)
         for t in 1..N {
           if t == 1 {
             a[t] ~ Bernoulli(0.5)
             b[t] ~ Bernoulli(0.5)
           } else {
             a[t] ~ Bernoulli(if a[t - 1] == 1 { p } else { 1 - p })
             b[t] ~ Bernoulli(if b[t - 1] == 1 { q } else { 1 - q })
           }
           y[t] ~ Normal(a[t] + 2 * b[t], 1)
         }",
        "data y: real[N]
         p ~ Beta(2, 2)
         q ~ Beta(2, 2)
         let low = [1, 2, 1, 2]
         let high = [1, 1, 2, 2]
         let A = [[p, 1 - p], [1 - p, p]]
         let B = [[q, 1 - q], [1 - q, q]]
         for k in 1..4 { let f[1, k] = 2 * log(0.5) + Normal(k - 1, 1).log_prob(y[1]) }
         for t in 2..N { for k in 1..4 {
           let f[t, k] = Normal(k - 1, 1).log_prob(y[t]) + log_sum_exp([f[t - 1, j]
             + log(A[low[j], low[k]]) + log(B[high[j], high[k]]) for j in 1..4])
         } }
         factor log_sum_exp(f[N])",
    ),
    (
        "elements read together",
        "data y: real[N]
         p ~ Beta(2, 2)
         beta ~ Normal(0, 1)^3
         gamma ~ Bernoulli(p)^3
         for i in 1..N { y[i] ~ Normal(dot([1, i / N, y[i] ^ 2 / 4], gamma * beta), 1) }",
        "data y: real[N]
         p ~ Beta(2, 2)
         beta ~ Normal(0, 1)^3
         factor log_sum_exp([log(p) * (a + b + c) + log(1 - p) * (3 - a - b - c)
           + sum([Normal(a * beta[1] + b * beta[2] * i / N + c * beta[3] * y[i] ^ 2 / 4, 1).log_prob(y[i]) for i in 1..N])
           for a in 0..1 for b in 0..1 for c in 0..1])",
    ),
    (
        "elements of a definition read together",
        "data y: real[N]
         p ~ Beta(2, 2)
         beta ~ Normal(0, 1)^3
         gamma ~ Bernoulli(p)^3
         let effect = gamma * beta
         for i in 1..N { y[i] ~ Normal(dot([1, i / N, y[i] ^ 2 / 4], effect), 1) }",
        "data y: real[N]
         p ~ Beta(2, 2)
         beta ~ Normal(0, 1)^3
         factor log_sum_exp([log(p) * (a + b + c) + log(1 - p) * (3 - a - b - c)
           + sum([Normal(a * beta[1] + b * beta[2] * i / N + c * beta[3] * y[i] ^ 2 / 4, 1).log_prob(y[i]) for i in 1..N])
           for a in 0..1 for b in 0..1 for c in 0..1])",
    ),
    (
        "pairs of elements",
        "data y: real[N]
         p ~ Beta(2, 2)
         a ~ Normal(0, 1)
         for i in 1..4 { z[i] ~ Bernoulli(p) }
         for i in 1..4 { for j in 1..4 { factor a * (if z[i] == z[j] { 1 } else { -0.5 }) } }",
        "data y: real[N]
         p ~ Beta(2, 2)
         a ~ Normal(0, 1)
         factor log_sum_exp([log(p) * (b + c + d + e) + log(1 - p) * (4 - b - c - d - e)
           + a * sum([if [b, c, d, e][i] == [b, c, d, e][j] { 1 } else { -0.5 } for i in 1..4 for j in 1..4])
           for b in 0..1 for c in 0..1 for d in 0..1 for e in 0..1])",
    ),
    (
        "a loop as long as a state says",
        "data y: real[N]
         b ~ Normal(0, 1)
         n ~ DiscreteUniform(1, 4)
         for i in 1..n { factor Normal(b * i, 1).log_prob(y[i]) }",
        "data y: real[N]
         b ~ Normal(0, 1)
         factor log_sum_exp([log(0.25) + sum([Normal(b * i, 1).log_prob(y[i]) for i in 1..n]) for n in 1..4])",
    ),
];

#[test]
fn sums_are_those_written_out() {
    let mut data = Data::default();
    data.insert("y", numbers(12, 0.4));
    data.insert(
        "group",
        (0..12)
            .map(|i| f64::from(i * i % 3 + 1))
            .collect::<Vec<_>>(),
    );
    let mut failed = Vec::new();
    for (name, discrete, written) in PAIRS {
        if let Err(why) = compare(discrete, written, &data) {
            failed.push(format!("{name}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// Which notes a program gives where it is bound, or which errors.
fn codes(program: &str, data: &Data) -> Vec<&'static str> {
    let program = Program::parse(program).unwrap_or_else(|e| panic!("{e:?}"));
    match program.bind(data) {
        Ok(model) => model.notes().iter().map(|d| d.code).collect(),
        Err(e) => e.diagnostics.iter().map(|d| d.code).collect(),
    }
}

#[test]
fn what_cannot_be_summed_is_sampled_or_refused() {
    let mut data = Data::default();
    data.insert("y", numbers(12, 0.4));
    let cases = [
        ("n ~ Poisson(3)\ny ~ Normal(n, 1)", vec!["W0606"]),
        ("n ~ Truncated(Poisson(3), 0, 20)\ny ~ Normal(n, 1)", vec![]),
        (
            "z ~ Bernoulli(0.4)^30\ny ~ Normal(sum(z), 1)",
            vec!["W0606"],
        ),
        (
            "for t in 1..N { s[t] ~ Bernoulli(0.4) }\nlet x[1] = s[1]\nfor t in 2..N { let x[t] = 0.5 * x[t - 1] + s[t] }\ny ~ Normal(x, 1)",
            vec!["W0606"],
        ),
        (
            "w ~ DiscreteUniform(1, 2)\nz ~ Bernoulli(0.4)^2\ny ~ Normal(z[w], 1)",
            vec!["W0606"],
        ),
        (
            "k ~ Multinomial(3, [0.2, 0.8])\ny ~ Normal(k[1], 1)",
            vec!["E0685"],
        ),
        (
            "z ~ Bernoulli(0.4)\nif z == 1 { x ~ Normal(0, 1) }\ny ~ Normal(z, 1)",
            vec!["E0686"],
        ),
        (
            "z ~ DiscreteUniform(1, 3)\nx ~ Uniform(0, z)\ny ~ Normal(x, 1)",
            vec!["E0686"],
        ),
        (
            "n ~ Poisson(3)\ny ~ Normal(n, 1)\nguide { n ~ mean_field() }",
            vec![],
        ),
    ];
    for (program, expected) in cases {
        let program = format!("data y: real[N]\n{program}");
        assert_eq!(codes(&program, &data), expected, "{program}");
    }
}

#[test]
fn predictions_of_counts_are_draws() {
    let mut data = Data::default();
    data.insert("y", 1.0);
    let program =
        "data y: real\nmu ~ Normal(0, 2)\ny ~ Normal(mu, 1)\nk ~ Poisson(4)\nlet twice = 2 * k";
    let model = bound(program, &data).expect("it is right");
    assert!(model.notes().is_empty());
    let fit = model.fit(&Options::default()).expect("it can be fitted");
    let posterior = fit.posterior();
    // Four standard errors of 1000 draws.
    assert!((posterior["k"].mean()[0] - 4.0).abs() < 4.0 * 2.0 / 1000f64.sqrt());
    assert_eq!(posterior["twice"].mean()[0], 2.0 * posterior["k"].mean()[0]);
}

#[test]
fn a_model_of_discrete_latents_alone_has_its_exact_posterior() {
    let mut data = Data::default();
    data.insert("y", 1.0);
    let program = "data y: real\nz ~ Bernoulli(0.3)\ny ~ Normal(z, 1)\nlet both = z + y";
    let fit = bound(program, &data)
        .expect("it is right")
        .fit(&Options::default());
    let fit = fit.expect("it can be fitted");
    let (one, zero) = (0.3, 0.7 * f64::exp(-0.5));
    let evidence = f64::ln((one + zero) / (2.0 * std::f64::consts::PI).sqrt());
    assert!((fit.elbo().mean - evidence).abs() < 1e-12);
    let share = one / (one + zero);
    let found = fit.posterior()["z"].mean()[0];
    assert!(
        (found - share).abs() < 4.0 * (share * (1.0 - share) / 1000.0).sqrt(),
        "{found}"
    );
}

#[test]
fn states_of_a_chain_are_those_of_forward_and_backward() {
    let y = numbers(30, 0.7);
    let mut data = Data::default();
    data.insert("y", y.clone());
    let program = "data y: real[T]
        s[1] ~ Categorical([0.5, 0.5])
        for t in 2..T { s[t] ~ Categorical([[0.9, 0.1], [0.2, 0.8]][s[t - 1]]) }
        for t in 1..T { y[t] ~ Normal([-1, 1][s[t]], 1) }";
    let options = Options {
        draws: 4000,
        ..Options::default()
    };
    let fit = bound(program, &data).expect("it is right").fit(&options);
    let fit = fit.expect("it can be fitted");
    let moves = [[0.9, 0.1], [0.2, 0.8]];
    let likelihood = |t: usize, k: usize| f64::exp(-0.5 * (y[t] - [-1.0, 1.0][k]).powi(2));
    let n = y.len();
    let mut forward = vec![[0.0; 2]; n];
    let mut backward = vec![[1.0; 2]; n];
    for t in 0..n {
        for k in 0..2 {
            let before: f64 = match t {
                0 => 0.5,
                _ => (0..2).map(|j| forward[t - 1][j] * moves[j][k]).sum(),
            };
            forward[t][k] = before * likelihood(t, k);
        }
    }
    for t in (0..n - 1).rev() {
        for j in 0..2 {
            let after = (0..2).map(|k| moves[j][k] * likelihood(t + 1, k) * backward[t + 1][k]);
            backward[t][j] = after.sum();
        }
    }
    let mean = fit.posterior()["s"].mean();
    for t in 0..n {
        let weights = [0, 1].map(|k| forward[t][k] * backward[t][k]);
        let second = weights[1] / (weights[0] + weights[1]);
        let error = (second * (1.0 - second) / 4000.0).sqrt();
        assert!(
            (mean[t] - 1.0 - second).abs() < 4.5 * error + 1e-3,
            "{t}: {} {second}",
            mean[t]
        );
    }
    // Nothing else is inferred: probabilities are exact, and the path is Viterbi's.
    let states = fit.states("s").expect("it was summed out");
    let mut best = vec![[0.0; 2]; n];
    let mut from = vec![[0; 2]; n];
    for t in 0..n {
        for k in 0..2 {
            let into = |j: usize| best[t - 1][j] * moves[j][k];
            let j = usize::from(t > 0 && into(1) > into(0));
            from[t][k] = j;
            best[t][k] = likelihood(t, k) * if t == 0 { 0.5 } else { into(j) };
        }
    }
    let mut path = vec![usize::from(best[n - 1][1] > best[n - 1][0])];
    for t in (1..n).rev() {
        path.insert(0, from[t][path[0]]);
    }
    for t in 0..n {
        let weights = [0, 1].map(|k| forward[t][k] * backward[t][k]);
        let second = weights[1] / (weights[0] + weights[1]);
        assert!(
            (states.probabilities[2 * t + 1] - second).abs() < 1e-10,
            "{t}"
        );
        assert_eq!(states.most_probable[t], (path[t] + 1) as f64, "{t}");
    }
    assert_eq!(fit.states("y").unwrap_err().diagnostics[0].code, "E0712");
    // Draws are of paths: moves are as frequent as their posterior says.
    let evidence: f64 = (0..2).map(|k| forward[n - 1][k]).sum();
    let stays = (1..n).map(|t| {
        let at = |k: usize| forward[t - 1][k] * moves[k][k] * likelihood(t, k) * backward[t][k];
        (at(0) + at(1)) / evidence
    });
    let stays: f64 = stays.sum();
    let found = fit
        .evaluate("sum([s[t] == s[t - 1] for t in 2..T])")
        .expect("it is a number");
    assert!(
        (found.mean()[0] - stays).abs() < 0.2,
        "{} {stays}",
        found.mean()[0]
    );
}

#[test]
fn likelihoods_are_summed_over_what_each_observation_has_alone() {
    let mut data = Data::default();
    data.insert("y", numbers(9, 0.4));
    let head = "data y: real[N]\nmu ~ Normal(0, 1)\n";
    let own =
        format!("{head}for i in 1..N {{ z[i] ~ Bernoulli(0.3)\ny[i] ~ Normal(mu + 2 * z[i], 1) }}");
    let mixed = format!("{head}y ~ Mixture([0.7, 0.3], [Normal(mu, 1), Normal(mu + 2, 1)])");
    let found = [own, mixed].map(|program| {
        let fit = bound(&program, &data)
            .expect("it is right")
            .fit(&Options::default());
        let fit = fit.expect("it can be fitted");
        fit.log_likelihood().expect("all draws are kept")[0].mean()
    });
    for (a, b) in found[0].iter().zip(&found[1]) {
        assert!((a - b).abs() < 1e-9, "{found:?}");
    }
}

#[test]
fn fixed_draws_cannot_follow_what_is_sampled() {
    let mut data = Data::default();
    data.insert("y", 1.0);
    let model =
        bound("data y: real\nn ~ Poisson(3)\ny ~ Normal(n, 1)", &data).expect("it is right");
    let options = Options {
        method: elbo::infer::Method::Dadvi,
        ..Options::default()
    };
    let refused = model.fit(&options).unwrap_err();
    assert_eq!(refused.diagnostics[0].code, "E0819");
}
