//! `:load`: a program, with what a session that has written it did besides, or a saved fit.

use super::{Command, Takes, misused, run as obey};
use crate::api::{Error, Fit};
use crate::cli::repl::session::{DIRECTIVE, Result, Session, Watch};
use crate::diag::Diagnostic;

pub(super) const COMMAND: Command = Command {
    name: "load",
    usage: "FILE",
    about: "takes up a program (FILE.vi) or a saved fit (FILE.elbo) in place of the model",
    takes: Takes::Files,
    run,
};

/// What `:save` writes. A program that comes from elsewhere must not be able to write files.
const DIRECTIVES: [&str; 3] = [":data", ":set", ":fit"];

fn run(session: &mut Session, path: &str, watch: Watch) -> Result<String> {
    if path.is_empty() {
        return Err(misused(&COMMAND));
    }
    let refuse = |why: &str| {
        Error::from(Diagnostic::error(
            "E0631",
            format!("cannot read {path}: {why}"),
        ))
    };
    let bytes = session.read(path).map_err(|e| refuse(&e.to_string()))?;
    if path.ends_with(".elbo") {
        session.open(Fit::from_bytes(path, &bytes)?)?;
        return Ok(session.statements().text().trim_end().to_string());
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text (UTF-8)"))?;
    session.whole(|session| begin_anew(session, &text, watch))
}

fn begin_anew(session: &mut Session, text: &str, watch: Watch) -> Result<String> {
    session.reset();
    // An empty line in place of each directive: messages count lines.
    let statement = |line| match directive(line) {
        Some(_) => "",
        None => line,
    };
    let statements: Vec<&str> = text.lines().map(statement).collect();
    // The program itself first: a fit needs all of it.
    let mut said = vec![session.say(statements.join("\n").trim_end())?];
    for line in text.lines().filter_map(directive) {
        let name = line.split_whitespace().next().unwrap_or("");
        if !DIRECTIVES.contains(&name) {
            let message = format!("`{line}` is none of the commands that a program can bring");
            let help = format!("these are {}", DIRECTIVES.join(", "));
            return Err(Diagnostic::error("E0808", message).help(help).into());
        }
        said.push(obey(session, line.trim_start_matches(':'), watch)?);
    }
    said.retain(|text| !text.is_empty());
    Ok(said.join("\n"))
}

fn directive(line: &str) -> Option<&str> {
    line.strip_prefix(DIRECTIVE)
}
