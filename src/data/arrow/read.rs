//! Record batches to entries: a column is cast to doubles or to text, whichever its type is nearer to.

use super::super::cells::Cells;
use super::super::gather::gather;
use super::super::raw::Raw;
use super::super::values::{Entry, Kind, Origin, Values, is_exact_integer};
use super::super::{Data, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::io::Cursor;

/// Every file of the format begins so; a stream, which is read too, does not.
pub(super) const FILE: &[u8] = b"ARROW1";

pub(in super::super) fn ipc(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
    let bytes = Cursor::new(&raw.bytes);
    let read = || -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
        if raw.bytes.starts_with(FILE) {
            let reader = FileReader::try_new(bytes, None)?;
            Ok((reader.schema(), reader.collect::<Result<_, _>>()?))
        } else {
            let reader = StreamReader::try_new(bytes, None)?;
            Ok((reader.schema(), reader.collect::<Result<_, _>>()?))
        }
    };
    let read =
        read().map_err(|e| vec![unreadable(&raw.label, "columns of Arrow", &e.to_string())])?;
    columns(&raw, read)
}

pub(in super::super) fn parquet(mut raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
    let bytes = bytes::Bytes::from(std::mem::take(&mut raw.bytes));
    let read = || -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?;
        let schema = arrow_array::RecordBatchReader::schema(&reader);
        Ok((schema, reader.collect::<Result<_, _>>()?))
    };
    let read =
        read().map_err(|e| vec![unreadable(&raw.label, "columns of Parquet", &e.to_string())])?;
    columns(&raw, read)
}

pub(super) fn unreadable(label: &str, format: &str, why: &str) -> Diagnostic {
    match ["zstd", "brotli", "ZSTD", "BROTLI"]
        .iter()
        .find(|codec| why.contains(*codec))
    {
        Some(codec) => error::unknown_compression(label, &codec.to_lowercase()),
        None => error::damaged(label, format, why),
    }
}

fn columns(raw: &Raw, read: (SchemaRef, Vec<RecordBatch>)) -> Result<Data, Diagnostics> {
    let (schema, batches) = read;
    let readers = readers(&raw.label, &schema)?;
    let (mut entries, mut problems): (Vec<Entry>, _) = (Vec::new(), Diagnostics::new());
    for (at, (field, read)) in schema.fields().iter().zip(readers).enumerate() {
        let mut cells = Cells::default();
        let done: Result<(), ArrowError> = batches
            .iter()
            .try_for_each(|batch| read(batch.column(at).as_ref(), &mut cells));
        match done {
            Ok(()) => {
                let shape = vec![cells.len()];
                entries.push(entry(&raw.label, field.name(), cells.finish(shape)));
            }
            Err(e) => {
                problems.push(error::damaged(
                    &raw.label,
                    "columns of Arrow",
                    &e.to_string(),
                ));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut data = Data::default();
    for entry in gather(entries) {
        data.insert_entry(entry);
    }
    Ok(data)
}

pub(super) fn entry(label: &str, name: &str, values: Values) -> Entry {
    Entry {
        name: name.to_string(),
        values,
        origin: Origin {
            label: label.to_string(),
            kind: Kind::Csv,
            span: None,
        },
        mixed: None,
        levels: Vec::new(),
    }
}

/// How each column is read.
pub(super) fn readers(label: &str, schema: &SchemaRef) -> Result<Vec<Reader>, Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut readers = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        if schema.fields()[..at].iter().any(|f| f.name() == name) {
            let what = format!("it has two columns `{name}`");
            problems.push(error::damaged(label, "columns with names", &what));
        }
        match reader_of(field.data_type()) {
            Some(reader) => readers.push(reader),
            None => {
                let found = field.data_type().to_string();
                problems.push(error::unknown_elements(label, name, &found));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(readers),
        false => Err(problems),
    }
}

pub(super) type Reader = fn(&dyn Array, &mut Cells) -> Result<(), ArrowError>;

/// How the elements of a type are read, if they can be.
fn reader_of(ty: &DataType) -> Option<Reader> {
    match ty {
        DataType::Dictionary(_, values) => reader_of(values),
        DataType::Boolean => Some(truths),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(texts),
        DataType::Null => Some(numbers),
        ty if ty.is_numeric() => Some(numbers),
        _ => None,
    }
}

fn truths(column: &dyn Array, cells: &mut Cells) -> Result<(), ArrowError> {
    let column = cast(column, &DataType::Boolean)?;
    for value in column.as_boolean() {
        match value {
            Some(value) => cells.boolean(value),
            None => cells.missing(),
        }
    }
    Ok(())
}

fn numbers(column: &dyn Array, cells: &mut Cells) -> Result<(), ArrowError> {
    let column = cast(column, &DataType::Float64)?;
    for value in column.as_primitive::<Float64Type>() {
        match value {
            Some(value) if value.is_finite() => cells.number(value, is_exact_integer(value)),
            Some(value) => cells.not_finite(value),
            None => cells.missing(),
        }
    }
    Ok(())
}

pub(super) fn texts(column: &dyn Array, cells: &mut Cells) -> Result<(), ArrowError> {
    let column = cast(column, &DataType::Utf8)?;
    for value in column.as_string::<i32>() {
        match value {
            Some(value) => cells.string(value.to_string()),
            None => cells.missing(),
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::tests::{error, read, says};
    use super::super::super::values::Values;
    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch,
        StringArray, TimestampSecondArray,
    };
    use std::sync::Arc;

    pub(in super::super) fn batch() -> RecordBatch {
        let group: DictionaryArray<Int32Type> = ["north", "south", "north"].into_iter().collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "y",
                Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::NAN)])),
            ),
            ("n", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            (
                "flag",
                Arc::new(BooleanArray::from(vec![true, false, true])),
            ),
            (
                "name",
                Arc::new(StringArray::from(vec![Some("a"), None, Some("b")])),
            ),
            ("group", Arc::new(group)),
            ("x.1", Arc::new(Float64Array::from(vec![1.0, 3.0, 5.0]))),
            ("x.2", Arc::new(Float64Array::from(vec![2.0, 4.0, 6.0]))),
        ];
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }

    pub(in super::super) fn ipc(batch: &RecordBatch) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).expect("a schema");
        // Twice, so that there are two batches to bring together.
        writer.write(batch).expect("a batch");
        writer.write(batch).expect("a batch");
        writer.finish().expect("an end");
        drop(writer);
        bytes
    }

    pub(in super::super) fn parquet(batch: &RecordBatch) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None)
            .expect("a schema");
        writer.write(batch).expect("a batch");
        writer.write(batch).expect("a batch");
        writer.close().expect("an end");
        bytes
    }

    #[test]
    fn columns_become_vectors_missing_entries_and_labels() {
        for (name, bytes) in [("d.arrow", ipc(&batch())), ("d.parquet", parquet(&batch()))] {
            let data = read(name, bytes).expect(name);
            let names: Vec<&str> = data.names().collect();
            assert_eq!(names, ["y", "n", "flag", "name", "group", "x"], "{name}");
            let y = data.get("y").expect("y").numbers().expect("numbers");
            assert_eq!(
                (y.shape, y.missing, y.integer),
                (&[6][..], &[1, 4][..], false)
            );
            assert!(y.data[0] == 0.5 && y.data[2].is_nan());
            assert!(
                data.get("n")
                    .expect("n")
                    .numbers()
                    .expect("numbers")
                    .integer
            );
            assert!(
                data.get("flag")
                    .expect("flag")
                    .numbers()
                    .expect("numbers")
                    .boolean
            );
            let x = data.get("x").expect("x").numbers().expect("numbers");
            assert_eq!((x.shape, &x.data[..3]), (&[6, 2][..], &[1.0, 2.0, 3.0][..]));
            let Values::Text { data: texts, .. } = &data.get("name").expect("name").values else {
                panic!("text");
            };
            assert_eq!(texts[..2], [Some("a".to_string()), None]);
            let Values::Text { data: texts, .. } = &data.get("group").expect("group").values else {
                panic!("text");
            };
            assert_eq!(texts[1].as_deref(), Some("south"));
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_type_is_refused() {
        for (name, bytes) in [("d.arrow", ipc(&batch())), ("d.parquet", parquet(&batch()))] {
            for length in [0, 3, 10, bytes.len() / 2, bytes.len() - 1] {
                let found = error(name, &bytes[..length]);
                assert_eq!(found.code, "E0621", "{length} of {name}: {found:?}");
            }
        }
        let times: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("when", times)]).expect("a column");
        says(
            &error("d.arrow", ipc(&batch)),
            "E0622",
            &["`when`", "Timestamp"],
        );
    }
}
