//! Another order of the last axes.

use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, flat_strides};
use smallvec::SmallVec;

/// Output axis `i` is input axis `order[i]`, both counted from the last; axes beyond stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permute {
    pub order: SmallVec<[usize; 4]>,
}

impl<'g> Var<'g> {
    /// Reorders the last axes: output axis `i` is input axis `order[i]`, counted from the last.
    pub fn permute(self, order: &[usize]) -> Var<'g> {
        self.graph.apply(
            Permute {
                order: SmallVec::from_slice(order),
            },
            &[self],
        )
    }

    /// Swaps the last two axes.
    pub fn transpose(self) -> Var<'g> {
        self.permute(&[1, 0])
    }

    /// Moves an axis (counted from the last) to the front.
    pub fn axis_to_front(self, axis: usize) -> Var<'g> {
        let mut order: Vec<usize> = (0..self.rank()).filter(|&a| a != axis).collect();
        order.push(axis);
        self.permute(&order)
    }

    /// Moves the first axis to the position `axis` of the result, counted from the last.
    pub fn front_to_axis(self, axis: usize) -> Var<'g> {
        let mut order: Vec<usize> = (0..self.rank() - 1).collect();
        order.insert(axis, self.rank() - 1);
        self.permute(&order)
    }
}

impl Permute {
    fn inverse(&self) -> Permute {
        let mut order = SmallVec::from_elem(0, self.order.len());
        for (out, &from) in self.order.iter().enumerate() {
            order[from] = out;
        }
        Permute { order }
    }
}

impl Operation for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (rank, n) = (args[0].len(), self.order.len());
        if n > rank {
            return Err(format!("cannot permute {n} axes"));
        }
        let mut shape = args[0].clone();
        for (out, &from) in self.order.iter().enumerate() {
            shape[rank - 1 - out] = args[0][rank - 1 - from];
        }
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let from = args[0].shape();
        let rank = from.len();
        let shape = self
            .shape(&[from])
            .expect("the shape was checked when the node was built");
        let own = flat_strides(from);
        let mut strides = own.clone();
        for (o, &f) in self.order.iter().enumerate() {
            strides[rank - 1 - o] = own[rank - 1 - f];
        }
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, rank);
        let mut at = 0;
        for y in out.iter_mut() {
            *y = args[0].data()[at];
            for axis in (0..rank).rev() {
                index[axis] += 1;
                at += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                at -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(
            node.cotangent
                .graph
                .apply(self.inverse(), &[node.cotangent]),
        )]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(self.clone(), args)
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let moved: Vec<usize> = self
            .order
            .iter()
            .enumerate()
            .filter(|(i, f)| *i != **f)
            .map(|(_, f)| *f)
            .collect();
        if moved.is_empty() {
            return Some(args[0]);
        }
        let shape = args[0].shape();
        let wide = |axis: usize| shape[shape.len() - 1 - axis] != 1;
        // Only axes of extent 1 change their order: a reshape.
        let order_of_wide: Vec<usize> = self.order.iter().copied().filter(|&f| wide(f)).collect();
        if order_of_wide.is_sorted() {
            let to = self.shape(&[&shape]).ok()?;
            return Some(args[0].reshape(&to));
        }
        let (inner, inner_args) = args[0].as_op::<Permute>()?;
        let n = self.order.len().max(inner.order.len());
        let at = |p: &Permute, i: usize| p.order.get(i).copied().unwrap_or(i);
        let order: Vec<usize> = (0..n).map(|i| at(&inner, at(self, i))).collect();
        Some(inner_args[0].permute(&order))
    }

    fn detail(&self) -> String {
        format!("{:?}", self.order.as_slice())
    }
}
