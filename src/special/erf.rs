//! The error function and its complements.
//!
//! Below 1, erf is an odd polynomial; above, 1 − e^Q(x) with Q fitted to log erfc. The tails rest on
//! the scaled complement erfcx(x) = e^x² erfc(x): (1 + 2x) erfcx(x) is a polynomial in
//! (x − 4)/(x + 4) over all of [0, ∞) (Shepherd and Laframboise, Math. Comp. 36 (1981)), and e^−x²
//! is taken of the exact square.

use super::exp::{exp_of_sum, exp_times};
use super::kernel::unary;
use super::lane::{horner, select, two_product};
use std::f64::consts::FRAC_2_SQRT_PI;

unary!(
    /// erf x = 2/√π ∫₀ˣ e^−t² dt, within 1.5 ulp.
    ERF, erf, erf_block, erf_raw = erf_lane
);

unary!(
    /// erfc x = 1 − erf x, within 3 ulp (1 ulp more where the result is subnormal).
    ERFC, erfc, erfc_block, erfc_raw = erfc_lane
);

unary!(
    /// erfcx x = e^x² erfc x, within 3 ulp for x ≥ 0, 4 below; ∞ from −26.7 downwards.
    ERFCX, erfcx, erfcx_block, erfcx_raw = erfcx_lane
);

/// What 2/√π has beyond one f64.
const FRAC_2_SQRT_PI_LO: f64 = 1.533545961316588e-17;

/// (erf(x)/x - 2/sqrt(pi)) / x^2 in x^2.
const NEAR: [f64; 14] = [
    -0.37612638903183754,
    0.11283791670955126,
    -0.02686617064513125,
    0.005223977625442098,
    -0.0008548327023438772,
    0.00012055332980820326,
    -1.4925650307970883e-05,
    1.64621125825314e-06,
    -1.6365800670626893e-07,
    1.4806425307596068e-08,
    -1.2281123990301673e-09,
    9.342544765021714e-11,
    -6.25814465939488e-12,
    2.895998335856489e-13,
];

/// log(erfc(x)) in x - 1, weighted by erfc(x).
const FAR: [f64; 17] = [
    -1.8496055099332485,
    -2.638967514234718,
    -0.8431072563625377,
    -0.04156109796008069,
    0.010033824487107112,
    -0.0019778968635633092,
    0.00023729884094834199,
    2.6344569140522587e-05,
    -2.7291927307357773e-05,
    9.800141301190635e-06,
    -2.2618741717055576e-06,
    3.00778069622876e-07,
    6.333587612819758e-09,
    -1.3387189060560062e-08,
    3.111795251498792e-09,
    -3.526630544001113e-10,
    1.689635903442928e-11,
];

/// (1 + 2x) erfcx(x) in t = (x - 4)/(x + 4).
const SCALED: [f64; 25] = [
    1.2329951186255526,
    -0.13962111684056228,
    0.015379652102619974,
    0.06809705425466839,
    -0.10103906603631811,
    0.09373283499911264,
    -0.06633036581186058,
    0.037167515526338006,
    -0.01619773406293477,
    0.005031970069102256,
    -0.0007577732435942576,
    -0.0001992571524726518,
    0.00015062142608651945,
    -2.4397731143023292e-05,
    -1.1221135665965907e-05,
    5.70657829924074e-06,
    2.9173425573089733e-07,
    -8.210647933297337e-07,
    7.771943241086912e-08,
    1.0631817593818149e-07,
    -2.0725802488181963e-08,
    -1.2338731403798444e-08,
    3.2323973445082033e-09,
    9.297625263709659e-10,
    -2.764120233734578e-10,
];

/// erf x for |x| ≤ 1.
#[inline(always)]
pub(super) fn erf_near(x: f64) -> f64 {
    let z = x * x;
    let rest = z.mul_add(horner(z, &NEAR), FRAC_2_SQRT_PI_LO);
    x.mul_add(FRAC_2_SQRT_PI, x * rest)
}

/// erfcx a for a ≥ 0.
#[inline(always)]
pub(super) fn erfcx_positive(a: f64) -> f64 {
    let finite = select(a > 1e300, 1e300, a);
    // t = (a − 4)/(a + 4), then once more from its residual: near 0 the polynomial is steep.
    let inverse = 1.0 / (finite + 4.0);
    let rough = (finite - 4.0) * inverse;
    let residual = (-finite).mul_add(rough, (rough + 1.0).mul_add(-4.0, finite));
    let t = residual.mul_add(inverse, rough);
    horner(t, &SCALED) / a.mul_add(2.0, 1.0)
}

#[inline(always)]
fn erf_lane(x: f64) -> f64 {
    let a = x.abs();
    let complement = exp_of_sum(horner(select(a > 6.0, 6.0, a) - 1.0, &FAR), 0.0);
    let far = (1.0 - complement).copysign(x);
    select(a < 1.0, erf_near(x), far)
}

#[inline(always)]
fn erfc_lane(x: f64) -> f64 {
    let a = x.abs();
    // Beyond 30 the result is 0 or 2 all the same; ∞ has no exact square.
    let (square, rest) = square(select(a > 30.0, 30.0, a));
    let tail = exp_times(-square, -rest, erfcx_positive(a));
    let far = select(x < 0.0, 2.0 - tail, tail);
    select(a < 0.5, 1.0 - erf_near(x), far)
}

#[inline(always)]
fn erfcx_lane(x: f64) -> f64 {
    let a = x.abs();
    let (square, rest) = square(select(a > 30.0, 30.0, a));
    let positive = erfcx_positive(a);
    select(x < 0.0, 2.0 * exp_of_sum(square, rest) - positive, positive)
}

/// The square of a, exactly, in two parts.
#[inline(always)]
fn square(a: f64) -> (f64, f64) {
    two_product(a, a)
}
