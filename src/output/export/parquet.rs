//! A file of Parquet: a row for each draw, with the elements' names as the program writes them.
//!
//! The libraries that write it are large, so they are behind the feature `arrow`.

use super::{Format, Write};

pub(super) const FORMAT: Format = Format {
    ending: ".parquet",
    name: "columns of Parquet",
    groups: false,
    #[cfg(feature = "arrow")]
    write: Write::File(columns::write),
    #[cfg(not(feature = "arrow"))]
    write: Write::Needs("arrow"),
};

#[cfg(feature = "arrow")]
mod columns {
    use super::super::dataset::{Values, free, values};
    use super::super::inference_data::{Attribute, Group, InferenceData};
    use super::super::rows;
    use crate::graph::element::labelled;
    use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
    use arrow_schema::{ArrowError, Field, Schema};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::errors::ParquetError;
    use parquet::file::properties::WriterProperties;
    use std::collections::{HashMap, HashSet};
    use std::io;
    use std::sync::Arc;

    pub(super) fn write(w: &mut (dyn io::Write + Send), data: &InferenceData) -> io::Result<()> {
        let batch = batch(data).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            // The file would else name the library's version, and change with it.
            .set_created_by(concat!("elbo ", env!("CARGO_PKG_VERSION")).into())
            .build();
        let written =
            ArrowWriter::try_new(w, batch.schema(), Some(properties)).and_then(|mut w| {
                w.write(&batch)?;
                w.close()
            });
        match written {
            Ok(_) => Ok(()),
            Err(ParquetError::External(error)) => Err(io::Error::other(error)),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn batch(data: &InferenceData) -> Result<RecordBatch, ArrowError> {
        let (draws, _) = data.group(Group::POSTERIOR);
        let mut taken = HashSet::new();
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        let mut add = |name: String, column| columns.push((free(name, &mut taken), column));
        add("chain".into(), Arc::new(Int64Array::from(vec![0; draws])));
        let numbers = Int64Array::from_iter_values(0..draws as i64);
        add("draw".into(), Arc::new(numbers));
        for stat in data.group(Group::SAMPLE_STATS).1 {
            let column = Float64Array::from(stat.draws.clone());
            add(stat.name.clone(), Arc::new(column));
        }
        for rows::Columns { name, quantity } in rows::columns(data) {
            let (numel, values) = (quantity.numel(), values(quantity));
            for flat in 0..numel {
                let name = labelled(&name, &quantity.shape, &quantity.labels, flat);
                add(name, column(&values, flat, numel, draws));
            }
        }
        let field = |(name, column): &(String, ArrayRef)| {
            Field::new(name, column.data_type().clone(), false)
        };
        let fields: Vec<Field> = columns.iter().map(field).collect();
        let schema = Schema::new(fields).with_metadata(metadata(data));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new(Arc::new(schema), columns)
    }

    /// One element in all draws.
    fn column(values: &Values, flat: usize, numel: usize, draws: usize) -> ArrayRef {
        let places = (0..draws).map(|draw| draw * numel + flat);
        match values {
            Values::Real(all) => Arc::new(Float64Array::from_iter_values(places.map(|i| all[i]))),
            Values::Int(all) => Arc::new(Int64Array::from_iter_values(places.map(|i| all[i]))),
            Values::Bool(all) => Arc::new(BooleanArray::from_iter(places.map(|i| Some(all[i])))),
            Values::Text(_) => unreachable!("draws are numbers"),
        }
    }

    fn metadata(data: &InferenceData) -> HashMap<String, String> {
        let text = |(name, attribute): (&str, Attribute)| {
            let text = match attribute {
                Attribute::Text(text) => text,
                Attribute::Whole(number) => number.to_string(),
                Attribute::Real(number) => number.to_string(),
            };
            (name.to_owned(), text)
        };
        data.attributes().into_iter().map(text).collect()
    }
}
