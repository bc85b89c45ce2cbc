//! The steps of a fit turned into a line on the terminal.

use crate::infer::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A line on standard error that shows how far a fit is, or nothing.
pub(super) struct Line {
    bar: Option<ProgressBar>,
}

impl Line {
    /// Shows nothing unless `wanted` and standard error is a terminal.
    pub(super) fn new(wanted: bool, max_steps: Option<usize>) -> Line {
        if !wanted || !std::io::stderr().is_terminal() {
            return Line { bar: None };
        }
        let (bar, template) = match max_steps {
            Some(most) => (
                ProgressBar::new(most as u64),
                "{spinner} step {pos}/{len} {bar:20} {msg} ({elapsed})",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{spinner} step {pos} {msg} ({elapsed})",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Line { bar: Some(bar) }
    }

    pub(super) fn update(&self, progress: &Progress) {
        let Some(bar) = &self.bar else {
            return;
        };
        bar.set_position(progress.step as u64);
        let elbo = progress.elbo;
        bar.set_message(match progress.std_error {
            0.0 => format!("ELBO {elbo:.3}"),
            error => format!("ELBO {elbo:.3} ± {error:.2}"),
        });
    }

    /// Removes the line: what follows stands in its place.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
