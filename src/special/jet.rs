//! Numbers with their derivatives in two parameters: arithmetic on truncated Taylor series, so that a
//! series or a continued fraction gives its derivatives with its value.

use super::{digamma, trigamma};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Coefficients of 1, ε, δ, ε², εδ, δ²: one, three or all six of them, for derivatives up to order 0, 1
/// or 2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jet<const N: usize>(pub [f64; N]);

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

    /// The derivative of so many orders in either parameter.
    pub fn derivative(self, order: [u8; 2]) -> f64 {
        match order {
            [0, 0] => self.0[0],
            [1, 0] => self.0[1],
            [0, 1] => self.0[2],
            [2, 0] => 2.0 * self.0[3],
            [1, 1] => self.0[4],
            [0, 2] => 2.0 * self.0[5],
            _ => f64::NAN,
        }
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
            c[2] = a[0] * b[2] + a[2] * b[0];
        }
        if N > 3 {
            c[3] = a[0] * b[3] + a[1] * b[1] + a[3] * b[0];
            c[4] = a[0] * b[4] + a[1] * b[2] + a[2] * b[1] + a[4] * b[0];
            c[5] = a[0] * b[5] + a[2] * b[2] + a[5] * b[0];
        }
        Jet(c)
    }
}

impl<const N: usize> Div for Jet<N> {
    type Output = Jet<N>;
    #[inline(always)]
    fn div(self, other: Jet<N>) -> Jet<N> {
        let (a, b) = (self.0, other.0);
        let mut q = [0.0; N];
        q[0] = a[0] / b[0];
        if N > 1 {
            q[1] = (a[1] - q[0] * b[1]) / b[0];
            q[2] = (a[2] - q[0] * b[2]) / b[0];
        }
        if N > 3 {
            q[3] = (a[3] - q[0] * b[3] - q[1] * b[1]) / b[0];
            q[4] = (a[4] - q[0] * b[4] - q[1] * b[2] - q[2] * b[1]) / b[0];
            q[5] = (a[5] - q[0] * b[5] - q[2] * b[2]) / b[0];
        }
        Jet(q)
    }
}

/// Steps after which a series or fraction is given up: enough for parameters up to 1e9.
pub(super) const MOST_STEPS: usize = 400_000;

/// `b₀ + a₁ / (b₁ + a₂ / (b₂ + …))` by the modified method of Lentz (Thompson and Barnett 1986); `term`
/// gives `(aₘ, bₘ)`.
pub(super) fn continued_fraction<const N: usize>(
    first: Jet<N>,
    term: impl Fn(f64) -> (Jet<N>, Jet<N>),
) -> Jet<N> {
    const TINY: f64 = 1e-300;
    let away = |x: Jet<N>| if x.value() == 0.0 { x + TINY } else { x };
    let one = Jet::constant(1.0);
    let mut c = away(first);
    let (mut f, mut d) = (c, Jet::constant(0.0));
    for m in 1..MOST_STEPS {
        let (a, b) = term(m as f64);
        d = one / away(b + a * d);
        c = away(b + a / c);
        let factor = c * d;
        f = f * factor;
        // The derivatives of a factor that is 1 are roundings of those of its parts.
        let settled = factor.0.iter().enumerate().all(|(k, &x)| {
            let part = |y: Jet<N>| (y.0[k] / y.value()).abs();
            let scale = part(c).max(part(d)).max(part(f));
            let off = if k == 0 { x - 1.0 } else { x };
            off.abs() <= 4.0 * f64::EPSILON * if k == 0 { 1.0 } else { scale }
        });
        if settled || f.value().is_nan() {
            break;
        }
    }
    f
}
