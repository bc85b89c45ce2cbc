//! Repetition along new leading axes and along axes of extent 1.

use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broadcast {
    /// Shape of the result.
    pub shape: Shape,
}

impl<'g> Var<'g> {
    /// Repeats to `shape`, aligned at the last axis.
    pub fn broadcast(self, shape: &[usize]) -> Var<'g> {
        self.graph.apply(
            Broadcast {
                shape: Shape::from_slice(shape),
            },
            &[self],
        )
    }

    /// Whether the value is repeated along the axis (counted from the last).
    pub fn repeats_along(self, axis: usize) -> bool {
        if self.as_uniform().is_some() {
            return true;
        }
        let Some((_, args)) = self.as_op::<Broadcast>() else {
            return false;
        };
        let shape = args[0].shape();
        axis >= shape.len() || (args[0].extent(axis) == 1 && self.extent(axis) != 1)
    }

    /// The value without axes along which it is repeated; `axes` ascending, counted from the last.
    pub fn without_repeats(self, axes: &[usize]) -> Option<Var<'g>> {
        if !axes.iter().all(|&axis| self.repeats_along(axis)) {
            return None;
        }
        let shape = self.shape();
        let rank = shape.len();
        let kept: Shape = (0..rank)
            .filter(|i| !axes.contains(&(rank - 1 - i)))
            .map(|i| shape[i])
            .collect();
        if let Some(x) = self.as_uniform() {
            return Some(self.graph.scalar(x).broadcast(&kept));
        }
        let (_, args) = self.as_op::<Broadcast>()?;
        let inner = args[0].shape();
        let inner_kept: Shape = (0..inner.len())
            .filter(|i| !axes.contains(&(inner.len() - 1 - i)))
            .map(|i| inner[i])
            .collect();
        Some(args[0].reshape(&inner_kept).broadcast(&kept))
    }
}

impl Operation for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (from, to) = (args[0], &self.shape);
        let fits = from.len() <= to.len()
            && from
                .iter()
                .rev()
                .zip(to.iter().rev())
                .all(|(a, b)| a == b || *a == 1);
        if fits {
            Ok(to.clone())
        } else {
            Err(format!("cannot repeat to {:?}", to.as_slice()))
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        out.copy_from_slice(args[0].broadcast(&self.shape).data());
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let from = node.args[0].shape();
        let repeated: Vec<usize> = (0..self.shape.len())
            .filter(|&axis| {
                axis >= from.len() || (node.args[0].extent(axis) == 1 && node.out.extent(axis) != 1)
            })
            .collect();
        vec![Some(node.cotangent.sum_axes(&repeated).reshape(&from))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], size: usize) -> Var<'g> {
        let mut from = args[0].shape();
        while from.len() < self.shape.len() + 1 {
            from.insert(1, 1);
        }
        let mut to = self.shape.clone();
        to.insert(0, size);
        args[0].reshape(&from).broadcast(&to)
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if args[0].shape() == self.shape {
            return Some(args[0]);
        }
        args[0]
            .as_op::<Broadcast>()
            .map(|(_, inner)| inner[0].broadcast(&self.shape))
    }

    /// A repeated constant stays small; what is computed from it folds.
    fn folds(&self) -> bool {
        false
    }

    fn detail(&self) -> String {
        format!("{:?}", self.shape.as_slice())
    }
}
