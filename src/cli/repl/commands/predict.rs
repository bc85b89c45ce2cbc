//! `:predict`: what the fit says of its own data, or of new ones.

use super::{Command, Takes, arguments};
use crate::api::{Error, Predictive};
use crate::cli::input::set;
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::{fitted, in_table};
use crate::data::Data;
use crate::diag::Sources;

pub(super) const COMMAND: Command = Command {
    name: "predict",
    usage: "[FILE|NAME=VALUE…]",
    about: "draws what is observed, for the data of the fit or new ones: `:predict x=[4,5]`",
    takes: Takes::Files,
    run,
};

fn run(session: &mut Session, given: &str, _: Watch) -> Result<String> {
    let fit = fitted(session)?;
    let mut new = Data::default();
    for part in arguments(given) {
        let mut sources = Sources::default();
        let read = match part.contains('=') {
            true => set(fit.program(), part, &mut sources).map_err(|d| Error::new(d, &sources)),
            false => session.read_data(part),
        };
        new.merge(read?).map_err(|d| Error::new(d, &sources))?;
    }
    let how = Predictive {
        threads: crate::cli::fit::cores(),
        ..Predictive::default()
    };
    let prediction = fit.predict_with(&new, &how)?;
    Ok(in_table(&prediction.observed, &session.table))
}
