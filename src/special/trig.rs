//! Circular functions. Sine and cosine are vectorised up to |x| = 10⁶ by Cody and Waite's reduction
//! with π/2 in three parts; larger arguments, and the inverse functions, go to the standard library.

use super::kernel::unary;
use super::lane::{horner, round, round_bits, select, two_product, two_sum};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

unary!(
    /// sin x, within 1 ulp.
    SIN, sin, sin_block, sin_raw = sin_lane;
    repair = (|x: f64| x.abs() > LARGE, f64::sin)
);

unary!(
    /// cos x, within 1 ulp.
    COS, cos, cos_block, cos_raw = cos_lane;
    repair = (|x: f64| x.abs() > LARGE, f64::cos)
);

unary!(
    /// tan x, as the standard library has it.
    TAN, tan, tan_block, tan_raw = f64::tan
);

unary!(
    /// arcsin x, as the standard library has it.
    ASIN, asin, asin_block, asin_raw = f64::asin
);

unary!(
    /// arccos x, as the standard library has it.
    ACOS, acos, acos_block, acos_raw = f64::acos
);

unary!(
    /// arctan x, as the standard library has it.
    ATAN, atan, atan_block, atan_raw = f64::atan
);

/// Beyond this the reduction would want more of π.
const LARGE: f64 = 1e6;

/// What π/2 has beyond one f64, in two parts.
const HALF_PI_LO: f64 = 6.123233995736766e-17;
const HALF_PI_END: f64 = -1.497_384_904_859_169_8e-33;

/// (sin(r)/r - 1) / r^2 in r^2.
const SIN_SERIES: [f64; 7] = [
    -0.16666666666666666,
    0.008333333333333331,
    -0.0001984126984126504,
    2.7557319219320575e-06,
    -2.5052106225992787e-08,
    1.6058530596390244e-10,
    -7.586636867766497e-13,
];

/// (cos(r) - 1 + r^2/2) / r^4 in r^2.
const COS_SERIES: [f64; 6] = [
    0.041666666666666664,
    -0.0013888888888887389,
    2.48015872987544e-05,
    -2.7557317265876615e-07,
    2.087614504910828e-09,
    -1.1382544623404291e-11,
];

/// x = k π/2 + r + tail with |r| ≤ π/4, and sine and cosine of r + tail.
struct Quarter {
    /// The low bits of k.
    quadrant: u64,
    sin: f64,
    cos: f64,
}

#[inline(always)]
fn quarter(x: f64) -> Quarter {
    let turns = x * FRAC_2_PI;
    let k = round(turns);
    // Exact: both x and k·FRAC_PI_2 are multiples of 2⁻⁵³ and their difference is below 1.
    let first = (-k).mul_add(FRAC_PI_2, x);
    let (second, second_rest) = two_product(k, HALF_PI_LO);
    let (r, rest) = two_sum(first, -second);
    let tail = k.mul_add(-HALF_PI_END, rest - second_rest);

    let z = r * r;
    let sin = r + (r * z).mul_add(horner(z, &SIN_SERIES), tail);
    let half = 0.5 * z;
    let head = 1.0 - half;
    let beyond = (z * z).mul_add(horner(z, &COS_SERIES), -(r * tail));
    let cos = head + (((1.0 - head) - half) + beyond);
    Quarter {
        quadrant: round_bits(turns),
        sin,
        cos,
    }
}

/// `value` with its sign flipped in the quadrants whose second bit is set.
#[inline(always)]
fn signed(value: f64, quadrant: u64) -> f64 {
    f64::from_bits(value.to_bits() ^ ((quadrant & 2) << 62))
}

#[inline(always)]
fn sin_lane(x: f64) -> f64 {
    let q = quarter(x);
    let value = select(q.quadrant & 1 == 0, q.sin, q.cos);
    select(x.abs() < 1e-17, x, signed(value, q.quadrant))
}

#[inline(always)]
fn cos_lane(x: f64) -> f64 {
    let q = quarter(x);
    let value = select(q.quadrant & 1 == 0, q.cos, q.sin);
    // One quarter ahead of the sine.
    signed(value, q.quadrant.wrapping_add(1))
}
