//! The distribution function of the skew Normal.

use super::{erfcx, legendre, log_phi, log1m_exp};
use std::f64::consts::{LN_2, PI, SQRT_2};

/// `log P(X ≤ z)` for X with density `2 φ(x) Φ(a x)` (Azzalini 1985).
///
/// Both tails keep their digits: against mpmath, for |z| up to 30 and |a| up to 1000, the logarithm is within 1e-13 of itself or
/// 1e-15 · |a|, whichever is more.
///
/// ```
/// // Without slant it is the Normal.
/// let skew = elbo::special::log_skew_phi(-1.3, 0.0);
/// assert!((skew - elbo::special::log_phi(-1.3)).abs() < 1e-14);
/// ```
pub fn log_skew_phi(z: f64, a: f64) -> f64 {
    if z.is_nan() || a.is_nan() {
        return f64::NAN;
    }
    if z > 0.0 {
        return log1m_exp(lower(z, -a).min(0.0));
    }
    lower(-z, a)
}

/// `log P(X ≤ −h)` for h ≥ 0.
fn lower(h: f64, a: f64) -> f64 {
    // What lies farther out underflows, and so may its square.
    const FAR: f64 = 1e100;
    if h > FAR {
        return f64::NEG_INFINITY;
    }
    if a >= 0.0 {
        return log_wedge(h, a.min(FAR));
    }
    let whole = log_phi(-h);
    whole + LN_2 + (-0.5 * (log_wedge(h, -a.max(-FAR)) - whole).exp()).ln_1p()
}

/// `log (1/π ∫ₐ^∞ exp(−h² (1 + s²) / 2) / (1 + s²) ds)`: twice the mass of a wedge under a Normal of the plane (Owen 1956, Tables for
/// computing bivariate normal probabilities), for h, a ≥ 0.
fn log_wedge(h: f64, a: f64) -> f64 {
    let (square, n) = (h * h, h * h * (1.0 + a * a));
    if n >= 1.0 {
        // Up to where the integrand has lost 40 powers of e.
        let end = 80.0 / square / (a + (a * a + 80.0 / square).sqrt());
        let rest = integral(end, |t| {
            (-square * t * (a + 0.5 * t)).exp() / (1.0 + (a + t) * (a + t))
        });
        return -0.5 * n + (rest / PI).ln();
    }
    let below = |h: f64| 0.5 * erfcx(h / SQRT_2) * (-0.5 * h * h).exp();
    let p = below(h);
    if a <= 1.0 {
        return (p - 2.0 * owen(h, a)).ln();
    }
    let far = h * a;
    (2.0 * owen(far, 1.0 / a) - below(far) * (1.0 - 2.0 * p)).ln()
}

/// Owen's T, for a from 0 to 1 and h of no more than 1.
fn owen(h: f64, a: f64) -> f64 {
    let integrand = |s: f64| (-0.5 * h * h * (1.0 + s * s)).exp() / (1.0 + s * s);
    integral(a, integrand) / (2.0 * PI)
}

/// `∫₀^end f`
fn integral(end: f64, f: impl Fn(f64) -> f64) -> f64 {
    let terms = legendre().iter().map(|&(x, w)| w * f(end * x));
    end * terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::log_skew_phi;

    /// `(z, a, log P)` by mpmath's quadrature of the density, with 40 digits.
    const TABLE: &[(f64, f64, f64)] = &[
        (-30.0, 0.4, -529.1879791836984),
        (-30.0, -7.0, -453.6280967757807),
        (-8.0, 3.0, -328.709644143427),
        (-8.0, -1.0, -34.320289979354605),
        (-8.0, 50.0, -80049.04010065012),
        (-3.112, 10.17, -516.0593138640992),
        (-2.5, 1.0, -10.16329655455738),
        (-2.5, -0.3, -4.611017562482996),
        (-0.9, 50.0, -1025.5769563264716),
        (-0.9, 0.4, -2.2545458402550316),
        (-0.9, -300.0, -0.9993456260013929),
        (-0.045, 962.0, -952.5642490927016),
        (-0.01, 3.0, -2.317954928658785),
        (-0.01, 50.0, -5.758584581939111),
        (-0.01, -7.0, -0.05052301410065656),
        (0.0, 3.0, -2.278708595290299),
        (0.0, -1.0, -0.2876820724517809),
        (0.02, 50.0, -4.05788457732571),
        (0.6, -7.0, -2.701840420177219e-07),
        (0.6, 0.4, -0.46919614235959356),
        (0.6, 3.0, -0.788737851749355),
        (1.7, -1.0, -0.001988055343972648),
        (1.7, 50.0, -0.09335610831498961),
        (6.0, -0.3, -6.407517858252847e-11),
        (6.0, 3.0, -1.9731752920221066e-09),
        (6.0, -1.0, -9.73355181341031e-19),
    ];

    #[test]
    fn both_tails_are_those_of_quadrature() {
        for &(z, a, exact) in TABLE {
            let found = log_skew_phi(z, a);
            // As stated; a logarithm near 0 has the digits of what is far from it.
            let tolerance = (1e-13 * exact.abs())
                .max(1e-15 * a.abs())
                .max(1e-15 * z * z);
            let off = (found - exact).abs();
            assert!(
                off <= tolerance.max(1e-15 * exact.abs()),
                "{z} {a}: {found:e} {exact:e}"
            );
        }
    }

    #[test]
    fn far_out_there_is_nothing_or_all() {
        assert_eq!(log_skew_phi(f64::NEG_INFINITY, 2.0), f64::NEG_INFINITY);
        assert_eq!(log_skew_phi(f64::INFINITY, -2.0), 0.0);
        assert_eq!(log_skew_phi(-f64::MAX, -2.0), f64::NEG_INFINITY);
        assert!(log_skew_phi(f64::NAN, 1.0).is_nan() && log_skew_phi(1.0, f64::NAN).is_nan());
        assert!(log_skew_phi(-1.0, f64::INFINITY) < -1e100);
    }
}
