//! `Transformed` against families that are transformations of others, and against densities by hand.

use super::rows::*;
use super::{close, number};
use crate::dist::{Argument, Distribution, Support, bijection, find};
use crate::graph::{Graph, Var};
use statrs::distribution::{self as st, Continuous};
use std::f64::consts::LN_2;

type Steps = Vec<(&'static str, usize, Option<f64>)>;

fn of(family: &'static str, args: &[f64], steps: Steps) -> Given {
    let args = args.iter().map(|&x| Given::Number(x)).collect();
    dist(
        "Transformed",
        0,
        vec![dist(family, 0, args), Given::Function(steps)],
    )
}

fn transformed(family: &'static str, args: &[f64], steps: Steps) -> Row {
    match of(family, args, steps) {
        Given::Distribution(family, form, args) => row_of(family, form, args),
        _ => unreachable!("as made above"),
    }
}

fn log_normal_density(x: f64, mu: f64, sigma: f64) -> f64 {
    st::Normal::new(mu, sigma).unwrap().ln_pdf(x)
}

pub fn rows() -> Vec<Row> {
    let plus = |c| ("+", 1, Some(c));
    let times = |c| ("*", 1, Some(c));
    let by = |name| (name, 0, None);
    let gumbel = |x: f64| {
        let z = (x - 1.5) / 0.7;
        -z - (-z).exp() - 0.7f64.ln()
    };
    let logit_normal =
        |x: f64| log_normal_density((x / (1.0 - x)).ln(), 0.3, 0.8) - (x * (1.0 - x)).ln();
    let weights = || vector(&[0.3, 0.7]);
    let mixed = |x: f64| {
        let one = st::LogNormal::new(0.3, 0.8).unwrap().pdf(x);
        (0.3 * one + 0.7 * st::Gamma::new(2.0, 1.0).unwrap().pdf(x)).ln()
    };
    vec![
        transformed(
            "Normal",
            &[0.0, 1.0],
            vec![times(0.8), plus(0.3), by("exp")],
        )
        .statrs(&[0.05, 0.9, 4.0], |x| {
            st::LogNormal::new(0.3, 0.8).unwrap().ln_pdf(x)
        }),
        transformed("Normal", &[0.3, 0.8], vec![by("expit")])
            .statrs(&[0.02, 0.5, 0.93], logit_normal),
        transformed(
            "Exponential",
            &[1.0],
            vec![("^", 0, Some(1.0 / 1.7)), times(2.5)],
        )
        .statrs(&[0.1, 1.5, 6.0], |x| {
            st::Weibull::new(1.7, 2.5).unwrap().ln_pdf(x)
        }),
        transformed(
            "Exponential",
            &[1.0],
            vec![by("log"), times(0.7), ("-", 1, Some(1.5))],
        )
        .statrs(&[0.0, 1.5, 4.0], gumbel),
        transformed(
            "Normal",
            &[0.5, 2.0],
            vec![times(-2.0), ("-", 0, Some(1.0))],
        )
        .statrs(&[-7.0, -2.0, 5.0], |x| log_normal_density(x, -2.0, 4.0)),
        transformed("Gamma", &[3.0, 1.0], vec![("/", 1, Some(2.0))])
            .statrs(&[0.2, 0.7, 4.0], |x| {
                st::InverseGamma::new(3.0, 2.0).unwrap().ln_pdf(x)
            })
            .moments(2),
        transformed("Beta", &[2.0, 3.5], vec![("-", 1, Some(2.0))]).statrs(&[1.1, 1.5, 1.9], |x| {
            st::Beta::new(3.5, 2.0).unwrap().ln_pdf(x - 1.0)
        }),
        transformed("Exponential", &[3.0], vec![by("exp"), times(2.0)])
            .statrs(&[2.1, 3.0, 9.0], |x| {
                st::Pareto::new(2.0, 3.0).unwrap().ln_pdf(x)
            })
            .moments(2),
        transformed(
            "Uniform",
            &[0.0, 1.0],
            vec![by("logit"), ("/", 0, Some(0.5))],
        )
        .by_hand(&[
            // e^(−z) / (2 (1 + e^(−z))²) for z = x / 2.
            (-3.0, -LN_2 - 1.5 - 2.0 * 0.2014132779827524),
            (0.0, -LN_2 - 2.0 * LN_2),
        ]),
        row_of(
            "Mixture",
            0,
            vec![
                weights(),
                Given::Distributions(vec![
                    of(
                        "Normal",
                        &[0.0, 1.0],
                        vec![times(0.8), plus(0.3), by("exp")],
                    ),
                    dist("Gamma", 0, vec![Given::Number(2.0), Given::Number(1.0)]),
                ]),
            ],
        )
        .statrs(&[0.05, 0.9, 4.0], mixed),
        row_of(
            "Truncated",
            0,
            vec![
                of("Normal", &[0.3, 0.8], vec![by("exp")]),
                Given::Number(0.5),
                Given::Number(3.0),
            ],
        )
        .scipy(&[
            (0.6, -0.3889404996722771),
            (1.0, -0.45645503581677743),
            (2.9, -1.907714609740067),
        ]),
    ]
}

fn single<'g>(
    g: &'g Graph,
    family: &str,
    args: &[f64],
    steps: Vec<(&str, usize, Option<Var<'g>>)>,
) -> Distribution<'g> {
    let values: Vec<Var> = args.iter().map(|&x| g.scalar(x)).collect();
    let inner = Distribution::new(find(family).expect("a family"), 0, &values);
    let link = |(name, position, c): (&str, usize, Option<Var<'g>>)| {
        (bijection::find(name, position).expect("a row"), c)
    };
    let chain = bijection::Chain(steps.into_iter().map(link).collect());
    Distribution {
        family: find("Transformed").expect("a family"),
        form: 0,
        args: vec![
            Argument::Distribution(Box::new(inner)),
            Argument::Function(chain),
        ],
    }
}

fn ends(d: &Distribution<'_>) -> [Option<f64>; 2] {
    match d.support() {
        Support::Interval { lower, upper } => [lower, upper].map(|v| v.map(number)),
        other => panic!("{other:?}"),
    }
}

/// Of every kind: both ends open, one at the domain's end, decreasing, of a sign that is not known.
#[test]
fn supports_are_images_of_supports() {
    let g = Graph::new();
    let c = |x: f64| Some(g.scalar(x));
    let unknown = g.input(&[]);
    for (family, args, steps, expected) in [
        (
            "Normal",
            &[0.0, 1.0][..],
            vec![("exp", 0, None)],
            [Some(0.0), None],
        ),
        (
            "Normal",
            &[0.0, 1.0],
            vec![("exp", 0, None), ("-", 1, c(3.0))],
            [None, Some(3.0)],
        ),
        (
            "Normal",
            &[0.0, 1.0],
            vec![("*", 0, Some(unknown))],
            [None, None],
        ),
        (
            "Normal",
            &[0.0, 1.0],
            vec![("*", 0, Some(unknown)), ("expit", 0, None)],
            [Some(0.0), Some(1.0)],
        ),
        (
            "Normal",
            &[0.0, 1.0],
            vec![("^", 1, c(0.5))],
            [Some(0.0), None],
        ),
        ("Exponential", &[1.0], vec![("log", 0, None)], [None, None]),
        (
            "Exponential",
            &[1.0],
            vec![("negate", 0, None)],
            [None, Some(0.0)],
        ),
        (
            "Exponential",
            &[1.0],
            vec![("*", 0, c(-2.0)), ("+", 0, c(1.0))],
            [None, Some(1.0)],
        ),
        (
            "Exponential",
            &[1.0],
            vec![("*", 0, Some(unknown.exp()))],
            [Some(0.0), None],
        ),
        (
            "Exponential",
            &[1.0],
            vec![("/", 1, c(-2.0))],
            [None, Some(0.0)],
        ),
        (
            "Exponential",
            &[1.0],
            vec![("/", 1, c(2.0))],
            [Some(0.0), None],
        ),
        (
            "Exponential",
            &[1.0],
            vec![("^", 0, c(-1.5))],
            [Some(0.0), None],
        ),
        (
            "Uniform",
            &[1.0, 4.0],
            vec![("^", 0, c(-0.5))],
            [Some(0.5), Some(1.0)],
        ),
        (
            "Uniform",
            &[0.0, 1.0],
            vec![("cloglog", 0, None)],
            [None, None],
        ),
        (
            "Pareto",
            &[2.0, 1.0],
            vec![("-", 0, c(2.0)), ("sqrt", 0, None)],
            [Some(0.0), None],
        ),
    ] {
        let d = single(&g, family, args, steps);
        assert_eq!(d.check_arguments(), Ok(()), "{expected:?}");
        assert_eq!(ends(&d), expected);
    }
    let d = single(&g, "Uniform", &[1.0, 4.0], vec![("*", 0, Some(unknown))]);
    assert_eq!(d.check_arguments(), Ok(()));
    let [lower, upper] = match d.support() {
        Support::Interval { lower, upper } => [lower.unwrap(), upper.unwrap()],
        other => panic!("{other:?}"),
    };
    for (c, low, high) in [(2.0, 2.0, 8.0), (-2.0, -8.0, -2.0)] {
        let feeds = [(unknown.id, crate::graph::Tensor::scalar(c))];
        let found = crate::graph::evaluate(&g, &feeds, &[lower.id, upper.id]);
        assert_eq!((found[0].data()[0], found[1].data()[0]), (low, high));
    }
}

#[test]
fn what_has_no_inverse_on_the_support_is_refused() {
    let g = Graph::new();
    let c = |x: f64| Some(g.scalar(x));
    let unknown = g.input(&[]);
    for (family, args, steps, why) in [
        ("Normal", &[0.0, 1.0][..], vec![("log", 0, None)], "above 0"),
        ("Normal", &[0.0, 1.0], vec![("^", 0, c(2.0))], "above 0"),
        ("Normal", &[0.0, 1.0], vec![("*", 0, c(0.0))], "no inverse"),
        (
            "Exponential",
            &[1.0],
            vec![("logit", 0, None)],
            "between 0 and 1",
        ),
        (
            "Exponential",
            &[1.0],
            vec![("*", 0, Some(unknown))],
            "sign of c",
        ),
        (
            "Exponential",
            &[1.0],
            vec![("-", 0, c(1.0)), ("sqrt", 0, None)],
            "above 0",
        ),
        (
            "VonMises",
            &[0.0, 1.0],
            vec![("exp", 0, None)],
            "numbers on a line",
        ),
        ("HalfFlat", &[0.0], vec![("log", 0, None)], "not normalised"),
    ] {
        let d = single(&g, family, args, steps);
        let refusal = d.check_arguments().expect_err(why);
        assert!(refusal.why.contains(why), "{}", refusal.why);
    }
}

/// With a sign that only the point tells, tails and quantiles are those of the way it goes there.
#[test]
fn a_function_may_increase_or_decrease() {
    let g = Graph::new();
    let slope = g.input(&[]);
    let d = single(
        &g,
        "Normal",
        &[0.0, 1.0],
        vec![("*", 0, Some(slope)), ("exp", 0, None)],
    );
    let (y, p) = (g.scalar(2.0), g.scalar(0.2));
    let asked = [
        d.log_cdf(y).expect("known"),
        d.log_survival(y).expect("known"),
        d.quantile(p).expect("known"),
        d.log_prob(y),
    ]
    .map(|v| v.id);
    // A LogNormal has its sd, whichever sign it comes with.
    let same = Distribution::new(
        find("LogNormal").unwrap(),
        0,
        &[g.scalar(0.0), g.scalar(0.7)],
    );
    let expected = [
        same.log_cdf(y).unwrap(),
        same.log_survival(y).unwrap(),
        same.quantile(p).unwrap(),
        same.log_prob(y),
    ];
    for c in [0.7, -0.7] {
        let feeds = [(slope.id, crate::graph::Tensor::scalar(c))];
        let found = crate::graph::evaluate(&g, &feeds, &asked);
        for (found, expected) in found.iter().zip(expected) {
            close("with either sign", found.data()[0], number(expected), 1e-13).unwrap();
        }
    }
}

/// Below a support and above it there is no mass; and nothing there spoils derivatives.
#[test]
fn beyond_the_support_there_is_nothing() {
    let g = Graph::new();
    let shift = g.input(&[]);
    let steps = vec![("exp", 0, None), ("+", 0, Some(shift))];
    let d = single(&g, "Normal", &[0.0, 1.0], steps);
    let feeds = [(shift.id, crate::graph::Tensor::scalar(3.0))];
    let value = |v: Var<'_>| crate::graph::evaluate(&g, &feeds, &[v.id])[0].data()[0];
    let y = g.scalar(2.0);
    assert_eq!(value(d.log_prob(y)), f64::NEG_INFINITY);
    assert_eq!(value(d.log_cdf(y).unwrap()), f64::NEG_INFINITY);
    assert_eq!(value(d.log_survival(y).unwrap()), 0.0);
    for of in [d.log_prob(y), d.log_cdf(y).unwrap().exp()] {
        assert_eq!(value(crate::autodiff::grad(of, &[shift])[0]), 0.0);
    }
}

#[test]
fn moments_are_known_of_straight_lines_alone() {
    let g = Graph::new();
    let c = |x: f64| Some(g.scalar(x));
    let line = single(
        &g,
        "Gamma",
        &[4.0, 2.0],
        vec![("*", 0, c(-3.0)), ("+", 1, c(1.0))],
    );
    assert_eq!(number(line.family.mean(&line).unwrap()), -5.0);
    close(
        "variance",
        number(line.family.variance(&line).unwrap()),
        9.0,
        1e-14,
    )
    .unwrap();
    let curve = single(&g, "Gamma", &[4.0, 2.0], vec![("log", 0, None)]);
    assert!(curve.family.mean(&curve).is_none() && curve.family.variance(&curve).is_none());
    assert!(curve.family.entropy(&curve).is_none());
}
