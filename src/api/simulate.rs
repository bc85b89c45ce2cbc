//! Data made by a program, and what made them.

use super::{Error, Program};
use crate::check::program::VariableKind;
use crate::check::simulation::Fate;
use crate::data::{Data, Kind, Numbers, Values};
use crate::diag::{Diagnostic, Diagnostics};
use crate::graph::NodeId;
use crate::infer::{Told, simulate};
use crate::lower;
use crate::model::{Quantity, QuantityKind};
use std::collections::BTreeSet;

/// Data that a program has made, and the values that it has made them with.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// All that the program declares as data: [`Program::bind`] takes them.
    pub data: Data,
    /// Latents, learned parameters and kept definitions.
    pub truth: Data,
}

impl Program {
    /// Draws data as the program says that they come about: latents from their distributions, then what is observed
    /// from theirs. `draws` independent sets; set `i` depends on `seed` and `i` alone.
    ///
    /// Of `data`, what the program observes tells no more than its shape (and elements that no statement draws);
    /// where it is left out, the dimensions are given as numbers. What `fixed` names is not drawn but has that
    /// value: latents, learned parameters (which are else where they start), and observed data that are to stay.
    ///
    /// ```
    /// use elbo::{Data, Program};
    /// let program = Program::parse("data x: real[N]\ndata y: real[N]\n\
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
        let fail = |diagnostics| self.error(diagnostics);
        let fixed = &self.fixed_values(fixed).map_err(fail)?;
        let fate = |name: &str| match fixed.get(name) {
            Some(_) => Fate::Held,
            None => Fate::Drawn,
        };
        let given = |name: &str| data.get(name).is_some();
        let program = self.checked().simulation(&fate, &given).map_err(fail)?;
        let mut given = data.clone();
        for entry in fixed.entries() {
            given.insert_entry(entry.clone());
        }
        let lowered = lower::lower_simulation(&program, &given, &|_| String::new());
        let model = lowered.map_err(fail)?;
        let declared = |name: &str| {
            let given = [VariableKind::Data, VariableKind::Dimension];
            let variable = self.variable(name);
            variable.is_some_and(|v| given.contains(&v.kind))
        };
        let mut inputs = Data::default();
        for entry in given.entries().iter().filter(|e| declared(&e.name)) {
            inputs.insert_entry(entry.clone());
        }
        let nodes: Vec<NodeId> = model.quantities.iter().map(|q| q.node).collect();
        let told = Told {
            draws,
            values: &|_| &[],
            seed,
            threads: 1,
            watch: &self.watch,
        };
        let drawn = simulate(&model, &nodes, &told);
        let mut sets = Vec::new();
        for i in 0..draws {
            let (mut made, mut truth) = (inputs.clone(), fixed.clone());
            for (quantity, all) in model.quantities.iter().zip(&drawn) {
                let n = all.len() / draws;
                let values = &all[i * n..(i + 1) * n];
                if let Some(flat) = values.iter().position(|x| !x.is_finite()) {
                    return Err(fail(vec![self.not_finite(quantity, flat, values[flat])]));
                }
                let values = Values::numbers(quantity.shape.clone(), values.to_vec());
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
        let known = self.checked().holdable();
        let computed = |name: &str| {
            let variable = self.variable(name);
            variable.is_some_and(|v| v.kind == VariableKind::Let)
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
        let all: Vec<&str> = known.iter().copied().collect();
        Diagnostic::error("E0628", message)
            .suggest(name, known.iter().copied())
            .or_help(format!("these can be fixed: {}", all.join(", ")))
    }

    fn not_finite(&self, quantity: &Quantity, flat: usize, value: f64) -> Diagnostic {
        let element = quantity.element(flat);
        let message = format!("the simulated `{element}` is {value}");
        let mut problem = Diagnostic::error("E0627", message);
        if let Some(variable) = self.variable(&quantity.name) {
            let why = "what it is drawn from has arguments outside of their domain, or is too wide";
            problem = problem.at(variable.span, why);
        }
        problem.help("fix latents at values that make sense, or narrow their priors")
    }
}
