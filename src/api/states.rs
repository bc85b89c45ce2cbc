//! What discrete latents are, given what was fitted.

use super::evaluate::{bound_to, push};
use super::{Error, Fit};
use crate::check::program::States as Wanted;
use crate::diag::Diagnostic;
use crate::graph::element;
use crate::infer::{Posterior, Quantity};
use crate::model::{Model, Summed};
use serde::Serialize;

/// The states of a discrete latent that was summed out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct States {
    pub name: String,
    /// Of the array that it is; empty for a single one.
    pub shape: Vec<usize>,
    /// For each axis the names of its elements, where it has any.
    pub labels: Vec<Option<Vec<String>>>,
    /// The values that it may have.
    pub values: Vec<f64>,
    /// `P(z = value | data)` for each element, and for it each value: probabilities given each posterior draw of all else,
    /// averaged.
    pub probabilities: Vec<f64>,
    /// For each element its value where all elements together are most probable, given the posterior means of all else (of a
    /// chain, Viterbi's path).
    pub most_probable: Vec<f64>,
}

impl States {
    /// The name of an element: `z[2]`.
    pub fn element(&self, flat: usize) -> String {
        element::labelled(&self.name, &self.shape, &self.labels, flat)
    }
}

impl Fit {
    /// Probabilities of the states of a discrete latent that was summed out, and the most probable ones. Both are exact, given
    /// the other latents; draws of them are in [`Fit::posterior`].
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data y: real\nz ~ Bernoulli(0.3)\ny ~ Normal(z, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("y", 1.5);
    /// let states = program.bind(&data)?.fit(&Options::default())?.states("z")?;
    /// // 0.3 exp(1) / (0.7 + 0.3 exp(1))
    /// assert!((states.probabilities[1] - 0.538_11).abs() < 1e-5);
    /// assert_eq!((states.values, states.most_probable), (vec![0.0, 1.0], vec![1.0]));
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0712 if no discrete latent of this name was summed out.
    pub fn states(&self, name: &str) -> Result<States, Error> {
        let posterior = self.posterior();
        let means = means(posterior);
        let (model, summed) = self.model_of_states(name, Wanted::Probabilities, posterior)?;
        let (quantity, probabilities) = self.told_by(&model, name, posterior);
        let all = quantity.numel() * summed.states;
        let mut mean = vec![0.0; all];
        for draw in probabilities.chunks(all.max(1)) {
            mean.iter_mut()
                .zip(draw)
                .for_each(|(m, p)| *m += p / posterior.draws as f64);
        }
        let (model, _) = self.model_of_states(name, Wanted::MostProbable, &means)?;
        let (_, most_probable) = self.told_by(&model, name, &means);
        Ok(States {
            name: name.into(),
            shape: quantity.shape,
            labels: quantity.labels,
            values: (0..summed.states)
                .map(|k| summed.first + k as f64)
                .collect(),
            probabilities: mean,
            most_probable,
        })
    }

    /// Names of the discrete latents that were summed out, in the program's order.
    pub fn summed_out(&self) -> Result<Vec<String>, Error> {
        let given = self.given_states(Wanted::Probabilities);
        let model = bound_to(self.program(), &self.data, self.posterior(), given)?;
        let summed = model.summation.into_iter().flat_map(|s| s.latents);
        Ok(summed.map(|latent| latent.name).collect())
    }

    fn given_states(&self, wanted: Wanted) -> crate::check::Program {
        let known = |name: &str| self.posterior().get(name).is_some();
        self.program().checked().given_states(&known, wanted)
    }

    fn model_of_states(
        &self,
        name: &str,
        wanted: Wanted,
        posterior: &Posterior,
    ) -> Result<(Model, Summed), Error> {
        let given = self.given_states(wanted);
        let model = bound_to(self.program(), &self.data, posterior, given)?;
        let latents = model.summation.iter().flat_map(|s| &s.latents);
        let all: Vec<Summed> = latents.cloned().collect();
        let Some(summed) = all.iter().find(|latent| latent.name == name) else {
            let known = all.iter().map(|latent| latent.name.as_str());
            let problem = format!("no discrete latent `{name}` was summed out");
            let problem = Diagnostic::error("E0712", problem).suggest(name, known);
            let help =
                "those that were have states: `let` and other latents are shown by their names";
            return Err(self.program().error(vec![problem.and_help(help)]));
        };
        Ok((model, summed.clone()))
    }

    /// What a model tells of a latent: its shape without states, and the numbers of all draws.
    fn told_by(&self, model: &Model, name: &str, posterior: &Posterior) -> (Quantity, Vec<f64>) {
        let quantity = model.quantities.iter().find(|q| q.name == name);
        let quantity = quantity.expect("what is summed out is reported");
        let values = push(
            model,
            &[quantity.node],
            posterior,
            self.threads,
            &self.program().watch,
        );
        let own = self.posterior().get(name).cloned().unwrap_or_default();
        (own, values.into_iter().next().unwrap_or_default())
    }
}

/// One draw, of the means.
fn means(posterior: &Posterior) -> Posterior {
    let mean = |q: &Quantity| Quantity {
        draws: q.mean(),
        ..q.clone()
    };
    Posterior {
        quantities: posterior.quantities.iter().map(mean).collect(),
        draws: 1,
        ..Posterior::default()
    }
}
