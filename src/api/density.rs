//! The log density of a model for other samplers and optimisers.

use crate::autodiff::grad;
use crate::diag::Diagnostic;
use crate::graph::{Graph, NodeId};
use crate::model::{Model, QuantityKind};
use crate::tape::Tape;

/// `log p(x(u), θ, data) + log |dx/du|` of unconstrained latents `u`, in the order of [`Model::blocks`](crate::model::Model::blocks),
/// and its gradient.
///
/// A clone has memory of its own: one for each thread.
///
/// ```
/// use elbo::{Data, Program};
/// let model = Program::parse("sigma ~ Exponential(1)")?.bind(&Data::default())?;
/// let mut density = model.log_density()?;
/// // sigma = exp u, so the log density is −exp u + u.
/// let mut gradient = [0.0];
/// assert_eq!(density.gradient(&[0.0], &mut gradient), -1.0);
/// assert_eq!(gradient, [0.0]);
/// assert_eq!(density.constrain(&[0.0]), [("sigma".to_string(), vec![1.0])]);
/// # Ok::<(), elbo::Error>(())
/// ```
#[derive(Clone)]
pub struct LogDensity {
    size: usize,
    value: Tape,
    gradient: Tape,
    constrained: Tape,
    names: Vec<String>,
}

impl LogDensity {
    pub(super) fn new(model: &Model) -> Result<LogDensity, Diagnostic> {
        if model.rows.is_some() {
            let message =
                "the model's data stay in their files, so it has no density of all of them";
            let help = "read the data into memory: `data::load` instead of `data::load_streaming`";
            return Err(Diagnostic::error("E0806", message).help(help));
        }
        let graph = Graph::new();
        // Latents that nothing observed depends on have no coordinates.
        let aside = |name: &str| {
            let mut drawn = model.drawn.iter().flat_map(|d| &d.names);
            drawn.any(|(known, _)| known == name)
        };
        let latents = model.quantities.iter();
        let latents = latents.filter(|q| q.kind != QuantityKind::Deterministic && !aside(&q.name));
        let nodes: Vec<NodeId> = latents.clone().map(|q| q.node).collect();
        let wanted = [&[model.log_joint, model.log_jacobian], &nodes[..]].concat();
        let (inputs, found) = model.of_inputs(&graph, &wanted);
        let value = found[0] + found[1];
        let gradients = grad(value, &inputs);
        let ids = |vars: &[crate::graph::Var]| vars.iter().map(|v| v.id).collect::<Vec<_>>();
        let inputs = ids(&inputs);
        let both = [&[value.id], &ids(&gradients)[..]].concat();
        Ok(LogDensity {
            size: model.size(),
            value: Tape::compile(&graph, &inputs, &both[..1]),
            gradient: Tape::compile(&graph, &inputs, &both),
            constrained: Tape::compile(&graph, &inputs, &ids(&found[2..])),
            names: latents.map(|q| q.name.clone()).collect(),
        })
    }

    /// How many unconstrained numbers there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The log density at `u`; −∞ or NaN where it has none.
    ///
    /// # Panics
    /// If `u` has another length than [`LogDensity::size`].
    pub fn value(&mut self, u: &[f64]) -> f64 {
        self.expect(u);
        self.value.set_inputs_flat(u);
        self.value.run();
        self.value.output(0)[0]
    }

    /// The log density at `u`, and its gradient into `gradient`.
    ///
    /// # Panics
    /// If `u` or `gradient` has another length than [`LogDensity::size`].
    pub fn gradient(&mut self, u: &[f64], gradient: &mut [f64]) -> f64 {
        self.expect(u);
        self.expect(gradient);
        self.gradient.set_inputs_flat(u);
        self.gradient.run();
        gradient.copy_from_slice(&self.gradient.outputs_flat()[1..]);
        self.gradient.output(0)[0]
    }

    /// Latents and parameters with their constrained values at `u`, flat and row-major: neither definitions nor latents that nothing
    /// observed depends on, which have no coordinates.
    ///
    /// # Panics
    /// If `u` has another length than [`LogDensity::size`].
    pub fn constrain(&mut self, u: &[f64]) -> Vec<(String, Vec<f64>)> {
        self.expect(u);
        self.constrained.set_inputs_flat(u);
        self.constrained.run();
        let value = |k: usize| self.constrained.output(k).to_vec();
        let named = self.names.iter().cloned().enumerate();
        named.map(|(k, name)| (name, value(k))).collect()
    }

    /// How many numbers [`LogDensity::constrain`] gives in all.
    #[cfg(feature = "nuts")]
    pub(super) fn constrained_len(&self) -> usize {
        self.constrained.outputs_flat().len()
    }

    fn expect(&self, u: &[f64]) {
        assert_eq!(
            u.len(),
            self.size,
            "one number for each unconstrained coordinate"
        );
    }
}
