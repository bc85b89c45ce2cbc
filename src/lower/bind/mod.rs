//! Data matched with declarations: every name gets numbers of its declared type, every dimension a
//! number, every mismatch a message that names the data that disagree.

mod dimensions;
mod refinement;

pub(super) use refinement::refined_support;
use refinement::{all_missing, refinement_name};

use super::error;
use crate::check::program::{DataDecl, Expr, Program, Refinement, VarId, VariableKind};
use crate::data::{Data, Entry, Stored, Values};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::graph::{Shape, Tensor, element, numel};
use crate::model::Source;
use crate::types::{Atom, Base, Dim, Type};
use std::collections::{BTreeMap, HashMap};

/// Data as the program declares them.
#[derive(Default)]
pub struct Bound {
    pub values: HashMap<VarId, BoundData>,
    pub atoms: BTreeMap<Atom, Known>,
    /// Level names of labels.
    pub levels: BTreeMap<String, Vec<String>>,
    pub notes: Diagnostics,
}

pub struct BoundData {
    pub value: Source,
    /// Flat indices of missing elements.
    pub missing: Vec<usize>,
    /// How many trailing extents the data do not tell: `[]` is an array of any number of columns.
    pub untold: usize,
    /// The file, for messages.
    pub file: String,
}

/// The value of a dimension and who said so.
#[derive(Clone)]
pub struct Known {
    pub value: i64,
    pub by: String,
    pub span: Span,
}

impl BoundData {
    /// The numbers, where they are held: all but what a step is told the rows of are, once
    /// [`Bound::hold`] was asked for them.
    pub fn held(&self) -> Option<&Tensor> {
        match &self.value {
            Source::Held(tensor) => Some(tensor),
            Source::Stored(_) => None,
        }
    }
}

impl Bound {
    /// Reads arrays that are still in their files, each with the place that needs it.
    ///
    /// # Errors
    /// E0625 for those that are too large for that.
    pub fn hold(
        &mut self,
        program: &Program,
        wanted: impl Iterator<Item = (VarId, Span)>,
    ) -> Result<(), Diagnostics> {
        let mut problems = Diagnostics::new();
        for (var, span) in wanted {
            let Some(bound) = self.values.get_mut(&var) else {
                continue;
            };
            let Source::Stored(stored) = &bound.value else {
                continue;
            };
            let name = &program.variable(var).name;
            if stored.numel() as f64 > error::MOST_ELEMENTS {
                let declared = program.variable(var).span;
                problems.push(error::too_large_to_hold(
                    span,
                    declared,
                    name,
                    stored.shape(),
                    &bound.file,
                ));
                continue;
            }
            match stored.range(0..stored.rows()) {
                Ok(data) => {
                    let shape = Shape::from_slice(stored.shape());
                    bound.value = Source::Held(Tensor::new(shape, data));
                }
                Err(why) => problems.push(error::not_read(span, name, &bound.file, &why)),
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// Arrays that are still in their files.
    pub fn stored(&self) -> Vec<VarId> {
        let stored = self.values.iter().filter(|(_, b)| b.held().is_none());
        let mut vars: Vec<VarId> = stored.map(|(var, _)| *var).collect();
        vars.sort_unstable();
        vars
    }

    pub fn evaluate(&self, dim: &Dim) -> Option<i64> {
        dim.evaluate(&|atom| self.atoms.get(atom).map(|k| k.value))
    }

    /// The names of elements along an axis of so many, if it is a label's levels.
    pub fn levels_of(&self, dim: &Dim, extent: usize) -> Option<&[String]> {
        let [Atom::Levels(name)] = &dim.terms.keys().collect::<Vec<_>>()[..] else {
            return None;
        };
        let levels = self.levels.get(name)?;
        (levels.len() == extent).then_some(levels)
    }

    /// The program's dimensions with their extents, sorted by name.
    pub fn dimensions(&self, program: &Program) -> Vec<(String, i64)> {
        let known = |(atom, known): (&Atom, &Known)| match atom {
            Atom::Name(name) => {
                let is_dimension = |v: &crate::check::program::Variable| {
                    v.name == *name && v.kind == VariableKind::Dimension
                };
                let named = program.variables.iter().any(is_dimension);
                named.then(|| (name.clone(), known.value))
            }
            _ => None,
        };
        self.atoms.iter().filter_map(known).collect()
    }
}

/// What an expression of data is, by what is known of them.
pub type Evaluate = fn(&Program, &mut Bound, &Expr) -> Result<Tensor, Diagnostics>;

/// Matches data with a program's declarations.
pub fn bind(program: &Program, data: &Data, evaluate: Evaluate) -> Result<Bound, Diagnostics> {
    let mut binder = Binder {
        program,
        data,
        evaluate,
        bound: Bound::default(),
        problems: Vec::new(),
    };
    binder.read();
    binder.dimensions();
    binder.unused();
    if binder.problems.is_empty() {
        Ok(binder.bound)
    } else {
        Err(binder.problems)
    }
}

struct Binder<'a> {
    program: &'a Program,
    data: &'a Data,
    evaluate: Evaluate,
    bound: Bound,
    problems: Diagnostics,
}

/// `[2, 3]` of a flat index, 1-based; nothing for a scalar.
pub fn element_text(shape: &[usize], flat: usize) -> String {
    element::name("", shape, flat)
}

/// `` dimension 2 of `x` ``, or just `` `x` `` if it has one.
pub fn axis_text(what: &str, rank: usize, axis: usize) -> String {
    match rank {
        0 | 1 => what.into(),
        _ => format!("dimension {} of {what}", axis + 1),
    }
}

impl<'a> Binder<'a> {
    fn read(&mut self) {
        for decl in &self.program.data {
            let name = &self.program.variable(decl.var).name;
            let declared = self.declared(decl);
            let found = self.data.get(name);
            match found {
                None if decl.default.is_some() => {}
                // What is simulated may be given, for its shape and for elements that no statement draws.
                None if self.program.variable(decl.var).kind == VariableKind::Simulated => {}
                // A number that is only a dimension may come from the shape of other data.
                None if decl.base == Base::Int
                    && decl.dims.is_empty()
                    && self.is_dimension(name) => {}
                None => {
                    let given = self.data.names();
                    let problem = error::missing_data(self.name_span(decl), name, &declared, given);
                    self.problems.push(problem);
                }
                Some(entry) => match self.convert(decl, entry) {
                    Ok(value) => {
                        self.bound.values.insert(decl.var, value);
                    }
                    Err(problem) => self.problems.push(*problem),
                },
            }
        }
    }

    fn name_span(&self, decl: &DataDecl) -> Span {
        self.program.variable(decl.var).span
    }

    fn is_dimension(&self, name: &str) -> bool {
        let atom = Atom::Name(name.into());
        self.program
            .data
            .iter()
            .any(|d| d.dims.iter().any(|dim| dim.terms.contains_key(&atom)))
    }

    fn declared(&self, decl: &DataDecl) -> String {
        let base = match decl.refinement {
            Refinement::None => decl.base.to_string(),
            refined => refinement_name(refined).to_string(),
        };
        let dims = Type::array(decl.base, decl.dims.clone()).to_string();
        base + dims.trim_start_matches(|c: char| c.is_alphabetic())
    }

    fn convert(&mut self, decl: &DataDecl, entry: &Entry) -> Result<BoundData, Box<Diagnostic>> {
        let name = self.program.variable(decl.var).name.clone();
        let span = self.name_span(decl);
        let declared = self.declared(decl);
        let file = entry.origin.label.clone();
        let read;
        let mut entry = entry;
        if let Values::Stored(stored) = &entry.values {
            if let Some(bound) = self.stay(decl, stored, &file)? {
                return Ok(bound);
            }
            read = self.read_whole(entry, stored, span)?;
            entry = &read;
        }
        let (shape, data, missing) = if decl.refinement == Refinement::Label {
            self.labels(&name, entry, span, &declared)?
        } else {
            let numbers = entry.numbers().map_err(Box::new)?;
            if decl.base == Base::Int && !numbers.integer {
                let bad = numbers
                    .data
                    .iter()
                    .enumerate()
                    .find(|(i, x)| x.fract() != 0.0 && !numbers.missing.contains(i));
                if let Some((i, x)) = bad {
                    let found = format!("{x} in `{name}{}`", element_text(numbers.shape, i));
                    return Err(Box::new(error::wrong_type(
                        span, &name, &declared, &found, &file,
                    )));
                }
            }
            if decl.base == Base::Bool
                && let Some(i) = numbers.data.iter().position(|&x| x != 0.0 && x != 1.0)
            {
                let found = format!(
                    "{} in `{name}{}`",
                    numbers.data[i],
                    element_text(numbers.shape, i)
                );
                return Err(Box::new(error::wrong_type(
                    span, &name, &declared, &found, &file,
                )));
            }
            (
                numbers.shape.to_vec(),
                numbers.data.to_vec(),
                numbers.missing.to_vec(),
            )
        };
        if shape.len() != decl.dims.len() && !(numel(&shape) == 0 && shape.len() < decl.dims.len())
        {
            return Err(Box::new(error::wrong_rank(
                span, &name, &declared, &shape, &file,
            )));
        }
        let mut shape = shape;
        let untold = decl.dims.len() - shape.len();
        shape.resize(decl.dims.len(), 0);
        let missing = all_missing(&data, missing);
        if let Some(&first) = missing.first()
            && decl.base != Base::Real
        {
            return Err(Box::new(error::missing_whole(
                span,
                &name,
                &element_text(&shape, first),
                &file,
            )));
        }
        self.check_refinement(decl, &name, &shape, &data, &missing, &file)?;
        let value = Source::Held(Tensor::new(Shape::from_slice(&shape), data));
        Ok(BoundData {
            value,
            missing,
            untold,
            file,
        })
    }

    /// An array that can stay in its file: all of its numbers are there and have their declared type, which one
    /// pass over them shows. What must be known to say more is left to the reading of all of it.
    fn stay(
        &self,
        decl: &DataDecl,
        stored: &Stored,
        file: &str,
    ) -> Result<Option<BoundData>, Box<Diagnostic>> {
        let shape = stored.shape();
        if decl.refinement == Refinement::Label || shape.len() != decl.dims.len() {
            return Ok(None);
        }
        let name = &self.program.variable(decl.var).name;
        let mut fits = true;
        let each = stored.width().max(1);
        let looked = stored.pass(|_, part| {
            let whole = decl.base != Base::Int || part.iter().all(|x| x.fract() == 0.0);
            let truth = decl.base != Base::Bool || part.iter().all(|&x| x == 0.0 || x == 1.0);
            let known = part.iter().all(|x| !x.is_nan());
            let rows = [&[part.len() / each], &shape[1..]].concat();
            let refined = || self.check_refinement(decl, name, &rows, part, &[], file);
            fits &= known && whole && truth && refined().is_ok();
            Ok::<(), std::io::Error>(())
        });
        let not_read = |e| error::not_read(self.name_span(decl), name, file, &e);
        looked.map_err(not_read).map_err(Box::new)?;
        Ok(fits.then(|| BoundData {
            value: Source::Stored(stored.clone()),
            missing: Vec::new(),
            untold: 0,
            file: file.to_string(),
        }))
    }

    /// The same entry with its numbers in memory.
    fn read_whole(
        &self,
        entry: &Entry,
        stored: &Stored,
        span: Span,
    ) -> Result<Entry, Box<Diagnostic>> {
        let (shape, file) = (stored.shape(), &entry.origin.label);
        if stored.numel() as f64 > error::MOST_ELEMENTS {
            let problem = error::too_large_to_hold(span, span, &entry.name, shape, file);
            return Err(Box::new(problem));
        }
        let data = stored.range(0..stored.rows());
        let data = data.map_err(|e| Box::new(error::not_read(span, &entry.name, file, &e)))?;
        Ok(Entry {
            values: Values::numbers(shape.to_vec(), data),
            ..entry.clone()
        })
    }

    /// Codes from 1 of a label's texts, and their names: in sorted order, so that they do not depend
    /// on the order of rows.
    #[allow(clippy::type_complexity)]
    fn labels(
        &mut self,
        name: &str,
        entry: &Entry,
        span: Span,
        declared: &str,
    ) -> Result<(Vec<usize>, Vec<f64>, Vec<usize>), Box<Diagnostic>> {
        match &entry.values {
            Values::Text { shape, data } => {
                let mut found: Vec<&String> = data.iter().flatten().collect();
                found.sort();
                found.dedup();
                let mut levels = entry.levels.clone();
                levels.extend(
                    found
                        .into_iter()
                        .filter(|l| !entry.levels.contains(l))
                        .cloned(),
                );
                let known: HashMap<&str, f64> = levels
                    .iter()
                    .zip(1_u32..)
                    .map(|(l, i)| (l.as_str(), i.into()))
                    .collect();
                let code = |t: &Option<String>| t.as_ref().map_or(f64::NAN, |t| known[t.as_str()]);
                let codes: Vec<f64> = data.iter().map(code).collect();
                let missing = (0..data.len()).filter(|&i| data[i].is_none()).collect();
                self.add_levels(name, levels, span, &entry.origin.label);
                Ok((shape.clone(), codes, missing))
            }
            _ => {
                let numbers = entry.numbers().map_err(Box::new)?;
                let mut levels: Vec<f64> = numbers
                    .data
                    .iter()
                    .copied()
                    .filter(|x| !x.is_nan())
                    .collect();
                if levels.iter().any(|x| x.fract() != 0.0) {
                    let found = "numbers with fractions";
                    return Err(Box::new(error::wrong_type(
                        span,
                        name,
                        declared,
                        found,
                        &entry.origin.label,
                    )));
                }
                levels.sort_by(f64::total_cmp);
                levels.dedup();
                let first: Vec<f64> = entry.levels.iter().filter_map(|l| l.parse().ok()).collect();
                levels.retain(|l| !first.contains(l));
                levels.splice(0..0, first);
                let codes = numbers
                    .data
                    .iter()
                    .map(|x| {
                        levels
                            .iter()
                            .position(|l| l == x)
                            .map_or(f64::NAN, |i| (i + 1) as f64)
                    })
                    .collect();
                let names = levels.iter().map(f64::to_string).collect();
                let (shape, missing) = (numbers.shape.to_vec(), numbers.missing.to_vec());
                self.add_levels(name, names, span, &entry.origin.label);
                Ok((shape, codes, missing))
            }
        }
    }

    fn add_levels(&mut self, name: &str, levels: Vec<String>, span: Span, file: &str) {
        let known = Known {
            value: levels.len() as i64,
            by: format!("the levels in {file}"),
            span,
        };
        self.bound.atoms.insert(Atom::Levels(name.into()), known);
        self.bound.levels.insert(name.into(), levels);
    }

    /// Numbers for dimensions: from whole numbers in the data, then from shapes.
    fn dimensions(&mut self) {
        for decl in &self.program.data {
            self.number(decl, "the number given");
        }
        for decl in &self.program.data {
            self.bind_shape(decl, false);
        }
        self.numbers_for_dimensions();
        self.defaults();
        for decl in &self.program.data {
            self.bind_shape(decl, true);
        }
        self.fill_untold();
        for variable in &self.program.variables {
            let atom = Atom::Name(variable.name.clone());
            if variable.kind == VariableKind::Dimension && !self.bound.atoms.contains_key(&atom) {
                // Data of this dimension are missing: that is the message.
                let owner = self
                    .program
                    .data
                    .iter()
                    .find(|d| d.dims.iter().any(|x| x.terms.contains_key(&atom)));
                let told = |d: &DataDecl| {
                    self.bound.values.contains_key(&d.var)
                        || d.default.is_some()
                        || self.program.variable(d.var).kind == VariableKind::Simulated
                };
                if owner.is_none_or(told) {
                    let array =
                        owner.map_or(&variable.name, |d| &self.program.variable(d.var).name);
                    self.problems
                        .push(error::unknown_extent(variable.span, array, &variable.name));
                }
            }
        }
        self.numbers_from_shapes();
    }

    fn unused(&mut self) {
        let used = |name: &str| {
            self.program.variables.iter().any(|v| {
                let kinds = [
                    VariableKind::Data,
                    VariableKind::Dimension,
                    VariableKind::Simulated,
                    VariableKind::Given,
                ];
                v.name == name && kinds.contains(&v.kind)
            })
        };
        let unused: Vec<&str> = self.data.names().filter(|n| !used(n)).collect();
        if !unused.is_empty() {
            self.bound.notes.push(error::unused_entries(&unused));
        }
    }
}
