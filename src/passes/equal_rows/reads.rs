//! What an element of a value reads: numbers of data, and places of values that inputs reach.

use crate::graph::{NodeId, Shape, Var};
use crate::ops::{Binary, Concat, Constant, Contract, Reduce, Select, StopGradient, Unary};
use crate::passes::rewriting::Density;
use crate::passes::statistics::{Place, View, movement, parts};
use std::collections::HashMap;

/// Columns that rows are compared by, at most.
const MOST_READS: usize = 256;
/// Extents of axes that are summed or contracted inside an element.
pub(in crate::passes) const LONGEST_AXIS: usize = 64;

/// One thing that an element reads.
#[derive(Clone, PartialEq)]
pub(super) enum Read {
    Data(View),
    /// A place in a value, which has to be the same one.
    Latent(NodeId, Place),
}

impl Read {
    /// Equal for equal reads, at the coordinates of an element.
    pub fn bits(&self, coordinates: &[usize]) -> u64 {
        match self {
            Read::Data(view) => view.at(coordinates).to_bits(),
            Read::Latent(_, place) => place.at(coordinates) as u64,
        }
    }

    fn moved(&self, map: &dyn Fn(&Place) -> Option<Place>) -> Option<Read> {
        Some(match self {
            Read::Data(view) => Read::Data(View {
                data: view.data.clone(),
                place: map(&view.place)?,
            }),
            Read::Latent(id, place) => Read::Latent(*id, map(place)?),
        })
    }

    fn is_fixed(&self) -> bool {
        match self {
            Read::Data(view) => view.place.is_fixed(),
            Read::Latent(_, place) => place.is_fixed(),
        }
    }
}

type List = Vec<Read>;

/// Finds reads of nodes.
pub(super) struct Reads<'d, 'g> {
    density: &'d Density<'g>,
    known: HashMap<NodeId, Option<List>>,
}

impl<'d, 'g> Reads<'d, 'g> {
    pub fn new(density: &'d Density<'g>) -> Reads<'d, 'g> {
        Reads {
            density,
            known: HashMap::new(),
        }
    }

    /// `None` where there are too many.
    pub fn of(&mut self, var: Var<'g>) -> Option<List> {
        if let Some(list) = self.known.get(&var.id) {
            return list.clone();
        }
        let list = self.find(var).map(tidy).filter(|l| l.len() <= MOST_READS);
        self.known.insert(var.id, list.clone());
        list
    }

    fn find(&mut self, var: Var<'g>) -> Option<List> {
        if var.rank() == 0 {
            return Some(Vec::new());
        }
        if let Some((Constant(data), _)) = var.as_op::<Constant>() {
            let place = Place::whole(data.shape());
            return Some(match data.uniform() {
                Some(_) => Vec::new(),
                None => vec![Read::Data(View { data, place })],
            });
        }
        let node = self.density.graph.node(var.id);
        let args: Vec<Var> = node.args.iter().map(|&a| var.graph.var(a)).collect();
        let shape = var.shape();
        if is_elementwise(&node.op) {
            let mut all = Vec::new();
            for arg in args {
                all.extend(self.of(arg)?);
            }
            return Some(all);
        }
        if let Some(movement) = movement(&node, &args) {
            let list = match self.of(args[0]) {
                Some(list) => list,
                None => whole(args[0]),
            };
            let moved: Option<List> = list.iter().map(|r| r.moved(&movement)).collect();
            return Some(moved.unwrap_or_else(|| whole(var)));
        }
        if let Some(op) = node.op.get::<Concat>() {
            let mut all = Vec::new();
            for (part, arg) in parts(op, &shape, &args).into_iter().zip(args) {
                let own = self.of(arg)?;
                all.push(Read::Data(part.mask));
                for read in own {
                    all.push(read.moved(&part.movement)?);
                }
            }
            return Some(all);
        }
        if let Some(op) = node.op.get::<Reduce>() {
            let axes: Vec<usize> = op.axes.iter().map(|a| args[0].rank() - 1 - a).collect();
            let list = self.of(args[0])?;
            return Some(inner(&list, &args[0].shape(), &axes).unwrap_or_else(|| whole(var)));
        }
        if let Some(op) = node.op.get::<Contract>() {
            return Some(self.contraction(op, &args).unwrap_or_else(|| whole(var)));
        }
        Some(whole(var))
    }

    fn contraction(&mut self, op: &Contract, args: &[Var<'g>]) -> Option<List> {
        let all: Vec<u8> = op.out.iter().copied().chain(op.summed()).collect();
        let mut extents = Shape::from_elem(1, all.len());
        let mut list = Vec::new();
        for (labels, arg) in [(&op.a, args[0]), (&op.b, args[1])] {
            for (label, extent) in labels.iter().zip(arg.shape()) {
                extents[all.iter().position(|l| l == label)?] = extent;
            }
            let axis = |l: &u8| labels.iter().position(|m| m == l);
            let axes: Vec<Option<usize>> = all.iter().map(axis).collect();
            for read in self.of(arg)? {
                list.push(read.moved(&|p| Some(p.relabel(&axes)))?);
            }
        }
        let summed: Vec<usize> = (op.out.len()..all.len()).collect();
        inner(&list, &extents, &summed)
    }
}

pub(in crate::passes) fn is_elementwise(op: &crate::graph::Op) -> bool {
    op.get::<Unary>().is_some()
        || op.get::<Binary>().is_some()
        || op.get::<Select>().is_some()
        || op.get::<StopGradient>().is_some()
}

/// The element of the value itself.
fn whole(var: Var<'_>) -> List {
    vec![Read::Latent(var.id, Place::whole(&var.shape()))]
}

/// Reads at every place along axes (from the first), which disappear.
fn inner(list: &[Read], shape: &Shape, axes: &[usize]) -> Option<List> {
    let count: usize = axes.iter().map(|&a| shape[a]).product();
    let kept: Vec<Option<usize>> = (0..shape.len())
        .filter(|a| !axes.contains(a))
        .map(Some)
        .collect();
    if count > LONGEST_AXIS {
        return None;
    }
    let mut all = Vec::new();
    for read in list {
        for flat in 0..count {
            all.push(read.moved(&|place| {
                let (mut rest, mut place) = (flat, place.clone());
                for &axis in axes {
                    place = place.slice(axis, rest % shape[axis]);
                    rest /= shape[axis];
                }
                Some(place.relabel(&kept))
            })?);
        }
        if all.len() > 4 * MOST_READS {
            all = tidy(all);
        }
    }
    Some(all)
}

/// Each read once, and none that all elements share.
fn tidy(list: List) -> List {
    let mut kept: List = Vec::new();
    for read in list {
        if !read.is_fixed() && !kept.contains(&read) {
            kept.push(read);
        }
    }
    kept
}
