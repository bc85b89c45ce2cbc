//! `elbo export`: a saved fit in the forms that other tools read.

use super::progress::Phases;
use super::streams::{Exit, Failure, Result, note};
use crate::api::Fit;
use crate::diag::Sources;
use crate::output::export;
use clap::Args;
use std::path::PathBuf;

/// Writes a saved fit in a form that ArviZ and others read: what the ending of the file says
///
/// .nc (NetCDF) and .zarr have the posterior, replicates, log likelihood, prior and data in ArviZ's groups; .csv is as
/// CmdStan writes it, .parquet has a row for each draw, .json is for everything else.
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo export schools.elbo -o schools.nc     then in Python: arviz.from_netcdf(\"schools.nc\")
  elbo export schools.elbo -o draws.csv")]
pub(super) struct Export {
    /// A file that `elbo fit --save` has written
    fit: PathBuf,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,

    /// Names the random numbers of prior and replicates
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Prints the results alone: no progress and no notes
    #[arg(short, long)]
    quiet: bool,
}

impl Export {
    pub(super) fn run(&self) -> Result<Exit> {
        let refuse = |d| Failure::wrong(vec![d], &Sources::default());
        // A wrong ending is told before there is work to lose.
        let format = export::format(&self.out).map_err(refuse)?;
        let phases = Phases::new(!self.quiet);
        phases.begin("reading the fit");
        let fit = Fit::load(&self.fit)?.watched(phases.count());
        phases.begin("replicating and weighing");
        let data = fit.inference_data(self.seed)?;
        phases.write(|| export::write(&self.out, &data).map_err(refuse))?;
        drop(phases);
        if !self.quiet {
            // A form without groups lacks none.
            for (group, why) in data.missing.iter().filter(|_| format.groups) {
                let first = why.message.lines().next().unwrap_or_default();
                note(&format!(
                    "note: the group `{}` is left out: {first} ({})",
                    group.name, why.code
                ));
            }
            note(&format!("{}", self.out.display()));
        }
        Ok(Exit::of(&fit, self.quiet))
    }
}
