//! Turns the curvature at an optimum into how much wider the posterior is than the guide.
//!
//! Shift the log density by a linear function of a latent and the optimum moves; how far is the latent's
//! posterior variance (linear response; Giordano, Broderick & Jordan 2018). A mean-field guide has the
//! variance of the latent with all others held, which is less. In natural lengths the inverse of the
//! objective's Hessian holds the ratio on its diagonal, and the smallest eigenvalue, which Lanczos' method
//! finds in some tens of Hessian products, says where it is large.

use super::objective::{Elbo, FixedDraws};
use super::optim::{
    Budget, NonFinite, Objective, add_scaled, dot, in_natural_lengths, natural_lengths,
};
use nalgebra::{DMatrix, Dyn, SymmetricEigen};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The latents whose sds the guide underrates most.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Response {
    /// Sd by linear response, in sds of the guide; ∞ where the curvature is 0.
    pub(super) widening: f64,
    /// The guide's parameter, a mean, of which that is said.
    pub(super) parameter: usize,
    /// That of the latent it is correlated with most, if any.
    pub(super) other: Option<usize>,
}

impl Response {
    /// From here on it is worth a word.
    pub(super) const NOTABLE: f64 = 2.0;
    /// From here on the curvature may as well be 0.
    pub(super) const IMPROPER: f64 = 1e5;
}

/// Hessian products, at most.
const PRODUCTS: usize = 40;
/// Draws over which they are averaged, at most: two digits of the answer are enough.
const DRAWS: usize = 64;
/// Draws at least before a posterior is called improper.
const MANY: usize = 512;
/// A part of the eigenvector below this does not count.
const NOTABLE_PART: f64 = 0.1;

/// Looks for the latent whose sd the guide underrates most at the optimum `x`, which `draws` draws were enough
/// to find. `None` without latents, or where time is up.
pub(super) fn response(
    elbo: &mut Elbo,
    x: &[f64],
    draws: usize,
    seed: u64,
    budget: &Budget,
) -> Option<Response> {
    let (guide_dim, latents) = (elbo.guide_dim(), elbo.locations());
    if latents == 0 || budget.interrupted() {
        return None;
    }
    // A guide with correlations has its own curvature only from more draws than it has parameters.
    let enough = match guide_dim > 2 * latents {
        true => DRAWS.max(2 * guide_dim),
        false => DRAWS,
    };
    let found = averaged(elbo, x, draws.min(enough), seed, budget)?;
    // Few draws may curve the other way where all of them do not.
    match found.widening >= Response::IMPROPER && draws.min(enough) < MANY.max(draws) {
        true => averaged(elbo, x, MANY.max(draws), seed, budget),
        false => Some(found),
    }
}

/// The same by the curvature of so many draws.
fn averaged(
    elbo: &mut Elbo,
    x: &[f64],
    draws: usize,
    seed: u64,
    budget: &Budget,
) -> Option<Response> {
    let (guide_dim, latents) = (elbo.guide_dim(), elbo.locations());
    let mut objective = FixedDraws::new(elbo, draws, seed).within(budget);
    let scale = natural_lengths(&objective, x);
    // Learned parameters are held: they have no natural length.
    let (mut whole, mut image) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let product = in_natural_lengths(&scale[..guide_dim], |v, out| {
        whole[..guide_dim].copy_from_slice(v);
        objective.hess_vec(x, &whole, &mut image)?;
        out.copy_from_slice(&image[..guide_dim]);
        Ok(())
    });
    let found = Lanczos::of(guide_dim, seed, product).ok()?;
    let softest = found.softest();
    let mut parts: Vec<(usize, f64)> = softest.into_iter().enumerate().take(latents).collect();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let parameter = parts[0].0;
    let other = parts.get(1).filter(|o| o.1.abs() > NOTABLE_PART);
    Some(Response {
        widening: found.inverse(parameter).sqrt(),
        parameter,
        other: other.map(|o| o.0),
    })
}

/// What some products of a symmetric matrix with vectors tell of its small eigenvalues: those of its
/// projection, by Lanczos' method with complete orthogonalisation (Golub & Van Loan, "Matrix
/// Computations", §10.1 to §10.3).
struct Lanczos {
    basis: Vec<Vec<f64>>,
    eigen: SymmetricEigen<f64, Dyn>,
}

impl Lanczos {
    fn of(
        dim: usize,
        seed: u64,
        mut product: impl FnMut(&[f64], &mut [f64]) -> Result<(), NonFinite>,
    ) -> Result<Lanczos, NonFinite> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut next: Vec<f64> = (0..dim).map(|_| rng.random::<f64>() - 0.5).collect();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
        let mut length = dot(&next, &next).sqrt();
        while basis.len() < dim.min(PRODUCTS) {
            let unit: Vec<f64> = next.iter().map(|v| v / length).collect();
            product(&unit, &mut next)?;
            let whole = dot(&next, &next).sqrt();
            diagonal.push(dot(&unit, &next));
            basis.push(unit);
            // Twice, as once loses orthogonality to rounding.
            for _ in 0..2 {
                for b in &basis {
                    let overlap = dot(b, &next);
                    add_scaled(&mut next, -overlap, b);
                }
            }
            length = dot(&next, &next).sqrt();
            beside.push(length);
            // The space that products reach is exhausted.
            if length <= ROUNDING * whole {
                break;
            }
        }
        let size = basis.len();
        let tridiagonal = DMatrix::from_fn(size, size, |i, j| match i.abs_diff(j) {
            0 => diagonal[i],
            1 => beside[i.min(j)],
            _ => 0.0,
        });
        let eigen = SymmetricEigen::new(tridiagonal);
        Ok(Lanczos { basis, eigen })
    }

    /// The eigenvector of the smallest eigenvalue.
    fn softest(&self) -> Vec<f64> {
        let least = self.eigen.eigenvalues.imin();
        let mut vector = vec![0.0; self.basis[0].len()];
        for (b, weight) in self
            .basis
            .iter()
            .zip(&self.eigen.eigenvectors.column(least))
        {
            add_scaled(&mut vector, *weight, b);
        }
        vector
    }

    /// An element on the diagonal of the inverse, as if the matrix were the identity where products did
    /// not reach; infinite where an eigenvalue is 0 or negative.
    fn inverse(&self, i: usize) -> f64 {
        let rounding = ROUNDING * self.eigen.eigenvalues.amax();
        let (mut sum, mut left) = (0.0, 1.0);
        for (k, &value) in self.eigen.eigenvalues.iter().enumerate() {
            let column = self.eigen.eigenvectors.column(k);
            let part = self.basis.iter().zip(&column).map(|(b, w)| b[i] * w);
            let weight = part.sum::<f64>().powi(2);
            left -= weight;
            sum += match value > rounding {
                true => weight / value,
                false if weight > ROUNDING => f64::INFINITY,
                false => 0.0,
            };
        }
        sum + left.max(0.0)
    }
}

/// Relative size of what rounding leaves of 0.
const ROUNDING: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_softest_direction_among_many_is_found() {
        // Ones, but for one small eigenvalue along a direction of two coordinates.
        let (dim, rho) = (200, 0.999);
        let product = |v: &[f64], out: &mut [f64]| {
            out.copy_from_slice(v);
            out[3] += rho * v[7];
            out[7] += rho * v[3];
            Ok(())
        };
        let found = Lanczos::of(dim, 1, product).expect("it is finite");
        let vector = found.softest();
        assert!((vector[3] + vector[7]).abs() < 1e-6);
        assert!((vector[3].powi(2) - 0.5).abs() < 1e-6);
        let inverse = 1.0 / (1.0 - rho * rho);
        assert!((found.inverse(3) / inverse - 1.0).abs() < 1e-6);
        assert!((found.inverse(5) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn along_a_flat_direction_the_inverse_is_infinite() {
        let product = |v: &[f64], out: &mut [f64]| {
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            let rest = out.iter_mut().zip(v);
            rest.for_each(|(o, v)| *o = 3.0 * (v - mean));
            Ok(())
        };
        let found = Lanczos::of(5, 1, product).expect("it is finite");
        let even = |v: &f64| (v.abs() - 0.2f64.sqrt()).abs() < 1e-6;
        assert!(found.softest().iter().all(even));
        assert_eq!(found.inverse(0), f64::INFINITY);
    }
}
