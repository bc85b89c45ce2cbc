//! What begins with a colon: a file for each command, and a row in [`COMMANDS`].

mod check;
mod compare;
mod data;
mod doc;
mod fit;
mod graph;
mod help;
mod load;
mod model;
mod plot;
mod predict;
mod prior;
mod profile;
mod quit;
mod reset;
mod save;
mod set;
mod states;
mod summary;
mod trace;
mod type_of;
mod undo;

use super::session::{Result, Session, Watch};
use crate::api::Error;
use crate::diag::{Diagnostic, closest};

/// Something that a session can be told to do.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// What follows the name.
    pub(super) usage: &'static str,
    /// One line.
    pub(super) about: &'static str,
    /// What to complete after it.
    pub(super) takes: Takes,
    run: fn(&mut Session, &str, Watch) -> Result<String>,
}

/// What a command is followed by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Names,
    Files,
    Commands,
    Options,
}

/// Every command, in the order in which help shows them.
pub(super) const COMMANDS: &[Command] = &[
    help::COMMAND,
    doc::COMMAND,
    type_of::COMMAND,
    data::COMMAND,
    set::COMMAND,
    model::COMMAND,
    undo::COMMAND,
    check::COMMAND,
    fit::COMMAND,
    summary::COMMAND,
    states::COMMAND,
    plot::COMMAND,
    trace::COMMAND,
    prior::COMMAND,
    predict::COMMAND,
    compare::COMMAND,
    graph::COMMAND,
    profile::COMMAND,
    save::COMMAND,
    load::COMMAND,
    reset::COMMAND,
    quit::COMMAND,
];

/// Does what a line without its colon says.
pub(super) fn run(session: &mut Session, line: &str, watch: Watch) -> Result<String> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match find(name) {
        Some(command) => (command.run)(session, rest.trim(), watch),
        None => Err(unknown(name)),
    }
}

/// The command of a name, or the only one that begins so.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    let mut begin = COMMANDS.iter().filter(|c| c.name.starts_with(name));
    let exact = COMMANDS.iter().find(|c| c.name == name);
    exact.or_else(|| begin.next().filter(|_| begin.next().is_none()))
}

/// A command that there is not.
fn unknown(name: &str) -> Error {
    let problem = Diagnostic::error("E0808", format!("there is no command `:{name}`"));
    let help = match closest(name, COMMANDS.iter().map(|c| c.name)) {
        Some(close) => format!("did you mean `:{close}`?"),
        None => "`:help` lists all of them".into(),
    };
    problem.help(help).into()
}

/// The words of a line: what stands between spaces, but for those inside brackets and quotes.
fn arguments(line: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut from) = (0_usize, false, 0);
    let mut words = Vec::new();
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 && !quoted => {
                words.push(&line[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    words.push(&line[from..]);
    words.retain(|word| !word.is_empty());
    words
}

/// A command that was called otherwise than it is used.
fn misused(command: &Command) -> Error {
    let message = format!(
        "`:{}` is used as `:{} {}`",
        command.name, command.name, command.usage
    );
    Diagnostic::error("E0808", message)
        .help(command.about)
        .into()
}
