//! The density of what is left to infer, and results as functions of draws of the rest.
//!
//! Nothing of the graph changes; new nodes stand beside the old. An array of which some elements are set
//! aside gets a shorter input, and every value that reads it is restricted to the elements that count,
//! so that the others are not even computed.

use super::levels::Plan;
use super::{Events, Left, Lowerer, Site, names, note};
use crate::dist::{Sampled, Support};
use crate::graph::{Graph, NodeId, Rebuild, Shape, Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Drawn, Quantity, Term};
use crate::ops::Input;
use crate::passes::{Restrict, Split};
use crate::transform;
use std::collections::{BTreeMap, HashSet};

/// See the head of this file.
pub(super) fn emit<'g>(
    lowerer: &mut Lowerer<'_, 'g>,
    sites: &[Site<'g>],
    plan: &Plan<'g>,
    quantities: Vec<Quantity>,
) -> Left<'g> {
    let graph = lowerer.graph;
    let blocks = std::mem::take(&mut lowerer.blocks);
    let terms = std::mem::take(&mut lowerer.terms);
    let mut density = Emitter::density(graph, &blocks, sites, plan);
    let mut left = Left {
        blocks: Vec::new(),
        terms: density.terms(terms, sites, plan),
        jacobians: Vec::new(),
        quantities: Vec::new(),
        drawn: None,
        notes: note(&names(&blocks, sites, &plan.inferred)),
    };
    for (site, inferred) in sites.iter().zip(&plan.inferred) {
        if inferred.contains(&true) || inferred.is_empty() {
            let kept = kept(inferred);
            let jacobian = density.at(site.jacobian, kept.as_deref());
            left.jacobians.push(jacobian.sum());
        }
    }
    let mut values: BTreeMap<usize, (Var<'g>, Var<'g>)> = BTreeMap::new();
    for (i, block) in blocks.iter().enumerate() {
        let site = sites.iter().position(|s| s.block == i);
        match site.map(|s| (s, &plan.inferred[s])) {
            Some((s, inferred)) if inferred.contains(&false) => {
                if inferred.contains(&true) {
                    let block = density.shortened(block, s, inferred);
                    let value = graph.var(block.value);
                    values.insert(s, (value, graph.var(block.input)));
                    left.blocks.push(block);
                }
            }
            _ => left.blocks.push(block.clone()),
        }
    }
    let key = lowerer.result_key();
    let mut results = Emitter::results(graph, &blocks, sites, plan, &values);
    for (serial, group) in plan.groups.iter().enumerate() {
        results.draw(&blocks, sites, plan, group, key, serial as u32);
    }
    left.quantities = results.quantities(quantities);
    left.drawn = Some(Drawn {
        key: key.id,
        names: names(&blocks, sites, &plan.inferred),
    });
    left
}

/// Events that are inferred, where not all are.
fn kept(inferred: &[bool]) -> Option<Vec<usize>> {
    inferred
        .contains(&false)
        .then(|| (0..inferred.len()).filter(|&e| inferred[e]).collect())
}

/// Elements of events that have `size` each.
fn of_events(events: &[usize], size: usize) -> Vec<usize> {
    events
        .iter()
        .flat_map(|e| e * size..(e + 1) * size)
        .collect()
}

fn free_size(block: &Block, events: usize) -> usize {
    block.size / events.max(1)
}

/// Emits values in which the elements of some blocks come from elsewhere.
struct Emitter<'g> {
    graph: &'g Graph,
    restrict: Restrict<'g>,
    /// The shorter input of a site.
    inputs: BTreeMap<usize, Var<'g>>,
}

impl<'g> Emitter<'g> {
    /// Inputs of what is left; what is set aside, which nothing here depends on, is 0.
    fn density(
        graph: &'g Graph,
        blocks: &[Block],
        sites: &[Site<'g>],
        plan: &Plan<'g>,
    ) -> Emitter<'g> {
        let mut splits = BTreeMap::new();
        let mut inputs = BTreeMap::new();
        for (s, (site, inferred)) in sites.iter().zip(&plan.inferred).enumerate() {
            let Some(kept) = kept(inferred) else {
                continue;
            };
            let block = &blocks[site.block];
            let own = of_events(&kept, free_size(block, inferred.len()));
            let mut split = Split::new(block.size, 0.0);
            if !own.is_empty() {
                let input = graph.input(&[own.len()]);
                split.give(input, &own);
                inputs.insert(s, input);
            }
            splits.insert(block.input, split);
        }
        Emitter {
            graph,
            restrict: Restrict::with(graph, splits),
            inputs,
        }
    }

    /// Values and unconstrained inputs both, those set aside to be filled in by draws: whatever reads one
    /// before that is NaN.
    fn results(
        graph: &'g Graph,
        blocks: &[Block],
        sites: &[Site<'g>],
        plan: &Plan<'g>,
        values: &BTreeMap<usize, (Var<'g>, Var<'g>)>,
    ) -> Emitter<'g> {
        let mut splits = BTreeMap::new();
        for (s, (site, inferred)) in sites.iter().zip(&plan.inferred).enumerate() {
            let Some(kept) = kept(inferred) else {
                continue;
            };
            let block = &blocks[site.block];
            let size = numel(&block.support.event);
            let mut value = Split::new(inferred.len() * size, f64::NAN);
            let mut input = Split::new(block.size, f64::NAN);
            if let Some((own, free)) = values.get(&s) {
                value.give(own.reshape(&[own.numel()]), &of_events(&kept, size));
                let free_size = free_size(block, inferred.len());
                input.give(*free, &of_events(&kept, free_size));
            }
            splits.insert(block.input, input);
            splits.insert(block.value, value);
        }
        Emitter {
            graph,
            restrict: Restrict::with(graph, splits),
            inputs: BTreeMap::new(),
        }
    }

    /// A value at some of its elements, as a vector, or as it is where it reads nothing split.
    fn at(&mut self, value: Var<'g>, elements: Option<&[usize]>) -> Var<'g> {
        if elements.is_none() && !self.restrict.reaches(value.id) {
            return value;
        }
        let elements = match elements {
            Some(list) => list.iter().map(|&e| e as f64).collect::<Vec<_>>(),
            None => (0..value.numel()).map(|e| e as f64).collect(),
        };
        let made = self.restrict.at(value, &Tensor::vector(elements));
        self.without_splits(&[made.id])[0]
    }

    /// The same values where nodes could not be restricted: split values are then put together whole.
    fn without_splits(&mut self, ids: &[NodeId]) -> Vec<Var<'g>> {
        let (reached, stay) = self.splits_below(ids);
        if reached.is_empty() {
            return ids.iter().map(|&id| self.graph.var(id)).collect();
        }
        let mut walk = Rebuild::new(self.graph, self.graph);
        for id in stay {
            walk.substitute(id, self.graph.var(id), false);
        }
        for id in reached {
            let split = self.restrict.split(id).expect("it was found to be split");
            let whole = split.whole(self.graph);
            walk.substitute(id, whole.reshape(&self.graph.var(id).shape()), false);
        }
        walk.emit(ids).into_iter().map(|lane| lane.var).collect()
    }

    /// The split nodes that values are still computed from, and what they are computed from besides.
    fn splits_below(&self, ids: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        let (mut seen, mut found, mut stay) = (HashSet::new(), Vec::new(), Vec::new());
        let mut stack = ids.to_vec();
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.restrict.is_split(id) {
                found.push(id);
                continue;
            }
            // Arguments of earlier draws have been through here.
            let node = self.graph.node(id);
            match node.op.get::<Sampled>().is_some() || node.op.get::<Input>().is_some() {
                true => stay.push(id),
                false => stack.extend(node.args),
            }
        }
        found.sort_unstable();
        (found, stay)
    }

    /// The terms of what is left.
    fn terms(&mut self, terms: Vec<Term>, sites: &[Site<'g>], plan: &Plan<'g>) -> Vec<Term> {
        let mut left = Vec::new();
        for (i, term) in terms.into_iter().enumerate() {
            let own = |s: &Site| s.term.as_ref().is_some_and(|t| t.0 == i);
            let pointwise = self.graph.var(term.pointwise);
            let before = self.graph.set_origin(pointwise.node().origin);
            let mut counts = vec![true; pointwise.numel()];
            if let Some(s) = sites.iter().position(own) {
                for (&row, &inferred) in sites[s].rows.iter().zip(&plan.inferred[s]) {
                    counts[row] = inferred;
                }
            }
            let rows = kept(&counts);
            let made = self.at(pointwise, rows.as_deref());
            let made = match rows {
                None => made.reshape(&pointwise.shape()),
                Some(_) => made,
            };
            if made.id == pointwise.id {
                left.push(term);
            } else if made.numel() > 0 {
                left.push(Term {
                    node: made.sum().id,
                    pointwise: made.id,
                    places: Vec::new(),
                    ..term
                });
            }
            self.graph.set_origin(before);
        }
        left
    }

    /// The block of a site's events that are inferred.
    fn shortened(&mut self, block: &Block, site: usize, inferred: &[bool]) -> Block {
        let events = kept(inferred).unwrap_or_default();
        let event = block.support.event.clone();
        let elements = of_events(&events, numel(&event));
        let value = self.graph.var(block.value);
        let mut shape = vec![events.len()];
        shape.extend(&event);
        let input = self.inputs[&site];
        let (lower, upper) = self.bounds(block, &events);
        let support = block.support.kind.within(lower, upper);
        Block {
            input: input.id,
            size: input.numel(),
            value: self.at(value, Some(&elements)).reshape(&shape).id,
            places: elements.iter().map(|&k| block.places[k]).collect(),
            support: BlockSupport::new(&support, &event),
            ..block.clone()
        }
    }

    /// Bounds of a block's support at some events.
    fn bounds(&mut self, block: &Block, events: &[usize]) -> (Option<Var<'g>>, Option<Var<'g>>) {
        let shape = self.graph.var(block.value).shape();
        let batch = &shape[..shape.len() - block.support.event.len()];
        let [lower, upper] = [block.support.lower, block.support.upper].map(|bound| {
            let bound = self.graph.var(bound?);
            if let Some(x) = bound.as_uniform() {
                return Some(self.graph.scalar(x));
            }
            // A bound's axes stand beside the value's, or there are none.
            Some(self.at_events(bound, batch, events))
        });
        (lower, upper)
    }

    fn at_events(&mut self, bound: Var<'g>, batch: &[usize], events: &[usize]) -> Var<'g> {
        let shape = bound.shape();
        let mut places = Vec::with_capacity(events.len());
        let strides = crate::graph::flat_strides(&shape);
        let lead = batch.len() - shape.len();
        for &event in events {
            let (mut rest, mut flat) = (event, 0);
            for axis in (0..batch.len()).rev() {
                let k = rest % batch[axis];
                rest /= batch[axis];
                if axis >= lead && shape[axis - lead] > 1 {
                    flat += k * strides[axis - lead];
                }
            }
            places.push(flat);
        }
        self.at(bound, Some(&places))
    }

    /// Draws a group of events, and fills them in.
    fn draw(
        &mut self,
        blocks: &[Block],
        sites: &[Site<'g>],
        plan: &Plan<'g>,
        Events { site, events }: &Events,
        key: Var<'g>,
        serial: u32,
    ) {
        let (own, block) = (&sites[*site], &blocks[sites[*site].block]);
        let arguments = plan.arguments[*site].as_ref();
        let arguments = arguments.expect("what is drawn has a distribution");
        let mut args = vec![key];
        for &value in &arguments.values {
            let mut shape = vec![1];
            shape.extend(arguments.own(value));
            if let Some(same) = value.as_uniform() {
                args.push(self.graph.scalar(same).broadcast(&shape));
                continue;
            }
            let rows = events.iter().map(|&e| own.rows[e]);
            let elements = arguments.elements(value, rows);
            shape[0] = events.len();
            args.push(self.at(value, Some(&elements)).reshape(&shape));
        }
        let event = &block.support.event;
        let op = Sampled {
            skeleton: arguments.skeleton.clone(),
            serial,
            batch: Shape::from_slice(&[events.len()]),
            event: Shape::from_slice(event),
            keys: None,
        };
        let drawn = self.graph.apply(op, &args);
        let flat = drawn.reshape(&[drawn.numel()]);
        let free = match block.support.kind {
            Support::Integers { .. } | Support::Counts => flat,
            _ => {
                let (lower, upper) = self.bounds(block, events);
                let support = block.support.kind.within(lower, upper);
                let free = transform::unconstrain(&support, event, drawn);
                free.reshape(&[free.numel()])
            }
        };
        let free_size = free_size(block, own.events());
        let mut fill = |id: NodeId, values: Var<'g>, size: usize| {
            if let Some(split) = self.restrict.split(id) {
                split.give(values, &of_events(events, size));
            }
        };
        fill(block.input, free, free_size);
        fill(block.value, flat, numel(event));
    }

    fn quantities(&mut self, quantities: Vec<Quantity>) -> Vec<Quantity> {
        let nodes: Vec<NodeId> = quantities.iter().map(|q| q.node).collect();
        let made = self.without_splits(&nodes);
        let with = |(quantity, node): (Quantity, Var<'g>)| Quantity {
            node: node.id,
            ..quantity
        };
        quantities.into_iter().zip(made).map(with).collect()
    }
}
