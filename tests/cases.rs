//! Runs the case programs: `tests/cases/<stage>/<name>.vi` against `<name>.expected` beside it.
//!
//! Each stage has a row in [`STAGES`]: a folder and a function from a program to the text that is expected.
//! `UPDATE_EXPECT=1 cargo test --test cases` writes the expected files anew; read the difference.

use elbo::diag::{self, Diagnostics, Sources};
use elbo::syntax;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What a stage makes of a program: text to compare.
type Check = fn(&Case) -> String;

/// One line for each stage: its folder and what it prints.
const STAGES: &[(&str, Check)] = &[("syntax", check_syntax)];

/// A case program.
struct Case {
    /// File name, as shown in diagnostics.
    name: String,
    text: String,
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

fn rendered(problems: &Diagnostics, sources: &Sources) -> String {
    let text = diag::render(problems, sources, false);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
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
    let found = check(&Case { name, text });
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
