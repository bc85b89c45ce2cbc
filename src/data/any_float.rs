//! Doubles in JSON, which has no number for what is not finite: `#[serde(with = "any_float")]` writes these as texts.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

/// `1.5`, `"inf"`, `"-inf"` or `"NaN"`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match x.is_finite() {
        true => Written::Number(*x),
        false => Written::Text(x.to_string()),
    }
    .serialize(serializer)
}

/// What [`serialize`] has written.
///
/// # Errors
/// Where there is neither a number nor a text that is one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Number(x) => Ok(x),
        Written::Text(text) => text.parse().map_err(D::Error::custom),
    }
}
