//! Independent Normals in unconstrained space.

use super::{Guide, Layout, Stretch};
use crate::dist::LOG_SQRT_2PI;
use crate::graph::{Graph, Var};
use crate::special::exp_block;

/// `q(u) = Π N(uᵢ | μᵢ, e^ωᵢ)`; parameters are all means `μ`, then all log sds `ω`, block by block.
///
/// Kucukelbir et al. (2017), "Automatic differentiation variational inference".
///
/// ```
/// use elbo::guide::{Guide, Layout, MeanField, Stretch};
/// let u = Stretch { name: "u".into(), size: 2 };
/// let guide = MeanField::new(Layout { blocks: vec![u] });
/// let params = guide.init(&[3.0, -1.0], &[0.5, 2.0]);
/// assert_eq!(guide.moments(&params).0, [3.0, -1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct MeanField {
    layout: Layout,
}

impl MeanField {
    pub fn new(layout: Layout) -> MeanField {
        MeanField { layout }
    }

    /// `Σ ω`, 0 where there are no latents.
    fn sum_log_sd<'g>(&self, params: &[Var<'g>]) -> Option<Var<'g>> {
        let log_sds = params[self.layout.blocks.len()..].iter();
        log_sds.map(|w| w.sum()).reduce(|a, b| a + b)
    }
}

impl Guide for MeanField {
    fn name(&self) -> &'static str {
        "mean_field"
    }

    fn parameters(&self) -> Vec<Stretch> {
        let named = |what: &str| {
            let stretch = |b: &Stretch| Stretch {
                name: format!("{what} of {}", b.name),
                size: b.size,
            };
            self.layout.blocks.iter().map(stretch).collect::<Vec<_>>()
        };
        [named("mean"), named("log sd")].concat()
    }

    fn noise_size(&self) -> usize {
        self.layout.size()
    }

    fn sample<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>> {
        let (means, log_sds) = params.split_at(self.layout.blocks.len());
        let parts = self.layout.split(noise);
        let draw =
            |((part, mean), log_sd): ((Var<'g>, &Var<'g>), &Var<'g>)| *mean + log_sd.exp() * part;
        parts
            .into_iter()
            .zip(means)
            .zip(log_sds)
            .map(draw)
            .collect()
    }

    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g> {
        let squares = noise.square().sum_axes(&[0]) * -0.5;
        let squares = squares - LOG_SQRT_2PI * self.layout.size() as f64;
        match self.sum_log_sd(params) {
            Some(sum) => squares - sum,
            None => squares,
        }
    }

    fn entropy<'g>(&self, params: &[Var<'g>], graph: &'g Graph) -> Var<'g> {
        let standard = (LOG_SQRT_2PI + 0.5) * self.layout.size() as f64;
        match self.sum_log_sd(params) {
            Some(sum) => sum + standard,
            None => graph.scalar(standard),
        }
    }

    fn init(&self, centre: &[f64], sd: &[f64]) -> Vec<f64> {
        let log_sds = sd.iter().map(|s| s.ln());
        centre.iter().copied().chain(log_sds).collect()
    }

    fn latent(&self, parameter: usize) -> usize {
        parameter % self.layout.size()
    }

    fn scale(&self, params: &[f64], out: &mut [f64]) {
        let size = self.layout.size();
        let (means, log_sds) = out.split_at_mut(size);
        exp_block(&params[size..], means);
        log_sds.fill(1.0);
    }

    fn moments(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (means, log_sds) = params.split_at(self.layout.size());
        (means.to_vec(), log_sds.iter().map(|w| w.exp()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Shape, Tensor, evaluate};

    #[test]
    fn draws_density_and_entropy_are_of_one_distribution() {
        let block = |name: &str, size| Stretch {
            name: name.into(),
            size,
        };
        let guide = MeanField::new(Layout {
            blocks: vec![block("a", 1), block("b", 2)],
        });
        let g = Graph::new();
        let inputs: Vec<Var> = guide
            .parameters()
            .iter()
            .map(|p| g.input(&[p.size]))
            .collect();
        let noise = g.input(&[2, 3]);
        let draws = guide.sample(&inputs, noise);
        let outputs = [
            draws[0].id,
            draws[1].id,
            guide.log_density(&inputs, noise).id,
            guide.entropy(&inputs, &g).id,
        ];
        let (mean, sd) = ([1.0, -2.0, 5.0], [0.5, 3.0, 1e-3]);
        let flat = guide.init(&mean, &sd);
        let mut feeds = Vec::new();
        let mut at = 0;
        for input in &inputs {
            let n = input.numel();
            feeds.push((input.id, Tensor::vector(&flat[at..at + n])));
            at += n;
        }
        let eps = [0.3, -1.0, 2.0, 0.0, 0.7, -0.2];
        feeds.push((
            noise.id,
            Tensor::new(Shape::from_slice(&[2, 3]), eps.to_vec()),
        ));
        let out = evaluate(&g, &feeds, &outputs);
        for s in 0..2 {
            let mut log_q = 0.0;
            for j in 0..3 {
                let u = mean[j] + sd[j] * eps[3 * s + j];
                let drawn = if j == 0 {
                    out[0].data()[s]
                } else {
                    out[1].data()[2 * s + j - 1]
                };
                assert!((drawn - u).abs() < 1e-14 * u.abs().max(1.0), "{drawn} {u}");
                let z = (u - mean[j]) / sd[j];
                log_q -= 0.5 * z * z + f64::ln(sd[j]) + LOG_SQRT_2PI;
            }
            // (u − μ)/sd loses digits where sd is small beside μ.
            assert!((out[2].data()[s] - log_q).abs() < 1e-10);
        }
        let entropy: f64 = sd.iter().map(|s| s.ln() + LOG_SQRT_2PI + 0.5).sum();
        assert!((out[3].data()[0] - entropy).abs() < 1e-13);
    }
}
