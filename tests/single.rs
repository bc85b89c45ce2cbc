//! Single precision: gradients and fits are those of double precision, to what 7 digits allow; what does
//! not fit into it is computed in double, and said.
//!
//! Models are those of `tests/posteriordb` (with data in `../shared/posteriordb`, or where
//! `ELBO_POSTERIORDB` says; without them their test passes) and of `examples/`.

use elbo::Model;
use elbo::autodiff::grad;
use elbo::graph::{Graph, Var};
use elbo::infer::{self, Fit, Options};
use elbo::tape::{Element, Precision, Tape};
use elbo::{Data, Program, data};
use std::env;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn load(program: &Path, data: &Path) -> Model {
    let program = Program::load(program).unwrap_or_else(|e| panic!("{e}"));
    let mut sources = program.sources().clone();
    let data = data::load(&data::Disk, data, &mut sources).expect("its data can be read");
    program.bind(&data).unwrap_or_else(|e| panic!("{e}"))
}

/// A model of posteriordb; none where there are no data.
fn posterior(name: &str) -> Option<Model> {
    let beside = || root().join("../shared/posteriordb");
    let folder = env::var_os("ELBO_POSTERIORDB").map_or_else(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: no data in {}", folder.display());
        return None;
    }
    let program = root().join(format!("tests/posteriordb/{name}.vi"));
    Some(load(&program, &folder.join(name).join("data.json")))
}

/// Value and gradient of the log density at points, each one after the other.
fn gradients<T: Element>(model: &Model, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let graph = Graph::new();
    let (inputs, parts) = model.of_inputs(&graph, &[model.log_joint, model.log_jacobian]);
    let value = parts[0] + parts[1];
    let outputs: Vec<_> = std::iter::once(value).chain(grad(value, &inputs)).collect();
    let ids = |all: &[Var]| all.iter().map(|v| v.id).collect::<Vec<_>>();
    let mut tape = Tape::<T>::compile_as(&graph, &ids(&inputs), &ids(&outputs));
    let mut at = |point: &Vec<f64>| {
        let numbers: Vec<T> = point.iter().map(|&x| T::of(x)).collect();
        tape.set_inputs_flat(&numbers);
        tape.run();
        tape.outputs_flat().iter().map(|x| x.wide()).collect()
    };
    points.iter().map(&mut at).collect()
}

/// Points whose coordinates are numbers of both precisions, so that both tapes are at the same place.
fn points(size: usize) -> Vec<Vec<f64>> {
    let coordinate = |p: usize, i: usize| (((7 * p + 13 * i) % 17) as f64 - 8.0) / 32.0;
    (0..4)
        .map(|p| (0..size).map(|i| coordinate(p, i)).collect())
        .collect()
}

/// Models with the largest difference allowed, in parts of the largest element of value and gradient.
///
/// Data and constants are rounded to 6e-8 of themselves, and so is what is computed. A gradient is a sum over
/// rows; where its terms cancel (predictors far from 0, as heights in inches) the roundings of the terms
/// are a larger part of what is left.
const GRADIENTS: &[(&str, f64)] = &[
    ("arK-arK", 1e-5),
    ("dogs-dogs", 1e-5),
    ("earnings-logearn_interaction", 1e-5),
    ("eight_schools-eight_schools_noncentered", 1e-5),
    ("garch-garch11", 1e-5),
    ("hmm_example-hmm_example", 1e-5),
    ("irt_2pl-irt_2pl", 1e-5),
    ("kidiq-kidscore_momiq", 1e-5),
    ("low_dim_gauss_mix-low_dim_gauss_mix", 1e-5),
    ("nes2000-nes", 1e-5),
    ("radon_mn-radon_hierarchical_intercept_noncentered", 1e-5),
    ("three_men1-ldaK2", 1e-5),
    ("wells_data-wells_dist", 1e-5),
];

#[test]
fn gradients_are_those_of_double_precision() {
    for (name, allowed) in GRADIENTS {
        let Some(model) = posterior(name) else { return };
        let at = points(model.size());
        let double = gradients::<f64>(&model, &at);
        let single = gradients::<f32>(&model, &at);
        let mut worst: f64 = 0.0;
        for (a, b) in double.iter().zip(&single) {
            let largest = a[1..].iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let apart = a[1..].iter().zip(&b[1..]).map(|(a, b)| (a - b).abs());
            worst = apart.fold(worst, |w, x| w.max(x / largest));
            worst = worst.max((a[0] - b[0]).abs() / a[0].abs());
        }
        println!("{name}: {worst:.1e}");
        assert!(
            worst > 0.0,
            "{name}: single precision is computed in double"
        );
        assert!(
            worst <= *allowed,
            "{name}: {worst:e} of the largest element"
        );
    }
}

fn fit(model: &Model, precision: Precision, threads: usize) -> Fit {
    let options = Options {
        precision,
        threads,
        ..Options::default()
    };
    infer::fit(model, &options, &mut |_| ()).expect("it can be fitted")
}

/// What both fits say their draws leave, and the tolerance that single precision is held to.
fn assert_alike(name: &str, single: &Fit, double: &Fit) {
    let stated = |fit: &Fit| fit.monte_carlo.map_or(0.0, |e| e.sds);
    // A stated error is a standard error: the largest of some dozens of coordinates stays within four.
    let allowed = 0.02 + 4.0 * stated(single).hypot(stated(double));
    let (mine, other) = (&single.params, &double.params);
    let apart = mine.mean.iter().zip(&other.mean).zip(&other.sd);
    let means = apart.fold(0.0_f64, |w, ((a, b), s)| w.max(((a - b) / s).abs()));
    assert!(
        means <= allowed,
        "{name}: means are {means} sds apart, {allowed} allowed"
    );
    let ratios = mine
        .sd
        .iter()
        .zip(&other.sd)
        .map(|(a, b)| (a / b).ln().abs());
    let sds = ratios.fold(0.0, f64::max);
    assert!(
        sds <= allowed,
        "{name}: log sds are {sds} apart, {allowed} allowed"
    );
    let error = single.elbo.se.hypot(double.elbo.se);
    let nats = (single.elbo.mean - double.elbo.mean).abs();
    assert!(
        nats <= 0.04 + 4.0 * error,
        "{name}: ELBOs are {nats} nats apart"
    );
}

fn example(name: &str) -> Model {
    let folder = root().join("examples").join(name);
    let data = ["json", "csv"].map(|kind| format!("{name}.{kind}"));
    let data = data.iter().map(|d| folder.join(d)).find(|p| p.exists());
    load(&folder.join(format!("{name}.vi")), &data.expect("its data"))
}

#[test]
fn fits_are_those_of_double_precision() {
    for name in FITS {
        let model = example(name);
        let (single, double) = (
            fit(&model, Precision::Single, 1),
            fit(&model, Precision::Double, 1),
        );
        println!(
            "{name}: {:?}, {} steps for {}, {:?} {:?}",
            single.precision, single.steps, double.steps, single.monte_carlo, double.monte_carlo
        );
        let codes: Vec<&str> = single.messages.iter().map(|m| m.code).collect();
        assert_eq!(single.precision, Precision::Single, "{name}: {codes:?}");
        assert!(
            !codes.contains(&"E0818") && single.converged,
            "{name}: {codes:?}"
        );
        assert_alike(name, &single, &double);
    }
}

const FITS: &[&str] = &[
    "eight_schools",
    "garch",
    "hierarchical_regression",
    "linear_regression",
    "logistic_regression",
];

#[test]
fn threads_change_no_bit() {
    let model = example(FITS[0]);
    let (one, three) = (
        fit(&model, Precision::Single, 1),
        fit(&model, Precision::Single, 3),
    );
    assert_eq!(one.params, three.params);
    assert_eq!(one.posterior, three.posterior);
}

fn bound(text: &str, y: &[f64]) -> Model {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let mut data = Data::default();
    data.insert("y", y.to_vec());
    program.bind(&data).unwrap_or_else(|e| panic!("{e}"))
}

/// Double precision takes over, and the result is its own.
fn assert_taken_over(model: &Model, why: &str) {
    let (single, double) = (
        fit(model, Precision::Single, 1),
        fit(model, Precision::Double, 1),
    );
    let message = single.messages.iter().find(|m| m.code == "E0818");
    let message = message.unwrap_or_else(|| panic!("{why}: it is not said"));
    assert!(message.message.contains(why), "{}", message.message);
    assert_eq!(single.precision, Precision::Double);
    assert!(single.converged && single.elbo.mean.is_finite());
    assert_alike(why, &single, &double);
}

#[test]
fn numbers_beyond_the_range_are_left_to_double_precision() {
    let text =
        "data y: real[N]\nm ~ Normal(0, 1e42)\nfor i in 1..N { y[i] ~ StudentT(5, m, 1e40) }";
    assert_taken_over(&bound(text, &[1e40, 3e40, 2e40]), "cannot hold");
}

#[test]
fn an_optimum_that_seven_digits_do_not_resolve_is_left_to_double_precision() {
    // The mean is a million sds from 0, and known to a thousandth of that.
    let text = "data y: real[N]\nm ~ Normal(0, 1e9)\nfor i in 1..N { y[i] ~ StudentT(5, m, 1) }";
    let y: Vec<f64> = (0..400)
        .map(|i| 1e8 + f64::from(i * 37 % 101) / 25.0)
        .collect();
    assert_taken_over(&bound(text, &y), "");
}
