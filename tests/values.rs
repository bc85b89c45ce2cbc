//! Log joint densities of the bound case programs against numbers computed apart from this code
//! (`tests/values.py` writes `tests/values.txt`), and engine against interpreter.
//!
//! A program that binds has a number there; the unconstrained vector is `u[k] = cos(k) / 2` in every
//! block, so that a wrong order of elements shows.

use elbo::Model;
use elbo::data::{self, Data};
use elbo::diag::Sources;
use elbo::graph::{Tensor, evaluate};
use elbo::{Error, Program};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Both sides are sums of some tens of terms in doubles by different formulas.
const TOLERANCE: f64 = 1e-10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/bind")
}

fn bound(program: &Path) -> Result<Model, Error> {
    let text = fs::read_to_string(program).expect("a case can be read");
    let program_read = Program::parse(&text)?;
    let data = match program.with_extension("json") {
        path if path.exists() => data::load(&data::Disk, &path, &mut Sources::default())
            .map_err(|diagnostics| Error::new(diagnostics, &Sources::default()))?,
        _ => Data::default(),
    };
    program_read.bind(&data)
}

fn log_joint(model: &Model) -> f64 {
    let feeds: Vec<_> = model
        .stated
        .blocks
        .iter()
        .map(|block| {
            let u: Vec<f64> = (1..=block.size).map(|k| (k as f64).cos() / 2.0).collect();
            (block.input, Tensor::vector(u))
        })
        .collect();
    evaluate(&model.graph, &feeds, &[model.stated.log_joint])[0].data()[0]
}

#[test]
fn log_joints_are_those_of_the_mathematics() {
    let numbers =
        fs::read_to_string(folder().join("../../values.txt")).expect("the numbers are there");
    let mut expected: BTreeMap<&str, f64> = numbers
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, x)| (name, x.parse().expect("a number")))
        .collect();
    assert!(expected.len() >= 40);
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder())
        .expect("the cases are there")
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "vi") {
            continue;
        }
        let name = path
            .file_stem()
            .map_or(String::new(), |n| n.to_string_lossy().into_owned());
        match (bound(&path), expected.remove(name.as_str())) {
            (Ok(model), Some(number)) => {
                let found = log_joint(&model);
                // NaN is wrong too.
                let off = (found - number).abs();
                if off.is_nan() || off > TOLERANCE * (1.0 + number.abs()) {
                    wrong.push(format!("{name}: {found}, but it is {number}"));
                }
            }
            (Ok(_), None) if !name.starts_with("error_") && !name.starts_with("note_") => {
                wrong.push(format!("{name} has no number in values.txt"));
            }
            (Err(error), Some(_)) => wrong.push(format!("{name}: {error}")),
            _ => {}
        }
    }
    wrong.extend(expected.keys().map(|name| format!("{name} has no program")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Shapes that come from the arguments: the value by hand, `gamma_p(2, 1.5) = 1 − 2.5 exp(−1.5)`.
#[test]
fn functions_that_change_shapes_bind() {
    let program = "c ~ Normal(0, 1)
let v = [1, 2, 3.5]
factor sum(diff(v)) + sum(convolve(v, [1, -1]) * [1, 2, 3, 4])
factor sum(one_hot(2, 3) * [10, 20, 30]) + count(v > 1.5) + div(7, 2)
factor where(any(v > 3), 1, 0) + where(all(v > 3), 100, 0)
factor sum(cumprod(v)) + gamma_p(2, 1.5) + sum(solve([[0, 2], [4, 1]], [2, 9]))
factor log_abs_det(eye(2)) + sum(squared_distances([[0, 0], [3, 4]], [[0, 0]]))
";
    let model = Program::parse(program)
        .and_then(|p| p.bind(&Data::default()))
        .unwrap_or_else(|e| panic!("{e:?}"));
    let latent = 1f64.cos() / 2.0;
    let normal = -0.5 * latent * latent - 0.5 * (2.0 * std::f64::consts::PI).ln();
    let expected = normal + 61.0 - 2.5 * (-1.5f64).exp();
    let found = log_joint(&model);
    assert!((found - expected).abs() < TOLERANCE, "{found}, {expected}");
}

/// Sums of what programs of data alone say, against numbers by hand.
#[test]
fn functions_bind_in_loops_and_at_indices() {
    let rows: &[(&str, f64)] = &[
        ("sum([a[div(i, 2) + 1] for i in 1..5])", 110.0),
        ("sum([a[i % 3 + 1] for i in 1..4])", 80.0),
        (
            "a[floor(2.7)] + a[ceil(2.2)] + a[round(3.6)] + a[trunc(1.9)]",
            100.0,
        ),
        ("a[argmax([3, 9, 4])] + a[argmin(a)]", 30.0),
        ("sum(a[order([3, 1, 2, 0])] * [1, 2, 3, 4])", 210.0),
        ("dot(rank([3, 1, 2]), [1, 10, 100])", 213.0),
        ("a[find_interval(2.5, [1, 2, 3])]", 20.0),
        ("sum([interp(i, [1, 3], [0, 10]) for i in 0..4])", 25.0),
        ("sum([median(m[i]) for i in 1..2])", 7.0),
        ("sum([quantile(m[i], 0.25) for i in 1..2])", 6.0),
        ("sum(sort([3, 1, 2]) * [1, 10, 100])", 321.0),
        (
            "sum(reshape([1, 2, 3, 4, 5, 6], 2, 3)[2] * [1, 10, 100])",
            654.0,
        ),
        (
            "sum(flatten(m) * [1, 10, 100, 1000, 10000, 100000])",
            654321.0,
        ),
        ("columns(m) + 10 * size(m) + 100 * length(m)", 263.0),
        ("sum(zeros(columns(m)) + 1)", 3.0),
        ("sum([j for j in 1..columns(rep(c, 2, 3))])", 6.0),
        (
            "sum([interp(i, sort([1 + 0 * c, 0, 2]), [0, 10, 40]) for i in 0..2])",
            50.0,
        ),
        (
            "sum([Gamma(i, 2).quantile(Gamma(i, 2).cdf(1.5 + 0 * c)) for i in 1..2])",
            3.0,
        ),
        ("Poisson(7.5).quantile(0.9)", 11.0),
        ("sum(append_columns(ones(2), m)[2] * [1, 2, 3, 4])", 48.0),
        ("sum(kron(eye(2), m))", 42.0),
        ("sum([det([[i, 1], [0, 2]]) for i in 1..3])", 12.0),
        ("matrix_power([[1, 1], [0, 1]], 4)[1, 2]", 4.0),
        ("sum([norm([3 * i, 4 * i]) for i in 1..2])", 15.0),
        ("sum(qr_r([[3, 0], [4, 5]]) * [[1, 1], [1, 1]])", 12.0),
        ("sum(singular_values([[3, 0, 0], [0, 4, 0]]))", 7.0),
        (
            "sum(eigenvalues_symmetric([[2, 1], [1, 2]]) * [1, 10])",
            31.0,
        ),
        (
            "matrix_exp(zeros(2, 2))[1, 1] + lower_triangle([[1, 2], [3, 4]])[2, 1]",
            4.0,
        ),
        ("quad_form_diag([[1, 2], [2, 1]], [3, 4])[1, 2]", 24.0),
        ("log2(8) + log10(100) + cbrt(27) + hypot(3, 4)", 13.0),
        (
            "lambert_w(0) + asinh(0) + acosh(1) + atanh(0) + lmgamma(1, 1)",
            0.0,
        ),
        ("log_mix(0.5, log(2), log(4)) - log(3)", 0.0),
        ("cloglog(inv_cloglog(0.4))", 0.4),
    ];
    for (text, expected) in rows {
        let program = format!(
            "c ~ Normal(0, 1)\nlet a = [10, 20, 30, 40]\nlet m = [[1, 2, 3], [4, 5, 6]]\nfactor {text}\n"
        );
        let model = Program::parse(&program)
            .and_then(|p| p.bind(&Data::default()))
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        let latent = 1f64.cos() / 2.0;
        let normal = -0.5 * latent * latent - 0.5 * (2.0 * std::f64::consts::PI).ln();
        let found = log_joint(&model) - normal;
        assert!(
            (found - expected).abs() < TOLERANCE,
            "{text}: {found}, not {expected}"
        );
    }
}
