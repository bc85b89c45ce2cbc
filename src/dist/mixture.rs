//! Mixtures.

use super::truncated::both;
use super::{
    Argument, Declaration, DefaultValue, Distribution, Domain, EventAxis, Family, Form, Kind,
    Parameter, Point, Support, Values, draw, matrix,
};
use crate::graph::{Shape, Var, broadcast_shapes};
use crate::ops::{concat, log_add_exp_of};
use rand::Rng;

pub struct Mixture;

static DECLARATION: Declaration = Declaration {
    name: "Mixture",
    doc: "One of several distributions, picked by weights.\n\n\
          `p(x) = Σ w[k] p[k](x)`; the components are a list, or one distribution with an array \
          axis that counts them.",
    forms: &[Form {
        parameters: &[
            Parameter::array("w", Domain::Simplex, 1, "probability of each component"),
            Parameter {
                name: "components",
                kind: Kind::Distributions,
                default: DefaultValue::Required,
                missing: None,
                doc: "what is mixed",
            },
        ],
    }],
    event: &[EventAxis::AllOf { position: 1 }],
    values: Values::AsInner(1),
    support: Domain::AsInner(1),
};

/// Something of every component of a list.
fn parts<'g>(
    d: &Distribution<'g>,
    f: &impl Fn(&Distribution<'g>, bool) -> Option<Var<'g>>,
) -> Option<Vec<Var<'g>>> {
    match &d.args[1] {
        Argument::Distribution(one) => Some(vec![f(one, false)?]),
        Argument::Distributions(all) => all.iter().map(|c| f(c, false)).collect(),
        _ => None,
    }
}

/// Something of every component, along a new axis before the last `own` ones. The function is told
/// whether its distribution has that axis itself.
fn of_each<'g>(
    d: &Distribution<'g>,
    own: usize,
    f: impl Fn(&Distribution<'g>, bool) -> Option<Var<'g>>,
) -> Option<Var<'g>> {
    let parts: Vec<Var<'g>> = match &d.args[1] {
        Argument::Stack(all) => return f(all, true),
        _ => parts(d, &f)?,
    };
    let shape = parts.iter().try_fold(Shape::new(), |shape, part| {
        broadcast_shapes(&shape, &part.shape())
    })?;
    let parts: Vec<Var<'g>> = parts
        .iter()
        .map(|part| part.broadcast(&shape).unsqueeze(own))
        .collect();
    Some(concat(&parts, own))
}

/// The weights with `own` axes of extent 1 at the end.
fn weights<'g>(d: &Distribution<'g>, own: usize) -> Var<'g> {
    let mut shape = d.value(0).shape();
    shape.resize(shape.len() + own, 1);
    d.value(0).reshape(&shape)
}

/// `log Σ w exp(f)` for a function of every component.
///
/// Of a list the components stay arrays of their own: nothing is written side by side.
fn log_mean<'g>(
    d: &Distribution<'g>,
    f: impl Fn(&Distribution<'g>, bool) -> Option<Var<'g>>,
) -> Option<Var<'g>> {
    let log_w = d.value(0).log();
    let listed = matches!(&d.args[1], Argument::Distributions(all) if all.len() == log_w.extent(0));
    if !listed {
        return Some((log_w + of_each(d, 0, f)?).log_sum_exp(&[0]));
    }
    let shape = log_w.shape();
    let batch = &shape[..shape.len() - 1];
    let weigh = |(k, part)| log_w.slice(0, k, 1).reshape(batch) + part;
    let weighed = parts(d, &f)?.into_iter().enumerate().map(weigh);
    let weighed: Vec<Var<'g>> = weighed.collect();
    // A part that no data reach has fewer axes than the others.
    let shape = weighed.iter().try_fold(Shape::new(), |shape, part| {
        broadcast_shapes(&shape, &part.shape())
    })?;
    let weighed: Vec<Var<'g>> = weighed.iter().map(|p| p.broadcast(&shape)).collect();
    Some(log_add_exp_of(&weighed))
}

/// Bounds of a component alone, if it lies on a line.
fn bounds<'g>(support: &Support<'g>) -> Option<(Option<Var<'g>>, Option<Var<'g>>)> {
    match support {
        Support::Interval { lower, upper } | Support::Integers { lower, upper } => {
            Some((*lower, *upper))
        }
        _ => None,
    }
}

/// A component's log density at `x`, of which nothing is known but that it is in the mixture's
/// support: where the component cannot be it is −∞, and is not computed.
fn guarded<'g>(component: &Distribution<'g>, x: Var<'g>, common: &Support<'g>) -> Var<'g> {
    let (Some(own), Some(all)) = (bounds(&component.support()), bounds(common)) else {
        return component.log_prob(x);
    };
    let same = |a: Option<Var<'g>>, b: Option<Var<'g>>| match (a, b) {
        (Some(a), Some(b)) => a.id == b.id,
        (a, b) => a.is_none() && b.is_none(),
    };
    let lower = own.0.filter(|_| !same(own.0, all.0));
    let upper = own.1.filter(|_| !same(own.1, all.1));
    let inside = both(lower.map(|a| x.ge(a)), upper.map(|b| x.le(b)), |a, b| {
        a.and(b)
    });
    let Some(inside) = inside else {
        return component.log_prob(x);
    };
    let somewhere = component.support().somewhere().unwrap_or(x);
    inside.select(
        component.log_prob(inside.select(x, somewhere)),
        f64::NEG_INFINITY,
    )
}

impl Family for Mixture {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let event = d.event_rank();
        let common = self.support(d);
        let logs = log_mean(d, |component, stacked| {
            Some(if stacked {
                component.log_prob(x.unsqueeze(event))
            } else {
                guarded(component, x, &common)
            })
        });
        logs.expect("components have one batch")
    }

    /// The components' own where it is the same, else the widest interval.
    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        match &d.args[1] {
            Argument::Stack(all) => without_last_axis(all.support()),
            Argument::Distribution(one) => one.support(),
            Argument::Distributions(all) => {
                let supports = all.iter().map(|c| c.support());
                supports.reduce(widest).unwrap_or(Support::REAL)
            }
            _ => Support::REAL,
        }
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        let Argument::Distributions(all) = &d.args[1] else {
            return Ok(());
        };
        let Some(first) = all.first() else {
            return Err("there must be at least one component".into());
        };
        if all.len() != d.value(0).extent(0) {
            return Err(format!(
                "there are {} weights for {} components",
                d.value(0).extent(0),
                all.len()
            ));
        }
        let kind = std::mem::discriminant(&first.support());
        for other in all {
            if std::mem::discriminant(&other.support()) != kind
                || other.event_rank() != first.event_rank()
            {
                return Err(format!(
                    "{} and {} cannot be mixed: their values are of different kinds",
                    first.family.declaration().name,
                    other.family.declaration().name
                ));
            }
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let components = p.inners(1);
        let k = draw::index(p.array(0), rng);
        // Where components do not differ there is one.
        components[k.min(components.len() - 1)].sample(rng, out);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        log_mean(d, |component, stacked| {
            component.log_cdf(if stacked { x.unsqueeze(0) } else { x })
        })
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        log_mean(d, |component, stacked| {
            component.log_survival(if stacked { x.unsqueeze(0) } else { x })
        })
    }

    /// Of numbers by the quantile. Of vectors element by element, given those before: the weights are then those of the
    /// components given as much.
    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        if d.event_rank() != 1 {
            return None;
        }
        let mut log_w = d.value(0).log();
        let mut before: Vec<Var<'g>> = Vec::new();
        for i in 0..noise.extent(0) {
            let next = |c: &Distribution<'g>, stacked: bool| match stacked {
                false => c.family.conditional(c, &before),
                true => {
                    let before: Vec<Var<'g>> = before.iter().map(|x| x.unsqueeze(0)).collect();
                    c.family.conditional(c, &before)
                }
            };
            let components = match &d.args[1] {
                Argument::Stack(all) => Argument::Stack(Box::new(next(all, true)?)),
                Argument::Distribution(one) => Argument::Distribution(Box::new(next(one, false)?)),
                Argument::Distributions(all) => {
                    let all: Option<Vec<_>> = all.iter().map(|c| next(c, false)).collect();
                    Argument::Distributions(all?)
                }
                _ => return None,
            };
            let w = (log_w - log_w.log_sum_exp(&[0]).unsqueeze(0)).exp();
            let given = Distribution {
                args: vec![Argument::Value(w), components],
                ..d.clone()
            };
            let x = given.quantile(matrix::element(noise, i).phi())?;
            let at = |c: &Distribution<'g>, stacked: bool| {
                Some(c.log_prob(if stacked { x.unsqueeze(0) } else { x }))
            };
            log_w = log_w + of_each(&given, 0, at)?;
            before.push(x);
        }
        let elements: Vec<Var<'g>> = before.iter().map(|x| x.unsqueeze(0)).collect();
        (!elements.is_empty()).then(|| concat(&elements, 0))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let event = d.event_rank();
        let means = of_each(d, event, |c, _| c.family.mean(c))?;
        Some((weights(d, event) * means).sum_axes(&[event]))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let event = d.event_rank();
        let (w, mean) = (weights(d, event), self.mean(d)?);
        let means = of_each(d, event, |c, _| c.family.mean(c))?;
        let variances = of_each(d, event, |c, _| c.family.variance(c))?;
        let spread = (means - mean.unsqueeze(event)).square();
        Some((w * (variances + spread)).sum_axes(&[event]))
    }
}

/// A support whose bounds count components in their last axis: the widest one.
pub(super) fn without_last_axis(support: Support<'_>) -> Support<'_> {
    fn least(v: Var<'_>) -> Var<'_> {
        if v.rank() == 0 { v } else { v.min_axes(&[0]) }
    }
    fn most(v: Var<'_>) -> Var<'_> {
        if v.rank() == 0 { v } else { v.max_axes(&[0]) }
    }
    match support {
        Support::Interval { lower, upper } => Support::Interval {
            lower: lower.map(least),
            upper: upper.map(most),
        },
        Support::Integers { lower, upper } => Support::Integers {
            lower: lower.map(least),
            upper: upper.map(most),
        },
        other => other,
    }
}

fn widest<'g>(a: Support<'g>, b: Support<'g>) -> Support<'g> {
    let (Some((la, ua)), Some((lb, ub))) = (bounds(&a), bounds(&b)) else {
        return a;
    };
    let join = |x: Option<Var<'g>>, y: Option<Var<'g>>, f: fn(Var<'g>, Var<'g>) -> Var<'g>| {
        let (x, y) = (x?, y?);
        Some(if x.id == y.id { x } else { f(x, y) })
    };
    let lower = join(la, lb, |x, y| x.min(y));
    let upper = join(ua, ub, |x, y| x.max(y));
    match a {
        Support::Integers { .. } => Support::Integers { lower, upper },
        _ => Support::Interval { lower, upper },
    }
}
