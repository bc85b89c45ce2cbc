//! Differential equations in programs: what they mean, where they may stand, what is said of those that cannot
//! be solved.

use elbo::Model;
use elbo::graph::{Tensor, evaluate};
use elbo::infer::{self, Options};
use elbo::{Data, Program};

fn bound(program: &str, data: &Data) -> Model {
    let program = Program::parse(program).unwrap_or_else(|e| panic!("{e}"));
    program.bind(data).unwrap_or_else(|e| panic!("{e}"))
}

/// A quantity at unconstrained numbers that are all 0.3.
fn values(program: &str, data: &Data, name: &str) -> Vec<f64> {
    let model = bound(program, data);
    let feed = |b: &elbo::model::Block| (b.input, Tensor::vector(vec![0.3; b.size]));
    let feeds: Vec<_> = model.blocks.iter().map(feed).collect();
    let quantity = model.quantities.iter().find(|q| q.name == name);
    let node = quantity.expect("the program keeps it").node;
    evaluate(&model.graph, &feeds, &[node])[0].data().to_vec()
}

/// Solutions are known to some 1e-8.
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-7 * (1.0 + b.abs());
    let all = found.iter().zip(expected).all(near);
    assert!(all, "{found:?} and {expected:?}");
}

fn data() -> Data {
    let mut data = Data::default();
    data.insert("ts", vec![0.5, 2.0]);
    data.insert("rate", vec![0.2, 0.7, 1.1]);
    data
}

const HEAD: &str = "data ts: real[T]\ndata rate: real[N]\na ~ Normal(0, 1)\n";
const A: f64 = 0.3;
const TS: [f64; 2] = [0.5, 2.0];
const RATE: [f64; 3] = [0.2, 0.7, 1.1];

#[test]
fn a_lambda_and_a_function_read_what_is_around_them() {
    let expected: Vec<f64> = TS.iter().map(|t| 2.0 * (-A * t).exp()).collect();
    for program in [
        "let y = ode(|t, y| [-a * y[1]], [2], 0, ts)",
        "fn decay(t, y) = [-a * y[1]]\nlet y = ode(decay, [2], 0, ts)",
        "fn decay(t, y: real[n]) -> real[n] = -a * y\nlet y = ode_stiff(decay, [2], 0, ts, rtol = 1e-9)",
        "fn decay(t, y, k) = -k * y\nlet y = ode(|t, y| decay(t, y, a), ts = ts, y0 = [2], t0 = 0)",
        "fn solved(k) = ode(|s, x| -k * x, [2], 0, ts, atol = 1e-9, max_steps = 1000)\nlet y = solved(a)",
    ] {
        close(
            &values(&format!("{HEAD}{program}"), &data(), "y"),
            &expected,
        );
    }
}

#[test]
fn starts_and_times_may_be_latents() {
    let found = values(
        &format!("{HEAD}let y = ode(|t, y| [t], [a], a, [a + 1, a + 2])"),
        &data(),
        "y",
    );
    let at = |t: f64| A + (t * t - A * A) / 2.0;
    close(&found, &[at(A + 1.0), at(A + 2.0)]);
}

#[test]
fn in_loops_every_row_is_an_equation() {
    let expected: Vec<f64> = RATE
        .iter()
        .flat_map(|k| TS.map(|t| A * (-k * t).exp()))
        .collect();
    for program in [
        "for i in 1..N { let y[i] = ode(|t, y| [-rate[i] * y[1]], [a], 0, ts)[:, 1] }",
        "fn decay(k) = ode(|t, y| [-k * y[1]], [a], 0, ts)\nfor i in 1..N { let y[i] = decay(rate[i])[:, 1] }",
        "let y = [ode(|t, y| [-rate[i] * y[1]], [a], 0, ts)[:, 1] for i in 1..N]",
    ] {
        close(
            &values(&format!("{HEAD}{program}"), &data(), "y"),
            &expected,
        );
    }
}

#[test]
fn loops_inside_meet_loops_outside() {
    // The sum over j of r[i] r[j] y[j], all y equal: y′ = (r[i] Σ r) y.
    let program = format!(
        "{HEAD}for i in 1..N {{ let m[i] = [rate[i] * rate[j] for j in 1..N] }}\n\
         for i in 1..N {{ let y[i] = ode(|t, y| [-sum([m[i, j] * y[j] for j in 1..N]) for k in 1..N], a * ones(N), 0, [0.5])[1, 1] }}"
    );
    let sum: f64 = RATE.iter().sum();
    let expected: Vec<f64> = RATE.iter().map(|r| A * (-r * sum * 0.5).exp()).collect();
    close(&values(&program, &data(), "y"), &expected);
}

#[test]
fn a_recurrence_of_solutions() {
    // Dosing: between doses it decays.
    let program = format!(
        "{HEAD}let x[1] = a\nfor i in 2..N {{ let x[i] = 1 + ode(|t, y| [-rate[i] * y[1]], [x[i-1]], 0, [1])[1, 1] }}"
    );
    let mut x = vec![A];
    for i in 1..3 {
        x.push(1.0 + x[i - 1] * (-RATE[i]).exp());
    }
    close(&values(&program, &data(), "x"), &x);
}

#[test]
fn known_times_that_descend_and_bad_settings_are_errors() {
    let wrong = |program: &str| {
        let program = Program::parse(&format!("{HEAD}{program}"));
        let program = program.unwrap_or_else(|e| panic!("{e}"));
        program
            .bind(&data())
            .map(drop)
            .expect_err("it is wrong")
            .render(false)
    };
    let text = wrong("let y = ode(|t, y| [-a * y[1]], [1], 1, ts)");
    assert!(
        text.contains("E0679") && text.contains("0.5 comes after the start at 1"),
        "{text}"
    );
    let text = wrong("let y = ode(|t, y| [-a * y[1]], [1], 0, ts, rtol = -1)");
    assert!(
        text.contains("E0678") && text.contains("`rtol` is -1"),
        "{text}"
    );
    let text = wrong("let y = ode(|t, y| -a * rate, [1, 2], 0, ts)");
    assert!(
        text.contains("E0662") && text.contains("gives 3 numbers for a state of 2"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_solved_is_explained_with_the_statement() {
    let program = format!(
        "{HEAD}let z = ode(|t, y| [(1 + a^2) * y[1]^2], [1], 0, ts)\nrate ~ Normal(z[2, 1], 1)"
    );
    let model = bound(&program, &data());
    let why = infer::explain_non_finite(&model, &[0.3]).expect("it grows beyond bounds before 2");
    assert_eq!(why.code, "E0801");
    let start = "`let z = ode(|t, y| [(1 + a^2) * y[1]^2], [1], 0, ts)` is not finite: ";
    assert!(why.message.starts_with(start), "{}", why.message);
    assert!(
        why.message.contains("at t = 0.917431, y = ["),
        "{}",
        why.message
    );
    // A fit ends with that reason, and does not hang.
    let error = infer::fit(&model, &Options::default(), &mut |_| ()).expect_err("no start");
    assert_eq!(error.code, "E0803");
    assert!(error.message.contains("at t = "), "{}", error.message);
}

/// A decay from 3 at a rate of 0.8, with noise that is known: the posterior of the rate is Normal but for curvature.
#[test]
fn a_fit_finds_a_rate() {
    let times: Vec<f64> = (1..=20).map(|i| 0.2 * f64::from(i)).collect();
    let wave = |i: usize| 0.05 * (2.4 * i as f64).sin();
    let y: Vec<f64> = times
        .iter()
        .enumerate()
        .map(|(i, t)| 3.0 * (-0.8 * t).exp() + wave(i))
        .collect();
    // The least-squares rate, by Newton's method on the closed form.
    let mut k = 0.8f64;
    let (mut information, mut slope);
    for _ in 0..20 {
        (information, slope) = (0.0, 0.0);
        for (t, y) in times.iter().zip(&y) {
            let d = -3.0 * t * (-k * t).exp();
            slope += d * (y - 3.0 * (-k * t).exp());
            information += d * d;
        }
        k += slope / information;
    }
    let information: f64 = times
        .iter()
        .map(|t| (3.0 * t * (-k * t).exp()).powi(2))
        .sum();
    let sd = 0.05 / information.sqrt();
    let mut data = Data::default();
    data.insert("ts", times);
    data.insert("y", y);
    for solver in ["ode", "ode_stiff"] {
        let program = format!(
            "data ts: real[T]\ndata y: real[T]\nk ~ HalfFlat()\nlet z = {solver}(|t, y| [-k * y[1]], [3], 0, ts)\ny ~ Normal(z[:, 1], 0.05)"
        );
        let model = bound(&program, &data);
        let fit = infer::fit(&model, &Options::default(), &mut |_| ()).expect("it can be fitted");
        assert!(fit.converged, "{}", fit.verdict);
        let (mean, found) = (fit.params.mean[0], fit.params.sd[0]);
        assert!(
            (mean - k.ln()).abs() < 0.1 * sd / k,
            "{mean} and {}",
            k.ln()
        );
        assert!(
            (found / (sd / k) - 1.0).abs() < 0.05,
            "{found} and {}",
            sd / k
        );
    }
}
