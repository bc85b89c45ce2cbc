//! Standard Normal numbers: of noise that a program's own guide makes latents of.

use super::{Guide, Layout, Stretch};
use crate::graph::Var;

/// `q(u) = Π N(uᵢ | 0, 1)`, with no parameters.
#[derive(Clone, Debug)]
pub(super) struct Standard {
    layout: Layout,
}

impl Standard {
    pub(super) fn new(layout: Layout) -> Standard {
        Standard { layout }
    }
}

impl Guide for Standard {
    fn name(&self) -> &'static str {
        "standard"
    }

    fn parameters(&self) -> Vec<Stretch> {
        Vec::new()
    }

    fn noise_size(&self) -> usize {
        self.layout.size()
    }

    fn locations(&self) -> usize {
        0
    }

    fn sample<'g>(&self, _params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>> {
        self.layout.split(noise)
    }

    /// 0: the log density of the noise cancels against that in the model, which leaves it out.
    fn log_density<'g>(&self, _params: &[Var<'g>], noise: Var<'g>) -> Var<'g> {
        let draws = noise.shape()[0];
        noise.graph.scalar(0.0).broadcast(&[draws])
    }

    /// 0, as [`Standard::log_density`].
    fn entropy<'g>(&self, _params: &[Var<'g>], graph: &'g crate::graph::Graph) -> Var<'g> {
        graph.scalar(0.0)
    }

    fn init(&self, _centre: &[f64], _sd: &[f64]) -> Vec<f64> {
        Vec::new()
    }

    fn latent(&self, parameter: usize) -> usize {
        parameter
    }

    fn scale(&self, _params: &[f64], _out: &mut [f64]) {}

    fn moments(&self, _params: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let size = self.layout.size();
        (vec![0.0; size], vec![1.0; size])
    }
}
