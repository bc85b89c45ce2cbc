//! The derivatives of lgamma: digamma, trigamma and the higher ones.
//!
//! Each is a polynomial on an interval of length 1 that the recurrence reaches from anywhere in
//! (0, 4), and its asymptotic series in 1/x², refitted, from 4 on.

use super::kernel::unary;
use super::lane::{horner, select};
use super::log::log_lane;
use std::f64::consts::PI;

unary!(
    /// digamma(x) = d/dx log Γ(x), within 4 ulp for x > 0, also at the root
    /// 1.4616….
    ///
    /// −∞ at +0, ∞ at −0, NaN at the negative whole numbers and at −∞; for x < 0 by reflection,
    /// within 2e-15 · (1 + |result|).
    DIGAMMA, digamma, digamma_block, digamma_raw = digamma_lane;
    repair = (|x: f64| x <= 0.0, digamma_reflected)
);

unary!(
    /// trigamma(x) = d²/dx² log Γ(x), within 4 ulp for x > 0.
    ///
    /// ∞ at 0 and the negative whole numbers; for x < 0 by reflection, within 2e-15
    /// relative.
    TRIGAMMA, trigamma, trigamma_block, trigamma_raw = trigamma_lane;
    repair = (|x: f64| x <= 0.0, trigamma_reflected)
);

/// The positive root of digamma, in two parts.
const DIGAMMA_ROOT_HI: f64 = 1.4616321449683622;
const DIGAMMA_ROOT_LO: f64 = 9.549995429965697e-17;

/// digamma(x) / (x - root) in x - 1.5.
const DIGAMMA_NEAR: [f64; 23] = [
    0.9510558760318328,
    -0.4236274212814606,
    0.24054248424078697,
    -0.14840492305388092,
    0.09498872445289039,
    -0.06192213327548831,
    0.040760833940846085,
    -0.026975796659787055,
    0.017907248317313294,
    -0.011908220105959716,
    0.007927021796868154,
    -0.005279937255532708,
    0.003518106563802472,
    -0.0023454947397380833,
    0.0015633696313653504,
    -0.0010364584817312839,
    0.0006909255761282986,
    -0.00048595039220036254,
    0.00032395945401345196,
    -0.00014480643368061614,
    9.653646261410062e-05,
    -0.0001782188548855923,
    0.00011881232908510335,
];

/// x^2 (log x - 1/(2x) - digamma(x)) in 1/x^2.
const DIGAMMA_FAR: [f64; 9] = [
    0.08333333333333295,
    -0.008333333332362195,
    0.003968253547733588,
    -0.004166595597256864,
    0.007569628806402783,
    -0.020787300608348224,
    0.07392821575261915,
    -0.25668496075487657,
    0.5365319953712206,
];

/// trigamma(x) in x - 2.5.
const TRIGAMMA_NEAR: [f64; 19] = [
    0.49035775610023485,
    -0.23620405164172742,
    0.11195292440862604,
    -0.05229266658444801,
    0.02410704910696295,
    -0.010983384230090858,
    0.004951717156494924,
    -0.0022115140179182887,
    0.0009794325718289307,
    -0.0004305271657606997,
    0.00018798095632514914,
    -8.158432806660258e-05,
    3.5219403455271487e-05,
    -1.5148539210431347e-05,
    6.4797915822998526e-06,
    -2.6963111957539715e-06,
    1.1451452275832913e-06,
    -6.140510132575258e-07,
    2.588628114745863e-07,
];

/// x^3 (trigamma(x) - 1/x - 1/(2x^2)) in 1/x^2.
const TRIGAMMA_FAR: [f64; 10] = [
    0.16666666666666602,
    -0.033333333331273224,
    0.023809522705444276,
    -0.033333100716046025,
    0.07573225216387833,
    -0.25148975323529116,
    1.10065494211391,
    -5.306347699957071,
    21.252523060581012,
    -46.03858136940875,
];

#[inline(always)]
fn digamma_lane(x: f64) -> f64 {
    let (below_one, below_two) = (x < 1.0, x < 2.0);
    let (below_three, near) = (x < 3.0, x < 4.0);
    let low = select(below_one, x + 1.0, x);
    let t = select(below_two, low, select(below_three, x - 1.0, x - 2.0));

    // The recurrence's sum of reciprocals as one fraction; far out it is 1/x.
    let low_top = select(below_one, -1.0, 0.0);
    let low_bottom = select(below_one, x, 1.0);
    let high_top = select(below_three, 1.0, 2.0 * x - 3.0);
    let high_bottom = select(below_three, x - 1.0, (x - 1.0) * (x - 2.0));
    let top = select(near, select(below_two, low_top, high_top), 1.0);
    let bottom = select(near, select(below_two, low_bottom, high_bottom), x);
    let q = top / bottom;

    let from_root = (t - DIGAMMA_ROOT_HI) - DIGAMMA_ROOT_LO;
    let near_value = from_root.mul_add(horner(t - 1.5, &DIGAMMA_NEAR), q);
    let w = q * q;
    let far_value = log_lane(x) - w.mul_add(horner(w, &DIGAMMA_FAR), 0.5 * q);
    select(near, near_value, far_value)
}

/// digamma(x) = digamma(1 − x) − π / tan πx for x ≤ 0.
#[cold]
fn digamma_reflected(x: f64) -> f64 {
    if x == 0.0 {
        return -1.0 / x;
    }
    if x == x.floor() {
        return f64::NAN;
    }
    digamma(1.0 - x) - PI / (PI * (x - x.round())).tan()
}

#[inline(always)]
fn trigamma_lane(x: f64) -> f64 {
    let (below_one, below_two) = (x < 1.0, x < 2.0);
    let (below_three, near) = (x < 3.0, x < 4.0);
    let r = 1.0 / x;
    let w = r * r;
    let other = 1.0 / select(below_one, x + 1.0, x - 1.0);
    let other_square = other * other;

    let t = select(
        below_two,
        select(below_one, x + 2.0, x + 1.0),
        select(below_three, x, x - 1.0),
    );
    let base = horner(t - 2.5, &TRIGAMMA_NEAR);
    let low = (base + select(below_one, other_square, 0.0)) + w;
    let high = base - select(below_three, 0.0, other_square);

    let series = w.mul_add(horner(w, &TRIGAMMA_FAR), 0.5 * r);
    let far_value = r.mul_add(series, r);
    select(near, select(below_two, low, high), far_value)
}

/// trigamma(x) = π² / sin² πx − trigamma(1 − x) for x ≤ 0.
#[cold]
fn trigamma_reflected(x: f64) -> f64 {
    if x == x.floor() {
        return f64::INFINITY;
    }
    let ratio = PI / (PI * (x - x.round())).sin();
    ratio * ratio - trigamma(1.0 - x)
}

/// The n-th derivative of digamma, n ≥ 0, for x > 0: (−1)ⁿ⁺¹ n! ζ(n + 1, x), within 1e-14 relative
/// for n ≤ 11. NaN for x ≤ 0 when n ≥ 2 (n = 0 and 1 are [`digamma`] and [`trigamma`]).
///
/// Hurwitz's zeta by the sum over x, x + 1, … up to n + 15 and Euler and Maclaurin's formula after.
pub fn polygamma(n: u32, x: f64) -> f64 {
    match n {
        0 => return digamma(x),
        1 => return trigamma(x),
        _ => {}
    }
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x == f64::INFINITY {
        return sign * 0.0;
    }
    let order = f64::from(n);
    // ∞ from 171! on, as the result then mostly is.
    let factorial: f64 = (1..=n).map(f64::from).product();
    sign * factorial * hurwitz_zeta(order + 1.0, x)
}

/// Σ (x + i)⁻ˢ over i ≥ 0, for s ≥ 3 whole and x > 0.
fn hurwitz_zeta(s: f64, x: f64) -> f64 {
    // B₂ₖ / (2k)!
    const EULER_MACLAURIN: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30240.0,
        -1.0 / 1209600.0,
        1.0 / 47900160.0,
        -691.0 / 1307674368000.0,
        1.0 / 74724249600.0,
        -3617.0 / 10670622842880000.0,
    ];
    let mut sum = 0.0;
    let mut at = x;
    while at < s + 14.0 {
        sum += at.powf(-s);
        at += 1.0;
    }
    let power = at.powf(-s);
    let mut factor = s * power / at;
    let mut tail = 0.5 * power + power * at / (s - 1.0);
    for (k, coefficient) in EULER_MACLAURIN.iter().enumerate() {
        tail += coefficient * factor;
        let j = s + 2.0 * k as f64;
        factor *= (j + 1.0) * (j + 2.0) / (at * at);
    }
    sum + tail
}
