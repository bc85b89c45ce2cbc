//! What a fit has found, with the program and the data that it is of.

use super::Program;
use crate::check::program::VariableKind;
use crate::data::Data;
use crate::diag::Diagnostics;
use crate::infer::{self, Estimate, FitParams, Options, Posterior};
use crate::output::{Run, TracePoint};
use std::sync::Arc;

/// A fitted guide: draws of the posterior, and whatever can be computed of them. To clone it copies the draws.
#[derive(Clone, Debug)]
pub struct Fit {
    pub(super) program: Program,
    pub(super) data: Arc<Data>,
    pub(super) result: infer::Fit,
    pub(super) seed: u64,
    pub(super) threads: usize,
}

impl Fit {
    pub(super) fn new(
        program: Program,
        data: Arc<Data>,
        result: infer::Fit,
        options: &Options,
    ) -> Fit {
        Fit {
            program,
            data,
            result,
            seed: options.seed,
            threads: options.threads,
        }
    }

    /// The program that was fitted.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The fit of [`Program::watched`], for what is computed of its draws.
    pub fn watched(self, told: impl Fn(usize, usize) + Send + Sync + 'static) -> Fit {
        Fit {
            program: self.program.watched(told),
            ..self
        }
    }

    /// The data that it was fitted to.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Draws of latents, learned parameters and kept definitions.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("for j in 1..3 { z[j] ~ Normal(j, 0.5) }")?;
    /// let fit = program.bind(&Data::default())?.fit(&Options::default())?;
    /// let z = &fit.posterior()["z"];
    /// assert_eq!(z.shape, [3]);
    /// assert_eq!(z.element(2), "z[3]");
    /// let (mean, sd, median) = (z.mean()[2], z.sd()[2], z.quantile(0.5)[2]);
    /// assert!((mean - 3.0).abs() < 0.08 && (sd - 0.5).abs() < 0.06 && (median - 3.0).abs() < 0.1);
    /// assert_eq!(z.draw(0).len(), 3);
    /// assert_eq!(z.matrix().ncols(), 3);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn posterior(&self) -> &Posterior {
        &self.result.posterior
    }

    /// The evidence lower bound in nats, from draws that were not optimised.
    pub fn elbo(&self) -> Estimate {
        self.result.elbo
    }

    /// Whether the optimum was reached and the posterior exists.
    pub fn converged(&self) -> bool {
        self.result.converged
    }

    /// Whether to believe the optimum, in one sentence.
    pub fn verdict(&self) -> &str {
        &self.result.verdict
    }

    /// What is to be known beside the verdict.
    pub fn messages(&self) -> &Diagnostics {
        &self.result.messages
    }

    /// The seed of its random numbers.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Parameters of the guide and what was learned, for a later fit to start from.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("y", [4.1, 5.3, 4.9]);
    /// let first = program.bind(&data)?.fit(&Options::default())?;
    /// // One number more, and the optimum is near.
    /// data.insert("y", [4.1, 5.3, 4.9, 5.0]);
    /// let from = Some(first.params().clone());
    /// let second = program.bind(&data)?.fit(&Options { from, ..Options::default() })?;
    /// assert!(second.converged());
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn params(&self) -> &FitParams {
        &self.result.params
    }

    /// Everything that the optimiser has left: parameters of the guide, trace, times.
    pub fn details(&self) -> &infer::Fit {
        &self.result
    }

    /// How it went, for tables and files.
    pub fn run(&self) -> Run {
        let result = &self.result;
        let settings = [
            ("guide", result.guide.clone().into()),
            ("method", result.method.name().into()),
            ("precision", result.precision.name().into()),
            ("samples", result.samples.into()),
            ("draws", result.posterior.draws.into()),
            ("verdict", result.verdict.clone().into()),
        ];
        Run {
            model: self.program.name().to_string(),
            seed: self.seed,
            elbo: Some(result.elbo),
            converged: result.converged,
            steps: result.steps,
            seconds: result.seconds,
            messages: result.messages.clone(),
            settings: settings
                .map(|(name, value)| (name.to_string(), value))
                .to_vec(),
        }
    }

    /// The ELBO by step; the optimiser keeps no standard errors of it.
    pub fn trace(&self) -> Vec<TracePoint> {
        let point = |&(step, elbo): &(usize, f64)| TracePoint {
            step,
            elbo,
            se: None,
        };
        self.result.trace.iter().map(point).collect()
    }

    /// Whether a name is drawn by the program and inferred.
    pub fn is_latent(&self, name: &str) -> bool {
        let variable = self.program.variable(name);
        variable.is_some_and(|v| v.kind == VariableKind::Latent)
    }

    /// Whether a name is of data that the program draws.
    pub fn is_observed(&self, name: &str) -> bool {
        self.program.observed().any(|observed| observed == name)
    }

    /// What has draws and is no definition: the rest follows from it.
    pub(super) fn is_basic(&self, name: &str) -> bool {
        let kinds = [VariableKind::Latent, VariableKind::Param];
        let variable = self.program.variable(name);
        variable.is_some_and(|v| kinds.contains(&v.kind)) && self.posterior().get(name).is_some()
    }
}
