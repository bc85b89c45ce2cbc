//! `--set name=value`: one value from the command line, in JSON or as a bare word.

use super::json::read_value;
use super::text::Text;
use super::values::{Entry, Kind};
use super::{Data, error};
use crate::diag::{Diagnostics, Sources};

/// Reads one `--set` option. A value that is not JSON is text, unless it begins as JSON does.
///
/// # Errors
/// E0618 if there is no name or no value or the JSON is malformed; E0610, E0614 and E0616 as in a
/// file.
///
/// ```
/// let mut sources = elbo::diag::Sources::default();
/// let data = elbo::data::set("y=[1, 2.5, null]", &mut sources).unwrap();
/// assert_eq!(data.get("y").unwrap().numbers().unwrap().missing, [2]);
/// ```
pub fn set(option: &str, sources: &mut Sources) -> Result<Data, Diagnostics> {
    let bad = |why: &str| vec![error::bad_set(option, why)];
    let (name, value) = option
        .split_once('=')
        .ok_or_else(|| bad("there is no `=`"))?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(bad("there is no name before `=`"));
    }
    if value.is_empty() {
        return Err(bad("there is no value after `=`"));
    }
    let text = Text::new("--set", value.to_owned(), sources);
    let entry = match read_value(&text, name) {
        Ok(entry) => entry,
        Err(found) if found.code != "E0607" => return Err(vec![found]),
        Err(found) if value.starts_with(['[', '{', '"']) => {
            let why = format!("the value begins as JSON but is not: {}", found.message);
            return Err(vec![error::bad_set(option, &why)]);
        }
        Err(_) => {
            // As a JSON string the word gets the same reading as in a file: `NA` is missing.
            let quoted = Text::new("--set", quote(value), sources);
            read_value(&quoted, name).map_err(|found| vec![found])?
        }
    };
    let mut data = Data::default();
    let mut origin = entry.origin.clone();
    (origin.label, origin.kind) = ("--set".into(), Kind::Set);
    data.insert_entry(Entry { origin, ..entry });
    Ok(data)
}

/// That what `--set` options name is declared.
///
/// # Errors
/// E0618 for each name that is not among those declared.
pub fn expect_declared<'a>(
    set: &Data,
    declared: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Diagnostics> {
    let unknown = set
        .names()
        .filter(|name| !declared.clone().any(|d| d == *name));
    let problems: Diagnostics = unknown
        .map(|name| error::unknown_set(name, declared.clone()))
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

fn quote(word: &str) -> String {
    serde_json::Value::String(word.to_owned()).to_string()
}
