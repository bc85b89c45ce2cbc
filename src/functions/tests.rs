//! Functions against numbers of an independent source, through the graph code that the lowering uses.

use super::{Operand, find};
use crate::graph::{Graph, Tensor, evaluate};

/// Shape and elements.
type Constant<'a> = (&'a [usize], &'a [f64]);

/// The value of a function of constants.
fn value(name: &str, args: &[Constant<'_>]) -> Vec<f64> {
    let g = Graph::new();
    let operands: Vec<Operand> = args
        .iter()
        .map(|(shape, data)| Operand {
            var: g.constant(Tensor::new((*shape).into(), data.to_vec())),
            rank: shape.len(),
        })
        .collect();
    let out = find(name)
        .expect("a function")
        .lower(&operands)
        .expect("it is our own");
    evaluate(&g, &[], &[out.id])[0].data().to_vec()
}

fn check(name: &str, args: &[Constant<'_>], expected: &[f64]) {
    let got = value(name, args);
    assert_eq!(got.len(), expected.len(), "{name}");
    for (got, expected) in got.iter().zip(expected) {
        // Some ten roundings.
        assert!(
            (got - expected).abs() <= 1e-14 * (1.0 + expected.abs()),
            "{name}: {got:e}, expected {expected:e}"
        );
    }
}

/// What distributions invert is what the language computes.
#[test]
fn bijections_are_functions_of_the_language() {
    for row in crate::dist::bijection::TABLE {
        for name in row.names {
            let (low, high) = row.domain;
            let x = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.3 * low + 0.7 * high,
                (true, false) => low + 0.7,
                (false, true) => high - 0.7,
                (false, false) => 0.7,
            };
            let arity = find(name).expect("a function").arity.0;
            let mut given = vec![1.3; arity];
            given[row.position] = x;
            let args: Vec<Constant> = given
                .iter()
                .map(|x| (&[][..], std::slice::from_ref(x)))
                .collect();
            let g = Graph::new();
            let same = (row.apply)(g.scalar(x), g.scalar(1.3)).as_uniform();
            assert_eq!(Some(value(name, &args)[0]), same, "{name}");
        }
    }
}

/// Numbers by scipy.special 1.17.
#[test]
fn special_functions_are_those_of_scipy() {
    check(
        "gamma_p",
        &[(&[], &[2.5]), (&[], &[1.7])],
        &[0.36143007689620493],
    );
    check(
        "gamma_q",
        &[(&[], &[2.5]), (&[], &[40.0])],
        &[8.391825114831597e-16],
    );
    check(
        "beta_inc",
        &[(&[], &[2.5]), (&[], &[0.7]), (&[], &[0.3])],
        &[0.029814024845250465],
    );
    check(
        "bessel_i0",
        &[(&[5], &[-1.3, 0.0, 1e-8, 9.0, 30.0])],
        &[
            1.4692777979442508,
            1.0,
            1.0,
            1093.5883545113747,
            781672297823.9775,
        ],
    );
    check(
        "bessel_i1",
        &[(&[5], &[-1.3, 0.0, 1e-8, 9.0, 30.0])],
        &[
            -0.7973293149792692,
            0.0,
            5e-9,
            1030.9147225169565,
            768532038938.957,
        ],
    );
    check(
        "lmgamma",
        &[(&[], &[2.7]), (&[], &[3.0])],
        &[2.1530551518127776],
    );
}

/// Numbers by mpmath 1.3 with 30 digits; near the branch point at −1/e digits are lost.
#[test]
fn lambert_w_is_that_of_mpmath() {
    let x = [-0.2, 1e-9, 0.5, 1.0, 2.9, 3.1, 10.0, 1e10, 1e300];
    let w = [
        -0.259_171_101_819_073_77,
        9.999_999_990_000_001e-10,
        0.351_733_711_249_195_84,
        0.567_143_290_409_783_8,
        1.032_615_669_166_066_6,
        1.066_768_307_041_614_7,
        1.745_528_002_740_699_4,
        20.028_685_413_304_952,
        684.247_208_629_760_8,
    ];
    check("lambert_w", &[(&[9], &x)], &w);
    let x = [-0.3678, -0.3670, -0.36, -0.35, -0.367_879_441_171_442_33];
    let w = [
        -0.979_360_714_957_830_5,
        -0.932_399_184_747_928_3,
        -0.806_084_315_970_817_6,
        -0.716_638_816_456_073_6,
        -1.0,
    ];
    for (x, w) in x.into_iter().zip(w) {
        let found = crate::special::lambert_w(x);
        assert!((found - w).abs() < 1e-13, "W({x}) = {found}, not {w}");
    }
    assert_eq!(crate::special::lambert_w(0.0), 0.0);
    assert!(crate::special::lambert_w(-0.4).is_nan());
}

/// Numbers by NumPy 2.
#[test]
fn elementwise_functions_are_those_of_numpy() {
    let rows: [(&str, &[f64], f64); 12] = [
        ("asinh", &[0.3], 0.295_673_047_563_422_44),
        ("acosh", &[1.3], 0.756_432_910_856_959_6),
        ("atanh", &[0.3], 0.309_519_604_203_111_7),
        ("log2", &[0.3], -1.736_965_594_166_206_3),
        ("log2", &[8.0], 3.0),
        ("log10", &[0.3], -0.522_878_745_280_337_6),
        ("log10", &[1000.0], 3.0),
        ("cbrt", &[0.3], 0.669_432_950_082_169_5),
        ("hypot", &[3e200, 4e200], 5e200),
        ("cloglog", &[0.3], -1.030_930_433_158_723_2),
        ("inv_cloglog", &[-0.7], 0.391_394_682_195_593_6),
        ("log_mix", &[0.3, -1.2, 0.4], 0.126_311_499_742_132_74),
    ];
    for (name, args, expected) in rows {
        let args: Vec<Constant> = args
            .iter()
            .map(|x| (&[][..], std::slice::from_ref(x)))
            .collect();
        check(name, &args, &[expected]);
    }
}

/// Numbers by NumPy 2, and by hand.
#[test]
fn what_goes_by_order_is_that_of_numpy() {
    let x: Constant = (&[6], &[3.2, -1.0, 4.0, 1.5, 9.0, 2.6]);
    check("sort", &[x], &[-1.0, 1.5, 2.6, 3.2, 4.0, 9.0]);
    check("order", &[x], &[2.0, 4.0, 6.0, 1.0, 3.0, 5.0]);
    check("rank", &[x], &[4.0, 1.0, 5.0, 2.0, 6.0, 3.0]);
    check("argmax", &[x], &[5.0]);
    check("argmin", &[x], &[2.0]);
    check("argmax", &[(&[4], &[1.0, 3.0, 3.0, 2.0])], &[2.0]);
    check("median", &[x], &[2.9]);
    check("median", &[(&[3], &[5.0, -1.0, 2.0])], &[2.0]);
    let p: Constant = (&[5], &[0.0, 0.1, 0.25, 0.77, 1.0]);
    check("quantile", &[x, p], &[-1.0, 0.25, 1.775, 3.88, 9.0]);
    check("quantile", &[(&[1], &[4.0]), (&[], &[0.3])], &[4.0]);
    assert!(value("quantile", &[x, (&[], &[1.1])])[0].is_nan());
    let at: Constant = (&[6], &[-1.0, 0.0, 0.3, 1.7, 2.5, 4.0]);
    let (xs, ys): (Constant, Constant) = ((&[3], &[0.0, 1.0, 2.5]), (&[3], &[3.0, -1.0, 2.0]));
    check("interp", &[at, xs, ys], &[3.0, 3.0, 1.8, 0.4, 2.0, 2.0]);
    check("find_interval", &[at, xs], &[0.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    let descending: Constant = (&[3], &[2.5, 1.0, 0.0]);
    assert!(value("interp", &[at, descending, ys])[2].is_nan());
    assert!(value("interp", &[(&[], &[f64::NAN]), xs, ys])[0].is_nan());
}

/// Rows of a loop may have some operands and others not.
#[test]
fn loops_and_single_operands_meet() {
    let g = Graph::new();
    let operand = |shape: &[usize], data: &[f64], rank: usize| Operand {
        var: g.constant(Tensor::new(shape.into(), data.to_vec())),
        rank,
    };
    let call = |name: &str, x: &[Operand]| {
        let out = find(name)
            .expect("a function")
            .lower(x)
            .expect("it is our own");
        (out.shape().to_vec(), out.as_const().expect("of constants"))
    };
    // Two rows of points, one table.
    let at = operand(&[2, 2], &[0.5, 1.0, 1.5, 3.0], 1);
    let table = [
        operand(&[1, 3], &[0.0, 1.0, 2.0], 1),
        operand(&[1, 3], &[0.0, 10.0, 40.0], 1),
    ];
    let (shape, found) = call("interp", &[at, table[0], table[1]]);
    assert_eq!(shape, [2, 2]);
    assert_eq!(found.data(), [5.0, 10.0, 25.0, 40.0]);
    // One point, two tables.
    let at = operand(&[1], &[0.5], 0);
    let tables = operand(&[2, 3], &[0.0, 10.0, 40.0, 2.0, 4.0, 6.0], 1);
    let (shape, found) = call("interp", &[at, table[0], tables]);
    assert_eq!(shape, [2]);
    assert_eq!(found.data(), [5.0, 3.0]);
    let (shape, found) = call("quantile", &[tables, operand(&[1], &[0.5], 0)]);
    assert_eq!((shape, found.data()), (vec![2], &[10.0, 4.0][..]));
    let (shape, found) = call("median", &[tables]);
    assert_eq!((shape, found.data()), (vec![2], &[10.0, 4.0][..]));
    let (_, found) = call("argmax", &[tables]);
    assert_eq!(found.data(), [3.0, 3.0]);
    let (_, found) = call("sort", &[operand(&[2, 2], &[2.0, 1.0, 3.0, 4.0], 1)]);
    assert_eq!(found.data(), [1.0, 2.0, 3.0, 4.0]);
    let matrices = operand(&[2, 2, 1], &[1.0, 2.0, 3.0, 4.0], 2);
    let one = operand(&[1, 1, 2], &[1.0, -1.0], 2);
    let (shape, found) = call("kron", &[matrices, one]);
    assert_eq!(shape, [2, 2, 2]);
    assert_eq!(found.data(), [1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0]);
    let column = operand(&[1, 2], &[8.0, 9.0], 1);
    let (shape, found) = call("append_columns", &[column, matrices]);
    assert_eq!(shape, [2, 2, 2]);
    assert_eq!(found.data(), [8.0, 1.0, 9.0, 2.0, 8.0, 3.0, 9.0, 4.0]);
    let (shape, found) = call("convolve", &[column, operand(&[2, 2], &[1.0; 4], 1)]);
    assert_eq!((shape, found.data()[1]), (vec![2, 3], 17.0));
}

/// Numbers by hand.
#[test]
fn arrays_are_rearranged_as_stated() {
    check(
        "cumprod",
        &[(&[5], &[2.0, 3.0, 0.0, -1.0, 4.0])],
        &[2.0, 6.0, 0.0, 0.0, 0.0],
    );
    check(
        "cumprod",
        &[(&[5], &[2.0, 3.0, 0.5, -1.0, 4.0])],
        &[2.0, 6.0, 3.0, -3.0, -12.0],
    );
    check("diff", &[(&[4], &[1.0, 4.0, 2.0, 2.5])], &[3.0, -2.0, 0.5]);
    check(
        "convolve",
        &[(&[3], &[1.0, 2.0, 3.0]), (&[2], &[1.0, -1.0])],
        &[1.0, 1.0, 1.0, -3.0],
    );
    check(
        "convolve",
        &[(&[2], &[1.0, -1.0]), (&[3], &[1.0, 2.0, 3.0])],
        &[1.0, 1.0, 1.0, -3.0],
    );
    check("count", &[(&[2, 2], &[1.0, 0.0, 1.0, 1.0])], &[3.0]);
    check("any", &[(&[2], &[0.0, 0.0])], &[0.0]);
    check("any", &[(&[2], &[0.0, 1.0])], &[1.0]);
    check("all", &[(&[2], &[1.0, 0.0])], &[0.0]);
    check("all", &[(&[2], &[1.0, 1.0])], &[1.0]);
    check(
        "div",
        &[(&[4], &[7.0, -7.0, 6.0, 1.0]), (&[], &[3.0])],
        &[2.0, -3.0, 2.0, 0.0],
    );
    check(
        "one_hot",
        &[(&[2], &[3.0, 1.0]), (&[], &[3.0])],
        &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
    );
    let x: Constant = (&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    check("length", &[x], &[2.0]);
    check("columns", &[x], &[3.0]);
    check("size", &[x], &[6.0]);
    check("flatten", &[x], x.1);
    check("reshape", &[x, (&[], &[3.0]), (&[], &[2.0])], x.1);
    check(
        "append_columns",
        &[(&[2], &[8.0, 9.0]), x],
        &[8.0, 1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0],
    );
    check("norm", &[(&[2], &[3.0, 4.0])], &[5.0]);
}

#[test]
fn linear_algebra_by_hand() {
    let a: Constant = (&[2, 2], &[0.0, 2.0, 4.0, 1.0]);
    check("solve", &[a, (&[2], &[2.0, 9.0])], &[2.0, 1.0]);
    check("solve", &[a, (&[2, 1], &[2.0, 9.0])], &[2.0, 1.0]);
    check("log_abs_det", &[a], &[8f64.ln()]);
    let (x, y): (Constant, Constant) = ((&[2, 2], &[0.0, 0.0, 3.0, 4.0]), (&[1, 2], &[0.0, 0.0]));
    check("squared_distances", &[x, y], &[0.0, 25.0]);
    check("distances", &[x, y], &[0.0, 5.0]);
    check("lower_triangle", &[a], &[0.0, 0.0, 4.0, 1.0]);
    check(
        "quad_form_diag",
        &[a, (&[2], &[2.0, 3.0])],
        &[0.0, 12.0, 24.0, 9.0],
    );
    check("matrix_power", &[a, (&[], &[0.0])], &[1.0, 0.0, 0.0, 1.0]);
    check("det", &[a], &[-8.0]);
    check("det", &[(&[2, 2], &[1.0, 2.0, 2.0, 4.0])], &[0.0]);
}

/// Numbers by NumPy 2 and SciPy 1.17.
#[test]
fn linear_algebra_is_that_of_numpy() {
    let a: Constant = (&[3, 3], &[0.5, 1.0, -0.3, 0.2, -1.1, 0.7, 1.3, 0.4, 0.9]);
    check("det", &[a], &[-0.358]);
    #[rustfmt::skip]
    check("matrix_exp", &[a], &[
        1.5724713693785999, 0.770447610772332, -0.19220428573630546,
        0.7222241731028735, 0.6305136109365926, 0.7242308156437545,
        2.7266674080186806, 1.2254671102941552, 2.4451353773707467,
    ]);
    #[rustfmt::skip]
    check("matrix_power", &[a, (&[], &[5.0])], &[
        0.26356, 1.11976, -0.31180, 0.57607, -1.34785, 0.89844, 2.52486, 1.01642, 1.06132,
    ]);
    let s: Constant = (&[3, 3], &[2.0, 0.5, -0.3, 0.5, 1.0, 0.7, -0.3, 0.7, -1.5]);
    check(
        "eigenvalues_symmetric",
        &[s],
        &[-1.7298923231047347, 1.0227593915896076, 2.207132931515127],
    );
    #[rustfmt::skip]
    check("eigenvectors_symmetric", &[s], &[
        0.11267302459921599, -0.3642629581727337, 0.9244551297012278,
        -0.2661166165138762, 0.8853288454162723, 0.38128045044179315,
        0.9573331373888981, 0.28897289280681543, -0.002816252827719783,
    ]);
    let m: Constant = (&[3, 2], &[1.0, 2.0, 0.5, -1.0, 3.0, 0.25]);
    #[rustfmt::skip]
    check("qr_q", &[m], &[
        0.3123475237772124, 0.8330048914512463, 0.1561737618886061,
        -0.5192016789182423, 0.9370425713316366, -0.19113468399737482,
    ]);
    let r = [
        3.201562118716424,
        0.7027819284987284,
        0.0,
        2.1374277908213912,
    ];
    check("qr_r", &[m], &r);
    let singular = [3.330152043203226, 2.054893517715549];
    check("singular_values", &[m], &singular);
    check(
        "kron",
        &[(&[2, 1], &[1.0, 3.0]), (&[1, 2], &[1.0, -2.0])],
        &[1.0, -2.0, 3.0, -6.0],
    );
}

/// The derivative of eigenvalues is right also where two are equal: that of their sum is the identity.
#[test]
fn equal_eigenvalues_keep_their_derivative() {
    let g = Graph::new();
    let a = g.input(&[3, 3]);
    let sum = a.eigenvalues().sum();
    let d = crate::autodiff::grad(sum, &[a])[0];
    let eye: Vec<f64> = (0..9).map(|k| f64::from(u8::from(k % 4 == 0))).collect();
    let feed = Tensor::new(
        [3, 3].as_slice().into(),
        eye.iter().map(|x| 2.0 * x).collect(),
    );
    let found = evaluate(&g, &[(a.id, feed)], &[d.id]).remove(0);
    for (found, expected) in found.data().iter().zip(&eye) {
        assert!((found - expected).abs() < 1e-14, "{found}, not {expected}");
    }
}
