//! How to make the fit anew.

use super::Report;
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Option<Markup> {
    let run = report.results.run;
    Some(html! {
        @if let Some(command) = report.command {
            pre.scroll tabindex="0" role="region" aria-label="Command" { code { (command) } }
        }
        p {
            "Made by elbo " (env!("CARGO_PKG_VERSION")) " of " code { (run.model) } " with seed " (run.seed)
            ". The same version, program, data, seed and settings give the same results on the same machine."
        }
    })
}
