//! Recurrences.

use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result};
use crate::check::program::{Index, VarId};
use crate::diag::Span;
pub struct Recurrence<'g> {
    _x: Vec<Value<'g>>,
}
impl<'g> Lowerer<'_, 'g> {
    pub(super) fn is_recurrent(&self, _var: VarId) -> bool {
        self.recurrence.is_some() && false
    }
    pub(super) fn index_recurrent(
        &mut self,
        _id: u32,
        _var: VarId,
        _indices: &[Index],
        _span: Span,
    ) -> Result<Value<'g>> {
        unreachable!()
    }
    pub(super) fn step_loop(
        &mut self,
        _var: VarId,
        _low: &Value<'g>,
        _high: &Value<'g>,
        _axes: &AxisList,
        _span: Span,
    ) -> Result<Option<AxisId>> {
        Ok(None)
    }
    pub(super) fn recur(&mut self, _group: &[usize]) -> Result<()> {
        unreachable!()
    }
}
