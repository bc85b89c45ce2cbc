//! Derivatives, graph to graph.
//!
//! One reverse sweep applies each operation's `pullback`, which is written with operations again.
//! Hence derivatives can be differentiated, and [`jvp`] and [`hvp`] need no rules of their own.

use crate::graph::{NodeId, Pull, QuickHash, Var};
use std::collections::HashMap;

/// Vector-Jacobian products: for each of `wrt` the sum over outputs of `cotangentᵀ ∂output/∂wrt`.
///
/// Zero where an output does not depend on it. Cotangents have the outputs' shapes.
pub fn vjp<'g>(outputs: &[Var<'g>], cotangents: &[Var<'g>], wrt: &[Var<'g>]) -> Vec<Var<'g>> {
    let mut sweep = Sweep::new(outputs, wrt);
    for (output, cotangent) in outputs.iter().zip(cotangents) {
        assert_eq!(
            output.shape(),
            cotangent.shape(),
            "a cotangent has its output's shape"
        );
        sweep.add(output.id, *cotangent);
    }
    sweep.run(outputs);
    let zero = |v: &Var<'g>| v.graph.scalar(0.0).broadcast(&v.shape());
    wrt.iter()
        .map(|v| {
            sweep
                .cotangents
                .get(&v.id)
                .copied()
                .unwrap_or_else(|| zero(v))
        })
        .collect()
}

/// Gradient of a scalar with respect to each of `wrt`.
///
/// ```
/// use elbo::{autodiff::grad, graph::{Graph, Tensor, evaluate}};
/// let g = Graph::new();
/// let x = g.input(&[]);
/// let d = grad(x.sin(), &[x])[0];
/// let out = evaluate(&g, &[(x.id, Tensor::scalar(0.5))], &[d.id]);
/// assert_eq!(out[0].data()[0], 0.5f64.cos());
/// ```
///
/// # Panics
/// If `y` is not a scalar.
pub fn grad<'g>(y: Var<'g>, wrt: &[Var<'g>]) -> Vec<Var<'g>> {
    assert_eq!(y.rank(), 0, "the gradient is of a scalar");
    vjp(&[y], &[y.graph.scalar(1.0)], wrt)
}

/// Jacobian-vector product: the derivative of `y` along `tangents` of `wrt`.
///
/// `u ↦ uᵀJ` is linear in `u`, so its own pullback at `v` is `Jv`.
pub fn jvp<'g>(y: Var<'g>, wrt: &[Var<'g>], tangents: &[Var<'g>]) -> Var<'g> {
    let u = y.graph.input(&y.shape());
    let pulled = vjp(&[y], &[u], wrt);
    vjp(&pulled, tangents, &[u])[0]
}

/// Hessian-vector product of a scalar: `∇² y · v`, a part for each of `wrt`.
///
/// ```
/// use elbo::{autodiff::hvp, graph::{Graph, Tensor, evaluate}};
/// let g = Graph::new();
/// let (x, v) = (g.input(&[2]), g.input(&[2]));
/// let h = hvp((x * x * x).sum(), &[x], &[v])[0];
/// let feeds = [(x.id, Tensor::vector([1.0, 2.0])), (v.id, Tensor::vector([1.0, 1.0]))];
/// assert_eq!(evaluate(&g, &feeds, &[h.id])[0].data(), [6.0, 12.0]);
/// ```
pub fn hvp<'g>(y: Var<'g>, wrt: &[Var<'g>], v: &[Var<'g>]) -> Vec<Var<'g>> {
    let gradients = grad(y, wrt);
    vjp(&gradients, v, wrt)
}

struct Sweep<'g> {
    /// Nodes that depend on one of `wrt`.
    varies: Vec<bool>,
    cotangents: HashMap<NodeId, Var<'g>, QuickHash>,
}

impl<'g> Sweep<'g> {
    fn new(outputs: &[Var<'g>], wrt: &[Var<'g>]) -> Sweep<'g> {
        let mut varies = vec![false; outputs.first().map_or(0, |o| o.graph.len())];
        for v in wrt {
            varies[v.id.index()] = true;
        }
        if let Some(output) = outputs.first() {
            for (i, node) in output.graph.nodes().iter().enumerate() {
                let stops = node.op.get::<crate::ops::StopGradient>().is_some();
                varies[i] |= !stops && node.args.iter().any(|a| varies[a.index()]);
            }
        }
        Sweep {
            varies,
            cotangents: HashMap::default(),
        }
    }

    fn add(&mut self, id: NodeId, cotangent: Var<'g>) {
        if !self.varies[id.index()] {
            return;
        }
        let sum = match self.cotangents.get(&id) {
            Some(&other) => other + cotangent,
            None => cotangent,
        };
        self.cotangents.insert(id, sum);
    }

    fn run(&mut self, outputs: &[Var<'g>]) {
        let Some(last) = outputs.iter().map(|o| o.id).max() else {
            return;
        };
        let graph = outputs[0].graph;
        for id in (0..=last.0).rev().map(NodeId) {
            let Some(&cotangent) = self.cotangents.get(&id) else {
                continue;
            };
            let node = graph.node(id);
            if node.args.is_empty() {
                continue;
            }
            let previous = graph.set_origin(node.origin);
            let args: Vec<Var<'g>> = node.args.iter().map(|&a| graph.var(a)).collect();
            let pull = Pull {
                out: graph.var(id),
                cotangent,
                args,
            };
            for (&arg, cotangent) in node.args.iter().zip(node.op.0.pullback(&pull)) {
                if let Some(cotangent) = cotangent {
                    self.add(arg, cotangent);
                }
            }
            graph.set_origin(previous);
        }
    }
}
