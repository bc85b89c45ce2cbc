//! Columns of large files, one record batch after the other: numbers go to a scratch file, of which rows are read.
//!
//! Rows of a fit come in any order, for which neither format is made: a batch of records is compressed, or a group
//! of rows, as a whole. So it is undone once, for numbers; texts are held.

use super::super::cells::Cells;
use super::super::files::ReadAt;
use super::super::gather::families;
use super::super::raw::Opened;
use super::super::stored::Stored;
use super::super::values::Values;
use super::super::{Data, Stream, error};
use super::read::{FILE, Reader, entry, readers, texts, unreadable};
use crate::diag::Diagnostics;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_cast::cast;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

pub(in super::super) const IPC: Option<Stream> = Some(ipc);
pub(in super::super) const PARQUET: Option<Stream> = Some(parquet);

/// Rows of a batch of records made of a group of rows.
const ROWS: usize = 1 << 13;

fn ipc(file: &Opened) -> Result<Option<Data>, Diagnostics> {
    if file.source.length() <= file.in_memory {
        return Ok(None);
    }
    let bytes = || BufReader::new(Place::new(file.source.clone()));
    let format = "columns of Arrow";
    let wrong = |e: ArrowError| vec![unreadable(&file.label, format, &e.to_string())];
    let head = file.head(FILE.len()).map_err(|d| vec![d])?;
    if head == FILE {
        let reader = FileReader::try_new(bytes(), None).map_err(wrong)?;
        return spill(file, format, reader.schema(), reader).map(Some);
    }
    let reader = StreamReader::try_new(bytes(), None).map_err(wrong)?;
    spill(file, format, reader.schema(), reader).map(Some)
}

fn parquet(file: &Opened) -> Result<Option<Data>, Diagnostics> {
    let format = "columns of Parquet";
    let wrong = |why: String| vec![unreadable(&file.label, format, &why)];
    let builder = ParquetRecordBatchReaderBuilder::try_new(Place::new(file.source.clone()));
    let builder = builder.map_err(|e| wrong(e.to_string()))?;
    let rows = builder.metadata().file_metadata().num_rows().max(0) as u64;
    let columns = builder.schema().fields().len() as u64;
    if rows.saturating_mul(columns).saturating_mul(8) <= file.in_memory {
        return Ok(None);
    }
    let reader = builder.with_batch_size(ROWS).build();
    let reader = reader.map_err(|e| wrong(e.to_string()))?;
    spill(file, format, reader.schema(), reader).map(Some)
}

/// What becomes of columns.
enum Plan {
    /// Numbers of one array: its name, the extents of a row, and which columns they are, in order.
    Numbers(String, Vec<usize>, Vec<usize>),
    Texts(String, usize, Cells),
}

/// Writes the numbers of all batches to a scratch file: a block for each, in it one array after the other.
fn spill(
    file: &Opened,
    format: &str,
    schema: SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Data, Diagnostics> {
    let label = &file.label;
    let wrong = |e: ArrowError| vec![unreadable(label, format, &e.to_string())];
    let no_room = |e: io::Error| {
        let why = format!("its columns find no place outside of memory: {e}");
        vec![error::unreadable(label, &why)]
    };
    let mut plans = plans(&schema, &readers(label, &schema)?);
    let mut scratch = file.files.scratch().map_err(no_room)?;
    let (mut blocks, mut rows) = (Vec::new(), 0);
    for batch in batches {
        let batch = batch.map_err(wrong)?;
        if batch.num_rows() == 0 {
            continue;
        }
        blocks.push(rows);
        rows += batch.num_rows();
        for plan in &mut plans {
            match plan {
                Plan::Texts(_, at, cells) => {
                    texts(batch.column(*at).as_ref(), cells).map_err(wrong)?;
                }
                Plan::Numbers(_, _, columns) => {
                    let numbers = numbers(&batch, columns).map_err(wrong)?;
                    scratch.write_all(&numbers).map_err(no_room)?;
                }
            }
        }
    }
    let source = scratch.written().map_err(no_room)?;
    let all = plans.iter().map(width).sum();
    let blocks: Arc<[usize]> = blocks.into();
    let mut data = Data::default();
    let mut before = 0;
    for plan in plans {
        let own = width(&plan);
        let (name, values) = match plan {
            Plan::Texts(name, _, cells) => (name, cells.finish(vec![rows])),
            Plan::Numbers(name, extents, _) => {
                let shape = [&[rows], extents.as_slice()].concat();
                let (source, blocks) = (source.clone(), blocks.clone());
                let stored = Stored::in_blocks(source, shape, blocks, (before, all));
                (name, Values::Stored(stored))
            }
        };
        before += own;
        data.insert_entry(entry(label, &name, values));
    }
    Ok(data)
}

/// Arrays in the order of their first columns.
fn plans(schema: &SchemaRef, readers: &[Reader]) -> Vec<Plan> {
    let fields = schema.fields();
    let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
    let is_text = |i: usize| std::ptr::fn_addr_eq(readers[i], texts as Reader);
    let mut of_first: Vec<Option<Plan>> = (0..names.len())
        .map(|i| {
            let name = names[i].to_string();
            Some(match is_text(i) {
                true => Plan::Texts(name, i, Cells::default()),
                false => Plan::Numbers(name, Vec::new(), vec![i]),
            })
        })
        .collect();
    for (stem, members) in families(&names, |i| !is_text(i)) {
        let columns: Vec<usize> = members.iter().map(|(_, i)| *i).collect();
        let extents = members
            .last()
            .map_or(Vec::new(), |(index, _)| index.clone());
        let first = columns.iter().copied().min().unwrap_or(0);
        columns.iter().for_each(|&i| of_first[i] = None);
        of_first[first] = Some(Plan::Numbers(stem, extents, columns));
    }
    of_first.into_iter().flatten().collect()
}

/// Numbers of a row.
fn width(plan: &Plan) -> usize {
    match plan {
        Plan::Texts(..) => 0,
        Plan::Numbers(_, _, columns) => columns.len(),
    }
}

/// Columns of a batch row by row, as the bytes of doubles; NaN where a value is missing.
fn numbers(batch: &RecordBatch, columns: &[usize]) -> Result<Vec<u8>, ArrowError> {
    let cast = |&at: &usize| cast(batch.column(at).as_ref(), &DataType::Float64);
    let columns = columns.iter().map(cast).collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<_> = columns
        .iter()
        .map(|column| column.as_primitive::<Float64Type>())
        .collect();
    let mut bytes = Vec::with_capacity(8 * batch.num_rows() * columns.len());
    for row in 0..batch.num_rows() {
        for column in &columns {
            let number = match column.is_null(row) {
                true => f64::NAN,
                false => column.value(row),
            };
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    Ok(bytes)
}

/// A place in a file, from which is read on.
struct Place {
    source: Arc<dyn ReadAt>,
    at: u64,
}

impl Place {
    fn new(source: Arc<dyn ReadAt>) -> Place {
        Place { source, at: 0 }
    }
}

impl Read for Place {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length().saturating_sub(self.at);
        let count = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.source.read_at(self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.source.length(), by),
            SeekFrom::Current(by) => (self.at, by),
        };
        let at = from.checked_add_signed(by);
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Length for Place {
    fn len(&self) -> u64 {
        self.source.length()
    }
}

impl ChunkReader for Place {
    type T = BufReader<Place>;

    fn get_read(&self, at: u64) -> ParquetResult<BufReader<Place>> {
        let source = self.source.clone();
        Ok(BufReader::new(Place { source, at }))
    }

    fn get_bytes(&self, at: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = vec![0; length];
        self.source.read_at(at, &mut bytes)?;
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::tests::{batch, ipc, parquet};
    use super::*;
    use crate::data::{InMemory, load_streaming};
    use crate::diag::Sources;
    use std::path::Path;

    #[test]
    fn columns_that_stay_outside_of_memory_are_those_in_memory() {
        for (name, bytes) in [("d.arrow", ipc(&batch())), ("d.parquet", parquet(&batch()))] {
            let files = InMemory::new([(name, bytes)]);
            let read = |in_memory| {
                let path = Path::new(name);
                load_streaming(&files, path, in_memory, &mut Sources::default()).expect(name)
            };
            let (streamed, held) = (read(10), read(u64::MAX));
            assert!(streamed.names().eq(held.names()), "{name}");
            let mut in_files = 0;
            for (a, b) in streamed.entries().iter().zip(held.entries()) {
                assert_eq!(a.values.shape(), b.values.shape(), "{name}: {}", a.name);
                let Values::Stored(stored) = &a.values else {
                    assert_eq!(a, b);
                    continue;
                };
                in_files += 1;
                let (found, expected) = (stored.range(0..6), b.numbers().expect("numbers").data);
                for (x, y) in found.expect("it can be read").iter().zip(expected) {
                    assert!(
                        x == y || x.is_nan() && y.is_nan(),
                        "{name}: {} {x} {y}",
                        a.name
                    );
                }
                // From the second batch, and back to the first.
                let mut rows = vec![0.0; 2 * stored.width()];
                stored.read(&[5, 1], &mut rows).expect("it can be read");
                let width = stored.width();
                let same = |x: f64, y: f64| x == y || x.is_nan() && y.is_nan();
                assert!(same(rows[0], expected[5 * width]) && same(rows[width], expected[width]));
            }
            assert_eq!(in_files, 4, "{name}: y, n, flag and x are numbers");
        }
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for (name, bytes) in [("d.arrow", ipc(&batch())), ("d.parquet", parquet(&batch()))] {
            for length in [20, bytes.len() / 2, bytes.len() - 1] {
                let files = InMemory::new([(name, &bytes[..length])]);
                let found = load_streaming(&files, Path::new(name), 10, &mut Sources::default());
                let found = found.expect_err("it is not whole");
                assert_eq!(found[0].code, "E0621", "{length} of {name}: {found:?}");
            }
        }
    }
}
