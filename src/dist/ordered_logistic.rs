//! The ordered logistic distribution.

use super::categorical::{one_to, pick};
use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use crate::ops::concat;
use crate::special::sigmoid;
use rand::Rng;

pub struct OrderedLogistic;

static DECLARATION: Declaration = Declaration {
    name: "OrderedLogistic",
    doc: "Which of the intervals between cutpoints a logistic variable around `eta` falls in: 1 … K \
          for K − 1 cutpoints.\n\n\
          `P(k) = σ(eta − c[k − 1]) − σ(eta − c[k])`, σ(v) = 1 / (1 + exp(−v)), c the cutpoints, \
          c[0] = −∞, c[K] = ∞ (McCullagh 1980, Regression models for ordinal data).",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("eta", Domain::Real, "location"),
            Parameter::array("cutpoints", Domain::Ordered, 1, "ends of the intervals")
                .missing(f64::INFINITY),
        ],
    }],
    event: &[],
    values: Values::Integer,
    support: Domain::Index,
};

impl Family for OrderedLogistic {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    // σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)): a product keeps its digits in both tails. The last
    // factor does not depend on the location.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (eta, cuts) = (d.value(0), d.value(1));
        let n = cuts.extent(0);
        let (first, last) = (cuts.slice(0, 0, 1), cuts.slice(0, n - 1, 1));
        // Ends of each category; the outermost have one end, the other is not used.
        let upper = pick(concat(&[cuts, last], 0), x, 0.0);
        let lower = pick(concat(&[first, cuts], 0), x, 0.0);
        let gaps = if n > 1 {
            let gap = cuts.slice(0, 0, n - 1) - cuts.slice(0, 1, n - 1);
            gap.log1m_exp().pad(0, 1, 1)
        } else {
            (cuts * 0.0).pad(0, 0, 1)
        };
        let below_upper = x
            .lt((n + 1) as f64)
            .select((upper - eta).log_sigmoid(), 0.0);
        let above_lower = x.gt(1.0).select((eta - lower).log_sigmoid(), 0.0);
        let known = x.ge(1.0).and(x.le((n + 1) as f64));
        let log_prob = below_upper + above_lower + pick(gaps, x, 0.0);
        known.select(log_prob, f64::NEG_INFINITY)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        one_to(d.value(0), d.value(1).extent(0) + 1)
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        if d.value(1).extent(0) == 0 {
            return Err("'cutpoints' must have at least one element".into());
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (eta, u) = (p.scalar(0), draw::uniform(rng));
        let below = p.array(1).iter().filter(|c| u >= sigmoid(*c - eta));
        out[0] = (1 + below.count()) as f64;
    }
}
