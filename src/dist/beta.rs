//! The Beta distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::{Rng, RngExt};

pub struct Beta;

static DECLARATION: Declaration = Declaration {
    name: "Beta",
    doc: "Distribution of a proportion.\n\n\
          `p(x) = x^(a − 1) (1 − x)^(b − 1) / B(a, b)` for 0 < x < 1; `a = mean · precision`, `b \
          = (1 − mean) · precision`.",
    forms: &[
        Form {
            parameters: &[
                Parameter::scalar("a", Domain::Positive, "successes seen before, as it were"),
                Parameter::scalar("b", Domain::Positive, "failures seen before, as it were"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("mean", Domain::Unit, "mean"),
                Parameter::scalar(
                    "precision",
                    Domain::Positive,
                    "`a + b`, the size of the sample seen before, as it were",
                ),
            ],
        },
    ],
    event: &[],
    values: Values::Real,
    support: Domain::Unit,
};

fn shapes<'g>(d: &Distribution<'g>) -> (Var<'g>, Var<'g>) {
    let (a, b) = (d.value(0), d.value(1));
    if d.form == 0 {
        (a, b)
    } else {
        (a * b, (1.0 - a) * b)
    }
}

/// The nearest number strictly between 0 and 1, where both logarithms are finite.
pub(super) fn inside(x: f64) -> f64 {
    x.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0)
}

/// Logarithm of the probability up to `x` or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let (a, b) = shapes(d);
    a.beta_tail(b, x, tail)
}

impl Family for Beta {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (a, b) = shapes(d);
        x.log() * (a - 1.0) + (-x).log1p() * (b - 1.0) - a.lbeta(b)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::between(d.value(0), 0.0, 1.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (a, b) = if p.form == 0 {
            (p.scalar(0), p.scalar(1))
        } else {
            (p.scalar(0) * p.scalar(1), (1.0 - p.scalar(0)) * p.scalar(1))
        };
        let beta = rand_distr::Beta::new(a, b).expect("both shapes are positive");
        out[0] = inside(rng.sample(beta));
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b) = shapes(d);
        Some(a / (a + b))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b) = shapes(d);
        let total = a + b;
        Some(a * b / (total.square() * (total + 1.0)))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (a, b) = shapes(d);
        let total = a + b;
        Some(
            a.lbeta(b) - (a - 1.0) * a.digamma() - (b - 1.0) * b.digamma()
                + (total - 2.0) * total.digamma(),
        )
    }
}
