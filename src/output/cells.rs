//! The summary of one element as cells of a table, for the terminal and for pages.
//!
//! Digits follow the standard deviation: digits of a mean beyond the third of its sd say nothing.

use super::Summary;
use crate::graph::element;

pub(super) const HEADER: [&str; 6] = ["", "mean", "sd", "5 %", "50 %", "95 %"];

/// The cells of one element, under [`HEADER`].
pub(super) fn row(s: &Summary, i: usize) -> [String; 6] {
    let name = element::labelled(&s.name, &s.shape, &s.labels, i);
    let quantiles = [s.q05[i], s.q50[i], s.q95[i]];
    let format = Digits::of(s.mean[i], s.sd[i], quantiles);
    let [q05, q50, q95] = quantiles.map(|x| format.write_value(x, s.integer));
    [
        name,
        format.write(s.mean[i]),
        format.write(s.sd[i]),
        q05,
        q50,
        q95,
    ]
}

/// Numbers from here on, and below [`SMALL`], are written with an exponent.
const LARGE: f64 = 1e7;
const SMALL: f64 = 1e-4;
/// A deviation below this share of the mean is the rounding of a constant.
const ROUNDING: f64 = 1e-14;

/// How the numbers of one row are written.
pub(super) enum Digits {
    /// This many after the point.
    Fixed(usize),
    /// With an exponent, down to this power of ten.
    Exponent(i32),
}

impl Digits {
    /// Three significant digits of the sd; where it is 0 or unknown, five of the mean.
    pub(super) fn of(mean: f64, sd: f64, quantiles: [f64; 3]) -> Digits {
        let power = |x: f64| x.abs().log10().floor() as i32;
        let usable = |x: f64| x.is_finite() && x != 0.0;
        let spread = usable(sd) && !(usable(mean) && sd < ROUNDING * mean.abs());
        // A double has no digits below 1e-16 of its size, so neither can the row.
        let last = match (usable(mean), spread) {
            (true, true) => (power(sd) - 2).max(power(mean) - 15),
            (false, true) => power(sd) - 2,
            (true, false) => power(mean) - 4,
            (false, false) => -2,
        };
        let all = quantiles.into_iter().chain([mean, sd]);
        let largest = all.filter(|x| usable(*x)).map(f64::abs).fold(0.0, f64::max);
        match largest >= LARGE || 0.0 < largest && largest < SMALL || last < -12 {
            true => Digits::Exponent(match spread {
                true => last.max(power(largest) - 15),
                false => power(largest.max(f64::MIN_POSITIVE)) - 4,
            }),
            false => Digits::Fixed((-last).max(0) as usize),
        }
    }

    /// One of the values themselves, or a quantile of them: whole numbers have no point.
    pub(super) fn write_value(&self, x: f64, integer: bool) -> String {
        match integer && x.fract() == 0.0 && x.abs() < LARGE {
            true => format!("{x:.0}"),
            false => self.write(x),
        }
    }

    pub(super) fn write(&self, x: f64) -> String {
        if !x.is_finite() {
            return match x.is_nan() {
                true => "–".into(),
                false if x > 0.0 => "∞".into(),
                false => "-∞".into(),
            };
        }
        match *self {
            Digits::Fixed(digits) => {
                let text = format!("{x:.digits$}");
                match text.strip_prefix('-') {
                    Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
                    _ => text,
                }
            }
            Digits::Exponent(_) if x == 0.0 => "0".into(),
            Digits::Exponent(last) => {
                let digits = (x.abs().log10().floor() as i32 - last).clamp(0, 15) as usize;
                format!("{x:.digits$e}")
            }
        }
    }
}
