//! Values gathered one by one, in order, whose type is told once the last of them is known.
//!
//! Numbers are kept as doubles from the start; strings are kept on the side, so an array of numbers
//! costs eight bytes a value and a stray `"NA"` among them is still read as missing.

use super::spelling::{Word, word};
use super::values::Values;

/// A column or array in the making.
#[derive(Default)]
pub(super) struct Cells {
    data: Vec<f64>,
    missing: Vec<usize>,
    /// Every string, and the flat index at which it stands.
    strings: Vec<(usize, String)>,
    first_number: Option<usize>,
    first_text: Option<usize>,
    reals: bool,
    digits: bool,
    truths: bool,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn missing(&mut self) {
        self.missing.push(self.data.len());
        self.data.push(f64::NAN);
    }

    pub fn number(&mut self, value: f64, integer: bool) {
        self.first_number.get_or_insert(self.data.len());
        self.reals |= !integer;
        self.digits = true;
        self.data.push(value);
    }

    /// NaN or an infinity.
    pub fn not_finite(&mut self, value: f64) {
        self.reals |= value.is_infinite();
        self.digits |= value.is_infinite();
        self.data.push(value);
    }

    pub fn boolean(&mut self, value: bool) {
        self.truths = true;
        self.data.push(f64::from(value));
    }

    /// A string: missing or not finite if it is a word for that, otherwise text.
    pub fn string(&mut self, written: String) {
        let at = self.data.len();
        match word(&written) {
            Word::Missing => self.missing(),
            Word::NotFinite(value) => self.not_finite(value),
            _ => self.text(),
        }
        self.strings.push((at, written));
    }

    /// A text as it is, though it be a word for what is missing: `NA` is Namibia.
    pub fn letters(&mut self, written: String) {
        self.strings.push((self.data.len(), written));
        self.text();
    }

    /// Text whose letters the caller keeps.
    pub fn text(&mut self) {
        self.first_text.get_or_insert(self.data.len());
        self.data.push(f64::NAN);
    }

    /// Flat index of the first plain text.
    pub fn first_text(&self) -> Option<usize> {
        self.first_text
    }

    /// Flat index of the first number written with digits.
    pub fn first_number(&self) -> Option<usize> {
        self.first_number
    }

    /// The values and no shape, for ragged rows.
    pub fn into_data(self) -> Vec<f64> {
        self.data
    }

    /// Text if there is any, otherwise numbers. In text, numbers are written out again.
    pub fn finish(self, shape: Vec<usize>) -> Values {
        if self.first_text.is_some() {
            return Values::Text {
                data: self.into_texts(),
                shape,
            };
        }
        let Cells {
            data,
            missing,
            reals,
            digits,
            truths,
            ..
        } = self;
        Values::Numbers {
            shape,
            data,
            missing,
            integer: !reals,
            boolean: truths && !digits,
        }
    }

    fn into_texts(self) -> Vec<Option<String>> {
        let mut missing = self.missing.into_iter().peekable();
        let mut strings = self.strings.into_iter().peekable();
        let text = |(at, x): (usize, &f64)| {
            let written = strings
                .next_if(|(i, _)| *i == at)
                .map(|(_, written)| written);
            match missing.next_if_eq(&at) {
                Some(_) => None,
                None => Some(written.unwrap_or_else(|| x.to_string())),
            }
        };
        self.data.iter().enumerate().map(text).collect()
    }
}
