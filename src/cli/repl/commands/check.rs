//! `:check`: whether model and data fit each other.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::diag::render;

pub(super) const COMMAND: Command = Command {
    name: "check",
    usage: "",
    about: "checks the model and binds it to the data",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    let program = session.program()?;
    let model = program.bind(session.data())?;
    let dimensions: Vec<String> = model
        .dimensions
        .iter()
        .map(|(n, k)| format!("{n} = {k}"))
        .collect();
    let mut warnings = program.warnings().clone();
    warnings.extend(model.notes().iter().cloned());
    let mut said = format!(
        "the program is good and the data fit; {} unconstrained coordinates",
        model.size()
    );
    if !dimensions.is_empty() {
        said.push_str(&format!("; {}", dimensions.join(", ")));
    }
    if !warnings.is_empty() {
        said.push_str(&format!(
            "\n{}",
            render(&warnings, program.sources(), false).trim_end()
        ));
    }
    Ok(said)
}
