//! `elbo repl`: a conversation about a model, line by line.

mod commands;
mod editor;
mod model;
mod session;
#[cfg(test)]
mod tests;
mod value;

use super::progress::Line;
use super::streams::{Exit, Failure, Result, note, print, tell};
use crate::data::{self, Disk};
use crate::diag::{Diagnostic, Sources};
use crate::infer::{Options, Progress};
use crate::output::TableOptions;
use crate::syntax::is_incomplete;
use clap::Args;
use editor::Editor;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config};
use session::{Answer, Session};
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::Ordering;

/// Builds and tries a model line by line
///
/// Statements become part of the model, expressions are answered: before a fit by simulation from the prior, afterwards by the
/// posterior. What begins with a colon is a command: `:help` lists them. Without a terminal lines are read from standard input.
#[derive(Args, Default)]
#[command(after_help = "\
Examples:
  elbo                                  the same as `elbo repl`
  elbo repl schools.vi --data schools.json
  elbo repl < script")]
pub(super) struct Repl {
    /// A program to begin with, or a session that `:save` has written
    model: Option<PathBuf>,

    /// A data file or a folder of them; may be given several times
    #[arg(short, long = "data", value_name = "FILE")]
    data: Vec<PathBuf>,
}

impl Repl {
    pub(super) fn run(&self) -> Result<Exit> {
        let mut session = Session::default();
        let cancel = session.cancel.clone();
        // The first stops a fit, the second ends the process: a prediction cannot be stopped.
        let _ = ctrlc::set_handler(move || {
            if cancel.swap(true, Ordering::Relaxed) {
                process::exit(130);
            }
        });
        let terminal = io::stdin().is_terminal();
        session.table = TableOptions::for_stdout();
        let mut good = true;
        for line in self.beginning() {
            good &= say(&mut session, &line)?.is_good();
        }
        // A session that `:save` has written brings its own.
        if let Some(path) = self.found().filter(|_| session.data().is_empty()) {
            good &= say(&mut session, &format!(":data {}", path.display()))?.is_good();
        }
        match terminal {
            true => converse(&mut session)?,
            false => good &= read_all(&mut session)?,
        }
        Ok(match good || terminal {
            true => Exit::Good,
            false => Exit::Wrong,
        })
    }

    /// The commands that the arguments stand for.
    fn beginning(&self) -> Vec<String> {
        let data = self
            .data
            .iter()
            .map(|path| format!(":data {}", path.display()));
        let model = self
            .model
            .iter()
            .map(|path| format!(":load {}", path.display()));
        model.chain(data).collect()
    }

    /// Data that lie beside the model.
    fn found(&self) -> Option<PathBuf> {
        data::beside(&Disk, self.model.as_ref()?)
    }
}

/// How a line went.
#[derive(PartialEq)]
enum Said {
    Good,
    Wrong,
    Quit,
}

impl Said {
    fn is_good(&self) -> bool {
        *self != Said::Wrong
    }
}

/// Takes a line and prints what is answered.
fn say(session: &mut Session, line: &str) -> Result<Said> {
    let mut progress: Option<Line> = None;
    let mut watch = |options: &Options, p: &Progress| {
        progress
            .get_or_insert_with(|| Line::of_fit(true, options))
            .update(p)
    };
    let Answer { text, error, quit } = session.answer(line, &mut watch);
    drop(progress);
    if !text.is_empty() {
        print(&format!("{text}\n"))?;
    }
    Ok(match error {
        Some(error) => {
            tell(&error.diagnostics, &error.sources);
            Said::Wrong
        }
        None if quit => Said::Quit,
        None => Said::Good,
    })
}

/// Lines from a pipe or a file, those that belong together as one; whether all were good.
fn read_all(session: &mut Session) -> Result<bool> {
    let mut good = true;
    let mut open = String::new();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|e| {
            let message = format!("standard input cannot be read: {e}");
            Failure::wrong(
                vec![Diagnostic::error("E0704", message)],
                &Sources::default(),
            )
        })?;
        // A command ends what was left open, whose mistake is told.
        if line.starts_with(':') && !open.is_empty() {
            good &= say(session, &std::mem::take(&mut open))?.is_good();
        }
        open.push_str(&line);
        open.push('\n');
        if !open.trim_start().starts_with(':') && is_incomplete(&open) {
            continue;
        }
        match say(session, &std::mem::take(&mut open))? {
            Said::Quit => return Ok(good),
            said => good &= said.is_good(),
        }
    }
    // An open bracket at the end is an error that is said.
    good &= say(session, &open)?.is_good();
    Ok(good)
}

/// Lines from a terminal.
fn converse(session: &mut Session) -> Result<()> {
    let colour = session.table.colour;
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .color_mode(if colour {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        })
        .auto_add_history(true)
        .build();
    let mut terminal: rustyline::Editor<Editor, DefaultHistory> =
        match rustyline::Editor::with_config(config) {
            Ok(terminal) => terminal,
            Err(e) => {
                let message = format!("the terminal cannot be read: {e}");
                tell(
                    &vec![Diagnostic::error("E0704", message)],
                    &Sources::default(),
                );
                return Ok(());
            }
        };
    let mut editor = Editor::default();
    editor.colour = colour;
    terminal.set_helper(Some(editor));
    let history = std::env::home_dir().map(|home| home.join(".elbo_history"));
    // There is none before the first session.
    let _ = history.as_ref().map(|path| terminal.load_history(path));
    note(concat!(
        "elbo ",
        env!("CARGO_PKG_VERSION"),
        "; `:help` tells what can be said"
    ));
    loop {
        if let Some(editor) = terminal.helper_mut() {
            editor.names = session.statements().names();
        }
        match terminal.readline("elbo> ") {
            Ok(line) => {
                if say(session, &line)? == Said::Quit {
                    break;
                }
            }
            // The line is thrown away, as in other shells.
            Err(ReadlineError::Interrupted) => {}
            Err(_) => break,
        }
        // Each line, so that a crash loses none.
        let _ = history.as_ref().map(|path| terminal.append_history(path));
    }
    Ok(())
}
