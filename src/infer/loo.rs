//! How well a model predicts what it has not seen: leave-one-out cross-validation by importance weights.

use super::pareto::{log_sum_exp, smooth_weights};
use super::posterior::Quantity;

/// Expected log predictive density, by leaving out one observation at a time (Vehtari, Gelman & Gabry 2017).
///
/// The draws are taken for draws of the posterior: where the guide is far from it, so is this.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loo {
    /// Of all observations, in nats.
    pub elpd: f64,
    /// Its standard error over observations.
    pub se: f64,
    /// Effective number of parameters: what the same observations, seen, were predicted better by.
    pub parameters: f64,
    /// Of each observation.
    pub pointwise: Vec<f64>,
    /// The shape of each observation's weights: above 0.7 its density is not to be trusted.
    pub k: Vec<f64>,
}

impl Loo {
    /// Of the log likelihoods of observations; those that are NaN are missing.
    ///
    /// ```
    /// use elbo::infer::{Loo, Quantity};
    /// // Two observations, whose likelihood is the same in every draw.
    /// let draws = [-1.0, -2.0].repeat(100);
    /// let known = Quantity { name: "y".into(), shape: vec![2], draws, ..Quantity::default() };
    /// let loo = Loo::new(&[known]);
    /// assert!((loo.elpd + 3.0).abs() < 1e-12 && loo.parameters.abs() < 1e-12);
    /// ```
    pub fn new(log_likelihood: &[Quantity]) -> Loo {
        let mut loo = Loo::default();
        for quantity in log_likelihood {
            quantity.each_column(|values| {
                if values.iter().all(|v| !v.is_nan()) {
                    loo.add(values);
                }
            });
        }
        let n = loo.pointwise.len() as f64;
        loo.elpd = loo.pointwise.iter().sum();
        loo.se = standard_error(&loo.pointwise, loo.elpd / n);
        loo
    }

    /// Adds an observation, by its log likelihood in each draw.
    fn add(&mut self, values: &[f64]) {
        let mut weights: Vec<f64> = values.iter().map(|v| -v).collect();
        self.k.push(smooth_weights(&mut weights));
        let terms: Vec<f64> = values.iter().zip(&weights).map(|(v, w)| v + w).collect();
        let elpd = log_sum_exp(&terms);
        let seen = log_sum_exp(values) - (values.len() as f64).ln();
        self.parameters += seen - elpd;
        self.pointwise.push(elpd);
    }

    /// By how much the other model predicts better, and its standard error: the difference over the same observations.
    ///
    /// # Panics
    /// If they have different numbers of observations.
    pub fn difference(&self, other: &Loo) -> (f64, f64) {
        assert_eq!(
            self.pointwise.len(),
            other.pointwise.len(),
            "the same observations"
        );
        let both = other.pointwise.iter().zip(&self.pointwise);
        let each: Vec<f64> = both.map(|(a, b)| a - b).collect();
        let sum: f64 = each.iter().sum();
        (sum, standard_error(&each, sum / each.len() as f64))
    }

    /// Observations whose density is not to be trusted.
    pub fn untrusted(&self) -> usize {
        self.k.iter().filter(|k| **k > 0.7).count()
    }
}

/// Of the sum of independent numbers around this mean.
fn standard_error(each: &[f64], mean: f64) -> f64 {
    let squares: f64 = each.iter().map(|x| (x - mean).powi(2)).sum();
    (squares * each.len() as f64 / (each.len() as f64 - 1.0).max(1.0)).sqrt()
}
