//! Which rows agree in everything that they read.

use super::reads::Read;
use crate::graph::{NodeId, Var};
use crate::passes::statistics::coordinates;
use std::collections::HashMap;

/// Classes of equal rows, numbered by their first.
#[derive(PartialEq)]
pub(super) struct Classes {
    pub count: usize,
    of: Vec<u32>,
    /// The first row of each.
    pub first: Vec<u32>,
}

impl Classes {
    /// Refines column by column; `None` as soon as there are more than `most`.
    pub fn of(value: Var<'_>, reads: &[Read], most: usize) -> Option<Classes> {
        let shape = value.shape();
        let mut of = vec![0_u32; value.numel()];
        let mut first = vec![0_u32];
        let mut at = vec![0; shape.len()];
        for read in different_first(reads) {
            let mut seen: HashMap<(u32, u64), u32> = HashMap::new();
            first.clear();
            for (row, class) in of.iter_mut().enumerate() {
                coordinates(&shape, row, &mut at);
                let key = (*class, read.bits(&at));
                *class = *seen.entry(key).or_insert_with(|| {
                    first.push(row as u32);
                    first.len() as u32 - 1
                });
                if first.len() > most {
                    return None;
                }
            }
        }
        (first.len() <= most).then_some(Classes {
            count: first.len(),
            of,
            first,
        })
    }

    /// How many rows each has.
    pub fn weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.count];
        for &class in &self.of {
            weights[class as usize] += 1.0;
        }
        weights
    }
}

/// The first that is read of every value, then the second of each: further columns of a value seldom tell rows apart
/// that its first does not, and where there are too many classes it shows after a few.
fn different_first(reads: &[Read]) -> Vec<&Read> {
    let mut before: HashMap<NodeId, usize> = HashMap::new();
    let rank = |read: &Read| match read {
        Read::Data(_) => 0,
        Read::Latent(id, _) => {
            let count = before.entry(*id).or_default();
            *count += 1;
            *count
        }
    };
    let ranks: Vec<usize> = reads.iter().map(rank).collect();
    let mut order: Vec<usize> = (0..reads.len()).collect();
    order.sort_by_key(|&i| ranks[i]);
    order.into_iter().map(|i| &reads[i]).collect()
}
