//! `:load`: a program, with what a session that has written it did besides, or a saved fit.

use super::{Command, Takes, misused};
use crate::api::{Error, Fit};
use crate::cli::repl::session::{Answer, DIRECTIVE, Result, Session, Watch};
use crate::diag::Diagnostic;

pub(super) const COMMAND: Command = Command {
    name: "load",
    usage: "FILE",
    about: "takes up a program (FILE.vi) or a saved fit (FILE.elbo) in place of the model",
    takes: Takes::Files,
    run,
};

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
    session.reset();
    let steps = std::iter::once(text.clone()).chain(
        text.lines()
            .filter_map(|line| line.strip_prefix(DIRECTIVE))
            .map(String::from),
    );
    // The program itself first: a fit needs all of it.
    let mut said = Vec::new();
    for step in steps {
        let Answer { text, error, .. } = session.answer(&step, watch);
        if let Some(error) = error {
            while session.undo() && session.statements().is_empty() {}
            return Err(error);
        }
        said.push(text);
    }
    said.retain(|text| !text.is_empty());
    Ok(said.join("\n"))
}
