//! `:set`: one value of the data.

use super::data::listed;
use super::{Command, Takes, misused};
use crate::api::Error;
use crate::cli::repl::session::{Result, Session, Watch};
use crate::data;
use crate::diag::Sources;

pub(super) const COMMAND: Command = Command {
    name: "set",
    usage: "NAME=VALUE",
    about: "gives one value of the data, as JSON: `:set y=[1, 0, 1]`",
    takes: Takes::Names,
    run,
};

fn run(session: &mut Session, option: &str, _: Watch) -> Result<String> {
    if !option.contains('=') {
        return Err(misused(&COMMAND));
    }
    let mut sources = Sources::default();
    let data = data::set(option, &mut sources).map_err(|d| Error::new(d, &sources))?;
    let said = listed(&data);
    session.give(data, format!(":set {option}"));
    Ok(said)
}
