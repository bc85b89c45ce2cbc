//! Summands of the log density that vary along axes of states, as tables of factors.

use super::super::term::Observed;
use super::super::value::{AxisId, AxisList, Value};
use super::super::{Lowerer, Result};
use crate::diag::Span;
use crate::graph::{Tensor, Var, numel};

/// A summand as a table: a row for each turn of its loops, an axis for each discrete latent.
#[derive(Clone)]
pub struct Factor<'g> {
    pub name: String,
    /// `[rows, states…]`, one row where all are alike.
    pub values: Var<'g>,
    pub rows: usize,
    /// The loops of its rows, for rows of batches.
    pub loops: AxisList,
    /// References of its axes: indices into those of the lowering.
    pub references: Vec<usize>,
    /// For each of them and each row the elements that it stands for: none where the row has no part in it.
    pub places: Vec<Vec<Vec<usize>>>,
    /// Of which data it is the likelihood.
    pub of: Observed,
    pub span: Span,
}

impl<'g> Lowerer<'_, 'g> {
    /// Whether a summand over the rows of `axes` depends on discrete latents that are summed out.
    pub(in super::super) fn has_states(&self, value: &Value<'g>, axes: &AxisList) -> bool {
        let all = value.axes.iter().chain(axes).copied().collect();
        !self.states_among(&all).is_empty()
    }

    /// Makes a table of a summand over the rows of `axes`.
    pub(in super::super) fn add_factor(
        &mut self,
        name: String,
        value: &Value<'g>,
        axes: &AxisList,
        of: Observed,
        span: Span,
    ) -> Result<()> {
        let own = self.union([value.axes.clone(), axes.clone()]);
        let (states, loops) = (self.states_among(&own), self.loops_among(&own));
        let rows: usize = loops.iter().map(|&a| self.extent(a)).product();
        let direct: AxisList = loops.iter().chain(&states).copied().collect();
        // Rows of a condition on what is sampled, of which some do not count.
        let counts = self.counts(&own).filter(|_| !self.is_step());
        let spread = |l: &mut Self, axes: &AxisList| {
            let var = l.spread(value, axes);
            let Some(mut counts) = counts else {
                return var;
            };
            while counts.rank() < var.rank() {
                counts = counts.unsqueeze(0);
            }
            counts.select(var, 0.0)
        };
        let alike =
            value.axes.iter().all(|a| states.contains(a)) && own.iter().all(|a| direct.contains(a));
        let sizes: Vec<usize> = states.iter().map(|&a| self.extent(a)).collect();
        let terms = sizes.iter().map(|&n| n as f64).product::<f64>()
            * if alike { 1.0 } else { rows as f64 };
        let widest = states.iter().max_by_key(|axis| self.extent(**axis));
        if sizes.iter().any(|&n| n > 1)
            && terms > self.most_terms()
            && let Some(widest) = widest
        {
            let most = self.most_terms();
            let all = self.discrete.references.iter();
            let var = all
                .clone()
                .find(|r| r.axis == *widest)
                .expect("an axis of states has one")
                .var;
            let why =
                format!("`{name}` has {terms:.0} values at all of its states, more than {most}");
            return Err(self.refuse(var, span, &why));
        }
        let positional = |var: Var<'g>, lead: usize| {
            let last: Vec<usize> = (0..var.rank() - lead).collect();
            var.sum_axes(&last)
        };
        let values = if alike {
            let var = self.spread(value, &states);
            {
                let var = positional(var, states.len());
                let shape: Vec<usize> = [1].into_iter().chain(sizes.iter().copied()).collect();
                var.reshape(&shape)
            }
        } else if own.iter().all(|a| direct.contains(a)) {
            let var = spread(self, &own);
            let var = positional(var, own.len());
            // Rows first, then states.
            let place = |axis: &AxisId| {
                own.iter()
                    .position(|a| a == axis)
                    .expect("just put together")
            };
            let front: Vec<usize> = direct.iter().map(place).collect();
            let rank = front.len();
            let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
            let shape: Vec<usize> = [rows].into_iter().chain(sizes.iter().copied()).collect();
            var.permute(&order).reshape(&shape)
        } else {
            // Rows that conditions on states leave are put where they lie.
            let var = spread(self, &own);
            let var = positional(var, own.len());
            let to = self
                .rows_on(&direct, &own)
                .expect("rows lie on their loops and states");
            let to = Tensor::vector(to.into_iter().map(|k| k as f64).collect::<Vec<_>>());
            let cells = rows * numel(&sizes);
            let flat = var.reshape(&[var.numel()]);
            let flat = flat.scatter_add(0, cells, self.graph.constant(to));
            let shape: Vec<usize> = [rows].into_iter().chain(sizes.iter().copied()).collect();
            flat.reshape(&shape)
        };
        let mut references = Vec::new();
        let mut places = Vec::new();
        for axis in &states {
            let all = &self.discrete.references;
            let at = all
                .iter()
                .position(|r| r.axis == *axis)
                .expect("an axis of states has one");
            let Some(on) = self.rows_on(&all[at].axes, &loops) else {
                let (var, why) = (
                    all[at].var,
                    "elements of several turns of a loop are put together",
                );
                return Err(self.refuse(var, span, why));
            };
            places.push(
                on.into_iter()
                    .map(|row| all[at].places[row].clone())
                    .collect(),
            );
            references.push(at);
        }
        self.discrete.factors.push(Factor {
            name,
            values,
            rows,
            loops,
            references,
            places,
            of,
            span,
        });
        Ok(())
    }
}
