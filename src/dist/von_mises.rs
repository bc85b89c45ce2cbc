//! The VonMises distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values};
use crate::graph::Var;
use rand::{Rng, RngExt};
use std::f64::consts::PI;

pub struct VonMises;

static DECLARATION: Declaration = Declaration {
    name: "VonMises",
    doc: "Normal distribution on the circle, as it were.\n\n\
          `p(x) = exp(concentration · cos(x − mu)) / (2π I₀(concentration))` for −π < x ≤ π.\n\n\
          Draws: Best and Fisher (1979), Efficient simulation of the von Mises distribution.",
    forms: &[Form {
        parameters: &[
            Parameter::scalar("mu", Domain::Real, "mean direction, in radians"),
            Parameter::scalar(
                "concentration",
                Domain::Positive,
                "nearly uniform when near 0; about `1 / variance` when large",
            ),
        ],
    }],
    event: &[],
    values: Values::Real,
    support: Domain::Circle,
};

/// The same angle in `(−π, π]`.
fn wrap(angle: f64) -> f64 {
    let turned = angle - 2.0 * PI * (angle / (2.0 * PI)).round();
    if turned <= -PI { PI } else { turned.min(PI) }
}

/// One draw about direction 0: a wrapped Cauchy draw that is accepted or not.
fn deviation(k: f64, rng: &mut dyn Rng) -> f64 {
    // Nearly uniform; the envelope below loses all digits there.
    if k < 1e-8 {
        return PI * (2.0 * rng.random::<f64>() - 1.0);
    }
    // Nearly Normal; likewise.
    if k > 1e8 {
        let z: f64 = rng.sample(rand_distr::StandardNormal);
        return z / k.sqrt();
    }
    let tau = 1.0 + (1.0 + 4.0 * k * k).sqrt();
    let rho = (tau - (2.0 * tau).sqrt()) / (2.0 * k);
    let r = (1.0 + rho * rho) / (2.0 * rho);
    loop {
        let z = (PI * rng.random::<f64>()).cos();
        let f = (1.0 + r * z) / (r + z);
        let c = k * (r - f);
        let u: f64 = rng.sample(rand_distr::Open01);
        if c * (2.0 - c) > u || (c / u).ln() + 1.0 >= c {
            let angle = f.clamp(-1.0, 1.0).acos();
            return if rng.random::<bool>() { angle } else { -angle };
        }
    }
}

impl Family for VonMises {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    // cos d is 1 − 2 sin²(d/2): the peak is taken out of the exponent.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let k = d.value(1);
        let square = ((x - d.value(0)) * 0.5).sin().square();
        -(square * (k * 2.0)) - (k.log_bessel_i0() - k) - (2.0 * PI).ln()
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        out[0] = wrap(p.scalar(0) + deviation(p.scalar(1), rng));
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let k = d.value(1);
        Some(k.log_bessel_i0() - k * k.bessel_ratio() + (2.0 * PI).ln() + d.value(0) * 0.0)
    }
}
