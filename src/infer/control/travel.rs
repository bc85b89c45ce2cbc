//! Turns the points of a walk into the exponent with which it leaves where it began.
//!
//! Iterates that go somewhere are twice as far away after twice the steps, their squared distance four times
//! as large. Iterates that noise pushes about gain no more than the steps do, and about an optimum nothing:
//! then the step size is what keeps them from it. One number for all coordinates asks of none of them more
//! than chance allows (Pesme, Dieuleveut & Flammarion 2020).

/// Squared distances from the first point, at step counts that grow by a factor.
pub(super) struct Travel {
    start: Vec<f64>,
    /// Natural lengths at the start; 1 where there are none.
    scale: Vec<f64>,
    /// Steps and squared distance.
    seen: Vec<(usize, f64)>,
}

/// Exponent of the squared distance's growth below which it counts as none.
const SATURATED: f64 = 0.6;

impl Travel {
    pub(super) fn new(start: &[f64], scale: &[f64]) -> Travel {
        Travel {
            start: start.to_vec(),
            scale: scale.to_vec(),
            seen: Vec::new(),
        }
    }

    /// Notes where the walk is, if it went an eighth further since the last time.
    pub(super) fn look(&mut self, steps: usize, x: &[f64]) {
        let last = self.seen.last().map_or(0, |(n, _)| *n);
        if 8 * steps < 9 * last {
            return;
        }
        let moved = x.iter().zip(&self.start).zip(&self.scale);
        let squares = moved.map(|((x, start), s)| ((x - start) / s).powi(2));
        self.seen.push((steps, squares.sum()));
    }

    /// Whether the squared distance hardly grew since half of the steps; so it is where nothing
    /// moves, or there is nothing to move.
    pub(super) fn wanders(&self) -> bool {
        let Some(&(steps, far)) = self.seen.last() else {
            return false;
        };
        let half = self.seen.iter().rev().find(|(n, _)| 2 * n <= steps);
        half.is_some_and(|&(n, before)| far <= before * (steps as f64 / n as f64).powf(SATURATED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::optim::problems::normals;

    /// Of 100 coordinates at `x(step, noise)`, where noise is a random walk's and another's.
    fn wanders(x: impl Fn(f64, f64, f64) -> f64) -> bool {
        let d = 100;
        let mut walk = vec![0.0; d];
        let mut travel = Travel::new(&vec![0.0; d], &vec![2.0; d]);
        for step in 1..=800 {
            let noise = normals(d, step);
            walk.iter_mut().zip(&noise).for_each(|(w, z)| *w += z);
            let at = walk.iter().zip(&noise).map(|(w, z)| x(step as f64, *w, *z));
            travel.look(step as usize, &at.collect::<Vec<_>>());
        }
        travel.wanders()
    }

    #[test]
    fn going_somewhere_is_told_from_being_pushed_about() {
        assert!(!wanders(|t, _, z| 0.1 * t + z));
        // A random walk has no place to be at.
        assert!(!wanders(|_, w, _| w));
        assert!(wanders(|_, _, z| 3.0 + z));
        // On its way to rest.
        assert!(wanders(|t, _, z| 5.0 * (1.0 - (-t / 100.0).exp()) + z));
        assert!(wanders(|_, _, _| 0.0));
    }

    #[test]
    fn without_coordinates_nothing_goes_anywhere() {
        let mut travel = Travel::new(&[], &[]);
        assert!(!travel.wanders());
        travel.look(25, &[]);
        travel.look(50, &[]);
        assert!(travel.wanders());
    }
}
