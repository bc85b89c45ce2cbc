//! Ordered vectors.

use super::mixture::without_last_axis;
use super::truncated::{DISTRIBUTION, sample_between};
use super::{
    Argument, Declaration, Distribution, Domain, EventAxis, Family, Form, Kind, Point, Support,
    Values,
};
use crate::graph::Var;
use crate::special::lgamma;
use rand::Rng;

pub struct Ordered;

static DECLARATION: Declaration = Declaration {
    name: "Ordered",
    doc: "Independent values given that they increase.\n\n\
          `p(x) = K! Π p(x[k])` for x[1] < … < x[K] of one distribution. Where the elements' \
          distributions differ the probability of the order has no closed form: the density is then \
          `Π p[k](x[k])`, not normalised.",
    forms: &[Form {
        parameters: &[DISTRIBUTION],
    }],
    event: &[EventAxis::LastOf { position: 0 }],
    values: Values::AsInner(0),
    support: Domain::Ordered,
};

/// Whether no argument varies along the last batch axis, but for `inside` axes after it.
fn exchangeable(d: &Distribution<'_>, inside: usize) -> bool {
    let parameters = d.family.declaration().forms[d.form].parameters;
    d.args
        .iter()
        .zip(parameters)
        .all(|(arg, parameter)| match (arg, parameter.kind) {
            (Argument::Value(v), Kind::Value { rank, .. }) => {
                let axis = rank + inside;
                axis >= v.rank() || v.extent(axis) == 1
            }
            (Argument::Distribution(d), _) => exchangeable(d, inside),
            (Argument::Distributions(all), _) => all.iter().all(|d| exchangeable(d, inside)),
            (Argument::Stack(d), _) => exchangeable(d, inside + 1),
            _ => true,
        })
}

impl Family for Ordered {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (inner, k) = (d.inner(0), x.extent(0));
        let sum = inner.log_prob(x).sum_axes(&[0]);
        let log_prob = if exchangeable(inner, 0) {
            sum + lgamma(k as f64 + 1.0)
        } else {
            sum
        };
        if k < 2 || x.as_const().is_none() {
            return log_prob;
        }
        let rises = x.slice(0, 1, k - 1).gt(x.slice(0, 0, k - 1));
        rises.min_axes(&[0]).select(log_prob, f64::NEG_INFINITY)
    }

    /// Draws of one distribution, put in order.
    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let inner = d.inner(0);
        let draws = inner.reparameterised(noise)?;
        exchangeable(inner, 0).then(|| draws.sorted())
    }

    /// Bounds that differ between the elements are as wide as the widest; the elements' own
    /// densities say the rest.
    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        match without_last_axis(d.inner(0).support()) {
            Support::Interval { lower, upper } => Support::Ordered { lower, upper },
            _ => Support::Ordered {
                lower: None,
                upper: None,
            },
        }
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        let inner = d.inner(0);
        let real = matches!(inner.support(), Support::Interval { .. });
        if inner.event_rank() > 0 || inner.is_discrete() || !real {
            return Err(format!(
                "{} cannot be ordered: its values are not real numbers",
                inner.family.declaration().name
            ));
        }
        Ok(())
    }

    /// Sorted where the elements are alike. Else by rejection, and where that is not met, by Gibbs
    /// sweeps from a sorted start, each element drawn between its neighbours.
    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        const TRIES: usize = 1000;
        const SWEEPS: usize = 50;
        let points = p.inners(0);
        let of = |k: usize| &points[k.min(points.len() - 1)];
        let draw = |rng: &mut dyn Rng, out: &mut [f64]| {
            for (k, x) in out.iter_mut().enumerate() {
                of(k).sample(rng, std::slice::from_mut(x));
            }
        };
        draw(rng, out);
        let tries = if points.len() == 1 { 0 } else { TRIES };
        for _ in 0..tries {
            if out.is_sorted() {
                return;
            }
            draw(rng, out);
        }
        out.sort_by(f64::total_cmp);
        let sweeps = if points.len() == 1 { 0 } else { SWEEPS };
        for _ in 0..sweeps {
            for k in 0..out.len() {
                let lower = if k == 0 {
                    f64::NEG_INFINITY
                } else {
                    out[k - 1]
                };
                let upper = out.get(k + 1).copied().unwrap_or(f64::INFINITY);
                out[k] = sample_between(of(k), lower, upper, rng);
            }
        }
    }
}
