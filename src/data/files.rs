//! The one way to the file system: a trait, the real disk, and files held in memory.
//!
//! Everything else in the crate is handed bytes, so tests and embedders need no disk.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of which stretches are read where they are asked for, from any thread.
pub trait ReadAt: fmt::Debug + Send + Sync {
    /// Fills `into` with the bytes from `at` on.
    ///
    /// # Errors
    /// If there are not as many, or they cannot be read.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;

    /// How many bytes there are.
    fn length(&self) -> u64;
}

/// Where numbers go that memory would not hold.
#[cfg(feature = "arrow")]
pub trait Scratch: io::Write {
    /// What was written.
    ///
    /// # Errors
    /// If not all of it could be.
    fn written(self: Box<Self>) -> io::Result<Arc<dyn ReadAt>>;
}

/// Where files come from.
pub trait Files {
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether there is a file (not a folder) of this name.
    fn exists(&self, path: &Path) -> bool;

    /// The names in a folder, sorted; used only to suggest what may have been meant.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// A file to read stretches of; unless this is said otherwise its whole content is held.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(self.read(path)?))
    }

    /// A place for numbers until nothing needs them any more; unless this is said otherwise it is memory.
    #[cfg(feature = "arrow")]
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        Ok(Box::new(Vec::new()))
    }
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

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Arc::new(OnDisk::new(File::open(path)?)?))
    }

    /// A file without a name, in the system's folder for such files.
    #[cfg(feature = "arrow")]
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        Ok(Box::new(io::BufWriter::new(tempfile::tempfile()?)))
    }
}

/// An open file.
#[derive(Debug)]
struct OnDisk {
    file: File,
    length: u64,
    /// Whose turn it is to move the place in the file.
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

impl OnDisk {
    fn new(file: File) -> io::Result<OnDisk> {
        Ok(OnDisk {
            length: file.metadata()?.len(),
            file,
            #[cfg(not(unix))]
            turn: Default::default(),
        })
    }
}

impl ReadAt for OnDisk {
    #[cfg(unix)]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, into, at)
    }

    #[cfg(not(unix))]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        // A thread that panicked while it read left a place in the file, which is set anew.
        let turn = self.turn.lock();
        let _turn = turn.unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(into)
    }

    fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(feature = "arrow")]
impl Scratch for io::BufWriter<File> {
    fn written(self: Box<Self>) -> io::Result<Arc<dyn ReadAt>> {
        let file = self.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Arc::new(OnDisk::new(file)?))
    }
}

/// Bytes in memory.
impl ReadAt for Vec<u8> {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let bytes = from.and_then(|bytes| bytes.get(..into.len()));
        into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn length(&self) -> u64 {
        self.len() as u64
    }
}

#[cfg(feature = "arrow")]
impl Scratch for Vec<u8> {
    fn written(self: Box<Self>) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(*self))
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
