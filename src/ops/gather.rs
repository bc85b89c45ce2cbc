//! Elements (or slabs) picked along one axis by a list of indices.

use super::slice::around;
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var};

/// Arguments `(x, index)`: `x` of shape `[lead…, n, inner…]`, `index` a vector of `m` whole numbers
/// from 0; gives `[lead…, m, inner…]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// The axis, counted from the last: the number of inner axes.
    pub axis: usize,
}

impl<'g> Var<'g> {
    /// Picks elements along an axis (counted from the last) by a vector of indices from 0.
    pub fn gather(self, axis: usize, index: Var<'g>) -> Var<'g> {
        self.graph.apply(Gather { axis }, &[self, index])
    }
}

/// Puts a leading axis of values and one of indices on a common flat axis: both then serve for an
/// unbatched gather or scatter. Gives the values `[size·n, lead…, inner…]`, the indices, and the
/// order that undoes it.
pub(super) fn flatten_batch<'g>(x: Var<'g>, axis: usize) -> Var<'g> {
    let front = x.axis_to_front(axis); // [n, size, lead…, inner…]
    let rank = front.rank();
    let swapped = front.axis_to_front(rank - 2); // [size, n, lead…, inner…]
    let shape = swapped.shape();
    let mut flat = Shape::from_slice(&shape[1..]);
    flat[0] = shape[0] * shape[1];
    swapped.reshape(&flat)
}

/// Undoes [`flatten_batch`] for a result with `m` instead of `n`.
pub(super) fn unflatten_batch(x: Var<'_>, axis: usize, size: usize) -> Var<'_> {
    let mut shape = x.shape();
    let m = shape[0] / size;
    shape[0] = m;
    shape.insert(0, size);
    let parts = x.reshape(&shape); // [size, m, lead…, inner…]
    let rank = parts.rank();
    // Take m out (it is second) and put it at `axis`.
    let mut order: Vec<usize> = (0..rank).filter(|&a| a != rank - 2).collect();
    order.insert(axis, rank - 2);
    parts.permute(&order)
}

/// `index[s, i] + s·n`, flat.
pub(super) fn offset_indices<'g>(index: Var<'g>, size: usize, n: usize) -> Var<'g> {
    let m = index.extent(0);
    let offsets: Vec<f64> = (0..size).map(|s| (s * n) as f64).collect();
    let offsets = index
        .graph
        .constant(Tensor::vector(offsets))
        .reshape(&[size, 1]);
    (index + offsets).reshape(&[size * m])
}

impl Operation for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (x, index) = (args[0], args[1]);
        if self.axis >= x.len() || index.len() != 1 {
            return Err(format!(
                "no gather along axis {} by {:?}",
                self.axis,
                index.as_slice()
            ));
        }
        let mut shape = x.clone();
        shape[x.len() - 1 - self.axis] = index[0];
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (before, n, after) = around(args[0].shape(), self.axis);
        let index = args[1].data();
        for b in 0..before {
            for (i, &k) in index.iter().enumerate() {
                assert!((k as usize) < n, "gather: index {k} is not below {n}");
                let from = (b * n + k as usize) * after;
                let to = (b * index.len() + i) * after;
                out[to..to + after].copy_from_slice(&args[0].data()[from..from + after]);
            }
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let extent = node.args[0].extent(self.axis);
        vec![
            Some(node.cotangent.scatter_add(self.axis, extent, node.args[1])),
            None,
        ]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let (x, index) = (args[0], args[1]);
        if !batched[1] {
            return x.gather(self.axis, index);
        }
        if !batched[0] {
            let m = index.extent(0);
            let picked = x
                .gather(self.axis, index.reshape(&[size * m]))
                .axis_to_front(self.axis);
            return unflatten_batch(picked, self.axis, size);
        }
        let n = x.extent(self.axis);
        let flat = flatten_batch(x, self.axis);
        let picked = flat.gather(flat.rank() - 1, offset_indices(index, size, n));
        unflatten_batch(picked, self.axis, size)
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let index = args[1].as_const()?;
        let index = index.data();
        let first = *index.first()?;
        if index
            .iter()
            .enumerate()
            .all(|(i, &k)| k == first + i as f64)
        {
            return Some(args[0].slice(self.axis, first as usize, index.len()));
        }
        if index.iter().all(|&k| k == first) && args[0].as_const().is_none() {
            let one = args[0].slice(self.axis, first as usize, 1);
            let mut shape = args[0].shape();
            let i = shape.len() - 1 - self.axis;
            shape[i] = index.len();
            return Some(one.broadcast(&shape));
        }
        None
    }

    fn detail(&self) -> String {
        format!("axis={}", self.axis)
    }
}
