//! What embedders are promised: a program, bound to data, is a model; a model is fitted.
//!
//! ```
//! use elbo::{Data, Program};
//! let program = Program::parse("coin.vi", "data y: int[N]\np ~ Beta(1, 1)\ny ~ Bernoulli(p)")?;
//! let mut data = Data::default();
//! data.insert("y", [1.0, 0.0, 1.0, 1.0]);
//! let model = program.bind(&data)?;
//! assert_eq!(model.size(), 1);
//! # Ok::<(), elbo::Error>(())
//! ```

use crate::check::program::{Variable, VariableKind};
use crate::data::{Data, Files, InMemory, Kind, Numbers, Values};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, closest, render};
use crate::model::{Model, Quantity, QuantityKind};
use crate::{check, guide, infer, lower, modules};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// A checked program with its source.
#[derive(Debug)]
pub struct Program {
    checked: check::Program,
    sources: Sources,
    warnings: Diagnostics,
}

/// Data that a program has made, and the values that it has made them with.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// All that the program declares as data: [`Program::bind`] takes them.
    pub data: Data,
    /// Latents, learned parameters and kept definitions.
    pub truth: Data,
}

/// What is wrong with a program or its data, with the texts that the places are in.
#[derive(Clone, Debug)]
pub struct Error {
    pub diagnostics: Diagnostics,
    pub sources: Sources,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(&self.diagnostics, &self.sources, false))
    }
}

impl std::error::Error for Error {}

/// The families that a program names for its guide are families.
fn known_families(program: &check::Program) -> Result<(), Diagnostics> {
    let factors = program.guide.factors.iter();
    let named = factors.map(|(_, name, span)| (name, *span));
    let rest = program.guide.rest.iter().map(|(name, span)| (name, *span));
    let unknown = rest
        .chain(named)
        .filter(|(name, _)| guide::find(name).is_none());
    let problems: Diagnostics = unknown
        .map(|(name, span)| {
            let known: Vec<&str> = guide::GUIDES.iter().map(|(known, _)| *known).collect();
            let problem = Diagnostic::error("E0423", format!("there is no guide `{name}`"))
                .at(span, "not the name of a family of guides");
            let help = match closest(name, known.iter().copied()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", known.join(", ")),
            };
            problem.help(help)
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

impl Program {
    /// Parses and checks a program; `name` is what messages call its source. It can import standard
    /// modules, but no files: [`Program::load`] can.
    ///
    /// # Errors
    /// All mistakes of writing, or else all mistakes of meaning.
    pub fn parse(name: &str, text: &str) -> Result<Program, Error> {
        let mut sources = Sources::default();
        let id = sources.add(name, text);
        Program::from_source(&InMemory::default(), Path::new(name), id, sources)
    }

    /// [`Program::parse`] of a file, and of the files that it imports: paths are relative to the
    /// importing file, and what `files` does not give is out of reach.
    ///
    /// ```
    /// use elbo::{Program, data::InMemory};
    /// let files = InMemory::new([
    ///     ("model.vi", "import \"priors.vi\"\nmu ~ priors.vague()"),
    ///     ("priors.vi", "fn vague() = Normal(0, 10)"),
    /// ]);
    /// let program = Program::load(&files, "model.vi".as_ref())?;
    /// assert_eq!(program.variables()[0].name, "mu");
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0631 if the file cannot be read as text, and those of [`Program::parse`].
    pub fn load(files: &dyn Files, path: &Path) -> Result<Program, Error> {
        let name = path.display().to_string();
        let mut sources = Sources::default();
        let refuse = |why: String| {
            let problem =
                Diagnostic::error("E0631", format!("cannot read the program {name}: {why}"));
            Error {
                diagnostics: vec![problem],
                sources: Sources::default(),
            }
        };
        let bytes = files.read(path).map_err(|e| refuse(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text (UTF-8)".into()))?;
        let id = sources.add(name, text);
        Program::from_source(files, path, id, sources)
    }

    fn from_source(
        files: &dyn Files,
        path: &Path,
        id: SourceId,
        mut sources: Sources,
    ) -> Result<Program, Error> {
        let modules = modules::load(files, path, id, &mut sources);
        let checked = modules.and_then(|modules| check::check(&modules));
        match checked
            .and_then(|(program, notes)| known_families(&program).map(|()| (program, notes)))
        {
            Ok((checked, warnings)) => Ok(Program {
                checked,
                sources,
                warnings,
            }),
            Err(diagnostics) => Err(Error {
                diagnostics,
                sources,
            }),
        }
    }

    /// What is likely a mistake, though the program can be used.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// Everything that the program names.
    pub fn variables(&self) -> &[Variable] {
        &self.checked.variables
    }

    /// Whether the program needs data.
    pub fn declares_data(&self) -> bool {
        let given = [VariableKind::Data, VariableKind::Dimension];
        self.variables().iter().any(|v| given.contains(&v.kind))
    }

    /// The program with its names resolved and its expressions typed.
    pub fn checked(&self) -> &check::Program {
        &self.checked
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Binds the program to data. Notes (data that are not used) come with [`Program::bind_with_notes`].
    ///
    /// What can be summed of the data beforehand is summed: [`Model::rewrite`] says how to switch it off.
    ///
    /// # Errors
    /// Whatever of the data does not fit the program.
    pub fn bind(&self, data: &Data) -> Result<Model, Error> {
        self.bind_with_notes(data).map(|(model, _)| model)
    }

    /// [`Program::bind`], with notes on the data.
    ///
    /// # Errors
    /// As [`Program::bind`].
    pub fn bind_with_notes(&self, data: &Data) -> Result<(Model, Diagnostics), Error> {
        self.bind_without(data, &[])
    }

    /// Draws data as the program says that they come about: latents from their distributions, then what is observed
    /// from theirs. `draws` independent sets; set `i` depends on `seed` and `i` alone.
    ///
    /// Of `data`, what the program observes tells no more than its shape (and elements that no statement draws);
    /// where it is left out, the dimensions are given as numbers. What `fixed` names is not drawn but has that
    /// value: latents, learned parameters (which are else where they start), and observed data that are to stay.
    ///
    /// ```
    /// use elbo::{Data, Program};
    /// let program = Program::parse("line.vi", "data x: real[N]\ndata y: real[N]\n\
    ///     slope ~ Normal(0, 1)\ny ~ Normal(slope * x, 0.1)")?;
    /// let (mut data, mut fixed) = (Data::default(), Data::default());
    /// data.insert("x", [1.0, 2.0, 3.0]);
    /// fixed.insert("slope", 2.0);
    /// let simulated = program.simulate(&data, &fixed, 1, 1)?.remove(0);
    /// let y = simulated.data.get("y").unwrap().numbers().unwrap();
    /// assert!((y.data[2] - 6.0).abs() < 1.0);
    /// let model = program.bind(&simulated.data)?;
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Program::bind`]; E0626 for what has a density but no draws (`Flat`, or what a `factor` weighs), E0627 for
    /// draws that are not finite, E0628 for names in `fixed` that the program neither draws nor learns; of functions
    /// that draw, both results and sites can be fixed.
    pub fn simulate(
        &self,
        data: &Data,
        fixed: &Data,
        seed: u64,
        draws: usize,
    ) -> Result<Vec<Simulated>, Error> {
        let fail = |diagnostics| Error {
            diagnostics,
            sources: self.sources.clone(),
        };
        let fixed = &self.fixed_values(fixed).map_err(fail)?;
        let held = |name: &str| fixed.get(name).is_some();
        let simulation = self
            .checked
            .simulation(&held, &|name| data.get(name).is_some());
        let program = simulation.map_err(fail)?;
        let mut given = data.clone();
        for entry in fixed.entries() {
            given.insert_entry(entry.clone());
        }
        let lowered = lower::lower_simulation(&program, &given, &|_| String::new());
        let model = lowered.map_err(fail)?;
        let declared = |name: &str| {
            let given = [VariableKind::Data, VariableKind::Dimension];
            let mut variables = self.variables().iter();
            variables.any(|v| v.name == name && given.contains(&v.kind))
        };
        let mut inputs = Data::default();
        for entry in given.entries().iter().filter(|e| declared(&e.name)) {
            inputs.insert_entry(entry.clone());
        }
        let mut sets = Vec::new();
        for draw in infer::simulate(&model, seed, draws) {
            let (mut made, mut truth) = (inputs.clone(), fixed.clone());
            for (quantity, values) in model.quantities.iter().zip(draw) {
                if let Some(flat) = values.iter().position(|x| !x.is_finite()) {
                    return Err(fail(vec![self.not_finite(quantity, flat, values[flat])]));
                }
                let values = Values::numbers(quantity.shape.clone(), values);
                match quantity.kind {
                    QuantityKind::Data => made.insert(&quantity.name, values),
                    _ => truth.insert(&quantity.name, values),
                }
            }
            sets.push(Simulated { data: made, truth });
        }
        Ok(sets)
    }

    /// What is fixed in a simulation is something that is drawn or learned, at a known value. What the program computes
    /// is passed over, so that the truth of a simulation can be given as a whole; by itself it is an error.
    fn fixed_values(&self, fixed: &Data) -> Result<Data, Diagnostics> {
        let known = self.checked.holdable();
        let computed = |name: &str| {
            let mut variables = self.variables().iter();
            variables.any(|v| v.name == name && v.kind == VariableKind::Let)
        };
        let mut kept = Data::default();
        let mut problems = Diagnostics::new();
        for entry in fixed.entries() {
            let name = entry.name.as_str();
            let missing = |numbers: Numbers<'_>| numbers.data.iter().any(|x| x.is_nan());
            match known.contains(name) {
                true if entry.numbers().is_ok_and(missing) => {
                    let message = format!("`{name}` is fixed, and a value of it is missing");
                    let help = "give all of its values, or leave it out so that it is drawn";
                    problems.push(Diagnostic::error("E0628", message).help(help));
                }
                true => kept.insert_entry(entry.clone()),
                false if entry.origin.kind != Kind::Set && computed(name) => {}
                false => problems.push(self.not_drawn(name, &known)),
            }
        }
        match problems.is_empty() {
            true => Ok(kept),
            false => Err(problems),
        }
    }

    fn not_drawn(&self, name: &str, known: &BTreeSet<&str>) -> Diagnostic {
        let message = format!("`{name}` is neither drawn nor learned by the program");
        let help = match closest(name, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => {
                let known: Vec<&str> = known.iter().copied().collect();
                format!("these can be fixed: {}", known.join(", "))
            }
        };
        Diagnostic::error("E0628", message).help(help)
    }

    fn not_finite(&self, quantity: &Quantity, flat: usize, value: f64) -> Diagnostic {
        let element = quantity.element(flat);
        let message = format!("the simulated `{element}` is {value}");
        let mut problem = Diagnostic::error("E0627", message);
        let variable = self.variables().iter().find(|v| v.name == quantity.name);
        if let Some(variable) = variable {
            let why = "what it is drawn from has arguments outside of their domain, or is too wide";
            problem = problem.at(variable.span, why);
        }
        problem.help("fix latents at values that make sense, or narrow their priors")
    }

    /// [`Program::bind_with_notes`] without some of the rewritings of [`Model::rewrite`].
    ///
    /// # Errors
    /// As [`Program::bind`].
    pub fn bind_without(
        &self,
        data: &Data,
        without: &[&str],
    ) -> Result<(Model, Diagnostics), Error> {
        let text = |span| {
            self.sources
                .snippet(span)
                .lines()
                .next()
                .unwrap_or("")
                .trim()
                .to_string()
        };
        let lowered = lower::lower(&self.checked, data, &text);
        let (mut model, notes) = lowered.map_err(|diagnostics| Error {
            diagnostics,
            sources: self.sources.clone(),
        })?;
        model.rewrite(without);
        Ok((model, notes))
    }
}
