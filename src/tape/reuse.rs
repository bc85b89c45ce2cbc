//! Code that is compiled once for graphs which differ in their numbers alone.
//!
//! The numbers of a graph become inputs of it, so that the graph of other data of equal shape is the same graph.

use super::element::Element;
use super::program::Program;
use crate::graph::{Args, Graph, Node, NodeId, Op, Rebuild, Shape, Tensor};
use crate::ops::{Concat, Constant, Gather, Input, Pad, ScatterAdd, Select, Within, moves};
use crate::passes::Subject;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What tapes have compiled, for those to come. Clones share it; one made by default keeps nothing.
///
/// ```
/// use elbo::{graph::{Graph, Tensor}, tape::{Reuse, Tape}};
/// let reuse = Reuse::kept();
/// for slope in [1.5, 0.3] {
///     let g = Graph::new();
///     let x = g.input(&[2]);
///     let y = (x * g.constant(Tensor::vector([slope, 7.5]))).sum();
///     let mut tape: Tape = Tape::compile_with(&reuse, &g, &[x.id], &[y.id]);
///     tape.set_input(0, &[1.0, 2.0]);
///     tape.run();
///     assert_eq!(tape.output(0), [slope + 15.0]);
/// }
/// assert_eq!(reuse.len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct Reuse(Option<Arc<Mutex<Kept>>>);

type Kept = HashMap<(TypeId, Key), Arc<dyn Any + Send + Sync>>;

/// Programs beyond these are forgotten, all at once: whoever has so many shapes has no use for old ones.
const MOST: usize = 256;

impl Reuse {
    /// Keeps what is compiled, until the last clone is gone.
    pub fn kept() -> Reuse {
        Reuse(Some(Arc::default()))
    }

    /// How many programs are kept.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).len()
        })
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The program of a graph, and the numbers that it takes after the graph's own inputs. `compile` is given a graph without
    /// passes.
    pub(super) fn program<T: Element>(
        &self,
        subject: Subject,
        compile: impl FnOnce(Subject) -> Program<T>,
    ) -> (Arc<Program<T>>, Vec<Tensor>) {
        let Some(kept) = &self.0 else {
            return (Arc::new(compile(subject)), Vec::new());
        };
        let nodes = subject.graph.nodes();
        let free = free(&subject, &nodes);
        let key = (TypeId::of::<T>(), key(&subject, nodes, &free));
        let numbers = free.iter().map(|(_, tensor)| tensor.clone()).collect();
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock().get(&key).cloned();
        let program = found.and_then(|any| any.downcast::<Program<T>>().ok());
        let program = program.unwrap_or_else(|| {
            // Others may compile the same meanwhile: theirs is as good.
            let program = Arc::new(compile(freed(&subject, &free)));
            let mut kept = lock();
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(key, program.clone());
            program
        });
        (program, numbers)
    }
}

impl fmt::Debug for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(_) => write!(f, "{} programs", self.len()),
            None => f.write_str("none"),
        }
    }
}

/// A graph but for the numbers that are free.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    nodes: Vec<(Op, Args, Shape)>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

fn key(subject: &Subject, nodes: Vec<Node>, free: &[(NodeId, Tensor)]) -> Key {
    let parts = nodes.into_iter().map(|n| (n.op, n.args, n.shape));
    let mut nodes: Vec<_> = parts.collect();
    for (id, tensor) in free {
        let serial = id.0;
        let within = Within::of(tensor.data());
        nodes[id.index()].0 = Op(Arc::new(Input { serial, within }));
    }
    Key {
        nodes,
        inputs: subject.inputs.clone(),
        outputs: subject.outputs.clone(),
    }
}

/// Constants of which a tape needs to know no more than their shapes and bounds: not those that say which elements are read,
/// nor those that formulas are written with.
fn free(subject: &Subject, nodes: &[Node]) -> Vec<(NodeId, Tensor)> {
    let mut chooses = vec![false; nodes.len()];
    for (i, node) in nodes.iter().enumerate().rev() {
        for (at, arg) in node.args.iter().enumerate() {
            let picks = node.op.get::<Gather>().is_some() || node.op.get::<ScatterAdd>().is_some();
            let selects = node.op.get::<Select>().is_some();
            let index = (picks && at == 1) || (selects && at == 0);
            chooses[arg.index()] |= index || (chooses[i] && passes_on(node));
        }
    }
    let ids = (0..nodes.len() as u32).map(NodeId);
    ids.filter(|id| !chooses[id.index()] && !subject.outputs.contains(id))
        .filter_map(|id| {
            let tensor = nodes[id.index()].op.get::<Constant>()?.0.clone();
            (!is_of_formula(&tensor)).then_some((id, tensor))
        })
        .collect()
}

/// Whether what is read of the result is read of the arguments.
fn passes_on(node: &Node) -> bool {
    let op = &node.op;
    moves(op) || op.get::<Concat>().is_some() || op.get::<Pad>().is_some()
}

/// Whether all elements are one number such as 2 or −½, by which graphs are simplified.
fn is_of_formula(tensor: &Tensor) -> bool {
    let uniform = tensor.uniform();
    tensor.data().is_empty() || uniform.is_some_and(|x| x.abs() <= 4.0 && (2.0 * x).fract() == 0.0)
}

/// The graph with inputs instead of free numbers, after its own.
fn freed(subject: &Subject, free: &[(NodeId, Tensor)]) -> Subject {
    let graph = Graph::new();
    let mut walk = Rebuild::new(&subject.graph, &graph);
    let mut inputs = Vec::new();
    for &id in &subject.inputs {
        let input = graph.input(&subject.graph.var(id).shape());
        walk.substitute(id, input, false);
        inputs.push(input.id);
    }
    for (id, tensor) in free {
        let input = graph.input_within(tensor.shape(), Within::of(tensor.data()));
        walk.substitute(*id, input, false);
        inputs.push(input.id);
    }
    let outputs = walk.emit(&subject.outputs);
    let outputs = outputs.iter().map(|lane| lane.var.id).collect();
    Subject {
        graph,
        inputs,
        outputs,
    }
}
