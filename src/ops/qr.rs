//! QR factors of the matrices in the last two axes, which have no more columns than rows.

use super::eigen::each_matrix;
use crate::graph::{Operation, Pull, Shape, Tensor, Var};

/// `Q` with orthonormal columns and `A = Q R`, `R` upper triangular with a positive diagonal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QrQ;

impl<'g> Var<'g> {
    /// The orthonormal factor of the thin QR decomposition; see [`QrQ`].
    pub fn qr_q(self) -> Var<'g> {
        self.graph.apply(QrQ, &[self])
    }

    /// The upper triangular factor of the thin QR decomposition, `Qᵀ A`.
    pub fn qr_r(self) -> Var<'g> {
        let full = self.qr_q().transpose().matmul(self);
        full.transpose().lower_triangle(1.0).transpose()
    }
}

impl Operation for QrQ {
    fn name(&self) -> &'static str {
        "qr_q"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let s = args[0];
        match s.len() >= 2 && s[s.len() - 1] <= s[s.len() - 2] {
            true => Ok(s.clone()),
            false => Err("needs matrices with no more columns than rows".into()),
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let s = args[0].shape();
        let (m, n) = (s[s.len() - 2], s[s.len() - 1]);
        each_matrix(args[0], out, m * n, |a, y| {
            let factors = a.qr();
            let (q, r) = (factors.q(), factors.r());
            for j in 0..n {
                let sign = if r[(j, j)] < 0.0 { -1.0 } else { 1.0 };
                (0..m).for_each(|i| y[i * n + j] = sign * q[(i, j)]);
            }
        });
    }

    /// `Ā = (Q̄ − Q M + Q tril₋(M − Mᵀ)) R⁻ᵀ` with `M = Qᵀ Q̄` and `tril₋` what lies below the diagonal
    /// (Walter and Lehmann 2012, "Algorithmic differentiation of linear algebra functions").
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (q, g) = (node.out, node.cotangent);
        let m = q.transpose().matmul(g);
        let skew = (m - m.transpose()).lower_triangle(0.0);
        let left = g + q.matmul(skew - m);
        let lower = node.args[0].qr_r().transpose();
        vec![Some(lower.tri_solve(left.transpose(), true).transpose())]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].qr_q()
    }
}
