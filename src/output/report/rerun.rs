//! What made the fit, which is what would make it anew.

use super::{Report, head};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Option<Markup> {
    let run = report.results.run;
    let settings: Vec<(&str, String)> = head::settings(run).collect();
    Some(html! {
        p {
            "The fit is of " code { (run.model) } " with seed " (run.seed)
            @for (name, value) in &settings { ", " (name) " " code { (value) } }
            "; elbo " (env!("CARGO_PKG_VERSION")) " made this page of it. The same version, program, data, seed and settings
            give the same results on the same machine."
        }
        p.note {
            "A saved fit does not keep the command that made it, which may have had further settings, such as those of the
            optimiser."
        }
    })
}
