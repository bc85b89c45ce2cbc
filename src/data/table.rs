//! The text of a delimited file as a header and rows of cells.
//!
//! Accepted: `,`, `;` or tab as delimiter (the most frequent in the header), quoted fields, lines
//! that begin with `#` before the header. Blank lines are passed over.

use super::error;
use super::text::{Place, Text};
use crate::diag::Diagnostic;
use ::csv::{Reader, ReaderBuilder, StringRecord};
use std::ops::Range;

/// A header, and rows that are read anew by every sweep.
pub(super) struct Table<'a> {
    pub text: &'a Text,
    /// Column names without surrounding space.
    pub header: Vec<String>,
    delimiter: u8,
    /// Byte at which the header begins.
    start: usize,
    header_ranges: Vec<Range<usize>>,
}

/// One row below the header; every row handed out has as many cells as the header.
pub(super) struct Row<'a> {
    /// From 0.
    pub index: usize,
    pub cells: &'a StringRecord,
    table: &'a Table<'a>,
    /// Byte at which the row begins.
    start: usize,
}

impl<'a> Table<'a> {
    /// Finds the header and the delimiter.
    ///
    /// # Errors
    /// E0604 if there are only comments, E0613 if the header ends inside quotes.
    pub fn new(text: &'a Text) -> Result<Table<'a>, Diagnostic> {
        let skipped = |line: &&str| line.trim().is_empty() || line.starts_with('#');
        let lines = text.text.split_inclusive('\n');
        let start: usize = lines.take_while(skipped).map(str::len).sum();
        let line = text.text[start..].lines().next().unwrap_or("");
        if line.is_empty() {
            return Err(error::empty(&text.label));
        }
        let delimiter = delimiter(line);
        let (header_ranges, unclosed) = fields(&text.text.as_bytes()[start..], delimiter);
        let mut table = Table {
            text,
            header: Vec::new(),
            delimiter,
            start,
            header_ranges,
        };
        if let Some(quote) = unclosed {
            let place = text.place(start + quote, start + quote + 1);
            return Err(error::unclosed_quote(&text.label, "the header", &place));
        }
        let mut record = StringRecord::new();
        read_row(&mut table.reader(), &mut record);
        table.header = record.iter().map(|name| name.trim().to_owned()).collect();
        Ok(table)
    }

    /// Hands every row to `visit`, in order.
    ///
    /// # Errors
    /// E0611 for the first row with more or fewer cells than the header, E0613 if the file ends
    /// inside quotes, and whatever `visit` returns.
    pub fn sweep(
        &self,
        mut visit: impl FnMut(&Row) -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let mut reader = self.reader();
        let mut record = StringRecord::new();
        read_row(&mut reader, &mut record);
        let length = (self.text.text.len() - self.start) as u64;
        let mut index = 0;
        while read_row(&mut reader, &mut record) {
            let start = self.start + record.position().map_or(0, |p| p.byte() as usize);
            let row = Row {
                index,
                cells: &record,
                table: self,
                start,
            };
            if reader.position().byte() >= length {
                row.check_quotes()?;
            }
            if record.len() != self.header.len() {
                let (label, place) = (&self.text.label, row.whole());
                let (row, found) = (index + 1, record.len());
                return Err(error::wrong_field_count(
                    label,
                    row,
                    &place,
                    found,
                    &self.header,
                ));
            }
            let end = self.start + reader.position().byte() as usize;
            row.check_after_quotes(end)?;
            visit(&row)?;
            index += 1;
        }
        Ok(())
    }

    /// Where the header names a column.
    pub fn header_place(&self, column: usize) -> Place {
        let range = self.header_ranges.get(column).cloned().unwrap_or(0..0);
        self.text
            .place(self.start + range.start, self.start + range.end)
    }

    fn reader(&self) -> Reader<&'a [u8]> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(&self.text.text.as_bytes()[self.start..])
    }
}

impl Row<'_> {
    /// The row in words, as users count: from 1, the header not counted.
    pub fn name(&self) -> String {
        format!("row {} (line {})", self.index + 1, self.whole().line)
    }

    /// Where a cell stands.
    pub fn place(&self, column: usize) -> Place {
        let start = self.first_byte();
        let (ranges, _) = fields(
            &self.table.text.text.as_bytes()[start..],
            self.table.delimiter,
        );
        let range = ranges.get(column).cloned().unwrap_or(0..0);
        self.table
            .text
            .place(start + range.start, start + range.end)
    }

    fn whole(&self) -> Place {
        let start = self.first_byte();
        let (ranges, _) = fields(
            &self.table.text.text.as_bytes()[start..],
            self.table.delimiter,
        );
        self.table
            .text
            .place(start, start + ranges.last().map_or(0, |range| range.end))
    }

    /// The reader gives the end of the row before, from which blank lines have still to be passed.
    fn first_byte(&self) -> usize {
        let rest = &self.table.text.text.as_bytes()[self.start..];
        self.start
            + rest
                .iter()
                .take_while(|b| matches!(b, b'\n' | b'\r'))
                .count()
    }

    /// Refuses text behind a closing quote, in a row that ends at byte `end`.
    fn check_after_quotes(&self, end: usize) -> Result<(), Diagnostic> {
        let (text, start) = (self.table.text, self.first_byte());
        let bytes = text.text.as_bytes();
        if !bytes[start..end.clamp(start, bytes.len())].contains(&b'"') {
            return Ok(());
        }
        let ranges = fields(&bytes[start..], self.table.delimiter).0;
        for range in ranges {
            let field = &bytes[start + range.start..start + range.end];
            if let Some(at) = text_after_quotes(field) {
                let place = text.place(start + range.start + at, start + range.end);
                return Err(error::text_after_quotes(&text.label, &self.name(), &place));
            }
        }
        Ok(())
    }

    fn check_quotes(&self) -> Result<(), Diagnostic> {
        let (text, start) = (self.table.text, self.first_byte());
        match fields(&text.text.as_bytes()[start..], self.table.delimiter).1 {
            None => Ok(()),
            Some(quote) => {
                let place = text.place(start + quote, start + quote + 1);
                let row = format!("row {}", self.index + 1);
                Err(error::unclosed_quote(&text.label, &row, &place))
            }
        }
    }
}

fn read_row(reader: &mut Reader<&[u8]>, record: &mut StringRecord) -> bool {
    reader
        .read_record(record)
        .expect("text in memory is UTF-8, and rows may have any length")
}

/// The most frequent of the three delimiters outside quotes; a comma where there is none.
fn delimiter(line: &str) -> u8 {
    let mut counts = [(0, b','), (0, b';'), (0, b'\t')];
    let mut quoted = false;
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        for (count, delimiter) in counts.iter_mut().filter(|(_, d)| !quoted && *d == byte) {
            debug_assert_eq!(byte, *delimiter);
            *count += 1;
        }
    }
    // The first of equals wins, and `max_by_key` gives the last.
    counts
        .iter()
        .rev()
        .max_by_key(|(count, _)| count)
        .map_or(b',', |&(_, delimiter)| delimiter)
}

/// The byte ranges of the fields of the first row of `bytes`, quotes included, and where a quote
/// opens that is never closed.
fn fields(bytes: &[u8], delimiter: u8) -> (Vec<Range<usize>>, Option<usize>) {
    let (mut ranges, mut from, mut at) = (Vec::new(), 0, 0);
    let mut opened = None;
    while at < bytes.len() {
        let byte = bytes[at];
        match opened {
            Some(_) if byte == b'"' && bytes.get(at + 1) == Some(&b'"') => at += 1,
            Some(_) if byte == b'"' => opened = None,
            Some(_) => {}
            None if byte == b'"' && at == from => opened = Some(at),
            None if byte == delimiter => {
                ranges.push(from..at);
                from = at + 1;
            }
            None if matches!(byte, b'\n' | b'\r') => break,
            None => {}
        }
        at += 1;
    }
    ranges.push(from..at);
    (ranges, opened)
}

/// Where in a field text begins that stands behind the closing quote, spaces apart.
fn text_after_quotes(field: &[u8]) -> Option<usize> {
    if field.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while at < field.len() && (field[at] != b'"' || field.get(at + 1) == Some(&b'"')) {
        at += if field[at] == b'"' { 2 } else { 1 };
    }
    let rest = field.get(at + 1..)?;
    let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    (blank < rest.len()).then_some(at + 1 + blank)
}
