//! Probabilities as logarithms: differences, and the mass of an interval from either tail.

use super::Distribution;
use crate::graph::Var;
use std::f64::consts::LN_2;

/// `log(eᵃ − eᵇ)` for `a ≥ b`; −∞ where equal.
pub(super) fn log_diff_exp<'g>(a: Var<'g>, b: Var<'g>) -> Var<'g> {
    // −∞ − (−∞) is nothing, not NaN.
    let possible = a.gt(f64::NEG_INFINITY);
    a + (b - possible.select(a, 0.0)).log1m_exp()
}

/// `log P(lower ≤ X ≤ upper)`, all of it where a bound is absent; `None` where the distribution
/// function is not known.
///
/// With two bounds the difference is taken between the tails of the side on which the lower bound
/// lies, so that an interval far out keeps its digits.
pub(super) fn log_between<'g>(
    d: &Distribution<'g>,
    lower: Option<Var<'g>>,
    upper: Option<Var<'g>>,
) -> Option<Var<'g>> {
    let discrete = d.is_discrete();
    let (lower, upper) = if discrete {
        (lower.map(|a| a.ceil()), upper.map(|b| b.floor()))
    } else {
        (lower, upper)
    };
    if discrete && let Some(sum) = super::finite_sum::log_between(d, lower, upper) {
        return Some(sum);
    }
    // Whole numbers from a are those above a − 1.
    let below = lower.map(|a| if discrete { a - 1.0 } else { a });
    match (below, upper) {
        (None, None) => None,
        (None, Some(b)) => d.log_cdf(b),
        (Some(a), None) => d.log_survival(a),
        (Some(a), Some(b)) => {
            let (cdf_a, cdf_b) = (d.log_cdf(a)?, d.log_cdf(b)?);
            let (survival_a, survival_b) = (d.log_survival(a)?, d.log_survival(b)?);
            let above_median = cdf_a.gt(-LN_2);
            // Chosen before the difference: its derivative is infinite on the wrong side.
            Some(log_diff_exp(
                above_median.select(survival_a, cdf_b),
                above_median.select(survival_b, cdf_a),
            ))
        }
    }
}

/// Whether `x` is within bounds, inclusive; `None` where that is known: the bounds are constants
/// and `x`, which is not, lies in the support.
pub(super) fn inside<'g>(
    x: Var<'g>,
    lower: Option<Var<'g>>,
    upper: Option<Var<'g>>,
) -> Option<Var<'g>> {
    let free = x.as_const().is_none();
    let checked = |bound: &Var<'g>| !(free && bound.as_const().is_some());
    let above = lower.filter(checked).map(|a| x.ge(a));
    let below = upper.filter(checked).map(|b| x.le(b));
    match (above, below) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (one, other) => one.or(other),
    }
}
