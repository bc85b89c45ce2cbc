//! The head of the page: whether to believe the fit, and the numbers of the run.

use super::super::Run;
use super::super::number::duration;
use super::{Report, prose};
use maud::{Markup, html};

pub(super) fn head(report: &Report) -> Markup {
    let run = report.results.run;
    let verdict = run.settings.iter().find(|(name, _)| name == "verdict");
    let verdict = verdict.and_then(|(_, value)| value.as_str());
    let sentence = verdict.unwrap_or("");
    let (class, mark, claim) = match run.converged {
        true => ("verdict good", "✓", "The fit converged"),
        false => ("verdict bad", "✗", "Not to be trusted"),
    };
    html! {
        header {
            p.kind { "A fit by variational inference" }
            h1 { (report.title) }
            div class=(class) {
                p { span.mark aria-hidden="true" { (mark) } " " strong { (claim) } }
                @if !sentence.is_empty() { p { (prose(sentence)) } }
            }
            dl.facts {
                @for (name, value) in facts(report) {
                    div { dt { (name) } dd { (value) } }
                }
            }
            p.note {
                @if settings(run).any(|(name, _)| name == "guide") {
                    "The guide is the family of distributions in which the fit looks for the one closest to the posterior. "
                }
                @if run.elbo.is_some() {
                    "The ELBO is a lower bound of the log probability of the data, in nats, the units of natural logarithms."
                }
            }
        }
    }
}

/// The ELBO, what it took, and the settings.
fn facts(report: &Report) -> Vec<(String, String)> {
    let run = report.results.run;
    let mut facts = Vec::new();
    if let Some(elbo) = run.elbo {
        facts.push(("ELBO".into(), elbo.to_string()));
    }
    facts.push(("steps".into(), run.steps.to_string()));
    facts.push(("time".into(), duration(run.seconds.total)));
    facts.extend(settings(run).map(|(name, value)| (name.to_owned(), value)));
    facts.push(("seed".into(), run.seed.to_string()));
    facts
}

/// The settings but for the verdict, which is among them.
pub(super) fn settings(run: &Run) -> impl Iterator<Item = (&str, String)> {
    let settings = run.settings.iter().filter(|(name, _)| name != "verdict");
    settings.map(|(name, value)| (name.as_str(), plain(value)))
}

/// A setting as a reader writes it: text without its quotes.
fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
