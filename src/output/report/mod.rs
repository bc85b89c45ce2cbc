//! A fit as one page that a browser shows: how far to believe it, what it found, and how well that agrees with the data.
//!
//! The page is a single HTML file without scripts, and loads nothing. A section is a file here and a row of [`SECTIONS`]; it
//! leaves itself out where there is nothing to show. Plots are inline SVG ([`plot`]). What would be too long is cut,
//! and the page says what is left out: a page of thousands of elements has a few hundred kilobytes.

mod axis;
mod density;
mod divergence;
mod head;
mod inputs;
mod learned;
mod marginals;
mod messages;
mod pairs;
mod plot;
mod posterior;
mod predictive;
mod rerun;
mod select;
mod trace;

#[cfg(test)]
mod tests;

use super::{Posterior, Results, Summary};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::io;

/// What a page is made of.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The model's name.
    pub title: &'a str,
    /// The summaries are of what has a distribution.
    pub results: Results<'a>,
    /// Params, which are the same in every draw.
    pub learned: &'a [Summary],
    /// The program's text.
    pub program: &'a str,
    /// Names of the data with what they are, such as `real[8]`.
    pub data: Vec<(String, String)>,
    /// Draws from the prior, of those quantities of the posterior that have one.
    pub prior: Option<&'a Posterior>,
    /// Latents with KL(q‖p) from guide to prior, in nats, as [`divergence`](crate::infer::divergence()) estimates it.
    pub kl: Vec<(String, f64)>,
    /// What was observed, with replications of it.
    pub predictive: Vec<Predictive<'a>>,
    pub missing: Missing<'a>,
}

/// Why a page lacks what it would show else, as one line; `None` for what is not missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing<'a> {
    /// The prior cannot be drawn from.
    pub prior: Option<&'a str>,
    /// The data cannot be replicated.
    pub replicates: Option<&'a str>,
}

/// Observed data with draws of the same data from the posterior predictive distribution.
#[derive(Clone, Copy, Debug)]
pub struct Predictive<'a> {
    pub name: &'a str,
    pub shape: &'a [usize],
    /// Row-major; NaN where nothing was observed.
    pub observed: &'a [f64],
    /// Draws by elements, row-major.
    pub replicated: &'a [f64],
    /// All values are whole numbers.
    pub integer: bool,
}

/// The content of a section, if there is any.
type Section = fn(&Report) -> Option<Markup>;

/// The sections with their headings, in order.
const SECTIONS: &[(&str, Section)] = &[
    ("Messages", messages::section),
    ("Posterior", posterior::section),
    ("Learned values", learned::section),
    ("ELBO", trace::section),
    ("Marginals", marginals::section),
    ("Pairs", pairs::section),
    ("Predictive checks", predictive::section),
    ("From prior to posterior", divergence::section),
    ("Data", inputs::data),
    ("Program", inputs::program),
    ("How it was made", rerun::section),
];

/// Writes the page as HTML.
///
/// ```
/// use elbo::output::{Posterior, Quantity, Results, Run, report, summarise};
/// let mu = Quantity { name: "mu".into(), draws: vec![1.0, 2.0, 4.0], ..Quantity::default() };
/// let posterior = Posterior { quantities: vec![mu], draws: 3, ..Posterior::default() };
/// let (summaries, run) = (summarise(&posterior.quantities), Run::default());
/// let results = Results { posterior: &posterior, summaries: &summaries, run: &run, trace: &[] };
/// let report = report::Report {
///     title: "coin", results, learned: &[], program: "mu ~ Normal(0, 1)", data: vec![], prior: None, kl: vec![],
///     predictive: vec![], missing: report::Missing::default(),
/// };
/// let mut page = Vec::new();
/// report::write(&mut page, &report)?;
/// assert!(page.starts_with(b"<!DOCTYPE html><html lang=\"en\">"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `w`.
pub fn write(w: &mut dyn io::Write, report: &Report) -> io::Result<()> {
    w.write_all(page(report).into_string().as_bytes())?;
    writeln!(w)
}

fn page(report: &Report) -> Markup {
    let made = SECTIONS
        .iter()
        .filter_map(|(heading, make)| Some((*heading, make(report)?)));
    let sections: Vec<(&str, Markup)> = made.collect();
    let id = |heading: &str| heading.to_lowercase().replace(' ', "-");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Whatever a name or a program holds, the page can neither run nor load anything.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="generator" content=(concat!("elbo ", env!("CARGO_PKG_VERSION")));
                title { (report.title) " – fit" }
                // A browser would else ask a server for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("style.css"))) (PreEscaped(plot::palette())) }
            }
            body {
                (head::head(report))
                nav aria-label="Sections" {
                    @for (heading, _) in &sections { a href={ "#" (id(heading)) } { (heading) } " " }
                }
                main {
                    @for (heading, content) in &sections {
                        section id=(id(heading)) { h2 { (heading) } (content) }
                    }
                }
            }
        }
    }
}

/// A message, whose names between backticks are set as code.
fn prose(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

/// A name that breaks, where it must, behind what parts its words.
fn name(text: &str) -> Markup {
    html! {
        @for part in text.split_inclusive(['_', '.', '[', ',']) { (part) wbr; }
    }
}

/// `1 draw`, `2 draws`.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
