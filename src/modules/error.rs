//! What can be wrong with an import.

use crate::diag::{Diagnostic, Span};

type D = Diagnostic;

pub(super) fn no_module<'a>(span: Span, name: &str, known: impl Iterator<Item = &'a str>) -> D {
    let known: Vec<&str> = known.collect();
    D::error("E0114", format!("there is no standard module `{name}`"))
        .at(span, "not in the standard library")
        .suggest(name, known.iter().copied())
        .or_help(format!(
            "the modules are {}; a file is imported by its path: `import \"{name}.vi\"`",
            known.join(", ")
        ))
}

pub(super) fn unreadable(span: Span, path: &str, why: &str) -> D {
    D::error("E0112", format!("cannot import {path}: {why}"))
        .at(span, "imported here")
        .help("paths are relative to the file that imports")
}

pub(super) fn import_cycle(span: Span, cycle: &[String]) -> D {
    let cycle = cycle.join(" → ");
    D::error("E0113", format!("files import each other: {cycle}"))
        .at(span, "this closes the circle")
        .help("move what they share into a file of its own")
}

pub(super) fn alias_missing(span: Span) -> D {
    D::error("E0115", "this import needs a name")
        .at(span, "the file's own name is no name of the language")
        .help("give it one: `import \"…\" as name`")
}
