//! `:prior`: what the priors say of everything.

use super::{Command, Takes};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::cli::repl::value::{PRIOR_DRAWS, in_table};

pub(super) const COMMAND: Command = Command {
    name: "prior",
    usage: "[NAME…]",
    about: "shows what the priors say of latents and data, by simulation",
    takes: Takes::Names,
    run,
};

fn run(session: &mut Session, names: &str, _: Watch) -> Result<String> {
    let names: Vec<&str> = names.split_whitespace().collect();
    let prior = session.program()?.prior(session.data(), 1, PRIOR_DRAWS)?;
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    let all = prior.latents.into_iter().chain(prior.observed);
    let wanted: Vec<_> = all.filter(|q| wanted(&q.name)).collect();
    Ok(in_table(&wanted, &session.table))
}
