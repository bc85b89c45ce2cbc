//! Differential equations: `ode(rhs, y0, t0, ts, …)`, whose right-hand side is put in place like any call of a
//! function, with a time and a state of its own.

use super::program::{Expr, ExprKind, Ode, Setting, VariableKind};
use super::{Binding, Checker, error};
use crate::diag::Span;
use crate::syntax::ast;
use crate::types::{Base, Dim, Same, Type};

/// Functions that solve an equation, and whether by the method for stiff ones.
pub(super) const SOLVERS: &[(&str, bool)] = &[("ode", false), ("ode_stiff", true)];

const REQUIRED: [&str; 4] = ["rhs", "y0", "t0", "ts"];
const SETTINGS: [(&str, Setting); 3] = [
    ("rtol", Setting::Relative),
    ("atol", Setting::Absolute),
    ("max_steps", Setting::MaxSteps),
];

/// Whether the name is that of a solver, and for stiff equations.
pub(super) fn solver(name: &str) -> Option<bool> {
    SOLVERS.iter().find(|s| s.0 == name).map(|s| s.1)
}

/// Whether the name is that of a solver of differential equations.
pub fn is_solver(name: &str) -> bool {
    solver(name).is_some()
}

fn signature(name: &str) -> String {
    format!("`{name}(rhs, y0, t0, ts, rtol = 1e-8, atol = 1e-8, max_steps = 100000)`")
}

impl<'a> Checker<'a> {
    pub(super) fn ode(&mut self, name: &str, args: &'a [ast::Arg], span: Span) -> Expr {
        let Some((required, settings)) = self.sort_arguments(name, args, span) else {
            return Expr::error(span);
        };
        let [rhs, y0, t0, ts] = required;
        let values = [y0, t0, ts].map(|e| self.expr(e));
        let checked: Vec<(Setting, Expr)> = settings
            .into_iter()
            .map(|(setting, e)| (setting, self.setting(e)))
            .collect();
        let bad = values.iter().chain(checked.iter().map(|s| &s.1));
        if bad.clone().any(|e| e.ty.is_error()) {
            return Expr::error(span);
        }
        let [y0, t0, ts] = values;
        let (Some(states), Some(_), Some(times)) = (
            self.extent_of(&y0, "a vector of the state at the start: `[y1, y2]`"),
            self.single(&t0, "the number of the time at the start"),
            self.extent_of(&ts, "a vector of times"),
        ) else {
            return Expr::error(span);
        };
        let Some(function) = self.function_value(rhs) else {
            let value = self.expr(rhs);
            return match value.ty.is_error() {
                true => value,
                false => self.fail(span, error::not_a_slope(rhs.span, name, &value.ty)),
            };
        };
        let real = |dims: Vec<Dim>| Type::array(Base::Real, dims);
        let local = VariableKind::Local;
        let t = self.new_variable("t", rhs.span, local, real(Vec::new()));
        let y = self.new_variable("y", y0.span, local, real(vec![states.clone()]));
        if let Some(latent) = self.latent_in(&y0) {
            self.latents.insert(y, latent);
        }
        let given = [t, y].map(|id| Expr {
            kind: ExprKind::Var(id),
            ty: self.variable(id).ty.clone(),
            span: rhs.span,
            size: None,
        });
        let slope = self.slope(function, rhs, given.into(), &states, y0.span);
        if slope.ty.is_error() {
            return Expr::error(span);
        }
        let ode = Ode {
            stiff: solver(name).unwrap_or(false),
            t,
            y,
            slope,
            y0,
            t0,
            ts,
            settings: checked,
        };
        Expr {
            kind: ExprKind::Ode(Box::new(ode)),
            ty: real(vec![times, states]),
            span,
            size: None,
        }
    }

    /// The right-hand side at a time and state; it has as many numbers as the state.
    fn slope(
        &mut self,
        function: Binding<'a>,
        rhs: &'a ast::Expr,
        given: Vec<Expr>,
        states: &Dim,
        y0: Span,
    ) -> Expr {
        let name = match &rhs.kind {
            ast::ExprKind::Name(name) => name,
            ast::ExprKind::Field { name, .. } => name.name.as_str(),
            _ => "",
        };
        // What a step would draw or define has no place in the program, as in a comprehension.
        self.comprehensions += 1;
        let slope = self.named_within(None, false, |c| {
            c.call_binding(function, name, rhs.span, &[], given, rhs.span)
        });
        self.comprehensions -= 1;
        if slope.ty.is_error() {
            return slope;
        }
        let fits = match slope.ty.number() {
            Some((_, [n])) => n.compare(states) != Same::No,
            _ => false,
        };
        if !fits {
            let expected = Type::array(Base::Real, vec![states.clone()]);
            let problem = error::slope_type(rhs.span, &slope.ty, y0, &expected);
            return self.fail(rhs.span, problem);
        }
        slope
    }

    /// The four arguments that there must be, and the settings.
    #[allow(clippy::type_complexity)]
    fn sort_arguments(
        &mut self,
        name: &str,
        args: &'a [ast::Arg],
        span: Span,
    ) -> Option<([&'a ast::Expr; 4], Vec<(Setting, &'a ast::Expr)>)> {
        let shown = signature(name);
        let mut required: [Option<&'a ast::Expr>; 4] = [None; 4];
        let mut settings: Vec<(Setting, &'a ast::Expr)> = Vec::new();
        let unnamed = |args: &[ast::Arg]| args.iter().filter(|a| a.name.is_none()).count();
        for (k, arg) in args.iter().enumerate() {
            let Some(given) = &arg.name else {
                let position = unnamed(&args[..k]);
                let Some(place) = required.get_mut(position) else {
                    let count = unnamed(args);
                    self.report(error::argument_count(span, &shown, (4, 4), count));
                    return None;
                };
                if place.replace(&arg.value).is_some() {
                    let twice = REQUIRED[position];
                    self.report(error::parameter_twice(arg.value.span, name, twice));
                    return None;
                }
                continue;
            };
            let twice = if let Some(at) = REQUIRED.iter().position(|r| *r == given.name) {
                required[at].replace(&arg.value).is_some()
            } else if let Some(&(_, setting)) = SETTINGS.iter().find(|s| s.0 == given.name) {
                let before = settings.iter().any(|s| s.0 == setting);
                settings.push((setting, &arg.value));
                before
            } else {
                let known = REQUIRED.into_iter().chain(SETTINGS.iter().map(|s| s.0));
                let problem = error::unknown_argument(given.span, &shown, name, &given.name, known);
                self.report(problem);
                return None;
            };
            if twice {
                self.report(error::parameter_twice(given.span, name, &given.name));
                return None;
            }
        }
        if let [Some(rhs), Some(y0), Some(t0), Some(ts)] = required {
            return Some(([rhs, y0, t0, ts], settings));
        }
        let given = required.iter().flatten().count();
        self.report(error::argument_count(span, &shown, (4, 4), given));
        None
    }

    /// A number that data tell.
    fn setting(&mut self, e: &'a ast::Expr) -> Expr {
        let value = self.expr(e);
        if !value.ty.is_error() {
            if self.single(&value, "a number").is_none() {
                return Expr::error(value.span);
            }
            self.expect_known(&value, "a setting of a solver");
        }
        value
    }

    fn single(&mut self, e: &Expr, expected: &str) -> Option<()> {
        if let Some((_, [])) = e.ty.number() {
            return Some(());
        }
        self.report(error::types_differ(e.span, expected, &e.ty));
        None
    }

    fn extent_of(&mut self, e: &Expr, expected: &str) -> Option<Dim> {
        if let Some((_, [n])) = e.ty.number() {
            return Some(n.clone());
        }
        self.report(error::types_differ(e.span, expected, &e.ty));
        None
    }
}
