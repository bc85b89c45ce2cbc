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

/// A decimal as programs write it, and how many bytes it takes, in one sweep; `None` where the general
/// algorithm is needed, or where JSON has no such number.
///
/// Up to 2⁵³ the digits are a double, and so are powers of ten up to 10²²: their quotient is rounded once,
/// and is the double nearest to what is written (Clinger 1990).
pub(super) fn short_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let whole = usize::from(negative);
    let (mut digits, mut at) = (0_u64, whole);
    let mut more = |at: &mut usize| {
        let start = *at;
        while let Some(digit) = text
            .get(*at)
            .map(|b| b.wrapping_sub(b'0'))
            .filter(|d| *d < 10)
        {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
        (*at - start, digits)
    };
    let (before, _) = more(&mut at);
    if before == 0 || (before > 1 && text[whole] == b'0') || text.get(at) != Some(&b'.') {
        return None;
    }
    at += 1;
    let (after, digits) = more(&mut at);
    let ends = text.get(at).is_none_or(|b| !in_token(*b));
    // 19 digits do not overflow.
    if after == 0 || before + after > 19 || digits > 1 << 53 || !ends {
        return None;
    }
    let value = digits as f64 / POWERS_OF_TEN[after];
    Some((if negative { -value } else { value }, at))
}

/// Whether a byte may belong to a number or word.
pub(super) fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}

/// 10⁰ to 10¹⁸, exact.
const POWERS_OF_TEN: [f64; 19] = [
    1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_decimals_are_what_the_general_algorithm_reads(
            written in "-?(0|[1-9][0-9]{0,12})\\.[0-9]{1,14}",
            rest in "[],} ]?",
        ) {
            let read = short_decimal(format!("{written}{rest}").as_bytes());
            let whole: u64 = written.replace(['-', '.'], "").parse().unwrap_or(u64::MAX);
            match read {
                Some((value, length)) => {
                    let expected: f64 = written.parse().expect("a number");
                    prop_assert_eq!(value.to_bits(), expected.to_bits());
                    prop_assert_eq!(length, written.len());
                }
                None => prop_assert!(whole > 1 << 53 || written.len() > 20),
            }
        }
    }

    #[test]
    fn other_numbers_are_left_to_the_general_algorithm() {
        for written in [
            "12", "1e5", "1.5e3", "1.5x", "01.5", ".5", "5.", "-", "-.5", "", "1.2.3",
        ] {
            assert_eq!(short_decimal(written.as_bytes()), None, "{written}");
        }
        assert_eq!(
            short_decimal(b"-0.0").map(|(x, n)| (x.to_bits(), n)),
            Some(((-0.0_f64).to_bits(), 4))
        );
    }

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
