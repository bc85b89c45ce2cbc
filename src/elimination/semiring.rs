//! What is done over the states of a variable.

use crate::graph::{Tensor, Var};

/// How the states of a variable are put together. The derivatives of the result by the logarithms of the factors are
/// what makes the difference.
#[derive(Clone, Debug)]
pub enum Semiring<'g> {
    /// `log Σ exp`: derivatives are marginal probabilities.
    Sum,
    /// The largest: derivatives are 1 at the most probable states of all variables together, 0 elsewhere; of equally
    /// probable ones the first counts.
    Max,
    /// As [`Semiring::Sum`], but derivatives are 1 at the states of a draw from the distribution of all
    /// variables together, 0 elsewhere. The noise are standard Gumbel numbers for each state of each variable, one
    /// variable after the other.
    Draw(Var<'g>),
}

/// Sums that differ by less are the same for [`Semiring::Max`].
const TIE: f64 = 1e-9;

impl<'g> Semiring<'g> {
    /// The states of some variables, of which `states` come before theirs; where the noise is needed.
    pub(super) fn noise(&self, first: &[usize], states: usize) -> Option<Var<'g>> {
        let Semiring::Draw(noise) = self else {
            return None;
        };
        let places = first
            .iter()
            .flat_map(|f| (*f..f + states).map(|k| k as f64));
        let places = Tensor::vector(places.collect::<Vec<_>>());
        let noise = noise.gather(0, noise.graph.constant(places));
        Some(noise.reshape(&[first.len(), states]))
    }
}

/// Over one axis (counted from the last) of logarithms; `noise` has the extents of the table or 1.
pub(super) fn reduced<'b>(
    semiring: &Semiring<'_>,
    table: Var<'b>,
    axis: usize,
    noise: Option<Var<'b>>,
) -> Var<'b> {
    let (sum, choice) = match (semiring, noise) {
        (Semiring::Sum, _) => return table.log_sum_exp(&[axis]),
        (Semiring::Max, _) => {
            let n = table.extent(axis);
            let earlier = (0..n).map(|k| -TIE * k as f64).collect::<Vec<_>>();
            let mut shape = vec![1; axis + 1];
            shape[0] = n;
            let earlier = table.graph.constant(Tensor::vector(earlier));
            (table.max_axes(&[axis]), table + earlier.reshape(&shape))
        }
        (Semiring::Draw(_), noise) => {
            let noise = noise.expect("draws have noise");
            (table.log_sum_exp(&[axis]), table + noise)
        }
    };
    // The value of the one, and of the other the derivative: 1 where it is largest.
    let top = choice.max_axes(&[axis]);
    let still = top.stop_gradient();
    let none = top.graph.scalar(0.0);
    sum.stop_gradient() + still.is_finite().select(top - still, none)
}
