//! Running sums along one axis.

use super::slice::around;
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CumSum {
    /// Counted from the last.
    pub axis: usize,
    /// Sums from the end instead.
    pub reverse: bool,
}

impl<'g> Var<'g> {
    /// `yᵢ = Σ_{j ≤ i} xⱼ` along an axis counted from the last.
    pub fn cumsum(self, axis: usize) -> Var<'g> {
        self.graph.apply(
            CumSum {
                axis,
                reverse: false,
            },
            &[self],
        )
    }
}

impl Operation for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        if self.axis < args[0].len() {
            Ok(args[0].clone())
        } else {
            Err(format!("no axis {}", self.axis))
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (before, n, after) = around(args[0].shape(), self.axis);
        out.copy_from_slice(args[0].data());
        for b in 0..before {
            for step in 1..n {
                let i = if self.reverse { n - 1 - step } else { step };
                let previous = if self.reverse { i + 1 } else { i - 1 };
                for j in 0..after {
                    out[(b * n + i) * after + j] += out[(b * n + previous) * after + j];
                }
            }
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0].sums()
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let transposed = CumSum {
            axis: self.axis,
            reverse: !self.reverse,
        };
        vec![Some(
            node.cotangent.graph.apply(transposed, &[node.cotangent]),
        )]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(self.clone(), args)
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        (args[0].extent(self.axis) <= 1).then(|| args[0])
    }

    fn detail(&self) -> String {
        format!(
            "axis={}{}",
            self.axis,
            if self.reverse { " reverse" } else { "" }
        )
    }
}
