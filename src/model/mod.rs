//! A program bound to data: the log joint density as a graph, with the names of what is in it.
//!
//! Latents enter as unconstrained vectors, one input for each [`Block`]; their constrained values,
//! the log density of these and the log Jacobian of the maps between are nodes. Everything that
//! fits, evaluates or summarises a model is built from these nodes.

mod rows;

use crate::diag::Span;
use crate::dist::Support;
use crate::graph::{Graph, NodeId, Origin, Rebuild, Var, element};
use crate::passes::{Rewritten, rewrite_density};
use crate::tape::Reuse;
use crate::types::Base;
pub use rows::{Fed, Rows, Source};

/// The graph and what its nodes mean.
#[derive(Debug)]
pub struct Model {
    pub graph: Graph,
    /// What is inferred: latents, noise, then learned parameters, each a block of the flat unconstrained
    /// vector, in order.
    pub blocks: Vec<Block>,
    /// Every latent and learned parameter, those too that are drawn after a fit.
    pub stated: Stated,
    /// Latents that nothing observed depends on: they integrate to 1, have no blocks and are drawn given
    /// the others.
    pub drawn: Option<Drawn>,
    /// Log density of the constrained latents and the data, with all constants: a scalar. What fits use;
    /// [`Model::rewrite`] changes how it is computed.
    pub log_joint: NodeId,
    /// The same as the program's statements give it, term by term. Where a value is not finite this finds
    /// the element to blame.
    pub as_written: NodeId,
    /// How `log_joint` was made of it.
    pub rewritten: Vec<Rewritten>,
    /// `Σ log |dx/du|` over latents: a scalar.
    pub log_jacobian: NodeId,
    /// What `log_joint` sums.
    pub terms: Vec<Term>,
    /// Discrete latents that are summed out, if there are any, and what it takes.
    pub summation: Option<Summation>,
    /// Discrete latents that are sampled: what the gradients of their factors of the guide are made of.
    pub scored: Vec<Scored>,
    /// What results report, in the program's order.
    pub quantities: Vec<Quantity>,
    /// Meaning of the nodes' origins: `Origin(i + 1)` is `places[i]`.
    pub places: Vec<Place>,
    /// Dimensions by name, with the extent that the data give them, sorted.
    pub dimensions: Vec<(String, i64)>,
    /// The families that the program names for its guide.
    pub families: Families,
    /// The same with the latents that the program's guide draws as functions of [`Role::Noise`] and of learned
    /// parameters; the guide's log density is subtracted from [`Model::log_joint`].
    pub guided: Option<Box<Model>>,
    /// What a step of a fit in batches feeds, of [`Batched::step`] and of a model whose data stay in their files:
    /// then its log density is an unbiased estimate of that of all rows, and there is no other.
    pub rows: Option<Rows>,
    /// The same for a fit that looks at some rows of the data in a step, where the program asks for that.
    pub batched: Option<Box<Batched>>,
    /// Inputs of what has a value for each of several draws, by name: of a program that was made to be told them.
    pub given: Vec<(String, NodeId)>,
    /// What was compiled for models of other data.
    pub reuse: Reuse,
}

/// A model of some rows, and of all rows, with the same learned parameters.
#[derive(Debug)]
pub struct Batched {
    /// Its log density is an unbiased estimate of that of all, when rows are taken at random.
    pub step: Model,
    /// All rows in their order: local latents are functions of [`Role::Noise`], as in `step`.
    pub all: Model,
}

/// What a program says of the factors of its guide that are derived, by names of families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Families {
    /// For the latents that nothing else is said of.
    pub rest: Option<String>,
    /// Latents that have a factor together, and its family.
    pub factors: Vec<(Vec<String>, String)>,
}

/// The joint density as the program states it, before anything was integrated out.
#[derive(Clone, Debug)]
pub struct Stated {
    /// A block for each latent and parameter.
    pub blocks: Vec<Block>,
    /// The log density of all of them and the data.
    pub log_joint: NodeId,
}

/// What is drawn after a fit, given each posterior draw of the rest.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The input that makes the noise: [`KEY`](crate::dist::KEY) whole numbers below 2³². Those of
    /// [`Model::quantities`] that depend on such latents are functions of it.
    pub key: NodeId,
    /// Names, with how many of their elements are drawn.
    pub names: Vec<(String, usize)>,
}

/// What a block is to inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Has a posterior.
    Latent,
    /// Is standard Normal, and makes latents as the program's guide says: no part of the log density.
    Noise,
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
    /// `infer::Evaluator`.
    pub value: NodeId,
    /// Where the value's elements stand in the quantity of this name, flat and row-major.
    pub places: Vec<usize>,
    /// Where the value lies; bounds have its batch axes.
    pub support: BlockSupport,
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
    /// For each row of [`Term::pointwise`] the place among the indexed elements of the data that it is the likelihood of, flat
    /// and row-major; empty for terms of no data, and where one term is of all of them.
    pub places: Vec<usize>,
    pub span: Span,
}

/// A sum over discrete latents.
#[derive(Clone, Debug, PartialEq)]
pub struct Summation {
    pub latents: Vec<Summed>,
    /// Terms of all sums, of one evaluation of the density.
    pub terms: f64,
    /// The most elements that are in one sum.
    pub together: usize,
    /// How many sums wait for one another.
    pub steps: usize,
}

/// A discrete latent that is summed out.
#[derive(Clone, Debug, PartialEq)]
pub struct Summed {
    pub name: String,
    pub elements: usize,
    /// The least value that any element may have, and how many from it on.
    pub first: f64,
    pub states: usize,
}

/// Elements that are drawn by a function of noise without a derivative. The gradient of the ELBO by the parameters of
/// their probabilities is the mean of `Σᵢ (advantageᵢ − bᵢ) ∇ log qᵢ`, for any `b` that does not depend on the draw.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// For each element the logarithm of the guide's probability of what was drawn.
    pub log_q: NodeId,
    /// For each element the summands of the ELBO that depend on it, without derivatives.
    pub advantage: NodeId,
}

/// A named array of numbers, a function of the latents.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub name: String,
    pub node: NodeId,
    pub shape: Vec<usize>,
    /// For each axis what the program calls it, where it has a name for it: [`Dim::axis`](crate::types::Dim::axis).
    pub dims: Vec<Option<String>>,
    /// For each axis the names of its elements, where it has any.
    pub labels: Vec<Option<Vec<String>>>,
    /// What an element is in the program.
    pub base: Base,
    pub kind: QuantityKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityKind {
    Latent,
    Param,
    /// A kept `let`.
    Deterministic,
    /// Data that are simulated.
    Data,
}

impl Quantity {
    /// The name of an element: `theta[2, 1]`, counted from 1, or `theta[Ohio, 1]` where levels have names.
    pub fn element(&self, flat: usize) -> String {
        element::labelled(&self.name, &self.shape, &self.labels, flat)
    }
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
    /// Computes the log joint density from what can be summed of the data beforehand, by all of
    /// [`REWRITINGS`](crate::passes::REWRITINGS) but those named. A model that a program was bound to has
    /// been rewritten by all.
    ///
    /// ```
    /// let program = elbo::Program::parse("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)")?;
    /// let mut data = elbo::Data::default();
    /// data.insert("y", (0..100).map(f64::from).collect::<Vec<_>>());
    /// let mut model = program.bind(&data)?;
    /// assert_eq!((model.rewritten[0].name, model.rewritten[0].rows), ("statistics", 100));
    /// model.rewrite(&["statistics"]);
    /// assert!(model.rewritten.is_empty());
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn rewrite(&mut self, without: &[&str]) {
        // Of all rows a fit in batches computes the density a few times: fewer than it takes to look for a shorter one.
        if let Some(batched) = &mut self.batched {
            return batched.step.rewrite(without);
        }
        let (log_joint, rewritten) = rewrite_density(&self.graph, self.as_written, without);
        self.log_joint = log_joint;
        self.rewritten = rewritten;
        if let Some(guided) = &mut self.guided {
            guided.rewrite(without);
        }
    }

    /// Compiles by what `reuse` has kept, of models that differ in the numbers of their data alone.
    pub fn reusing(&mut self, reuse: &Reuse) {
        self.reuse = reuse.clone();
        let batched = self.batched.iter_mut();
        let parts = batched.flat_map(|b| [&mut b.step, &mut b.all]);
        let guided = self.guided.as_deref_mut();
        parts.chain(guided).for_each(|model| model.reusing(reuse));
    }

    /// The nodes in another graph, as functions of an input for each block, which come first; a model that is told
    /// its rows is told those of the first batch.
    ///
    /// ```
    /// use elbo::{autodiff::grad, graph::Graph};
    /// let model = elbo::Program::parse("mu ~ Normal(0, 1)")?.bind(&elbo::Data::default())?;
    /// let graph = Graph::new();
    /// let (inputs, density) = model.of_inputs(&graph, &[model.log_joint]);
    /// assert_eq!(grad(density[0], &inputs).len(), 1);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn of_inputs<'g>(
        &self,
        graph: &'g Graph,
        nodes: &[NodeId],
    ) -> (Vec<Var<'g>>, Vec<Var<'g>>) {
        let blocks = self.blocks.iter();
        let inputs: Vec<Var> = blocks.map(|b| graph.input(&[b.size])).collect();
        let mut walk = Rebuild::new(&self.graph, graph);
        for (block, input) in self.blocks.iter().zip(&inputs) {
            walk.substitute(block.input, *input, false);
        }
        for (input, value) in self.rows.iter().flat_map(|rows| rows.first(&self.graph)) {
            walk.substitute(input, graph.constant(value), false);
        }
        let found = walk.emit(nodes).into_iter().map(|node| node.var).collect();
        (inputs, found)
    }

    /// The statement that a node comes from.
    pub fn place(&self, origin: Origin) -> Option<&Place> {
        self.places.get((origin.0 as usize).checked_sub(1)?)
    }

    /// Length of the flat unconstrained vector.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(|b| b.size).sum()
    }

    /// Length of the part of it that has a distribution, latents and noise, which comes first.
    pub fn latent_size(&self) -> usize {
        self.blocks
            .iter()
            .filter(|b| b.role != Role::Param)
            .map(|b| b.size)
            .sum()
    }
}
