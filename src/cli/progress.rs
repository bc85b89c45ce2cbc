//! How far long work is: a line on the terminal that is gone once the work is done.

use super::streams::Result;
use crate::infer::{Options, Progress};
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::process;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A line on standard error, or nothing.
pub(super) struct Line {
    bar: ProgressBar,
}

impl Line {
    /// Shows nothing unless `wanted` and standard error is a terminal.
    fn new(wanted: bool, style: ProgressStyle) -> Line {
        if !wanted || !std::io::stderr().is_terminal() {
            let bar = ProgressBar::hidden();
            return Line { bar };
        }
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Line { bar }
    }

    /// The steps of a fit.
    pub(super) fn of_fit(wanted: bool, options: &Options) -> Line {
        let steps = match options.max_steps {
            Some(_) => "step {pos}/{len} {bar:20} {msg}",
            None => "step {pos} {msg}",
        };
        let line = Line::new(wanted, style(steps, options.max_time));
        if let Some(most) = options.max_steps {
            line.bar.set_length(most as u64);
        }
        line
    }

    pub(super) fn update(&self, progress: &Progress) {
        self.bar.set_position(progress.step as u64);
        let elbo = progress.elbo;
        self.bar.set_message(match progress.std_error {
            0.0 => format!("ELBO {elbo:.3}"),
            error => format!("ELBO {elbo:.3} ± {error:.2}"),
        });
    }
}

/// What follows stands in its place.
impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The phases of other work, with a count of draws where they are made.
///
/// Ctrl-C ends the process, but what is being written is written whole.
pub(super) struct Phases {
    line: Line,
    writing: Arc<Mutex<()>>,
}

const PHASE: &str = "{msg}";
const COUNTED: &str = "{msg} {pos}/{len} {bar:20}";

impl Phases {
    pub(super) fn new(wanted: bool) -> Phases {
        let line = Line::new(wanted, style(PHASE, None));
        let writing = Arc::new(Mutex::new(()));
        let (bar, free) = (line.bar.clone(), writing.clone());
        // Where no handler can be installed Ctrl-C ends the process at once.
        let _ = ctrlc::set_handler(move || {
            let _free = free.lock();
            bar.finish_and_clear();
            process::exit(130);
        });
        Phases { line, writing }
    }

    /// Begins another, told as `predicting`.
    pub(super) fn begin(&self, phase: impl Into<String>) {
        let bar = &self.line.bar;
        bar.reset();
        bar.unset_length();
        bar.set_style(style(PHASE, None));
        bar.set_message(phase.into());
    }

    /// What is to be told of draws that are done.
    pub(super) fn count(&self) -> impl Fn(usize, usize) + Send + Sync + 'static {
        let bar = self.line.bar.clone();
        move |done, of| {
            if done == 1 {
                bar.set_style(style(COUNTED, None));
                bar.set_length(of as u64);
                bar.reset_eta();
            }
            bar.set_position(done as u64);
        }
    }

    /// The last phase.
    pub(super) fn write<T>(&self, write: impl FnOnce() -> Result<T>) -> Result<T> {
        self.begin("writing");
        let _writing = self.writing.lock();
        write()
    }
}

/// What is done, and in brackets how fast, since when, and how much longer where that is known.
fn style(what: &str, most: Option<Duration>) -> ProgressStyle {
    let template = format!("{{spinner}} {what} ({{times}})");
    let times = move |state: &ProgressState, out: &mut dyn Write| {
        // A line that cannot be written is not shown.
        let _ = write!(out, "{}", times(state, most));
    };
    ProgressStyle::with_template(&template)
        .expect("templates are well formed")
        .with_key("times", times)
}

/// `81.5/s, 4s, 12s left`
fn times(state: &ProgressState, most: Option<Duration>) -> String {
    let (rate, elapsed) = (state.per_sec(), state.elapsed());
    let moves = rate > 0.0 && state.pos() > 0;
    let goes_on = |of: &u64| moves && *of > state.pos();
    let by_count = state.len().filter(goes_on).map(|_| state.eta());
    let by_time = most.map(|most| most.saturating_sub(elapsed));
    let left = by_count.into_iter().chain(by_time).min();
    let rate = moves.then(|| match rate {
        100.0.. => format!("{rate:.0}/s"),
        10.0.. => format!("{rate:.1}/s"),
        _ => format!("{rate:.2}/s"),
    });
    let elapsed = format!("{:#}", HumanDuration(elapsed));
    let left = left.map(|left| format!("{:#} left", HumanDuration(left)));
    let parts: Vec<String> = rate.into_iter().chain([elapsed]).chain(left).collect();
    parts.join(", ")
}
