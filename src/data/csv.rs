//! Delimited columns with a header, as R, pandas and spreadsheets write them.
//!
//! Every column becomes an entry of its header's name. The table is swept once, with no allocation
//! for numbers; only if a column turns out to be text is it swept again for the letters of such
//! columns, so a column whose first word comes late still keeps its earlier values as written.

use super::cells::Cells;
use super::gather::gather;
use super::raw::Raw;
use super::spelling::{self, Word};
use super::table::{Row, Table};
use super::text::Text;
use super::values::{Entry, Kind, Mixed, Origin, Values};
use super::{Data, Format, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format {
    name: "delimited columns with a header",
    endings: &[".csv", ".tsv"],
    names: true,
    read,
    stream: None,
};

impl Data {
    /// The data as columns with a header, which a `.csv` file can hold.
    ///
    /// ```
    /// use elbo::data::Data;
    /// let mut data = Data::default();
    /// data.insert("x", [1.0, 2.5]);
    /// data.insert("county", ["ANOKA", "CASS"].as_slice());
    /// assert_eq!(data.to_csv()?, "x,county\n1,ANOKA\n2.5,CASS\n");
    /// # Ok::<(), elbo::diag::Diagnostic>(())
    /// ```
    ///
    /// # Errors
    /// E0629 for an entry that is no list, or not as long as the others.
    pub fn to_csv(&self) -> Result<String, Diagnostic> {
        use serde_json::Value;
        let mut columns: Vec<Vec<Value>> = Vec::new();
        for entry in self.entries() {
            let column = match Value::from(&entry.values) {
                Value::Array(column) if !column.iter().any(Value::is_array) => column,
                _ => return Err(error::no_column(&entry.name, "is no list")),
            };
            if columns.first().is_some_and(|c| c.len() != column.len()) {
                let first = &self.entries()[0].name;
                let why = format!("is not as long as `{first}`");
                return Err(error::no_column(&entry.name, &why));
            }
            columns.push(column);
        }
        let cell = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let rows = columns.first().map_or(0, Vec::len);
        let in_memory = "memory can be written to";
        writer.write_record(self.names()).expect(in_memory);
        for row in 0..rows {
            let cells = columns.iter().map(|column| cell(&column[row]));
            writer.write_record(cells).expect(in_memory);
        }
        let bytes = writer.into_inner().expect(in_memory);
        Ok(String::from_utf8(bytes).expect("names and texts are of characters"))
    }
}

fn read(raw: Raw, sources: &mut Sources) -> Result<Data, Diagnostics> {
    let text = Text::decode(&raw.label, raw.bytes, sources).map_err(|found| vec![found])?;
    read_columns(&text).map_err(|found| vec![found])
}

fn read_columns(text: &Text) -> Result<Data, Diagnostic> {
    let table = Table::new(text)?;
    check_header(&table)?;
    let mut columns: Vec<Column> = table.header.iter().map(|_| Column::default()).collect();
    table.sweep(|row| {
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            column.push(cell);
        }
        Ok(())
    })?;
    if columns.iter().any(Column::needs_letters) {
        table.sweep(|row| {
            for (i, column) in columns.iter_mut().enumerate() {
                column.push_letters(&table, row, i)?;
            }
            Ok(())
        })?;
    }
    let mut entries = Vec::new();
    for (i, (name, column)) in table.header.iter().zip(columns).enumerate() {
        // R writes row names under an empty name; nothing could refer to them.
        if !name.is_empty() {
            entries.push(column.finish(name, &table, i));
        }
    }
    let mut data = Data::default();
    for entry in gather(entries) {
        data.insert_entry(entry);
    }
    Ok(data)
}

/// Verifies that the first line names columns, each once.
fn check_header(table: &Table) -> Result<(), Diagnostic> {
    let (label, header) = (&table.text.label, &table.header);
    let named: Vec<&String> = header.iter().filter(|name| !name.is_empty()).collect();
    let is_value = |name: &&String| !matches!(spelling::read(name), Word::Text);
    if named.iter().all(is_value) {
        let first = named.first().map_or("", |name| name.as_str());
        return Err(error::no_header(label, &table.header_place(0), first));
    }
    let mut seen = BTreeMap::new();
    for (i, name) in header
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
    {
        if let Some(first) = seen.insert(name, i) {
            let (first, second) = (table.header_place(first).span, table.header_place(i));
            return Err(error::duplicate(label, "columns", name, first, &second));
        }
    }
    Ok(())
}

/// One column in the making.
#[derive(Default)]
struct Column {
    cells: Cells,
    /// Row (from 0) of the first number that no double can hold.
    beyond: Option<usize>,
    /// The cells of a column of text, from the second sweep.
    letters: Vec<Option<String>>,
    first_number: Option<super::Cell>,
    first_text: Option<super::Cell>,
}

impl Column {
    fn push(&mut self, cell: &str) {
        match spelling::read(cell.trim_ascii()) {
            Word::Missing => self.cells.missing(),
            Word::Number { value, integer } => self.cells.number(value, integer),
            Word::NotFinite(value) => self.cells.not_finite(value),
            Word::Boolean(value) => self.cells.boolean(value),
            Word::Text => self.cells.text(),
            Word::OutOfRange => {
                self.beyond.get_or_insert(self.cells.len());
                self.cells.number(f64::INFINITY, false);
            }
        }
    }

    fn is_text(&self) -> bool {
        self.cells.first_text().is_some()
    }

    fn needs_letters(&self) -> bool {
        self.is_text() || self.beyond.is_some()
    }

    /// The second sweep: keeps the cell if this column is text.
    ///
    /// # Errors
    /// E0616 at the number beyond range in a column of numbers; among text (a column of hashes, say)
    /// such a word is as good as any.
    fn push_letters(&mut self, table: &Table, row: &Row, i: usize) -> Result<(), Diagnostic> {
        let cell = row.cells.get(i).unwrap_or("").trim_ascii();
        if !self.is_text() {
            if self.beyond == Some(row.index) {
                let at = format!("column `{}`, {}", table.header[i], row.name());
                return Err(error::out_of_range(
                    &table.text.label,
                    &at,
                    &row.place(i),
                    cell,
                ));
            }
            return Ok(());
        }
        if self.cells.first_number() == Some(row.index) {
            self.first_number = Some(row.place(i).cell(cell, row.name()));
        }
        if self.cells.first_text() == Some(row.index) {
            self.first_text = Some(row.place(i).cell(cell, row.name()));
        }
        let missing = matches!(spelling::word(cell), Word::Missing);
        self.letters.push((!missing).then(|| cell.to_owned()));
        Ok(())
    }

    fn finish(self, name: &str, table: &Table, i: usize) -> Entry {
        let shape = vec![self.cells.len()];
        let mixed = match (self.first_number, self.first_text) {
            (Some(number), Some(text)) => Some(Mixed { number, text }),
            _ => None,
        };
        let values = match self.cells.first_text() {
            Some(_) => Values::Text {
                shape,
                data: self.letters,
            },
            None => self.cells.finish(shape),
        };
        let span = table.header_place(i).span;
        let origin = Origin {
            label: table.text.label.clone(),
            kind: Kind::Csv,
            span,
        };
        Entry {
            name: name.to_owned(),
            values,
            origin,
            mixed,
            levels: Vec::new(),
        }
    }
}
