//! The Gamma distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values};
use crate::graph::Var;
use crate::special::Tail;
use rand::{Rng, RngExt};

pub struct Gamma;

static DECLARATION: Declaration = Declaration {
    name: "Gamma",
    doc: "Sum of waiting times.\n\n\
          `p(x) = rate^shape / Γ(shape) · x^(shape − 1) exp(−rate x)` for x > 0; mean `shape / \
          rate`, `scale = 1 / rate`; dispersion is variance / mean², that is `1 / shape`.",
    forms: &[
        Form {
            parameters: &[
                Parameter::scalar("shape", Domain::Positive, "shape"),
                Parameter::scalar("rate", Domain::Positive, "1 / scale"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("shape", Domain::Positive, "shape"),
                Parameter::scalar("scale", Domain::Positive, "mean / shape"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("mean", Domain::Positive, "mean"),
                Parameter::scalar("dispersion", Domain::Positive, "variance / mean²"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("mean", Domain::Positive, "mean"),
                Parameter::scalar("sd", Domain::Positive, "standard deviation"),
            ],
        },
    ],
    event: &[],
    values: Values::Real,
    support: Domain::Positive,
};

fn shape_and_rate<'g>(d: &Distribution<'g>) -> (Var<'g>, Var<'g>) {
    let (a, b) = (d.value(0), d.value(1));
    match d.form {
        0 => (a, b),
        1 => (a, b.recip()),
        2 => (b.recip(), (a * b).recip()),
        _ => ((a / b).square(), a / b.square()),
    }
}

/// One draw of rate 1. What is too small for a double becomes the smallest positive one, so that
/// its logarithm is finite.
pub(super) fn draw(shape: f64, rng: &mut dyn Rng) -> f64 {
    let gamma = rand_distr::Gamma::new(shape, 1.0).expect("a shape is positive");
    rng.sample(gamma).max(f64::MIN_POSITIVE)
}

/// Logarithm of the probability up to `x` or above it.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let (shape, rate) = shape_and_rate(d);
    shape.gamma_tail(x * rate, tail)
}

impl Family for Gamma {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (shape, rate) = shape_and_rate(d);
        x.log() * (shape - 1.0) - x * rate + shape * rate.log() - shape.lgamma()
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::above(d.value(0), 0.0)
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (a, b) = (p.scalar(0), p.scalar(1));
        let (shape, scale) = match p.form {
            0 => (a, 1.0 / b),
            1 => (a, b),
            2 => (1.0 / b, a * b),
            _ => ((a / b) * (a / b), b * b / a),
        };
        out[0] = draw(shape, rng) * scale;
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, rate) = shape_and_rate(d);
        Some(shape / rate)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, rate) = shape_and_rate(d);
        Some(shape / rate.square())
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let (shape, rate) = shape_and_rate(d);
        Some(shape - rate.log() + shape.lgamma() + (1.0 - shape) * shape.digamma())
    }
}
