//! A value given each time the graph is run.

use crate::graph::{Operation, Pull, Shape, Tensor, Var};

/// The serial number keeps two inputs of one graph apart; the shape stands on the node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    pub serial: u32,
}

impl Operation for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    fn shape(&self, _args: &[&Shape]) -> Result<Shape, String> {
        Err("an input is made by Graph::input".into())
    }

    fn eval(&self, _args: &[&Tensor], _out: &mut [f64]) {
        panic!("an input that is needed was given no value")
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }

    fn batch<'g>(&self, _args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        unreachable!("an input has no argument that could be batched")
    }

    fn folds(&self) -> bool {
        false
    }
}
