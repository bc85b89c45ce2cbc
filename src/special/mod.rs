//! Special functions of real arguments, for single values and for blocks on vector units.
//!
//! Each function `f` has the forms `f(x)`, `f_block(x, out)` on slices, `f_raw(x, out, n)` on
//! pointers (in place if they are equal) and a row `F` with its name and compiled loops. All forms
//! run the same branch-free lane function, whose steps are exactly rounded (`+ − × ÷ √`, fused
//! multiply-add, bit operations): results do not depend on the form, on how values are split into
//! blocks or on the vector unit, bit for bit (which of the many NaN comes out is not promised).
//! Functions named as the standard library's (`sinh`, `atan` …) call it for each value.
//!
//! Every row has loops in single precision too ([`Unary::at_f32`]); the hot functions have
//! polynomials of their own there, the others are computed in double precision and rounded.
//!
//! Polynomials are our own fits (`bench/special_coefficients.py`); errors stated in the documentation
//! bound what was found at some 20 000 points a function (`bench/special_reference.py`,
//! `tests/special.rs`). Subnormal results are produced, not flushed to zero.
//!
//! ```
//! use elbo::special;
//!
//! let x = [-40.0, 0.0, 3.0];
//! let mut out = [0.0; 3];
//! special::log_phi_block(&x, &mut out);
//! assert_eq!(out, x.map(special::log_phi));
//! ```

#![deny(unsafe_op_in_unsafe_fn)]

mod bessel;
mod digamma;
mod erf;
mod exp;
mod gamma;
mod hyperbolic;
mod incomplete;
mod jet;
mod kernel;
mod lambert;
mod lane;
mod legendre;
mod log;
mod logistic;
mod normal;
mod pow;
mod real;
mod single;
mod skew_normal;
mod trig;

pub use bessel::*;
pub use digamma::*;
pub use erf::*;
pub use exp::*;
pub use gamma::*;
pub use hyperbolic::*;
pub use incomplete::*;
pub use kernel::{Binary, BinaryKernel, Level, Unary, UnaryKernel};
pub use lambert::*;
pub use legendre::*;
pub use log::*;
pub use logistic::*;
pub use normal::*;
pub use pow::*;
pub use real::Real;
pub use skew_normal::*;
pub use trig::*;

/// For code that is made elsewhere and takes the same steps.
#[cfg(machine_code)]
pub(crate) mod coefficients {
    pub(crate) use super::exp::{
        LN_2_HI, LN_2_LO, SERIES as EXP_SERIES, SHIFTED_SERIES as EXPM1_SERIES, TWO_TO_MINUS_128,
    };
    pub(crate) use super::log::SERIES as LOG_SERIES;
}

/// Every function of one argument.
pub static UNARY: &[&Unary] = &[
    &EXP,
    &EXPM1,
    &LOG,
    &LOG1P,
    &LOG1M_EXP,
    &SQRT,
    &TANH,
    &SINH,
    &COSH,
    &SIGMOID,
    &SOFTPLUS,
    &LOG_SIGMOID,
    &LGAMMA,
    &DIGAMMA,
    &TRIGAMMA,
    &ERF,
    &ERFC,
    &ERFCX,
    &PHI,
    &LOG_PHI,
    &INV_PHI,
    &LOG_BESSEL_I0,
    &BESSEL_I1_I0,
    &SIN,
    &COS,
    &TAN,
    &ASIN,
    &ACOS,
    &ATAN,
    &ASINH,
    &ACOSH,
    &ATANH,
    &LOG2,
    &LOG10,
    &CBRT,
    &LAMBERT_W,
];

/// Every function of two arguments.
pub static BINARY: &[&Binary] = &[&POW, &LBETA];
