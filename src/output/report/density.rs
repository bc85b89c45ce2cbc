//! Draws as a density: a Gaussian kernel, and shares of whole numbers.

use super::axis::{Axis, range};
use super::plot::Points;
use crate::infer::{moments, quantile};
use std::f64::consts::TAU;

/// Points at which a density is computed.
const POINTS: usize = 128;
/// Cells that draws are sorted into before the kernel is applied: far narrower than a kernel.
const CELLS: usize = 1024;
/// A kernel further away than so many bandwidths is 0 to every digit that a plot has.
const REACH: f64 = 5.0;

/// So many draws reach the edge of their support, if it has one.
const MANY: usize = 100;
/// There is an edge where this share of the draws is within a bandwidth of the last one: of a normal's it is a hundredth.
const EDGE: f64 = 0.03;

/// The density of the finite draws at places of an axis; nothing where all are equal.
///
/// The bandwidth is Silverman's (*Density Estimation*, 1986, eq. 3.31). Draws are reflected at the smallest and the
/// largest of them if many are near it, so that a density does not sink towards the edge of its support. The draws are first shared out
/// to cells (Wand, J. Comput. Graph. Stat. 3, 1994), so the work hardly grows with their number.
pub(super) fn density(draws: &[f64], axis: (f64, f64)) -> Points {
    let finite = draws.iter().copied().filter(|x| x.is_finite());
    let (low, high) = range(finite.clone());
    let width = (high - low) / CELLS as f64;
    if !(width.is_finite() && width > 0.0) {
        return Points::new();
    }
    // In cells nothing is too large or too small to be squared.
    let place = |x: f64| (x - low) / width;
    let estimate = Estimate::of(&mut finite.map(place).collect::<Vec<f64>>());
    let [left, right] = estimate.edges;
    let from = left.map_or(axis.0, |_| axis.0.max(low));
    let to = right.map_or(axis.1, |_| axis.1.min(high));
    if from >= to {
        return Points::new();
    }
    let at = |i: usize| from + (to - from) * i as f64 / (POINTS - 1) as f64;
    let point = |x: f64| (x, estimate.value(place(x)) / width);
    (0..POINTS).map(|i| point(at(i))).collect()
}

/// A density on the line of cells, from 0 to [`CELLS`].
struct Estimate {
    /// The share of the draws at each end of a cell.
    shares: Vec<f64>,
    bandwidth: f64,
    /// Where draws are reflected.
    edges: [Option<f64>; 2],
}

impl Estimate {
    /// Of draws between 0 and [`CELLS`], which are reordered.
    fn of(draws: &mut [f64]) -> Estimate {
        let count = draws.len() as f64;
        let mut shares = vec![0.0; CELLS + 1];
        for x in draws.iter() {
            let cell = (*x as usize).min(CELLS - 1);
            shares[cell] += (cell as f64 + 1.0 - x) / count;
            shares[cell + 1] += (x - cell as f64) / count;
        }
        let bandwidth = bandwidth(draws).max(1.0);
        let edge = |end: f64| {
            let near = draws.iter().filter(|x| (*x - end).abs() < bandwidth);
            let reached = draws.len() >= MANY && near.count() as f64 > EDGE * count;
            reached.then_some(end)
        };
        let edges = [edge(0.0), edge(CELLS as f64)];
        Estimate {
            shares,
            bandwidth,
            edges,
        }
    }

    fn value(&self, x: f64) -> f64 {
        let kernel = |y: f64| match (x - y).abs() / self.bandwidth {
            z if z < REACH => (-0.5 * z * z).exp(),
            _ => 0.0,
        };
        let held = self.shares.iter().enumerate().filter(|s| *s.1 > 0.0);
        let sum: f64 = held
            .map(|(cell, share)| {
                let y = cell as f64;
                let mirrored = self.edges.iter().flatten().map(|end| kernel(2.0 * end - y));
                share * (kernel(y) + mirrored.sum::<f64>())
            })
            .sum();
        sum / (self.bandwidth * TAU.sqrt())
    }
}

fn bandwidth(draws: &mut [f64]) -> f64 {
    let n = draws.len() as f64;
    let (_, sd) = moments(draws);
    // The quartiles of a normal are 1.349 sds apart; they hold where tails are heavy.
    let robust = (quantile(draws, 0.75) - quantile(draws, 0.25)) / 1.349;
    let scale = if robust > 0.0 { sd.min(robust) } else { sd };
    0.9 * scale * n.powf(-0.2)
}

/// Whole numbers sorted into bins of equal, whole widths.
pub(super) struct Bins {
    low: f64,
    width: f64,
    count: usize,
}

impl Bins {
    /// As many bins as there are values, up to `most`; `None` where there is no finite value.
    pub(super) fn of(values: impl IntoIterator<Item = f64>, most: usize) -> Option<Bins> {
        let (low, high) = range(values);
        let span = high - low + 1.0;
        if !span.is_finite() {
            return None;
        }
        let width = (span / most as f64).ceil().max(1.0);
        let count = ((span / width).ceil() as usize).clamp(1, most);
        Some(Bins { low, width, count })
    }

    /// How many of the values lie in each bin.
    pub(super) fn counts(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut counts = vec![0.0; self.count];
        for x in values {
            let bin = ((x - self.low) / self.width).floor();
            if (0.0..self.count as f64).contains(&bin) {
                counts[bin as usize] += 1.0;
            }
        }
        counts
    }

    /// The middle of each bin.
    pub(super) fn middles(&self) -> impl Iterator<Item = f64> {
        (0..self.count).map(|i| self.low + i as f64 * self.width + 0.5 * (self.width - 1.0))
    }

    /// A bar at each middle, with room between bars.
    pub(super) fn bars(&self, heights: &[f64]) -> Vec<(f64, f64, f64)> {
        let half = 0.4 * self.width;
        let bar = |(x, &height): (f64, &f64)| (x - half, x + half, height);
        self.middles().zip(heights).map(bar).collect()
    }

    /// An axis that holds all bars.
    pub(super) fn axis(&self) -> Option<Axis> {
        let end = self.low + self.count as f64 * self.width;
        Axis::new(self.low - 1.0, end)
    }

    /// How many whole numbers go into a bin.
    pub(super) fn width(&self) -> f64 {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_of_a_sample_is_that_of_its_distribution() {
        // Quantiles of an exponential: the worst case for a kernel is its edge, at 0.
        let draws: Vec<f64> = (0..2000)
            .map(|i| -(1.0 - (i as f64 + 0.5) / 2000.0).ln())
            .collect();
        let points = density(&draws, (0.0, 4.0));
        assert_eq!(points.len(), 128);
        for (x, y) in &points {
            // The bias of the kernel is h²f''/2 ≤ 0.02 away from the edge, where reflection leaves h f' ≈ 0.13.
            let allowed = if *x < 0.3 { 0.14 } else { 0.02 };
            assert!((y - (-x).exp()).abs() < allowed, "{x} {y}");
        }
        // So it is in any unit, however small or large.
        for unit in [1e-250, 1e250] {
            let scaled: Vec<f64> = draws.iter().map(|x| x * unit).collect();
            for ((_, y), (_, z)) in points.iter().zip(density(&scaled, (0.0, 4.0 * unit))) {
                // Roundings of places, of size 1e3, and their kernels.
                assert!((y - z * unit).abs() < 1e-9, "{y} {z}");
            }
        }
        // The part of the axis beyond the draws has no density.
        assert!(density(&draws, (-3.0, 4.0)).iter().all(|p| p.0 >= 0.0));
    }

    #[test]
    fn what_has_no_density_has_no_points() {
        for draws in [
            &[][..],
            &[1.0],
            &[2.0; 9],
            &[f64::NAN, f64::INFINITY],
            &[f64::MAX, -f64::MAX],
        ] {
            assert_eq!(density(draws, (0.0, 1.0)), [], "{draws:?}");
        }
        assert_eq!(
            density(&(0..200).map(f64::from).collect::<Vec<_>>(), (500.0, 600.0)),
            []
        );
    }

    #[test]
    fn bins_hold_every_value_once() {
        let bins = Bins::of([0.0, 3.0, f64::NAN], 10).expect("there are values");
        assert_eq!(
            bins.counts([0.0, 1.0, 1.0, 3.0, 7.0, f64::NAN]),
            [1.0, 2.0, 0.0, 1.0]
        );
        let wide = Bins::of([0.0, 99.0], 40).expect("there are values");
        assert_eq!((wide.width(), wide.middles().next()), (3.0, Some(1.0)));
        assert_eq!(
            wide.counts((0..100).map(f64::from)).iter().sum::<f64>(),
            100.0
        );
        assert!(Bins::of([f64::INFINITY], 10).is_none());
    }
}
