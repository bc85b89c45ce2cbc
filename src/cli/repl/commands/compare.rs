//! `:compare`: this fit beside earlier ones, or saved ones.

use super::{Command, Takes, arguments};
use crate::api::Fit;
use crate::cli::compare::{Row, same_observations, text};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::fitted;
use crate::diag::Diagnostic;

pub(super) const COMMAND: Command = Command {
    name: "compare",
    usage: "[FIT…]",
    about: "compares the fit with those of earlier models, or with saved fits",
    takes: Takes::Files,
    run,
};

fn run(session: &mut Session, files: &str, _: Watch) -> Result<String> {
    let mut rows = vec![Row::new("this".into(), fitted(session)?)?];
    for path in arguments(files) {
        let bytes = session.read(path).map_err(|e| {
            Diagnostic::error("E0639", format!("cannot read the fit {path}: {e}"))
                .help("`:save FILE.elbo` writes one")
        })?;
        rows.push(Row::new(path.into(), &Fit::from_bytes(path, &bytes)?)?);
    }
    if files.is_empty() {
        for (i, fit) in session.earlier.iter().enumerate() {
            let is_this = session.fit().is_some_and(|this| std::ptr::eq(this, &**fit));
            let row = Row::new(format!("fit {}", i + 1), fit)?;
            // What was said of other data has nothing to do with this.
            if !is_this && same_observations(&[rows[0].clone(), row.clone()]).is_ok() {
                rows.push(row);
            }
        }
    }
    same_observations(&rows)?;
    rows.sort_by(Row::by_prediction);
    Ok(text(&rows).trim_end().to_string())
}
