//! IDX, the format of the MNIST digits: four bytes that say what and how many axes, the extents, the elements.

use super::elements::{Element, Kind};
use super::raw::{Opened, Raw};
use super::stored::Stored;
use super::values::{self, Entry, Origin, Values};
use super::{Data, Format, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};

pub(super) const FORMAT: Format = Format {
    name: "an IDX array, as of MNIST",
    endings: &[".idx", "-ubyte"],
    names: false,
    read,
    stream: Some(|file| stream(file).map_err(|found| vec![found])),
};

fn read(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
    read_array(&raw).map_err(|found| vec![found])
}

fn read_array(raw: &Raw) -> Result<Data, Diagnostic> {
    let (label, name) = (&raw.label, raw.stem());
    let (element, shape, base) = header(label, &name, &raw.bytes, raw.bytes.len() as u64)?;
    let values = element.values(shape, &raw.bytes[base..]);
    let values = values.ok_or_else(|| damaged(label, "its elements are not numbers"))?;
    Ok(entry(label, name, values))
}

/// Leaves the array in its file, if it is large.
fn stream(file: &Opened) -> Result<Option<Data>, Diagnostic> {
    let (label, name) = (&file.label, file.stem());
    let head = file.head(MOST_HEADER)?;
    let (element, shape, base) = header(label, &name, &head, file.source.length())?;
    if !file.is_large(&shape) {
        return Ok(None);
    }
    let stored = Stored::new(file.source.clone(), element, shape, base as u64);
    Ok(Some(entry(label, name, Values::Stored(stored))))
}

/// Bytes of the header of an array with 255 axes.
const MOST_HEADER: usize = 4 + 4 * 255;

fn damaged(label: &str, what: &str) -> Diagnostic {
    error::damaged(label, "an IDX file", what)
}

/// What an element is, the shape, and where elements begin, from the first bytes of a file of so many.
fn header(
    label: &str,
    name: &str,
    bytes: &[u8],
    length: u64,
) -> Result<(Element, Vec<usize>, usize), Diagnostic> {
    let not_whole = || damaged(label, "its header is not whole");
    let (magic, rest) = bytes.split_first_chunk().ok_or_else(not_whole)?;
    let [0, 0, code, axes] = *magic else {
        return Err(damaged(label, "it does not begin with two zero bytes"));
    };
    let (kind, width) = match code {
        0x08 => (Kind::Unsigned, 1),
        0x09 => (Kind::Signed, 1),
        0x0b => (Kind::Signed, 2),
        0x0c => (Kind::Signed, 4),
        0x0d => (Kind::Float, 4),
        0x0e => (Kind::Float, 8),
        _ => {
            let what = format!("{code:#04x}");
            return Err(error::unknown_elements(label, name, &what));
        }
    };
    let extents = rest.get(..4 * usize::from(axes)).ok_or_else(not_whole)?;
    let extent = |four: &[u8]| four.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
    let shape: Vec<usize> = extents.chunks_exact(4).map(extent).collect();
    let element = Element {
        kind,
        width,
        big_endian: true,
    };
    let base = 4 + extents.len();
    let (expected, found) = (element.bytes(&shape), length - base as u64);
    if expected.map(|n| n as u64) != Some(found) {
        let expected = expected.map_or("more than a machine holds".into(), |n| n.to_string());
        let what = format!("elements have {found} bytes, not {expected}");
        return Err(damaged(label, &what));
    }
    Ok((element, shape, base))
}

fn entry(label: &str, name: String, values: Values) -> Data {
    let mut data = Data::default();
    data.insert_entry(Entry {
        name,
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
