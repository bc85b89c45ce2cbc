//! Files, `--set` options and Rust values turned into named arrays of numbers or text.
//!
//! This stage knows nothing of the model: it reads *everything* a file holds and complains only
//! about what no model could use (a file that is not JSON, a row with a field too many). Faults that
//! matter only if the model uses the name (a ragged array, a column with a stray word among its
//! numbers) are kept with the entry, and [`Entry::numbers`] reports them when it is asked.
//!
//! A format is one file and one row of `FORMATS`.

pub mod any_float;
mod array;
mod arrow;
mod cells;
mod csv;
mod elements;
mod error;
mod files;
mod from_rust;
mod gather;
mod idx;
mod json;
mod npy;
mod raw;
mod serialize;
mod set;
mod spelling;
mod store;
mod stored;
mod table;
mod text;
mod values;

#[cfg(test)]
mod array_tests;
#[cfg(test)]
mod tests;

#[cfg(feature = "arrow")]
pub use files::Scratch;
pub use files::{Disk, Files, InMemory, ReadAt};
pub use from_rust::{Element, Number};
pub use npy::write_npy;
pub use set::{expect_declared, set};
pub use store::Data;
pub use stored::Stored;
pub use values::{Cell, Entry, Kind, Mixed, Numbers, Origin, Values};

use crate::diag::{Diagnostics, Sources};
use raw::{Opened, Raw};
use std::io;
use std::path::{Path, PathBuf};

/// A kind of data file: how its name ends and how its bytes are read.
struct Format {
    /// What the format is called in messages.
    name: &'static str,
    /// How the names of its files end, in small letters.
    endings: &'static [&'static str],
    /// Whether the values in it have names; otherwise its one array has the file's.
    names: bool,
    read: fn(Raw, &mut Sources) -> Result<Data, Diagnostics>,
    /// Leaves large arrays in a file that is not compressed as a whole; `None` if it holds none.
    stream: Option<Stream>,
}

/// Bytes of an array of numbers, as doubles, beyond which [`load_streaming`] leaves it in its file, if no other
/// number is asked for.
pub const IN_MEMORY: u64 = 1 << 26;

type Stream = fn(&Opened) -> Result<Option<Data>, Diagnostics>;

/// Every format that is read. The order is that in which [`beside`] looks for them.
const FORMATS: &[Format] = &[
    json::FORMAT,
    csv::FORMAT,
    npy::ARCHIVE,
    npy::ARRAY,
    idx::FORMAT,
    arrow::IPC,
    arrow::PARQUET,
];

/// Reads a data file, or all data files of a folder; the format is told from the end of its name, and after
/// any of them `.gz` may follow.
///
/// A text is added to `sources` if it is smaller than a megabyte, so that messages can point into
/// it; of larger files they quote the place instead.
///
/// # Errors
/// E0601–E0605 if there is nothing to read, E0606 for an ending that is not known, those of
/// the format (E0607–E0613, E0616, E0621–E0623), E0617 for a name that two files of a folder give.
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
    load_streaming(files, path, u64::MAX, sources)
}

/// As [`load`], but leaves arrays of numbers that would take more than `in_memory` bytes in their files: a fit
/// in batches reads the rows of a step, and what is read otherwise is read when a program is bound.
///
/// That is so for arrays of NumPy whose last axis is the fastest, for IDX and, with the feature `arrow`, for
/// columns of numbers in files of Arrow and Parquet larger than that, which are copied once, uncompressed, into a
/// file that the system deletes. The files must stay as they are as long as the data are used.
///
/// # Errors
/// As [`load`].
pub fn load_streaming(
    files: &dyn Files,
    path: &Path,
    in_memory: u64,
    sources: &mut Sources,
) -> Result<Data, Diagnostics> {
    if let Some(data) = stream(files, path, in_memory)? {
        return Ok(data);
    }
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::IsADirectory => {
            return load_folder(files, path, in_memory, sources);
        }
        Err(e) => return Err(vec![error::not_read(files, path, &e)]),
    };
    let raw = Raw::new(path, bytes).map_err(|d| vec![d])?;
    let format = format_of(&raw.ending).ok_or_else(|| vec![error::unknown_ending(path)])?;
    (format.read)(raw, sources)
}

/// What a file holds whose large arrays can stay in it, if it has any. A file that cannot be opened is left to
/// the reading of all of it, which says why.
fn stream(files: &dyn Files, path: &Path, in_memory: u64) -> Result<Option<Data>, Diagnostics> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let format = format_of(&name.to_lowercase());
    let Some(stream) = format
        .and_then(|f| f.stream)
        .filter(|_| in_memory < u64::MAX)
    else {
        return Ok(None);
    };
    let Ok(source) = files.open(path) else {
        return Ok(None);
    };
    stream(&Opened {
        label: path.display().to_string(),
        source,
        in_memory,
        files,
    })
}

/// Reads the files of a folder whose endings are known, in the order of their names.
fn load_folder(
    files: &dyn Files,
    folder: &Path,
    in_memory: u64,
    sources: &mut Sources,
) -> Result<Data, Diagnostics> {
    let names = files
        .list(folder)
        .map_err(|e| vec![error::not_read(files, folder, &e)])?;
    let mut paths = names
        .iter()
        .filter(|name| !name.starts_with('.') && is_data(name))
        .map(|name| folder.join(name))
        .peekable();
    if paths.peek().is_none() {
        return Err(vec![error::folder_without_data(folder)]);
    }
    let mut data = Data::default();
    data.merge_all(paths.map(|path| load_streaming(files, &path, in_memory, sources)))?;
    Ok(data)
}

/// The format of files whose names, in small letters, end so.
fn format_of(name: &str) -> Option<&'static Format> {
    let ends = |f: &&Format| f.endings.iter().any(|e| name.ends_with(e));
    FORMATS.iter().find(ends)
}

/// Whether a file of this name is read as data.
fn is_data(name: &str) -> bool {
    let name = name.to_lowercase();
    format_of(name.strip_suffix(".gz").unwrap_or(&name)).is_some()
}

/// The data file that belongs to a model: `model.json`, `model.csv` or another with named values next to
/// `model.vi`, otherwise `data.json` and so on in its folder. Where there are several, JSON is taken first.
pub fn beside(files: &dyn Files, model: &Path) -> Option<PathBuf> {
    let own = model.file_stem()?;
    let stems = [model.with_file_name(own), model.with_file_name("data")];
    stems.iter().find_map(|stem| {
        FORMATS
            .iter()
            .filter(|format| format.names)
            .flat_map(|format| format.endings)
            .find_map(|ending| {
                let mut name = stem.clone().into_os_string();
                name.push(ending);
                let path = PathBuf::from(name);
                (path != model && files.exists(&path)).then_some(path)
            })
    })
}

/// The formats in words, for messages: `.json (JSON), .csv or .tsv (delimited columns)`.
fn formats_in_words() -> String {
    let format = |f: &Format| format!("{} ({})", f.endings.join(" or "), f.name);
    FORMATS.iter().map(format).collect::<Vec<_>>().join(", ")
}
