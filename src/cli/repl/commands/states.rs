//! `:states`: what discrete latents are.

use super::{Command, Takes, arguments};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::fitted;
use crate::cli::show::states_text;

pub(super) const COMMAND: Command = Command {
    name: "states",
    usage: "[NAME…]",
    about: "shows the states of discrete latents: probabilities, and the most probable ones",
    takes: Takes::Names,
    run,
};

fn run(session: &mut Session, names: &str, _: Watch) -> Result<String> {
    let fit = fitted(session)?;
    let names = match names.is_empty() {
        true => fit.summed_out()?,
        false => arguments(names).into_iter().map(str::to_string).collect(),
    };
    let mut tables = Vec::new();
    for name in &names {
        tables.push(states_text(&fit.states(name)?));
    }
    Ok(match tables.is_empty() {
        true => "no discrete latents were summed out".into(),
        false => tables.join("\n\n"),
    })
}
