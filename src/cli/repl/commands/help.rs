//! `:help`: the commands, or one of them.

use super::{COMMANDS, Command, Takes, find, unknown};
use crate::cli::repl::session::{Result, Session, Watch};

pub(super) const COMMAND: Command = Command {
    name: "help",
    usage: "[COMMAND]",
    about: "shows what can be said",
    takes: Takes::Commands,
    run,
};

const INTRODUCTION: &str = "\
A statement becomes part of the model: mu ~ Normal(0, 1)
An expression is answered: mu + 1, P(mu > 0), summary(y), Normal(0, 1).log_prob(0.3)
  before a fit by the prior, afterwards by the posterior
A command begins with a colon:
";

fn run(_: &mut Session, about: &str, _: Watch) -> Result<String> {
    let line = |c: &Command| format!("  {:28}{}\n", format!(":{} {}", c.name, c.usage), c.about);
    let name = about.trim_start_matches(':');
    match find(name) {
        Some(command) => Ok(line(command).trim().to_string()),
        None if about.is_empty() => {
            let lines: String = COMMANDS.iter().map(line).collect();
            Ok(format!("{INTRODUCTION}{}", lines.trim_end()))
        }
        None => Err(unknown(name)),
    }
}
