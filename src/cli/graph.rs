//! `elbo graph`: what depends on what in a program, as a drawing or for Graphviz.

use super::input::Input;
use super::streams::{Exit, Failure, Result, print};
use crate::data::IN_MEMORY;
use crate::diag::{Diagnostic, Sources};
use crate::output::{self, graph};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Draws what depends on what: latents, data, parameters and computed values, with a box for each loop
#[derive(Args)]
#[command(after_help = "\
Latents are white ellipses, what is observed is grey, data that are only read are grey boxes, parameters are
boxes with thick borders, computed values have dashed borders, factors are black.

Examples:
  elbo graph schools.vi -o schools.svg
  elbo graph schools.vi | dot -Tpdf > schools.pdf")]
pub(super) struct Graph {
    #[command(flatten)]
    input: Input,

    /// What is written [default: what the name of OUT ends in, or dot]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The file to write; without it standard output
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The language of Graphviz
    Dot,
    /// A drawing for browsers and editors
    Svg,
}

impl Graph {
    pub(super) fn run(&self) -> Result<Exit> {
        let format = self.format()?;
        self.input.spare(self.out.as_ref())?;
        let loaded = self.input.load_streaming(IN_MEMORY)?;
        let program = &loaded.program;
        let extents = match loaded.has_data() {
            true => {
                loaded.name_found();
                let model = program.bind(&loaded.data);
                let model = model.map_err(|e| Failure::wrong(e.diagnostics, &loaded.sources))?;
                model.dimensions.clone()
            }
            false => Vec::new(),
        };
        let text = |span| program.sources().snippet(span).to_string();
        let graph = graph::Graph::of(program.checked(), &text, &extents);
        let written = match format {
            Format::Dot => graph::dot(&graph),
            Format::Svg => graph::svg(&graph),
        };
        match &self.out {
            None => print(&written)?,
            Some(path) => output::replace_file(path, &written)
                .map_err(|problem| Failure::wrong(vec![problem], &loaded.sources))?,
        }
        Ok(Exit::Good)
    }

    /// What is asked for, or what the file's name ends in.
    fn format(&self) -> Result<Format> {
        let ending = self.out.as_ref().and_then(|path| path.extension());
        let ending = ending.map(|e| e.to_string_lossy().to_lowercase());
        match (self.format, ending.as_deref()) {
            (Some(format), _) => Ok(format),
            (None, None | Some("dot" | "gv")) => Ok(Format::Dot),
            (None, Some("svg")) => Ok(Format::Svg),
            (None, Some(other)) => {
                let message = format!("a graph is not written as `.{other}`");
                let help = "name a file that ends in .svg, .dot or .gv, or say `--format`";
                let problem = Diagnostic::error("E0705", message).help(help);
                Err(Failure::usage(vec![problem], &Sources::default()))
            }
        }
    }
}
