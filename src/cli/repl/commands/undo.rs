//! `:undo`: takes the last change back.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};

pub(super) const COMMAND: Command = Command {
    name: "undo",
    usage: "",
    about: "takes back the last change of model, data or fit",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    Ok(match session.undo() {
        true => "taken back".into(),
        false => "there is nothing to take back".into(),
    })
}
