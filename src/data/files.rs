//! The one way to the file system: a trait, the real disk, and files held in memory.
//!
//! Everything else in the crate is handed bytes, so tests and embedders need no disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Where files come from.
pub trait Files {
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether there is a file (not a folder) of this name.
    fn exists(&self, path: &Path) -> bool;

    /// The names in a folder, sorted; used only to suggest what may have been meant.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
}

/// The disk, by `std::fs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Opening a folder fails differently on each system, so it is asked for first.
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        std::fs::read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let mut names: Vec<String> = std::fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        Ok(names)
    }
}

/// Files that exist only in memory; a path is a folder if some file lies under it.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl InMemory {
    /// Files from pairs of path and content.
    pub fn new<P: Into<PathBuf>, C: Into<Vec<u8>>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> InMemory {
        let files = files
            .into_iter()
            .map(|(path, content)| (path.into(), content.into()))
            .collect();
        InMemory { files }
    }

    /// Adds a file, or replaces the one of that path.
    pub fn insert(&mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), content.into());
    }
}

impl Files for InMemory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(content) => Ok(content.clone()),
            None if self.files.keys().any(|p| p.starts_with(path)) => {
                Err(io::ErrorKind::IsADirectory.into())
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let name = |path: &PathBuf| match path.parent() == Some(folder) {
            true => Some(path.file_name()?.to_string_lossy().into_owned()),
            false => None,
        };
        Ok(self.files.keys().filter_map(name).collect())
    }
}
