//! What the commands do when all is well: streams, files, JSON, exit codes, and that results repeat.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SCHOOLS: &str = "\
data y: real[J]
data sigma: positive[J]

mu  ~ Normal(0, 5)
tau ~ HalfCauchy(5)
for j in 1..J {
  z[j] ~ Normal(0, 1)
  let theta[j] = mu + tau * z[j]
  y[j] ~ Normal(theta[j], sigma[j])
}
";
const DATA: &str =
    r#"{"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]}"#;

/// A folder with the schools' program and data.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "schools.vi", SCHOOLS);
    write(folder.path(), "schools.json", DATA);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file");
}

fn elbo(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elbo"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("standard output is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("standard error is text")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

#[test]
fn a_fit_prints_its_table_and_a_verdict() {
    let folder = folder();
    let fit = elbo(folder.path(), &["fit", "schools.vi"]);
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    let text = stdout(&fit);
    for part in [
        "mean",
        "5 %",
        "95 %",
        "mu",
        "theta[8]",
        "ELBO -31.6",
        "Converged: ",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    // The file that was found is named; piped, there is neither progress nor colour.
    assert_eq!(stderr(&fit), "data: schools.json\n");
    assert!(!text.contains('\x1b'));
}

#[test]
fn json_has_all_fields_and_nothing_else_is_printed() {
    let folder = folder();
    let fit = elbo(folder.path(), &["fit", "schools.vi", "--json", "--quiet"]);
    assert_eq!((fit.status.code(), stderr(&fit).as_str()), (Some(0), ""));
    let fit = json(&fit);
    let keys: Vec<&String> = fit.as_object().expect("an object").keys().collect();
    let expected = [
        "elbo",
        "posterior",
        "converged",
        "steps",
        "seconds",
        "messages",
    ];
    assert_eq!(keys, expected);
    assert_eq!(fit["converged"], true);
    for key in ["mean", "se"] {
        assert!(fit["elbo"][key].is_f64(), "elbo.{key}");
    }
    for key in ["compile", "fit", "total"] {
        assert!(fit["seconds"][key].is_f64(), "seconds.{key}");
    }
    for (name, size) in [
        ("mu", None),
        ("tau", None),
        ("z", Some(8)),
        ("theta", Some(8)),
    ] {
        let quantity = &fit["posterior"][name];
        let shape: Vec<Value> = size.iter().map(|&n: &usize| n.into()).collect();
        assert_eq!(quantity["shape"], Value::from(shape), "{name}");
        for key in ["mean", "sd", "q05", "q50", "q95"] {
            let numbers = quantity[key].as_array().expect("an array");
            assert_eq!(numbers.len(), size.unwrap_or(1), "{name}.{key}");
            assert!(numbers.iter().all(Value::is_f64), "{name}.{key}");
        }
    }
}

#[test]
fn results_go_into_a_folder() {
    let folder = folder();
    let args = ["fit", "schools.vi", "--out", "a/b", "--draws", "50"];
    let fit = elbo(folder.path(), &args);
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    let read = |name: &str| {
        let path = folder.path().join("a/b").join(name);
        std::fs::read_to_string(path).expect(name)
    };
    let draws = read("draws.csv");
    let rows = draws.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.count(), 51, "a header and 50 draws");
    assert!(read("summary.csv").contains("theta[3]") || read("summary.csv").contains("theta"));
    let trace = read("trace.csv");
    // Fixed draws leave no standard error: the field is blank.
    assert!(trace.starts_with("step,elbo,se\n0,-"), "{trace}");
    assert!(trace.lines().skip(1).all(|line| line.ends_with(',')));
    for name in ["draws.csv", "summary.csv", "trace.csv", "fit.json"] {
        assert!(!read(name).to_lowercase().contains("nan"), "{name}");
    }
    let saved: Value = serde_json::from_str(&read("fit.json")).expect("JSON");
    assert_eq!(saved["settings"]["guide"], "mean_field");
}

#[test]
fn set_overrides_files_and_several_files_join() {
    let folder = folder();
    write(folder.path(), "y.json", r#"{"y": [1, 2]}"#);
    write(folder.path(), "s.csv", "sigma\n1\n1\n");
    let fit = |args: &[&str]| {
        let args = [&["fit", "schools.vi", "--json"], args].concat();
        let output = elbo(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        json(&output)["posterior"]["theta"]["shape"][0].clone()
    };
    assert_eq!(fit(&["--data", "y.json", "--data", "s.csv"]), 2);
    assert_eq!(fit(&["--set", "y=[1,2,3]", "--set", "sigma=[1,1,1]"]), 3);
}

#[test]
fn data_that_are_not_used_are_noted_once() {
    let folder = folder();
    write(folder.path(), "extra.json", r#"{"extra": 1}"#);
    let data = ["--data", "schools.json", "--data", "extra.json"];
    let fit = elbo(folder.path(), &[&["fit", "schools.vi"][..], &data].concat());
    assert_eq!(fit.status.code(), Some(0));
    assert_eq!(
        stderr(&fit).matches("`extra`").count(),
        1,
        "{}",
        stderr(&fit)
    );
}

#[test]
fn options_that_are_wrong_exit_with_2() {
    let folder = folder();
    for (args, says) in [
        (["--set", "sgima=[1]"], "did you mean `sigma`?"),
        (["--set", "extra=1"], "`J`"),
        (["--set", "y"], "there is no `=`"),
        (["--set", "y=[1"], "E0618"),
        (
            ["--max-time", "-1"],
            "expected a positive number of seconds",
        ),
        (["--draws", "-1"], "expected a whole number from 1"),
    ] {
        let args = [&["fit", "schools.vi", "-q"], &args[..]].concat();
        let output = elbo(folder.path(), &args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
        assert!(!text.contains("-- -1"), "{args:?}: {text}");
    }
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let folder = folder();
    write(
        folder.path(),
        "bad.vi",
        "a ~ Normal(b, 1)\nc ~ Normal(0, d)\n",
    );
    for command in ["fit", "profile"] {
        let output = elbo(folder.path(), &[command, "bad.vi", "--json"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("E0101"));
        let found = json(&output);
        assert_eq!(found["errors"].as_array().map(Vec::len), Some(2));
        assert_eq!(found["error"], found["errors"][0]);
        let error = &found["errors"][1];
        assert_eq!(error["code"], "E0101");
        assert_eq!(
            (&error["file"], &error["line"]),
            (&"bad.vi".into(), &2.into())
        );
        assert!(error["message"].as_str().is_some_and(|m| m.contains("`d`")));
        assert!(error["help"].is_string() && error["severity"] == "error");
    }
}

#[test]
fn the_table_has_rows_for_what_is_inferred_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "\
data y: real[N]
mu ~ Normal(0, 1)
R ~ Lkj(3, 2)
let doubled = 2 * mu
let centred = [2 * (i - 1) for i in 1..N]
y ~ Normal(mu, 1)
";
    write(folder.path(), "m.vi", program);
    write(folder.path(), "m.json", r#"{"y": [1, null, 2.5]}"#);
    let fit = elbo(folder.path(), &["fit", "m.vi"]);
    let (table, notes) = (stdout(&fit), stderr(&fit));
    assert!(
        table.contains("y[2]") && table.contains("doubled"),
        "{table}"
    );
    assert!(
        !table.contains("y[1]") && !table.contains("centred"),
        "{table}"
    );
    assert!(notes.contains("`centred`"), "{notes}");
    let fit = json(&elbo(folder.path(), &["fit", "m.vi", "--json"]));
    assert_eq!(
        fit["posterior"]["y"]["mean"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(fit["posterior"]["centred"]["mean"][2], 4.0);
    let matrix = &fit["posterior"]["R"];
    for i in [0, 4, 8] {
        assert_eq!(
            (&matrix["mean"][i], &matrix["sd"][i]),
            (&1.0.into(), &0.0.into())
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads() {
    let folder = folder();
    let fit = |args: &[&str]| {
        let args = [&["fit", "schools.vi", "--json"], args].concat();
        let mut fit = json(&elbo(folder.path(), &args));
        // Time alone may differ.
        fit.as_object_mut().expect("an object").remove("seconds");
        fit.to_string()
    };
    let double = fit(&[]);
    assert_eq!(double, fit(&["--precision", "f64"]));
    let single = fit(&["--precision", "f32"]);
    assert_ne!(single, double);
    // No warning that double precision took over.
    assert!(single.contains(r#""messages":[]"#), "{single}");
    assert_eq!(single, fit(&["--precision", "f32", "--threads", "2"]));
    for method in ["dadvi", "svi"] {
        let one = fit(&["--method", method, "--threads", "1"]);
        assert_eq!(one, fit(&["--method", method, "--threads", "1"]));
        assert_eq!(one, fit(&["--method", method, "--threads", "2"]));
        assert_ne!(one, fit(&["--method", method, "--seed", "2"]));
    }
}

#[test]
fn the_same_seed_writes_the_same_draws() {
    let folder = folder();
    let draws = |out: &str, threads: &str| {
        let args = [
            "fit",
            "schools.vi",
            "-q",
            "--out",
            out,
            "--threads",
            threads,
        ];
        assert_eq!(elbo(folder.path(), &args).status.code(), Some(0));
        std::fs::read(folder.path().join(out).join("draws.csv")).expect("draws.csv")
    };
    assert!(draws("one", "1") == draws("two", "2"));
}

#[test]
fn a_fit_that_is_cut_short_says_so_and_still_reports() {
    let folder = folder();
    let args = ["fit", "schools.vi", "--max-steps", "1"];
    let fit = elbo(folder.path(), &args);
    assert_eq!(fit.status.code(), Some(3));
    assert!(stdout(&fit).contains("theta[8]") && stdout(&fit).contains("Not converged"));
    assert!(stderr(&fit).contains("E0811"), "{}", stderr(&fit));
    let fit = elbo(folder.path(), &[&args[..], &["--json"]].concat());
    assert_eq!(fit.status.code(), Some(3));
    let fit = json(&fit);
    assert_eq!(fit["converged"], false);
    assert_eq!(fit["messages"][0]["code"], "E0811");
}

/// A step of it costs as much as hundreds of elements, and thousands follow on each other.
const RECURRENCE: &str = "\
data y: real[T]
omega ~ HalfNormal(1)
alpha ~ Beta(2, 5)
beta ~ Beta(5, 2)
let s[1] = 1.0
for t in 2..T { let s[t] = omega + alpha * square(y[t - 1]) + beta * s[t - 1] }
for t in 1..T { y[t] ~ Normal(0, sqrt(s[t])) }
";

#[test]
fn a_long_recurrence_is_fitted_with_few_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "m.vi", RECURRENCE);
    let y: Vec<String> = (0..5000)
        .map(|i| format!("{:.3}", 2.0 * f64::from(i * i % 1009).sin()))
        .collect();
    write(
        folder.path(),
        "m.json",
        &format!(r#"{{"y": [{}]}}"#, y.join(",")),
    );
    let fit = elbo(folder.path(), &["fit", "m.vi", "--out", "out", "-q"]);
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    let saved = std::fs::read(folder.path().join("out/fit.json")).expect("fit.json");
    let saved: Value = serde_json::from_slice(&saved).expect("JSON");
    let samples = saved["settings"]["samples"].as_u64().expect("a number");
    assert!((16..64).contains(&samples), "{samples}");
}

#[test]
fn check_says_what_there_is() {
    let folder = folder();
    let good = elbo(folder.path(), &["check", "schools.vi"]);
    assert_eq!(good.status.code(), Some(0));
    let text = stdout(&good);
    assert!(text.contains("theta") || text.contains("z[8]"), "{text}");
    assert!(text.contains("J = 8"), "{text}");
    std::fs::remove_file(folder.path().join("schools.json")).expect("removed");
    let unbound = elbo(folder.path(), &["check", "schools.vi"]);
    assert_eq!(unbound.status.code(), Some(0));
    assert!(stdout(&unbound).contains("no data"), "{}", stdout(&unbound));
}

/// Every kind of block: elements from several statements, bounds from other latents, a simplex, a
/// parameter, missing data, and priors that use logarithms of what is drawn.
const BLOCKS: &str = "\
data T: int
data y: real[N]
a ~ LogNormal(0, 1)
g ~ Gamma(2, 3)
b ~ Uniform(0, a)
x[1] ~ Normal(0, 1)
for t in 2..T { x[t] ~ Normal(x[t - 1], g) }
w ~ Dirichlet([1.0, 2.0, 3.0])
param s: positive
y ~ Normal(mean(x) + b, s)
";

#[test]
fn densities_at_points_are_those_of_the_formula() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "m.vi", BLOCKS);
    write(folder.path(), "m.json", r#"{"T": 3, "y": [1, null, 2.5]}"#);
    let point = r#"{"a": 1.5, "g": 0.7, "b": 0.3, "x": [0.1, 0.2, -0.3], "w": [0.2, 0.3, 0.5], "s": 1.1, "y": [null, 0.4, null]}"#;
    let outside = point.replace("\"b\": 0.3", "\"b\": 1.8");
    write(folder.path(), "p.json", &format!("[{point}, {outside}]"));
    write(folder.path(), "one.json", point);

    let normal = |x: f64, m: f64, s: f64| {
        -0.5 * ((x - m) / s).powi(2) - s.ln() - 0.5 * std::f64::consts::TAU.ln()
    };
    let (a, g, b, x, s) = (1.5_f64, 0.7_f64, 0.3, [0.1, 0.2, -0.3], 1.1);
    let mean = x.iter().sum::<f64>() / 3.0 + b;
    let expected = normal(a.ln(), 0.0, 1.0) - a.ln() + (2.0 * 3_f64.ln() + g.ln() - 3.0 * g)
        - a.ln()
        + normal(x[0], 0.0, 1.0)
        + normal(x[1], x[0], g)
        + normal(x[2], x[1], g)
        // Γ(6) / (Γ(1) Γ(2) Γ(3)) = 60
        + (60.0 * 0.3 * 0.5_f64.powi(2)).ln()
        + [1.0, 0.4, 2.5].iter().map(|&y| normal(y, mean, s)).sum::<f64>();

    let output = elbo(folder.path(), &["eval", "m.vi", "--at", "p.json", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = json(&output);
    let first = found["log_density"][0].as_f64().expect("a number");
    // Rounding of about thirty terms, each below 10.
    assert!((first - expected).abs() < 1e-12, "{first} {expected}");
    assert!(found["log_density"][1].is_null());
    assert_eq!(found["messages"][0]["code"], "E0646");
    let message = found["messages"][0]["message"].as_str().expect("a text");
    assert!(
        message.contains("`b`") && message.contains("1.8"),
        "{message}"
    );

    let output = elbo(folder.path(), &["eval", "m.vi", "--at", "one.json"]);
    assert_eq!(stdout(&output), format!("{first}\n"));
}

#[test]
fn a_profile_has_all_its_numbers() {
    let folder = folder();
    let output = elbo(folder.path(), &["profile", "schools.vi", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let cost = json(&output);
    for key in [
        "log_density_ns",
        "gradient_ns",
        "step_ns",
        "compile_ms",
        "nodes",
        "instructions",
        "arena_bytes",
    ] {
        assert!(cost[key].as_f64().is_some_and(|x| x > 0.0), "{key}: {cost}");
    }
    let shares = cost["statements"].as_array().expect("an array").iter();
    let total: f64 = shares.filter_map(|s| s["share"].as_f64()).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let kernels = cost["kernels"].as_array().expect("an array");
    assert_eq!(
        kernels.len() as u64,
        cost["instructions"].as_u64().expect("a number")
    );
    let total: f64 = kernels.iter().filter_map(|k| k["share"].as_f64()).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let lines = kernels[0]["lines"].as_array().expect("an array");
    assert!(
        lines.len() > 1 && kernels[0]["ns"].as_f64().is_some_and(|x| x > 0.0),
        "{cost}"
    );
    let text = stdout(&elbo(folder.path(), &["profile", "schools.vi"]));
    assert!(
        text.contains("one gradient") && text.contains("tau ~ HalfCauchy(5)"),
        "{text}"
    );
}

#[test]
fn a_statement_has_the_work_that_is_done_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "data y: real[N]\nmu ~ Normal(0, 1)\ny ~ StudentT(4, mu, 1)\n";
    let y: Vec<f64> = (0..20).map(f64::from).collect();
    let data = serde_json::json!({ "y": y }).to_string();
    for (name, text) in [("m.vi", program), ("m.json", &data)] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    // All of it is one piece of code, so that no clock can tell.
    let cost = json(&elbo(folder.path(), &["profile", "m.vi", "--json"]));
    assert_eq!(cost["instructions"], 1);
    let dearest = &cost["statements"][0];
    assert_eq!(dearest["line"], 3);
    assert!(dearest["share"].as_f64().is_some_and(|x| x > 0.9), "{cost}");
}

#[test]
fn rewritings_are_reported_and_switched_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 2)\n";
    std::fs::write(folder.path().join("m.vi"), program).expect("a file");
    let y: Vec<String> = (0..100).map(|i| f64::from(i % 7).to_string()).collect();
    let set = format!("y=[{}]", y.join(","));
    let profile = |more: &[&str]| {
        let arguments = [&["profile", "m.vi", "--set", &set], more].concat();
        let output = elbo(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    let rewritings = json(&profile(&["--json"]))["rewritings"].clone();
    let first = &rewritings[0];
    assert_eq!(first["name"], "statistics", "{rewritings}");
    assert_eq!((&first["line"], &first["rows"]), (&3.into(), &100.into()));
    let text = stdout(&profile(&[]));
    assert!(text.contains("100 rows become 2 statistics"), "{text}");
    let text = stdout(&profile(&["--without", "statistics"]));
    assert!(text.contains("(equal_rows)"), "{text}");
    for off in ["all", "statistics,equal_rows"] {
        let off = json(&profile(&["--json", "--without", off]));
        assert_eq!(off["rewritings"].as_array().map(Vec::len), Some(0));
    }
    let wrong = elbo(folder.path(), &["profile", "m.vi", "--without", "nothing"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn codes_are_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = elbo(folder.path(), &["explain", "e0601"]);
    assert_eq!(page.status.code(), Some(0));
    assert!(stdout(&page).starts_with("# E0601: "));
}

#[test]
fn every_command_has_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in ["fit", "check", "eval", "profile", "explain"] {
        let help = elbo(folder.path(), &[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
        assert!(stdout(&help).contains("Example"), "{command}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_elbo"))
        .args(["fit", "schools.vi"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "data: schools.json\n");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_told() {
    let folder = folder();
    let full = std::fs::File::create("/dev/full").expect("Linux has /dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_elbo"))
        .args(["check", "schools.vi"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("E0704"), "{}", stderr(&output));
}

/// Posteriors without an ELBO optimum: program, data, and what is to be said.
const IMPROPER: [(&str, &str, &str); 7] = [
    (
        "data y: real[N]\nmu ~ Normal(0, 10)\nsigma ~ HalfNormal(5)\ny ~ Normal(mu, sigma)",
        r#"{"y": [2, 2, 2, 2]}"#,
        "`mu` narrows to a point",
    ),
    (
        "data y: real[N]\na ~ Flat()\nb ~ Flat()\ny ~ Normal(a + b, 1)",
        r#"{"y": [2, 1, 2, 3]}"#,
        "a combination of `b` and `a`",
    ),
    (
        "data x: real[N]\ndata y: int[N]\nfor k in 1..2 { b[k] ~ Flat() }\nfor n in 1..N { y[n] ~ Bernoulli(logit = b[1] + b[2] * x[n]) }",
        r#"{"x": [-2, -1, 1, 2], "y": [0, 0, 1, 1]}"#,
        "`b[2]` runs away",
    ),
    (
        "data y: real[N]\nmu ~ Normal(0, 10)\ns ~ HalfFlat()\ny ~ Normal(mu, 1)",
        r#"{"y": [2, 1, 2, 3]}"#,
        "`s` runs away",
    ),
    ("a ~ Flat()\nfactor a", "{}", "`a` runs away"),
    ("a ~ Normal(0, 1)\nfactor 0.5 * a^11", "{}", "`a` runs away"),
    (
        "data y: real[N]\na ~ Flat()\nb ~ Flat()\ny ~ Laplace(a + b, 1)",
        r#"{"y": [2, 1, 2, 3]}"#,
        "a combination of",
    ),
];

/// With few draws in the far tails, where the recurrence is chaotic, deciding where the optimum is.
#[test]
fn an_optimum_by_chance_is_no_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "a ~ HalfNormal(0.5)\nlet x[1] = 0.5\nfor k in 2..12 { let x[k] = cos(a * x[k - 1]) }\nfactor -x[12]";
    write(folder.path(), "m.vi", program);
    let fixed = elbo(folder.path(), &["fit", "m.vi", "--method", "dadvi"]);
    assert_eq!(fixed.status.code(), Some(3), "{}", stdout(&fixed));
    let said = (stdout(&fixed), stderr(&fixed));
    assert!(said.0.contains("Not converged: other draws"), "{}", said.0);
    assert!(said.1.contains("E0813"), "{}", said.1);
    assert!(!said.1.contains("--samples"), "{}", said.1);
    let fresh = elbo(folder.path(), &["fit", "m.vi"]);
    assert_eq!(fresh.status.code(), Some(0), "{}", stdout(&fresh));
}

#[test]
fn a_density_that_jumps_names_the_latent() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "data x: real[N]\nsigma ~ HalfNormal(5)\nalpha ~ HalfNormal(5)\ntheta ~ HalfNormal(5)\nfor i in 1..N {\n  let lp = if x[i] < theta { LogNormal(log(theta) - alpha * sigma^2, sigma).log_prob(x[i]) } else { Pareto(theta, alpha).log_prob(x[i]) }\n  factor lp - log1p(Phi(alpha * sigma))\n}";
    let data = r#"{"x": [1.67, 3.17, 1.31, 1.52, 2.41, 1.18, 1.16, 1.09, 1.12, 1.43, 2.96, 1.58, 2.97, 3.86, 1.86, 2.79, 8.82, 1.6, 3.16, 1.17]}"#;
    write(folder.path(), "m.vi", program);
    write(folder.path(), "m.json", data);
    let fit = elbo(folder.path(), &["fit", "m.vi"]);
    assert_eq!(fit.status.code(), Some(3), "{}", stdout(&fit));
    let said = stdout(&fit);
    assert!(said.contains("jumps where `theta` changes"), "{said}");
}

#[test]
fn fits_without_an_optimum_end_and_name_the_latent() {
    let folder = tempfile::tempdir().expect("a folder");
    for (program, data, said) in IMPROPER {
        write(folder.path(), "m.vi", program);
        write(folder.path(), "m.json", data);
        let fit = elbo(folder.path(), &["fit", "m.vi"]);
        assert_eq!(fit.status.code(), Some(3), "{program}\n{}", stdout(&fit));
        let text = stderr(&fit)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            text.contains("E0816") && text.contains(said),
            "{program}\n{text}"
        );
        assert!(
            stdout(&fit).lines().all(|l| l.chars().count() < 200),
            "{}",
            stdout(&fit)
        );
    }
}

#[test]
fn programs_are_formatted_in_place() {
    let folder = folder();
    let path = folder.path();
    write(path, "messy.vi", "x~Normal(0,1) // c\n\n\n\nlet y=(x+1)");
    write(path, "wrong.vi", "let y = = 1\n");
    write(path, "schools.vi", &SCHOOLS.replace("mu  ~", "mu ~"));
    let files = ["fmt", "--check", "messy.vi", "schools.vi"];
    let check = elbo(path, &files);
    assert_eq!(check.status.code(), Some(1), "{}", stderr(&check));
    assert_eq!(stdout(&check), "messy.vi\nschools.vi\n");

    let run = elbo(
        path,
        &["fmt", "messy.vi", "wrong.vi", "none.vi", "schools.vi"],
    );
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    for part in [
        "formatted messy.vi",
        "formatted schools.vi",
        "E0631",
        "E0003",
    ] {
        assert!(stderr(&run).contains(part), "no {part} in {}", stderr(&run));
    }
    let read = |name: &str| std::fs::read_to_string(path.join(name)).expect("a file");
    assert_eq!(
        read("messy.vi"),
        "x ~ Normal(0, 1)  // c\n\nlet y = x + 1\n"
    );
    assert_eq!(read("wrong.vi"), "let y = = 1\n");
    // What is in form is not written again, and nothing else lies about.
    let time = |name: &str| {
        std::fs::metadata(path.join(name))
            .and_then(|m| m.modified())
            .ok()
    };
    let before = time("messy.vi");
    let again = elbo(path, &["fmt", "messy.vi", "schools.vi"]);
    assert_eq!(
        (again.status.code(), stderr(&again).as_str()),
        (Some(0), "")
    );
    assert_eq!(time("messy.vi"), before);
    assert_eq!(elbo(path, &files).status.code(), Some(0));
    assert_eq!(std::fs::read_dir(path).expect("a folder").count(), 4);
}

#[test]
fn all_programs_under_a_folder_are_formatted() {
    let folder = folder();
    let path = folder.path();
    std::fs::create_dir_all(path.join("b.vi/c")).expect("a folder");
    for name in ["b.vi/c/d.vi", "b.vi/a.vi", "b.vi/notes.txt", "a.vi"] {
        write(path, name, "let  y = 1\n");
    }
    let check = elbo(path, &["fmt", "--check", "a.vi", "b.vi"]);
    let names = stdout(&check).replace('\\', "/");
    assert_eq!(names, "a.vi\nb.vi/a.vi\nb.vi/c/d.vi\n");
    assert_eq!(elbo(path, &["fmt", "."]).status.code(), Some(0));
    let read = |name: &str| std::fs::read_to_string(path.join(name)).expect("a file");
    assert_eq!(read("b.vi/c/d.vi"), "let y = 1\n");
    assert_eq!(read("b.vi/notes.txt"), "let  y = 1\n");
}

#[test]
fn standard_input_is_formatted_to_standard_output() {
    use std::io::Write;
    let mut run = Command::new(env!("CARGO_BIN_EXE_elbo"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = run.stdin.take().expect("a pipe");
    input.write_all(b"x~Normal(0,1)").expect("it is read");
    drop(input);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(0), "x ~ Normal(0, 1)\n")
    );
}

#[test]
fn graphs_have_nodes_plates_and_edges() {
    let folder = folder();
    let path = folder.path();
    let run = elbo(path, &["graph", "schools.vi"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let text = stdout(&run);
    for part in [
        "label=\"j in 1..J, J = 8\"",
        "[label=\"mu\\n~ Normal(0, 5)\", shape=ellipse]",
        "[label=\"theta[j]\\n= mu + tau * z[j]\", shape=ellipse, style=dashed]",
        "[label=\"y[j]\\n~ Normal(theta[j], sigma[j])\", shape=ellipse, style=filled",
        "[label=\"sigma[j]\", shape=box",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    // mu, tau, z to theta; theta, sigma to y.
    assert_eq!(text.matches(" -> ").count(), 5, "{text}");
    assert_eq!(text.matches("subgraph").count(), 1, "{text}");

    // Without data the extent is not known, and a drawing goes where it is told.
    std::fs::remove_file(path.join("schools.json")).expect("it was there");
    let run = elbo(path, &["graph", "schools.vi", "-o", "schools.svg"]);
    assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(0), ""));
    let svg = std::fs::read_to_string(path.join("schools.svg")).expect("a drawing");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<ellipse").count(), 5, "{svg}");
    assert_eq!(svg.matches("marker-end").count(), 5, "{svg}");
    assert!(svg.contains(">j in 1..J<"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn graphs_show_recurrences_factors_and_parameters() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "\
param w: real
data x: real[N]
s[1] ~ Normal(0, 1)
for t in 2..N {
  s[t] ~ Normal(s[t - 1], 1)
}
for t in 1..N {
  for k in 1..2 {
    let m[t, k] = w * s[t] * x[t]
  }
}
factor -sum(m)
";
    write(folder.path(), "m.vi", program);
    let run = elbo(folder.path(), &["graph", "m.vi"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let text = stdout(&run);
    let number = |label: &str| {
        let line = text
            .lines()
            .find(|l| l.contains(&format!("[label=\"{label}")));
        let line = line.unwrap_or_else(|| panic!("no {label} in\n{text}"));
        line.split_whitespace().next().expect("a name").to_string()
    };
    let (s, m, x) = (number("s[t]"), number("m[t, k]"), number("x[t]"));
    for (from, to) in [
        (&s, &s),
        (&s, &m),
        (&x, &m),
        (&number("w\""), &m),
        (&m, &number("factor")),
    ] {
        assert!(
            text.contains(&format!("{from} -> {to};")),
            "{from} to {to}\n{text}"
        );
    }
    assert_eq!(text.matches("subgraph").count(), 3, "{text}");
    // What is drawn ends for every kind of node.
    let svg = elbo(folder.path(), &["graph", "m.vi", "--format", "svg"]);
    assert!(stdout(&svg).contains(">k in 1..2<"));
}

#[test]
fn arrays_of_numpy_are_data() {
    let folder = folder();
    let path = folder.path();
    std::fs::remove_file(path.join("schools.json")).expect("it was there");
    // Version 1.0 of the format, by hand.
    let array = |numbers: [f64; 8]| {
        let mut header = String::from("{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }");
        header.push_str(&" ".repeat(117 - header.len()));
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        numbers.iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        bytes
    };
    std::fs::create_dir(path.join("in")).expect("a folder");
    let write =
        |name: &str, bytes: Vec<u8>| std::fs::write(path.join(name), bytes).expect("a file");
    write(
        "in/y.npy",
        array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
    );
    write(
        "in/sigma.npy",
        array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
    );
    let by_name = [
        "check",
        "schools.vi",
        "-d",
        "in/y.npy",
        "-d",
        "in/sigma.npy",
    ];
    for args in [&by_name[..], &["check", "schools.vi", "--data", "in"]] {
        let run = elbo(path, args);
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
        assert!(stdout(&run).contains("J = 8"), "{}", stdout(&run));
    }
    let twice = elbo(
        path,
        &["check", "schools.vi", "--data", "in", "--data", "in/y.npy"],
    );
    assert_eq!(twice.status.code(), Some(1));
    assert!(stderr(&twice).contains("E0617"), "{}", stderr(&twice));
}

/// A folder with the schools' saved fit.
fn saved() -> tempfile::TempDir {
    let folder = folder();
    let fit = elbo(
        folder.path(),
        &["fit", "schools.vi", "-q", "--save", "schools.elbo"],
    );
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    folder
}

#[test]
fn a_saved_fit_answers_what_the_fit_has_answered() {
    let folder = saved();
    let fit = elbo(folder.path(), &["fit", "schools.vi", "-q"]);
    let shown = elbo(folder.path(), &["show", "schools.elbo"]);
    // All but the time that it took.
    let table = |output| {
        stdout(output)
            .split("ELBO")
            .next()
            .unwrap_or("")
            .to_string()
    };
    assert_eq!(table(&shown), table(&fit));
    let args = [
        "show",
        "schools.elbo",
        "--json",
        "theta[1] - theta[2]",
        "theta[1] > theta[2]",
    ];
    let values = json(&elbo(folder.path(), &args));
    let probability = values["theta[1] > theta[2]"]["mean"][0]
        .as_f64()
        .expect("a number");
    assert!((0.45..0.65).contains(&probability), "{probability}");
    assert!(
        values["theta[1] - theta[2]"]["sd"][0]
            .as_f64()
            .expect("a number")
            > 1.0
    );
    let refused = elbo(folder.path(), &["show", "schools.elbo", "thata[1]"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("did you mean `theta`?"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn what_is_read_is_not_written_over() {
    let folder = saved();
    let before = fs::read(folder.path().join("schools.elbo")).expect("it was saved");
    let vi = fs::read(folder.path().join("schools.vi")).expect("it was written");
    for args in [
        &["fit", "schools.vi", "--save", "schools.vi"][..],
        &["report", "schools.elbo", "-o", "./schools.elbo"],
        &["graph", "schools.vi", "--format", "svg", "-o", "schools.vi"],
        &["simulate", "schools.vi", "--out", "schools.vi"],
    ] {
        let refused = elbo(folder.path(), args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(stderr(&refused).contains("E0711"), "{}", stderr(&refused));
    }
    assert!(fs::read(folder.path().join("schools.elbo")).expect("still there") == before);
    assert!(fs::read(folder.path().join("schools.vi")).expect("still there") == vi);
    let picture = elbo(folder.path(), &["graph", "schools.vi", "-o", "schools.png"]);
    assert_eq!(picture.status.code(), Some(2));
    assert!(stderr(&picture).contains("E0705"), "{}", stderr(&picture));
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_stay_what_they_are() {
    let folder = saved();
    let full = elbo(
        folder.path(),
        &["report", "schools.elbo", "-o", "/dev/full"],
    );
    assert_eq!(full.status.code(), Some(1));
    assert!(stderr(&full).contains("E0703"), "{}", stderr(&full));
    use std::os::unix::fs::FileTypeExt;
    let kind = fs::metadata("/dev/full").expect("a device").file_type();
    assert!(kind.is_char_device());
    let null = elbo(
        folder.path(),
        &["graph", "schools.vi", "-o", "/dev/null", "--format", "svg"],
    );
    assert_eq!(null.status.code(), Some(0), "{}", stderr(&null));
}

#[test]
fn a_saved_fit_predicts_compares_and_is_exported() {
    let folder = saved();
    let of = |args: &[&str]| elbo(folder.path(), args);
    let replicates = of(&["predict", "schools.elbo"]);
    let text = stdout(&replicates);
    assert!(
        text.contains("y[8]") && text.contains("log predictive density of `y`"),
        "{text}"
    );
    let new = json(&of(&[
        "predict",
        "schools.elbo",
        "theta",
        "--set",
        "sigma=[1,2,3]",
        "--new",
        "J",
        "--json",
    ]));
    assert_eq!(new["predictive"]["y"]["shape"], serde_json::json!([3]));
    assert_eq!(new["predictive"]["theta"]["shape"], serde_json::json!([3]));
    let unclear = of(&["predict", "schools.elbo", "--set", "sigma=[1,2,3]"]);
    assert_eq!(unclear.status.code(), Some(1));
    assert!(stderr(&unclear).contains("--new J"), "{}", stderr(&unclear));
    let unknown = of(&["predict", "schools.elbo", "--set", "simga=[1,2,3]"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("`sigma`"), "{}", stderr(&unknown));

    write(
        folder.path(),
        "pooled.vi",
        "data y: real[J]\ndata sigma: positive[J]\nmu ~ Normal(0, 5)\ny ~ Normal(mu, sigma)\n",
    );
    let fit = of(&[
        "fit",
        "pooled.vi",
        "--data",
        "schools.json",
        "-q",
        "--save",
        "pooled.elbo",
    ]);
    assert_eq!(fit.status.code(), Some(0), "{}", stderr(&fit));
    let compared = json(&of(&["compare", "schools.elbo", "pooled.elbo", "--json"]));
    let elpd = |i: usize| {
        compared["fits"][i]["elpd"]["mean"]
            .as_f64()
            .expect("a number")
    };
    assert!(
        elpd(0) >= elpd(1) && (elpd(0) + 30.7).abs() < 1.0,
        "{compared}"
    );
    let other = of(&[
        "fit",
        "pooled.vi",
        "--set",
        "y=[1,2]",
        "--set",
        "sigma=[1,1]",
        "-q",
        "--save",
        "other.elbo",
    ]);
    assert_eq!(other.status.code(), Some(0), "{}", stderr(&other));
    let refused = of(&["compare", "pooled.elbo", "other.elbo"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("E0632"), "{}", stderr(&refused));

    for file in ["fit.nc", "fit.csv", "fit.json", "fit.zarr"] {
        let exported = of(&["export", "schools.elbo", "-o", file]);
        assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
        assert!(folder.path().join(file).exists(), "{file}");
    }
    assert!(stderr(&of(&["export", "schools.elbo", "-o", "fit.xyz"])).contains("E0705"));
}

#[test]
fn a_new_project_runs_as_its_page_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = elbo(folder.path(), &["new", "growth"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let project = folder.path().join("growth");
    let page = std::fs::read_to_string(project.join("README.md")).expect("a page");
    let commands = page.lines().filter_map(|l| l.trim().strip_prefix("elbo "));
    let mut seen = 0;
    for command in commands.filter(|c| !c.starts_with("repl")) {
        // As a shell splits it.
        let mut args: Vec<&str> = Vec::new();
        for (i, part) in command
            .split(" #")
            .next()
            .unwrap_or(command)
            .split('\'')
            .enumerate()
        {
            match i % 2 {
                0 => args.extend(part.split_whitespace()),
                _ => args.push(part),
            }
        }
        let done = elbo(&project, &args);
        assert_eq!(done.status.code(), Some(0), "{command}: {}", stderr(&done));
        assert!(!stderr(&done).contains('⚠'), "{command}: {}", stderr(&done));
        seen += 1;
    }
    assert_eq!(seen, 5);
    let formatted = elbo(&project, &["fmt", "--check", "growth.vi"]);
    assert_eq!(formatted.status.code(), Some(0));
}

#[test]
fn the_shell_is_helped() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&elbo(folder.path(), &["completions", shell]));
        assert!(script.contains("simulate"), "{shell}");
    }
    assert!(stdout(&elbo(folder.path(), &["man"])).starts_with(".ie"));
    let page = stdout(&elbo(folder.path(), &["man", "fit"]));
    assert!(
        page.contains("elbo\\-fit") && page.contains("max\\-time"),
        "{page}"
    );
}

#[test]
fn a_conversation_is_read_from_standard_input() {
    let folder = folder();
    let script = "data y: real[J]\ndata sigma: positive[J]\nmu ~ Normal(0, 5)\nfor j in 1..J {\n  y[j] ~ Normal(mu, sigma[j])\n}\n\
        :data schools.json\n:fit\nP(mu > 0)\nmu +\nnothing\n1 + 1\n";
    write(folder.path(), "script", script);
    let input = std::fs::File::open(folder.path().join("script")).expect("a file");
    let said = Command::new(env!("CARGO_BIN_EXE_elbo"))
        .current_dir(folder.path())
        .stdin(input)
        .output()
        .expect("the binary runs");
    let (text, wrong) = (stdout(&said), stderr(&said));
    // The expression that is open goes on in the next line.
    assert_eq!(said.status.code(), Some(1), "{text}{wrong}");
    assert!(
        text.contains("probability 0.8") || text.contains("probability 0.9"),
        "{text}"
    );
    assert!(
        text.ends_with("2\n") && wrong.contains("`nothing` is not defined"),
        "{text}{wrong}"
    );
}
