//! The command line turned into calls of [`crate::api`], and what they give into text.
//!
//! A subcommand is one file, with its arguments and its `run` together, and one row in `Command`.
//! Results go to standard output, everything else to standard error; [`streams`] says how.

mod check;
mod compare;
mod completions;
mod eval;
mod explain;
mod export;
mod fit;
mod fmt;
mod graph;
mod input;
mod man;
mod new;
mod predict;
mod profile;
mod progress;
mod repl;
mod report;
mod show;
mod simulate;
mod streams;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Fits probabilistic programs to data by variational inference.
#[derive(Parser)]
#[command(name = "elbo", version, propagate_version = true, after_help = AFTER)]
struct Elbo {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER: &str = "\
Examples:
  elbo fit coin.vi                  with coin.json, coin.csv or data.json beside it
  elbo fit coin.vi --data flips.csv --out results
  elbo explain E0203

Exit codes:
  0  all is well
  1  the program or the data are wrong, or `fmt --check` found what it would change
  2  the command line is wrong
  3  the fit did not converge or is not to be trusted";

#[derive(Subcommand)]
enum Command {
    Fit(fit::Fit),
    Repl(repl::Repl),
    Check(check::Check),
    Simulate(simulate::Simulate),
    Show(show::Show),
    Predict(predict::Predict),
    Compare(compare::Compare),
    Report(report::Report),
    Export(export::Export),
    Eval(eval::Eval),
    Profile(profile::Profile),
    Graph(graph::Graph),
    Fmt(fmt::Fmt),
    New(new::New),
    Completions(completions::Completions),
    Man(man::Man),
    Explain(explain::Explain),
}

impl Command {
    /// Whether standard output is to be JSON.
    fn json(&self) -> bool {
        match self {
            Command::Fit(fit) => fit.json,
            Command::Eval(eval) => eval.json,
            Command::Show(show) => show.json,
            Command::Predict(predict) => predict.json,
            Command::Compare(compare) => compare.json,
            Command::Profile(profile) => profile.json,
            Command::Check(_)
            | Command::Simulate(_)
            | Command::Graph(_)
            | Command::Fmt(_)
            | Command::New(_)
            | Command::Export(_)
            | Command::Report(_)
            | Command::Repl(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Explain(_) => false,
        }
    }
}

/// Runs the command that the process was given, and says how it is to exit.
pub fn main() -> ExitCode {
    // Without a subcommand it is a conversation.
    let command = Elbo::parse()
        .command
        .unwrap_or(Command::Repl(repl::Repl::default()));
    let json = command.json();
    let result = match command {
        Command::Fit(fit) => fit.run(),
        Command::Repl(repl) => repl.run(),
        Command::Check(check) => check.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Eval(eval) => eval.run(),
        Command::Show(show) => show.run(),
        Command::Predict(predict) => predict.run(),
        Command::Compare(compare) => compare.run(),
        Command::Report(report) => report.run(),
        Command::Export(export) => export.run(),
        Command::New(new) => new.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::Profile(profile) => profile.run(),
        Command::Graph(graph) => graph.run(),
        Command::Fmt(fmt) => fmt.run(),
        Command::Explain(explain) => explain.run(),
    };
    let exit = result.unwrap_or_else(|failure| failure.tell(json));
    ExitCode::from(exit as u8)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_declared_consistently() {
        super::Elbo::command().debug_assert();
    }
}
