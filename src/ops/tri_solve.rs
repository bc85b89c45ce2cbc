//! Solutions of triangular systems.

use crate::graph::{Lane, Operation, Pull, Shape, Tensor, Var, numel};
use crate::special::Real;

/// Arguments `(L, B)`, `L` `[lead…, n, n]` lower triangular, `B` `[lead…, n, k]`: gives `L⁻¹ B`, or
/// `L⁻ᵀ B` if transposed. Only the lower triangle of `L` is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TriSolve {
    pub transposed: bool,
}

impl<'g> Var<'g> {
    /// `L⁻¹ B` (or `L⁻ᵀ B`) for `self = L` lower triangular; see [`TriSolve`].
    pub fn tri_solve(self, b: Var<'g>, transposed: bool) -> Var<'g> {
        self.graph.apply(TriSolve { transposed }, &[self, b])
    }

    /// [`Var::tri_solve`] for right-hand sides that are vectors in the last axis.
    pub fn tri_solve_vector(self, b: Var<'g>, transposed: bool) -> Var<'g> {
        self.tri_solve(b.unsqueeze(0), transposed)
            .reshape(&b.shape())
    }
}

/// Solves one system in place: `x` is `B` of `n·k` and becomes the solution.
pub fn solve<T: Real>(l: &[T], x: &mut [T], n: usize, k: usize, transposed: bool) {
    for step in 0..n {
        let i = if transposed { n - 1 - step } else { step };
        let others = if transposed { i + 1..n } else { 0..i };
        for j in others {
            let factor = if transposed {
                l[j * n + i]
            } else {
                l[i * n + j]
            };
            let (low, high) = x.split_at_mut(i.max(j) * k);
            let (target, source) = if i > j {
                (&mut high[..k], &low[j * k..j * k + k])
            } else {
                (&mut low[i * k..i * k + k], &high[..k])
            };
            for (t, &s) in target.iter_mut().zip(source) {
                *t -= factor * s;
            }
        }
        let pivot = l[i * n + i];
        x[i * k..(i + 1) * k].iter_mut().for_each(|t| *t /= pivot);
    }
}

impl Operation for TriSolve {
    fn name(&self) -> &'static str {
        "tri_solve"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (l, b) = (args[0], args[1]);
        let (r, s) = (l.len(), b.len());
        let fits = r >= 2
            && s == r
            && l[r - 1] == l[r - 2]
            && b[s - 2] == l[r - 1]
            && l[..r - 2] == b[..s - 2];
        if fits {
            Ok(b.clone())
        } else {
            Err("needs square L and right-hand sides of its size".into())
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (l, b) = (args[0].shape(), args[1].shape());
        let (n, k) = (l[l.len() - 1], b[b.len() - 1]);
        out.copy_from_slice(args[1].data());
        if n * k == 0 {
            return;
        }
        for i in 0..numel(l) / (n * n) {
            let (l, x) = (
                &args[0].data()[i * n * n..],
                &mut out[i * n * k..(i + 1) * n * k],
            );
            solve(l, x, n, k, self.transposed);
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (l, x) = (node.args[0], node.out);
        let db = l.tri_solve(node.cotangent, !self.transposed);
        // X = L⁻¹B: L̄ = −B̄ Xᵀ;  X = L⁻ᵀB: L̄ = −X B̄ᵀ; of either the lower triangle.
        let outer = if self.transposed {
            x.matmul(db.transpose())
        } else {
            db.matmul(x.transpose())
        };
        vec![Some(-outer.lower_triangle(1.0)), Some(db)]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let lead = |i: usize| {
            Lane {
                var: args[i],
                batched: batched[i],
            }
            .lead(size)
        };
        lead(0).tri_solve(lead(1), self.transposed)
    }
}
