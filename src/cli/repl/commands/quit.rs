//! `:quit`: the end.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};

pub(super) const COMMAND: Command = Command {
    name: "quit",
    usage: "",
    about: "leaves, as Ctrl-D does",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    session.over = true;
    Ok(String::new())
}
