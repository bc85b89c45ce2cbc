//! What commands give turned into text on the two streams, and into the exit code.
//!
//! A reader who closes the pipe (`elbo fit … | head -3`) has seen enough: that is no failure.

use crate::api::Fit;
use crate::diag::{Diagnostic, Diagnostics, Sources, render};
use crate::output::wants_colour;
use std::io::{self, IsTerminal, Write};

/// How the process exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Good = 0,
    /// The program or the data are wrong.
    Wrong = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The fit did not converge or is not to be trusted.
    Untrusted = 3,
}

/// Why a command has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something is to be told; the texts are those that its places are in.
    Told {
        diagnostics: Diagnostics,
        sources: Sources,
        exit: Exit,
    },
    /// Standard output cannot be written.
    Output(io::Error),
}

impl Exit {
    /// Of a command that asks a saved fit: what does not converge is not to be trusted, whatever is asked of it. Unless
    /// `silent`, says so.
    pub(super) fn of(fit: &Fit, silent: bool) -> Exit {
        if fit.converged() {
            return Exit::Good;
        }
        if !silent {
            note(&format!("the fit is not to be trusted. {}", fit.verdict()));
        }
        Exit::Untrusted
    }
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Failure {
        Failure::wrong(error.diagnostics, &error.sources)
    }
}

impl Failure {
    /// The program or the data are wrong.
    pub(super) fn wrong(diagnostics: Diagnostics, sources: &Sources) -> Failure {
        Failure::Told {
            diagnostics,
            sources: sources.clone(),
            exit: Exit::Wrong,
        }
    }

    /// The command line is wrong in a way that its parser cannot see.
    pub(super) fn usage(diagnostics: Diagnostics, sources: &Sources) -> Failure {
        Failure::Told {
            diagnostics,
            sources: sources.clone(),
            exit: Exit::Usage,
        }
    }

    /// The model has no fit.
    pub(super) fn untrusted(diagnostics: Diagnostics, sources: &Sources) -> Failure {
        Failure::Told {
            diagnostics,
            sources: sources.clone(),
            exit: Exit::Untrusted,
        }
    }

    /// Says it on standard error, and with `json` as one object on standard output too.
    pub(super) fn tell(self, json: bool) -> Exit {
        match self {
            Failure::Told {
                diagnostics,
                sources,
                exit,
            } => {
                tell(&diagnostics, &sources);
                if json {
                    // Where standard output cannot be written the messages stand on the other stream.
                    let _ = print_json(&errors(&diagnostics, &sources));
                }
                exit
            }
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Good,
            Failure::Output(error) => {
                let message = format!("standard output cannot be written: {error}");
                let problem = Diagnostic::error("E0704", message)
                    .help("check where it goes, and the space there");
                tell(&vec![problem], &Sources::default());
                Exit::Wrong
            }
        }
    }
}

/// `{"error": the first, "errors": all}`, each with code, severity, message, help and place.
fn errors(diagnostics: &Diagnostics, sources: &Sources) -> serde_json::Value {
    let mut errors = crate::output::messages(diagnostics);
    let objects = errors.as_array_mut().into_iter().flatten();
    for (object, diagnostic) in objects.zip(diagnostics) {
        if let Some(span) = diagnostic.labels.first().map(|l| l.span)
            && let Some(file) = sources.get(span.source)
        {
            object["file"] = file.name.as_str().into();
            object["line"] = sources.line(span).into();
        }
    }
    serde_json::json!({"error": errors[0], "errors": errors})
}

/// Renders diagnostics to standard error.
pub(super) fn tell(diagnostics: &Diagnostics, sources: &Sources) {
    if diagnostics.is_empty() {
        return;
    }
    let text = render(diagnostics, sources, colour());
    note(text.trim_end_matches('\n'));
}

/// Writes a line to standard error. Where that cannot be written there is nobody to tell.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes text to standard output.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a JSON object to standard output, on one line.
pub(super) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value}\n"))
}

/// Whether standard error is a terminal on which colour is wanted (<https://no-color.org>).
fn colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}
