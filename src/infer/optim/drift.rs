//! Turns the points of a run into the coordinate that runs away, if there is one.
//!
//! Where the ELBO has no maximum, as for an improper posterior, an optimiser climbs for ever: a coordinate
//! goes on and on in one direction, or its sd shrinks until no number can tell it from its mean. A run that
//! converges moves less with every doubling of its steps.

/// Watches a run at step counts that double.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// The step of the next look.
    next: usize,
    /// Natural lengths that a coordinate has to move between looks.
    far: f64,
    /// The point of the last look, and natural lengths there.
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// Moves of every coordinate up to it, in natural lengths at its end.
    moves: Option<Vec<f64>>,
    /// Whose natural lengths shrank by half up to it.
    shrunk: Vec<bool>,
    /// Steps for which some coordinate was lost.
    lost: usize,
}

/// What goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Runaway {
    /// The fastest coordinate.
    pub(crate) coordinate: usize,
    /// The last move of every coordinate that goes on, 0 of others; none where it leads to a point.
    pub(crate) course: Option<Vec<f64>>,
}

/// A move of a coordinate that settles is shorter than so many of the one before, and so is a natural length
/// that shrinks to nothing.
const SHRINKING: f64 = 0.5;
/// Steps that a coordinate has to be lost for: at a bad start it may be for a few.
const LOST: usize = 10;

impl Drift {
    /// First looks after `first` steps; at the third one there may be an answer. A coordinate runs away
    /// that has moved by more than `far` of its natural lengths in the same direction each time, and about as
    /// far as before or further.
    pub(crate) fn new(first: usize, far: f64) -> Drift {
        Drift {
            next: first,
            far,
            last: None,
            moves: None,
            shrunk: Vec::new(),
            lost: 0,
        }
    }

    /// What runs away after `steps` steps, at `x` with natural lengths `scale`.
    pub(crate) fn look(&mut self, steps: usize, x: &[f64], scale: &[f64]) -> Option<Runaway> {
        let lost = unresolved(x, scale);
        self.lost = if lost.is_some() { self.lost + 1 } else { 0 };
        if self.lost >= LOST {
            return lost.map(|coordinate| Runaway {
                coordinate,
                course: None,
            });
        }
        if steps < self.next {
            return None;
        }
        self.next = 2 * steps;
        let (last, lengths) = self.last.replace((x.to_vec(), scale.to_vec()))?;
        let shrinks = scale.iter().zip(&lengths);
        let shrinks = shrinks.map(|(s, l)| *s < SHRINKING * l).collect();
        let moved = x.iter().zip(&last).zip(scale);
        let moves: Vec<f64> = moved.map(|((x, l), s)| (x - l) / s).collect();
        let shrunk = std::mem::replace(&mut self.shrunk, shrinks);
        let narrows = self
            .shrunk
            .iter()
            .zip(shrunk)
            .any(|(now, then)| *now && then);
        let before = self.moves.replace(moves.clone())?;
        // The shorter move of both, where they are as a runaway's.
        let pace = |i: &usize| match moves[*i] / before[*i] > SHRINKING {
            true => moves[*i].abs().min(before[*i].abs()),
            false => 0.0,
        };
        let fastest = (0..x.len()).max_by(|i, j| pace(i).total_cmp(&pace(j)));
        let coordinate = fastest.filter(|i| pace(i) > self.far)?;
        let own = (0..x.len()).map(|i| match pace(&i) > self.far {
            true => x[i] - last[i],
            false => 0.0,
        });
        Some(Runaway {
            coordinate,
            course: (!narrows).then(|| own.collect()),
        })
    }
}

/// A coordinate whose natural length is below the distance of neighbouring numbers.
pub(crate) fn unresolved(x: &[f64], scale: &[f64]) -> Option<usize> {
    let mut lost = x.iter().zip(scale);
    lost.position(|(x, s)| *s < 4.0 * f64::EPSILON * x.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: impl Fn(f64) -> f64, scale: impl Fn(f64) -> f64) -> Option<usize> {
        let mut drift = Drift::new(128, 1.0);
        (1..5000).find(|&step| {
            let t = step as f64;
            drift
                .look(step, &[0.0, path(t)], &[1.0, scale(t)])
                .inspect(|away| assert_eq!(away.coordinate, 1))
                .is_some()
        })
    }

    #[test]
    fn what_goes_on_for_ever_is_told_from_what_settles() {
        assert_eq!(run(|t| t, |_| 1.0), Some(512));
        assert_eq!(run(|t| -t.powi(3), |t| t.powi(3) / 5.0), Some(512));
        assert_eq!(run(|t| 2.0 * t.ln(), |_| 1.0), Some(512));
        assert_eq!(run(|t| 1e3 * (-t / 60.0).exp(), |_| 1.0), None);
        assert_eq!(run(|t| 1e6 / t / t, |_| 1.0), None);
        assert_eq!(run(|t| 5.0 * t.sin(), |_| 1.0), None);
    }

    /// The course at the first answer, of a coordinate at `t` with a length of `scale(t)`.
    fn course(scale: impl Fn(f64) -> f64) -> Option<Vec<f64>> {
        let mut drift = Drift::new(128, 1.0);
        let mut looks = (1..5000).map(|t| drift.look(t, &[0.0, t as f64], &[1.0, scale(t as f64)]));
        looks.find_map(|away| away).expect("it goes on").course
    }

    #[test]
    fn there_is_a_course_unless_it_leads_to_a_point() {
        assert_eq!(course(|_| 2.0), Some(vec![0.0, 256.0]));
        assert_eq!(course(|t| 1.0 + 300.0 / t), Some(vec![0.0, 256.0]));
        assert_eq!(course(|t| t.powi(-2)), None);
    }

    #[test]
    fn a_length_below_the_resolution_of_numbers_is_told_at_once() {
        assert_eq!(run(|_| 2.0, |t| 10f64.powf(-t)), Some(24));
        assert_eq!(unresolved(&[0.0, 1e9], &[1e-300, 1e-4]), None);
    }
}
