//! JSON objects as Stan's tools write them, read in one sweep without a tree.
//!
//! The reader is its own because three things are needed at once: arrays must go straight into flat
//! vectors, every message needs the byte it speaks of, and Python writes `NaN` and `Infinity`
//! without quotes, which no JSON parser takes. What a string literal means is left to serde_json.

use super::array::Array;
use super::raw::Raw;
use super::spelling::{Word, in_token, number, short_decimal, small_integer};
use super::text::Text;
use super::values::{Entry, Kind, Mixed, Origin, Values};
use super::{Data, Format, error};
use crate::diag::{Diagnostic, Diagnostics, Sources};
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format {
    name: "JSON",
    endings: &[".json"],
    names: true,
    read,
    stream: None,
};

/// Words longer than this are cut in messages; they are ASCII, so any byte may end them.
const QUOTED: usize = 40;

type Result<T> = std::result::Result<T, Diagnostic>;

fn read(raw: Raw, sources: &mut Sources) -> std::result::Result<Data, Diagnostics> {
    let text = Text::decode(&raw.label, raw.bytes, sources).map_err(|found| vec![found])?;
    read_object(&text).map_err(|found| vec![found])
}

fn read_object(text: &Text) -> Result<Data> {
    let mut scan = Scanner { text, at: 0 };
    let mut data = Data::default();
    let mut keys: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let start = scan.skip_space();
    if scan.peek() != Some(b'{') {
        let place = text.place(start, start + 1);
        return Err(error::not_an_object(&text.label, &place, scan.describe()));
    }
    scan.at += 1;
    scan.skip_space();
    let mut more = !scan.eat(b'}');
    while more {
        let (key, from, to) = scan.key(start)?;
        if let Some(&(a, b)) = keys.get(&key) {
            let second = text.place(from, to);
            return Err(error::duplicate(
                &text.label,
                "keys",
                &key,
                text.span(a, b),
                &second,
            ));
        }
        let (values, mixed) = scan.value(&key)?;
        let span = text.span(from, to);
        let origin = Origin {
            label: text.label.clone(),
            kind: Kind::Json,
            span,
        };
        data.insert_entry(Entry {
            name: key.clone(),
            values,
            origin,
            mixed,
            levels: Vec::new(),
        });
        keys.insert(key, (from, to));
        more = scan.comma_or(b'}', start, "this object is never closed")?;
    }
    scan.end()?;
    Ok(data)
}

/// Reads a text that is one JSON value, for a value of the given name.
pub(super) fn read_value(text: &Text, name: &str) -> Result<Entry> {
    let mut scan = Scanner { text, at: 0 };
    scan.skip_space();
    let (values, mixed) = scan.value(name)?;
    let span = text.span(0, scan.at);
    scan.end()?;
    let origin = Origin {
        label: text.label.clone(),
        kind: Kind::Json,
        span,
    };
    Ok(Entry {
        name: name.to_owned(),
        values,
        origin,
        mixed,
        levels: Vec::new(),
    })
}

/// A position in the text; every method leaves it behind what it read and the space after it.
struct Scanner<'a> {
    text: &'a Text,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.at
    }

    /// Passes over the byte if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.skip_space();
        }
        found
    }

    /// After an item: true if a comma and another item follow, false if the bracket closed.
    fn comma_or(&mut self, close: u8, opened: usize, unclosed: &str) -> Result<bool> {
        if self.eat(close) {
            return Ok(false);
        }
        let comma = self.at;
        if self.eat(b',') {
            if self.peek() == Some(close) {
                return Err(self.malformed(comma, comma + 1, "nothing follows this comma"));
            }
            return Ok(true);
        }
        if self.peek().is_none() {
            return Err(self.malformed(opened, opened + 1, unclosed));
        }
        let what = format!(
            "expected `,` or `{}`, found {}",
            close as char,
            self.describe()
        );
        Err(self.malformed(self.at, self.token_end(), &what))
    }

    /// A key and its colon, with the bytes between which the key stands.
    fn key(&mut self, opened: usize) -> Result<(String, usize, usize)> {
        let from = self.at;
        match self.peek() {
            Some(b'"') => {}
            None => return Err(self.malformed(opened, opened + 1, "this object is never closed")),
            Some(_) => {
                let what = format!(
                    "expected a name in double quotes, found {}",
                    self.describe()
                );
                return Err(self.malformed(from, self.token_end(), &what));
            }
        }
        let key = self.string()?;
        let to = from + self.text.text[from..self.at].trim_end().len();
        if !self.eat(b':') {
            let what = format!("expected `:` after {key:?}, found {}", self.describe());
            return Err(self.malformed(self.at, self.token_end(), &what));
        }
        Ok((key, from, to))
    }

    fn value(&mut self, name: &str) -> Result<(Values, Option<Mixed>)> {
        let mut value = Value::new(name);
        self.item(&mut value)?;
        value.finish(self.text)
    }

    /// Anything inside `value`, at the depth that its path has.
    fn item(&mut self, value: &mut Value) -> Result<()> {
        let from = self.at;
        match self.peek() {
            Some(b'[') => self.rows(value),
            Some(b'{') => {
                let place = self.text.place(from, from + 1);
                Err(error::nested_object(&self.text.label, value.name, &place))
            }
            _ => {
                let done = value.array.leaf();
                value.fits(done, self.text, from)?;
                self.scalar(value)
            }
        }
    }

    fn rows(&mut self, value: &mut Value) -> Result<()> {
        let opened = self.at;
        let done = value.array.open();
        value.fits(done, self.text, opened)?;
        self.at += 1;
        self.skip_space();
        let mut length = 0;
        let mut more = !self.eat(b']');
        while more {
            length += 1;
            value.array.step(length);
            self.item(value)?;
            more = self.comma_or(b']', opened, "this array is never closed")?;
        }
        value.array.close(opened, length);
        Ok(())
    }

    fn scalar(&mut self, value: &mut Value) -> Result<()> {
        let from = self.at;
        let text = &self.text.text;
        if self.peek() == Some(b'"') {
            let written = self.string()?;
            value.strings_from(from);
            value.array.cells.string(written);
            return Ok(());
        }
        if let Some((x, length)) = short_decimal(&text.as_bytes()[from..]) {
            value.numbers_from(from);
            value.array.cells.number(x, false);
            self.at += length;
            self.skip_space();
            return Ok(());
        }
        let to = self.token_end();
        let written = &text[from..to];
        match literal(written) {
            Word::Missing => value.array.cells.missing(),
            Word::Boolean(x) => value.array.cells.boolean(x),
            Word::NotFinite(x) => value.array.cells.not_finite(x),
            Word::Number { value: x, integer } => {
                value.numbers_from(from);
                value.array.cells.number(x, integer);
            }
            Word::OutOfRange => {
                let (at, place) = (
                    error::element(value.name, &value.array.path),
                    self.text.place(from, to),
                );
                return Err(error::out_of_range(
                    &self.text.label,
                    &format!("`{at}`"),
                    &place,
                    written,
                ));
            }
            Word::Text => {
                let what = format!("expected a value, found {}", self.describe());
                return Err(self.malformed(from, to, &what));
            }
        }
        self.at = to;
        self.skip_space();
        Ok(())
    }

    fn string(&mut self) -> Result<String> {
        let from = self.at;
        let bytes = self.text.text.as_bytes();
        let mut to = from + 1;
        loop {
            match bytes.get(to) {
                Some(b'"') => break,
                Some(b'\\') => to += 2,
                Some(b'\n' | b'\r') | None => {
                    return Err(self.malformed(from, from + 1, "this text has no closing quote"));
                }
                Some(_) => to += 1,
            }
        }
        let text = serde_json::from_str(&self.text.text[from..=to]);
        let text = text.map_err(|e| {
            let why = e.to_string();
            let why = why
                .split(" at line ")
                .next()
                .unwrap_or("not a text")
                .to_owned();
            self.malformed(from, to + 1, &why)
        })?;
        self.at = to + 1;
        self.skip_space();
        Ok(text)
    }

    fn end(&mut self) -> Result<()> {
        if self.skip_space() == self.text.text.len() {
            return Ok(());
        }
        let what = format!("expected the end of the file, found {}", self.describe());
        Err(self.malformed(self.at, self.token_end(), &what))
    }

    /// End of the word or number that begins here; never an empty range before the end of text.
    fn token_end(&self) -> usize {
        let text = &self.text.text.as_bytes()[self.at..];
        let length = text
            .iter()
            .position(|b| !in_token(*b))
            .unwrap_or(text.len());
        match length {
            0 => {
                let first = self.text.text[self.at..].chars().next();
                self.at + first.map_or(0, char::len_utf8)
            }
            _ => self.at + length,
        }
    }

    /// What stands here, in words.
    fn describe(&self) -> &str {
        match self.peek() {
            None => "the end of the file",
            Some(b'[') => "an array",
            Some(b'{') => "an object",
            Some(b'"') => "a text",
            Some(b'\'') => "a single quote (JSON has only double quotes)",
            Some(b'/' | b'#') => "a comment (JSON has none)",
            Some(_) => &self.text.text[self.at..self.token_end().min(self.at + QUOTED)],
        }
    }

    fn malformed(&self, from: usize, to: usize, what: &str) -> Diagnostic {
        error::malformed_json(&self.text.label, &self.text.place(from, to), what)
    }
}

/// Reads what is written without quotes: JSON's own literals, and those of Python and Stan.
fn literal(written: &str) -> Word {
    match written {
        "null" => Word::Missing,
        "true" => Word::Boolean(true),
        "false" => Word::Boolean(false),
        "NaN" => Word::NotFinite(f64::NAN),
        "Infinity" | "+Infinity" | "Inf" | "+Inf" => Word::NotFinite(f64::INFINITY),
        "-Infinity" | "-Inf" => Word::NotFinite(f64::NEG_INFINITY),
        _ if !is_json_number(written.as_bytes()) => Word::Text,
        _ => match small_integer(written.as_bytes()) {
            Some(value) => Word::Number {
                value,
                integer: true,
            },
            None => number(written),
        },
    }
}

/// Whether a token is a number by JSON's grammar, which has no `+1`, `.5`, `5.` or `007`.
fn is_json_number(token: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = token.strip_prefix(b"-").unwrap_or(token);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let [b'.', after @ ..] = rest {
        let fraction = digits(after);
        if fraction == 0 {
            return false;
        }
        rest = &after[fraction..];
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = match after {
            [b'+' | b'-', exponent @ ..] => exponent,
            _ => after,
        };
        let exponent = digits(after);
        return exponent > 0 && exponent == after.len();
    }
    rest.is_empty()
}

/// A value in the making: its nesting, and where its first number and its first plain text stand.
struct Value<'a> {
    name: &'a str,
    array: Array,
    first_number: Option<(Vec<usize>, usize)>,
    first_text: Option<(Vec<usize>, usize)>,
}

impl<'a> Value<'a> {
    fn new(name: &'a str) -> Value<'a> {
        Value {
            name,
            array: Array::default(),
            first_number: None,
            first_text: None,
        }
    }

    /// Notes where the first number stands.
    fn numbers_from(&mut self, at: usize) {
        if self.first_number.is_none() {
            self.first_number = Some((self.array.path.clone(), at));
        }
    }

    /// Notes where the first plain text stands; called before the cell is known to be plain.
    fn strings_from(&mut self, at: usize) {
        if self.array.cells.first_text().is_none() {
            self.first_text = Some((self.array.path.clone(), at));
        }
    }

    /// Says of what was done to the array at a place why it cannot be.
    fn fits(&self, done: std::result::Result<(), &str>, text: &Text, at: usize) -> Result<()> {
        let place = || text.place(at, at + 1);
        let path = &self.array.path;
        done.map_err(|what| error::uneven(&text.label, self.name, path, &place(), what))
    }

    fn finish(self, text: &Text) -> Result<(Values, Option<Mixed>)> {
        let cell = |(path, at): &(Vec<usize>, usize)| {
            let scan = Scanner { text, at: *at };
            let to = match scan.peek() {
                Some(b'"') => at + 2 + text.text[at + 1..].find('"').unwrap_or(0),
                _ => scan.token_end(),
            };
            let written = text.text[*at..to].trim_matches('"');
            text.place(*at, to)
                .cell(written, format!("`{}`", error::element(self.name, path)))
        };
        let first_text = self.array.cells.first_text();
        let mixed = match (&self.first_number, &self.first_text, first_text) {
            (Some(number), Some(word), Some(_)) => Some(Mixed {
                number: cell(number),
                text: cell(word),
            }),
            _ => None,
        };
        match self.array.finish() {
            Ok(values @ Values::Ragged { .. }) => Ok((values, None)),
            Ok(values) => Ok((values, mixed)),
            Err(row) => {
                let place = text.place(row.at, row.at + 1);
                let what = row.differs();
                Err(error::uneven(
                    &text.label,
                    self.name,
                    &row.index,
                    &place,
                    &what,
                ))
            }
        }
    }
}
