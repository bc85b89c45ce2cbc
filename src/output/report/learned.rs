//! What was learned as one number, without a distribution.

use super::super::Summary;
use super::super::cells::row;
use super::{Report, counted};
use maud::{Markup, html};

/// More values than this are folded.
const SHORT: usize = 12;
/// The most values that are listed.
const MOST: usize = 500;

pub(super) fn section(report: &Report) -> Option<Markup> {
    let all: Vec<(&Summary, usize)> = report
        .learned
        .iter()
        .flat_map(|s| s.rows().into_iter().map(move |i| (s, i)))
        .collect();
    let (listed, rest) = all.split_at(all.len().min(MOST));
    let section = html! {
        p.note { "These are learned, not inferred: each is one number, the same in all draws, and has no distribution." }
        @if all.len() <= SHORT { (table(listed)) }
        @else { details { summary { (counted(all.len(), "value")) } (table(listed)) } }
        @if !rest.is_empty() { p.note { (rest.len()) " more not shown." } }
    };
    (!all.is_empty()).then_some(section)
}

fn table(values: &[(&Summary, usize)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Learned values" {
            table {
                thead { tr { th scope="col" { "name" } th scope="col" { "value" } } }
                tbody {
                    @for (s, i) in values {
                        @let [name, value, ..] = row(s, *i);
                        tr { th scope="row" { (name) } td { (value) } }
                    }
                }
            }
        }
    }
}
