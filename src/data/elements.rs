//! Elements of fixed width, in either order of bytes, to values: what array files consist of.

use super::cells::Cells;
use super::values::Values;

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    /// IEEE 754 of 2, 4 or 8 bytes.
    Float,
    /// Bytes of UTF-8, filled up with zeros.
    Bytes,
    /// Code points of four bytes, filled up with zeros.
    Letters,
}

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub kind: Kind,
    /// In bytes.
    pub width: usize,
    pub big_endian: bool,
}

impl Element {
    /// A double as this machine's memory has it written little end first.
    #[cfg(feature = "arrow")]
    pub const DOUBLE: Element = Element {
        kind: Kind::Float,
        width: 8,
        big_endian: false,
    };

    /// Whether it is a number or a truth value.
    pub fn is_numeric(&self) -> bool {
        !matches!(self.kind, Kind::Bytes | Kind::Letters)
    }

    /// Whether it is whole by its type, and so small that a double is it.
    pub fn is_integer(&self) -> bool {
        let whole = matches!(self.kind, Kind::Signed | Kind::Unsigned | Kind::Bool);
        whole && self.width < 8
    }

    /// Elements one after the other as doubles.
    pub fn numbers(&self, bytes: &[u8], out: &mut [f64]) {
        let elements = out.iter_mut().zip(bytes.chunks_exact(self.width));
        let wrong = "an element has its width";
        // What large files mostly hold is told apart once, not for each element.
        match (self.kind, self.width, self.big_endian) {
            (Kind::Float, 8, false) => {
                elements.for_each(|(x, e)| *x = f64::from_le_bytes(e.try_into().expect(wrong)));
            }
            (Kind::Float, 4, false) => elements
                .for_each(|(x, e)| *x = f32::from_le_bytes(e.try_into().expect(wrong)).into()),
            (Kind::Unsigned, 1, _) => elements.for_each(|(x, e)| *x = e[0].into()),
            _ => elements.for_each(|(x, e)| *x = self.number(e)),
        }
    }

    /// The number of bytes of an array of this shape, if a machine can hold as many.
    pub fn bytes(&self, shape: &[usize]) -> Option<usize> {
        let dims = shape.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
        dims?.checked_mul(self.width)
    }

    /// The array, row-major; `None` if a text among it is not Unicode.
    pub fn values(&self, shape: Vec<usize>, bytes: &[u8]) -> Option<Values> {
        let count: usize = shape.iter().product();
        let element = |i: usize| &bytes[i * self.width..(i + 1) * self.width];
        if matches!(self.kind, Kind::Bytes | Kind::Letters) {
            let mut cells = Cells::default();
            for i in 0..count {
                cells.string(self.text(element(i))?);
            }
            return Some(cells.finish(shape));
        }
        let mut data = vec![0.0; count];
        self.numbers(bytes, &mut data);
        let boolean = self.kind == Kind::Bool && count > 0;
        Some(match Values::numbers(shape, data) {
            Values::Numbers {
                shape,
                data,
                missing,
                integer,
                ..
            } => Values::Numbers {
                shape,
                data,
                missing,
                integer,
                boolean,
            },
            other => other,
        })
    }

    fn number(&self, element: &[u8]) -> f64 {
        let bits = self.bits(element);
        let unused = 64 - 8 * self.width as u32;
        match (self.kind, self.width) {
            (Kind::Signed, _) => ((bits << unused) as i64 >> unused) as f64,
            (Kind::Float, 2) => half(bits as u16),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Bool, _) => f64::from(bits != 0),
            _ => bits as f64,
        }
    }

    /// At most eight bytes as one whole number.
    fn bits(&self, element: &[u8]) -> u64 {
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        match self.big_endian {
            true => element.iter().fold(0, join),
            false => element.iter().rev().fold(0, join),
        }
    }

    fn text(&self, element: &[u8]) -> Option<String> {
        if self.kind == Kind::Bytes {
            let end = element.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
            return std::str::from_utf8(&element[..end]).ok().map(String::from);
        }
        let letter = |four: &[u8]| char::from_u32(self.bits(four) as u32);
        let text: Option<String> = element.chunks_exact(4).map(letter).collect();
        Some(text?.trim_end_matches('\0').to_string())
    }
}

/// A number of half precision (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Values in the order of the first axis fastest (Fortran's) brought into the order of the last fastest.
pub(super) fn to_row_major(shape: &[usize], width: usize, bytes: &[u8]) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut out = Vec::with_capacity(count * width);
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = width;
    for dim in shape {
        strides.push(stride);
        stride *= dim;
    }
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    for _ in 0..count {
        out.extend_from_slice(&bytes[from..from + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_has_its_normal_subnormal_and_special_numbers() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3555, 0.333251953125),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in known {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn columns_become_rows() {
        assert_eq!(
            to_row_major(&[2, 3], 1, &[1, 4, 2, 5, 3, 6]),
            [1, 2, 3, 4, 5, 6]
        );
        assert_eq!(to_row_major(&[], 2, &[7, 8]), [7, 8]);
        assert_eq!(to_row_major(&[0, 3], 1, &[]), [0u8; 0]);
    }
}
