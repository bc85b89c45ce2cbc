//! Rewritings of a density that a statistician would do by hand: because data are known when a model is
//! compiled, what of them can be summed once is summed once.
//!
//! Unlike the passes of [`super::ORDER`] they act on the density before it is differentiated and given
//! an axis of draws, so that gradients and Hessian products are those of the small expression. Nothing
//! of the graph is lost: the new density is made of new nodes beside the old.

use super::{equal_rows, inverses, log_products, statistics};
use crate::graph::{Graph, NodeId, Origin, Var, needed};
use crate::ops::Input;

/// One thing that was rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Which of [`REWRITINGS`] did it.
    pub name: &'static str,
    /// The statement whose rows they were.
    pub origin: Origin,
    /// Rows that were summed over, and how many numbers or rows are left; steps of a recurrence are as
    /// many as before.
    pub rows: usize,
    pub left: usize,
}

/// What a rewriting is: a node of the density, with what its arguments have become, to an equal expression.
pub type Rewriting =
    for<'g> fn(&Density<'g>, Var<'g>, &[Var<'g>]) -> Option<(Var<'g>, Vec<Rewritten>)>;

/// All rewritings in the order in which they are tried, with their names. What is left of a sum by one is
/// given to the next.
pub const REWRITINGS: &[(&str, Rewriting)] = &[
    ("statistics", statistics),
    ("equal_rows", equal_rows),
    ("inverses", inverses),
    ("log_products", log_products),
];

/// The density that is rewritten.
pub struct Density<'g> {
    pub graph: &'g Graph,
    /// Nodes that inputs reach.
    pub varies: Vec<bool>,
    /// The needed nodes that use each node.
    pub users: Vec<Vec<usize>>,
}

/// An expression equal to the scalar `root` in the same graph, by all rewritings but those named.
pub fn rewrite_density(graph: &Graph, root: NodeId, without: &[&str]) -> (NodeId, Vec<Rewritten>) {
    let mut report = Vec::new();
    let mut root = root;
    for (name, rewriting) in REWRITINGS {
        if !without.contains(name) {
            root = apply(graph, root, *rewriting, &mut report);
        }
    }
    (root, report)
}

/// Builds the expression anew, with every sum that a rewriting changes.
fn apply(graph: &Graph, root: NodeId, rewriting: Rewriting, report: &mut Vec<Rewritten>) -> NodeId {
    let density = Density::new(graph, root);
    let mut done: Vec<Option<NodeId>> = vec![None; root.index() + 1];
    for id in needed(graph, &[root], |_| false) {
        let node = graph.node(id);
        let args: Vec<Var> = node
            .args
            .iter()
            .map(|a| graph.var(done[a.index()].expect("arguments come first")))
            .collect();
        let before = graph.set_origin(node.origin);
        let own = graph.var(id);
        let made = match rewriting(&density, own, &args) {
            Some((new, what)) => {
                report.extend(what);
                new.id
            }
            None if args.iter().zip(&node.args).all(|(new, old)| new.id == *old) => id,
            None => graph.apply_op(node.op, &args).id,
        };
        graph.set_origin(before);
        done[id.index()] = Some(made);
    }
    done[root.index()].expect("the root was walked")
}

impl<'g> Density<'g> {
    fn new(graph: &'g Graph, root: NodeId) -> Density<'g> {
        let nodes = graph.nodes();
        let mut varies = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            let given = node.op.get::<Input>().is_some();
            varies[i] = given || node.args.iter().any(|a| varies[a.index()]);
        }
        let mut users = vec![Vec::new(); nodes.len()];
        for id in needed(graph, &[root], |_| false) {
            for arg in &nodes[id.index()].args {
                users[arg.index()].push(id.index());
            }
        }
        Density {
            graph,
            varies,
            users,
        }
    }

    /// Whether inputs reach the node; nodes that were made since are made of such.
    pub fn varies(&self, var: Var<'g>) -> bool {
        self.varies.get(var.id.index()).copied().unwrap_or(true)
    }
}
