//! Dimensions and extents: from the shapes of data, from numbers, and from defaults.

use super::{Binder, BoundData, Known, error};
use crate::check::program::{DataDecl, Expr, Refinement, VariableKind};
use crate::data::Entry;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::graph::{Shape, Tensor, numel};
use crate::model::Source;
use crate::types::{Atom, Base, Dim};

impl Binder<'_> {
    /// A whole number may be a dimension.
    pub(super) fn number(&mut self, decl: &DataDecl, by: &str) {
        let whole = decl.base == Base::Int && decl.refinement == Refinement::None;
        let bound = self.bound.values.get(&decl.var);
        let Some(held) = bound.and_then(BoundData::held) else {
            return;
        };
        if whole && decl.dims.is_empty() {
            let known = Known {
                value: held.data()[0] as i64,
                by: by.into(),
                span: self.name_span(decl),
            };
            let name = self.program.variable(decl.var).name.clone();
            self.bound.atoms.insert(Atom::Name(name), known);
        }
    }

    /// Data that were not given have their defaults, each after those that it reads.
    pub(super) fn defaults(&mut self) {
        let program = self.program;
        let mut left: Vec<(&DataDecl, &Expr)> = program
            .data
            .iter()
            .filter(|d| !self.bound.values.contains_key(&d.var))
            .filter_map(|d| Some((d, d.default.as_ref()?)))
            .collect();
        while let Some(next) = left.iter().position(|(d, e)| self.can_default(d, e)) {
            let (decl, default) = left.remove(next);
            let name = program.variable(decl.var).name.clone();
            let is_told = self.bound.atoms.contains_key(&Atom::Name(name));
            if decl.base == Base::Int && decl.dims.is_empty() && is_told {
                continue;
            }
            match self.default(decl, default) {
                Ok(bound) => {
                    self.bound.values.insert(decl.var, bound);
                    self.number(decl, "its default");
                    self.bind_shape(decl, false);
                }
                Err(new) => self.problems.extend(new),
            }
        }
    }

    /// Whether all is known that a default reads, and for how many elements it stands.
    fn can_default(&self, decl: &DataDecl, default: &Expr) -> bool {
        let mut known = true;
        default.variables(&mut |id| {
            let variable = self.program.variable(id);
            let atom = Atom::Name(variable.name.clone());
            known &= match variable.kind {
                VariableKind::Data => self.bound.values.contains_key(&id),
                VariableKind::Dimension => self.bound.atoms.contains_key(&atom),
                _ => true,
            };
        });
        let one_for_all = default.ty.rank() < decl.dims.len();
        known && (!one_for_all || decl.dims.iter().all(|d| self.bound.evaluate(d).is_some()))
    }

    fn default(&mut self, decl: &DataDecl, default: &Expr) -> Result<BoundData, Diagnostics> {
        let mut value = (self.evaluate)(self.program, &mut self.bound, default)?;
        if value.shape().len() < decl.dims.len() {
            let extents = decl.dims.iter().filter_map(|d| self.bound.evaluate(d));
            let shape: Shape = extents.map(|n| n.max(0) as usize).collect();
            value = Tensor::new(shape.clone(), vec![value.data()[0]; numel(&shape)]);
        }
        let name = self.program.variable(decl.var).name.clone();
        let file = "its default".to_string();
        self.check_refinement(decl, &name, value.shape(), value.data(), &[], &file)
            .map_err(|problem| vec![*problem])?;
        Ok(BoundData {
            value: Source::Held(value),
            missing: Vec::new(),
            untold: 0,
            file,
        })
    }

    pub(super) fn bind_shape(&mut self, decl: &DataDecl, report: bool) {
        let Some(bound) = self.bound.values.get(&decl.var) else {
            return;
        };
        let told = bound.value.shape().len() - bound.untold;
        let shape = Shape::from_slice(&bound.value.shape()[..told]);
        let name = self.program.variable(decl.var).name.clone();
        let span = self.name_span(decl);
        for (axis, (dim, &extent)) in decl.dims.iter().zip(&shape).enumerate() {
            match self.bound.evaluate(dim) {
                Some(value) if value == extent as i64 => {}
                Some(value) if report => {
                    let this = (name.as_str(), axis + 1, extent);
                    let known = dim.terms.keys().find_map(|a| self.bound.atoms.get(a));
                    let problem = match known {
                        Some(k) if dim.terms.len() == 1 && value == k.value => {
                            let by = (k.by.as_str(), value);
                            error::dimension_conflict(span, k.span, &dim.to_string(), this, by)
                        }
                        _ => {
                            let file = &self.bound.values[&decl.var].file;
                            error::extent_declared(span, &dim.to_string(), value, this, file)
                        }
                    };
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                }
                Some(_) => {}
                None => self.solve(dim, extent, &name, span),
            }
        }
    }

    pub(super) fn fill_untold(&mut self) {
        for decl in &self.program.data {
            let extents: Vec<usize> = decl
                .dims
                .iter()
                .map(|d| self.bound.evaluate(d).map_or(0, |n| n.max(0) as usize))
                .collect();
            if let Some(bound) = self.bound.values.get_mut(&decl.var)
                && bound.untold > 0
            {
                let told = bound.value.shape().len() - bound.untold;
                let mut shape = Shape::from_slice(&bound.value.shape()[..told]);
                shape.extend_from_slice(&extents[told..]);
                bound.value = Source::Held(Tensor::new(shape, Vec::new()));
            }
        }
    }

    /// One unknown with factor 1 is what makes the extent right.
    pub(super) fn solve(&mut self, dim: &Dim, extent: usize, name: &str, span: Span) {
        let unknown: Vec<&Atom> = dim
            .terms
            .keys()
            .filter(|a| !self.bound.atoms.contains_key(a))
            .collect();
        if let [atom @ Atom::Name(_)] = unknown[..]
            && dim.terms[atom] == 1
        {
            let rest = dim.plus(&Dim::atom(atom.clone()), -1);
            let value = extent as i64 - self.bound.evaluate(&rest).unwrap_or(0);
            let known = Known {
                value,
                by: format!("the shape of `{name}`"),
                span,
            };
            self.bound.atoms.insert(atom.clone(), known);
        }
    }

    /// Dimensions that no shape tells may be given as numbers of their names.
    pub(super) fn numbers_for_dimensions(&mut self) {
        for variable in &self.program.variables {
            let atom = Atom::Name(variable.name.clone());
            if variable.kind != VariableKind::Dimension || self.bound.atoms.contains_key(&atom) {
                continue;
            }
            let given = self.data.get(&variable.name).map(Entry::numbers);
            if let Some(Ok(numbers)) = given
                && let ([], [value]) = (numbers.shape, numbers.data)
                && *value >= 0.0
                && value.fract() == 0.0
            {
                let known = Known {
                    value: *value as i64,
                    by: "the number given".into(),
                    span: variable.span,
                };
                self.bound.atoms.insert(atom, known);
            }
        }
    }

    /// Declared whole numbers that the data leave out but shapes give.
    pub(super) fn numbers_from_shapes(&mut self) {
        for decl in &self.program.data {
            let name = &self.program.variable(decl.var).name;
            if decl.base == Base::Int
                && decl.dims.is_empty()
                && !self.bound.values.contains_key(&decl.var)
            {
                match self.bound.atoms.get(&Atom::Name(name.clone())) {
                    Some(known) => {
                        let value = Source::Held(Tensor::scalar(known.value as f64));
                        let bound = BoundData {
                            value,
                            missing: Vec::new(),
                            untold: 0,
                            file: known.by.clone(),
                        };
                        self.bound.values.insert(decl.var, bound);
                    }
                    None if self.is_dimension(name) => {
                        let given = self.data.names();
                        self.problems.push(error::missing_data(
                            self.name_span(decl),
                            name,
                            "int",
                            given,
                        ));
                    }
                    None => {}
                }
            }
        }
        // A number in the data with a dimension's name agrees with it even if it is not declared.
        for variable in &self.program.variables {
            if variable.kind != VariableKind::Dimension {
                continue;
            }
            let Some(entry) = self.data.get(&variable.name) else {
                continue;
            };
            let Ok(numbers) = entry.numbers() else {
                continue;
            };
            if let ([], [value], Some(known)) = (
                numbers.shape,
                numbers.data,
                self.bound.atoms.get(&Atom::Name(variable.name.clone())),
            ) && *value != known.value as f64
            {
                let message = format!(
                    "the data disagree on `{}`: {} by {}, {value} in {}",
                    variable.name, known.value, known.by, entry.origin.label
                );
                self.problems.push(
                    Diagnostic::error("E0653", message)
                        .at(known.span, format!("{} here", known.value)),
                );
            }
        }
    }
}
