//! What becomes of each node: which are computed in fused kernels, which are only read through a
//! map, which are stored, and in which stage.
//!
//! A node of a fused kernel belongs to the class of its number of elements. Its stage is that of its
//! arguments, one more where an argument has to be in memory first: a result of another class, of
//! a reduction, of a matrix operation. All nodes of one class and stage are one kernel; since what
//! crosses classes always goes up a stage, kernels in order of stages never wait for each other.

use super::index_map::{IndexMap, placed, reduced};
use super::matrix::{MatVec, Operand};
use crate::graph::{Node, Origin, Tensor, numel};
use crate::ops::{
    Binary, Concat, Constant, Contract, Gather, Input, Pad, Reduce, ReduceKind, ScatterAdd, Select,
    StopGradient, Unary, moves,
};
use crate::passes::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// How a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Not needed, or without elements.
    Absent,
    /// Given: an input or a constant.
    Leaf,
    /// Never computed: read through the map of its [`Source`].
    View,
    /// Element by element, in a fused kernel.
    Map,
    /// By stores of fused kernels.
    Stored,
    /// By an instruction of its own.
    Opaque,
}

/// A value as a map into the buffer of a node that is no view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    pub base: usize,
    pub map: IndexMap,
}

/// Something that a fused kernel does with a value other than compute on.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    pub value: Source,
    /// Elements of the value.
    pub class: usize,
    pub stage: u32,
    pub kind: SinkKind,
    /// Buffer that is written: a node, or `nodes.len() + i` for output `i`.
    pub target: usize,
    pub origin: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum SinkKind {
    Assign(IndexMap),
    Accumulate(ReduceKind, IndexMap),
    /// Products with columns, summed.
    Columns(MatVec),
}

/// A reader of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Node(usize),
    Sink(usize),
}

/// A use of a value; from a register if the two are of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub by: User,
    pub register: bool,
}

impl SinkKind {
    pub fn product(&self) -> Option<&MatVec> {
        match self {
            SinkKind::Columns(product) => Some(product),
            _ => None,
        }
    }
}

pub(super) struct Plan {
    pub nodes: Vec<Node>,
    pub size: Vec<usize>,
    pub role: Vec<Role>,
    pub source: Vec<Source>,
    /// Of nodes that are a map or opaque.
    pub stage: Vec<u32>,
    pub sinks: Vec<Sink>,
    /// What the buffer of a stored node must hold before its sinks.
    pub preset: Vec<Option<f64>>,
    /// Matrix-vector products that are rows of a kernel.
    pub products: Vec<Option<MatVec>>,
    /// Rows into which products cut the kernels of a class.
    rows_of: BTreeMap<usize, usize>,
    /// Operands of opaque nodes.
    pub operands: Vec<Vec<Operand>>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    /// The output in whose place a node's buffer is.
    pub home: Vec<Option<usize>>,
    /// The sinks of each stored node (or view that is stored).
    sinks_of: Vec<Vec<usize>>,
}

impl Plan {
    pub fn new(subject: &Subject) -> Plan {
        let nodes = subject.graph.nodes();
        let n = nodes.len();
        let size: Vec<usize> = nodes.iter().map(|node| numel(&node.shape)).collect();
        let source = (0..n)
            .map(|i| Source {
                base: i,
                map: IndexMap::identity(size[i]),
            })
            .collect();
        let mut plan = Plan {
            role: vec![Role::Absent; n],
            stage: vec![0; n],
            source,
            size,
            sinks: Vec::new(),
            preset: vec![None; n],
            products: vec![None; n],
            rows_of: BTreeMap::new(),
            operands: vec![Vec::new(); n],
            inputs: subject.inputs.iter().map(|id| id.index()).collect(),
            outputs: subject.outputs.iter().map(|id| id.index()).collect(),
            home: vec![None; n],
            sinks_of: vec![Vec::new(); n],
            nodes,
        };
        let needed = crate::graph::needed(&subject.graph, &subject.outputs, |_| false);
        for id in needed {
            plan.classify(id.index());
        }
        plan.place_outputs();
        plan.delay();
        plan
    }

    fn classify(&mut self, i: usize) {
        if self.size[i] == 0 {
            return;
        }
        let node = self.nodes[i].clone();
        let op = &node.op;
        let args: Vec<usize> = node.args.iter().map(|a| a.index()).collect();
        let empty = args.iter().any(|&a| self.size[a] == 0);
        if op.get::<Input>().is_some() || op.get::<Constant>().is_some() {
            self.role[i] = Role::Leaf;
        } else if op.get::<Unary>().is_some()
            || op.get::<Binary>().is_some()
            || op.get::<Select>().is_some()
        {
            self.role[i] = Role::Map;
            self.stage[i] = args
                .iter()
                .map(|&a| self.stage_to_read(a, self.size[i]))
                .max()
                .unwrap_or(0);
        } else if self.is_movement(&node) {
            let index = args.get(1).and_then(|&k| self.constant(k));
            let from = &self.source[args[0]];
            let map = from
                .map
                .moved(op, &self.nodes[args[0]].shape, &node.shape, index.as_ref());
            self.source[i] = Source {
                base: from.base,
                map,
            };
            self.role[i] = Role::View;
        } else if empty
            && (op.get::<Pad>().is_some()
                || op.get::<ScatterAdd>().is_some()
                || op.get::<Contract>().is_some())
        {
            // A sum of nothing.
            let zero = Tensor::new(node.shape.clone(), vec![0.0; self.size[i]]);
            self.nodes[i].op = crate::graph::Op(std::sync::Arc::new(Constant(zero)));
            self.nodes[i].args.clear();
            self.role[i] = Role::Leaf;
        } else if !self.classify_store(i, &node, &args) && !self.classify_product(i, &node, &args) {
            self.role[i] = Role::Opaque;
            self.classify_opaque(i, &node, &args);
        }
    }

    fn is_movement(&self, node: &Node) -> bool {
        let op = &node.op;
        moves(op)
            || op.get::<StopGradient>().is_some()
            || (op.get::<Gather>().is_some() && self.constant(node.args[1].index()).is_some())
    }

    pub fn constant(&self, i: usize) -> Option<Tensor> {
        self.nodes[i].op.get::<Constant>().map(|c| c.0.clone())
    }

    /// Nodes that are computed by stores of their arguments' kernels.
    fn classify_store(&mut self, i: usize, node: &Node, args: &[usize]) -> bool {
        let rank = node.shape.len();
        if let Some(reduce) = node.op.get::<Reduce>() {
            let from = self.nodes[args[0]].shape.clone();
            let map = reduced(&from, |axis| reduce.axes.contains(&(from.len() - 1 - axis)));
            self.preset[i] = Some(reduce.kind.neutral());
            self.store(i, args[0], SinkKind::Accumulate(reduce.kind, map));
        } else if let Some(pad) = node.op.get::<Pad>() {
            let from = &self.nodes[args[0]].shape;
            let map = placed(from, &node.shape, rank - 1 - pad.axis, pad.before);
            self.preset[i] = Some(0.0);
            self.store(i, args[0], SinkKind::Assign(map));
        } else if let Some(concat) = node.op.get::<Concat>() {
            let axis = rank - 1 - concat.axis;
            let mut start = 0;
            for &part in args {
                if self.size[part] > 0 {
                    let shape = &self.nodes[part].shape;
                    let map = placed(shape, &node.shape, axis, start);
                    start += shape[axis];
                    self.store(i, part, SinkKind::Assign(map));
                }
            }
        } else if node.op.get::<ScatterAdd>().is_some() {
            let Some(index) = self.constant(args[1]) else {
                return false;
            };
            let places = scatter_places(node, &self.nodes[args[0]], &index);
            self.preset[i] = Some(0.0);
            self.store(i, args[0], SinkKind::Accumulate(ReduceKind::Sum, places));
        } else {
            return false;
        }
        self.role[i] = Role::Stored;
        true
    }

    /// Matrix-vector products that are rows or stores of fused kernels.
    fn classify_product(&mut self, i: usize, node: &Node, args: &[usize]) -> bool {
        let Some(op) = node.op.get::<Contract>() else {
            return false;
        };
        let Some((product, vector)) = MatVec::of(self, op, args) else {
            return false;
        };
        // Kernels have one number of rows: the first product of a class decides.
        let class = product.batch * product.length;
        if *self.rows_of.entry(class).or_insert(product.batch) != product.batch {
            return false;
        }
        if product.by_rows {
            self.role[i] = Role::Map;
            self.stage[i] = self.ready(product.matrix).max(self.ready(product.vector));
            self.products[i] = Some(product);
        } else {
            self.preset[i] = Some(0.0);
            self.role[i] = Role::Stored;
            self.store(i, vector, SinkKind::Columns(product));
        }
        true
    }

    fn classify_opaque(&mut self, i: usize, node: &Node, args: &[usize]) {
        let strided = node.op.get::<Contract>().is_some();
        let mut operands = Vec::new();
        for &arg in args {
            let source = self.source[arg].clone();
            let shape = self.nodes[arg].shape.clone();
            let operand = match source.map.strides(&shape) {
                Some((offset, strides)) if strided && self.size[arg] > 0 => Operand {
                    buffer: source.base,
                    offset,
                    strides,
                },
                _ => {
                    let buffer = self.dense(arg);
                    Operand::dense(buffer, &shape)
                }
            };
            operands.push(operand);
        }
        self.stage[i] = operands
            .iter()
            .map(|o| self.ready(o.buffer))
            .max()
            .unwrap_or(0);
        self.operands[i] = operands;
    }

    /// The buffer that holds the value in row-major order; a view is stored for it.
    fn dense(&mut self, arg: usize) -> usize {
        let source = &self.source[arg];
        if self.size[arg] == 0
            || self.size[source.base] == self.size[arg] && source.map.is_identity(self.size[arg])
        {
            return source.base;
        }
        if self.sinks_of[arg].is_empty() {
            let all = SinkKind::Assign(IndexMap::identity(self.size[arg]));
            self.store(arg, arg, all);
        }
        arg
    }

    fn store(&mut self, target: usize, value: usize, kind: SinkKind) {
        let class = self.size[value];
        let mut stage = self.stage_to_read(value, class);
        if let SinkKind::Columns(product) = &kind {
            stage = stage.max(self.ready(product.matrix));
        }
        if target < self.nodes.len() {
            self.sinks_of[target].push(self.sinks.len());
        }
        self.sinks.push(Sink {
            value: self.source[value].clone(),
            class,
            stage,
            kind,
            target,
            origin: self.nodes[value].origin,
        });
    }

    /// The first stage in which a kernel of the class can read the value.
    fn stage_to_read(&self, value: usize, class: usize) -> u32 {
        let source = &self.source[value];
        if self.in_register(source, class) {
            self.stage[source.base]
        } else {
            self.ready(source.base)
        }
    }

    /// Whether a kernel of the class can take the value from a register, if it is of its stage.
    pub fn in_register(&self, source: &Source, class: usize) -> bool {
        self.role[source.base] == Role::Map
            && self.size[source.base] == class
            && source.map.is_identity(class)
    }

    /// The first stage in which the buffer can be read.
    pub fn ready(&self, buffer: usize) -> u32 {
        match self.role[buffer] {
            Role::Absent | Role::Leaf => 0,
            Role::Map | Role::Opaque => self.stage[buffer] + 1,
            Role::Stored | Role::View => {
                let stages = self.sinks_of[buffer].iter().map(|&s| self.sinks[s].stage);
                stages.max().map_or(0, |s| s + 1)
            }
        }
    }

    /// The rows that a product of the group asks for.
    pub fn rows(&self, nodes: &[usize], sinks: &[usize]) -> Option<usize> {
        let by_rows = nodes.iter().filter_map(|&i| self.products[i].as_ref());
        let sunk = sinks.iter().filter_map(|&s| self.sinks[s].kind.product());
        by_rows.chain(sunk).map(|p| p.batch).next()
    }

    /// Elements of a node, or (after all nodes) of an output.
    pub fn size_of(&self, buffer: usize) -> usize {
        match buffer.checked_sub(self.nodes.len()) {
            Some(k) => self.size[self.outputs[k]],
            None => self.size[buffer],
        }
    }

    pub fn sinks_of(&self, target: usize) -> &[usize] {
        &self.sinks_of[target]
    }

    /// Whether a view is stored for an operation that needs it in row-major order.
    pub fn is_dense(&self, i: usize) -> bool {
        self.role[i] == Role::View && !self.sinks_of[i].is_empty()
    }

    /// Outputs are computed in their places where they can be, else copied there.
    fn place_outputs(&mut self) {
        for k in 0..self.outputs.len() {
            let output = self.outputs[k];
            if self.size[output] == 0 {
                continue;
            }
            let source = self.source[output].clone();
            let own = source.map.is_identity(self.size[output])
                && self.size[source.base] == self.size[output]
                && self.role[source.base] != Role::Leaf
                && self.home[source.base].is_none();
            if own {
                self.home[source.base] = Some(k);
            } else {
                let target = self.nodes.len() + k;
                let all = SinkKind::Assign(IndexMap::identity(self.size[output]));
                self.store(target, output, all);
            }
        }
    }

    /// The buffers or registers that a map node reads.
    fn reads(&self, i: usize) -> Vec<(usize, bool)> {
        if let Some(product) = &self.products[i] {
            return vec![(product.matrix, false), (product.vector, false)];
        }
        let args = self.nodes[i].args.iter().map(|a| &self.source[a.index()]);
        args.map(|s| (s.base, self.in_register(s, self.size[i])))
            .collect()
    }

    /// Who reads each buffer (or the register that stands for it).
    pub fn uses(&self) -> Vec<Vec<Use>> {
        let mut uses = vec![Vec::new(); self.nodes.len()];
        for i in 0..self.nodes.len() {
            let by = User::Node(i);
            match self.role[i] {
                Role::Map => {
                    for (base, register) in self.reads(i) {
                        uses[base].push(Use { by, register });
                    }
                }
                Role::Opaque => {
                    for operand in &self.operands[i] {
                        let register = false;
                        uses[operand.buffer].push(Use { by, register });
                    }
                }
                _ => {}
            }
        }
        for (s, sink) in self.sinks.iter().enumerate() {
            let by = User::Sink(s);
            let register = self.in_register(&sink.value, sink.class);
            uses[sink.value.base].push(Use { by, register });
            if let SinkKind::Columns(product) = &sink.kind {
                let register = false;
                uses[product.matrix].push(Use { by, register });
            }
        }
        uses
    }

    pub fn stage_of(&self, user: User) -> u32 {
        match user {
            User::Node(c) => self.stage[c],
            User::Sink(s) => self.sinks[s].stage,
        }
    }

    /// Puts nodes off to the stage where they are used, if that saves storing them and there is a
    /// kernel of their class anyway.
    fn delay(&mut self) {
        let mut kernels: BTreeSet<(usize, u32)> = BTreeSet::new();
        for i in 0..self.nodes.len() {
            if self.role[i] == Role::Map {
                kernels.insert((self.size[i], self.stage[i]));
            }
        }
        kernels.extend(self.sinks.iter().map(|s| (s.class, s.stage)));
        let uses = self.uses();
        for i in (0..self.nodes.len()).rev() {
            if self.role[i] != Role::Map {
                continue;
            }
            let deadlines = uses[i].iter().map(|u| self.deadline(*u, &uses));
            let Some(latest) = deadlines.min().filter(|&l| l != u32::MAX) else {
                continue;
            };
            let (class, now) = (self.size[i], self.stage[i]);
            let later = kernels.range((class, now + 1)..(class, latest.max(now) + 1));
            let Some(&(_, to)) = later.last() else {
                continue;
            };
            if class == 1 || self.worth_delaying(i, to, &uses) {
                self.stage[i] = to;
                for usage in &uses[i] {
                    if let (User::Sink(s), true) = (usage.by, usage.register) {
                        self.sinks[s].stage = self.sinks[s].stage.max(to);
                    }
                }
            }
        }
    }

    /// The latest stage in which a value can be computed for a use of it.
    fn deadline(&self, usage: Use, uses: &[Vec<Use>]) -> u32 {
        match usage.by {
            User::Node(c) => self.stage[c] - u32::from(!usage.register),
            User::Sink(s) if !usage.register => self.sinks[s].stage - 1,
            // A sink goes with its value, as long as nobody needs earlier what it stores.
            User::Sink(s) => {
                let target = self.sinks[s].target;
                let readers = uses.get(target).map_or(&[][..], |u| u);
                let first = readers.iter().map(|u| self.stage_of(u.by)).min();
                first.map_or(u32::MAX, |f| f - 1)
            }
        }
    }

    /// Whether no more values are stored between kernels when `i` moves to a later stage.
    fn worth_delaying(&self, i: usize, to: u32, uses: &[Vec<Use>]) -> bool {
        let in_memory = |b: usize| self.home[b].is_some() || uses[b].iter().any(|u| !u.register);
        let now = self.stage[i];
        let crosses = |u: &Use| u.register && self.stage_of(u.by) > now;
        let saved = !in_memory(i) && uses[i].iter().any(crosses);
        let mut arguments: Vec<usize> = self
            .reads(i)
            .iter()
            .filter(|(_, register)| *register)
            .map(|(base, _)| *base)
            .collect();
        arguments.sort_unstable();
        arguments.dedup();
        let stays = |b: usize| {
            uses[b]
                .iter()
                .any(|u| u.by != User::Node(i) && u.register && self.stage_of(u.by) < to)
        };
        let extra = arguments
            .iter()
            .filter(|&&b| stays(b) && !in_memory(b))
            .count();
        extra <= usize::from(saved)
    }
}

/// Where the elements of a scatter's argument go in its result.
pub(super) fn scatter_places(node: &Node, arg: &Node, index: &Tensor) -> IndexMap {
    let axis = node.shape.len()
        - 1
        - node
            .op
            .get::<ScatterAdd>()
            .expect("asked of scatters only")
            .axis;
    let after = numel(&node.shape[axis + 1..]);
    let (m, extent) = (arg.shape[axis], node.shape[axis]);
    let places = (0..numel(&arg.shape)).map(|flat| {
        let (outer, inner) = (flat / after, flat % after);
        let (before, i) = (outer / m, outer % m);
        let k = index.data()[i] as usize;
        assert!(k < extent, "scatter: place {k} is not below {extent}");
        u32::try_from((before * extent + k) * after + inner)
            .expect("buffers have fewer than 2³² elements")
    });
    IndexMap::Table(std::sync::Arc::new(places.collect()))
}
