//! From the nodes of one class and stage to the block operations of a kernel.

use super::element::Element;
use super::index_map::{Dim, Dims, Form, IndexMap, MAX_DIMS};
use super::layout::{Group, Layout};
use super::micro::{Kernel, Lie, Micro, Pattern, Place, Preset, Slot};
use super::plan::{Plan, SinkKind, Source, User};
use crate::ops::{Binary, ReduceKind, Select, Unary};
use crate::special::Level;
use std::collections::HashMap;

/// A value inside a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    Node(usize),
    Load(Source),
}

/// Where a value is while a block is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seat {
    /// A stream, and whether it has room for whole vectors.
    Stream(Slot, bool),
    Single(Slot),
    Register(usize),
}

/// What is done, in order.
#[derive(Clone, Copy)]
enum Step {
    Compute(usize),
    Sink(usize),
    /// A node that is a `sigmoid`, and the sink that sums `softplus` of the same argument.
    Logistic(usize, usize),
}

/// Bytes that all block registers of a kernel together hold: half of a first-level cache.
const REGISTER_SPACE: usize = 3072 * 8;
/// Likewise where rows are worked on together, in the second-level cache beside the matrix.
const REGISTER_SPACE_TOGETHER: usize = 8192 * 8;
/// Rows that are worked on together where they meet the same matrix.
const MOST_TOGETHER: usize = 8;
/// Bytes of one register.
const LARGEST_BLOCK: usize = 1024 * 8;
const SMALLEST_BLOCK: usize = 128 * 8;

/// The kernel of a group, with the room that its registers take in scratch memory.
pub(super) fn kernel<T: Element>(
    plan: &Plan,
    layout: &Layout,
    level: Level,
    (class, stage): (usize, u32),
    group: &Group,
) -> (Kernel<T>, usize) {
    let rows = rows(plan, class, group);
    let columns = class / rows;
    // Rows have something in common where there is a product.
    let shared = plan.rows(&group.nodes, &group.sinks);
    let together = shared.map_or(1, |rows| rows.min(MOST_TOGETHER));
    let build = |block: usize| {
        let rows = (rows, together);
        let mut fuser = Fuser::<T>::new(plan, layout, level, (class, stage), rows, block);
        let body = fuser.run(group);
        (body, fuser.registers)
    };
    // The first run counts registers, from which the size of a block follows.
    let (_, registers) = build(T::LANES);
    let numbers = |bytes: usize| bytes / size_of::<T>();
    let (space, largest) = match together {
        1 => (REGISTER_SPACE, LARGEST_BLOCK),
        _ => (REGISTER_SPACE_TOGETHER, LARGEST_BLOCK / 2),
    };
    let fitting = numbers(space) / (registers.max(1) * together) / 64 * 64;
    let (smallest, largest) = (numbers(SMALLEST_BLOCK), numbers(largest));
    let block = fitting.clamp(smallest, largest).min(columns);
    let (body, registers) = build(block);
    let presets = presets(plan, layout, group);
    let kernel = Kernel {
        rows,
        n: columns,
        block,
        together,
        presets,
        body,
    };
    (
        kernel,
        registers * together * block.next_multiple_of(T::LANES),
    )
}

/// What a group's sinks need set before them.
pub(super) fn presets<T: Element>(plan: &Plan, layout: &Layout, group: &Group) -> Vec<Preset<T>> {
    let targets = group.sinks.iter().map(|&s| plan.sinks[s].target);
    let preset = |target: usize| {
        Some(Preset {
            place: layout.places[target],
            len: *plan.size.get(target)?,
            value: T::of(plan.preset[target]?),
        })
    };
    targets.filter_map(preset).collect()
}

struct Fuser<'p, T: Element> {
    plan: &'p Plan,
    layout: &'p Layout,
    level: Level,
    class: usize,
    stage: u32,
    rows: usize,
    block: usize,
    /// Rows that are worked on together.
    together: usize,
    /// The last step that needs a value.
    last: HashMap<Value, usize>,
    seats: HashMap<Value, Seat>,
    /// Values to be let go after a step.
    free: Vec<usize>,
    registers: usize,
    body: Vec<Micro<T>>,
}

impl<'p, T: Element> Fuser<'p, T> {
    fn new(
        plan: &'p Plan,
        layout: &'p Layout,
        level: Level,
        (class, stage): (usize, u32),
        (rows, together): (usize, usize),
        block: usize,
    ) -> Fuser<'p, T> {
        Fuser {
            plan,
            layout,
            level,
            class,
            stage,
            rows,
            together,
            block,
            last: HashMap::new(),
            seats: HashMap::new(),
            free: Vec::new(),
            registers: 0,
            body: Vec::new(),
        }
    }

    fn run(&mut self, group: &Group) -> Vec<Micro<T>> {
        let steps = self.order(group);
        for (at, &step) in steps.iter().enumerate() {
            for value in self.needs(step) {
                self.last.insert(value, at);
            }
        }
        for (at, &step) in steps.iter().enumerate() {
            match step {
                Step::Compute(node) => self.compute(node, at),
                Step::Sink(sink) => self.sink(sink, at),
                Step::Logistic(node, sink) => self.softplus_sum(sink, Some(node), at),
            }
        }
        std::mem::take(&mut self.body)
    }

    /// Nodes in order, each followed by the sinks of its value; then the sinks of loads.
    fn order(&self, group: &Group) -> Vec<Step> {
        let mut steps = Vec::new();
        let of = |node: usize, s: usize| {
            let sink = &self.plan.sinks[s];
            sink.value.base == node && self.plan.in_register(&sink.value, self.class)
        };
        let mut done = Vec::new();
        for &node in &group.nodes {
            let sinks: Vec<usize> = group
                .sinks
                .iter()
                .copied()
                .filter(|&s| of(node, s))
                .collect();
            let absorbed = sinks.len() == 1 && self.absorbed(node, sinks[0]);
            if !absorbed {
                steps.push(Step::Compute(node));
            }
            steps.extend(sinks.iter().map(|&s| Step::Sink(s)));
            done.extend(sinks);
        }
        let rest = group.sinks.iter().filter(|s| !done.contains(s));
        steps.extend(rest.map(|&s| Step::Sink(s)));
        self.pair(&mut steps);
        steps
    }

    /// Sums of `softplus` are taken where `sigmoid` of the same argument is computed, if it is.
    fn pair(&self, steps: &mut Vec<Step>) {
        for at in 0..steps.len() {
            let sigmoid = match steps[at] {
                Step::Compute(node) if self.is(node, "sigmoid") => node,
                _ => continue,
            };
            let arguments = self.arguments(sigmoid);
            let sum = |step: &Step| {
                let Step::Sink(s) = *step else { return false };
                let source = &self.plan.sinks[s].value;
                self.is(source.base, "softplus")
                    && self.value(source) == Value::Node(source.base)
                    && self.is_absorbed(source.base)
                    && self.arguments(source.base) == arguments
            };
            if let Some(from) = steps.iter().position(sum)
                && let Step::Sink(sink) = steps[from]
            {
                steps[at] = Step::Logistic(sigmoid, sink);
                steps.remove(from);
                return self.pair(steps);
            }
        }
    }

    /// Whether the node only goes into a full sum with a loop of its own: of products or `softplus`.
    fn absorbed(&self, node: usize, sink: usize) -> bool {
        let binary = self.plan.nodes[node].op.get::<Binary>();
        let product = binary.is_some_and(|b| b.0.name == "mul");
        let known = product || self.is(node, "square") || self.is(node, "softplus");
        let full = match &self.plan.sinks[sink].kind {
            SinkKind::Accumulate(ReduceKind::Sum, map) => {
                matches!(self.reach(Place::arena(0), map), Reach::Single(_))
            }
            _ => false,
        };
        let only = self.layout.uses[node].len() == 1 && self.plan.home[node].is_none();
        known && full && only
    }

    /// Whether the node is this function of one argument.
    fn is(&self, node: usize, name: &str) -> bool {
        let op = self.plan.nodes[node].op.get::<Unary>();
        op.is_some_and(|u| u.0.name == name)
    }

    fn value(&self, source: &Source) -> Value {
        if self.plan.in_register(source, self.class) && self.plan.stage[source.base] == self.stage {
            Value::Node(source.base)
        } else {
            Value::Load(source.clone())
        }
    }

    fn arguments(&self, node: usize) -> Vec<Value> {
        if self.plan.products[node].is_some() {
            return Vec::new();
        }
        let args = self.plan.nodes[node].args.iter();
        args.map(|a| self.value(&self.plan.source[a.index()]))
            .collect()
    }

    fn needs(&self, step: Step) -> Vec<Value> {
        match step {
            Step::Compute(node) | Step::Logistic(node, _) => self.arguments(node),
            Step::Sink(s) => {
                let value = self.value(&self.plan.sinks[s].value);
                match value {
                    Value::Node(node) if self.is_absorbed(node) => self.arguments(node),
                    _ => vec![value],
                }
            }
        }
    }

    fn is_absorbed(&self, node: usize) -> bool {
        match self.layout.uses[node].as_slice() {
            [usage] => match usage.by {
                User::Sink(s) => self.absorbed(node, s),
                User::Node(_) => false,
            },
            _ => false,
        }
    }

    fn slot(&self, seat: Seat) -> Slot {
        match seat {
            Seat::Stream(slot, _) | Seat::Single(slot) => slot,
            Seat::Register(r) => {
                let len = self.block.next_multiple_of(T::LANES);
                let at = self.layout.scratch + r * len * self.together;
                Slot::register(Place::arena(at), len)
            }
        }
    }

    fn take(&mut self) -> Seat {
        Seat::Register(self.free.pop().unwrap_or_else(|| {
            self.registers += 1;
            self.registers - 1
        }))
    }

    /// How a block of the elements of a map is reached.
    fn reach(&self, base: Place, map: &IndexMap) -> Reach {
        let columns = self.class / self.rows;
        let Some((step, row)) = map.by_rows(self.rows, columns) else {
            let lie = lie(map, self.class);
            let pattern = Box::new(Pattern { lie, columns });
            return Reach::Other(Slot::fixed(base), pattern);
        };
        match row.form() {
            Form::Single(offset) => Reach::Single(Slot::fixed(base.plus(offset)).by(step)),
            Form::Contiguous(offset) => Reach::Stream(Slot::stream(base.plus(offset)).by(step)),
            Form::Other => {
                let lie = lie(&row, columns);
                let pattern = Box::new(Pattern { lie, columns: 0 });
                Reach::Other(Slot::fixed(base).by(step), pattern)
            }
        }
    }

    /// The seat of a value, loading it if it is not in a kernel's reach yet.
    fn seat(&mut self, value: &Value) -> Seat {
        if let Some(&seat) = self.seats.get(value) {
            return seat;
        }
        let Value::Load(source) = value else {
            unreachable!("nodes are computed before they are used")
        };
        let base = self.layout.places[source.base];
        let seat = match self.reach(base, &source.map) {
            Reach::Single(slot) => Seat::Single(slot),
            Reach::Stream(slot) => Seat::Stream(slot, false),
            Reach::Other(base, pattern) => {
                let seat = self.take();
                self.body.push(Micro::Load {
                    base,
                    pattern,
                    out: self.slot(seat),
                });
                seat
            }
        };
        self.seats.insert(value.clone(), seat);
        seat
    }

    /// The seat, where an operation takes no single number.
    fn spread(&mut self, seat: Seat, spare: &mut Vec<usize>) -> Seat {
        if !matches!(seat, Seat::Single(_)) {
            return seat;
        }
        let full = self.take();
        self.body.push(Micro::Fill {
            a: self.slot(seat),
            out: self.slot(full),
        });
        if let Seat::Register(r) = full {
            spare.push(r);
        }
        full
    }

    fn release(&mut self, values: &[Value], at: usize) {
        for value in values {
            if self.last.get(value) == Some(&at)
                && let Some(Seat::Register(r)) = self.seats.remove(value)
            {
                self.free.push(r);
            }
        }
    }

    /// Where a computed node goes: its buffer, the place where its one contiguous sink puts it, or
    /// a register.
    fn home(&mut self, node: usize) -> Seat {
        if self.layout.stored[node] {
            let columns = self.class / self.rows;
            // Rounding up must not run into the next row.
            let roomy =
                self.layout.roomy[node] && (self.rows == 1 || columns.is_multiple_of(T::LANES));
            return Seat::Stream(Slot::stream(self.layout.places[node]).by(columns), roomy);
        }
        for usage in &self.layout.uses[node] {
            if let User::Sink(s) = usage.by
                && let SinkKind::Assign(map) = &self.plan.sinks[s].kind
                && let Reach::Stream(slot) =
                    self.reach(self.layout.places[self.plan.sinks[s].target], map)
            {
                return Seat::Stream(slot, false);
            }
        }
        self.take()
    }

    fn compute(&mut self, node: usize, at: usize) {
        let arguments = self.arguments(node);
        let mut seats: Vec<Seat> = Vec::new();
        for argument in &arguments {
            let seat = self.seat(argument);
            seats.push(seat);
        }
        if self.plan.products[node].is_some() {
            return self.product(node, at);
        }
        let mut spare = Vec::new();
        let op = &self.plan.nodes[node].op;
        let single = |s: &Seat| matches!(s, Seat::Single(_));
        if let Some(unary) = op.get::<Unary>() {
            seats[0] = self.spread(seats[0], &mut spare);
            self.release(&arguments, at);
            let home = self.home(node);
            self.body.push(Micro::Unary {
                kernel: T::unary_block(unary.0, self.level),
                a: self.slot(seats[0]),
                out: self.slot(home),
                whole: unary.0.cheap && roomy(home),
            });
            self.seats.insert(Value::Node(node), home);
        } else if let Some(binary) = op.get::<Binary>() {
            let blocks = T::binary_blocks(binary.0, self.level);
            let kernel = match (single(&seats[0]), single(&seats[1])) {
                (true, false) => blocks.single_first,
                (false, true) => blocks.single_second,
                _ => None,
            };
            if kernel.is_none() {
                seats[0] = self.spread(seats[0], &mut spare);
                seats[1] = self.spread(seats[1], &mut spare);
            }
            self.release(&arguments, at);
            let home = self.home(node);
            self.body.push(Micro::Binary {
                kernel: kernel.unwrap_or(blocks.both),
                a: self.slot(seats[0]),
                b: self.slot(seats[1]),
                out: self.slot(home),
                whole: binary.0.cheap && roomy(home),
            });
            self.seats.insert(Value::Node(node), home);
        } else {
            debug_assert!(op.get::<Select>().is_some(), "maps are rows or selections");
            self.release(&arguments, at);
            let home = self.home(node);
            let which = seats
                .iter()
                .enumerate()
                .map(|(i, s)| usize::from(single(s)) << i)
                .sum::<usize>();
            self.body.push(Micro::Select {
                kernel: T::vector(self.level).select[which],
                c: self.slot(seats[0]),
                a: self.slot(seats[1]),
                b: self.slot(seats[2]),
                out: self.slot(home),
                whole: roomy(home),
            });
            self.seats.insert(Value::Node(node), home);
        }
        self.free.extend(spare);
        self.drop_unused(node, at);
    }

    /// A node that only memory needs gives its seat back.
    fn drop_unused(&mut self, node: usize, at: usize) {
        let value = Value::Node(node);
        if self.last.get(&value).is_none_or(|&l| l <= at)
            && let Some(Seat::Register(r)) = self.seats.remove(&value)
        {
            self.free.push(r);
        }
    }

    fn product(&mut self, node: usize, at: usize) {
        let product = self.plan.products[node]
            .as_ref()
            .expect("asked of products only");
        let home = self.home(node);
        let (matrix, starts) = self.layout.matrix(product);
        self.body.push(Micro::Columns {
            matrix: Slot::stream(matrix),
            factors: Slot::fixed(self.layout.places[product.vector]).by(product.step),
            columns: product.kernel_columns(&starts),
            out: self.slot(home),
        });
        self.seats.insert(Value::Node(node), home);
        self.drop_unused(node, at);
    }

    fn sink(&mut self, s: usize, at: usize) {
        let sink = &self.plan.sinks[s];
        let value = self.value(&sink.value);
        let target = self.layout.places[sink.target];
        if let Value::Node(node) = value
            && self.is_absorbed(node)
        {
            if self.is(node, "softplus") {
                return self.softplus_sum(s, None, at);
            }
            return self.dot(node, s, at);
        }
        let mut seat = self.seat(&value);
        let mut spare = Vec::new();
        match &sink.kind {
            SinkKind::Assign(map) => match self.reach(target, map) {
                Reach::Stream(out) if !matches!(seat, Seat::Single(_)) => {
                    if !matches!(seat, Seat::Stream(slot, _) if slot == out) {
                        let a = self.slot(seat);
                        self.body.push(Micro::Copy { a, out });
                    }
                }
                Reach::Stream(out) => {
                    let a = self.slot(seat);
                    self.body.push(Micro::Fill { a, out });
                }
                reach => {
                    seat = self.spread(seat, &mut spare);
                    let (base, pattern) = reach.into_pattern();
                    let a = self.slot(seat);
                    self.body.push(Micro::Store { a, base, pattern });
                }
            },
            SinkKind::Accumulate(kind, map) => {
                seat = self.spread(seat, &mut spare);
                let a = self.slot(seat);
                self.body.push(match (self.reach(target, map), kind) {
                    (Reach::Single(out), ReduceKind::Sum) => Micro::Sum { a, out },
                    (Reach::Stream(out), ReduceKind::Sum) => Micro::Add { a, out },
                    (reach, &kind) => {
                        let (base, pattern) = reach.into_pattern();
                        Micro::Accumulate {
                            kind,
                            a,
                            base,
                            pattern,
                        }
                    }
                });
            }
            SinkKind::Columns(product) => {
                seat = self.spread(seat, &mut spare);
                let (matrix, starts) = self.layout.matrix(product);
                self.body.push(Micro::ColumnDots {
                    matrix: Slot::stream(matrix),
                    a: self.slot(seat),
                    columns: product.kernel_columns(&starts),
                    out: Slot::fixed(target).by(product.step),
                });
            }
        }
        self.free.extend(spare);
        self.release(&[value], at);
    }

    /// The sum of `softplus`, and perhaps the node that is `sigmoid` of its argument.
    fn softplus_sum(&mut self, s: usize, sigmoid: Option<usize>, at: usize) {
        let sink = &self.plan.sinks[s];
        let arguments = self.arguments(sink.value.base);
        let mut spare = Vec::new();
        let seat = self.seat(&arguments[0]);
        let seat = self.spread(seat, &mut spare);
        let a = self.slot(seat);
        self.release(&arguments, at);
        let home = sigmoid.map(|node| self.home(node));
        if let SinkKind::Accumulate(_, map) = &sink.kind
            && let Reach::Single(out) = self.reach(self.layout.places[sink.target], map)
        {
            let sigmoid = home.map(|h| self.slot(h));
            self.body.push(Micro::SoftplusSum { a, sigmoid, out });
        }
        self.free.extend(spare);
        if let (Some(node), Some(home)) = (sigmoid, home) {
            self.seats.insert(Value::Node(node), home);
            self.drop_unused(node, at);
        }
    }

    fn dot(&mut self, node: usize, s: usize, at: usize) {
        let arguments = self.arguments(node);
        let mut spare = Vec::new();
        let mut slots = Vec::new();
        for argument in &arguments {
            let seat = self.seat(argument);
            let seat = self.spread(seat, &mut spare);
            slots.push(self.slot(seat));
        }
        let sink = &self.plan.sinks[s];
        if let SinkKind::Accumulate(_, map) = &sink.kind
            && let Reach::Single(out) = self.reach(self.layout.places[sink.target], map)
        {
            let (a, b) = (slots[0], slots[slots.len() - 1]);
            self.body.push(Micro::Dot { a, b, out });
        }
        self.free.extend(spare);
        self.release(&arguments, at);
    }
}

/// How a kernel reaches the elements of a buffer.
enum Reach {
    Single(Slot),
    Stream(Slot),
    Other(Slot, Box<Pattern>),
}

impl Reach {
    /// As a pattern of a row, for stores that know no other form.
    fn into_pattern(self) -> (Slot, Box<Pattern>) {
        let nest = |slot, stride| {
            let lie = Lie::Nest {
                offset: 0,
                dims: Dims::from_slice(&[Dim {
                    extent: usize::MAX,
                    stride,
                }]),
            };
            (slot, Box::new(Pattern { lie, columns: 0 }))
        };
        match self {
            Reach::Single(slot) => nest(slot, 0),
            // The stream's start is part of the index.
            Reach::Stream(slot) => nest(slot.standing(), 1),
            Reach::Other(slot, pattern) => (slot, pattern),
        }
    }
}

/// The fewest elements of a row that is worth a loop of its own.
const SHORTEST_ROW: usize = 32;

/// The number of rows into which the kernel's range is cut: what products ask for, or the number
/// by which most maps become streams and single numbers.
fn rows(plan: &Plan, class: usize, group: &Group) -> usize {
    if let Some(rows) = plan.rows(&group.nodes, &group.sinks) {
        return rows;
    }
    let mut maps: Vec<&IndexMap> = Vec::new();
    for &i in &group.nodes {
        let args = plan.nodes[i].args.iter();
        maps.extend(args.map(|a| &plan.source[a.index()].map));
    }
    for &s in &group.sinks {
        let sink = &plan.sinks[s];
        maps.push(&sink.value.map);
        match &sink.kind {
            SinkKind::Assign(map) | SinkKind::Accumulate(_, map) => maps.push(map),
            SinkKind::Columns(_) => {}
        }
    }
    let mut candidates = vec![class];
    for map in &maps {
        if let IndexMap::Strided { dims, .. } = map {
            let mut columns = 1;
            for dim in dims.iter().rev() {
                columns *= dim.extent;
                candidates.push(columns);
            }
        }
    }
    candidates.sort_unstable();
    candidates.dedup();
    let direct = |columns: usize| {
        let plain = |map: &&&IndexMap| {
            map.by_rows(class / columns, columns)
                .is_some_and(|(_, row)| !matches!(row.form(), Form::Other))
        };
        maps.iter().filter(plain).count()
    };
    let fits = |&columns: &usize| {
        columns == class || (columns >= SHORTEST_ROW && class.is_multiple_of(columns))
    };
    let best = candidates
        .into_iter()
        .filter(fits)
        .max_by_key(|&columns| (direct(columns), columns));
    class / best.unwrap_or(class)
}

fn roomy(seat: Seat) -> bool {
    matches!(seat, Seat::Register(_) | Seat::Stream(_, true))
}

/// A nest as it is if its runs are long, else a table: short runs cost more than indices.
fn lie(map: &IndexMap, n: usize) -> Lie {
    const SHORT_RUN: usize = 8;
    const LARGEST_TABLE: usize = 1 << 22;
    match map {
        IndexMap::Table(table) => Lie::Table(table.clone()),
        IndexMap::Strided { dims, .. }
            if dims.len() > MAX_DIMS
                || (dims.len() > 1
                    && dims[dims.len() - 1].extent < SHORT_RUN
                    && n <= LARGEST_TABLE) =>
        {
            Lie::Table(map.table(n))
        }
        IndexMap::Strided { offset, dims } => Lie::Nest {
            offset: *offset,
            dims: dims.clone(),
        },
    }
}
