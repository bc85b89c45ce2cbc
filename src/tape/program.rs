//! The compiled form: a flat list of instructions with the places they work on.

use super::arena::Aligned;
use super::element::Element;
use super::fuse;
use super::jit::Machine;
use super::layout::{Group, Layout, Stop};
use super::matrix::Product;
use super::melt::melt;
use super::micro::{Context, Kernel, Place};
use super::ode::{self, Integration};
use super::opaque::Slices;
use super::phases::Phase;
use super::plan::{Plan, Role};
use super::recur::{self, Recurrence};
use super::straight::{Straight, assemble, compiled};
use super::vector::Vector;
use crate::graph::{Origin, Shape};
use crate::ops::{Binary, Contract, Scan, Unary};
use crate::passes::Subject;
use crate::special::Level;
use smallvec::SmallVec;
use std::collections::BTreeMap;

pub(super) enum Instruction<T: Element> {
    /// Straight-line code, in phases.
    Scalars(Vec<Phase<T>>),
    Kernel(Kernel<T>),
    Product(Product),
    Slices {
        run: Slices,
        args: Vec<(Place, usize)>,
        out: (Place, usize),
    },
    Recurrence(Recurrence<T>),
    Integration(Box<Integration>),
}

/// What an operation runs inside it, before it has its places.
enum Body<T: Element> {
    Recurrence(recur::Body<T>),
    Equation(Box<ode::Compiled>),
}

impl<T: Element> Body<T> {
    /// Numbers that it takes in the arena.
    fn len(&self) -> usize {
        match self {
            Body::Recurrence(body) => body.len(),
            Body::Equation(equation) => equation.len::<T>(),
        }
    }
}

/// What an instruction does, for those who measure.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The operations: `mul add sum`.
    pub name: String,
    /// Elements that the instruction ranges over.
    pub size: usize,
    /// Block operations, scalar instructions, or 1.
    pub operations: usize,
    /// Bytes of what it leaves in memory.
    pub bytes: usize,
    /// Origins of the nodes it computes, each once, with their parts of its work (1 in all).
    pub origins: Vec<(Origin, f64)>,
}

pub(super) struct Program<T: Element> {
    pub instructions: Vec<Instruction<T>>,
    pub listing: Vec<Listing>,
    pub inputs: Vec<(usize, usize)>,
    pub outputs: Vec<(usize, usize)>,
    /// Cells that hold constants from the start.
    pub initial: Vec<(usize, f64)>,
    constants: Aligned<T>,
    arena_len: usize,
    vector: &'static Vector<T>,
    /// Owns the machine code that instructions refer to.
    _machine: Option<Machine>,
}

impl<T: Element> Program<T> {
    pub fn new(subject: &Subject) -> Program<T> {
        let level = Level::detect();
        let plan = Plan::new(subject);
        let mut layout = Layout::new(&plan, T::LANES, compiled::<T>());
        let mut bodies = bodies(&plan, &mut layout);
        let mut melted = melt(&plan, &mut layout).into_iter().peekable();
        layout.scratch = layout.scratch.next_multiple_of(T::LANES);
        let mut instructions = Vec::new();
        let mut listing = Vec::new();
        let mut initial = layout.initial.clone();
        let mut scratch = 0;
        let mut past = 0;
        for (at, stop) in layout.stops.iter().enumerate() {
            if let Some(melted) = melted.next_if(|m| m.stops.start == at) {
                past = melted.stops.end;
                initial.extend(melted.initial);
                listing.push(list_stops(
                    &plan,
                    &layout,
                    &layout.stops[melted.stops.clone()],
                ));
                instructions.push(Instruction::Scalars(melted.phases));
            }
            if at < past {
                continue;
            }
            match stop {
                Stop::Group { key, group } => {
                    let (kernel, room) = fuse::kernel(&plan, &layout, level, *key, group);
                    scratch = scratch.max(room);
                    instructions.push(Instruction::Kernel(kernel));
                    listing.push(list_group(&plan, &layout, key.0, group));
                }
                Stop::Opaque(i) => {
                    let body = bodies[*i].take();
                    let (instruction, cells) = opaque(&plan, &layout, *i, body);
                    initial.extend(cells);
                    let (instruction, room) = instruction.with_room(layout.scratch);
                    scratch = scratch.max(room);
                    instructions.push(instruction);
                    listing.push(list_node(&plan, *i));
                }
            }
        }
        let straight = instructions.iter_mut().flat_map(Instruction::straight);
        let inputs = layout.inputs.last().map_or(0, |(at, len)| at + len);
        let machine = assemble(straight.collect(), inputs as u32);
        for (entry, instruction) in listing.iter_mut().zip(&instructions) {
            entry.operations = instruction.operations();
            entry.bytes *= size_of::<T>();
            entry.origins = parts(&entry.origins);
            let detail = match instruction {
                Instruction::Recurrence(recurrence) => recurrence.detail(),
                Instruction::Integration(integration) => integration.detail(),
                _ => continue,
            };
            entry.name = format!("{}: {detail}", entry.name);
        }
        let mut constants = Aligned::zeros(layout.constants.len());
        for (to, &x) in constants.iter_mut().zip(&layout.constants) {
            *to = T::of(x);
        }
        Program {
            instructions,
            listing,
            inputs: layout.inputs,
            outputs: layout.outputs,
            initial,
            constants,
            arena_len: layout.scratch + scratch,
            vector: T::vector(level),
            _machine: machine,
        }
    }

    pub fn arena_len(&self) -> usize {
        self.arena_len
    }

    /// Numbers that are never written.
    pub fn constants_len(&self) -> usize {
        self.constants.len()
    }

    /// # Safety
    /// `arena` is on a cache line, holds [`Program::arena_len`] numbers and a line more, has the
    /// initial cells set, and nobody else uses it meanwhile.
    #[inline]
    pub unsafe fn run(&self, arena: *mut T) {
        let context = self.context(arena);
        for instruction in &self.instructions {
            // SAFETY: the caller's promise.
            unsafe { instruction.run(&context) }
        }
    }

    /// Elementary operations of one run, roughly: what it costs, whatever the machine.
    pub fn work(&self) -> usize {
        let each = self.instructions.iter().zip(&self.listing);
        each.map(|(instruction, listing)| match instruction {
            Instruction::Scalars(phases) => phases.iter().map(Phase::work).sum(),
            Instruction::Kernel(kernel) => listing.size * kernel.body.len(),
            Instruction::Product(product) => product.work(),
            Instruction::Slices { run, out, .. } => out.1 * run.work_per_element(),
            Instruction::Recurrence(recurrence) => recurrence.work(),
            Instruction::Integration(integration) => integration.work(),
        })
        .sum()
    }

    pub fn context(&self, arena: *mut T) -> Context<T> {
        Context {
            bases: [arena, self.constants.const_pointer().cast_mut()],
            vector: self.vector,
        }
    }
}

impl<T: Element> Instruction<T> {
    /// # Safety
    /// As for [`Program::run`].
    #[inline]
    pub unsafe fn run(&self, context: &Context<T>) {
        // SAFETY: the caller's promise; places were planned so that arguments and results of one
        // instruction do not overlap.
        unsafe {
            match self {
                Instruction::Scalars(phases) => phases.iter().for_each(|p| p.run(context)),
                Instruction::Kernel(kernel) => kernel.run(context),
                Instruction::Product(product) => product.run(context),
                Instruction::Slices { run, args, out } => run_slices(run, args, *out, context),
                Instruction::Recurrence(recurrence) => recurrence.run(context),
                Instruction::Integration(integration) => integration.run(context),
            }
        }
    }

    fn straight(&mut self) -> Vec<&mut Straight<T>> {
        match self {
            Instruction::Scalars(phases) => phases.iter_mut().filter_map(Phase::code).collect(),
            Instruction::Recurrence(recurrence) => recurrence.straight().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// With its workspace at the place of block registers, and how much of that it needs.
    fn with_room(self, scratch: usize) -> (Instruction<T>, usize) {
        match self {
            Instruction::Product(product) => {
                let room = product.workspace::<T>();
                let product = product.with_room(Place::arena(scratch));
                (Instruction::Product(product), room)
            }
            other => (other, 0),
        }
    }

    fn operations(&self) -> usize {
        match self {
            Instruction::Scalars(phases) => phases.iter().map(Phase::operations).sum(),
            Instruction::Kernel(kernel) => kernel.body.len(),
            _ => 1,
        }
    }
}

/// # Safety
/// As for [`Program::run`].
unsafe fn run_slices<T: Element>(
    run: &Slices,
    args: &[(Place, usize)],
    (out, len): (Place, usize),
    context: &Context<T>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let slice = |(place, len): (Place, usize)| -> &[T] {
            std::slice::from_raw_parts(place.pointer(context), len)
        };
        let out = std::slice::from_raw_parts_mut(out.pointer(context), len);
        match *args {
            [a] => run.run(context.vector, &[slice(a)], out),
            [a, b] => run.run(context.vector, &[slice(a), slice(b)], out),
            _ => {
                let slices: SmallVec<[&[T]; 8]> = args.iter().map(|&a| slice(a)).collect();
                run.run(context.vector, &slices, out);
            }
        }
    }
}

/// The bodies of recurrences and equations, by node, and where their memory starts.
fn bodies<T: Element>(plan: &Plan, layout: &mut Layout) -> Vec<Option<(Body<T>, usize)>> {
    let mut body = |i: usize| {
        let node = &plan.nodes[i];
        if plan.role[i] != Role::Opaque {
            return None;
        }
        let body = match node.op.get::<Scan>() {
            Some(scan) => Body::Recurrence(recur::body(scan, &shapes(plan, i), &node.shape)),
            None => Body::Equation(Box::new(ode::compile(node)?)),
        };
        let region = layout.scratch.next_multiple_of(T::LANES);
        layout.scratch = (region + body.len()).next_multiple_of(T::LANES);
        Some((body, region))
    };
    (0..plan.nodes.len()).map(&mut body).collect()
}

fn shapes(plan: &Plan, i: usize) -> Vec<Shape> {
    let args = plan.nodes[i].args.iter();
    args.map(|a| plan.nodes[a.index()].shape.clone()).collect()
}

fn opaque<T: Element>(
    plan: &Plan,
    layout: &Layout,
    i: usize,
    body: Option<(Body<T>, usize)>,
) -> (Instruction<T>, Vec<(usize, f64)>) {
    let (node, out) = (&plan.nodes[i], layout.places[i]);
    let operands = &plan.operands[i];
    let shapes = shapes(plan, i);
    let places: Vec<Place> = operands
        .iter()
        .map(|o| layout.places[o.buffer].plus(o.offset))
        .collect();
    match (node.op.get::<Scan>(), body) {
        (Some(scan), Some((Body::Recurrence(body), region))) => {
            let shape = &node.shape;
            let (run, cells) = Recurrence::new(scan, body, &shapes, &places, shape, out, region);
            return (Instruction::Recurrence(run), cells);
        }
        (_, Some((Body::Equation(equation), region))) => {
            let run = equation.at(&shapes, &places, &node.shape, out, region);
            return (Instruction::Integration(Box::new(run)), Vec::new());
        }
        _ => {}
    }
    if let Some(op) = node.op.get::<Contract>() {
        let product = Product::new(
            op,
            [&shapes[0], &shapes[1], &node.shape],
            [&operands[0].strides, &operands[1].strides],
            [places[0], places[1], out],
        );
        return (Instruction::Product(product), Vec::new());
    }
    let sizes = node.args.iter().map(|a| plan.size[a.index()]);
    let instruction = Instruction::Slices {
        run: Slices::new(node, shapes),
        args: places.into_iter().zip(sizes).collect(),
        out: (out, plan.size[i]),
    };
    (instruction, Vec::new())
}

/// The stops that were melted into one instruction.
fn list_stops(plan: &Plan, layout: &Layout, stops: &[Stop]) -> Listing {
    let entries = stops.iter().map(|stop| match stop {
        Stop::Group { key, group } => list_group(plan, layout, key.0, group),
        Stop::Opaque(i) => list_node(plan, *i),
    });
    let all = entries.reduce(|mut all, next| {
        all.name = format!("{} {}", all.name, next.name);
        all.size = all.size.max(next.size);
        all.bytes += next.bytes;
        all.origins.extend(next.origins);
        all
    });
    all.expect("something was melted")
}

fn list_group(plan: &Plan, layout: &Layout, size: usize, group: &Group) -> Listing {
    let mut all = Listing {
        name: String::new(),
        size,
        operations: 0,
        bytes: 0,
        origins: Vec::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    for &i in &group.nodes {
        names.push(plan.nodes[i].op.0.name());
        all.origins.push((plan.nodes[i].origin, work(plan, i)));
        all.bytes += if layout.stored[i] { plan.size[i] } else { 0 };
    }
    for &s in &group.sinks {
        let sink = &plan.sinks[s];
        let target = plan.nodes.get(sink.target);
        names.push(target.map_or("output", |n| n.op.0.name()));
        let columns = sink.kind.product().map_or(1, |p| p.columns.len());
        all.origins
            .push((sink.origin, (sink.class * columns) as f64));
        all.bytes += plan.size_of(sink.target);
    }
    all.name = names.join(" ");
    all
}

fn list_node(plan: &Plan, i: usize) -> Listing {
    Listing {
        name: plan.nodes[i].op.0.name().into(),
        size: plan.size[i],
        operations: 1,
        bytes: plan.size[i],
        origins: vec![(plan.nodes[i].origin, plan.size[i] as f64)],
    }
}

/// What an element of a function that is not cheap costs beside an addition, roughly.
const DEAR: f64 = 8.0;

/// Operations of a node that is computed element by element, or as rows of a product.
fn work(plan: &Plan, i: usize) -> f64 {
    let op = &plan.nodes[i].op;
    let cheap =
        op.get::<Unary>().is_none_or(|f| f.0.cheap) && op.get::<Binary>().is_none_or(|f| f.0.cheap);
    let each = match &plan.products[i] {
        Some(product) => product.columns.len() as f64,
        None if cheap => 1.0,
        None => DEAR,
    };
    plan.size[i] as f64 * each
}

/// Each origin once, with its part of the sum.
fn parts(work: &[(Origin, f64)]) -> Vec<(Origin, f64)> {
    let mut by_origin: BTreeMap<Origin, f64> = BTreeMap::new();
    for &(origin, work) in work {
        *by_origin.entry(origin).or_default() += work;
    }
    let total: f64 = by_origin.values().sum();
    let share = |(origin, work)| (origin, work / total.max(1.0));
    by_origin.into_iter().map(share).collect()
}
