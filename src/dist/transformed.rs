//! Distributions of functions of a variable.

use super::bijection::Chain;
use super::truncated::{DISTRIBUTION, both};
use super::{
    Argument, Declaration, DefaultValue, Distribution, Domain, Family, Form, Kind, Parameter,
    Point, Support, Values,
};
use crate::graph::{Graph, Var};
use rand::Rng;

pub struct Transformed;

static DECLARATION: Declaration = Declaration {
    name: "Transformed",
    doc: "A one-to-one function of a variable that has a distribution.\n\n\
          `p(y) = p(x) / |f′(x)|` at the x with y = f(x), p the distribution that is wrapped. The function is the name of \
          one, `exp`, or is written in place, `|x| a + b * sinh(x)`; it reads x once, and every operation on the way \
          from there is one that has an inverse: `+`, `-`, `*`, `/` and `^` with what does not depend on x, and the \
          elementwise functions that are one-to-one.",
    forms: &[Form {
        parameters: &[
            DISTRIBUTION,
            Parameter {
                name: "function",
                kind: Kind::Function,
                default: DefaultValue::Required,
                doc: "what is made of a draw",
                missing: None,
            },
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Image(0),
};

fn chain<'a, 'g>(d: &'a Distribution<'g>) -> &'a Chain<Var<'g>> {
    match &d.args[1] {
        Argument::Function(chain) => chain,
        _ => unreachable!("the declaration makes this argument a function"),
    }
}

fn graph<'g>(d: &Distribution<'g>) -> Option<&'g Graph> {
    d.args.iter().find_map(|arg| match arg {
        Argument::Value(v) => Some(v.graph),
        Argument::Distribution(d) | Argument::Stack(d) => graph(d),
        Argument::Distributions(all) => all.iter().find_map(graph),
        Argument::Function(chain) => chain.values().next().map(|v| v.graph),
        Argument::Dimension(_) | Argument::Absent => None,
    })
}

/// Where the values lie, or why there is no inverse.
fn image<'g>(d: &Distribution<'g>) -> Result<Support<'g>, String> {
    let inner = d.inner(0);
    let name = inner.family.declaration().name;
    let Support::Interval { lower, upper } = inner.support() else {
        return Err(format!("the values of {name} are not numbers on a line"));
    };
    let Some(graph) = graph(d).filter(|_| inner.is_normalised()) else {
        return Err(format!(
            "{name} is not a distribution of anything that can be transformed: its density is not normalised"
        ));
    };
    let (lower, upper) = chain(d)
        .image(graph, (lower, upper))
        .map_err(|why| format!("of the values of {name}, {why}"))?;
    Ok(Support::Interval { lower, upper })
}

/// A function of the argument of `y` where `y` lies strictly between the bounds, else one of two numbers. The inverse is
/// not computed beyond: its derivatives are NaN there.
fn between<'g>(
    d: &Distribution<'g>,
    y: Var<'g>,
    f: impl FnOnce(Var<'g>) -> Option<Var<'g>>,
    (below, above): (f64, f64),
) -> Option<Var<'g>> {
    let support = Transformed.support(d);
    let (lower, upper) = support.bounds();
    let inside = both(lower.map(|a| y.gt(a)), upper.map(|b| y.lt(b)), |a, b| {
        a.and(b)
    });
    let Some(inside) = inside else {
        return f(chain(d).invert(y).0);
    };
    let y_inside = inside.select(y, support.somewhere().unwrap_or(y));
    let outside = match (lower, upper) {
        (Some(a), Some(_)) => y.le(a).select(below, above),
        (Some(_), None) => y.graph.scalar(below),
        _ => y.graph.scalar(above),
    };
    Some(inside.select(f(chain(d).invert(y_inside).0)?, outside))
}

/// One of two numbers, by whether the function increases.
fn by_way<'g>(
    d: &Distribution<'g>,
    up: impl Fn() -> Option<Var<'g>>,
    down: impl Fn() -> Option<Var<'g>>,
) -> Option<Var<'g>> {
    match chain(d).increases() {
        Ok(true) => up(),
        Ok(false) => down(),
        Err(sign) => Some(sign.gt(0.0).select(up()?, down()?)),
    }
}

impl Family for Transformed {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, y: Var<'g>) -> Var<'g> {
        let log_prob = |y: Var<'g>| {
            let (x, log_slope) = chain(d).invert(y);
            d.inner(0).log_prob(x) - log_slope
        };
        let support = self.support(d);
        let (lower, upper) = support.bounds();
        let varies = |bound: &Var<'g>| bound.as_const().is_none();
        let above = lower.filter(varies).map(|a| y.ge(a));
        let below = upper.filter(varies).map(|b| y.le(b));
        match both(above, below, |a, b| a.and(b)) {
            None => log_prob(y),
            Some(inside) => {
                let y = inside.select(y, support.somewhere().unwrap_or(y));
                inside.select(log_prob(y), f64::NEG_INFINITY)
            }
        }
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        image(d).unwrap_or(Support::REAL)
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        image(d).map(|_| ())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        p.inner(0).sample(rng, out);
        // Of constants alone, a graph is a calculator.
        let graph = Graph::new();
        let x = graph.scalar(out[0]);
        let y = p.function(1).map(|c| graph.scalar(*c)).apply(x);
        out[0] = y.as_uniform().unwrap_or(f64::NAN);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, y: Var<'g>) -> Option<Var<'g>> {
        let inner = d.inner(0);
        let at = |x| by_way(d, || inner.log_cdf(x), || inner.log_survival(x));
        between(d, y, at, (f64::NEG_INFINITY, 0.0))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, y: Var<'g>) -> Option<Var<'g>> {
        let inner = d.inner(0);
        let at = |x| by_way(d, || inner.log_survival(x), || inner.log_cdf(x));
        between(d, y, at, (0.0, f64::NEG_INFINITY))
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        Some(chain(d).apply(d.inner(0).reparameterised(noise)?))
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        // Of one that decreases the tails are exchanged, and 1 − p has lost digits: that is inverted.
        let increases = matches!(chain(d).increases(), Ok(true));
        let quantile = d.inner(0).quantile(p).filter(|_| increases)?;
        Some(chain(d).apply(quantile))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let mean = d.inner(0).family.mean(d.inner(0))?;
        chain(d).log_slope_if_affine(mean)?;
        Some(chain(d).apply(mean))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let variance = d.inner(0).family.variance(d.inner(0))?;
        let log_slope = chain(d).log_slope_if_affine(variance)?;
        Some(variance * (log_slope * 2.0).exp())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let entropy = d.inner(0).family.entropy(d.inner(0))?;
        Some(entropy + chain(d).log_slope_if_affine(entropy)?)
    }
}
