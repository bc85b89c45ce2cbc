//! `:reset`: forgets model, data and fit.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};

pub(super) const COMMAND: Command = Command {
    name: "reset",
    usage: "",
    about: "forgets model, data and fit; `:undo` brings them back",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    session.reset();
    Ok("the model is empty".into())
}
