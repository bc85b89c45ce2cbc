//! Hyperbolic functions. tanh is hot (links, gates, bijectors) and vectorised; the others are not.

use super::exp::half_expm1;
use super::kernel::unary;
use super::lane::select;
use super::single;

unary!(
    /// tanh x, within 2.5 ulp.
    TANH, tanh, tanh_block, tanh_raw = tanh_lane; f32 = single::tanh
);

unary!(
    /// sinh x, as the standard library has it.
    SINH, sinh, sinh_block, sinh_raw = f64::sinh
);

unary!(
    /// cosh x, as the standard library has it.
    COSH, cosh, cosh_block, cosh_raw = f64::cosh
);

unary!(
    /// Inverse of sinh, as the standard library has it.
    ASINH, asinh, asinh_block, asinh_raw = f64::asinh
);

unary!(
    /// Inverse of cosh, from 0 for x ≥ 1, as the standard library has it.
    ACOSH, acosh, acosh_block, acosh_raw = f64::acosh
);

unary!(
    /// Inverse of tanh, as the standard library has it.
    ATANH, atanh, atanh_block, atanh_raw = f64::atanh
);

/// tanh a = h/(h + 1) with h = (e^2a − 1)/2: every term positive, so nothing cancels.
#[inline(always)]
fn tanh_lane(x: f64) -> f64 {
    let a = x.abs();
    // From 20 on the result is 1 to the last bit.
    let h = half_expm1(2.0 * select(a > 20.0, 20.0, a));
    let result = (h / (h + 1.0)).copysign(x);
    select(a < 1e-17, x, result)
}
