//! Statements one after the other: loops opened, definitions evaluated, arrays put together.

use super::bind::{BoundData, element_text};
use super::distribution::batch_index;
use super::order::{self, Step};
use super::value::{AxisList, Value, flat_index};
use super::varying::Cause;
use super::{Lowerer, Result, error};
use crate::check::program::{
    Nest, Statement, StatementKind, Target, VarId, Variable, VariableKind,
};
use crate::diag::{Diagnostics, Span};
use crate::dist::KEY;
use crate::graph::{Shape, Tensor, Var, numel};
use crate::types::{Atom, Dim, Type};
use std::collections::{BTreeMap, BTreeSet};

/// Elements of an array that one statement defines.
pub struct Piece<'g> {
    /// `[rows, element…]`
    pub values: Var<'g>,
    /// Index (from 0) of every row in the indexed axes: `[rows][axes]`, flat.
    pub places: Vec<usize>,
    pub indexed: usize,
    /// The loops whose rows these are, for messages.
    pub axes: AxisList,
    /// The block whose value this is.
    pub block: Option<usize>,
    /// Which rows count, where a step finds that out.
    pub counts: Option<Var<'g>>,
    pub span: Span,
}

impl<'g> Piece<'g> {
    pub fn new(values: Var<'g>, places: Vec<usize>, indexed: usize, span: Span) -> Piece<'g> {
        Piece {
            values,
            places,
            indexed,
            axes: AxisList::new(),
            block: None,
            counts: None,
            span,
        }
    }

    pub fn values(&self) -> Var<'g> {
        self.values
    }
}

impl<'g> Lowerer<'_, 'g> {
    /// Data and dimensions, which fulfil their conditions.
    pub(super) fn data(&mut self) -> Result<()> {
        self.constants()?;
        let mut problems = Vec::new();
        for decl in &self.program.data {
            let simulated = self.program.variable(decl.var).kind == VariableKind::Simulated;
            let Some(condition) = decl.condition.as_ref().filter(|_| !simulated) else {
                continue;
            };
            let value = self.value(condition)?;
            let truth = self.known(&value, &value.axes.clone(), condition.span)?;
            if let Some(flat) = truth.iter().position(|&x| x == 0.0) {
                let name = &self.program.variable(decl.var).name;
                problems.push(error::condition_fails(
                    condition.span,
                    name,
                    &element_text(&value.dims(), flat),
                ));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Data and dimensions become constants.
    pub(super) fn constants(&mut self) -> Result<()> {
        for (i, variable) in self.program.variables.iter().enumerate() {
            let id = VarId(i as u32);
            match variable.kind {
                VariableKind::Dimension => {
                    let n = self
                        .bound
                        .atoms
                        .get(&Atom::Name(variable.name.clone()))
                        .map_or(0, |k| k.value);
                    self.env
                        .insert(id, Value::plain(self.graph.scalar(n as f64)));
                }
                VariableKind::Data => {
                    if let Some(bound) = self.bound.values.get(&id) {
                        self.check_missing(id, bound)?;
                        // A step is told the rows of the others once its loop is opened.
                        if let Some(held) = bound.held().filter(|_| !self.fed.contains(&id)) {
                            let value = self.graph.constant(held.clone());
                            self.env.insert(id, Value::plain(value));
                        }
                    }
                }
                VariableKind::Given => {
                    if let Some(held) = self.bound.values.get(&id).and_then(BoundData::held) {
                        let input = self.graph.input(held.shape());
                        self.given.push((variable.name.clone(), input.id));
                        self.env.insert(id, Value::plain(input));
                    }
                }
                VariableKind::Key => {
                    let key = Value::plain(self.graph.input(&[KEY]));
                    self.env.insert(id, key);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is missing can be inferred only where the program says how it is distributed.
    fn check_missing(&self, id: VarId, bound: &BoundData) -> Result<()> {
        let Some(&first) = bound.missing.first() else {
            return Ok(());
        };
        let draws = |s: &Statement| matches!(&s.kind, StatementKind::Draw { target, .. } if target.var == id);
        if self.program.statements.iter().any(draws) {
            return Ok(());
        }
        let variable = self.program.variable(id);
        Err(vec![error::missing_value(
            variable.span,
            &variable.name,
            &element_text(&bound.value.shape(), first),
            &bound.file,
            "no statement says how it is distributed",
        )])
    }

    pub(super) fn statements(&mut self) -> Result<()> {
        let defined: Vec<Option<VarId>> = (0..self.program.statements.len())
            .map(|i| self.defines(i))
            .collect();
        self.expect_drawn(&defined)?;
        self.find_inlined();
        let inlined = self.inlined_statements();
        let (mut problems, mut failed) = (Diagnostics::new(), BTreeSet::new());
        self.define_all(
            &defined,
            &|i| !inlined.contains(&i),
            &mut failed,
            &mut problems,
        )?;
        for (i, &variable) in defined.iter().enumerate() {
            self.come_from(i);
            let drawn = match &self.program.statements[i].kind {
                StatementKind::Draw { target, .. } => Some(target.var),
                _ => variable,
            };
            if self.needs(i, &failed) || drawn.is_some_and(|v| failed.contains(&v)) {
                continue;
            }
            if let Err(new) = self.term(i) {
                problems.extend(new);
            }
            self.filters.clear();
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // Definitions by discrete latents, once these are drawn, for the results.
        let again = self.sum_out()?;
        self.define_all(
            &defined,
            &|i| again.contains(&i),
            &mut failed,
            &mut problems,
        )?;
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// Lowers the wanted statements that define something, each after what it needs. What has failed is not read.
    fn define_all(
        &mut self,
        defined: &[Option<VarId>],
        wanted: &dyn Fn(usize) -> bool,
        failed: &mut BTreeSet<VarId>,
        problems: &mut Diagnostics,
    ) -> Result<()> {
        let mut waiting: BTreeMap<VarId, usize> = BTreeMap::new();
        for (_, var) in defined.iter().enumerate().filter(|(i, _)| wanted(*i)) {
            var.iter()
                .for_each(|var| *waiting.entry(*var).or_default() += 1);
        }
        for step in order::order(self.program, &|i| defined[i]) {
            let members = match &step {
                Step::One(i) | Step::Draw(i) => vec![*i],
                Step::Recurrence(group) => group.clone(),
            };
            if !members.iter().all(|&i| wanted(i)) {
                continue;
            }
            let mine: Vec<VarId> = members.iter().filter_map(|&i| defined[i]).collect();
            if members.iter().any(|&i| self.needs(i, failed)) {
                failed.extend(mine);
                continue;
            }
            let given = mine.iter().try_for_each(|&var| self.take_given(var));
            let done = given.and_then(|()| match &step {
                Step::One(i) => self.define(*i, true),
                Step::Draw(i) => self.define(*i, false),
                Step::Recurrence(group) => self.recur(group),
            });
            self.filters.clear();
            if let Err(new) = done {
                problems.extend(new);
                failed.extend(mine);
                continue;
            }
            let recurrent = matches!(step, Step::Recurrence(_));
            for var in mine {
                let left = waiting.get_mut(&var).expect("counted above");
                *left -= 1;
                if *left > 0 {
                    continue;
                }
                if let Err(new) = self.assemble(var) {
                    problems.extend(new);
                    failed.insert(var);
                }
                self.settle_discrete(var);
            }
            if recurrent && problems.is_empty() {
                // Names inside its loops, now that the arrays are there.
                for &i in &members {
                    if let StatementKind::Let { target, .. } = &self.program.statements[i].kind
                        && target.indices.is_empty()
                    {
                        self.define(i, true)?;
                        self.filters.clear();
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a statement reads a variable that could not be defined.
    fn needs(&self, statement: usize, failed: &BTreeSet<VarId>) -> bool {
        !failed.is_empty() && !order::uses(self.program, statement, false).is_disjoint(failed)
    }

    /// Data with missing values are drawn somewhere.
    fn expect_drawn(&self, defined: &[Option<VarId>]) -> Result<()> {
        let mut problems = Vec::new();
        for decl in &self.program.data {
            let Some(bound) = self.bound.values.get(&decl.var) else {
                continue;
            };
            if let (Some(&first), false) =
                (bound.missing.first(), defined.contains(&Some(decl.var)))
            {
                let variable = self.program.variable(decl.var);
                let element = element_text(&bound.value.shape(), first);
                let why = "no statement says how it is distributed";
                let (name, file) = (&variable.name, &bound.file);
                problems.push(error::missing_value(
                    variable.span,
                    name,
                    &element,
                    file,
                    why,
                ));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// The variable whose value a statement gives.
    pub(super) fn defines(&self, statement: usize) -> Option<VarId> {
        match &self.program.statements[statement].kind {
            StatementKind::Draw { target, .. } => {
                let kind = self.program.variable(target.var).kind;
                let given = matches!(
                    kind,
                    VariableKind::Data | VariableKind::Guided | VariableKind::Given
                );
                let missing = self
                    .bound
                    .values
                    .get(&target.var)
                    .is_some_and(|b| !b.missing.is_empty());
                (!given || missing).then_some(target.var)
            }
            StatementKind::Let { target, .. }
            | StatementKind::Sample { target, .. }
            | StatementKind::Noise { target, .. } => Some(target.var),
            StatementKind::Param { var, .. } => Some(*var),
            StatementKind::Factor { .. } => None,
        }
    }

    /// Opens the loops around a statement; gives the axes of its rows.
    pub(super) fn open_nest(&mut self, statement: usize) -> Result<AxisList> {
        let nest = &self.program.statements[statement].nest;
        let mut axes = AxisList::new();
        for part in nest {
            match part {
                Nest::For {
                    id,
                    var,
                    range,
                    batch,
                } => {
                    let axis = match self.loops.get(id) {
                        Some(axis) => axis.expect("a loop has an axis"),
                        None => {
                            let axis = self.open_loop(*var, range, batch.as_ref())?;
                            self.loops.insert(*id, Some(axis));
                            axis
                        }
                    };
                    axes.push(axis);
                }
                Nest::If {
                    id,
                    condition,
                    holds,
                } => {
                    let flat = match self.loops.get(id) {
                        Some(flat) => *flat,
                        None => {
                            let value = self.value(condition)?;
                            let along = axes.last().copied();
                            let cause = Cause::If(*id, *holds);
                            let flat = self.filter(cause, &value, along, condition.span)?;
                            self.loops.insert(*id, flat);
                            flat
                        }
                    };
                    if let Some(flat) = flat {
                        self.filters.push(flat);
                        axes.push(flat);
                    }
                }
            }
        }
        let axes = self.union([axes]);
        let rows = axes.iter().map(|a| self.extent(*a));
        let span = self.program.statements[statement].span;
        self.expect_size("the rows of the loops around this", rows, span)?;
        Ok(axes)
    }

    /// Whether a condition outside of all loops leaves a statement out: it is then as if it were not
    /// written, and what it defines does not exist.
    pub(super) fn is_left_out(&self, statement: usize) -> bool {
        self.program.statements[statement]
            .nest
            .iter()
            .take_while(|part| matches!(part, Nest::If { .. }))
            .any(|part| match part {
                Nest::If { id, .. } => self
                    .loops
                    .get(id)
                    .copied()
                    .flatten()
                    .is_some_and(|flat| self.extent(flat) == 0),
                Nest::For { .. } => false,
            })
    }

    pub(super) fn define(&mut self, statement: usize, arguments_known: bool) -> Result<()> {
        self.come_from(statement);
        let program = self.program;
        match &program.statements[statement].kind {
            StatementKind::Draw { target, dist } if self.defines(statement).is_some() => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    if program.variable(target.var).kind == VariableKind::Data {
                        self.pieces.entry(target.var).or_default();
                    }
                    return Ok(());
                }
                if program.variable(target.var).kind == VariableKind::Data {
                    self.define_missing(target, dist, &axes)
                } else {
                    self.define_latent(target, dist, &axes, arguments_known)
                }
            }
            StatementKind::Draw { .. } | StatementKind::Factor { .. } => Ok(()),
            StatementKind::Sample { target, dist } => {
                let axes = self.open_nest(statement)?;
                match self.is_left_out(statement) {
                    true => Ok(()),
                    false => self.define_by_guide(target, dist, &axes),
                }
            }
            StatementKind::Noise { target, dist } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                self.define_noise(target, dist, &axes, arguments_known)
            }
            StatementKind::Let { target, value } => {
                let axes = self.open_nest(statement)?;
                if self.is_left_out(statement) {
                    return Ok(());
                }
                if matches!(value.ty, Type::Distribution { .. }) {
                    let d = self.distribution(value)?;
                    self.distributions.insert(target.var, d);
                    return Ok(());
                }
                let value = self.value(value)?;
                if target.indices.is_empty() {
                    self.env.insert(target.var, value);
                    return Ok(());
                }
                self.add_piece(target, &value, &axes, None)
            }
            StatementKind::Param {
                var,
                refinement,
                dims,
                extents,
                init,
                span,
            } => {
                let shape = self.declared_shape(*var, dims, extents, *span)?;
                self.define_param(*var, *refinement, shape, init.as_ref(), *span)
            }
        }
    }

    /// Records elements that a statement gives; of a latent, also the block that has their values.
    pub(super) fn add_piece(
        &mut self,
        target: &Target,
        value: &Value<'g>,
        axes: &AxisList,
        block: Option<usize>,
    ) -> Result<()> {
        if value.ragged.is_some() {
            return Err(vec![error::ragged(target.span, "an array's element")]);
        }
        let values = self.spread(value, axes);
        let rows = numel(&values.shape()[..axes.len()]);
        let mut shape = vec![rows];
        shape.extend_from_slice(&value.dims());
        let places = self.places(target, axes)?;
        let piece = Piece {
            values: values.reshape(&shape),
            places,
            indexed: target.indices.len(),
            axes: axes.clone(),
            block,
            counts: self.counts(axes).map(|counts| counts.reshape(&[rows])),
            span: target.span,
        };
        self.pieces.entry(target.var).or_default().push(piece);
        Ok(())
    }

    /// Indices from 0 of every row's element, one after the other.
    pub(super) fn places(&mut self, target: &Target, axes: &AxisList) -> Result<Vec<usize>> {
        let mut columns = Vec::new();
        for index in &target.indices {
            let numbers = self.laid_out(|l| {
                let value = l.for_target(target.var, |l| l.value(index))?;
                l.known(&value, axes, index.span)
            })?;
            if let Some(row) = numbers
                .iter()
                .position(|&k| !(k >= 1.0 && k.fract() == 0.0))
            {
                let what = format!("`{}`", self.program.variable(target.var).name);
                let text = self.row_text(axes, row);
                return Err(vec![error::out_of_range(
                    index.span,
                    numbers[row],
                    None,
                    &what,
                    &text,
                )]);
            }
            columns.push(numbers);
        }
        let rows = axes.iter().map(|a| self.extent(*a)).product::<usize>();
        Ok((0..rows)
            .flat_map(|r| columns.iter().map(move |c| c[r] as usize - 1))
            .collect())
    }

    /// Puts the pieces of an array together, when all are there.
    pub(super) fn assemble(&mut self, var: VarId) -> Result<()> {
        let Some(pieces) = self.pieces.remove(&var) else {
            return Ok(());
        };
        let Variable { name, kind, .. } = self.program.variable(var).clone();
        let of_batch = self.fed.contains(&var) && self.in_batches();
        if let (Some(bound), VariableKind::Data, false) =
            (self.bound.values.get(&var), kind, of_batch)
        {
            let held = bound.held().expect("what has missing values is held");
            return self.assemble_data(var, held.clone(), &bound.missing, &pieces);
        }
        if of_batch {
            let given = self.env[&var].var;
            let missing = self.numbers_of_missing(var);
            return self.assemble_found(var, &pieces, Some(missing.select(0.0, given)));
        }
        let indexed = pieces[0].indexed;
        let extents = extents_of(&pieces);
        self.expect_size(
            &format!("`{name}`"),
            extents.iter().copied(),
            pieces[0].span,
        )?;
        self.expect_all_drawn(var, &extents, pieces[0].span)?;
        self.expect_declared(var, &extents, pieces[0].span)?;
        if pieces.iter().any(|piece| piece.counts.is_some()) {
            return self.assemble_found(var, &pieces, None);
        }
        let total = numel(&extents);
        let mut source: Vec<Option<(usize, usize)>> = vec![None; total];
        let mut order = vec![0.0; total];
        let mut offset = 0;
        for (p, piece) in pieces.iter().enumerate() {
            for (row, place) in piece.places.chunks(indexed).enumerate() {
                let flat = flat_index(place, &extents);
                if let Some((other, other_row)) = source[flat] {
                    let element = element_text(&extents, flat);
                    let other = &pieces[other];
                    return Err(vec![error::element_twice(
                        (piece.span, &self.row_text(&piece.axes, row)),
                        (other.span, &self.row_text(&other.axes, other_row)),
                        &name,
                        &element,
                    )]);
                }
                source[flat] = Some((p, row));
                order[flat] = (offset + row) as f64;
            }
            offset += piece.values.shape()[0];
        }
        if let Some(flat) = source.iter().position(Option::is_none) {
            let element = element_text(&extents, flat);
            let shape = Type::array(
                crate::types::Base::Real,
                extents
                    .iter()
                    .map(|&n| Dim::from(n as i64))
                    .collect::<Vec<_>>(),
            );
            let shape = shape.to_string().trim_start_matches("real").to_string();
            return Err(vec![error::element_never(
                pieces[0].span,
                &name,
                &element,
                &shape,
            )]);
        }
        let rank = pieces[0].values.rank();
        if let Some(other) = pieces
            .iter()
            .find(|p| p.values.shape()[1..] != pieces[0].values.shape()[1..])
        {
            let (a, b) = (pieces[0].values.shape(), other.values.shape());
            return Err(vec![error::extents_differ(
                other.span,
                a.get(1).copied().unwrap_or(1),
                b.get(1).copied().unwrap_or(1),
            )]);
        }
        let parts: Vec<Var<'g>> = pieces.iter().map(|p| p.values).collect();
        let joined = if total == 0 {
            parts[0]
        } else {
            crate::ops::concat(&parts, rank - 1)
        };
        let sorted = if total == 0 {
            joined
        } else {
            joined.gather(rank - 1, self.graph.constant(Tensor::vector(order)))
        };
        let mut shape = extents;
        shape.extend_from_slice(&parts[0].shape()[1..]);
        self.env.insert(var, Value::plain(sorted.reshape(&shape)));
        self.place_blocks(&pieces, &shape);
        Ok(())
    }

    /// The same where a step finds out which piece has an element: that one and no other does, in all data. What is
    /// given has 0 where pieces have elements.
    fn assemble_found(
        &mut self,
        var: VarId,
        pieces: &[Piece<'g>],
        given: Option<Var<'g>>,
    ) -> Result<()> {
        let Some(first) = pieces.first() else {
            given.map(|given| self.env.insert(var, Value::plain(given)));
            return Ok(());
        };
        let extents = match given {
            Some(given) => given.shape()[..first.indexed].to_vec(),
            None => extents_of(pieces),
        };
        let extents = extents.as_slice();
        let part = |piece: &Piece<'g>| {
            let rank = piece.values.rank();
            let places = piece.places.chunks(piece.indexed);
            let at = places.map(|place| flat_index(place, extents) as f64);
            let at = self.graph.constant(Tensor::vector(at.collect::<Vec<_>>()));
            let values = match piece.counts {
                Some(counts) => {
                    let mut shape = vec![1; rank];
                    shape[0] = counts.numel();
                    counts.reshape(&shape).select(piece.values, 0.0)
                }
                None => piece.values,
            };
            values.scatter_add(rank - 1, numel(extents), at)
        };
        let whole = pieces.iter().map(part).reduce(|a, b| a + b);
        let whole = whole.expect("an array has pieces");
        let shape = [extents, &whole.shape()[1..]].concat();
        let whole = whole.reshape(&shape);
        let whole = given.map_or(whole, |given| given + whole);
        self.env.insert(var, Value::plain(whole));
        self.place_blocks(pieces, &shape);
        Ok(())
    }

    /// What a guide draws element by element it draws as far as the model does.
    /// Elements of simulated data that no statement draws are those that were given.
    fn take_given(&mut self, var: VarId) -> Result<()> {
        let simulated = self.program.variable(var).kind == VariableKind::Simulated;
        let Some(given) = self.bound.values.get(&var).and_then(|b| b.held()) else {
            return Ok(());
        };
        if !simulated || self.pieces.contains_key(&var) {
            return Ok(());
        }
        let mut drawn: Option<(usize, Vec<bool>)> = None;
        for (i, statement) in self.program.statements.iter().enumerate() {
            let target = match &statement.kind {
                StatementKind::Let { target, .. } if target.var == var => target,
                _ => continue,
            };
            let lead = Shape::from_slice(&given.shape()[..target.indices.len()]);
            let axes = self.open_nest(i)?;
            let places = self.data_places(target, &axes, &lead, 1)?;
            self.filters.clear();
            let (_, drawn) = drawn.get_or_insert((lead.len(), vec![false; numel(&lead)]));
            places.into_iter().for_each(|k| drawn[k] = true);
        }
        let Some((indexed, drawn)) = drawn.filter(|(_, d)| d.contains(&false)) else {
            return Ok(());
        };
        let others: Vec<usize> = (0..drawn.len()).filter(|&k| !drawn[k]).collect();
        let (lead, element) = given.shape().split_at(indexed);
        let size = numel(element);
        let rows = others
            .iter()
            .map(|k| &given.data()[k * size..(k + 1) * size]);
        let values: Vec<f64> = rows.flatten().copied().collect();
        let shape: Shape = std::iter::once(others.len())
            .chain(element.iter().copied())
            .collect();
        let values = self.graph.constant(Tensor::new(shape, values));
        let places = others.iter().flat_map(|&k| batch_index(lead, k)).collect();
        let piece = Piece::new(values, places, indexed, self.program.variable(var).span);
        self.pieces.insert(var, vec![piece]);
        Ok(())
    }

    fn expect_all_drawn(&self, var: VarId, extents: &[usize], span: Span) -> Result<()> {
        let variable = self.program.variable(var);
        let rows_of_batch = self.is_by_position(var);
        if variable.kind != VariableKind::Guided || rows_of_batch {
            return Ok(());
        }
        let dims = variable.ty.number().map_or(&[][..], |(_, dims)| dims);
        let wanted: Option<Vec<usize>> = dims[..extents.len().min(dims.len())]
            .iter()
            .map(|d| self.bound.evaluate(d).map(|n| n.max(0) as usize))
            .collect();
        match wanted {
            Some(wanted) if wanted != extents => {
                let name = &variable.name;
                Err(vec![error::guide_part(
                    span,
                    variable.span,
                    name,
                    extents,
                    &wanted,
                )])
            }
            _ => Ok(()),
        }
    }

    /// Data that are simulated have the extents that they are declared with.
    fn expect_declared(&self, var: VarId, extents: &[usize], span: Span) -> Result<()> {
        let variable = self.program.variable(var);
        if variable.kind != VariableKind::Simulated {
            return Ok(());
        }
        let dims = variable.ty.number().map_or(&[][..], |(_, dims)| dims);
        for (dim, &n) in dims.iter().zip(extents) {
            let declared = self.bound.evaluate(dim).map(|n| n.max(0) as usize);
            if declared.is_some_and(|declared| n > declared) {
                let what = format!("`{}`", variable.name);
                let problem = error::out_of_range(span, n as f64, declared, &what, "");
                return Err(vec![problem]);
            }
        }
        Ok(())
    }

    /// Tells the blocks that are pieces of an array of this shape which elements they are.
    pub(super) fn place_blocks(&mut self, pieces: &[Piece<'g>], shape: &[usize]) {
        for piece in pieces {
            let Some(block) = piece.block else {
                continue;
            };
            let (extents, element) = shape.split_at(piece.indexed);
            let inner = numel(element);
            let chunks = piece.places.chunks(piece.indexed);
            let rows = chunks.map(|place| flat_index(place, extents));
            let places = rows.flat_map(|row| (0..inner).map(move |i| row * inner + i));
            self.blocks[block].places = places.collect();
        }
    }

    /// Missing elements of data become what was inferred for them.
    pub(super) fn assemble_data(
        &mut self,
        var: VarId,
        value: Tensor,
        missing: &[usize],
        pieces: &[Piece<'g>],
    ) -> Result<()> {
        let shape = value.shape().clone();
        let name = self.program.variable(var).name.clone();
        let known: Vec<f64> = value
            .data()
            .iter()
            .map(|x| if x.is_nan() { 0.0 } else { *x })
            .collect();
        let mut filled = self.graph.constant(Tensor::vector(known));
        let mut covered = vec![false; value.numel()];
        for piece in pieces {
            let index: Vec<f64> = piece.places.iter().map(|&k| k as f64).collect();
            for &k in &piece.places {
                covered[k] = true;
            }
            filled = filled
                + piece.values.scatter_add(
                    0,
                    value.numel(),
                    self.graph.constant(Tensor::vector(index)),
                );
        }
        if let Some(&k) = missing.iter().find(|&&k| !covered[k]) {
            let span = self.program.variable(var).span;
            let file = &self.bound.values[&var].file;
            let why = "no statement says how it is distributed";
            return Err(vec![error::missing_value(
                span,
                &name,
                &element_text(&shape, k),
                file,
                why,
            )]);
        }
        self.env.insert(var, Value::plain(filled.reshape(&shape)));
        Ok(())
    }
}

/// Extents of the indexed axes of an array that has these elements.
fn extents_of(pieces: &[Piece<'_>]) -> Vec<usize> {
    let indexed = pieces[0].indexed;
    let mut extents = vec![0usize; indexed];
    for place in pieces.iter().flat_map(|p| p.places.chunks(indexed)) {
        let wider = extents.iter_mut().zip(place);
        wider.for_each(|(n, &k)| *n = (*n).max(k + 1));
    }
    extents
}
