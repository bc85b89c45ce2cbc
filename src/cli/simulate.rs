//! `elbo simulate`: data made by a program, from its priors or from given values.

use super::input::{Input, spare};
use super::progress::Phases;
use super::streams::{Exit, Failure, Result, note, print};
use crate::api::{Program, Simulated};
use crate::check::program::VariableKind;
use crate::data::{self, Data, Disk, Entry};
use crate::diag::{Diagnostic, Sources};
use crate::output::{Quantity, TableOptions, replace_file, summarise, table};
use clap::Args;
use std::path::{Path, PathBuf};

/// Makes data as a program says that they come about
///
/// Latents are drawn from their distributions, or fixed at given values, and what is observed is drawn from its own.
/// One JSON object goes to standard output, which `elbo fit` reads as data: what was given, and what was drawn. Of
/// observed data that are given only the shape counts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo simulate coin.vi --set N=20                     a coin from the prior, tossed 20 times
  elbo simulate line.vi --data x.json --fix slope=2    data of a line whose slope is known
  elbo simulate line.vi --fix truth.json --seed 3 --out line.json
  elbo simulate schools.vi -n 1000 --summary           what the priors say of everything, in a table")]
pub(super) struct Simulate {
    #[command(flatten)]
    input: Input,

    /// Fixes a latent, a learned parameter or observed data: one value, or a file of several
    #[arg(long, value_name = "NAME=VALUE|FILE")]
    fix: Vec<String>,

    /// Makes so many sets, a JSON object to a line [default: 1, with --summary 1000]
    #[arg(short = 'n', long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    sets: Option<u32>,

    /// Names the random numbers: the same seed gives the same data
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Writes the data to this file instead of standard output: as JSON, or as columns if it ends in `.csv`
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Writes the values of latents, parameters and definitions that made the data to this file
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,

    /// Prints a table of everything that is drawn instead of the data
    #[arg(long, conflicts_with_all = ["out", "truth"])]
    summary: bool,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl Simulate {
    pub(super) fn run(&self) -> Result<Exit> {
        // Data beside the program may be what it made before.
        for out in self.out.iter().chain(&self.truth) {
            spare(out, self.input.data.iter().chain([&self.input.model]))?;
        }
        let mut loaded = self.input.load()?;
        let fixed = self.fixed(&mut loaded.sources)?;
        if self.out.is_none() && !self.quiet {
            loaded.name_found();
        }
        if !loaded.program.checked().draws_data() && !self.summary && !self.quiet {
            note("note: no statement draws data, so these are the data that were given");
        }
        let phases = Phases::new(!self.quiet);
        phases.begin("simulating");
        let draws = self.sets.unwrap_or(if self.summary { 1000 } else { 1 });
        let simulated = loaded
            .program
            .clone()
            .watched(phases.count())
            .simulate(&loaded.data, &fixed, self.seed, draws as usize)
            .map_err(|e| Failure::wrong(e.diagnostics, &loaded.sources))?;
        phases.begin(if self.summary {
            "summarising"
        } else {
            "writing"
        });
        if self.summary {
            let drawn = summarise(&quantities(&loaded.program, &simulated, &fixed));
            drop(phases);
            print(&format!("{}\n", table(&drawn, &TableOptions::default())))?;
            return Ok(Exit::Good);
        }
        let lines = |of: fn(&Simulated) -> &Data| -> String {
            let line = |set| format!("{}\n", of(set).to_json());
            simulated.iter().map(line).collect()
        };
        let write = |path: &PathBuf, text: String| {
            let wrong = |d| Failure::wrong(vec![d], &Sources::default());
            phases.write(|| replace_file(path, &text).map_err(wrong))
        };
        if let Some(path) = &self.truth {
            write(path, lines(|set| &set.truth))?;
        }
        match &self.out {
            Some(path) if is_csv(path) => {
                let columns = match simulated.as_slice() {
                    [set] => columns(&loaded.program, &set.data).to_csv(),
                    _ => Err(
                        Diagnostic::error("E0629", "a `.csv` file has one set of data")
                            .help("write several sets to a `.json` file, a set to a line"),
                    ),
                };
                let wrong = |d| Failure::usage(vec![d], &Sources::default());
                write(path, columns.map_err(wrong)?)?;
            }
            Some(path) => write(path, lines(|set| &set.data))?,
            None => {
                drop(phases);
                print(&lines(|set| &set.data))?;
            }
        }
        Ok(Exit::Good)
    }

    /// The values given by `--fix`.
    fn fixed(&self, sources: &mut Sources) -> Result<Data> {
        let mut fixed = Data::default();
        let read = fixed.merge_all(self.fix.iter().map(|option| match option.contains('=') {
            true => data::set(option, sources),
            false => data::load(&Disk, option.as_ref(), sources),
        }));
        read.map_err(|d| Failure::usage(d, sources))?;
        Ok(fixed)
    }
}

/// Data without dimensions that are numbers of their own: columns show them.
fn columns(program: &Program, data: &Data) -> Data {
    let variables = program.checked().variables.iter();
    let dimensions = variables.filter(|v| v.kind == VariableKind::Dimension);
    let dimensions: Vec<&str> = dimensions.map(|v| v.name.as_str()).collect();
    let mut columns = Data::default();
    let entries = data.entries().iter();
    for entry in entries.filter(|e| !dimensions.contains(&e.name.as_str())) {
        columns.insert_entry(entry.clone());
    }
    columns
}

fn is_csv(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str());
    ending.is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

/// Everything that is drawn, as draws.
fn quantities(program: &Program, sets: &[Simulated], fixed: &Data) -> Vec<Quantity> {
    let drawn = program.checked().holdable();
    let entries = |set: &Simulated| -> Vec<Entry> {
        let observed = set.data.entries().iter();
        let observed = observed.filter(|e| drawn.contains(e.name.as_str()));
        let all = set.truth.entries().iter().chain(observed);
        let all = all.filter(|e| fixed.get(&e.name).is_none());
        all.cloned().collect()
    };
    let mut quantities: Vec<Quantity> = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        for (k, entry) in entries(set).into_iter().enumerate() {
            let Ok(numbers) = entry.numbers() else {
                continue;
            };
            if i == 0 {
                quantities.push(Quantity {
                    name: entry.name.clone(),
                    shape: numbers.shape.to_vec(),
                    integer: true,
                    ..Quantity::default()
                });
            }
            quantities[k].integer &= numbers.integer;
            quantities[k].draws.extend_from_slice(numbers.data);
        }
    }
    quantities
}
