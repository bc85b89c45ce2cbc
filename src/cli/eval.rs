//! `elbo eval`: the log joint density at given points.

use super::input::{Bound, Input};
use super::streams::{Exit, Failure, Result, print, print_json, tell};
use crate::data::{Disk, Files};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use crate::infer::{Evaluator, Outside};
use crate::model::{Model, Quantity, QuantityKind};
use crate::output;
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Evaluates the log joint density of a model at given values of its latents and parameters
///
/// The density is that of the latents as the program names them, with all constants and without
/// Jacobian terms. It is −∞ where a value is outside its support; JSON has no infinities, so there it
/// is null, and a message says why.
#[derive(Args)]
#[command(after_help = "\
Points are a JSON array of objects (or one object) with a value for each latent and parameter; arrays
are nested or flat and row-major, and names that the model computes are passed over. For data with
missing values a whole array is given; of it only what is missing is used, the rest may be null.

Example:
  elbo eval schools.vi --at points.json
with points.json: [{\"mu\": 4.4, \"tau\": 3.6, \"theta\": [5, 4, 3, 4, 5, 4, 3, 4]}]")]
pub(super) struct Eval {
    #[command(flatten)]
    input: Input,

    /// The points, in JSON
    #[arg(long, value_name = "POINTS.json")]
    at: PathBuf,

    /// Prints one JSON object, {"log_density": […], "messages": […]}
    #[arg(long)]
    pub(super) json: bool,
}

impl Eval {
    pub(super) fn run(&self) -> Result<Exit> {
        let Bound { model, sources, .. } = self.input.bind(self.json)?;
        let points = read(&self.at)?;
        let mut problems = Diagnostics::new();
        let mut values = Vec::new();
        for (i, point) in points.iter().enumerate() {
            match values_of(&model, point, i + 1) {
                Ok(found) => values.push(found),
                Err(new) => problems.extend(new),
            }
        }
        if !problems.is_empty() {
            return Err(Failure::wrong(problems, &sources));
        }
        let mut evaluator = Evaluator::new(&model);
        let mut densities = Vec::new();
        for (i, values) in values.iter().enumerate() {
            let (density, outside) = evaluator.log_density(values);
            if !density.is_finite() {
                problems.push(not_finite(&model, density, &outside, i + 1));
            }
            densities.push(density);
        }
        if self.json {
            let messages = output::messages(&problems);
            print_json(&serde_json::json!({"log_density": densities, "messages": messages}))?;
        } else {
            let lines: Vec<String> = densities.iter().map(|d| format!("{d}\n")).collect();
            print(&lines.concat())?;
            tell(&problems, &Sources::default());
        }
        Ok(Exit::Good)
    }
}

/// A point: values by name.
type Point = serde_json::Map<String, Value>;

/// The points in a file.
fn read(path: &Path) -> Result<Vec<Point>> {
    let refuse = |why: String| {
        let message = format!("cannot read points from `{}`: {why}", path.display());
        let problem = Diagnostic::error("E0641", message).help(
            "expected JSON: an array of objects such as `[{\"mu\": 0.5, \"theta\": [1, 2]}]`",
        );
        Failure::wrong(vec![problem], &Sources::default())
    };
    let bytes = Disk.read(path).map_err(|e| refuse(e.to_string()))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| refuse(e.to_string()))?;
    let points = match value {
        Value::Array(points) => points,
        one => vec![one],
    };
    let point = |(i, value)| match value {
        Value::Object(point) => Ok(point),
        other => Err(refuse(format!("point {} is {}", i + 1, kind(&other)))),
    };
    points.into_iter().enumerate().map(point).collect()
}

/// The value of each block at a point.
fn values_of(
    model: &Model,
    point: &Point,
    number: usize,
) -> std::result::Result<Vec<Vec<f64>>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let given = |q: &&Quantity| q.kind != QuantityKind::Deterministic;
    let wanted: Vec<&Quantity> = model.quantities.iter().filter(given).collect();
    for name in point.keys() {
        if !model.quantities.iter().any(|q| q.name == *name) {
            let names = wanted.iter().map(|q| q.name.as_str());
            problems.push(unknown(name, names, number));
        }
    }
    let mut arrays: Vec<(&str, Vec<f64>)> = Vec::new();
    for quantity in &wanted {
        match point.get(&quantity.name) {
            None => problems.push(missing(quantity, number)),
            Some(value) => match numbers(quantity, value, number) {
                Ok(array) => arrays.push((&quantity.name, array)),
                Err(problem) => problems.push(problem),
            },
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let array = |name: &str| arrays.iter().find(|(n, _)| *n == name).map(|(_, a)| a);
    let mut values = Vec::new();
    for block in &model.stated.blocks {
        let array = array(&block.name).map_or(&[][..], Vec::as_slice);
        let value: Vec<f64> = block.places.iter().map(|&k| array[k]).collect();
        if let Some(k) = value.iter().position(|x| x.is_nan()) {
            problems.push(null(model, &block.name, block.places[k], number));
        }
        values.push(value);
    }
    match problems.is_empty() {
        true => Ok(values),
        false => Err(problems),
    }
}

/// A quantity's elements, row-major, from nested or flat arrays; NaN for `null`.
fn numbers(
    quantity: &Quantity,
    value: &Value,
    number: usize,
) -> std::result::Result<Vec<f64>, Diagnostic> {
    let (mut shape, mut flat) = (Vec::new(), Vec::new());
    let found = match gather(value, 0, &mut shape, &mut flat) {
        Ok(()) => format!("{shape:?}"),
        Err(what) => return Err(not_numbers(quantity, &what, number)),
    };
    let size: usize = quantity.shape.iter().product();
    if shape == quantity.shape || (shape.len() == 1 && flat.len() == size) {
        return Ok(flat);
    }
    let (name, expected) = (&quantity.name, &quantity.shape);
    let expected = match expected.is_empty() {
        true => "a single number".into(),
        false => format!("shape {expected:?}"),
    };
    let found = match shape.is_empty() {
        true => "a single number".into(),
        false => format!("shape {found}"),
    };
    let message = format!("point {number}: `{name}` has {expected} in the model, but {found} here");
    Err(Diagnostic::error("E0644", message).help("give all elements, nested or flat and row-major"))
}

fn gather(
    value: &Value,
    depth: usize,
    shape: &mut Vec<usize>,
    flat: &mut Vec<f64>,
) -> std::result::Result<(), String> {
    match value {
        Value::Null if depth == shape.len() => flat.push(f64::NAN),
        Value::Number(x) if depth == shape.len() => flat.push(x.as_f64().unwrap_or(f64::NAN)),
        Value::Array(parts) => {
            if depth == shape.len() && flat.is_empty() {
                shape.push(parts.len());
            }
            if shape.get(depth) != Some(&parts.len()) {
                return Err("an array whose rows differ in length".into());
            }
            for part in parts {
                gather(part, depth + 1, shape, flat)?;
            }
        }
        Value::Null | Value::Number(_) => return Err("an array whose rows differ in length".into()),
        other => return Err(kind(other).into()),
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn missing(quantity: &Quantity, number: usize) -> Diagnostic {
    let message = format!("point {number} has no value for `{}`", quantity.name);
    Diagnostic::error("E0642", message).help("give a value to every latent and parameter")
}

fn unknown<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    number: usize,
) -> Diagnostic {
    let message = format!("point {number} names `{name}`, which is not in the model");
    let all: Vec<&str> = known.clone().collect();
    Diagnostic::error("E0643", message)
        .suggest(name, known)
        .or_help(format!("its latents and parameters are {}", all.join(", ")))
}

fn not_numbers(quantity: &Quantity, what: &str, number: usize) -> Diagnostic {
    let message = format!("point {number}: `{}` is {what}", quantity.name);
    Diagnostic::error("E0645", message).help("give numbers and rectangular arrays of them")
}

fn null(model: &Model, name: &str, flat: usize, number: usize) -> Diagnostic {
    let element = element(model, name, flat);
    let message = format!("point {number}: `{element}` is null");
    Diagnostic::error("E0645", message).help("only elements that the data give may be null")
}

fn not_finite(model: &Model, density: f64, outside: &[Outside], number: usize) -> Diagnostic {
    let why = match outside.first() {
        Some(Outside {
            block,
            element: k,
            why,
        }) => {
            let place = &model.stated.blocks[*block];
            let flat = place.places.get(*k).copied().unwrap_or(0);
            let rank = model.graph.node(place.value).shape.len();
            let name = match rank == place.support.event.len() {
                true => place.name.clone(),
                false => element(model, &place.name, flat),
            };
            format!("`{name}` is outside its support: {why}")
        }
        None if density.is_nan() => "a term of it is not a number".into(),
        None => "the data or latents have probability 0 there".into(),
    };
    let shown = if density.is_nan() { "NaN" } else { "−∞" };
    let shown = if density == f64::INFINITY {
        "∞"
    } else {
        shown
    };
    Diagnostic::warning(
        "E0646",
        format!("the log density at point {number} is {shown}: {why}"),
    )
}

/// `theta[2, 1]`, counted from 1.
fn element(model: &Model, name: &str, flat: usize) -> String {
    let quantity = model.quantities.iter().find(|q| q.name == name);
    quantity.map_or(name.into(), |q| q.element(flat))
}
