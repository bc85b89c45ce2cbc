//! Turns the model of a step into posterior draws and densities of all rows: one part of the rows after the other.
//!
//! Noise that belongs to rows is fresh in every part, all other noise is the same; so the parts together are one
//! draw. In each a row counts for as many as there are parts, and the mean of the densities is that of all rows.

use super::noise::normals;
use super::objective::in_order;
use crate::graph::numel;
use crate::model::{Model, Role, Rows};
use std::ops::Range;

/// How a draw is put together from parts of the rows.
#[derive(Clone, Debug)]
pub(super) struct Epoch {
    rows: Rows,
    /// Columns of the noise that belong to the rows.
    columns: Vec<Range<usize>>,
    noise: usize,
    /// For each quantity the numbers of a row, if its first axis are the rows.
    per_row: Vec<Option<usize>>,
}

impl Epoch {
    /// Of a model that is told its rows, whose guide takes so many numbers of noise for a draw.
    pub(super) fn new(model: &Model, noise: usize) -> Option<Epoch> {
        let rows = model.rows.clone()?;
        // A guide takes the noise of blocks that are nothing else last, as it is.
        let own = model.blocks.iter().filter(|b| b.role == Role::Noise);
        let mut at = noise - own.clone().map(|b| b.size).sum::<usize>();
        let mut columns = Vec::new();
        for block in own {
            if rows.own.contains(&block.input) {
                columns.push(at..at + block.size);
            }
            at += block.size;
        }
        let quantities = model.quantities.iter();
        let per_row = quantities.map(|q| {
            let made = rows.made.contains(&q.name);
            made.then(|| numel(&q.shape[1..]))
        });
        Some(Epoch {
            per_row: per_row.collect(),
            rows,
            columns,
            noise,
        })
    }

    pub(super) fn parts(&self) -> usize {
        self.rows.steps()
    }

    /// Numbers in each quantity.
    pub(super) fn size(&self, quantity: usize, of_step: usize) -> usize {
        self.per_row[quantity].map_or(of_step, |each| each * self.rows.total)
    }

    /// The values of the rows' inputs, and how many rows the part has.
    pub(super) fn part(&self, part: usize) -> (Vec<f64>, usize) {
        let mut numbers = Vec::new();
        let count = in_order(&self.rows, part, &mut numbers);
        (numbers, count)
    }

    /// Makes the rows' noise anew for a part after the first.
    pub(super) fn refresh(&self, seed: u64, stream: u64, part: usize, noise: &mut [f64]) {
        let width: usize = self.columns.iter().map(Range::len).sum();
        if part == 0 || width == 0 {
            return;
        }
        let draws = noise.len() / self.noise;
        let mut fresh = vec![0.0; draws * width];
        // Numbers of streams and of parts are below 2^32.
        normals(seed, stream | (part as u64) << 32, &mut fresh);
        for (draw, fresh) in noise.chunks_mut(self.noise).zip(fresh.chunks(width)) {
            let mut from = 0;
            for columns in &self.columns {
                draw[columns.clone()].copy_from_slice(&fresh[from..from + columns.len()]);
                from += columns.len();
            }
        }
    }

    /// Puts a quantity of a part's draws to those of all rows: `count` rows of this part, from where they begin.
    pub(super) fn put(
        &self,
        quantity: usize,
        (part, count): (usize, usize),
        found: &[f64],
        to: &mut [f64],
    ) {
        let Some(each) = self.per_row[quantity] else {
            if part == 0 {
                to.copy_from_slice(found);
            }
            return;
        };
        let own = part * self.rows.size * each..(part * self.rows.size + count) * each;
        let draws = found.chunks(self.rows.width() * each);
        for (to, found) in to.chunks_mut(self.rows.total * each).zip(draws) {
            to[own.clone()].copy_from_slice(&found[..count * each]);
        }
    }
}
