//! `:summary`: the posterior as a table.

use super::{Command, Takes, arguments};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::{find, fitted, in_table};
use crate::cli::show::in_words;

pub(super) const COMMAND: Command = Command {
    name: "summary",
    usage: "[NAME…]",
    about: "shows the posterior, of all or of some",
    takes: Takes::Names,
    run,
};

fn run(session: &mut Session, names: &str, _: Watch) -> Result<String> {
    let fit = fitted(session)?;
    if names.is_empty() {
        return Ok(in_words(fit, &session.table).trim_end().to_string());
    }
    let found: Result<Vec<_>> = arguments(names)
        .into_iter()
        .map(|name| find(session, name))
        .collect();
    let found: Vec<_> = found?.into_iter().map(|f| f.quantity).collect();
    Ok(in_table(&found, &session.table))
}
