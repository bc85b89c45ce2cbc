//! Running a differential equation: the right-hand side (with the rows of its derivatives) is a program of its own in
//! the arena of the one that holds it, mostly a piece of machine code; the steps are those of [`crate::ops::ode`].
//!
//! It is computed in double precision whatever the tape's numbers are: the length of steps is found from differences of
//! nearly equal numbers.

use super::element::Element;
use super::micro::{Context, Place};
use super::program::Program;
use crate::graph::{Node, Shape, numel};
use crate::ops::ode::{Equations, Method, Problem, Size, Solver, System, begin, integrate};
use crate::ops::{Body, Ode, OdeVjp};
use crate::passes::prepare;

/// A right-hand side or its Jacobian, compiled.
struct Function {
    program: Program<f64>,
    /// Where its arena starts, in numbers from the equation's.
    start: usize,
}

/// The programs of an equation, before it has its places.
pub(super) struct Compiled {
    problem: Problem,
    size: Size,
    /// Of derivatives: how many are of the first state's numbers.
    pull: Option<usize>,
    slope: Function,
    jacobian: Option<Function>,
    /// The state, then what steps work in; all numbers.
    state: usize,
    len: usize,
}

/// An equation with its places.
pub(super) struct Integration {
    compiled: Compiled,
    args: Vec<Argument>,
    out: Place,
    /// Numbers of a row of the result.
    row: usize,
    region: usize,
}

struct Argument {
    place: Place,
    /// Numbers of a row, and how far on the next row's are.
    len: usize,
    step: usize,
}

/// Numbers in a line of the cache: programs may read a line past their arena.
const LINE: usize = 8;

/// The programs of a node, if it is an equation.
pub(super) fn compile(node: &Node) -> Option<Compiled> {
    let (problem, system, pull) = if let Some(Ode(problem)) = node.op.get::<Ode>() {
        (problem, System::plain(problem), None)
    } else {
        let OdeVjp { problem, wrt } = node.op.get::<OdeVjp>()?;
        let system = System::with_derivatives(problem, wrt);
        (problem, system, Some(wrt.state))
    };
    let mut len = 0;
    let mut function = |body: &Body| {
        let subject = prepare(&body.graph, &body.inputs, &[body.output]);
        let program = Program::new(&subject);
        let start = len;
        len += (program.arena_len() + LINE).next_multiple_of(LINE);
        Function { program, start }
    };
    let slope = function(&system.slope);
    let jacobian = system.jacobian.as_ref().map(function);
    let state = len;
    let size = system.size;
    let work = size.workspace(problem.solver.method);
    Some(Compiled {
        problem: problem.clone(),
        size,
        pull,
        slope,
        jacobian,
        state,
        len: state + size.state() + work,
    })
}

impl Compiled {
    /// Numbers that it takes in an arena of `T`.
    pub fn len<T: Element>(&self) -> usize {
        (self.len * size_of::<f64>()).div_ceil(size_of::<T>())
    }

    /// `args` are dense; `region` begins on a line of the cache.
    pub fn at(
        self,
        shapes: &[Shape],
        args: &[Place],
        out_shape: &Shape,
        out: Place,
        region: usize,
    ) -> Integration {
        let problem = &self.problem;
        let argument = |(i, (shape, &place)): (usize, (&Shape, &Place))| {
            let lead = problem.rows.filter(|_| problem.batched[i]);
            let len = numel(shape) / lead.unwrap_or(1).max(1);
            Argument {
                place,
                len,
                step: if lead.is_some() { len } else { 0 },
            }
        };
        let args = shapes.iter().zip(args).enumerate().map(argument).collect();
        Integration {
            args,
            out,
            row: numel(out_shape) / problem.rows.unwrap_or(1).max(1),
            region,
            compiled: self,
        }
    }
}

impl Integration {
    /// # Safety
    /// All places were planned for this context; nobody else uses its arena meanwhile.
    pub unsafe fn run<T: Element>(&self, context: &Context<T>) {
        let Compiled { problem, size, .. } = &self.compiled;
        // SAFETY: the region begins on a line of the cache and has room for so many numbers.
        let region = unsafe { context.bases[0].add(self.region) }.cast::<f64>();
        let compiled = &self.compiled;
        let mut equations = Fast {
            slope: Running::new(&compiled.slope, region),
            jacobian: compiled.jacobian.as_ref().map(|f| Running::new(f, region)),
        };
        // SAFETY: as above; the parts of the region do not overlap.
        let (state, work) = unsafe {
            let start = region.add(compiled.state);
            let len = compiled.len - compiled.state;
            std::slice::from_raw_parts_mut(start, len).split_at_mut(size.state())
        };
        for row in 0..problem.rows.unwrap_or(1) {
            // SAFETY: the caller's promise.
            unsafe { self.follow(context, row, &mut equations, state, work) }
        }
    }

    /// # Safety
    /// As for [`Integration::run`].
    unsafe fn follow<T: Element>(
        &self,
        context: &Context<T>,
        row: usize,
        equations: &mut Fast,
        state: &mut [f64],
        work: &mut [f64],
    ) {
        let Compiled {
            problem,
            size,
            pull,
            ..
        } = &self.compiled;
        // SAFETY: planned places of so many numbers each, which the result does not overlap.
        let slice = |arg: &Argument| unsafe {
            let start = arg.place.pointer(context).add(row * arg.step);
            std::slice::from_raw_parts(start.cast_const(), arg.len)
        };
        let out = unsafe {
            let start = self.out.pointer(context).add(row * self.row);
            std::slice::from_raw_parts_mut(start, self.row)
        };
        let n = size.n;
        state.fill(0.0);
        let first = slice(&self.args[0]);
        let (own, _) = work.split_at_mut(n);
        own.iter_mut().zip(first).for_each(|(y, x)| *y = x.wide());
        begin(state, own, pull.unwrap_or(0));
        let constants = problem.body.inputs.len() - 2;
        for i in 0..constants {
            equations.set(2 + i, slice(&self.args[3 + i]));
        }
        let start = slice(&self.args[1])[0].wide();
        let times = slice(&self.args[2]).iter().map(|t| t.wide());
        let how = (*size, &problem.solver);
        match pull {
            None => {
                out.fill(T::of(f64::NAN));
                let put = |j: usize, y: &[f64]| {
                    let to = &mut out[j * n..(j + 1) * n];
                    to.iter_mut().zip(y).for_each(|(o, &y)| *o = T::of(y));
                };
                let _ = integrate(how, equations, start, state, times, work, put);
            }
            Some(_) => {
                let cotangent = slice(&self.args[3 + constants]);
                out.fill(T::ZERO);
                let add = |j: usize, y: &[f64]| {
                    let g = &cotangent[j * n..(j + 1) * n];
                    for (sum, row) in out.iter_mut().zip(y.chunks_exact(n).skip(1)) {
                        let part: f64 = g.iter().zip(row).map(|(g, s)| g.wide() * s).sum();
                        *sum += T::of(part);
                    }
                };
                if integrate(how, equations, start, state, times, work, add).is_err() {
                    out.fill(T::of(f64::NAN));
                }
            }
        }
    }

    /// Elementary operations of one run, roughly: how many steps it takes is not known.
    pub fn work(&self) -> usize {
        let rows = self.compiled.problem.rows.unwrap_or(1);
        let times = self.args[2].len;
        rows * (times + 50) * 6 * self.compiled.slope.program.work()
    }

    pub fn detail(&self) -> String {
        let Compiled {
            problem,
            size,
            slope,
            ..
        } = &self.compiled;
        let Solver { method, .. } = problem.solver;
        let method = match method {
            Method::DormandPrince => "explicit",
            Method::Rodas => "stiff",
        };
        format!(
            "{method}, {} numbers, {} instructions",
            size.state(),
            slope.program.work()
        )
    }
}

/// A program in its place.
struct Running<'a> {
    program: &'a Program<f64>,
    arena: *mut f64,
}

impl<'a> Running<'a> {
    fn new(function: &'a Function, region: *mut f64) -> Running<'a> {
        // SAFETY: programs were given room in the region.
        let arena = unsafe { region.add(function.start) };
        let program = &function.program;
        for &(at, value) in &program.initial {
            // SAFETY: initial cells lie in the program's arena.
            unsafe { *arena.add(at) = value };
        }
        Running { program, arena }
    }

    fn input(&mut self, i: usize) -> &mut [f64] {
        let (at, len) = self.program.inputs[i];
        // SAFETY: inputs lie in the program's arena, which is ours.
        unsafe { std::slice::from_raw_parts_mut(self.arena.add(at), len) }
    }

    fn run(&mut self, t: f64, y: &[f64], out: &mut [f64]) {
        self.input(0)[0] = t;
        self.input(1).copy_from_slice(y);
        // SAFETY: the arena begins on a line of the cache, has room for all numbers and a line more, and is ours.
        unsafe { self.program.run(self.arena) };
        let (at, len) = self.program.outputs[0];
        // SAFETY: outputs lie in the program's arena.
        out.copy_from_slice(unsafe { std::slice::from_raw_parts(self.arena.add(at), len) });
    }
}

struct Fast<'a> {
    slope: Running<'a>,
    jacobian: Option<Running<'a>>,
}

impl Fast<'_> {
    fn set<T: Element>(&mut self, i: usize, values: &[T]) {
        for running in std::iter::once(&mut self.slope).chain(&mut self.jacobian) {
            let input = running.input(i).iter_mut();
            input.zip(values).for_each(|(to, x)| *to = x.wide());
        }
    }
}

impl Equations for Fast<'_> {
    fn slope(&mut self, t: f64, y: &[f64], out: &mut [f64]) {
        self.slope.run(t, y, out);
    }

    fn jacobian(&mut self, t: f64, y: &[f64], out: &mut [f64]) {
        let jacobian = self.jacobian.as_mut();
        jacobian.expect("implicit methods have one").run(t, y, out);
    }
}
