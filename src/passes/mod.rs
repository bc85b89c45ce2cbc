//! Rewritings of a graph before it becomes a tape: each a function from [`Subject`] to [`Subject`],
//! a file, and a line in [`ORDER`].

mod close;
mod equal_rows;
mod factors;
mod inverses;
mod log_products;
mod needs;
mod pads;
mod restrict;
mod rewriting;
mod statistics;
mod tails;
mod unstack;
mod walk;

pub use close::close;
pub use equal_rows::equal_rows;
pub use factors::factors;
pub use inverses::inverses;
pub use log_products::log_products;
pub(crate) use needs::{Elements, Needs, listed};
pub use pads::pads;
pub(crate) use restrict::{Restrict, Split};
pub use rewriting::{Density, REWRITINGS, Rewriting, Rewritten, rewrite_density};
pub use statistics::statistics;
pub use tails::tails;
pub use unstack::unstack;

use crate::graph::{Graph, NodeId, verify};

/// A graph with the nodes that are given when it is run and those that are asked for.
pub struct Subject {
    pub graph: Graph,
    pub inputs: Vec<NodeId>,
    pub outputs: Vec<NodeId>,
}

/// What a pass is.
pub type Pass = fn(Subject) -> Subject;

/// The passes in the order in which they are run, with their names.
///
/// `unstack` first, since parts have fewer elements than what is repeated over them; `pads` after
/// `factors`, which may bring sums to light.
pub const ORDER: &[(&str, Pass)] = &[
    ("unstack", unstack),
    ("factors", factors),
    ("pads", pads),
    ("tails", tails),
];

/// A graph of its own for `outputs` as a function of `inputs`, with all passes applied.
pub fn prepare(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Subject {
    apply(close(graph, inputs, outputs))
}

/// Applies all passes.
pub fn apply(mut subject: Subject) -> Subject {
    for (name, pass) in ORDER {
        subject = pass(subject);
        if cfg!(debug_assertions)
            && let Err(why) = verify(&subject.graph)
        {
            panic!("after the pass {name}: {why}");
        }
    }
    subject
}

#[cfg(test)]
mod tests;
