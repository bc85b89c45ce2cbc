//! Quantiles of distributions whose distribution function is known and its inverse is not: the logit of
//! the distribution function, as a graph of its own, is inverted numerically ([`crate::ops::Invert`]).

use super::{Argument, Distribution, Support};
use crate::graph::{Graph, NodeId, Var, broadcast_shapes};
use crate::ops::{Body, invert};
use std::sync::Arc;

/// The least `x` with `P(X ≤ x) ≥ p`; `None` where the distribution function is not known.
///
/// The logit is what is inverted, for it has all digits in both tails and is nearly straight in the middle.
pub(super) fn of<'g>(d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
    if d.event_rank() > 0 {
        return None;
    }
    let ends = match d.support() {
        Support::Interval { lower, upper } => (lower, upper),
        Support::Integers { .. } => (None, None),
        _ => return None,
    };
    inverse(d, p.log() - (-p).log1p(), ends, logit)
}

/// The `x` at which an increasing function of a distribution and `x` has a value; beyond the ends, where there are
/// any, it is what it is there.
pub(super) fn inverse<'g>(
    d: &Distribution<'g>,
    level: Var<'g>,
    ends: (Option<Var<'g>>, Option<Var<'g>>),
    f: impl for<'b> Fn(&Distribution<'b>, Var<'b>) -> Option<Var<'b>>,
) -> Option<Var<'g>> {
    let mut shape = level.shape();
    loop {
        let graph = Arc::new(Graph::new());
        let x = graph.input(&shape);
        let mut parameters = Vec::new();
        let inner = copied(d, &graph, &mut parameters);
        let (lower, upper) = ends;
        let (lower, upper) = (
            lower.map(|a| copy(&a, &graph, &mut parameters)),
            upper.map(|b| copy(&b, &graph, &mut parameters)),
        );
        let within = lower.map_or(x, |a| x.max(a));
        let within = upper.map_or(within, |b| within.min(b));
        let output = f(&inner, within)?;
        let wide = broadcast_shapes(&shape, &output.shape())?;
        if wide != shape {
            shape = wide;
            continue;
        }
        let mut inputs: Vec<NodeId> = vec![x.id];
        inputs.extend(parameters.iter().map(|(id, _)| *id));
        let output = output.broadcast(&shape).id;
        let body = Body {
            graph: graph.clone(),
            inputs,
            output,
        };
        let level = level.broadcast(&shape);
        let values: Vec<Var<'g>> = parameters.iter().map(|(_, v)| *v).collect();
        return Some(invert(body, d.is_discrete(), level, &values));
    }
}

/// `log P(X ≤ x) − log P(X > x)`
fn logit<'b>(d: &Distribution<'b>, x: Var<'b>) -> Option<Var<'b>> {
    Some(d.family.log_cdf(d, x)? - d.family.log_survival(d, x)?)
}

/// A value in another graph.
fn copy<'g, 'b>(v: &Var<'g>, graph: &'b Graph, inputs: &mut Vec<(NodeId, Var<'g>)>) -> Var<'b> {
    match v.as_const() {
        Some(constant) => graph.constant(constant),
        None => {
            let input = graph.input(&v.shape());
            inputs.push((input.id, *v));
            input
        }
    }
}

/// The distribution in another graph: values that are not constants become inputs.
fn copied<'g, 'b>(
    d: &Distribution<'g>,
    graph: &'b Graph,
    inputs: &mut Vec<(NodeId, Var<'g>)>,
) -> Distribution<'b> {
    let mut args = Vec::new();
    for arg in &d.args {
        args.push(match arg {
            Argument::Value(v) => Argument::Value(copy(v, graph, inputs)),
            Argument::Function(chain) => Argument::Function(chain.map(|v| copy(v, graph, inputs))),
            Argument::Dimension(n) => Argument::Dimension(*n),
            Argument::Distribution(d) => Argument::Distribution(Box::new(copied(d, graph, inputs))),
            Argument::Distributions(all) => {
                let all = all.iter().map(|d| copied(d, graph, inputs));
                Argument::Distributions(all.collect())
            }
            Argument::Stack(d) => Argument::Stack(Box::new(copied(d, graph, inputs))),
            Argument::Absent => Argument::Absent,
        });
    }
    Distribution {
        family: d.family,
        form: d.form,
        args,
    }
}
