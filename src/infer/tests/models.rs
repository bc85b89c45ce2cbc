//! Models built by hand, with known posteriors or known mean-field optima.

use crate::diag::Span;
use crate::dist::Support;
use crate::graph::{Graph, NodeId, Origin, Tensor, Var};
use crate::model::{Block, BlockSupport, Model, Place, Quantity, QuantityKind, Role, Stated, Term};
use crate::tape::Reuse;
use crate::types::Base;

pub(super) const HALF_LOG_2PI: f64 = 0.918_938_533_204_672_8;

/// What a density gives: log joint, log Jacobian and values to report besides the blocks.
pub(super) struct Parts<'g> {
    pub(super) log_joint: Var<'g>,
    pub(super) log_jacobian: Var<'g>,
    pub(super) quantities: Vec<(&'static str, Var<'g>)>,
}

pub(super) fn parts<'g>(log_joint: Var<'g>) -> Parts<'g> {
    let log_jacobian = log_joint.graph.scalar(0.0);
    Parts {
        log_joint,
        log_jacobian,
        quantities: Vec::new(),
    }
}

/// A model of unconstrained blocks; `density` is given one vector for each.
pub(super) fn model(
    blocks: &[(&str, Role, usize)],
    density: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Parts<'g>,
) -> Model {
    let graph = Graph::new();
    let inputs: Vec<NodeId> = blocks.iter().map(|b| graph.input(&[b.2]).id).collect();
    let (log_joint, log_jacobian, quantities) = {
        let vars: Vec<Var> = inputs.iter().map(|&i| graph.var(i)).collect();
        graph.set_origin(Origin(1));
        let made = density(&graph, &vars);
        let named = blocks.iter().zip(&vars).map(|(b, v)| (b.0, *v));
        let all: Vec<(String, Var)> = named
            .chain(made.quantities)
            .map(|(name, var)| (name.to_string(), var))
            .collect();
        let quantity = |(name, var): (String, Var)| Quantity {
            name,
            node: var.id,
            shape: var.shape().to_vec(),
            dims: vec![None; var.rank()],
            labels: vec![None; var.rank()],
            base: Base::Real,
            kind: QuantityKind::Deterministic,
        };
        (
            made.log_joint.id,
            made.log_jacobian.id,
            all.into_iter().map(quantity).collect(),
        )
    };
    let block = |(b, &input): (&(&str, Role, usize), &NodeId)| Block {
        name: b.0.into(),
        role: b.1,
        input,
        size: b.2,
        value: input,
        places: (0..b.2).collect(),
        support: BlockSupport::new(&Support::REAL, &[]),
        init: None,
    };
    let blocks: Vec<Block> = blocks.iter().zip(&inputs).map(block).collect();
    Model {
        stated: Stated {
            blocks: blocks.clone(),
            log_joint,
        },
        drawn: None,
        blocks,
        terms: vec![Term {
            name: "y".into(),
            node: log_joint,
            pointwise: log_joint,
            observed: true,
            places: Vec::new(),
            span: Span::default(),
        }],
        places: vec![Place {
            span: Span::default(),
            text: "y ~ Normal(mu, sigma)".into(),
        }],
        dimensions: Vec::new(),
        families: Default::default(),
        guided: None,
        rows: None,
        batched: None,
        given: Vec::new(),
        scored: Vec::new(),
        summation: None,
        reuse: Reuse::default(),
        graph,
        log_joint,
        as_written: log_joint,
        rewritten: Vec::new(),
        log_jacobian,
        quantities,
    }
}

/// `log N(x | mean, sd)` of each element.
pub(super) fn normal<'g>(x: Var<'g>, mean: Var<'g>, sd: Var<'g>) -> Var<'g> {
    ((x - mean) / sd).square() * -0.5 - sd.log() - HALF_LOG_2PI
}

/// `log HalfCauchy(x | scale)`
pub(super) fn half_cauchy(x: Var<'_>, scale: f64) -> Var<'_> {
    let constant = (2.0 / (std::f64::consts::PI * scale)).ln();
    constant - (x / scale).square().log1p()
}

/// `μ ~ N(0, 2)`, `yᵢ ~ N(μ, 1)`.
pub(super) fn conjugate() -> Model {
    model(&[("mu", Role::Latent, 1)], |g, u| {
        let y = g.constant(Tensor::vector(CONJUGATE_Y));
        let prior = normal(u[0], g.scalar(0.0), g.scalar(2.0)).sum();
        parts(prior + normal(y, u[0], g.scalar(1.0)).sum())
    })
}

pub(super) const CONJUGATE_Y: [f64; 3] = [1.0, 2.5, 0.3];

/// Centred bivariate Normal with sds 2 and 0.5.
pub(super) fn correlated(rho: f64) -> Model {
    model(&[("x", Role::Latent, 2)], move |_, u| {
        let a = u[0].slice(0, 0, 1) / 2.0;
        let b = u[0].slice(0, 1, 1) / 0.5;
        let rest = 1.0 - rho * rho;
        let square = (a * a - a * b * (2.0 * rho) + b * b) / rest;
        parts((square * -0.5).sum() - 2.0 * HALF_LOG_2PI - 0.5 * rest.ln())
    })
}

pub(super) fn cauchy() -> Model {
    model(&[("x", Role::Latent, 1)], |_, u| {
        parts(-u[0].square().log1p().sum() - std::f64::consts::PI.ln())
    })
}

/// `0.7 N(−3, 1) + 0.3 N(3, 1)`
pub(super) fn mixture() -> Model {
    model(&[("x", Role::Latent, 1)], |g, u| {
        let one = g.scalar(1.0);
        let low = normal(u[0], g.scalar(-3.0), one) + f64::ln(0.7);
        let high = normal(u[0], g.scalar(3.0), one) + f64::ln(0.3);
        parts(low.log_add_exp(high).sum())
    })
}

/// Rubin's eight schools, non-centred: `μ ~ N(0, 5)`, `τ ~ HalfCauchy(5)`, `θ = μ + τ z`.
pub(super) fn eight_schools() -> Model {
    let blocks = [
        ("mu", Role::Latent, 1),
        ("log tau", Role::Latent, 1),
        ("z", Role::Latent, 8),
    ];
    model(&blocks, |g, u| {
        let y = g.constant(Tensor::vector([
            28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0,
        ]));
        let sd = g.constant(Tensor::vector([
            15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0,
        ]));
        let (zero, one) = (g.scalar(0.0), g.scalar(1.0));
        let tau = u[1].exp();
        let theta = u[0] + tau * u[2];
        let prior = normal(u[0], zero, g.scalar(5.0)).sum()
            + half_cauchy(tau, 5.0).sum()
            + normal(u[2], zero, one).sum();
        Parts {
            log_joint: prior + normal(y, theta, sd).sum(),
            log_jacobian: u[1].sum(),
            quantities: vec![("tau", tau), ("theta", theta)],
        }
    })
}

/// Heights in inches and earnings in dollars like those of the classic survey: flat priors, raw units.
pub(super) fn earnings(n: usize) -> (Model, Vec<f64>, Vec<f64>) {
    let noise = crate::infer::optim::problems::normals(2 * n, 17);
    let height: Vec<f64> = (0..n).map(|i| 66.6 + 3.8 * noise[i]).collect();
    let dollars: Vec<f64> = (0..n)
        .map(|i| -61_000.0 + 1_262.0 * height[i] + 18_900.0 * noise[n + i])
        .collect();
    let (x, y) = (height.clone(), dollars.clone());
    let blocks = [
        ("alpha", Role::Latent, 1),
        ("beta", Role::Latent, 1),
        ("log sigma", Role::Latent, 1),
    ];
    let made = model(&blocks, move |g, u| {
        let x = g.constant(Tensor::vector(x.clone()));
        let y = g.constant(Tensor::vector(y.clone()));
        let sigma = u[2].exp();
        Parts {
            log_joint: normal(y, u[0] + u[1] * x, sigma).sum(),
            log_jacobian: u[2].sum(),
            quantities: vec![("sigma", sigma)],
        }
    });
    (made, height, dollars)
}

/// `x ~ N(θ, 1)`, `yᵢ ~ N(x, 2)` with `θ` learned: its maximum likelihood value is the mean of `y`.
pub(super) fn learned() -> Model {
    let blocks = [("x", Role::Latent, 1), ("theta", Role::Param, 1)];
    model(&blocks, |g, u| {
        let y = g.constant(Tensor::vector(LEARNED_Y));
        let prior = normal(u[0], u[1], g.scalar(1.0)).sum();
        parts(prior + normal(y, u[0], g.scalar(2.0)).sum())
    })
}

pub(super) const LEARNED_Y: [f64; 4] = [10.0, 13.0, 9.0, 12.0];

/// Every school its own group: `groups` effects with a learnable spread, a Poisson count for each.
pub(super) fn counts(groups: usize) -> Model {
    let blocks = [
        ("mu", Role::Latent, 1),
        ("log tau", Role::Latent, 1),
        ("z", Role::Latent, groups),
    ];
    model(&blocks, move |g, u| {
        let count = |i: usize| ((i * 7) % 11) as f64;
        let y = g.constant(Tensor::vector((0..groups).map(count).collect::<Vec<_>>()));
        let (zero, one) = (g.scalar(0.0), g.scalar(1.0));
        let tau = u[1].exp();
        let rate = u[0] + tau * u[2];
        let prior = normal(u[0], zero, g.scalar(3.0)).sum()
            + normal(tau, zero, one).sum()
            + normal(u[2], zero, one).sum();
        Parts {
            log_joint: prior + (y * rate - rate.exp() - (y + 1.0).lgamma()).sum(),
            log_jacobian: u[1].sum(),
            quantities: vec![("tau", tau)],
        }
    })
}

/// [`eight_schools`] with effects as they are: towards `τ = 0` the density grows without bound.
pub(super) fn centred_schools() -> Model {
    let blocks = [
        ("mu", Role::Latent, 1),
        ("log tau", Role::Latent, 1),
        ("theta", Role::Latent, 8),
    ];
    model(&blocks, |g, u| {
        let y = g.constant(Tensor::vector([
            28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0,
        ]));
        let sd = g.constant(Tensor::vector([
            15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0,
        ]));
        let tau = u[1].exp();
        let prior = normal(u[0], g.scalar(0.0), g.scalar(5.0)).sum()
            + half_cauchy(tau, 5.0).sum()
            + normal(u[2], u[0], tau).sum();
        Parts {
            log_joint: prior + normal(y, u[2], sd).sum(),
            log_jacobian: u[1].sum(),
            quantities: vec![("tau", tau)],
        }
    })
}

/// Neal's funnel: `v ~ N(0, 3)`, `xᵢ ~ N(0, e^(v/2))`.
pub(super) fn funnel(n: usize) -> Model {
    let blocks = [("v", Role::Latent, 1), ("x", Role::Latent, n)];
    model(&blocks, |g, u| {
        let zero = g.scalar(0.0);
        let prior = normal(u[0], zero, g.scalar(3.0)).sum();
        parts(prior + normal(u[1], zero, (u[0] * 0.5).exp()).sum())
    })
}

/// Mean and sd of numbers near `centre`, spread by `spread`, with flat priors.
pub(super) fn location(centre: f64, spread: f64) -> Model {
    let noise = crate::infer::optim::problems::normals(50, 3);
    let blocks = [("mu", Role::Latent, 1), ("log sigma", Role::Latent, 1)];
    model(&blocks, move |g, u| {
        let data: Vec<f64> = noise.iter().map(|z| centre + spread * z).collect();
        let y = g.constant(Tensor::vector(data));
        Parts {
            log_joint: normal(y, u[0], u[1].exp()).sum(),
            log_jacobian: u[1].sum(),
            quantities: Vec::new(),
        }
    })
}

/// Regression with a horseshoe prior: `βⱼ ~ N(0, τ λⱼ)`, two of twenty effects not 0.
pub(super) fn horseshoe() -> Model {
    let (n, d) = (60, 20);
    let noise = crate::infer::optim::problems::normals(n * (d + 1), 29);
    let blocks = [
        ("log tau", Role::Latent, 1),
        ("log lambda", Role::Latent, d),
        ("z", Role::Latent, d),
    ];
    model(&blocks, move |g, u| {
        let x: Vec<f64> = noise[..n * d].to_vec();
        let y: Vec<f64> = (0..n)
            .map(|i| 3.0 * x[i * d] - 2.0 * x[i * d + 1] + noise[n * d + i])
            .collect();
        let x = g.constant(Tensor::new([n, d].as_slice().into(), x));
        let (tau, lambda) = (u[0].exp(), u[1].exp());
        let beta = u[2] * tau * lambda;
        let prior = half_cauchy(tau, 1.0).sum()
            + half_cauchy(lambda, 1.0).sum()
            + normal(u[2], g.scalar(0.0), g.scalar(1.0)).sum();
        let mean = x.matmul(beta);
        Parts {
            log_joint: prior + normal(g.constant(Tensor::vector(y)), mean, g.scalar(1.0)).sum(),
            log_jacobian: u[0].sum() + u[1].sum(),
            quantities: vec![("beta", beta)],
        }
    })
}
