//! Exported fits in the hands of ArviZ: summaries, plots, cross-validation and comparison, from every form.
//!
//! `tests/exports.py` does it where Python has ArviZ; elsewhere there is nothing to be tested. `PYTHON` names another
//! Python than `python3`.

use elbo::data::{Disk, load};
use elbo::diag::Sources;
use elbo::output::export::{FORMATS, InferenceData, format, write};
use elbo::output::{Posterior, Quantity, Run};
use elbo::types::Base;
use elbo::{Data, Options, Program};
use std::path::Path;
use std::process::Command;

/// A Python that has ArviZ, and how it is called.
fn python() -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import arviz"]).output();
    found.is_ok_and(|o| o.status.success()).then_some(python)
}

fn array(name: &str, shape: &[usize], dims: &[&str], draws: Vec<f64>) -> Quantity {
    Quantity {
        name: name.into(),
        shape: shape.to_vec(),
        dims: dims.iter().map(|d| Some((*d).to_owned())).collect(),
        labels: vec![None; shape.len()],
        draws,
        ..Quantity::default()
    }
}

/// An example, fitted to its data; `change` is made to the program first.
fn fitted(name: &str, data: &str, change: (&str, &str)) -> InferenceData {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    let text = std::fs::read_to_string(folder.join(format!("{name}.vi"))).expect("a program");
    let program = Program::parse(&text.replace(change.0, change.1));
    let data = load(&Disk, &folder.join(data), &mut Sources::default()).expect("data");
    let model = program.and_then(|p| p.bind(&data)).expect("a model");
    let options = Options {
        draws: 500,
        ..Options::default()
    };
    let fit = model.fit(&options).expect("a fit");
    fit.inference_data(1).expect("all of its draws were kept")
}

/// All that is awkward: names of parts, labels of any letters, truth values, counts, axes of nothing, NaN, and names
/// that xarray has other uses for.
fn awkward(draws: usize) -> InferenceData {
    let of = |width: usize| -> Vec<f64> { (0..draws * width).map(|i| i as f64).collect() };
    let labels = ["San José, CA/US", "東京", ""].map(str::to_owned).to_vec();
    let town = Quantity {
        labels: vec![Some(labels), None],
        ..array("h[1].w", &[3, 2], &["town", "K"], of(6))
    };
    let typed = |base, draws| Quantity {
        base,
        ..array("n", &[], &[], draws)
    };
    let on = Quantity {
        name: "on".into(),
        ..typed(Base::Bool, (0..draws).map(|i| (i % 2) as f64).collect())
    };
    let mut broken = of(1);
    broken.iter_mut().take(1).for_each(|x| *x = f64::NAN);
    let posterior = Posterior {
        quantities: vec![
            town,
            typed(Base::Int, of(1)),
            on,
            array("broken", &[], &[], broken),
            array("empty", &[0], &["none"], Vec::new()),
            array("cov", &[2, 2], &["K", "K"], of(4)),
            array("chain", &[2], &["draw"], of(2)),
            array("K", &[], &[], of(1)),
        ],
        draws,
        ..Posterior::default()
    };
    InferenceData::new(posterior, Run::default())
}

#[test]
fn axes_are_called_as_the_program_calls_them() {
    let text = "\
data county: label[N]
data x: real[N, K]
data y: int[N]
b ~ Normal(0, 1) ^ K
three ~ Normal(0, 1) ^ 3
for c in 1..county.levels { a[c] ~ Normal(0, 1) }
for k in 1..K + 1 { more[k] ~ Normal(0, 1) }
for i in 1..N {
  let e[i] = a[county[i]] + dot(x[i], b)
  let high[i] = y[i] > 0
  y[i] ~ Poisson(exp(e[i]))
}";
    let mut data = Data::default();
    data.insert("county", &["Cook", "Ada", "Cook"][..]);
    data.insert("x", vec![vec![0.5, 1.0], vec![1.5, 2.0], vec![2.5, 3.0]]);
    data.insert("y", [1.0, 0.0, 2.0]);
    let program = Program::parse(text).expect("a program");
    let model = program.bind(&data).expect("a model");
    let found = model.quantities.iter().map(|q| {
        let dims: Vec<&str> = q.dims.iter().map(|d| d.as_deref().unwrap_or("-")).collect();
        (q.name.as_str(), dims.join(" "), q.base)
    });
    let expected = [
        ("b", "K", Base::Real),
        ("three", "-", Base::Real),
        ("a", "county", Base::Real),
        ("more", "-", Base::Real),
        ("e", "N", Base::Real),
        ("high", "N", Base::Bool),
    ];
    let expected = expected.map(|(name, dims, base)| (name, dims.to_owned(), base));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn arviz_reads_every_form() {
    let Some(python) = python() else {
        eprintln!("not tested: no Python with ArviZ (PYTHON names one)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let pooled = ("mu + tau * z[j]", "mu + 0 * tau * z[j]");
    let fits = [
        (
            "schools",
            fitted("eight_schools", "eight_schools.json", ("", "")),
        ),
        (
            "pooled",
            fitted("eight_schools", "eight_schools.json", pooled),
        ),
        (
            "regression",
            fitted("linear_regression", "linear_regression.csv", ("", "")),
        ),
        ("awkward", awkward(4)),
        ("none", awkward(0)),
    ];
    for (name, data) in &fits {
        for ending in FORMATS.iter().map(|f| f.ending) {
            let path = folder.path().join(format!("{name}{ending}"));
            if format(&path).is_ok() {
                write(&path, data).unwrap_or_else(|d| panic!("{}: {}", path.display(), d.message));
            }
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports.py");
    let run = Command::new(python)
        .arg(script)
        .arg(folder.path())
        .output()
        .expect("Python");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    print!("{}", String::from_utf8_lossy(&run.stdout));
}
