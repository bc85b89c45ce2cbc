//! A value given each time the graph is run.

use crate::graph::{Operation, Pull, Range, Shape, Tensor, Var};

/// The serial number keeps two inputs of one graph apart; the shape stands on the node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    pub serial: u32,
    pub within: Within,
}

/// What is known of an input's numbers beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Within {
    #[default]
    Any,
    Finite,
    /// From 0 on, without −0.
    From0,
    Positive,
    /// From 0 to 1.
    Unit,
}

impl Within {
    const ALL: [Within; 5] = [
        Within::Unit,
        Within::Positive,
        Within::From0,
        Within::Finite,
        Within::Any,
    ];

    /// The first of a fixed order that holds these numbers.
    pub fn of(numbers: &[f64]) -> Within {
        let range = Range::around(numbers);
        let holds = |within: &Within| range.is_within(within.range());
        // Nothing is claimed where there is no number.
        let some = !numbers.iter().any(|x| x.is_nan());
        let found = Within::ALL.into_iter().find(holds).filter(|_| some);
        found.unwrap_or_default()
    }

    fn range(self) -> Range {
        match self {
            Within::Any => Range::ALL,
            Within::Finite => Range::new(f64::MIN, f64::MAX),
            Within::From0 => Range::new(0.0, f64::MAX),
            Within::Positive => Range::new(f64::MIN_POSITIVE, f64::MAX),
            Within::Unit => Range::UNIT,
        }
    }
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

    fn range(&self, _args: &[Range]) -> Range {
        self.within.range()
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
