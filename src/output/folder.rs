//! All files of a fit, written to a folder so that a reader never sees half of one.
//!
//! Every file is first written under a temporary name beside its place; only when all are complete
//! are they renamed. An interrupted or failed run leaves an older fit in the folder as it was.

use super::{Results, draws, error, json, summary_csv, trace};
use crate::diag::Diagnostic;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

type Writer = fn(&mut dyn Write, &Results) -> io::Result<()>;

/// The files of a fit.
const FILES: &[(&str, Writer)] = &[
    ("draws.csv", |w, r| {
        draws::write_draws(w, r.posterior, r.run)
    }),
    ("summary.csv", |w, r| {
        summary_csv::write_summary(w, r.summaries)
    }),
    ("trace.csv", |w, r| trace::write_trace(w, r.trace)),
    ("fit.json", json::write_fit_json),
];

/// Writes `draws.csv`, `summary.csv`, `trace.csv` and `fit.json` into a folder, which is made if need
/// be, and gives their paths. Other files in the folder are left alone.
///
/// # Errors
/// E0701 if the path is a file, E0702 if the folder cannot be made, E0703 if a file cannot be written.
pub fn write_folder(folder: &Path, results: &Results) -> Result<Vec<PathBuf>, Diagnostic> {
    make_folder(folder)?;
    let mut pending = Pending { files: Vec::new() };
    for (name, write) in FILES {
        let path = folder.join(name);
        // The process id keeps two runs into one folder from writing the same temporary file.
        let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
        pending.files.push((temporary.clone(), path.clone()));
        write_file(&temporary, *write, results).map_err(|e| error::not_written(&path, &e))?;
    }
    pending.rename()
}

/// Makes a folder if it is not there: what may fail in it should fail before there is much to lose.
///
/// # Errors
/// E0701 and E0702, as [`write_folder`].
pub fn make_folder(folder: &Path) -> Result<(), Diagnostic> {
    if folder.exists() && !folder.is_dir() {
        return Err(error::not_a_folder(folder));
    }
    fs::create_dir_all(folder).map_err(|e| error::folder_not_made(folder, &e))
}

/// Puts a text in the place of a file, whole or not at all; the file's permissions stay.
///
/// # Errors
/// E0703 if it cannot be written.
pub fn replace_file(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let replace = || -> io::Result<()> {
        // The file that a link leads to is replaced, not the link.
        let place = match path.exists() {
            true => path.canonicalize()?,
            false => path.to_path_buf(),
        };
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let temporary = place.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let pending = Pending {
            files: vec![(temporary.clone(), place.clone())],
        };
        let mut file = File::create(&temporary)?;
        if let Ok(old) = fs::metadata(&place) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &place)?;
        drop(pending);
        Ok(())
    };
    replace().map_err(|e| error::not_written(path, &e))
}

fn write_file(path: &Path, write: Writer, results: &Results) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file, results)?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

/// Temporary files and their places; those not renamed are removed on the way out.
struct Pending {
    files: Vec<(PathBuf, PathBuf)>,
}

impl Pending {
    fn rename(mut self) -> Result<Vec<PathBuf>, Diagnostic> {
        // Renaming onto a folder fails, and must not fail half-way through.
        if let Some((_, path)) = self.files.iter().find(|(_, path)| path.is_dir()) {
            let found = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(error::not_written(path, &found));
        }
        let mut written = Vec::new();
        while let Some((temporary, path)) = self.files.first() {
            fs::rename(temporary, path).map_err(|e| error::not_written(path, &e))?;
            written.push(self.files.remove(0).1);
        }
        Ok(written)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for (temporary, _) in &self.files {
            // Nothing more can be done for a file that cannot be removed.
            let _ = fs::remove_file(temporary);
        }
    }
}
