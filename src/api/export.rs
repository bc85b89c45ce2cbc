//! Everything that is known of a fit, in ArviZ's groups.

use super::{Error, Fit, Predictive};
use crate::data::{Data, Entry};
use crate::diag::Diagnostic;
use crate::infer::Quantity;
use crate::output::export::{Group, InferenceData};

impl Fit {
    /// The fit as groups of arrays: the posterior with the densities of its draws, replicates of what was observed and its log
    /// likelihood, draws of the prior where it can be drawn from, and the data. What is left out, and why, is in
    /// [`missing`](InferenceData::missing).
    ///
    /// [`export::write`](crate::output::export::write) makes a file of them.
    ///
    /// ```
    /// use elbo::output::export;
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("y", [0.5, 1.0]);
    /// let fit = program.bind(&data)?.fit(&Options::default())?;
    /// let folder = tempfile::tempdir().unwrap();
    /// export::write(&folder.path().join("fit.nc"), &fit.inference_data(1)?)?;
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0635 where the likelihood depends on latents whose draws were not kept.
    pub fn inference_data(&self, seed: u64) -> Result<InferenceData, Error> {
        let draws = self.posterior().draws;
        let mut data = InferenceData::new(self.posterior().clone(), self.run());
        let how = Predictive {
            seed,
            threads: self.threads,
            ..Predictive::default()
        };
        match self.predict_with(&Data::default(), &how) {
            Ok(replicates) => {
                data = data.with(Group::POSTERIOR_PREDICTIVE, draws, replicates.observed);
            }
            Err(error) => data
                .missing
                .extend(because(error, Group::POSTERIOR_PREDICTIVE)),
        }
        let likelihood = self.log_likelihood()?.into_iter().map(only_observed);
        data = data.with(Group::LOG_LIKELIHOOD, draws, likelihood.collect());
        match self.program.prior(&self.data, seed, draws) {
            Ok(prior) => {
                data = data.with(Group::PRIOR, draws, prior.latents).with(
                    Group::PRIOR_PREDICTIVE,
                    draws,
                    prior.observed,
                );
            }
            Err(error) => {
                data.missing.extend(because(error.clone(), Group::PRIOR));
                data.missing.extend(because(error, Group::PRIOR_PREDICTIVE));
            }
        }
        let (observed, constant): (Vec<&Entry>, Vec<&Entry>) = self
            .data
            .entries()
            .iter()
            .partition(|e| self.is_observed(&e.name));
        let arrays =
            |entries: Vec<&Entry>| entries.into_iter().filter_map(|e| self.array(e)).collect();
        Ok(data.with(Group::OBSERVED_DATA, 1, arrays(observed)).with(
            Group::CONSTANT_DATA,
            1,
            arrays(constant),
        ))
    }

    /// Data as an array of one draw; texts are none.
    fn array(&self, entry: &Entry) -> Option<Quantity> {
        let numbers = entry.numbers().ok()?;
        let (base, _) = self.program.variable(&entry.name)?.ty.number()?;
        Some(Quantity {
            name: entry.name.clone(),
            shape: numbers.shape.to_vec(),
            dims: self.program.axes(&entry.name),
            base,
            integer: numbers.integer,
            draws: numbers.data.to_vec(),
            ..Quantity::default()
        })
    }
}

/// A group that is missing, with the first of what is wrong.
fn because(error: Error, group: Group) -> Option<(Group, Diagnostic)> {
    let first = error.diagnostics.into_iter().next()?;
    Some((group, first))
}

/// Without missing elements, of which there is no likelihood: then the rest stands in a row.
fn only_observed(quantity: Quantity) -> Quantity {
    let size = quantity.numel();
    let missing = |i: usize| quantity.draws.get(i).is_none_or(|x| x.is_nan());
    let kept: Vec<usize> = (0..size).filter(|&i| !missing(i)).collect();
    if kept.len() == size {
        return quantity;
    }
    let rows = quantity.draws.chunks(size.max(1));
    let draws = rows.flat_map(|row| kept.iter().map(|&i| row[i])).collect();
    Quantity {
        shape: vec![kept.len()],
        dims: Vec::new(),
        labels: Vec::new(),
        draws,
        ..quantity
    }
}
