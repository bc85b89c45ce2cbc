//! What the fit was given: data and program.

use super::Report;
use maud::{Markup, html};

/// The most data that are listed.
const MOST: usize = 200;

pub(super) fn data(report: &Report) -> Option<Markup> {
    let left = report.data.len().saturating_sub(MOST);
    let table = html! {
        div.scroll tabindex="0" role="region" aria-label="Data" {
            table.words {
                thead { tr { th scope="col" { "name" } th scope="col" { "size" } } }
                tbody {
                    @for (name, description) in report.data.iter().take(MOST) {
                        tr { th scope="row" { (name) } td { code { (description) } } }
                    }
                }
            }
        }
        @if left > 0 { p.note { (left) " more not shown." } }
    };
    Some(match report.data.is_empty() {
        true => html! { p { "The program was given no data." } },
        false => table,
    })
}

pub(super) fn program(report: &Report) -> Option<Markup> {
    let text = report.program.trim_end();
    let shown =
        html! { pre.scroll tabindex="0" role="region" aria-label="Program" { code { (text) } } };
    (!text.is_empty()).then_some(shown)
}
