//! Numbers with their derivatives in two parameters: arithmetic on truncated Taylor series, so that a
//! series or a continued fraction gives its derivatives with its value.

use super::{digamma, trigamma};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Coefficients of 1, ε, δ, ε², εδ, δ²: one, three or all six of them, for derivatives up to order 0, 1
/// or 2. Where there is one parameter alone, two or four of them: the third is then 0 and left out of all
/// arithmetic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jet<const N: usize>(pub [f64; N]);

/// Whether jets of so many coefficients have a second parameter.
const fn two(n: usize) -> bool {
    n == 3 || n == 6
}

impl<const N: usize> Jet<N> {
    pub fn constant(x: f64) -> Jet<N> {
        let mut all = [0.0; N];
        all[0] = x;
        Jet(all)
    }

    /// The first (0) or second (1) parameter, of value x.
    pub fn parameter(x: f64, which: usize) -> Jet<N> {
        let mut jet = Jet::constant(x);
        if N > 1 {
            jet.0[1 + which] = 1.0;
        }
        jet
    }

    pub fn value(self) -> f64 {
        self.0[0]
    }

    /// The derivatives, of which coefficients are the terms of Taylor's series; those left out are 0.
    pub fn derivatives(self) -> [f64; 6] {
        let mut all = [0.0; 6];
        all[..N].copy_from_slice(&self.0);
        all[3] *= 2.0;
        all[5] *= 2.0;
        all
    }

    /// The same derivatives with another value, where that is known better.
    pub fn with_value(mut self, x: f64) -> Jet<N> {
        self.0[0] = x;
        self
    }

    /// A function of value, first derivative and half its second derivative at this value.
    pub fn map(self, taylor: [f64; 3]) -> Jet<N> {
        let d = self.with_value(0.0);
        let mut out = d * taylor[1];
        if N > 3 {
            out = out + d * d * taylor[2];
        }
        out.with_value(taylor[0])
    }

    pub fn exp(self) -> Jet<N> {
        let y = super::exp(self.value());
        self.map([y, y, 0.5 * y])
    }

    pub fn expm1(self) -> Jet<N> {
        self.exp().with_value(super::expm1(self.value()))
    }

    pub fn log(self) -> Jet<N> {
        let r = 1.0 / self.value();
        self.map([super::log(self.value()), r, -0.5 * r * r])
    }

    pub fn log1p(self) -> Jet<N> {
        let r = 1.0 / (1.0 + self.value());
        self.map([super::log1p(self.value()), r, -0.5 * r * r])
    }

    pub fn lgamma(self) -> Jet<N> {
        let x = self.value();
        let slope = |f: fn(f64) -> f64, order: usize| if N > order { f(x) } else { 0.0 };
        let (first, second) = (slope(digamma, 1), slope(trigamma, 3));
        self.map([super::lgamma(x), first, 0.5 * second])
    }
}

impl<const N: usize> Add for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn add(mut self, other: Jet<N>) -> Jet<N> {
        self.0.iter_mut().zip(other.0).for_each(|(x, y)| *x += y);
        self
    }
}

impl<const N: usize> Sub for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn sub(mut self, other: Jet<N>) -> Jet<N> {
        self.0.iter_mut().zip(other.0).for_each(|(x, y)| *x -= y);
        self
    }
}

impl<const N: usize> Neg for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn neg(self) -> Jet<N> {
        Jet(self.0.map(|x| -x))
    }
}

impl<const N: usize> Add<f64> for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn add(mut self, other: f64) -> Jet<N> {
        self.0[0] += other;
        self
    }
}

impl<const N: usize> Mul<f64> for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn mul(self, other: f64) -> Jet<N> {
        Jet(self.0.map(|x| x * other))
    }
}

impl<const N: usize> Mul for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn mul(self, other: Jet<N>) -> Jet<N> {
        let (a, b) = (self.0, other.0);
        let mut c = [0.0; N];
        c[0] = a[0] * b[0];
        if N > 1 {
            c[1] = a[0] * b[1] + a[1] * b[0];
        }
        if two(N) {
            c[2] = a[0] * b[2] + a[2] * b[0];
        }
        if N > 3 {
            c[3] = a[0] * b[3] + a[1] * b[1] + a[3] * b[0];
        }
        if N > 4 {
            c[4] = a[0] * b[4] + a[1] * b[2] + a[2] * b[1] + a[4] * b[0];
            c[5] = a[0] * b[5] + a[2] * b[2] + a[5] * b[0];
        }
        Jet(c)
    }
}

impl<const N: usize> Div for Jet<N> {
    type Output = Jet<N>;
    /// The value is the exact quotient rounded; derivatives share one reciprocal.
    #[inline(always)]
    fn div(self, other: Jet<N>) -> Jet<N> {
        let (a, b) = (self.0, other.0);
        let mut q = [0.0; N];
        q[0] = a[0] / b[0];
        let r = if N > 1 { 1.0 / b[0] } else { 0.0 };
        if N > 1 {
            q[1] = (a[1] - q[0] * b[1]) * r;
        }
        if two(N) {
            q[2] = (a[2] - q[0] * b[2]) * r;
        }
        if N > 3 {
            q[3] = (a[3] - q[0] * b[3] - q[1] * b[1]) * r;
        }
        if N > 4 {
            q[4] = (a[4] - q[0] * b[4] - q[1] * b[2] - q[2] * b[1]) * r;
            q[5] = (a[5] - q[0] * b[5] - q[2] * b[2]) * r;
        }
        Jet(q)
    }
}

/// Steps after which a series or fraction is given up: enough for parameters up to 1e9.
pub(super) const MOST_STEPS: usize = 400_000;

/// `b₀ + a₁ / (b₁ + a₂ / (b₂ + …))`; `term` gives `(aₘ, bₘ)`.
///
/// Numerators and denominators of the convergents go forward by `Aₘ = bₘ Aₘ₋₁ + aₘ Aₘ₋₂`, which divides by
/// nothing; of the quotient, which is looked at every other step, both derivatives and value must settle.
pub(super) fn continued_fraction<const N: usize>(
    first: Jet<N>,
    mut term: impl FnMut(f64) -> (Jet<N>, Jet<N>),
) -> Jet<N> {
    let (mut above, mut below) = (first, Jet::constant(1.0));
    let (mut above_last, mut below_last) = (Jet::constant(1.0), Jet::constant(0.0));
    let mut f = above;
    for m in 1..MOST_STEPS {
        let (a, b) = term(m as f64);
        (above, above_last) = (b * above + a * above_last, above);
        (below, below_last) = (b * below + a * below_last, below);
        let size = below.value().abs();
        if !(1e-100..1e100).contains(&size) && size > 0.0 {
            // By a power of 2, which rounds nothing.
            let scale = if size > 1.0 {
                2f64.powi(-300)
            } else {
                2f64.powi(300)
            };
            for jet in [&mut above, &mut above_last, &mut below, &mut below_last] {
                *jet = *jet * scale;
            }
        }
        if m % 2 == 1 {
            continue;
        }
        let last = std::mem::replace(&mut f, above / below);
        if settled(f, last, below) || f.value().is_nan() {
            break;
        }
    }
    f
}

/// Whether a quotient is that of a few steps before, but for roundings. The derivatives of numerator and
/// denominator, of which it is the difference, may be larger than its own.
#[inline(always)]
fn settled<const N: usize>(f: Jet<N>, last: Jet<N>, below: Jet<N>) -> bool {
    let share = f.value().abs() / below.value().abs();
    (0..N).all(|k| {
        let scale = f.0[k].abs().max(below.0[k].abs() * share);
        (f.0[k] - last.0[k]).abs() <= 4.0 * f64::EPSILON * scale
    })
}
