//! Guides that programs write, against posteriors that are known.

use elbo::Model;
use elbo::infer::{Fit, Method, Options, fit};
use elbo::{Data, Program};

fn bound(text: &str, data: &Data) -> Model {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    program.bind(data).unwrap_or_else(|e| panic!("{e}"))
}

fn fitted(text: &str, data: &Data, options: &Options) -> (Model, Fit) {
    let model = bound(text, data);
    let fit = fit(&model, options, &mut |_| ()).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(fit.converged, "{}", fit.verdict);
    (model, fit)
}

/// Means and sds of a quantity's elements.
fn moments(fit: &Fit, name: &str) -> Vec<(f64, f64)> {
    let quantity = &fit.posterior[name];
    quantity.mean().into_iter().zip(quantity.sd()).collect()
}

/// Six observations around a mean, with a known sd: the posterior is Normal.
const NORMAL: &str = "data y: real[N]
mu ~ Normal(0, 2)
y ~ Normal(mu, 1)
";

fn six() -> Data {
    let mut data = Data::default();
    data.insert("y", [1.2, 0.3, 2.1, 0.7, 1.9, 1.4]);
    data
}

/// Evidence of [`NORMAL`] with [`six`]: `y ~ N(0, I + 4 11ᵀ)`.
fn evidence() -> f64 {
    let y = [1.2f64, 0.3, 2.1, 0.7, 1.9, 1.4];
    let (n, sum) = (6.0, y.iter().sum::<f64>());
    let squares: f64 = y.iter().map(|y| y * y).sum();
    let det: f64 = 1.0 + 4.0 * n;
    -0.5 * (squares - 4.0 * sum * sum / det)
        - 0.5 * det.ln()
        - 0.5 * n * (2.0 * std::f64::consts::PI).ln()
}

#[test]
fn a_written_guide_reaches_the_posterior_that_it_can() {
    let text = format!(
        "{NORMAL}guide {{
  param m: real = 0
  param s: positive = 1
  mu ~ Normal(m, s)
}}"
    );
    let options = Options {
        draws: 20_000,
        ..Options::default()
    };
    let (model, fit) = fitted(&text, &six(), &options);
    assert_eq!(fit.guide, "written");
    // With the posterior itself as guide every draw has the evidence as its weight.
    assert!((fit.elbo.mean - evidence()).abs() < 1e-6, "{:?}", fit.elbo);
    let (mean, sd) = moments(&fit, "mu")[0];
    let variance: f64 = 1.0 / (6.0 + 0.25);
    let exact = variance * 7.6;
    // Four standard errors of 20,000 draws.
    assert!(
        (mean - exact).abs() < 4.0 * variance.sqrt() / 141.0,
        "{mean}"
    );
    assert!((sd / variance.sqrt() - 1.0).abs() < 0.02, "{sd}");
    let names: Vec<&str> = model.quantities.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["mu"]);
}

#[test]
fn the_model_is_itself_beside_its_guide() {
    let text = format!("{NORMAL}guide {{ mu ~ Normal(1, 0.5) }}");
    let model = bound(&text, &six());
    assert_eq!(model.size(), 1);
    let plain = bound(NORMAL, &six());
    let other = Options {
        guide: elbo::guide::find("mean_field"),
        ..Options::default()
    };
    let with = fit(&model, &other, &mut |_| ()).expect("it can be fitted");
    let without = fit(&plain, &Options::default(), &mut |_| ()).expect("it can be fitted");
    assert_eq!(with.elbo, without.elbo);
    assert_eq!(with.guide, "mean_field");
}

/// A fixed guide has no parameters: the ELBO is the closed form of a wrong one.
#[test]
fn a_guide_without_parameters_is_scored_as_it_is() {
    let text = format!("{NORMAL}guide {{ mu ~ Normal(1, 0.5) }}");
    let model = bound(&text, &six());
    let options = Options {
        draws: 4000,
        ..Options::default()
    };
    let fit = fit(&model, &options, &mut |_| ()).expect("it can be scored");
    let (precision, mean) = (6.25, 7.6 / 6.25);
    let kl = 0.5 * (precision * (0.25 + f64::powi(1.0 - mean, 2)) - 1.0) - f64::ln(0.5 * 2.5);
    let exact = evidence() - kl;
    assert!(
        (fit.elbo.mean - exact).abs() < 4.0 * fit.elbo.se,
        "{:?}, exactly {exact}",
        fit.elbo
    );
    assert!(fit.elbo.se < 0.05);
}

/// Two latents with posterior correlation −½ or so: mean field loses what full rank keeps.
const TWO: &str = "data y: real[N]
a ~ Normal(0, 1)
b ~ Normal(0, 1)
c ~ Normal(0, 1)
y ~ Normal(a + b, 0.5)
factor -0.5 * (c - a)^2
";

#[test]
fn families_of_a_program_are_the_guides() {
    let mut data = Data::default();
    data.insert("y", [0.8, 1.1, 0.9]);
    let exact = |text: &str| fitted(text, &data, &Options::default()).1;
    let mean_field = exact(TWO);
    let whole = exact(&format!("{TWO}guide full_rank"));
    let two = exact(&format!("{TWO}guide {{ (a, b) ~ full_rank() }}"));
    let all = exact(&format!("{TWO}guide {{ (a, b, c) ~ full_rank() }}"));
    assert_eq!(
        (whole.guide.as_str(), two.guide.as_str()),
        ("full_rank", "joint")
    );
    // The posterior is Normal: a full-rank guide has no noise left in its weights.
    assert!(whole.elbo.se < 1e-3, "{:?}", whole.elbo);
    assert!((all.elbo.mean - whole.elbo.mean).abs() < 1e-3);
    let expect = |fit: &Fit, gap: f64| {
        let found = whole.elbo.mean - fit.elbo.mean;
        assert!(
            (found - gap).abs() < 4.0 * fit.elbo.se,
            "{found}, exactly {gap}"
        );
        assert!(fit.elbo.se < 0.03);
    };
    // By the precision matrix: ½ Σ log of its diagonal less its log determinant.
    let p = [[14.0, 12.0, -1.0], [12.0, 13.0, 0.0], [-1.0, 0.0, 2.0]];
    let det: f64 = 14.0 * 26.0 - 12.0 * 24.0 - 13.0;
    let of_all = 0.5 * (p[0][0] * p[1][1] * p[2][2] / det).ln();
    let block: f64 = 14.0 * 13.0 - 144.0;
    let of_two = 0.5 * (block * p[2][2] / det).ln();
    expect(&mean_field, of_all);
    expect(&two, of_two);
}

/// A guide amortised over data: in a linear Gaussian model the posterior of each local is linear in its datum.
#[test]
fn an_amortised_guide_finds_the_linear_posterior() {
    let text = "data y: real[N]
for i in 1..N {
  z[i] ~ Normal(0, 1)
  y[i] ~ Normal(z[i], 0.5)
}
guide {
  param w: real = 0
  param s: positive = 1
  for i in 1..N {
    let m = w * y[i]
    z[i] ~ Normal(m, s)
  }
}";
    let y: Vec<f64> = (0..40).map(|i| (i as f64 * 0.7).sin() * 2.0).collect();
    let mut data = Data::default();
    data.insert("y", y.clone());
    for method in [Method::Auto, Method::Svi] {
        let options = Options {
            method,
            ..Options::default()
        };
        let (_, fit) = fitted(text, &data, &options);
        let exact: f64 = y
            .iter()
            .map(|y| -0.5 * y * y / 1.25 - 0.5 * (2.0 * std::f64::consts::PI * 1.25).ln())
            .sum();
        // What steps that stop within their noise leave.
        let tolerance = if method == Method::Svi { 0.1 } else { 1e-6 };
        assert!(
            (fit.elbo.mean - exact).abs() < tolerance,
            "{method:?} {:?} {exact}",
            fit.elbo
        );
        let found = moments(&fit, "z");
        for ((mean, sd), y) in found.iter().zip(&y) {
            assert!((mean - 0.8 * y).abs() < 0.08, "{mean} {y}");
            assert!((sd / 0.2f64.sqrt() - 1.0).abs() < 0.1, "{sd}");
        }
    }
}

/// A chain drawn step by step, and a global that the guide leaves out: it has a derived factor, which the
/// locals' guide reads.
#[test]
fn a_recurrent_guide_and_derived_factors_work_together() {
    let text = "data y: real[T]
mu ~ Normal(0, 1)
h[1] ~ Normal(mu, 1)
for t in 2..T { h[t] ~ Normal(0.8 * h[t - 1], 1) }
for t in 1..T { y[t] ~ Normal(h[t], 1) }
guide {
  param a: real[T] = 0
  param b: real[T] = 0
  param c: real = 0
  param s: positive[T] = 1
  h[1] ~ Normal(b[1] + c * mu, s[1])
  for t in 2..T { h[t] ~ Normal(a[t] * h[t - 1] + b[t], s[t]) }
}";
    let mut data = Data::default();
    data.insert("y", [0.5, 1.3, -0.2, 0.9, 2.0]);
    let (_, written) = fitted(text, &data, &Options::default());
    let model = text.split("guide").next().expect("a model");
    let (_, exact) = fitted(
        &format!("{model}guide full_rank"),
        &data,
        &Options::default(),
    );
    // The posterior is a Gaussian chain, and so is the guide.
    assert!(exact.elbo.se < 1e-3);
    assert!(
        (written.elbo.mean - exact.elbo.mean).abs() < 0.01,
        "{:?}, exactly {:?}",
        written.elbo,
        exact.elbo
    );
}

#[test]
fn constrained_vectors_and_powers_are_drawn() {
    let text = "data y: real[N]
tau ~ HalfNormal(1)
w ~ Normal(0, 1) ^ 3
v ~ MvNormal([0, 0], [[1, 0.5], [0.5, 2]])
y ~ Normal(sum(w) + v[1], tau)
guide {
  param m: real[3] = 0
  param s: positive[3] = 0.5
  param mv: real[2] = 0
  param l: cholesky_covariance[2, 2]
  param t: real = 0
  tau ~ LogNormal(t, 0.3)
  for k in 1..3 { w[k] ~ Normal(m[k], s[k]) }
  v ~ MvNormal(mv, chol = l)
}";
    let mut data = Data::default();
    data.insert("y", [0.5, 1.3, -0.2, 0.9, 2.0]);
    let (_, fit) = fitted(text, &data, &Options::default());
    let plain = text.split("guide").next().expect("a model");
    let (_, mean_field) = fitted(plain, &data, &Options::default());
    // The same families but for the correlation of `v` and the sd of log tau.
    assert!(fit.elbo.mean > mean_field.elbo.mean - 0.1);
    assert!(moments(&fit, "tau")[0].0 > 0.0);
}

/// Draws of families without a location and a scale are quantiles of the noise: a conjugate posterior is found
/// exactly, which shows in an ELBO without noise.
#[test]
fn conjugate_posteriors_are_found_by_their_families() {
    let lgamma = statrs::function::gamma::ln_gamma;
    let mut data = Data::default();
    data.insert("k", [3.0, 1.0, 4.0, 1.0, 5.0]);
    let gamma = "data k: int[N]
rate ~ Gamma(2, 1)
k ~ Poisson(rate)
guide {
  param a: positive = 5
  param b: positive = 3
  rate ~ Gamma(a, b)
}";
    let (_, fit) = fitted(gamma, &data, &Options::default());
    // Γ(16) / Γ(2) · 1² / 6¹⁶ / Π k!
    let factorials = f64::ln(6.0 * 24.0 * 120.0);
    let exact = lgamma(16.0) - lgamma(2.0) - 16.0 * 6f64.ln() - factorials;
    assert!(
        (fit.elbo.mean - exact).abs() < 1e-4,
        "{:?}, exactly {exact}",
        fit.elbo
    );
    let mut data = Data::default();
    data.insert("y", [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
    let beta = "data y: int[N]
p ~ Beta(2, 2)
y ~ Bernoulli(p)
guide {
  param a: positive = 3
  param b: positive = 3
  p ~ Beta(a, b)
}";
    let (_, fit) = fitted(beta, &data, &Options::default());
    let log_beta = |a: f64, b: f64| lgamma(a) + lgamma(b) - lgamma(a + b);
    let exact = log_beta(7.0, 4.0) - log_beta(2.0, 2.0);
    assert!(
        (fit.elbo.mean - exact).abs() < 1e-4,
        "{:?}, exactly {exact}",
        fit.elbo
    );
}

/// Elements of a multivariate Normal row that are missing are latents beside those observed: the evidence is that of
/// the observed parts.
#[test]
fn rows_with_missing_elements_count_for_what_is_there() {
    let text = "data y: real[N, 2]
for i in 1..N { y[i] ~ MvNormal([0, 0], [[2, 0.5], [0.5, 1]]) }
guide full_rank";
    let nan = f64::NAN;
    let mut data = Data::default();
    data.insert("y", vec![vec![0.3, nan], vec![1.0, -0.5], vec![nan, nan]]);
    let (_, fit) = fitted(text, &data, &Options::default());
    let two_pi = 2.0 * std::f64::consts::PI;
    let first = -0.5 * 0.09 / 2.0 - 0.5 * (two_pi * 2.0f64).ln();
    // By the inverse of [[2, ½], [½, 1]], whose determinant is 1.75.
    let square = (1.0 + 2.0 * 0.25 + 2.0 * 0.5 * 0.5) / 1.75;
    let second = -0.5 * square - two_pi.ln() - 0.5 * 1.75f64.ln();
    let exact = first + second;
    assert!(
        (fit.elbo.mean - exact).abs() < 1e-3,
        "{:?}, exactly {exact}",
        fit.elbo
    );
    let found = moments(&fit, "y");
    // Given 0.3 the other has mean 0.075 and variance 1 − 1/8.
    assert!((found[1].0 - 0.075).abs() < 0.12 && (found[1].1 - 0.875f64.sqrt()).abs() < 0.1);
}

/// As [`conjugate_posteriors_are_found_by_their_families`], of vectors and matrices.
#[test]
fn conjugate_posteriors_of_vectors_and_matrices_are_found_by_their_families() {
    let lgamma = statrs::function::gamma::ln_gamma;
    let near = |fit: &Fit, exact: f64| {
        let off = (fit.elbo.mean - exact).abs();
        assert!(off < 1e-3, "{:?}, exactly {exact}", fit.elbo);
    };
    let mut data = Data::default();
    data.insert("k", [3.0, 1.0, 8.0]);
    let dirichlet = "data k: int[3]
share ~ Dirichlet([0.5, 1, 2])
k ~ Multinomial(12, share)
guide {
  param a: positive[3] = 2
  share ~ Dirichlet(a)
}";
    let (_, fit) = fitted(dirichlet, &data, &Options::default());
    let log_beta = |a: &[f64]| a.iter().map(|&a| lgamma(a)).sum::<f64>() - lgamma(a.iter().sum());
    let ways = lgamma(13.0) - lgamma(4.0) - lgamma(2.0) - lgamma(9.0);
    near(
        &fit,
        ways + log_beta(&[3.5, 2.0, 10.0]) - log_beta(&[0.5, 1.0, 2.0]),
    );

    let y = [[0.5, 1.0], [-1.2, 0.3], [0.8, 1.9], [0.1, -0.7]];
    let mut data = Data::default();
    data.insert("y", y.map(|r| r.to_vec()).to_vec());
    let wishart = "data y: real[N, 2]
cov ~ InverseWishart(5, [[1, 0.2], [0.2, 2]])
for i in 1..N { y[i] ~ MvNormal([0, 0], cov) }
guide {
  param nu: positive = 6
  param scale: covariance[2, 2]
  cov ~ InverseWishart(nu + 1, scale)
}";
    let (_, fit) = fitted(wishart, &data, &Options::default());
    let det = |s: [f64; 3]| s[0] * s[2] - s[1] * s[1];
    let mut after = [1.0, 0.2, 2.0];
    for [a, b] in y {
        after = [after[0] + a * a, after[1] + a * b, after[2] + b * b];
    }
    let lgamma2 = |a: f64| 0.5 * std::f64::consts::PI.ln() + lgamma(a) + lgamma(a - 0.5);
    // π^(−n) Γ₂(ν'/2) / Γ₂(ν/2) |V|^(ν/2) / |V'|^(ν'/2), ν' = ν + n.
    let exact = -4.0 * std::f64::consts::PI.ln() + lgamma2(4.5) - lgamma2(2.5)
        + 2.5 * det([1.0, 0.2, 2.0]).ln()
        - 4.5 * det(after).ln();
    near(&fit, exact);
}

/// What a function draws is drawn by the guide under its path, alone or with others.
#[test]
fn sites_of_functions_are_drawn_by_their_paths() {
    let model = "data x: real[N]
data y: real[N]
fn line(x: real[n]) {
  a ~ Normal(0, 2)
  b ~ Normal(0, 2)
  a + b * x
}
fn offset() { c ~ Normal(0, 1); c }
m ~ line(x)
parts[2] ~ offset()
let parts[1] = 0
y ~ Normal(m + parts[2], 1)
";
    let mut data = Data::default();
    data.insert("x", [0.0, 1.0, 2.0, 3.0]);
    data.insert("y", [1.0, 2.5, 2.0, 4.5]);
    let (_, full) = fitted(
        &format!("{model}guide full_rank"),
        &data,
        &Options::default(),
    );
    let guides = [
        "guide { (m.a, m.b, parts[2].c) ~ full_rank() }",
        "guide {
  param k: real[2] = 0
  param s: positive[3] = 1
  param r: real[3] = 0
  m.a ~ Normal(k[1], s[1])
  m.b ~ Normal(k[2] + r[1] * m.a, s[2])
  parts[2].c ~ Normal(r[2] + r[3] * (m.a - k[1]) , s[3])
}",
    ];
    let elbos = guides.map(|guide| {
        let (_, fit) = fitted(&format!("{model}{guide}"), &data, &Options::default());
        fit.elbo.mean
    });
    // The first is the posterior; the second lacks one dependence.
    assert!((elbos[0] - full.elbo.mean).abs() < 1e-3, "{elbos:?}");
    assert!(
        elbos[1] < full.elbo.mean + 1e-3 && elbos[1] > full.elbo.mean - 1.0,
        "{elbos:?}"
    );
    let refused = |text: &str| Program::parse(text).unwrap_err().diagnostics[0].code;
    assert_eq!(
        refused(&format!("{model}guide {{ m.d ~ Normal(0, 1) }}")),
        "E0420"
    );
    assert_eq!(refused(&format!("{model}m.a ~ Normal(0, 1)")), "E0014");
}

/// Posteriors of families whose draws are quantiles that no formula has: their own families reach the evidence.
#[test]
fn skewed_mixed_and_circular_posteriors_are_found_by_their_families() {
    let reaches = |text: &str, exact: f64, tolerance: f64| {
        let fit = fitted(text, &Data::default(), &Options::default()).1;
        assert!(
            (fit.elbo.mean - exact).abs() < tolerance,
            "{text}\n{:?}, exactly {exact}",
            fit.elbo
        );
    };
    // With the posterior as guide every draw has the evidence as its weight.
    let scored = |text: &str, exact: f64| {
        let model = bound(text, &Data::default());
        let elbo = fit(&model, &Options::default(), &mut |_| ())
            .expect("it can be scored")
            .elbo;
        assert!(
            (elbo.mean - exact).abs() < 1e-9 && elbo.se < 1e-9,
            "{text}\n{elbo:?}"
        );
    };
    // ∫ φ(x) Φ(3 x) dx = ½
    let skew = "x ~ Normal(0, 1)
factor log_Phi(3 * x)
guide {
  param m: real = 0.2
  param s: positive = 0.8
  param a: real = 1
  x ~ SkewNormal(m, s, a)
}";
    // N fixed draws tell k numbers to some k / 2N nats: 0.0015 of three by the 1024 here.
    reaches(skew, 0.5f64.ln(), 2e-3);
    let model = skew.split("guide").next().expect("a model");
    scored(
        &format!("{model}guide {{ x ~ SkewNormal(0, 1, 3) }}"),
        0.5f64.ln(),
    );
    // The product of two densities of directions is one: their vectors are added.
    let circle = "t ~ VonMises(0, 2)
factor 1.5 * cos(t - 1)
guide {
  param m: real = 0
  param k: positive = 1
  t ~ VonMises(m, k)
}";
    let i0 = |k: f64| -> f64 {
        let term =
            |n: i32| (0.25 * k * k).powi(n) / (1..=n).map(f64::from).product::<f64>().powi(2);
        (0..40).map(term).sum()
    };
    let length = (2.0 + 1.5 * 1f64.cos()).hypot(1.5 * 1f64.sin());
    reaches(circle, (i0(length) / i0(2.0)).ln(), 1e-4);
    // A component times exp(x / 2) is another of its family, with its share of the sum.
    let share = |w: f64, m: f64, s: f64| w * (0.5 * m + s * s / 8.0).exp();
    // So are the three numbers here, and the estimate has noise of its own.
    let mixture = |guide: &str| {
        format!(
            "x ~ Mixture([0.3, 0.7], [Normal(-2, 0.5), Normal(1, 0.8)])
factor 0.5 * x
guide {{
  {guide}
}}"
        )
    };
    let learned = "param w: simplex[2]
  param m: real[2] = [-1.5, 0.7]
  x ~ Mixture(w, Normal(m, [0.5, 0.8]))";
    let (first, second) = (share(0.3, -2.0, 0.5), share(0.7, 1.0, 0.8));
    let exact = (first + second).ln();
    let fit = fitted(&mixture(learned), &Data::default(), &Options::default()).1;
    let off = (fit.elbo.mean - exact).abs();
    assert!(
        off < 2e-3 + 4.0 * fit.elbo.se && fit.elbo.se < 4e-3,
        "{:?}, exactly {exact}",
        fit.elbo
    );
    let w = first / (first + second);
    // A component moves by half its variance.
    let known = format!(
        "x ~ Mixture([{w}, {}], Normal([-1.875, 1.32], [0.5, 0.8]))",
        1.0 - w
    );
    scored(&mixture(&known), exact);
}

/// As above of vectors, with a guide that is the posterior: every draw has the evidence as its weight.
#[test]
fn mixtures_of_vectors_are_drawn() {
    let text = |components: &str, posterior: &str, weights: [f64; 2]| {
        format!(
            "v ~ Mixture([0.3, 0.7], {components})
factor 0.5 * v[1] - 0.4 * v[2]
guide {{ v ~ Mixture([{}, {}], {posterior}) }}",
            weights[0], weights[1]
        )
    };
    // Means move by the covariance times (0.5, −0.4): by (0.3, −0.15) and (0.7, −0.1).
    let a = "[[1, 0.5], [0.5, 1]]";
    let b = "[[2, 0.75], [0.75, 1.1875]]";
    let prior = format!("[MvNormal([-1, 0], {a}), MvNormal([2, 1], {b})]");
    let posterior = format!("[MvNormal([-0.7, -0.15], {a}), MvNormal([2.7, 0.9], {b})]");
    let share = |w: f64, at: f64, variance: f64| w * (at + 0.5 * variance).exp();
    let first = share(0.3, -0.5, 0.5 * 0.3 + 0.4 * 0.15);
    let second = share(0.7, 0.6, 0.5 * 0.7 + 0.4 * 0.1);
    let evidence = first + second;
    let text = text(&prior, &posterior, [first / evidence, second / evidence]);
    let model = bound(&text, &Data::default());
    let fit = fit(&model, &Options::default(), &mut |_| ()).expect("it can be scored");
    assert!(
        (fit.elbo.mean - evidence.ln()).abs() < 1e-9,
        "{:?}",
        fit.elbo
    );
    assert!(fit.elbo.se < 1e-9, "{:?}", fit.elbo);
    let (mean, sd) = moments(&fit, "v")[0];
    let exact = (-0.7 * first + 2.7 * second) / evidence;
    // Four standard errors of 1000 draws and more, of an sd below 2.2.
    assert!(
        (mean - exact).abs() < 0.28 && sd < 2.4,
        "{mean} {exact} {sd}"
    );
}
