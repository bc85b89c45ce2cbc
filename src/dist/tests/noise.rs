//! Draws as functions of noise: their derivatives in all parameters against differences, and what they are distributed as.

use super::number;
use crate::autodiff::grad;
use crate::dist::{Argument, Distribution, bijection, find};
use crate::graph::{Graph, Tensor, Var, evaluate};
use std::f64::consts::PI;

/// A draw made of a noise and some parameters, and where to look at it.
type Draw = for<'g> fn(Var<'g>, &[Var<'g>]) -> Var<'g>;

fn draw<'g>(family: &str, args: Vec<Argument<'g>>, noise: Var<'g>) -> Var<'g> {
    let family = find(family).expect("a family");
    let d = Distribution {
        family,
        form: 0,
        args,
    };
    d.reparameterised(noise).expect("a draw")
}

fn values<'g>(all: &[Var<'g>]) -> Vec<Argument<'g>> {
    all.iter().map(|&v| Argument::Value(v)).collect()
}

/// Weights `σ(w)` and `1 − σ(w)` of two components.
fn mixture<'g>(w: Var<'g>, of: [(&str, Vec<Argument<'g>>); 2], noise: Var<'g>) -> Var<'g> {
    let first = w.sigmoid();
    let weights = crate::ops::concat(&[first.unsqueeze(0), (1.0 - first).unsqueeze(0)], 0);
    let components = of.map(|(name, args)| Distribution {
        family: find(name).expect("a family"),
        form: if name == "MvNormal" { 2 } else { 0 },
        args,
    });
    let args = vec![
        Argument::Value(weights),
        Argument::Distributions(components.into()),
    ];
    draw("Mixture", args, noise)
}

fn skew_normal<'g>(noise: Var<'g>, p: &[Var<'g>]) -> Var<'g> {
    draw("SkewNormal", values(p), noise)
}

fn von_mises<'g>(noise: Var<'g>, p: &[Var<'g>]) -> Var<'g> {
    draw("VonMises", values(p), noise)
}

fn of_numbers<'g>(noise: Var<'g>, p: &[Var<'g>]) -> Var<'g> {
    let of = [("Normal", values(&p[1..3])), ("Logistic", values(&p[3..5]))];
    mixture(p[0], of, noise)
}

/// Of two vectors with the same factor, of which the second's location is the first's with the other sign. The sum of
/// the squares of the elements is looked at.
fn of_vectors<'g>(noise: Var<'g>, p: &[Var<'g>]) -> Var<'g> {
    let join = |a: Var<'g>, b: Var<'g>| crate::ops::concat(&[a.unsqueeze(0), b.unsqueeze(0)], 0);
    let zero = noise.graph.scalar(0.0);
    let (row, other) = (join(p[3].exp(), zero), join(p[4], p[5].exp()));
    let l = crate::ops::concat(&[row.unsqueeze(1), other.unsqueeze(1)], 1);
    let mu = join(p[1], p[2]);
    let of = [
        ("MvNormal", values(&[mu, l])),
        ("MvNormal", values(&[-mu, l])),
    ];
    let noise = join(noise, noise * 0.5 - 0.3);
    mixture(p[0], of, noise).square().sum_axes(&[0])
}

/// `b − exp(a x)` for x Gumbel.
fn transformed<'g>(noise: Var<'g>, p: &[Var<'g>]) -> Var<'g> {
    let inner = Distribution::new(find("Gumbel").expect("a family"), 0, &p[2..4]);
    let step = |name, position| bijection::find(name, position).expect("a row");
    let steps = vec![
        (step("*", 0), Some(p[0])),
        (step("exp", 0), None),
        (step("-", 1), Some(p[1])),
    ];
    let function = Argument::Function(bijection::Chain(steps));
    draw(
        "Transformed",
        vec![Argument::Distribution(Box::new(inner)), function],
        noise,
    )
}

#[test]
fn derivatives_of_draws_equal_differences() {
    let cases: [(&str, Draw, &[f64]); 8] = [
        ("SkewNormal", skew_normal, &[0.3, 1.4, 2.5]),
        ("SkewNormal", skew_normal, &[0.3, 0.6, -0.4]),
        ("VonMises", von_mises, &[0.4, 1.3]),
        ("VonMises", von_mises, &[-1.0, 60.0]),
        ("VonMises", von_mises, &[0.2, 0.05]),
        ("Mixture", of_numbers, &[0.3, -1.0, 0.7, 1.5, 0.4]),
        (
            "Mixture of vectors",
            of_vectors,
            &[0.4, 1.0, -0.5, 0.1, 0.6, -0.3],
        ),
        ("Transformed", transformed, &[-0.7, 2.0, 0.3, 0.8]),
    ];
    for (name, draw, at) in cases {
        for noise in [-2.1, -0.4, 0.0, 0.9] {
            let g = Graph::new();
            let inputs: Vec<Var> = (0..=at.len()).map(|_| g.input(&[])).collect();
            let x = draw(inputs[0], &inputs[1..]);
            let gradient = grad(x, &inputs);
            let whole: Vec<f64> = [&[noise], at].concat();
            let value = |of: Var, at: &[f64]| {
                let at = inputs.iter().zip(at);
                let feeds: Vec<_> = at.map(|(v, &x)| (v.id, Tensor::scalar(x))).collect();
                evaluate(&g, &feeds, &[of.id])[0].data()[0]
            };
            for i in 0..whole.len() {
                let moved = |by: f64| {
                    let mut at = whole.clone();
                    at[i] += by;
                    value(x, &at)
                };
                let exact = value(gradient[i], &whole);
                // Of fourth order; what is inverted is known to some 1e-15, which the step magnifies to 1e-11.
                let h = 3e-4;
                let near = (moved(h) - moved(-h)) / (2.0 * h);
                let far = (moved(2.0 * h) - moved(-2.0 * h)) / (4.0 * h);
                let numeric = (4.0 * near - far) / 3.0;
                let off = (exact - numeric).abs() / (1.0 + exact.abs());
                assert!(off < 1e-8, "{name} {i} at {noise}: {exact}, {numeric}");
            }
        }
    }
}

/// The distribution function at the draw, by Simpson's rule from the other side of the circle, is that of the noise.
#[test]
fn angles_of_noise_follow_von_mises() {
    for k in [1e-3, 0.5, 4.0, 60.0, 3000.0] {
        for noise in [-3.0, -1.0, -0.05, 0.0, 0.4, 2.5] {
            let g = Graph::new();
            let d = Distribution::new(find("VonMises").unwrap(), 0, &[g.scalar(0.0), g.scalar(k)]);
            let x = number(d.reparameterised(g.scalar(noise)).expect("a draw"));
            const N: usize = 40_000;
            let h = (x + PI) / N as f64;
            let at: Vec<f64> = (0..=N).map(|i| -PI + i as f64 * h).collect();
            let density = d.log_prob(g.constant(Tensor::vector(at))).exp();
            let density = density.as_const().expect("of constants");
            let weight = |i: usize| match i {
                0 | N => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let sum: f64 = density
                .data()
                .iter()
                .enumerate()
                .map(|(i, p)| weight(i) * p)
                .sum();
            let (found, exact) = (sum * h / 3.0, crate::special::phi(noise));
            // The normaliser, log I₀ of the special functions, is known to some 1e-15 of itself.
            assert!(
                (found - exact).abs() < 1e-11,
                "{k} {noise}: {found} {exact}"
            );
        }
    }
}

/// Turned by the mean direction, in (−π, π].
#[test]
fn angles_are_turned_around_the_circle() {
    let g = Graph::new();
    let of = |mu: f64| {
        let d = Distribution::new(find("VonMises").unwrap(), 0, &[g.scalar(mu), g.scalar(2.0)]);
        number(d.reparameterised(g.scalar(1.2)).expect("a draw"))
    };
    let deviation = of(0.0);
    assert!((of(3.0) - (3.0 + deviation - 2.0 * PI)).abs() < 1e-13);
    assert!((of(-7.0) - (deviation - 7.0 + 2.0 * PI)).abs() < 1e-13);
}
