//! Steps along the solution of a differential equation: their lengths by the error of each, ending exactly
//! at every time that is asked for.
//!
//! The state is `groups` rows of `n` numbers: the equation's own first, then one row for each direction of
//! its derivatives. The error of a step is the largest of the rows' errors, so that a solution with derivatives is as
//! exact as one without, and its derivatives are as exact as it.

use super::explicit::DormandPrince;
use super::rosenbrock::Rodas;
use std::fmt;
use std::hash::{Hash, Hasher};

/// How steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Explicit, of order 5: for equations that are not stiff.
    DormandPrince,
    /// Linearly implicit, L-stable, of order 4: for stiff ones.
    Rodas,
}

/// A method and what it must hold.
#[derive(Clone, Copy, Debug)]
pub struct Solver {
    pub method: Method,
    /// The error of a step is at most `atol + rtol · |y|`, as the root of its mean square.
    pub rtol: f64,
    pub atol: f64,
    /// Steps, refused ones among them, from the start to the last time.
    pub max_steps: usize,
}

impl Solver {
    /// With a method, the defaults. Steps differ from point to point, so that a density of solutions is rough by some
    /// hundred or thousand times the tolerance, after division by the squared sds of data. With 1e-8 second-order
    /// optimisers do not notice; with 1e-6 fits of oscillating populations are led astray.
    pub fn new(method: Method) -> Solver {
        Solver {
            method,
            rtol: 1e-8,
            atol: 1e-8,
            max_steps: 100_000,
        }
    }
}

impl PartialEq for Solver {
    fn eq(&self, other: &Solver) -> bool {
        let bits = |s: &Solver| (s.method, s.rtol.to_bits(), s.atol.to_bits(), s.max_steps);
        bits(self) == bits(other)
    }
}

impl Eq for Solver {}

impl Hash for Solver {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Solver { method, rtol, .. } = self;
        (method, rtol.to_bits(), self.atol.to_bits(), self.max_steps).hash(state);
    }
}

/// Why there is no solution at some time.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Times must not go back: the one before, and the one that is earlier.
    Order { before: f64, next: f64 },
    /// The right-hand side is not a number at a time and state.
    NotFinite { t: f64, y: Vec<f64> },
    /// Steps have become too short to change the time.
    Underflow { t: f64, y: Vec<f64> },
    TooManySteps {
        most: usize,
        from: f64,
        t: f64,
        to: f64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = |y: &[f64]| {
            let shown: Vec<String> = y.iter().take(6).map(|&x| number(x)).collect();
            let more = if y.len() > 6 { ", …" } else { "" };
            format!("[{}{more}]", shown.join(", "))
        };
        match self {
            Fault::Order { before, next } => write!(
                f,
                "the times of a solution must ascend from its start: {} comes after {}",
                number(*next),
                number(*before)
            ),
            Fault::NotFinite { t, y } => write!(
                f,
                "the right-hand side is not finite near t = {}, y = {}",
                number(*t),
                state(y)
            ),
            Fault::Underflow { t, y } => write!(
                f,
                "the solver's steps became too short at t = {}, y = {}: the solution may grow beyond bounds there, \
                 or `rtol` and `atol` are too small",
                number(*t),
                state(y)
            ),
            Fault::TooManySteps { most, from, t, to } => write!(
                f,
                "the solver needed more than {most} steps between t = {} and t = {} (it came to t = {}): \
                 try `ode_stiff`, larger `rtol` and `atol`, or larger `max_steps`",
                number(*from),
                number(*to),
                number(*t)
            ),
        }
    }
}

/// Six significant digits.
fn number(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-4..1e7).contains(&x.abs()) {
        return format!("{x:.4e}");
    }
    let rounded = (x * 1e6).round() / 1e6;
    format!("{rounded}")
}

/// `y′ = f(t, y)`, with the parts of its derivative that an implicit method needs.
pub trait Equations {
    /// `f(t, y)` of the whole state.
    fn slope(&mut self, t: f64, y: &[f64], out: &mut [f64]);

    /// The derivatives of the whole `f` with respect to the first `n` numbers of the state, one after the other, then
    /// with respect to `t`: n + 1 rows of the state's size.
    fn jacobian(&mut self, t: f64, y: &[f64], out: &mut [f64]);
}

/// The numbers of a state: `groups` rows of `n`.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub n: usize,
    pub groups: usize,
}

impl Size {
    pub fn state(self) -> usize {
        self.n * self.groups
    }

    /// Numbers that [`integrate`] works in.
    pub fn workspace(self, method: Method) -> usize {
        3 * self.state()
            + match method {
                Method::DormandPrince => DormandPrince::workspace(self),
                Method::Rodas => Rodas::workspace(self),
            }
    }
}

/// One step: its end and what it is off by.
pub(super) trait Stepper {
    /// Errors grow with this power of the step's length.
    const ORDER: f64;

    /// Makes a step of length `h` from `y` (whose slope is known); gives its end and the error's estimate.
    #[allow(clippy::too_many_arguments)]
    fn attempt(
        &mut self,
        equations: &mut impl Equations,
        t: f64,
        h: f64,
        y: &[f64],
        end: &mut [f64],
        error: &mut [f64],
    );

    /// The slope where the next step starts, given or to be filled.
    fn slope(&mut self) -> &mut [f64];

    /// The step that was just made becomes the state.
    fn accept(&mut self, equations: &mut impl Equations, t: f64, y: &[f64]);

    /// A new start, whose slope has been filled.
    fn start(&mut self, equations: &mut impl Equations, t: f64, y: &[f64]);
}

/// Integrates from `t0` and the state in `y` to each of `times`, in order, and gives `at` the states there.
///
/// # Errors
/// Where the solution cannot be followed. States before that have been given.
pub fn integrate(
    (size, solver): (Size, &Solver),
    equations: &mut impl Equations,
    t0: f64,
    y: &mut [f64],
    times: impl Iterator<Item = f64>,
    work: &mut [f64],
    at: impl FnMut(usize, &[f64]),
) -> Result<(), Fault> {
    let (own, rest) = work.split_at_mut(3 * size.state());
    match solver.method {
        Method::DormandPrince => {
            let stepper = DormandPrince::new(size, rest);
            Run::new(size, solver, own, stepper).go(equations, t0, y, times, at)
        }
        Method::Rodas => {
            let stepper = Rodas::new(size, rest);
            Run::new(size, solver, own, stepper).go(equations, t0, y, times, at)
        }
    }
}

struct Run<'w, S> {
    size: Size,
    solver: &'w Solver,
    stepper: S,
    end: &'w mut [f64],
    error: &'w mut [f64],
    spare: &'w mut [f64],
    /// The length of the next step, where nothing limits it.
    h: f64,
    /// The error of the last step, for the controller.
    last: f64,
    taken: usize,
}

/// Of the controller (Hairer, Nørsett & Wanner 1993, II.4): how far below the limit errors are kept, how much a
/// step may shrink or grow, and what share the error before has.
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.2;
const GROW: f64 = 10.0;
const BETA: f64 = 0.04;

impl<'w, S: Stepper> Run<'w, S> {
    fn new(size: Size, solver: &'w Solver, own: &'w mut [f64], stepper: S) -> Run<'w, S> {
        let (end, own) = own.split_at_mut(size.state());
        let (error, spare) = own.split_at_mut(size.state());
        Run {
            size,
            solver,
            stepper,
            end,
            error,
            spare,
            h: 0.0,
            last: 1e-4,
            taken: 0,
        }
    }

    fn go(
        mut self,
        equations: &mut impl Equations,
        t0: f64,
        y: &mut [f64],
        times: impl Iterator<Item = f64>,
        mut at: impl FnMut(usize, &[f64]),
    ) -> Result<(), Fault> {
        let mut t = t0;
        let mut started = false;
        for (j, target) in times.enumerate() {
            // NaN too is no later time.
            let later = target >= t && target < f64::INFINITY;
            if !later || !t.is_finite() {
                let fault = Fault::Order {
                    before: t,
                    next: target,
                };
                return Err(fault);
            }
            if target > t && !started {
                self.start(equations, t, y, target)?;
                started = true;
            }
            if target > t {
                self.advance(equations, t, y, target)?;
                t = target;
            }
            at(j, y);
        }
        Ok(())
    }

    /// Steps until `target`.
    fn advance(
        &mut self,
        equations: &mut impl Equations,
        from: f64,
        y: &mut [f64],
        target: f64,
    ) -> Result<(), Fault> {
        let mut t = from;
        let mut refused = false;
        let mut broken = false;
        while t < target {
            if self.taken >= self.solver.max_steps {
                return Err(Fault::TooManySteps {
                    most: self.solver.max_steps,
                    from,
                    t,
                    to: target,
                });
            }
            self.taken += 1;
            let left = target - t;
            // A last step is a little longer rather than followed by a tiny one.
            let is_last = self.h * 1.01 >= left;
            let h = if is_last { left } else { self.h };
            if t + 0.1 * h == t && !is_last {
                let y = y[..self.size.n].to_vec();
                return Err(match broken {
                    true => Fault::NotFinite { t, y },
                    false => Fault::Underflow { t, y },
                });
            }
            self.stepper
                .attempt(equations, t, h, y, self.end, self.error);
            let error = self.norm(y);
            broken = !error.is_finite();
            let factor = self.factor(error);
            if error <= 1.0 {
                t = if is_last { target } else { t + h };
                y.copy_from_slice(self.end);
                self.stepper.accept(equations, t, y);
                let next = h * if refused { factor.min(1.0) } else { factor };
                // A step that was cut short says nothing against longer ones.
                self.h = if is_last { next.max(self.h) } else { next };
                self.last = error.max(1e-4);
                refused = false;
            } else {
                self.h = h * factor.min(1.0);
                refused = true;
            }
        }
        Ok(())
    }

    /// By how much the next step is longer, after one with this error.
    fn factor(&self, error: f64) -> f64 {
        if !error.is_finite() {
            return SHRINK;
        }
        let power = 1.0 / S::ORDER - 0.75 * BETA;
        let by = SAFETY * self.last.powf(BETA) / error.max(1e-30).powf(power);
        match error <= 1.0 {
            true => by.clamp(SHRINK, GROW),
            // Only the present error says how much shorter: the one before may have been tiny.
            false => (SAFETY / error.powf(1.0 / S::ORDER)).clamp(SHRINK, 1.0),
        }
    }

    /// The largest of the rows' errors, as parts of what is allowed.
    fn norm(&self, y: &[f64]) -> f64 {
        let Solver { rtol, atol, .. } = self.solver;
        let n = self.size.n;
        let row = |y: &[f64], end: &[f64], error: &[f64]| {
            let mut sum = 0.0;
            for i in 0..y.len() {
                let scale = atol + rtol * y[i].abs().max(end[i].abs());
                let part = error[i] / scale;
                // An end that is not finite is no end, whatever its error.
                sum += match scale < f64::INFINITY {
                    true => part * part,
                    false => f64::NAN,
                };
            }
            (sum / n as f64).sqrt()
        };
        let rows = (0..self.size.groups).map(|g| {
            let part = g * n..(g + 1) * n;
            let (end, error) = (&self.end[part.clone()], &self.error[part.clone()]);
            row(&y[part], end, error)
        });
        let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
        rows.fold(0.0, |a: f64, b| if a.is_nan() { a } else { larger(a, b) })
    }

    /// The slope at the start and a first length (Hairer, Nørsett & Wanner 1993, II.4).
    fn start(
        &mut self,
        equations: &mut impl Equations,
        t: f64,
        y: &[f64],
        target: f64,
    ) -> Result<(), Fault> {
        let n = self.size.n;
        equations.slope(t, y, self.stepper.slope());
        let slope = self.stepper.slope();
        let finite = slope.iter().chain(y.iter()).all(|x| x.is_finite());
        if !finite {
            let y = y[..n].to_vec();
            return Err(Fault::NotFinite { t, y });
        }
        let Solver { rtol, atol, .. } = self.solver;
        let norm = |x: &dyn Fn(usize) -> f64| -> f64 {
            let part = |i: usize| x(i) / (atol + rtol * y[i].abs());
            let sum: f64 = (0..y.len()).map(|i| part(i) * part(i)).sum();
            (sum / y.len().max(1) as f64).sqrt()
        };
        let (d0, d1) = (norm(&|i| y[i]), norm(&|i| slope[i]));
        let small = d0 < 1e-5 || d1 < 1e-5;
        let h0 = if small { 1e-6 } else { 0.01 * d0 / d1 }.min(target - t);
        for i in 0..y.len() {
            self.end[i] = y[i] + h0 * slope[i];
        }
        equations.slope(t + h0, self.end, self.spare);
        let d2 = norm(&|i| self.spare[i] - slope[i]) / h0;
        let most = d1.max(d2);
        let h1 = match most {
            // Not finite either: the first step is tried short.
            _ if !most.is_finite() => h0 * 1e-3,
            _ if most <= 1e-15 => (h0 * 1e-3).max(1e-6),
            _ => (0.01 / most).powf(1.0 / S::ORDER),
        };
        self.h = h1.min(100.0 * h0).max(f64::MIN_POSITIVE);
        self.stepper.start(equations, t, y);
        Ok(())
    }
}
