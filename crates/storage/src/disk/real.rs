//! The operating system's disk. The only place of this crate that names `std::fs`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use super::{DirectoryEntry, Disk, DiskFile, DiskLock, DiskSpace, EntryKind, OpenMode};

/// Files of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::Append => _ = options.write(true),
            OpenMode::AppendOrCreate => _ = options.write(true).create(true),
            OpenMode::Replace => _ = options.write(true).create(true).truncate(true),
        }
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the `Disk` that others go through"
    )]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the `Disk` that others go through"
    )]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the `Disk` that others go through"
    )]
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            let kind = if metadata.is_dir() {
                EntryKind::Directory
            } else {
                EntryKind::File {
                    length_bytes: metadata.len(),
                }
            };
            entries.push(DirectoryEntry { name, kind });
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn space(&self, path: &Path) -> io::Result<DiskSpace> {
        let found = rustix::fs::statvfs(path)?;
        Ok(DiskSpace {
            total_bytes: found.f_frsize.saturating_mul(found.f_blocks),
            free_bytes: found.f_frsize.saturating_mul(found.f_bavail),
        })
    }

    fn parallel_calls(&self) -> usize {
        PARALLEL_CALLS
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(Errno::AGAIN | Errno::ACCESS) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buffer, position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    fn read_into(&self, buffer: &mut Vec<u8>, position: u64) -> io::Result<usize> {
        loop {
            match rustix::io::pread(&self.0, spare_capacity(buffer), position) {
                Err(Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }

    fn append(&self, end: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut position = end;
        let mut parts = parts;
        let mut skip = 0;
        while let Some(first) = parts.first() {
            if skip >= first.len() {
                skip -= first.len();
                parts = &parts[1..];
                continue;
            }
            let written = if skip > 0 || first.len() > CALL_BYTES_MAX {
                let rest = &first[skip..];
                let rest = &rest[..rest.len().min(CALL_BYTES_MAX)];
                self.0.write_at(rest, position)
            } else {
                let several = of_one_call(parts);
                rustix::io::pwritev(&self.0, several, position).map_err(io::Error::from)
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    skip += written;
                    position += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn truncate(&self, length_bytes: u64) -> io::Result<()> {
        self.0.set_len(length_bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn length_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Enough for a file system to write its journal once for many syncs; more gains nothing.
const PARALLEL_CALLS: usize = 16;

/// `IOV_MAX` of Linux and macOS.
const PARTS_PER_CALL_MAX: usize = 1024;

/// How much one call writes. For more, Linux looks for huge pages to cache it in, and where memory is
/// in pieces it moves pages about until it has them: that takes four times the time of the copy.
const CALL_BYTES_MAX: usize = 1 << 20;

/// The first of `parts`, as many as one call writes; at least one.
fn of_one_call<'a, 'b>(parts: &'a [IoSlice<'b>]) -> &'a [IoSlice<'b>] {
    let mut bytes = 0;
    let fit = parts.iter().take(PARTS_PER_CALL_MAX).take_while(|part| {
        bytes += part.len();
        bytes <= CALL_BYTES_MAX
    });
    &parts[..fit.count().max(1)]
}

/// Two locks on one file, both released by the operating system when the process ends: `flock`
/// keeps a second opener of this process out, and the POSIX record lock a JVM, whose `FileLock`
/// is one, so that Apache Kafka and Fleuve never share a folder.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}
