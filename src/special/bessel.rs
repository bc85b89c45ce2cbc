//! Modified Bessel functions as the von Mises distribution needs them: log I₀ and I₁/I₀.
//!
//! Below 8 the power series in x²/4, economised; above, polynomials for √x e^−x Iₙ(x) in 1/x.
//! Logarithm and ratio are formed from these directly, so nothing overflows for any x.

use super::kernel::unary;
use super::lane::{horner, select};
use super::log::log_of_sum;

unary!(
    /// log I₀(x), within 4 ulp; even in x.
    ///
    /// Its derivative is [`bessel_i1_i0`].
    LOG_BESSEL_I0, log_bessel_i0, log_bessel_i0_block, log_bessel_i0_raw = log_bessel_i0_lane
);

unary!(
    /// I₁(x)/I₀(x), the mean resultant length of a von Mises distribution of concentration x, within
    /// 5 ulp; odd in x, ±1 at ±∞.
    ///
    /// Its derivative is 1 − A(x)/x − A(x)².
    BESSEL_I1_I0, bessel_i1_i0, bessel_i1_i0_block, bessel_i1_i0_raw = bessel_i1_i0_lane
);

/// Where the power series ends.
const FAR: f64 = 8.0;

/// (I0(x) - 1) / a in a = x^2/4.
const I0_NEAR: [f64; 19] = [
    1.0,
    0.25,
    0.027777777777777776,
    0.001736111111111111,
    6.944444444444444e-05,
    1.929012345679012e-06,
    3.936759889140854e-08,
    6.151187326782004e-10,
    7.594058428144835e-12,
    7.594058427685727e-14,
    6.276081353657749e-16,
    4.358389709338545e-18,
    2.5789301225753398e-20,
    1.3157698166875546e-22,
    5.848555472938863e-25,
    2.2813213483650626e-27,
    8.005969586159673e-30,
    2.2086039136183307e-32,
    9.866864602322624e-35,
];

/// I1(x) / (x/2) in a = x^2/4.
const I1_NEAR: [f64; 19] = [
    1.0,
    0.5,
    0.08333333333333333,
    0.006944444444444444,
    0.00034722222222222224,
    1.157407407407407e-05,
    2.755731922398615e-07,
    4.92094986142491e-09,
    6.834652585350997e-11,
    7.594058427230109e-13,
    6.903689496580404e-15,
    5.2300675562988503e-17,
    3.3526100623327697e-19,
    1.842071281318797e-21,
    8.773175227132446e-24,
    3.6488164542916493e-26,
    1.3643516140827972e-28,
    3.9234286739835217e-31,
    1.9118983075493824e-33,
];

/// sqrt(x) e^-x I0(x) in 16/x - 1.
const I0_FAR: [f64; 26] = [
    0.4021765094450081,
    0.0033605519836678944,
    0.00013621607439186705,
    1.1143033787545386e-05,
    1.4838475687894938e-06,
    2.9735996224521226e-07,
    8.872214307451732e-08,
    3.932437699533459e-08,
    2.15488936175863e-08,
    7.566352487698237e-09,
    -6.750552282740284e-09,
    -1.346629294837396e-08,
    -5.394456734259438e-09,
    7.737147033780934e-09,
    7.406235049001522e-09,
    -3.905230623712341e-09,
    -5.91556056510856e-09,
    2.1053080134403423e-09,
    3.5985362919394714e-09,
    -1.1448789558755036e-09,
    -1.5930354799216344e-09,
    5.122212147228388e-10,
    4.4789181847911815e-10,
    -1.5066113686101474e-10,
    -5.905024573995148e-11,
    2.0820835852793106e-11,
];

/// sqrt(x) e^-x I1(x) in 16/x - 1.
const I1_FAR: [f64; 26] = [
    0.38939845902587233,
    -0.009749577193235768,
    -0.00021923576383382282,
    -1.5038547197358572e-05,
    -1.8349101357991557e-06,
    -3.4838567401229716e-07,
    -1.0001282610189342e-07,
    -4.312778920167609e-08,
    -2.337446787242448e-08,
    -8.43880090582137e-09,
    6.737493433374833e-09,
    1.408852075202545e-08,
    5.963645798166707e-09,
    -7.816968266767898e-09,
    -7.863004697555056e-09,
    3.803814960536081e-09,
    6.202984113000443e-09,
    -1.992076551203188e-09,
    -3.75344338735913e-09,
    1.0715528639398075e-09,
    1.657764699456319e-09,
    -4.798751536934023e-10,
    -4.6561597954216946e-10,
    1.417650842869536e-10,
    6.135932778393812e-11,
    -1.9677083272584384e-11,
];

#[inline(always)]
fn log_bessel_i0_lane(x: f64) -> f64 {
    let a = x.abs();
    let near = a < FAR;
    let z = 0.25 * (a * a);
    let gain = z * horner(z, &I0_NEAR);
    let series = 1.0 + gain;
    let c = select(gain < 1.0, gain - (series - 1.0), 1.0 - (series - gain));
    let scaled = horner(16.0 / a - 1.0, &I0_FAR) / a.sqrt();
    let logarithm = log_of_sum(select(near, series, scaled), select(near, c, 0.0));
    let result = select(near, 0.0, a) + logarithm;
    select(a == f64::INFINITY, a, result)
}

#[inline(always)]
fn bessel_i1_i0_lane(x: f64) -> f64 {
    let a = x.abs();
    let near = a < FAR;
    let z = 0.25 * (a * a);
    let v = 16.0 / a - 1.0;
    let top = select(near, (0.5 * a) * horner(z, &I1_NEAR), horner(v, &I1_FAR));
    let bottom = select(
        near,
        z.mul_add(horner(z, &I0_NEAR), 1.0),
        horner(v, &I0_FAR),
    );
    (top / bottom).copysign(x)
}
