//! The order of instructions and the place of every buffer.

use super::index_map::IndexMap;
use super::matrix::MatVec;
use super::melt;
use super::memory::{Life, place};
use super::micro::Place;
use super::plan::{Plan, Role, Use, User};
use std::collections::{BTreeMap, HashMap};

/// The members of one kernel.
#[derive(Default)]
pub(super) struct Group {
    pub nodes: Vec<usize>,
    pub sinks: Vec<usize>,
}

/// One instruction to be.
pub(super) enum Stop {
    Group { key: (usize, u32), group: Group },
    Opaque(usize),
}

pub(super) struct Layout {
    pub stops: Vec<Stop>,
    pub uses: Vec<Vec<Use>>,
    /// Place of each node's buffer, then of each output.
    pub places: Vec<Place>,
    /// Whether a node's buffer has room for whole vectors.
    pub roomy: Vec<bool>,
    /// Whether a map node is kept in memory.
    pub stored: Vec<bool>,
    /// Where each input and each output begins, and their lengths.
    pub inputs: Vec<(usize, usize)>,
    pub outputs: Vec<(usize, usize)>,
    /// Cells that hold constants from the start.
    pub initial: Vec<(usize, f64)>,
    /// What the constants' memory holds.
    pub constants: Vec<f64>,
    /// Start of the memory for block registers: the end of all buffers.
    pub scratch: usize,
    /// Samples for each of which code may be run ([`melt`](super::melt)).
    pub samples: usize,
    /// Whether straight-line code becomes machine code.
    pub compiled: bool,
    /// Numbers on a cache line.
    line: usize,
    matrices: HashMap<MatrixKey, Place>,
}

/// A constant matrix laid out by columns.
#[derive(PartialEq, Eq, Hash)]
struct MatrixKey {
    buffer: usize,
    rows: IndexMap,
    columns: Vec<usize>,
}

impl MatrixKey {
    fn of(product: &MatVec) -> MatrixKey {
        MatrixKey {
            buffer: product.matrix,
            rows: product.rows.clone(),
            columns: product.columns.iter().map(|c| c.0).collect(),
        }
    }
}

impl Layout {
    pub fn new(plan: &Plan, line: usize, compiled: bool) -> Layout {
        let uses = plan.uses();
        let n = plan.nodes.len();
        let stops = stops(plan);
        let mut layout = Layout {
            samples: melt::samples(plan, &stops, compiled),
            compiled,
            stops,
            stored: (0..n).map(|i| is_stored(plan, &uses[i], i)).collect(),
            uses,
            places: vec![Place(0); n + plan.outputs.len()],
            roomy: vec![false; n],
            inputs: Vec::new(),
            outputs: Vec::new(),
            initial: Vec::new(),
            constants: Vec::new(),
            scratch: 0,
            line,
            matrices: HashMap::new(),
        };
        let mut end = 0;
        layout.place_ends(plan, &mut end);
        layout.place_cells(plan, &mut end);
        layout.place_constants(plan, &mut end);
        end = end.next_multiple_of(line);
        layout.place_buffers(plan, &mut end);
        layout.scratch = end;
        layout
    }

    /// Inputs and outputs, each without gaps.
    fn place_ends(&mut self, plan: &Plan, end: &mut usize) {
        for &input in &plan.inputs {
            self.places[input] = Place::arena(*end);
            self.inputs.push((*end, plan.size[input]));
            *end += plan.size[input];
        }
        *end = end.next_multiple_of(self.line);
        for (k, &output) in plan.outputs.iter().enumerate() {
            self.places[plan.nodes.len() + k] = Place::arena(*end);
            self.outputs.push((*end, plan.size[output]));
            *end += plan.size[output];
        }
        *end = end.next_multiple_of(self.line);
        for i in 0..plan.nodes.len() {
            if let Some(k) = plan.home[i] {
                self.places[i] = self.places[plan.nodes.len() + k];
            }
        }
    }

    /// Single numbers have a cell of their own for good.
    fn place_cells(&mut self, plan: &Plan, end: &mut usize) {
        for i in 0..plan.nodes.len() {
            if plan.size[i] == 1 && self.has_buffer(plan, i) && plan.home[i].is_none() {
                self.places[i] = Place::arena(*end);
                *end += 1;
            }
        }
    }

    fn has_buffer(&self, plan: &Plan, i: usize) -> bool {
        match plan.role[i] {
            Role::Absent | Role::Leaf => false,
            Role::View => plan.is_dense(i),
            Role::Map => self.stored[i],
            Role::Stored | Role::Opaque => true,
        }
    }

    /// Single constants are cells of the arena, the others are memory that clones share. Matrices
    /// that are only used by columns are kept by columns.
    fn place_constants(&mut self, plan: &Plan, end: &mut usize) {
        let whole = |uses: &[Use], i: usize| uses.iter().any(|u| !by_columns(plan, *u, i));
        for i in 0..plan.nodes.len() {
            let Some(value) = plan.constant(i).filter(|_| plan.role[i] == Role::Leaf) else {
                continue;
            };
            if plan.size[i] == 1 {
                self.places[i] = Place::arena(*end);
                self.initial.push((*end, value.data()[0]));
                *end += 1;
            } else if whole(&self.uses[i], i) {
                self.places[i] = self.append(value.data());
            }
        }
        let products = plan.products.iter().flatten();
        let sunk = plan.sinks.iter().filter_map(|s| s.kind.product());
        for product in products.chain(sunk) {
            let Some(value) = plan.constant(product.matrix) else {
                continue;
            };
            let key = MatrixKey::of(product);
            if plan.size[product.matrix] == 1 || self.matrices.contains_key(&key) {
                continue;
            }
            let rows = product.rows.table(product.length);
            let padded = rows.len().next_multiple_of(self.line);
            let mut data = Vec::with_capacity(padded * product.columns.len());
            for &(start, _) in &product.columns {
                data.extend(rows.iter().map(|&r| value.data()[start + r as usize]));
                data.resize(data.len().next_multiple_of(self.line), 0.0);
            }
            let at = self.append(&data);
            self.matrices.insert(key, at);
        }
    }

    fn append(&mut self, data: &[f64]) -> Place {
        let at = self.constants.len();
        self.constants.extend_from_slice(data);
        self.constants
            .resize(self.constants.len().next_multiple_of(self.line), 0.0);
        Place::constant(at)
    }

    /// The place of a product's matrix and where its columns start from there.
    pub fn matrix(&self, product: &MatVec) -> (Place, Vec<usize>) {
        if let Some(&place) = self.matrices.get(&MatrixKey::of(product)) {
            let padded = product.length.next_multiple_of(self.line);
            let starts = (0..product.columns.len()).map(|k| k * padded).collect();
            return (place, starts);
        }
        let IndexMap::Strided { offset, .. } = product.rows else {
            unreachable!("rows in memory are neighbours")
        };
        let place = self.places[product.matrix].plus(offset);
        (place, product.columns.iter().map(|c| c.0).collect())
    }

    fn place_buffers(&mut self, plan: &Plan, end: &mut usize) {
        let stop_of = StopOf::new(&self.stops);
        let mut owners = Vec::new();
        let mut lives = Vec::new();
        for i in 0..plan.nodes.len() {
            if plan.size[i] <= 1 || plan.home[i].is_some() || !self.has_buffer(plan, i) {
                continue;
            }
            let writers: Vec<usize> = match plan.role[i] {
                Role::Map | Role::Opaque => vec![stop_of.node(plan, i)],
                _ => plan
                    .sinks_of(i)
                    .iter()
                    .map(|&s| stop_of.sink(plan, s))
                    .collect(),
            };
            let readers = self.uses[i].iter().map(|u| stop_of.user(plan, u.by));
            let all = writers.iter().copied().chain(readers);
            let (from, to) = all.fold((usize::MAX, 0), |(f, t), s| (f.min(s), t.max(s)));
            // The code of one sample must not write where that of the next still reads.
            let whole = self.samples > 1 && plan.size[i].is_multiple_of(self.samples);
            let (from, to) = if whole {
                (0, self.stops.len())
            } else {
                (from, to)
            };
            owners.push(i);
            lives.push(Life {
                len: plan.size[i],
                from,
                to,
            });
        }
        let (offsets, len) = place(&lives, self.line);
        for (&i, offset) in owners.iter().zip(offsets) {
            self.places[i] = Place::arena(*end + offset);
            self.roomy[i] = true;
        }
        *end += len;
    }
}

/// Whether the use reads the node as a constant matrix by columns.
fn by_columns(plan: &Plan, usage: Use, i: usize) -> bool {
    match usage.by {
        User::Node(c) => plan.products[c]
            .as_ref()
            .is_some_and(|p| p.matrix == i && p.vector != i),
        User::Sink(s) => {
            let sink = &plan.sinks[s];
            sink.value.base != i && sink.kind.product().is_some_and(|p| p.matrix == i)
        }
    }
}

/// A map node is kept in memory if someone reads it who cannot take it from a register.
fn is_stored(plan: &Plan, uses: &[Use], i: usize) -> bool {
    let away = |u: &Use| !u.register || plan.stage_of(u.by) != plan.stage[i];
    plan.role[i] == Role::Map
        && (plan.size[i] == 1 || plan.home[i].is_some() || uses.iter().any(away))
}

fn stops(plan: &Plan) -> Vec<Stop> {
    let mut groups: BTreeMap<(u32, usize), Group> = BTreeMap::new();
    let mut opaque: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for i in 0..plan.nodes.len() {
        match plan.role[i] {
            Role::Map => groups
                .entry((plan.stage[i], plan.size[i]))
                .or_default()
                .nodes
                .push(i),
            Role::Opaque => opaque.entry(plan.stage[i]).or_default().push(i),
            _ => {}
        }
    }
    for (s, sink) in plan.sinks.iter().enumerate() {
        groups
            .entry((sink.stage, sink.class))
            .or_default()
            .sinks
            .push(s);
    }
    let mut stops = Vec::new();
    let mut waiting = opaque.into_iter().peekable();
    for ((stage, class), group) in groups {
        while waiting.peek().is_some_and(|(s, _)| *s <= stage) {
            let (_, nodes) = waiting.next().expect("peeked");
            stops.extend(nodes.into_iter().map(Stop::Opaque));
        }
        let key = (class, stage);
        stops.push(Stop::Group { key, group });
    }
    for (_, nodes) in waiting {
        stops.extend(nodes.into_iter().map(Stop::Opaque));
    }
    stops
}

/// At which stop a node or a sink is run.
struct StopOf {
    groups: HashMap<(usize, u32), usize>,
    opaque: HashMap<usize, usize>,
}

impl StopOf {
    fn new(stops: &[Stop]) -> StopOf {
        let mut of = StopOf {
            groups: HashMap::new(),
            opaque: HashMap::new(),
        };
        for (at, stop) in stops.iter().enumerate() {
            match stop {
                Stop::Group { key, .. } => of.groups.insert(*key, at),
                Stop::Opaque(i) => of.opaque.insert(*i, at),
            };
        }
        of
    }

    fn node(&self, plan: &Plan, i: usize) -> usize {
        match self.opaque.get(&i) {
            Some(&at) => at,
            None => self.groups[&(plan.size[i], plan.stage[i])],
        }
    }

    fn sink(&self, plan: &Plan, s: usize) -> usize {
        self.groups[&(plan.sinks[s].class, plan.sinks[s].stage)]
    }

    fn user(&self, plan: &Plan, user: User) -> usize {
        match user {
            User::Node(i) => self.node(plan, i),
            User::Sink(s) => self.sink(plan, s),
        }
    }
}
