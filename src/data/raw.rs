//! A data file as bytes, uncompressed, and the name of what it holds where it has none of its own.

use super::error;
use super::files::{Files, ReadAt};
use crate::diag::Diagnostic;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// One data file.
pub(super) struct Raw {
    /// The file as the user named it.
    pub label: String,
    /// Its name without folders, in small letters, and without `.gz`.
    pub ending: String,
    pub bytes: Vec<u8>,
}

impl Raw {
    /// Takes the bytes of a file; of one whose name ends in `.gz`, what is compressed in it.
    ///
    /// # Errors
    /// E0621 if the compressed bytes are not whole.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Result<Raw, Diagnostic> {
        let label = path.display().to_string();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let Some(inner) = name.strip_suffix(".gz") else {
            return Ok(Raw {
                label,
                ending: name,
                bytes,
            });
        };
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut unpacked)
            .map_err(|e| error::damaged(&label, "a file compressed with gzip", &e.to_string()))?;
        Ok(Raw {
            label,
            ending: inner.to_string(),
            bytes: unpacked,
        })
    }

    /// The file's stem as a name that a program can use: `train-images-idx3-ubyte.gz` holds `train_images`.
    /// Letters keep their case.
    pub fn stem(&self) -> String {
        stem(&self.label)
    }
}

/// A large data file, of which parts are read.
pub(super) struct Opened<'f> {
    /// The file as the user named it.
    pub label: String,
    pub source: Arc<dyn ReadAt>,
    /// Bytes that an array of numbers may take in memory.
    pub in_memory: u64,
    #[cfg_attr(
        not(feature = "arrow"),
        expect(dead_code, reason = "columns alone need a scratch file")
    )]
    pub files: &'f dyn Files,
}

impl Opened<'_> {
    /// See [`Raw::stem`].
    pub fn stem(&self) -> String {
        stem(&self.label)
    }

    /// The first bytes, at most so many.
    pub fn head(&self, most: usize) -> Result<Vec<u8>, Diagnostic> {
        let mut bytes = vec![0; most.min(self.source.length() as usize)];
        let read = self.source.read_at(0, &mut bytes);
        read.map_err(|e| error::unreadable(&self.label, &e))?;
        Ok(bytes)
    }

    /// Whether an array of this shape is too large for memory; what has no rows never is.
    pub fn is_large(&self, shape: &[usize]) -> bool {
        let count = shape
            .iter()
            .try_fold(8_u64, |n, &dim| n.checked_mul(dim as u64));
        !shape.is_empty() && count.is_none_or(|bytes| bytes > self.in_memory)
    }
}

/// A file's stem as a name that a program can use.
fn stem(label: &str) -> String {
    let name = Path::new(label).file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let stem = match name.to_lowercase().ends_with(".gz") {
        true => &name[..name.len() - 3],
        false => &name,
    };
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, extension)| {
        match extension.contains("idx") || extension.chars().all(char::is_alphanumeric) {
            true => stem,
            false => name.as_str(),
        }
    });
    let is_kind = |part: &&str| !(part.starts_with("idx") && part.len() <= 4 || *part == "ubyte");
    let parts: Vec<&str> = stem.split('-').filter(is_kind).collect();
    let sign = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let stem: String = parts.join("_").chars().map(sign).collect();
    match stem.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{stem}"),
        false => stem,
    }
}
