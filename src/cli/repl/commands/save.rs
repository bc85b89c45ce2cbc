//! `:save`: the session as a program that reproduces it, or the fit as a file.

use super::{Command, Takes, misused};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::fitted;
use crate::output::replace_file;

pub(super) const COMMAND: Command = Command {
    name: "save",
    usage: "FILE",
    about: "writes the session (FILE.vi, which `:load` and `elbo repl` take up) or the fit (FILE.elbo)",
    takes: Takes::Files,
    run,
};

fn run(session: &mut Session, path: &str, _: Watch) -> Result<String> {
    if path.is_empty() {
        return Err(misused(&COMMAND));
    }
    match path.ends_with(".elbo") {
        true => fitted(session)?.save(path)?,
        false => replace_file(path.as_ref(), session.script())?,
    }
    Ok(format!("written: {path}"))
}
