//! Nested arrays gathered value by value: their shape, or the row that makes them no rectangle.

use super::cells::Cells;
use super::values::Values;

/// Arrays nested deeper than this are refused, so that nothing can exhaust the stack.
const DEEPEST: usize = 64;

/// A nested array in the making: the cells, and what is known of its shape so far.
#[derive(Default)]
pub(super) struct Array {
    pub cells: Cells,
    /// Where we are, from 1; one index for each open bracket.
    pub path: Vec<usize>,
    /// Length of the first array that closed at each depth.
    lengths: Vec<Option<usize>>,
    /// Depth of the values, once one was seen.
    leaf_depth: Option<usize>,
    /// The first array whose length differs.
    uneven: Option<Row>,
    innermost: Vec<usize>,
}

/// A row whose length is another than that of the first of its level.
pub(super) struct Row {
    /// From 1.
    pub index: Vec<usize>,
    /// Where it begins in its text.
    pub at: usize,
    length: usize,
    expected: usize,
}

impl Row {
    /// In words, after the row's name.
    pub fn differs(&self) -> String {
        let Row {
            length, expected, ..
        } = self;
        format!("has {length} values, the first row has {expected}")
    }
}

impl Array {
    /// An array begins.
    ///
    /// # Errors
    /// In words, after the element's name: why none can be here.
    pub fn open(&mut self) -> Result<(), &'static str> {
        let depth = self.path.len();
        if self.leaf_depth.is_some_and(|leaf| depth >= leaf) {
            return Err("is an array where others are single values");
        }
        if depth == DEEPEST {
            return Err("is nested too deeply");
        }
        self.path.push(0);
        if self.lengths.len() < self.path.len() {
            self.lengths.push(None);
        }
        Ok(())
    }

    /// The element of this index, from 1, comes next.
    pub fn step(&mut self, index: usize) {
        if let Some(last) = self.path.last_mut() {
            *last = index;
        }
    }

    /// The array that began at byte `opened` of its text ends, with so many elements.
    pub fn close(&mut self, opened: usize, length: usize) {
        self.path.pop();
        let depth = self.path.len();
        // Only a level without deeper ones can be innermost; `[[], [[1]]]` is uneven before that.
        if depth + 1 == self.lengths.len() {
            self.innermost.push(length);
        }
        match self.lengths[depth] {
            None => self.lengths[depth] = Some(length),
            Some(expected) if expected != length && self.uneven.is_none() => {
                self.uneven = Some(Row {
                    index: self.path.clone(),
                    at: opened,
                    length,
                    expected,
                });
            }
            Some(_) => {}
        }
    }

    /// A single value comes next, to be put among the cells.
    ///
    /// # Errors
    /// As [`Array::open`].
    pub fn leaf(&mut self) -> Result<(), &'static str> {
        if self.path.len() < self.lengths.len() {
            return Err("is a single value where others are arrays");
        }
        self.leaf_depth = Some(self.path.len());
        Ok(())
    }

    /// What was gathered.
    ///
    /// # Errors
    /// The row that differs, where there is text: rows of numbers may be ragged.
    pub fn finish(self) -> Result<Values, Row> {
        match self.uneven {
            Some(row) if self.cells.first_text().is_some() => Err(row),
            Some(row) => Ok(Values::Ragged {
                index: row.index,
                length: row.length,
                expected: row.expected,
                lengths: self.innermost,
                data: self.cells.into_data(),
            }),
            None => {
                let shape = self.lengths.iter().map(|n| n.unwrap_or(0)).collect();
                Ok(self.cells.finish(shape))
            }
        }
    }
}
