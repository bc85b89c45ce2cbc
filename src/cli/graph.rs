//! `elbo graph`: what depends on what in a program, as a drawing or for Graphviz.

use super::input::Input;
use super::streams::{Exit, Failure, Result, print};
use crate::data::IN_MEMORY;
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
        let written = match self.format() {
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

    fn format(&self) -> Format {
        let ending = self.out.as_ref().and_then(|path| path.extension());
        let svg = ending.is_some_and(|e| e.eq_ignore_ascii_case("svg"));
        self.format.unwrap_or(match svg {
            true => Format::Svg,
            false => Format::Dot,
        })
    }
}
