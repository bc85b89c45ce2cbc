//! A value at some of its elements, computed for these alone.

use super::reads::{LONGEST_AXIS, is_elementwise};
use crate::graph::{NodeId, Shape, Tensor, Var, numel};
use crate::ops::{Concat, Constant, Contract, Reduce, ReduceKind, concat, contract};
use crate::passes::rewriting::Density;
use crate::passes::statistics::{Place, coordinates, movement};
use std::collections::HashMap;

/// Emits values at lists of flat indices, each list a vector of whole numbers.
pub(super) struct Restrict<'d, 'g> {
    density: &'d Density<'g>,
    done: HashMap<(NodeId, Tensor), Var<'g>>,
}

impl<'d, 'g> Restrict<'d, 'g> {
    pub fn new(density: &'d Density<'g>) -> Restrict<'d, 'g> {
        Restrict {
            density,
            done: HashMap::new(),
        }
    }

    /// A vector of the elements of `var`.
    pub fn at(&mut self, var: Var<'g>, elements: &Tensor) -> Var<'g> {
        let key = (var.id, elements.clone());
        if let Some(&made) = self.done.get(&key) {
            return made;
        }
        let graph = self.density.graph;
        let before = graph.set_origin(graph.node(var.id).origin);
        let made = self.make(var, elements).unwrap_or_else(|| {
            let index = graph.constant(elements.clone());
            var.reshape(&[var.numel()]).gather(0, index)
        });
        graph.set_origin(before);
        self.done.insert(key, made);
        made
    }

    /// `None` where elements are picked from the value itself.
    fn make(&mut self, var: Var<'g>, elements: &Tensor) -> Option<Var<'g>> {
        let graph = self.density.graph;
        let n = elements.numel();
        if let Some(x) = var.as_uniform() {
            return Some(graph.scalar(x).broadcast(&[n]));
        }
        // What is no longer than the rows that are left is computed as it is.
        if var.as_op::<Constant>().is_some() || var.numel() <= n {
            return None;
        }
        let node = graph.node(var.id);
        let args: Vec<Var> = node.args.iter().map(|&a| graph.var(a)).collect();
        if is_elementwise(&node.op) {
            let few: Vec<Var> = args.iter().map(|&a| self.at(a, elements)).collect();
            return Some(graph.apply_op(node.op, &few));
        }
        if let Some(movement) = movement(&node, &args) {
            let place = movement(&Place::whole(&args[0].shape()));
            return match place {
                Some(place) => Some(self.at(args[0], &moved(&place, &node.shape, elements))),
                // A reshape keeps flat indices.
                None => Some(self.at(args[0], elements)),
            };
        }
        if let Some(op) = node.op.get::<Concat>() {
            return Some(self.joined(op, &node.shape, &args, elements));
        }
        if let Some(op) = node.op.get::<Reduce>() {
            return self.reduced(op, &args, &node.shape, elements);
        }
        self.contraction(node.op.get::<Contract>()?, &args, &node.shape, elements)
    }

    /// From each part what lies in it, put into order again.
    fn joined(
        &mut self,
        op: &Concat,
        shape: &Shape,
        args: &[Var<'g>],
        elements: &Tensor,
    ) -> Var<'g> {
        let axis = shape.len() - 1 - op.axis;
        let mut order = vec![0.0; elements.numel()];
        let mut parts = Vec::new();
        let (mut start, mut count) = (0, 0);
        let mut at = vec![0; shape.len()];
        for &arg in args {
            let end = start + arg.extent(op.axis);
            let place = Place::whole(&arg.shape());
            let mut own = Vec::new();
            for (i, &element) in elements.data().iter().enumerate() {
                coordinates(shape, element as usize, &mut at);
                if (start..end).contains(&at[axis]) {
                    at[axis] -= start;
                    order[i] = (count + own.len()) as f64;
                    own.push(place.at(&at) as f64);
                }
            }
            if !own.is_empty() {
                count += own.len();
                parts.push(self.at(arg, &Tensor::vector(own)));
            }
            start = end;
        }
        let order = self.density.graph.constant(Tensor::vector(order));
        concat(&parts, 0).gather(0, order)
    }

    /// Every place along the axes (from the first) that an element is made of, element by element.
    fn spread(
        shape: &Shape,
        place: &Place,
        inner: &[(usize, usize)],
        elements: &Tensor,
    ) -> Option<Tensor> {
        let count: usize = inner.iter().map(|x| x.1).product();
        if count > LONGEST_AXIS {
            return None;
        }
        let mut at = vec![0; shape.len()];
        let mut all = Vec::with_capacity(count * elements.numel());
        for &element in elements.data() {
            coordinates(shape, element as usize, &mut at);
            let base = place.at(&at);
            for flat in 0..count {
                let (mut rest, mut shift) = (flat, 0);
                for &(stride, extent) in inner.iter().rev() {
                    shift += stride * (rest % extent);
                    rest /= extent;
                }
                all.push((base + shift) as f64);
            }
        }
        Some(Tensor::vector(all))
    }

    fn reduced(
        &mut self,
        op: &Reduce,
        args: &[Var<'g>],
        shape: &Shape,
        elements: &Tensor,
    ) -> Option<Var<'g>> {
        let from = args[0].shape();
        let whole = Place::whole(&from);
        let axes: Vec<usize> = op.axes.iter().rev().map(|a| from.len() - 1 - a).collect();
        let kept: Vec<Option<usize>> = (0..from.len())
            .filter(|a| !axes.contains(a))
            .map(Some)
            .collect();
        let inner: Vec<(usize, usize)> =
            axes.iter().map(|&a| (whole.strides[a], from[a])).collect();
        let all = Self::spread(shape, &whole.relabel(&kept), &inner, elements)?;
        let n = elements.numel();
        let parts = self.at(args[0], &all).reshape(&[n, all.numel() / n]);
        Some(match op.kind {
            ReduceKind::Sum => parts.sum_axes(&[0]),
            ReduceKind::Max => parts.max_axes(&[0]),
            ReduceKind::Min => parts.min_axes(&[0]),
        })
    }

    fn contraction(
        &mut self,
        op: &Contract,
        args: &[Var<'g>],
        shape: &Shape,
        elements: &Tensor,
    ) -> Option<Var<'g>> {
        let summed = op.summed();
        let n = elements.numel();
        let mut sides = Vec::new();
        for (labels, arg) in [(&op.a, args[0]), (&op.b, args[1])] {
            let from = arg.shape();
            let whole = Place::whole(&from);
            let axis = |l: &u8| labels.iter().position(|m| m == l);
            let axes: Vec<Option<usize>> = op.out.iter().map(axis).collect();
            let place = whole.relabel(&axes);
            let inner: Option<Vec<(usize, usize)>> = summed
                .iter()
                .map(|l| axis(l).map(|a| (whole.strides[a], from[a])))
                .collect();
            let inner = inner?;
            let count: usize = inner.iter().map(|x| x.1).product();
            if place.is_fixed() {
                let one = Tensor::vector([0.0]);
                let all =
                    Self::spread(&Shape::from_slice(&[1]), &Place::whole(&[1]), &inner, &one)?;
                sides.push((self.at(arg, &all), false, count));
            } else {
                let all = Self::spread(shape, &place, &inner, elements)?;
                let value = self.at(arg, &all).reshape(&[n, count]);
                sides.push((value, true, count));
            }
        }
        let [(a, long_a, count), (b, long_b, _)] = sides[..] else {
            return None;
        };
        debug_assert!(count <= LONGEST_AXIS && numel(shape) > 0);
        let labels = |long: bool| if long { vec![0, 1] } else { vec![1] };
        match (long_a, long_b) {
            (false, false) => None,
            _ => Some(contract(a, &labels(long_a), b, &labels(long_b), &[0])),
        }
    }
}

/// The elements that a movement takes these from.
fn moved(place: &Place, shape: &Shape, elements: &Tensor) -> Tensor {
    let mut at = vec![0; shape.len()];
    let from = elements.data().iter().map(|&element| {
        coordinates(shape, element as usize, &mut at);
        place.at(&at) as f64
    });
    Tensor::vector(from.collect::<Vec<_>>())
}
