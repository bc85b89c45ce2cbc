//! Where draws lie.

use super::Domain;
use crate::graph::Var;

/// The set of possible draws; bounds have the batch axes of the distribution.
#[derive(Clone, Debug)]
pub enum Support<'g> {
    /// Real numbers between bounds, where there are any.
    Interval {
        lower: Option<Var<'g>>,
        upper: Option<Var<'g>>,
    },
    /// Whole numbers between bounds, inclusive, where there are any.
    Integers {
        lower: Option<Var<'g>>,
        upper: Option<Var<'g>>,
    },
    /// Angles in `(−π, π]`.
    Circle,
    Simplex,
    /// Increasing vectors with elements between bounds, where there are any.
    Ordered {
        lower: Option<Var<'g>>,
        upper: Option<Var<'g>>,
    },
    UnitVector,
    Covariance,
    CholeskyCovariance,
    Correlation,
    CholeskyCorrelation,
    /// Vectors of counts with a given sum.
    Counts,
}

impl<'g> Support<'g> {
    /// All real numbers.
    pub const REAL: Support<'static> = Support::Interval {
        lower: None,
        upper: None,
    };

    /// The bounds, lower and upper, of kinds that may have them.
    pub fn bounds(&self) -> (Option<Var<'g>>, Option<Var<'g>>) {
        match *self {
            Support::Interval { lower, upper }
            | Support::Integers { lower, upper }
            | Support::Ordered { lower, upper } => (lower, upper),
            _ => (None, None),
        }
    }

    /// A value of a support that has bounds, inside where there is an inside.
    pub(super) fn somewhere(&self) -> Option<Var<'g>> {
        match (self, self.bounds()) {
            (Support::Integers { .. }, (Some(a), Some(b))) => Some((a + b * 0.0).min(b)),
            (_, (Some(a), Some(b))) => Some((a + b) * 0.5),
            (_, (Some(a), None)) => Some(a + 1.0),
            (_, (None, Some(b))) => Some(b - 1.0),
            (_, (None, None)) => None,
        }
    }

    /// The same kind of support within other bounds; kinds without bounds stay as they are.
    pub fn within<'h>(&self, lower: Option<Var<'h>>, upper: Option<Var<'h>>) -> Support<'h> {
        match self {
            Support::Interval { .. } => Support::Interval { lower, upper },
            Support::Integers { .. } => Support::Integers { lower, upper },
            Support::Ordered { .. } => Support::Ordered { lower, upper },
            Support::Circle => Support::Circle,
            Support::Simplex => Support::Simplex,
            Support::UnitVector => Support::UnitVector,
            Support::Covariance => Support::Covariance,
            Support::CholeskyCovariance => Support::CholeskyCovariance,
            Support::Correlation => Support::Correlation,
            Support::CholeskyCorrelation => Support::CholeskyCorrelation,
            Support::Counts => Support::Counts,
        }
    }

    /// The support that a domain fixes without arguments. Bounded ones need a graph for their
    /// bounds: families with such supports say so themselves.
    pub(super) fn of(domain: Domain) -> Support<'g> {
        match domain {
            Domain::Real => Support::REAL,
            Domain::Circle => Support::Circle,
            Domain::Integer => Support::Integers {
                lower: None,
                upper: None,
            },
            Domain::Simplex => Support::Simplex,
            Domain::Ordered => Support::Ordered {
                lower: None,
                upper: None,
            },
            Domain::UnitVector => Support::UnitVector,
            Domain::Covariance => Support::Covariance,
            Domain::CholeskyCovariance => Support::CholeskyCovariance,
            Domain::Correlation => Support::Correlation,
            Domain::CholeskyCorrelation => Support::CholeskyCorrelation,
            Domain::Counts => Support::Counts,
            other => panic!("a family with support {other:?} says its bounds itself"),
        }
    }

    /// Real numbers above `bound`, a number.
    pub fn above(like: Var<'g>, bound: f64) -> Support<'g> {
        Support::Interval {
            lower: Some(like.graph.scalar(bound)),
            upper: None,
        }
    }

    /// Real numbers between two numbers.
    pub fn between(like: Var<'g>, lower: f64, upper: f64) -> Support<'g> {
        Support::Interval {
            lower: Some(like.graph.scalar(lower)),
            upper: Some(like.graph.scalar(upper)),
        }
    }

    /// `log_prob(x)`, and −∞ where `x` lies beyond a bound that is not a constant: against constant
    /// ones values are checked beforehand, or cannot be outside by construction.
    pub(super) fn guard(&self, x: Var<'g>, log_prob: impl FnOnce(Var<'g>) -> Var<'g>) -> Var<'g> {
        let Support::Interval { lower, upper } = self else {
            return log_prob(x);
        };
        let varies = |bound: &Option<Var<'g>>| bound.filter(|b| b.as_const().is_none());
        let low = varies(lower).map(|b| (x.ge(b), b));
        let high = varies(upper).map(|b| (x.le(b), b));
        let (inside, bound) = match (low, high) {
            (None, None) => return log_prob(x),
            (Some(one), None) | (None, Some(one)) => one,
            (Some((a, bound)), Some((b, _))) => (a.and(b), bound),
        };
        // Outside, the density is taken at a bound, so that no derivative is NaN there.
        inside.select(log_prob(inside.select(x, bound)), f64::NEG_INFINITY)
    }
}
