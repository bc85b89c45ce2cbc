//! A Normal in unconstrained space with all correlations.

use super::{Guide, Layout, Stretch};
use crate::dist::LOG_SQRT_2PI;
use crate::graph::{Graph, Tensor, Var};
use crate::ops::contract;

/// `q(u) = N(u | μ, L Lᵀ)`, `L` lower triangular with diagonal `e^ω`; parameters are all means `μ`, block by
/// block, then `ω`, then what is below the diagonal of `L`, row by row.
///
/// Kucukelbir et al. (2017), "Automatic differentiation variational inference".
///
/// ```
/// use elbo::guide::{FullRank, Guide, Layout, Stretch};
/// let u = Stretch { name: "u".into(), size: 3 };
/// let guide = FullRank::new(Layout { blocks: vec![u] });
/// let params = guide.init(&[3.0, -1.0, 0.0], &[0.5, 2.0, 1.0]);
/// assert_eq!(params.len(), 3 + 3 + 3);
/// assert_eq!(guide.moments(&params).1, [0.5, 2.0, 1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct FullRank {
    layout: Layout,
}

impl FullRank {
    pub fn new(layout: Layout) -> FullRank {
        FullRank { layout }
    }

    /// Means, log diagonal, and what is below it.
    fn parts<'p>(&self, params: &'p [f64]) -> (&'p [f64], &'p [f64], &'p [f64]) {
        let size = self.layout.size();
        let (means, rest) = params.split_at(size);
        let (log_diagonal, below) = rest.split_at(size);
        (means, log_diagonal, below)
    }

    /// Sds of the coordinates: lengths of the rows of `L`.
    fn sds(&self, params: &[f64]) -> Vec<f64> {
        let (_, log_diagonal, below) = self.parts(params);
        let row = |(i, w): (usize, &f64)| {
            let others = &below[i * i.saturating_sub(1) / 2..][..i];
            let squares: f64 = others.iter().map(|l| l * l).sum();
            ((2.0 * w).exp() + squares).sqrt()
        };
        log_diagonal.iter().enumerate().map(row).collect()
    }

    /// The matrix `L`.
    fn factor<'g>(&self, log_diagonal: Var<'g>, below: Var<'g>) -> Var<'g> {
        let size = self.layout.size();
        let places = (0..size).flat_map(|i| (0..i).map(move |j| (i * size + j) as f64));
        let places = Tensor::vector(places.collect::<Vec<_>>());
        let places = below.graph.constant(places);
        let lower = below.scatter_add(0, size * size, places);
        lower.reshape(&[size, size]) + log_diagonal.exp().diagonal_matrix()
    }
}

impl Guide for FullRank {
    fn name(&self) -> &'static str {
        "full_rank"
    }

    fn parameters(&self) -> Vec<Stretch> {
        let size = self.layout.size();
        let stretch = |name: &str, size| Stretch {
            name: name.into(),
            size,
        };
        let means = self.layout.blocks.iter();
        let means = means.map(|b| stretch(&format!("mean of {}", b.name), b.size));
        let factor = [
            stretch("log diagonal", size),
            stretch("below the diagonal", size * size.saturating_sub(1) / 2),
        ];
        means.chain(factor).collect()
    }

    fn noise_size(&self) -> usize {
        self.layout.size()
    }

    fn sample<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>> {
        let (means, factor) = params.split_at(self.layout.blocks.len());
        let factor = self.factor(factor[0], factor[1]);
        let draws = contract(noise, &[0, 1], factor, &[2, 1], &[0, 2]);
        let parts = self.layout.split(draws);
        means.iter().zip(parts).map(|(m, part)| *m + part).collect()
    }

    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g> {
        let log_diagonal = params[self.layout.blocks.len()];
        let squares = noise.square().sum_axes(&[0]) * -0.5;
        squares - log_diagonal.sum() - LOG_SQRT_2PI * self.layout.size() as f64
    }

    fn entropy<'g>(&self, params: &[Var<'g>], _graph: &'g Graph) -> Var<'g> {
        let log_diagonal = params[self.layout.blocks.len()];
        log_diagonal.sum() + (LOG_SQRT_2PI + 0.5) * self.layout.size() as f64
    }

    fn init(&self, centre: &[f64], sd: &[f64]) -> Vec<f64> {
        let below = centre.len() * centre.len().saturating_sub(1) / 2;
        let log_sds = sd.iter().map(|s| s.ln());
        let mut params: Vec<f64> = centre.iter().copied().chain(log_sds).collect();
        params.resize(params.len() + below, 0.0);
        params
    }

    fn latent(&self, parameter: usize) -> usize {
        let size = self.layout.size();
        if parameter < 2 * size {
            return parameter % size;
        }
        let below = parameter - 2 * size;
        // The row whose first element is the last that is not beyond it.
        (1..size).rfind(|i| i * (i - 1) / 2 <= below).unwrap_or(0)
    }

    fn scale(&self, params: &[f64], out: &mut [f64]) {
        let size = self.layout.size();
        let sds = self.sds(params);
        out[..size].copy_from_slice(&sds);
        out[size..2 * size].fill(1.0);
        let rows = (0..size).flat_map(|i| std::iter::repeat_n(sds[i], i));
        out[2 * size..]
            .iter_mut()
            .zip(rows)
            .for_each(|(o, s)| *o = s);
    }

    fn moments(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (self.parts(params).0.to_vec(), self.sds(params))
    }
}
