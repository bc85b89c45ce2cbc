//! The special functions in single precision against those in double, which are right to far more
//! digits: over all of `f32` in steps of `SPECIAL_F32_STEP` bit patterns (a prime by default, so that
//! every exponent and every pattern of low bits is met; 1 takes all 2³² values), and at the edges.
//! Every block and vector unit gives the bits of the single value.

use elbo::special::{self, Level, UNARY, Unary};

/// Half the distance between the neighbours of the true value.
fn ulp(v: f64) -> f64 {
    let v = (v.abs() as f32).min(f32::MAX);
    f64::from(v.next_up().min(f32::MAX)) - f64::from(v.next_down().max(0.0))
}

/// A function in single precision, the same in double, and the largest error in ulp.
type Claim = (&'static Unary, fn(f64) -> f64, f64);

fn step() -> u32 {
    match std::env::var("SPECIAL_F32_STEP") {
        Ok(step) => step.parse().expect("a number of bit patterns"),
        Err(_) => 5003,
    }
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Arguments in blocks, each through the loop for the machine.
fn sweep(row: &Unary, mut check: impl FnMut(f32, f32)) {
    let step = step();
    let mut bits = 0_u32;
    let mut done = false;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    while !done {
        x.clear();
        while x.len() < 4096 && !done {
            x.push(f32::from_bits(bits));
            let (next, over) = bits.overflowing_add(step);
            (bits, done) = (next, over);
        }
        y.resize(x.len(), 0.0);
        // SAFETY: the machine offers its own level; both hold as many values.
        unsafe { row.at_f32(Level::detect())(x.as_ptr(), y.as_mut_ptr(), x.len()) };
        x.iter().zip(&y).for_each(|(&x, &y)| check(x, y));
    }
}

#[test]
fn hot_functions_are_right_over_all_of_f32() {
    let hot: [Claim; 8] = [
        (&special::EXP, special::exp, 1.1),
        (&special::EXPM1, special::expm1, 1.1),
        (&special::LOG, special::log, 1.1),
        (&special::LOG1P, special::log1p, 1.1),
        (&special::TANH, special::tanh, 2.5),
        (&special::SIGMOID, special::sigmoid, 2.5),
        (&special::SOFTPLUS, special::softplus, 2.5),
        (&special::LOG_SIGMOID, special::log_sigmoid, 2.5),
    ];
    for (row, double, limit) in hot {
        let mut worst = (0.0, 0.0_f32);
        sweep(row, |x, y| {
            let truth = double(f64::from(x));
            if truth.is_nan() || (truth as f32).is_infinite() || y.is_infinite() {
                let close = truth.abs() > f64::from(f32::MAX) * (1.0 - 1e-6);
                let same =
                    truth.is_nan() && y.is_nan() || close && y.is_sign_negative() == (truth < 0.0);
                assert!(same, "{}({x:?}) = {y:?}, not {truth:?}", row.name);
                return;
            }
            let error = (f64::from(y) - truth).abs() / (ulp(truth) / 2.0);
            if error > worst.0 {
                worst = (error, x);
            }
        });
        println!("{} {:.3} ulp at {:?}", row.name, worst.0, worst.1);
        assert!(
            worst.0 <= limit,
            "{}: {:.3} ulp at {:?}",
            row.name,
            worst.0,
            worst.1
        );
    }
}

#[test]
fn edges_are_those_of_double_precision() {
    let tiny = f32::from_bits(1);
    let edges = [
        0.0,
        -0.0,
        tiny,
        -tiny,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        1.0,
        -1.0,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    for row in UNARY {
        for x in edges {
            let y = row.of_f32(x);
            let mut double = [0.0];
            // SAFETY: one value each.
            unsafe { row.kernel()(&f64::from(x), double.as_mut_ptr(), 1) };
            let truth = double[0] as f32;
            let close = same(y, truth)
                || (y.is_finite() && (y - truth).abs() <= 3.0 * ulp(f64::from(truth)) as f32);
            assert!(close, "{}({x:?}) = {y:?}, not {truth:?}", row.name);
            if truth == 0.0 {
                assert_eq!(
                    y.is_sign_negative(),
                    truth.is_sign_negative(),
                    "{}({x:?})",
                    row.name
                );
            }
        }
    }
}

#[test]
fn every_form_gives_the_same_bits() {
    let x: Vec<f32> = (0..259)
        .map(|i| (i as f32 - 130.0) * 0.37)
        .chain((0..100_000).map(|i| f32::from_bits(i * 42_949 + 17)))
        .collect();
    for row in UNARY {
        let single: Vec<f32> = x.iter().map(|&x| row.of_f32(x)).collect();
        for &level in Level::available() {
            let mut y = x.clone();
            // SAFETY: in place, and the machine offers the level.
            unsafe { row.at_f32(level)(y.as_ptr(), y.as_mut_ptr(), y.len()) };
            for ((x, a), b) in x.iter().zip(&single).zip(&y) {
                assert!(
                    same(*a, *b),
                    "{}({x:?}) at {level:?}: {a:?}, {b:?}",
                    row.name
                );
            }
        }
    }
}
