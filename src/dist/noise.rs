//! Draws as functions of standard Normal noise, for families of vectors and matrices: what their samplers draw, by
//! quantiles at the noise's probabilities.

use super::beta::Beta;
use super::gamma::Gamma;
use super::{Argument, Distribution, Family};
use crate::graph::{Tensor, Var};

const KNOWN: &str = "the distribution function is known";

/// Of rate 1.
pub(super) fn gamma<'g>(shape: Var<'g>, noise: Var<'g>) -> Var<'g> {
    let d = with(&Gamma, [shape, shape.graph.scalar(1.0)]);
    d.quantile(noise.phi()).expect(KNOWN)
}

fn beta<'g>(a: Var<'g>, b: Var<'g>, p: Var<'g>) -> Var<'g> {
    with(&Beta, [a, b]).quantile(p).expect(KNOWN)
}

fn with<'g>(family: &'static dyn Family, values: [Var<'g>; 2]) -> Distribution<'g> {
    Distribution {
        family,
        form: 0,
        args: values.map(Argument::Value).into(),
    }
}

/// A draw of the multivariate Student distribution of unit scale: the direction of the noise, at the distance of the
/// same probability. `r² / (r² + nu)` is Beta(n / 2, nu / 2) where `|noise|²` is χ²(n).
pub(super) fn student<'g>(nu: Var<'g>, noise: Var<'g>) -> Var<'g> {
    let half = noise.graph.scalar(0.5 * noise.extent(0) as f64);
    let square = noise.square().sum_axes(&[0]);
    let of_noise = with(&Gamma, [half, noise.graph.scalar(0.5)]);
    let p = Gamma.log_cdf(&of_noise, square).expect(KNOWN).exp();
    let share = beta(half, nu * 0.5, p);
    let scale = (nu * share / ((1.0 - share) * square)).sqrt();
    noise * scale.unsqueeze(0)
}

/// The factor `A` of a Wishart draw `A Aᵀ` of unit scale (Bartlett 1933): Normal numbers below a diagonal of roots of
/// χ²(nu − i), of a square of noise.
pub(super) fn bartlett<'g>(nu: Var<'g>, noise: Var<'g>) -> Var<'g> {
    let n = noise.extent(0);
    let below: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let degrees = nu.unsqueeze(0) - nu.graph.constant(Tensor::vector(below));
    let squares = gamma(degrees * 0.5, noise.diagonal()) * 2.0;
    noise.lower_triangle(0.0) + squares.sqrt().diagonal_matrix()
}

/// The Cholesky factor of an Lkj draw (the extended onion method): below the diagonal each row is a direction of
/// Normal numbers, whose squared length is a Beta draw made by the noise on the diagonal.
pub(super) fn correlation_factor<'g>(eta: Var<'g>, noise: Var<'g>) -> Var<'g> {
    let (graph, n) = (noise.graph, noise.extent(0));
    let vector = |f: &dyn Fn(usize) -> f64| {
        graph.constant(Tensor::vector((0..n).map(f).collect::<Vec<_>>()))
    };
    // The first row has no direction: any numbers that are finite will do.
    let a = vector(&|i| 0.5 * i.max(1) as f64);
    let rest = vector(&|i| 0.5 * (n - 1 - i) as f64);
    let square = beta(a, eta.unsqueeze(0) + rest, noise.diagonal().phi());
    let first = vector(&|i| f64::from(i == 0));
    let square = square * (1.0 - first);
    let rows = noise.lower_triangle(0.0);
    let lengths = (rows.square().sum_axes(&[0]) + first).sqrt();
    let scale = (square + first).sqrt() / lengths;
    rows * scale.unsqueeze(0) + (1.0 - square).sqrt().diagonal_matrix()
}
