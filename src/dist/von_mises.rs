//! The VonMises distribution.

use super::{Declaration, Distribution, Domain, Family, Form, Parameter, Point, Values, quantile};
use crate::graph::{Tensor, Var};
use crate::special::legendre;
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

/// `log P(X ≤ x) − log P(X > x)` for an angle from direction 0: the smaller tail is an integral, by Gauss–Legendre
/// quadrature over the part of it where the density has not lost 40 powers of e.
fn logit<'b>(d: &Distribution<'b>, x: Var<'b>) -> Option<Var<'b>> {
    let (graph, k) = (x.graph, d.value(1));
    let upper = x.ge(0.0);
    // Not the absolute value, which has no derivative at 0.
    let angle = upper.select(x, -x).min(PI);
    // Where the quadrature ends is no part of the function.
    let height = ((angle * 0.5).sin().square() + k.recip() * 20.0).stop_gradient();
    let ends = height.lt(1.0);
    let end = ends.select(ends.select(height, 0.5).sqrt().asin() * 2.0, PI);
    let rule = |of: &dyn Fn(&(f64, f64)) -> f64| {
        graph.constant(Tensor::vector(
            legendre().iter().map(of).collect::<Vec<_>>(),
        ))
    };
    let (places, log_weights) = (rule(&|node| node.0), rule(&|node| node.1.ln()));
    let width = (end - angle).unsqueeze(0);
    let at = angle.unsqueeze(0) + width * places;
    let logs = (at * 0.5).sin().square() * (k * -2.0).unsqueeze(0) + log_weights;
    let log_tail = logs.log_sum_exp(&[0]) + (end - angle).log();
    let log_total = k.log_bessel_i0() - k + (2.0 * PI).ln();
    let log_tail = log_tail - log_total;
    let logit = log_tail.log1m_exp() - log_tail;
    Some(upper.select(logit, -logit))
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

    /// The quantile of the deviation from `mu`, and the same angle in (−π, π].
    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let level = noise.log_phi() - (-noise).log_phi();
        let angle = d.value(0) + quantile::inverse(d, level, (None, None), logit)?;
        Some(angle - (angle * (0.5 / PI)).round() * (2.0 * PI))
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let k = d.value(1);
        Some(k.log_bessel_i0() - k * k.bessel_ratio() + (2.0 * PI).ln() + d.value(0) * 0.0)
    }
}
