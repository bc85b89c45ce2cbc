//! Draws of an array turned into mean, standard deviation and quantiles of each element.

use super::Quantity;
use crate::infer::{moments, quantile};

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

/// Summarises every quantity. An element with a NaN among its draws has NaN everywhere.
///
/// ```
/// use elbo::output::{Quantity, summarise};
/// let mu = Quantity { name: "mu".into(), draws: vec![1.0, 2.0, 3.0, 4.0], ..Quantity::default() };
/// let summary = &summarise(&[mu])[0];
/// assert_eq!((summary.mean[0], summary.q50[0]), (2.5, 2.5));
/// ```
pub fn summarise(quantities: &[Quantity]) -> Vec<Summary> {
    quantities.iter().map(of_quantity).collect()
}

fn of_quantity(quantity: &Quantity) -> Summary {
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
    quantity.each_column(|draws| summary.push(draws));
    summary
}

impl Summary {
    /// The elements that a table shows, flat and row-major.
    #[cfg(feature = "report")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_do_not_mix_elements(numel in 1_usize..100, draws in 1_usize..8) {
            let values = (0..draws * numel).map(|i| (i % numel) as f64).collect();
            let x = Quantity { shape: vec![numel], draws: values, ..Quantity::default() };
            let summary = summarise(&[x]).remove(0);
            let expected: Vec<f64> = (0..numel).map(|i| i as f64).collect();
            prop_assert_eq!(&summary.mean, &expected);
            prop_assert_eq!(&summary.q95, &expected);
        }
    }
}
