//! What a fitted model says of data: replicates of those that it was fitted to, or new ones, and how likely they are.
//!
//! Latents keep their posterior draws where their elements are those of the fit, and are drawn from their distributions, given
//! these, where they are new. Which are which is told by the names of levels, or by what is said of a dimension.

use super::evaluate::{named, stand_in};
use super::likelihood::pointwise;
use super::{Error, Fit, Program};
use crate::check::program::{Refinement, StatementKind, Variable, VariableKind};
use crate::check::simulation::{self, Fate};
use crate::data::{Data, Entry, Values};
use crate::diag::{Diagnostic, Diagnostics};
use crate::graph::NodeId;
use crate::infer::{Posterior, Quantity, Told, simulate};
use crate::lower::{self, Extents};
use crate::model::{Model, QuantityKind};
use crate::types::{Atom, Dim};
use std::collections::{BTreeMap, BTreeSet};

/// How predictions are made.
#[derive(Clone, Debug)]
pub struct Predictive {
    /// Dimensions whose elements are others than those of the fit, though they may be as many: what is drawn along them is drawn
    /// anew.
    pub new: Vec<String>,
    /// Dimensions whose first elements are those of the fit: a series goes on.
    pub extend: Vec<String>,
    /// Observed arrays of which the values given stay, and the missing ones are drawn.
    pub keep: Vec<String>,
    pub seed: u64,
    /// Threads; the result does not depend on how many.
    pub threads: usize,
}

impl Default for Predictive {
    fn default() -> Predictive {
        Predictive {
            new: Vec::new(),
            extend: Vec::new(),
            keep: Vec::new(),
            seed: 1,
            threads: 1,
        }
    }
}

/// Draws of the posterior predictive distribution; all have as many as the fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// The data that it is of.
    pub data: Data,
    /// Observed arrays, drawn.
    pub observed: Vec<Quantity>,
    /// Latents, parameters and definitions for these data.
    pub latents: Vec<Quantity>,
    /// For each observed array that is given the log likelihood of its elements: NaN where one is missing.
    pub log_likelihood: Vec<Quantity>,
}

impl Program {
    /// Draws of everything from its prior; of `data`, what is observed tells no more than its shape.
    ///
    /// ```
    /// use elbo::{Data, Program};
    /// let program = Program::parse("data y: real[N]\nmu ~ Normal(1, 2)\ny ~ Normal(mu, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("N", 3.0);
    /// let prior = program.prior(&data, 1, 1000)?;
    /// assert!((prior.latents[0].mean()[0] - 1.0).abs() < 0.26); // four standard errors
    /// assert_eq!(prior.observed[0].shape, [3]);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Program::simulate`]: improper priors cannot be drawn from.
    pub fn prior(&self, data: &Data, seed: u64, draws: usize) -> Result<Prediction, Error> {
        let how = Predictive {
            seed,
            ..Predictive::default()
        };
        let none = Posterior {
            draws,
            ..Posterior::default()
        };
        let (observed, latents) = Plan::default().draw((self, &none), data, &how)?;
        Ok(Prediction {
            data: data.clone(),
            observed,
            latents,
            log_likelihood: Vec::new(),
        })
    }
}

impl Fit {
    /// Draws of what is observed, for new data or, where these are empty, replicates of those of the fit.
    ///
    /// What `data` leave out is as in the fit, but for what is observed. Latents with a label keep their draws where a
    /// level has the same name, and are drawn for levels that the fit did not have; for dimensions without names
    /// [`Fit::predict_with`] can say which elements are new.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data x: real[N]\ndata y: real[N]\n\
    ///     slope ~ Normal(0, 10)\ny ~ Normal(slope * x, 0.1)")?;
    /// let (mut data, mut new) = (Data::default(), Data::default());
    /// data.insert("x", [1.0, 2.0, 3.0]);
    /// data.insert("y", [2.1, 3.9, 6.0]);
    /// let fit = program.bind(&data)?.fit(&Options::default())?;
    /// new.insert("x", [10.0]);
    /// let y = &fit.predict(&new)?.observed[0];
    /// assert_eq!((y.name.as_str(), y.shape.as_slice()), ("y", &[1][..]));
    /// assert!((y.mean()[0] - 20.0).abs() < 0.2);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Program::bind`]; E0636 where it is not said which elements are new, E0637 for what has no distribution to draw new
    /// elements from, and those of [`Program::simulate`].
    pub fn predict(&self, data: &Data) -> Result<Prediction, Error> {
        self.predict_with(data, &Predictive::default())
    }

    /// [`Fit::predict`], with what is said of dimensions.
    ///
    /// # Errors
    /// As [`Fit::predict`]; E0638 for a name in `how` that the program does not have.
    pub fn predict_with(&self, data: &Data, how: &Predictive) -> Result<Prediction, Error> {
        let fail = |d| self.program.error(d);
        self.known_names(how).map_err(fail)?;
        let drawn = self.all_drawn().map_err(fail)?;
        let before = Extents::new(&drawn, &self.data).map_err(fail)?;
        let data = self.merged(data, &before);
        let after = Extents::new(&drawn, &data).map_err(fail)?;
        let plan = Plan::new(self, &data, [&before, &after], how).map_err(fail)?;
        let (observed, mut latents) = plan.draw((&self.program, self.posterior()), &data, how)?;
        let kept = self.posterior().quantities.iter();
        let kept = kept.filter(|q| plan.fate(&q.name) == Fate::Given);
        latents.splice(0..0, kept.cloned());
        // What others may depend on, but has no likelihood: observed arrays that are not given, or not all of them.
        let unknown = observed.iter().filter(|q| !is_known(&data, &q.name));
        let count = latents.len();
        latents.extend(unknown.cloned());
        let all = Posterior {
            quantities: latents,
            draws: self.posterior().draws,
            ..Posterior::default()
        };
        let log_likelihood = pointwise(&self.program, &data, &all, how.threads)?;
        let mut latents = all.quantities;
        latents.truncate(count);
        Ok(Prediction {
            data,
            observed,
            latents,
            log_likelihood,
        })
    }

    /// New data, with those of the fit that they leave out and that still fit.
    fn merged(&self, new: &Data, before: &Extents) -> Data {
        if new.is_empty() {
            return Data::clone(&self.data);
        }
        let checked = self.program.checked();
        let drawn = checked.holdable();
        // Dimensions that the new data tell.
        let mut told: BTreeSet<&Atom> = BTreeSet::new();
        for decl in &checked.data {
            let entry = new.get(&checked.variable(decl.var).name);
            let rank = entry.map_or(0, |e| e.values.shape().len());
            told.extend(decl.dims.iter().take(rank).filter_map(Dim::as_atom));
        }
        let is_told = |dims: &[Dim]| {
            dims.iter()
                .any(|d| d.terms.keys().any(|a| told.contains(a)))
        };
        let mut merged = new.clone();
        for entry in self.data.entries() {
            let name = entry.name.as_str();
            let mut declared = checked.data.iter();
            let decl = declared.find(|d| checked.variable(d.var).name == name);
            let dims = decl.map_or(&[][..], |d| &d.dims);
            let dimension = told.contains(&Atom::Name(name.into()));
            if new.get(name).is_none() && !drawn.contains(name) && !is_told(dims) && !dimension {
                merged.insert_entry(entry.clone());
            }
        }
        self.keep_levels(&mut merged, new, before);
        self.keep_dimensions(&mut merged, told, before);
        merged
    }

    /// Levels keep their numbers; new ones come after them.
    fn keep_levels(&self, merged: &mut Data, new: &Data, before: &Extents) {
        let checked = self.program.checked();
        let labels = checked.data.iter();
        for decl in labels.filter(|d| d.refinement == Refinement::Label) {
            let name = &checked.variable(decl.var).name;
            let levels = before.levels(&Dim::atom(Atom::Levels(name.clone())));
            if let (Some(entry), Some(levels)) = (new.get(name), levels) {
                merged.insert_entry(Entry {
                    levels: levels.to_vec(),
                    ..entry.clone()
                });
            }
        }
    }

    /// Gives dimensions that only what is observed has told.
    fn keep_dimensions<'a>(
        &'a self,
        merged: &mut Data,
        mut known: BTreeSet<&'a Atom>,
        before: &Extents,
    ) {
        let checked = self.program.checked();
        for decl in &checked.data {
            if merged.get(&checked.variable(decl.var).name).is_some() {
                known.extend(decl.dims.iter().flat_map(|d| d.terms.keys()));
            }
        }
        for variable in checked.variables.iter() {
            let atom = Atom::Name(variable.name.clone());
            if variable.kind == VariableKind::Dimension
                && !known.contains(&atom)
                && merged.get(&variable.name).is_none()
                && let Some(n) = before.of(&Dim::atom(atom))
            {
                merged.insert(&variable.name, n as f64);
            }
        }
    }

    /// The program that draws everything: data are matched with it whatever is observed of them.
    fn all_drawn(&self) -> Result<crate::check::Program, Diagnostics> {
        let mut program = self.program.checked().clone();
        // No draws are made, so that it does not matter what weighs them.
        let weighs = |kind: &StatementKind| matches!(kind, StatementKind::Factor { .. });
        program.statements.retain(|s| !weighs(&s.kind));
        program.simulation(&|_| Fate::Drawn, &|name| self.data.get(name).is_some())
    }

    fn known_names(&self, how: &Predictive) -> Result<(), Diagnostics> {
        let variables = self.program.variables();
        let mut dimensions: BTreeSet<String> = BTreeSet::new();
        for variable in variables {
            let dims = variable.ty.number().map_or(&[][..], |(_, dims)| dims);
            let names = dims.iter().flat_map(|d| d.terms.keys());
            dimensions.extend(names.map(Atom::to_string));
        }
        let observed: BTreeSet<String> = self.program.observed().map(str::to_string).collect();
        let asked = [
            (&how.new, &dimensions, "a dimension"),
            (&how.extend, &dimensions, "a dimension"),
            (&how.keep, &observed, "observed"),
        ];
        let mut problems = Diagnostics::new();
        for (names, known, what) in asked {
            for name in names.iter().filter(|name| !known.contains(*name)) {
                let all: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("`{name}` is not {what} of the program");
                let problem = Diagnostic::error("E0638", message)
                    .suggest(name, all.iter().copied())
                    .or_help(format!("there are {}", all.join(", ")));
                problems.push(problem);
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }
}

/// Whether an array is given, and nothing of it is missing.
fn is_known(data: &Data, name: &str) -> bool {
    let numbers = data.get(name).map(|e| e.numbers());
    matches!(numbers, Some(Ok(n)) if n.data.iter().all(|x| !x.is_nan()))
}

/// For each axis and element of an array which element of the fit's it is.
type Places = Vec<Vec<Option<usize>>>;

/// What becomes of the latents of a fit.
#[derive(Default)]
struct Plan {
    fates: BTreeMap<String, Fate>,
    /// Of what is [`Fate::Extended`], as it is told: all draws, and which elements these are.
    told: BTreeMap<String, (Quantity, Vec<f64>)>,
}

impl Plan {
    /// For these data, with what the fit's and these tell of extents.
    fn new(
        fit: &Fit,
        data: &Data,
        extents: [&Extents; 2],
        how: &Predictive,
    ) -> Result<Plan, Diagnostics> {
        let mut plan = Plan::default();
        let mut problems = Diagnostics::new();
        for variable in fit.program.variables() {
            let Some(quantity) = fit.posterior().get(&variable.name) else {
                continue;
            };
            if !fit.is_basic(&variable.name) {
                continue;
            }
            let places = places(variable, quantity, extents, how);
            match places.and_then(|p| plan.add(fit, variable, quantity, p)) {
                Ok(()) => {}
                Err(problem) => problems.push(*problem),
            }
        }
        for name in &how.keep {
            match data.get(name).map(|e| e.numbers()) {
                Some(Ok(numbers)) => plan.keep(name, numbers.shape, numbers.data, fit),
                Some(Err(problem)) => problems.push(problem),
                None => {
                    let message = format!("`{name}` is to stay as it is, and is not given");
                    let help = "give it among the data, with `null` for what is to be drawn";
                    problems.push(Diagnostic::error("E0638", message).help(help));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(plan),
            false => Err(problems),
        }
    }

    fn fate(&self, name: &str) -> Fate {
        self.fates.get(name).copied().unwrap_or(Fate::Drawn)
    }

    /// Decides on one latent, whose elements are at these places of the fit's.
    fn add(
        &mut self,
        fit: &Fit,
        variable: &Variable,
        quantity: &Quantity,
        places: Places,
    ) -> Result<(), Box<Diagnostic>> {
        let same = |axis: usize| {
            let own = places[axis].iter().enumerate();
            places[axis].len() == quantity.shape[axis]
                && own.into_iter().all(|(i, p)| *p == Some(i))
        };
        let changed: Vec<usize> = (0..places.len()).filter(|&axis| !same(axis)).collect();
        let name = variable.name.clone();
        if changed.is_empty() {
            self.fates.insert(name, Fate::Given);
            return Ok(());
        }
        let none = places.iter().any(|p| p.iter().all(Option::is_none));
        let all = places.iter().all(|p| p.iter().all(Option::is_some));
        if variable.kind == VariableKind::Param && !all {
            return Err(Box::new(no_new_elements(
                variable,
                "is learned, so it has no distribution",
            )));
        }
        if none {
            // Nothing of it is known.
            return Ok(());
        }
        let first_of_event = quantity.shape.len() - fit.program.event_rank(&name);
        if !all && changed.iter().any(|&axis| axis >= first_of_event) {
            let why = "is drawn as a whole, so that new elements of it depend on the others";
            return Err(Box::new(no_new_elements(variable, why)));
        }
        let shape: Vec<usize> = places.iter().map(Vec::len).collect();
        let from: Vec<Option<usize>> = gather(&places, &quantity.shape);
        let draws = fit.posterior().draws;
        let mut told = Vec::with_capacity(draws * from.len());
        for i in 0..draws {
            let own = quantity.draw(i);
            told.extend(from.iter().map(|f| f.map_or(0.0, |f| own[f])));
        }
        let marks = from.iter().map(|f| f64::from(f.is_some())).collect();
        let told = Quantity {
            shape,
            draws: told,
            ..quantity.clone()
        };
        self.fates.insert(name.clone(), Fate::Extended);
        self.told.insert(name, (told, marks));
        Ok(())
    }

    /// Observed values stay where they are not missing.
    fn keep(&mut self, name: &str, shape: &[usize], data: &[f64], fit: &Fit) {
        let known: Vec<f64> = data.iter().map(|x| f64::from(!x.is_nan())).collect();
        let one: Vec<f64> = data
            .iter()
            .map(|x| if x.is_nan() { 0.0 } else { *x })
            .collect();
        let told = Quantity {
            name: name.into(),
            shape: shape.to_vec(),
            draws: one.repeat(fit.posterior().draws),
            ..Quantity::default()
        };
        self.fates.insert(name.into(), Fate::Extended);
        self.told.insert(name.into(), (told, known));
    }

    /// Draws of what is observed, and of all else that is not as in the fit.
    fn draw(
        &self,
        (program, posterior): (&Program, &Posterior),
        data: &Data,
        how: &Predictive,
    ) -> Result<(Vec<Quantity>, Vec<Quantity>), Error> {
        let fail = |d| program.error(d);
        let given = |name: &str| data.get(name).is_some();
        let simulation = program
            .checked()
            .simulation(&|name| self.fate(name), &given);
        let simulation = simulation.map_err(fail)?;
        let mut bound = data.clone();
        let mut values: BTreeMap<String, &[f64]> = BTreeMap::new();
        for (name, fate) in &self.fates {
            let (alias, quantity) = match (fate, self.told.get(name)) {
                (_, Some((told, marks))) => {
                    let marks = Values::numbers(told.shape.clone(), marks.clone());
                    bound.insert(simulation::marks(name), marks);
                    (simulation::told(name), told)
                }
                (_, None) => (name.clone(), &posterior[name.as_str()]),
            };
            stand_in(&mut bound, &alias, quantity);
            values.insert(alias, &quantity.draws);
        }
        let lowered = lower::lower_simulation(&simulation, &bound, &|_| String::new());
        let model: Model = lowered.map_err(fail)?;
        let nodes: Vec<NodeId> = model.quantities.iter().map(|q| q.node).collect();
        let told = Told {
            draws: posterior.draws,
            values: &|name| values[name],
            seed: how.seed,
            threads: how.threads,
            watch: &program.watch,
        };
        let drawn = simulate(&model, &nodes, &told);
        let (mut observed, mut latents) = (Vec::new(), Vec::new());
        for (quantity, draws) in model.quantities.iter().zip(drawn) {
            let made = named(quantity, &quantity.name, draws);
            match quantity.kind {
                QuantityKind::Data => observed.push(made),
                _ => latents.push(made),
            }
        }
        Ok((observed, latents))
    }
}

/// Which elements of the fit's array an array for other data has.
fn places(
    variable: &Variable,
    quantity: &Quantity,
    [before, after]: [&Extents; 2],
    how: &Predictive,
) -> Result<Places, Box<Diagnostic>> {
    let dims = variable.ty.number().map_or(&[][..], |(_, dims)| dims);
    let mut places = Vec::new();
    for (axis, &old) in quantity.shape.iter().enumerate() {
        let Some(dim) = dims.get(axis) else {
            places.push((0..old).map(Some).collect());
            continue;
        };
        let named = |names: &[String]| dim.terms.keys().any(|a| names.contains(&a.to_string()));
        let new = after.of(dim).unwrap_or(old);
        let place: Vec<Option<usize>> = match (before.levels(dim), after.levels(dim)) {
            _ if named(&how.new) => vec![None; new],
            (Some(old), Some(new)) => {
                let place = |level| old.iter().position(|known| known == level);
                new.iter().map(place).collect()
            }
            _ if named(&how.extend) => (0..new).map(|i| (i < old).then_some(i)).collect(),
            _ if new == old => (0..new).map(Some).collect(),
            _ => return Err(Box::new(unclear(variable, dim, old, new))),
        };
        places.push(place);
    }
    Ok(places)
}

/// For each element of an array of these places, flat and row-major, where it stands in one of this shape.
fn gather(places: &Places, shape: &[usize]) -> Vec<Option<usize>> {
    let mut from = vec![Some(0)];
    for (axis, &extent) in places.iter().zip(shape) {
        let wider = from.iter().flat_map(|flat: &Option<usize>| {
            axis.iter()
                .map(move |place| Some((*flat)? * extent + (*place)?))
        });
        from = wider.collect();
    }
    from
}

fn unclear(variable: &Variable, dim: &Dim, old: usize, new: usize) -> Diagnostic {
    let name = &variable.name;
    let message =
        format!("`{name}` has {old} elements along `{dim}` in the fit, and {new} with these data");
    Diagnostic::error("E0636", message)
        .at(variable.span, "which of them are those of the fit is not known")
        .help(format!(
            "say that they are others (`new`, `--new {dim}`), or that the first are the same (`extend`, `--extend {dim}`), \
             or give them names by a `label`"
        ))
}

fn no_new_elements(variable: &Variable, why: &str) -> Diagnostic {
    let message = format!("there are no new elements of `{}`: it {why}", variable.name);
    Diagnostic::error("E0637", message)
        .at(variable.span, "it has other elements with these data")
        .help(
            "fit once more with the new elements among the data, what is observed of them missing",
        )
}
