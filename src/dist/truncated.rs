//! Truncated distributions.

use super::{
    Bounds, Declaration, DefaultValue, Distribution, Domain, EventAxis, Family, Form, Kind,
    Parameter, Point, Support, Values, draw, log_space,
};
use crate::graph::{Graph, Var};
use rand::Rng;

pub struct Truncated;

pub(super) const DISTRIBUTION: Parameter = Parameter {
    name: "distribution",
    kind: Kind::Distribution,
    default: DefaultValue::Required,
    missing: None,
    doc: "what is wrapped",
};

static DECLARATION: Declaration = Declaration {
    name: "Truncated",
    doc: "A distribution given that the value is between bounds.\n\n\
          `p(x) / P(lower ≤ X ≤ upper)` between the bounds, both included, 0 elsewhere; also \
          written `d.truncate(lower = a, upper = b)`.",
    forms: &[Form {
        parameters: &[
            DISTRIBUTION,
            Parameter::scalar("lower", Domain::Real, "least value").optional(),
            Parameter::scalar("upper", Domain::Real, "greatest value").optional(),
        ],
    }],
    event: &[EventAxis::AllOf { position: 0 }],
    values: Values::AsInner(0),
    support: Domain::AsInner(0),
};

/// A bound among the arguments; infinite constants are none.
pub(super) fn bound<'g>(d: &Distribution<'g>, position: usize) -> Option<Var<'g>> {
    d.value_or_none(position)
        .filter(|b| !b.as_uniform().is_some_and(f64::is_infinite))
}

/// What keeps a distribution from being cut at its bounds.
pub(super) fn check_bounds(d: &Distribution<'_>, verb: &str) -> Result<(), String> {
    let inner = d.inner(0);
    let name = inner.family.declaration().name;
    let line = matches!(
        inner.support(),
        Support::Interval { .. } | Support::Integers { .. }
    );
    if inner.event_rank() > 0 || !line {
        return Err(format!(
            "{name} cannot be {verb}: its values are not numbers on a line"
        ));
    }
    let (lower, upper) = (bound(d, 1), bound(d, 2));
    if (lower.is_some() || upper.is_some()) && log_space::log_between(inner, lower, upper).is_none()
    {
        let constant = if inner.is_discrete() {
            " at bounds that are not constants"
        } else {
            ""
        };
        let known: Vec<&str> = super::with_distribution_function()
            .map(|f| f.declaration().name)
            .collect();
        return Err(format!(
            "{name} cannot be {verb}{constant}: its distribution function has no known form; that of {} has",
            known.join(", ")
        ));
    }
    Ok(())
}

/// Probability of what the bounds leave; 0 without bounds.
fn log_normaliser<'g>(d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
    let (lower, upper) = (bound(d, 1), bound(d, 2));
    if lower.is_none() && upper.is_none() {
        return x.graph.scalar(0.0);
    }
    log_space::log_between(d.inner(0), lower, upper)
        .expect("check_arguments refuses what has no distribution function")
}

impl Family for Truncated {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let log_prob = d.inner(0).log_prob(x) - log_normaliser(d, x);
        match log_space::inside(x, bound(d, 1), bound(d, 2)) {
            Some(inside) => inside.select(log_prob, f64::NEG_INFINITY),
            None => log_prob,
        }
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        let tighten = |lower: Option<Var<'g>>, upper: Option<Var<'g>>, whole: bool| {
            let a = bound(d, 1).map(|a| if whole { a.ceil() } else { a });
            let b = bound(d, 2).map(|b| if whole { b.floor() } else { b });
            (
                both(lower, a, |x, y| x.max(y)),
                both(upper, b, |x, y| x.min(y)),
            )
        };
        match d.inner(0).support() {
            Support::Interval { lower, upper } => {
                let (lower, upper) = tighten(lower, upper, false);
                Support::Interval { lower, upper }
            }
            Support::Integers { lower, upper } => {
                let (lower, upper) = tighten(lower, upper, true);
                Support::Integers { lower, upper }
            }
            other => other,
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            lower: 1,
            upper: 2,
            may_be_equal: true,
        })
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        check_bounds(d, "truncated")
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let lower = p.scalar_or_none(1).unwrap_or(f64::NEG_INFINITY);
        let upper = p.scalar_or_none(2).unwrap_or(f64::INFINITY);
        out[0] = sample_between(p.inner(0), lower, upper, rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let (lower, upper) = (bound(d, 1), bound(d, 2));
        let inner = d.inner(0);
        if inner.is_discrete() {
            return None;
        }
        let x = upper.map_or(x, |b| x.min(b));
        let below = lower.map_or(x, |a| x.max(a));
        Some(log_space::log_between(inner, lower, Some(below))? - log_normaliser(d, x))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        let (lower, upper) = (bound(d, 1), bound(d, 2));
        let inner = d.inner(0);
        if inner.is_discrete() {
            return None;
        }
        let x = lower.map_or(x, |a| x.max(a));
        let above = upper.map_or(x, |b| x.min(b));
        Some(log_space::log_between(inner, Some(above), upper)? - log_normaliser(d, x))
    }
}

/// A function of two bounds, or the one that there is.
pub(super) fn both<'g>(
    a: Option<Var<'g>>,
    b: Option<Var<'g>>,
    f: impl Fn(Var<'g>, Var<'g>) -> Var<'g>,
) -> Option<Var<'g>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(f(a, b)),
        (one, other) => one.or(other),
    }
}

/// Draws tried before the distribution function is inverted.
const TRIES: usize = 64;

/// A draw of a number between bounds, inclusive: by rejection while that is cheap, else by
/// inversion. NaN where the bounds leave nothing.
pub(super) fn sample_between(p: &Point, lower: f64, upper: f64, rng: &mut dyn Rng) -> f64 {
    if lower > upper {
        return f64::NAN;
    }
    let mut draw = [0.0];
    for _ in 0..TRIES {
        p.sample(rng, &mut draw);
        if draw[0] >= lower && draw[0] <= upper {
            return draw[0];
        }
    }
    let log_level = draw::uniform(rng).max(f64::MIN_POSITIVE).ln();
    // Where no distribution function is known there is nothing better than the nearest value.
    invert(p, lower, upper, log_level).unwrap_or_else(|| draw[0].clamp(lower, upper))
}

/// The `x` with `log P(lower ≤ X ≤ x) − log P(lower ≤ X ≤ upper) = log_level`.
fn invert(p: &Point, lower: f64, upper: f64, log_level: f64) -> Option<f64> {
    // Of constants alone, a graph is a calculator.
    let graph = Graph::new();
    let d = p.distribution(&graph);
    let bound = |b: f64| b.is_finite().then(|| graph.scalar(b));
    let log_mass = |upper: f64| -> Option<f64> {
        let (lower, upper) = (bound(lower), bound(upper));
        if lower.is_none() && upper.is_none() {
            return Some(0.0);
        }
        log_space::log_between(&d, lower, upper)?.as_uniform()
    };
    let target = log_mass(upper)? + log_level;
    let excess = |x: f64| log_mass(x).map_or(f64::NAN, |mass| mass - target);
    let (low, high) = bracket(lower, upper, &excess);
    Some(if d.is_discrete() {
        least_whole(low, high, &excess)
    } else {
        root(low, high, &excess)
    })
}

/// An interval in which an increasing function changes its sign, out from a finite bound or from 0
/// by steps that double.
fn bracket(lower: f64, upper: f64, excess: &impl Fn(f64) -> f64) -> (f64, f64) {
    const FAR: f64 = 1e300;
    let mut low = if lower.is_finite() {
        lower
    } else {
        upper.min(0.0)
    };
    let mut step = 1.0;
    while !lower.is_finite() && excess(low) >= 0.0 && step < FAR {
        low -= step;
        step *= 2.0;
    }
    if upper.is_finite() {
        return (low, upper);
    }
    let (mut high, mut step) = (low + 1.0, 1.0);
    while excess(high) < 0.0 && step < FAR {
        low = high;
        high += step;
        step *= 2.0;
    }
    (low, high)
}

/// The least whole number at which an increasing function is not negative.
fn least_whole(low: f64, high: f64, excess: &impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low.ceil(), high.floor());
    while low < high {
        let middle = (low + 0.5 * (high - low)).floor();
        if excess(middle) >= 0.0 {
            high = middle;
        } else {
            low = middle + 1.0;
        }
    }
    high
}

/// A root of an increasing function: false position, with the weight of an end that stays halved
/// (the "Illinois" rule), and bisection where the function is infinite.
fn root(low: f64, high: f64, excess: &impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    let (mut at_low, mut at_high) = (excess(low), excess(high));
    let mut last_moved_high = None;
    // Bisection alone needs no more than this to come to neighbouring doubles.
    for _ in 0..1100 {
        let secant = high - at_high * (high - low) / (at_high - at_low);
        let middle = low + 0.5 * (high - low);
        let x = if secant > low && secant < high {
            secant
        } else {
            middle
        };
        if x <= low || x >= high || high - low <= 1e-14 * (low.abs() + high.abs()) {
            break;
        }
        let value = excess(x);
        // Beyond this a draw does not show it.
        if value.abs() < 1e-12 {
            return x;
        }
        let moves_high = value > 0.0;
        let again = last_moved_high == Some(moves_high);
        if moves_high {
            (high, at_high) = (x, value);
            at_low *= if again { 0.5 } else { 1.0 };
        } else {
            (low, at_low) = (x, value);
            at_high *= if again { 0.5 } else { 1.0 };
        }
        last_moved_high = Some(moves_high);
    }
    high
}
