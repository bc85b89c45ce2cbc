//! The incomplete gamma and beta functions and the distribution function of Student's t, with their
//! derivatives in the parameters up to the second.
//!
//! Of the two tails the one that is computed directly is the smaller, or not much larger: as a power of
//! known logarithm times a series of positive terms or a continued fraction, both run on [`Jet`]s, so that
//! derivatives in the parameters are exact ones and not differences. Against mpmath, for parameters from
//! 1e-3 to 1e4 and tails down to 1e-300, logarithms are within 2e-13 relative and their derivatives within
//! 3e-12 relative or 1e-15 absolute (`tests/special.rs`). Steps grow like the root of the parameters;
//! above some 1e9 they are cut and digits are lost.

use super::gamma::{lgamma_1p, stirling_rest};
use super::jet::{Jet, MOST_STEPS, continued_fraction};
use std::f64::consts::{LN_2, PI};

/// Which tail is asked for, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tail {
    /// The probability above the point instead of up to it.
    pub upper: bool,
    /// Its logarithm instead of itself.
    pub log: bool,
}

impl Tail {
    /// The logarithm of the probability up to the point.
    pub const LOG_CDF: Tail = Tail {
        upper: false,
        log: true,
    };
    /// The logarithm of the probability above the point.
    pub const LOG_SURVIVAL: Tail = Tail {
        upper: true,
        log: true,
    };
    /// The probability up to the point.
    pub const CDF: Tail = Tail {
        upper: false,
        log: false,
    };
    /// The probability above the point.
    pub const SURVIVAL: Tail = Tail {
        upper: true,
        log: false,
    };
}

/// `P(a, x) = γ(a, x) / Γ(a)`, the regularised lower incomplete gamma function; 0 for x ≤ 0.
///
/// ```
/// assert!((elbo::special::gamma_p(1.0, 2.0) - (1.0 - (-2.0f64).exp())).abs() < 1e-15);
/// ```
pub fn gamma_p(a: f64, x: f64) -> f64 {
    incomplete_gamma(a, x, Tail::CDF, [0, 0])
}

/// `Q(a, x) = 1 − P(a, x)`.
pub fn gamma_q(a: f64, x: f64) -> f64 {
    incomplete_gamma(a, x, Tail::SURVIVAL, [0, 0])
}

/// `I(a, b, x)`, the regularised incomplete beta function; 0 for x ≤ 0 and 1 for x ≥ 1.
pub fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
    incomplete_beta(a, b, x, Tail::CDF, [0, 0])
}

/// A tail of the Gamma distribution of shape `a` and rate 1, differentiated `order[0]` times in `a`.
pub fn incomplete_gamma(a: f64, x: f64, tail: Tail, order: [u8; 2]) -> f64 {
    one_of(order, |most| incomplete_gamma_all(a, x, tail, most))
}

/// A tail of the Beta distribution, differentiated so many times in `a` and `b`.
pub fn incomplete_beta(a: f64, b: f64, x: f64, tail: Tail, order: [u8; 2]) -> f64 {
    one_of(order, |most| incomplete_beta_all(a, b, x, tail, most))
}

/// A tail of Student's t distribution of centre 0 and scale 1, differentiated `order[0]` times in `nu`.
pub fn student_t_tail(nu: f64, t: f64, tail: Tail, order: [u8; 2]) -> f64 {
    one_of(order, |most| student_t_tail_all(nu, t, tail, most))
}

/// How often each of the results of [`incomplete_gamma_all`] and its like is differentiated in either
/// parameter.
pub const TAIL_ORDERS: [[u8; 2]; 6] = [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]];

fn one_of(order: [u8; 2], all: impl Fn(u8) -> [f64; 6]) -> f64 {
    match TAIL_ORDERS.iter().position(|o| *o == order) {
        Some(at) => all(order[0] + order[1])[at],
        None => f64::NAN,
    }
}

/// [`incomplete_gamma`] and its derivatives up to the order `most` (at most 2), as [`TAIL_ORDERS`] lists
/// them, in one pass; the others are 0.
pub fn incomplete_gamma_all(a: f64, x: f64, tail: Tail, most: u8) -> [f64; 6] {
    if a.is_nan() || x.is_nan() || a < 0.0 || a.is_infinite() {
        return [f64::NAN; 6];
    }
    if x <= 0.0 || x.is_infinite() || a == 0.0 {
        return certain(x <= 0.0, tail);
    }
    match most {
        0 => gamma_jet::<1>(a, x, tail).derivatives(),
        1 => gamma_jet::<2>(a, x, tail).derivatives(),
        _ => gamma_jet::<4>(a, x, tail).derivatives(),
    }
}

/// The same of [`incomplete_beta`].
pub fn incomplete_beta_all(a: f64, b: f64, x: f64, tail: Tail, most: u8) -> [f64; 6] {
    let wrong = |p: f64| p.is_nan() || p < 0.0 || p.is_infinite();
    if wrong(a) || wrong(b) || x.is_nan() || (a == 0.0 && b == 0.0) {
        return [f64::NAN; 6];
    }
    if x <= 0.0 || x >= 1.0 || a == 0.0 || b == 0.0 {
        return certain(x <= 0.0 || (b == 0.0 && x < 1.0), tail);
    }
    match most {
        0 => beta_jet::<1>(a, b, x, tail).derivatives(),
        1 => beta_jet::<3>(a, b, x, tail).derivatives(),
        _ => beta_jet::<6>(a, b, x, tail).derivatives(),
    }
}

/// The same of [`student_t_tail`].
pub fn student_t_tail_all(nu: f64, t: f64, tail: Tail, most: u8) -> [f64; 6] {
    if nu.is_nan() || t.is_nan() || nu <= 0.0 || nu.is_infinite() {
        return [f64::NAN; 6];
    }
    if t.is_infinite() {
        return certain(t < 0.0, tail);
    }
    match most {
        0 => student_jet::<1>(nu, t, tail).derivatives(),
        1 => student_jet::<2>(nu, t, tail).derivatives(),
        _ => student_jet::<4>(nu, t, tail).derivatives(),
    }
}

/// Where all probability lies above the point, or all below: no derivatives but 0.
fn certain(all_above: bool, tail: Tail) -> [f64; 6] {
    let value = match (all_above == tail.upper, tail.log) {
        (true, log) => f64::from(u8::from(!log)),
        (false, true) => f64::NEG_INFINITY,
        (false, false) => 0.0,
    };
    [value, 0.0, 0.0, 0.0, 0.0, 0.0]
}

/// The logarithm of one tail: what both tails are made of.
struct Side<const N: usize> {
    upper: bool,
    log: Jet<N>,
}

impl<const N: usize> Side<N> {
    fn tail(self, tail: Tail) -> Jet<N> {
        match (self.upper == tail.upper, tail.log) {
            (true, true) => self.log,
            (true, false) => self.log.exp(),
            (false, true) => (-self.log.exp()).log1p(),
            // By the smaller of two numbers that add to 1.
            (false, false) => -self.log.expm1(),
        }
    }
}

/// `log(ratio) − u` for `ratio = 1 + u`, without cancellation in either.
fn log1p_minus(u: f64, ratio: f64) -> f64 {
    if !(-0.6..1.5).contains(&u) {
        return super::log(ratio) - u;
    }
    // log(1 + u) = 2 artanh r, r = u / (2 + u); the linear terms are −u r.
    let r = u / (2.0 + u);
    let square = r * r;
    let (mut power, mut sum) = (square, 0.0);
    for k in 1..60 {
        let term = power / f64::from(2 * k + 1);
        sum += term;
        power *= square;
        if term <= 1e-17 * sum {
            break;
        }
    }
    r * (2.0 * sum - u)
}

/// `log(xᵃ e⁻ˣ / Γ(a))`
fn log_gamma_power<const N: usize>(a: Jet<N>, x: f64) -> Jet<N> {
    let (shape, log_x) = (a.value(), super::log(x));
    let jet = a * log_x - a.lgamma();
    if shape < 10.0 {
        return jet + -x;
    }
    let distance = shape * log1p_minus((x - shape) / shape, x / shape);
    let root = 0.5 * super::log(shape / (2.0 * PI));
    jet.with_value(distance + root - stirling_rest(shape))
}

fn gamma_jet<const N: usize>(a: f64, x: f64, tail: Tail) -> Jet<N> {
    let shape = Jet::<N>::parameter(a, 0);
    let power = log_gamma_power(shape, x);
    if x >= (a + 1.0).max(1.5) {
        // Legendre's fraction for Γ(a, x).
        let fraction = continued_fraction(-shape + (x + 1.0), |m| {
            ((shape + -m) * m, -shape + (x + 2.0 * m + 1.0))
        });
        let (upper, log) = (true, power - fraction.log());
        return Side { upper, log }.tail(tail);
    }
    if a < 1.0 {
        let q = small_gamma_q(shape, x);
        match (tail.upper, tail.log) {
            (true, true) => return q.log(),
            (true, false) => return q,
            (false, true) if q.value() < 0.5 => return (-q).log1p(),
            (false, false) if q.value() < 0.5 => return -q + 1.0,
            _ => {}
        }
    }
    let (upper, log) = (false, power + rising_series(a, x).log());
    Side { upper, log }.tail(tail)
}

/// `Σ xⁿ / (a (a + 1) … (a + n))`. A term's logarithm has the derivatives `−Σ 1/(a + k)` and `Σ 1/(a + k)²`,
/// so that all derivatives of all terms have one sign, and one division a term is enough.
fn rising_series<const N: usize>(a: f64, x: f64) -> Jet<N> {
    let mut term = 1.0 / a;
    let (mut first, mut second) = (term, term * term);
    // Sums of the terms times 1, the first power sum, and its square with the second.
    let mut sums = [term, term * first, term * (first * first + second)];
    for n in 1..MOST_STEPS {
        let r = 1.0 / (a + n as f64);
        term *= x * r;
        first += r;
        second += r * r;
        let of = [1.0, first, first * first + second].map(|factor| term * factor);
        // The factors grow, so the highest that is asked for is the last to become small.
        let highest = (N / 2).min(2);
        for k in 0..=highest {
            sums[k] += of[k];
        }
        let matters = of[highest] > 1e-17 * sums[highest];
        if !matters {
            break;
        }
    }
    let mut jet = Jet::constant(sums[0]);
    if N > 1 {
        jet.0[1] = -sums[1];
    }
    if N > 3 {
        jet.0[3] = 0.5 * sums[2];
    }
    jet
}

/// `Q(a, x)` for small a and x, where it is small and P is nearly 1:
/// `−expm1(u) − eᵘ a Σ (−x)ⁿ / (n! (a + n))`, `eᵘ = xᵃ / Γ(a + 1)`.
fn small_gamma_q<const N: usize>(a: Jet<N>, x: f64) -> Jet<N> {
    let one_more = (a + 1.0).lgamma().with_value(lgamma_1p(a.value()));
    let u = a * super::log(x) - one_more;
    let (mut power, mut sum) = (1.0, Jet::<N>::constant(0.0));
    for n in 1..100 {
        power *= -x / f64::from(n);
        let r = 1.0 / (a.value() + f64::from(n));
        let term = power * r;
        sum = sum + term;
        if N > 1 {
            sum.0[1] -= term * r;
        }
        if N > 3 {
            sum.0[3] += term * r * r;
        }
        // The derivatives have one more factor below 1 each.
        let matters = term.abs() > 1e-17 * sum.value().abs();
        if !matters {
            break;
        }
    }
    -u.expm1() - u.exp() * a * sum
}

/// A point between 0 and 1: both distances from the ends and their logarithms.
#[derive(Clone, Copy)]
struct Between<const N: usize> {
    x: Jet<N>,
    y: Jet<N>,
    log_x: Jet<N>,
    log_y: Jet<N>,
}

/// `log(xᵃ yᵇ / B(a, b))`
fn log_beta_power<const N: usize>(a: Jet<N>, b: Jet<N>, p: &Between<N>) -> Jet<N> {
    let sum = a + b;
    let (a0, b0, s0) = (a.value(), b.value(), sum.value());
    let powers = a * p.log_x + b * p.log_y;
    let jet = powers - (a.lgamma() + b.lgamma() - sum.lgamma());
    if a0.min(b0) < 10.0 {
        return jet.with_value(powers.value() - super::lbeta(a0, b0));
    }
    let off = a0 * p.y.value() - b0 * p.x.value();
    let below = a0 * log1p_minus(-off / a0, p.x.value() * (s0 / a0));
    let distance = below + b0 * log1p_minus(off / b0, p.y.value() * (s0 / b0));
    let rest = stirling_rest(a0) + stirling_rest(b0) - stirling_rest(s0);
    let root = 0.5 * super::log(a0 / s0 * (b0 / (2.0 * PI)));
    jet.with_value(distance + root - rest)
}

/// The tail on the side of the mean on which the point lies, by the fraction of DiDonato and Morris, ACM
/// TOMS 18 (1992), algorithm 708 (BFRAC).
fn beta_side<const N: usize>(a: Jet<N>, b: Jet<N>, p: Between<N>) -> Side<N> {
    let off = a * p.y - b * p.x;
    if off.value() < 0.0 {
        let Between { x, y, .. } = p;
        let (log_x, log_y) = (p.log_y, p.log_x);
        let (x, y) = (y, x);
        #[rustfmt::skip]
        let mirrored = Between { x, y, log_x, log_y };
        let log = log_beta_lower(b, a, -off, &mirrored);
        return Side { upper: true, log };
    }
    let log = log_beta_lower(a, b, off, &p);
    Side { upper: false, log }
}

fn log_beta_lower<const N: usize>(a: Jet<N>, b: Jet<N>, off: Jet<N>, p: &Between<N>) -> Jet<N> {
    let one = Jet::constant(1.0);
    let first = a * (off + 1.0) / (a + 1.0);
    let (square, both, away, step) = (p.x * p.x, a + b, off + 1.0, p.y + 1.0);
    // 1 / (a + 2 m − 1), which the step before needs too.
    let mut inverse = one / (a + 1.0);
    let fraction = continued_fraction(first, |m| {
        let falling = (b + -m) * m * inverse;
        let above = (a + (m - 1.0)) * (both + (m - 1.0)) * inverse * falling * square;
        let middle = falling * p.x;
        inverse = one / (a + (2.0 * m + 1.0));
        let right = (a + m) * (away + step * m) * inverse;
        (above, middle + right + m)
    });
    log_beta_power(a, b, p) - fraction.log()
}

fn beta_jet<const N: usize>(a: f64, b: f64, x: f64, tail: Tail) -> Jet<N> {
    let (log_x, log_y) = (super::log(x), super::log1p(-x));
    let point = Between {
        x: Jet::constant(x),
        y: Jet::constant(1.0 - x),
        log_x: Jet::constant(log_x),
        log_y: Jet::constant(log_y),
    };
    beta_side(Jet::parameter(a, 0), Jet::parameter(b, 1), point).tail(tail)
}

/// By the share `x = nu / (nu + t²)`, which depends on `nu`: `P(|T| > |t|) = I(nu/2, ½, x)`.
fn student_jet<const N: usize>(nu: f64, t: f64, tail: Tail) -> Jet<N> {
    let degrees = Jet::<N>::parameter(nu, 0);
    let ratio = t.abs() / nu.sqrt();
    if ratio == 0.0 {
        let half = if tail.log { -LN_2 } else { 0.5 };
        return Jet::constant(half);
    }
    let share = |top: Jet<N>, log: f64, x: f64| {
        let exact = top / (degrees + t * t);
        let jet = if exact.0.iter().all(|x| x.is_finite()) {
            exact
        } else {
            Jet::constant(x)
        };
        (jet, log)
    };
    let square = ratio * ratio;
    let (log_x, log_y) = if square.is_finite() {
        (-super::log1p(square), -super::log1p(1.0 / square))
    } else {
        (-2.0 * super::log(ratio), 0.0)
    };
    let (x, log_x) = share(degrees, log_x, super::exp(log_x));
    let (y, log_y) = share(Jet::constant(t * t), log_y, super::exp(log_y));
    // d log x / d nu = y / nu, and of y −x / nu … written by the shares, which neither overflow.
    let point = Between {
        x,
        y,
        log_x: log_share(degrees, y, log_x),
        log_y: log_share(degrees, -x, log_y),
    };
    let both = beta_side(degrees * 0.5, Jet::constant(0.5), point);
    let towards = tail.upper == (t > 0.0);
    if both.upper {
        // The middle is known: ½ ± ½ I(½, nu/2, y).
        let middle = both.log.exp();
        let share = (if towards { -middle } else { middle } + 1.0) * 0.5;
        return match tail.log {
            true if towards => (-middle).log1p() + -LN_2,
            true => middle.log1p() + -LN_2,
            false => share,
        };
    }
    let log = both.log + -LN_2;
    let upper = t > 0.0;
    Side { upper, log }.tail(tail)
}

/// The logarithm of a share, whose derivative in `nu` is `slope / nu`.
fn log_share<const N: usize>(nu: Jet<N>, slope: Jet<N>, value: f64) -> Jet<N> {
    let rate = slope / nu;
    let mut out = [0.0; N];
    out[0] = value;
    if N > 1 {
        out[1] = rate.0[0];
    }
    if N > 3 {
        out[3] = 0.5 * rate.0[1];
    }
    Jet(out)
}
