//! Turns values of a model's latents and parameters into its log joint density.
//!
//! The model's graph goes from unconstrained numbers to values to densities, and a density may use the
//! unconstrained numbers directly (`log x` of a positive `x = exp u` is `u`). So each block's value is
//! replaced by what is given, and its unconstrained input by the inverse of the map between them.

use crate::graph::{Graph, NodeId, Rebuild, Var};
use crate::model::{Block, Model, Role};
use crate::tape::Tape;
use crate::transform::{contains, unconstrain};

/// The log joint density as a function of constrained values, compiled once.
pub struct Evaluator<'m> {
    model: &'m Model,
    tape: Tape,
    /// For each block its bounds among the tape's outputs.
    bounds: Vec<[Option<usize>; 2]>,
}

/// A value that is not in its support.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// Index of the block.
    pub block: usize,
    /// The first element, among the block's, of the event that is outside.
    pub element: usize,
    /// In words that may follow the value's name.
    pub why: String,
}

impl<'m> Evaluator<'m> {
    /// Compiles a model's density.
    pub fn new(model: &'m Model) -> Evaluator<'m> {
        let graph = Graph::new();
        let mut walk = Rebuild::new(&model.graph, &graph);
        let values = model.stated.blocks.iter().map(|block| {
            let shape = model.graph.node(block.value).shape;
            graph.input(&shape)
        });
        let values: Vec<Var> = values.collect();
        for (block, value) in model.stated.blocks.iter().zip(&values) {
            walk.substitute(block.value, *value, false);
        }
        // Bounds of latents may depend on parameters and on earlier latents, never the reverse.
        let mut outputs: Vec<NodeId> = Vec::new();
        let mut bounds = vec![[None; 2]; model.stated.blocks.len()];
        for role in [Role::Param, Role::Latent] {
            for (i, block) in model.stated.blocks.iter().enumerate() {
                if block.role == role {
                    let [lower, upper] = free(block, values[i], &mut walk);
                    bounds[i] = [lower, upper].map(|bound| {
                        let bound = bound?.broadcast(batch(block, values[i].shape().as_slice()));
                        outputs.push(bound.id);
                        Some(outputs.len())
                    });
                }
            }
        }
        let log_joint = walk.emit(&[model.stated.log_joint])[0].var.id;
        outputs.insert(0, log_joint);
        let inputs: Vec<NodeId> = values.iter().map(|v| v.id).collect();
        Evaluator {
            model,
            tape: Tape::compile(&graph, &inputs, &outputs),
            bounds,
        }
    }

    /// The log density, with all constants and without Jacobians, at one value for each block, flat
    /// and row-major: −∞ where a value is outside its support, which is then said.
    ///
    /// # Panics
    /// If a value has another number of elements than its block's.
    pub fn log_density(&mut self, values: &[Vec<f64>]) -> (f64, Vec<Outside>) {
        for (i, value) in values.iter().enumerate() {
            self.tape.set_input(i, value);
        }
        self.tape.run();
        let blocks = values.iter().enumerate();
        let outside: Vec<Outside> = blocks.filter_map(|(i, v)| self.outside(i, v)).collect();
        match outside.is_empty() {
            true => (self.tape.output(0)[0], outside),
            false => (f64::NEG_INFINITY, outside),
        }
    }

    /// The first of a block's events that is not in the support.
    fn outside(&self, block: usize, value: &[f64]) -> Option<Outside> {
        let support = &self.model.stated.blocks[block].support;
        let size = support.event.iter().product::<usize>().max(1);
        let [lower, upper] = self.bounds[block].map(|o| o.map(|o| self.tape.output(o)));
        value.chunks(size).enumerate().find_map(|(i, x)| {
            let at = |bound: Option<&[f64]>| bound.map(|b| b[i]);
            let (lower, upper) = (at(lower), at(upper));
            let why = contains(&support.kind, &support.event, x, lower, upper).err()?;
            Some(Outside {
                block,
                element: i * size,
                why,
            })
        })
    }
}

/// Puts the unconstrained numbers of a block's value in the place of its input; gives the bounds.
fn free<'g>(block: &Block, value: Var<'g>, walk: &mut Rebuild<'_, 'g>) -> [Option<Var<'g>>; 2] {
    let support = &block.support;
    let bounds = [support.lower, support.upper].map(|b| Some(walk.emit(&[b?])[0].var));
    let [lower, upper] = bounds;
    if block.size > 0 {
        let within = support.kind.within(lower, upper);
        let free = unconstrain(&within, &support.event, value);
        walk.substitute(block.input, free.reshape(&[block.size]), false);
    }
    bounds
}

/// The axes of a block's value that are not of the event.
fn batch<'s>(block: &Block, shape: &'s [usize]) -> &'s [usize] {
    &shape[..shape.len() - block.support.event.len()]
}
