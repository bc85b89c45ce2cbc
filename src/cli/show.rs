//! `elbo show`: a saved fit as a table, as JSON or as files, and expressions of its draws.

use super::progress::Phases;
use super::streams::{Exit, Failure, Result, note, print, print_json, tell};
use crate::api::{Fit, States};
use crate::check::program::VariableKind;
use crate::diag::{Diagnostics, Sources};
use crate::infer::Quantity;
use crate::output::{
    Results, StatesRow, Summary, TableOptions, duration, states_table, summarise, summary_json,
    table, write_folder, write_json,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Shows a saved fit, or the posterior of expressions
///
/// Without expressions what `elbo fit` has printed; with them their means, standard deviations and quantiles. A condition has
/// the mean 1 where it always holds: its mean is its probability.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo show schools.elbo
  elbo show schools.elbo 'theta[1] - theta[2]' 'theta[1] > theta[2]'
  elbo show schools.elbo --out results         the files that `elbo fit --out` writes
  elbo show chain.elbo --states s              states of a discrete latent: probabilities, and the most probable ones")]
pub(super) struct Show {
    /// A file that `elbo fit --save` has written
    fit: PathBuf,

    /// What to show, of latents, data and definitions of the program
    #[arg(value_name = "EXPRESSION", allow_hyphen_values = true)]
    expressions: Vec<String>,

    /// Writes draws.csv, summary.csv, trace.csv and fit.json into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with = "expressions")]
    out: Option<PathBuf>,

    /// Shows the states of discrete latents that were summed out, of those named or of all: the probability of each, and the
    /// most probable ones of all elements together
    #[arg(long, conflicts_with = "out")]
    states: bool,

    /// Prints one JSON object instead of the table
    #[arg(long)]
    pub(super) json: bool,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl Show {
    pub(super) fn run(&self) -> Result<Exit> {
        let silent = self.quiet || self.json;
        let phases = Phases::new(!silent);
        phases.begin("reading the fit");
        let fit = Fit::load(&self.fit)?.watched(phases.count());
        if self.states {
            return self.states(&fit, phases);
        }
        if !self.expressions.is_empty() {
            return self.evaluate(&fit, phases);
        }
        drop(phases);
        let view = View {
            out: self.out.as_deref(),
            json: self.json,
            silent,
        };
        let exit = view.show(&fit, Diagnostics::new())?;
        if !silent {
            tell(fit.messages(), fit.program().sources());
        }
        Ok(exit)
    }

    fn states(&self, fit: &Fit, phases: Phases) -> Result<Exit> {
        let names = match self.expressions.is_empty() {
            true => fit.summed_out()?,
            false => self.expressions.clone(),
        };
        let mut all = Vec::new();
        for name in &names {
            phases.begin(format!("the states of {name}"));
            all.push(fit.states(name)?);
        }
        drop(phases);
        match self.json {
            true => print_json(&serde_json::json!(all))?,
            false if all.is_empty() => note("no discrete latents were summed out"),
            false => {
                let tables: Vec<String> = all.iter().map(states_text).collect();
                print(&format!("{}\n", tables.join("\n\n")))?;
            }
        }
        Ok(Exit::of(fit, self.quiet || self.json))
    }

    fn evaluate(&self, fit: &Fit, phases: Phases) -> Result<Exit> {
        let mut quantities: Vec<Quantity> = Vec::new();
        for expression in &self.expressions {
            phases.begin(format!("evaluating {expression}"));
            quantities.push(fit.evaluate(expression)?);
        }
        let summaries = summarise(&quantities);
        drop(phases);
        for quantity in quantities.iter().filter(|_| !self.quiet && !self.json) {
            let size = quantity.numel().max(1);
            let rows = quantity.draws.chunks(size);
            let lacking = rows.filter(|row| row.iter().any(|x| x.is_nan())).count();
            if lacking > 0 {
                let all = quantity.draws.len() / size;
                note(&format!(
                    "`{}` is not a number in {lacking} of {all} draws",
                    quantity.name
                ));
            }
        }
        match self.json {
            true => print_json(&summary_json(&summaries))?,
            false => print(&format!(
                "{}\n",
                table(&summaries, &TableOptions::for_stdout())
            ))?,
        }
        Ok(Exit::of(fit, self.quiet || self.json))
    }
}

/// A table of the states of a discrete latent.
pub(super) fn states_text(states: &States) -> String {
    let each = states.values.len().max(1);
    let all = states
        .most_probable
        .iter()
        .zip(states.probabilities.chunks(each));
    let rows = all
        .enumerate()
        .map(|(i, (most_probable, probabilities))| StatesRow {
            name: states.element(i),
            most_probable: *most_probable,
            probabilities: probabilities.to_vec(),
        });
    states_table(&states.values, &rows.collect::<Vec<_>>())
}

/// How a fit is shown.
pub(super) struct View<'a> {
    /// The folder for its files.
    pub(super) out: Option<&'a Path>,
    pub(super) json: bool,
    /// Nothing but the results.
    pub(super) silent: bool,
}

impl View<'_> {
    /// Prints and writes a fit; `warnings` are of what came before it.
    pub(super) fn show(&self, fit: &Fit, warnings: Diagnostics) -> Result<Exit> {
        let mut run = fit.run();
        run.messages.splice(0..0, warnings);
        let mut summaries = summarise(&fit.posterior().quantities);
        let constants = choose_rows(fit, &mut summaries);
        let results = Results {
            posterior: fit.posterior(),
            summaries: &summaries,
            run: &run,
            trace: &fit.trace(),
        };
        if let Some(folder) = self.out {
            let wrong = |d| Failure::wrong(vec![d], &Sources::default());
            let written = write_folder(folder, &results).map_err(wrong)?;
            if !self.silent {
                let names = written.iter().filter_map(|p| p.file_name());
                let names: Vec<_> = names.map(|n| n.to_string_lossy()).collect();
                note(&format!("{}: {}", folder.display(), names.join(", ")));
            }
        }
        match self.json {
            true => {
                let mut text = Vec::new();
                write_json(&mut text, &results)?;
                print(&String::from_utf8_lossy(&text))?;
            }
            false => {
                let options = TableOptions {
                    how_to_see_all: "`--out DIR` writes all of them".into(),
                    ..TableOptions::for_stdout()
                };
                print(&text(fit, &summaries, &options))?;
            }
        }
        if !self.silent
            && let Some(note) = constants_left_out(&constants)
        {
            super::streams::note(&note);
        }
        // The verdict has been printed.
        Ok(Exit::of(fit, true))
    }
}

/// The table, the ELBO and the verdict, as `elbo fit` prints them.
pub(super) fn in_words(fit: &Fit, options: &TableOptions) -> String {
    let mut summaries = summarise(&fit.posterior().quantities);
    let constants = choose_rows(fit, &mut summaries);
    let mut said = text(fit, &summaries, options);
    if let Some(note) = constants_left_out(&constants) {
        said.push_str(&note);
    }
    said
}

fn text(fit: &Fit, summaries: &[Summary], options: &TableOptions) -> String {
    let rows = rows(summaries, options);
    let details = fit.details();
    let (steps, time) = (steps(details.steps), duration(details.seconds.total));
    format!(
        "{rows}ELBO {}, {steps}, {time}\n{}\n",
        fit.elbo(),
        fit.verdict()
    )
}

fn constants_left_out(constants: &[String]) -> Option<String> {
    let names: Vec<String> = constants.iter().map(|n| format!("`{n}`")).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        format!("not in the table, since data alone determine them: {names} (`--json` has them)")
    })
}

/// Leaves out of the table what has no posterior: definitions that only data determine, whose names it
/// gives, and entries of data that are not missing.
pub(super) fn choose_rows(fit: &Fit, summaries: &mut [Summary]) -> Vec<String> {
    let mut constants = Vec::new();
    if fit.posterior().draws < 2 {
        return constants;
    }
    for (quantity, summary) in fit.posterior().quantities.iter().zip(summaries) {
        let kind = fit.program().variable(&quantity.name).map(|v| v.kind);
        // That a discrete latent has one value in all draws is what is asked of it.
        let decided = kind == Some(VariableKind::Latent) && quantity.integer;
        if kind == Some(VariableKind::Param) || decided {
            continue;
        }
        let first = quantity.draw(0).to_vec();
        let mut varies = vec![false; first.len()];
        for draw in quantity.draws.chunks(first.len().max(1)) {
            let each = varies.iter_mut().zip(draw).zip(&first);
            each.for_each(|((varies, x), first)| *varies |= x.to_bits() != first.to_bits());
        }
        let shown: Vec<usize> = (0..first.len()).filter(|&i| varies[i]).collect();
        if kind == Some(VariableKind::Let) && shown.is_empty() && !first.is_empty() {
            constants.push(quantity.name.clone());
        }
        let partly = kind != Some(VariableKind::Let) || shown.is_empty();
        if partly && shown.len() < first.len() {
            summary.shown = Some(shown);
        }
    }
    constants
}

/// The table with what follows it, nothing where there is nothing to show.
fn rows(summaries: &[Summary], options: &TableOptions) -> String {
    let nothing =
        |s: &Summary| s.shown.as_ref().unwrap_or(&vec![0]).is_empty() || s.mean.is_empty();
    if summaries.iter().all(nothing) {
        return String::new();
    }
    table(summaries, options) + "\n\n"
}

fn steps(count: usize) -> String {
    match count {
        1 => "1 step".into(),
        n => format!("{n} steps"),
    }
}
