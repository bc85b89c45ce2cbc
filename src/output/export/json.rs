//! One object of JSON, as ArviZ makes a dictionary of groups: nested arrays beside the names of their axes.
//!
//! What is not finite is `null`, as in the other files of JSON.

use super::dataset::{Array, Dataset, Values, datasets};
use super::inference_data::{Attribute, InferenceData};
use super::{Format, Write};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::collections::HashSet;
use std::io;
use std::ops::Range;

pub(super) const FORMAT: Format = Format {
    ending: ".json",
    name: "JSON",
    groups: true,
    write: Write::File(write),
};

fn write(w: &mut (dyn io::Write + Send), data: &InferenceData) -> io::Result<()> {
    let object = Object {
        attributes: Attributes(data.attributes()),
        datasets: datasets(data),
    };
    serde_json::to_writer(&mut *w, &object)?;
    writeln!(w)
}

struct Object<'a> {
    attributes: Attributes,
    datasets: Vec<Dataset<'a>>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("attrs", &self.attributes)?;
        for dataset in &self.datasets {
            map.serialize_entry(dataset.name, &Arrays(&dataset.variables))?;
        }
        map.serialize_entry("coords", &Coordinates(&self.datasets))?;
        map.serialize_entry("dims", &Axes(&self.datasets))?;
        map.end()
    }
}

struct Attributes(Vec<(&'static str, Attribute)>);

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, attribute) in &self.0 {
            match attribute {
                Attribute::Text(text) => map.serialize_entry(name, text)?,
                Attribute::Whole(number) => map.serialize_entry(name, number)?,
                Attribute::Real(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}

struct Arrays<'a>(&'a [Array<'a>]);

impl Serialize for Arrays<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|array| (&array.name, Nested::of(array))))
    }
}

/// Values by the names of axes, for all groups together: readers take an axis to be the same in each.
struct Coordinates<'a>(&'a [Dataset<'a>]);

impl Serialize for Coordinates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = || self.0.iter().flat_map(|d| &d.coordinates);
        let differs = |a: &Array| all().any(|b| a.name == b.name && a.values != b.values);
        // Where it is not the same its values are left out: a group of draws of its own has the axis `draw` too.
        let same = all().filter(|axis| !differs(axis));
        let mut map = serializer.serialize_map(None)?;
        for axis in first_of_each(same.filter(|a| !is_sampled(&a.name))) {
            map.serialize_entry(&axis.name, &Nested::of(axis))?;
        }
        map.end()
    }
}

/// Names of axes by names of arrays.
struct Axes<'a>(&'a [Dataset<'a>]);

impl Serialize for Axes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for array in first_of_each(self.0.iter().flat_map(|d| &d.variables)) {
            let own = array.dims.iter().filter(|d| !is_sampled(d));
            map.serialize_entry(&array.name, &own.collect::<Vec<_>>())?;
        }
        map.end()
    }
}

fn is_sampled(axis: &str) -> bool {
    ["chain", "draw"].contains(&axis)
}

fn first_of_each<'a>(arrays: impl Iterator<Item = &'a Array<'a>>) -> Vec<&'a Array<'a>> {
    let mut names = HashSet::new();
    arrays.filter(|a| names.insert(a.name.as_str())).collect()
}

/// A stretch of values as an array in arrays of what is left of its shape.
struct Nested<'a> {
    values: &'a Values<'a>,
    range: Range<usize>,
    shape: &'a [usize],
}

impl<'a> Nested<'a> {
    fn of(array: &'a Array<'a>) -> Nested<'a> {
        Nested {
            values: &array.values,
            range: 0..array.values.len(),
            shape: &array.shape,
        }
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((&extent, shape)) = self.shape.split_first() else {
            let at = self.range.start;
            return match self.values {
                Values::Real(values) => values[at].serialize(serializer),
                Values::Int(values) => values[at].serialize(serializer),
                Values::Bool(values) => values[at].serialize(serializer),
                Values::Text(values) => values[at].serialize(serializer),
            };
        };
        let size: usize = shape.iter().product();
        let mut sequence = serializer.serialize_seq(Some(extent))?;
        for i in 0..extent {
            let start = self.range.start + i * size;
            let range = start..start + size;
            let values = self.values;
            sequence.serialize_element(&Nested {
                values,
                range,
                shape,
            })?;
        }
        sequence.end()
    }
}
