//! A folder in the second version of the format Zarr: a folder for each group, in it one for each array, with
//! metadata in JSON and numbers in chunks.
//!
//! The third version has no form for texts of its own yet, and readers of Zarr 2 cannot read it; those of Zarr 3
//! read both. The crate `zarrs` would bring more than a hundred others for what are a few lines here, since nothing is
//! compressed: the last digits of draws are noise.

use super::dataset::{Array, Values, datasets};
use super::inference_data::{Attribute, InferenceData};
use super::{Format, Put, Write};
use serde_json::{Map, Value, json};
use std::io;
use std::ops::Range;

pub(super) const FORMAT: Format = Format {
    ending: ".zarr",
    name: "Zarr",
    groups: true,
    write: Write::Folder(write),
};

/// Bytes of a chunk at most, if one draw is not larger.
const CHUNK: usize = 1 << 23;

fn write(put: &mut Put, data: &InferenceData) -> io::Result<()> {
    let mut all = Map::new();
    let mut metadata = |put: &mut Put, key: String, value: Value| {
        put(&key, &serde_json::to_vec_pretty(&value)?)?;
        all.insert(key, value);
        io::Result::Ok(())
    };
    metadata(put, ".zgroup".into(), json!({ "zarr_format": 2 }))?;
    metadata(put, ".zattrs".into(), attributes(&data.attributes()))?;
    for dataset in datasets(data) {
        let group = dataset.name;
        let about = attributes(&dataset.attributes);
        metadata(put, format!("{group}/.zgroup"), json!({ "zarr_format": 2 }))?;
        metadata(put, format!("{group}/.zattrs"), about)?;
        for array in dataset.coordinates.iter().chain(&dataset.variables) {
            let folder = format!("{group}/{}", array.name);
            let form = Form::of(array);
            let dims = json!({ "_ARRAY_DIMENSIONS": array.dims });
            metadata(put, format!("{folder}/.zarray"), form.describe(array))?;
            metadata(put, format!("{folder}/.zattrs"), dims)?;
            write_chunks(put, &folder, array, &form)?;
        }
    }
    let all = json!({ "zarr_consolidated_format": 1, "metadata": all });
    put(".zmetadata", &serde_json::to_vec_pretty(&all)?)
}

fn attributes(attributes: &[(&str, Attribute)]) -> Value {
    let value = |attribute: &Attribute| match attribute {
        Attribute::Text(text) => json!(text),
        Attribute::Whole(number) => json!(number),
        Attribute::Real(number) => json!(number),
    };
    let all = attributes.iter().map(|(name, a)| (*name, value(a)));
    all.collect()
}

/// How the elements of an array lie in its chunks.
struct Form {
    /// NumPy's name for the type.
    dtype: String,
    /// Bytes of an element.
    width: usize,
    /// An array is cut along this axis alone: draws where there are any, else the first.
    axis: usize,
    chunk: Vec<usize>,
}

impl Form {
    fn of(array: &Array) -> Form {
        let (dtype, width) = match &array.values {
            Values::Real(_) => ("<f8".into(), 8),
            Values::Int(_) => ("<i8".into(), 8),
            Values::Bool(_) => ("|b1".into(), 1),
            Values::Text(texts) => {
                let longest = texts.iter().map(|t| t.chars().count()).max();
                // There is no type for texts of no length.
                let longest = longest.unwrap_or(0).max(1);
                (format!("<U{longest}"), 4 * longest)
            }
        };
        let axis = array.dims.iter().position(|d| d == "draw").unwrap_or(0);
        let mut chunk: Vec<usize> = array.shape.iter().map(|&n| n.max(1)).collect();
        if let Some(extent) = chunk.get(axis).copied() {
            let row = width * chunk.iter().product::<usize>() / extent;
            chunk[axis] = (CHUNK / row).clamp(1, extent);
        }
        Form {
            dtype,
            width,
            axis,
            chunk,
        }
    }

    fn describe(&self, array: &Array) -> Value {
        json!({
            "zarr_format": 2,
            "shape": array.shape,
            "chunks": self.chunk,
            "dtype": self.dtype,
            "order": "C",
            "compressor": null,
            "filters": null,
            // Readers would take a number here for a mark of missing values.
            "fill_value": null,
        })
    }
}

fn write_chunks(put: &mut Put, folder: &str, array: &Array, form: &Form) -> io::Result<()> {
    let size: usize = form.chunk.iter().product();
    let mut key = vec!["0".to_owned(); array.shape.len().max(1)];
    // The axes before the one that is cut have one element, so that a chunk is a stretch of the values.
    for (number, start) in (0..array.values.len()).step_by(size).enumerate() {
        let end = array.values.len().min(start + size);
        let mut bytes = array.values.bytes(start..end, form.width);
        // The last chunk is as large as the others; what is past the end is not read.
        bytes.resize(size * form.width, 0);
        key[form.axis] = number.to_string();
        put(&format!("{folder}/{}", key.join(".")), &bytes)?;
    }
    Ok(())
}

impl Values<'_> {
    fn bytes(&self, range: Range<usize>, width: usize) -> Vec<u8> {
        match self {
            Values::Real(values) => values[range].iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::Int(values) => values[range].iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::Bool(values) => values[range].iter().map(|&x| x.into()).collect(),
            Values::Text(texts) => {
                let mut bytes = Vec::new();
                for text in &texts[range] {
                    let end = bytes.len() + width;
                    bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
                    bytes.resize(end, 0);
                }
                bytes
            }
        }
    }
}
