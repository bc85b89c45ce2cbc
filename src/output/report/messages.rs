//! What the fit says about itself.

use super::{Report, prose};
use crate::diag::Severity;
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Option<Markup> {
    let messages = &report.results.run.messages;
    let said = html! {
        ul.messages {
            @for m in messages {
                li {
                    p {
                        span.tag { @match m.severity { Severity::Error => "Error", Severity::Warning => "Warning" } " " (m.code) }
                        " " (prose(&m.message))
                    }
                    @for label in m.labels.iter().filter(|l| !l.text.is_empty()) { p { (prose(&label.text)) } }
                    @if let Some(help) = &m.help { p.help { strong { "What to do: " } (prose(help)) } }
                }
            }
        }
    };
    (!messages.is_empty()).then_some(said)
}
