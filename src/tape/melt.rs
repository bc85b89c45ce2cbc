//! Neighbouring instructions on few elements, melted into one piece of straight-line code.
//!
//! What a kernel saves by working on many elements at once it loses, where there are few, to
//! dispatch and to memory between the kernels. So every element becomes a number with a cell of its
//! own; only what other instructions read is stored at the end. [`super::jit`] makes machine code
//! of it, in which cells are registers.
//!
//! Where there are few elements for each of several samples, the code is that of one sample, run for
//! each. Samples are found in how elements are addressed: element `e` of sample `s` of every value
//! must lie at `at(e) + s · stride`, and what the code itself makes is read by the same sample only.

use super::element::Element;
use super::index_map::IndexMap;
use super::layout::{Group, Layout, Stop};
use super::matrix::MatVec;
use super::phases::{Phase, phases};
use super::plan::{Plan, SinkKind, User};
use super::samples::without_samples;
use super::scalar::{self, At, Scalar, Steps};
use super::straight::Straight;
use super::unroll::Unroll;
use crate::graph::{Node, Shape, Tensor, numel};
use crate::ops::{Cholesky, Contract, CumSum, ReduceKind, TriSolve};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// Straight-line code in one or several phases, and the stops that it stands for.
pub(super) struct Melted<T: Element> {
    pub phases: Vec<Phase<T>>,
    /// Cells that hold constants from the start.
    pub initial: Vec<(usize, f64)>,
    /// The end of the memory that it takes.
    end: usize,
    pub stops: Range<usize>,
}

/// Kernels with more elements are run block by block.
const WIDEST: usize = 24;
/// With as many samples functions are called for all of them at once.
const MANY_SAMPLES: usize = 16;
/// Shorter code for samples is better run block by block.
const SHORTEST: usize = 16;
/// More samples are run block by block, in wider vectors.
const MOST_SAMPLES: usize = 256;
/// Operations with more elements to work on are instructions of their own.
const MOST_WORK: usize = 1500;
/// Of longer code a processor sees a part only, and numbers that wait for long cost registers.
const LOOK_AHEAD: usize = 256;
/// Code grows no longer by another stop from here on.
const LONGEST: usize = 3000;

/// Melts what can be melted; cells are taken from the layout's scratch memory.
pub(super) fn melt<T: Element>(plan: &Plan, layout: &mut Layout) -> Vec<Melted<T>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < layout.stops.len() {
        let tried = BTreeSet::from([layout.samples, 1]).into_iter().rev();
        let mut melts = tried.map(|samples| Melt::new(plan, layout, samples, at));
        if let Some(melt) = melts.find(Melt::is_worth_it) {
            let melted = melt.finish();
            at = melted.stops.end;
            layout.scratch = melted.end.next_multiple_of(T::LANES);
            all.push(melted);
        } else {
            at += 1;
        }
    }
    all
}

/// The number of samples that most of the work is done for, if each has few elements: it is the
/// leading extent of what is computed.
pub(super) fn samples(plan: &Plan, stops: &[Stop], compiled: bool) -> usize {
    let mut work: BTreeMap<usize, usize> = BTreeMap::new();
    if compiled {
        for stop in stops {
            let nodes = match stop {
                Stop::Group { group, .. } => &group.nodes[..],
                Stop::Opaque(i) => std::slice::from_ref(i),
            };
            for &i in nodes {
                let leading = plan.nodes[i].shape.first().copied().unwrap_or(1);
                let each = plan.size[i] / leading;
                if (2..=MOST_SAMPLES).contains(&leading) && each <= WIDEST {
                    *work.entry(leading).or_default() += plan.size[i];
                }
            }
        }
    }
    let most = work.into_iter().max_by_key(|(_, work)| *work);
    most.map_or(1, |(samples, _)| samples)
}

struct Melt<'p> {
    plan: &'p Plan,
    layout: &'p Layout,
    samples: usize,
    stops: Range<usize>,
    unroll: Unroll,
    /// Cells of the elements that were computed: those of the first sample.
    values: HashMap<(usize, u32), u32>,
    /// In the order in which they were computed.
    computed: Vec<(usize, u32)>,
    /// Their buffers.
    made: HashSet<usize>,
    /// Cells of what was taken from memory, with the way to the next sample.
    taken: HashMap<(usize, u32, u32), u32>,
    constants: HashMap<usize, Option<Tensor>>,
    nodes: HashSet<usize>,
    sinks: HashSet<usize>,
}

impl<'p> Melt<'p> {
    /// The stops from the first on, as many as can be melted together.
    fn new(plan: &'p Plan, layout: &'p Layout, samples: usize, first: usize) -> Melt<'p> {
        let mut melt = Melt {
            plan,
            layout,
            samples,
            stops: first..first,
            unroll: Unroll::new(layout.scratch),
            values: HashMap::new(),
            computed: Vec::new(),
            made: HashSet::new(),
            taken: HashMap::new(),
            constants: HashMap::new(),
            nodes: HashSet::new(),
            sinks: HashSet::new(),
        };
        while let Some(stop) = layout.stops.get(melt.stops.end) {
            let (code, computed) = (melt.unroll.code.len(), melt.computed.len());
            if !melt.takes(stop) || melt.stop(stop).is_none() {
                melt.forget(stop, code, computed);
                break;
            }
            melt.stops.end += 1;
        }
        melt
    }

    /// Whether there is something, and for several samples enough to make up for narrower vectors.
    fn is_worth_it(&self) -> bool {
        !self.stops.is_empty() && (self.samples == 1 || self.unroll.code.len() >= SHORTEST)
    }

    /// Takes a stop back that could be melted in part only.
    fn forget(&mut self, stop: &Stop, code: usize, computed: usize) {
        self.unroll.code.truncate(code);
        for key in self.computed.drain(computed..) {
            self.values.remove(&key);
        }
        match stop {
            Stop::Group { group, .. } => {
                self.nodes.retain(|i| !group.nodes.contains(i));
                self.sinks.retain(|s| !group.sinks.contains(s));
            }
            Stop::Opaque(i) => self.nodes.retain(|made| made != i),
        }
    }

    /// Whether the stop is small enough, and the code not too long for it.
    fn takes(&self, stop: &Stop) -> bool {
        let widest = if self.layout.compiled { WIDEST } else { 1 };
        let work = match stop {
            Stop::Group {
                key: (class, _), ..
            } if *class > widest * self.samples || class % self.samples > 0 => return false,
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
        let work = work / self.samples;
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

    /// `None` if samples are not apart in it.
    fn stop(&mut self, stop: &Stop) -> Option<()> {
        match stop {
            Stop::Group { group, .. } => self.group(group),
            Stop::Opaque(i) => self.opaque(*i),
        }
    }

    fn group(&mut self, group: &Group) -> Option<()> {
        for &i in &group.nodes {
            self.nodes.insert(i);
            let cells = match &self.plan.products[i] {
                Some(product) => self.rows(product)?,
                None => {
                    let node = &self.plan.nodes[i];
                    let size = self.plan.size[i];
                    let args = node.args.iter().map(|a| &self.plan.source[a.index()]);
                    let args: Option<Vec<Vec<u32>>> =
                        args.map(|s| self.elements(s.base, &s.map, size)).collect();
                    // Element by element: shapes do not matter.
                    let node = Node {
                        shape: [size / self.samples].into_iter().collect(),
                        ..node.clone()
                    };
                    self.apply(&node, &args?, &[])?
                }
            };
            self.write(i, cells.into_iter().enumerate());
        }
        for &s in &group.sinks {
            self.sinks.insert(s);
            self.sink(s)?;
        }
        Some(())
    }

    fn apply(&mut self, node: &Node, args: &[Vec<u32>], shapes: &[Shape]) -> Option<Vec<u32>> {
        let args: Vec<&Vec<u32>> = args.iter().collect();
        self.unroll.node(node, &args, shapes, None)
    }

    fn opaque(&mut self, i: usize) -> Option<()> {
        self.nodes.insert(i);
        let node = &self.plan.nodes[i];
        let (mut args, mut shapes) = (Vec::new(), Vec::new());
        for (k, (operand, arg)) in self.plan.operands[i].iter().zip(&node.args).enumerate() {
            let shape = &self.plan.nodes[arg.index()].shape;
            let lane = self.samples > 1 && self.has_samples(node, k, shape);
            let dims = shape.iter().zip(&operand.strides);
            let dims = dims.map(|(&extent, &stride)| super::index_map::Dim { extent, stride });
            let map = IndexMap::strided(operand.offset, dims);
            args.push(if lane {
                self.elements(operand.buffer, &map, numel(shape))?
            } else {
                let table = map.table(numel(shape));
                let cells = table.iter().map(|&at| self.element(operand.buffer, at, 0));
                cells.collect::<Option<_>>()?
            });
            shapes.push((shape.clone(), lane));
        }
        let (node, shapes, lane) = without_samples(node, &shapes, self.samples)?;
        if lane != (self.samples > 1) {
            return None;
        }
        let cells = self.apply(&node, &args, &shapes)?;
        self.write(i, cells.into_iter().enumerate());
        Some(())
    }

    /// Whether an operand's leading axis is that of samples.
    fn has_samples(&self, node: &Node, operand: usize, shape: &Shape) -> bool {
        let by_label = node.op.get::<Contract>().is_none_or(|op| {
            let labels = [&op.a, &op.b][operand];
            labels.first() == op.out.first()
        });
        by_label && shape.first() == Some(&self.samples)
    }

    /// Cells of the first sample's part of `n` elements; `None` if the others' do not lie likewise.
    fn elements(&mut self, base: usize, map: &IndexMap, n: usize) -> Option<Vec<u32>> {
        let places = self.places(map, n)?;
        let cells = places
            .into_iter()
            .map(|(at, stride)| self.element(base, at, stride));
        cells.collect()
    }

    /// Where the elements of the first sample lie, with the way to the next one's.
    fn places(&self, map: &IndexMap, n: usize) -> Option<Vec<(u32, u32)>> {
        let table = map.table(n);
        if !n.is_multiple_of(self.samples) {
            return None;
        }
        let (first, others) = table.split_at(n / self.samples);
        let next = others.get(..first.len()).unwrap_or(first);
        let strides = first
            .iter()
            .zip(next)
            .map(|(at, next)| next.checked_sub(*at));
        let strides: Vec<u32> = strides.collect::<Option<_>>()?;
        for (s, part) in others.chunks_exact(first.len().max(1)).enumerate() {
            let lies = |(i, at): (usize, &u32)| *at == first[i] + (s as u32 + 1) * strides[i];
            if !part.iter().enumerate().all(lies) {
                return None;
            }
        }
        Some(first.iter().copied().zip(strides).collect())
    }

    /// The way from one sample's part of a buffer to the next one's.
    fn stride(&self, base: usize) -> u32 {
        let size = self.plan.size_of(base);
        if self.samples == 1 {
            0
        } else {
            (size / self.samples) as u32
        }
    }

    /// The cell of an element: its own, a constant's, or where it lies in memory.
    fn element(&mut self, base: usize, at: u32, stride: u32) -> Option<u32> {
        if let Some(&cell) = self.values.get(&(base, at)) {
            return (stride == self.stride(base)).then_some(cell);
        }
        if self.samples > 1 && self.made.contains(&base) {
            return None;
        }
        let plan = self.plan;
        let constant = self
            .constants
            .entry(base)
            .or_insert_with(|| plan.constant(base));
        if let (Some(constant), 0) = (constant, stride) {
            return Some(self.unroll.constant(constant.data()[at as usize]));
        }
        let place = self.layout.places[base];
        if self.samples == 1 {
            return Some(place.plus(at as usize).cell());
        }
        let key = (base, at, stride);
        if let Some(&cell) = self.taken.get(&key) {
            return Some(cell);
        }
        let cell = self.unroll.cell();
        let from = At::of_sample(at, stride);
        self.unroll.code.push(Scalar::take(cell, place, from));
        self.taken.insert(key, cell);
        Some(cell)
    }

    fn write(&mut self, target: usize, cells: impl Iterator<Item = (usize, u32)>) {
        self.made.insert(target);
        for (at, cell) in cells {
            let key = (target, at as u32);
            if self.values.insert(key, cell).is_none() {
                self.computed.push(key);
            }
        }
    }

    /// How many vectors of a product are a sample's.
    fn vectors(&self, product: &MatVec) -> Option<usize> {
        let whole = product.batch.is_multiple_of(self.samples);
        let lies = self.samples == 1 || product.batch == self.samples;
        (whole && lies).then_some(product.batch / self.samples)
    }

    /// A product by rows of the matrix.
    fn rows(&mut self, product: &MatVec) -> Option<Vec<u32>> {
        let rows = product.rows.table(product.length);
        let stride = if self.samples > 1 {
            product.step as u32
        } else {
            0
        };
        let mut out = Vec::new();
        for vector in 0..self.vectors(product)? {
            for &row in rows.iter() {
                let mut terms = Vec::new();
                for &(start, factor) in &product.columns {
                    let m = self.element(product.matrix, start as u32 + row, 0)?;
                    let x = (factor + vector * product.step) as u32;
                    let x = self.element(product.vector, x, stride)?;
                    terms.push(self.unroll.mul(m, x));
                }
                out.push(self.total(ReduceKind::Sum, &terms));
            }
        }
        Some(out)
    }

    fn sink(&mut self, s: usize) -> Option<()> {
        let sink = &self.plan.sinks[s];
        let cells = self.elements(sink.value.base, &sink.value.map, sink.class)?;
        let stride = self.stride(sink.target);
        if let Some(&Some(neutral)) = self.plan.preset.get(sink.target) {
            let neutral = self.unroll.constant(neutral);
            let size = self.plan.size[sink.target] / self.samples;
            self.write(sink.target, (0..size).map(|at| (at, neutral)));
        }
        match &sink.kind {
            SinkKind::Assign(map) => {
                let places = self.own_places(map, sink.class, stride)?;
                self.write(sink.target, places.into_iter().zip(cells));
            }
            SinkKind::Accumulate(kind, map) => {
                let mut terms: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
                for (at, cell) in self
                    .own_places(map, sink.class, stride)?
                    .into_iter()
                    .zip(cells)
                {
                    terms.entry(at).or_default().push(cell);
                }
                for (at, terms) in terms {
                    let total = self.total(*kind, &terms);
                    self.write(sink.target, std::iter::once((at, total)));
                }
            }
            SinkKind::Columns(product) => self.columns(sink.target, product, &cells)?,
        }
        Some(())
    }

    /// Places that are written, all in the sample's own part.
    fn own_places(&self, map: &IndexMap, n: usize, stride: u32) -> Option<Vec<usize>> {
        let places = self.places(map, n)?;
        let single = self.samples == 1;
        let own = |&(at, by): &(u32, u32)| single || by == stride && at < stride;
        let all = places.iter().all(own);
        all.then(|| places.into_iter().map(|(at, _)| at as usize).collect())
    }

    /// A product by columns, summed over the rows.
    fn columns(&mut self, target: usize, product: &MatVec, cells: &[u32]) -> Option<()> {
        let rows = product.rows.table(product.length);
        let stride = self.stride(target) as usize;
        let own = product.step == stride && product.columns.iter().all(|c| c.1 < stride);
        if self.samples > 1 && !own {
            return None;
        }
        self.vectors(product)?;
        for (vector, part) in cells.chunks_exact(product.length).enumerate() {
            for &(start, factor) in &product.columns {
                let mut terms = Vec::new();
                for (&row, &x) in rows.iter().zip(part) {
                    let m = self.element(product.matrix, start as u32 + row, 0)?;
                    terms.push(self.unroll.mul(m, x));
                }
                let total = self.total(ReduceKind::Sum, &terms);
                let at = factor + vector * product.step;
                self.write(target, std::iter::once((at, total)));
            }
        }
        Some(())
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
    fn finish<T: Element>(mut self) -> Melted<T> {
        let start = self.layout.scratch as u32;
        let mut stores = Vec::new();
        for &(base, at) in &self.computed {
            if self.is_read_outside(base) {
                let place = self.layout.places[base].plus(at as usize).cell();
                let cell = self.values[&(base, at)];
                stores.push((place, self.stride(base), cell));
            }
        }
        // What is only moved in memory is read before anything is written there.
        for (_, _, cell) in &mut stores {
            if *cell < start {
                let fresh = self.unroll.cell();
                self.unroll.code.push(Scalar::Copy(fresh, *cell));
                *cell = fresh;
            }
        }
        let samples = self.samples;
        let stores = stores
            .into_iter()
            .map(|(start, sample, cell)| match samples {
                1 => Scalar::Copy(start, cell),
                _ => Scalar::Put(cell, At::of_sample(start, sample)),
            });
        self.unroll.code.extend(stores);
        let mut code = self.unroll.code;
        let private = start..self.unroll.next;
        scalar::join_products(&mut code, |_| false);
        scalar::drop_dead(&mut code, &private);
        let (initial, mut end) = (self.unroll.initial, self.unroll.next as usize);
        let phases = if samples < MANY_SAMPLES {
            if code.len() <= LOOK_AHEAD {
                scalar::functions_first(&mut code, &private);
            }
            let known = initial.clone();
            let code = Straight::new(Vec::new(), code, Steps::ONE, samples, private, known);
            vec![Phase::Code(code)]
        } else {
            let (phases, after) = phases(
                &code,
                samples,
                private,
                &initial,
                end.next_multiple_of(T::LANES),
            );
            end = after;
            phases
        };
        Melted {
            phases,
            initial,
            end,
            stops: self.stops,
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
