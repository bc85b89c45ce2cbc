//! Draws of an array turned into mean, standard deviation and quantiles of each element.

use super::{Posterior, Quantity};

/// Moments and quantiles of every element of one quantity, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub name: String,
    pub shape: Vec<usize>,
    /// As in [`Quantity`].
    pub labels: Vec<Option<Vec<String>>>,
    pub integer: bool,
    /// The elements that a table shows, if not all: files have the others too.
    pub shown: Option<Vec<usize>>,
    pub mean: Vec<f64>,
    /// With the divisor n − 1; NaN for a single draw.
    pub sd: Vec<f64>,
    pub q05: Vec<f64>,
    pub q50: Vec<f64>,
    pub q95: Vec<f64>,
}

/// How many elements are gathered from the draws at a time: a draw's neighbours share cache lines.
const BLOCK: usize = 32;

/// Summarises every quantity. An element with a NaN among its draws has NaN everywhere.
///
/// ```
/// use elbo::output::{Posterior, Quantity, summarise};
/// let mu = Quantity { name: "mu".into(), draws: vec![1.0, 2.0, 3.0, 4.0], ..Quantity::default() };
/// let summary = &summarise(&Posterior { quantities: vec![mu], draws: 4, ..Posterior::default() })[0];
/// assert_eq!((summary.mean[0], summary.q50[0]), (2.5, 2.5));
/// ```
pub fn summarise(posterior: &Posterior) -> Vec<Summary> {
    posterior
        .quantities
        .iter()
        .map(|q| of_quantity(q, posterior.draws))
        .collect()
}

fn of_quantity(quantity: &Quantity, draws: usize) -> Summary {
    let Quantity {
        name,
        shape,
        labels,
        integer,
        ..
    } = quantity;
    let mut summary = Summary {
        name: name.clone(),
        shape: shape.clone(),
        labels: labels.clone(),
        integer: *integer,
        ..Summary::default()
    };
    let numel = quantity.numel();
    let mut columns = vec![Vec::with_capacity(draws); BLOCK.min(numel)];
    for start in (0..numel).step_by(BLOCK) {
        columns.iter_mut().for_each(Vec::clear);
        for row in quantity.draws.chunks_exact(numel) {
            for (column, &x) in columns.iter_mut().zip(&row[start..]) {
                column.push(x);
            }
        }
        for column in columns.iter_mut().take(numel - start) {
            summary.push(column);
        }
    }
    summary
}

impl Summary {
    /// The elements that a table shows, flat and row-major.
    #[cfg(feature = "cli")]
    pub(super) fn rows(&self) -> Vec<usize> {
        match &self.shown {
            Some(shown) => shown.clone(),
            None => (0..self.mean.len()).collect(),
        }
    }

    /// Adds the next element from its draws, which are reordered.
    fn push(&mut self, draws: &mut [f64]) {
        let (mean, sd) = moments(draws);
        self.mean.push(mean);
        self.sd.push(sd);
        self.q05.push(quantile(draws, 0.05));
        self.q50.push(quantile(draws, 0.50));
        self.q95.push(quantile(draws, 0.95));
    }
}

/// Mean and standard deviation by Welford's update (Technometrics 4, 1962), which keeps its digits
/// where the mean is large beside the deviation.
fn moments(draws: &[f64]) -> (f64, f64) {
    if draws.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    let (mut mean, mut sum) = (0.0, 0.0);
    for (i, &x) in draws.iter().enumerate() {
        let delta = x - mean;
        mean += delta / (i + 1) as f64;
        sum += delta * (x - mean);
    }
    // An infinite draw makes the update NaN, but the plain sum still has the mean right.
    if mean.is_nan() {
        mean = draws.iter().sum::<f64>();
    }
    (mean, (sum / (draws.len() as f64 - 1.0)).sqrt())
}

/// The sample quantile of type 7 of Hyndman and Fan (1996), the default of R and NumPy: linear
/// between the order statistics around position (n − 1)·p. `draws` is reordered.
///
/// NaN if there are no draws or one of them is NaN.
pub fn quantile(draws: &mut [f64], p: f64) -> f64 {
    if draws.is_empty() || draws.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let position = (draws.len() - 1) as f64 * p.clamp(0.0, 1.0);
    let (below, weight) = (position.floor() as usize, position.fract());
    let (_, &mut low, above) = draws.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    // Infinite neighbours would give ∞ − ∞.
    if weight == 0.0 || low == high {
        low
    } else {
        low + weight * (high - low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_those_of_r() {
        // quantile(c(3, 1, 4, 1, 5, 9, 2, 6), c(.05, .5, .95), type = 7)
        let draws = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let q = [0.05, 0.5, 0.95].map(|p| quantile(&mut draws.to_vec(), p));
        // One rounding of the interpolation, of values below 10.
        for (found, expected) in q.into_iter().zip([1.0, 3.5, 7.95]) {
            assert!((found - expected).abs() < 4e-15, "{found} {expected}");
        }
        assert_eq!(quantile(&mut [2.0], 0.3), 2.0);
        assert!(quantile(&mut [], 0.5).is_nan());
        assert!(quantile(&mut [1.0, f64::NAN], 0.5).is_nan());
        assert_eq!(quantile(&mut [f64::INFINITY; 3], 0.4), f64::INFINITY);
    }

    #[test]
    fn a_large_mean_leaves_the_deviation_its_digits() {
        let draws: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 2)).collect();
        let (mean, sd) = moments(&draws);
        // sd² = 250/999. Draws are spaced 1.2e-7 apart at 1e9, so the update's mean errs by about
        // that much in each step and the sd by its square: far below 1e-9.
        assert!((sd - (250.0_f64 / 999.0).sqrt()).abs() < 1e-9, "{sd}");
        // Rounding of the running mean, 1.2e-7 a step at worst but of either sign.
        assert!((mean - (1e9 + 0.5)).abs() < 1e-5, "{mean}");
        assert_eq!(moments(&[7.3; 10]), (7.3, 0.0));
        assert!(moments(&[1.0]).1.is_nan());
        assert_eq!(moments(&[1.0, f64::INFINITY]).0, f64::INFINITY);
    }

    proptest! {
        #[test]
        fn blocks_do_not_mix_elements(numel in 1_usize..100, draws in 1_usize..8) {
            let values = (0..draws * numel).map(|i| (i % numel) as f64).collect();
            let x = Quantity { shape: vec![numel], draws: values, ..Quantity::default() };
            let posterior = Posterior { quantities: vec![x], draws, ..Posterior::default() };
            let summary = summarise(&posterior).remove(0);
            let expected: Vec<f64> = (0..numel).map(|i| i as f64).collect();
            prop_assert_eq!(&summary.mean, &expected);
            prop_assert_eq!(&summary.q95, &expected);
        }
    }
}
