//! Functions of one number that have an inverse, as chains of operations of which each has one: what
//! [`Transformed`](super::transformed::Transformed) is told of its function.
//!
//! [`TABLE`] is all that can be inverted; a row says for one argument of one function of the language where it is
//! one-to-one, what its inverse is and how steep it is.

use super::LOG_SQRT_2PI;
use crate::graph::{Graph, Var};
use std::f64::consts::{E, FRAC_2_SQRT_PI, FRAC_PI_2, LN_2, LN_10, PI, SQRT_2};

const INF: f64 = f64::INFINITY;
const ALL: (f64, f64) = (-INF, INF);
const POSITIVE: (f64, f64) = (0.0, INF);
const NEGATIVE: (f64, f64) = (-INF, 0.0);
const UNIT: (f64, f64) = (0.0, 1.0);
const AROUND_0: (f64, f64) = (-1.0, 1.0);
const QUARTERS: (f64, f64) = (-FRAC_PI_2, FRAC_PI_2);

/// A one-to-one function of an argument `x`, given what stands beside it, `c`. What has nothing beside it is given `x`
/// or its value there.
pub struct Bijection {
    /// Names of the function of the language.
    pub names: &'static [&'static str],
    /// Which of the function's arguments is `x`.
    pub position: usize,
    /// As it is written.
    pub shown: &'static str,
    /// Where it is one-to-one.
    pub domain: (f64, f64),
    /// The values there, where it increases and where it decreases.
    image: [(f64, f64); 2],
    way: Way,
    /// `(x, c)` to the value `y`
    pub apply: for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>,
    /// `(y, c)` to `x`
    inverse: for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>,
    /// `(x, y, c)` to `log |dy/dx|`
    log_slope: for<'g> fn(Var<'g>, Var<'g>, Var<'g>) -> Var<'g>,
    /// Whether `dy/dx` does not depend on `x`.
    affine: bool,
}

enum Way {
    Up,
    Down,
    /// The sign of this function of `c` says whether it increases.
    Sign(for<'g> fn(Var<'g>) -> Var<'g>),
}

impl std::fmt::Debug for Bijection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.shown)
    }
}

impl Bijection {
    const fn new(
        names: &'static [&'static str],
        shown: &'static str,
        domain: (f64, f64),
        image: (f64, f64),
        apply: for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>,
        inverse: for<'g> fn(Var<'g>, Var<'g>) -> Var<'g>,
        log_slope: for<'g> fn(Var<'g>, Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Bijection {
        Bijection {
            names,
            position: 0,
            shown,
            domain,
            image: [image, image],
            way: Way::Up,
            apply,
            inverse,
            log_slope,
            affine: false,
        }
    }

    const fn at(self, position: usize) -> Bijection {
        Bijection { position, ..self }
    }

    const fn affine(self) -> Bijection {
        Bijection {
            affine: true,
            ..self
        }
    }

    const fn down(self) -> Bijection {
        Bijection {
            way: Way::Down,
            ..self
        }
    }

    const fn sign(self, of: for<'g> fn(Var<'g>) -> Var<'g>) -> Bijection {
        Bijection {
            way: Way::Sign(of),
            ..self
        }
    }

    const fn down_to(self, image: (f64, f64)) -> Bijection {
        Bijection {
            image: [self.image[0], image],
            ..self
        }
    }

    /// Where it is one-to-one, in words.
    fn where_one_to_one(&self) -> String {
        match self.domain {
            (low, INF) => format!("above {low}"),
            (f64::NEG_INFINITY, high) => format!("below {high}"),
            (low, high) => format!("between {low} and {high}"),
        }
    }
}

/// Rows of [`TABLE`]: as it is written, names, `domain => image`, value, inverse, logarithm of the slope; then what else
/// there is to say of it.
macro_rules! bijections {
    ($($shown:literal [$($name:literal)*] $domain:expr => $image:expr, $apply:expr, $inverse:expr, $log_slope:expr
        $(, $with:ident($($arg:expr)?))*;)*) => {
        /// All operations that can be inverted.
        pub static TABLE: &[Bijection] = &[$(
            Bijection::new(&[$($name),*], $shown, $domain, $image, $apply, $inverse, $log_slope)$(.$with($($arg)?))*
        ),*];
    };
}

bijections! {
    "x + c" ["+"] ALL => ALL, |x, c| x + c, |y, c| y - c, |x, _, _| x.graph.scalar(0.0), affine();
    "c + x" ["+"] ALL => ALL, |x, c| c + x, |y, c| y - c, |x, _, _| x.graph.scalar(0.0), affine(), at(1);
    "x - c" ["-"] ALL => ALL, |x, c| x - c, |y, c| y + c, |x, _, _| x.graph.scalar(0.0), affine();
    "c - x" ["-"] ALL => ALL, |x, c| c - x, |y, c| c - y, |x, _, _| x.graph.scalar(0.0), affine(), at(1), down();
    "-x" ["negate"] ALL => ALL, |x, _| -x, |y, _| -y, |x, _, _| x.graph.scalar(0.0), affine(), down();
    "x * c" ["*"] ALL => ALL, |x, c| x * c, |y, c| y / c, |_, _, c| c.abs().log(), affine(), sign(|c| c);
    "c * x" ["*"] ALL => ALL, |x, c| c * x, |y, c| y / c, |_, _, c| c.abs().log(), affine(), at(1), sign(|c| c);
    "x / c" ["/"] ALL => ALL, |x, c| x / c, |y, c| y * c, |_, _, c| -c.abs().log(), affine(), sign(|c| c);
    "c / x" ["/"] POSITIVE => NEGATIVE, |x, c| c / x, |y, c| c / y, |x, _, c| c.abs().log() - x.log() * 2.0, at(1), sign(|c| -c), down_to(POSITIVE);
    "x ^ c" ["^" "pow"] POSITIVE => POSITIVE, |x, c| x.pow(c), |y, c| y.pow(c.recip()), |x, _, c| c.abs().log() + (c - 1.0) * x.log(), sign(|c| c);
    "c ^ x" ["^" "pow"] ALL => POSITIVE, |x, c| c.pow(x), |y, c| y.log() / c.log(), |_, y, c| y.log() + c.log().abs().log(), at(1), sign(|c| c.log());
    "square(x)" ["square"] POSITIVE => POSITIVE, |x, _| x.square(), |y, _| y.sqrt(), |x, _, _| x.log() + LN_2;
    "sqrt(x)" ["sqrt"] POSITIVE => POSITIVE, |x, _| x.sqrt(), |y, _| y.square(), |_, y, _| -y.log() - LN_2;
    "cbrt(x)" ["cbrt"] ALL => ALL, |x, _| x.cbrt(), |y, _| y * y.square(), |_, y, _| -(y.square() * 3.0).log();
    "exp(x)" ["exp"] ALL => POSITIVE, |x, _| x.exp(), |y, _| y.log(), |x, _, _| x;
    "expm1(x)" ["expm1"] ALL => (-1.0, INF), |x, _| x.expm1(), |y, _| y.log1p(), |x, _, _| x;
    "log(x)" ["log"] POSITIVE => ALL, |x, _| x.log(), |y, _| y.exp(), |_, y, _| -y;
    "log1p(x)" ["log1p"] (-1.0, INF) => ALL, |x, _| x.log1p(), |y, _| y.expm1(), |_, y, _| -y;
    "log2(x)" ["log2"] POSITIVE => ALL, |x, _| x.log2(), |y, _| (y * LN_2).exp(), |_, y, _| -(y * LN_2) - LN_2.ln();
    "log10(x)" ["log10"] POSITIVE => ALL, |x, _| x.log10(), |y, _| (y * LN_10).exp(), |_, y, _| -(y * LN_10) - LN_10.ln();
    "log1m_exp(x)" ["log1m_exp"] NEGATIVE => NEGATIVE, |x, _| x.log1m_exp(), |y, _| y.log1m_exp(), |x, y, _| x - y, down();
    "softplus(x)" ["softplus"] ALL => POSITIVE, |x, _| x.softplus(), |y, _| y + (-y).log1m_exp(), |x, y, _| x - y;
    "expit(x)" ["expit" "sigmoid"] ALL => UNIT, |x, _| x.sigmoid(), |y, _| y.logit(), |x, _, _| -both_tails(x);
    "logit(x)" ["logit"] UNIT => ALL, |x, _| x.logit(), |y, _| y.sigmoid(), |_, y, _| both_tails(y);
    "cloglog(x)" ["cloglog"] UNIT => ALL, |x, _| x.cloglog(), |y, _| y.inv_cloglog(), |_, y, _| y.exp() - y;
    "inv_cloglog(x)" ["inv_cloglog"] ALL => UNIT, |x, _| x.inv_cloglog(), |y, _| y.cloglog(), |x, _, _| x - x.exp();
    "Phi(x)" ["Phi"] ALL => UNIT, |x, _| x.phi(), |y, _| y.inv_phi(), |x, _, _| -energy(x);
    "inv_Phi(x)" ["inv_Phi"] UNIT => ALL, |x, _| x.inv_phi(), |y, _| y.phi(), |_, y, _| energy(y);
    "log_Phi(x)" ["log_Phi"] ALL => NEGATIVE, |x, _| x.log_phi(), |y, _| y.exp().inv_phi(), |x, y, _| -energy(x) - y;
    "erf(x)" ["erf"] ALL => AROUND_0, |x, _| x.erf(), |y, _| ((y + 1.0) * 0.5).inv_phi() / SQRT_2, |x, _, _| -x.square() + FRAC_2_SQRT_PI.ln();
    "sinh(x)" ["sinh"] ALL => ALL, |x, _| x.sinh(), |y, _| y.asinh(), |x, _, _| x.cosh().log();
    "asinh(x)" ["asinh"] ALL => ALL, |x, _| x.asinh(), |y, _| y.sinh(), |_, y, _| -y.cosh().log();
    "cosh(x)" ["cosh"] POSITIVE => (1.0, INF), |x, _| x.cosh(), |y, _| y.acosh(), |x, _, _| x.sinh().log();
    "acosh(x)" ["acosh"] (1.0, INF) => POSITIVE, |x, _| x.acosh(), |y, _| y.cosh(), |_, y, _| -y.sinh().log();
    "tanh(x)" ["tanh"] ALL => AROUND_0, |x, _| x.tanh(), |y, _| y.atanh(), |x, _, _| x.cosh().log() * -2.0;
    "atanh(x)" ["atanh"] AROUND_0 => ALL, |x, _| x.atanh(), |y, _| y.tanh(), |_, y, _| y.cosh().log() * 2.0;
    "sin(x)" ["sin"] QUARTERS => AROUND_0, |x, _| x.sin(), |y, _| y.asin(), |x, _, _| x.cos().log();
    "asin(x)" ["asin"] AROUND_0 => QUARTERS, |x, _| x.asin(), |y, _| y.sin(), |_, y, _| -y.cos().log();
    "cos(x)" ["cos"] (0.0, PI) => AROUND_0, |x, _| x.cos(), |y, _| y.acos(), |x, _, _| x.sin().log(), down();
    "acos(x)" ["acos"] AROUND_0 => (0.0, PI), |x, _| x.acos(), |y, _| y.cos(), |_, y, _| -y.sin().log(), down();
    "tan(x)" ["tan"] QUARTERS => ALL, |x, _| x.tan(), |y, _| y.atan(), |x, _, _| x.cos().log() * -2.0;
    "atan(x)" ["atan"] ALL => QUARTERS, |x, _| x.atan(), |y, _| y.tan(), |_, y, _| y.cos().log() * 2.0;
    "lambert_w(x)" ["lambert_w"] (-1.0 / E, INF) => (-1.0, INF), |x, _| x.lambert_w(), |y, _| y * y.exp(), |_, y, _| -y - y.log1p();
}

/// Minus `log (p (1 − p))` for p the logistic function.
fn both_tails(x: Var<'_>) -> Var<'_> {
    x.softplus() + (-x).softplus()
}

/// Minus the log density of the standard Normal.
fn energy(x: Var<'_>) -> Var<'_> {
    x.square() * 0.5 + LOG_SQRT_2PI
}

/// The row for an argument of a function of the language.
pub fn find(function: &str, position: usize) -> Option<&'static Bijection> {
    let fits = |row: &&Bijection| row.position == position && row.names.contains(&function);
    TABLE.iter().find(fits)
}

/// A function of one number: operations one after the other, each with what stands beside its argument.
#[derive(Clone, Debug, Default)]
pub struct Chain<V>(pub Vec<(&'static Bijection, Option<V>)>);

impl<V> Chain<V> {
    /// What stands beside the arguments, in order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().filter_map(|(_, beside)| beside.as_ref())
    }

    /// The same operations with other things beside their arguments, made in order.
    pub fn map<W>(&self, mut f: impl FnMut(&V) -> W) -> Chain<W> {
        let links = self.0.iter();
        Chain(
            links
                .map(|(step, beside)| (*step, beside.as_ref().map(&mut f)))
                .collect(),
        )
    }
}

/// Ends of an interval, where there are any.
type Ends<'g> = (Option<Var<'g>>, Option<Var<'g>>);

impl<'g> Chain<Var<'g>> {
    /// The value for an argument.
    pub fn apply(&self, x: Var<'g>) -> Var<'g> {
        self.0
            .iter()
            .fold(x, |x, (step, beside)| (step.apply)(x, beside.unwrap_or(x)))
    }

    /// The argument of a value, and `log |dy/dx|` there.
    pub fn invert(&self, y: Var<'g>) -> (Var<'g>, Var<'g>) {
        let (mut y, mut log_slope) = (y, None);
        for (step, beside) in self.0.iter().rev() {
            let x = (step.inverse)(y, beside.unwrap_or(y));
            let own = (step.log_slope)(x, y, beside.unwrap_or(y));
            log_slope = Some(log_slope.map_or(own, |sum: Var<'g>| sum + own));
            y = x;
        }
        (y, log_slope.unwrap_or(y.graph.scalar(0.0)))
    }

    /// `log |dy/dx|`, where it does not depend on the argument.
    pub fn log_slope_if_affine(&self, like: Var<'g>) -> Option<Var<'g>> {
        let mut sum = like * 0.0;
        for (step, beside) in &self.0 {
            if !step.affine {
                return None;
            }
            sum = sum + (step.log_slope)(like, like, beside.unwrap_or(like));
        }
        Some(sum)
    }

    /// Where it increases; a number that is positive there and negative elsewhere, if that varies.
    pub fn increases(&self) -> Result<bool, Var<'g>> {
        let (mut up, mut sign) = (true, None);
        for (step, beside) in &self.0 {
            match way(step, *beside) {
                Ok(true) => {}
                Ok(false) => up = !up,
                Err(of) => sign = Some(sign.map_or(of.sign(), |s: Var<'g>| s * of.sign())),
            }
        }
        match sign {
            None => Ok(up),
            Some(sign) => Err(if up { sign } else { -sign }),
        }
    }

    /// The values for arguments between two ends; or why it is not one-to-one there.
    pub fn image(&self, graph: &'g Graph, of: Ends<'g>) -> Result<Ends<'g>, String> {
        let mut ends = of;
        for (step, beside) in &self.0 {
            ends = image(step, *beside, graph, ends)?;
        }
        Ok(ends)
    }
}

/// Whether an operation increases, or the number whose sign says so.
fn way<'g>(step: &Bijection, beside: Option<Var<'g>>) -> Result<bool, Var<'g>> {
    match (&step.way, beside) {
        (Way::Sign(of), Some(c)) => {
            let of = of(c);
            match of.as_const() {
                Some(known) if known.data().iter().all(|&x| x > 0.0) => Ok(true),
                Some(known) if known.data().iter().all(|&x| x < 0.0) => Ok(false),
                None if of.range().is_not_negative() => Ok(true),
                None if (-of).range().is_not_negative() => Ok(false),
                _ => Err(of),
            }
        }
        (Way::Down, _) => Ok(false),
        _ => Ok(true),
    }
}

fn image<'g>(
    step: &Bijection,
    beside: Option<Var<'g>>,
    graph: &'g Graph,
    (lower, upper): Ends<'g>,
) -> Result<Ends<'g>, String> {
    let shown = step.shown;
    if let (Way::Sign(of), Some(c)) = (&step.way, beside)
        && let Some(known) = of(c).as_const()
        && !known.data().iter().all(|&x| x != 0.0 && !x.is_nan())
    {
        return Err(format!("`{shown}` has no inverse for the `c` given"));
    }
    let (low, high) = step.domain;
    let above = low == -INF || lower.is_some_and(|a| a.range().low >= low);
    let below = high == INF || upper.is_some_and(|b| b.range().high <= high);
    if !(above && below) {
        return Err(format!(
            "`{shown}` has an inverse where x is {} only, and x may lie beyond",
            step.where_one_to_one()
        ));
    }
    // At an end of the domain the value is a limit, which is in the table.
    let inner = |bound: Option<Var<'g>>, end: f64| {
        let bound = bound.filter(|b| b.as_uniform() != Some(end));
        bound.map(|b| (step.apply)(b, beside.unwrap_or(b)))
    };
    let (at_lower, at_upper) = (inner(lower, low), inner(upper, high));
    let limits = |(low, high): (f64, f64)| {
        let number = |x: f64| x.is_finite().then(|| graph.scalar(x));
        (number(low), number(high))
    };
    let [up, down] = step.image.map(limits);
    Ok(match (way(step, beside), at_lower, at_upper) {
        (Ok(true), a, b) => (a.or(up.0), b.or(up.1)),
        (Ok(false), a, b) => (b.or(down.0), a.or(down.1)),
        (Err(_), Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
        (Err(_), None, None) if step.image[0] == step.image[1] => up,
        _ => {
            return Err(format!(
                "on which side of a bound the values of `{shown}` lie depends on the sign of c, which is not known; \
                 make it positive, as `exp(…)` is"
            ));
        }
    })
}
