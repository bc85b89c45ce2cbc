//! `for i in 1..N batch M`: the model of one step over some rows, and of all rows in the same form.
//!
//! The loop's axis has `M` rows, and its index is a number that each step feeds: what is read at it is gathered.
//! Values made in the loop lie at positions of the batch. A local latent without a draw in the guide is drawn
//! from `N(m[i], exp(ω[i])²)` in unconstrained space, with learned parameters for all `N` rows, of which a step
//! takes its own. With all rows in order, this is the model from which a fit is drawn.

use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, Target, VarId};
use crate::diag::Span;
use crate::dist::{LOG_SQRT_2PI, Support};
use crate::graph::{Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Role, Rows, Term};
use crate::transform;
use std::collections::BTreeSet;

/// Over which rows a program is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// All rows, as if no loop had batches.
    Everything,
    /// All rows, in the form of a step.
    AllRows,
    /// Those that are fed.
    Step,
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
    axes: Vec<AxisId>,
    indices: BTreeSet<VarId>,
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
            _ => total,
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
        }
        let axis = self.new_axis(size, Vec::new());
        let batch = self.batch.as_mut().expect("it was set just above");
        batch.axes.push(axis);
        batch.indices.insert(var);
        let value = Value {
            var: batch.rows + low,
            axes: AxisList::from_slice(&[axis]),
            ragged: None,
        };
        let name = self.program.variable(var).name.clone();
        let numbers: Vec<f64> = (0..size).map(|k| low + k as f64).collect();
        self.axis_of.insert(var, axis);
        self.lengths.insert(var, size);
        self.loop_names.insert(axis, (name, numbers));
        self.env.insert(var, value);
        Ok(axis)
    }

    fn new_batch(&self, size: usize, total: usize) -> Batch<'g> {
        let step = self.over == Over::Step;
        let all = || Tensor::vector((0..size).map(|k| k as f64).collect::<Vec<_>>());
        Batch {
            rows: match step {
                true => self.graph.input(&[size]),
                false => self.graph.constant(all()),
            },
            weights: step.then(|| self.graph.input(&[size])),
            size,
            total,
            axes: Vec::new(),
            indices: BTreeSet::new(),
        }
    }

    /// What a step feeds.
    pub(super) fn rows(&self) -> Option<Rows> {
        let batch = self.batch.as_ref()?;
        Some(Rows {
            rows: batch.rows.id,
            weights: batch.weights?.id,
            size: batch.size,
            total: batch.total,
        })
    }

    /// The index of a loop with batches where it stands for a place in the batch.
    pub(super) fn position(&self, var: VarId) -> Option<Value<'g>> {
        let batch = self.batch.as_ref().filter(|_| self.by_position)?;
        if !batch.indices.contains(&var) {
            return None;
        }
        let axis = *self.axis_of.get(&var)?;
        let places: Vec<f64> = (1..=batch.size).map(|k| k as f64).collect();
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
        self.in_batches() && self.program.made_in_batches.contains(&var)
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
        let mut stored = |what: &str, start: f64| {
            let size = batch.total * each;
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
            let all = input.reshape(&[batch.total, each]);
            all.gather(1, batch.rows).reshape(&shape)
        };
        let (mean, log_sd) = (stored("mean", 0.0), stored("log sd", START));
        let noise = self.new_noise(format!("noise of {name}"), &shape);
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
