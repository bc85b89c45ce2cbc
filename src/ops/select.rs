//! Elementwise choice by a condition.

use super::{binary::IntoVar, elementwise};
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, broadcast_shapes};

/// `c ≠ 0 ? a : b`, arguments in the order `(c, a, b)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Select;

impl<'g> Var<'g> {
    /// Where `self` is not 0 the first, else the second; all three broadcast.
    pub fn select(self, then: impl IntoVar<'g>, otherwise: impl IntoVar<'g>) -> Var<'g> {
        let (a, b) = (then.into_var(self.graph), otherwise.into_var(self.graph));
        let shape = [a.shape(), b.shape()]
            .iter()
            .try_fold(self.shape(), |s, t| broadcast_shapes(&s, t))
            .unwrap_or_else(|| panic!("select of {self:?}, {a:?}, {b:?}"));
        self.graph.apply(
            Select,
            &[
                self.broadcast(&shape),
                a.broadcast(&shape),
                b.broadcast(&shape),
            ],
        )
    }
}

impl Operation for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        elementwise::same_shape(args)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        for (i, y) in out.iter_mut().enumerate() {
            *y = if args[0].data()[i] != 0.0 {
                args[1].data()[i]
            } else {
                args[2].data()[i]
            };
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[1].or(args[2])
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (c, g) = (node.args[0], node.cotangent);
        vec![None, Some(c.select(g, 0.0)), Some(c.select(0.0, g))]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        elementwise::batch(self, args, batched, size)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if args[1].id == args[2].id {
            return Some(args[1]);
        }
        if let Some(c) = args[0].as_uniform() {
            return Some(if c != 0.0 { args[1] } else { args[2] });
        }
        elementwise::before_broadcast(self, graph, args)
    }
}
