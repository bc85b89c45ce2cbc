//! Turns a direction into a step along it that satisfies the strong Wolfe conditions.
//!
//! The step is first bracketed, then the bracket is narrowed by cubic interpolation. A point where
//! the objective is not finite is an end of the bracket like any other, only one that says nothing
//! about where inside it to look.

/// A finite point of the line.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// Distance along the direction.
    pub(crate) t: f64,
    pub(crate) value: f64,
    /// Directional derivative there.
    pub(crate) slope: f64,
    pub(crate) x: Vec<f64>,
    pub(crate) g: Vec<f64>,
}

/// Share of the promised decrease that must be had (Wolfe's first constant).
const DECREASE: f64 = 1e-4;
/// Share of the slope that may remain (Wolfe's second constant).
const CURVATURE: f64 = 0.9;
/// Most evaluations on one line.
const MOST_TRIALS: usize = 40;

/// The far end of the bracket.
enum Far {
    Unknown,
    NonFinite(f64),
    Finite(f64, f64, f64),
}

/// Searches along a line from `start` (at `t = 0`, with negative slope), trying `t` first.
///
/// `eval` gives the point at a distance, `None` where it is not finite. `noise` is how far two values
/// may differ by rounding. The result is the best point with sufficient decrease, `None` if there
/// is none. Nocedal & Wright (2006), algorithms 3.5 and 3.6.
pub(crate) fn strong_wolfe(
    start: &Trial,
    mut t: f64,
    noise: f64,
    eval: &mut dyn FnMut(f64) -> Option<Trial>,
) -> Option<Trial> {
    let mut near = start.clone();
    let mut far = Far::Unknown;
    for _ in 0..MOST_TRIALS {
        match eval(t) {
            None => far = Far::NonFinite(t),
            Some(trial) => {
                let enough = start.value + DECREASE * trial.t * start.slope + noise;
                let worse = near.t > 0.0 && trial.value >= near.value + noise;
                if trial.value > enough || worse {
                    far = Far::Finite(trial.t, trial.value, trial.slope);
                } else if trial.slope.abs() <= CURVATURE * start.slope.abs() {
                    return Some(trial);
                } else {
                    let outwards = far.t().map_or(1.0, |f| f - near.t);
                    if trial.slope * outwards >= 0.0 {
                        far = Far::Finite(near.t, near.value, near.slope);
                    }
                    let previous = std::mem::replace(&mut near, trial);
                    if let Far::Unknown = far {
                        t = extrapolate(&previous, &near);
                        continue;
                    }
                }
            }
        }
        t = inside(&near, &far);
        if (t - near.t).abs() <= f64::EPSILON * t.abs() {
            break;
        }
    }
    (near.t > 0.0).then_some(near)
}

impl Far {
    fn t(&self) -> Option<f64> {
        match *self {
            Far::Unknown => None,
            Far::NonFinite(t) | Far::Finite(t, _, _) => Some(t),
        }
    }
}

/// Where the slope would vanish if it went on changing as it did, held between 2 and 10 times as far.
fn extrapolate(before: &Trial, now: &Trial) -> f64 {
    let secant = now.t - now.slope * (now.t - before.t) / (now.slope - before.slope);
    let (least, most) = (2.0 * now.t, 10.0 * now.t);
    if now.slope > before.slope {
        secant.clamp(least, most)
    } else {
        most
    }
}

/// The next point within the bracket: the minimum of the cubic through both ends, kept away from them.
fn inside(near: &Trial, far: &Far) -> f64 {
    let Far::Finite(t, value, slope) = *far else {
        let edge = far.t().unwrap_or(near.t);
        return near.t + 0.2 * (edge - near.t);
    };
    let width = t - near.t;
    let d1 = near.slope + slope - 3.0 * (value - near.value) / width;
    let d2 = (d1 * d1 - near.slope * slope).sqrt().copysign(width);
    let share = 1.0 - (slope + d2 - d1) / (slope - near.slope + 2.0 * d2);
    // NaN where the cubic has no minimum.
    near.t
        + width
            * if share.is_nan() {
                0.5
            } else {
                share.clamp(0.05, 0.95)
            }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(f: fn(f64) -> f64, df: fn(f64) -> f64, first: f64) -> (Option<Trial>, usize) {
        let at = |t: f64| Trial {
            t,
            value: f(t),
            slope: df(t),
            x: vec![t],
            g: vec![df(t)],
        };
        let mut count = 0;
        let found = strong_wolfe(&at(0.0), first, 0.0, &mut |t| {
            count += 1;
            f(t).is_finite().then(|| at(t))
        });
        (found, count)
    }

    #[test]
    fn short_and_long_first_steps_end_near_the_minimum() {
        for first in [1e-6, 1e-3, 0.5, 1.0, 30.0, 1e6] {
            let (found, count) = search(
                |t| (t - 1.0).powi(4) + t * t,
                |t| 4.0 * (t - 1.0).powi(3) + 2.0 * t,
                first,
            );
            let slope = found.expect("the line has a minimum").slope;
            // 0.9 of the slope of −4 at the start.
            assert!(
                slope.abs() <= 3.6 && count <= 20,
                "slope {slope} after {count} from {first}"
            );
        }
    }

    #[test]
    fn a_wall_of_non_finite_values_is_kept_off() {
        let f = |t: f64| -(1.0 - t).ln() - 2.0 * t; // finite below 1, lowest at 0.5
        let (found, count) = search(f, |t| 1.0 / (1.0 - t) - 2.0, 100.0);
        let t = found.expect("the line has a minimum").t;
        assert!(t > 0.0 && t < 1.0 && count < 15, "{t} after {count}");
    }

    #[test]
    fn an_ascent_is_refused() {
        assert!(search(|t| t, |_| -1.0, 1.0).0.is_none());
    }
}
