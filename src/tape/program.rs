//! The compiled form: a flat list of instructions with the places they work on.

use super::arena::Aligned;
use super::element::Element;
use super::fuse;
use super::layout::{Group, Layout, Stop};
use super::matrix::Product;
use super::micro::{Context, Kernel, Place, Preset, run_presets};
use super::opaque::Slices;
use super::plan::{Plan, SinkKind, User};
use super::recur::{self, Recurrence};
use super::scalar::{self, Scalar, Steps};
use super::vector::Vector;
use crate::graph::{Origin, Shape};
use crate::ops::{Binary, Contract, ReduceKind, Scan, Unary};
use crate::passes::Subject;
use crate::special::Level;

pub(super) enum Instruction<T: Element = f64> {
    Scalars {
        presets: Vec<Preset<T>>,
        code: Vec<Scalar<T>>,
    },
    Kernel(Kernel<T>),
    Product(Product),
    Slices {
        run: Slices,
        args: Vec<(Place, usize)>,
        out: (Place, usize),
    },
    Recurrence(Recurrence<T>),
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
    /// Origins of the nodes it computes, each once.
    pub origins: Vec<Origin>,
}

pub(super) struct Program<T: Element = f64> {
    pub instructions: Vec<Instruction<T>>,
    pub listing: Vec<Listing>,
    pub inputs: Vec<(usize, usize)>,
    pub outputs: Vec<(usize, usize)>,
    /// Cells that hold constants from the start.
    pub initial: Vec<(usize, T)>,
    constants: Aligned<T>,
    arena_len: usize,
    vector: &'static Vector<T>,
}

impl<T: Element> Program<T> {
    pub fn new(subject: &Subject) -> Program<T> {
        let level = Level::detect();
        let plan = Plan::new(subject);
        let mut layout = Layout::new(&plan, T::LANES);
        let mut bodies = Vec::new();
        for i in 0..plan.nodes.len() {
            let needed = plan.role[i] == super::plan::Role::Opaque;
            let scan = plan.nodes[i].op.get::<Scan>().filter(|_| needed);
            bodies.push(scan.map(|scan| {
                let body = recur::body(scan, &shapes(&plan, i), &plan.nodes[i].shape);
                let region = layout.scratch;
                layout.scratch = (region + body.len()).next_multiple_of(T::LANES);
                (body, region)
            }));
        }
        let mut instructions = Vec::new();
        let mut listing = Vec::new();
        let cells = layout.initial.iter();
        let mut initial: Vec<(usize, T)> = cells.map(|&(at, x)| (at, T::of(x))).collect();
        let mut scratch = 0;
        for stop in &layout.stops {
            match stop {
                Stop::Group { key: (1, _), group } => {
                    instructions.push(scalars(&plan, &layout, group));
                    listing.push(list_group(&plan, 1, group));
                }
                Stop::Group { key, group } => {
                    let (kernel, room) = fuse::kernel(&plan, &layout, level, *key, group);
                    scratch = scratch.max(room);
                    instructions.push(Instruction::Kernel(kernel));
                    listing.push(list_group(&plan, key.0, group));
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
        for (entry, instruction) in listing.iter_mut().zip(&instructions) {
            entry.operations = instruction.operations();
            if let Instruction::Recurrence(recurrence) = instruction {
                entry.name = format!("{}: {}", entry.name, recurrence.detail());
            }
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
        }
    }

    pub fn arena_len(&self) -> usize {
        self.arena_len
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
                Instruction::Scalars { presets, code } => {
                    run_presets(presets, context);
                    let [arena, constants] = context.bases;
                    (context.vector.scalars)(code, arena, constants, Steps::ONE);
                }
                Instruction::Kernel(kernel) => kernel.run(context),
                Instruction::Product(product) => product.run(context),
                Instruction::Slices { run, args, out } => run_slices(run, args, *out, context),
                Instruction::Recurrence(recurrence) => recurrence.run(context),
            }
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
            Instruction::Scalars { code, .. } => code.len(),
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
            [a] => run.run(&[slice(a)], out),
            [a, b] => run.run(&[slice(a), slice(b)], out),
            _ => run.run(&args.iter().map(|&a| slice(a)).collect::<Vec<_>>(), out),
        }
    }
}

fn shapes(plan: &Plan, i: usize) -> Vec<Shape> {
    let args = plan.nodes[i].args.iter();
    args.map(|a| plan.nodes[a.index()].shape.clone()).collect()
}

fn opaque<T: Element>(
    plan: &Plan,
    layout: &Layout,
    i: usize,
    body: Option<(recur::Body<T>, usize)>,
) -> (Instruction<T>, Vec<(usize, T)>) {
    let (node, out) = (&plan.nodes[i], layout.places[i]);
    let operands = &plan.operands[i];
    let shapes = shapes(plan, i);
    let places: Vec<Place> = operands
        .iter()
        .map(|o| layout.places[o.buffer].plus(o.offset))
        .collect();
    if let (Some(scan), Some((body, region))) = (node.op.get::<Scan>(), body) {
        let (run, cells) = Recurrence::new(scan, body, &shapes, &places, &node.shape, out, region);
        return (Instruction::Recurrence(run), cells);
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

/// The group of single numbers.
fn scalars<T: Element>(plan: &Plan, layout: &Layout, group: &Group) -> Instruction<T> {
    let cell = |source: &super::plan::Source| {
        let place = layout.places[source.base];
        let offset = source.map.table(1)[0] as usize;
        place.plus(offset)
    };
    let mut code = Vec::new();
    let operand = |source: &super::plan::Source, code: &mut Vec<Scalar<T>>, spare: u32| {
        let place = cell(source);
        match place.in_constants() {
            // An element of a constant tensor is a constant itself, unless a pass made it so late.
            Some(start) => {
                code.push(Scalar::TakeConstant(spare, start, 0));
                spare
            }
            None => place.cell(),
        }
    };
    for &i in &group.nodes {
        let out = layout.places[i].cell();
        let op = &plan.nodes[i].op;
        let sources: Vec<_> = plan.nodes[i]
            .args
            .iter()
            .map(|a| &plan.source[a.index()])
            .collect();
        // Results are written last, so their cell can hold an operand until then; only one may
        // need that, others being folded.
        let a: Vec<u32> = sources.iter().map(|s| operand(s, &mut code, out)).collect();
        code.push(if let Some(unary) = op.get::<Unary>() {
            scalar::unary(unary.0, out, a[0])
        } else if let Some(binary) = op.get::<Binary>() {
            scalar::binary(binary.0, out, a[0], a[1])
        } else {
            Scalar::Select(out, a[0], a[1], a[2])
        });
    }
    let within: Vec<u32> = group
        .nodes
        .iter()
        .filter(|&&i| only_within(plan, layout, i))
        .map(|&i| layout.places[i].cell())
        .collect();
    scalar::join_products(&mut code, |cell| !within.contains(&cell));
    for &s in &group.sinks {
        let sink = &plan.sinks[s];
        let target = layout.places[sink.target];
        let (map, kind) = match &sink.kind {
            SinkKind::Assign(map) => (map, None),
            SinkKind::Accumulate(kind, map) => (map, Some(*kind)),
            SinkKind::Columns(_) => unreachable!("products have several rows"),
        };
        let to = target.plus(map.table(1)[0] as usize).cell();
        let from = operand(&sink.value, &mut code, to);
        code.push(match kind {
            None => Scalar::Copy(to, from),
            Some(ReduceKind::Sum) => Scalar::Add(to, to, from),
            Some(ReduceKind::Max) => {
                Scalar::Call2(|a, b| ReduceKind::Max.combine(a, b), to, to, from)
            }
            Some(ReduceKind::Min) => {
                Scalar::Call2(|a, b| ReduceKind::Min.combine(a, b), to, to, from)
            }
        });
    }
    Instruction::Scalars {
        presets: fuse::presets(plan, layout, group),
        code,
    }
}

/// Whether one single number of the same group reads the node, and nobody else.
fn only_within(plan: &Plan, layout: &Layout, i: usize) -> bool {
    match layout.uses[i].as_slice() {
        [usage] => {
            let near = usage.register && plan.stage_of(usage.by) == plan.stage[i];
            near && plan.home[i].is_none() && matches!(usage.by, User::Node(_))
        }
        _ => false,
    }
}

fn list_group(plan: &Plan, size: usize, group: &Group) -> Listing {
    let mut names: Vec<&str> = Vec::new();
    let mut origins = Vec::new();
    for &i in &group.nodes {
        names.push(plan.nodes[i].op.0.name());
        origins.push(plan.nodes[i].origin);
    }
    for &s in &group.sinks {
        let sink = &plan.sinks[s];
        names.push(
            plan.nodes
                .get(sink.target)
                .map_or("output", |n| n.op.0.name()),
        );
        origins.push(sink.origin);
    }
    origins.sort_unstable();
    origins.dedup();
    Listing {
        name: names.join(" "),
        size,
        operations: 0,
        origins,
    }
}

fn list_node(plan: &Plan, i: usize) -> Listing {
    Listing {
        name: plan.nodes[i].op.0.name().into(),
        size: plan.size[i],
        operations: 1,
        origins: vec![plan.nodes[i].origin],
    }
}
