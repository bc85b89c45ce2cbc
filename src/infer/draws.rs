//! Turns a seed into the fixed noise draws of a deterministic variational objective.
//!
//! A Gaussian target enters the objective only through the first two moments of the draws. Draws
//! whose sample mean is 0 and whose sample second-moment matrix is the identity therefore give its
//! optimum without any sampling error, however few they are.

use nalgebra::{Cholesky, DMatrix};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Standard Normal draws in antithetic pairs, adjusted so that their low moments are exact.
///
/// The result is `s` rows of `d` columns, row after row. Rows `2i` and `2i + 1` are `z` and `−z`,
/// so every odd moment is 0. Each column has second moment 1, `Σₛ ε²ₛⱼ / s = 1`. Where `s / 2 ≥ d`
/// the columns are also orthogonal, `εᵀε / s = I`, which makes the deterministic objective of a
/// Gaussian target equal to its expectation up to rounding; with fewer draws than that, no set of
/// antithetic pairs can do so, and only the columns' own moments are exact. So it is, too, where
/// `s d² / 2` exceeds 2²⁹, since orthogonalising would take longer than what it saves.
///
/// For odd `s` the last row is 0; a single row (`s = 1`) is 0 and so has no second moment.
/// The same arguments always give the same draws.
///
/// Giordano, Ingram & Broderick (2024), "Black box variational inference with a deterministic
/// objective", use plain draws; antithetic ones are due to Hammersley & Morton (1956).
///
/// ```
/// let eps = elbo::infer::draws::antithetic_whitened(8, 2, 1);
/// let cross: f64 = (0..8).map(|s| eps[2 * s] * eps[2 * s + 1]).sum();
/// assert!(cross.abs() < 1e-12);
/// ```
pub fn antithetic_whitened(s: usize, d: usize, seed: u64) -> Vec<f64> {
    let half = s / 2;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let normals = std::iter::repeat_with(|| rng.sample(StandardNormal));
    let mut columns = DMatrix::from_iterator(half, d, normals.take(half * d));
    if half >= d && half.saturating_mul(d * d) <= 1 << 29 {
        columns = orthogonalised(columns);
    }
    let length = (s as f64 / 2.0).sqrt();
    for mut column in columns.column_iter_mut() {
        let norm = column.norm();
        if norm > 0.0 {
            column *= length / norm;
        }
    }

    let mut draws = vec![0.0; s * d];
    for (j, column) in columns.column_iter().enumerate() {
        for (i, &z) in column.iter().enumerate() {
            draws[2 * i * d + j] = z;
            draws[(2 * i + 1) * d + j] = -z;
        }
    }
    draws
}

/// Passes that make columns orthogonal, at most; two do unless there are about as many as rows.
const PASSES: usize = 6;

/// An orthonormal basis of the columns' span, by Cholesky decompositions of their Gram matrix: a pass
/// leaves an error of the squared condition number times the rounding error, which the next one
/// removes. Where rounding makes the Gram matrix indefinite, a small multiple of the identity helps.
///
/// Fukaya, Kannan, Nakatsukasa, Yamamoto & Yanagisawa (2020), "Shifted Cholesky QR for computing the
/// QR factorization of ill-conditioned matrices".
fn orthogonalised(mut columns: DMatrix<f64>) -> DMatrix<f64> {
    let (rows, d) = columns.shape();
    let identity = DMatrix::identity(d, d);
    for _ in 0..PASSES {
        let gram = columns.transpose() * &columns;
        if (&gram - &identity).amax() < 1e-13 {
            break;
        }
        let shift = 11.0 * ((rows + d) * d) as f64 * (0.5 * f64::EPSILON) * gram.trace();
        let cholesky = Cholesky::new(gram.clone())
            .or_else(|| Cholesky::new(gram + DMatrix::from_diagonal_element(d, d, shift)));
        let inverse = cholesky.and_then(|c| c.l().solve_lower_triangular(&identity));
        match inverse {
            Some(inverse) => columns *= inverse.transpose(),
            None => break,
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample second moment of columns `i` and `j`.
    fn second_moment(eps: &[f64], s: usize, d: usize, i: usize, j: usize) -> f64 {
        (0..s).map(|r| eps[r * d + i] * eps[r * d + j]).sum::<f64>() / s as f64
    }

    #[test]
    fn moments_are_exact_for_many_shapes() {
        for (s, d) in [
            (2, 1),
            (6, 3),
            (30, 7),
            (31, 7),
            (40, 20),
            (200, 100),
            (8, 20),
            (2, 5),
            (3, 1),
        ] {
            let eps = antithetic_whitened(s, d, 7);
            assert_eq!(eps.len(), s * d);
            for j in 0..d {
                let mean: f64 = (0..s).map(|r| eps[r * d + j]).sum::<f64>() / s as f64;
                // Rounding of sums of at most 200 terms of order 1.
                assert!(mean.abs() < 1e-13, "mean of column {j} of {s}x{d}: {mean}");
                let var = second_moment(&eps, s, d, j, j);
                assert!(
                    (var - 1.0).abs() < 1e-12,
                    "second moment of column {j} of {s}x{d}: {var}"
                );
                for i in 0..j {
                    let cross = second_moment(&eps, s, d, i, j);
                    assert!(
                        s / 2 < d || cross.abs() < 1e-12,
                        "columns {i}, {j} of {s}x{d}: {cross}"
                    );
                }
            }
        }
    }

    #[test]
    fn rows_come_in_antithetic_pairs() {
        let eps = antithetic_whitened(12, 4, 3);
        for pair in eps.chunks(8) {
            assert!((0..4).all(|j| pair[j] == -pair[4 + j] && pair[j] != 0.0));
        }
    }

    #[test]
    fn the_odd_row_is_zero_and_empty_shapes_are_empty() {
        let eps = antithetic_whitened(5, 2, 0);
        assert_eq!(&eps[8..], &[0.0, 0.0]);
        assert_eq!(antithetic_whitened(1, 3, 0), vec![0.0; 3]);
        assert!(antithetic_whitened(0, 3, 0).is_empty());
        assert!(antithetic_whitened(4, 0, 0).is_empty());
    }

    #[test]
    fn seeds_repeat_and_differ() {
        assert_eq!(antithetic_whitened(10, 3, 5), antithetic_whitened(10, 3, 5));
        assert_ne!(antithetic_whitened(10, 3, 5), antithetic_whitened(10, 3, 6));
    }

    #[test]
    fn fourth_moments_stay_near_the_normal_ones() {
        // 1000 draws in 5 columns: the mean fourth moment has standard error sqrt(96/2500) = 0.2.
        let eps = antithetic_whitened(1000, 5, 11);
        let fourth = eps.iter().map(|z| z.powi(4)).sum::<f64>() / eps.len() as f64;
        assert!((fourth - 3.0).abs() < 0.6, "{fourth}");
    }
}
