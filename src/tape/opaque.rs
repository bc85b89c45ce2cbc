//! Operations that run on whole slices, an instruction each.

use super::element::Element;
use super::vector::Vector;
use crate::graph::{Node, Op, Shape, Tensor, numel};
use crate::ops::{
    Cholesky, CumSum, Gather, LogMatrices, LogProduct, LogWeights, ScatterAdd, TriSolve, factor,
    solve,
};

/// A prepared operation on dense slices.
pub(super) enum Slices {
    Cholesky {
        n: usize,
    },
    TriSolve {
        n: usize,
        k: usize,
        transposed: bool,
    },
    CumSum {
        n: usize,
        after: usize,
        reverse: bool,
    },
    Gather {
        n: usize,
        after: usize,
    },
    Scatter {
        n: usize,
        after: usize,
    },
    LogProduct {
        all: LogMatrices,
    },
    LogWeights {
        kind: LogWeights,
        all: LogMatrices,
    },
    /// Any other operation, by its slow form (which allocates, and computes in double precision).
    Slow {
        op: Op,
        shapes: Vec<Shape>,
    },
}

impl Slices {
    /// Elementary operations for each number that comes out, roughly.
    pub fn work_per_element(&self) -> usize {
        match self {
            Slices::Cholesky { n } | Slices::TriSolve { n, .. } => *n,
            Slices::CumSum { .. } | Slices::Gather { .. } | Slices::Scatter { .. } => 1,
            Slices::LogProduct { all } => all.rows,
            Slices::LogWeights { all, kind } => match kind {
                LogWeights::Rows => all.columns,
                LogWeights::Columns => all.rows,
                LogWeights::Outer => all.vectors,
            },
            // Each of them allocates, and some are of matrices.
            Slices::Slow { shapes, .. } => {
                let last = |shape: &Shape| shape.last().copied().unwrap_or(1);
                shapes.iter().map(last).max().unwrap_or(1)
            }
        }
    }

    pub fn new(node: &Node, shapes: Vec<Shape>) -> Slices {
        let last = |shape: &Shape| shape.last().copied().unwrap_or(1);
        let around = |shape: &Shape, axis: usize| {
            let i = shape.len() - 1 - axis;
            (shape[i], numel(&shape[i + 1..]))
        };
        let op = &node.op;
        if op.get::<Cholesky>().is_some() {
            Slices::Cholesky {
                n: last(&shapes[0]),
            }
        } else if let Some(solve) = op.get::<TriSolve>() {
            Slices::TriSolve {
                n: last(&shapes[0]),
                k: last(&shapes[1]),
                transposed: solve.transposed,
            }
        } else if let Some(sum) = op.get::<CumSum>() {
            let (n, after) = around(&shapes[0], sum.axis);
            Slices::CumSum {
                n,
                after,
                reverse: sum.reverse,
            }
        } else if let Some(gather) = op.get::<Gather>() {
            let (n, after) = around(&shapes[0], gather.axis);
            Slices::Gather { n, after }
        } else if let Some(scatter) = op.get::<ScatterAdd>() {
            let (_, after) = around(&shapes[0], scatter.axis);
            Slices::Scatter {
                n: scatter.extent,
                after,
            }
        } else if op.get::<LogProduct>().is_some() {
            let all = LogMatrices::new(&shapes[0], &shapes[1]);
            Slices::LogProduct { all }
        } else if let Some(&kind) = op.get::<LogWeights>() {
            let all = LogMatrices::new(&shapes[0], &shapes[1]);
            Slices::LogWeights { kind, all }
        } else {
            Slices::Slow {
                op: op.clone(),
                shapes,
            }
        }
    }

    /// # Panics
    /// If an index is out of its axis: the next step would read foreign memory.
    pub fn run<T: Element>(&self, vector: &Vector<T>, args: &[&[T]], out: &mut [T]) {
        match self {
            Slices::Cholesky { n } => {
                out.copy_from_slice(args[0]);
                out.chunks_exact_mut(n * n).for_each(|a| factor(a, *n));
            }
            Slices::TriSolve { n, k, transposed } => {
                out.copy_from_slice(args[1]);
                let systems = args[0].chunks_exact(n * n).zip(out.chunks_exact_mut(n * k));
                for (l, x) in systems {
                    solve(l, x, *n, *k, *transposed);
                }
            }
            Slices::CumSum { n, after, reverse } => {
                out.copy_from_slice(args[0]);
                if *after == 1 {
                    return running_sums(out, *n, *reverse);
                }
                for part in out.chunks_exact_mut(n * after) {
                    running_sum(part, *n, *after, *reverse);
                }
            }
            Slices::Gather { n, after } => {
                let m = args[1].len();
                let parts = args[0].chunks_exact(n * after);
                for (x, y) in parts.zip(out.chunks_exact_mut(m * after)) {
                    for (to, &k) in y.chunks_exact_mut(*after).zip(args[1]) {
                        let k = k.wide() as usize;
                        assert!(k < *n, "gather: index {k} is not below {n}");
                        to.copy_from_slice(&x[k * after..(k + 1) * after]);
                    }
                }
            }
            Slices::Scatter { n, after } => {
                out.fill(T::ZERO);
                let m = args[1].len();
                let parts = args[0].chunks_exact(m * after);
                for (x, y) in parts.zip(out.chunks_exact_mut(n * after)) {
                    for (from, &k) in x.chunks_exact(*after).zip(args[1]) {
                        let k = k.wide() as usize;
                        assert!(k < *n, "scatter: place {k} is not below {n}");
                        let to = &mut y[k * after..(k + 1) * after];
                        to.iter_mut().zip(from).for_each(|(y, &x)| *y += x);
                    }
                }
            }
            // SAFETY: a context has the loops of its machine, and its memory a line more than its numbers.
            Slices::LogProduct { all } => unsafe { (vector.log_product)(all, args, out) },
            Slices::LogWeights { kind, all } => unsafe {
                (vector.log_weights)(*kind, all, args, out);
            },
            Slices::Slow { op, shapes } => {
                let args: Vec<Tensor> = args
                    .iter()
                    .zip(shapes)
                    .map(|(data, shape)| {
                        let wide = data.iter().map(|x| x.wide()).collect();
                        Tensor::new(shape.clone(), wide)
                    })
                    .collect();
                let mut wide = vec![0.0; out.len()];
                op.0.eval(&args.iter().collect::<Vec<_>>(), &mut wide);
                out.iter_mut()
                    .zip(&wide)
                    .for_each(|(out, &x)| *out = T::of(x));
            }
        }
    }
}

/// Rows without inner axes: each addition waits for the one before it, so rows take turns.
fn running_sums<T: Element>(out: &mut [T], n: usize, reverse: bool) {
    let mut groups = out.chunks_exact_mut(8 * n);
    for group in &mut groups {
        sum_rows::<T, 8>(group, n, reverse);
    }
    for row in groups.into_remainder().chunks_exact_mut(n) {
        sum_rows::<T, 1>(row, n, reverse);
    }
}

fn sum_rows<T: Element, const R: usize>(rows: &mut [T], n: usize, reverse: bool) {
    // Added to −0, the first number is itself.
    let mut sums = [-T::ZERO; R];
    for step in 0..n {
        let i = if reverse { n - 1 - step } else { step };
        for (r, sum) in sums.iter_mut().enumerate() {
            *sum += rows[r * n + i];
            rows[r * n + i] = *sum;
        }
    }
}

fn running_sum<T: Element>(part: &mut [T], n: usize, after: usize, reverse: bool) {
    for step in 1..n {
        let (i, previous) = if reverse {
            (n - 1 - step, n - step)
        } else {
            (step, step - 1)
        };
        for j in 0..after {
            let before = part[previous * after + j];
            part[i * after + j] += before;
        }
    }
}
