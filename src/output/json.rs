//! A fit as one JSON object, for programs.
//!
//! Arrays are flat and row-major beside their shape; what is not finite becomes `null`, as serde_json
//! does on its own. Keys stand in a fixed order.

use super::{Results, Run, Summary};
use crate::diag::{Diagnostic, Severity};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::io;

/// Writes what `--json` prints: ELBO, posterior summaries, and how the run went.
pub fn write_json(w: &mut dyn io::Write, results: &Results) -> io::Result<()> {
    write(w, results, false)
}

/// Writes the object of [`write_json`] together with the model's name, seed and settings.
pub fn write_fit_json(w: &mut dyn io::Write, results: &Results) -> io::Result<()> {
    write(w, results, true)
}

/// Posterior summaries as an object by name, as [`write_json`] has them.
pub fn summary_json(summaries: &[Summary]) -> serde_json::Value {
    serde_json::to_value(Posterior(summaries)).unwrap_or_default()
}

/// Diagnostics as an array of objects with `code`, `severity`, `message` and, if there is any, `help`.
pub fn messages(diagnostics: &[Diagnostic]) -> serde_json::Value {
    let of = |d: &Diagnostic| serde_json::to_value(Message::new(d)).unwrap_or_default();
    diagnostics.iter().map(of).collect()
}

fn write(w: &mut dyn io::Write, results: &Results, with_settings: bool) -> io::Result<()> {
    let fit = Fit {
        run: results.run,
        summaries: results.summaries,
        with_settings,
    };
    serde_json::to_writer(&mut *w, &fit)?;
    writeln!(w)
}

struct Fit<'a> {
    run: &'a Run,
    summaries: &'a [Summary],
    with_settings: bool,
}

impl Serialize for Fit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Run {
            model,
            seed,
            elbo,
            converged,
            steps,
            seconds,
            messages,
            settings,
        } = self.run;
        let mut map = serializer.serialize_map(None)?;
        let elbo = elbo.map(|e| serde_json::json!({"mean": e.mean, "se": e.se}));
        map.serialize_entry("elbo", &elbo)?;
        map.serialize_entry("posterior", &Posterior(self.summaries))?;
        map.serialize_entry("converged", converged)?;
        map.serialize_entry("steps", steps)?;
        map.serialize_entry("seconds", seconds)?;
        let messages: Vec<Message> = messages.iter().map(Message::new).collect();
        map.serialize_entry("messages", &messages)?;
        if self.with_settings {
            map.serialize_entry("model", model)?;
            map.serialize_entry("seed", seed)?;
            map.serialize_entry("settings", &Settings(settings))?;
        }
        map.end()
    }
}

struct Posterior<'a>(&'a [Summary]);

impl Serialize for Posterior<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|s| (&s.name, Moments::new(s))))
    }
}

#[derive(serde::Serialize)]
struct Moments<'a> {
    shape: &'a [usize],
    mean: &'a [f64],
    sd: &'a [f64],
    q05: &'a [f64],
    q50: &'a [f64],
    q95: &'a [f64],
    /// Level names of each dimension; left out where no dimension has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a [Option<Vec<String>>]>,
}

impl<'a> Moments<'a> {
    fn new(s: &'a Summary) -> Moments<'a> {
        let labels = s
            .labels
            .iter()
            .any(Option::is_some)
            .then_some(s.labels.as_slice());
        let (shape, mean, sd) = (&s.shape, &s.mean, &s.sd);
        Moments {
            shape,
            mean,
            sd,
            q05: &s.q05,
            q50: &s.q50,
            q95: &s.q95,
            labels,
        }
    }
}

struct Settings<'a>(&'a [(String, serde_json::Value)]);

impl Serialize for Settings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(serde::Serialize)]
struct Message<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn new(d: &'a Diagnostic) -> Message<'a> {
        let severity = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Message {
            code: d.code,
            severity,
            message: &d.message,
            help: d.help.as_deref(),
        }
    }
}
