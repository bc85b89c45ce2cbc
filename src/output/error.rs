//! What can go wrong in writing results: E0701 to E0707.

use super::export::FORMATS;
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
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    let help = match folder {
        Some(folder) if error.kind() == io::ErrorKind::NotFound => format!(
            "the folder `{}` does not exist: make it, or name another",
            folder.display()
        ),
        _ => "check the rights to the folder and the space on the disk".into(),
    };
    Diagnostic::error("E0703", message).help(help)
}

/// E0705, with the endings that there are.
pub(super) fn unknown_ending(path: &Path) -> Diagnostic {
    let known = FORMATS
        .iter()
        .map(|f| format!("`{}` ({})", f.ending, f.name));
    let known: Vec<String> = known.collect();
    let message = format!(
        "`{}` does not end in the name of a form in which a fit is exported",
        path.display()
    );
    Diagnostic::error("E0705", message).help(format!("end it in one of {}", known.join(", ")))
}

pub(super) fn built_without(path: &Path, feature: &str) -> Diagnostic {
    let message = format!(
        "`{}` cannot be written: elbo was built without the feature `{feature}`",
        path.display()
    );
    Diagnostic::error("E0706", message).help(format!(
        "build it with `cargo build --release --features {feature}`, or choose another form"
    ))
}

pub(super) fn not_a_store(path: &Path) -> Diagnostic {
    let message = format!(
        "`{}` is not replaced: it is there already, and is no folder of Zarr",
        path.display()
    );
    Diagnostic::error("E0707", message).help("name another path, or move away what is there")
}
