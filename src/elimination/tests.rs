//! Sums, most probable states, marginals and draws against enumeration of all states.

use super::*;
use crate::autodiff::grad;
use crate::graph::{Graph, Shape, Tensor, evaluate};
use crate::ops::tests::values;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A factor graph with numbers.
struct Case {
    name: &'static str,
    graph: FactorGraph,
    tables: Vec<Tensor>,
}

impl Case {
    fn new(name: &'static str, states: Vec<usize>) -> Case {
        let graph = FactorGraph {
            states,
            factors: Vec::new(),
        };
        Case {
            name,
            graph,
            tables: Vec::new(),
        }
    }

    fn with(mut self, scopes: &[Vec<u32>], alike: bool) -> Case {
        let rows = if alike { 1 } else { scopes.len() };
        let states = scopes[0].iter().map(|&v| self.graph.states[v as usize]);
        let shape: Shape = std::iter::once(rows).chain(states).collect();
        let count = shape.iter().product();
        let numbers = values(count, (-2.0, 1.0), 7 + self.tables.len() + count);
        self.tables.push(Tensor::new(shape, numbers));
        self.graph.factors.push(Factors {
            scopes: scopes.concat(),
            arity: scopes[0].len(),
            alike,
        });
        self
    }

    fn plan(&self) -> Plan {
        let planned = self.graph.plan(1e7);
        planned.unwrap_or_else(|e| panic!("{}: {e:?}", self.name))
    }

    /// The logarithm of the product of all factors at some states.
    fn at(&self, states: &[usize]) -> f64 {
        let mut sum = 0.0;
        for (factors, table) in self.graph.factors.iter().zip(&self.tables) {
            let shape = table.shape();
            let each: usize = shape[1..].iter().product();
            for (row, scope) in factors.scopes.chunks(factors.arity).enumerate() {
                let place =
                    |flat, (axis, &v): (usize, &u32)| flat * shape[1 + axis] + states[v as usize];
                let flat = scope.iter().enumerate().fold(0, place);
                let row = if factors.alike { 0 } else { row };
                sum += table.data()[row * each + flat];
            }
        }
        sum
    }

    fn all_states(&self) -> Vec<Vec<usize>> {
        let mut all = vec![Vec::new()];
        for &n in &self.graph.states {
            let longer = |s: Vec<usize>| (0..n).map(move |k| [s.as_slice(), &[k]].concat());
            all = all.into_iter().flat_map(longer).collect();
        }
        all
    }

    /// The sum of the plan's parts, and its derivatives by what is added to every state of every variable.
    fn run(&self, semiring: impl for<'g> Fn(&'g Graph) -> Semiring<'g>) -> (f64, Vec<f64>) {
        let mut case = self.graph.clone();
        let count = self.graph.states.len() as u32;
        for v in 0..count {
            let scopes = vec![v];
            case.factors.push(Factors {
                scopes,
                arity: 1,
                alike: false,
            });
        }
        let graph = Graph::new();
        let own: Vec<Var> = self
            .tables
            .iter()
            .map(|t| graph.constant(t.clone()))
            .collect();
        let each: Vec<Var> = self
            .graph
            .states
            .iter()
            .map(|&n| graph.input(&[1, n]))
            .collect();
        let factors = [own, each.clone()].concat();
        let plan = case.plan(1e7).expect("as without what is added");
        let sums = plan.log_sums(&factors, &semiring(&graph));
        let sum = sums
            .iter()
            .map(|s| s.values.sum())
            .reduce(|a, b| a + b)
            .expect("there are parts");
        let mut outputs = vec![sum.id];
        outputs.extend(grad(sum, &each).iter().map(|g| g.id));
        let zero = |v: &Var| (v.id, Tensor::new(v.shape(), vec![0.0; v.numel()]));
        let feeds: Vec<_> = each.iter().map(zero).collect();
        let found = evaluate(&graph, &feeds, &outputs);
        let derivatives = found[1..].iter().flat_map(|t| t.data().to_vec()).collect();
        (found[0].data()[0], derivatives)
    }
}

fn pairs(all: impl Iterator<Item = (u32, u32)>) -> Vec<Vec<u32>> {
    all.map(|(a, b)| vec![a, b]).collect()
}

fn single(all: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
    all.map(|a| vec![a]).collect()
}

fn small() -> Vec<Case> {
    vec![
        Case::new("independent", vec![3; 6])
            .with(&single(0..6), true)
            .with(&single(0..6), false),
        Case::new("several rows for one variable", vec![2, 3])
            .with(&[vec![0], vec![0], vec![0]], false)
            .with(&[vec![1], vec![1]], true),
        Case::new("a chain", vec![2; 9])
            .with(&single(0..9), false)
            .with(&pairs((0..8).map(|t| (t, t + 1))), true),
        Case::new("a chain from its end on", vec![3; 7])
            .with(&pairs((0..6).map(|t| (t + 1, t))), false),
        Case::new("chains of different lengths", vec![2; 15])
            .with(&single(0..15), false)
            .with(&pairs((0..8).chain(9..14).map(|t| (t, t + 1))), true),
        Case::new("a chain of order two", vec![2; 10]).with(
            &(0..8).map(|t| vec![t, t + 1, t + 2]).collect::<Vec<_>>(),
            false,
        ),
        Case::new("coupled chains", [vec![2; 7], vec![3; 7]].concat())
            .with(&pairs((0..6).map(|t| (t, t + 1))), true)
            .with(&pairs((7..13).map(|t| (t, t + 1))), true)
            .with(&pairs((0..7).map(|t| (t, t + 7))), false),
        Case::new("a chain with leaves", vec![2; 14])
            .with(&pairs((0..6).map(|t| (t, t + 1))), true)
            .with(&pairs((0..7).map(|t| (t, t + 7))), true)
            .with(&single(7..14), false),
        Case::new("a tree", vec![2; 11]).with(&pairs((1..11).map(|i| ((i - 1) / 2, i))), false),
        Case::new("a star", vec![2; 8]).with(&pairs((1..8).map(|i| (0, i))), true),
        Case::new("a ring", vec![2; 8]).with(&pairs((0..8).map(|i| (i, (i + 1) % 8))), false),
        Case::new("all with all and themselves", vec![2; 5])
            .with(&pairs((0..25).map(|k| (k / 5, k % 5))), false),
        Case::new("one with itself three times", vec![3; 2])
            .with(&[vec![0, 1, 0], vec![1, 1, 1], vec![0, 0, 1]], false),
        Case::new("a variable of which nothing is said", vec![3, 2]).with(&[vec![1]], false),
    ]
}

#[test]
fn sums_and_marginals_are_those_of_all_states() {
    for case in small() {
        let weights: Vec<f64> = case.all_states().iter().map(|s| case.at(s).exp()).collect();
        let total: f64 = weights.iter().sum();
        let (sum, marginals) = case.run(|_| Semiring::Sum);
        assert!(
            (sum - total.ln()).abs() < 1e-12,
            "{}: {sum} {}",
            case.name,
            total.ln()
        );
        let mut expected = vec![0.0; marginals.len()];
        for (states, weight) in case.all_states().iter().zip(&weights) {
            let mut offset = 0;
            for (&k, &n) in states.iter().zip(&case.graph.states) {
                expected[offset + k] += weight / total;
                offset += n;
            }
        }
        for (a, b) in marginals.iter().zip(&expected) {
            assert!(
                (a - b).abs() < 1e-12,
                "{}: {marginals:?} {expected:?}",
                case.name
            );
        }
    }
}

/// The states that derivatives of ones and zeros stand for.
fn states_of(case: &Case, derivatives: &[f64]) -> Vec<usize> {
    let mut offset = 0;
    let mut states = Vec::new();
    for &n in &case.graph.states {
        let own = &derivatives[offset..offset + n];
        assert_eq!(own.iter().sum::<f64>(), 1.0, "{}: {own:?}", case.name);
        states.push(
            own.iter()
                .position(|&x| x == 1.0)
                .expect("one state is chosen"),
        );
        offset += n;
    }
    states
}

#[test]
fn the_most_probable_states_are_found() {
    for case in small() {
        let all = case.all_states();
        let best = all
            .iter()
            .map(|s| case.at(s))
            .fold(f64::NEG_INFINITY, f64::max);
        let (top, derivatives) = case.run(|_| Semiring::Max);
        assert!((top - best).abs() < 1e-12, "{}", case.name);
        let found = states_of(&case, &derivatives);
        assert!((case.at(&found) - best).abs() < 1e-8, "{}", case.name);
    }
}

#[test]
fn draws_have_the_joint_distribution() {
    let case = Case::new("a chain and a leaf", vec![2; 7])
        .with(&pairs((0..5).map(|t| (t, t + 1))), true)
        .with(&pairs([(2, 6)].into_iter()), false)
        .with(&single(0..6), false);
    let all = case.all_states();
    let weights: Vec<f64> = all.iter().map(|s| case.at(s).exp()).collect();
    let total: f64 = weights.iter().sum();
    let (count, numbers) = (4000, 14);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut seen = vec![0.0; all.len()];
    for _ in 0..count {
        let uniform: Vec<f64> = (0..numbers).map(|_| rng.random::<f64>()).collect();
        let gumbel: Vec<f64> = uniform.iter().map(|u| -(-u.ln()).ln()).collect();
        let (sum, chosen) =
            case.run(|g| Semiring::Draw(g.constant(Tensor::vector(gumbel.clone()))));
        assert!((sum - total.ln()).abs() < 1e-12);
        let states = states_of(&case, &chosen);
        seen[all
            .iter()
            .position(|s| *s == states)
            .expect("it is one of all")] += 1.0;
    }
    // χ² of 128 cells: 127 degrees of freedom, of which the quantile at 1 − 1e-6 is 215.
    let expected = weights.iter().map(|w| w / total * f64::from(count));
    let chi: f64 = seen
        .iter()
        .zip(expected)
        .map(|(s, e)| (s - e) * (s - e) / e)
        .sum();
    assert!(chi < 215.0, "{chi}");
}

#[test]
fn long_chains_are_the_forward_algorithm_in_few_nodes() {
    let (steps, n) = (10_000u32, 3usize);
    let case = Case::new("a long chain", vec![n; steps as usize])
        .with(&single(0..steps), false)
        .with(&pairs((0..steps - 1).map(|t| (t, t + 1))), true);
    let plan = case.plan();
    assert_eq!(plan.terms(), (steps as usize - 1) as f64 * 9.0 + 3.0);
    assert_eq!((plan.widest(), plan.depth()), (2, steps as usize));
    let graph = Graph::new();
    let factors: Vec<Var> = case
        .tables
        .iter()
        .map(|t| graph.constant(t.clone()))
        .collect();
    // Constants would be summed as they are put together.
    let inputs: Vec<Var> = factors.iter().map(|f| graph.input(&f.shape())).collect();
    let before = graph.len();
    let sums = plan.log_sums(&inputs, &Semiring::Sum);
    assert!(graph.len() - before < 100, "{}", graph.len() - before);
    let feeds: Vec<_> = inputs
        .iter()
        .zip(&case.tables)
        .map(|(v, t)| (v.id, t.clone()))
        .collect();
    let found = evaluate(&graph, &feeds, &[sums[0].values.id])[0].data()[0];
    let (own, moves) = (case.tables[0].data(), case.tables[1].data());
    let sum = |x: &[f64]| {
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
    };
    let mut alpha: Vec<f64> = own[..n].to_vec();
    for t in 1..steps as usize {
        let into = |k: usize| {
            (0..n)
                .map(|j| alpha[j] + moves[j * n + k])
                .collect::<Vec<_>>()
        };
        alpha = (0..n).map(|k| sum(&into(k)) + own[t * n + k]).collect();
    }
    assert!(
        (found - sum(&alpha)).abs() < 1e-9 * found.abs(),
        "{found} {}",
        sum(&alpha)
    );
}

#[test]
fn chains_side_by_side_are_one_scan() {
    let chain = |c: u32, t: u32| c * 50 + t;
    let scopes = (0..20).flat_map(|c| (0..49).map(move |t| (chain(c, t), chain(c, t + 1))));
    let case = Case::new("chains", vec![2; 1000]).with(&pairs(scopes), true);
    let plan = case.plan();
    assert_eq!(plan.depth(), 50);
    let graph = Graph::new();
    let table = graph.input(&[1, 2, 2]);
    let before = graph.len();
    let sums = plan.log_sums(&[table], &Semiring::Sum);
    assert!(graph.len() - before < 100);
    assert_eq!(sums.iter().map(|s| s.last.len()).sum::<usize>(), 20);
}

#[test]
fn parts_tell_which_they_are() {
    let case = Case::new("three parts", vec![2; 6])
        .with(&pairs([(0, 3), (1, 4), (2, 5)].into_iter()), true);
    let graph = Graph::new();
    let table = graph.input(&[1, 2, 2]);
    let sums = case.plan().log_sums(&[table], &Semiring::Sum);
    let last: Vec<u32> = sums.iter().flat_map(|s| s.last.clone()).collect();
    assert_eq!(last, [3, 4, 5]);
    assert_eq!(sums[0].values.shape().as_slice(), [3]);
}

#[test]
fn what_is_too_much_is_refused() {
    let all = (0..30u32).flat_map(|a| (a + 1..30).map(move |b| (a, b)));
    let case = Case::new("all with all", vec![2; 30]).with(&pairs(all), true);
    let refused = case.graph.plan(1e6).expect_err("2³⁰ terms are too many");
    assert_eq!(refused.together, 30);
    assert!(refused.terms > 1e6);
}

#[test]
fn the_cheaper_of_two_orders_is_taken() {
    // A grid of 4 × 8: sums of at most 2⁵ terms.
    let at = |r: u32, c: u32| r * 8 + c;
    let right = (0..4).flat_map(|r| (0..7).map(move |c| (at(r, c), at(r, c + 1))));
    let down = (0..3).flat_map(|r| (0..8).map(move |c| (at(r, c), at(r + 1, c))));
    let case = Case::new("a grid", vec![2; 32]).with(&pairs(right.chain(down)), true);
    assert!(case.plan().widest() <= 5, "{}", case.plan().widest());
}
