//! Arguments of distributions whose length differs from row to row: filled up to the longest with what the
//! family declares, while supports and domains keep to each row's own length.

use super::distribution::DistValue;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::diag::Span;
use crate::dist::Parameter;
use crate::graph::Tensor;

impl<'g> Lowerer<'_, 'g> {
    /// A ragged argument as a dense one, and how many entries each row lacks; any other as it is.
    pub(super) fn filled(
        &mut self,
        value: Value<'g>,
        parameter: &Parameter,
        dist: &str,
        span: Span,
    ) -> Result<(Value<'g>, Option<Value<'g>>)> {
        if value.ragged.is_none() {
            return Ok((value, None));
        }
        let Some(fill) = parameter.missing else {
            return Err(vec![error::ragged(span, dist)]);
        };
        let (filled, lengths) = self.padded(&value, fill);
        // Rows of arrays have more than the axis that differs.
        let [longest] = filled.dims()[..] else {
            return Err(vec![error::ragged(span, dist)]);
        };
        let missing = Value {
            var: longest as f64 - lengths.var,
            ..lengths
        };
        Ok((filled, Some(missing)))
    }

    /// The number of entries of each row of a filled value, where data say it.
    pub(super) fn lengths(
        &mut self,
        value: &Value<'g>,
        missing: Option<&Value<'g>>,
    ) -> Option<Vec<usize>> {
        let longest = *value.dims().last()?;
        let missing = self.spread(missing?, &value.axes).as_const()?;
        let count = |m: &f64| longest - *m as usize;
        Some(missing.data().iter().map(count).collect())
    }

    /// The upper ends of a support, `[axes…, array…]`, lower by what each row lacks.
    pub(super) fn upper_by_row(
        &mut self,
        upper: Option<Tensor>,
        d: &DistValue<'g>,
        axes: &AxisList,
        batch: &[usize],
    ) -> Option<Tensor> {
        let Some(missing) = &d.missing else {
            return upper;
        };
        let var = self.align(missing, axes);
        let mut shape = var.shape();
        for _ in axes.len() + missing.rank()..batch.len() {
            shape.insert(axes.len(), 1);
        }
        let (Some(missing), Some(upper)) =
            (var.reshape(&shape).broadcast(batch).as_const(), &upper)
        else {
            return upper;
        };
        let pairs = upper.data().iter().zip(missing.data());
        let lower = pairs.map(|(upper, missing)| upper - missing).collect();
        Some(Tensor::new(batch.into(), lower))
    }
}
