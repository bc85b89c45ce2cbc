//! The Normal distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// `log √(2π)`
pub const LOG_SQRT_2PI: f64 = 0.918_938_533_204_672_8;

pub struct Normal;

static DECLARATION: Declaration = Declaration {
    name: "Normal",
    doc: "Normal distribution.\n\n\
          `p(x) = exp(−(x − mu)² / 2 sigma²) / (sigma √(2π))`; mean `mu`, standard deviation `sigma`.",
    forms: &[
        Form {
            parameters: &[
                Parameter::scalar("mu", Domain::Real, "mean"),
                Parameter::scalar("sigma", Domain::Positive, "standard deviation"),
            ],
        },
        Form {
            parameters: &[
                Parameter::scalar("mu", Domain::Real, "mean"),
                Parameter::scalar("precision", Domain::Positive, "1 / variance"),
            ],
        },
    ],
    event: &[],
    values: Values::Real,
    support: Domain::Real,
};

fn sd<'g>(d: &Distribution<'g>) -> Var<'g> {
    if d.form == 0 {
        d.value(1)
    } else {
        d.value(1).pow(-0.5)
    }
}

impl Family for Normal {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    // The quotient by a common scale stays outside of the square, where it can leave a sum.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let square = (x - d.value(0)).square();
        if d.form == 1 {
            let precision = d.value(1);
            return precision.log() * 0.5 - square * precision * 0.5 - LOG_SQRT_2PI;
        }
        let sigma = d.value(1);
        -(square * (sigma.square().recip() * 0.5)) - sigma.log() - LOG_SQRT_2PI
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let scale = if p.form == 0 {
            p.scalar(1)
        } else {
            p.scalar(1).powf(-0.5)
        };
        let z: f64 = rng.sample(StandardNormal);
        out[0] = p.scalar(0) + scale * z;
    }

    fn log_cdf<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((x - d.value(0)) / sd(d)).log_phi())
    }

    fn log_survival<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Option<Var<'g>> {
        Some(((d.value(0) - x) / sd(d)).log_phi())
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + sd(d) * noise)
    }

    fn quantile<'g>(&self, d: &Distribution<'g>, p: Var<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + sd(d) * p.inv_phi())
    }

    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(d.value(0) + sd(d) * 0.0)
    }

    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(sd(d).square() + d.value(0) * 0.0)
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        Some(sd(d).log() + d.value(0) * 0.0 + (LOG_SQRT_2PI + 0.5))
    }
}
