//! What every stage says when a program or its data are wrong: a [`Diagnostic`], plain data.
//!
//! A diagnostic carries a stable code (`E0203`), a message in the user's own names, the places it
//! speaks of and, where a fix is likely, what to do. Stages build diagnostics by constructors named
//! after the mistake (each stage's `error.rs`); [`render`] alone knows how they look.

mod excerpt;
mod render;
mod suggest;

pub use render::{Report, render};
pub use suggest::closest;

use serde::{Deserialize, Deserializer, Serialize};

/// Which source text a [`Span`] points into: an index into [`Sources`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct SourceId(pub u16);

/// A half-open range of bytes in one source text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Span {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(source: SourceId, start: usize, end: usize) -> Span {
        Span {
            source,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest span that covers both; `self` where they lie in different texts.
    pub fn to(self, other: Span) -> Span {
        if self.source != other.source {
            return self;
        }
        Span {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// The texts that spans point into, with the name each is shown under.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// One source text and its name.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
}

impl Sources {
    /// Adds a text and gives the id by which spans refer to it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.files.push(SourceFile {
            name: name.into(),
            text: text.into(),
        });
        SourceId((self.files.len() - 1) as u16)
    }

    /// The names of all texts, in the order of their ids.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| f.name.as_str())
    }

    /// All texts, in the order of their ids.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| f.text.as_str())
    }

    pub fn get(&self, id: SourceId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The text under a span; empty where the span lies outside its source.
    pub fn snippet(&self, span: Span) -> &str {
        self.get(span.source)
            .and_then(|f| f.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// Line of a span's start, from 1.
    pub fn line(&self, span: Span) -> usize {
        let text = self.get(span.source).map_or("", |f| f.text.as_str());
        let end = (span.start as usize).min(text.len());
        1 + text.as_bytes()[..end]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// The program or its data cannot be used.
    Error,
    /// Likely a mistake; the work goes on.
    Warning,
}

/// One place that a diagnostic speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A code such as `E0203`.
pub type Code = &'static str;

/// One thing to tell the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable code; `docs/errors/<code>.md` explains it.
    #[serde(deserialize_with = "known_code")]
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// The first label is the primary place.
    pub labels: Vec<Label>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message)
        }
    }

    /// Adds a place with what is to be said of it.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds `did you mean …?` when one of the known names is close to the one written.
    pub fn suggest<'a>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        match closest(written, known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Adds help where there is none yet.
    ///
    /// ```
    /// use elbo::diag::Diagnostic;
    /// let help = |name: &str| {
    ///     let problem = Diagnostic::error("E0101", format!("`{name}` is not defined"));
    ///     problem.suggest(name, ["mu", "sigma"]).or_help("there are mu, sigma").help
    /// };
    /// assert_eq!(help("sigmaa").unwrap(), "did you mean `sigma`?");
    /// assert_eq!(help("x").unwrap(), "there are mu, sigma");
    /// ```
    pub fn or_help(self, help: impl Into<String>) -> Diagnostic {
        match self.help {
            Some(_) => self,
            None => self.help(help),
        }
    }

    /// Adds help after what there is.
    pub fn and_help(self, help: impl Into<String>) -> Diagnostic {
        let help = match &self.help {
            Some(first) => format!("{first} {}", help.into()),
            None => help.into(),
        };
        self.help(help)
    }
}

/// Every code, in order: those that have a page.
const CODES: &[&str] = include!(concat!(env!("OUT_DIR"), "/error_codes.rs"));

/// A code as it was written, of those that there are.
fn known_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let written = String::deserialize(deserializer)?;
    let known = CODES.iter().find(|code| **code == written);
    known
        .copied()
        .ok_or_else(|| serde::de::Error::custom(format!("there is no code {written}")))
}

/// One or more diagnostics: what a stage returns instead of its result.
pub type Diagnostics = Vec<Diagnostic>;
