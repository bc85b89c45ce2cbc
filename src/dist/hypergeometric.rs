//! The hypergeometric distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};

pub struct Hypergeometric;

static DECLARATION: Declaration = Declaration {
    name: "Hypergeometric",
    doc: "Number of successes among draws without replacement.\n\n\
          `P(x) = C(a, x) C(b, n − x) / C(a + b, n)`; a = `successes`, b = `failures`, n = `draws`.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("successes", Domain::Count, "successes in the population"),
            Parameter::scalar("failures", Domain::Count, "failures in the population"),
            Parameter::scalar("draws", Domain::Count, "number of draws"),
        ],
    }],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

impl Family for Hypergeometric {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (a, b, n) = (d.value(0), d.value(1), d.value(2));
        a.log_choose(x) + b.log_choose(n - x) - (a + b).log_choose(n)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        let (a, b, n) = (d.value(0), d.value(1), d.value(2));
        Support::Integers {
            lower: Some((n - b).max(0.0)),
            upper: Some(n.min(a)),
        }
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        let left = d.value(0) + d.value(1) - d.value(2);
        match left.as_const() {
            Some(left) if left.data().iter().any(|&n| n < 0.0) => {
                Err("'draws' must not be more than 'successes' and 'failures' together".into())
            }
            _ => Ok(()),
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (a, b, n) = (p.scalar(0) as u64, p.scalar(1) as u64, p.scalar(2) as u64);
        let d = rand_distr::Hypergeometric::new(a.saturating_add(b), a, n);
        out[0] = d.map_or(f64::NAN, |d| rng.sample(d) as f64);
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b, n) = (d.value(0), d.value(1), d.value(2));
        Some(n * (a / (a + b)))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b, n) = (d.value(0), d.value(1), d.value(2));
        let total = a + b;
        Some(n * (a * b / total.square()) * ((total - n) / (total - 1.0)))
    }
}
