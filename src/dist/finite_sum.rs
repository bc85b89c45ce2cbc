//! Distribution functions on the whole numbers as finite sums of the mass, where the values that
//! they are taken at are constants.

use super::{Distribution, Support};
use crate::graph::{Graph, Shape, Tensor, Var};

/// Longest sum that is written out.
const MOST_TERMS: f64 = 20_000.0;

/// `log P(X ≤ x)`.
pub(super) fn log_cdf<'g>(d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
    let lower = bounds(d)?.0?;
    sum(d, x.rank(), &lower, &x.floor().as_const()?)
}

/// `log P(X > x)`: over the upper tail where it is finite, else by the complement.
pub(super) fn log_survival<'g>(d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
    let next = (x.floor() + 1.0).as_const()?;
    match bounds(d)?.1 {
        Some(upper) => sum(d, x.rank(), &next, &upper),
        None => Some(d.log_cdf(x)?.log1m_exp()),
    }
}

/// `log P(lower ≤ X ≤ upper)`, the support's bounds where there is none.
pub(super) fn log_between<'g>(
    d: &Distribution<'g>,
    lower: Option<Var<'g>>,
    upper: Option<Var<'g>>,
) -> Option<Var<'g>> {
    let (least, most) = bounds(d)?;
    let rank = lower.or(upper)?.rank();
    let from = match (lower, least) {
        (Some(a), Some(least)) => a.max(a.graph.constant(least)).as_const()?,
        (Some(a), None) => a.as_const()?,
        (None, least) => least?,
    };
    let to = match (upper, most) {
        (Some(b), Some(most)) => b.min(b.graph.constant(most)).as_const()?,
        (Some(b), None) => b.as_const()?,
        (None, most) => most?,
    };
    sum(d, rank, &from, &to)
}

/// Bounds of the support that are constants; `None` for what is not a whole number.
fn bounds(d: &Distribution<'_>) -> Option<(Option<Tensor>, Option<Tensor>)> {
    if !d.is_discrete() || d.event_rank() != 0 {
        return None;
    }
    match d.support() {
        Support::Integers { lower, upper } => {
            Some((lower.and_then(Var::as_const), upper.and_then(Var::as_const)))
        }
        _ => None,
    }
}

/// `log Σ p(k)` over `from ≤ k ≤ to`; `rank` counts the batch axes.
fn sum<'g>(d: &Distribution<'g>, rank: usize, from: &Tensor, to: &Tensor) -> Option<Var<'g>> {
    let graph: &'g Graph = graph_of(d)?;
    let first = from.data().iter().copied().fold(f64::INFINITY, f64::min);
    let last = to.data().iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if last < first {
        return Some(graph.scalar(f64::NEG_INFINITY).broadcast(&vec![1; rank]));
    }
    let terms = last - first + 1.0;
    if terms.is_nan() || terms > MOST_TERMS {
        return None;
    }
    let mut shape = Shape::from_elem(1, rank);
    shape.push(terms as usize);
    let ks = (0..terms as usize).map(|i| first + i as f64).collect();
    let ks = graph.constant(Tensor::new(shape, ks));
    let mut log_mass = d.power(1).log_prob(ks);
    // Sums of different lengths share the longest one's terms.
    if from.uniform().is_none() || to.uniform().is_none() {
        let bound = |t: &Tensor| graph.constant(t.clone()).unsqueeze(0);
        let taken = ks.ge(bound(from)).and(ks.le(bound(to)));
        log_mass = taken.select(log_mass, f64::NEG_INFINITY);
    }
    Some(log_mass.log_sum_exp(&[0]))
}

fn graph_of<'g>(d: &Distribution<'g>) -> Option<&'g Graph> {
    match d.support() {
        Support::Integers { lower, upper } => lower.or(upper).map(|v| v.graph),
        _ => None,
    }
}
