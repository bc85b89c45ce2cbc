//! Sums elements (or slabs) into places along one axis: the transpose of [`super::Gather`].

use super::gather::{flatten_batch, offset_indices, unflatten_batch};
use super::slice::around;
use crate::graph::{Graph, Lane, Operation, Pull, Range, Shape, Tensor, Var};

/// Arguments `(x, index)`: `x` of shape `[lead…, m, inner…]`, `index` a vector of `m` places from 0;
/// gives `[lead…, extent, inner…]`, zero where nothing goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// The axis, counted from the last.
    pub axis: usize,
    pub extent: usize,
}

impl<'g> Var<'g> {
    /// Sums elements into `extent` places along an axis (counted from the last).
    pub fn scatter_add(self, axis: usize, extent: usize, index: Var<'g>) -> Var<'g> {
        self.graph
            .apply(ScatterAdd { axis, extent }, &[self, index])
    }
}

impl Operation for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (x, index) = (args[0], args[1]);
        if self.axis >= x.len() || index.len() != 1 || index[0] != x[x.len() - 1 - self.axis] {
            return Err(format!(
                "no scatter along axis {} by {:?}",
                self.axis,
                index.as_slice()
            ));
        }
        let mut shape = x.clone();
        shape[x.len() - 1 - self.axis] = self.extent;
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (before, m, after) = around(args[0].shape(), self.axis);
        out.fill(0.0);
        for b in 0..before {
            for (i, &k) in args[1].data().iter().enumerate() {
                assert!(
                    (k as usize) < self.extent,
                    "scatter: place {k} is not below {}",
                    self.extent
                );
                let from = (b * m + i) * after;
                let to = (b * self.extent + k as usize) * after;
                for (y, x) in out[to..to + after]
                    .iter_mut()
                    .zip(&args[0].data()[from..from + after])
                {
                    *y += x;
                }
            }
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0].or(Range::new(0.0, 0.0)).sums()
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(node.cotangent.gather(self.axis, node.args[1])), None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let (x, index) = (args[0], args[1]);
        if !batched[1] {
            return x.scatter_add(self.axis, self.extent, index);
        }
        let x = Lane {
            var: x,
            batched: batched[0],
        }
        .lead(size);
        let flat = flatten_batch(x, self.axis);
        let summed = flat.scatter_add(
            flat.rank() - 1,
            size * self.extent,
            offset_indices(index, size, self.extent),
        );
        unflatten_batch(summed, self.axis, size)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if args[0].as_uniform() == Some(0.0) {
            let shape = self.shape(&[&args[0].shape(), &args[1].shape()]).ok()?;
            return Some(graph.scalar(0.0).broadcast(&shape));
        }
        let index = args[1].as_const()?;
        let index = index.data();
        let first = *index.first()?;
        if index
            .iter()
            .enumerate()
            .all(|(i, &k)| k == first + i as f64)
        {
            let start = first as usize;
            return Some(args[0].pad(self.axis, start, self.extent - start - index.len()));
        }
        None
    }

    fn detail(&self) -> String {
        format!("axis={} extent={}", self.axis, self.extent)
    }
}
