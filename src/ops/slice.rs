//! A contiguous range along one axis.

use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, numel};

/// `len` elements from `start` along `axis`, counted from the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    pub axis: usize,
    pub start: usize,
    pub len: usize,
}

impl<'g> Var<'g> {
    /// `len` elements from `start` (from 0) along an axis counted from the last.
    pub fn slice(self, axis: usize, start: usize, len: usize) -> Var<'g> {
        self.graph.apply(Slice { axis, start, len }, &[self])
    }
}

/// Splits a shape at an axis counted from the last: product before, extent, product after.
pub(super) fn around(shape: &Shape, axis: usize) -> (usize, usize, usize) {
    let i = shape.len() - 1 - axis;
    (numel(&shape[..i]), shape[i], numel(&shape[i + 1..]))
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let rank = args[0].len();
        if self.axis >= rank || self.start + self.len > args[0][rank - 1 - self.axis] {
            return Err(format!("no slice {self:?}"));
        }
        let mut shape = args[0].clone();
        shape[rank - 1 - self.axis] = self.len;
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (before, extent, after) = around(args[0].shape(), self.axis);
        for i in 0..before {
            let from = (i * extent + self.start) * after;
            let to = i * self.len * after;
            out[to..to + self.len * after]
                .copy_from_slice(&args[0].data()[from..from + self.len * after]);
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let extent = node.args[0].extent(self.axis);
        vec![Some(node.cotangent.pad(
            self.axis,
            self.start,
            extent - self.start - self.len,
        ))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(self.clone(), args)
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if self.len == args[0].extent(self.axis) {
            return Some(args[0]);
        }
        if let Some((inner, inner_args)) = args[0].as_op::<Slice>()
            && inner.axis == self.axis
        {
            return Some(inner_args[0].slice(self.axis, inner.start + self.start, self.len));
        }
        if let Some((concat, parts)) = args[0].as_op::<super::Concat>()
            && concat.axis == self.axis
        {
            let mut offset = 0;
            for part in parts {
                let extent = part.extent(self.axis);
                if self.start >= offset && self.start + self.len <= offset + extent {
                    return Some(part.slice(self.axis, self.start - offset, self.len));
                }
                offset += extent;
            }
        }
        let mut shape = args[0].shape();
        let i = shape.len() - 1 - self.axis;
        shape[i] = self.len;
        if args[0].as_const().is_none() && args[0].repeats_along(self.axis) {
            return args[0].without_repeats(&[self.axis]).map(|v| {
                let mut squeezed = shape.clone();
                squeezed[i] = 1;
                v.reshape(&squeezed).broadcast(&shape)
            });
        }
        None
    }

    fn detail(&self) -> String {
        format!(
            "axis={} {}..{}",
            self.axis,
            self.start,
            self.start + self.len
        )
    }
}
