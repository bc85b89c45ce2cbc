//! All that is known of a fit as groups of arrays: ArviZ's InferenceData, before any form is chosen.

use super::super::{Posterior, Quantity, Run};
use crate::diag::Diagnostic;

/// Groups of named arrays, and what is to be told of the run.
///
/// [`new`](InferenceData::new) has the groups that every fit has, [`with`](InferenceData::with) adds the others. All
/// draws are of one chain, which has the number 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InferenceData {
    pub(super) run: Run,
    pub(super) contents: Vec<Content>,
    /// Groups that could not be made, and why. They are for notes: files do not hold them.
    pub missing: Vec<(Group, Diagnostic)>,
}

/// A group with its arrays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Content {
    pub(super) group: Group,
    pub(super) draws: usize,
    pub(super) quantities: Vec<Quantity>,
}

/// A group of ArviZ's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: &'static str,
    /// Its arrays begin with the axes `chain` and `draw`.
    pub drawn: bool,
}

/// Something to be told of a run beside its arrays.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Text(String),
    Whole(u64),
    /// Finite.
    Real(f64),
}

impl Group {
    pub const POSTERIOR: Group = drawn("posterior");
    pub const POSTERIOR_PREDICTIVE: Group = drawn("posterior_predictive");
    pub const LOG_LIKELIHOOD: Group = drawn("log_likelihood");
    pub const SAMPLE_STATS: Group = drawn("sample_stats");
    pub const PRIOR: Group = drawn("prior");
    pub const PRIOR_PREDICTIVE: Group = drawn("prior_predictive");
    pub const OBSERVED_DATA: Group = given("observed_data");
    pub const CONSTANT_DATA: Group = given("constant_data");
}

const fn drawn(name: &'static str) -> Group {
    Group { name, drawn: true }
}

const fn given(name: &'static str) -> Group {
    Group { name, drawn: false }
}

impl InferenceData {
    /// The groups `posterior` and, if there is any of it, `sample_stats`: `lp`, the log density of the model at
    /// each draw, and `lp_approx`, that of the guide. Both are densities in unconstrained space, so that
    /// `lp - lp_approx` is the logarithm of a draw's importance weight.
    pub fn new(posterior: Posterior, run: Run) -> InferenceData {
        let draws = posterior.draws;
        let kept = [("lp", posterior.log_p), ("lp_approx", posterior.log_q)];
        let stat = |(name, draws): (&str, Vec<f64>)| {
            let name = name.to_owned();
            (!draws.is_empty()).then(|| Quantity {
                name,
                draws,
                ..Quantity::default()
            })
        };
        let stats = kept.into_iter().filter_map(stat).collect();
        let data = InferenceData {
            run,
            contents: Vec::new(),
            missing: Vec::new(),
        };
        data.with(Group::POSTERIOR, draws, posterior.quantities)
            .with(Group::SAMPLE_STATS, draws, stats)
    }

    /// Adds a group. Of data, which are not drawn, there is one "draw"; a group of no arrays is left out.
    ///
    /// ```
    /// use elbo::output::export::{Group, InferenceData};
    /// use elbo::output::{Posterior, Quantity, Run};
    /// let y = Quantity {
    ///     name: "y".into(),
    ///     shape: vec![2],
    ///     dims: vec![Some("N".into())],
    ///     draws: vec![1.5, 2.5],
    ///     ..Quantity::default()
    /// };
    /// let data = InferenceData::new(Posterior::default(), Run::default());
    /// let data = data.with(Group::OBSERVED_DATA, 1, vec![y]);
    /// ```
    ///
    /// # Panics
    /// If an array does not have a value for each element of each draw.
    pub fn with(mut self, group: Group, draws: usize, quantities: Vec<Quantity>) -> InferenceData {
        for quantity in &quantities {
            let (held, wanted) = (quantity.draws.len(), draws * quantity.numel());
            assert_eq!(held, wanted, "values of `{}`", quantity.name);
        }
        if !quantities.is_empty() {
            self.contents.push(Content {
                group,
                draws,
                quantities,
            });
        }
        self
    }

    /// The arrays of a group, with how many draws it has.
    pub(super) fn group(&self, group: Group) -> (usize, &[Quantity]) {
        let content = self.contents.iter().find(|c| c.group == group);
        content.map_or((0, &[]), |c| (c.draws, &c.quantities))
    }

    /// What made the arrays: the same for every group.
    pub(super) fn library() -> Vec<(&'static str, Attribute)> {
        let text = |text: &str| Attribute::Text(text.to_owned());
        vec![
            ("inference_library", text(env!("CARGO_PKG_NAME"))),
            ("inference_library_version", text(env!("CARGO_PKG_VERSION"))),
        ]
    }

    /// What is told of the fit. There is no time of day in it: the same fit is the same file.
    pub(super) fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let mut all = InferenceData::library();
        all.push(("model", Attribute::Text(self.run.model.clone())));
        all.push(("seed", Attribute::Whole(self.run.seed)));
        if let Some(elbo) = self.run.elbo {
            let known = [("elbo", elbo.mean), ("elbo_se", elbo.se)];
            let known = known.into_iter().filter(|(_, x)| x.is_finite());
            all.extend(known.map(|(name, x)| (name, Attribute::Real(x))));
        }
        // NetCDF has no truth values.
        all.push(("converged", Attribute::Whole(self.run.converged.into())));
        all
    }
}
