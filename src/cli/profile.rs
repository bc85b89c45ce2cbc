//! `elbo profile`: what a model costs to evaluate, to differentiate and to fit.

use super::fit::{names, precision};
use super::input::{Bound, Input};
use super::streams::{Exit, Result, print, print_json};
use crate::diag::Sources;
use crate::infer::{self, KernelShare, StatementShare, profile};
use crate::model::Model;
use crate::passes::Rewritten;
use crate::tape::Precision;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Measures what a model costs: density, gradient, step, compilation, and the share of each statement and kernel
///
/// The density is that of the unconstrained numbers, with its Jacobian, one point at a time.
#[derive(Args)]
#[command(after_help = "\
Times are medians over rounds of at least 20 ms. A kernel that serves several statements counts for
each by the operations that it does for it. Those of kernels are means, with the look at the clock.

Example:
  elbo profile schools.vi --json")]
pub(super) struct Profile {
    #[command(flatten)]
    input: Input,

    /// What everything is computed in
    #[arg(long, default_value = Precision::ALL[0].0, value_parser = names(Precision::ALL))]
    precision: String,

    /// Prints one JSON object, with times in nanoseconds but for compilation
    #[arg(long)]
    pub(super) json: bool,
}

impl Profile {
    pub(super) fn run(&self) -> Result<Exit> {
        let Bound { model, sources, .. } = self.input.bind(self.json)?;
        let cost = profile(&model, precision(&self.precision));
        match self.json {
            true => print_json(&object(&cost, &model, &sources))?,
            false => print(&text(&cost, &model, &sources))?,
        }
        Ok(Exit::Good)
    }
}

fn object(cost: &infer::Profile, model: &Model, sources: &Sources) -> Value {
    let statement = |s: &StatementShare| {
        let place = s.place.map(|i| &model.places[i]);
        json!({
            "line": place.map(|p| sources.line(p.span)),
            "text": place.map(|p| &p.text),
            "share": s.share,
            "bytes": s.bytes.round(),
        })
    };
    let kernel = |k: &KernelShare| {
        let lines = k.places.iter().map(|&i| sources.line(model.places[i].span));
        json!({
            "operations": k.name,
            "elements": k.elements,
            "ns": k.nanoseconds,
            "share": k.share,
            "bytes": k.bytes,
            "lines": lines.collect::<Vec<_>>(),
        })
    };
    let kernels: Vec<Value> = cost.kernels.iter().map(kernel).collect();
    let statements: Vec<Value> = cost.statements.iter().map(statement).collect();
    let rewritten = |r: &Rewritten| {
        let place = model.place(r.origin);
        json!({
            "name": r.name,
            "line": place.map(|p| sources.line(p.span)),
            "text": place.map(|p| &p.text),
            "rows": r.rows,
            "left": r.left,
        })
    };
    let rewritten: Vec<Value> = cost.rewritten.iter().map(rewritten).collect();
    json!({
        "precision": cost.precision.name(),
        "size": cost.size,
        "log_density_ns": cost.log_density,
        "gradient_ns": cost.gradient,
        "step_ns": cost.step.as_ref().ok().filter(|ns| ns.is_finite()),
        "compile_ms": cost.compile,
        "nodes": cost.nodes,
        "instructions": cost.instructions,
        "arena_bytes": cost.arena,
        "data_bytes": cost.data,
        "rewritings": rewritten,
        "statements": statements,
        "kernels": kernels,
    })
}

pub(super) fn text(cost: &infer::Profile, model: &Model, sources: &Sources) -> String {
    let step = match &cost.step {
        Ok(ns) if ns.is_finite() => time(*ns),
        Ok(_) => "converged at once".into(),
        Err(why) => format!("none: {}", why.message),
    };
    let rows = [
        ("unconstrained coordinates", cost.size.to_string()),
        ("one log density", time(cost.log_density)),
        ("one gradient", time(cost.gradient)),
        ("one step", step),
        ("compilation", time(cost.compile * 1e6)),
        ("nodes of the graph", cost.nodes.to_string()),
        ("instructions", cost.instructions.to_string()),
        ("memory", bytes(cost.arena as f64)),
        ("data it reads", bytes(cost.data as f64)),
    ];
    let rows = rows
        .map(|(what, value)| format!("{what:26}{value}\n"))
        .concat();
    let statement = |s: &StatementShare| {
        let (percent, size) = (100.0 * s.share, bytes(s.bytes));
        let what = match s.place.map(|i| &model.places[i]) {
            Some(p) => format!("line {:<4} {}", sources.line(p.span), p.text),
            None => "what belongs to no statement".into(),
        };
        format!("{percent:6.1} % {size:>10}  {what}\n")
    };
    let kernel = |k: &KernelShare| {
        let lines = k.places.iter().map(|&i| sources.line(model.places[i].span));
        let lines: BTreeSet<usize> = lines.collect();
        let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
        format!(
            "{:6.1} % {:>10} {:>10} {:>9}  {} (lines {})\n",
            100.0 * k.share,
            time(k.nanoseconds),
            bytes(k.bytes as f64),
            k.elements,
            operations(&k.name),
            lines.join(", "),
        )
    };
    let kernels: String = cost.kernels.iter().map(kernel).collect();
    let statements: String = cost.statements.iter().map(statement).collect();
    let rewritten = |r: &Rewritten| {
        let (name, rows, left) = (r.name, r.rows, r.left);
        let what = match name {
            "inverses" => format!("{rows} steps carry what the function is taken of"),
            "log_products" => format!("{rows} steps are products with a matrix"),
            "equal_rows" => format!("{rows} rows become {left} different ones"),
            _ => format!("{rows} rows become {left} statistics"),
        };
        let place = model.place(r.origin).map_or(String::new(), |p| {
            format!("line {:<4} {}: ", sources.line(p.span), p.text)
        });
        format!("  {place}{what} ({name})\n")
    };
    let rewritten: String = cost.rewritten.iter().map(rewritten).collect();
    let rewritten = match rewritten.is_empty() {
        true => rewritten,
        false => format!("\nrewritten beforehand\n{rewritten}"),
    };
    format!(
        "{rows}{rewritten}\nshare of a gradient, and what it keeps in memory\n{statements}\n\
         its kernels: share, time, what is kept in memory, elements, operations\n{kernels}"
    )
}

/// Operations with their numbers, the most frequent first: `5 mul, 2 add, exp`.
fn operations(name: &str) -> String {
    if name.contains(':') {
        return name.into();
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in name.split(' ') {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let one = |(word, count): (&str, usize)| match count {
        1 => word.to_string(),
        n => format!("{n} {word}"),
    };
    counts.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

fn bytes(count: f64) -> String {
    match count {
        b if b < 10_240.0 => format!("{b:.0} B"),
        b if b < 10_240.0 * 1024.0 => format!("{:.0} KiB", b / 1024.0),
        b => format!("{:.0} MiB", b / 1024.0 / 1024.0),
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}
