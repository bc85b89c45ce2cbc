//! `elbo fit`: a model and its data turned into a fitted posterior, as a table, JSON or files.

use super::input::{Bound, Input};
use super::progress::Line;
use super::show::View;
use super::streams::{Exit, Failure, Result, tell};
use crate::data::IN_MEMORY;
use crate::diag::{Diagnostic, Sources};
use crate::guide::{self, GUIDES};
use crate::infer::{Method, Options};
use crate::model::Model;
use crate::output::make_folder;
use crate::tape::Precision;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Fits a model and prints its posterior
///
/// The posterior's means, standard deviations and quantiles go to standard output, with the ELBO and
/// a sentence on how far to believe them. Ctrl-C stops at the best state so far, which is reported.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo fit schools.vi                          data beside the model, defaults that suit most
  elbo fit schools.vi --data schools.json --out results
  elbo fit schools.vi --save schools.elbo      for `elbo show`, `predict`, `compare` and `report`
  elbo fit coin.vi --set y=[1,0,1,1] --json    one JSON object on standard output
  elbo fit big.vi --method svi --max-time 60   at most a minute")]
pub(super) struct Fit {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    options: FitOptions,

    /// Reads all data into memory, however large; else a fit in batches reads rows of large files when a step needs
    /// them, and values of each row are not reported
    #[arg(long)]
    in_memory: bool,

    /// Writes the fit to this file, of which `elbo show`, `predict`, `compare` and `report` make what is asked for later
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Writes draws.csv, summary.csv, trace.csv and fit.json into this folder
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Prints one JSON object instead of the table
    #[arg(long)]
    pub(super) json: bool,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

/// How a fit goes: what `elbo fit` and `:fit` have in common.
#[derive(Args)]
pub(super) struct FitOptions {
    /// The family of the approximate posterior, in place of what the program says [default: mean_field]
    #[arg(long, value_name = "FAMILY", value_parser = names(GUIDES))]
    guide: Option<String>,

    /// How the ELBO is maximised: dadvi by fixed draws and Newton steps, svi by fresh draws and
    /// first-order steps, auto by dadvi and where that fails svi
    #[arg(long, default_value = Method::ALL[0].0, value_parser = names(Method::ALL))]
    method: String,

    /// Computes the objective in single precision while it is optimised; results are always in f64
    #[arg(long, default_value = Precision::ALL[0].0, value_parser = names(Precision::ALL))]
    precision: String,

    /// Names the random numbers: the same seed gives the same results
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        default_value_t = 1,
        value_parser = |text: &str| whole(text, 0, u64::MAX)
    )]
    seed: u64,

    /// Draws of the objective [default: chosen]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = |text: &str| whole(text, 1, MOST_DRAWS))]
    samples: Option<u64>,

    /// Posterior draws to summarise and write
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1000,
        value_parser = |text: &str| whole(text, 1, MOST_DRAWS))]
    draws: u64,

    /// Stops after so many steps
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = |text: &str| whole(text, 1, u64::MAX))]
    max_steps: Option<u64>,

    /// Stops after so many seconds
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = seconds)]
    max_time: Option<Duration>,

    /// Threads; the results do not depend on it [default: as many as there are cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = |text: &str| whole(text, 1, 1024))]
    threads: Option<u64>,
}

/// Draws that can be asked for.
const MOST_DRAWS: u64 = 100_000_000;
/// Numbers that a fit may be asked to hold in memory: 8 GB of them.
const MOST_NUMBERS: usize = 1 << 30;

pub(super) fn names<T>(table: &'static [(&'static str, T)]) -> PossibleValuesParser {
    PossibleValuesParser::new(table.iter().map(|(name, _)| *name))
}

/// The precision of a name that was checked.
pub(super) fn precision(name: &str) -> Precision {
    let found = Precision::ALL.iter().find(|(known, _)| *known == name);
    found.map_or(Precision::default(), |&(_, precision)| precision)
}

pub(super) fn whole(text: &str, least: u64, most: u64) -> std::result::Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ if most == u64::MAX => Err(format!("expected a whole number from {least}")),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_string())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a positive number of seconds".into()),
    }
}

impl Fit {
    pub(super) fn run(&self) -> Result<Exit> {
        let silent = self.quiet || self.json;
        let Bound {
            model,
            sources,
            warnings,
        } = self.input.bind_streaming(self.quiet, self.in_memory())?;
        self.check_size(&model)?;
        self.input.spare(self.save.as_ref())?;
        if let Some(folder) = &self.out {
            // A long fit should not end in a folder that cannot be made.
            make_folder(folder).map_err(one_wrong)?;
        }
        let options = Options {
            cancel: Some(cancel_on_interrupt()),
            ..self.options.options()
        };
        let line = Line::of_fit(!silent, &options);
        let fit = model.fit_with(&options, &mut |p| line.update(p));
        drop(line);
        let fit = fit.map_err(|e| Failure::untrusted(e.diagnostics, &sources))?;
        if let Some(path) = &self.save {
            fit.save(path)?;
        }
        let view = View {
            out: self.out.as_deref(),
            json: self.json,
            silent,
        };
        let exit = view.show(&fit, warnings)?;
        if !silent {
            tell(fit.messages(), &sources);
        }
        Ok(exit)
    }

    /// Refuses what would not fit into memory.
    fn check_size(&self, model: &Model) -> Result<()> {
        if model.blocks.is_empty() && model.drawn.is_none() {
            let problem = Diagnostic::error("E0647", "the model has nothing to fit")
                .help("draw a latent: `mu ~ Normal(0, 1)`, or declare a `param`");
            return Err(one_wrong(problem));
        }
        let reported: usize = model
            .quantities
            .iter()
            .map(|q| q.shape.iter().product::<usize>())
            .sum();
        let asked = [
            ("--draws", self.options.draws as usize, reported),
            (
                "--samples",
                self.options.samples.unwrap_or(1) as usize,
                model.latent_size(),
            ),
        ];
        for (option, draws, each) in asked {
            if draws.saturating_mul(each) > MOST_NUMBERS {
                let bytes = draws.saturating_mul(each).saturating_mul(8) as f64;
                let message = format!(
                    "`{option} {draws}` of {each} numbers each would take {:.0} GB",
                    bytes / 1e9
                );
                let problem = Diagnostic::error("E0648", message).help("ask for fewer draws");
                return Err(Failure::usage(vec![problem], &Sources::default()));
            }
        }
        Ok(())
    }

    /// Bytes of arrays that are read whole: fixed draws look at all rows in every step.
    fn in_memory(&self) -> u64 {
        match self.in_memory || self.options.method == "dadvi" {
            true => u64::MAX,
            false => IN_MEMORY,
        }
    }
}

impl FitOptions {
    pub(super) fn options(&self) -> Options {
        let method = Method::ALL.iter().find(|(name, _)| *name == self.method);
        let defaults = Options::default();
        Options {
            guide: self.guide.as_deref().and_then(guide::find),
            method: method.map_or(defaults.method, |&(_, method)| method),
            precision: precision(&self.precision),
            seed: self.seed,
            samples: self.samples.map(|n| n as usize),
            draws: self.draws as usize,
            max_steps: self.max_steps.map(|n| n as usize),
            max_time: self.max_time,
            threads: self.threads.map_or_else(cores, |n| n as usize),
            ..defaults
        }
    }
}

fn one_wrong(diagnostic: Diagnostic) -> Failure {
    Failure::wrong(vec![diagnostic], &Sources::default())
}

/// Threads that the machine runs at once.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Set by the first Ctrl-C; the second ends the process.
fn cancel_on_interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = flag.clone();
    // Where no handler can be installed Ctrl-C ends the process at once, as it does everywhere.
    let _ = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            // What a shell reports for a process that SIGINT ended.
            process::exit(130);
        }
    });
    flag
}
