//! Runs the case programs: `tests/cases/<stage>/<name>.vi` against `<name>.expected` beside it.
//!
//! Each stage has a row in [`STAGES`]: a folder and a function from a program to the text that is expected.
//! A program that is bound has its data in `<name>.json`, if it has any.
//! `UPDATE_EXPECT=1 cargo test --test cases` writes the expected files anew; read the difference.

use elbo::check::{self, program::VariableKind};
use elbo::data::{self, Data, InMemory};
use elbo::diag::{self, Diagnostics, Sources};
use elbo::model::{Quantity, QuantityKind};
use elbo::{Host, modules, syntax};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, panic};

/// What a stage makes of a program: text to compare.
type Check = fn(&Case) -> String;

/// One line for each stage: its folder and what it prints.
const STAGES: &[(&str, Check)] = &[
    ("syntax", check_syntax),
    ("check", check_check),
    ("bind", check_bind),
];

/// A case program.
struct Case {
    /// File name, as shown in diagnostics.
    name: String,
    text: String,
    /// Where its data would be.
    data: PathBuf,
}

/// The program printed back, or what is wrong with it.
fn check_syntax(case: &Case) -> String {
    let mut sources = Sources::default();
    let id = sources.add(&case.name, &case.text);
    let (ast, problems) = syntax::parse(id, &case.text);
    if !problems.is_empty() {
        return rendered(&problems, &sources);
    }
    let formatted = syntax::format(&ast, &case.text);
    let again = syntax::parse(id, &formatted);
    assert!(
        again.1.is_empty(),
        "{}: printed text does not parse:\n{formatted}",
        case.name
    );
    assert_eq!(
        syntax::format(&again.0, &formatted),
        formatted,
        "{}: formatting twice changes it",
        case.name
    );
    formatted
}

/// What is wrong with the program, or its variables with their types.
fn check_check(case: &Case) -> String {
    let mut sources = Sources::default();
    let id = sources.add(&case.name, &case.text);
    let files = imported(case);
    let modules = modules::load(&files, Path::new(&case.name), id, &mut sources);
    let (program, warnings) = match modules.and_then(|modules| check::check(&modules, &[])) {
        Ok(checked) => checked,
        Err(problems) => return rendered(&problems, &sources),
    };
    let mut out = rendered(&warnings, &sources);
    for variable in &program.variables {
        let kind = match variable.kind {
            VariableKind::Dimension => "dimension",
            VariableKind::Data => "data",
            VariableKind::Param => "param",
            VariableKind::Latent => "latent",
            VariableKind::Let => "let",
            _ => continue,
        };
        writeln!(out, "{kind} {}: {}", variable.name, variable.ty).expect("a String takes it");
    }
    out
}

/// The files beside a case that it may import.
fn imported(case: &Case) -> InMemory {
    let folder = case.data.with_file_name("imported");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    InMemory::new(files.map(|file| {
        let text = fs::read(file.path()).expect("a file beside the cases can be read");
        (Path::new("imported").join(file.file_name()), text)
    }))
}

/// What is wrong with the program or its data, or the quantities that results will have.
fn check_bind(case: &Case) -> String {
    let files = InMemory::new([(case.name.as_str(), case.text.as_str())]);
    let program = match Host::new(Arc::new(files)).load(&case.name) {
        Ok(program) => program,
        Err(error) => return rendered(&error.diagnostics, &error.sources),
    };
    let mut sources = program.sources().clone();
    let data = match read_data(&case.data, &mut sources) {
        Ok(data) => data,
        Err(problems) => return rendered(&problems, &sources),
    };
    let model = match program.bind(&data) {
        Ok(bound) => bound,
        Err(error) => return rendered(&error.diagnostics, &sources),
    };
    let mut out = rendered(model.notes(), &sources);
    for quantity in &model.quantities {
        writeln!(out, "{}", described(quantity)).expect("a String takes it");
    }
    out
}

fn described(quantity: &Quantity) -> String {
    let kind = match quantity.kind {
        QuantityKind::Latent => "latent",
        QuantityKind::Param => "param",
        QuantityKind::Deterministic => "let",
        QuantityKind::Data => "data",
    };
    let axes = quantity.shape.iter().zip(&quantity.labels);
    let axes: Vec<String> = axes
        .map(|(n, labels)| match labels {
            Some(labels) => format!("{n}: {}", labels.join(" ")),
            None => n.to_string(),
        })
        .collect();
    format!("{kind} {}[{}]", quantity.name, axes.join(", "))
}

fn read_data(path: &Path, sources: &mut Sources) -> Result<Data, Diagnostics> {
    let name = path.file_name().map_or(path, Path::new).to_path_buf();
    match fs::read(path) {
        Ok(bytes) => {
            let label = name.display().to_string();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let files = data::InMemory::new([(label.as_str(), text.as_str())]);
            data::load(&files, &name, sources)
        }
        Err(_) => Ok(Data::default()),
    }
}

fn rendered(problems: &Diagnostics, sources: &Sources) -> String {
    let text = diag::render(problems, sources, false);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_case_gives_what_is_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut failures = Vec::new();
    for (stage, check) in STAGES {
        let programs = programs(&root.join(stage));
        assert!(!programs.is_empty(), "no cases for {stage}");
        for path in programs {
            if let Err(failure) = run(&path, *check, update) {
                failures.push(failure);
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases differ\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn run(path: &Path, check: Check, update: bool) -> Result<(), String> {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let data = path.with_extension("json");
    let case = Case { name, text, data };
    let found = panic::catch_unwind(|| check(&case))
        .map_err(|_| format!("==== {}\nit panicked, see above", path.display()))?;
    let beside = path.with_extension("expected");
    if update {
        return fs::write(&beside, found).map_err(|e| format!("{}: {e}", beside.display()));
    }
    let expected = fs::read_to_string(&beside).map_err(|e| format!("{}: {e}", beside.display()))?;
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "==== {}\n---- expected\n{expected}---- found\n{found}",
        path.display()
    ))
}

/// The programs of a folder, in the order of their names.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "vi"));
    paths.sort();
    paths
}
