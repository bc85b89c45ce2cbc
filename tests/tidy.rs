//! House rules that no compiler holds: the map is true, stages do not look back, every code is
//! explained and shown, every file says what it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Stages in the order of the pipeline. `graph`, `ops` and `autodiff` are one: operations are built
/// of the graph, and the derivative of a scan is taken inside an operation.
const STAGES: &[&[&str]] = &[
    &["diag"],
    &["data"],
    &["special"],
    &["syntax"],
    &["modules"],
    &["types"],
    &["graph", "ops", "autodiff"],
    &["passes"],
    &["elimination"],
    &["tape"],
    &["dist"],
    &["transform"],
    &["functions"],
    &["check"],
    &["model"],
    &["lower"],
    &["guide"],
    &["infer"],
    &["output"],
    &["api"],
    &["cli"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Files below a folder with an extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn name(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.display().to_string()
}

#[test]
fn every_folder_is_on_the_map() {
    let map = text(&root().join("docs/ARCHITECTURE.md"));
    let on_map: BTreeSet<String> = map
        .lines()
        .filter_map(|l| {
            let heading = l.strip_prefix("### `")?;
            Some(heading.split(['/', '`']).next()?.to_string())
        })
        .filter(|n| !n.ends_with(".rs"))
        .collect();
    let folders: BTreeSet<String> = fs::read_dir(root().join("src"))
        .expect("the sources are there")
        .flatten()
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(on_map, folders, "docs/ARCHITECTURE.md against src/");
}

#[test]
fn no_stage_imports_a_later_one() {
    let rank = |stage: &str| STAGES.iter().position(|all| all.contains(&stage));
    let mut problems = Vec::new();
    for file in files("src", "rs") {
        let path = name(&file);
        let own = path.trim_start_matches("src/").split(['/', '.']).next();
        let Some(own) = own.and_then(rank) else {
            continue;
        };
        // Tests of a stage may look at what comes after it.
        if path.contains("tests") {
            continue;
        }
        for (number, line) in text(&file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for part in code.split("crate::").skip(1) {
                let other = part
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                if let Some(other) = other.and_then(rank)
                    && other > own
                {
                    problems.push(format!("{path}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let folders = ["src", "tests", "benches", "examples"];
    let silent: Vec<String> = folders
        .iter()
        .flat_map(|f| files(f, "rs"))
        .filter(|f| !text(f).starts_with("//!"))
        .map(|f| name(&f))
        .collect();
    assert!(silent.is_empty(), "no //! at the head of {silent:?}");
}

/// Codes such as `E0203` between quotes in the sources.
fn codes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files("src", "rs") {
        let text = text(&file);
        for part in text.split('"').skip(1).step_by(1) {
            let is_code = part.len() == 5
                && part.starts_with(['E', 'W'])
                && part[1..].chars().all(|c| c.is_ascii_digit());
            // Tests of the explanation make up codes that nothing has.
            if is_code && !["E0000", "E0600", "E0999"].contains(&part) {
                found.insert(part.to_string());
            }
        }
    }
    found
}

#[test]
fn every_code_has_its_page() {
    let pages: BTreeSet<String> = files("docs/errors", "md")
        .iter()
        .filter_map(|p| Some(p.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let codes = codes();
    let missing: Vec<&String> = codes.difference(&pages).collect();
    assert!(missing.is_empty(), "no page for {missing:?}");
    let stale: Vec<&String> = pages.difference(&codes).collect();
    assert!(
        stale.is_empty(),
        "pages of codes that do not exist: {stale:?}"
    );
    for code in &codes {
        let page = text(&root().join(format!("docs/errors/{code}.md")));
        assert!(
            page.starts_with(&format!("# {code}: ")),
            "the title of {code}.md"
        );
    }
}

#[test]
fn every_code_has_its_case() {
    let mut shown = String::new();
    for file in files("tests", "expected") {
        shown += &text(&file);
    }
    // Data, output and numerical faults have their cases in tests of Rust.
    for file in files("tests", "rs").iter().chain(&files("src", "rs")) {
        let path = name(file);
        let source = text(file);
        if path.starts_with("tests") || path.contains("tests") {
            shown += &source;
        } else if let Some(at) = source.find("#[cfg(test)]") {
            shown += &source[at..];
        }
    }
    let missing: Vec<String> = codes()
        .into_iter()
        .filter(|c| !shown.contains(c.as_str()))
        .collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn files_are_one_idea_long() {
    let long: Vec<String> = files("src", "rs")
        .iter()
        .filter(|f| text(f).lines().count() > 900)
        .map(|f| name(f))
        .collect();
    assert!(long.is_empty(), "more than 900 lines: {long:?}");
}
