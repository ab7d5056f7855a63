//! The disk, as the log sees it.
//!
//! Everything that storage does to files goes through [`Disk`] and [`DiskFile`]. [`RealDisk`]
//! is the operating system's; [`SimulatedDisk`] lives in memory, fails when told to and can lose
//! power. What holds for both: a file grows only at its end; bytes are durable after
//! [`DiskFile::sync`], names after [`Disk::sync_dir`] of the folder that holds them; an open
//! file stays readable after its name is gone.

mod crash;
mod real;
mod simulated;
mod simulated_state;

use std::fmt;
use std::io;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

pub use real::RealDisk;
pub use simulated::{Chance, DiskCall, Fault, FaultKind, SimulatedDisk};

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file exists; it will only be read.
    Read,
    /// The file exists; it will be read, appended to and truncated.
    Append,
    /// The file is made if it does not exist, and kept as it is if it does.
    AppendOrCreate,
    /// The file is made, and emptied if it exists.
    Replace,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file with its length in bytes.
    File {
        /// The length when it was listed.
        length_bytes: u64,
    },
    /// A folder.
    Directory,
}

/// One name of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name, without the folder. Names that are not UTF-8 are not listed: no file of ours is.
    pub name: String,
    /// What it stands for.
    pub kind: EntryKind,
}

/// The room on the file system that holds a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What the file system can hold.
    pub total_bytes: u64,
    /// What an unprivileged process can still write.
    pub free_bytes: u64,
}

/// Files and folders. Calls block until the operating system has done its part.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens the file at `path`.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes the folder `path` within an existing one. It is an error if it exists.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in the folder `path` durable: what was created, renamed, removed in it.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or folder, replacing a file of the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the name of a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Lists a folder, ordered by name.
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;

    /// The room left where `path` is.
    fn space(&self, path: &Path) -> io::Result<DiskSpace>;

    /// How many calls it is worth making at the same time, from as many threads.
    fn parallel_calls(&self) -> usize {
        1
    }

    /// Takes the advisory lock on the file at `path`, making it if needed, or fails with
    /// [`io::ErrorKind::WouldBlock`] if another holds it. Dropping the result releases it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// An open file. Its methods take `&self`: one writer appends while others read what is there.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads into `buffer` from `position`; returns how much, 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Appends to `buffer` what is read from `position`, up to its capacity; returns how much, 0
    /// at the end of the file. Its free capacity need not be zeroed for this.
    fn read_into(&self, buffer: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        let start = buffer.len();
        buffer.resize(buffer.capacity(), 0);
        let read = self.read_at(&mut buffer[start..], position);
        buffer.truncate(start + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Writes all of `parts` one after another from `end`, which is the file's present length.
    /// After an error the file may have grown by a part of them.
    fn append(&self, end: u64, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// Cuts the file to `length_bytes`.
    fn truncate(&self, length_bytes: u64) -> io::Result<()>;

    /// Makes the file's bytes and its length durable. After an error what was unsynced counts as
    /// lost: the operating system may have dropped it.
    fn sync(&self) -> io::Result<()>;

    /// The file's present length.
    fn length_bytes(&self) -> io::Result<u64>;

    /// The descriptor, for calls that move bytes inside the operating system (`sendfile`).
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }
}

/// An advisory lock, held until dropped.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// Fills `buffer` from `position`, or fails with [`io::ErrorKind::UnexpectedEof`].
pub fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], position: u64) -> io::Result<()> {
    let read = read_up_to(file, buffer, position)?;
    if read == buffer.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Fills as much of `buffer` from `position` as the file has, and returns how much that was.
pub fn read_up_to(file: &dyn DiskFile, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], position + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Reads `length_bytes` from `position`, or as much as the file has.
pub fn read_vec(file: &dyn DiskFile, position: u64, length_bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::with_capacity(length_bytes);
    while buffer.len() < length_bytes {
        let position = position + buffer.len() as u64;
        if file.read_into(&mut buffer, position)? == 0 {
            break;
        }
    }
    // The allocation may be larger than asked for.
    buffer.truncate(length_bytes);
    Ok(buffer)
}

/// Reads the whole file at `path`, or `None` if there is none.
pub fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let length = usize::try_from(file.length_bytes()?).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut content = vec![0; length];
    let read = read_up_to(&*file, &mut content, 0)?;
    content.truncate(read);
    Ok(Some(content))
}

/// Replaces the file at `path` so that after any crash it has the old content or `content`:
/// written beside it (`.tmp`), synced, renamed over it, and its folder synced.
pub fn replace_file(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = with_suffix(path, ".tmp");
    let file = disk.open(&beside, OpenMode::Replace)?;
    file.append(0, &[IoSlice::new(content)])?;
    file.sync()?;
    disk.rename(&beside, path)?;
    disk.sync_dir(path.parent().expect("a file of ours is in a folder"))
}

/// Removes the file at `path`; it is no error if there is none. Returns whether there was.
pub fn remove_if_exists(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    match disk.remove(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// `path` with `suffix` appended to its last name.
pub fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
