//! The same elements in the same order under another shape.

use super::Broadcast;
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, numel};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    pub shape: Shape,
}

impl<'g> Var<'g> {
    /// The same elements in row-major order under `shape`.
    pub fn reshape(self, shape: &[usize]) -> Var<'g> {
        self.graph.apply(
            Reshape {
                shape: Shape::from_slice(shape),
            },
            &[self],
        )
    }

    /// A new axis of extent 1, at the position counted from the last of the result.
    pub fn unsqueeze(self, axis: usize) -> Var<'g> {
        let mut shape = self.shape();
        shape.insert(shape.len() - axis, 1);
        self.reshape(&shape)
    }
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        if numel(args[0]) == numel(&self.shape) {
            Ok(self.shape.clone())
        } else {
            Err(format!("cannot reshape to {:?}", self.shape.as_slice()))
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        out.copy_from_slice(args[0].data());
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(node.cotangent.reshape(&node.args[0].shape()))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], size: usize) -> Var<'g> {
        let mut shape = self.shape.clone();
        shape.insert(0, size);
        args[0].reshape(&shape)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if args[0].shape() == self.shape {
            return Some(args[0]);
        }
        if let Some((_, inner)) = args[0].as_op::<Reshape>() {
            return Some(inner[0].reshape(&self.shape));
        }
        if args[0].as_op::<Broadcast>().is_some()
            && let Some(x) = args[0].as_uniform()
        {
            return Some(graph.scalar(x).broadcast(&self.shape));
        }
        self.of_broadcast(args[0])
    }

    fn detail(&self) -> String {
        format!("{:?}", self.shape.as_slice())
    }
}

impl Reshape {
    /// A reshape that only adds or drops axes of extent 1 goes below a repetition.
    fn of_broadcast<'g>(&self, arg: Var<'g>) -> Option<Var<'g>> {
        let (_, inner) = arg.as_op::<Broadcast>()?;
        let from = arg.shape();
        let squeezed = |s: &Shape| s.iter().copied().filter(|&n| n != 1).collect::<Shape>();
        if squeezed(&from) != squeezed(&self.shape) {
            return None;
        }
        let source = inner[0].shape();
        // Extents of the source for the axes of `from` that are not 1, in order.
        let lead = from.len() - source.len();
        let mut kept = (0..from.len())
            .filter(|&i| from[i] != 1)
            .map(|i| if i < lead { 1 } else { source[i - lead] });
        let shape: Option<Shape> = self
            .shape
            .iter()
            .map(|&n| if n == 1 { Some(1) } else { kept.next() })
            .collect();
        Some(inner[0].reshape(&shape?).broadcast(&self.shape))
    }
}
