//! Which rows of the data a step looks at: every row once in an epoch, in an order of its own.

use crate::model::Rows;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The batches of one epoch after the other. The rows of a step depend on the seed and its number alone.
#[derive(Clone, Debug)]
pub(super) struct Batches {
    size: usize,
    total: usize,
    /// Of which epoch, by which seed, `order` is.
    drawn: Option<(u64, u64)>,
    order: Vec<u32>,
    /// Rows, then what they count for.
    now: Vec<f64>,
}

/// Streams of random numbers that nothing else draws from.
const STREAM: u64 = 1 << 62;

impl Batches {
    /// Begins with the rows of step 0 in their own order.
    pub(super) fn new(rows: Rows) -> Batches {
        let Rows { size, total, .. } = rows;
        let order: Vec<u32> = (0..total as u32).collect();
        let mut batches = Batches {
            size,
            total,
            drawn: None,
            order,
            now: Vec::new(),
        };
        batches.take(0);
        batches
    }

    /// Takes the rows of a step.
    pub(super) fn turn_to(&mut self, step: u64, seed: u64) {
        let steps = self.total.div_ceil(self.size) as u64;
        let epoch = (step / steps, seed);
        if self.drawn != Some(epoch) {
            self.drawn = Some(epoch);
            self.shuffle(epoch);
        }
        self.take((step % steps) as usize);
    }

    /// Puts all rows into the order of an epoch (Fisher and Yates).
    fn shuffle(&mut self, (epoch, seed): (u64, u64)) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM + epoch);
        self.order.clear();
        self.order.extend(0..self.total as u32);
        for i in (1..self.total).rev() {
            self.order.swap(i, rng.random_range(0..=i));
        }
    }

    /// A short last batch is filled up with rows that count for nothing.
    fn take(&mut self, part: usize) {
        let first = part * self.size;
        let own = &self.order[first..self.total.min(first + self.size)];
        let weight = self.total as f64 / own.len() as f64;
        self.now.clear();
        self.now.extend(own.iter().map(|&row| f64::from(row)));
        self.now.resize(self.size, 0.0);
        self.now.extend(own.iter().map(|_| weight));
        self.now.resize(2 * self.size, 0.0);
    }

    /// Adds the values of the two inputs, and says how many they are.
    pub(super) fn extend(&self, given: &mut Vec<f64>) -> usize {
        given.extend_from_slice(&self.now);
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;

    #[test]
    fn an_epoch_has_every_row_once_and_short_batches_count_for_all() {
        let graph = Graph::new();
        let (rows, weights) = (graph.input(&[3]).id, graph.input(&[3]).id);
        let all = Rows {
            rows,
            weights,
            size: 3,
            total: 8,
        };
        let mut batches = Batches::new(all);
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let mut seen = Vec::new();
            for step in 0..3 {
                batches.turn_to(3 * epoch + step, 5);
                let (rows, weights) = batches.now.split_at(3);
                let counted = rows.iter().zip(weights).filter(|(_, w)| **w > 0.0);
                seen.extend(counted.map(|(row, _)| *row as usize));
                assert!((weights.iter().sum::<f64>() - 8.0).abs() < 1e-12);
            }
            orders.push(seen.clone());
            seen.sort_unstable();
            assert_eq!(seen, (0..8).collect::<Vec<_>>());
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2]);
        let mut again = Batches::new(all);
        again.turn_to(4, 5);
        batches.turn_to(4, 5);
        assert_eq!(again.now, batches.now);
    }
}
