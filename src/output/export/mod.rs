//! A fit as one file that the field's tools read: ArviZ, xarray, posterior, and whatever reads columns.
//!
//! What is written is an [`InferenceData`], groups of arrays by ArviZ's schema. The ending of a path chooses the
//! form: a form is one file here and one row of [`FORMATS`].

mod csv;
mod dataset;
mod inference_data;
mod json;
mod netcdf;
mod parquet;
mod rows;
mod zarr;

#[cfg(test)]
mod tests;

pub use inference_data::{Attribute, Group, InferenceData};

use super::error;
use super::folder::{self, Put};
use crate::diag::Diagnostic;
use std::io;
use std::path::Path;

/// The forms in which a fit is exported, by the endings of paths.
pub const FORMATS: &[Format] = &[
    csv::FORMAT,
    netcdf::FORMAT,
    zarr::FORMAT,
    parquet::FORMAT,
    json::FORMAT,
];

/// A form of export.
pub struct Format {
    /// What a path of this form ends in, with the dot.
    pub ending: &'static str,
    /// What it is, in words.
    pub name: &'static str,
    /// It holds all groups, and not the draws of the posterior alone.
    pub groups: bool,
    write: Write,
}

/// How a form is written.
enum Write {
    File(fn(&mut (dyn io::Write + Send), &InferenceData) -> io::Result<()>),
    /// A folder, whose files are handed over one by one.
    Folder(fn(&mut Put, &InferenceData) -> io::Result<()>),
    /// A cargo feature without which elbo was built.
    #[cfg_attr(feature = "arrow", expect(dead_code))]
    Needs(&'static str),
}

/// The form that the ending of a path names, in letters of either case.
///
/// ```
/// use elbo::output::export;
/// assert_eq!(export::format("fits/schools.zarr".as_ref()).unwrap().name, "Zarr");
/// assert!(export::format("schools.docx".as_ref()).is_err_and(|e| e.code == "E0705"));
/// ```
///
/// # Errors
/// E0705 if it names none, E0706 if elbo was built without what writes it.
pub fn format(path: &Path) -> Result<&'static Format, Diagnostic> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let ending = format!(".{}", ending.to_lowercase());
    let format = FORMATS.iter().find(|f| f.ending == ending);
    let format = format.ok_or_else(|| error::unknown_ending(path))?;
    match format.write {
        Write::Needs(feature) => Err(error::built_without(path, feature)),
        _ => Ok(format),
    }
}

/// Writes a fit in the form that the path's ending names. What is at the path is replaced when all is written: a
/// write that fails leaves it as it was.
///
/// ```
/// use elbo::output::{Posterior, Quantity, Run, export};
/// let mu = Quantity { name: "mu".into(), draws: vec![1.0, 2.0, 3.0], ..Quantity::default() };
/// let posterior = Posterior { quantities: vec![mu], draws: 3, ..Posterior::default() };
/// let data = export::InferenceData::new(posterior, Run::default());
/// let folder = tempfile::tempdir()?;
/// export::write(&folder.path().join("fit.nc"), &data).map_err(|d| d.message)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// E0703 if it cannot be written, E0705 and E0706 as [`format`], E0707 if another folder is in the place of a store.
pub fn write(path: &Path, data: &InferenceData) -> Result<(), Diagnostic> {
    match format(path)?.write {
        Write::File(write) => folder::replace(path, &mut |w| write(w, data)),
        Write::Folder(write) => folder::replace_folder(path, &mut |put| write(put, data)),
        Write::Needs(feature) => Err(error::built_without(path, feature)),
    }
}
