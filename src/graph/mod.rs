//! A static single-assignment graph of dense tensors: an arena of [`Node`]s, each an [`Operation`]
//! applied to earlier nodes.
//!
//! The one idea: everything later in the engine (derivatives, batching, simplification) is a graph
//! built from a graph by the same constructor, [`Graph::apply`]. It folds constants, asks the
//! operation for an algebraic simplification and shares equal nodes, so no graph ever holds a node
//! twice, and whatever depends on constants alone is computed once, when it is built.
//!
//! This module knows no particular operation: each stands in a file of [`crate::ops`].

pub mod element;
mod evaluate;
mod hash;
mod print;
mod range;
mod rebuild;
mod shape;
mod tensor;
mod verify;

pub(crate) use evaluate::needed;
pub use evaluate::{evaluate, first_non_finite};
pub(crate) use hash::QuickHash;
pub use print::print;
pub use range::{Range, Ranges};
pub use rebuild::{Lane, Rebuild};
pub use shape::{Shape, broadcast_shapes, flat_strides, numel};
pub use tensor::Tensor;
pub use verify::verify;

use smallvec::SmallVec;
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, RwLock};

/// Index of a node in its [`Graph`]; arguments of a node always have smaller ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a node comes from: a number whose meaning belongs to whoever builds the graph (the
/// language maps it to a statement). 0 means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(pub u32);

/// The whole truth about one kind of node. Implementations are plain comparable values.
///
/// Axes are counted from the last one (0 is the last), so that an operation means the same when a
/// leading axis (of Monte Carlo samples, of steps) is put in front of its arguments.
pub trait Operation: OpKey + fmt::Debug + Send + Sync {
    /// Name for printing: `exp`, `contract`.
    fn name(&self) -> &'static str;

    /// The shape of the result, or what is wrong with the arguments' shapes.
    fn shape(&self, args: &[&Shape]) -> Result<Shape, String>;

    /// Computes the result; `out` has the size of [`Operation::shape`].
    fn eval(&self, args: &[&Tensor], out: &mut [f64]);

    /// Vector-Jacobian products: for each argument the cotangent that `node.cotangent` induces,
    /// or `None` where the derivative is zero.
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>>;

    /// Applies the operation where the arguments flagged in `batched` carry a leading axis of
    /// extent `size` and the others do not; the result carries it.
    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g>;

    /// An equal but simpler expression of the same value, if there is one.
    fn simplify<'g>(&self, _graph: &'g Graph, _args: &[Var<'g>]) -> Option<Var<'g>> {
        None
    }

    /// Bounds of the result's elements, given those of the arguments'.
    fn range(&self, _args: &[Range]) -> Range {
        Range::ALL
    }

    /// Whether a node with constant arguments is replaced by its value when it is built.
    fn folds(&self) -> bool {
        true
    }

    /// Why a value is not finite, where the operation knows more than its arguments say.
    fn fault(&self, _args: &[&Tensor]) -> Option<String> {
        None
    }

    /// Parameters of the operation for printing: `axis=0`.
    fn detail(&self) -> String {
        String::new()
    }
}

/// Equality and hashing of operations behind `dyn`; implemented for every comparable type.
pub trait OpKey: Any {
    fn same(&self, other: &dyn Operation) -> bool;
    fn digest(&self, state: &mut dyn Hasher);
    fn as_any(&self) -> &dyn Any;
}

impl<T: Operation + Any + Eq + Hash> OpKey for T {
    fn same(&self, other: &dyn Operation) -> bool {
        other
            .as_any()
            .downcast_ref::<T>()
            .is_some_and(|o| o == self)
    }

    fn digest(&self, mut state: &mut dyn Hasher) {
        std::any::TypeId::of::<T>().hash(&mut state);
        self.hash(&mut state);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A shared operation.
#[derive(Clone, Debug)]
pub struct Op(pub Arc<dyn Operation>);

impl Op {
    /// The operation as a value of type `T`, if it is one.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_any().downcast_ref()
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Op) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.same(&*other.0)
    }
}

impl Eq for Op {}

impl Hash for Op {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest(state);
    }
}

/// Arguments of a node.
pub type Args = SmallVec<[NodeId; 3]>;

/// One value of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    pub op: Op,
    pub args: Args,
    pub shape: Shape,
    pub origin: Origin,
}

/// What [`Operation::pullback`] is given.
pub struct Pull<'g> {
    pub out: Var<'g>,
    pub cotangent: Var<'g>,
    pub args: Vec<Var<'g>>,
}

/// The arena. Nodes are only ever added; a [`Var`] is a handle on one of them.
#[derive(Default)]
pub struct Graph {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    nodes: Vec<Node>,
    shared: HashMap<(Op, Args, Shape), NodeId, QuickHash>,
    origin: Origin,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self))
    }
}

const LOCK: &str = "no builder panics while it holds the arena";

impl Graph {
    pub fn new() -> Graph {
        Graph::default()
    }

    pub fn len(&self) -> usize {
        self.inner.read().expect(LOCK).nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of one node (operation and constants are shared, not copied).
    pub fn node(&self, id: NodeId) -> Node {
        self.inner.read().expect(LOCK).nodes[id.index()].clone()
    }

    /// A copy of all nodes, in order.
    pub fn nodes(&self) -> Vec<Node> {
        self.inner.read().expect(LOCK).nodes.clone()
    }

    pub fn var(&self, id: NodeId) -> Var<'_> {
        Var { graph: self, id }
    }

    /// Nodes built from now on are said to come from `origin`. Gives back the previous one.
    pub fn set_origin(&self, origin: Origin) -> Origin {
        std::mem::replace(&mut self.inner.write().expect(LOCK).origin, origin)
    }

    pub fn origin(&self) -> Origin {
        self.inner.read().expect(LOCK).origin
    }

    /// Applies an operation to arguments: the one way by which nodes come to be.
    ///
    /// # Panics
    /// If the shapes do not fit the operation: callers check what users write before they build.
    pub fn apply<'g>(&'g self, op: impl Operation + 'static, args: &[Var<'g>]) -> Var<'g> {
        self.apply_op(Op(Arc::new(op)), args)
    }

    /// [`Graph::apply`] for an operation that is shared already.
    pub fn apply_op<'g>(&'g self, op: Op, args: &[Var<'g>]) -> Var<'g> {
        let shapes: Vec<Shape> = args.iter().map(|a| a.shape()).collect();
        let refs: Vec<&Shape> = shapes.iter().collect();
        let shape = match op.0.shape(&refs) {
            Ok(shape) => shape,
            Err(why) => panic!("{} of {refs:?}: {why}", op.0.name()),
        };
        if let Some(simpler) = op.0.simplify(self, args) {
            debug_assert_eq!(
                simpler.shape(),
                shape,
                "{} was simplified to another shape",
                op.0.name()
            );
            return simpler;
        }
        if op.0.folds()
            && !args.is_empty()
            && let Some(values) = args
                .iter()
                .map(|a| a.as_const())
                .collect::<Option<Vec<_>>>()
        {
            let mut out = vec![0.0; numel(&shape)];
            op.0.eval(&values.iter().collect::<Vec<_>>(), &mut out);
            return self.constant(Tensor::new(shape, out));
        }
        self.insert(op, args.iter().map(|a| a.id).collect(), shape)
    }

    /// Adds a node as it is, or finds the equal one.
    pub(crate) fn insert(&self, op: Op, args: Args, shape: Shape) -> Var<'_> {
        let mut inner = self.inner.write().expect(LOCK);
        let key = (op, args, shape);
        if let Some(&id) = inner.shared.get(&key) {
            return Var { graph: self, id };
        }
        let id = NodeId(inner.nodes.len() as u32);
        let (op, args, shape) = key.clone();
        let origin = inner.origin;
        inner.nodes.push(Node {
            op,
            args,
            shape,
            origin,
        });
        inner.shared.insert(key, id);
        Var { graph: self, id }
    }

    /// A constant tensor.
    pub fn constant(&self, value: Tensor) -> Var<'_> {
        let shape = value.shape().clone();
        self.insert(
            Op(Arc::new(crate::ops::Constant(value))),
            Args::new(),
            shape,
        )
    }

    /// A scalar constant.
    pub fn scalar(&self, value: f64) -> Var<'_> {
        self.constant(Tensor::scalar(value))
    }

    /// A new input: a value given each time the graph is run. Every call makes another one.
    pub fn input(&self, shape: &[usize]) -> Var<'_> {
        self.input_within(shape, crate::ops::Within::Any)
    }

    /// [`Graph::input`] of which something is known beforehand; whoever gives its value keeps to it.
    pub fn input_within(&self, shape: &[usize], within: crate::ops::Within) -> Var<'_> {
        let serial = self.len() as u32;
        self.insert(
            Op(Arc::new(crate::ops::Input { serial, within })),
            Args::new(),
            Shape::from_slice(shape),
        )
    }
}

/// A handle on a node: the value that Rust code computes with.
///
/// Arithmetic operators and methods ([`Var::exp`], [`Var::sum`], [`Var::matmul`] …) add nodes;
/// shapes broadcast from the right as in NumPy.
///
/// ```
/// use elbo::{autodiff::grad, graph::{Graph, Tensor, evaluate}};
/// let g = Graph::new();
/// let x = g.input(&[3]);
/// let y = (x * x + 1.0).log().sum();
/// let dy = grad(y, &[x])[0];
/// let at = Tensor::vector([0.0, 1.0, 2.0]);
/// let out = evaluate(&g, &[(x.id, at)], &[dy.id]);
/// assert!((out[0].data()[2] - 0.8).abs() < 1e-15); // 2x / (x² + 1)
/// ```
#[derive(Clone, Copy)]
pub struct Var<'g> {
    pub graph: &'g Graph,
    pub id: NodeId,
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}{:?}", self.id.0, self.shape().as_slice())
    }
}

impl<'g> Var<'g> {
    pub fn shape(self) -> Shape {
        self.graph.inner.read().expect(LOCK).nodes[self.id.index()]
            .shape
            .clone()
    }

    pub fn rank(self) -> usize {
        self.graph.inner.read().expect(LOCK).nodes[self.id.index()]
            .shape
            .len()
    }

    pub fn numel(self) -> usize {
        numel(&self.shape())
    }

    /// Extent of the axis, counted from the last.
    pub fn extent(self, axis: usize) -> usize {
        let shape = self.shape();
        shape[shape.len() - 1 - axis]
    }

    pub fn node(self) -> Node {
        self.graph.node(self.id)
    }

    /// The operation if it is a `T`, with its arguments.
    pub fn as_op<T: Any + Clone>(self) -> Option<(T, SmallVec<[Var<'g>; 3]>)> {
        let inner = self.graph.inner.read().expect(LOCK);
        let node = &inner.nodes[self.id.index()];
        let op = node.op.get::<T>()?.clone();
        Some((
            op,
            node.args
                .iter()
                .map(|&id| Var {
                    graph: self.graph,
                    id,
                })
                .collect(),
        ))
    }

    /// The value, where it is known: a constant, or a broadcast one.
    pub fn as_const(self) -> Option<Tensor> {
        if let Some((constant, _)) = self.as_op::<crate::ops::Constant>() {
            return Some(constant.0);
        }
        let (broadcast, args) = self.as_op::<crate::ops::Broadcast>()?;
        Some(args[0].as_const()?.broadcast(&broadcast.shape))
    }

    /// The one number that every element equals, where it is known.
    pub fn as_uniform(self) -> Option<f64> {
        if let Some((constant, _)) = self.as_op::<crate::ops::Constant>() {
            return constant.0.uniform();
        }
        let (_, args) = self.as_op::<crate::ops::Broadcast>()?;
        args[0].as_uniform()
    }
}
