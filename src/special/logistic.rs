//! The logistic function, its logarithm and softplus.
//!
//! All start from z = e^−|x|, which neither overflows nor, near 1, loses anything.

use super::exp::exp_lane;
use super::kernel::unary;
use super::lane::select;
use super::log::log1p_unit;
use super::single;

unary!(
    /// 1/(1 + e^−x), within 2.5 ulp in both tails.
    SIGMOID, sigmoid, sigmoid_block, sigmoid_raw = sigmoid_lane; f32 = single::sigmoid
);

unary!(
    /// log(1 + e^x), within 2 ulp: e^x far below 0, x far above.
    SOFTPLUS, softplus, softplus_block, softplus_raw = softplus_lane; f32 = single::softplus
);

unary!(
    /// log(1/(1 + e^−x)) = −softplus(−x), within 2 ulp.
    LOG_SIGMOID, log_sigmoid, log_sigmoid_block, log_sigmoid_raw = log_sigmoid_lane; f32 = single::log_sigmoid
);

#[inline(always)]
fn sigmoid_lane(x: f64) -> f64 {
    logistic_parts(x).1
}

/// e^−|x| and the sigmoid of x.
#[inline(always)]
pub(super) fn logistic_parts(x: f64) -> (f64, f64) {
    let z = exp_lane(-x.abs());
    (z, select(x >= 0.0, 1.0, z) / (1.0 + z))
}

#[inline(always)]
fn softplus_lane(x: f64) -> f64 {
    let z = exp_lane(-x.abs());
    select(x > 0.0, x, 0.0) + log1p_unit(z)
}

#[inline(always)]
fn log_sigmoid_lane(x: f64) -> f64 {
    -softplus_lane(-x)
}
