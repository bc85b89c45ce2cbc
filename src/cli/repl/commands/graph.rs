//! `:graph`: what depends on what.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::output::{self, graph};

pub(super) const COMMAND: Command = Command {
    name: "graph",
    usage: "[FILE.svg]",
    about: "writes a drawing of the model, or shows it in Graphviz's language",
    takes: Takes::Files,
    run,
};

fn run(session: &mut Session, path: &str, _: Watch) -> Result<String> {
    let program = session.program()?;
    let bound = program.bind(session.data());
    let extents = bound.map_or(Vec::new(), |model| model.dimensions.clone());
    let text = |span| program.sources().snippet(span).to_string();
    let drawn = graph::Graph::of(program.checked(), &text, &extents);
    if path.is_empty() {
        return Ok(graph::dot(&drawn).trim_end().to_string());
    }
    let written = match path.to_lowercase().ends_with(".svg") {
        true => graph::svg(&drawn),
        false => graph::dot(&drawn),
    };
    output::replace_file(path.as_ref(), written)?;
    Ok(format!("written: {path}"))
}
