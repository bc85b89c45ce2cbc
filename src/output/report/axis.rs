//! Axes: what range of numbers a plot shows, and how its ticks are written.

use crate::output::number::exact;

/// A range of numbers, with a unit and an origin that keep its ticks short.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// Finite, and below `high`.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Ticks are differences from this number,
    origin: f64,
    /// in units of ten to this power.
    power: i32,
    /// Whether there are ticks.
    pub(super) shown: bool,
    label: String,
}

/// Sizes that ticks show as they are: from here on and below they are in a unit of the axis.
const LARGE: f64 = 1e5;
const SMALL: f64 = 1e-3;
/// What is narrower than this share of its distance from 0 has another origin.
const FAR: f64 = 1e-4;
/// What is narrower than this share of its distance from 0 cannot be told apart in a double's digits.
const NARROW: f64 = 1e-9;

impl Axis {
    /// From one number to another; `None` where they are not finite, or there is nothing between them.
    pub(super) fn new(low: f64, high: f64) -> Option<Axis> {
        let size = low.abs().max(high.abs());
        // Infinities and NaN fail this too.
        if !((high - low).is_finite() && high - low > NARROW * size && size >= f64::MIN_POSITIVE) {
            return None;
        }
        let width = high - low;
        let origin = match width < FAR * size {
            // Too round a number would leave ticks their digits, and one less round would have more than they.
            true => {
                let grain = 10f64.powf(width.log10().ceil());
                (low / grain).round() * grain
            }
            false => 0.0,
        };
        let size = (low - origin).abs().max((high - origin).abs());
        let power = match (SMALL..LARGE).contains(&size) {
            true => 0,
            false => size.log10().floor() as i32,
        };
        Some(Axis {
            low,
            high,
            origin,
            power,
            shown: true,
            label: String::new(),
        })
    }

    /// Around all finite numbers, with some room at the ends.
    pub(super) fn around(values: impl IntoIterator<Item = f64>) -> Option<Axis> {
        let (low, high) = range(values);
        let room = 0.04 * (high - low);
        Axis::new(low - room, high + room)
    }

    /// Around all finite numbers, and so wide at least.
    pub(super) fn around_at_least(
        values: impl IntoIterator<Item = f64>,
        width: f64,
    ) -> Option<Axis> {
        let (low, high) = range(values);
        let room = 0.5 * (width - (high - low)).max(0.0);
        Axis::around([low - room, high + room])
    }

    /// From 0 to the largest of some numbers, with some room above it.
    pub(super) fn from_zero(values: impl IntoIterator<Item = f64>) -> Option<Axis> {
        Axis::new(0.0, 1.06 * range(values).1)
    }

    /// The axis with words beside it.
    pub(super) fn labelled(self, label: &str) -> Axis {
        let label = label.into();
        Axis { label, ..self }
    }

    /// The axis without ticks and words.
    pub(super) fn hidden(self) -> Axis {
        Axis {
            shown: false,
            ..self
        }
    }

    pub(super) fn contains(&self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }

    /// Where a number is among the ticks.
    pub(super) fn place(&self, x: f64) -> f64 {
        self.scaled(x - self.origin)
    }

    /// A difference in the axis's unit.
    fn scaled(&self, x: f64) -> f64 {
        // In two steps: ten to the power of 308 or more is infinite or inexact.
        let half = self.power / 2;
        x / 10f64.powi(half) / 10f64.powi(self.power - half)
    }

    /// Words, unit and origin.
    pub(super) fn description(&self) -> String {
        let mut text = self.label.clone();
        if self.power != 0 {
            text += &format!(" × 1e{}", self.power);
        }
        if self.origin != 0.0 {
            let sign = if self.origin < 0.0 { '-' } else { '+' };
            text += &format!(" {sign} {}", exact(self.origin.abs()));
        }
        match self.shown {
            true => text.trim_start().into(),
            false => String::new(),
        }
    }

    /// The range in the axis's unit.
    pub(super) fn span(&self) -> std::ops::Range<f64> {
        self.place(self.low)..self.place(self.high)
    }

    /// Letters that the longest tick may have.
    pub(super) fn letters(&self) -> usize {
        let digits = self.digits();
        let std::ops::Range { start, end } = self.span();
        [start, end]
            .map(|x| format!("{x:.digits$}").len())
            .into_iter()
            .max()
            .unwrap_or(0)
    }

    /// Digits after the point that tell ticks apart, of which there may be twenty.
    fn digits(&self) -> usize {
        let step = self.scaled(self.high - self.low) / 20.0;
        (-step.log10().floor()).clamp(0.0, 15.0) as usize
    }

    /// A tick in the axis's unit, with no more digits than the distance between ticks asks for.
    pub(super) fn tick(&self, x: f64) -> String {
        let digits = self.digits();
        let text = format!("{x:.digits$}");
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        match text {
            "-0" => "0".into(),
            _ => text.into(),
        }
    }
}

/// The smallest and the largest of the finite numbers; infinite, the wrong way round, where there are none.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|x| x.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
        (low.min(x), high.max(x))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short_whatever_the_size() {
        let ticks = |low, high, x| {
            let axis = Axis::new(low, high).expect("there is something between");
            (axis.tick(axis.place(x)), axis.description())
        };
        let plain = |text: &str| (text.to_string(), String::new());
        assert_eq!(ticks(-3.0, 3.0, 0.30000000000000004), plain("0.3"));
        assert_eq!(ticks(0.0, 1000.0, 200.0), plain("200"));
        assert_eq!(ticks(2000.0, 2000.4, 2000.05), plain("2000.05"));
        assert_eq!(
            ticks(2000.003, 2000.02, 2000.005),
            ("0.005".into(), "+ 2000".into())
        );
        assert_eq!(
            ticks(-4e20, -4e20 + 1e14, -4e20 + 5e13),
            ("5".into(), "× 1e13 - 4e20".into())
        );
        assert_eq!(ticks(-1.0, 1.0, -1e-18), plain("0"));
        assert_eq!(ticks(0.0, 4e20, 2e20), ("2".into(), "× 1e20".into()));
        assert_eq!(ticks(0.0, 4e-300, 2e-300), ("2".into(), "× 1e-300".into()));
    }

    #[test]
    fn what_cannot_be_drawn_has_no_axis() {
        let nothing = [
            (1.0, 1.0),
            (2.0, 1.0),
            (0.0, f64::INFINITY),
            (f64::NAN, 1.0),
            (-f64::MAX, f64::MAX),
            (1e18, 1e18 + 512.0),
            (0.0, 5e-324),
        ];
        for (low, high) in nothing {
            assert_eq!(Axis::new(low, high), None, "{low} {high}");
        }
        assert_eq!(Axis::around([f64::NAN, f64::INFINITY]), None);
        assert_eq!(Axis::from_zero([]), None);
    }
}
