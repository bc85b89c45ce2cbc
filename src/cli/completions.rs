//! `elbo completions`: what a shell needs to complete `elbo`'s arguments.

use super::streams::{Exit, Result, print};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints a script that completes `elbo`'s arguments in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo completions bash > ~/.local/share/bash-completion/completions/elbo
  elbo completions zsh > \"${fpath[1]}/_elbo\"
  elbo completions fish > ~/.config/fish/completions/elbo.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Elbo::command(), "elbo", &mut script);
        print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Good)
    }
}
