//! One battery for all transforms: Jacobians against numeric determinants, round trips, extremes,
//! derivatives, batch axes, membership.

use super::*;
use crate::autodiff::grad;
use crate::graph::{Graph, Shape, Tensor, evaluate, numel};
use nalgebra::DMatrix;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Interval(Option<f64>, Option<f64>),
    Circle,
    Simplex,
    Ordered(Option<f64>, Option<f64>),
    UnitVector,
    Covariance,
    CholeskyCovariance,
    Correlation,
    CholeskyCorrelation,
}
use Which::*;

/// A support with the shape of its event.
#[derive(Clone, Debug)]
struct Case {
    which: Which,
    event: Vec<usize>,
}

fn cases() -> Vec<Case> {
    let bounds = [
        (None, None),
        (Some(-1.5), None),
        (None, Some(2.0)),
        (Some(-1.5), Some(2.0)),
        (Some(0.0), Some(1.0)),
    ];
    let mut all = Vec::new();
    let mut case = |which, event: &[usize]| {
        all.push(Case {
            which,
            event: event.to_vec(),
        })
    };
    for (lower, upper) in bounds {
        case(Interval(lower, upper), &[]);
        case(Interval(lower, upper), &[2, 2]);
    }
    case(Circle, &[]);
    for k in [1, 2, 5] {
        for (lower, upper) in bounds {
            case(Ordered(lower, upper), &[k]);
        }
        case(Simplex, &[k]);
        case(UnitVector, &[k]);
        for which in [
            Covariance,
            CholeskyCovariance,
            Correlation,
            CholeskyCorrelation,
        ] {
            case(which, &[k, k]);
        }
    }
    all
}

impl Case {
    /// The support with bounds of shape `batch`, that differ by `spread` from one to the next.
    fn support<'g>(&self, g: &'g Graph, batch: &[usize], spread: f64) -> Support<'g> {
        let bound = |value: Option<f64>| {
            value.map(|v| {
                let data = (0..numel(batch)).map(|i| v + spread * i as f64).collect();
                g.constant(Tensor::new(batch.into(), data))
            })
        };
        match self.which {
            Interval(lower, upper) => Support::Interval {
                lower: bound(lower),
                upper: bound(upper),
            },
            Ordered(lower, upper) => Support::Ordered {
                lower: bound(lower),
                upper: bound(upper),
            },
            Circle => Support::Circle,
            Simplex => Support::Simplex,
            UnitVector => Support::UnitVector,
            Covariance => Support::Covariance,
            CholeskyCovariance => Support::CholeskyCovariance,
            Correlation => Support::Correlation,
            CholeskyCorrelation => Support::CholeskyCorrelation,
        }
    }

    fn bounds(&self) -> (Option<f64>, Option<f64>) {
        match self.which {
            Interval(lower, upper) | Ordered(lower, upper) => (lower, upper),
            _ => (None, None),
        }
    }

    fn free(&self) -> Vec<usize> {
        free_shape(&self.support(&Graph::new(), &[], 0.0), &self.event)
    }

    /// Irregular free numbers in (−1.5, 1.5).
    fn numbers(&self, seed: usize) -> Vec<f64> {
        (0..numel(&self.free()))
            .map(|i| 3.0 * ((i + 7 * seed + 1) as f64 * 0.618_034).fract() - 1.5)
            .collect()
    }

    /// The value and the log Jacobian at free numbers.
    fn at(&self, u: &[f64]) -> (Vec<f64>, f64) {
        let g = Graph::new();
        let u = g.constant(Tensor::new(self.free().as_slice().into(), u.to_vec()));
        let (x, log_jacobian) = constrain(&self.support(&g, &[], 0.0), &self.event, u);
        assert_eq!(x.shape().as_slice(), self.event, "{self:?}");
        assert_eq!(log_jacobian.rank(), 0, "{self:?}");
        let out = evaluate(&g, &[], &[x.id, log_jacobian.id]);
        (out[0].data().to_vec(), out[1].data()[0])
    }

    fn back(&self, x: &[f64]) -> Vec<f64> {
        let g = Graph::new();
        let x = g.constant(Tensor::new(self.event.as_slice().into(), x.to_vec()));
        let u = unconstrain(&self.support(&g, &[], 0.0), &self.event, x);
        assert_eq!(u.shape().as_slice(), self.free(), "{self:?}");
        evaluate(&g, &[], &[u.id])[0].data().to_vec()
    }

    /// The elements of a value that determine the others.
    fn determining(&self, x: &[f64]) -> Vec<f64> {
        let k = self.event.first().copied().unwrap_or(1);
        let lower = |strict| {
            matrix::lower_places(k, strict)
                .into_iter()
                .map(|(i, j)| x[i * k + j])
                .collect()
        };
        match self.which {
            Simplex => x[..k - 1].to_vec(),
            Covariance | CholeskyCovariance => lower(false),
            Correlation | CholeskyCorrelation => lower(true),
            _ => x.to_vec(),
        }
    }
}

/// Support, event, value, bounds and why the value is none of it.
type Stranger = (
    Support<'static>,
    &'static [usize],
    &'static [f64],
    (Option<f64>, Option<f64>),
    &'static str,
);

/// Central difference of fourth order of a function of one of several numbers.
fn slope(u: &[f64], i: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    const H: f64 = 1e-3;
    let at = |by: f64| {
        let mut moved = u.to_vec();
        moved[i] += by;
        f(&moved)
    };
    let (a, b, c, d) = (at(-2.0 * H), at(-H), at(H), at(2.0 * H));
    (0..a.len())
        .map(|k| (8.0 * (c[k] - b[k]) - (d[k] - a[k])) / (12.0 * H))
        .collect()
}

#[test]
fn log_jacobians_are_those_of_numeric_determinants() {
    for case in cases().iter().filter(|c| c.which != UnitVector) {
        for seed in 0..3 {
            let u = case.numbers(seed);
            let n = u.len();
            let mut jacobian = DMatrix::zeros(n, n);
            for i in 0..n {
                let column = slope(&u, i, |u| case.determining(&case.at(u).0));
                jacobian.column_mut(i).copy_from_slice(&column);
            }
            let expected = if n == 0 {
                0.0
            } else {
                jacobian.determinant().abs().ln()
            };
            let got = case.at(&u).1;
            // Differences keep some ten digits of each element.
            let error = (got - expected).abs();
            assert!(error < 1e-7, "{case:?} at {u:?}: {got}, not {expected}");
        }
    }
}

#[test]
fn unit_vectors_weigh_their_length_like_a_normal() {
    let case = Case {
        which: UnitVector,
        event: vec![2],
    };
    let (x, log_weight) = case.at(&[3.0, -4.0]);
    assert_eq!((x, log_weight), (vec![0.6, -0.8], -12.5));
    assert!(case.at(&[0.0, 0.0]).0.iter().all(|x| x.is_finite()));
}

#[test]
fn the_way_there_and_back_is_the_identity() {
    for case in cases() {
        for seed in 0..3 {
            let u = case.numbers(seed);
            let x = case.at(&u).0;
            let back = case.back(&x);
            let again = case.at(&back).0;
            for (a, b) in x.iter().zip(&again) {
                assert!(
                    (a - b).abs() < 1e-10 * (1.0 + a.abs()),
                    "{case:?}: {x:?} {again:?}"
                );
            }
            // Lengths are forgotten.
            if case.which == UnitVector {
                continue;
            }
            for (a, b) in u.iter().zip(&back) {
                assert!((a - b).abs() < 1e-10, "{case:?}: {u:?} {back:?}");
            }
        }
    }
}

#[test]
fn extremes_stay_finite() {
    for case in cases() {
        let n = numel(&case.free());
        for pattern in [[30.0, 30.0], [-30.0, -30.0], [30.0, -30.0], [-30.0, 30.0]] {
            let values: Vec<f64> = (0..n).map(|i| pattern[i % 2]).collect();
            let g = Graph::new();
            let u = g.input(&case.free());
            let (x, log_jacobian) = constrain(&case.support(&g, &[], 0.0), &case.event, u);
            let slope = grad(log_jacobian + x.sum(), &[u])[0];
            let at = Tensor::new(case.free().as_slice().into(), values);
            let ids = [x.id, log_jacobian.id, slope.id];
            for out in evaluate(&g, &[(u.id, at)], &ids) {
                let finite = out.data().iter().all(|x| x.is_finite());
                assert!(finite, "{case:?} at {pattern:?}: {out:?}");
            }
        }
    }
}

#[test]
fn derivatives_are_those_of_differences() {
    for case in cases() {
        let values = case.numbers(1);
        let g = Graph::new();
        let u = g.input(&case.free());
        let (x, log_jacobian) = constrain(&case.support(&g, &[], 0.0), &case.event, u);
        let weights: Vec<f64> = (0..x.numel()).map(|i| 0.3 + 0.1 * i as f64).collect();
        let weights = g.constant(Tensor::new(x.shape(), weights));
        let total = (x * weights).sum() + log_jacobian;
        let gradient = grad(total, &[u])[0];
        let run = |v: &[f64], id| {
            let at = Tensor::new(case.free().as_slice().into(), v.to_vec());
            evaluate(&g, &[(u.id, at)], &[id])[0].data().to_vec()
        };
        let exact = run(&values, gradient.id);
        for (i, exact) in exact.iter().enumerate() {
            let numeric = slope(&values, i, |v| run(v, total.id))[0];
            let error = (exact - numeric).abs();
            assert!(
                error < 1e-8 * (1.0 + exact.abs()),
                "{case:?}: {exact} {numeric}"
            );
        }
    }
}

#[test]
fn batches_equal_their_elements() {
    for case in cases() {
        let (g, free) = (Graph::new(), case.free());
        let mut shape = Shape::from_slice(&[2, 3]);
        shape.extend_from_slice(&free);
        let data: Vec<f64> = (0..6).flat_map(|i| case.numbers(i)).collect();
        let u = g.constant(Tensor::new(shape, data));
        // Bounds that are shared by the first axis and differ along the second.
        let support = case.support(&g, &[1, 3], 0.25);
        let (x, log_jacobian) = constrain(&support, &case.event, u);
        let back = unconstrain(&support, &case.event, x);
        assert_eq!(log_jacobian.shape().as_slice(), [2, 3], "{case:?}");
        assert_eq!(x.shape()[..2], [2, 3], "{case:?}");
        assert_eq!(back.shape(), u.shape(), "{case:?}");
        let out = evaluate(&g, &[], &[x.id, log_jacobian.id]);
        let size = numel(&case.event);
        for i in 0..6 {
            let mut single = case.clone();
            let moved = |b: Option<f64>| b.map(|b| b + 0.25 * (i % 3) as f64);
            single.which = match case.which {
                Interval(a, b) => Interval(moved(a), moved(b)),
                Ordered(a, b) => Ordered(moved(a), moved(b)),
                other => other,
            };
            let (x, log_jacobian) = single.at(&case.numbers(i));
            let got = &out[0].data()[i * size..(i + 1) * size];
            for (a, b) in got.iter().zip(&x) {
                assert!((a - b).abs() < 1e-13, "{case:?}: {got:?} {x:?}");
            }
            let got = out[1].data()[i];
            assert!(
                (got - log_jacobian).abs() < 1e-12,
                "{case:?}: {got} {log_jacobian}"
            );
        }
    }
}

#[test]
fn the_number_of_nodes_does_not_grow_with_the_size() {
    for which in [
        Simplex,
        Correlation,
        CholeskyCovariance,
        Ordered(None, None),
    ] {
        let nodes = |k: usize| {
            let event = match which {
                Simplex | Ordered(..) => vec![k],
                _ => vec![k, k],
            };
            let case = Case { which, event };
            let g = Graph::new();
            let u = g.input(&case.free());
            let (_, _) = constrain(&case.support(&g, &[], 0.0), &case.event, u);
            g.len()
        };
        assert_eq!(nodes(4), nodes(40), "{which:?}");
    }
}

#[test]
fn members_are_told_from_others() {
    for case in cases() {
        let g = Graph::new();
        let (lower, upper) = case.bounds();
        for seed in 0..3 {
            let x = case.at(&case.numbers(seed)).0;
            let verdict = contains(&case.support(&g, &[], 0.0), &case.event, &x, lower, upper);
            assert_eq!(verdict, Ok(()), "{case:?}: {x:?}");
        }
    }
    let above = |bound: f64| (Some(bound), None);
    let rows: &[Stranger] = &[
        (
            Support::REAL,
            &[],
            &[f64::NAN],
            (None, None),
            "NaN is not a number",
        ),
        (
            Support::REAL,
            &[],
            &[-0.5],
            above(0.0),
            "-0.5 is below the lower bound 0",
        ),
        (
            Support::REAL,
            &[2],
            &[0.5, 3.5],
            (Some(0.0), Some(1.0)),
            "3.5 is above the upper bound 1",
        ),
        (
            Support::Integers {
                lower: None,
                upper: None,
            },
            &[],
            &[1.5],
            above(0.0),
            "1.5 is not a whole number",
        ),
        (
            Support::Counts,
            &[2],
            &[1.0, -1.0],
            (None, None),
            "-1 is below the lower bound 0",
        ),
        (
            Support::Circle,
            &[],
            &[4.0],
            (None, None),
            "4 is not an angle between −π and π",
        ),
        (
            Support::Simplex,
            &[3],
            &[0.5, 0.6, -0.1],
            (None, None),
            "-0.1 is negative, so it is no proportion",
        ),
        (
            Support::Simplex,
            &[2],
            &[0.25, 0.5],
            (None, None),
            "its elements sum to 0.75, not 1",
        ),
        (
            Support::Ordered {
                lower: None,
                upper: None,
            },
            &[3],
            &[1.0, 3.0, 2.0],
            (None, None),
            "element 3 (2) is not above element 2 (3)",
        ),
        (
            Support::UnitVector,
            &[2],
            &[3.0, 4.0],
            (None, None),
            "its length is 5, not 1",
        ),
        (
            Support::Covariance,
            &[2, 2],
            &[1.0, 0.5, 0.25, 1.0],
            (None, None),
            "it is not symmetric: [2, 1] is 0.25, [1, 2] is 0.5",
        ),
        (
            Support::Covariance,
            &[2, 2],
            &[1.0, 2.0, 2.0, 1.0],
            (None, None),
            "it is not positive definite",
        ),
        (
            Support::Correlation,
            &[2, 2],
            &[1.0, 0.5, 0.5, 2.0],
            (None, None),
            "[2, 2] on its diagonal is 2, not 1",
        ),
        (
            Support::CholeskyCovariance,
            &[2, 2],
            &[1.0, 0.5, 0.0, 1.0],
            (None, None),
            "it is not lower triangular: [1, 2] is 0.5",
        ),
        (
            Support::CholeskyCovariance,
            &[2, 2],
            &[1.0, 0.0, 0.5, -1.0],
            (None, None),
            "[2, 2] on its diagonal is -1, not positive",
        ),
        (
            Support::CholeskyCorrelation,
            &[2, 2],
            &[1.0, 0.0, 3.0, 4.0],
            (None, None),
            "its row 2 has length 5, not 1",
        ),
    ];
    for (support, event, x, (lower, upper), why) in rows {
        let verdict = contains(support, event, x, *lower, *upper);
        assert_eq!(verdict, Err(why.to_string()));
    }
}

#[test]
fn draws_of_every_family_lie_in_its_support() {
    use crate::dist::tests::{all_rows, draws};
    for row in all_rows().iter().filter(|r| r.samples) {
        let g = Graph::new();
        let support = row.constant(&g, &[]).support();
        let (lower, upper) = row.bounds();
        let finite = |b: f64| Some(b).filter(|b| b.is_finite());
        for x in draws(row).iter().take(500) {
            let verdict = contains(&support, &row.event, x, finite(lower), finite(upper));
            assert_eq!(verdict, Ok(()), "{row}: {x:?}");
        }
    }
}
