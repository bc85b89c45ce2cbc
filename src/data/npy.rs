//! NumPy's arrays: a `.npy` file is one, named by the file's stem; an `.npz` archive is one for each member.
//!
//! The format (NumPy Enhancement Proposal 1) is a few bytes, a Python dictionary with three keys, and the
//! elements one after the other. Numbers, truth values and texts of fixed width are read, in both orders of
//! bytes and of axes. NaN is NaN, not missing: NumPy has no missing values.

use super::elements::{Element, Kind, to_row_major};
use super::raw::{Opened, Raw};
use super::stored::Stored;
use super::values::{self, Entry, Origin, Values};
use super::{Data, Format, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use std::io::{Cursor, Read};
use zip::ZipArchive;

pub(super) const ARRAY: Format = Format {
    name: "an array of NumPy",
    endings: &[".npy"],
    names: false,
    read: |raw, _| array(&raw.label, &raw.stem(), &raw.bytes).map_err(|d| vec![d]),
    stream: Some(|file| stream(file).map_err(|d| vec![d])),
};

pub(super) const ARCHIVE: Format = Format {
    name: "named arrays of NumPy",
    endings: &[".npz"],
    names: true,
    read: archive,
    stream: None,
};

fn archive(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
    let label = &raw.label;
    let damaged = |what: &str| {
        vec![error::damaged(
            label,
            "an archive of NumPy arrays (.npz)",
            what,
        )]
    };
    let mut archive =
        ZipArchive::new(Cursor::new(&raw.bytes)).map_err(|e| damaged(&e.to_string()))?;
    let mut data = Data::default();
    for at in 0..archive.len() {
        let mut bytes = Vec::new();
        let mut member = archive.by_index(at).map_err(|e| damaged(&e.to_string()))?;
        let file = match member.name() {
            Ok(name) => name.into_owned(),
            Err(e) => return Err(damaged(&e.to_string())),
        };
        member
            .read_to_end(&mut bytes)
            .map_err(|e| damaged(&format!("its member `{file}`: {e}")))?;
        let name = file.strip_suffix(".npy").unwrap_or(&file);
        let found = array(&format!("{label}: {file}"), name, &bytes).map_err(|d| vec![d])?;
        if data.get(name).is_some() {
            return Err(damaged(&format!("it has two members `{file}`")));
        }
        data.merge(found)?;
    }
    Ok(data)
}

/// What the header of an array says.
struct Header {
    element: Element,
    /// The first axis is the fastest.
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads a header before so many bytes of elements.
fn header(label: &str, name: &str, header: &str, length: u64) -> Result<Header, Diagnostic> {
    let field = |key: &str| field(header, key);
    let unreadable = || damaged(label, &format!("its header is `{}`", header.trim()));
    let descr = field("descr").ok_or_else(unreadable)?;
    let element = element(descr).ok_or_else(|| error::unknown_elements(label, name, descr))?;
    let fortran = match field("fortran_order") {
        Some("True") => true,
        Some("False") => false,
        _ => return Err(unreadable()),
    };
    let shape = field("shape").and_then(shape).ok_or_else(unreadable)?;
    let expected = element.bytes(&shape);
    if expected.map(|n| n as u64) != Some(length) {
        let expected = expected.map_or("more than a machine holds".into(), |n| n.to_string());
        let what = format!("elements have {length} bytes, not {expected}");
        return Err(damaged(label, &what));
    }
    Ok(Header {
        element,
        fortran,
        shape,
    })
}

fn damaged(label: &str, what: &str) -> Diagnostic {
    error::damaged(label, "an array of NumPy (.npy)", what)
}

/// Leaves one array in its file, if it is of numbers, large, and has its rows one after the other.
fn stream(file: &Opened) -> Result<Option<Data>, Diagnostic> {
    let head = file.head(MOST_HEADER)?;
    let Some((written, rest)) = split(&head) else {
        return Ok(None);
    };
    let base = (head.len() - rest.len()) as u64;
    let (label, name) = (&file.label, file.stem());
    let header = header(label, &name, written, file.source.length() - base)?;
    let by_columns = header.fortran && header.shape.len() > 1;
    if by_columns || !header.element.is_numeric() || !file.is_large(&header.shape) {
        return Ok(None);
    }
    let stored = Stored::new(file.source.clone(), header.element, header.shape, base);
    Ok(Some(entry(label, &name, Values::Stored(stored))))
}

/// Bytes that a header has, at most, of an array that can stay in its file.
const MOST_HEADER: usize = 1 << 16;

/// Reads one array.
fn array(label: &str, name: &str, bytes: &[u8]) -> Result<Data, Diagnostic> {
    let not_whole = || damaged(label, "its header is not whole");
    let (written, elements) = split(bytes).ok_or_else(not_whole)?;
    let Header {
        element,
        fortran,
        shape,
    } = header(label, name, written, elements.len() as u64)?;
    let values = match fortran && shape.len() > 1 {
        true => {
            let elements = to_row_major(&shape, element.width, elements);
            element.values(shape, &elements)
        }
        false => element.values(shape, elements),
    };
    let not_unicode = || damaged(label, "a text among its elements is not Unicode");
    Ok(entry(label, name, values.ok_or_else(not_unicode)?))
}

fn entry(label: &str, name: &str, values: Values) -> Data {
    let mut data = Data::default();
    data.insert_entry(Entry {
        name: name.to_string(),
        values,
        origin: Origin {
            label: label.to_string(),
            kind: values::Kind::Array,
            span: None,
        },
        mixed: None,
        levels: Vec::new(),
    });
    data
}

/// One array of doubles as the bytes of a `.npy` file, the last axis fastest.
///
/// ```
/// use elbo::data::{self, InMemory};
/// let bytes = data::write_npy(&[2, 1], &[0.5, f64::NAN]);
/// let files = InMemory::new([("x.npy", bytes)]);
/// let data = data::load(&files, "x.npy".as_ref(), &mut Default::default()).unwrap();
/// assert_eq!(data.get("x").unwrap().values.shape(), [2, 1]);
/// ```
///
/// # Panics
/// If the shape does not hold as many values as there are.
pub fn write_npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let numel: usize = shape.iter().product();
    assert_eq!(numel, values.len(), "an array of this shape has as many");
    let extents: String = shape.iter().map(|n| format!("{n},")).collect();
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({extents}), }}");
    // Elements begin at a multiple of 64 bytes, after the line's end.
    let before = MAGIC.len() + 4;
    let padded = (before + header.len() + 1).next_multiple_of(64) - before;
    header.push_str(&" ".repeat(padded - header.len() - 1));
    header.push('\n');
    let mut bytes = Vec::with_capacity(before + padded + 8 * values.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(padded as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    values
        .iter()
        .for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    bytes
}

/// What every array begins with.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The header, as text, and the elements after it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    // Since version 2 the header may be longer than 64 kB.
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => return None,
    };
    let (header, elements) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, elements))
}

/// The value of a key of a Python dictionary, as it is written: up to a comma outside brackets and quotes.
fn field<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    let at = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|quoted| header.find(quoted.as_str()).map(|at| at + quoted.len()))?;
    let value = header[at..].trim_start().strip_prefix(':')?.trim_start();
    let mut depth = 0;
    let mut quote = None;
    for (at, c) in value.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ',' | '}') if depth == 0 => return Some(value[..at].trim_end()),
            (None, ')' | ']' | '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// `(3, 4)`, `(3,)` or `()`.
fn shape(written: &str) -> Option<Vec<usize>> {
    let inside = written.strip_prefix('(')?.strip_suffix(')')?;
    let parts = inside.split(',').map(str::trim).filter(|p| !p.is_empty());
    // Python 2 wrote long integers as `3L`.
    parts
        .map(|p| p.trim_end_matches('L').parse().ok())
        .collect()
}

/// NumPy's type string: order of bytes, kind, size. `None` for what is no number, truth value or text.
fn element(descr: &str) -> Option<Element> {
    let inside = descr.trim_matches(['\'', '"']);
    let (order, rest) = inside.split_at_checked(1)?;
    let (kind, size) = rest.split_at_checked(1)?;
    let size: usize = size.parse().ok()?;
    let (kind, sizes, width): (Kind, &[usize], usize) = match kind {
        "b" => (Kind::Bool, &[1], size),
        "i" => (Kind::Signed, &[1, 2, 4, 8], size),
        "u" => (Kind::Unsigned, &[1, 2, 4, 8], size),
        "f" => (Kind::Float, &[2, 4, 8], size),
        "S" | "a" => (Kind::Bytes, &[], size),
        "U" => (Kind::Letters, &[], size.checked_mul(4)?),
        _ => return None,
    };
    // Texts of no letters would make an array of any extents out of no bytes.
    let known = size > 0 && (sizes.is_empty() || sizes.contains(&size));
    (known && matches!(order, "<" | ">" | "|")).then_some(Element {
        kind,
        width,
        big_endian: order == ">",
    })
}
