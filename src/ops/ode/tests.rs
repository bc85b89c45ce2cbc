//! Solutions that are known, published ones of stiff equations, and what happens where there is none.

use super::*;
use crate::autodiff::grad;
use crate::ops::tests::close;
use crate::tape::Tape;
use std::sync::Arc;

/// A right-hand side of so many numbers and constants, each given as a single number.
fn body(
    n: usize,
    constants: usize,
    build: impl for<'g> Fn(Var<'g>, &[Var<'g>], &[Var<'g>]) -> Vec<Var<'g>>,
) -> Body {
    let graph = Arc::new(Graph::new());
    let (t, y, c) = (
        graph.input(&[]),
        graph.input(&[n]),
        graph.input(&[constants]),
    );
    let parts = |v: Var<'_>, k: usize| -> Vec<NodeId> {
        (0..k).map(|i| v.slice(0, i, 1).reshape(&[]).id).collect()
    };
    let vars =
        |ids: Vec<NodeId>| -> Vec<Var<'_>> { ids.into_iter().map(|i| graph.var(i)).collect() };
    let slopes = build(t, &vars(parts(y, n)), &vars(parts(c, constants)));
    let rows: Vec<Var> = slopes.iter().map(|s| s.reshape(&[1])).collect();
    let output = concat(&rows, 0).id;
    Body {
        inputs: vec![t.id, y.id, c.id],
        output,
        graph: graph.clone(),
    }
}

fn solver(method: Method, tolerance: f64) -> Solver {
    Solver {
        rtol: tolerance,
        atol: tolerance,
        ..Solver::new(method)
    }
}

/// States at the times, compiled, with the derivatives of the last of them, summed with weights 1, 2, …, with respect
/// to the constants.
struct Solved {
    states: Vec<f64>,
    derivative: Vec<f64>,
    why: Option<String>,
}

fn solve(body: &Body, how: Solver, y0: &[f64], times: &[f64], constants: &[f64]) -> Solved {
    let g = Graph::new();
    let given: Vec<Var> = [y0.len(), times.len(), constants.len()]
        .iter()
        .map(|&n| g.input(&[n]))
        .collect();
    let solution = ode(
        body.clone(),
        how,
        given[0],
        g.scalar(0.0),
        given[1],
        &[given[2]],
    );
    let weights: Vec<f64> = (1..=y0.len()).map(|i| i as f64).collect();
    let last = solution.slice(1, times.len() - 1, 1).reshape(&[y0.len()]);
    let derivative = grad(
        (last * g.constant(Tensor::vector(weights))).sum(),
        &[given[2]],
    )[0];
    let inputs: Vec<NodeId> = given.iter().map(|v| v.id).collect();
    let mut tape = Tape::compile(&g, &inputs, &[solution.id, derivative.id]);
    for (i, values) in [y0, times, constants].into_iter().enumerate() {
        tape.set_input(i, values);
    }
    tape.run();
    let values = [y0, times, constants].map(|v| Tensor::vector(v.to_vec()));
    let zero = Tensor::scalar(0.0);
    let args = [&values[0], &zero, &values[1], &values[2]];
    Solved {
        states: tape.output(0).to_vec(),
        derivative: tape.output(1).to_vec(),
        why: g.node(solution.id).op.0.fault(&args),
    }
}

const METHODS: [Method; 2] = [Method::DormandPrince, Method::Rodas];

/// A step's error is at most the tolerance; over some hundred of them the solution may be off by some hundred
/// tolerances.
#[test]
fn an_oscillator_and_a_decay_that_depends_on_time_are_exact() {
    let circle = body(2, 1, |_, y, c| vec![c[0] * y[1], -(c[0] * y[0])]);
    let bell = body(1, 1, |t, y, c| vec![-(t * y[0] * c[0])]);
    for method in METHODS {
        let times = [0.0, 0.3, 2.0, 9.0];
        let found = solve(&circle, solver(method, 1e-10), &[0.0, 1.0], &times, &[1.5]);
        for (j, t) in times.iter().enumerate() {
            close(found.states[2 * j], (1.5 * t).sin(), 1e-8, "sine");
            close(found.states[2 * j + 1], (1.5 * t).cos(), 1e-8, "cosine");
        }
        let expected = 9.0 * (13.5f64.cos() - 2.0 * 13.5f64.sin());
        close(found.derivative[0], expected, 1e-7, "derivative in ω");
        let found = solve(&bell, solver(method, 1e-10), &[2.0], &[1.0, 3.0], &[0.7]);
        for (j, t) in [1.0f64, 3.0].into_iter().enumerate() {
            let exact = 2.0 * (-0.35 * t * t).exp();
            close(found.states[j], exact, 1e-8, "e^(−ct²/2)");
        }
        let exact = -9.0 * (-0.35f64 * 9.0).exp();
        close(found.derivative[0], exact, 1e-7, "its derivative");
    }
}

#[test]
fn a_linear_system_is_the_exponential_of_its_matrix() {
    let a = [-0.5, 2.0, 0.1, -1.5, -0.2, 0.4, 0.3, -0.6, -1.0];
    let linear = body(3, 9, |_, y, c| {
        let row = |i: usize| y[0] * c[3 * i] + y[1] * c[3 * i + 1] + y[2] * c[3 * i + 2];
        (0..3).map(row).collect()
    });
    let y0 = [1.0, -2.0, 0.5];
    let exact = |t: f64| {
        let matrix = nalgebra::Matrix3::from_row_slice(&a) * t;
        matrix.exp() * nalgebra::Vector3::from_row_slice(&y0)
    };
    for method in METHODS {
        let found = solve(&linear, solver(method, 1e-10), &y0, &[0.5, 4.0], &a);
        for (j, t) in [0.5, 4.0].into_iter().enumerate() {
            for i in 0..3 {
                close(found.states[3 * j + i], exact(t)[i], 1e-8, "exp(At) y₀");
            }
        }
    }
}

/// Robertson's kinetics; constants are the three rates.
fn robertson() -> Body {
    body(3, 3, |_, y, k| {
        let (slow, middle) = (k[0] * y[0], k[2] * y[1] * y[2]);
        let fast = k[1] * y[1] * y[1];
        vec![middle - slow, slow - middle - fast, fast]
    })
}

const RATES: [f64; 3] = [0.04, 3e7, 1e4];

/// The solution at 10¹¹ is that of the Test Set for IVP Solvers (Mazzia & Magherini 2008), ROBER.
#[test]
fn robertsons_kinetics_end_as_published() {
    let how = Solver {
        atol: 1e-18,
        ..solver(Method::Rodas, 1e-8)
    };
    let found = solve(&robertson(), how, &[1.0, 0.0, 0.0], &[40.0, 1e11], &RATES);
    let published = [
        0.208_334_014_970_125_5e-7,
        0.833_336_077_033_471_3e-13,
        0.999_999_979_166_505,
    ];
    for (&found, exact) in found.states[3..].iter().zip(published) {
        assert!((found / exact - 1.0).abs() < 1e-6, "{found} and {exact}");
    }
    let sum: f64 = found.states[..3].iter().sum();
    close(sum, 1.0, 1e-12, "mass is kept");
}

#[test]
fn derivatives_of_a_stiff_solution_equal_differences() {
    let how = Solver {
        atol: 1e-14,
        ..solver(Method::Rodas, 1e-10)
    };
    let at = |rates: &[f64]| solve(&robertson(), how, &[1.0, 0.0, 0.0], &[0.5, 40.0], rates);
    let sum = |s: &[f64]| s[3] + 2.0 * s[4] + 3.0 * s[5];
    let exact = at(&RATES).derivative;
    for i in 0..3 {
        let h = 1e-4 * RATES[i];
        let moved = |by: f64| {
            let mut rates = RATES;
            rates[i] += by;
            sum(&at(&rates).states)
        };
        let difference = (moved(h) - moved(-h)) / (2.0 * h);
        // Solutions are off by some 1e-10, and so differences by 1e-6 in units of the rates.
        let error = (exact[i] - difference).abs() * RATES[i];
        assert!(error < 3e-6, "{i}: {} and {difference}", exact[i]);
    }
}

/// `μ = 1000`, in units of time of its relaxation: VDPOL of the Test Set for IVP Solvers, at t = 2.
#[test]
fn van_der_pols_oscillator_is_where_published() {
    let stiff = body(2, 1, |_, y, c| {
        let force = (y[1] - y[0] * y[0] * y[1] - y[0]) * c[0];
        vec![y[1], force]
    });
    let how = solver(Method::Rodas, 1e-9);
    let found = solve(&stiff, how, &[2.0, 0.0], &[2.0], &[1e6]);
    close(found.states[0], 1.706_167_732_170_483, 1e-6, "y");
    close(found.states[1], -0.892_809_701_024_797_5, 1e-6, "y′");
}

#[test]
fn too_many_steps_end_in_nan_and_say_so() {
    let how = Solver {
        max_steps: 300,
        ..Solver::new(Method::DormandPrince)
    };
    let found = solve(&robertson(), how, &[1.0, 0.0, 0.0], &[0.01, 40.0], &RATES);
    assert!(found.states[..3].iter().all(|x| x.is_finite()));
    assert!(found.states[3..].iter().all(|x| x.is_nan()));
    assert!(found.derivative.iter().all(|x| x.is_nan()));
    let why = found.why.expect("there is a reason");
    let expected = "the solver needed more than 300 steps between t = 0.01 and t = 40 ";
    assert!(why.starts_with(expected), "{why}");
    assert!(why.contains("`ode_stiff`") && why.contains("`max_steps`"));
}

#[test]
fn a_solution_that_leaves_every_bound_is_nan_from_there() {
    // y = 1 / (1 − t)
    let square = body(1, 1, |_, y, c| vec![y[0] * y[0] * c[0]]);
    for method in METHODS {
        let found = solve(&square, Solver::new(method), &[1.0], &[0.5, 2.0], &[1.0]);
        close(found.states[0], 2.0, 1e-6, "before");
        assert!(found.states[1].is_nan());
        let why = found.why.expect("there is a reason");
        let at_one = why.contains("t = 1,") || why.contains("t = 0.99999");
        assert!(at_one, "{why}");
    }
}

#[test]
fn slopes_that_are_no_numbers_and_times_that_descend_are_named() {
    let root = body(1, 1, |_, y, c| vec![(y[0] - c[0]).log()]);
    for method in METHODS {
        let how = Solver::new(method);
        let found = solve(&root, how, &[1.0], &[1.0], &[2.0]);
        let expected = "the right-hand side is not finite near t = 0, y = [1]";
        assert_eq!(found.why.as_deref(), Some(expected));
        let found = solve(&root, how, &[3.0], &[1.0, 0.5], &[1.0]);
        assert!(found.states[0].is_finite() && found.states[1].is_nan());
        let expected = "the times of a solution must ascend from its start: 0.5 comes after 1";
        assert_eq!(found.why.as_deref(), Some(expected));
        // Infinite or missing numbers are refused, not followed.
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(solve(&root, how, &[bad], &[1.0], &[1.0]).states[0].is_nan());
            assert!(solve(&root, how, &[3.0], &[bad], &[1.0]).states[0].is_nan());
            assert!(solve(&root, how, &[3.0], &[1.0], &[bad]).states[0].is_nan());
        }
    }
}

#[test]
fn a_tape_of_single_precision_integrates_in_double() {
    let circle = body(2, 1, |_, y, c| vec![c[0] * y[1], -(c[0] * y[0])]);
    let g = Graph::new();
    let (y0, c) = (g.input(&[2]), g.input(&[1]));
    let times = g.constant(Tensor::vector([1.0, 7.0]));
    let how = Solver::new(Method::DormandPrince);
    let solution = ode(circle, how, y0, g.scalar(0.0), times, &[c]);
    let d = grad(solution.slice(1, 1, 1).sum(), &[c])[0];
    let mut tape = Tape::<f32>::compile_as(&g, &[y0.id, c.id], &[solution.id, d.id]);
    tape.set_input(0, &[0.0, 1.0]);
    tape.set_input(1, &[1.0]);
    tape.run();
    // As exact as numbers of single precision are.
    let exact = [1f64.sin(), 1f64.cos(), 7f64.sin(), 7f64.cos()];
    for (&found, exact) in tape.output(0).iter().zip(exact) {
        close(f64::from(found), exact, 1e-7, "solution");
    }
    let expected = 7.0 * (7f64.cos() - 7f64.sin());
    close(f64::from(tape.output(1)[0]), expected, 1e-6, "derivative");
}
