//! The special functions against 60-digit references, against the standard library at the edges, and
//! against themselves: every form, block and vector unit gives the same bits.
//!
//! The tables come from `bench/special_reference.py`. `SPECIAL_TABLES` names a folder with other
//! (longer) ones; `SPECIAL_PRINT` prints the largest errors found.

use elbo::special::{self, BINARY, Level, UNARY};
use std::path::PathBuf;

/// One line of a table: arguments, true value rounded, and what rounding left out.
struct Row {
    x: f64,
    y: f64,
    value: f64,
    rest: f64,
}

fn table(name: &str) -> Vec<Row> {
    let folder = std::env::var_os("SPECIAL_TABLES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/special"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join(format!("{name}.csv"))).expect("a table");
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<f64> = line
                .split(',')
                .map(|cell| cell.parse().expect("a number"))
                .collect();
            match cells[..] {
                [x, value, rest] => Row {
                    x,
                    y: 0.0,
                    value,
                    rest,
                },
                [x, y, value, rest] => Row { x, y, value, rest },
                _ => panic!("{name}: a row of {} cells", cells.len()),
            }
        })
        .collect()
}

/// The distance from |v| to the next larger number.
fn ulp(v: f64) -> f64 {
    v.abs().next_up() - v.abs()
}

/// Errors in ulp, after subtracting the absolute error that is allowed.
fn check(name: &str, limit: f64, allowance: impl Fn(&Row) -> f64, f: impl Fn(&Row) -> f64) {
    let rows = table(name);
    assert!(rows.len() > 50, "{name}: the table is short");
    let mut worst = (0.0, 0.0, 0.0);
    for row in &rows {
        let got = f(row);
        // Below 1e-291 the rest itself is lost to underflow.
        let blur = if row.value.abs() < 1e-291 {
            f64::from_bits(1)
        } else {
            0.0
        };
        let error = ((got - row.value) - row.rest).abs() - allowance(row) - blur;
        let error = error / ulp(row.value);
        assert!(
            error <= limit,
            "{name}({:?}, {:?}) = {got:?}, not {:?}: {error:.2} ulp",
            row.x,
            row.y,
            row.value
        );
        if error > worst.0 {
            worst = (error, row.x, row.y);
        }
    }
    if std::env::var_os("SPECIAL_PRINT").is_some() {
        println!(
            "{name:<20} {:.3} ulp at {:?}, {:?}",
            worst.0, worst.1, worst.2
        );
    }
}

/// The bounds that the documentation states.
#[test]
fn errors_are_within_the_stated_ulp() {
    let exact = |_: &Row| 0.0;
    check("exp", 0.9, exact, |r| special::exp(r.x));
    check("expm1", 0.8, exact, |r| special::expm1(r.x));
    check("log", 0.8, exact, |r| special::log(r.x));
    check("log1p", 0.8, exact, |r| special::log1p(r.x));
    check("log1m_exp", 2.0, exact, |r| special::log1m_exp(r.x));
    check("tanh", 2.5, exact, |r| special::tanh(r.x));
    check("sigmoid", 2.5, exact, |r| special::sigmoid(r.x));
    check("softplus", 2.0, exact, |r| special::softplus(r.x));
    check("log_sigmoid", 2.0, exact, |r| special::log_sigmoid(r.x));
    check("lgamma", 4.0, exact, |r| special::lgamma(r.x));
    check("digamma", 4.0, exact, |r| special::digamma(r.x));
    check("trigamma", 4.0, exact, |r| special::trigamma(r.x));
    check("erf", 1.5, exact, |r| special::erf(r.x));
    check("erfc", 3.0, exact, |r| special::erfc(r.x));
    check("erfcx", 4.0, exact, |r| special::erfcx(r.x));
    check("phi", 4.0, exact, |r| special::phi(r.x));
    check("log_phi", 4.0, exact, |r| special::log_phi(r.x));
    check("inv_phi", 6.0, exact, |r| special::inv_phi(r.x));
    check("log_bessel_i0", 4.0, exact, |r| special::log_bessel_i0(r.x));
    check("bessel_i1_i0", 5.0, exact, |r| special::bessel_i1_i0(r.x));
    check("sin", 1.0, exact, |r| special::sin(r.x));
    check("cos", 1.0, exact, |r| special::cos(r.x));
    check("pow", 1.0, exact, |r| special::pow(r.x, r.y));
    check("polygamma", 40.0, exact, |r| {
        special::polygamma(r.x as u32, r.y)
    });
    check("lbeta", 45.0, |_| 1e-15, |r| special::lbeta(r.x, r.y));
}

/// Reflection has no relative accuracy near the roots of the result.
#[test]
fn negative_arguments_are_reflected() {
    let steep = |r: &Row| 1e-15 * (1.0 + (r.x * r.x.abs().ln()).abs());
    check("lgamma_negative", 2.0, steep, |r| special::lgamma(r.x));
    check(
        "digamma_negative",
        0.0,
        |r| 2e-15 * (1.0 + r.value.abs()),
        |r| special::digamma(r.x),
    );
    check(
        "trigamma_negative",
        0.0,
        |r| 2e-15 * r.value,
        |r| special::trigamma(r.x),
    );
}

/// Arguments of every kind: ordinary, tiny, huge, special.
fn arguments() -> Vec<f64> {
    let mut all = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.5,
        4.5,
        -4.5,
        8.0,
        709.7,
        709.8,
        710.5,
        -708.3,
        -745.1,
        -745.2,
        -746.0,
        1e-17,
        -1e-17,
        1e-300,
        -1e-300,
        5e-324,
        -5e-324,
        1e6,
        1e7,
        -1e7,
        1e17,
        1e154,
        1e155,
        -1e155,
        1e200,
        1e300,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    // A multiplicative generator (Lehmer's) is enough to scatter over magnitudes.
    let mut state: u64 = 20_250_101;
    for i in 0..1500 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        all.push(match i % 4 {
            0 => 20.0 * unit - 10.0,
            1 => unit,
            2 => 1600.0 * unit - 800.0,
            _ => f64::from_bits(state),
        });
    }
    all
}

/// Equal bits, or NaN both.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn unary_results_do_not_depend_on_form_block_or_level() {
    let x = arguments();
    for row in UNARY {
        let mut single = x.clone();
        for v in &mut single {
            let place = &raw mut *v;
            // SAFETY: one value, in place.
            unsafe { row.kernel()(place, place, 1) };
        }
        for &level in Level::available() {
            for (start, length) in [(0, x.len()), (1, 7), (3, 64), (5, 65), (2, 129), (7, 0)] {
                let mut out = vec![0.0; length];
                let mut in_place = x[start..start + length].to_vec();
                let place = in_place.as_mut_ptr();
                // SAFETY: `length` values each, and the level is available.
                unsafe {
                    row.at(level)(x[start..].as_ptr(), out.as_mut_ptr(), length);
                    row.at(level)(place, place, length);
                }
                for i in 0..length {
                    let (arg, want) = (x[start + i], single[start + i]);
                    let found = (out[i], in_place[i]);
                    assert!(
                        same(found.0, want) && same(found.1, want),
                        "{}({arg:?}) on {level:?}: {found:?}, singly {want:?}",
                        row.name
                    );
                }
            }
        }
    }
}

#[test]
fn binary_results_do_not_depend_on_form_block_or_level() {
    let x = arguments();
    let mut y = x.clone();
    y.rotate_left(17);
    for row in BINARY {
        let mut single = x.clone();
        for (v, w) in single.iter_mut().zip(&y) {
            let place = &raw mut *v;
            // SAFETY: one pair, in place.
            unsafe { row.kernel()(place, w, place, 1) };
        }
        for &level in Level::available() {
            let mut out = vec![0.0; x.len()];
            let mut over_y = y.clone();
            let place = over_y.as_mut_ptr();
            // SAFETY: as many values each, and the level is available.
            unsafe {
                row.at(level)(x.as_ptr(), y.as_ptr(), out.as_mut_ptr(), x.len());
                row.at(level)(x.as_ptr(), place, place, x.len());
            }
            for i in 0..x.len() {
                let found = (out[i], over_y[i]);
                assert!(
                    same(found.0, single[i]) && same(found.1, single[i]),
                    "{}({:?}, {:?}) on {level:?}: {found:?}, singly {:?}",
                    row.name,
                    x[i],
                    y[i],
                    single[i]
                );
            }
        }
    }
}

/// Bits on every level, of a function under its name.
#[test]
fn scalar_and_block_forms_call_the_same_kernel() {
    let x = [0.3, 1.7, 12.0];
    let mut out = [0.0; 3];
    special::lgamma_block(&x, &mut out);
    assert_eq!(out, x.map(special::lgamma));
    special::pow_block(&x, &[2.5, -1.0, 0.1], &mut out);
    assert_eq!(
        out,
        [
            special::pow(0.3, 2.5),
            special::pow(1.7, -1.0),
            special::pow(12.0, 0.1)
        ]
    );
}

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Function, argument, value: ends of the domain, signs of zero, overflow and underflow.
const EDGES: &[(&str, f64, f64)] = &[
    ("exp", INF, INF),
    ("exp", -INF, 0.0),
    ("exp", 709.79, INF),
    ("exp", -745.2, 0.0),
    ("exp", 0.0, 1.0),
    ("exp", -0.0, 1.0),
    ("expm1", INF, INF),
    ("expm1", -INF, -1.0),
    ("expm1", -0.0, -0.0),
    ("expm1", 5e-324, 5e-324),
    ("expm1", 709.79, INF),
    ("log", 0.0, -INF),
    ("log", -0.0, -INF),
    ("log", -1.0, NAN),
    ("log", -INF, NAN),
    ("log", INF, INF),
    ("log", 1.0, 0.0),
    ("log1p", -1.0, -INF),
    ("log1p", -1.5, NAN),
    ("log1p", -0.0, -0.0),
    ("log1p", INF, INF),
    ("log1p", -INF, NAN),
    ("log1p", -5e-324, -5e-324),
    ("log1m_exp", 0.0, -INF),
    ("log1m_exp", 0.1, NAN),
    ("log1m_exp", -INF, -0.0),
    ("sqrt", -1.0, NAN),
    ("sqrt", -0.0, -0.0),
    ("tanh", INF, 1.0),
    ("tanh", -INF, -1.0),
    ("tanh", -0.0, -0.0),
    ("tanh", 5e-324, 5e-324),
    ("sigmoid", INF, 1.0),
    ("sigmoid", -INF, 0.0),
    ("sigmoid", 0.0, 0.5),
    ("softplus", INF, INF),
    ("softplus", -INF, 0.0),
    ("log_sigmoid", INF, -0.0),
    ("log_sigmoid", -INF, -INF),
    ("lgamma", 0.0, INF),
    ("lgamma", -0.0, INF),
    ("lgamma", -3.0, INF),
    ("lgamma", 1.0, 0.0),
    ("lgamma", 2.0, 0.0),
    ("lgamma", INF, INF),
    ("lgamma", -INF, INF),
    ("lgamma", 1e306, INF),
    ("digamma", 0.0, -INF),
    ("digamma", -0.0, INF),
    ("digamma", -2.0, NAN),
    ("digamma", INF, INF),
    ("digamma", -INF, NAN),
    ("trigamma", 0.0, INF),
    ("trigamma", -4.0, INF),
    ("trigamma", INF, 0.0),
    ("trigamma", 1e-200, INF),
    ("erf", INF, 1.0),
    ("erf", -INF, -1.0),
    ("erf", -0.0, -0.0),
    ("erfc", INF, 0.0),
    ("erfc", -INF, 2.0),
    ("erfc", 0.0, 1.0),
    ("erfcx", INF, 0.0),
    ("erfcx", -INF, INF),
    ("erfcx", -27.0, INF),
    ("phi", INF, 1.0),
    ("phi", -INF, 0.0),
    ("phi", 0.0, 0.5),
    ("log_phi", INF, 0.0),
    ("log_phi", -INF, -INF),
    ("log_phi", -1e5, -5_000_000_012.431_864),
    ("log_phi", -1e200, -INF),
    ("inv_phi", 0.0, -INF),
    ("inv_phi", 1.0, INF),
    ("inv_phi", 0.5, 0.0),
    ("inv_phi", -0.1, NAN),
    ("inv_phi", 1.1, NAN),
    ("log_bessel_i0", 0.0, 0.0),
    ("log_bessel_i0", INF, INF),
    ("log_bessel_i0", -INF, INF),
    ("bessel_i1_i0", INF, 1.0),
    ("bessel_i1_i0", -INF, -1.0),
    ("bessel_i1_i0", -0.0, -0.0),
    ("sin", INF, NAN),
    ("sin", -0.0, -0.0),
    ("cos", INF, NAN),
    ("cos", 0.0, 1.0),
];

#[test]
fn edges_are_exact_and_nan_stays_nan() {
    for &(name, x, want) in EDGES {
        let row = UNARY
            .iter()
            .find(|row| row.name == name)
            .expect("a function of that name");
        let mut got = x;
        let place = &raw mut got;
        // SAFETY: one value, in place.
        unsafe { row.kernel()(place, place, 1) };
        let sign = want != 0.0 || got.is_sign_negative() == want.is_sign_negative();
        assert!(
            same(got, want) || (got == want && sign),
            "{name}({x:?}) = {got:?}, not {want:?}"
        );
    }
    for row in UNARY {
        let mut got = NAN;
        let place = &raw mut got;
        // SAFETY: one value, in place.
        unsafe { row.kernel()(place, place, 1) };
        assert!(got.is_nan(), "{}(NaN) = {got:?}", row.name);
    }
}

/// Zero, negative and infinite arguments of a power follow the standard library.
#[test]
fn powers_at_the_edges_are_those_of_the_standard_library() {
    let edges = [
        0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1e300, -1e300, INF, -INF, NAN,
    ];
    for x in edges {
        for y in edges {
            let (got, want) = (special::pow(x, y), x.powf(y));
            let close = (got - want).abs() <= ulp(want);
            assert!(
                same(got, want) || close,
                "pow({x:?}, {y:?}) = {got:?}, not {want:?}"
            );
        }
    }
}

#[test]
fn lbeta_and_polygamma_at_the_edges() {
    assert_eq!(special::lbeta(0.0, 1.0), INF);
    assert_eq!(special::lbeta(1.0, INF), -INF);
    assert!(special::lbeta(-1.0, 2.0).is_nan());
    assert!(special::lbeta(NAN, 2.0).is_nan());
    assert_eq!(special::polygamma(0, 3.3), special::digamma(3.3));
    assert_eq!(special::polygamma(1, 3.3), special::trigamma(3.3));
    assert!(special::polygamma(2, -1.0).is_nan());
    assert_eq!(special::polygamma(3, INF), 0.0);
}

/// A line of `incomplete.csv`: the logarithm of a tail with its derivatives in the parameters, by mpmath
/// (series for `1F1` and `2F1` at 420 digits, central differences with steps of 1e-12 of the parameter).
struct TailRow {
    function: String,
    upper: bool,
    a: f64,
    b: f64,
    x: f64,
    derivatives: Vec<f64>,
}

fn tail_rows() -> Vec<TailRow> {
    let text = include_str!("data/special/incomplete.csv");
    text.lines()
        .skip(1)
        .map(|line| {
            let (function, rest) = line.split_once(',').expect("a name first");
            let cells: Vec<f64> = rest
                .split(',')
                .map(|c| c.parse().expect("a number"))
                .collect();
            TailRow {
                function: function.into(),
                upper: cells[0] == 1.0,
                a: cells[1],
                b: cells[2],
                x: cells[3],
                derivatives: cells[4..].to_vec(),
            }
        })
        .collect()
}

const ORDERS: [[u8; 2]; 6] = [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]];

fn tail_of(row: &TailRow, log: bool, order: [u8; 2]) -> f64 {
    let tail = special::Tail {
        upper: row.upper,
        log,
    };
    match row.function.as_str() {
        "gamma" => special::incomplete_gamma(row.a, row.x, tail, order),
        "beta" => special::incomplete_beta(row.a, row.b, row.x, tail, order),
        _ => special::student_t_tail(row.a, row.x, tail, order),
    }
}

#[test]
fn tails_and_their_derivatives_are_those_of_mpmath() {
    let rows = tail_rows();
    assert!(rows.len() > 400, "the table is short");
    let mut wrong = Vec::new();
    for row in &rows {
        for (k, order) in ORDERS.into_iter().enumerate() {
            if row.function != "beta" && order[1] > 0 {
                continue;
            }
            // What the documentation of `special::incomplete` promises: some thousand roundings of the
            // terms of a series; derivatives are sums of parts that cancel.
            let (got, expected) = (tail_of(row, true, order), row.derivatives[k]);
            let allowed = match k {
                0 => 2e-13 * expected.abs(),
                _ => 3e-12 * expected.abs() + 1e-15,
            };
            if (got - expected).abs() > allowed || got.is_nan() {
                let TailRow {
                    function,
                    upper,
                    a,
                    b,
                    x,
                    ..
                } = row;
                wrong.push(format!(
                    "{function} {upper} {a} {b} {x} {order:?}: {got:e}, not {expected:e}"
                ));
            }
        }
        let (plain, log) = (tail_of(row, false, [0, 0]), row.derivatives[0]);
        // The logarithm's error times its size.
        if (plain - log.exp()).abs() > (3e-13 + 1e-15 * log.abs()) * log.exp() {
            wrong.push(format!("{} {} {}: {plain:e}", row.function, row.a, row.x));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tails_at_the_ends_of_the_support() {
    assert_eq!(special::gamma_p(2.0, 0.0), 0.0);
    assert_eq!(special::gamma_p(2.0, -1.0), 0.0);
    assert_eq!(special::gamma_q(2.0, f64::INFINITY), 0.0);
    assert_eq!(special::beta_inc(2.0, 3.0, 0.0), 0.0);
    assert_eq!(special::beta_inc(2.0, 3.0, 1.0), 1.0);
    assert!(special::gamma_p(-1.0, 2.0).is_nan());
    assert!(special::beta_inc(f64::NAN, 2.0, 0.5).is_nan());
    let log_upper = special::Tail {
        upper: true,
        log: true,
    };
    assert_eq!(
        special::student_t_tail(3.0, f64::INFINITY, log_upper, [0, 0]),
        f64::NEG_INFINITY
    );
    // Its square is no double; for nu = 1 the tail is 1 / (π t).
    let far = special::student_t_tail(1.0, 1e200, log_upper, [0, 0]);
    assert!((far + (std::f64::consts::PI * 1e200).ln()).abs() < 1e-12);
    assert!(special::student_t_tail(1.0, 1e200, log_upper, [1, 0]).is_finite());
}
