//! Which elements a page shows where it cannot show all.

use super::super::{Quantity, Results};
use crate::graph::element;

/// One element of a quantity of the posterior.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) quantity: &'a Quantity,
    pub(super) index: usize,
}

impl Element<'_> {
    pub(super) fn name(&self) -> String {
        let Quantity {
            name,
            shape,
            labels,
            ..
        } = self.quantity;
        element::labelled(name, shape, labels, self.index)
    }

    /// This element in every draw.
    pub(super) fn draws(&self) -> Vec<f64> {
        self.quantity.column(self.index)
    }
}

/// At most so many elements, and how many there are: as many of each quantity as of any other, the first ones. What a
/// table leaves out is not counted.
pub(super) fn choose<'a>(results: &Results<'a>, most: usize) -> (Vec<Element<'a>>, usize) {
    let of_summary = |s| {
        let s: &'a super::super::Summary = s;
        let quantity = results
            .posterior
            .quantities
            .iter()
            .find(|q| q.name == s.name)?;
        let mut rows = s.rows();
        rows.retain(|&i| i < quantity.numel());
        Some((quantity, rows))
    };
    let all: Vec<(&Quantity, Vec<usize>)> =
        results.summaries.iter().filter_map(of_summary).collect();
    let total = |share: usize| -> usize { all.iter().map(|(_, rows)| rows.len().min(share)).sum() };
    let share = (1..=most).rev().find(|&n| total(n) <= most).unwrap_or(1);
    let first = all.iter().flat_map(|&(quantity, ref rows)| {
        let rows = rows.iter().take(share);
        rows.map(move |&index| Element { quantity, index })
    });
    (first.take(most).collect(), total(usize::MAX))
}

/// At most so many indices below `count`, at equal distances.
pub(super) fn spread(count: usize, most: usize) -> Vec<usize> {
    match count <= most {
        true => (0..count).collect(),
        false => (0..most).map(|i| i * count / most).collect(),
    }
}
