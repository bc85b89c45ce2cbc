//! How numbers, truth values and missing values are spelt in data files.
//!
//! Files come from R, Python, Julia and spreadsheets; each has its own word for "nothing".

/// What a bare word or cell says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Missing,
    /// A number that has digits; `integer` if it is written as one.
    Number {
        value: f64,
        integer: bool,
    },
    /// NaN or an infinity, which have no digits and so may also be plain words.
    NotFinite(f64),
    Boolean(bool),
    /// Digits whose value no double can hold, such as `1e400`.
    OutOfRange,
    Text,
}

/// Reads a trimmed cell.
pub(super) fn read(cell: &str) -> Word {
    let Some(&first) = cell.as_bytes().first() else {
        return Word::Missing;
    };
    if first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.') {
        if let Some(value) = small_integer(cell.as_bytes()) {
            return Word::Number {
                value,
                integer: true,
            };
        }
        if cell.bytes().any(|b| b.is_ascii_digit()) {
            return number(cell);
        }
    }
    word(cell)
}

/// Reads a word that stands for a number or for nothing: what a JSON string may hold.
pub(super) fn word(cell: &str) -> Word {
    match cell {
        "" | "NA" | "N/A" | "<NA>" | "null" | "NULL" => Word::Missing,
        "true" | "True" | "TRUE" => Word::Boolean(true),
        "false" | "False" | "FALSE" => Word::Boolean(false),
        "NaN" | "nan" | "NAN" | "-nan" | "+nan" => Word::NotFinite(f64::NAN),
        "Inf" | "inf" | "+Inf" | "+inf" | "Infinity" | "+Infinity" => {
            Word::NotFinite(f64::INFINITY)
        }
        "-Inf" | "-inf" | "-Infinity" => Word::NotFinite(f64::NEG_INFINITY),
        _ => Word::Text,
    }
}

/// Reads something that has digits.
pub(super) fn number(written: &str) -> Word {
    match written.parse::<f64>() {
        Ok(value) if value.is_infinite() => Word::OutOfRange,
        Ok(value) => {
            let digits = written.strip_prefix(['-', '+']).unwrap_or(written);
            let whole = digits.bytes().all(|b| b.is_ascii_digit());
            Word::Number {
                value,
                integer: whole && super::values::is_exact_integer(value),
            }
        }
        Err(_) => Word::Text,
    }
}

/// Integers of up to 15 digits, which are most of what is read, without the general algorithm.
pub(super) fn small_integer(written: &[u8]) -> Option<f64> {
    let (negative, digits) = match written {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, written),
    };
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut value = 0_i64;
    for &b in digits {
        if !b.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(b - b'0');
    }
    Some(if negative {
        -(value as f64)
    } else {
        value as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_people_write_them() {
        let cases = [
            (
                "12",
                Word::Number {
                    value: 12.0,
                    integer: true,
                },
            ),
            (
                "-7",
                Word::Number {
                    value: -7.0,
                    integer: true,
                },
            ),
            (
                "+1.5",
                Word::Number {
                    value: 1.5,
                    integer: false,
                },
            ),
            (
                ".5e-3",
                Word::Number {
                    value: 0.5e-3,
                    integer: false,
                },
            ),
            (
                "1.0",
                Word::Number {
                    value: 1.0,
                    integer: false,
                },
            ),
            (
                "9007199254740993",
                Word::Number {
                    value: 9007199254740992.0,
                    integer: false,
                },
            ),
            (
                "12345678901234567890",
                Word::Number {
                    value: 12345678901234567890.0,
                    integer: false,
                },
            ),
            ("", Word::Missing),
            ("NA", Word::Missing),
            ("null", Word::Missing),
            ("TRUE", Word::Boolean(true)),
            ("-Inf", Word::NotFinite(f64::NEG_INFINITY)),
            ("1e400", Word::OutOfRange),
            ("-", Word::Text),
            ("1,5", Word::Text),
            ("0x10", Word::Text),
            ("2024-01-01", Word::Text),
            ("infinity and beyond", Word::Text),
        ];
        for (cell, word) in cases {
            assert_eq!(read(cell), word, "{cell:?}");
        }
        assert!(matches!(read("NaN"), Word::NotFinite(x) if x.is_nan()));
    }
}
