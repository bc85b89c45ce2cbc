//! Files, `--set` options and Rust values turned into named arrays of numbers or text.
//!
//! This stage knows nothing of the model: it reads *everything* a file holds and complains only
//! about what no model could use (a file that is not JSON, a row with a field too many). Faults that
//! matter only if the model uses the name (a ragged array, a column with a stray word among its
//! numbers) are kept with the entry, and [`Entry::numbers`] reports them when it is asked.
//!
//! A format is one file and one row of `FORMATS`.

mod cells;
mod csv;
mod error;
mod files;
mod gather;
mod json;
mod set;
mod spelling;
mod store;
mod table;
mod text;
mod values;

#[cfg(test)]
mod tests;

pub use files::{Disk, Files, InMemory};
pub use set::{expect_declared, set};
pub use store::Data;
pub use values::{Cell, Entry, Kind, Mixed, Numbers, Origin, Values};

use crate::diag::{Diagnostics, Sources};
use std::path::{Path, PathBuf};
use text::Text;

/// A kind of data file: how its name ends and how its text is read.
struct Format {
    /// What the format is called in messages.
    name: &'static str,
    extensions: &'static [&'static str],
    read: fn(&Text) -> Result<Data, Diagnostics>,
}

/// Every format that is read. The order is that in which [`beside`] looks for them.
const FORMATS: &[Format] = &[json::FORMAT, csv::FORMAT];

/// Reads a data file; its format is told from its extension.
///
/// The text is added to `sources` if it is smaller than a megabyte, so that messages can point into
/// it; of larger files they quote the place instead.
///
/// # Errors
/// E0601–E0605 if there is no text to read, E0606 for an extension that is not known, and those of
/// the format (E0607–E0613, E0616).
///
/// ```
/// use elbo::data::{InMemory, load};
/// let files = InMemory::new([("schools.json", r#"{"J": 2, "y": [28, null]}"#)]);
/// let mut sources = elbo::diag::Sources::default();
/// let data = load(&files, "schools.json".as_ref(), &mut sources).unwrap();
/// assert_eq!(data.names().collect::<Vec<_>>(), ["J", "y"]);
/// assert_eq!(data.get("y").unwrap().values.shape(), [2]);
/// ```
pub fn load(files: &dyn Files, path: &Path, sources: &mut Sources) -> Result<Data, Diagnostics> {
    let label = path.display().to_string();
    let bytes = files
        .read(path)
        .map_err(|e| vec![error::not_read(files, path, &e)])?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let format = FORMATS
        .iter()
        .find(|f| {
            extension
                .as_deref()
                .is_some_and(|e| f.extensions.contains(&e))
        })
        .ok_or_else(|| vec![error::unknown_extension(&label, extension.as_deref())])?;
    let text = Text::decode(&label, bytes, sources).map_err(|d| vec![d])?;
    (format.read)(&text)
}

/// The data file that belongs to a model: `model.json` or `model.csv` next to `model.vi`, otherwise
/// `data.json` or `data.csv` in its folder. Where both formats exist JSON is taken.
pub fn beside(files: &dyn Files, model: &Path) -> Option<PathBuf> {
    let own = model.file_stem()?;
    let stems = [model.with_file_name(own), model.with_file_name("data")];
    stems.iter().find_map(|stem| {
        FORMATS
            .iter()
            .flat_map(|format| format.extensions)
            .find_map(|extension| {
                let mut name = stem.clone().into_os_string();
                name.push(".");
                name.push(extension);
                let path = PathBuf::from(name);
                (path != model && files.exists(&path)).then_some(path)
            })
    })
}

/// The formats in words, for messages: `.json (JSON), .csv or .tsv (delimited columns)`.
fn formats_in_words() -> String {
    let format = |f: &Format| {
        let extensions: Vec<String> = f.extensions.iter().map(|e| format!(".{e}")).collect();
        format!("{} ({})", extensions.join(" or "), f.name)
    };
    FORMATS.iter().map(format).collect::<Vec<_>>().join(", ")
}
