//! Draws as values, in programs that make data.

use super::distribution::DistValue;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::Draw;
use crate::diag::Span;
use crate::dist::Sampled;
use crate::graph::{Shape, Var};
use crate::ops::concat;
use std::sync::Arc;

impl<'g> Lowerer<'_, 'g> {
    /// A value drawn for every row of the loops around, from noise that the key makes.
    pub(super) fn drawn(&mut self, draw: &Draw, span: Span) -> Result<Value<'g>> {
        let d = self.distribution(&draw.dist)?;
        let mut lists = vec![d.axes(self)];
        for index in &draw.over {
            lists.push(self.value(index)?.axes);
        }
        let axes = self.union(lists);
        let array = match &draw.dims {
            Some(dims) => {
                let extents = dims[..dims.len().saturating_sub(d.event.len())].iter();
                let known = extents.map(|dim| match self.bound.evaluate(dim) {
                    Some(n) => Ok(n.max(0) as usize),
                    None => Err(vec![error::unknown_extent_of_draw(span, &dim.to_string())]),
                });
                known.collect::<Result<Vec<usize>>>()?
            }
            None => d.array.clone(),
        };
        let key = self.value(&draw.key)?.var;
        // Every step of a recurrence has noise of its own.
        let key = match self.step_position() {
            Some(position) => concat(&[key, position.reshape(&[1])], 0),
            None => key,
        };
        self.draw_of(&d, &axes, &array, (key, draw.serial), span)
    }

    /// A draw of an array of such extents for every row of `axes`, from noise that key and serial make.
    pub(super) fn draw_of(
        &mut self,
        d: &DistValue<'g>,
        axes: &AxisList,
        array: &[usize],
        (key, serial): (Var<'g>, u32),
        span: Span,
    ) -> Result<Value<'g>> {
        let dist = self.checked(d, axes, array.len(), span)?;
        if !dist.is_normalised() {
            let name = d.family.declaration().name;
            return Err(vec![error::no_draws(span, name)]);
        }
        let batch: Shape = axes
            .iter()
            .map(|&a| self.extent(a))
            .chain(array.iter().copied())
            .collect();
        let event = Shape::from_slice(&d.event);
        self.expect_size("this draw", batch.iter().chain(&event).copied(), span)?;
        let (skeleton, values) = dist.take_apart();
        let sampled = Sampled {
            skeleton: Arc::new(skeleton),
            serial,
            batch,
            event,
            keys: None,
        };
        let args: Vec<_> = std::iter::once(key).chain(values).collect();
        Ok(self.tidy(self.graph.apply(sampled, &args), axes, None))
    }
}
