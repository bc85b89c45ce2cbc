//! What a file holds, before any of it is matched with a declaration.

use super::error;
use super::stored::Stored;
use crate::diag::{Diagnostic, Span};
use serde::{Deserialize, Serialize};

/// A rectangular array (row-major) or a scalar (empty shape), as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Numbers {
        shape: Vec<usize>,
        /// NaN where the file says NaN and where the value is missing.
        data: Vec<f64>,
        /// Flat indices, ascending, of what was `null`, `NA` or empty (and not NaN).
        missing: Vec<usize>,
        /// Every value was written as an integer, or as a truth value; missing values and NaN do
        /// not count. An integer of 2⁵³ or more, which a double may round, counts as a real.
        integer: bool,
        /// Every value that is not missing was written as a truth value, and there is one.
        boolean: bool,
    },
    /// `None` where the value is missing.
    Text {
        shape: Vec<usize>,
        data: Vec<Option<String>>,
    },
    /// Nested arrays of numbers of different lengths.
    Ragged {
        /// Position, from 1, of the first row that differs: `[3]` for the third row.
        index: Vec<usize>,
        /// How many values that row has.
        length: usize,
        /// How many the first row of its level has.
        expected: usize,
        /// The length of each innermost row, in order.
        lengths: Vec<usize>,
        /// All values, row after row; NaN where missing.
        data: Vec<f64>,
    },
    /// Numbers that stay in their file: NaN is missing.
    Stored(Stored),
}

impl Values {
    /// Numbers without missing values; `integer` if each of them is whole.
    pub(crate) fn numbers(shape: Vec<usize>, data: Vec<f64>) -> Values {
        let integer = data.iter().all(|x| x.is_nan() || is_exact_integer(*x));
        Values::Numbers {
            shape,
            data,
            missing: Vec::new(),
            integer,
            boolean: false,
        }
    }

    /// The shape; of a ragged array only the number of its innermost rows.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Values::Numbers { shape, .. } | Values::Text { shape, .. } => shape.clone(),
            Values::Ragged { lengths, .. } => vec![lengths.len()],
            Values::Stored(stored) => stored.shape().to_vec(),
        }
    }

    /// The shape in words: `a number`, `text[8]`, `8 x 2 numbers`.
    pub fn describe(&self) -> String {
        let dims = |shape: &[usize]| {
            shape
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" x ")
        };
        match self {
            Values::Numbers { shape, .. } if shape.is_empty() => "a number".into(),
            Values::Numbers { shape, .. } => format!("{} numbers", dims(shape)),
            Values::Text { shape, .. } if shape.is_empty() => "a text".into(),
            Values::Text { shape, .. } => format!("{} texts", dims(shape)),
            Values::Ragged { lengths, .. } => {
                format!("{} rows of different lengths", lengths.len())
            }
            Values::Stored(stored) => format!("{} numbers", dims(stored.shape())),
        }
    }
}

/// Nested arrays; `null` where a value is missing or not finite, and for a file that cannot be read, whole numbers
/// without a point.
impl From<&Values> for serde_json::Value {
    fn from(values: &Values) -> serde_json::Value {
        use serde_json::Value;
        let number = |x: &f64| match is_exact_integer(*x) {
            true => Value::from(*x as i64),
            false => Value::from(*x),
        };
        let text = |t: &Option<String>| t.as_ref().map_or(Value::Null, |t| Value::from(t.as_str()));
        match values {
            Values::Numbers {
                shape,
                data,
                boolean,
                ..
            } => {
                let whole: Vec<Value> = match boolean {
                    true => data.iter().map(|x| Value::from(*x != 0.0)).collect(),
                    false => data.iter().map(number).collect(),
                };
                nested(shape, whole)
            }
            Values::Text { shape, data } => nested(shape, data.iter().map(text).collect()),
            Values::Ragged { lengths, data, .. } => {
                let mut rest = data.iter();
                let row = |n: &usize| rest.by_ref().take(*n).map(number).collect::<Value>();
                lengths.iter().map(row).collect()
            }
            Values::Stored(stored) => match stored.range(0..stored.rows()) {
                Ok(data) => nested(stored.shape(), data.iter().map(number).collect()),
                Err(_) => Value::Null,
            },
        }
    }
}

/// Arrays in arrays, from their values row by row.
fn nested(shape: &[usize], values: Vec<serde_json::Value>) -> serde_json::Value {
    let mut level = values;
    for &extent in shape.iter().skip(1).rev() {
        let rows = match extent {
            0 => vec![serde_json::Value::Array(Vec::new()); shape[0]],
            _ => level
                .chunks(extent)
                .map(|row| row.to_vec().into())
                .collect(),
        };
        level = rows;
    }
    match shape.is_empty() {
        true => level.pop().unwrap_or_default(),
        false => level.into(),
    }
}

/// Whether a double is a whole number that no other integer rounds to (below 2⁵³).
pub(super) fn is_exact_integer(x: f64) -> bool {
    x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0
}

/// A named value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    pub values: Values,
    pub origin: Origin,
    /// Set where [`Values::Text`] has numbers among the words: likely a slip in a column of numbers,
    /// but harmless where the model wants labels.
    pub mixed: Option<Mixed>,
    /// Of a label the levels that come first, in this order, whether they occur or not; others follow them.
    pub levels: Vec<String>,
}

/// Where an entry was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The file as the user named it, `--set`, or `the program` for values handed in from Rust.
    pub label: String,
    pub kind: Kind,
    /// The key or column header; `None` for files too large to keep and for values from Rust.
    pub span: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Json,
    /// Columns, also those of Arrow and Parquet.
    Csv,
    /// Arrays of numbers in bytes: NumPy's and IDX.
    Array,
    Set,
    Api,
}

/// A number and a word found in the same array.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    pub number: Cell,
    pub text: Cell,
}

/// One value as it is written in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub written: String,
    /// In words: `row 3 (line 4)` of a table, or an element such as `x[3, 1]`.
    pub place: String,
    pub span: Option<Span>,
}

/// The numbers of an entry, borrowed; see [`Values::Numbers`] for the fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers<'a> {
    pub shape: &'a [usize],
    pub data: &'a [f64],
    pub missing: &'a [usize],
    pub integer: bool,
    pub boolean: bool,
}

impl Entry {
    /// The values as a rectangular array of numbers.
    ///
    /// # Errors
    /// E0614 if rows differ in length, E0615 if a word stands among the numbers, E0619 if all is
    /// text, E0624 if they stay in their file.
    pub fn numbers(&self) -> Result<Numbers<'_>, Diagnostic> {
        match &self.values {
            Values::Numbers {
                shape,
                data,
                missing,
                integer,
                boolean,
            } => Ok(Numbers {
                shape,
                data,
                missing,
                integer: *integer,
                boolean: *boolean,
            }),
            Values::Ragged {
                index,
                length,
                expected,
                ..
            } => Err(error::ragged(self, index, *length, *expected)),
            Values::Text { shape, data } => Err(match &self.mixed {
                Some(mixed) => error::mixed(self, mixed),
                None => error::text_for_numbers(self, shape, data),
            }),
            Values::Stored(stored) => Err(error::not_held(self, stored.shape())),
        }
    }
}
