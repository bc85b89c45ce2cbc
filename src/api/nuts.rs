//! The log density for the samplers of `nuts-rs` (feature `nuts`).

use super::LogDensity;
use nuts_rs::{CpuLogpFunc, CpuMathError, HasDims, LogpError};
use std::collections::HashMap;

/// A point without a density, which `nuts-rs` takes for a divergence.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the log density is not finite")]
pub struct NoDensity;

impl LogpError for NoDensity {
    fn is_recoverable(&self) -> bool {
        true
    }
}

impl HasDims for LogDensity {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        // `dim` is what the storages of `nuts-rs` call the axis of an expanded vector.
        HashMap::from([
            ("unconstrained_parameter".into(), self.size() as u64),
            ("dim".into(), self.constrained_len() as u64),
        ])
    }
}

/// What is kept of a draw (the expanded vector) are the constrained values, one after the other as
/// [`LogDensity::constrain`] gives them.
impl CpuLogpFunc for LogDensity {
    type LogpError = NoDensity;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.size()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, NoDensity> {
        let value = self.gradient(position, gradient);
        let finite = value.is_finite() && gradient.iter().all(|g| g.is_finite());
        finite.then_some(value).ok_or(NoDensity)
    }

    fn expand_vector<R: rand::Rng + ?Sized>(
        &mut self,
        _rng: &mut R,
        position: &[f64],
    ) -> Result<Vec<f64>, CpuMathError> {
        let values = self.constrain(position).into_iter();
        Ok(values.flat_map(|(_, value)| value).collect())
    }
}
