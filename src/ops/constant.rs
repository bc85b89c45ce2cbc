//! A value known when the graph is built.

use crate::graph::{Operation, Pull, Range, Shape, Tensor, Var};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant(pub Tensor);

impl Operation for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn shape(&self, _args: &[&Shape]) -> Result<Shape, String> {
        Ok(self.0.shape().clone())
    }

    fn eval(&self, _args: &[&Tensor], out: &mut [f64]) {
        out.copy_from_slice(self.0.data());
    }

    fn range(&self, _args: &[Range]) -> Range {
        Range::around(self.0.data())
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }

    fn batch<'g>(&self, _args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        unreachable!("a constant has no argument that could be batched")
    }

    fn detail(&self) -> String {
        format!("{:?}", self.0)
    }
}
