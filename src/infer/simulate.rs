//! Draws from a model of which nothing is inferred: every latent and all data from their distributions.

use super::noise::keys;
use super::start::origin;
use crate::dist::KEY;
use crate::graph::{Graph, NodeId, Rebuild, Var};
use crate::model::Model;
use crate::tape::Tape;

/// `draws` independent draws of everything in [`Model::quantities`], in their order: for each draw and quantity its
/// elements, row-major. Learned parameters are where they start.
///
/// Draw `i` depends on the seed and on `i` alone.
///
/// # Panics
/// If the model has latents to infer: those of [`lower_simulation`](crate::lower::lower_simulation) have none.
pub fn simulate(model: &Model, seed: u64, draws: usize) -> Vec<Vec<Vec<f64>>> {
    assert_eq!(model.latent_size(), 0, "nothing is left to infer");
    let graph = Graph::new();
    let blocks = model.blocks.iter();
    let mut inputs: Vec<Var> = blocks.map(|b| graph.input(&[b.size])).collect();
    let mut walk = Rebuild::new(&model.graph, &graph);
    for (block, input) in model.blocks.iter().zip(&inputs) {
        walk.substitute(block.input, *input, false);
    }
    if let Some(drawn) = &model.drawn {
        let key = graph.input(&[KEY]);
        walk.substitute(drawn.key, key, false);
        inputs.push(key);
    }
    let nodes: Vec<NodeId> = model.quantities.iter().map(|q| q.node).collect();
    let outputs: Vec<NodeId> = walk.emit(&nodes).iter().map(|node| node.var.id).collect();
    let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
    let mut tape = Tape::compile(&graph, &inputs, &outputs);
    tape.set_inputs_flat(&origin(model));
    let draw = |i: usize| {
        if model.drawn.is_some() {
            keys(seed, i as u64, tape.input_mut(inputs.len() - 1));
        }
        tape.run();
        (0..outputs.len())
            .map(|k| tape.output(k).to_vec())
            .collect()
    };
    (0..draws).map(draw).collect()
}
