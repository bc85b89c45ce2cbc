//! `:model`: the program so far.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::diag::SourceId;
use crate::syntax;

pub(super) const COMMAND: Command = Command {
    name: "model",
    usage: "",
    about: "shows the program so far",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    let text = session.statements().text();
    if text.is_empty() {
        return Ok("the model is empty: say a statement, such as `mu ~ Normal(0, 1)`".into());
    }
    let (ast, _) = syntax::parse(SourceId(0), &text);
    Ok(syntax::format(&ast, &text).trim_end().to_string())
}
