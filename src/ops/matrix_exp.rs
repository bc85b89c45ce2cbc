//! Exponentials of the matrices in the last two axes.

use super::{concat, eigen::each_matrix};
use crate::graph::{Operation, Pull, Shape, Tensor, Var};

/// `exp(A) = Σ Aᵏ / k!`, by Padé approximants with scaling and squaring (Higham 2005, "The scaling and
/// squaring method for the matrix exponential revisited").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MatrixExp;

impl<'g> Var<'g> {
    /// Exponentials of the matrices in the last two axes.
    pub fn matrix_exp(self) -> Var<'g> {
        self.graph.apply(MatrixExp, &[self])
    }
}

impl Operation for MatrixExp {
    fn name(&self) -> &'static str {
        "matrix_exp"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let s = args[0];
        match s.len() >= 2 && s[s.len() - 1] == s[s.len() - 2] {
            true => Ok(s.clone()),
            false => Err("needs square matrices".into()),
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0);
        each_matrix(args[0], out, n * n, |a, y| {
            // Columns lie one after the other there.
            y.copy_from_slice(a.exp().transpose().as_slice());
        });
    }

    /// `Ā` is the upper right block of `exp([[Aᵀ, Ē], [0, Aᵀ]])` (Najfeld and Havel 1995).
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (a, n) = (node.args[0].transpose(), node.args[0].extent(0));
        let zero = a.graph.scalar(0.0).broadcast(&a.shape());
        let above = concat(&[a, node.cotangent], 0);
        let below = concat(&[zero, a], 0);
        let both = concat(&[above, below], 1).matrix_exp();
        vec![Some(both.slice(1, 0, n).slice(0, n, n))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].matrix_exp()
    }
}
