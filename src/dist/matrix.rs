//! Covariance matrices by their Cholesky factors, shared by the families that have them.

use super::{Argument, Distribution};
use crate::graph::{Shape, Var, broadcast_shapes, numel};
use crate::ops::{concat, factor};
use rand::Rng;

/// `Σ (L⁻¹ B)²` over both axes of `B` `[batch…, n, k]`, for `L` `[batch…, n, n]` lower triangular.
///
/// One factor for a whole batch is used once: its right-hand sides become columns.
pub(super) fn squared_norm_of_solution<'g>(l: Var<'g>, b: Var<'g>) -> Var<'g> {
    let (n, k) = (b.extent(1), b.extent(0));
    let (lead_l, lead_b) = (lead(l, 2), lead(b, 2));
    let batch = broadcast_shapes(&lead_l, &lead_b).expect("batch axes fit");
    if numel(&lead_l) == 1 {
        let many = numel(&batch);
        let columns = b.axis_to_front(1).reshape(&[n, many * k]);
        let solution = l.reshape(&[n, n]).tri_solve(columns, false);
        let squares = solution.square().sum_axes(&[1]).reshape(&[many, k]);
        return squares.sum_axes(&[0]).reshape(&batch);
    }
    self::solution(l, b).square().sum_axes(&[0, 1])
}

/// `rᵀ (L Lᵀ)⁻¹ r` of vectors `r` `[batch…, n]`.
pub(super) fn mahalanobis<'g>(l: Var<'g>, r: Var<'g>) -> Var<'g> {
    squared_norm_of_solution(l, r.unsqueeze(0))
}

/// `|Lᵀ r|²` of vectors `r` `[batch…, n]`.
pub(super) fn squared_norm_of_product<'g>(l: Var<'g>, r: Var<'g>) -> Var<'g> {
    let n = r.extent(0);
    let (lead_l, lead_r) = (lead(l, 2), lead(r, 1));
    let batch = broadcast_shapes(&lead_l, &lead_r).expect("batch axes fit");
    let rows = if numel(&lead_l) == 1 {
        r.reshape(&[numel(&batch), n]).matmul(l.reshape(&[n, n]))
    } else {
        let rows = with_batch(r, 1, &batch).unsqueeze(1);
        rows.matmul(with_batch(l, 2, &batch))
    };
    let squares = rows.square().sum_axes(&[0]);
    squares.reshape(&batch)
}

/// `L z` of vectors `z` `[batch…, n]`.
pub(super) fn product<'g>(l: Var<'g>, z: Var<'g>) -> Var<'g> {
    let batch = broadcast_shapes(&lead(l, 2), &lead(z, 1)).expect("batch axes fit");
    let columns = with_batch(z, 1, &batch).unsqueeze(0);
    let products = with_batch(l, 2, &batch).matmul(columns);
    let shape = products.shape();
    products.reshape(&shape[..shape.len() - 1])
}

/// `L⁻ᵀ z` of vectors `z` `[batch…, n]`.
pub(super) fn solution_of_transposed<'g>(l: Var<'g>, z: Var<'g>) -> Var<'g> {
    let batch = broadcast_shapes(&lead(l, 2), &lead(z, 1)).expect("batch axes fit");
    with_batch(l, 2, &batch).tri_solve_vector(with_batch(z, 1, &batch), true)
}

/// `L⁻¹ B` for `L` of shape `[batch…, n, n]`, whose batch axes or those of `B` may be missing.
pub(super) fn solution<'g>(l: Var<'g>, b: Var<'g>) -> Var<'g> {
    let batch = broadcast_shapes(&lead(l, 2), &lead(b, 2)).expect("batch axes fit");
    with_batch(l, 2, &batch).tri_solve(with_batch(b, 2, &batch), false)
}

/// `½ log |L Lᵀ|`, by the diagonal.
pub(super) fn half_log_det(l: Var<'_>) -> Var<'_> {
    l.diagonal().log().sum_axes(&[0])
}

/// `L Lᵀ`
pub(super) fn squared(l: Var<'_>) -> Var<'_> {
    l.matmul(l.transpose())
}

/// The diagonal of `L Lᵀ`.
pub(super) fn squared_diagonal(l: Var<'_>) -> Var<'_> {
    l.lower_triangle(1.0).square().sum_axes(&[0])
}

/// `log Γₙ(a)`, the multivariate gamma function.
pub(super) fn multivariate_lgamma(a: Var<'_>, n: usize) -> Var<'_> {
    let constant = n as f64 * (n as f64 - 1.0) / 4.0 * std::f64::consts::PI.ln();
    (0..n).fold(a * 0.0 + constant, |sum, j| {
        sum + (a - 0.5 * j as f64).lgamma()
    })
}

/// Of an elliptical vector with location `mu` `[batch…, n]` and factor `l` `[batch…, n, n]` the next element given those before it:
/// its location and scale, and the square of the standardised vector before it.
pub(super) fn conditional<'g>(
    mu: Var<'g>,
    l: Var<'g>,
    before: &[Var<'g>],
) -> (Var<'g>, Var<'g>, Var<'g>) {
    let i = before.len();
    let scale = element(l.diagonal(), i);
    let location = element(mu, i);
    if i == 0 {
        return (location, scale, location * 0.0);
    }
    let differences: Vec<Var<'g>> = (0..i).map(|j| before[j] - element(mu, j)).collect();
    let batch = differences.iter().fold(Shape::new(), |shape, d| {
        broadcast_shapes(&shape, &d.shape()).expect("batch axes fit")
    });
    let columns: Vec<Var<'g>> = differences
        .iter()
        .map(|d| d.broadcast(&batch).unsqueeze(0))
        .collect();
    let leading = l.slice(1, 0, i).slice(0, 0, i);
    let z = solution(leading, concat(&columns, 0).unsqueeze(0));
    let shape = z.shape();
    let z = z.reshape(&shape[..shape.len() - 1]);
    let row = l.slice(1, i, 1).slice(0, 0, i);
    let shape = row.shape();
    let row = row.reshape(&[&shape[..shape.len() - 2], &[i]].concat());
    let location = location + (row * z).sum_axes(&[0]);
    (location, scale, z.square().sum_axes(&[0]))
}

/// One element of vectors `[batch…, n]`.
pub(super) fn element(v: Var<'_>, i: usize) -> Var<'_> {
    let shape = v.shape();
    v.slice(0, i, 1).reshape(&shape[..shape.len() - 1])
}

/// The Cholesky factor among a family's arguments: that of the matrix at `position`, or the matrix
/// itself where the form gives the factor.
pub(super) fn factor_of<'g>(d: &Distribution<'g>, position: usize, is_factor: bool) -> Var<'g> {
    let matrix = d.value(position);
    if is_factor { matrix } else { matrix.cholesky() }
}

/// The same of numbers.
pub(super) fn factor_of_data(data: &[f64], n: usize, is_factor: bool) -> Vec<f64> {
    let mut l = data.to_vec();
    if !is_factor {
        factor(&mut l, n);
    }
    l
}

/// `L z`, `L` lower triangular.
pub(super) fn times(l: &[f64], z: &[f64], out: &mut [f64]) {
    let n = z.len();
    for (i, y) in out.iter_mut().enumerate() {
        *y = (0..=i).map(|j| l[i * n + j] * z[j]).sum();
    }
}

/// Bartlett's factor: `A` lower triangular with `A Aᵀ` Wishart with unit scale.
pub(super) fn bartlett(nu: f64, n: usize, rng: &mut dyn Rng) -> Vec<f64> {
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            a[i * n + j] = super::draw::normal(rng);
        }
        a[i * n + i] = (2.0 * super::draw::gamma((nu - i as f64) / 2.0, rng)).sqrt();
    }
    a
}

/// `A Bᵀ` of square matrices.
pub(super) fn product_transposed(a: &[f64], b: &[f64], n: usize, out: &mut [f64]) {
    for i in 0..n {
        for j in 0..n {
            out[i * n + j] = (0..n).map(|k| a[i * n + k] * b[j * n + k]).sum();
        }
    }
}

/// Whether degrees of freedom that are constants exceed `n − 1`.
pub(super) fn check_degrees(d: &Distribution<'_>, n: usize) -> Result<(), String> {
    let Argument::Value(nu) = &d.args[0] else {
        return Ok(());
    };
    match nu.as_const() {
        Some(nu) if nu.data().iter().any(|&v| v <= n as f64 - 1.0) => Err(format!(
            "'nu' must be greater than {} for matrices of {n} rows",
            n as f64 - 1.0
        )),
        _ => Ok(()),
    }
}

fn lead(v: Var<'_>, own: usize) -> Shape {
    let shape = v.shape();
    shape[..shape.len() - own].into()
}

fn with_batch<'g>(v: Var<'g>, own: usize, batch: &Shape) -> Var<'g> {
    let (mut to, shape) = (batch.clone(), v.shape());
    to.extend_from_slice(&shape[shape.len() - own..]);
    v.broadcast(&to)
}
