//! `elbo man`: the manual, made from the declarations of the arguments.

use super::streams::{Exit, Failure, Result, print};
use crate::diag::{Diagnostic, Sources};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;
use std::io;

/// Prints the manual, in the language of `man`
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo man | man -l -
  elbo man fit > elbo-fit.1")]
pub(super) struct Man {
    /// The subcommand [default: all of `elbo`]
    subcommand: Option<String>,
}

impl Man {
    pub(super) fn run(&self) -> Result<Exit> {
        let mut elbo = super::Elbo::command();
        elbo.build();
        let command: Command = match &self.subcommand {
            None => elbo,
            Some(name) => match elbo.find_subcommand(name) {
                Some(found) => found.clone(),
                None => return Err(unknown(name, &elbo)),
            },
        };
        let mut page = Vec::new();
        Page::new(command)
            .render(&mut page)
            .map_err(|e: io::Error| e)?;
        print(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Good)
    }
}

fn unknown(name: &str, elbo: &Command) -> Failure {
    let known: Vec<&str> = elbo.get_subcommands().map(Command::get_name).collect();
    let message = format!("`elbo` has no subcommand `{name}`");
    let problem = Diagnostic::error("E0630", message).suggest(name, known);
    Failure::usage(vec![problem], &Sources::default())
}
