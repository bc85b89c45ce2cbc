//! Powers and square roots.
//!
//! x^y = e^(y log x) with log x to about 65 bits, as an unevaluated sum of two f64 (the way of
//! SLEEF's `pow`): an error of 2⁻⁵³ in log x would cost up to 745 ulp in the result.

use super::exp::exp_of_sum;
use super::kernel::{binary, unary};
use super::lane::{fast_two_sum, horner, select, two_product};
use super::log::{Split, split};

binary!(
    /// x^y, within 1 ulp; zero, negative and infinite arguments as [`f64::powf`] has them.
    POW, pow, pow_block, pow_raw = pow_lane;
    repair = (|x: f64, y: f64| !(x > 0.0 && x < f64::INFINITY && y.abs() < f64::INFINITY), f64::powf)
);

unary!(
    /// √x, exactly rounded.
    SQRT, sqrt, sqrt_block, sqrt_raw = f64::sqrt
);

unary!(
    /// ∛x, as the standard library has it.
    CBRT, cbrt, cbrt_block, cbrt_raw = f64::cbrt
);

/// ln 2 in two parts; the first has 42 bits, so that its product with a |k| < 2¹¹ is exact.
const LN_2_HI: f64 = 0.6931471805598903;
const LN_2_LO: f64 = 5.497923018708371e-14;

/// ⅔ in two parts.
const TWO_THIRDS_HI: f64 = 0.6666666666666666;
const TWO_THIRDS_LO: f64 = 3.700743415417188e-17;

/// (log((1+s)/(1-s)) - 2s - 2s^3/3) / s^5 in s^2.
const SERIES: [f64; 9] = [
    0.4,
    0.28571428571428564,
    0.2222222222222847,
    0.1818181817964499,
    0.1538461576290815,
    0.13333296397963834,
    0.11766819021629554,
    0.10456195110401492,
    0.1076362151501126,
];

/// log x in two parts, for x > 0 finite; relative error about 2⁻⁶⁵.
#[inline(always)]
fn log_in_two(x: f64) -> (f64, f64) {
    let Split { k, m } = split(x);
    // s = (m − 1)/(m + 1) in two parts.
    let f = m - 1.0;
    let sum = m + 1.0;
    let sum_rest = m - (sum - 1.0);
    let inverse = 1.0 / sum;
    let s = f * inverse;
    let s_rest = (-s).mul_add(sum_rest, (-s).mul_add(sum, f)) * inverse;
    // ⅔ s³ in two parts.
    let (z, z_low) = two_product(s, s);
    let z_rest = (2.0 * s).mul_add(s_rest, z_low);
    let (cube, cube_low) = two_product(z, s);
    let cube_rest = z.mul_add(s_rest, z_rest.mul_add(s, cube_low));
    let (third, third_low) = two_product(cube, TWO_THIRDS_HI);
    let third_rest = cube.mul_add(TWO_THIRDS_LO, cube_rest.mul_add(TWO_THIRDS_HI, third_low));

    let (first, first_rest) = fast_two_sum(k * LN_2_HI, 2.0 * s);
    let (second, second_rest) = fast_two_sum(first, third);
    let series = (cube * z).mul_add(horner(z, &SERIES), third_rest);
    let low = k.mul_add(LN_2_LO, 2.0f64.mul_add(s_rest, series));
    fast_two_sum(second, low + (first_rest + second_rest))
}

#[inline(always)]
fn pow_lane(x: f64, y: f64) -> f64 {
    let (log, log_rest) = log_in_two(x);
    let (product, product_low) = two_product(y, log);
    let rest = y.mul_add(log_rest, product_low);
    // Where the product is that large the result is 0 or ∞, and its rest may be NaN.
    exp_of_sum(product, select(product.abs() < 1100.0, rest, 0.0))
}
