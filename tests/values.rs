//! Log joint densities of the bound case programs against numbers computed apart from this code
//! (`tests/values.py` writes `tests/values.txt`), and engine against interpreter.
//!
//! A program that binds has a number there; the unconstrained vector is `u[k] = cos(k) / 2` in every
//! block, so that a wrong order of elements shows.

use elbo::data::{self, Data};
use elbo::diag::Sources;
use elbo::graph::{Tensor, evaluate};
use elbo::model::Model;
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
    let program_read = Program::parse("case.vi", &text)?;
    let data =
        match program.with_extension("json") {
            path if path.exists() => data::load(&data::Disk, &path, &mut Sources::default())
                .map_err(|diagnostics| Error {
                    diagnostics,
                    sources: Sources::default(),
                })?,
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
