//! Maps from unconstrained numbers onto a support, with their log Jacobians, as graph code: what
//! moves freely in fitting becomes a value that a distribution can have.
//!
//! A member is a file with a [`Transform`] and a line in [`of`]. All of them keep leading batch
//! axes, and none makes a node for each element: a matrix of any size is a fixed number of nodes.

mod cholesky_correlation;
mod cholesky_covariance;
mod circle;
mod correlation;
mod covariance;
mod interval;
mod matrix;
mod ordered;
mod simplex;
#[cfg(test)]
mod tests;
mod unit_vector;
mod whole_numbers;

use crate::dist::Support;
use crate::graph::Var;

/// How far sums and products in a value may be off, as text files round numbers.
pub const TOLERANCE: f64 = 1e-8;

/// Bounds of a support: of the batch axes in graphs, numbers on the host.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<T> {
    pub lower: Option<T>,
    pub upper: Option<T>,
}

impl<T> Bounds<T> {
    const NONE: Bounds<T> = Bounds {
        lower: None,
        upper: None,
    };
}

/// The map onto one kind of support.
pub trait Transform: Send + Sync {
    /// Shape of the unconstrained numbers of one event.
    fn free_shape(&self, event: &[usize]) -> Vec<usize>;

    /// See [`constrain`].
    fn constrain<'g>(
        &self,
        event: &[usize],
        bounds: &Bounds<Var<'g>>,
        u: Var<'g>,
    ) -> (Var<'g>, Var<'g>);

    /// See [`unconstrain`].
    fn unconstrain<'g>(&self, event: &[usize], bounds: &Bounds<Var<'g>>, x: Var<'g>) -> Var<'g>;

    /// See [`contains`].
    fn contains(&self, event: &[usize], x: &[f64], bounds: &Bounds<f64>) -> Result<(), String>;
}

/// The transform of a support, with the bounds it is within.
fn of<'g>(support: &Support<'g>) -> (&'static dyn Transform, Bounds<Var<'g>>) {
    let within = |lower: &Option<Var<'g>>, upper: &Option<Var<'g>>| Bounds {
        lower: lower.filter(|b| b.as_uniform() != Some(f64::NEG_INFINITY)),
        upper: upper.filter(|b| b.as_uniform() != Some(f64::INFINITY)),
    };
    match support {
        Support::Interval { lower, upper } => (&interval::Interval, within(lower, upper)),
        Support::Integers { lower, upper } => (&whole_numbers::Integers, within(lower, upper)),
        Support::Counts => (&whole_numbers::Counts, Bounds::NONE),
        Support::Circle => (&circle::Circle, Bounds::NONE),
        Support::Simplex => (&simplex::Simplex, Bounds::NONE),
        Support::Ordered { lower, upper } => (&ordered::Ordered, within(lower, upper)),
        Support::UnitVector => (&unit_vector::UnitVector, Bounds::NONE),
        Support::Covariance => (&covariance::Covariance, Bounds::NONE),
        Support::CholeskyCovariance => (&cholesky_covariance::CholeskyCovariance, Bounds::NONE),
        Support::Correlation => (&correlation::Correlation, Bounds::NONE),
        Support::CholeskyCorrelation => (&cholesky_correlation::CholeskyCorrelation, Bounds::NONE),
    }
}

/// The value at unconstrained numbers `u` of shape `[batch…, free_shape…]`: `x` of shape
/// `[batch…, event…]`, and `log |dx/du|` of the batch axes.
///
/// The Jacobian is that of the elements of `x` that determine the others: all but the last of a
/// simplex, the lower triangle of a symmetric matrix.
///
/// ```
/// use elbo::{dist::Support, graph::{Graph, Tensor}, transform::constrain};
/// let g = Graph::new();
/// let u = g.constant(Tensor::vector([0.0, 0.0]));
/// let (x, log_jacobian) = constrain(&Support::Simplex, &[3], u);
/// assert!(x.as_const().unwrap().data().iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-15));
/// assert!((log_jacobian.as_uniform().unwrap() + 3.0 * 3f64.ln()).abs() < 1e-15);
/// ```
///
/// # Panics
/// For supports of whole numbers: there is no way to move within them.
pub fn constrain<'g>(support: &Support<'g>, event: &[usize], u: Var<'g>) -> (Var<'g>, Var<'g>) {
    let (transform, bounds) = of(support);
    transform.constrain(event, &bounds, u)
}

/// The unconstrained numbers at which [`constrain`] gives `x`.
pub fn unconstrain<'g>(support: &Support<'g>, event: &[usize], x: Var<'g>) -> Var<'g> {
    let (transform, bounds) = of(support);
    transform.unconstrain(event, &bounds, x)
}

/// Shape of the unconstrained numbers of one event: `[K − 1]` for a simplex of K, `[K (K − 1) / 2]`
/// for a correlation matrix.
pub fn free_shape(support: &Support<'_>, event: &[usize]) -> Vec<usize> {
    of(support).0.free_shape(event)
}

/// Whether one event (row-major) lies in the support, or why not, in words that may follow the
/// value's name; bounds are the support's at this event.
///
/// ```
/// use elbo::{dist::Support, transform::contains};
/// let why = contains(&Support::Simplex, &[2], &[0.5, 0.6], None, None).unwrap_err();
/// assert_eq!(why, "its elements sum to 1.1, not 1");
/// ```
pub fn contains(
    support: &Support<'_>,
    event: &[usize],
    x: &[f64],
    lower: Option<f64>,
    upper: Option<f64>,
) -> Result<(), String> {
    if let Some(x) = x.iter().find(|x| x.is_nan()) {
        return Err(format!("{x} is not a number"));
    }
    of(support).0.contains(event, x, &Bounds { lower, upper })
}

/// `bound` beside a value with `axes` more axes.
fn beside(bound: Var<'_>, axes: usize) -> Var<'_> {
    (0..axes).fold(bound, |b, _| b.unsqueeze(0))
}

/// Sum over the last `axes` axes.
fn sum_last(x: Var<'_>, axes: usize) -> Var<'_> {
    if axes == 0 {
        return x;
    }
    x.sum_axes(&(0..axes).collect::<Vec<_>>())
}

/// `log (e^u / (1 + e^u)²)`: the Jacobian of the logistic function.
fn log_logistic_slope(u: Var<'_>) -> Var<'_> {
    u - u.softplus() * 2.0
}
