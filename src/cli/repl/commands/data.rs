//! `:data`: reads data from a file.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::data::Data;

pub(super) const COMMAND: Command = Command {
    name: "data",
    usage: "[FILE]",
    about: "reads data, or shows what there are",
    takes: Takes::Files,
    run,
};

fn run(session: &mut Session, path: &str, _: Watch) -> Result<String> {
    if path.is_empty() {
        return Ok(match session.data().is_empty() {
            true => {
                "there are no data: `:data FILE` reads some, `:set NAME=VALUE` gives a value".into()
            }
            false => listed(session.data()),
        });
    }
    let data = session.read_data(path)?;
    let said = listed(&data);
    session.give(data, format!(":data {path}"));
    Ok(said)
}

pub(super) fn listed(data: &Data) -> String {
    let line = |e: &crate::data::Entry| format!("{}: {}", e.name, e.values.describe());
    let lines: Vec<String> = data.entries().iter().map(line).collect();
    lines.join("\n")
}
