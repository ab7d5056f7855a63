//! The files a query writes: checkpoint, state and sink output.
//!
//! Always true: a file written by [`FileSystem::create_new`] or [`FileSystem::replace`] is either
//! whole and durable or absent, whatever happens in between. Start at [`FileSystem`];
//! [`LocalFileSystem`] is the one that ships, tests wrap it to make it fail.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// One entry of a directory listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    pub name: String,
    pub is_directory: bool,
    pub size_bytes: u64,
    pub modified_ms: i64,
}

/// A file being written, which counts for nothing before [`OutputFile::finish`].
pub trait OutputFile: Write + Send {
    /// Makes the bytes durable and returns how many there are.
    fn finish(self: Box<Self>) -> io::Result<u64>;
}

/// What the engine asks of a file system.
pub trait FileSystem: Debug + Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Lists a directory in name order; an absent directory is an empty one.
    fn list(&self, directory: &Path) -> io::Result<Vec<DirectoryEntry>>;
    /// Writes a whole file that must not exist yet: [`io::ErrorKind::AlreadyExists`] otherwise.
    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes a whole file in place of the one that may be there.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Opens a file for writing piece by piece; its directory is made when absent.
    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>>;
    /// Makes the names of a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    fn create_directory(&self, directory: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; an absent one is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.read(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether the local file system waits for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Files and their names are synced before they count.
    #[default]
    Synced,
    /// The page cache is enough: for tests, and for checkpoints nobody will resume from.
    PageCache,
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFileSystem {
    pub durability: Durability,
}

impl LocalFileSystem {
    fn sync(&self, file: &File) -> io::Result<()> {
        match self.durability {
            Durability::Synced => file.sync_all(),
            Durability::PageCache => Ok(()),
        }
    }

    /// Writes `bytes` beside `path` under a name that no reader takes for a file of the log.
    fn write_beside(&self, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let directory = parent(path)?;
        fs::create_dir_all(directory)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = directory.join(format!(".{name}.{}.tmp", uuid::Uuid::new_v4()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)?;
        file.write_all(bytes)?;
        self.sync(&file)?;
        Ok(beside)
    }
}

impl FileSystem for LocalFileSystem {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry?;
            // A file may go between listing and asking: then it was not there.
            let Ok(metadata) = fs::metadata(entry.path()) else {
                continue;
            };
            listed.push(DirectoryEntry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_directory: metadata.is_dir(),
                size_bytes: metadata.len(),
                modified_ms: modified_ms(&metadata),
            });
        }
        listed.sort();
        Ok(listed)
    }

    fn create_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = self.write_beside(path, bytes)?;
        // A hard link refuses an existing name, which a rename would overwrite.
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside)?;
        linked?;
        self.sync_directory(parent(path)?)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = self.write_beside(path, bytes)?;
        fs::rename(&beside, path)?;
        self.sync_directory(parent(path)?)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        fs::create_dir_all(parent(path)?)?;
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(LocalOutputFile {
            file: BufWriter::new(file),
            system: *self,
            written: 0,
        }))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.sync(&File::open(directory)?)
    }

    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir_all(parent(to)?)?;
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }
}

struct LocalOutputFile {
    file: BufWriter<File>,
    system: LocalFileSystem,
    written: u64,
}

impl Write for LocalOutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl OutputFile for LocalOutputFile {
    fn finish(mut self: Box<Self>) -> io::Result<u64> {
        self.file.flush()?;
        self.system.sync(self.file.get_ref())?;
        Ok(self.written)
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path has no parent"))
}

fn modified_ms(metadata: &fs::Metadata) -> i64 {
    metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_millis() as i64)
}
