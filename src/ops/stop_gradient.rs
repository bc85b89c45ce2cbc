//! A value that no derivative passes.

use crate::graph::{Operation, Pull, Range, Shape, Tensor, Var};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StopGradient;

impl<'g> Var<'g> {
    /// The same value, constant as far as derivatives go.
    pub fn stop_gradient(self) -> Var<'g> {
        self.graph.apply(StopGradient, &[self])
    }
}

impl Operation for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        Ok(args[0].clone())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        out.copy_from_slice(args[0].data());
    }

    fn range(&self, args: &[Range]) -> Range {
        args[0]
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].stop_gradient()
    }
}
