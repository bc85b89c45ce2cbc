//! `elbo new`: a folder with a program, data and a page that say how to go on.

use super::streams::{Exit, Failure, Result, note};
use crate::diag::{Diagnostic, Sources};
use crate::output::{make_folder, replace_file};
use clap::Args;
use std::path::PathBuf;

/// The files of a project: how each is called, `NAME` standing for the project's name, and what is in it.
const FILES: &[(&str, &str)] = &[
    ("NAME.vi", include_str!("new/model.vi")),
    ("NAME.csv", include_str!("new/data.csv")),
    ("README.md", include_str!("new/README.md")),
];

/// Makes a project: a folder with a program that runs, its data, and what to do next
#[derive(Args)]
#[command(after_help = "\
Example:
  elbo new growth && elbo fit growth/growth.vi")]
pub(super) struct New {
    /// The folder to make; its last part names the program
    name: PathBuf,
}

impl New {
    pub(super) fn run(&self) -> Result<Exit> {
        let refuse = |d| Failure::wrong(vec![d], &Sources::default());
        let shown = self.name.display();
        let Some(name) = self
            .name
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
        else {
            let message = format!("`{shown}` is no name for a folder");
            let problem =
                Diagnostic::error("E0708", message).help("give one, such as `elbo new growth`");
            return Err(Failure::usage(vec![problem], &Sources::default()));
        };
        if self.name.exists() {
            let message = format!("there is already something at {shown}");
            let problem =
                Diagnostic::error("E0708", message).help("choose another name, or remove it first");
            return Err(refuse(problem));
        }
        make_folder(&self.name).map_err(refuse)?;
        for (file, text) in FILES {
            let path = self.name.join(file.replace("NAME", &name));
            replace_file(&path, text.replace("NAME", &name)).map_err(refuse)?;
        }
        note(&format!(
            "{shown}: next, elbo fit {}",
            self.name.join(format!("{name}.vi")).display()
        ));
        Ok(Exit::Good)
    }
}
