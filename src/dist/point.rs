//! A distribution with numbers for arguments, for one element of its batch: what samplers read.

use super::bijection::Chain;
use super::{Argument, Declaration, Distribution, Family, Kind};
use crate::graph::{Graph, NodeId, Shape, Tensor, numel};
use rand::Rng;
use std::collections::HashMap;

/// Mirror of [`Distribution`] without batch axes.
pub struct Point {
    pub family: &'static dyn Family,
    pub form: usize,
    pub args: Vec<PointArgument>,
}

pub enum PointArgument {
    /// The own axes' elements, row-major, with their shape.
    Value {
        data: Vec<f64>,
        shape: Vec<usize>,
    },
    Dimension(usize),
    Distribution(Box<Point>),
    Distributions(Vec<Point>),
    Function(Chain<f64>),
    Absent,
}

impl Point {
    /// The scalar argument at a position.
    pub fn scalar(&self, position: usize) -> f64 {
        self.array(position)[0]
    }

    /// The elements of the argument at a position.
    pub fn array(&self, position: usize) -> &[f64] {
        match &self.args[position] {
            PointArgument::Value { data, .. } => data,
            _ => panic!("the declaration makes this argument a value"),
        }
    }

    /// The scalar argument at a position, if it is given.
    pub fn scalar_or_none(&self, position: usize) -> Option<f64> {
        match self.args.get(position) {
            Some(PointArgument::Value { data, .. }) => Some(data[0]),
            _ => None,
        }
    }

    /// The whole number at a position.
    pub fn dimension(&self, position: usize) -> usize {
        match self.args[position] {
            PointArgument::Dimension(n) => n,
            _ => panic!("the declaration makes this argument a dimension"),
        }
    }

    pub fn inner(&self, position: usize) -> &Point {
        match &self.args[position] {
            PointArgument::Distribution(p) => p,
            _ => panic!("the declaration makes this argument a distribution"),
        }
    }

    pub fn inners(&self, position: usize) -> &[Point] {
        match &self.args[position] {
            PointArgument::Distributions(p) => p,
            _ => panic!("the declaration makes this argument several distributions"),
        }
    }

    /// The function at a position.
    pub fn function(&self, position: usize) -> &Chain<f64> {
        match &self.args[position] {
            PointArgument::Function(chain) => chain,
            _ => panic!("the declaration makes this argument a function"),
        }
    }

    /// The same distribution as constants of a graph, without batch axes.
    pub(super) fn distribution<'g>(&self, graph: &'g Graph) -> Distribution<'g> {
        let args = self.args.iter().map(|arg| match arg {
            PointArgument::Value { data, shape } => {
                Argument::Value(graph.constant(Tensor::new(Shape::from_slice(shape), data.clone())))
            }
            PointArgument::Dimension(n) => Argument::Dimension(*n),
            PointArgument::Distribution(p) => {
                Argument::Distribution(Box::new(p.distribution(graph)))
            }
            PointArgument::Distributions(all) => {
                Argument::Distributions(all.iter().map(|p| p.distribution(graph)).collect())
            }
            PointArgument::Function(chain) => Argument::Function(chain.map(|c| graph.scalar(*c))),
            PointArgument::Absent => Argument::Absent,
        });
        Distribution {
            family: self.family,
            form: self.form,
            args: args.collect(),
        }
    }

    pub fn sample(&self, rng: &mut dyn Rng, out: &mut [f64]) {
        self.family.sample(self, rng, out);
    }
}

impl<'g> Distribution<'g> {
    /// Nodes of all values among the arguments, nested ones included.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        for arg in &self.args {
            match arg {
                Argument::Value(v) => nodes.push(v.id),
                Argument::Distribution(d) | Argument::Stack(d) => nodes.extend(d.nodes()),
                Argument::Distributions(all) => all.iter().for_each(|d| nodes.extend(d.nodes())),
                Argument::Function(chain) => nodes.extend(chain.values().map(|v| v.id)),
                Argument::Dimension(_) | Argument::Absent => {}
            }
        }
        nodes
    }

    /// The distribution at one element of its batch: `at` counts row-major in `batch`, values of
    /// [`Distribution::nodes`] are given.
    pub fn point(&self, values: &HashMap<NodeId, Tensor>, batch: &[usize], at: usize) -> Point {
        let declaration: &Declaration = self.family.declaration();
        let form = &declaration.forms[self.form];
        let args = self.args.iter().enumerate().map(|(i, arg)| match arg {
            Argument::Value(v) => {
                let rank = match form.parameters[i].kind {
                    Kind::Value { rank, .. } => rank,
                    _ => 0,
                };
                element(&values[&v.id], rank, batch, at)
            }
            Argument::Dimension(n) => PointArgument::Dimension(*n),
            Argument::Distribution(d) if declaration.takes_axis_of(i) => {
                d.stacked(values, batch, at)
            }
            Argument::Distribution(d) => {
                PointArgument::Distribution(Box::new(d.point(values, batch, at)))
            }
            Argument::Distributions(all) => PointArgument::Distributions(
                all.iter().map(|d| d.point(values, batch, at)).collect(),
            ),
            Argument::Stack(d) => d.stacked(values, batch, at),
            Argument::Function(chain) => {
                PointArgument::Function(chain.map(|v| number(&values[&v.id], batch, at)))
            }
            Argument::Absent => PointArgument::Absent,
        });
        Point {
            family: self.family,
            form: self.form,
            args: args.collect(),
        }
    }

    /// Points along the last batch axis, which `batch` lacks: one alone where nothing varies.
    fn stacked(
        &self,
        values: &HashMap<NodeId, Tensor>,
        batch: &[usize],
        at: usize,
    ) -> PointArgument {
        let k = self.stack_size(values, batch.len());
        let mut wide = batch.to_vec();
        wide.push(k);
        PointArgument::Distributions(
            (0..k)
                .map(|j| self.point(values, &wide, at * k + j))
                .collect(),
        )
    }

    /// Extent of the batch axis at position `axis` from the first: the largest among arguments.
    fn stack_size(&self, values: &HashMap<NodeId, Tensor>, axis: usize) -> usize {
        self.nodes()
            .iter()
            .filter_map(|id| values[id].shape().get(axis).copied())
            .max()
            .unwrap_or(1)
    }
}

/// Where the own axes of a value begin at one element of the batch; batch axes may be of extent 1.
pub(super) fn offset(value: &Tensor, rank: usize, batch: &[usize], at: usize) -> usize {
    let shape = value.shape();
    let lead = shape.len() - rank;
    let (mut rest, mut offset, mut stride) = (at, 0, numel(&shape[lead..]));
    for axis in (0..lead).rev() {
        let extent = batch[axis + batch.len() - lead];
        if shape[axis] > 1 {
            offset += (rest % extent) * stride;
            stride *= shape[axis];
        }
        rest /= extent;
    }
    offset
}

/// A value without axes of its own at one element of the batch.
pub(super) fn number(value: &Tensor, batch: &[usize], at: usize) -> f64 {
    value.data()[offset(value, 0, batch, at)]
}

/// The own axes of a value at one element of the batch.
pub(super) fn element(value: &Tensor, rank: usize, batch: &[usize], at: usize) -> PointArgument {
    let own = &value.shape()[value.shape().len() - rank..];
    let from = offset(value, rank, batch, at);
    PointArgument::Value {
        data: value.data()[from..from + numel(own)].to_vec(),
        shape: own.to_vec(),
    }
}
