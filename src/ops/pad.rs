//! Zeros before and after along one axis.

use super::slice::around;
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Counted from the last.
    pub axis: usize,
    pub before: usize,
    pub after: usize,
}

impl<'g> Var<'g> {
    /// Puts zeros before and after along an axis counted from the last.
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Var<'g> {
        self.graph.apply(
            Pad {
                axis,
                before,
                after,
            },
            &[self],
        )
    }
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let rank = args[0].len();
        if self.axis >= rank {
            return Err(format!("no axis {}", self.axis));
        }
        let mut shape = args[0].clone();
        shape[rank - 1 - self.axis] += self.before + self.after;
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (before, extent, after) = around(args[0].shape(), self.axis);
        let row = (extent + self.before + self.after) * after;
        out.fill(0.0);
        for i in 0..before {
            let to = i * row + self.before * after;
            out[to..to + extent * after]
                .copy_from_slice(&args[0].data()[i * extent * after..(i + 1) * extent * after]);
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0].or(Range::new(0.0, 0.0))
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(node.cotangent.slice(
            self.axis,
            self.before,
            node.args[0].extent(self.axis),
        ))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(self.clone(), args)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if self.before + self.after == 0 {
            return Some(args[0]);
        }
        if args[0].as_uniform() == Some(0.0) {
            let shape = self.shape(&[&args[0].shape()]).ok()?;
            return Some(graph.scalar(0.0).broadcast(&shape));
        }
        None
    }

    fn detail(&self) -> String {
        format!("axis={} {}+…+{}", self.axis, self.before, self.after)
    }
}
