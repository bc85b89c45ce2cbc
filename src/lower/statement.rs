//! Statements: latents and their supports, definitions, terms of the log density, results.

use super::bind::{element_text, refined_support};
use super::distribution::DistValue;
use super::order::{self, Step};
use super::value::{AxisList, Value};
use super::{Lowerer, Parts, Result, error};
use crate::check::program::{
    Expr, ExprKind, Nest, Refinement, StatementKind, Target, VarId, VariableKind,
};
use crate::diag::{Diagnostic, Span};
use crate::dist::Support;
use crate::graph::{Shape, Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Quantity, QuantityKind, Role, Term};
use crate::transform;
use crate::types::{Atom, Dim, Type};
use std::collections::BTreeMap;

/// Elements of an array that one statement defines.
pub struct Piece<'g> {
    /// `[rows, element…]`
    values: Var<'g>,
    /// Index (from 0) of every row in the indexed axes: `[rows][axes]`, flat.
    pub places: Vec<usize>,
    indexed: usize,
    /// The block whose value this is.
    block: Option<usize>,
    span: Span,
}

impl<'g> Piece<'g> {
    pub fn new(values: Var<'g>, places: Vec<usize>, indexed: usize, span: Span) -> Piece<'g> {
        Piece {
            values,
            places,
            indexed,
            block: None,
            span,
        }
    }

    pub fn values(&self) -> Var<'g> {
        self.values
    }
}

impl<'g> Lowerer<'_, 'g> {
    /// Data and dimensions become constants.
    pub(super) fn data(&mut self) -> Result<()> {
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
                        self.env
                            .insert(id, Value::plain(self.graph.constant(bound.value.clone())));
                    }
                }
                _ => {}
            }
        }
        let mut problems = Vec::new();
        for decl in &self.program.data {
            if let (None, Some(default)) = (self.bound.values.get(&decl.var), &decl.default) {
                let mut value = self.value(default)?;
                let dims: Option<Vec<usize>> = decl
                    .dims
                    .iter()
                    .map(|d| self.bound.evaluate(d).map(|n| n.max(0) as usize))
                    .collect();
                if let Some(dims) = dims {
                    value.var = value.var.broadcast(&dims);
                }
                self.env.insert(decl.var, value);
            }
        }
        for decl in &self.program.data {
            let Some(condition) = &decl.condition else {
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

    pub(super) fn statements(&mut self) -> Result<()> {
        let defined: Vec<Option<VarId>> = (0..self.program.statements.len())
            .map(|i| self.defines(i))
            .collect();
        let mut waiting: BTreeMap<VarId, usize> = BTreeMap::new();
        for var in defined.iter().flatten() {
            *waiting.entry(*var).or_default() += 1;
        }
        let mut problems = Vec::new();
        for step in order::order(self.program, &|i| defined[i]) {
            let done = match &step {
                Step::One(i) => self.define(*i, true),
                Step::Draw(i) => self.define(*i, false),
                Step::Recurrence(group) => self.recur(group),
            };
            self.filters.clear();
            if let Err(new) = done {
                problems.extend(new);
                return Err(problems);
            }
            let recurrent = matches!(step, Step::Recurrence(_));
            let members = match step {
                Step::One(i) | Step::Draw(i) => vec![i],
                Step::Recurrence(group) => group,
            };
            for var in members.iter().filter_map(|&i| defined[i]) {
                let left = waiting.get_mut(&var).expect("counted above");
                *left -= 1;
                if *left == 0 {
                    self.assemble(var)?;
                }
            }
            if recurrent {
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
        for i in 0..self.program.statements.len() {
            self.come_from(i);
            if let Err(new) = self.term(i) {
                problems.extend(new);
            }
            self.filters.clear();
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// The variable whose value a statement gives.
    fn defines(&self, statement: usize) -> Option<VarId> {
        match &self.program.statements[statement].kind {
            StatementKind::Draw { target, .. } => {
                let observed = self.program.variable(target.var).kind == VariableKind::Data;
                let missing = self
                    .bound
                    .values
                    .get(&target.var)
                    .is_some_and(|b| !b.missing.is_empty());
                (!observed || missing).then_some(target.var)
            }
            StatementKind::Let { target, .. } => Some(target.var),
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
                Nest::For { id, var, range } => {
                    let axis = match self.loops.get(id) {
                        Some(axis) => axis.expect("a loop has an axis"),
                        None => {
                            let axis = self.open_loop(*var, range)?;
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
                            let flat = self.filter(&value, *holds, along);
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
        Ok(self.union([axes]))
    }

    fn define(&mut self, statement: usize, arguments_known: bool) -> Result<()> {
        self.come_from(statement);
        let program = self.program;
        match &program.statements[statement].kind {
            StatementKind::Draw { target, dist } if self.defines(statement).is_some() => {
                let axes = self.open_nest(statement)?;
                if program.variable(target.var).kind == VariableKind::Data {
                    self.define_missing(target, dist, &axes)
                } else {
                    self.define_latent(target, dist, &axes, arguments_known)
                }
            }
            StatementKind::Draw { .. } | StatementKind::Factor { .. } => Ok(()),
            StatementKind::Let { target, value } => {
                let axes = self.open_nest(statement)?;
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
                init,
                span,
            } => self.define_param(*var, *refinement, dims, init.as_ref(), *span),
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
            return Err(vec![error::ragged(target.span, "an element of an array")]);
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
            block,
            span: target.span,
        };
        self.pieces.entry(target.var).or_default().push(piece);
        Ok(())
    }

    /// Indices from 0 of every row's element, one after the other.
    pub(super) fn places(&mut self, target: &Target, axes: &AxisList) -> Result<Vec<usize>> {
        let mut columns = Vec::new();
        for index in &target.indices {
            let value = self.value(index)?;
            let numbers = self.known(&value, axes, index.span)?;
            if let Some(row) = numbers
                .iter()
                .position(|&k| !(k >= 1.0 && k.fract() == 0.0))
            {
                let what = format!("`{}`", self.program.variable(target.var).name);
                let text = self.row_text(axes, row);
                return Err(vec![error::out_of_range(
                    index.span,
                    numbers[row],
                    usize::MAX,
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
    fn assemble(&mut self, var: VarId) -> Result<()> {
        let Some(pieces) = self.pieces.remove(&var) else {
            return Ok(());
        };
        let name = self.program.variable(var).name.clone();
        if let Some(bound) = self.bound.values.get(&var) {
            return self.assemble_data(var, bound.value.clone(), &bound.missing, &pieces);
        }
        let indexed = pieces[0].indexed;
        let mut extents = vec![0usize; indexed];
        for piece in &pieces {
            for place in piece.places.chunks(indexed) {
                extents
                    .iter_mut()
                    .zip(place)
                    .for_each(|(n, &k)| *n = (*n).max(k + 1));
            }
        }
        let total = numel(&extents);
        if total as f64 >= 2f64.powi(31) {
            return Err(vec![error::too_large(
                pieces[0].span,
                &format!("`{name}`"),
                total as f64,
            )]);
        }
        let mut source: Vec<Option<(usize, usize)>> = vec![None; total];
        let mut offset = 0;
        for (p, piece) in pieces.iter().enumerate() {
            for (row, place) in piece.places.chunks(indexed).enumerate() {
                let flat = place.iter().zip(&extents).fold(0, |f, (k, n)| f * n + k);
                if let Some((other, _)) = source[flat] {
                    let element = element_text(&extents, flat);
                    return Err(vec![error::element_twice(
                        piece.span,
                        pieces[other].span,
                        &name,
                        &element,
                    )]);
                }
                source[flat] = Some((p, offset + row));
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
        let order: Vec<f64> = source
            .iter()
            .map(|s| s.map_or(0.0, |(_, k)| k as f64))
            .collect();
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

    /// Tells the blocks that are pieces of an array of this shape which elements they are.
    fn place_blocks(&mut self, pieces: &[Piece<'g>], shape: &[usize]) {
        for piece in pieces {
            let Some(block) = piece.block else {
                continue;
            };
            let (extents, element) = shape.split_at(piece.indexed);
            let inner = numel(element);
            let flat = |place: &[usize]| place.iter().zip(extents).fold(0, |f, (k, n)| f * n + k);
            let rows = piece.places.chunks(piece.indexed).map(flat);
            let places = rows.flat_map(|row| (0..inner).map(move |i| row * inner + i));
            self.blocks[block].places = places.collect();
        }
    }

    /// Missing elements of data become what was inferred for them.
    fn assemble_data(
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
                if std::mem::replace(&mut covered[k], true) {
                    return Err(vec![error::element_twice(
                        piece.span,
                        piece.span,
                        &name,
                        &element_text(&shape, k),
                    )]);
                }
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

    fn define_latent(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<()> {
        let name = self.program.variable(target.var).name.clone();
        let lead: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        let (support, array, event) = if arguments_known {
            let d = self.distribution(dist)?;
            self.own_support(&d, axes, d.array.len(), dist.span)?
        } else {
            self.support_without_arguments(&name, dist)?
        };
        let mut batch = lead.clone();
        batch.extend(&array);
        let (value, _) = self.new_latent(&name, &support, &batch, &event);
        if target.indices.is_empty() {
            self.env.insert(target.var, Value::plain(value));
            return Ok(());
        }
        let value = Value {
            var: value,
            axes: axes.clone(),
            ragged: None,
        };
        let block = self.blocks.len() - 1;
        self.add_piece(target, &value, axes, Some(block))
    }

    fn own_support(
        &mut self,
        d: &DistValue<'g>,
        axes: &AxisList,
        rank: usize,
        span: Span,
    ) -> Result<(Support<'g>, Vec<usize>, Vec<usize>)> {
        let dist = self.checked(d, axes, rank, span)?;
        Ok((dist.support(), d.array.clone(), d.event.clone()))
    }

    /// For draws whose arguments depend on what they draw: extents from their types, the support
    /// from the family alone.
    fn support_without_arguments(
        &mut self,
        name: &str,
        dist: &Expr,
    ) -> Result<(Support<'g>, Vec<usize>, Vec<usize>)> {
        let refuse = || vec![error::self_support(dist.span, name)];
        let Type::Distribution { array, event, .. } = &dist.ty else {
            return Err(refuse());
        };
        let evaluate = |dims: &[Dim]| -> Option<Vec<usize>> {
            dims.iter()
                .map(|d| self.bound.evaluate(d).map(|n| n.max(0) as usize))
                .collect()
        };
        let (Some(array), Some(event)) = (evaluate(array), evaluate(event)) else {
            return Err(refuse());
        };
        let mut inner = dist;
        while let ExprKind::Power { dist, .. } | ExprKind::Let { body: dist, .. } = &inner.kind {
            inner = dist;
        }
        let ExprKind::Distribution { family, .. } = &inner.kind else {
            return Err(refuse());
        };
        match static_support(family.declaration().support, self.graph) {
            Some(support) if !family.support_needs_arguments() => Ok((support, array, event)),
            _ => Err(refuse()),
        }
    }

    /// A block of the unconstrained vector and the values it stands for, `[batch…, event…]`.
    fn new_latent(
        &mut self,
        name: &str,
        support: &Support<'g>,
        batch: &[usize],
        event: &[usize],
    ) -> (Var<'g>, usize) {
        let free = transform::free_shape(support, event);
        let mut shape = batch.to_vec();
        shape.extend(&free);
        let size = numel(&shape);
        let input = self.graph.input(&[size]);
        let (value, jacobian) = transform::constrain(support, event, input.reshape(&shape));
        self.jacobians.push(jacobian.sum());
        let mut full = batch.to_vec();
        full.extend(event);
        let value = value.broadcast(&full);
        let given = self.graph.input(&full);
        let inverse = transform::unconstrain(support, event, given).broadcast(&shape);
        let block = Block {
            name: name.into(),
            role: Role::Latent,
            input: input.id,
            size,
            value: value.id,
            places: (0..value.numel()).collect(),
            support: BlockSupport::new(support, event),
            given: given.id,
            free: inverse.reshape(&[size]).id,
            init: None,
        };
        self.blocks.push(block);
        (value, size)
    }

    /// Missing elements of observed data are latents of their own.
    fn define_missing(&mut self, target: &Target, dist: &Expr, axes: &AxisList) -> Result<()> {
        let bound = &self.bound.values[&target.var];
        let shape = bound.value.shape().clone();
        let name = self.program.variable(target.var).name.clone();
        let d = self.distribution(dist)?;
        let rest: Vec<usize> = shape[target.indices.len()..].to_vec();
        let places = self.data_places(target, axes, &shape, rest.iter().product())?;
        let mine: Vec<usize> = (0..places.len())
            .filter(|&i| bound.missing.binary_search(&places[i]).is_ok())
            .collect();
        if mine.is_empty() {
            self.pieces.entry(target.var).or_default();
            return Ok(());
        }
        let element = element_text(&shape, places[mine[0]]);
        let family = d.family.declaration().name;
        if matches!(
            dist.ty,
            Type::Distribution {
                base: crate::types::Base::Int,
                ..
            }
        ) {
            return Err(vec![error::missing_discrete(
                target.span,
                &name,
                &element,
                family,
            )]);
        }
        if !d.event.is_empty() {
            let why = "only single numbers can be missing, not parts of vectors";
            return Err(vec![error::missing_value(
                target.span,
                &name,
                &element,
                &bound.file,
                why,
            )]);
        }
        // Bounds of the support, at the missing elements.
        let rank = rest.len();
        let (support, _, _) = self.own_support(&d, axes, rank, dist.span)?;
        let mut full: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        full.extend(&rest);
        let index = self.graph.constant(Tensor::vector(
            mine.iter().map(|&i| i as f64).collect::<Vec<_>>(),
        ));
        let take = |bound: Option<Var<'g>>| {
            bound.map(|b| {
                if b.rank() == 0 {
                    b
                } else {
                    b.broadcast(&full).reshape(&[numel(&full)]).gather(0, index)
                }
            })
        };
        let support = match support {
            Support::Interval { lower, upper } => Support::Interval {
                lower: take(lower),
                upper: take(upper),
            },
            other => other,
        };
        let (values, _) = self.new_latent(&name, &support, &[mine.len()], &[]);
        let places: Vec<usize> = mine.iter().map(|&i| places[i]).collect();
        let block = self.blocks.len() - 1;
        self.blocks[block].places = places.clone();
        let piece = Piece {
            values,
            places,
            indexed: 1,
            block: Some(block),
            span: target.span,
        };
        self.pieces.entry(target.var).or_default().push(piece);
        Ok(())
    }

    /// Flat places in data of every element that a draw observes.
    fn data_places(
        &mut self,
        target: &Target,
        axes: &AxisList,
        shape: &Shape,
        rest: usize,
    ) -> Result<Vec<usize>> {
        let indexed = target.indices.len();
        let rows = axes.iter().map(|a| self.extent(*a)).product::<usize>();
        let places = self.places(target, axes)?;
        let mut all = Vec::with_capacity(rows * rest);
        for row in 0..rows {
            let place = &places[row * indexed..(row + 1) * indexed];
            let mut flat = 0;
            for (axis, (&k, &n)) in place.iter().zip(shape).enumerate() {
                if k >= n {
                    let what = format!("`{}`", self.program.variable(target.var).name);
                    let text = self.row_text(axes, row);
                    return Err(vec![error::out_of_range(
                        target.indices[axis].span,
                        (k + 1) as f64,
                        n,
                        &what,
                        &text,
                    )]);
                }
                flat = flat * n + k;
            }
            all.extend((0..rest).map(|j| flat * rest + j));
        }
        Ok(all)
    }

    fn define_param(
        &mut self,
        var: VarId,
        refinement: Refinement,
        dims: &[Dim],
        init: Option<&Expr>,
        span: Span,
    ) -> Result<()> {
        let name = self.program.variable(var).name.clone();
        let mut shape = Vec::new();
        for dim in dims {
            match self.bound.evaluate(dim) {
                Some(n) if n >= 0 => shape.push(n as usize),
                Some(n) => {
                    return Err(vec![error::negative_extent(
                        span,
                        &format!("an extent of `{name}`"),
                        n,
                    )]);
                }
                None => return Err(vec![error::unknown_extent(span, &name, &dim.to_string())]),
            }
        }
        let (support, rank) = match refinement {
            Refinement::Positive | Refinement::Nonnegative => (
                Support::Interval {
                    lower: Some(self.graph.scalar(0.0)),
                    upper: None,
                },
                0,
            ),
            Refinement::Unit => {
                let (zero, one) = (self.graph.scalar(0.0), self.graph.scalar(1.0));
                (
                    Support::Interval {
                        lower: Some(zero),
                        upper: Some(one),
                    },
                    0,
                )
            }
            Refinement::PositiveOrdered => (
                Support::Ordered {
                    lower: Some(self.graph.scalar(0.0)),
                    upper: None,
                },
                1,
            ),
            other => refined_support(other).unwrap_or((Support::REAL, 0)),
        };
        let (batch, event) = shape.split_at(shape.len() - rank);
        let free = transform::free_shape(&support, event);
        let mut free_shape = batch.to_vec();
        free_shape.extend(&free);
        let size = numel(&free_shape);
        let input = self.graph.input(&[size]);
        let (value, _) = transform::constrain(&support, event, input.reshape(&free_shape));
        let value = value.broadcast(&shape);
        let given = self.graph.input(&shape);
        let inverse = transform::unconstrain(&support, event, given).broadcast(&free_shape);
        let init = match init {
            Some(e) => {
                let start = self.value(e)?;
                let given = start.var.broadcast(&shape);
                let free = transform::unconstrain(&support, event, given);
                let Some(free) = free
                    .as_const()
                    .filter(|t| t.data().iter().all(|x| x.is_finite()))
                else {
                    let why = "the start must lie inside the type's range";
                    return Err(vec![
                        Diagnostic::error("E0675", format!("`{name}` cannot start here"))
                            .at(e.span, why),
                    ]);
                };
                Some(free.data().to_vec())
            }
            None => None,
        };
        self.blocks.push(Block {
            name,
            role: Role::Param,
            input: input.id,
            size,
            value: value.id,
            places: (0..value.numel()).collect(),
            support: BlockSupport::new(&support, event),
            given: given.id,
            free: inverse.reshape(&[size]).id,
            init,
        });
        self.env.insert(var, Value::plain(value));
        Ok(())
    }

    /// The summand of the log density that a statement gives.
    fn term(&mut self, statement: usize) -> Result<()> {
        let program = self.program;
        let span = program.statements[statement].span;
        match &program.statements[statement].kind {
            StatementKind::Draw { target, dist } => {
                let axes = self.open_nest(statement)?;
                let d = self.distribution(dist)?;
                let name = program.variable(target.var).name.clone();
                let observed = program.variable(target.var).kind == VariableKind::Data;
                let x = self.target_value(target, &axes)?;
                self.check_event(&d, &x, target)?;
                if observed {
                    self.check_support(target, &d, &x, &axes, dist.span)?;
                }
                let (log_prob, own) = self.log_prob(&d, &x, dist.span)?;
                let array = log_prob.rank() - own.len();
                let mut full: Vec<usize> = log_prob.shape().to_vec();
                for i in 0..array {
                    let at = own.len() + i;
                    if full[at] == 1 && array == d.array.len() {
                        full[at] = d.array[i];
                    }
                }
                let value = self.tidy(log_prob.broadcast(&full), &own, None);
                self.add_term(name, &value, &axes, observed, span);
                Ok(())
            }
            StatementKind::Factor { value } => {
                let axes = self.open_nest(statement)?;
                let value = self.value(value)?;
                if value.ragged.is_some() {
                    return Err(vec![error::ragged(span, "factor")]);
                }
                self.add_term("factor".into(), &value, &axes, false, span);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_event(&self, d: &DistValue<'g>, x: &Value<'g>, target: &Target) -> Result<()> {
        let dims = x.dims();
        let expected: Vec<usize> = d.array.iter().chain(&d.event).copied().collect();
        let n = dims.len().min(expected.len());
        let (a, b) = (&dims[dims.len() - n..], &expected[expected.len() - n..]);
        match a.iter().zip(b).find(|(a, b)| a != b) {
            Some((&a, &b)) => Err(vec![error::extents_differ(target.span, a, b)]),
            None => Ok(()),
        }
    }

    fn add_term(
        &mut self,
        name: String,
        value: &Value<'g>,
        axes: &AxisList,
        observed: bool,
        span: Span,
    ) {
        let pointwise = self.spread(value, axes);
        let node = pointwise.sum();
        self.terms.push(Term {
            name,
            node: node.id,
            pointwise: pointwise.id,
            observed,
            span,
        });
    }

    /// What is drawn, row by row.
    fn target_value(&mut self, target: &Target, axes: &AxisList) -> Result<Value<'g>> {
        let base = self.env[&target.var].clone();
        if target.indices.is_empty() {
            return Ok(base);
        }
        let indices: Vec<crate::check::program::Index> = target
            .indices
            .iter()
            .map(|e| crate::check::program::Index::At(e.clone()))
            .collect();
        let what = format!("`{}`", self.program.variable(target.var).name);
        let _ = axes;
        self.index_value(base, &indices, &what, target.span)
    }

    /// Observed values must be possible.
    fn check_support(
        &mut self,
        target: &Target,
        d: &DistValue<'g>,
        x: &Value<'g>,
        axes: &AxisList,
        span: Span,
    ) -> Result<()> {
        let Some(values) = x.var.as_const() else {
            return Ok(());
        };
        let rank = x.rank() - d.event.len();
        let (support, _, _) =
            self.own_support(d, &self.union([axes.clone(), x.axes.clone()]), rank, span)?;
        let bounds = |b: &Option<Var<'g>>| b.map(|v| v.as_uniform());
        let (lower, upper) = match &support {
            Support::Interval { lower, upper }
            | Support::Integers { lower, upper }
            | Support::Ordered { lower, upper } => {
                match (bounds(lower), bounds(upper)) {
                    // Bounds that are not one known number are for the density to judge.
                    (Some(None), _) | (_, Some(None)) => return Ok(()),
                    (l, u) => (l.flatten(), u.flatten()),
                }
            }
            _ => (None, None),
        };
        let size = numel(&d.event).max(1);
        for (i, part) in values.data().chunks(size).enumerate() {
            if let Err(why) = transform::contains(&support, &d.event, part, lower, upper) {
                let name = &self.program.variable(target.var).name;
                let row = self.row_text(&x.axes, i * size / self.count(x).max(1));
                let element = if row.is_empty() {
                    element_text(&x.dims()[..rank], i)
                } else {
                    format!(" (at {row})")
                };
                let family = d.family.declaration().name;
                return Err(vec![error::outside_support(
                    target.span,
                    name,
                    &element,
                    part[0],
                    family,
                    &why,
                )]);
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Parts> {
        self.graph.set_origin(crate::graph::Origin(0));
        let sum = |vars: Vec<Var<'g>>, graph: &'g crate::graph::Graph| {
            vars.into_iter()
                .reduce(|a, b| a + b)
                .unwrap_or_else(|| graph.scalar(0.0))
        };
        let terms = self.terms.iter().map(|t| self.graph.var(t.node)).collect();
        let log_joint = sum(terms, self.graph);
        let log_jacobian = sum(std::mem::take(&mut self.jacobians), self.graph);
        let quantities = self.quantities();
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.sort_by_key(|b| b.role == Role::Param);
        Ok(Parts {
            blocks,
            log_joint: log_joint.id,
            log_jacobian: log_jacobian.id,
            terms: self.terms,
            quantities,
        })
    }

    /// Latents, parameters and kept definitions, in the program's order.
    fn quantities(&self) -> Vec<Quantity> {
        let mut order: Vec<(Span, usize)> = Vec::new();
        for (i, variable) in self.program.variables.iter().enumerate() {
            let kept = match variable.kind {
                VariableKind::Latent | VariableKind::Param | VariableKind::Let => true,
                VariableKind::Data => self
                    .bound
                    .values
                    .get(&VarId(i as u32))
                    .is_some_and(|b| !b.missing.is_empty()),
                _ => false,
            };
            if kept {
                order.push((variable.span, i));
            }
        }
        order.sort_by_key(|(span, _)| (span.source, span.start));
        let quantity = |i: usize| {
            let (id, variable) = (VarId(i as u32), &self.program.variables[i]);
            let value = self.env.get(&id)?;
            let shape = value.var.shape().to_vec();
            let kind = match variable.kind {
                VariableKind::Param => QuantityKind::Param,
                VariableKind::Let => QuantityKind::Deterministic,
                _ => QuantityKind::Latent,
            };
            let dims = variable
                .ty
                .number()
                .map(|(_, d)| d.to_vec())
                .unwrap_or_default();
            let labels = (0..shape.len())
                .map(|axis| self.labels_of(dims.get(axis), shape[axis]))
                .collect();
            Some(Quantity {
                name: variable.name.clone(),
                node: value.var.id,
                shape,
                labels,
                kind,
            })
        };
        order.into_iter().filter_map(|(_, i)| quantity(i)).collect()
    }

    /// Names of the elements along an axis that is a label's levels.
    fn labels_of(&self, dim: Option<&Dim>, extent: usize) -> Option<Vec<String>> {
        let dim = dim?;
        let [Atom::Levels(name)] = &dim.terms.keys().collect::<Vec<_>>()[..] else {
            return None;
        };
        let levels = self.bound.levels.get(name)?;
        (levels.len() == extent).then(|| levels.clone())
    }
}

/// The support that a family's declaration alone fixes.
fn static_support(domain: crate::dist::Domain, graph: &crate::graph::Graph) -> Option<Support<'_>> {
    use crate::dist::Domain;
    let number = |x: f64| Some(graph.scalar(x));
    Some(match domain {
        Domain::Real => Support::REAL,
        Domain::Positive | Domain::Nonnegative => Support::Interval {
            lower: number(0.0),
            upper: None,
        },
        Domain::Unit => Support::Interval {
            lower: number(0.0),
            upper: number(1.0),
        },
        Domain::Circle => Support::Circle,
        Domain::Simplex => Support::Simplex,
        Domain::UnitVector => Support::UnitVector,
        Domain::Covariance => Support::Covariance,
        Domain::CholeskyCovariance => Support::CholeskyCovariance,
        Domain::Correlation => Support::Correlation,
        Domain::CholeskyCorrelation => Support::CholeskyCorrelation,
        _ => return None,
    })
}
