//! Quantiles invert distribution functions, and their derivatives are those of inverses.

use super::rows::{dist, row, row_of, vector};
use super::{close, number, on_every_row};
use crate::autodiff::{grad, hvp};
use crate::dist::{Distribution, find};
use crate::graph::{Graph, Shape, Tensor, Var, evaluate, numel};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

#[test]
fn quantiles_invert_distribution_functions() {
    let known = std::cell::Cell::new(0);
    on_every_row(|row| {
        let g = Graph::new();
        let d = row.constant(&g, &[]);
        for p in [1e-12, 0.01, 0.3, 0.5, 0.8, 0.999] {
            let Some(x) = d.quantile(g.scalar(p)) else {
                return Ok(());
            };
            known.set(known.get() + 1);
            let log_cdf = |x: f64| number(d.family.log_cdf(&d, g.scalar(x)).expect("as asked"));
            let x = number(x);
            let what = format!("quantile of {p}, {x}:");
            if d.is_discrete() {
                assert_eq!(x, x.round(), "{what}");
                if log_cdf(x) < p.ln() - 1e-13 || log_cdf(x - 1.0) >= p.ln() {
                    return Err(format!("{what} not the least with such a probability"));
                }
                continue;
            }
            let above = d.family.log_survival(&d, g.scalar(x)).expect("as asked");
            // The probability of the point's own roundings, relative to that of the tail.
            let density = number(d.log_prob(g.scalar(x)));
            let blur = |tail: f64| 1e-12 + (density - tail).exp() * x.abs() * 4e-15;
            close(&what, log_cdf(x) - p.ln(), 0.0, blur(p.ln()))?;
            close(&what, number(above) - (-p).ln_1p(), 0.0, blur((-p).ln_1p()))?;
        }
        for p in [-0.1, 1.1, f64::NAN] {
            let x = d.quantile(g.scalar(p)).expect("as for others");
            assert!(number(x).is_nan(), "{row}: of {p}");
        }
        Ok(())
    });
    assert!(
        known.get() > 150,
        "only {} quantiles were found",
        known.get()
    );
}

#[test]
fn quantiles_of_nothing_and_all_are_the_ends() {
    let g = Graph::new();
    for (name, args, ends) in [
        (
            "Normal",
            &[0.5, 2.0][..],
            [f64::NEG_INFINITY, f64::INFINITY],
        ),
        ("Uniform", &[-1.0, 3.0], [-1.0, 3.0]),
        ("Exponential", &[2.0], [0.0, f64::INFINITY]),
        ("Beta", &[2.0, 3.0], [0.0, 1.0]),
        ("Binomial", &[3.0, 0.4], [0.0, 3.0]),
    ] {
        let d = row(name, 0, args).constant(&g, &[]);
        for (p, end) in [0.0, 1.0].into_iter().zip(ends) {
            let x = number(d.quantile(g.scalar(p)).expect("it has one"));
            assert!(
                (x - end).abs() < 1e-12 || x == end,
                "{name}: {x}, not {end}"
            );
        }
    }
}

/// Numbers by scipy.stats 1.17.
#[test]
fn quantiles_are_those_of_scipy() {
    let g = Graph::new();
    for (name, args, p, expected) in [
        ("Normal", &[0.5, 2.0][..], 0.01, -4.1526957480816815),
        ("LogNormal", &[0.5, 0.7][..], 0.9, 4.043400702270433),
        ("Cauchy", &[1.0, 2.0][..], 0.001, -635.6176779711009),
        ("Laplace", &[1.0, 2.0][..], 0.9, 4.218875824868201),
        ("Gumbel", &[1.0, 2.0][..], 0.9, 5.500734654624891),
        ("Weibull", &[1.7, 2.0][..], 0.3, 1.0905885601962122),
        ("Pareto", &[2.0, 3.0][..], 0.3, 2.252495760887212),
        ("HalfCauchy", &[2.0][..], 0.7, 3.9252210110103007),
        ("HalfNormal", &[2.0][..], 0.7, 2.0728667789875797),
        ("Gamma", &[2.5, 1.3][..], 1e-08, 0.0007848989326678979),
        ("Gamma", &[0.3, 2.0][..], 0.9999, 3.347329897710946),
        ("Beta", &[0.5, 3.0][..], 0.2, 0.011554488147974142),
        ("StudentT", &[3.0, 0.0, 1.0][..], 0.999, 10.214531852407383),
        ("ChiSquared", &[4.0][..], 0.95, 9.487729036781154),
        ("Poisson", &[7.5][..], 0.9, 11.0),
        ("Poisson", &[7.5][..], 0.0001, 0.0),
        ("Binomial", &[20.0, 0.3][..], 0.5, 6.0),
        ("Geometric", &[0.2][..], 0.9, 10.0),
    ] {
        let d = row(name, 0, args).constant(&g, &[]);
        let x = number(d.quantile(g.scalar(p)).expect("it has one"));
        close(name, x, expected, 1e-11).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

/// First and second derivatives of a sum of quantiles against differences, for families that are inverted
/// numerically.
#[test]
fn derivatives_of_quantiles_equal_differences() {
    for (name, args) in [
        ("Gamma", [2.5, 1.3]),
        ("Beta", [2.5, 1.3]),
        ("InverseGamma", [2.5, 1.3]),
        ("Weibull", [2.5, 1.3]),
    ] {
        let g = Graph::new();
        let inputs: Vec<Var> = (0..3).map(|_| g.input(&[])).collect();
        let d = Distribution::new(find(name).expect("a family"), 0, &inputs[1..]);
        let y = d.quantile(inputs[0]).expect("it has one").sin();
        let tangent = [0.3, -1.0, 0.7].map(|v| g.scalar(v));
        let (first, second) = (grad(y, &inputs), hvp(y, &inputs, &tangent));
        let along = first.iter().zip(tangent).map(|(d, v)| *d * v);
        let along = along.reduce(|a, b| a + b).expect("three");
        let at = [0.35, args[0], args[1]];
        let value = |of: Var, at: [f64; 3]| {
            let feeds: Vec<_> = inputs
                .iter()
                .zip(at)
                .map(|(v, x)| (v.id, Tensor::scalar(x)))
                .collect();
            evaluate(&g, &feeds, &[of.id])[0].data()[0]
        };
        for i in 0..3 {
            let difference = |of: Var| {
                let (mut up, mut down) = (at, at);
                up[i] += 1e-5;
                down[i] -= 1e-5;
                (value(of, up) - value(of, down)) / 2e-5
            };
            for (what, exact, numeric) in [
                ("first", value(first[i], at), difference(y)),
                ("second", value(second[i], at), difference(along)),
            ] {
                // As in the battery of operations.
                let off = (exact - numeric).abs() / (1.0 + exact.abs());
                assert!(off < 1e-6, "{name} {what} {i}: {exact}, {numeric}");
            }
        }
    }
}

/// A mixture has weights, which are no numbers of their own, and rows of points.
#[test]
fn quantiles_of_mixtures_in_rows() {
    let g = Graph::new();
    let normal = |mu: f64| {
        dist(
            "Normal",
            0,
            vec![super::Given::Number(mu), super::Given::Number(1.0)],
        )
    };
    let d = row_of(
        "Mixture",
        0,
        vec![
            vector(&[0.25, 0.75]),
            super::Given::Distributions(vec![normal(-2.0), normal(3.0)]),
        ],
    );
    let d = d.constant(&g, &[]).power(1);
    let p = g.constant(Tensor::vector([0.1, 0.5, 0.9]));
    let x = d
        .quantile(p)
        .expect("its components have distribution functions");
    let back = d
        .log_cdf(x)
        .expect("as those")
        .exp()
        .as_const()
        .expect("of constants");
    for (found, p) in back.data().iter().zip([0.1, 0.5, 0.9]) {
        assert!((found - p).abs() < 1e-13, "{found}, not {p}");
    }
}

/// Draws made of noise have the moments of the distribution, whatever its values are shaped like.
#[test]
fn vectors_and_matrices_of_noise_have_the_moments_of_their_distribution() {
    use crate::dist::Argument;
    let g = Graph::new();
    let value = |shape: &[usize], data: &[f64]| {
        Argument::Value(g.constant(Tensor::new(Shape::from_slice(shape), data.to_vec())))
    };
    let number = |x: f64| value(&[], &[x]);
    let scale = || value(&[2, 2], &[2.0, 0.6, 0.6, 1.0]);
    let vectors = |mu: f64, form: usize| {
        let (name, mut args) = match form {
            0 => ("MvNormal", vec![]),
            _ => ("MvStudentT", vec![number(9.0)]),
        };
        args.extend([value(&[2], &[mu, 0.5]), scale()]);
        Distribution {
            family: crate::dist::find(name).unwrap(),
            form: 0,
            args,
        }
    };
    let cases: Vec<(&str, Vec<Argument>, &[usize])> = vec![
        ("Dirichlet", vec![value(&[3], &[0.4, 2.0, 5.0])], &[3]),
        ("Lkj", vec![Argument::Dimension(3), number(1.7)], &[3, 3]),
        ("Lkj", vec![Argument::Dimension(1), number(1.0)], &[1, 1]),
        ("Wishart", vec![number(7.5), scale()], &[2, 2]),
        ("InverseWishart", vec![number(12.0), scale()], &[2, 2]),
        (
            "MvStudentT",
            vec![number(9.0), value(&[2], &[1.0, -2.0]), scale()],
            &[2],
        ),
        (
            "GaussianRandomWalk",
            vec![number(0.5), Argument::Dimension(4), number(2.0)],
            &[4],
        ),
        (
            "Mixture",
            vec![
                value(&[2], &[0.3, 0.7]),
                Argument::Distributions(vec![vectors(-2.0, 1), vectors(1.0, 0)]),
            ],
            &[2],
        ),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (name, args, event) in cases {
        // Inversions one in another take their time.
        let count = if name == "Mixture" { 3000 } else { 20_000 };
        let d = Distribution {
            family: crate::dist::find(name).unwrap(),
            form: 0,
            args,
        };
        let shape = [&[count], event].concat();
        let noise: Vec<f64> = (0..numel(&shape))
            .map(|_| rng.sample(StandardNormal))
            .collect();
        let noise = g.constant(Tensor::new(Shape::from_slice(&shape), noise));
        let draws = d.reparameterised(noise).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(draws.shape().as_slice(), shape, "{name}");
        let (mean, variance) = (d.family.mean(&d).unwrap(), d.family.variance(&d).unwrap());
        let node = [draws.id, mean.id, variance.id];
        let found = evaluate(&g, &[], &node);
        let size = numel(event);
        for k in 0..size {
            let x: Vec<f64> = found[0]
                .data()
                .iter()
                .skip(k)
                .step_by(size)
                .copied()
                .collect();
            let (m, v) = (found[1].data()[k], found[2].data()[k]);
            let average = x.iter().sum::<f64>() / count as f64;
            let squares = x.iter().map(|x| (x - m).powi(2)).sum::<f64>() / count as f64;
            // Five standard errors; that of a variance with a kurtosis of up to 10.
            let (off, wide) = ((average - m).abs(), (squares - v).abs());
            assert!(
                off <= 5.0 * (v / count as f64).sqrt() + 1e-12,
                "{name}[{k}] {average} {m}"
            );
            assert!(
                wide <= 5.0 * v * (9.0 / count as f64).sqrt() + 1e-12,
                "{name}[{k}] {squares} {v}"
            );
        }
    }
}
