//! Cholesky factors of the matrices in the last two axes.

use crate::graph::{Operation, Pull, Shape, Tensor, Var};
use crate::special::Real;

/// `L` lower triangular with `L Lᵀ = A`; only the lower triangle of `A` is read. NaN where `A` is
/// not positive definite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cholesky;

impl<'g> Var<'g> {
    /// Lower Cholesky factor of the matrices in the last two axes.
    pub fn cholesky(self) -> Var<'g> {
        self.graph.apply(Cholesky, &[self])
    }

    /// The lower triangle of the matrices in the last two axes, zero above; the diagonal is
    /// multiplied by `diagonal`.
    pub fn lower_triangle(self, diagonal: f64) -> Var<'g> {
        let n = self.extent(0);
        let mask = (0..n * n).map(|k| match (k / n).cmp(&(k % n)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => diagonal,
            std::cmp::Ordering::Greater => 1.0,
        });
        let mask = self
            .graph
            .constant(Tensor::new([n, n].into_iter().collect(), mask.collect()));
        self * mask
    }
}

/// Factors one matrix in place: `a` of `n·n` becomes `L`, zero above the diagonal.
pub fn factor<T: Real>(a: &mut [T], n: usize) {
    for j in 0..n {
        let (above, rows) = a.split_at_mut(j * n);
        let row_j = &mut rows[..n];
        for k in 0..j {
            let row_k = &above[k * n..k * n + k];
            let dot: T = row_j[..k].iter().zip(row_k).map(|(&x, &y)| x * y).sum();
            row_j[k] = (row_j[k] - dot) / above[k * n + k];
        }
        let norm: T = row_j[..j].iter().map(|&x| x * x).sum();
        // The square root of a negative number is the NaN that says "not positive definite".
        row_j[j] = (row_j[j] - norm).sqrt();
        row_j[j + 1..].fill(T::ZERO);
    }
}

impl Operation for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let s = args[0];
        if s.len() < 2 || s[s.len() - 1] != s[s.len() - 2] {
            return Err("needs square matrices".into());
        }
        Ok(s.clone())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = *args[0].shape().last().expect("a matrix has two axes");
        out.copy_from_slice(args[0].data());
        if n > 0 {
            out.chunks_exact_mut(n * n).for_each(|a| factor(a, n));
        }
    }

    /// `Ā = ½ (S + Sᵀ)`, `S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹`, Φ the lower triangle with half the diagonal
    /// (Murray 2016, "Differentiation of the Cholesky decomposition").
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (l, g) = (node.out, node.cotangent.lower_triangle(1.0));
        let phi = l.transpose().matmul(g).lower_triangle(0.5);
        let left = l.tri_solve(phi, true);
        let s = l.tri_solve(left.transpose(), true);
        vec![Some((s + s.transpose()) * 0.5)]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].cholesky()
    }
}
