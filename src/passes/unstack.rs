//! Elementwise work on tensors with a short axis that is later summed over becomes work on the
//! parts along it.
//!
//! A mixture of two components is written as a tensor of shape `[n, 2]`, its log density as a
//! log-sum-exp over the axis of 2: three rounds through memory, in which every sum has two terms.
//! As two tensors of shape `[n]` the maximum, the exponentials, their sum and all derivatives are
//! elementwise and become one kernel.

use super::Subject;
use super::walk::{Old, rewrite};
use crate::graph::{NodeId, Shape, Var, numel};
use crate::ops::{Binary, Broadcast, Reduce, ReduceKind, Select, StopGradient, Unary, concat};
use std::cell::RefCell;

/// The longest axis that is taken apart.
const LONGEST: usize = 8;
/// The least number of elements that parts have: below, one long row is cheaper than several.
const SHORTEST_PART: usize = 16;
/// Nested short axes are taken apart one after the other, at most so many.
const ROUNDS: usize = 3;

pub fn unstack(mut subject: Subject) -> Subject {
    for _ in 0..ROUNDS {
        let found = RefCell::new(false);
        subject = round(subject, &found);
        if !found.into_inner() {
            break;
        }
    }
    subject
}

fn round(subject: Subject, found: &RefCell<bool>) -> Subject {
    let plan: RefCell<Option<Vec<Option<usize>>>> = RefCell::new(None);
    let parts: RefCell<Vec<Option<Vec<NodeId>>>> = RefCell::new(Vec::new());
    rewrite(subject, |old, i, args, done| {
        let mut plan = plan.borrow_mut();
        let axes = plan.get_or_insert_with(|| {
            let axes = axes_to_split(old);
            *found.borrow_mut() = axes.iter().any(Option::is_some);
            parts.borrow_mut().resize(old.nodes.len(), None);
            axes
        });
        let node = &old.nodes[i];
        if let Some(axis) = axes[i] {
            let made = split(old, i, axis, args, axes, &parts.borrow());
            let whole = stacked(&made, axis);
            parts.borrow_mut()[i] = Some(made.iter().map(|v| v.id).collect());
            return Some(whole);
        }
        let reduce = node.op.get::<Reduce>()?;
        let arg = node.args[0].index();
        let axis = axes[arg]?;
        let graph = done[arg]?.graph;
        let parts = parts.borrow();
        let parts = parts[arg].as_ref()?.iter().map(|&id| graph.var(id));
        Some(reduced(reduce, parts.collect(), axis))
    })
}

/// For every node the axis (from the last) along which it is taken apart.
fn axes_to_split(old: &Old) -> Vec<Option<usize>> {
    let n = old.nodes.len();
    let live = |i: usize| old.asked[i] || !old.users[i].is_empty();
    let member = |i: usize| {
        let op = &old.nodes[i].op;
        live(i)
            && (op.get::<Unary>().is_some()
                || op.get::<Binary>().is_some()
                || op.get::<Select>().is_some()
                || op.get::<StopGradient>().is_some())
    };
    // Members that are joined by an edge form a group, named by its first node.
    let mut group: Vec<usize> = (0..n).collect();
    fn root(group: &mut [usize], mut i: usize) -> usize {
        while group[i] != i {
            group[i] = group[group[i]];
            i = group[i];
        }
        i
    }
    for i in (0..n).filter(|&i| member(i)) {
        for arg in old.nodes[i].args.iter().map(|a| a.index()) {
            if member(arg) {
                let (a, b) = (root(&mut group, i), root(&mut group, arg));
                group[a.max(b)] = a.min(b);
            }
        }
    }
    let mut axis_of: Vec<Option<usize>> = vec![None; n];
    for i in (0..n).filter(|&i| live(i)) {
        let Some(reduce) = old.nodes[i].op.get::<Reduce>() else {
            continue;
        };
        let arg = old.nodes[i].args[0].index();
        if !member(arg) {
            continue;
        }
        let shape = &old.nodes[arg].shape;
        let extent = |axis: usize| shape[shape.len() - 1 - axis];
        let fits = |axis: usize| {
            (2..=LONGEST).contains(&extent(axis)) && numel(shape) / extent(axis) >= SHORTEST_PART
        };
        // All but the short axis reduced leaves sums of full length: nothing is gained.
        let whole = reduce.axes.len() == shape.len();
        let best = reduce
            .axes
            .iter()
            .copied()
            .filter(|&a| fits(a) && !whole)
            .min_by_key(|&a| extent(a));
        let at = root(&mut group, arg);
        axis_of[at] = axis_of[at].or(best);
    }
    (0..n)
        .map(|i| {
            if member(i) {
                axis_of[root(&mut group, i)]
            } else {
                None
            }
        })
        .collect()
}

fn without(shape: &Shape, axis: usize) -> Shape {
    let mut shape = shape.clone();
    shape.remove(shape.len() - 1 - axis);
    shape
}

/// The operation on each part.
fn split<'g>(
    old: &Old,
    i: usize,
    axis: usize,
    args: &[Var<'g>],
    axes: &[Option<usize>],
    parts: &[Option<Vec<NodeId>>],
) -> Vec<Var<'g>> {
    let node = &old.nodes[i];
    let extent = node.shape[node.shape.len() - 1 - axis];
    let graph = args[0].graph;
    (0..extent)
        .map(|k| {
            let of = |(arg, whole): (usize, Var<'g>)| match &parts[arg] {
                Some(ids) if axes[arg] == Some(axis) => graph.var(ids[k]),
                _ => part(whole, axis, k),
            };
            let operands = node
                .args
                .iter()
                .map(|a| a.index())
                .zip(args.iter().copied());
            let operands: Vec<Var> = operands.map(of).collect();
            graph.apply_op(node.op.clone(), &operands)
        })
        .collect()
}

/// Element `k` along an axis, which disappears; of a repetition, the repetition of that of its
/// source.
fn part<'g>(v: Var<'g>, axis: usize, k: usize) -> Var<'g> {
    let to = without(&v.shape(), axis);
    if let Some((_, args)) = v.as_op::<Broadcast>() {
        let source = args[0];
        let from = source.shape();
        if axis >= from.len() {
            return source.broadcast(&to);
        }
        let k = if source.extent(axis) == 1 { 0 } else { k };
        let one = source.slice(axis, k, 1);
        return one.reshape(&without(&from, axis)).broadcast(&to);
    }
    v.slice(axis, k, 1).reshape(&to)
}

/// The parts joined again along the axis.
fn stacked<'g>(parts: &[Var<'g>], axis: usize) -> Var<'g> {
    let rows: Vec<Var> = parts.iter().map(|p| p.unsqueeze(axis)).collect();
    concat(&rows, axis)
}

/// A reduction of the whole from its parts.
fn reduced<'g>(reduce: &Reduce, parts: Vec<Var<'g>>, axis: usize) -> Var<'g> {
    let others: Vec<usize> = reduce
        .axes
        .iter()
        .filter(|&&x| x != axis)
        .map(|&x| if x > axis { x - 1 } else { x })
        .collect();
    let within = parts.into_iter().map(|p| match reduce.kind {
        _ if others.is_empty() => p,
        ReduceKind::Sum => p.sum_axes(&others),
        ReduceKind::Max => p.max_axes(&others),
        ReduceKind::Min => p.min_axes(&others),
    });
    if reduce.axes.contains(&axis) {
        let all = within.reduce(|a, b| match reduce.kind {
            ReduceKind::Sum => a + b,
            ReduceKind::Max => a.max(b),
            ReduceKind::Min => a.min(b),
        });
        return all.expect("the axis has two parts at least");
    }
    let below = reduce.axes.iter().filter(|&&x| x < axis).count();
    stacked(&within.collect::<Vec<_>>(), axis - below)
}
