//! What a fit knows of each quantity: draws with their names, and what follows from them.

use super::sample::Draws;
use crate::graph::element;
use crate::model::Model;
use crate::types::Base;
use nalgebra::{DMatrixView, Dyn};
use serde::{Deserialize, Serialize};
use std::ops::Index;

/// Draws of everything that a model reports.
///
/// ```
/// use elbo::infer::{Posterior, Quantity};
/// let mu = Quantity { name: "mu".into(), draws: vec![1.0, 2.0, 3.0, 4.0], ..Quantity::default() };
/// let posterior = Posterior { quantities: vec![mu], draws: 4, ..Posterior::default() };
/// assert_eq!(posterior["mu"].mean(), [2.5]);
/// assert!(posterior.get("tau").is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Posterior {
    /// In the program's order.
    pub quantities: Vec<Quantity>,
    /// How many draws there are.
    pub draws: usize,
    /// Log density of model and Jacobian at each draw, in unconstrained space; empty if it was not kept.
    pub log_p: Vec<f64>,
    /// Log density of the guide there.
    pub log_q: Vec<f64>,
}

/// One named array, as draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    pub name: String,
    /// Of one draw; empty for a scalar.
    pub shape: Vec<usize>,
    /// For each axis what the program calls it, if it has a name for it. May be left empty.
    pub dims: Vec<Option<String>>,
    /// For each axis the names of its elements, where it has any.
    pub labels: Vec<Option<Vec<String>>>,
    /// Draws by elements, row-major; the elements of a draw are row-major too.
    #[serde(skip)]
    pub draws: Vec<f64>,
    /// What an element is in the program.
    pub base: Base,
    /// All values are whole numbers.
    pub integer: bool,
}

/// How many elements are gathered from the draws at a time: a draw's neighbours share cache lines.
const BLOCK: usize = 32;

impl Posterior {
    pub(super) fn of(model: &Model, drawn: Draws) -> Posterior {
        let named = model.quantities.iter().zip(drawn.quantities);
        let quantity = |(q, draws): (&crate::model::Quantity, Vec<f64>)| Quantity {
            name: q.name.clone(),
            shape: q.shape.clone(),
            dims: q.dims.clone(),
            labels: q.labels.clone(),
            base: q.base,
            integer: draws.iter().all(|x| x.fract() == 0.0),
            draws,
        };
        Posterior {
            quantities: named.map(quantity).collect(),
            draws: drawn.draws,
            log_p: drawn.log_p,
            log_q: drawn.log_q,
        }
    }

    /// The quantity of a name.
    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.quantities.iter().find(|q| q.name == name)
    }
}

/// # Panics
/// If there is no quantity of this name; [`Posterior::get`] does not.
impl Index<&str> for Posterior {
    type Output = Quantity;

    fn index(&self, name: &str) -> &Quantity {
        let Some(found) = self.get(name) else {
            let known: Vec<&str> = self.quantities.iter().map(|q| q.name.as_str()).collect();
            panic!("there is no `{name}` among {}", known.join(", "));
        };
        found
    }
}

impl Quantity {
    /// How many elements one draw has.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// The name of an element, given flat and row-major: `theta[2, 1]`, counted from 1, or `theta[Ohio, 1]` where levels
    /// have names.
    pub fn element(&self, flat: usize) -> String {
        element::labelled(&self.name, &self.shape, &self.labels, flat)
    }

    /// The elements of one draw.
    ///
    /// # Panics
    /// If there are fewer draws.
    pub fn draw(&self, index: usize) -> &[f64] {
        &self.draws[index * self.numel()..(index + 1) * self.numel()]
    }

    /// All draws as a matrix, a row for each draw and a column for each element; nothing is copied.
    ///
    /// ```
    /// use elbo::infer::Quantity;
    /// let x = Quantity { shape: vec![2], draws: vec![1.0, 2.0, 3.0, 4.0], ..Quantity::default() };
    /// assert_eq!(x.matrix()[(1, 0)], 3.0);
    /// assert_eq!(x.matrix().column(1).sum(), 6.0);
    /// ```
    pub fn matrix(&self) -> DMatrixView<'_, f64, Dyn, Dyn> {
        let columns = self.numel();
        let rows = self.draws.len().checked_div(columns).unwrap_or(0);
        DMatrixView::from_slice_with_strides_generic(
            &self.draws,
            Dyn(rows),
            Dyn(columns),
            Dyn(columns),
            Dyn(1),
        )
    }

    /// One element in every draw; nothing where there is no such element.
    ///
    /// ```
    /// use elbo::infer::Quantity;
    /// let x = Quantity { shape: vec![2], draws: vec![1.0, 2.0, 3.0, 4.0], ..Quantity::default() };
    /// assert_eq!(x.column(1), [2.0, 4.0]);
    /// ```
    pub fn column(&self, flat: usize) -> Vec<f64> {
        let draws = self.draws.chunks_exact(self.numel().max(1));
        draws.filter_map(|draw| draw.get(flat).copied()).collect()
    }

    /// Hands over the draws of each element in turn, which may be reordered.
    pub(crate) fn each_column(&self, mut visit: impl FnMut(&mut [f64])) {
        let numel = self.numel();
        let mut columns = vec![Vec::new(); BLOCK.min(numel)];
        for start in (0..numel).step_by(BLOCK) {
            columns.iter_mut().for_each(Vec::clear);
            for draw in self.draws.chunks_exact(numel) {
                for (column, &x) in columns.iter_mut().zip(&draw[start..]) {
                    column.push(x);
                }
            }
            let whole = columns.iter_mut().take(numel - start);
            whole.for_each(|column| visit(column));
        }
    }

    /// The mean of each element.
    pub fn mean(&self) -> Vec<f64> {
        self.each(|draws| moments(draws).0)
    }

    /// The standard deviation of each element, with the divisor n − 1; NaN for a single draw.
    pub fn sd(&self) -> Vec<f64> {
        self.each(|draws| moments(draws).1)
    }

    /// The quantile of each element at probability `p`: see [`quantile`].
    pub fn quantile(&self, p: f64) -> Vec<f64> {
        self.each(|draws| quantile(draws, p))
    }

    /// A number of the draws of each element.
    fn each(&self, number: impl Fn(&mut [f64]) -> f64) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.numel());
        self.each_column(|draws| numbers.push(number(draws)));
        numbers
    }
}

/// Mean and standard deviation by Welford's update (Technometrics 4, 1962), which keeps its digits
/// where the mean is large beside the deviation.
pub fn moments(draws: &[f64]) -> (f64, f64) {
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
}
