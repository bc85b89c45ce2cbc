//! Random starts of learned parameters: a row each. They break the symmetry of the units of a network.
//!
//! A weight matrix has the shape `[out, in]`, a kernel of a convolution `[out, in, …]`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// A rule for where a parameter starts, in unconstrained space.
pub struct Initialiser {
    pub name: &'static str,
    /// As it is written: `normal(sd)`.
    pub signature: &'static str,
    pub doc: &'static str,
    /// How many numbers it takes.
    pub numbers: usize,
    draw: Draw,
    /// From fan-in, fan-out and the numbers given: the standard deviation, or half the width.
    spread: fn(f64, f64, &[f64]) -> f64,
}

#[derive(Clone, Copy)]
enum Draw {
    Normal,
    Uniform,
}

/// Every initialiser.
pub static INITIALISERS: &[Initialiser] = &[
    Initialiser {
        name: "glorot",
        signature: "glorot()",
        doc: "Uniform within ±√(6 / (in + out)): Glorot & Bengio (2010).",
        numbers: 0,
        draw: Draw::Uniform,
        spread: |fan_in, fan_out, _| (6.0 / (fan_in + fan_out)).sqrt(),
    },
    Initialiser {
        name: "he",
        signature: "he()",
        doc: "Normal with variance 2 / in, for units that are cut off at 0: He et al. (2015).",
        numbers: 0,
        draw: Draw::Normal,
        spread: |fan_in, _, _| (2.0 / fan_in).sqrt(),
    },
    Initialiser {
        name: "normal",
        signature: "normal(sd)",
        doc: "Normal with mean 0 and this standard deviation.",
        numbers: 1,
        draw: Draw::Normal,
        spread: |_, _, numbers| numbers[0],
    },
];

/// The initialiser of a name.
pub fn initialiser(name: &str) -> Option<&'static Initialiser> {
    INITIALISERS.iter().find(|i| i.name == name)
}

impl Initialiser {
    /// `size` numbers for a parameter of this shape. They depend on the parameter's name and on nothing
    /// else, so that a program starts at the same place in every run.
    pub fn start(&self, name: &str, shape: &[usize], size: usize, numbers: &[f64]) -> Vec<f64> {
        // Extents of 0 leave nothing to start.
        let extent = |n: usize| n.max(1) as f64;
        let (fan_in, fan_out) = match shape {
            [] => (1.0, 1.0),
            [n] => (extent(*n), 1.0),
            [out, within, rest @ ..] => {
                let field: f64 = rest.iter().map(|&n| extent(n)).product();
                (extent(*within) * field, extent(*out) * field)
            }
        };
        let spread = (self.spread)(fan_in, fan_out, numbers);
        let mut rng = ChaCha8Rng::seed_from_u64(fnv(name));
        let unit = || match self.draw {
            Draw::Normal => rng.sample(StandardNormal),
            Draw::Uniform => rng.random_range(-1.0..1.0),
        };
        let units: Vec<f64> = std::iter::repeat_with(unit).take(size).collect();
        units.into_iter().map(|x| spread * x).collect()
    }
}

impl std::fmt::Debug for Initialiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.signature)
    }
}

/// The FNV-1a hash: the same in every build.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_the_papers() {
        let variance = |name: &str, shape: &[usize], numbers: &[f64]| {
            let start = initialiser(name)
                .expect("a row")
                .start("w", shape, 40_000, numbers);
            start.iter().map(|x| x * x).sum::<f64>() / start.len() as f64
        };
        // A uniform of half width h has variance h²/3; four standard errors of 40,000 squares are below 3 %.
        let near = |found: f64, truth: f64| assert!((found / truth - 1.0).abs() < 0.03, "{found}");
        near(variance("glorot", &[100, 400], &[]), 2.0 / 500.0);
        near(variance("he", &[100, 400], &[]), 2.0 / 400.0);
        near(variance("he", &[8, 4, 3, 3], &[]), 2.0 / 36.0);
        near(variance("normal", &[7], &[0.1]), 0.01);
    }

    #[test]
    fn starts_differ_by_name_alone() {
        let he = initialiser("he").expect("a row");
        assert_eq!(he.start("a.w", &[3], 3, &[]), he.start("a.w", &[3], 3, &[]));
        assert_ne!(he.start("a.w", &[3], 3, &[]), he.start("b.w", &[3], 3, &[]));
    }
}
