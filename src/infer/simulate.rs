//! Draws from a model of which nothing is inferred: what is not told for each draw comes from its distribution.

use super::noise::keys;
use super::sample::shares;
use super::start::origin;
use crate::dist::KEY;
use crate::graph::{Graph, NodeId, Rebuild, Var};
use crate::model::Model;
use crate::tape::Tape;
use std::fmt;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many draws are made, and what is told for each of them.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    pub draws: usize,
    /// For each name among [`Model::given`] its values: draws by elements, row-major.
    pub values: &'a (dyn Fn(&str) -> &'a [f64] + Sync),
    pub seed: u64,
    pub threads: usize,
    /// Told of each draw that is made.
    pub watch: &'a Watch,
}

/// What is told of draws while they are made, if anything: how many are done, and of how many. Threads tell of their own.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<dyn Fn(usize, usize) + Send + Sync>>);

impl Watch {
    pub fn new(told: impl Fn(usize, usize) + Send + Sync + 'static) -> Watch {
        Watch(Some(Arc::new(told)))
    }

    /// One more is done.
    fn tell(&self, done: &AtomicUsize, of: usize) {
        if let Watch(Some(told)) = self {
            told(done.fetch_add(1, Ordering::Relaxed) + 1, of);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = if self.0.is_some() {
            "watched"
        } else {
            "unwatched"
        };
        f.write_str(watched)
    }
}

/// Independent draws of some nodes, for each of them draws by elements, row-major. Learned parameters are where they start.
///
/// Draw `i` depends on the seed, on `i` and on what is told of `i` alone.
///
/// # Panics
/// If the model has latents to infer: those of [`lower_simulation`](crate::lower::lower_simulation) have none.
pub fn simulate(model: &Model, nodes: &[NodeId], told: &Told) -> Vec<Vec<f64>> {
    assert_eq!(model.latent_size(), 0, "nothing is left to infer");
    let graph = Graph::new();
    let mut walk = Rebuild::new(&model.graph, &graph);
    let given: Vec<Var> = model
        .given
        .iter()
        .map(|(_, node)| {
            let input = graph.input(&model.graph.node(*node).shape);
            walk.substitute(*node, input, false);
            input
        })
        .collect();
    let mut inputs: Vec<Var> = given.clone();
    for block in &model.blocks {
        let input = graph.input(&[block.size]);
        walk.substitute(block.input, input, false);
        inputs.push(input);
    }
    let key = model.drawn.as_ref().map(|drawn| {
        let key = graph.input(&[KEY]);
        walk.substitute(drawn.key, key, false);
        inputs.push(key);
        inputs.len() - 1
    });
    let outputs: Vec<NodeId> = walk.emit(nodes).iter().map(|node| node.var.id).collect();
    let inputs: Vec<NodeId> = inputs.iter().map(|v| v.id).collect();
    let mut tape = Tape::compile(&graph, &inputs, &outputs);
    for (k, values) in split(&origin(model), model.blocks.iter().map(|b| b.size)).enumerate() {
        tape.set_input(given.len() + k, values);
    }
    let values: Vec<&[f64]> = model
        .given
        .iter()
        .map(|(name, _)| (told.values)(name))
        .collect();
    let sizes: Vec<usize> = given.iter().map(|v| v.numel()).collect();
    let done = AtomicUsize::new(0);
    let work = |share: Range<usize>| -> Vec<Vec<f64>> {
        let mut tape = tape.clone();
        let mut made: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
        for i in share {
            for (k, (values, n)) in values.iter().zip(&sizes).enumerate() {
                tape.set_input(k, &values[i * n..(i + 1) * n]);
            }
            if let Some(key) = key {
                keys(told.seed, i as u64, tape.input_mut(key));
            }
            tape.run();
            for (k, made) in made.iter_mut().enumerate() {
                made.extend_from_slice(tape.output(k));
            }
            told.watch.tell(&done, told.draws);
        }
        made
    };
    let mut shares = shares(0..told.draws, told.threads.max(1));
    let first = shares.next().expect("there is a share");
    std::thread::scope(|scope| {
        let running: Vec<_> = shares.map(|share| scope.spawn(|| work(share))).collect();
        let mut all = work(first);
        for thread in running {
            let more = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            all.iter_mut()
                .zip(more)
                .for_each(|(all, more)| all.extend(more));
        }
        all
    })
}

/// The stretches of a flat vector.
fn split(flat: &[f64], sizes: impl Iterator<Item = usize>) -> impl Iterator<Item = &[f64]> {
    let mut at = 0;
    sizes.map(move |n| {
        at += n;
        &flat[at - n..at]
    })
}
