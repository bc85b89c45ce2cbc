//! The two kinds of floating-point numbers that can be computed with, and what generic code needs
//! to know of them.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, Neg, Sub, SubAssign};

/// `f64` or `f32`. Sealed: vector loops are compiled for these two.
pub trait Real:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + DivAssign
    + std::iter::Sum
    + 'static
{
    /// As the command line calls it.
    const NAME: &'static str;
    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;
    const NEG_INFINITY: Self;
    /// Half the distance from 1 to the next number: the largest relative rounding error.
    const UNIT_ROUNDOFF: f64;
    /// Powers of 2 below this one are finite.
    const LARGEST_EXPONENT: usize;
    /// How many fit into a cache line of 64 bytes, which is also the widest vector register.
    const LANES: usize;
    /// As many.
    type Line: Copy + AsRef<[Self]> + AsMut<[Self]>;
    const LINE: Self::Line;
    /// A line of the same number. A slice's `fill` is a call where it is not inlined, in the middle of a loop.
    fn line(self) -> Self::Line;

    /// The nearest number.
    fn of(x: f64) -> Self;
    /// The same number, exactly.
    fn wide(self) -> f64;
    fn is_nan(self) -> bool;
    fn sqrt(self) -> Self;
    /// `self · a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    fn log1p(self) -> Self;
    /// e^−|x| and the sigmoid of x, with the bits of the functions themselves.
    fn logistic_parts(self) -> (Self, Self);
    /// e^x and log x, with the bits of the functions themselves: to be inlined into loops that are compiled for a
    /// vector unit.
    fn exp_lane(self) -> Self;
    fn log_lane(self) -> Self;
}

macro_rules! real {
    ($type:ident, $lanes:literal, $log1p:expr, $logistic_parts:path, $exp:path, $log:path) => {
        impl sealed::Sealed for $type {}

        impl Real for $type {
            const NAME: &'static str = stringify!($type);
            const ZERO: $type = 0.0;
            const ONE: $type = 1.0;
            const INFINITY: $type = $type::INFINITY;
            const NEG_INFINITY: $type = $type::NEG_INFINITY;
            const UNIT_ROUNDOFF: f64 = $type::EPSILON as f64 / 2.0;
            const LARGEST_EXPONENT: usize = $type::MAX_EXP as usize;
            const LANES: usize = $lanes;
            type Line = [$type; $lanes];
            const LINE: [$type; $lanes] = [0.0; $lanes];

            #[inline(always)]
            fn line(self) -> [$type; $lanes] {
                [self; $lanes]
            }

            #[inline(always)]
            fn of(x: f64) -> $type {
                x as $type
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                self.is_nan()
            }

            #[inline(always)]
            fn sqrt(self) -> $type {
                self.sqrt()
            }

            #[inline(always)]
            fn mul_add(self, a: $type, b: $type) -> $type {
                self.mul_add(a, b)
            }

            #[inline]
            fn log1p(self) -> $type {
                $log1p(self)
            }

            #[inline(always)]
            fn logistic_parts(self) -> ($type, $type) {
                $logistic_parts(self)
            }

            #[inline(always)]
            fn exp_lane(self) -> $type {
                $exp(self)
            }

            #[inline(always)]
            fn log_lane(self) -> $type {
                $log(self)
            }
        }
    };
}

real!(
    f64,
    8,
    super::log1p,
    super::logistic::logistic_parts,
    super::exp::exp_lane,
    super::log::log_lane
);
real!(
    f32,
    16,
    |x| super::LOG1P.of_f32(x),
    super::single::logistic_parts,
    super::single::exp,
    super::single::log
);

mod sealed {
    pub trait Sealed {}
}
