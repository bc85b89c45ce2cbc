//! `Transformed` in programs: wherever a distribution stands, against families that are transformations of others.

use elbo::data::Values;
use elbo::infer::{Fit, Options, fit};
use elbo::{Data, Program};

fn fitted(text: &str, data: &Data) -> Fit {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let model = program.bind(data).unwrap_or_else(|e| panic!("{e}"));
    let fit = fit(&model, &Options::default(), &mut |_| ()).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(fit.converged, "{text}\n{}", fit.verdict);
    fit
}

fn data<const N: usize>(entries: [(&str, Values); N]) -> Data {
    let mut data = Data::default();
    for (name, values) in entries {
        data.insert(name, values);
    }
    data
}

/// `log t` has a Normal prior and a Normal likelihood: a guide that is Normal on the logarithm is the posterior, and the
/// ELBO has the evidence, without noise.
#[test]
fn a_latent_has_the_posterior_that_is_known() {
    let text = "data y: positive[N]
t ~ Transformed(Normal(0.3, 0.5), exp)
y ~ Transformed(Normal(0, 1), |x| t * exp(0.4 * x)) ^ N";
    let y = [1.2f64, 2.0, 0.7];
    let fit = fitted(text, &data([("y", y.into())]));
    let logs = y.map(f64::ln);
    // log y is Normal with covariance 0.16 I + 0.25 11ᵀ.
    let (n, a, b) = (3.0, 0.16f64, 0.25);
    let r = logs.map(|l| l - 0.3);
    let (sum, squares): (f64, f64) = (r.iter().sum(), r.iter().map(|r| r * r).sum());
    let square = (squares - b * sum * sum / (a + n * b)) / a;
    let log_det = 2.0 * a.ln() + (a + n * b).ln();
    let two_pi = 2.0 * std::f64::consts::PI;
    let exact = -0.5 * (square + log_det + n * two_pi.ln()) - logs.iter().sum::<f64>();
    assert!(
        (fit.elbo.mean - exact).abs() < 1e-6,
        "{:?}, exactly {exact}",
        fit.elbo
    );
}

/// Pairs of programs that say the same, by a transformation and by the family that it makes: parameters that are latents,
/// elements, of either sign, in functions; observed in arrays, loops, with values missing; bounded above, cut, mixed.
#[test]
fn programs_are_those_of_the_families_they_transform_to() {
    let nan = f64::NAN;
    let y: Values = [0.6, 1.9, 0.3, 4.0, 1.1].into();
    let gaps: Values = [0.6, nan, 0.3, 4.0, nan].into();
    let group: Values = [1.0, 2.0, 1.0, 2.0, 2.0].into();
    let all = data([("y", y.clone()), ("g", group)]);
    let missing = data([("y", gaps)]);
    let alone = data([("y", y)]);
    let head = "data y: real[N]\nm ~ Normal(0, 1)\ns ~ HalfNormal(1)\n";
    for (what, data, prelude, one, other) in [
        (
            "an array",
            &alone,
            head,
            "y ~ Transformed(Normal(m, s) ^ N, exp)",
            "y ~ LogNormal(m, s) ^ N",
        ),
        (
            "elements in a loop",
            &all,
            "data y: real[N]\ndata g: int[N]\na ~ Normal(0, 1) ^ 2\ns ~ HalfNormal(1)\n",
            "for i in 1..N { y[i] ~ Transformed(Normal(0, 1), |x| exp(a[g[i]] + s * x)) }",
            "for i in 1..N { y[i] ~ LogNormal(a[g[i]], s) }",
        ),
        (
            "arrays beside the argument",
            &all,
            "data y: real[N]\ndata g: int[N]\na ~ Normal(0, 1) ^ 2\ns ~ HalfNormal(1)\n",
            "let b = [a[g[i]] for i in 1..N]\ny ~ Transformed(Normal(0, s), |x| exp(b + x))",
            "let b = [a[g[i]] for i in 1..N]\ny ~ LogNormal(b, s)",
        ),
        (
            "a function with names of its own",
            &alone,
            &format!("{head}fn f(x, a, b = 1) = pow(a * x, 1 / b)\n"),
            "for i in 1..N { y[i] ~ Transformed(Exponential(1), |x| f(x, exp(m * s), b = s + 0.2)) }",
            "for i in 1..N { y[i] ~ Weibull(s + 0.2, exp(m * s) ^ (1 / (s + 0.2))) }",
        ),
        (
            "a sign that nothing tells",
            &alone,
            "data y: real[N]\nm ~ Normal(0, 1)\nb ~ Normal(1, 0.2)\n",
            "y ~ Transformed(Normal(0, 1), |x| m + b * x) ^ N",
            "y ~ Normal(m, abs(b)) ^ N",
        ),
        (
            "one that decreases",
            &alone,
            head,
            "y ~ Transformed(Exponential(1), |x| m - s * log(x)) ^ N",
            "y ~ Gumbel(m, s) ^ N",
        ),
        (
            "missing values",
            &missing,
            head,
            "for i in 1..N { y[i] ~ Transformed(Normal(m, s), exp) }\nfactor -sum(y)",
            "for i in 1..N { y[i] ~ LogNormal(m, s) }\nfactor -sum(y)",
        ),
        (
            "a latent bounded above",
            &alone,
            head,
            "t ~ Transformed(Exponential(1), |x| 5 - 2 * x)\ny ~ Normal(m + t, s)",
            "u ~ Exponential(0.5)\ny ~ Normal(m + (5 - u), s)",
        ),
        (
            "cut",
            &alone,
            head,
            "y ~ Transformed(Normal(m, s), exp).truncate(upper = 6) ^ N",
            "y ~ LogNormal(m, s).truncate(upper = 6) ^ N",
        ),
        (
            "mixed",
            &alone,
            head,
            "y ~ Mixture([0.3, 0.7], [Transformed(Normal(m, s), exp), Normal(1, 2)]) ^ N",
            "y ~ Mixture([0.3, 0.7], [LogNormal(m, s), Normal(1, 2)]) ^ N",
        ),
    ] {
        let [a, b] = [one, other].map(|text| fitted(&format!("{prelude}{text}"), data).elbo.mean);
        // The same function of the same draws, but for roundings that optimisers see.
        assert!((a - b).abs() < 1e-5, "{what}: {a}, {b}");
    }
}

#[test]
fn batches_and_guides_have_it() {
    let y: Vec<f64> = (0..40)
        .map(|i| (0.4 * (i as f64 * 1.7).sin() + 0.2).exp())
        .collect();
    let data = data([("y", y.into())]);
    let text = |batch: &str, y: &str, guide: &str| {
        format!(
            "data y: real[N]\nm ~ Normal(0, 1)\ntau ~ HalfNormal(1)\n\
             for i in 1..N {batch} {{ y[i] ~ {y} }}\n\
             guide {{\n  param a: real = 0\n  param b: real = -1\n  tau ~ {guide}\n}}"
        )
    };
    let (own, family) = ("Transformed(Normal(m, tau), exp)", "LogNormal(m, tau)");
    let (drawn, known) = (
        "Transformed(Normal(0, 1), |x| exp(b + exp(a) * x))",
        "LogNormal(b, exp(a))",
    );
    let reference = fitted(&text("", family, known), &data).elbo.mean;
    let same = fitted(&text("", own, drawn), &data).elbo.mean;
    assert!((same - reference).abs() < 1e-5, "{same}, {reference}");
    let batches = fitted(&text("batch 10", own, drawn), &data);
    // Steps that see some rows end near the optimum, not at it.
    let off = (batches.elbo.mean - reference).abs();
    assert!(
        off < 4.0 * batches.elbo.se + 0.05,
        "{:?}, {reference}",
        batches.elbo
    );
}

/// What is asked of a distribution, in one program: differences from what the families say.
#[test]
fn properties_are_those_of_the_families() {
    let text = "data c: real
m ~ Normal(0, 1)
c ~ Normal(m, 1)
let up = Transformed(Normal(0, c), |x| exp(1 + x))
let down = Transformed(Normal(0, c), |x| exp(1 - x))
let same = LogNormal(1, c)
let all = [up.cdf(2) - same.cdf(2), down.cdf(2) - same.cdf(2),
  up.log_survival(2) - same.log_survival(2), down.survival(2) - same.survival(2),
  up.quantile(0.1) - same.quantile(0.1), down.quantile(0.1) - same.quantile(0.1),
  up.log_prob(3) - same.log_prob(3), down.log_prob(3) - same.log_prob(3),
  up.cdf(-1), down.survival(-1) - 1,
  Transformed(Gamma(4, 2), |x| 1 - 3 * x).mean() + 5,
  Transformed(Gamma(4, 2), |x| 1 - 3 * x).sd() - 3,
  Transformed(Normal(0, 1), |x| 2 * x).entropy() - Normal(0, 2).entropy()]";
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let model = program
        .bind(&data([("c", 0.8.into())]))
        .unwrap_or_else(|e| panic!("{e}"));
    let fit = fit(&model, &Options::default(), &mut |_| ()).expect("it can be fitted");
    let at = model
        .quantities
        .iter()
        .position(|q| q.name == "all")
        .expect("it is reported");
    let values = &fit.posterior.quantities[at].draws;
    assert!(values.iter().all(|x| x.abs() < 1e-12), "{values:?}");
}

#[test]
fn data_are_simulated() {
    let text = "data y: real[N]\nm ~ Normal(0, 1)\n\
                for i in 1..N { y[i] ~ Transformed(Normal(m, 1), |x| 3 - 2 * exp(0.5 * x)) }";
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let given = data([("N", 20_000.into())]);
    let fixed = data([("m", 0.7.into())]);
    let made = program
        .simulate(&given, &fixed, 1, 1)
        .unwrap_or_else(|e| panic!("{e}"));
    let y = made[0]
        .data
        .get("y")
        .expect("it is drawn")
        .numbers()
        .unwrap()
        .data;
    let x: Vec<f64> = y.iter().map(|y| 2.0 * ((3.0 - y) / 2.0).ln()).collect();
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    // Five standard errors.
    assert!(
        (mean - 0.7).abs() < 0.036 && (variance - 1.0).abs() < 0.05,
        "{mean} {variance}"
    );
}
