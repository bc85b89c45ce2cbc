//! Recurrences against plain loops in Rust.

use elbo::graph::evaluate;
use elbo::{Data, Program};

/// Elements of a kept definition of a model without latents (or at given unconstrained zeros).
fn values(program: &str, data: &Data, name: &str) -> Vec<f64> {
    let program = Program::parse(program).unwrap_or_else(|e| panic!("{e}"));
    let model = program.bind(data).unwrap_or_else(|e| panic!("{e}"));
    let feeds: Vec<_> = model
        .blocks
        .iter()
        .map(|b| (b.input, elbo::graph::Tensor::vector(vec![0.3; b.size])))
        .collect();
    let quantity = model
        .quantities
        .iter()
        .find(|q| q.name == name)
        .expect("the program keeps it");
    evaluate(&model.graph, &feeds, &[quantity.node])[0]
        .data()
        .to_vec()
}

fn data() -> Data {
    let mut data = Data::default();
    let x: Vec<f64> = (0..6).map(|i| 0.3 + 0.17 * i as f64).collect();
    data.insert("x", x);
    data.insert("T", 6.0);
    data
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-12 * (1.0 + b.abs()),
            "{found:?} and {expected:?}"
        );
    }
}

const HEAD: &str = "data T: int\ndata x: real[T]\na ~ Normal(0, 1)\n";

fn x(t: usize) -> f64 {
    0.3 + 0.17 * t as f64
}

const A: f64 = 0.3;

/// Names of a function's arguments are those of the step, not of all steps.
#[test]
fn functions_of_the_element_before() {
    let functions = [
        "fn f(x, b) = x * b\nlet s[1] = 0.5\nfor t in 2..T { let s[t] = f(s[t - 1], a) }",
        "let f = |x| x * a\nlet s[1] = 0.5\nfor t in 2..T { let s[t] = f(s[t - 1]) }",
        "fn f(x, b) { let c = x * b\n c }\nlet s[1] = 0.5\nfor t in 2..T { let s[t] = f(s[t - 1], a) }",
    ];
    let s: Vec<f64> = (0..6).map(|t| 0.5 * A.powi(t)).collect();
    for text in functions {
        close(&values(&format!("{HEAD}{text}"), &data(), "s"), &s);
    }
}

/// The second element reads the first by its own number, and so it is no recurrence by itself.
#[test]
fn first_elements_one_by_one() {
    let text = format!(
        "{HEAD}let e[1] = x[1]
let e[2] = x[2] - a * e[1]
for t in 3..T {{ let e[t] = x[t] - a * e[t - 1] - 0.1 * e[t - 2] }}"
    );
    let mut e = vec![x(0), x(1) - A * x(0)];
    for t in 2..6 {
        e.push(x(t) - A * e[t - 1] - 0.1 * e[t - 2]);
    }
    close(&values(&text, &data(), "e"), &e);
}

/// A name inside the loop for a window of elements before.
#[test]
fn names_for_windows_of_earlier_elements() {
    let text = format!(
        "{HEAD}for t in 1..T {{
  let m = sum([0.5 * e[t - q] for q in 1..min(t - 1, 2)])
  let e[t] = x[t] - a * m
}}"
    );
    let mut e: Vec<f64> = Vec::new();
    for t in 0..6 {
        let m: f64 = (1..=t.min(2)).map(|q| 0.5 * e[t - q]).sum();
        e.push(x(t) - A * m);
    }
    close(&values(&text, &data(), "e"), &e);
}

#[test]
fn one_step_back() {
    let program =
        format!("{HEAD}let s[1] = x[1]\nfor t in 2..T {{ let s[t] = a * s[t-1] + x[t] }}");
    let mut s = vec![x(0)];
    for t in 1..6 {
        s.push(A * s[t - 1] + x(t));
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn two_steps_back_and_several_starts() {
    let program = format!(
        "{HEAD}let s[1] = a\nlet s[2] = 2 * a\nfor t in 3..T {{ let s[t] = s[t-1] - 0.5 * s[t-2] * x[t] }}"
    );
    let mut s = vec![A, 2.0 * A];
    for t in 2..6 {
        s.push(s[t - 1] - 0.5 * s[t - 2] * x(t));
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn backwards() {
    let program =
        format!("{HEAD}let s[T] = x[T]\nfor t in 1..T-1 {{ let s[t] = a * s[t+1] + x[t] }}");
    let mut s = [0.0; 6];
    s[5] = x(5);
    for t in (0..5).rev() {
        s[t] = A * s[t + 1] + x(t);
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn any_number_of_earlier_elements() {
    let program = format!(
        "{HEAD}let s[1] = a\nfor t in 2..T {{ let s[t] = x[t] + sum([s[k] * x[t - k] for k in 1..t-1]) }}"
    );
    let mut s = vec![A];
    for t in 1..6 {
        let sum: f64 = (0..t).map(|k| s[k] * x(t - k - 1)).sum();
        s.push(x(t) + sum);
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn the_first_element_inside_the_loop() {
    let program =
        format!("{HEAD}for t in 1..T {{ let s[t] = if t == 1 {{ a }} else {{ s[t-1] * x[t] }} }}");
    let mut s = vec![A];
    for t in 1..6 {
        s.push(s[t - 1] * x(t));
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn a_condition_around_the_statement() {
    let program = format!(
        "{HEAD}let s[1] = a\nfor t in 1..T {{ if t > 1 {{ let e = x[t] - s[t-1]\n let s[t] = s[t-1] + 0.5 * e }} }}"
    );
    let mut s = vec![A];
    for t in 1..6 {
        s.push(s[t - 1] + 0.5 * (x(t) - s[t - 1]));
    }
    close(&values(&program, &data(), "s"), &s);
}

#[test]
fn two_arrays_of_each_other() {
    let program = format!(
        "{HEAD}let u[1] = a\nlet v[1] = 1.0\nfor t in 2..T {{\n let u[t] = u[t-1] + 0.1 * v[t-1]\n let v[t] = v[t-1] - 0.1 * u[t] * x[t]\n}}"
    );
    let (mut u, mut v) = (vec![A], vec![1.0]);
    for t in 1..6 {
        u.push(u[t - 1] + 0.1 * v[t - 1]);
        v.push(v[t - 1] - 0.1 * u[t] * x(t));
    }
    close(&values(&program, &data(), "u"), &u);
    close(&values(&program, &data(), "v"), &v);
}

#[test]
fn rows_side_by_side() {
    let program = format!(
        "{HEAD}for i in 1..3 {{ let h[i, 1] = a * i\n for t in 2..T {{ let h[i, t] = 0.5 * h[i, t-1] + x[t] * i }} }}"
    );
    let mut h = Vec::new();
    for i in 1..=3 {
        let mut s = vec![A * i as f64];
        for t in 1..6 {
            s.push(0.5 * s[t - 1] + x(t) * i as f64);
        }
        h.extend(s);
    }
    close(&values(&program, &data(), "h"), &h);
}

#[test]
fn neighbours_of_the_previous_step() {
    let program = format!(
        "{HEAD}for i in 1..4 {{ let h[1, i] = a * i }}\nfor t in 2..T {{ for i in 1..4 {{ let h[t, i] = h[t-1, i] + 0.1 * sum(h[t-1, :]) * x[t] }} }}"
    );
    let mut h: Vec<Vec<f64>> = vec![(1..=4).map(|i| A * i as f64).collect()];
    for t in 1..6 {
        let total: f64 = h[t - 1].iter().sum();
        h.push(h[t - 1].iter().map(|v| v + 0.1 * total * x(t)).collect());
    }
    close(&values(&program, &data(), "h"), &h.concat());
}

#[test]
fn vectors_as_elements() {
    let program = format!(
        "{HEAD}let h[1] = [a, 1.0]\nfor t in 2..T {{ let h[t] = [[0.9, 0.1], [-0.2, 0.8]] @ h[t-1] + x[t] }}"
    );
    let mut h = vec![[A, 1.0]];
    for t in 1..6 {
        let p = h[t - 1];
        h.push([
            0.9 * p[0] + 0.1 * p[1] + x(t),
            -0.2 * p[0] + 0.8 * p[1] + x(t),
        ]);
    }
    close(&values(&program, &data(), "h"), &h.concat());
}

#[test]
fn a_grid_in_two_directions() {
    let program = format!(
        "{HEAD}for j in 1..4 {{ let g[1, j] = a }}\nfor i in 2..3 {{ let g[i, 1] = 1.0\n for j in 2..4 {{ let g[i, j] = g[i-1, j] + 0.5 * g[i, j-1] }} }}"
    );
    let mut g = vec![vec![A; 4]; 3];
    for i in 1..3 {
        g[i][0] = 1.0;
        for j in 1..4 {
            g[i][j] = g[i - 1][j] + 0.5 * g[i][j - 1];
        }
    }
    close(&values(&program, &data(), "g"), &g.concat());
}

#[test]
fn a_tree_by_parents() {
    let mut data = data();
    data.insert("parent", [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]);
    let program = format!(
        "{HEAD}data parent: int[T]\nlet s[1] = a\nfor t in 2..T {{ let s[t] = s[parent[t]] * 0.5 + x[t] }}"
    );
    let parent = [0, 0, 0, 1, 1, 2];
    let mut s = vec![A];
    for t in 1..6 {
        s.push(s[parent[t]] * 0.5 + x(t));
    }
    close(&values(&program, &data, "s"), &s);
}

#[test]
fn series_of_several_lengths() {
    let mut data = data();
    data.insert("n", [2.0, 4.0, 3.0]);
    data.insert(
        "z",
        vec![
            vec![0.1, 0.2, 0.3, 0.4],
            vec![0.5, 0.6, 0.7, 0.8],
            vec![0.9, 1.0, 1.1, 1.2],
        ],
    );
    let program = format!(
        "{HEAD}data n: int[I]\ndata z: real[I, M]\nfor i in 1..I {{ for t in 1..M {{ let h[i, t] = if t == 1 {{ a }} else {{ if t <= n[i] {{ 0.5 * h[i, t-1] + z[i, t] }} else {{ 0.0 }} }} }} }}"
    );
    let n = [2, 4, 3];
    let mut h = Vec::new();
    for (i, &n) in n.iter().enumerate() {
        let mut s = vec![A];
        for t in 1..4 {
            let z = [
                [0.1, 0.2, 0.3, 0.4],
                [0.5, 0.6, 0.7, 0.8],
                [0.9, 1.0, 1.1, 1.2],
            ][i][t];
            s.push(if t < n { 0.5 * s[t - 1] + z } else { 0.0 });
        }
        h.extend(s);
    }
    close(&values(&program, &data, "h"), &h);
}

#[test]
fn loops_without_turns_define_nothing() {
    let program = format!(
        "{HEAD}data D: int\nfor j in 1..T {{ let B[1, j] = a * j }}\nfor d in 1..D {{ for j in 1..T {{ let B[d + 1, j] = B[d, fmin(j + 1, T)] + (if j + d < T {{ B[d, j + 1] }} else {{ 0 }}) }} }}"
    );
    let mut data = data();
    data.insert("D", 0.0);
    let first: Vec<f64> = (1..=6).map(|j| A * f64::from(j)).collect();
    close(&values(&program, &data, "B"), &first);
}

#[test]
fn branches_of_some_rows_beside_other_rows() {
    // Sums of neighbours thrice: binomial weights of what is to the right.
    let program = format!(
        "{HEAD}for i in 1..2 {{ for j in 1..T {{ let B[1, i, j] = a * i + x[j] }} }}\nfor d in 1..3 {{ for i in 1..2 {{ for j in 1..T {{ let B[d + 1, i, j] = B[d, i, j] + (if j < T {{ B[d, i, j + 1] }} else {{ 0 }}) }} }} }}\nlet last = B[4]"
    );
    let mut expected = Vec::new();
    for i in 1..=2 {
        for j in 0..6 {
            let at = |k: usize| match j + k < 6 {
                true => A * f64::from(i) + x(j + k),
                false => 0.0,
            };
            expected.push(at(0) + 3.0 * at(1) + 3.0 * at(2) + at(3));
        }
    }
    close(&values(&program, &data(), "last"), &expected);
}

#[test]
fn branches_that_no_row_takes_are_not_looked_at() {
    let program = format!(
        "{HEAD}data D: int\nfor k in 1..D {{ for j in 1..D {{ let c[k, j] = if j < k {{ c[k - 1, j] - a * c[k - 1, k - j] }} else {{ if j == k {{ a }} else {{ 0 }} }} }} }}"
    );
    let mut data = data();
    data.insert("D", 1.0);
    close(&values(&program, &data, "c"), &[A]);
    data.insert("D", 2.0);
    close(&values(&program, &data, "c"), &[A, 0.0, A - A * A, A]);
}

#[test]
fn names_in_a_loop_read_other_rows_of_the_step_before() {
    // Along j, `same` would be what its own step defines: d is time.
    let program = format!(
        "{HEAD}for j in 1..T {{ let B[1, j] = a + x[j] }}\nfor d in 1..2 {{ for j in 1..T {{\nlet same = 2 * B[d, j]\nlet next = if j < T {{ B[d, j + 1] }} else {{ 0 }}\nlet B[d + 1, j] = same + next\n}} }}\nlet last = B[3]"
    );
    let at = |k: usize| if k < 6 { A + x(k) } else { 0.0 };
    let expected: Vec<f64> = (0..6)
        .map(|j| 4.0 * at(j) + 4.0 * at(j + 1) + at(j + 2))
        .collect();
    close(&values(&program, &data(), "last"), &expected);
}

/// Loops say *for every*: it does not matter which definitions share one.
#[test]
fn definitions_in_several_loops_that_use_each_other() {
    let program = "data x: real[T]\nlet v[1] = 1\n\
        for t in 2..T {\n  let square = y[t-1]^2\n  let v[t] = 0.1 + 0.5 * square + 0.3 * v[t-1]\n}\n\
        for t in 1..T { let y[t] = x[t] * sqrt(v[t]) }\n\
        for i in 3..T-1 { let after[i] = sum([v[i] for k in 1..2]) + w[i-1] }\n\
        for t in 2..T-1 { let w[t] = if t == 2 { 0 } else { after[t] / 2 } }\n\
        let after[1] = 0\nlet after[2] = 0\nlet w[1] = 0";
    let (mut v, mut y) = (vec![1.0], vec![x(0)]);
    for t in 2..=6 {
        v.push(0.1 + 0.5 * y[t - 2] * y[t - 2] + 0.3 * v[t - 2]);
        y.push(x(t - 1) * f64::sqrt(v[t - 1]));
    }
    close(&values(program, &data(), "v"), &v);
    close(&values(program, &data(), "y"), &y);
    let (mut after, mut w) = (vec![0.0, 0.0], vec![0.0, 0.0]);
    for i in 3..=5 {
        after.push(2.0 * v[i - 1] + w[i - 2]);
        w.push(after[i - 1] / 2.0);
    }
    close(&values(program, &data(), "after"), &after);
    close(&values(program, &data(), "w"), &w);
}
