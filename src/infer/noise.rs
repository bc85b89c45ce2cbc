//! Turns a seed and a number of a step into standard Normal noise.
//!
//! Each step or block of draws has a stream of its own, so that what it is does not depend on which
//! others were made, nor in what order, nor by which thread.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Fills `out` with independent standard Normal numbers.
pub(crate) fn normals(seed: u64, stream: u64, out: &mut [f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    out.iter_mut().for_each(|z| *z = rng.sample(StandardNormal));
}

/// Fills `out` with whole numbers below 2³² for [`Sampled`](crate::dist::Sampled), from a generator that
/// [`normals`] does not use.
pub(crate) fn keys(seed: u64, stream: u64, out: &mut [f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15);
    rng.set_stream(stream);
    out.iter_mut()
        .for_each(|k| *k = f64::from(rng.random::<u32>()));
}

/// Fills rows of `width` standard Normal numbers; rows `2i` and `2i + 1` are opposite, an odd last one
/// is on its own. Every row is standard Normal, so averages over them are unbiased.
pub(crate) fn antithetic_normals(seed: u64, stream: u64, width: usize, out: &mut [f64]) {
    if width == 0 {
        return;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    for pair in out.chunks_mut(2 * width) {
        let (first, second) = pair.split_at_mut(width);
        first
            .iter_mut()
            .for_each(|z| *z = rng.sample(StandardNormal));
        second.iter_mut().zip(first).for_each(|(b, a)| *b = -*a);
    }
}
