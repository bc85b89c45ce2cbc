//! Recurrences that carry what a root is taken of: the density and its gradient are those of the program
//! as it is written, whatever it is, and it happens only where the root is one for certain.

use elbo::Model;
use elbo::autodiff::grad;
use elbo::graph::{Graph, NodeId, Tensor, evaluate};
use elbo::{Data, Program};
use proptest::prelude::*;

const HEAD: &str = "data y: real[T]
r ~ Normal(0, 1)
a ~ HalfNormal(1)
b ~ Uniform(0, 1)
c ~ Flat(0, 1 - b)
";

fn bind(program: &str) -> Model {
    let mut data = Data::default();
    let y: Vec<f64> = (0..30).map(|i| (1.7 * f64::from(i)).sin()).collect();
    data.insert("y", y);
    let parsed = Program::parse(program).unwrap_or_else(|e| panic!("{program}\n{e}"));
    parsed
        .bind(&data)
        .unwrap_or_else(|e| panic!("{program}\n{e}"))
}

/// Value and gradient.
fn at(model: &Model, root: NodeId, x: &[f64]) -> Vec<f64> {
    let graph = Graph::new();
    let (inputs, values) = model.of_inputs(&graph, &[root]);
    let value = values[0];
    let mut outputs = vec![value.id];
    outputs.extend(grad(value, &inputs).iter().map(|v| v.id));
    let feeds: Vec<_> = inputs
        .iter()
        .zip(x)
        .map(|(v, &x)| (v.id, Tensor::new(v.shape(), vec![x])))
        .collect();
    let found = evaluate(&graph, &feeds, &outputs);
    found.iter().flat_map(|t| t.data().to_vec()).collect()
}

/// Whether the program is rewritten; what it computes must not change.
fn rewritten(body: &str) -> bool {
    let program = format!("{HEAD}{body}");
    let mut model = bind(&program);
    model.rewrite(&["statistics", "equal_rows"]);
    let happened = model.rewritten.iter().any(|r| r.name == "inverses");
    for x in [
        [0.1, -0.4, 0.3, -0.8],
        [-1.3, 0.6, -0.9, 1.1],
        [0.9, -2.0, 2.0, 0.2],
    ] {
        let before = at(&model, model.as_written, &x);
        let after = at(&model, model.log_joint, &x);
        let scale = before.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
        for (i, (b, a)) in before.iter().zip(&after).enumerate() {
            if b.is_finite() {
                // Thirty steps of a few roundings, whose errors a recurrence near a unit root keeps.
                assert!(
                    (b - a).abs() < 1e-11 * scale,
                    "{program}\n{before:?}\n{after:?}"
                );
            } else if i == 0 {
                assert!(
                    b.to_bits() == a.to_bits() || b.is_nan() && a.is_nan(),
                    "{program}\n{before:?}\n{after:?}"
                );
            }
        }
    }
    happened
}

/// A recurrence from 0.7 on, observed with its states as sds.
fn volatility(step: &str) -> String {
    format!("let s[1] = 0.7\nfor t in 2..T {{ let s[t] = {step} }}\ny ~ Normal(r, s)\n")
}

#[test]
fn volatilities_carry_variances() {
    for step in [
        "sqrt(a + b * (y[t-1] - r)^2 + c * s[t-1]^2)",
        "sqrt(a + c * s[t-1] * s[t-1])",
        "sqrt(a + s[t-1] * c * (b * s[t-1]) / 2)",
        "sqrt(a + b * (y[t-1] * s[t-1])^2)",
        "sqrt(a + (1 - b) * (y[t-1] / s[t-1])^2)",
        "(a + softplus(r) * s[t-1]^2)^0.5",
        "exp(r + 0.9 * log(s[t-1]))",
        "sqrt(a + 0.2 * abs(y[t-1]) + c * s[t-1]^2 / (1 + s[t-1]^2))",
    ] {
        assert!(rewritten(&volatility(step)), "{step}");
    }
}

#[test]
fn so_do_windows_and_companions() {
    let two_back = "let s[1] = 0.7\nlet s[2] = a\nfor t in 3..T { let s[t] = sqrt(a + b * s[t-1]^2 + c * s[t-2]^2) }\ny ~ Normal(r, s)\n";
    assert!(rewritten(two_back));
    let with_mean = "let m[1] = r\nlet s[1] = -0.7
for t in 2..T {
  let m[t] = m[t-1] + 0.2 * (y[t-1] - m[t-1])
  let s[t] = sqrt(a + b * (y[t-1] - m[t-1])^2 + c * s[t-1]^2)
}
for t in 2..T { y[t] ~ Normal(m[t], s[t]) }\n";
    assert!(rewritten(with_mean));
    let backwards = "let s[T] = 0.7\nfor t in 1..T-1 { let s[t] = sqrt(a + c * s[t+1]^2) }\ny ~ StudentT(4, r, s)\n";
    assert!(rewritten(backwards));
}

#[test]
fn what_may_be_negative_or_is_read_plainly_stays() {
    for step in [
        "sqrt(a + r * s[t-1]^2)",
        "sqrt(r + c * s[t-1]^2)",
        "sqrt(a + b * y[t-1] + c * s[t-1]^2)",
        "sqrt(a + c * s[t-1])",
        "sqrt(a + b * s[t-1] + c * s[t-1]^2)",
        "sqrt(a + c * abs(s[t-1]^2 - 2 * s[t-1]))",
        "sqrt(a + c * s[t-1] * s[t-1] * s[t-1])",
        "a + c * s[t-1]^2 / (1 + s[t-1]^2)",
    ] {
        assert!(!rewritten(&volatility(step)), "{step}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn random_recurrences_keep_their_densities(
        terms in prop::collection::vec((0_usize..5, 0_usize..7), 1..4),
        outer in 0_usize..4,
        first in prop::sample::select(vec!["0.7", "a", "r - 3", "r"]),
    ) {
        let weights = ["a", "b", "(1 - b)", "0.3", "r"];
        let reads = ["s[t-1]^2", "s[t-1]", "(s[t-1] * y[t-1])^2", "(y[t-1] / s[t-1])^2", "log(s[t-1])", "y[t-1]^2", "sigmoid(s[t-1]^2)"];
        let sum: Vec<String> = terms.iter().map(|&(w, r)| format!("{} * {}", weights[w], reads[r])).collect();
        let sum = format!("0.1 + {}", sum.join(" + "));
        let step = match outer {
            0 | 1 => format!("sqrt({sum})"),
            2 => format!("exp(-abs({sum}))"),
            _ => format!("sqrt(0.2 * exp(-abs({sum})))"),
        };
        let program = volatility(&step).replace("s[1] = 0.7", &format!("s[1] = {first}"));
        // What a recurrence starts from is no sd.
        rewritten(&program.replace("y ~ Normal(r, s)", "for t in 2..T { y[t] ~ Normal(r, s[t]) }"));
    }
}
