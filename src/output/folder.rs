//! All files of a fit, written to a folder so that a reader never sees half of one.
//!
//! Every file is first written under a temporary name beside its place; only when all are complete
//! are they renamed. An interrupted or failed run leaves an older fit in the folder as it was.

use super::{Results, draws, error, json, summary_csv, trace};
use crate::diag::Diagnostic;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Takes a file of a folder: its path in the folder, separated by `/`, and what it holds.
pub(super) type Put<'a> = dyn FnMut(&str, &[u8]) -> io::Result<()> + 'a;

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

/// Puts a text or bytes in the place of a file, whole or not at all; the file's permissions stay.
///
/// # Errors
/// E0703 if it cannot be written.
pub fn replace_file(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Diagnostic> {
    replace(path, &mut |w| w.write_all(content.as_ref()))
}

/// The same with what `write` writes.
pub(super) fn replace(
    path: &Path,
    write: &mut dyn FnMut(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), Diagnostic> {
    let mut replace = || -> io::Result<()> {
        // A device or a pipe takes what it is given, and must not become a file.
        if fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            let mut file = BufWriter::new(File::options().write(true).open(path)?);
            write(&mut file)?;
            return file.flush();
        }
        let (place, temporary) = places(path)?;
        let pending = Pending {
            files: vec![(temporary.clone(), place.clone())],
        };
        let file = File::create(&temporary)?;
        if let Ok(old) = fs::metadata(&place) {
            file.set_permissions(old.permissions())?;
        }
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        finish(file)?;
        fs::rename(&temporary, &place)?;
        drop(pending);
        Ok(())
    };
    replace().map_err(|e| error::not_written(path, &e))
}

/// What a path leads to, since not the link is replaced but the file, and a temporary name beside it.
fn places(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let place = match path.exists() {
        true => path.canonicalize()?,
        false => path.to_path_buf(),
    };
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let temporary = place.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    Ok((place, temporary))
}

/// Puts a folder of Zarr in the place of another, whole or not at all. `fill` hands over its files.
///
/// # Errors
/// E0703 if it cannot be written, E0707 if something else is in its place, which might be dear to its owner.
pub(super) fn replace_folder(
    path: &Path,
    fill: &mut dyn FnMut(&mut Put) -> io::Result<()>,
) -> Result<(), Diagnostic> {
    if path.exists() && !path.join(".zgroup").is_file() {
        return Err(error::not_a_store(path));
    }
    let mut replace = || -> io::Result<()> {
        let (place, temporary) = places(path)?;
        let pending = Unfinished(temporary.clone());
        fs::create_dir(&temporary)?;
        fill(&mut |key, bytes| write_below(&temporary, key, bytes))?;
        match place.exists() {
            true => exchange(&temporary, &place)?,
            false => fs::rename(&temporary, &place)?,
        }
        drop(pending);
        Ok(())
    };
    replace().map_err(|e| error::not_written(path, &e))
}
fn write_below(folder: &Path, key: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(key);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Where `Sigma` and `sigma` are one name to the system, one must not overwrite the other.
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a folder in the place of another, which is back if that fails.
fn exchange(new: &Path, place: &Path) -> io::Result<()> {
    let aside = new.with_extension("old");
    fs::rename(place, &aside)?;
    if let Err(error) = fs::rename(new, place) {
        fs::rename(&aside, place)?;
        return Err(error);
    }
    fs::remove_dir_all(&aside)
}

fn write_file(path: &Path, write: Writer, results: &Results) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file, results)?;
    finish(file)
}

fn finish(file: BufWriter<File>) -> io::Result<()> {
    let file = file.into_inner();
    file.map_err(io::IntoInnerError::into_error)?.sync_all()
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

/// A folder that is removed on the way out, if it is still there.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing more can be done for a folder that cannot be removed; after a success there is none.
        let _ = fs::remove_dir_all(&self.0);
    }
}
