//! The negative Binomial distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::Var;
use crate::special::Tail;
use rand::Rng;

pub struct NegBinomial;

const DISPERSION: Parameter = Parameter::scalar(
    "dispersion",
    Domain::Positive,
    "the variance is mean + mean² / dispersion",
);

static DECLARATION: Declaration = Declaration {
    name: "NegBinomial",
    doc: "Counts that vary more than Poisson ones: Poisson with a Gamma rate.\n\n\
          `P(x) = Γ(x + r) / (Γ(r) x!) p^r (1 − p)^x`. The forms are r = `dispersion`, \
          p = r / (r + mean); r = `shape`, p = rate / (1 + rate); r = `successes`, p = `prob`: the \
          number of failures before the r-th success.",
    forms: &[
        Form {
            parameters: &[
                Parameter::scalar("mean", Domain::Nonnegative, "mean"),
                DISPERSION,
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("log_mean", Domain::Real, "logarithm of the mean"),
                DISPERSION,
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("shape", Domain::Positive, "shape of the Gamma"),
                Parameter::scalar("rate", Domain::Positive, "rate of the Gamma"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("successes", Domain::Positive, "successes to wait for"),
                Parameter::scalar("prob", Domain::Unit, "probability of a success"),
            ],
        },
    ],
    event: &[],
    values: Values::Integer,
    support: Domain::Count,
};

const MEAN: usize = 0;
const LOG_MEAN: usize = 1;
const SHAPE: usize = 2;

/// `r`
fn shape<'g>(d: &Distribution<'g>) -> Var<'g> {
    d.value(usize::from(d.form <= LOG_MEAN))
}

fn mean<'g>(d: &Distribution<'g>) -> Var<'g> {
    let (a, b) = (d.value(0), d.value(1));
    match d.form {
        MEAN => a + b * 0.0,
        LOG_MEAN => a.exp() + b * 0.0,
        SHAPE => a / b,
        _ => a * ((1.0 - b) / b),
    }
}

/// `1 − p`
fn failure<'g>(d: &Distribution<'g>) -> Var<'g> {
    let (a, b) = (d.value(0), d.value(1));
    match d.form {
        MEAN => a / (a + b),
        LOG_MEAN => (a - b.log()).sigmoid(),
        SHAPE => (b + 1.0).recip(),
        _ => 1.0 - b,
    }
}

/// Logarithm of the probability up to `x` or above it, `P(X > k) = I(k + 1, r, 1 − p)`.
fn log_tail<'g>(d: &Distribution<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
    let k = x.floor();
    let possible = k.ge(0.0);
    let Tail { upper, log } = tail;
    let failures = possible.select(k + 1.0, 1.0);
    let within = failures.beta_tail(shape(d), failure(d), Tail { upper: !upper, log });
    possible.select(within, if upper { 0.0 } else { f64::NEG_INFINITY })
}

impl Family for NegBinomial {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (a, b, r) = (d.value(0), d.value(1), shape(d));
        // What grows with x, and what all data with the same parameters have in common: last, so
        // that it can leave a sum.
        let (power, common) = match d.form {
            MEAN => (x.xlogy(a / (a + r)), r * (a / r).log1p()),
            LOG_MEAN => {
                let log_odds = a - r.log();
                (x * -(-log_odds).softplus(), r * log_odds.softplus())
            }
            SHAPE => (-(x * b.log1p()), r * b.recip().log1p()),
            _ => (x.xlog1py(-b), -r.xlogy(b)),
        };
        (x + r).lgamma() + power - (x + 1.0).lgamma() - (r.lgamma() + common)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        Support::Integers {
            lower: Some(d.value(0).graph.scalar(0.0)),
            upper: None,
        }
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (a, b) = (p.scalar(0), p.scalar(1));
        let (shape, mean) = match p.form {
            MEAN => (b, a),
            LOG_MEAN => (b, a.exp()),
            SHAPE => (a, a / b),
            _ => (a, a * (1.0 - b) / b),
        };
        let rate = draw::gamma(shape, rng) * mean / shape;
        out[0] = draw::poisson(rate, rng);
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_CDF))
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(log_tail(d, x, Tail::LOG_SURVIVAL))
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(mean(d))
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let m = mean(d);
        Some(m + m.square() / shape(d))
    }
}
