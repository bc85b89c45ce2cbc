//! The standard normal distribution function, its logarithm and its inverse.
//!
//! Both tails come from erfcx(|x|/√2) and e^−x²/2 of the exact square: rounding x/√2 first would
//! cost x² ulp.

use super::erf::{erf_near, erfcx_positive};
use super::exp::exp_times;
use super::kernel::unary;
use super::lane::{horner, select, two_product};
use super::log::{log_lane, log_of_sum};
use std::f64::consts::FRAC_1_SQRT_2;

unary!(
    /// Φ(x), the standard normal distribution function, within 4 ulp in both tails.
    PHI, phi, phi_block, phi_raw = phi_lane
);

unary!(
    /// log Φ(x), within 4 ulp everywhere: −x²/2 − log(−x√(2π)) … far below, −Φ(−x) far above.
    ///
    /// Its derivative is √(2/π) / erfcx(−x/√2).
    LOG_PHI, log_phi, log_phi_block, log_phi_raw = log_phi_lane
);

unary!(
    /// Φ⁻¹(p), the standard normal quantile, within 6 ulp; ∓∞ at 0 and 1, NaN outside.
    ///
    /// Wichura's rational functions (Applied Statistics 37 (1988), algorithm AS 241, PPND16).
    INV_PHI, inv_phi, inv_phi_block, inv_phi_raw = inv_phi_lane
);

/// Φ(−a) for a ≥ 0.
#[inline(always)]
fn lower_tail(a: f64, scaled: f64) -> f64 {
    // Beyond 40 the tail is 0; ∞ has no exact square.
    let finite = select(a > 40.0, 40.0, a);
    let (square, rest) = two_product(finite, finite);
    exp_times(-0.5 * square, -0.5 * rest, 0.5 * scaled)
}

#[inline(always)]
fn phi_lane(x: f64) -> f64 {
    let a = x.abs();
    let tail = lower_tail(a, erfcx_positive(a * FRAC_1_SQRT_2));
    let far = select(x > 0.0, 1.0 - tail, tail);
    let near = 0.5f64.mul_add(erf_near(x * FRAC_1_SQRT_2), 0.5);
    select(a < 0.7, near, far)
}

#[inline(always)]
fn log_phi_lane(x: f64) -> f64 {
    let a = x.abs();
    // From 1e200 on x² overflows and the result is −∞; the clamp keeps erfcx a normal number.
    let scaled = erfcx_positive(select(a > 1e200, 1e200, a) * FRAC_1_SQRT_2);
    let tail = lower_tail(a, scaled);
    let above = x > 0.0;
    let upper = 1.0 - tail;
    let u = select(above, upper, 0.5 * scaled);
    let c = select(above, (1.0 - upper) - tail, 0.0);
    let logarithm = log_of_sum(u, c);
    select(above, logarithm, (-0.5 * x).mul_add(x, logarithm))
}

/// Numerators and denominators for |p − ½| ≤ 0.425, in 0.425² − (p − ½)².
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
];

/// For r = √(−log of the tail) up to 5, in r − 1.6.
const TAIL: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        0.000_774_545_014_278_341_4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        0.000_547_593_808_499_534_5,
        1.050_750_071_644_416_9e-9,
    ],
];

/// For larger r, in r − 5.
const FAR_TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_9,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        0.000_786_869_131_145_613_2,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

#[inline(always)]
fn inv_phi_lane(p: f64) -> f64 {
    let q = p - 0.5;
    let central = q.abs() <= 0.425;
    let tail = select(q < 0.0, p, 1.0 - p);
    let r = (-log_lane(tail)).sqrt();
    let far = r > 5.0;
    let v = select(central, q.mul_add(-q, 0.180625), r - select(far, 5.0, 1.6));

    let pick = |i: usize| {
        let outer = select(far, horner(v, &FAR_TAIL[i]), horner(v, &TAIL[i]));
        select(central, horner(v, &CENTRE[i]), outer)
    };
    let ratio = pick(0) / pick(1);
    let result = select(central, q, 1.0f64.copysign(q)) * ratio;
    // At the very ends r = ∞ and the ratio is ∞/∞; outside, r is NaN as it should be.
    select(tail == 0.0, f64::INFINITY.copysign(q), result)
}
