//! Turns a model into its log density at one point of unconstrained space, with derivatives.
//!
//! This is what starting points are looked for with, and what a point that is not finite is explained
//! with: the graph keeps the origins of the model's nodes.

use super::later::Later;
use super::optim::{Budget, NonFinite, Objective, finite};
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Tensor, Var};
use crate::model::Model;
use crate::tape::{AnyTape, Precision};
use std::sync::Arc;

/// `−log p(u, θ) − log |dx/du|`, to minimise over latents `u` and learned parameters `θ`.
pub(crate) struct Density {
    pub(crate) graph: Arc<Graph>,
    /// One for each block of the model.
    inputs: Vec<NodeId>,
    value: NodeId,
    gradients: Vec<NodeId>,
    precision: Precision,
    gradient: Later<AnyTape>,
    product: Later<AnyTape>,
    /// The natural length of each coordinate, for the optimiser.
    pub(crate) scale: Vec<f64>,
    /// Once it is spent no more Hessian products are computed; they count as not finite.
    budget: Budget,
}

impl Density {
    pub(crate) fn new(model: &Model, precision: Precision) -> Density {
        Density::of(model, model.log_joint, precision)
    }

    /// Of the log joint density as the statements give it.
    pub(crate) fn as_written(model: &Model) -> Density {
        Density::of(model, model.as_written, Precision::Double)
    }

    fn of(model: &Model, log_joint: NodeId, precision: Precision) -> Density {
        let graph = Arc::new(Graph::new());
        let (inputs, parts) = model.of_inputs(&graph, &[log_joint, model.log_jacobian]);
        let value = -(parts[0] + parts[1]);
        let gradients: Vec<NodeId> = grad(value, &inputs).iter().map(|g| g.id).collect();
        let along: Vec<Var> = inputs.iter().map(|i| graph.input(&i.shape())).collect();
        let products: Vec<NodeId> = hvp(value, &inputs, &along).iter().map(|p| p.id).collect();
        let along: Vec<NodeId> = along.iter().map(|v| v.id).collect();
        let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
        let wanted = [&[value.id], gradients.as_slice()].concat();
        let value = value.id;
        let tape = |given: Vec<NodeId>, wanted: Vec<NodeId>| {
            let (reuse, graph) = (model.reuse.clone(), graph.clone());
            Later::new(move || precision.compile(&reuse, &graph, &given, &wanted))
        };
        let gradient = tape(inputs.clone(), wanted);
        let product = tape([inputs.as_slice(), &along].concat(), products);
        Density {
            graph,
            inputs,
            value,
            gradients,
            precision,
            gradient,
            product,
            scale: vec![1.0; model.size()],
            budget: Budget::default(),
        }
    }

    /// Begins to compile if there is another thread for it.
    pub(crate) fn with_threads(mut self, threads: usize) -> Density {
        if threads > 1 {
            self.product.begin();
        }
        self
    }

    pub(crate) fn within(self, budget: &Budget) -> Density {
        Density {
            budget: budget.clone(),
            ..self
        }
    }

    /// Value, then gradient: the nodes a look for what is not finite has to cover.
    pub(crate) fn outputs(&self) -> Vec<NodeId> {
        [&[self.value], self.gradients.as_slice()].concat()
    }

    /// The inputs of [`Density::graph`] with their values at a point.
    pub(crate) fn feeds(&self, x: &[f64]) -> Vec<(NodeId, Tensor)> {
        let mut at = 0;
        let feed = |&input: &NodeId| {
            let size = self.graph.var(input).numel();
            at += size;
            (input, Tensor::vector(&x[at - size..at]))
        };
        self.inputs.iter().map(feed).collect()
    }
}

impl Objective for Density {
    fn dim(&self) -> usize {
        self.scale.len()
    }

    fn value_grad(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, NonFinite> {
        let blocks = self.inputs.len();
        let gradient = self.gradient.get();
        gradient.fill(0, blocks, x);
        gradient.run();
        g.fill(0.0);
        gradient.add_outputs(1, blocks, g);
        let value = gradient.value(0);
        finite(g).and(if value.is_finite() {
            Ok(value)
        } else {
            Err(NonFinite)
        })
    }

    fn hess_vec(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Result<(), NonFinite> {
        if self.budget.interrupted() {
            return Err(NonFinite);
        }
        let blocks = self.inputs.len();
        let product = self.product.get();
        product.fill(0, blocks, x);
        product.fill(blocks, blocks, v);
        product.run();
        out.fill(0.0);
        product.add_outputs(0, blocks, out);
        finite(out)
    }

    fn scale(&self, _x: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.scale);
    }

    fn epsilon(&self) -> f64 {
        self.precision.epsilon()
    }
}
