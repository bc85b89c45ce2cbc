//! A conversation about a model: what was said so far, and what follows from the next line.
//!
//! A session knows no terminal: it is handed text and gives text.

use super::commands;
use super::model::Statements;
use super::value;
use crate::api::{Error, Fit, Host, Program};
use crate::data::{self, Data, Disk, Files, InMemory, ReadAt};
use crate::diag::Sources;
use crate::infer::{Options, Progress};
use crate::output::TableOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What [`Session::undo`] goes back to.
#[derive(Clone, Default)]
struct State {
    statements: Statements,
    data: Data,
    /// How the data came: `:data FILE` and `:set NAME=VALUE`, in order.
    given: Vec<String>,
    /// The options of the fit.
    fitted: Option<String>,
    fit: Option<Arc<Fit>>,
}

/// A model that grows line by line, its data, and its fit.
pub(in crate::cli) struct Session {
    state: State,
    before: Vec<State>,
    /// Fits of earlier models, for comparison.
    pub(super) earlier: Vec<Arc<Fit>>,
    files: Arc<dyn Files + Send + Sync>,
    /// Set from anywhere to stop a fit.
    pub(super) cancel: Arc<AtomicBool>,
    pub(super) table: TableOptions,
    /// Whether the conversation is to end.
    pub(super) over: bool,
}

/// What is said to a line.
#[derive(Default)]
pub(in crate::cli) struct Answer {
    pub(in crate::cli) text: String,
    /// What was wrong: the session is as it was before.
    pub(in crate::cli) error: Option<Error>,
    /// The conversation is over.
    pub(in crate::cli) quit: bool,
}

/// What watches a fit.
pub(in crate::cli) type Watch<'a> = &'a mut dyn FnMut(&Options, &Progress);

pub(super) type Result<T> = std::result::Result<T, Error>;

/// The name of the text that the statements make.
pub(super) const NAME: &str = "session.vi";

impl Default for Session {
    fn default() -> Session {
        Session::new(Arc::new(Disk))
    }
}

impl Session {
    /// An empty one; what it is told to read comes from `files`.
    pub(in crate::cli) fn new(files: Arc<dyn Files + Send + Sync>) -> Session {
        Session {
            state: State::default(),
            before: Vec::new(),
            earlier: Vec::new(),
            files,
            cancel: Arc::default(),
            table: TableOptions::default(),
            over: false,
        }
    }

    /// Takes a line (or several that belong together): a command, statements or an expression.
    pub(in crate::cli) fn answer(&mut self, line: &str, watch: Watch) -> Answer {
        let line = line.trim();
        self.cancel.store(false, Ordering::Relaxed);
        // What other terminals take without a colon.
        let bare =
            ["exit", "quit", "help"].contains(&line) && !self.statements().names().contains(line);
        let said = match line.strip_prefix(':').or(bare.then_some(line)) {
            Some("exit") if bare => commands::run(self, "quit", watch),
            Some(command) => commands::run(self, command, watch),
            None => self.say(line),
        };
        let (text, error) = match said {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(error)),
        };
        Answer {
            text,
            error,
            quit: self.over,
        }
    }

    /// Statements, or an expression.
    pub(super) fn say(&mut self, text: &str) -> Result<String> {
        if is_empty(text) {
            return Ok(String::new());
        }
        match Statements::read(text)? {
            None => value::answer(self, text),
            Some(new) => {
                let (statements, said) = self.state.statements.with(new, &Reader(self))?;
                // What is only named or computed leaves the fit as it is.
                let keeps = said.only_definitions;
                self.change(|state| {
                    state.statements = statements;
                    if !keeps {
                        state.fit = None;
                    }
                });
                let lost = self.before.last().is_some_and(|s| s.fit.is_some()) && !keeps;
                let note = match lost {
                    true => "\nthe fit was of the model before: `:fit` fits this one",
                    false => "",
                };
                Ok(format!("{}{note}", said.text))
            }
        }
    }

    /// Changes the state, so that it can be undone.
    fn change(&mut self, change: impl FnOnce(&mut State)) {
        self.before.push(self.state.clone());
        if let Some(fit) = &self.state.fit
            && !self.earlier.iter().any(|known| Arc::ptr_eq(known, fit))
        {
            self.earlier.push(fit.clone());
        }
        change(&mut self.state);
    }

    /// Makes one change of several, which happens as a whole or not at all.
    pub(super) fn whole<T>(
        &mut self,
        changes: impl FnOnce(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let (state, earlier) = (self.state.clone(), self.earlier.len());
        let before = std::mem::take(&mut self.before);
        let done = changes(self);
        self.before = before;
        match done {
            Ok(_) => self.before.push(state),
            Err(_) => {
                self.state = state;
                self.earlier.truncate(earlier);
            }
        }
        done
    }

    pub(super) fn undo(&mut self) -> bool {
        let Some(before) = self.before.pop() else {
            return false;
        };
        self.state = before;
        true
    }

    pub(super) fn reset(&mut self) {
        self.change(|state| *state = State::default());
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.state.statements
    }

    pub(super) fn data(&self) -> &Data {
        &self.state.data
    }

    pub(super) fn fit(&self) -> Option<&Fit> {
        self.state.fit.as_deref()
    }

    pub(super) fn set_fit(&mut self, options: &str, fit: Fit) {
        self.change(|state| {
            state.fitted = Some(options.to_string());
            state.fit = Some(Arc::new(fit));
        });
    }

    /// Takes over what a saved fit is of.
    pub(super) fn open(&mut self, fit: Fit) -> Result<()> {
        let new = Statements::read(fit.program().text())?.unwrap_or_default();
        let (statements, _) = Statements::default().with(new, &Reader(self))?;
        self.change(|state| {
            *state = State {
                statements,
                data: fit.data().clone(),
                given: Vec::new(),
                fitted: None,
                fit: Some(Arc::new(fit)),
            };
        });
        Ok(())
    }

    /// Adds data, as the command `how` has given them.
    pub(super) fn give(&mut self, new: Data, how: String) {
        self.change(|state| {
            for entry in new.entries() {
                state.data.insert_entry(entry.clone());
            }
            state.given.push(how);
            state.fit = None;
        });
    }

    /// The whole program, as far as it can be used.
    pub(super) fn program(&self) -> Result<Program> {
        self.state.statements.program(&Reader(self))
    }

    /// The program of the statements that `text` needs, with its data, and whether it draws.
    pub(super) fn needed(&self, text: &str) -> Result<(Program, Data, bool)> {
        let statements = self.state.statements.needed_by(text);
        let program = statements.program(&Reader(self))?;
        let variables = program.variables();
        let mut data = Data::default();
        for entry in self.state.data.entries() {
            if variables.iter().any(|v| v.name == entry.name) {
                data.insert_entry(entry.clone());
            }
        }
        Ok((program, data, statements.draws()))
    }

    /// Reads a data file, or a folder of them.
    pub(super) fn read_data(&self, path: &str) -> Result<Data> {
        let mut sources = Sources::default();
        let read = data::load(&*self.files, path.as_ref(), &mut sources);
        read.map_err(|d| Error::new(d, &sources))
    }

    /// Reads a text.
    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.read(path.as_ref())
    }

    /// The session as a program: what gives the data and how it was fitted stand in comments, which `:load` obeys.
    pub(super) fn script(&self) -> String {
        let mut script: String = self
            .state
            .given
            .iter()
            .map(|g| format!("{DIRECTIVE}{g}\n"))
            .collect();
        script.push_str(&self.state.statements.text());
        if let (Some(options), Some(_)) = (&self.state.fitted, &self.state.fit) {
            script.push_str(format!("{DIRECTIVE}:fit {options}").trim_end());
            script.push('\n');
        }
        script
    }
}

/// What a command begins with in a program that a session has written.
pub(super) const DIRECTIVE: &str = "//: ";

/// Nothing but space and comments.
fn is_empty(line: &str) -> bool {
    line.lines()
        .all(|l| l.trim().is_empty() || l.trim().starts_with("//"))
}

/// The files of a session, and its own text beside them.
pub(super) struct Reader<'s>(&'s Session);

impl Reader<'_> {
    /// The program of a text.
    pub(super) fn program(&self, text: &str) -> Result<Program> {
        let files = Beside {
            own: InMemory::new([(NAME, text)]),
            rest: self.0.files.clone(),
        };
        Host::new(Arc::new(files)).load(NAME)
    }
}

/// One text before other files.
struct Beside {
    own: InMemory,
    rest: Arc<dyn Files + Send + Sync>,
}

impl Files for Beside {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.own.read(path).or_else(|_| self.rest.read(path))
    }

    fn exists(&self, path: &Path) -> bool {
        self.own.exists(path) || self.rest.exists(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.rest.list(folder)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        self.rest.open(path)
    }
}
