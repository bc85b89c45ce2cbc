//! `for i in 1..N batch M`: the model of one step over some rows, and of all rows in the same form.
//!
//! The loop's axis has `M` rows, and its index is a number that each step feeds: what is read at it is gathered.
//! Values made in the loop lie at positions of the batch. A local latent without a draw in the guide is drawn
//! from `N(m[i], exp(ω[i])²)` in unconstrained space, with learned parameters for all `N` rows, of which a step
//! takes its own. An array of data that is read at the loop's index alone is an input with the rows of the step,
//! so that it can stay in its file. With all rows in order, this is the model by which a fit is explained.

use super::bind::Bound;
use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result, error, order};
use crate::check::program::{Expr, Index, Program, StatementKind, Target, VarId};
use crate::diag::Span;
use crate::dist::{LOG_SQRT_2PI, Support};
use crate::graph::{NodeId, Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Fed, Role, Rows, Term};
use crate::transform;
use std::collections::BTreeSet;

/// Over which rows a program is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// All rows, as if no loop had batches.
    Everything,
    /// Rows from one on, at most so many, in the form of a step.
    Rows { from: usize, most: usize },
    /// Those that are fed.
    Step,
}

impl Over {
    /// All rows, in the form of a step.
    pub(super) const ALL_ROWS: Over = Over::Rows {
        from: 0,
        most: usize::MAX,
    };
}

/// The rows of a lowering in the form of a step.
#[derive(Clone)]
pub(super) struct Batch<'g> {
    /// Positions in the loop's range, from 0.
    rows: Var<'g>,
    /// What a row counts; absent where all count once.
    weights: Option<Var<'g>>,
    /// As many as there are, examples included.
    size: usize,
    /// Rows of the data that every step has after its own.
    examples: Vec<usize>,
    pub total: usize,
    /// The first of them, unless they are fed.
    from: usize,
    axes: Vec<AxisId>,
    fed: Vec<Fed>,
    /// Inputs of noise that belongs to the rows.
    own: Vec<NodeId>,
}

/// Arrays of data that statements read at the index of batches and nowhere else: a step is told their rows.
pub(super) fn fed(program: &Program, bound: &Bound) -> BTreeSet<VarId> {
    let mut read: BTreeSet<VarId> = BTreeSet::new();
    for (i, statement) in program.statements.iter().enumerate() {
        read.extend(order::uses(program, i, false));
        if let StatementKind::Draw { target, .. } = &statement.kind {
            read.insert(target.var);
        }
    }
    let array = |var: &VarId| {
        let known = bound.values.get(var);
        known.is_some_and(|b| !b.value.shape().is_empty())
    };
    read.retain(|var| array(var) && !program.beyond_batches.contains_key(var));
    read
}

impl<'g> Lowerer<'_, 'g> {
    /// The axis of a loop with batches over the numbers from `low` on.
    pub(super) fn open_batch(
        &mut self,
        var: VarId,
        (low, total): (f64, usize),
        size: &Expr,
        span: Span,
    ) -> Result<AxisId> {
        let wanted = self.value(size)?;
        let wanted = self.known(&wanted, &AxisList::new(), size.span)?[0];
        if !(wanted >= 1.0 && wanted.fract() == 0.0) {
            return Err(vec![error::batch_size(size.span, wanted)]);
        }
        let size = match self.over {
            Over::Step => (wanted as usize).min(total),
            Over::Rows { from, most } => most.min(total.saturating_sub(from)),
            Over::Everything => total,
        };
        if let Some(batch) = &self.batch {
            let own = (batch.size - batch.examples.len(), batch.total);
            if own != (size, total) {
                return Err(vec![error::batches_differ(span, (size, total), own)]);
            }
        } else {
            self.batch = Some(self.new_batch(size, total));
            self.feed(span)?;
        }
        let size = self.batch.as_ref().map_or(size, |batch| batch.size);
        let axis = self.new_axis(size, Vec::new());
        self.positions.insert(var, size);
        let batch = self.batch.as_mut().expect("it was set just above");
        batch.axes.push(axis);
        let first = low + batch.from as f64;
        let value = Value::on_axis(batch.rows + low, axis);
        let name = self.program.variable(var).name.clone();
        let numbers: Vec<f64> = (0..size).map(|k| first + k as f64).collect();
        self.axis_of.insert(var, axis);
        self.lengths.insert(var, size);
        self.loop_names.insert(axis, (name, numbers));
        self.env.insert(var, value);
        Ok(axis)
    }

    fn new_batch(&self, size: usize, total: usize) -> Batch<'g> {
        let step = self.over == Over::Step;
        let from = self.first_of_part();
        let examples = match step {
            true => self.told.examples(),
            false => Vec::new(),
        };
        let size = size + examples.len();
        let rows = from..from + size;
        let all = || Tensor::vector(rows.map(|k| k as f64).collect::<Vec<_>>());
        Batch {
            rows: match step {
                true => self.graph.input(&[size]),
                false => self.graph.constant(all()),
            },
            weights: step.then(|| self.graph.input(&[size])),
            size,
            examples,
            total,
            from,
            axes: Vec::new(),
            fed: Vec::new(),
            own: Vec::new(),
        }
    }

    /// The rows of arrays of data that are read at the index of batches alone: inputs of a step.
    fn feed(&mut self, span: Span) -> Result<()> {
        let Some(mut batch) = self.batch.take() else {
            return Ok(());
        };
        for var in self.fed.clone() {
            let (bound, name) = (&self.bound.values[&var], &self.program.variable(var).name);
            let mut shape = bound.value.shape();
            if shape[0] < batch.total {
                let (last, what) = (batch.total as f64, format!("`{name}`"));
                let problem = error::out_of_range(span, last, Some(shape[0]), &what, "");
                return Err(vec![problem]);
            }
            shape[0] = batch.size;
            let value = match self.over {
                Over::Step => self.graph.input(&shape),
                _ => {
                    let part = bound.value.part(batch.from, batch.size);
                    let not_read = |e| {
                        let declared = self.program.variable(var).span;
                        vec![error::not_read(declared, name, &bound.file, &e)]
                    };
                    self.graph.constant(part.map_err(not_read)?)
                }
            };
            batch.fed.push(Fed {
                input: value.id,
                name: name.clone(),
                source: bound.value.clone(),
            });
            self.env.insert(var, Value::plain(value));
        }
        self.batch = Some(batch);
        Ok(())
    }

    /// What a step feeds.
    pub(super) fn rows(&self) -> Option<Rows> {
        let batch = self.batch.as_ref()?;
        let inputs = (batch.rows.id, batch.weights?.id);
        let (fed, own) = (batch.fed.clone(), batch.own.clone());
        let missing = |var: &&VarId| !self.bound.values[var].missing.is_empty();
        let made = self.program.made_in_batches.iter();
        let made = made.chain(self.fed.iter().filter(missing));
        let made = made.map(|var| self.program.variable(*var).name.clone());
        let extents = (batch.size - batch.examples.len(), batch.total);
        let mut rows = Rows::new(inputs, extents, fed, own, made.collect());
        rows.examples.clone_from(&batch.examples);
        Some(rows)
    }

    /// Tells that an input of noise belongs to the rows of batches.
    pub(super) fn is_own(&mut self, noise: NodeId) {
        if let Some(batch) = &mut self.batch {
            batch.own.push(noise);
        }
    }

    /// The index of a loop with batches where it stands for a place in the batch.
    pub(super) fn position(&self, var: VarId) -> Option<Value<'g>> {
        let size = *self.positions.get(&var).filter(|_| self.by_position)?;
        let axis = *self.axis_of.get(&var)?;
        let places: Vec<f64> = (1..=size).map(|k| k as f64).collect();
        Some(Value::on_axis(
            self.graph.constant(Tensor::vector(places)),
            axis,
        ))
    }

    /// Runs where the indices of what is made in batches are places in the batch.
    pub(super) fn for_target<T>(
        &mut self,
        var: VarId,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let by_position = self.is_by_position(var);
        let before = std::mem::replace(&mut self.by_position, by_position);
        let result = run(self);
        self.by_position = before;
        result
    }

    /// Whether a variable's elements lie at places of the batch.
    pub(super) fn is_by_position(&self, var: VarId) -> bool {
        let made = || self.program.made_in_batches.contains(&var);
        self.fed.contains(&var) || self.in_batches() && made()
    }

    /// Whether loops with batches have the form of a step.
    pub(super) fn in_batches(&self) -> bool {
        self.over != Over::Everything
    }

    /// Whether rows are those that a step feeds.
    pub(super) fn is_step(&self) -> bool {
        self.over == Over::Step
    }

    /// Whether an axis is one of rows of a batch.
    pub(super) fn is_of_batch(&self, axis: AxisId) -> bool {
        self.batch.iter().any(|batch| batch.axes.contains(&axis))
    }

    /// Whether some of `axes` are rows of a batch, or lie on such.
    pub(super) fn is_local(&self, axes: &AxisList) -> bool {
        self.of_rows(axes).is_some()
    }

    /// The one of `axes` that is rows of a batch or lies on such, and these rows.
    fn of_rows(&self, axes: &AxisList) -> Option<(AxisId, AxisId)> {
        let batch = &self.batch.as_ref()?.axes;
        axes.iter().find_map(|&axis| {
            let lies = |rows: &&AxisId| axis == **rows || self.is_ancestor(**rows, axis);
            batch.iter().find(lies).map(|rows| (axis, *rows))
        })
    }

    /// Where an example's row stands on an axis of a step's rows.
    pub(super) fn place_of_example(&self, axis: AxisId, row: Option<usize>) -> Option<usize> {
        let batch = self.batch.as_ref().filter(|_| self.is_of_batch(axis))?;
        let at = batch.examples.binary_search(&row?).ok()?;
        Some(batch.size - batch.examples.len() + at)
    }

    /// The first row of the data that is lowered.
    pub(super) fn first_of_part(&self) -> usize {
        match self.over {
            Over::Rows { from, .. } => from,
            _ => 0,
        }
    }

    /// Rows of a batch times what they count for.
    pub(super) fn weighted(&mut self, value: Var<'g>, axes: &AxisList) -> Var<'g> {
        let weights = self.batch.as_ref().and_then(|batch| batch.weights);
        let (Some((axis, rows)), Some(weights)) = (self.of_rows(axes), weights) else {
            return value;
        };
        let weights = Value::on_axis(weights, rows);
        let weights = self.descend(&weights, axis);
        let mut weights = self.align(&weights, axes);
        while weights.rank() < value.rank() {
            weights = weights.unsqueeze(0);
        }
        value * weights
    }

    /// For every turn of some loops the place in the batch of the row that it belongs to, if it belongs to one.
    pub(super) fn rows_of_batch(&self, loops: &AxisList) -> Option<Vec<usize>> {
        let (_, rows) = self.of_rows(loops)?;
        self.rows_on(&AxisList::from_slice(&[rows]), loops)
    }

    /// What rows at some places of the batch count, where they do not count once.
    pub(super) fn weights_of(&self, places: &[usize]) -> Option<Var<'g>> {
        let weights = self.batch.as_ref()?.weights?;
        let places = places.iter().map(|&k| k as f64).collect::<Vec<_>>();
        Some(weights.gather(0, self.graph.constant(Tensor::vector(places))))
    }

    /// Of learned numbers for rows of a batch, `each` for an element of a draw: how many all rows have, and of these the places
    /// of this batch's, with how many each place has.
    pub(super) fn stored_numbers(
        &mut self,
        axes: &AxisList,
        batch_axes: &[usize],
        each: usize,
    ) -> (usize, Var<'g>, usize) {
        let batch = self.batch.clone().expect("a row of a batch is looked at");
        self.stored_places(&batch, axes, batch_axes, each)
    }

    /// How many numbers all rows of a latent have, the places of those of this batch, and how many each place has.
    fn stored_places(
        &mut self,
        batch: &Batch<'g>,
        axes: &AxisList,
        batch_axes: &[usize],
        free: usize,
    ) -> (usize, Var<'g>, usize) {
        // Some rows alone have but their own numbers.
        let (total, rows) = match batch.from {
            0 => (batch.total, batch.rows),
            from => (batch.size, batch.rows - from as f64),
        };
        if self.is_of_batch(axes[0]) {
            let each = numel(&batch_axes[1..]) * free;
            return (total * each, rows, each.max(1));
        }
        let (_, of_batch) = self.of_rows(axes).expect("a latent of rows of a batch");
        let rows = Value::on_axis(rows, of_batch);
        let (within, places) = self.places_within(axes);
        let within = Tensor::vector(within.iter().map(|&k| k as f64).collect::<Vec<_>>());
        let rows = self.spread(&rows, axes).reshape(&[within.numel()]);
        let at = rows * places as f64 + self.graph.constant(within);
        let each = numel(&batch_axes[axes.len()..]) * free;
        (total * places * each, at, each.max(1))
    }

    /// A latent of the rows of batches for which the guide has no draw: learned numbers for every row.
    pub(super) fn define_stored(
        &mut self,
        target: &Target,
        (support, batch_axes, event): (Support<'g>, Vec<usize>, Vec<usize>),
        axes: &AxisList,
    ) -> Result<()> {
        let batch = self.batch.clone().expect("a row of a batch is looked at");
        let free = transform::free_shape(&support, &event);
        let shape = [batch_axes.as_slice(), &free].concat();
        let places = self.stored_places(&batch, axes, &batch_axes, numel(&free));
        let factor = self.stored_factor(target, places, &shape, axes);
        let (value, jacobian) = transform::constrain(&support, &event, factor.value);
        let own: Vec<usize> = (0..free.len()).collect();
        let minus_log_q = factor.minus_log_q.sum_axes(&own) + jacobian.broadcast(&batch_axes);
        self.add_guide_term(target, minus_log_q, axes);
        let full = [batch_axes, event].concat();
        let value = Value {
            var: value.broadcast(&full),
            axes: axes.clone(),
            ragged: None,
        };
        self.add_piece(target, &value, axes, None)
    }

    /// Missing elements of data that are drawn in batches: learned numbers for each of them.
    pub(super) fn define_missing_in_batch(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
    ) -> Result<()> {
        let d = self.distribution(dist)?;
        let number = self.missing_at(target)?;
        let rank = number.rank() - d.event.len();
        let (support, _, _) = self.own_support(&d, axes, rank, dist.span)?;
        let first = self.bound.values[&target.var].missing[0];
        self.expect_parts(target, &d, &support, first)?;
        let number = self.spread(&number, axes);
        let shape = number.shape().to_vec();
        if d.event.is_empty() && !self.is_read(target.var) {
            // Nothing depends on it: it is a draw, and no part of the density.
            let law = self.checked(&d, axes, rank, dist.span)?;
            let noise = self.new_noise(name_of_noise(self.program, target), &shape, axes);
            if let Some(drawn) = law.reparameterised(noise) {
                self.left_open.insert(target.var);
                let value = Value {
                    var: number.select(drawn.broadcast(&shape), 0.0),
                    axes: axes.clone(),
                    ragged: None,
                };
                return self.add_piece(target, &value, axes, None);
            }
        }
        let wide = |bound: Var<'g>| bound.broadcast(&shape[..shape.len() - d.event.len()]);
        let support = match support {
            Support::Interval { lower, upper } => Support::Interval {
                lower: lower.map(wide),
                upper: upper.map(wide),
            },
            other => other,
        };
        let total = self.bound.values[&target.var].missing.len();
        let at = (number - 1.0).max(0.0).reshape(&[number.numel()]);
        let factor = self.stored_factor(target, (total, at, 1), &shape, axes);
        let (value, jacobian) = transform::constrain(&support, &[], factor.value);
        let minus_log_q = factor.minus_log_q + jacobian.broadcast(&shape);
        self.add_guide_term(target, number.select(minus_log_q, 0.0), axes);
        let value = Value {
            var: number.select(value.broadcast(&shape), 0.0),
            axes: axes.clone(),
            ragged: None,
        };
        self.add_piece(target, &value, axes, None)
    }

    /// Which of the missing ones an element is that a statement draws, from 1, or 0.
    pub(super) fn missing_at(&mut self, target: &Target) -> Result<Value<'g>> {
        let indices: Vec<Index> = target.indices.iter().cloned().map(Index::At).collect();
        let all = Value::plain(self.numbers_of_missing(target.var));
        self.for_target(target.var, |l| {
            l.index_value(None, all, &indices, "this", target.span)
        })
    }

    /// Whether some statement reads a variable.
    fn is_read(&self, var: VarId) -> bool {
        let count = self.program.statements.len();
        (0..count).any(|i| order::uses(self.program, i, false).contains(&var))
    }

    /// For every element of the batch's rows of data: which of the missing ones it is, from 1, or 0.
    pub(super) fn numbers_of_missing(&self, var: VarId) -> Var<'g> {
        let bound = &self.bound.values[&var];
        let shape = bound.value.shape();
        let mut numbers = vec![0.0; numel(&shape)];
        for (k, &at) in bound.missing.iter().enumerate() {
            numbers[at] = (k + 1) as f64;
        }
        let batch = self.batch.as_ref().expect("a row of a batch is looked at");
        let rank = shape.len();
        let all = self.graph.constant(Tensor::new(shape, numbers));
        all.gather(rank - 1, batch.rows)
    }

    /// A Normal factor with learned numbers at some of all places.
    fn stored_factor(
        &mut self,
        target: &Target,
        (total, at, each): (usize, Var<'g>, usize),
        shape: &[usize],
        axes: &AxisList,
    ) -> Factor<'g> {
        let name = self.program.variable(target.var).name.clone();
        let mut stored = |what: &str, start: f64| {
            let input = self.graph.input(&[total]);
            self.blocks.push(Block {
                name: format!("{what} of {name}"),
                role: Role::Param,
                input: input.id,
                size: total,
                value: input.id,
                places: (0..total).collect(),
                support: BlockSupport::new(&Support::REAL, &[]),
                init: Some(vec![start; total]),
            });
            let all = input.reshape(&[total / each, each]);
            all.gather(1, at).reshape(shape)
        };
        let (mean, log_sd) = (stored("mean", 0.0), stored("log sd", START));
        let noise = self.new_noise(name_of_noise(self.program, target), shape, axes);
        Factor {
            value: mean + log_sd.exp() * noise,
            minus_log_q: log_sd + noise.square() * 0.5 + LOG_SQRT_2PI,
        }
    }

    /// The guide's part of the ELBO, row by row.
    fn add_guide_term(&mut self, target: &Target, minus_log_q: Var<'g>, axes: &AxisList) {
        let pointwise = self.weighted(minus_log_q, axes);
        self.terms.push(Term {
            name: format!("guide of {}", self.program.variable(target.var).name),
            node: pointwise.sum().id,
            pointwise: pointwise.id,
            observed: false,
            places: Vec::new(),
            span: target.span,
        });
    }
}

fn name_of_noise(program: &Program, target: &Target) -> String {
    format!("noise of {}", program.variable(target.var).name)
}

/// Unconstrained values of a factor of the guide, and minus its log density.
struct Factor<'g> {
    value: Var<'g>,
    minus_log_q: Var<'g>,
}

/// Log sd at which a local latent starts, in unconstrained space.
const START: f64 = -1.0;
