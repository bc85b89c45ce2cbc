//! Ordinary differential equations `y′ = f(t, y, constants)` from a start to given times.
//!
//! The right-hand side is a graph. Derivatives are integrated forwards with the solution (the variational equations
//! `S′ = ∂f/∂y S + ∂f/∂θ`), and their error is controlled with its own. What a derivative needs is mostly not `S`
//! itself but `G · S` for a cotangent `G` ([`OdeVjp`]): its own derivative along `v` is that of `G · w`, where `w = S v`
//! belongs to an equation of twice the size only. So a gradient costs n (1 + p) numbers a step, and a product of
//! the Hessian with a vector 2 n (1 + p), where second derivatives themselves would be n (1 + p)².

mod explicit;
mod rosenbrock;
mod solve;
mod system;
#[cfg(test)]
mod tests;

pub use solve::{Equations, Fault, Method, Size, Solver, integrate};
pub use system::System;

use super::{Body, concat};
use crate::graph::{
    Graph, Lane, NodeId, Operation, Pull, Rebuild, Shape, Tensor, Var, evaluate, numel,
};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// An equation, how it is solved, and which of its arguments have a leading axis of rows.
///
/// Arguments: the state `[n]` at the start, the start, the times `[T]` (ascending from the start), then constants. Rows are
/// integrated one by one, each with its own steps.
#[derive(Clone)]
pub struct Problem {
    /// `t`, state, constants to slopes.
    pub body: Body,
    pub solver: Solver,
    pub rows: Option<usize>,
    /// For every argument of the operation.
    pub batched: SmallVec<[bool; 8]>,
}

/// The solution at the times: `[rows?, T, n]`. NaN from where it cannot be followed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ode(pub Problem);

/// Derivatives of `Σ G · y` for a cotangent `G` `[rows?, T, n]` of the solution, the last argument: `[rows?, q]`, for the
/// numbers of the first state, then of the constants that [`Wrt`] names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OdeVjp {
    pub problem: Problem,
    pub wrt: Wrt,
}

/// With respect to what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wrt {
    /// The first so many numbers of the state at the start.
    pub state: usize,
    /// Which of the constants.
    pub constants: SmallVec<[usize; 8]>,
}

impl Wrt {
    /// How many numbers these are.
    pub fn len(&self, body: &Body) -> usize {
        let size = |&i: &usize| numel(&body.graph.var(body.inputs[2 + i]).shape());
        self.state + self.constants.iter().map(size).sum::<usize>()
    }
}

/// The solution of `y′ = body(t, y, constants)` with `y(t0) = y0` at `times`: `[T, n]`.
pub fn ode<'g>(
    body: Body,
    solver: Solver,
    y0: Var<'g>,
    t0: Var<'g>,
    times: Var<'g>,
    constants: &[Var<'g>],
) -> Var<'g> {
    let mut args = vec![y0, t0, times];
    args.extend_from_slice(constants);
    let batched = SmallVec::from_elem(false, args.len());
    y0.graph.apply(
        Ode(Problem {
            body,
            solver,
            rows: None,
            batched,
        }),
        &args,
    )
}

/// Which argument is what.
const STATE: usize = 0;
const START: usize = 1;
const TIMES: usize = 2;
const CONSTANTS: usize = 3;

impl Problem {
    /// Numbers of a state.
    pub fn extent(&self) -> usize {
        numel(&self.body.graph.var(self.body.inputs[1]).shape())
    }

    /// The shape of a row of each argument, or what is wrong; times have any number.
    fn expect(&self, args: &[&Shape]) -> Result<usize, String> {
        let own = |i: usize| -> Result<&[usize], String> {
            match (self.rows, self.batched[i]) {
                (Some(rows), true) if args[i].first() != Some(&rows) => {
                    Err(format!("argument {i} has no {rows} rows"))
                }
                (Some(_), true) => Ok(&args[i][1..]),
                _ => Ok(args[i]),
            }
        };
        let n = self.extent();
        let times = own(TIMES)?;
        if own(STATE)? != [n] || !own(START)?.is_empty() || times.len() != 1 {
            return Err(format!("states of {n} numbers, a start, times: {args:?}"));
        }
        for (i, &input) in self.body.inputs[2..].iter().enumerate() {
            let shape = self.body.graph.var(input).shape();
            if own(CONSTANTS + i)? != shape.as_slice() {
                return Err(format!("constant {i} is {shape:?}: {args:?}"));
            }
        }
        if self.body.graph.var(self.body.output).shape().as_slice() != [n] {
            return Err(format!("the slopes of {n} numbers are as many"));
        }
        Ok(times[0])
    }

    fn lead(&self) -> Shape {
        self.rows.into_iter().collect()
    }

    /// The same with another leading axis, which becomes rows.
    fn batch<'g>(&self, args: &[Var<'g>], flags: &[bool], size: usize) -> (Problem, Vec<Var<'g>>) {
        let rows = self.rows.unwrap_or(1);
        let wide = |(i, &arg): (usize, &Var<'g>)| {
            if !flags[i] && !self.batched[i] {
                return arg;
            }
            let own = self.rows.is_some() && self.batched[i];
            let skip = usize::from(flags[i]) + usize::from(own);
            let rest = arg.shape()[skip..].to_vec();
            let mut shape = vec![if flags[i] { size } else { 1 }];
            shape.push(if own { rows } else { 1 });
            shape.extend(&rest);
            let mut full = vec![size, rows];
            full.extend(&rest);
            let mut flat = vec![size * rows];
            flat.extend(&rest);
            arg.reshape(&shape).broadcast(&full).reshape(&flat)
        };
        let args = args.iter().enumerate().map(wide).collect();
        let either = self.batched.iter().zip(flags).map(|(a, b)| *a || *b);
        let problem = Problem {
            rows: Some(size * rows),
            batched: either.collect(),
            ..self.clone()
        };
        (problem, args)
    }

    /// A result of [`Problem::batch`] with both leading axes.
    fn split<'g>(&self, out: Var<'g>, size: usize) -> Var<'g> {
        let Some(rows) = self.rows else {
            return out;
        };
        let mut shape = vec![size, rows];
        shape.extend_from_slice(&out.shape()[1..]);
        out.reshape(&shape)
    }

    /// The cotangent of an argument from those of its rows.
    fn gathered<'g>(&self, argument: usize, rows: Var<'g>) -> Var<'g> {
        match self.rows.is_some() && !self.batched[argument] {
            true => rows.sum_axes(&[rows.rank() - 1]),
            false => rows,
        }
    }

    /// Slopes at `times` `[rows?, K]` and `states` `[rows?, K, n]`.
    fn slopes<'g>(&self, times: Var<'g>, states: Var<'g>, args: &[Var<'g>]) -> Var<'g> {
        let k = states.extent(1);
        let count = self.rows.unwrap_or(1) * k;
        let mut copy = Rebuild::batched(&self.body.graph, states.graph, count);
        let inputs = &self.body.inputs;
        copy.substitute(inputs[0], times.reshape(&[count]), true);
        copy.substitute(inputs[1], states.reshape(&[count, self.extent()]), true);
        for (i, &id) in inputs[2..].iter().enumerate() {
            let arg = args[CONSTANTS + i];
            if !self.batched[CONSTANTS + i] {
                copy.substitute(id, arg, false);
                continue;
            }
            let own = self.body.graph.var(id).shape();
            let mut each = self.lead();
            each.push(k);
            each.extend_from_slice(&own);
            let mut flat = vec![count];
            flat.extend_from_slice(&own);
            let wide = arg.unsqueeze(own.len()).broadcast(&each).reshape(&flat);
            copy.substitute(id, wide, true);
        }
        let slopes = copy.emit_batched(&[self.body.output])[0];
        slopes.reshape(&states.shape())
    }

    /// An argument with the rows that it may lack.
    fn with_rows<'g>(&self, args: &[Var<'g>], i: usize) -> Var<'g> {
        let Some(rows) = self.rows else {
            return args[i];
        };
        Lane {
            var: args[i],
            batched: self.batched[i],
        }
        .lead(rows)
    }

    /// Cotangents of times: `Σ cotangent · f` at the solution.
    fn of_times<'g>(&self, args: &[Var<'g>], states: Var<'g>, cotangent: Var<'g>) -> Var<'g> {
        let slopes = self.slopes(self.with_rows(args, TIMES), states, args);
        self.gathered(TIMES, (slopes * cotangent).sum_axes(&[0]))
    }

    /// The cotangent of the start from that of the state there: a later start lets the state begin
    /// where it would have been a little later, `∂y/∂t0 = −∂y/∂y0 f(t0, y0)`.
    fn of_start<'g>(&self, args: &[Var<'g>], of_state: Var<'g>) -> Var<'g> {
        let state = self.with_rows(args, STATE).unsqueeze(1);
        let slopes = self.slopes(self.with_rows(args, START).unsqueeze(0), state, args);
        let sum = (slopes * of_state.unsqueeze(1)).sum_axes(&[0, 1]);
        self.gathered(START, -sum)
    }

    /// What of the first `state` numbers of the start and of the first `constants` may vary.
    fn wrt(&self, args: &[Var<'_>], state: usize, constants: usize) -> Wrt {
        let varies = |i: usize| args[i].as_const().is_none();
        Wrt {
            state: if varies(STATE) || varies(START) {
                state
            } else {
                0
            },
            constants: (0..constants).filter(|i| varies(CONSTANTS + i)).collect(),
        }
    }

    /// An [`OdeVjp`] and its parts by argument, for each row.
    fn pulled<'g>(&self, args: &[Var<'g>], wrt: Wrt, cotangent: Var<'g>) -> Parts<'g> {
        let q = wrt.len(&self.body);
        let mut parts = Parts {
            state: None,
            constants: vec![None; self.body.inputs.len() - 2],
        };
        if q == 0 {
            return parts;
        }
        let mut problem = self.clone();
        problem.batched.push(self.rows.is_some());
        let mut all = args.to_vec();
        all.push(cotangent);
        let wrt_in = wrt.clone();
        let op = OdeVjp {
            problem,
            wrt: wrt_in,
        };
        let flat = cotangent.graph.apply(op, &all);
        if wrt.state > 0 {
            parts.state = Some(flat.slice(0, 0, wrt.state));
        }
        for (at, i, own) in wrt.places(&self.body) {
            let mut shape = self.lead();
            shape.extend_from_slice(&own);
            parts.constants[i] = Some(flat.slice(0, at, numel(&own)).reshape(&shape));
        }
        parts
    }
}

impl Wrt {
    /// Where each constant's derivatives begin, which constant that is, its shape.
    fn places(&self, body: &Body) -> Vec<(usize, usize, Shape)> {
        let mut at = self.state;
        let place = |&i: &usize| {
            let own = body.graph.var(body.inputs[2 + i]).shape();
            at += numel(&own);
            (at - numel(&own), i, own)
        };
        self.constants.iter().map(place).collect()
    }
}

/// Cotangents for every row.
struct Parts<'g> {
    state: Option<Var<'g>>,
    constants: Vec<Option<Var<'g>>>,
}

impl Operation for Ode {
    fn name(&self) -> &'static str {
        "ode"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let times = self.0.expect(args)?;
        let mut shape = self.0.lead();
        shape.extend([times, self.0.extent()]);
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let system = System::plain(&self.0);
        let n = self.0.extent();
        let rows = self.0.rows.unwrap_or(1);
        for (row, out) in out.chunks_exact_mut((out.len() / rows).max(1)).enumerate() {
            out.fill(f64::NAN);
            let at = |j: usize, y: &[f64]| out[j * n..(j + 1) * n].copy_from_slice(y);
            // Why not is asked again where it is wanted: the rest stays NaN.
            let _ = self.0.follow(&system, 0, args, row, at);
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (problem, args) = (&self.0, &node.args);
        let count = args.len() - CONSTANTS;
        let wrt = problem.wrt(args, problem.extent(), count);
        let parts = problem.pulled(args, wrt, node.cotangent);
        let varies = |i: usize| args[i].as_const().is_none();
        let start = parts.state.filter(|_| varies(START));
        let start = start.map(|d| problem.of_start(args, d));
        let times = varies(TIMES).then(|| problem.of_times(args, node.out, node.cotangent));
        let mut all = vec![
            parts.state.map(|d| problem.gathered(STATE, d)),
            start,
            times,
        ];
        let constants = parts.constants.into_iter().enumerate();
        all.extend(constants.map(|(i, d)| Some(problem.gathered(CONSTANTS + i, d?))));
        all
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let (problem, args) = self.0.batch(args, batched, size);
        let out = args[0].graph.apply(Ode(problem), &args);
        self.0.split(out, size)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let shapes: Vec<Shape> = args.iter().map(|a| a.shape()).collect();
        let shape = self.shape(&shapes.iter().collect::<Vec<_>>()).ok()?;
        if numel(&shape) == 0 {
            return Some(graph.scalar(0.0).broadcast(&shape));
        }
        let known: Option<Vec<Tensor>> = args.iter().map(|a| a.as_const()).collect();
        let known = known?;
        let mut out = vec![0.0; numel(&shape)];
        self.eval(&known.iter().collect::<Vec<_>>(), &mut out);
        // What cannot be followed stays, to be explained.
        let finite = out.iter().all(|x| x.is_finite());
        finite.then(|| graph.constant(Tensor::new(shape, out)))
    }

    fn folds(&self) -> bool {
        false
    }

    fn fault(&self, args: &[&Tensor]) -> Option<String> {
        let system = System::plain(&self.0);
        (0..self.0.rows.unwrap_or(1)).find_map(|row| self.0.why_not(&system, 0, args, row))
    }

    fn detail(&self) -> String {
        self.0.detail()
    }
}

impl Operation for OdeVjp {
    fn name(&self) -> &'static str {
        "ode_vjp"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let problem = &self.problem;
        let times = problem.expect(args)?;
        let mut expected = Shape::new();
        if problem.batched[args.len() - 1] {
            expected.extend(problem.rows);
        }
        expected.extend([times, problem.extent()]);
        let cotangent = args[args.len() - 1];
        if *cotangent != expected {
            return Err(format!("a cotangent of {cotangent:?} for {expected:?}"));
        }
        let mut shape = problem.lead();
        shape.push(self.wrt.len(&problem.body));
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let problem = &self.problem;
        let system = System::with_derivatives(problem, &self.wrt);
        let q = self.wrt.len(&problem.body);
        let last = args.len() - 1;
        for (row, out) in out.chunks_exact_mut(q).enumerate() {
            let cotangent = problem.row_of(args, last, row);
            out.fill(0.0);
            let at = |j: usize, y: &[f64]| contract(out, cotangent, j, y, system.size.n);
            let done = problem.follow(&system, self.wrt.state, args, row, at);
            if done.is_err() {
                out.fill(f64::NAN);
            }
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (problem, n) = (&self.problem, self.problem.extent());
        let (args, cotangent) = (
            &node.args[..node.args.len() - 1],
            node.args[node.args.len() - 1],
        );
        let last = args.len();
        // The equation of the solution and of its derivative along the cotangent.
        let (along, all) = self.along(args, node.cotangent);
        let both = cotangent.graph.apply(Ode(along.clone()), &all);
        let lift = |g: Var<'g>| g.pad(0, n, 0);
        let g = lift(problem.with_rows(&node.args, last));
        let wrt = problem.wrt(args, n, last - CONSTANTS);
        let parts = along.pulled(&all, wrt, g);
        let varies = |i: usize| args[i].as_const().is_none();
        let gathered = |i: usize, d: Var<'g>| problem.gathered(i, d);
        let start = parts.state.filter(|_| varies(START)).map(|d| {
            // What is linear in its start has the derivative itself as its own.
            let own = node.out.slice(0, 0, n);
            gathered(START, along.of_start(&all, concat(&[d, own], 0)))
        });
        let times = varies(TIMES).then(|| gathered(TIMES, along.of_times(&all, both, g)));
        let mut result = vec![parts.state.map(|d| gathered(STATE, d)), start, times];
        let constants = parts
            .constants
            .into_iter()
            .take(last - CONSTANTS)
            .enumerate();
        result.extend(constants.map(|(i, d)| Some(gathered(CONSTANTS + i, d?))));
        result.push(Some(gathered(last, both.slice(0, n, n))));
        result
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let (problem, args) = self.problem.batch(args, batched, size);
        let wrt = self.wrt.clone();
        let out = args[0].graph.apply(OdeVjp { problem, wrt }, &args);
        self.problem.split(out, size)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let cotangent = args.last()?;
        let nothing = cotangent.numel() == 0 || cotangent.as_uniform() == Some(0.0);
        let shapes: Vec<Shape> = args.iter().map(|a| a.shape()).collect();
        let shape = self.shape(&shapes.iter().collect::<Vec<_>>()).ok()?;
        (nothing || numel(&shape) == 0).then(|| graph.scalar(0.0).broadcast(&shape))
    }

    fn folds(&self) -> bool {
        false
    }

    fn fault(&self, args: &[&Tensor]) -> Option<String> {
        let system = System::with_derivatives(&self.problem, &self.wrt);
        let rows = 0..self.problem.rows.unwrap_or(1);
        let mut why = rows.map(|row| self.problem.why_not(&system, self.wrt.state, args, row));
        why.find_map(|w| w)
    }

    fn detail(&self) -> String {
        self.problem.detail()
    }
}

impl OdeVjp {
    /// The equation of the solution and its derivative along `v` `[rows?, q]`, with its arguments.
    fn along<'g>(&self, args: &[Var<'g>], v: Var<'g>) -> (Problem, Vec<Var<'g>>) {
        let (problem, n) = (&self.problem, self.problem.extent());
        let rows = problem.rows.is_some();
        let m = self.wrt.state;
        let tangent = v.slice(0, 0, m).pad(0, 0, n - m);
        let state = problem.with_rows(args, STATE);
        let mut all = args.to_vec();
        all[STATE] = concat(&[state, tangent], 0);
        let mut batched: SmallVec<[bool; 8]> = problem.batched[..args.len()].into();
        batched[STATE] = rows;
        for (at, _, own) in self.wrt.places(&problem.body) {
            let mut shape = problem.lead();
            shape.extend_from_slice(&own);
            all.push(v.slice(0, at, numel(&own)).reshape(&shape));
            batched.push(rows);
        }
        let along = Problem {
            body: system::directional(&problem.body, &self.wrt),
            batched,
            ..problem.clone()
        };
        (along, all)
    }
}

/// Adds what one time gives to the derivatives of `Σ G · y`: `y` has a row for each after its first.
pub fn contract(out: &mut [f64], cotangent: &[f64], j: usize, y: &[f64], n: usize) {
    let g = &cotangent[j * n..(j + 1) * n];
    for (sum, row) in out.iter_mut().zip(y.chunks_exact(n).skip(1)) {
        *sum += g.iter().zip(row).map(|(g, s)| g * s).sum::<f64>();
    }
}

/// The first state with the rows of its derivatives: `directions` of it are of its own numbers.
pub fn begin(state: &mut [f64], y0: &[f64], directions: usize) {
    state.fill(0.0);
    let n = y0.len();
    state[..n].copy_from_slice(y0);
    for k in 0..directions {
        state[(1 + k) * n + k] = 1.0;
    }
}

// The slow way: node by node, for single points.
impl Problem {
    fn row_of<'a>(&self, args: &[&'a Tensor], i: usize, row: usize) -> &'a [f64] {
        let data = args[i].data();
        match self.rows.filter(|_| self.batched[i]) {
            Some(rows) => &data[row * (data.len() / rows)..(row + 1) * (data.len() / rows)],
            None => data,
        }
    }

    fn follow(
        &self,
        system: &System,
        directions: usize,
        args: &[&Tensor],
        row: usize,
        at: impl FnMut(usize, &[f64]),
    ) -> Result<(), Fault> {
        let size = system.size;
        let mut state = vec![0.0; size.state()];
        begin(&mut state, self.row_of(args, STATE, row), directions);
        let constants = (0..self.body.inputs.len() - 2).map(|i| {
            let shape = self.body.graph.var(self.body.inputs[2 + i]).shape();
            let values = self.row_of(args, CONSTANTS + i, row).to_vec();
            Tensor::new(shape, values)
        });
        let mut equations = Slow {
            system,
            constants: constants.collect(),
        };
        let times = self.row_of(args, TIMES, row).iter().copied();
        let start = self.row_of(args, START, row)[0];
        let mut work = vec![0.0; size.workspace(self.solver.method)];
        let how = (size, &self.solver);
        integrate(how, &mut equations, start, &mut state, times, &mut work, at)
    }

    fn why_not(
        &self,
        system: &System,
        directions: usize,
        args: &[&Tensor],
        row: usize,
    ) -> Option<String> {
        let fault = self
            .follow(system, directions, args, row, |_, _| {})
            .err()?;
        let of_row = match self.rows {
            Some(rows) if rows > 1 => format!(" in row {}", row + 1),
            _ => String::new(),
        };
        Some(format!("{fault}{of_row}"))
    }

    fn detail(&self) -> String {
        let Solver {
            method, rtol, atol, ..
        } = self.solver;
        format!("{method:?} rtol={rtol} atol={atol}")
    }
}

struct Slow<'a> {
    system: &'a System,
    constants: Vec<Tensor>,
}

impl Slow<'_> {
    fn run(&self, body: &Body, t: f64, y: &[f64], out: &mut [f64]) {
        let Size { n, groups } = self.system.size;
        let state = Tensor::new(Shape::from_slice(&[groups, n]), y.to_vec());
        let mut feeds: Vec<(NodeId, Tensor)> =
            vec![(body.inputs[0], Tensor::scalar(t)), (body.inputs[1], state)];
        let constants = body.inputs[2..].iter().copied();
        feeds.extend(constants.zip(self.constants.iter().cloned()));
        let value = evaluate(&body.graph, &feeds, &[body.output]).remove(0);
        out.copy_from_slice(value.data());
    }
}

impl Equations for Slow<'_> {
    fn slope(&mut self, t: f64, y: &[f64], out: &mut [f64]) {
        self.run(&self.system.slope, t, y, out);
    }

    fn jacobian(&mut self, t: f64, y: &[f64], out: &mut [f64]) {
        let body = self.system.jacobian.as_ref();
        self.run(body.expect("implicit methods have one"), t, y, out);
    }
}

// Two problems are the same if they run the same body object the same way.
impl PartialEq for Problem {
    fn eq(&self, other: &Problem) -> bool {
        std::sync::Arc::ptr_eq(&self.body.graph, &other.body.graph)
            && self.body.inputs == other.body.inputs
            && self.body.output == other.body.output
            && self.solver == other.solver
            && self.rows == other.rows
            && self.batched == other.batched
    }
}

impl Eq for Problem {}

impl Hash for Problem {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let graph = std::sync::Arc::as_ptr(&self.body.graph) as usize;
        (graph, self.body.output, self.solver, self.rows).hash(state);
    }
}

impl std::fmt::Debug for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail())
    }
}

impl std::fmt::Debug for Ode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail())
    }
}

impl std::fmt::Debug for OdeVjp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail())
    }
}
