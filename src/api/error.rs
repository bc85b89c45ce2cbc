//! The one error of the interface: what is wrong, with the texts that the places are in.

use crate::diag::{Diagnostic, Diagnostics, Report, Sources, render};
use std::fmt;
use std::sync::OnceLock;

/// What is wrong with a program, its data or its fit.
///
/// It displays as its first message; as a [`miette::Diagnostic`], by [`Error::render`] and where `main` returns it,
/// all of them are shown with their places.
///
/// ```
/// let error = elbo::Program::parse("mu ~ Normal(0, sgima)\nsigma ~ HalfNormal(1)").unwrap_err();
/// assert_eq!(error.to_string(), "`sgima` is not defined");
/// assert_eq!(error.diagnostics[0].code, "E0101");
/// assert!(error.render(false).contains("did you mean `sigma`?"));
/// ```
#[derive(Clone, thiserror::Error)]
pub struct Error {
    /// All that is wrong, at least one.
    pub diagnostics: Diagnostics,
    /// The texts that their places are in.
    pub sources: Sources,
    reports: OnceLock<Vec<Report>>,
}

impl Error {
    /// Of mistakes, at least one, and the texts that their places are in.
    pub fn new(diagnostics: Diagnostics, sources: &Sources) -> Error {
        Error {
            diagnostics,
            sources: sources.clone(),
            reports: OnceLock::new(),
        }
    }

    /// All messages with their places in the texts; `colour` is for terminals.
    pub fn render(&self, colour: bool) -> String {
        render(&self.diagnostics, &self.sources, colour)
    }

    fn reports(&self) -> &[Report] {
        self.reports.get_or_init(|| {
            let report = |d: &Diagnostic| Report::new(d.clone(), &self.sources);
            self.diagnostics.iter().map(report).collect()
        })
    }
}

/// Of no place.
impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        Error::new(vec![diagnostic], &Sources::default())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.diagnostics.first() else {
            return Ok(());
        };
        f.write_str(&first.message)?;
        match self.diagnostics.len() {
            1 => Ok(()),
            2 => f.write_str(" (and one more mistake)"),
            n => write!(f, " (and {} more mistakes)", n - 1),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The first mistake, to which the others are related.
impl miette::Diagnostic for Error {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.reports().first()?.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.reports().first()?.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.reports().first()?.help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.reports().first()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.reports().first()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        let (first, others) = self.reports().split_first()?;
        let others = others.iter().map(|r| r as &dyn miette::Diagnostic);
        Some(Box::new(
            first.related().into_iter().flatten().chain(others),
        ))
    }
}
