//! Renders diagnostics with their source text, by miette.

use super::excerpt::{Excerpt, shorten};
use super::{Diagnostic, Diagnostics, Label, Severity, Sources};
use miette::{LabeledSpan, SourceCode};
use std::fmt;

/// A diagnostic together with the text it speaks of: implements [`miette::Diagnostic`].
#[derive(Clone, Debug)]
pub struct Report {
    diagnostic: Diagnostic,
    source: Option<Excerpt>,
    elsewhere: Vec<Report>,
    /// Whether it only adds a place to another: then its code and severity are that one's.
    is_note: bool,
}

impl Report {
    /// Attaches the sources. Labels outside the primary label's text become related notes.
    pub fn new(diagnostic: Diagnostic, sources: &Sources) -> Report {
        let primary = diagnostic.labels.first().map(|l| l.span.source);
        let (mut here, mut elsewhere) = (diagnostic.clone(), Vec::new());
        here.labels.retain(|l| Some(l.span.source) == primary);
        for label in diagnostic
            .labels
            .iter()
            .filter(|l| Some(l.span.source) != primary)
        {
            // The message is the label's text, which need not be said again at the place itself.
            let place = Label {
                span: label.span,
                text: String::new(),
            };
            let note = Diagnostic {
                message: label.text.clone(),
                labels: vec![place],
                help: None,
                ..diagnostic.clone()
            };
            elsewhere.push(Report {
                is_note: true,
                ..Report::new(note, sources)
            });
        }
        let source = primary
            .and_then(|id| sources.get(id))
            .map(|file| Excerpt::new(&file.name, &file.text, &mut here.labels));
        shorten(&mut here.message);
        here.labels.iter_mut().for_each(|l| shorten(&mut l.text));
        Report {
            diagnostic: here,
            source,
            elsewhere,
            is_note: false,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.is_note).then(|| Box::new(self.diagnostic.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        if self.is_note {
            return Some(miette::Severity::Advice);
        }
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.diagnostic.labels.iter().enumerate().map(
            |(i, label)| {
                let (start, len) = (
                    label.span.start as usize,
                    (label.span.end - label.span.start) as usize,
                );
                let text = (!label.text.is_empty()).then(|| label.text.clone());
                if i == 0 {
                    LabeledSpan::new_primary_with_span(text, (start, len))
                } else {
                    LabeledSpan::new_with_span(text, (start, len))
                }
            },
        )))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(
            self.elsewhere.iter().map(|r| r as &dyn miette::Diagnostic),
        ))
    }
}

/// All diagnostics as text: graphical with the `cli` feature, one line each without it.
///
/// `colour` asks for terminal colours; links are never printed.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, colour: bool) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = Report::new(diagnostic.clone(), sources);
        render_one(&report, colour, &mut out);
    }
    out
}

#[cfg(feature = "cli")]
fn render_one(report: &Report, colour: bool, out: &mut String) {
    use miette::{GraphicalReportHandler, GraphicalTheme};
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width(colour));
    handler
        .render_report(out, report)
        .expect("writing to a String does not fail");
}

/// That of the terminal, if it is one, and never beyond what is read with ease.
#[cfg(feature = "cli")]
fn width(terminal: bool) -> usize {
    const WIDEST: usize = 100;
    let found = comfy_table::Table::new().width().filter(|_| terminal);
    found.map_or(WIDEST, |n| usize::from(n).clamp(40, WIDEST))
}

#[cfg(not(feature = "cli"))]
fn render_one(report: &Report, _colour: bool, out: &mut String) {
    use std::fmt::Write;
    let d = &report.diagnostic;
    writeln!(out, "{}: {}", d.code, d.message).expect("writing to a String does not fail");
    for label in &d.labels {
        writeln!(
            out,
            "  at {}..{}: {}",
            label.span.start, label.span.end, label.text
        )
        .expect("writing to a String does not fail");
    }
    if let Some(help) = &d.help {
        writeln!(out, "  help: {help}").expect("writing to a String does not fail");
    }
}
