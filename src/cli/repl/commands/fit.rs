//! `:fit`: the posterior.

use super::{Command, Takes};
use crate::api::Error;
use crate::cli::fit::FitOptions;
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::show::in_words;
use crate::diag::{Diagnostic, render};
use crate::infer::Options;
use clap::{Args, FromArgMatches};

pub(super) const COMMAND: Command = Command {
    name: "fit",
    usage: "[OPTIONS]",
    about: "fits the model: options as of `elbo fit`, such as `:fit --seed 2 --guide full_rank`",
    takes: Takes::Options,
    run,
};

fn run(session: &mut Session, options: &str, watch: Watch) -> Result<String> {
    let asked = parse(options)?;
    let model = session.program()?.bind(session.data())?;
    let how = Options {
        cancel: Some(session.cancel.clone()),
        ..asked.options()
    };
    let fit = model.fit_with(&how, &mut |p| watch(&how, p))?;
    let mut said = in_words(&fit, &session.table);
    let mut notes = model.notes().clone();
    notes.extend(fit.messages().iter().cloned());
    if !notes.is_empty() {
        said.push_str(&render(&notes, fit.program().sources(), false));
    }
    session.set_fit(options, fit);
    Ok(said.trim_end().to_string())
}

fn parse(options: &str) -> Result<FitOptions> {
    let command = FitOptions::augment_args(clap::Command::new(":fit").no_binary_name(true));
    let words = options.split_whitespace();
    let found = command.try_get_matches_from(words);
    let found = found.and_then(|matches| FitOptions::from_arg_matches(&matches));
    found.map_err(|e| {
        let text = e.render().to_string();
        let first = text
            .lines()
            .next()
            .unwrap_or("")
            .trim_start_matches("error: ");
        Error::from(
            Diagnostic::error("E0808", first).help("options are those of `elbo fit --help`"),
        )
    })
}
