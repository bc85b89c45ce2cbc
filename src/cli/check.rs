//! `elbo check`: whether a program means something, and whether its data fit.

use super::input::{Bound, Input, Loaded};
use super::streams::{Exit, Result, print, tell};
use crate::check::program::VariableKind;
use crate::data::IN_MEMORY;
use crate::model::{Model, Quantity, QuantityKind};
use crate::types::Base;
use clap::Args;

/// Checks a program, and its data if there are any, and says what the model has
#[derive(Args)]
#[command(after_help = "\
Examples:
  elbo check schools.vi                     the program, and the data beside it
  elbo check schools.vi --data schools.json
  elbo check schools.vi --set J=8           with one value given here")]
pub(super) struct Check {
    #[command(flatten)]
    input: Input,

    /// Says how discrete latents are inferred: which are summed out, and what that takes
    #[arg(long)]
    explain: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result<Exit> {
        let loaded = self.input.load_streaming(IN_MEMORY)?;
        let name = self.input.model.display();
        if !loaded.has_data() {
            tell(loaded.program.warnings(), &loaded.sources);
            let names = declared(&loaded);
            print(&format!(
                "{name}: the program is good\n{names}\nno data were given or found beside it\n"
            ))?;
            return Ok(Exit::Good);
        }
        loaded.name_found();
        let names = declared(&loaded);
        let Bound {
            model,
            sources,
            warnings,
        } = loaded.bind()?;
        tell(&warnings, &sources);
        let fitting = match names.contains("data ") {
            true => "the program is good and the data fit",
            false => "the program is good",
        };
        print(&format!("{name}: {fitting}\n{}\n", sizes(&model, &names)))?;
        if self.explain {
            print(&discrete(&model))?;
        }
        Ok(Exit::Good)
    }
}

/// The kinds of names that are listed, with what they are called.
const LISTED: &[(VariableKind, &str)] = &[
    (VariableKind::Latent, "latents"),
    (VariableKind::Param, "parameters"),
    (VariableKind::Data, "data"),
    (VariableKind::Dimension, "dimensions"),
];

/// `latents mu, tau; data y, sigma; dimensions J`
fn declared(loaded: &Loaded) -> String {
    let variables = loaded.program.variables();
    let list = |&(kind, what): &(VariableKind, &str)| {
        let of_kind = variables.iter().filter(|v| v.kind == kind);
        let names: Vec<&str> = of_kind.map(|v| v.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let lists: Vec<String> = LISTED.iter().filter_map(list).collect();
    match lists.is_empty() {
        true => "it declares nothing".into(),
        false => lists.join("; "),
    }
}

/// How discrete latents are inferred, a line for each.
fn discrete(model: &Model) -> String {
    let mut lines = Vec::new();
    if let Some(sum) = &model.summation {
        for latent in &sum.latents {
            let last = latent.first + latent.states as f64 - 1.0;
            let range = format!("{} to {last}", latent.first);
            let count = match latent.elements {
                1 => "one element".into(),
                n => format!("{n} elements"),
            };
            lines.push(format!(
                "{}: summed out, {count} of {} states ({range})",
                latent.name, latent.states
            ));
        }
        let together = match sum.together {
            0 | 1 => "each by itself".into(),
            n => format!("at most {n} elements together"),
        };
        let (terms, steps) = (sum.terms, sum.steps);
        lines.push(format!(
            "the sums have {terms} terms, {together}, in {steps} steps one after the other"
        ));
    }
    let whole = |name: &&str| {
        let named = model.quantities.iter().find(|q| q.name == **name);
        named.is_some_and(|q| q.base != Base::Real)
    };
    let noise = model
        .blocks
        .iter()
        .filter_map(|b| b.name.strip_prefix("noise of "));
    for name in noise.filter(whole) {
        lines.push(format!(
            "{name}: sampled, with a factor of the guide for each element"
        ));
    }
    match lines.is_empty() {
        true => "there are no discrete latents\n".into(),
        false => lines.join("\n") + "\n",
    }
}

/// `latents mu, theta[8]; J = 8; 10 unconstrained coordinates`
fn sizes(model: &Model, declared: &str) -> String {
    let of = |kind: QuantityKind, what: &str| {
        let of_kind = model.quantities.iter().filter(|q| q.kind == kind);
        let names: Vec<String> = of_kind.map(shaped).collect();
        (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
    };
    let mut parts: Vec<String> = [
        of(QuantityKind::Latent, "latents"),
        of(QuantityKind::Param, "parameters"),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.extend(
        declared
            .split("; ")
            .filter(|part| part.starts_with("data "))
            .map(String::from),
    );
    let dimensions = model.dimensions.iter();
    parts.extend(dimensions.map(|(name, n)| format!("{name} = {n}")));
    let size = model.size();
    let coordinates = if size == 1 {
        "coordinate"
    } else {
        "coordinates"
    };
    parts.push(format!("{size} unconstrained {coordinates}"));
    parts.join("; ")
}

fn shaped(quantity: &Quantity) -> String {
    let extents: Vec<String> = quantity.shape.iter().map(usize::to_string).collect();
    match extents.is_empty() {
        true => quantity.name.clone(),
        false => format!("{}[{}]", quantity.name, extents.join(", ")),
    }
}
