//! IDX, the format of the MNIST digits: four bytes that say what and how many axes, the extents, the elements.

use super::elements::{Element, Kind};
use super::raw::Raw;
use super::values::{self, Entry, Origin};
use super::{Data, Format, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};

pub(super) const FORMAT: Format = Format {
    name: "an IDX array, as of MNIST",
    endings: &[".idx", "-ubyte"],
    names: false,
    read,
};

fn read(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
    read_array(&raw).map_err(|found| vec![found])
}

fn read_array(raw: &Raw) -> Result<Data, Diagnostic> {
    let damaged = |what: &str| error::damaged(&raw.label, "an IDX file", what);
    let not_whole = || damaged("its header is not whole");
    let (magic, rest) = raw.bytes.split_first_chunk().ok_or_else(not_whole)?;
    let [0, 0, code, axes] = *magic else {
        return Err(damaged("it does not begin with two zero bytes"));
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
            return Err(error::unknown_elements(&raw.label, &raw.stem(), &what));
        }
    };
    let (extents, elements) = rest
        .split_at_checked(4 * usize::from(axes))
        .ok_or_else(not_whole)?;
    let extent = |four: &[u8]| four.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
    let shape: Vec<usize> = extents.chunks_exact(4).map(extent).collect();
    let element = Element {
        kind,
        width,
        big_endian: true,
    };
    let expected = element.bytes(&shape);
    if expected != Some(elements.len()) {
        let expected = expected.map_or("more than a machine holds".into(), |n| n.to_string());
        let what = format!("elements have {} bytes, not {expected}", elements.len());
        return Err(damaged(&what));
    }
    let values = element
        .values(shape, elements)
        .ok_or_else(|| damaged("its elements are not numbers"))?;
    let mut data = Data::default();
    data.insert_entry(Entry {
        name: raw.stem(),
        values,
        origin: Origin {
            label: raw.label.clone(),
            kind: values::Kind::Array,
            span: None,
        },
        mixed: None,
    });
    Ok(data)
}
