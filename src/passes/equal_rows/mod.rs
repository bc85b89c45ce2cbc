//! Rows of a sum that are equal in all data that they read become one row with a weight.
//!
//! What a row reads is found symbolically ([`reads`]): columns of data, and the places of latents that
//! indices pick. Rows that agree in the bits of all of it have the same value whatever the latents are.
//! Summands are looked at one by one too, since one may read less than another: of
//! `lgamma(y + φ) − (y + φ) log(μ + φ)` the first has as many rows as there are different counts.

mod classes;
mod reads;

use super::restrict::Restrict;
use super::rewriting::{Density, Rewritten};
use super::statistics::{PAYS, full_sum, is_shared, joined, take_apart};
use crate::graph::{Tensor, Var};
use classes::Classes;
use reads::Reads;
pub(super) use reads::{LONGEST_AXIS, is_elementwise};

/// Sums over fewer rows are left alone: short vectors cost little.
const FEWEST_ROWS: usize = 24;
/// What must be left of rows whose values something else needs too.
const PAYS_SHARED: f64 = 0.3;
/// What must be left of the rows of all summands for one to have a sum of its own.
const PAYS_ALONE: f64 = 0.5;

/// Summands with the classes of their rows.
struct Batch<'g> {
    summands: Vec<Var<'g>>,
    classes: Classes,
}

/// See the head of this file.
pub fn equal_rows<'g>(
    density: &Density<'g>,
    var: Var<'g>,
    _: &[Var<'g>],
) -> Option<(Var<'g>, Vec<Rewritten>)> {
    let elements = full_sum(var).filter(|e| e.numel() >= FEWEST_ROWS)?;
    let rows = elements.numel();
    let origin = density.graph.node(elements.id).origin;
    let part = match is_shared(density, density.graph, elements) {
        true => PAYS_SHARED,
        false => PAYS,
    };
    let most = (part * rows as f64) as usize;
    let mut reads = Reads::new(density);
    let mut summands = Vec::new();
    take_apart(elements, 1.0, &mut summands);
    let whole = reads
        .of(elements)
        .and_then(|r| Classes::of(elements, &r, most));
    let alone = (PAYS_ALONE * whole.as_ref().map_or(rows, |w| w.count) as f64) as usize;
    let mut batches: Vec<Batch> = Vec::new();
    let mut rest = Vec::new();
    for summand in &summands {
        let value = joined(&[*summand])?;
        let own = match summands.len() {
            1 => None,
            _ => reads
                .of(summand.var)
                .and_then(|r| Classes::of(summand.var, &r, alone.min(most))),
        };
        match own {
            Some(classes) => match batches.iter_mut().find(|b| b.classes == classes) {
                Some(batch) => batch.summands.push(value),
                None => batches.push(Batch {
                    summands: vec![value],
                    classes,
                }),
            },
            None => rest.push(*summand),
        }
    }
    let mut sums = Vec::new();
    if let Some(rest) = joined(&rest) {
        match whole {
            Some(classes) => batches.push(Batch {
                summands: vec![rest],
                classes,
            }),
            None => sums.push(rest.sum()),
        }
    }
    if batches.is_empty() {
        return None;
    }
    let mut report = Vec::new();
    for batch in &batches {
        report.push(Rewritten {
            name: "equal_rows",
            origin,
            rows,
            left: batch.classes.count,
        });
        sums.push(weighted(density, batch));
    }
    let total = sums.into_iter().reduce(|a, b| a + b)?;
    Some((total, report))
}

/// Σ over the different rows, each as often as it occurs.
fn weighted<'g>(density: &Density<'g>, batch: &Batch<'g>) -> Var<'g> {
    let graph = density.graph;
    let first: Vec<f64> = batch.classes.first.iter().map(|&r| f64::from(r)).collect();
    let mut restrict = Restrict::new(density.graph);
    let values = batch.summands.iter().copied().reduce(|a, b| a + b);
    let values = values.expect("a batch has a summand");
    let few = restrict.at(values, &Tensor::vector(first));
    (few * graph.constant(Tensor::vector(batch.classes.weights()))).sum()
}

#[cfg(test)]
mod tests;
