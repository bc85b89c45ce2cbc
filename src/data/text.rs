//! Bytes of a file turned into text that messages can point into or quote.

use super::error;
use crate::diag::{Diagnostic, SourceId, Sources, Span};

/// Files smaller than this are kept in [`Sources`], so that messages show the place in them.
const KEPT_BELOW: usize = 1 << 20;

/// How many characters of a line are quoted on either side of a place.
const QUOTED: usize = 30;

/// The text of one data file.
pub(super) struct Text {
    /// The file as the user named it.
    pub label: String,
    pub text: String,
    source: Option<SourceId>,
}

/// A place in a text as a message names it.
pub(super) struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub span: Option<Span>,
    /// The surroundings; only for files that are too large to be shown.
    pub excerpt: Option<String>,
}

impl Text {
    /// Checks that the bytes are text, drops a byte-order mark and keeps small files in `sources`.
    pub fn decode(label: &str, bytes: Vec<u8>, sources: &mut Sources) -> Result<Text, Diagnostic> {
        if let Some(kind) = known_binary(&bytes) {
            return Err(error::binary(label, kind));
        }
        if bytes.contains(&0) {
            return Err(error::binary(label, "a binary file"));
        }
        let mut text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let line = 1 + e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count();
            error::not_utf8(label, line, e.as_bytes()[at])
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        if text.trim().is_empty() {
            return Err(error::empty(label));
        }
        Ok(Text::new(label, text, sources))
    }

    pub fn new(label: &str, text: String, sources: &mut Sources) -> Text {
        let small = text.len() < KEPT_BELOW;
        let source = small.then(|| sources.add(label, text.clone()));
        Text {
            label: label.to_owned(),
            text,
            source,
        }
    }

    /// A span of this text, if it is kept.
    pub fn span(&self, start: usize, end: usize) -> Option<Span> {
        self.source.map(|id| Span::new(id, start, end))
    }

    /// A place for messages; `start` and `end` are moved onto character boundaries.
    pub fn place(&self, start: usize, end: usize) -> Place {
        let (start, end) = (self.boundary(start), self.boundary(end.max(start)));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = 1 + before.bytes().filter(|&b| b == b'\n').count();
        let column = 1 + self.text[line_start..start].chars().count();
        let excerpt = self.source.is_none().then(|| self.excerpt(start));
        Place {
            line,
            column,
            span: self.span(start, end),
            excerpt,
        }
    }

    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn excerpt(&self, at: usize) -> String {
        let before = self.text[..at]
            .chars()
            .rev()
            .take_while(|&c| c != '\n')
            .take(QUOTED);
        let before: Vec<char> = before.collect();
        let after = self.text[at..]
            .chars()
            .take_while(|&c| c != '\n' && c != '\r')
            .take(QUOTED);
        before.into_iter().rev().chain(after).collect()
    }
}

/// What a file is, told from its first bytes, if it is one that people try to use as data.
fn known_binary(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "compressed with gzip"),
        (b"BZh", "compressed with bzip2"),
        (b"\xfd7zXZ", "compressed with xz"),
        (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
        (b"PK\x03\x04", "a zip archive or a spreadsheet"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1", "an Arrow file"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF", "an HDF5 file"),
        (b"RDX", "an R data file"),
        (b"\xff\xfe", "encoded as UTF-16"),
        (b"\xfe\xff", "encoded as UTF-16"),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|&(_, kind)| kind)
}
