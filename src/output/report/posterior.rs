//! The summary of the posterior as tables: short quantities together, each long one in a fold of its own.

use super::super::Summary;
use super::super::cells::{HEADER, row};
use super::{Report, counted};
use maud::{Markup, html};

/// Quantities with more rows than this are folded.
const SHORT: usize = 12;
/// Short quantities go on in a fold after so many rows.
const OPEN: usize = 60;
/// The most rows of a fold.
const MOST: usize = 1000;
/// The most rows of the page.
const IN_ALL: usize = 5000;

pub(super) fn section(report: &Report) -> Option<Markup> {
    let quantities = report.results.summaries.iter().map(|s| (s, s.rows()));
    let quantities: Vec<(&Summary, Vec<usize>)> =
        quantities.filter(|(_, rows)| !rows.is_empty()).collect();
    let (short, long): (Vec<_>, Vec<_>) =
        quantities.iter().partition(|(_, rows)| rows.len() <= SHORT);
    let short: Vec<(&Summary, usize)> = short
        .iter()
        .flat_map(|(s, rows)| rows.iter().map(move |&i| (*s, i)))
        .collect();
    let (open, rest) = short.split_at(short.len().min(OPEN));
    let mut left = IN_ALL;
    let draws = counted(report.results.posterior.draws, "draw");
    let tables = html! {
        p.note { "Mean, standard deviation and quantiles of " (draws) "." }
        @if !open.is_empty() { (table(open)) }
        @if !rest.is_empty() { (fold("further quantities", rest, &mut left)) }
        @for (s, rows) in long {
            @let rows: Vec<(&Summary, usize)> = rows.iter().map(|&i| (*s, i)).collect();
            (fold(&s.name, &rows, &mut left))
        }
    };
    (!quantities.is_empty()).then_some(tables)
}

/// A table that is closed at first; `left` is how many more rows the page may have.
fn fold(name: &str, rows: &[(&Summary, usize)], left: &mut usize) -> Markup {
    let shown = rows.len().min(MOST).min(*left);
    *left -= shown;
    html! {
        details {
            summary { code { (name) } " – " (counted(rows.len(), "row")) }
            @if shown > 0 { (table(&rows[..shown])) }
            @if shown < rows.len() { p.note { (rows.len() - shown) " more not shown." } }
        }
    }
}

fn table(rows: &[(&Summary, usize)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Summary of the posterior" {
            table {
                thead { tr { @for title in HEADER {
                    @if title.is_empty() { td {} } @else { th scope="col" { (title) } }
                } } }
                tbody {
                    @for (s, i) in rows {
                        @let [name, numbers @ ..] = row(s, *i);
                        tr { th scope="row" { (name) } @for number in numbers { td { (number) } } }
                    }
                }
            }
        }
    }
}
