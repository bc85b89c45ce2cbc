//! The arguments that name a model and its data, turned into a program bound to them.

use super::streams::{Failure, Result, note, tell};
use crate::api::{Model, Program};
use crate::check::program::VariableKind;
use crate::data::{self, Data, Disk};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use crate::passes::REWRITINGS;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::path::{Path, PathBuf};

/// A model and where its data come from.
#[derive(Args, Debug)]
pub(super) struct Input {
    /// The program
    pub(super) model: PathBuf,

    /// A data file (.json, .csv, .tsv, .npz, .npy, .idx, with the feature arrow .arrow and .parquet; also .gz) or
    /// a folder of them; may be given several times [default: the file beside the model of its name, or
    /// data.json, data.csv and so on]
    #[arg(short, long = "data", value_name = "FILE")]
    pub(super) data: Vec<PathBuf>,

    /// Sets one value of the data, as JSON or a bare word; it overrides files
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// Leaves out rewritings of the density (see `elbo profile`), for comparison: their names with commas
    /// between them, or all
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = rewritings())]
    without: Vec<String>,

    /// How many terms the sums over discrete latents may have, of one evaluation of the density; latents beyond it are
    /// sampled, all of them where it is 0 [default: 10000000]
    #[arg(long, value_name = "N", value_parser = count)]
    most_terms: Option<f64>,
}

/// A number of terms, such as `1e8`.
fn count(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| *n >= 0.0);
    number.ok_or_else(|| "not a number from 0 on".into())
}

/// Names of rewritings, and one for all of them.
fn rewritings() -> PossibleValuesParser {
    let names = REWRITINGS.iter().map(|(name, _)| *name);
    PossibleValuesParser::new(names.chain(["all"]))
}

/// A program with the data that were given or found.
pub(super) struct Loaded {
    pub(super) program: Program,
    pub(super) data: Data,
    /// The texts of program and data.
    pub(super) sources: Sources,
    /// The file that was found beside the model.
    pub(super) found: Option<PathBuf>,
    given: bool,
    without: Vec<&'static str>,
}

/// A program bound to its data.
pub(super) struct Bound {
    pub(super) model: Model,
    pub(super) sources: Sources,
    /// What is likely a mistake in program or data.
    pub(super) warnings: Diagnostics,
}

impl Input {
    /// That a file to write is not one of those that are read.
    pub(super) fn spare(&self, out: Option<&PathBuf>) -> Result<()> {
        let Some(out) = out else {
            return Ok(());
        };
        let beside = data::beside(&Disk, &self.model);
        spare(out, self.data.iter().chain([&self.model]).chain(&beside))
    }

    /// Reads the program and the data.
    pub(super) fn load(&self) -> Result<Loaded> {
        self.load_streaming(u64::MAX)
    }

    /// Reads the program and the data, but for arrays of numbers of more bytes than `in_memory`.
    pub(super) fn load_streaming(&self, in_memory: u64) -> Result<Loaded> {
        let mut program = Program::load(&self.model)?;
        if let Some(terms) = self.most_terms {
            program = program.with_most_terms(terms);
        }
        let mut sources = program.sources().clone();
        let found = match self.data.is_empty() && program.declares_data() {
            true => data::beside(&Disk, &self.model),
            false => None,
        };
        let files = self.data.iter().chain(&found);
        let data = read(&program, files, &self.set, in_memory, &mut sources)?;
        let left_out = |name: &str| self.without.iter().any(|w| w == name || w == "all");
        let names = REWRITINGS.iter().map(|(name, _)| *name);
        Ok(Loaded {
            without: names.filter(|name| left_out(name)).collect(),
            program,
            data,
            sources,
            given: found.is_some() || !self.data.is_empty() || !self.set.is_empty(),
            found,
        })
    }

    /// Reads and binds; unless `quiet`, says which file was found and what is likely a mistake.
    pub(super) fn bind(&self, quiet: bool) -> Result<Bound> {
        self.bind_streaming(quiet, u64::MAX)
    }

    /// The same with arrays of more bytes than `in_memory` left in their files, where the program can do with that.
    pub(super) fn bind_streaming(&self, quiet: bool, in_memory: u64) -> Result<Bound> {
        let loaded = self.load_streaming(in_memory)?;
        if !quiet {
            loaded.name_found();
        }
        let bound = loaded.bind()?;
        if !quiet {
            tell(&bound.warnings, &bound.sources);
        }
        Ok(bound)
    }
}

/// That what is written does not replace what is read.
pub(super) fn spare<'p>(out: &Path, read: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
    let Ok(place) = out.canonicalize() else {
        return Ok(());
    };
    let is_read = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| path == place);
    match read.into_iter().find(is_read) {
        None => Ok(()),
        Some(_) => {
            let message = format!(
                "`{}` is read by this command and would be replaced",
                out.display()
            );
            let problem = Diagnostic::error("E0711", message).help("name another file to write");
            Err(Failure::usage(vec![problem], &Sources::default()))
        }
    }
}

/// What files and then options give of a program's data; of files, arrays of more bytes than `in_memory` stay in them.
pub(super) fn read<'p>(
    program: &Program,
    files: impl IntoIterator<Item = &'p PathBuf>,
    options: &[String],
    in_memory: u64,
    sources: &mut Sources,
) -> Result<Data> {
    let mut data = Data::default();
    let files = files.into_iter();
    let of_files =
        data.merge_all(files.map(|path| data::load_streaming(&Disk, path, in_memory, sources)));
    let options = options.iter();
    let of_options = data.merge_all(options.map(|option| set(program, option, sources)));
    of_options.map_err(|d| Failure::usage(d, sources))?;
    of_files.map_err(|d| Failure::wrong(d, sources))?;
    Ok(data)
}

/// What `NAME=VALUE` says, of a name that the program has for its data.
pub(super) fn set(
    program: &Program,
    option: &str,
    sources: &mut Sources,
) -> std::result::Result<Data, Diagnostics> {
    let set = data::set(option, sources)?;
    let variables = program.variables().iter();
    let declared =
        variables.filter(|v| matches!(v.kind, VariableKind::Data | VariableKind::Dimension));
    data::expect_declared(&set, declared.map(|v| v.name.as_str()))?;
    Ok(set)
}

impl Loaded {
    /// Whether there is anything to bind the program to.
    pub(super) fn has_data(&self) -> bool {
        self.given || !self.program.declares_data()
    }

    pub(super) fn name_found(&self) {
        if let Some(path) = &self.found {
            note(&format!("data: {}", path.display()));
        }
    }

    pub(super) fn bind(self) -> Result<Bound> {
        let sources = self.sources;
        let model = self
            .program
            .bind_without(&self.data, &self.without)
            .map_err(|e| Failure::wrong(e.diagnostics, &sources))?;
        let mut warnings = self.program.warnings().clone();
        warnings.extend(model.notes().iter().cloned());
        Ok(Bound {
            model,
            sources,
            warnings,
        })
    }
}
