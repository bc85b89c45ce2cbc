//! A program bound to data: the log joint density as a graph, with the names of what is in it.
//!
//! Latents enter as unconstrained vectors, one input for each [`Block`]; their constrained values,
//! the log density of these and the log Jacobian of the maps between are nodes. Everything that
//! fits, evaluates or summarises a model is built from these nodes.

use crate::diag::Span;
use crate::dist::Support;
use crate::graph::{Graph, NodeId, Tensor, evaluate};

/// The graph and what its nodes mean.
#[derive(Debug)]
pub struct Model {
    pub graph: Graph,
    /// Latents, then learned parameters, each a block of the flat unconstrained vector, in order.
    pub blocks: Vec<Block>,
    /// Log density of the constrained latents and the data, with all constants: a scalar.
    pub log_joint: NodeId,
    /// `Σ log |dx/du|` over latents: a scalar.
    pub log_jacobian: NodeId,
    /// What `log_joint` sums.
    pub terms: Vec<Term>,
    /// What results report, in the program's order.
    pub quantities: Vec<Quantity>,
    /// Meaning of the nodes' origins: `Origin(i + 1)` is `places[i]`.
    pub places: Vec<Place>,
    /// Dimensions by name, with the extent that the data give them, sorted.
    pub dimensions: Vec<(String, i64)>,
}

/// What a block is to inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has a posterior.
    Latent,
    /// Is learned by maximising the ELBO.
    Param,
}

/// One stretch of the flat unconstrained vector.
#[derive(Clone, Debug)]
pub struct Block {
    pub name: String,
    pub role: Role,
    /// The unconstrained input, a vector.
    pub input: NodeId,
    pub size: usize,
    /// The constrained value it stands for. Several blocks may make up one quantity.
    ///
    /// Nodes that use the value need not be found downstream of this one: the logarithm of a positive
    /// value is its unconstrained number itself. To evaluate a model at constrained values, go by
    /// [`Model::unconstrain`].
    pub value: NodeId,
    /// Where the value's elements stand in the quantity of this name, flat and row-major.
    pub places: Vec<usize>,
    /// Where the value lies; bounds have its batch axes.
    pub support: BlockSupport,
    /// An input for a constrained value, of the shape of `value`.
    pub given: NodeId,
    /// The unconstrained vector at which the block's value is `given`. Where bounds are other latents
    /// it depends on the inputs of blocks before.
    pub free: NodeId,
    /// Where a fit of a [`Role::Param`] starts.
    pub init: Option<Vec<f64>>,
}

/// The support of a block's value: a kind, with bounds that may depend on other blocks.
#[derive(Clone, Debug)]
pub struct BlockSupport {
    /// The support without its bounds.
    pub kind: Support<'static>,
    pub lower: Option<NodeId>,
    pub upper: Option<NodeId>,
    /// The value's last axes: what lies in the support as a whole.
    pub event: Vec<usize>,
}

/// A summand of the log joint density.
#[derive(Clone, Debug)]
pub struct Term {
    /// The name left of `~`, or `factor`.
    pub name: String,
    /// The scalar sum.
    pub node: NodeId,
    /// Its elements before they were summed.
    pub pointwise: NodeId,
    /// Whether it is the likelihood of data.
    pub observed: bool,
    pub span: Span,
}

/// A named array of numbers, a function of the latents.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub name: String,
    pub node: NodeId,
    pub shape: Vec<usize>,
    /// For each axis the names of its elements, where it has any.
    pub labels: Vec<Option<Vec<String>>>,
    pub kind: QuantityKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityKind {
    Latent,
    Param,
    /// A kept `let`.
    Deterministic,
}

/// A statement of the program.
#[derive(Clone, Debug)]
pub struct Place {
    pub span: Span,
    /// The statement's first line.
    pub text: String,
}

impl BlockSupport {
    /// Takes apart a support whose bounds are nodes of the model's graph.
    pub fn new(support: &Support<'_>, event: &[usize]) -> BlockSupport {
        let (lower, upper) = support.bounds();
        BlockSupport {
            kind: support.within(None, None),
            lower: lower.map(|b| b.id),
            upper: upper.map(|b| b.id),
            event: event.to_vec(),
        }
    }
}

impl Model {
    /// The flat unconstrained vector at which the blocks have the values given, row-major and in the
    /// order of the blocks; not finite where a value is outside its support.
    ///
    /// # Panics
    /// If a value has not the size of its block's.
    pub fn unconstrain(&self, values: &[Vec<f64>]) -> Vec<f64> {
        let mut feeds: Vec<(NodeId, Tensor)> = Vec::new();
        let mut all = Vec::with_capacity(self.size());
        for (block, value) in self.blocks.iter().zip(values) {
            let shape = self.graph.node(block.given).shape.clone();
            feeds.push((block.given, Tensor::new(shape, value.clone())));
            let free = evaluate(&self.graph, &feeds, &[block.free]).swap_remove(0);
            all.extend_from_slice(free.data());
            feeds.push((block.input, free));
        }
        all
    }

    /// Length of the flat unconstrained vector.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(|b| b.size).sum()
    }

    /// Length of the latents' part of it, which comes first.
    pub fn latent_size(&self) -> usize {
        self.blocks
            .iter()
            .filter(|b| b.role == Role::Latent)
            .map(|b| b.size)
            .sum()
    }
}
