//! A file of NetCDF-4, the form that ArviZ itself writes: groups and arrays in one file of HDF5.
//!
//! The file is made in memory, where it takes about five times the draws' own size; Zarr is written piece by piece.

use super::dataset::{Array, Dataset, Values, datasets};
use super::inference_data::{Attribute, InferenceData};
use super::{Format, Write};
use netcdf_writer::{
    DimensionId, Error, NcAttrValue, NcFileBuilder, NcWriteFormat, NcWriteOptions, Result,
};
use std::collections::HashMap;
use std::io;

pub(super) const FORMAT: Format = Format {
    ending: ".nc",
    name: "NetCDF",
    groups: true,
    write: Write::File(write),
};

fn write(w: &mut (dyn io::Write + Send), data: &InferenceData) -> io::Result<()> {
    let format = NcWriteFormat::Nc4;
    let built = build(data).and_then(|file| file.write(w, NcWriteOptions { format }));
    match built {
        Ok(_) => Ok(()),
        Err(Error::Io(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn build(data: &InferenceData) -> Result<NcFileBuilder> {
    let mut file = NcFileBuilder::new();
    for (name, attribute) in data.attributes() {
        file.add_attribute(name, value(attribute))?;
    }
    for dataset in datasets(data) {
        add_group(&mut file, dataset)?;
    }
    Ok(file)
}

fn value(attribute: Attribute) -> NcAttrValue {
    match attribute {
        Attribute::Text(text) => NcAttrValue::Chars(text),
        // R has no larger whole numbers, and warns of them.
        Attribute::Whole(number) => match i32::try_from(number) {
            Ok(number) => NcAttrValue::Ints(vec![number]),
            Err(_) => NcAttrValue::UInt64s(vec![number]),
        },
        Attribute::Real(number) => NcAttrValue::Doubles(vec![number]),
    }
}

fn add_group(file: &mut NcFileBuilder, dataset: Dataset) -> Result<()> {
    let group = dataset.name;
    for (name, attribute) in dataset.attributes {
        file.add_group_attribute(group, name, value(attribute))?;
    }
    let mut dims = HashMap::new();
    for axis in &dataset.coordinates {
        let path = format!("{group}/{}", axis.name);
        // A fixed extent is not 0.
        let dim = match axis.shape[0] {
            0 => file.add_unlimited_dimension_path(path)?,
            extent => file.add_dimension_path(path, extent as u64)?,
        };
        dims.insert(axis.name.clone(), dim);
    }
    for array in dataset.coordinates.iter().chain(&dataset.variables) {
        let dims: Vec<DimensionId> = array.dims.iter().map(|d| dims[d]).collect();
        add_array(file, format!("{group}/{}", array.name), &dims, array)?;
    }
    Ok(())
}

fn add_array(
    file: &mut NcFileBuilder,
    path: String,
    dims: &[DimensionId],
    array: &Array,
) -> Result<()> {
    match &array.values {
        Values::Real(values) => {
            let variable = file.add_variable_path::<f64>(path, dims)?;
            file.write_variable(variable, values)
        }
        Values::Int(values) => {
            let variable = file.add_variable_path::<i64>(path, dims)?;
            file.write_variable(variable, values)
        }
        Values::Bool(values) => {
            let variable = file.add_variable_path::<i8>(path, dims)?;
            // By this xarray knows truth values, which NetCDF does not have.
            file.add_variable_attribute(variable, "dtype", NcAttrValue::Chars("bool".into()))?;
            let bytes: Vec<i8> = values.iter().map(|&x| x.into()).collect();
            file.write_variable(variable, &bytes)
        }
        Values::Text(texts) => {
            let variable = file.add_string_variable_path(path, dims)?;
            file.write_string_variable(variable, texts)
        }
    }
}
