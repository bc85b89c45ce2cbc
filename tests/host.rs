//! Functions of the Rust program around, called from `.vi`: checked, differentiated and put in rows like the language's own.

use elbo::graph::Tensor;
use elbo::{Data, Error, Fit, Host, HostFunction, Model, Options, Program};

/// `xⁿ / (kⁿ + xⁿ)`
fn hill() -> HostFunction {
    let function = HostFunction::scalar(
        "hill(x, k, n)",
        |[x, k, n]| x.powf(n) / (k.powf(n) + x.powf(n)),
        |[x, k, n]: [f64; 3]| {
            let (up, down) = (x.powf(n), k.powf(n));
            let slope = up * down / (up + down).powi(2);
            [slope * n / x, -slope * n / k, slope * (x / k).ln()]
        },
    );
    function.expect("its signature is right")
}

/// `s₁ = x₁`, `sₜ = a xₜ + (1 − a) sₜ₋₁`
fn smoothed() -> HostFunction {
    fn smooth(x: &[f64], a: f64) -> Vec<f64> {
        let mut s = x.to_vec();
        (1..s.len()).for_each(|t| s[t] = a * x[t] + (1.0 - a) * s[t - 1]);
        s
    }
    let function = HostFunction::new(
        "smoothed(x: real[T], a) -> real[T]",
        |args, out| out.copy_from_slice(&smooth(args[0], args[1][0])),
        |args, cotangent, adjoints| {
            let (x, a) = (args[0], args[1][0]);
            let s = smooth(x, a);
            let mut carried = 0.0;
            for t in (1..s.len()).rev() {
                carried += cotangent[t];
                adjoints[0][t] = a * carried;
                adjoints[1][0] += (x[t] - s[t - 1]) * carried;
                carried *= 1.0 - a;
            }
            adjoints[0][0] = carried + cotangent[0];
        },
    );
    function.expect("its signature is right")
}

/// Two numbers of three, by graph operations.
fn differences() -> HostFunction {
    let function = HostFunction::graph("differences(x: real[N]) -> real[N - 1]", |x| {
        let n = x[0].extent(0);
        x[0].slice(0, 1, n - 1) - x[0].slice(0, 0, n - 1)
    });
    function.expect("it builds what it says")
}

fn host() -> Host {
    let host = Host::default();
    let host = host.function(hill()).expect("a new name");
    let host = host.function(smoothed()).expect("a new name");
    host.function(differences()).expect("a new name")
}

fn data() -> Data {
    let mut data = Data::default();
    data.insert("x", [0.3, 0.7, 1.4, 2.2, 4.1]);
    data.insert("y", [0.12, 0.31, 0.66, 0.84, 0.93]);
    data
}

fn bound(program: &str, data: &Data) -> Model {
    let program = host().parse(program).unwrap_or_else(|e| panic!("{e:?}"));
    program.bind(data).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Density and gradient of two programs agree at some points.
fn assert_same(own: &str, written: &str, data: &Data) {
    let (own, written) = (bound(own, data), bound(written, data));
    let mut densities = [&own, &written].map(|m| m.log_density().expect("all data are here"));
    let size = densities[0].size();
    assert_eq!(size, densities[1].size());
    for point in 0..4 {
        let at = |i: usize| ((i + 1) as f64 * (0.7 + f64::from(point))).sin();
        let u: Vec<f64> = (0..size).map(at).collect();
        let found = densities.each_mut().map(|density| {
            let mut gradient = vec![0.0; size];
            let value = density.gradient(&u, &mut gradient);
            [&[value], &gradient[..]].concat()
        });
        for (a, b) in found[0].iter().zip(&found[1]) {
            assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
        }
    }
}

#[test]
fn single_numbers_are_taken_element_by_element() {
    let model = "
data x: real[N]
data y: real[N]
k ~ LogNormal(0, 1)
n ~ LogNormal(0, 1)
y ~ Normal(hill(x, k, n), 0.1)
";
    let written = "
data x: real[N]
data y: real[N]
k ~ LogNormal(0, 1)
n ~ LogNormal(0, 1)
y ~ Normal(x ^ n / (k ^ n + x ^ n), 0.1)
";
    assert_same(model, written, &data());
    // As a method, and inside a function and a loop.
    let model = "
data x: real[N]
data y: real[N]
k ~ LogNormal(0, 1)
n ~ LogNormal(0, 1)
fn response(x, k, n) = x.hill(k, n)
for i in 1..N { y[i] ~ Normal(response(x[i], k, n), 0.1) }
";
    assert_same(model, written, &data());
}

#[test]
fn arrays_are_taken_row_by_row() {
    let mut data = Data::default();
    let x = [1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 1.0, 1.5];
    data.insert("x", &elbo::nalgebra::DMatrix::from_row_slice(2, 4, &x));
    data.insert(
        "y",
        &elbo::nalgebra::DMatrix::from_row_slice(2, 4, &[0.5; 8]),
    );
    let own = "
data x: real[G, T]
data y: real[G, T]
a ~ Beta(2, 2) ^ G
shift ~ Normal(0, 1)
for g in 1..G { y[g] ~ Normal(smoothed(x[g] + shift, a[g]), 1) }
";
    let written = "
data x: real[G, T]
data y: real[G, T]
a ~ Beta(2, 2) ^ G
shift ~ Normal(0, 1)
for g in 1..G {
    let s[g, 1] = x[g, 1] + shift
    for t in 2..T { let s[g, t] = a[g] * (x[g, t] + shift) + (1 - a[g]) * s[g, t - 1] }
}
y ~ Normal(s, 1)
";
    assert_same(own, written, &data);
}

#[test]
fn graphs_are_put_in_rows_and_loops() {
    let mut data = Data::default();
    data.insert(
        "y",
        &elbo::nalgebra::DMatrix::from_row_slice(2, 2, &[0.5, -1.0, 2.0, 0.1]),
    );
    let own = "
data y: real[2, 2]
x ~ Normal(0, 1) ^ (2, 3)
for g in 1..2 { y[g] ~ Normal(differences(x[g]), 1) }
";
    let written = "
data y: real[2, 2]
x ~ Normal(0, 1) ^ (2, 3)
for g in 1..2 { for i in 1..2 { y[g, i] ~ Normal(x[g, i + 1] - x[g, i], 1) } }
";
    assert_same(own, written, &data);
}

#[test]
fn fits_are_those_of_the_written_program() {
    let own = "
data x: real[N]
data y: real[N]
k ~ LogNormal(0, 1)
n ~ LogNormal(0, 1)
s ~ HalfNormal(1)
y ~ Normal(hill(x, k, n), s)
";
    let written = own.replace("hill(x, k, n)", "x ^ n / (k ^ n + x ^ n)");
    let fit = |text: &str| {
        bound(text, &data())
            .fit(&Options::default())
            .expect("it has a density")
    };
    let (own, written) = (fit(own), fit(&written));
    assert!(own.converged(), "{}", own.verdict());
    for name in ["k", "n", "s"] {
        let (a, b) = (&own.posterior()[name], &written.posterior()[name]);
        let error = (a.mean()[0] - b.mean()[0]).abs() / b.sd()[0];
        assert!(error < 0.02, "{name}: {error} standard deviations apart");
    }
    // Expressions and predictions call it too.
    let half = own.evaluate("hill(k, k, n)").expect("it is an expression");
    assert!((half.mean()[0] - 0.5).abs() < 1e-12);
    own.predict(&data()).expect("it predicts");
}

#[test]
fn what_stands_still_needs_no_derivative() {
    // In doses of 0 Hill's equation has a value, and derivatives in `k` and `n` alone.
    let mut data = Data::default();
    data.insert("x", [0.0, 0.7, 1.4]);
    data.insert("y", [0.0, 0.3, 0.7]);
    let program = "
data x: real[N]
data y: real[N]
k ~ LogNormal(0, 1)
y ~ Normal(hill(x, k, 2), 0.1)
";
    let fit = bound(program, &data)
        .fit(&Options::default())
        .expect("it has a density");
    assert!(fit.converged(), "{}", fit.verdict());
    assert!((fit.posterior()["k"].mean()[0] - 1.0).abs() < 0.3);
}

#[test]
fn what_imports_bring_calls_it_too() {
    let files = elbo::data::InMemory::new([
        (
            "m.vi",
            "import \"dose.vi\"\nk ~ LogNormal(0, 1)\nlet y = dose.half(k)",
        ),
        ("dose.vi", "fn half(k) = hill(k, k, 2)"),
    ]);
    let host = Host::new(std::sync::Arc::new(files))
        .function(hill())
        .expect("a new name");
    host.load("m.vi").unwrap_or_else(|e| panic!("{e:?}"));
}

fn mistake(program: &str) -> Error {
    host().parse(program).expect_err("it is wrong")
}

#[test]
fn calls_are_checked() {
    for (program, code, part) in [
        ("let y = hill(1, 2)", "E0212", "hill(x, k, n)"),
        ("let y = hil(1, 2, 3)", "E0102", "did you mean `hill`?"),
        ("let y = smoothed(3, 0.1)", "E0211", "real[T]"),
        ("let y = smoothed([1.0, 2.0], [0.1])", "E0211", "real"),
        ("let y = hill(Normal(0, 1), 2, 3)", "E0302", ""),
        ("let y = hill", "E0408", "write `hill(…)`"),
        (
            "data a: real[3]\ndata b: real[2]\nlet y = hill(a, b, 1)",
            "E0202",
            "",
        ),
        (
            "data a: real[3]\ndata b: real[2]\nlet y = smoothed(a, 1) + b",
            "E0202",
            "",
        ),
    ] {
        let error = mistake(program);
        assert_eq!(error.diagnostics[0].code, code, "{program}\n{error:?}");
        let shown = error.render(false);
        assert!(shown.contains(part), "{program}\n{shown}");
    }
}

#[test]
fn a_name_of_the_program_is_its_own() {
    let model = bound(
        "fn hill(x, k, n) = 7\nlet y = hill(1, 2, 3)\nz ~ Normal(y, 1)",
        &Data::default(),
    );
    assert_eq!(model.program().name(), "model.vi");
    let fit = model.fit(&Options::default()).expect("it has a density");
    assert!((fit.posterior()["y"].mean()[0] - 7.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_offered_is_refused() {
    let offer = |signature: &str| {
        let function = HostFunction::scalar(signature, |[x]| x, |[_]| [1.0]);
        function.and_then(|f| Host::default().function(f))
    };
    for signature in [
        "exp(x)",
        "Normal(x)",
        "pi(x)",
        "ode(x)",
        "f()",
        "f(x, y)",
        "f(x: real[3])",
        "f(x: bool)",
        "f(x) -> int",
        "f(x = 2)",
        "f(x) = 3; 4",
    ] {
        let error = offer(signature).expect_err(signature);
        let code = error.diagnostics[0].code;
        assert!(
            code == "E0709" || code.starts_with("E00"),
            "{signature}: {code}"
        );
    }
    let build = HostFunction::graph("f(x: real[N]) -> real[N]", |x| x[0].sum());
    let error = build.expect_err("it builds another shape");
    assert_eq!(error.diagnostics[0].code, "E0709");
    let untold = HostFunction::graph("f(x: real[N]) -> real[M]", |x| x[0]);
    assert!(
        untold
            .expect_err("M is not known")
            .to_string()
            .contains("`M`")
    );
    let shifted = HostFunction::graph("f(x: real[N + 1]) -> real[N]", |x| x[0]);
    assert!(
        shifted
            .expect_err("no extent is N")
            .to_string()
            .contains("`N`")
    );
    offer("doubled(x)").expect("it is free");
}

#[test]
fn a_graph_of_another_shape_than_declared_is_an_error() {
    // Right where it is tried, and there alone.
    let build = HostFunction::graph("f(x: real[N]) -> real[11]", |x| x[0]);
    let host = Host::default().function(build.expect("it seems right"));
    let program = host.and_then(|h| h.parse("x ~ Normal(0, 1) ^ 3\nlet y = f(x)"));
    let error = program
        .and_then(|p| p.bind(&Data::default()))
        .expect_err("3 is not 11");
    assert_eq!(error.diagnostics[0].code, "E0709");
}

#[test]
fn wrong_derivatives_are_found() {
    let at = [0.7, 1.3, 2.1].map(Tensor::scalar);
    let right = hill()
        .derivative_error(&at)
        .expect("they are its arguments");
    assert!(right < 1e-8, "{right}");
    let wrong = HostFunction::scalar("cube(x)", |[x]| x * x * x, |[x]| [2.0 * x * x]);
    let wrong = wrong.expect("its signature is right");
    let error = wrong
        .derivative_error(&at[..1])
        .expect("they are its arguments");
    assert!(error > 0.1, "{error}");
    let series = [Tensor::vector([1.0, 3.0, 2.0]), Tensor::scalar(0.3)];
    assert!(
        smoothed()
            .derivative_error(&series)
            .expect("they are its arguments")
            < 1e-8
    );
    assert!(smoothed().derivative_error(&at).is_err());
    let power = HostFunction::new(
        "power(x, n: int)",
        |args, out| out[0] = args[0][0].powf(args[1][0]),
        |args, cotangent, adjoints| {
            let (x, n) = (args[0][0], args[1][0]);
            adjoints[0][0] = cotangent[0] * n * x.powf(n - 1.0);
        },
    );
    let at = [1.7, 3.0].map(Tensor::scalar);
    let power = power.expect("its signature is right");
    assert!(power.derivative_error(&at).expect("they are its arguments") < 1e-8);
    assert_eq!(
        differences()
            .derivative_error(&at[..1])
            .expect_err("a vector")
            .diagnostics[0]
            .code,
        "E0709"
    );
}

#[test]
fn a_value_that_is_none_is_traced_to_the_function() {
    let root = HostFunction::scalar("root(x)", |[x]| x.sqrt(), |[x]| [0.5 / x.sqrt()]);
    let host = Host::default().function(root.expect("its signature is right"));
    let mut one = Data::default();
    one.insert("y", 0.5);
    let program =
        host.and_then(|h| h.parse("data y: real\nx ~ Uniform(-2, -1)\ny ~ Normal(root(x), 1)"));
    let model = program
        .and_then(|p| p.bind(&one))
        .unwrap_or_else(|e| panic!("{e:?}"));
    let error = model
        .fit(&Options::default())
        .expect_err("it has no density");
    let shown = error.render(false);
    assert!(
        shown.contains("`root` gave a value that is not finite"),
        "{shown}"
    );
}

#[test]
fn saved_fits_ask_for_the_functions_again() {
    let text =
        "data x: real[N]\ndata y: real[N]\nk ~ LogNormal(0, 1)\ny ~ Normal(hill(x, k, 2), 0.1)";
    let fit = bound(text, &data())
        .fit(&Options::default())
        .expect("it has a density");
    let bytes = fit.to_bytes();
    let error = Fit::from_bytes("dose.elbo", &bytes).expect_err("nobody offers `hill`");
    assert_eq!(error.diagnostics[0].code, "E0710");
    assert!(error.to_string().contains("`hill`"), "{error}");
    let again = host()
        .fit_from_bytes("dose.elbo", &bytes)
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(again.posterior(), fit.posterior());
    again
        .evaluate("hill(2, k, 2)")
        .expect("it is offered again");
    // What calls none is read by anybody.
    let plain = bound("mu ~ Normal(0, 1)", &Data::default())
        .fit(&Options::default())
        .expect("a fit");
    Fit::from_bytes("plain.elbo", &plain.to_bytes()).unwrap_or_else(|e| panic!("{e:?}"));
    Program::parse(text).expect_err("nobody offers `hill`");
}
