//! What can be wrong with data: E0601 to E0624, one constructor for each mistake.

use super::text::Place;
use super::values::{Cell, Entry, Kind, Mixed};
use super::{Files, formats_in_words};
use crate::diag::{Diagnostic, Span, closest};
use std::io;
use std::path::Path;

/// At most this many names are listed in a help text.
const LISTED: usize = 6;

/// E0601 and E0603: the file could not be read at all.
pub(super) fn not_read(files: &dyn Files, path: &Path, error: &io::Error) -> Diagnostic {
    let label = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            let found = Diagnostic::error("E0601", format!("there is no file `{label}`"));
            match names_like(files, path) {
                Some(help) => found.help(help),
                None => found,
            }
        }
        _ => unreadable(&label.to_string(), error),
    }
}

/// E0603: the system does not hand over a file, or a part of it.
pub(super) fn unreadable(label: &str, why: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error("E0603", format!("`{label}` cannot be read: {why}"))
        .help("check that the file may be read by you and is not locked by another program")
}

pub(super) fn folder_without_data(folder: &Path) -> Diagnostic {
    let message = format!("the folder `{}` holds no data files", folder.display());
    Diagnostic::error("E0602", message).help(format!("{} are read", formats_in_words()))
}

/// A suggestion from the names in the folder where a file was looked for.
fn names_like(files: &dyn Files, path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let names = files.list(folder).ok()?;
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    if let Some(name) = closest(&wanted, names.iter().map(String::as_str)) {
        return Some(format!("did you mean `{}`?", folder.join(name).display()));
    }
    let data: Vec<String> = names
        .iter()
        .filter(|name| super::is_data(name))
        .map(|n| format!("`{n}`"))
        .collect();
    let listed = data
        .iter()
        .take(LISTED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = if data.len() > LISTED { ", …" } else { "" };
    (!data.is_empty()).then(|| format!("data files in that folder: {listed}{more}"))
}

pub(super) fn empty(label: &str) -> Diagnostic {
    Diagnostic::error("E0604", format!("`{label}` is empty"))
        .help("a JSON file holds at least `{}`, a delimited one at least a line with column names")
}

pub(super) fn binary(label: &str, kind: &str) -> Diagnostic {
    let found = Diagnostic::error("E0605", format!("`{label}` is not text: it is {kind}"));
    let how = match kind.starts_with("compressed") {
        true => "decompress it first",
        false => "save the data as UTF-8 text",
    };
    found.help(format!("{how}; {} are read", formats_in_words()))
}

pub(super) fn not_utf8(label: &str, line: usize, byte: u8) -> Diagnostic {
    let message = format!("`{label}` is not UTF-8 text: byte 0x{byte:02X} in line {line}");
    Diagnostic::error("E0605", message).help(
        "save the file as UTF-8; for one in Latin-1: `iconv -f LATIN1 -t UTF-8 old.csv > new.csv`",
    )
}

pub(super) fn unknown_ending(path: &Path) -> Diagnostic {
    let label = path.display();
    let message = match path.extension() {
        Some(e) => {
            let e = e.to_string_lossy();
            format!("`{label}`: files that end in `.{e}` are not read as data")
        }
        None => format!("`{label}` has no extension, so its format is not known"),
    };
    Diagnostic::error("E0606", message).help(format!("{} are read", formats_in_words()))
}

/// E0621: bytes that are not what the name of their file says, or not all of them.
pub(super) fn damaged(label: &str, format: &str, what: &str) -> Diagnostic {
    let message = format!("`{label}` is not a whole file of its kind, {format}: {what}");
    Diagnostic::error("E0621", message)
        .help("it may have been cut short in copying, or have another file's name: write it again")
}

/// E0622: an array of something else than numbers, truth values and texts.
pub(super) fn unknown_elements(label: &str, name: &str, found: &str) -> Diagnostic {
    let message = format!("`{name}` in `{label}` has elements of type `{found}`");
    Diagnostic::error("E0622", message).help(
        "numbers, truth values and texts of fixed width are read; convert the array before it is \
         saved, in NumPy with `x.astype(float)` or `x.real`",
    )
}

/// E0623: a format that this program was built without.
#[cfg(not(feature = "arrow"))]
pub(super) fn built_without(label: &str, feature: &str) -> Diagnostic {
    let message =
        format!("`{label}` cannot be read: elbo was built without the feature `{feature}`");
    Diagnostic::error("E0623", message).help(format!(
        "build it with `cargo build --release --features {feature}`, or save the columns as CSV"
    ))
}

/// E0623: a compression that is read by no build.
#[cfg(feature = "arrow")]
pub(super) fn unknown_compression(label: &str, codec: &str) -> Diagnostic {
    let message = format!("`{label}` is compressed with {codec}, which is not read");
    Diagnostic::error("E0623", message).help(
        "write the file with LZ4, Snappy or gzip: `table.to_parquet(path, compression='snappy')`",
    )
}

pub(super) fn malformed_json(label: &str, place: &Place, what: &str) -> Diagnostic {
    let Place { line, column, .. } = place;
    let message = format!("`{label}` is not valid JSON at line {line}, column {column}: {what}");
    show(Diagnostic::error("E0607", message), place, what)
}

pub(super) fn not_an_object(label: &str, place: &Place, found: &str) -> Diagnostic {
    let message = format!("`{label}` holds {found}, not an object of named values");
    show(
        Diagnostic::error("E0608", message),
        place,
        "expected `{` here",
    )
    .help("write `{\"name\": value, …}`; a table is written column by column")
}

/// E0609: one file gives a name twice. `first` and `second` are shown if the file is kept.
pub(super) fn duplicate(
    label: &str,
    what: &str,
    name: &str,
    first: Option<Span>,
    second: &Place,
) -> Diagnostic {
    let message = format!(
        "`{label}` has two {what} named `{name}` (the second in line {})",
        second.line
    );
    let found = show(Diagnostic::error("E0609", message), second, "given again");
    match first {
        Some(span) => found.at(span, "first given here"),
        None => found,
    }
}

pub(super) fn nested_object(label: &str, name: &str, place: &Place) -> Diagnostic {
    let message = format!(
        "`{name}` in `{label}` (line {}) holds an object; values are numbers, texts and arrays of them",
        place.line
    );
    show(Diagnostic::error("E0610", message), place, "an object")
        .help("lift its fields to the top level of the file, each as an array")
}

pub(super) fn wrong_field_count(
    label: &str,
    row: usize,
    place: &Place,
    found: usize,
    header: &[String],
) -> Diagnostic {
    let expected = header.len();
    let message = format!(
        "`{label}`: row {row} (line {}) has {}, the header has {expected}",
        place.line,
        count(found, "field"),
    );
    let says = match header.get(found) {
        Some(name) => format!("nothing for `{name}`"),
        None => format!("{} too many", found - expected),
    };
    show(Diagnostic::error("E0611", message), place, &says)
        .help("give a missing value as an empty field or NA; put texts with a delimiter in quotes")
}

pub(super) fn no_header(label: &str, place: &Place, first: &str) -> Diagnostic {
    let message = format!(
        "`{label}` has no header: its first line has numbers (`{first}`) where columns are named"
    );
    show(Diagnostic::error("E0612", message), place, "not names")
        .help("put a line with the names of the columns first")
}

pub(super) fn unclosed_quote(label: &str, row: &str, place: &Place) -> Diagnostic {
    let message = format!(
        "`{label}` ends inside a quoted field that begins in {row} (line {})",
        place.line
    );
    show(
        Diagnostic::error("E0613", message),
        place,
        "this quote is never closed",
    )
    .help("close the quote; the file may also have been cut short")
}

/// E0613: `"5" pipe`.
pub(super) fn text_after_quotes(label: &str, row: &str, place: &Place) -> Diagnostic {
    let message = format!("`{label}`: text follows the closing quote of a field in {row}");
    show(
        Diagnostic::error("E0613", message),
        place,
        "outside the quotes",
    )
    .help("put the whole field in quotes; a quote inside it is written twice: \"5\"\" pipe\"")
}

pub(super) fn ragged(entry: &Entry, index: &[usize], length: usize, expected: usize) -> Diagnostic {
    let name = &entry.name;
    let here = element(name, index);
    let message = format!(
        "rows of `{name}` in {} differ in length: `{here}` has {}, the first row has {expected}",
        source(entry),
        count(length, "value"),
    );
    let found = Diagnostic::error("E0614", message).help(format!(
        "give all rows {}; or give the rows one after the other in one array and \
             their lengths in another",
        count(expected, "value")
    ));
    point(found, entry.origin.span, "not rectangular")
}

/// E0614 for what cannot be kept even as ragged numbers: texts, or numbers beside arrays.
pub(super) fn uneven(
    label: &str,
    name: &str,
    index: &[usize],
    place: &Place,
    what: &str,
) -> Diagnostic {
    let here = element(name, index);
    let message = format!("`{name}` in `{label}` is not a rectangular array: `{here}` {what}");
    show(Diagnostic::error("E0614", message), place, what)
}

pub(super) fn mixed(entry: &Entry, mixed: &Mixed) -> Diagnostic {
    let Mixed { number, text } = mixed;
    let what = match entry.origin.kind {
        Kind::Csv => "column",
        _ => "array",
    };
    let message = format!(
        "{what} `{}` of {} holds numbers and text: `{}` in {} is not a number",
        entry.name,
        source(entry),
        text.written,
        text.place
    );
    let help = match decimal_comma(&text.written) {
        true => "write decimals with a point".to_owned(),
        false => format!(
            "numbers such as `{}` stand in {}; a missing value is written NA",
            number.written, number.place
        ),
    };
    let found = point(
        Diagnostic::error("E0615", message),
        text.span,
        "not a number",
    );
    point(found, number.span, "a number").help(help)
}

fn decimal_comma(written: &str) -> bool {
    let mut parts = written.trim_start_matches(['-', '+']).split(',');
    let digits = |part: Option<&str>| {
        part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(parts.next()) && digits(parts.next()) && parts.next().is_none()
}

/// E0616; `at` names the element or the row and column.
pub(super) fn out_of_range(label: &str, at: &str, place: &Place, written: &str) -> Diagnostic {
    let message = format!("`{written}` at {at} of `{label}` is too large for a number");
    show(
        Diagnostic::error("E0616", message),
        place,
        "beyond ±1.8e308",
    )
    .help("change the unit, or write `Inf` if infinity is meant")
}

pub(super) fn given_twice(first: &Entry, second: &Entry) -> Diagnostic {
    let (one, two) = (source(first), source(second));
    let message = format!("`{}` is given by {one} and again by {two}", first.name);
    let found = point(
        Diagnostic::error("E0617", message),
        second.origin.span,
        "given again",
    );
    point(found, first.origin.span, "first given here").help(format!(
        "remove it from one of the files, or say which with `--set {}=…`",
        first.name
    ))
}

pub(super) fn bad_set(text: &str, why: &str) -> Diagnostic {
    Diagnostic::error("E0618", format!("`--set {text}`: {why}")).help(
        "write `--set name=value`, as in `--set sigma=2.5`, `--set 'y=[1, 2, 3]'`, `--set unit=km`",
    )
}

/// E0618: the program declares no such name.
pub(super) fn unknown_set<'a>(name: &str, declared: impl Iterator<Item = &'a str>) -> Diagnostic {
    let declared: Vec<&str> = declared.collect();
    let message = format!("`--set {name}=…`: the program declares no data named `{name}`");
    let listed: Vec<String> = declared
        .iter()
        .take(LISTED)
        .map(|n| format!("`{n}`"))
        .collect();
    let more = if declared.len() > LISTED { ", …" } else { "" };
    let all = match declared.is_empty() {
        true => "it declares no data".into(),
        false => format!("its data and dimensions: {}{more}", listed.join(", ")),
    };
    Diagnostic::error("E0618", message)
        .suggest(name, declared.iter().copied())
        .or_help(all)
}

pub(super) fn text_for_numbers(
    entry: &Entry,
    shape: &[usize],
    data: &[Option<String>],
) -> Diagnostic {
    let example = data.iter().flatten().next().map_or("", String::as_str);
    let what = if shape.is_empty() {
        "is text"
    } else {
        "holds text"
    };
    let message = format!(
        "`{}` of {} {what} (`{example}`) where numbers are needed",
        entry.name,
        source(entry)
    );
    let found = point(
        Diagnostic::error("E0619", message),
        entry.origin.span,
        "text",
    );
    match decimal_comma(example) {
        true => found.help("write decimals with a point"),
        false => found.help("declare it as `label` if its values are categories"),
    }
}

pub(super) fn wrong_length(name: &str, shape: &[usize], length: usize) -> Diagnostic {
    let message = format!(
        "`{name}` is given {} for shape {shape:?}, which needs {}",
        count(length, "value"),
        shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" x "),
    );
    Diagnostic::error("E0620", message)
}

/// E0608 for values of Rust.
pub(super) fn no_fields(label: &str, found: &str) -> Diagnostic {
    let message = format!("`{label}` holds {found}, not named fields");
    Diagnostic::error("E0608", message)
        .help("data have names: give a struct, a map from texts, or a list of these")
}

/// E0609 for values of Rust.
pub(super) fn two_fields(label: &str, name: &str) -> Diagnostic {
    Diagnostic::error("E0609", format!("`{label}` has two fields named `{name}`"))
}

/// E0610 for values of Rust.
pub(super) fn no_data(label: &str, name: &str, found: &str) -> Diagnostic {
    let message = format!(
        "`{name}` of `{label}` holds {found}; values are numbers, truth values, texts and lists of them"
    );
    Diagnostic::error("E0610", message)
        .help("let what it holds be fields of their own (`#[serde(flatten)]`), or leave it out (`#[serde(skip)]`)")
}

/// E0610: serde itself, or a type's own `Serialize`, has failed.
pub(super) fn not_serialized(why: &str) -> Diagnostic {
    Diagnostic::error("E0610", format!("serde cannot take the data apart: {why}"))
}

/// E0611 for values of Rust; records are counted from 1.
pub(super) fn no_such_field(label: &str, name: &str, without: usize, with: usize) -> Diagnostic {
    let message = format!("record {without} of `{label}` has no `{name}`, which record {with} has");
    Diagnostic::error("E0611", message)
        .help("let all records have the same fields; a missing value is `None`")
}

/// E0614 for values of Rust.
pub(super) fn uneven_rows(label: &str, name: &str, index: &[usize], what: &str) -> Diagnostic {
    let here = element(name, index);
    let message = format!("`{name}` of `{label}` is not a rectangular array: `{here}` {what}");
    Diagnostic::error("E0614", message)
}

/// E0624: numbers of a large file that were not read, where all of them are asked for.
pub(super) fn not_held(entry: &Entry, shape: &[usize]) -> Diagnostic {
    let message = format!(
        "`{}` of {}, an array of shape {shape:?}, stays in its file",
        entry.name,
        source(entry)
    );
    Diagnostic::error("E0624", message)
        .help("read the file with `data::load`, which holds all of it")
}

/// An element as the language writes it: `x[2, 3]`; the bare name for a scalar.
pub(super) fn element(name: &str, index: &[usize]) -> String {
    if index.is_empty() {
        return name.to_owned();
    }
    let index: Vec<String> = index.iter().map(usize::to_string).collect();
    format!("{name}[{}]", index.join(", "))
}

/// Where an entry comes from, as a message names it.
fn source(entry: &Entry) -> String {
    match entry.origin.kind {
        Kind::Api => entry.origin.label.clone(),
        _ => format!("`{}`", entry.origin.label),
    }
}

fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        _ => format!("{n} {what}s"),
    }
}

pub(super) fn no_column(name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "E0629",
        format!("`{name}` {why}, and a `.csv` file has columns of equal lengths"),
    )
    .help("write a `.json` file: `--out NAME.json`")
}

/// Points at the place, or quotes it where the file is too large to be shown.
fn show(mut found: Diagnostic, place: &Place, says: &str) -> Diagnostic {
    if let Some(excerpt) = &place.excerpt {
        found.message.push_str(&format!(" — near `{excerpt}`"));
    }
    point(found, place.span, says)
}

fn point(found: Diagnostic, span: Option<Span>, says: &str) -> Diagnostic {
    match span {
        Some(span) => found.at(span, says),
        None => found,
    }
}

impl Place {
    /// This place as a cell's.
    pub(super) fn cell(&self, written: &str, named: String) -> Cell {
        Cell {
            written: written.to_owned(),
            place: named,
            span: self.span,
        }
    }
}
