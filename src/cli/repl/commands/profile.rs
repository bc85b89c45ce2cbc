//! `:profile`: what one evaluation costs, by statement.

use super::{Command, Takes};
use crate::cli::profile::text;
use crate::cli::repl::session::{Result, Session, Watch};
use crate::infer::profile;
use crate::tape::Precision;

pub(super) const COMMAND: Command = Command {
    name: "profile",
    usage: "",
    about: "measures what each statement costs",
    takes: Takes::Nothing,
    run,
};

fn run(session: &mut Session, _: &str, _: Watch) -> Result<String> {
    let program = session.program()?;
    let model = program.bind(session.data())?;
    let cost = profile(&model, Precision::default());
    Ok(text(&cost, &model, program.sources())
        .trim_end()
        .to_string())
}
