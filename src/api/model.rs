//! A program bound to data, ready to be fitted.

use super::{Error, Fit, LogDensity, Program};
use crate::data::Data;
use crate::diag::{Diagnostics, Sources};
use crate::infer::{self, Options, Progress};
use crate::model;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A program bound to data: its log density, compiled when it is fitted.
///
/// It can be shared between threads, and fitted on many at once. What the engine knows of it is a [`model::Model`],
/// which it stands for.
#[derive(Debug)]
pub struct Model {
    program: Program,
    data: Arc<Data>,
    notes: Diagnostics,
    model: model::Model,
}

impl Model {
    pub(super) fn new(
        program: &Program,
        data: &Data,
        (model, notes): (model::Model, Diagnostics),
    ) -> Model {
        Model {
            program: program.clone(),
            data: Arc::new(data.clone()),
            notes,
            model,
        }
    }

    /// The program that it was made of.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The data that it is bound to.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// What is likely a mistake in the data: what is not used, and what is never observed.
    pub fn notes(&self) -> &Diagnostics {
        &self.notes
    }

    /// Fits a guide to the posterior, and the learned parameters with it.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let model = Program::parse("mu ~ Normal(3, 2)")?.bind(&Data::default())?;
    /// let fit = model.fit(&Options { seed: 7, ..Options::default() })?;
    /// assert!(fit.converged());
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0647 if there is nothing to fit, E0809 if [`Options::from`] is of another model, and where the density is finite at no
    /// starting point its cause. A fit that was
    /// stopped or did not converge is no error: [`Fit::converged`] and [`Fit::verdict`] say so.
    pub fn fit(&self, options: &Options) -> Result<Fit, Error> {
        self.fit_with(options, &mut |_| {})
    }

    /// [`Model::fit`], with a look at every step.
    ///
    /// # Errors
    /// As [`Model::fit`].
    pub fn fit_with(
        &self,
        options: &Options,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Fit, Error> {
        let sources = self.program.sources();
        let fit = infer::fit(&self.model, options, progress);
        let fit = fit.map_err(|d| Error::new(vec![d], sources))?;
        Ok(Fit::new(
            self.program.clone(),
            self.data.clone(),
            fit,
            options,
        ))
    }

    /// The log density of the latents and parameters as unconstrained numbers, with its gradient, for other samplers and
    /// optimisers.
    ///
    /// # Errors
    /// E0806 for a model whose data stay in their files: it has a density of some rows at a time alone.
    pub fn log_density(&self) -> Result<LogDensity, Error> {
        LogDensity::new(&self.model).map_err(|d| Error::new(vec![d], &Sources::default()))
    }
}

impl Deref for Model {
    type Target = model::Model;

    fn deref(&self) -> &model::Model {
        &self.model
    }
}

impl DerefMut for Model {
    fn deref_mut(&mut self) -> &mut model::Model {
        &mut self.model
    }
}
