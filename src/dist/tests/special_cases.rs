//! What rows do not say: exact ends, constants that are looked up, large batches, draws far out,
//! and arguments that are refused.

use super::rows::*;
use super::{close, number};
use crate::autodiff::grad;
use crate::dist::*;
use crate::graph::{Graph, Tensor, evaluate};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::new(shape.into(), data.to_vec())
}

fn at(row: &Row, x: f64) -> f64 {
    let g = Graph::new();
    number(row.constant(&g, &[]).log_prob(g.scalar(x)))
}

#[test]
fn impossible_and_certain_values_are_exact() {
    const NO: f64 = f64::NEG_INFINITY;
    for (family, args, x, expected) in [
        ("Binomial", &[5.0, 0.0][..], 0.0, 0.0),
        ("Binomial", &[5.0, 0.0], 1.0, NO),
        ("Binomial", &[5.0, 1.0], 5.0, 0.0),
        ("Binomial", &[5.0, 1.0], 4.0, NO),
        ("Binomial", &[5.0, 0.5], 6.0, NO),
        ("BetaBinomial", &[5.0, 0.5, 2.0], 6.0, NO),
        ("Poisson", &[0.0], 0.0, 0.0),
        ("Poisson", &[0.0], 3.0, NO),
        ("NegBinomial", &[0.0, 2.0], 0.0, 0.0),
        ("NegBinomial", &[0.0, 2.0], 1.0, NO),
        ("Geometric", &[1.0], 0.0, 0.0),
        ("Geometric", &[1.0], 1.0, NO),
        ("Geometric", &[0.0], 1.0, NO),
        ("Hypergeometric", &[3.0, 4.0, 2.0], 3.0, NO),
        ("Hypergeometric", &[3.0, 4.0, 6.0], 1.0, NO),
        ("DiscreteUniform", &[2.0, 4.0], 5.0, NO),
    ] {
        let got = at(&row(family, 0, args), x);
        close("log mass", got, expected, 1e-14)
            .unwrap_or_else(|why| panic!("{family}{args:?} at {x}: {why}"));
    }
    let certain = row_of("Categorical", 0, vec![vector(&[0.0, 1.0, 0.0])]);
    assert_eq!(at(&certain, 2.0), 0.0);
    for x in [0.0, 1.0, 3.0, 4.0] {
        assert_eq!(at(&certain, x), NO, "at {x}");
    }
    let never = row_of(
        "ZeroInflated",
        0,
        vec![
            Given::Number(0.0),
            dist("Poisson", 0, vec![Given::Number(2.0)]),
        ],
    );
    assert!((at(&never, 0.0) + 2.0).abs() < 1e-15);
}

/// Rows of a table by batch: common, its own for each element, and mixed; constant values, which
/// are looked up, and inputs, which are compared.
#[test]
fn categories_are_looked_up_along_every_batch() {
    for lead in [[1, 1], [2, 1], [1, 3], [2, 3]] {
        let g = Graph::new();
        let n: usize = lead.iter().product();
        let logits: Vec<f64> = (0..n * 4).map(|i| (i as f64 * 0.7).sin()).collect();
        let logits = g.constant(tensor(&[lead[0], lead[1], 4], &logits));
        let d = Distribution::new(find("Categorical").unwrap(), 1, &[logits]);
        let values = tensor(&[2, 3], &[1.0, 4.0, 2.0, 2.0, 3.0, 1.0]);
        let x = g.input(&[2, 3]);
        let (looked_up, compared) = (d.log_prob(g.constant(values.clone())), d.log_prob(x));
        let table = logits.log_softmax().broadcast(&[2, 3, 4]);
        let out = evaluate(
            &g,
            &[(x.id, values.clone())],
            &[looked_up.id, compared.id, table.id],
        );
        for i in 0..6 {
            let expected = out[2].data()[i * 4 + values.data()[i] as usize - 1];
            assert_eq!(out[0].data()[i], expected, "{lead:?} element {i}");
            assert!((out[1].data()[i] - expected).abs() < 1e-15, "{lead:?}");
        }
    }
}

/// One covariance for all vectors is solved once, with the vectors as columns.
#[test]
fn a_common_covariance_serves_a_batch_of_vectors() {
    let (n, m) = (3, 5);
    let chol = [1.2, 0.0, 0.0, 0.4, 0.8, 0.0, -0.3, 0.5, 0.6];
    let data: Vec<f64> = (0..n * m).map(|i| (i as f64 * 1.3).cos()).collect();
    for (family, form) in [
        ("MvNormal", 0),
        ("MvNormal", 1),
        ("MvNormal", 2),
        ("MvStudentT", 1),
    ] {
        let g = Graph::new();
        let l = g.constant(tensor(&[1, n, n], &chol));
        let wide = g.constant(tensor(&[1, n, n], &chol)).broadcast(&[m, n, n]);
        let wide = wide + g.constant(tensor(&[m, 1, 1], &vec![0.0; m])) * g.input(&[m, 1, 1]);
        let matrix = |l: Var<'_>| {
            if form < 2 && family == "MvNormal" {
                l.matmul(l.transpose()).id
            } else {
                l.id
            }
        };
        let (l, wide) = (g.var(matrix(l)), g.var(matrix(wide)));
        let mu = g.input(&[1, n]);
        let x = g.constant(tensor(&[m, n], &data));
        let make = |matrix| {
            let mut args = vec![mu, matrix];
            if family == "MvStudentT" {
                args.insert(0, g.constant(tensor(&[1], &[4.0])));
            }
            Distribution::new(find(family).unwrap(), form, &args).log_prob(x)
        };
        let (once, each) = (make(l), make(wide));
        assert_eq!(once.shape().as_slice(), [m]);
        let outputs = [
            once.id,
            each.id,
            grad(once.sum(), &[mu])[0].id,
            grad(each.sum(), &[mu])[0].id,
        ];
        let out = evaluate(&g, &[(mu.id, tensor(&[1, n], &[0.1, -0.2, 0.3]))], &outputs);
        for k in [0, 2] {
            for (a, b) in out[k].data().iter().zip(out[k + 1].data()) {
                close("log density", *a, *b, 1e-12).unwrap_or_else(|why| panic!("{family}: {why}"));
            }
        }
    }
}

/// Sums over data of what only parameters are in are counted, not repeated.
#[test]
fn sums_over_data_have_few_nodes_of_their_size() {
    let data: Vec<f64> = (0..50).map(|i| f64::from(i % 7)).collect();
    for (family, form) in [
        ("Poisson", 1),
        ("Binomial", 1),
        ("Geometric", 0),
        ("NegBinomial", 0),
    ] {
        let g = Graph::new();
        let x = g.constant(tensor(&[50], &data));
        let parameter = || g.input(&[1]);
        let args = match family {
            "Binomial" => vec![g.constant(tensor(&[1], &[6.0])), parameter()],
            "NegBinomial" => vec![parameter(), parameter()],
            _ => vec![parameter()],
        };
        let log_prob = Distribution::new(find(family).unwrap(), form, &args).log_prob(x);
        let total = log_prob.sum();
        let feeds: Vec<_> = args
            .iter()
            .filter(|v| v.as_const().is_none())
            .map(|v| (v.id, tensor(&[1], &[0.4])))
            .collect();
        let out = evaluate(&g, &feeds, &[total.id, log_prob.id]);
        close("total", out[0].data()[0], out[1].data().iter().sum(), 1e-13).expect(family);
        let mut needed = vec![total.id];
        let mut large = 0;
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = needed.pop() {
            let v = g.var(id);
            if seen.insert(id) && v.as_const().is_none() {
                large += usize::from(v.numel() == 50);
                needed.extend(v.node().args.iter());
            }
        }
        // Γ(x + r), its argument and the repeated r, the power, and their sum.
        let allowed = if family == "NegBinomial" { 6 } else { 0 };
        assert!(
            large <= allowed,
            "{family}: {large} nodes of the data's size"
        );
    }
}

fn normal(mu: f64, sigma: f64) -> Given {
    dist("Normal", 0, vec![Given::Number(mu), Given::Number(sigma)])
}

fn sample(row: &Row, n: usize, size: usize) -> Vec<Vec<f64>> {
    let g = Graph::new();
    let d = row.constant(&g, &[]);
    let ids = d.nodes();
    let values = ids.iter().copied().zip(evaluate(&g, &[], &ids)).collect();
    let point = d.point(&values, &[], 0);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut one = || {
        let mut out = vec![0.0; size];
        point.sample(&mut rng, &mut out);
        out
    };
    (0..n).map(|_| one()).collect()
}

/// Where rejection would not end, draws are still those of the distribution.
#[test]
fn truncated_draws_far_out_follow_the_distribution_function() {
    let tail = |args: Vec<Given>| row_of("Truncated", 0, args);
    let rows = [
        tail(vec![normal(0.0, 1.0), Given::Number(30.0), Given::Absent]),
        tail(vec![
            normal(0.0, 1.0),
            Given::Number(-9.5),
            Given::Number(-9.0),
        ]),
        tail(vec![normal(5.0, 2.0), Given::Absent, Given::Number(-40.0)]),
        tail(vec![
            dist("Poisson", 0, vec![Given::Number(2.0)]),
            Given::Fixed(20.0),
            Given::Absent,
        ]),
        tail(vec![
            dist("Binomial", 0, vec![Given::Number(40.0), Given::Number(0.1)]),
            Given::Fixed(25.0),
            Given::Fixed(27.0),
        ]),
    ];
    let n = 400;
    for row in rows {
        let draws = sample(&row, n, 1);
        let g = Graph::new();
        let d = row.constant(&g, &[]);
        let (lower, upper) = row.bounds();
        let mean_level: f64 = draws
            .iter()
            .map(|x| {
                assert!(x[0] >= lower && x[0] <= upper, "{row} drew {}", x[0]);
                let cdf = |x: f64| number(d.log_cdf(g.scalar(x)).unwrap()).exp();
                // Halfway into the jump, where there is one: 1/2 on average.
                if d.is_discrete() {
                    0.5 * (cdf(x[0]) + cdf(x[0] - 1.0))
                } else {
                    cdf(x[0])
                }
            })
            .sum::<f64>()
            / n as f64;
        // The mean of uniform levels has standard error 0.289 / √n.
        let error = 0.289 / (n as f64).sqrt();
        assert!(
            (mean_level - 0.5).abs() < 4.0 * error,
            "{row}: {mean_level}"
        );
    }
}

#[test]
fn ordered_draws_increase_and_follow_the_order() {
    let alike = dist(
        "Normal",
        0,
        vec![
            Given::Array(vec![1], vec![0.0]),
            Given::Array(vec![1], vec![1.0]),
        ],
    );
    let draws = sample(&row_of("Ordered", 0, vec![alike]), 4000, 3);
    assert!(draws.iter().all(|x| x.is_sorted()));
    // Expectation of the largest of three: 3 / (2 √π), standard deviation 0.748.
    let largest = draws.iter().map(|x| x[2]).sum::<f64>() / 4000.0;
    assert!((largest - 0.846_284).abs() < 4.0 * 0.748 / 4000f64.sqrt());
    // So unlikely an order that no rejection meets it: the two meet halfway.
    let apart = dist(
        "Normal",
        0,
        vec![vector(&[6.0, -6.0]), Given::Array(vec![1], vec![1.0])],
    );
    let draws = sample(&row_of("Ordered", 0, vec![apart]), 50, 2);
    assert!(draws.iter().all(|x| x.is_sorted() && x[0].abs() < 5.0));
}

#[test]
fn censored_draws_pile_up_at_the_bounds() {
    let args = vec![normal(0.0, 1.0), Given::Number(-1.0), Given::Number(0.5)];
    let draws = sample(&row_of("Censored", 0, args), 10_000, 1);
    // Probabilities of the tails of the Normal; standard error below 0.005.
    for (bound, expected) in [(-1.0, 0.158_655), (0.5, 0.308_538)] {
        let share = draws.iter().filter(|x| x[0] == bound).count() as f64 / 10_000.0;
        assert!((share - expected).abs() < 0.02, "{bound}: {share}");
    }
}

#[test]
fn supports_of_wrappers_come_from_what_they_wrap() {
    let bounds = |row: Row| row.bounds();
    let gamma = || dist("Gamma", 0, vec![Given::Number(2.0), Given::Number(1.0)]);
    let cut = |d: Given, a: f64| row_of("Truncated", 0, vec![d, Given::Number(a), Given::Absent]);
    assert_eq!(bounds(cut(gamma(), 3.0)), (3.0, f64::INFINITY));
    assert_eq!(bounds(cut(gamma(), -3.0)), (0.0, f64::INFINITY));
    let poisson = dist("Poisson", 0, vec![Given::Number(2.0)]);
    assert_eq!(bounds(cut(poisson.clone(), 0.5)), (1.0, f64::INFINITY));
    let mixed = |a: Given, b: Given| {
        let all = Given::Distributions(vec![a, b]);
        row_of("Mixture", 0, vec![vector(&[0.5, 0.5]), all])
    };
    let beta = dist("Beta", 0, vec![Given::Number(2.0), Given::Number(2.0)]);
    assert_eq!(bounds(mixed(beta.clone(), gamma())), (0.0, f64::INFINITY));
    let all = f64::NEG_INFINITY..f64::INFINITY;
    assert_eq!(bounds(mixed(beta, normal(0.0, 1.0))), (all.start, all.end));
    let g = Graph::new();
    let ordered = row_of("Ordered", 0, vec![gamma()]).constant(&g, &[1]);
    let Support::Ordered { lower, upper } = ordered.support() else {
        panic!("an ordered vector");
    };
    assert_eq!(lower.map(number), Some(0.0));
    assert!(upper.is_none());
}

/// An independent copy has its axis before the one that became the event's.
#[test]
fn copies_of_an_ordered_vector_keep_its_axis_innermost() {
    let g = Graph::new();
    let inner = dist(
        "Normal",
        0,
        vec![vector(&[0.0, 1.0, 2.0]), Given::Array(vec![1], vec![1.0])],
    );
    let d = row_of("Ordered", 0, vec![inner]).constant(&g, &[]).power(1);
    let x = g.constant(tensor(&[2, 3], &[0.0, 1.0, 2.0, 0.5, 0.6, 0.7]));
    let log_prob = d.log_prob(x);
    assert_eq!(log_prob.shape().as_slice(), [2]);
    let expected =
        [0.0, -0.5 * (0.25 + 0.16 + 1.69)].map(|q| q - 1.5 * (2.0 * std::f64::consts::PI).ln());
    let got = evaluate(&g, &[], &[log_prob.id])[0].clone();
    for (a, b) in got.data().iter().zip(expected) {
        assert!((a - b).abs() < 1e-14);
    }
}

#[test]
fn finite_sums_are_distribution_functions() {
    for (row, x, log_cdf, log_survival) in [
        (row("Poisson", 0, &[3.0]), 2.0, POISSON[0], POISSON[1]),
        (row("Poisson", 0, &[3.0]), 30.0, POISSON[2], POISSON[3]),
        (
            row("NegBinomial", 0, &[3.0, 0.8]),
            2.0,
            NEG_BINOMIAL[0],
            NEG_BINOMIAL[1],
        ),
        (
            row("Binomial", 0, &[10.0, 0.3]),
            8.0,
            BINOMIAL[0],
            BINOMIAL[1],
        ),
        (
            row("Binomial", 0, &[10.0, 0.3]),
            10.0,
            0.0,
            f64::NEG_INFINITY,
        ),
        (row("Poisson", 0, &[3.0]), -1.0, f64::NEG_INFINITY, 0.0),
    ] {
        let g = Graph::new();
        let d = row.constant(&g, &[]);
        let of = |v: Option<Var>| number(v.expect("a count has sums"));
        let (cdf, survival) = (of(d.log_cdf(g.scalar(x))), of(d.log_survival(g.scalar(x))));
        close("log cdf", cdf, log_cdf, 1e-12).unwrap_or_else(|why| panic!("{row} {x}: {why}"));
        close("log survival", survival, log_survival, 1e-12)
            .unwrap_or_else(|why| panic!("{row} {x}: {why}"));
    }
}

// Sums of the masses in 40 digits, by mpmath: `[log P(X ≤ x), log P(X > x)]` in pairs.
const POISSON: [f64; 4] = [
    -0.8599338365037292,
    -0.550242496777221,
    -4.1254051981139436e-21,
    -46.937122708066745,
];
const NEG_BINOMIAL: [f64; 2] = [-0.5139880010059861, -0.9115658384960663];
const BINOMIAL: [f64; 2] = [-0.000143696223807865, -8.847880890779079];

#[test]
fn what_cannot_be_wrapped_is_refused() {
    let vector_of = |n: usize| dist("Dirichlet", 0, vec![vector(&vec![1.0; n])]);
    let von_mises = dist("VonMises", 0, vec![Given::Number(0.0), Given::Number(1.0)]);
    let poisson = || dist("Poisson", 0, vec![Given::Number(2.0)]);
    let both = |d: Given, a: f64, b: f64| vec![d, Given::Number(a), Given::Number(b)];
    for (family, args, part) in [
        (
            "Truncated",
            both(vector_of(3), 0.0, 1.0),
            "Dirichlet cannot be truncated",
        ),
        (
            "Truncated",
            both(von_mises, 0.0, 1.0),
            "VonMises cannot be truncated",
        ),
        (
            "Truncated",
            both(normal(0.0, 1.0), 2.0, 1.0),
            "which lies above",
        ),
        (
            "ZeroInflated",
            vec![Given::Number(0.1), normal(0.0, 1.0)],
            "not counts",
        ),
        ("Ordered", vec![poisson()], "Poisson cannot be ordered"),
        (
            "Hurdle",
            vec![Given::Number(0.1), vector_of(2)],
            "Dirichlet cannot have a hurdle",
        ),
        (
            "Mixture",
            vec![
                vector(&[0.5, 0.5]),
                Given::Distributions(vec![poisson(), normal(0.0, 1.0)]),
            ],
            "Poisson and Normal cannot be mixed",
        ),
        (
            "Mixture",
            vec![vector(&[0.5, 0.5]), Given::Distributions(vec![poisson()])],
            "2 weights for 1 components",
        ),
        (
            "Wishart",
            vec![Given::Number(1.0), square(&[1.0, 0.0, 0.0, 1.0])],
            "greater than 1",
        ),
    ] {
        let g = Graph::new();
        let why = row_of(family, 0, args).constant(&g, &[]).check_arguments();
        let why = why.expect_err(family);
        assert!(why.why.contains(part), "{family}: {why:?}");
    }
    // A bound that is a latent has no finite sum.
    let g = Graph::new();
    let counts = dist(
        "BetaBinomial",
        0,
        vec![Given::Fixed(9.0), Given::Number(2.0), Given::Number(3.0)],
    );
    let cut =
        row_of("Truncated", 0, both(counts, 1.0, 2.0)).assemble(&g, &mut |_, s, _| g.input(s));
    let why = cut.check_arguments().expect_err("BetaBinomial");
    assert!(why.why.contains("bounds that are not constants"), "{why:?}");
}

/// A component that cannot be where the mixture is adds nothing, to derivatives either.
#[test]
fn components_of_other_supports_are_left_out() {
    let g = Graph::new();
    let (shape, x) = (g.input(&[]), g.input(&[]));
    let one = g.scalar(1.0);
    let gamma = Distribution::new(find("Gamma").unwrap(), 0, &[shape, one]);
    let standard = Distribution::new(find("Normal").unwrap(), 0, &[g.scalar(0.0), one]);
    let d = Distribution {
        family: find("Mixture").unwrap(),
        form: 0,
        args: vec![
            Argument::Value(g.constant(Tensor::vector(vec![0.5, 0.5]))),
            Argument::Distributions(vec![standard, gamma]),
        ],
    };
    let log_prob = d.log_prob(x);
    let gradients = grad(log_prob, &[shape, x]);
    let feeds = [
        (shape.id, Tensor::scalar(2.5)),
        (x.id, Tensor::scalar(-1.5)),
    ];
    let out = evaluate(&g, &feeds, &[log_prob.id, gradients[0].id, gradients[1].id]);
    let expected = 0.5f64.ln() - 1.125 - 0.5 * (2.0 * std::f64::consts::PI).ln();
    assert!((out[0].data()[0] - expected).abs() < 1e-15);
    assert_eq!(out[1].data()[0], 0.0);
    assert!((out[2].data()[0] - 1.5).abs() < 1e-15);
}
