//! Turns a run of iterates into the average of its later half and tests of whether that is at rest.
//!
//! Iterates are summed up in blocks, so that any tail can be averaged and its parts compared without
//! keeping the iterates. When there are many blocks, neighbours are merged.

/// Means of iterates and objective over successive steps at one step size.
pub(crate) struct Tail {
    blocks: Vec<Block>,
    open: Block,
    /// Steps in a full block.
    size: usize,
}

/// What the later half of the iterates says.
pub(crate) struct Summary {
    /// Their average.
    pub(crate) mean: Vec<f64>,
    /// Each coordinate's ratio of the spread of all to the spread within each half (Gelman & Rubin
    /// 1992); near 1 where nothing drifts.
    pub(crate) r_hat: Vec<f64>,
    /// How far the means of the two halves are apart.
    pub(crate) drift: Vec<f64>,
    /// Standard error of `mean`, from the spread of the blocks' means.
    pub(crate) std_error: Vec<f64>,
}

/// Blocks are merged when there are this many.
const MOST_BLOCKS: usize = 64;

#[derive(Clone)]
struct Block {
    steps: usize,
    mean: Vec<f64>,
    /// Sum of squared distances from the mean.
    squares: Vec<f64>,
}

impl Tail {
    pub(crate) fn new(dim: usize, size: usize) -> Tail {
        Tail {
            blocks: Vec::new(),
            open: Block::empty(dim),
            size: size.max(1),
        }
    }

    /// Adds an iterate; says whether this completed a block.
    pub(crate) fn push(&mut self, x: &[f64]) -> bool {
        self.open.push(x);
        if self.open.steps < self.size {
            return false;
        }
        let full = std::mem::replace(&mut self.open, Block::empty(x.len()));
        self.blocks.push(full);
        if self.blocks.len() == MOST_BLOCKS {
            let pairs = self.blocks.chunks(2);
            self.blocks = pairs.map(|pair| pair[0].merge(&pair[1])).collect();
            self.size *= 2;
        }
        true
    }

    /// Steps in complete blocks.
    pub(crate) fn steps(&self) -> usize {
        self.blocks.iter().map(|b| b.steps).sum()
    }

    /// The later half of the complete blocks; `None` while there are fewer than four of them, since
    /// each quarter of the run has to have one.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let tail = &self.blocks[self.blocks.len() / 2..];
        let (first, second) = tail.split_at(tail.len() / 2);
        let (first, second) = (pool(first)?, pool(second)?);
        let all = first.merge(&second);
        let r_hat = (0..all.mean.len())
            .map(|j| first.r_hat(&second, j))
            .collect();
        let drift = first
            .mean
            .iter()
            .zip(&second.mean)
            .map(|(a, b)| b - a)
            .collect();
        let count = tail.len() as f64;
        let std_error = (0..all.mean.len()).map(|j| {
            let squares = tail
                .iter()
                .map(|b| (b.mean[j] - all.mean[j]).powi(2))
                .sum::<f64>();
            (squares / (count * (count - 1.0))).sqrt()
        });
        Some(Summary {
            std_error: std_error.collect(),
            r_hat,
            drift,
            mean: all.mean,
        })
    }
}

fn pool(blocks: &[Block]) -> Option<Block> {
    let (first, rest) = blocks.split_first()?;
    Some(
        rest.iter()
            .fold(first.clone(), |all, block| all.merge(block)),
    )
}

impl Block {
    fn empty(dim: usize) -> Block {
        Block {
            steps: 0,
            mean: vec![0.0; dim],
            squares: vec![0.0; dim],
        }
    }

    /// Welford's update.
    fn push(&mut self, x: &[f64]) {
        self.steps += 1;
        let share = 1.0 / self.steps as f64;
        for ((m, q), x) in self.mean.iter_mut().zip(&mut self.squares).zip(x) {
            let away = x - *m;
            *m += away * share;
            *q += away * (x - *m);
        }
    }

    /// Moments of both together (Chan, Golub & LeVeque 1979).
    fn merge(&self, other: &Block) -> Block {
        let steps = self.steps + other.steps;
        let share = other.steps as f64 / steps as f64;
        let mut merged = Block::empty(self.mean.len());
        merged.steps = steps;
        for j in 0..self.mean.len() {
            let apart = other.mean[j] - self.mean[j];
            merged.mean[j] = self.mean[j] + share * apart;
            let between = apart * apart * share * self.steps as f64;
            merged.squares[j] = self.squares[j] + other.squares[j] + between;
        }
        merged
    }

    /// R-hat of coordinate `j` in two halves of equal length; 1 where it never moved.
    fn r_hat(&self, other: &Block, j: usize) -> f64 {
        let within = (self.squares[j] + other.squares[j]) / (self.steps + other.steps) as f64;
        let between = 0.5 * (self.mean[j] - other.mean[j]).powi(2);
        if between == 0.0 {
            1.0
        } else {
            (1.0 + between / within).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::optim::problems::normals;

    fn tail_of(iterates: impl Iterator<Item = f64>, size: usize) -> Tail {
        let mut tail = Tail::new(1, size);
        iterates.for_each(|x| {
            tail.push(&[x]);
        });
        tail
    }

    #[test]
    fn merging_keeps_the_moments() {
        // 50 and 200 blocks: the second is merged on the way.
        for n in [500, 2000] {
            let noise = normals(n, 1);
            let summary = tail_of(noise.iter().copied(), 10)
                .summary()
                .expect("many blocks");
            let mean = noise[n / 2..].iter().sum::<f64>() / (n / 2) as f64;
            assert!(
                (summary.mean[0] - mean).abs() < 1e-12,
                "{} against {mean}",
                summary.mean[0]
            );
            // White noise: 1/√(n/2), itself known to about 1/√(2·16).
            let ratio = summary.std_error[0] * (n as f64 / 2.0).sqrt();
            assert!((0.5..1.6).contains(&ratio), "{ratio}");
            assert!(summary.r_hat[0] < 1.02);
        }
    }

    #[test]
    fn drift_is_seen_and_rest_is_1() {
        let noise = normals(1000, 2);
        let drifting = noise.iter().enumerate().map(|(i, z)| z + 0.01 * i as f64);
        // Over the later half the two quarters are 2.5 noise sds apart.
        assert!(tail_of(drifting, 10).summary().expect("many blocks").r_hat[0] > 1.5);
        assert_eq!(
            tail_of([3.0; 100].into_iter(), 10)
                .summary()
                .expect("many blocks")
                .r_hat,
            [1.0]
        );
        assert!(tail_of([3.0; 25].into_iter(), 10).summary().is_none());
    }
}
