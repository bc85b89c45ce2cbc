//! `:type`: the type of an expression.

use super::{Command, Takes, misused};
use crate::cli::repl::session::{Result, Session, Watch};

pub(super) const COMMAND: Command = Command {
    name: "type",
    usage: "EXPRESSION",
    about: "shows the type of an expression, with its dimensions",
    takes: Takes::Names,
    run,
};

fn run(session: &mut Session, expression: &str, _: Watch) -> Result<String> {
    if expression.is_empty() {
        return Err(misused(&COMMAND));
    }
    let (program, _, _) = session.needed(expression)?;
    Ok(program.type_of(expression)?.to_string())
}
