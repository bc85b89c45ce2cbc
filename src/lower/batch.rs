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
use crate::check::program::{Expr, Program, StatementKind, Target, VarId};
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
    size: usize,
    total: usize,
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
        known.is_some_and(|b| b.missing.is_empty() && !b.value.shape().is_empty())
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
            if (batch.size, batch.total) != (size, total) {
                return Err(vec![error::batches_differ(
                    span,
                    (size, total),
                    (batch.size, batch.total),
                )]);
            }
        } else {
            self.batch = Some(self.new_batch(size, total));
            self.feed(span)?;
        }
        let axis = self.new_axis(size, Vec::new());
        self.positions.insert(var, size);
        let batch = self.batch.as_mut().expect("it was set just above");
        batch.axes.push(axis);
        let first = low + batch.from as f64;
        let value = Value {
            var: batch.rows + low,
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        };
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
        let from = match self.over {
            Over::Rows { from, .. } => from,
            _ => 0,
        };
        let rows = from..from + size;
        let all = || Tensor::vector(rows.map(|k| k as f64).collect::<Vec<_>>());
        Batch {
            rows: match step {
                true => self.graph.input(&[size]),
                false => self.graph.constant(all()),
            },
            weights: step.then(|| self.graph.input(&[size])),
            size,
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
        let made = self.program.made_in_batches.iter();
        let made = made.map(|var| self.program.variable(*var).name.clone());
        let extents = (batch.size, batch.total);
        Some(Rows::new(inputs, extents, fed, own, made.collect()))
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
        Some(Value {
            var: self.graph.constant(Tensor::vector(places)),
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        })
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

    /// Whether some of `axes` are rows of a batch.
    pub(super) fn is_local(&self, axes: &AxisList) -> bool {
        let batch = self.batch.iter().flat_map(|b| &b.axes);
        batch.into_iter().any(|axis| axes.contains(axis))
    }

    /// Rows of a batch times what they count for.
    pub(super) fn weighted(&self, value: Var<'g>, axes: &AxisList) -> Var<'g> {
        let Some(batch) = &self.batch else {
            return value;
        };
        let at = axes.iter().position(|axis| batch.axes.contains(axis));
        match (at, batch.weights) {
            (Some(at), Some(weights)) => {
                let mut shape = vec![1; value.rank()];
                shape[at] = batch.size;
                value * weights.reshape(&shape)
            }
            _ => value,
        }
    }

    /// A latent of the rows of batches for which the guide has no draw: learned numbers for every row.
    pub(super) fn define_stored(
        &mut self,
        target: &Target,
        (support, batch_axes, event): (Support<'g>, Vec<usize>, Vec<usize>),
        axes: &AxisList,
    ) -> Result<()> {
        let name = self.program.variable(target.var).name.clone();
        let batch = self.batch.clone().expect("a row of a batch is looked at");
        let free = transform::free_shape(&support, &event);
        let shape = [batch_axes.as_slice(), &free].concat();
        let each: usize = numel(&shape[1..]);
        // Some rows alone have but their own numbers.
        let (total, rows) = match batch.from {
            0 => (batch.total, batch.rows),
            from => (batch.size, batch.rows - from as f64),
        };
        let mut stored = |what: &str, start: f64| {
            let size = total * each;
            let input = self.graph.input(&[size]);
            self.blocks.push(Block {
                name: format!("{what} of {name}"),
                role: Role::Param,
                input: input.id,
                size,
                value: input.id,
                places: (0..size).collect(),
                support: BlockSupport::new(&Support::REAL, &[]),
                init: Some(vec![start; size]),
            });
            let all = input.reshape(&[total, each]);
            all.gather(1, rows).reshape(&shape)
        };
        let (mean, log_sd) = (stored("mean", 0.0), stored("log sd", START));
        let noise = self.new_noise(format!("noise of {name}"), &shape, axes);
        let (value, jacobian) = transform::constrain(&support, &event, mean + log_sd.exp() * noise);
        let own: Vec<usize> = (0..free.len()).collect();
        let minus_log_q = (log_sd + noise.square() * 0.5 + LOG_SQRT_2PI).sum_axes(&own);
        let pointwise = self.weighted(minus_log_q + jacobian.broadcast(&batch_axes), axes);
        self.terms.push(Term {
            name: format!("guide of {name}"),
            node: pointwise.sum().id,
            pointwise: pointwise.id,
            observed: false,
            span: target.span,
        });
        let full = [batch_axes, event].concat();
        let value = Value {
            var: value.broadcast(&full),
            axes: axes.clone(),
            ragged: None,
        };
        self.add_piece(target, &value, axes, None)
    }
}

/// Log sd at which a local latent starts, in unconstrained space.
const START: f64 = -1.0;
