//! Named values from all sources, in the order in which they came.

use super::values::{Entry, Kind, Origin, Values};
use super::{error, serialize};
use crate::diag::{Diagnostic, Diagnostics};
use serde::Serialize;
use std::collections::BTreeMap;

/// Named values in the order of their first appearance.
///
/// They come from files ([`load`](super::load)), from anything that serde takes apart ([`Data::from_serialize`]), or one
/// by one: [`Element`](super::Element) lists what [`Data::insert`] takes.
///
/// ```
/// use elbo::data::Data;
/// let mut data = Data::default();
/// data.insert("sigma", 2.5);
/// data.insert("y", vec![1.0, 2.0]);
/// data.insert("seen", [Some(3), None, Some(8)]);
/// data.insert_numbers("x", vec![2, 3], vec![0.0; 6]).unwrap();
/// assert_eq!(data.get("x").unwrap().values.shape(), [2, 3]);
/// assert!(data.insert_numbers("x", vec![2, 2], vec![0.0; 6]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    entries: Vec<Entry>,
    index: BTreeMap<String, usize>,
}

impl Data {
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.index.get(name).map(|&i| &self.entries[i])
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.name.as_str())
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The named fields of a struct or map, or of a list of these the columns of a table.
    ///
    /// Fields hold numbers, truth values, texts, and nested lists of them; `None` is a missing value, as NaN is, and a
    /// unit variant of an enum is its name. Numbers are copied. To leave a field out, serde has
    /// `#[serde(skip_serializing_if = "Option::is_none")]`.
    ///
    /// ```
    /// use elbo::Data;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Trial { doses: Vec<f64>, deaths: [u32; 3], site: &'static str, weight: Option<f64> }
    /// let trial = Trial { doses: vec![0.1, 0.2, 0.4], deaths: [0, 1, 5], site: "Basel", weight: None };
    /// let data = Data::from_serialize(&trial)?;
    /// assert_eq!(data.names().collect::<Vec<_>>(), ["doses", "deaths", "site", "weight"]);
    ///
    /// // Records are columns.
    /// #[derive(Serialize)]
    /// struct Sale { shop: String, price: f64 }
    /// let sale = |shop: &str, price| Sale { shop: shop.into(), price };
    /// let sales = Data::from_serialize(&[sale("Ulm", 2.5), sale("Bern", 3.0)])?;
    /// assert_eq!(sales.to_json().to_string(), r#"{"shop":["Ulm","Bern"],"price":[2.5,3]}"#);
    ///
    /// let nested = Data::from_serialize(&serde_json::json!({ "x": { "mean": 1.0 } })).unwrap_err();
    /// assert!(nested.message.contains("`x`"));
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0608 for what has no named fields, E0609 for two of one name, E0610 for a field that holds what is no data, E0611 for
    /// records with different fields, E0614 for lists of texts that differ in length.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Data, Diagnostic> {
        let mut data = Data::default();
        for (name, values) in serialize::fields(value)? {
            data.insert(name, values);
        }
        Ok(data)
    }

    /// Adds values made in Rust; an entry of that name is replaced.
    pub fn insert(&mut self, name: impl Into<String>, values: impl Into<Values>) {
        let origin = Origin {
            label: "the program".into(),
            kind: Kind::Api,
            span: None,
        };
        self.insert_entry(Entry {
            name: name.into(),
            values: values.into(),
            origin,
            mixed: None,
            levels: Vec::new(),
        });
    }

    /// Adds an array of any rank from its shape and its values in row-major order.
    ///
    /// # Errors
    /// E0620 if the shape does not hold as many values as there are.
    pub fn insert_numbers(
        &mut self,
        name: impl Into<String>,
        shape: Vec<usize>,
        data: Vec<f64>,
    ) -> Result<(), Diagnostic> {
        let name = name.into();
        let holds = shape.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
        if holds != Some(data.len()) {
            return Err(error::wrong_length(&name, &shape, data.len()));
        }
        self.insert(name, Values::numbers(shape, data));
        Ok(())
    }

    /// The names and values as one JSON object, which is read as the same data again.
    ///
    /// ```
    /// use elbo::data::Data;
    /// let mut data = Data::default();
    /// data.insert("sigma", 2.5);
    /// data.insert_numbers("x", vec![2, 2], vec![1.0, 2.0, 3.0, 4.5]).unwrap();
    /// assert_eq!(data.to_json().to_string(), r#"{"sigma":2.5,"x":[[1,2],[3,4.5]]}"#);
    /// ```
    pub fn to_json(&self) -> serde_json::Value {
        let entry = |e: &Entry| (e.name.clone(), serde_json::Value::from(&e.values));
        serde_json::Value::Object(self.entries.iter().map(entry).collect())
    }

    /// Adds an entry; one of the same name is replaced and keeps its place in the order.
    pub fn insert_entry(&mut self, entry: Entry) {
        match self.index.get(&entry.name) {
            Some(&i) => self.entries[i] = entry,
            None => {
                self.index.insert(entry.name.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// Adds all entries of another source. What was given by `--set` wins over files and over
    /// earlier `--set`s.
    ///
    /// # Errors
    /// E0617 for each name that two files give.
    pub fn merge(&mut self, other: Data) -> Result<(), Diagnostics> {
        let mut errors = Vec::new();
        for entry in other.entries {
            match self.get(&entry.name) {
                Some(old) if entry.origin.kind != Kind::Set && old.origin.kind != Kind::Set => {
                    errors.push(error::given_twice(old, &entry));
                }
                Some(old) if entry.origin.kind != Kind::Set && old.origin.kind == Kind::Set => {}
                _ => self.insert_entry(entry),
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Adds what several sources give, and goes on where one cannot be read.
    ///
    /// # Errors
    /// What is wrong with any of them.
    pub(crate) fn merge_all(
        &mut self,
        sources: impl IntoIterator<Item = Result<Data, Diagnostics>>,
    ) -> Result<(), Diagnostics> {
        let merged = sources.into_iter().map(|read| self.merge(read?));
        let problems: Diagnostics = merged.filter_map(Result::err).flatten().collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }
}
