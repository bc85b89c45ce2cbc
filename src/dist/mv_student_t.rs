//! The multivariate Student distribution.

use super::student_t::StudentT;
use super::{
    Declaration, Distribution, Domain, EventAxis, Family, Form, Parameter, Point, Values, draw,
    matrix, noise,
};
use crate::graph::Var;
use rand::Rng;
use std::f64::consts::PI;

pub struct MvStudentT;

const NU: Parameter = Parameter::scalar("nu", Domain::Positive, "degrees of freedom");
const MU: Parameter = Parameter::array("mu", Domain::Real, 1, "location");

static DECLARATION: Declaration = Declaration {
    name: "MvStudentT",
    doc: "Multivariate Student distribution.\n\n\
          `p(x) = Γ((nu + n) / 2) / (Γ(nu / 2) √|nu π S|) (1 + (x − mu)ᵀ S⁻¹ (x − mu) / nu)^(−(nu + n) / 2)` \
          in n dimensions; S is `scale` or `chol cholᵀ`. The covariance is `nu / (nu − 2) S`.",
    forms: &[
        Form {
            parameters: &[
                NU,
                MU,
                Parameter::array("scale", Domain::Covariance, 2, "scale matrix"),
            ],
        },
        Form {
            parameters: &[
                NU,
                MU,
                Parameter::array(
                    "chol",
                    Domain::CholeskyCovariance,
                    2,
                    "lower Cholesky factor of the scale matrix",
                ),
            ],
        },
    ],
    event: &[EventAxis::Of {
        position: 1,
        axis: 0,
    }],
    values: Values::Real,
    support: Domain::Real,
};

impl Family for MvStudentT {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let (nu, r) = (d.value(0), x - d.value(1));
        let n = r.extent(0) as f64;
        let l = matrix::factor_of(d, 2, d.form == 1);
        let half = (nu + n) * 0.5;
        let constant = half.lgamma() - (nu * 0.5).lgamma() - (nu * PI).log() * (0.5 * n);
        constant - matrix::half_log_det(l) - half * (matrix::mahalanobis(l, r) / nu).log1p()
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let (nu, n) = (p.scalar(0), out.len());
        let l = matrix::factor_of_data(p.array(2), n, p.form == 1);
        let z: Vec<f64> = (0..n).map(|_| draw::normal(rng)).collect();
        let chi_square = 2.0 * draw::gamma(nu / 2.0, rng);
        let scale = (nu / chi_square).sqrt();
        matrix::times(&l, &z, out);
        for (x, mu) in out.iter_mut().zip(p.array(1)) {
            *x = mu + *x * scale;
        }
    }

    fn reparameterised<'g>(&self, d: &Distribution<'g>, noise: Var<'g>) -> Option<Var<'g>> {
        let l = matrix::factor_of(d, 2, d.form == 1);
        let standard = noise::student(d.value(0), noise);
        Some(d.value(1) + matrix::product(l, standard))
    }

    /// What is before adds to the degrees of freedom, and scales by how far out it is.
    fn conditional<'g>(
        &self,
        d: &Distribution<'g>,
        before: &[Var<'g>],
    ) -> Option<Distribution<'g>> {
        let l = matrix::factor_of(d, 2, d.form == 1);
        let (mu, scale, square) = matrix::conditional(d.value(1), l, before);
        let nu = d.value(0);
        let degrees = nu + before.len() as f64;
        let scale = scale * ((nu + square) / degrees).sqrt();
        Some(Distribution::new(&StudentT, 0, &[degrees, mu, scale]))
    }

    /// NaN where `nu ≤ 1`.
    fn mean<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let nu = d.value(0).unsqueeze(0);
        let mean = d.value(1) + d.value(2).diagonal() * 0.0;
        Some(nu.gt(1.0).select(mean, f64::NAN))
    }

    /// Infinite where `nu ≤ 2`.
    fn variance<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let nu = d.value(0).unsqueeze(0);
        let diagonal = if d.form == 1 {
            matrix::squared_diagonal(d.value(2))
        } else {
            d.value(2).diagonal()
        };
        let variance = (nu / (nu - 2.0)) * diagonal + d.value(1) * 0.0;
        Some(nu.gt(2.0).select(variance, f64::INFINITY))
    }
}
