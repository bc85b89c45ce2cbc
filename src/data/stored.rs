//! Arrays of numbers that stay in their file: rows are read and made doubles where they are asked for.
//!
//! A row is all that one index of the first axis has. Where the rows lie is a list of blocks, since what is
//! written batch by batch has a block of every column for each batch; an array of NumPy is one block.

use super::elements::Element;
use super::files::ReadAt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Numbers of a pass over all rows that are held at once, at most.
const PASS: usize = 1 << 19;
/// Bytes that are read in one go, at most, unless a row has more.
const LONGEST_READ: usize = 1 << 20;

/// An array of numbers in a file.
#[derive(Clone, Debug)]
pub struct Stored {
    source: Arc<dyn ReadAt>,
    element: Element,
    shape: Vec<usize>,
    /// Byte at which the first block begins.
    base: u64,
    /// The first row of each block.
    blocks: Arc<[usize]>,
    /// Numbers of a row that its block holds of all arrays, and how many of these stand before this one.
    all: usize,
    before: usize,
}

/// The same numbers at the same place.
impl PartialEq for Stored {
    fn eq(&self, other: &Stored) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
            && (&self.shape, self.base, self.before) == (&other.shape, other.base, other.before)
    }
}

impl Stored {
    /// An array whose elements follow one another from a byte on.
    pub(super) fn new(
        source: Arc<dyn ReadAt>,
        element: Element,
        shape: Vec<usize>,
        base: u64,
    ) -> Stored {
        let all = shape[1..].iter().product();
        Stored {
            source,
            element,
            shape,
            base,
            blocks: [0].into(),
            all,
            before: 0,
        }
    }

    /// An array of doubles, of which every block has the rows from one of `blocks` on, beside other arrays: of
    /// `all` numbers of a row `before` stand before its own.
    #[cfg(feature = "arrow")]
    pub(super) fn in_blocks(
        source: Arc<dyn ReadAt>,
        shape: Vec<usize>,
        blocks: Arc<[usize]>,
        (before, all): (usize, usize),
    ) -> Stored {
        Stored {
            source,
            element: Element::DOUBLE,
            shape,
            base: 0,
            blocks,
            all,
            before,
        }
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// Numbers in all.
    pub fn numel(&self) -> usize {
        self.rows() * self.width()
    }

    /// Whether every number is whole by its type.
    pub fn is_integer(&self) -> bool {
        self.element.is_integer()
    }

    /// Rows in the order asked for, one after the other.
    ///
    /// # Errors
    /// What the file system says where they cannot be read.
    ///
    /// # Panics
    /// If `out` has not as many numbers as the rows, or there is no such row.
    pub fn read(&self, rows: &[usize], out: &mut [f64]) -> io::Result<()> {
        let (mut done, width) = (0, self.width());
        let mut bytes = Vec::new();
        while done < rows.len() {
            let first = rows[done];
            let end = self.end_of_block(first);
            let most = (LONGEST_READ / (width * self.element.width).max(1)).max(1);
            let follows = |k: usize| rows.get(done + k) == Some(&(first + k));
            let count = (1..most.min(end - first))
                .take_while(|&k| follows(k))
                .count()
                + 1;
            let place = &mut out[done * width..(done + count) * width];
            self.stretch(first, place, &mut bytes)?;
            done += count;
        }
        Ok(())
    }

    /// Rows that follow one another.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn range(&self, rows: Range<usize>) -> io::Result<Vec<f64>> {
        let mut out = vec![0.0; rows.len() * self.width()];
        self.read(&rows.collect::<Vec<_>>(), &mut out)?;
        Ok(out)
    }

    /// Hands all numbers to `look`, some rows at a time in their order, with the flat index of the first.
    ///
    /// # Errors
    /// As [`Stored::read`], or what `look` returns.
    pub fn pass<E: From<io::Error>>(
        &self,
        mut look: impl FnMut(usize, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let width = self.width();
        let each = (PASS / width.max(1)).max(1);
        for first in (0..self.rows()).step_by(each) {
            let part = self.range(first..(first + each).min(self.rows()))?;
            look(first * width, &part)?;
        }
        Ok(())
    }

    /// The row after the last of the block that a row is in.
    fn end_of_block(&self, row: usize) -> usize {
        let next = self.blocks.partition_point(|&first| first <= row);
        self.blocks.get(next).copied().unwrap_or(self.rows())
    }

    /// Rows of one block from `first` on.
    fn stretch(&self, first: usize, out: &mut [f64], bytes: &mut Vec<u8>) -> io::Result<()> {
        let next = self.blocks.partition_point(|&start| start <= first);
        let (start, end) = (self.blocks[next - 1], self.end_of_block(first));
        let number =
            start * self.all + (end - start) * self.before + (first - start) * self.width();
        let width = self.element.width;
        bytes.resize(out.len() * width, 0);
        let at = self.base + number as u64 * width as u64;
        self.source.read_at(at, bytes)?;
        self.element.numbers(bytes, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::elements::Kind;
    use super::*;

    #[test]
    fn rows_are_found_in_any_order_and_in_blocks() {
        // Two arrays beside each other, a of 1 and b of 2 numbers a row; blocks of 3 rows and of 2.
        let row = |r: usize| (r as f64, [10.0 + r as f64, 20.0 + r as f64]);
        let mut numbers: Vec<f64> = Vec::new();
        for rows in [0..3, 3..5] {
            numbers.extend(rows.clone().map(|r| row(r).0));
            numbers.extend(rows.flat_map(|r| row(r).1));
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let b = Stored {
            source: Arc::new(bytes),
            element: Element {
                kind: Kind::Float,
                width: 8,
                big_endian: false,
            },
            shape: vec![5, 2],
            base: 0,
            blocks: [0, 3].into(),
            all: 3,
            before: 1,
        };
        let mut out = vec![0.0; 8];
        b.read(&[4, 1, 2, 3], &mut out).expect("they are there");
        let expected: Vec<f64> = [4, 1, 2, 3].iter().flat_map(|&r| row(r).1).collect();
        assert_eq!(out, expected);
        let mut seen = Vec::new();
        b.pass(|flat, part| {
            assert_eq!(flat, seen.len());
            seen.extend_from_slice(part);
            Ok::<(), io::Error>(())
        })
        .expect("they are there");
        assert_eq!(seen, (0..5).flat_map(|r| row(r).1).collect::<Vec<_>>());
        let beyond = Stored {
            shape: vec![9, 2],
            ..b
        };
        assert!(beyond.range(0..9).is_err());
    }
}
