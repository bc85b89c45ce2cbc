//! Machine code against the interpreter, bit for bit.

use super::{Part, compile};
use crate::ops::{BinaryRow, UnaryRow, binary, unary};
use crate::tape::scalar::{At, Scalar, Steps, run};
use std::collections::HashMap;
use std::ops::Range;

fn row(name: &str) -> &'static UnaryRow {
    let mut rows = unary::TABLE.iter();
    rows.find(|r| r.name == name).expect("the row is there")
}

fn row2(name: &str) -> &'static BinaryRow {
    let mut rows = binary::TABLE.iter();
    rows.find(|r| r.name == name).expect("the row is there")
}

/// Runs the code both ways and compares all cells but the private ones.
fn agree(before: &[Scalar], step: &[Scalar], steps: Steps, arena: &[f64], private: Range<u32>) {
    agree_for(1, before, step, steps, arena, private);
}

fn agree_for(
    samples: usize,
    before: &[Scalar],
    step: &[Scalar],
    steps: Steps,
    arena: &[f64],
    private: Range<u32>,
) {
    let part = Part {
        before,
        step,
        steps,
        samples,
        inputs: 8,
        private: private.clone(),
        known: HashMap::new(),
    };
    let Some((_machine, functions)) = compile(&[part]) else {
        assert!(!super::available(), "it could not be compiled");
        return;
    };
    let constants = [0.25, -1.5, 3.0, 7.0, 0.125, 2.5, -0.5, 1.0, 0.5, 0.75];
    let (mut slow, mut fast) = (arena.to_vec(), arena.to_vec());
    // SAFETY: all cells lie in the arena and among the constants.
    unsafe {
        for sample in 0..samples {
            run::<f64, true>(
                before,
                slow.as_mut_ptr(),
                constants.as_ptr(),
                Steps::ONE,
                sample,
            );
            run::<f64, true>(step, slow.as_mut_ptr(), constants.as_ptr(), steps, sample);
        }
        functions[0].run(fast.as_mut_ptr(), constants.as_ptr());
    }
    for at in (0..arena.len()).filter(|&at| !private.contains(&(at as u32))) {
        let (a, b) = (slow[at], fast[at]);
        assert!(
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
            "cell {at}: {a:e} {b:e}"
        );
    }
}

fn points() -> Vec<f64> {
    let mut points = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        5e-324,
        1e-310,
        -1e-310,
        f64::MAX,
        f64::MIN,
        709.0,
        710.0,
        711.0,
        -690.0,
        -691.0,
        -744.0,
        -745.5,
        -746.0,
        -747.0,
        1e-17,
        -1e-17,
        0.9e-17,
        19.9,
        20.1,
        -20.1,
        -40.0,
        -40.1,
        0.41421,
        0.41422,
    ];
    for i in 0..2000 {
        let x = (f64::from(i) - 1000.0) * 0.0317;
        points.extend([x, x * 1e-3, x * 40.0, (x * 20.0).exp(), x - 1.0]);
    }
    points
}

#[test]
fn functions_in_place_are_those_of_special() {
    for name in [
        "exp", "expm1", "log", "log1p", "sigmoid", "softplus", "tanh", "abs",
    ] {
        #[cfg(machine_code)]
        assert!(super::functions::inline(name).is_some(), "{name}");
        for pair in points().chunks_exact(2) {
            // Two at a time, and one by itself.
            let f = row(name);
            let code = [
                Scalar::Call1(f, 2, 0),
                Scalar::Call1(f, 3, 1),
                Scalar::Neg(5, 0),
                Scalar::Call1(f, 4, 1),
            ];
            agree(
                &[],
                &code,
                Steps::ONE,
                &[pair[0], pair[1], 0.0, 0.0, 0.0, 0.0],
                0..0,
            );
        }
    }
}

#[test]
fn comparisons_and_extremes_know_nan() {
    let some = [0.0, -0.0, 1.0, -2.0, f64::NAN, f64::INFINITY];
    for a in some {
        for b in some {
            let code = [
                Scalar::Max(2, 0, 1),
                Scalar::Min(3, 0, 1),
                Scalar::Lt(4, 0, 1),
                Scalar::Gt(5, 0, 1),
                Scalar::Eq(6, 0, 1),
                Scalar::Select(7, 0, 1, 4),
            ];
            let mut arena = [0.0; 8];
            arena[..2].copy_from_slice(&[a, b]);
            agree(&[], &code, Steps::ONE, &arena, 0..0);
        }
    }
}

fn each_step(start: u32, step: u32) -> At {
    At {
        start,
        step,
        sample: 0,
    }
}

/// An instruction from three random numbers: cells below `cells`.
fn instruction(what: u8, i: u32, j: u32, k: u32, out: u32) -> Scalar {
    match what % 21 {
        0 => Scalar::Copy(out, i),
        1 => Scalar::Neg(out, i),
        2 => Scalar::Square(out, i),
        3 => Scalar::Recip(out, i),
        4 => Scalar::Sqrt(out, i),
        5 => Scalar::Add(out, i, j),
        6 => Scalar::Sub(out, i, j),
        7 => Scalar::Mul(out, i, j),
        8 => Scalar::Div(out, i, j),
        9 => Scalar::MulAdd(out, i, j, k),
        10 => Scalar::MulSub(out, i, j, k),
        11 => Scalar::MulLess(out, i, j, k),
        12 => Scalar::Lt(out, i, j),
        13 => Scalar::Select(out, i, j, k),
        14 => Scalar::Max(out, i, j),
        15 => Scalar::Call1(row("exp"), out, i),
        16 => Scalar::Call1(row("tanh"), out, i),
        17 => Scalar::Call1(row("lgamma"), out, i),
        18 => Scalar::Call2(row2("pow"), out, i, j),
        19 => Scalar::TakeConstant(out, each_step(k % 3, i % 2)),
        _ => Scalar::Take(out, each_step(20 + k % 3, j % 2)),
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn random_programs(
        choices in proptest::collection::vec((0u8..21, 0u32..20, 0u32..20, 0u32..20, 0u32..20), 1..60),
        count in 0usize..6,
        reverse: bool,
        private in 10u32..21,
    ) {
        let mut code: Vec<Scalar> = Vec::new();
        for &(what, i, j, k, out) in &choices {
            code.push(instruction(what, i, j, k, out));
            if what % 5 == 0 {
                code.push(Scalar::Put(out, each_step(32, 1)));
            }
        }
        let arena: Vec<f64> = (0..40).map(|i| 0.3 * f64::from(i) - 2.0).collect();
        let before = [
            Scalar::Take(15, At::cell(21)),
            Scalar::TakeConstant(16, At::cell(2)),
            Scalar::Copy(17, 3),
        ];
        let steps = Steps { count, reverse };
        agree(&before, &code, steps, &arena, private..20);
    }

    /// Each instruction with one on the next cells.
    #[test]
    fn neighbours(
        choices in proptest::collection::vec((0u8..21, 0u32..20, 0u32..20, 0u32..20, 0u32..20, 0u8..4), 1..40),
        count in 0usize..6,
        private in 10u32..21,
    ) {
        let mut code: Vec<Scalar> = Vec::new();
        for &(what, i, j, k, out, apart) in &choices {
            // Operands that are even mostly, so that pairs meet again.
            let [i, j, k, out] = [i, j, k, out].map(|x| if apart > 0 { x & !1 } else { x });
            code.push(instruction(what, i, j, k, out));
            code.push(instruction(what, i + 1, if apart > 1 { j } else { j + 1 }, k + 1, out + 1));
            if what % 5 == 0 {
                code.push(Scalar::Put(out, each_step(32, 2)));
                code.push(Scalar::Put(out + 1, each_step(33, 2)));
            }
        }
        let arena: Vec<f64> = (0..50).map(|i| 0.3 * f64::from(i) - 2.0).collect();
        let steps = Steps { count, reverse: false };
        agree(&[], &code, steps, &arena, private..20);
    }

    #[test]
    fn samples_two_at_a_time(
        choices in proptest::collection::vec((0u8..19, 0u32..20, 0u32..20, 0u32..20, 0u32..20), 1..40),
        count in 0usize..5,
        samples in 2usize..8,
        stride in 0u32..4,
        reverse: bool,
    ) {
        let at = |start: u32, step: u32, sample: u32| At { start, step, sample };
        // Cells 0 to 19 are all given first, and put again after each step.
        let mut before: Vec<Scalar> = (0..20)
            .map(|cell| Scalar::Take(cell, at(20 + cell, 0, stride)))
            .collect();
        before.push(Scalar::TakeConstant(3, at(1, 0, 1)));
        let mut code = vec![
            Scalar::Take(5, at(40, 3, stride)),
            Scalar::TakeConstant(6, at(0, 0, stride % 2)),
            Scalar::Take(7, at(41, 2, 1)),
        ];
        code.extend(choices.iter().map(|&(what, i, j, k, out)| instruction(what, i, j, k, out)));
        code.extend((0..20).map(|cell| Scalar::Put(cell, at(100 + cell * 40, 8, 1))));
        code.extend((0..4).map(|cell| Scalar::Put(cell, at(900 + cell, 32, 4))));
        let arena: Vec<f64> = (0..1200).map(|i| 0.3 * f64::from(i % 61) - 5.0).collect();
        agree_for(samples, &before, &code, Steps { count, reverse }, &arena, 0..20);
    }
}
