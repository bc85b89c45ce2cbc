//! Spectra of the matrices in the last two axes: of symmetric ones eigenvalues and eigenvectors, of others
//! singular values.

use crate::graph::{Operation, Pull, Shape, Tensor, Var};
use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenvalues, ascending, of the symmetric part `½ (A + Aᵀ)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Eigenvalues;

/// Eigenvectors of the symmetric part in columns, in the order of [`Eigenvalues`]; each has length 1, and
/// of its elements the largest in absolute value is positive.
///
/// The derivative is that for different eigenvalues (Giles 2008, "An extended collection of matrix
/// derivative results"); pairs of equal ones, whose vectors are not determined, contribute none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Eigenvectors;

/// Singular values, descending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SingularValues;

impl<'g> Var<'g> {
    /// Eigenvalues, ascending, of the symmetric matrices in the last two axes.
    pub fn eigenvalues(self) -> Var<'g> {
        self.graph.apply(Eigenvalues, &[self])
    }

    /// Eigenvectors, in columns, of the symmetric matrices in the last two axes.
    pub fn eigenvectors(self) -> Var<'g> {
        self.graph.apply(Eigenvectors, &[self])
    }

    /// Singular values, descending, of the matrices in the last two axes.
    pub fn singular_values(self) -> Var<'g> {
        self.graph.apply(SingularValues, &[self])
    }
}

fn square(args: &[&Shape]) -> Result<usize, String> {
    let s = args[0];
    match s.len() >= 2 && s[s.len() - 1] == s[s.len() - 2] {
        true => Ok(s[s.len() - 1]),
        false => Err("needs square matrices".into()),
    }
}

/// Calls `f` for each matrix and its part of the result; those with a number that is not finite give NaN.
pub(super) fn each_matrix(
    arg: &Tensor,
    out: &mut [f64],
    size: usize,
    f: impl Fn(DMatrix<f64>, &mut [f64]),
) {
    let shape = arg.shape();
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if m * n == 0 || size == 0 {
        return;
    }
    for (a, y) in arg
        .data()
        .chunks_exact(m * n)
        .zip(out.chunks_exact_mut(size))
    {
        match a.iter().all(|x| x.is_finite()) {
            true => f(DMatrix::from_row_slice(m, n, a), y),
            false => y.fill(f64::NAN),
        }
    }
}

/// Eigenvalues and eigenvectors in ascending order.
fn decompose(a: DMatrix<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let n = a.nrows();
    let symmetric = (&a + a.transpose()) * 0.5;
    let eigen = SymmetricEigen::new(symmetric);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[i].total_cmp(&eigen.eigenvalues[j]));
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    let vectors = DMatrix::from_fn(n, n, |i, j| eigen.eigenvectors[(i, order[j])]);
    (values, vectors)
}

/// `V diag(d) Vᵀ`
fn spread<'g>(v: Var<'g>, d: Var<'g>) -> Var<'g> {
    (v * d.unsqueeze(1)).matmul(v.transpose())
}

impl Operation for Eigenvalues {
    fn name(&self) -> &'static str {
        "eigenvalues"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        square(args)?;
        Ok(args[0][..args[0].len() - 1].into())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0);
        each_matrix(args[0], out, n, |a, y| y.copy_from_slice(&decompose(a).0));
    }

    /// `Ā = V diag(λ̄) Vᵀ`
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(spread(node.args[0].eigenvectors(), node.cotangent))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].eigenvalues()
    }
}

impl Operation for Eigenvectors {
    fn name(&self) -> &'static str {
        "eigenvectors"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        square(args)?;
        Ok(args[0].clone())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0);
        each_matrix(args[0], out, n * n, |a, y| {
            let (_, vectors) = decompose(a);
            for (j, v) in vectors.column_iter().enumerate() {
                let sign = v[v.icamax()].signum();
                (0..n).for_each(|i| y[i * n + j] = sign * v[i]);
            }
        });
    }

    /// `Ā = V (F ∘ VᵀV̄) Vᵀ`, its symmetric part, with `F_ij = 1 / (λ_j − λ_i)`.
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (v, values) = (node.out, node.args[0].eigenvalues());
        let gap = values.unsqueeze(1) - values.unsqueeze(0);
        // Equal as far as they are determined.
        let scale = values.abs().max_axes(&[0]) * (v.extent(0) as f64 * f64::EPSILON);
        let equal = gap.abs().le(scale.unsqueeze(0).unsqueeze(0));
        let weight = equal.select(0.0, equal.select(1.0, gap).recip());
        let inner = v.transpose().matmul(node.cotangent) * weight;
        let all = v.matmul(inner).matmul(v.transpose());
        vec![Some((all + all.transpose()) * 0.5)]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].eigenvectors()
    }
}

impl Operation for SingularValues {
    fn name(&self) -> &'static str {
        "singular_values"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let s = args[0];
        if s.len() < 2 {
            return Err("needs matrices".into());
        }
        let mut shape: Shape = s[..s.len() - 2].into();
        shape.push(s[s.len() - 1].min(s[s.len() - 2]));
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let s = args[0].shape();
        let k = s[s.len() - 1].min(s[s.len() - 2]);
        each_matrix(args[0], out, k, |a, y| {
            let mut values: Vec<f64> = a.singular_values().iter().copied().collect();
            values.sort_by(|a, b| b.total_cmp(a));
            y.copy_from_slice(&values);
        });
    }

    /// `Ā = U diag(σ̄) Vᵀ` with `U = A V diag(1/σ)`, `V` the eigenvectors of `AᵀA`.
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let wide = node.args[0].extent(0) > node.args[0].extent(1);
        let a = match wide {
            true => node.args[0].transpose(),
            false => node.args[0],
        };
        let k = a.extent(0);
        let backwards: Vec<f64> = (0..k).rev().map(|i| i as f64).collect();
        let backwards = a.graph.constant(Tensor::vector(backwards));
        let scale = (node.cotangent / node.out).gather(0, backwards);
        let v = a.transpose().matmul(a).eigenvectors();
        let tall = a.matmul(spread(v, scale));
        vec![Some(if wide { tall.transpose() } else { tall })]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].singular_values()
    }
}
