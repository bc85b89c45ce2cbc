//! Neighbouring instructions on few elements, melted into one piece of straight-line code.
//!
//! What a kernel saves by working on many elements at once it loses, where there are few, to
//! dispatch and to memory between the kernels. So every element becomes a number with a cell of its
//! own; only what other instructions read is stored at the end. [`super::jit`] makes machine code
//! of it, in which cells are registers.

use super::index_map::IndexMap;
use super::layout::{Group, Layout, Stop};
use super::matrix::MatVec;
use super::plan::{Plan, SinkKind, Source, User};
use super::scalar::{self, Scalar, Steps};
use super::straight::Straight;
use super::unroll::Unroll;
use crate::graph::{Shape, Tensor, numel};
use crate::ops::{Cholesky, Contract, CumSum, ReduceKind, TriSolve};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// Straight-line code for some stops.
pub(super) struct Melted {
    pub code: Vec<Scalar>,
    /// Cells that nobody reads afterwards.
    pub private: Range<u32>,
    /// Cells that hold constants from the start.
    pub initial: Vec<(usize, f64)>,
    /// The stops that it stands for.
    pub stops: Range<usize>,
}

impl From<Melted> for Straight {
    fn from(melted: Melted) -> Straight {
        let Melted {
            code,
            private,
            initial,
            ..
        } = melted;
        Straight::new(Vec::new(), code, Steps::ONE, private, initial)
    }
}

/// Kernels with more elements are run block by block.
const WIDEST: usize = 24;
/// Operations with more elements to work on are instructions of their own.
const MOST_WORK: usize = 1500;
/// Code grows no longer by another stop from here on.
const LONGEST: usize = 3000;

/// Melts what can be melted, more if it will be `compiled`; cells are taken from the layout's scratch
/// memory.
pub(super) fn melt(plan: &Plan, layout: &mut Layout, compiled: bool) -> Vec<Melted> {
    let widest = if compiled { WIDEST } else { 1 };
    let mut all = Vec::new();
    let mut at = 0;
    while at < layout.stops.len() {
        let mut melt = Melt::new(plan, layout);
        let from = at;
        while at < layout.stops.len() && melt.takes(&layout.stops[at], widest) {
            melt.stop(&layout.stops[at]);
            at += 1;
        }
        if at > from {
            let melted = melt.finish(from..at);
            layout.scratch = (melted.private.end as usize).next_multiple_of(8);
            all.push(melted);
        } else {
            at += 1;
        }
    }
    all
}

struct Melt<'p> {
    plan: &'p Plan,
    layout: &'p Layout,
    unroll: Unroll,
    /// Cells of the elements that were computed.
    values: HashMap<(usize, u32), u32>,
    /// In the order in which they were computed.
    computed: Vec<(usize, u32)>,
    constants: HashMap<usize, Option<Tensor>>,
    nodes: HashSet<usize>,
    sinks: HashSet<usize>,
}

impl<'p> Melt<'p> {
    fn new(plan: &'p Plan, layout: &'p Layout) -> Melt<'p> {
        Melt {
            plan,
            layout,
            unroll: Unroll::new(layout.scratch),
            values: HashMap::new(),
            computed: Vec::new(),
            constants: HashMap::new(),
            nodes: HashSet::new(),
            sinks: HashSet::new(),
        }
    }

    /// Whether the stop is small enough, and the code not too long for it.
    fn takes(&self, stop: &Stop, widest: usize) -> bool {
        let work = match stop {
            Stop::Group {
                key: (class, _), ..
            } if *class > widest => return false,
            Stop::Group {
                key: (class, _),
                group,
            } => {
                let by_rows = group
                    .nodes
                    .iter()
                    .filter_map(|&i| self.plan.products[i].as_ref());
                let sunk = group
                    .sinks
                    .iter()
                    .filter_map(|&s| self.plan.sinks[s].kind.product());
                let products = by_rows.chain(sunk);
                let product = |p: &MatVec| p.batch * p.length * p.columns.len();
                class * (group.nodes.len() + group.sinks.len())
                    + products.map(product).sum::<usize>()
            }
            Stop::Opaque(i) if widest > 1 => match self.opaque_work(*i) {
                Some(work) => work,
                None => return false,
            },
            Stop::Opaque(_) => return false,
        };
        let scalars = matches!(stop, Stop::Group { key: (1, _), .. });
        (scalars || work <= MOST_WORK)
            && (self.unroll.code.is_empty() || self.unroll.code.len() + work <= LONGEST)
    }

    /// Multiplications of an operation that can be melted.
    fn opaque_work(&self, i: usize) -> Option<usize> {
        let node = &self.plan.nodes[i];
        let arg = |k: usize| -> &Shape { &self.plan.nodes[node.args[k].index()].shape };
        let (op, size) = (&node.op, self.plan.size[i]);
        if let Some(contract) = op.get::<Contract>() {
            let summed = contract.summed();
            let extent = |l: &u8| {
                contract
                    .a
                    .iter()
                    .position(|x| x == l)
                    .map_or(1, |k| arg(0)[k])
            };
            return Some(size * summed.iter().map(extent).product::<usize>());
        }
        let last = *node.shape.last()?;
        if op.get::<Cholesky>().is_some() {
            Some(size * last / 6 + size)
        } else if op.get::<TriSolve>().is_some() {
            Some(size * arg(0).last()? / 2 + size)
        } else {
            op.get::<CumSum>().map(|_| size)
        }
    }

    fn stop(&mut self, stop: &Stop) {
        match stop {
            Stop::Group { group, .. } => self.group(group),
            Stop::Opaque(i) => self.opaque(*i),
        }
    }

    fn group(&mut self, group: &Group) {
        for &i in &group.nodes {
            self.nodes.insert(i);
            let cells = match &self.plan.products[i] {
                Some(product) => self.rows(product),
                None => {
                    let node = &self.plan.nodes[i];
                    let args = node.args.iter().map(|a| &self.plan.source[a.index()]);
                    let args: Vec<Vec<u32>> =
                        args.map(|s| self.read(s, self.plan.size[i])).collect();
                    self.apply(i, &args)
                }
            };
            self.write(i, cells.into_iter().enumerate());
        }
        for &s in &group.sinks {
            self.sinks.insert(s);
            self.sink(s);
        }
    }

    fn apply(&mut self, i: usize, args: &[Vec<u32>]) -> Vec<u32> {
        let node = &self.plan.nodes[i];
        let shapes: Vec<Shape> = node
            .args
            .iter()
            .map(|a| self.plan.nodes[a.index()].shape.clone())
            .collect();
        let args: Vec<&Vec<u32>> = args.iter().collect();
        self.unroll
            .node(node, &args, &shapes, None)
            .expect("asked of operations that can be unrolled only")
    }

    fn opaque(&mut self, i: usize) {
        self.nodes.insert(i);
        let node = &self.plan.nodes[i];
        let mut args = Vec::new();
        for (operand, arg) in self.plan.operands[i].iter().zip(&node.args) {
            let shape = &self.plan.nodes[arg.index()].shape;
            let dims = shape.iter().zip(&operand.strides);
            let dims = dims.map(|(&extent, &stride)| super::index_map::Dim { extent, stride });
            let map = IndexMap::strided(operand.offset, dims);
            args.push(self.elements(operand.buffer, &map, numel(shape)));
        }
        let cells = self.apply(i, &args);
        self.write(i, cells.into_iter().enumerate());
    }

    fn read(&mut self, source: &Source, n: usize) -> Vec<u32> {
        self.elements(source.base, &source.map, n)
    }

    fn elements(&mut self, base: usize, map: &IndexMap, n: usize) -> Vec<u32> {
        let table = map.table(n);
        table
            .iter()
            .map(|&at| self.element(base, at as usize))
            .collect()
    }

    /// The cell of an element: its own, a constant's, or where it lies in memory.
    fn element(&mut self, base: usize, at: usize) -> u32 {
        if let Some(&cell) = self.values.get(&(base, at as u32)) {
            return cell;
        }
        let plan = self.plan;
        let constant = self
            .constants
            .entry(base)
            .or_insert_with(|| plan.constant(base));
        match constant {
            Some(constant) => self.unroll.constant(constant.data()[at]),
            None => self.layout.places[base].plus(at).cell(),
        }
    }

    fn write(&mut self, target: usize, cells: impl Iterator<Item = (usize, u32)>) {
        for (at, cell) in cells {
            let key = (target, at as u32);
            if self.values.insert(key, cell).is_none() {
                self.computed.push(key);
            }
        }
    }

    /// A product by rows of the matrix.
    fn rows(&mut self, product: &MatVec) -> Vec<u32> {
        let rows = product.rows.table(product.length);
        let mut out = Vec::new();
        for vector in 0..product.batch {
            for &row in rows.iter() {
                let terms = product.columns.iter().map(|&(start, factor)| {
                    let m = self.element(product.matrix, start + row as usize);
                    let x = self.element(product.vector, factor + vector * product.step);
                    self.unroll.mul(m, x)
                });
                let terms: Vec<u32> = terms.collect();
                out.push(self.total(ReduceKind::Sum, &terms));
            }
        }
        out
    }

    fn sink(&mut self, s: usize) {
        let sink = &self.plan.sinks[s];
        let cells = self.read(&sink.value, sink.class);
        if let Some(&Some(neutral)) = self.plan.preset.get(sink.target) {
            let neutral = self.unroll.constant(neutral);
            let size = self.plan.size[sink.target];
            self.write(sink.target, (0..size).map(|at| (at, neutral)));
        }
        match &sink.kind {
            SinkKind::Assign(map) => {
                let table = map.table(cells.len());
                let places = table.iter().map(|&at| at as usize);
                self.write(sink.target, places.zip(cells));
            }
            SinkKind::Accumulate(kind, map) => {
                let mut terms: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
                for (&at, cell) in map.table(cells.len()).iter().zip(cells) {
                    terms.entry(at).or_default().push(cell);
                }
                for (at, terms) in terms {
                    let total = self.total(*kind, &terms);
                    self.write(sink.target, std::iter::once((at as usize, total)));
                }
            }
            SinkKind::Columns(product) => self.columns(sink.target, product, &cells),
        }
    }

    /// A product by columns, summed over the rows.
    fn columns(&mut self, target: usize, product: &MatVec, cells: &[u32]) {
        let rows = product.rows.table(product.length);
        for (vector, part) in cells.chunks_exact(product.length).enumerate() {
            for &(start, factor) in &product.columns {
                let terms = rows.iter().zip(part).map(|(&row, &x)| {
                    let m = self.element(product.matrix, start + row as usize);
                    self.unroll.mul(m, x)
                });
                let terms: Vec<u32> = terms.collect();
                let total = self.total(ReduceKind::Sum, &terms);
                let at = factor + vector * product.step;
                self.write(target, std::iter::once((at, total)));
            }
        }
    }

    /// The sum (or largest, smallest) of numbers, in several chains that do not wait for each other.
    fn total(&mut self, kind: ReduceKind, terms: &[u32]) -> u32 {
        let chains = (terms.len() / 3).clamp(1, 4);
        let mut partial: Vec<u32> = terms[..chains].to_vec();
        for (i, &term) in terms[chains..].iter().enumerate() {
            partial[i % chains] = self.unroll.combined(kind, partial[i % chains], term);
        }
        while partial.len() > 1 {
            let pairs = partial.chunks(2);
            partial = pairs
                .map(|pair| match *pair {
                    [a, b] => self.unroll.combined(kind, a, b),
                    _ => pair[0],
                })
                .collect();
        }
        partial[0]
    }

    /// Stores what others read, and tidies the code.
    fn finish(mut self, stops: Range<usize>) -> Melted {
        let start = self.layout.scratch as u32;
        let mut stores = Vec::new();
        for &(base, at) in &self.computed {
            if self.is_read_outside(base) {
                let place = self.layout.places[base].plus(at as usize).cell();
                let cell = self.values[&(base, at)];
                stores.push((place, cell));
            }
        }
        // What is only moved in memory is read before anything is written there.
        for (_, cell) in &mut stores {
            if *cell < start {
                let fresh = self.unroll.cell();
                self.unroll.code.push(Scalar::Copy(fresh, *cell));
                *cell = fresh;
            }
        }
        let stores = stores
            .into_iter()
            .map(|(place, cell)| Scalar::Copy(place, cell));
        self.unroll.code.extend(stores);
        let mut code = self.unroll.code;
        let private = start..self.unroll.next;
        scalar::join_products(&mut code, |_| false);
        scalar::drop_dead(&mut code, &private);
        Melted {
            code,
            private,
            initial: self.unroll.initial,
            stops,
        }
    }

    fn is_read_outside(&self, base: usize) -> bool {
        let outside = |user: User| match user {
            User::Node(i) => !self.nodes.contains(&i),
            User::Sink(s) => !self.sinks.contains(&s),
        };
        base >= self.plan.nodes.len()
            || self.plan.home[base].is_some()
            || self.layout.uses[base].iter().any(|u| outside(u.by))
    }
}
