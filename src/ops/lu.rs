//! General square systems and determinants, by the LU factors of the matrices in the last two axes.

use crate::graph::{Lane, Operation, Pull, Shape, Tensor, Var, numel};
use nalgebra::DMatrix;

/// Arguments `(A, B)`, `A` `[lead…, n, n]`, `B` `[lead…, n, k]`: gives `A⁻¹ B`, or `A⁻ᵀ B` if transposed;
/// NaN where `A` is singular.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Solve {
    pub transposed: bool,
}

/// `log |det A|` of the matrices in the last two axes; −∞ where one is singular.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogAbsDet;

/// The sign of the determinant of the matrices in the last two axes; 0 where one is singular.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DetSign;

impl<'g> Var<'g> {
    /// `A⁻¹ B` (or `A⁻ᵀ B`) for `self = A`; see [`Solve`].
    pub fn solve(self, b: Var<'g>, transposed: bool) -> Var<'g> {
        self.graph.apply(Solve { transposed }, &[self, b])
    }

    /// `log |det A|` of the matrices in the last two axes.
    pub fn log_abs_det(self) -> Var<'g> {
        self.graph.apply(LogAbsDet, &[self])
    }

    /// Determinants of the matrices in the last two axes. Where one is 0 the derivative is NaN.
    pub fn det(self) -> Var<'g> {
        self.graph.apply(DetSign, &[self]) * self.log_abs_det().exp()
    }
}

fn is_square(shape: &Shape) -> bool {
    let r = shape.len();
    r >= 2 && shape[r - 1] == shape[r - 2]
}

fn solved(a: DMatrix<f64>, b: &[f64], k: usize, out: &mut [f64]) {
    let n = a.nrows();
    match a.lu().solve(&DMatrix::from_row_slice(n, k, b)) {
        // Columns lie one after the other there.
        Some(x) => out.copy_from_slice(x.transpose().as_slice()),
        None => out.fill(f64::NAN),
    }
}

impl Operation for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (a, b) = (args[0], args[1]);
        let r = a.len();
        let fits = is_square(a) && b.len() == r && b[r - 2] == a[r - 1] && a[..r - 2] == b[..r - 2];
        if fits {
            Ok(b.clone())
        } else {
            Err("needs square matrices and right-hand sides of their size".into())
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (a, b) = (args[0].shape(), args[1].shape());
        let (n, k) = (a[a.len() - 1], b[b.len() - 1]);
        if n * k == 0 {
            return;
        }
        for i in 0..numel(a) / (n * n) {
            let matrix = &args[0].data()[i * n * n..(i + 1) * n * n];
            let right = i * n * k..(i + 1) * n * k;
            // A column-major reading of rows is the transpose.
            let matrix = match self.transposed {
                true => DMatrix::from_column_slice(n, n, matrix),
                false => DMatrix::from_row_slice(n, n, matrix),
            };
            solved(matrix, &args[1].data()[right.clone()], k, &mut out[right]);
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (a, x) = (node.args[0], node.out);
        let db = a.solve(node.cotangent, !self.transposed);
        // X = A⁻¹B: Ā = −B̄ Xᵀ;  X = A⁻ᵀB: Ā = −X B̄ᵀ.
        let da = match self.transposed {
            true => x.matmul(db.transpose()),
            false => db.matmul(x.transpose()),
        };
        vec![Some(-da), Some(db)]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let lead = |i: usize| {
            let (var, batched) = (args[i], batched[i]);
            Lane { var, batched }.lead(size)
        };
        lead(0).solve(lead(1), self.transposed)
    }
}

impl Operation for LogAbsDet {
    fn name(&self) -> &'static str {
        "log_abs_det"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let s = args[0];
        if !is_square(s) {
            return Err("needs square matrices".into());
        }
        Ok(s[..s.len() - 2].into())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0);
        if n == 0 {
            return out.fill(0.0);
        }
        for (a, y) in args[0].data().chunks_exact(n * n).zip(out) {
            let factors = DMatrix::from_row_slice(n, n, a).lu();
            *y = factors.u().diagonal().iter().map(|u| u.abs().ln()).sum();
        }
    }

    /// `Ā = g A⁻ᵀ`
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let a = node.args[0];
        let ones = a.graph.scalar(1.0).broadcast(&[a.extent(0)]);
        let identity = ones.diagonal_matrix().broadcast(&a.shape());
        let inverse = a.solve(identity, true);
        vec![Some(inverse * node.cotangent.unsqueeze(0).unsqueeze(0))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].log_abs_det()
    }
}

impl Operation for DetSign {
    fn name(&self) -> &'static str {
        "det_sign"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        LogAbsDet.shape(args)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0);
        if n == 0 {
            return out.fill(1.0);
        }
        for (a, y) in args[0].data().chunks_exact(n * n).zip(out) {
            let det = DMatrix::from_row_slice(n, n, a).lu();
            let diagonal = det.u().diagonal();
            let swaps: f64 = det.p().determinant();
            *y = diagonal.iter().fold(swaps, |sign, u| match u {
                u if *u == 0.0 => 0.0,
                u => sign * u.signum(),
            });
        }
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(DetSign, &[args[0]])
    }
}
