//! What can go wrong in writing results: E0701 to E0703.

use crate::diag::Diagnostic;
use std::io;
use std::path::Path;

pub(super) fn not_a_folder(path: &Path) -> Diagnostic {
    let message = format!(
        "results cannot go into `{}`: it is a file, not a folder",
        path.display()
    );
    Diagnostic::error("E0701", message).help("name a folder; it is made if it is not there")
}

pub(super) fn folder_not_made(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("the folder `{}` cannot be made: {error}", path.display());
    Diagnostic::error("E0702", message)
        .help("check that its parent is a folder in which you may write, or name another")
}

pub(super) fn not_written(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("`{}` cannot be written: {error}", path.display());
    Diagnostic::error("E0703", message)
        .help("check the rights to the folder and the space on the disk")
}
