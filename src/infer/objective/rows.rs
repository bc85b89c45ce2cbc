//! Which rows of the data a step looks at: every row once in an epoch, in an order of its own.

use crate::model::Rows;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The batches of one epoch after the other. The rows of a step depend on the seed and its number alone.
#[derive(Clone, Debug)]
pub(super) struct Batches {
    rows: Rows,
    /// Of which epoch, by which seed, `order` is.
    drawn: Option<(u64, u64)>,
    order: Vec<u32>,
    /// The values of the inputs: rows, what they count for, what they hold.
    now: Vec<f64>,
}

/// Streams of random numbers that nothing else draws from.
const STREAM: u64 = 1 << 62;

impl Batches {
    /// Begins with the rows of step 0 in their own order.
    pub(super) fn new(rows: &Rows) -> Batches {
        let mut batches = Batches {
            order: (0..rows.total as u32).collect(),
            rows: rows.clone(),
            drawn: None,
            now: Vec::new(),
        };
        batches.take(0);
        batches
    }

    /// Rows of the data.
    pub(super) fn total(&self) -> usize {
        self.rows.total
    }

    /// Takes the rows of a step.
    pub(super) fn turn_to(&mut self, step: u64, seed: u64) {
        let steps = self.rows.steps() as u64;
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
        self.order.extend(0..self.rows.total as u32);
        for i in (1..self.rows.total).rev() {
            self.order.swap(i, rng.random_range(0..=i));
        }
    }

    /// A short last batch is filled up with rows that count for nothing.
    fn take(&mut self, part: usize) {
        let Rows { size, total, .. } = self.rows;
        let own = &self.order[part * size..total.min((part + 1) * size)];
        let own: Vec<usize> = own.iter().map(|&row| row as usize).collect();
        self.now.clear();
        fill_up(
            &self.rows,
            own,
            |count| total as f64 / count as f64,
            &mut self.now,
        );
    }

    /// Adds the values of the inputs, and says how many inputs they are of.
    pub(super) fn extend(&self, given: &mut Vec<f64>) -> usize {
        given.extend_from_slice(&self.now);
        2 + self.rows.fed.len()
    }
}

/// Adds the values of the inputs for a part of all rows in their order, as many as a batch has, and says how
/// many these are. Each counts for all parts, so that the mean over parts is the sum over all rows.
pub(crate) fn in_order(rows: &Rows, part: usize, out: &mut Vec<f64>) -> usize {
    let own: Vec<usize> = (part * rows.size..rows.total.min((part + 1) * rows.size)).collect();
    let count = own.len();
    fill_up(rows, own, |_| rows.steps() as f64, out);
    count
}

/// The values of the inputs for rows that count for `weight` of their number, and others that count for nothing.
fn fill_up(rows: &Rows, mut own: Vec<usize>, weight: impl Fn(usize) -> f64, out: &mut Vec<f64>) {
    let mut weights = vec![weight(own.len()); own.len()];
    own.resize(rows.size, 0);
    weights.resize(rows.size, 0.0);
    rows.numbers(&own, &weights, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Tensor};
    use crate::model::{Fed, Source};

    #[test]
    fn an_epoch_has_every_row_once_and_short_batches_count_for_all() {
        let graph = Graph::new();
        let (rows, weights) = (graph.input(&[3]).id, graph.input(&[3]).id);
        let data = graph.input(&[3]).id;
        let held = Tensor::vector((0..8).map(|r| f64::from(r) + 0.5).collect::<Vec<_>>());
        let fed = Fed {
            input: data,
            name: "x".into(),
            source: Source::Held(held),
        };
        let all = Rows::new((rows, weights), (3, 8), vec![fed], Vec::new(), Vec::new());
        let mut batches = Batches::new(&all);
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let mut seen = Vec::new();
            for step in 0..3 {
                batches.turn_to(3 * epoch + step, 5);
                let (rows, rest) = batches.now.split_at(3);
                let (weights, data) = rest.split_at(3);
                assert!(rows.iter().zip(data).all(|(row, x)| *x == row + 0.5));
                let counted = rows.iter().zip(weights).filter(|(_, w)| **w > 0.0);
                seen.extend(counted.map(|(row, _)| *row as usize));
                assert!((weights.iter().sum::<f64>() - 8.0).abs() < 1e-12);
            }
            orders.push(seen.clone());
            seen.sort_unstable();
            assert_eq!(seen, (0..8).collect::<Vec<_>>());
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2]);
        let mut again = Batches::new(&all);
        again.turn_to(4, 5);
        batches.turn_to(4, 5);
        assert_eq!(again.now, batches.now);
    }
}
