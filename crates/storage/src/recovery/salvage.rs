//! Cutting off what is behind a log's end, and keeping it aside if it may be worth something.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fleuve_model::Offset;
use fleuve_model::record::{BATCH_HEADER_BYTES, BatchHeader, RecordBatch};

use super::CutOff;
use super::folder::Folder;
use super::scan::{Scan, Stop};
use crate::disk::{DiskFile, OpenMode, read_up_to, remove_if_exists};
use crate::error::StorageError;
use crate::file_names::{CUT_OFF_SUFFIX, OffsetFile};
use crate::log_directory::DirectoryContext;
use crate::walk::BatchWalk;

/// Cuts the log's files at the end that the scan found. What is cut off is kept in side files if
/// there is a valid batch in it. A crash on the way leaves the work to the next start: the side
/// file is complete before anything is cut, and the first segment is cut last.
pub(super) fn cut(
    scan: &mut Scan<'_>,
    folder: &mut Folder,
    directory: &DirectoryContext,
    path: &Path,
) -> Result<Option<CutOff>, StorageError> {
    let log_end = scan.log_end;
    let kept = scan.segments.last().map(|segment| segment.base_offset());
    let later: Vec<(Offset, u64)> = folder
        .logs
        .iter()
        .filter(|(base, _)| kept.is_none_or(|kept| **base > kept))
        .map(|(base, length_bytes)| (*base, *length_bytes))
        .collect();
    let Some(Stop {
        base,
        position,
        length_bytes,
        reason,
    }) = scan.stop.take()
    else {
        return remove_late_snapshots(folder, directory, path, log_end).map(|()| None);
    };
    let mut cutting = Cutting {
        folder,
        directory,
        path,
        side_files: Vec::new(),
    };
    if length_bytes > position {
        cutting.keep_tail(base, position, length_bytes, log_end)?;
    }
    let mut cut_bytes = length_bytes - position;
    for (base, length_bytes) in later.into_iter().rev() {
        cutting.take_away(base, length_bytes)?;
        cut_bytes += length_bytes;
    }
    let side_files = cutting.side_files;
    remove_late_snapshots(folder, directory, path, log_end)?;
    directory.sync_dir(path)?;
    let log_path = path.join(OffsetFile::Log.name(base));
    if length_bytes > position {
        let last = scan
            .segments
            .last()
            .expect("the segment that is cut is among them");
        directory.wrote(last.file().truncate(position), &log_path)?;
        directory.must("sync", last.file().sync(), &log_path)?;
    }
    Ok(Some(CutOff {
        log_end,
        bytes: cut_bytes,
        reason,
        side_files,
    }))
}

/// The snapshots above the log's end are of records that are gone.
fn remove_late_snapshots(
    folder: &mut Folder,
    directory: &DirectoryContext,
    path: &Path,
    log_end: Offset,
) -> Result<(), StorageError> {
    // None is above the end of a log that reaches the largest offset.
    let Some(above) = log_end.checked_add(1) else {
        return Ok(());
    };
    for offset in folder.snapshots.split_off(&above) {
        let path = path.join(OffsetFile::Snapshot.name(offset));
        directory.wrote(remove_if_exists(directory.disk(), &path), &path)?;
    }
    Ok(())
}

struct Cutting<'a> {
    folder: &'a mut Folder,
    directory: &'a DirectoryContext,
    path: &'a Path,
    side_files: Vec<PathBuf>,
}

impl Cutting<'_> {
    fn keep_tail(
        &mut self,
        base: Offset,
        position: u64,
        end: u64,
        log_end: Offset,
    ) -> Result<(), StorageError> {
        let log_path = self.path.join(OffsetFile::Log.name(base));
        let disk = self.directory.disk();
        let file = self
            .directory
            .read(disk.open(&log_path, OpenMode::Read), &log_path)?;
        let holds = holds_valid_batch(&*file, position, end, log_end);
        if !self.directory.read(holds, &log_path)? {
            return Ok(());
        }
        let side_path = self.side_path(log_end);
        let copied = copy(
            &*file,
            position,
            end,
            &*disk_file(disk, &side_path, self.directory)?,
        );
        self.directory.wrote(copied, &side_path)?;
        self.side_files.push(side_path);
        Ok(())
    }

    /// Takes a segment behind the log's end out of the log.
    fn take_away(&mut self, base: Offset, length_bytes: u64) -> Result<(), StorageError> {
        let log_path = self.path.join(OffsetFile::Log.name(base));
        let disk = self.directory.disk();
        let file = self
            .directory
            .read(disk.open(&log_path, OpenMode::Read), &log_path)?;
        let holds = holds_valid_batch(&*file, 0, length_bytes, base);
        if self.directory.read(holds, &log_path)? {
            let side_path = self.side_path(base);
            self.directory
                .wrote(disk.rename(&log_path, &side_path), &log_path)?;
            self.side_files.push(side_path);
        } else {
            self.directory
                .wrote(remove_if_exists(disk, &log_path), &log_path)?;
        }
        self.folder.logs.remove(&base);
        for kind in &OffsetFile::OF_SEGMENT[1..] {
            let path = self.path.join(kind.name(base));
            self.directory.wrote(remove_if_exists(disk, &path), &path)?;
        }
        Ok(())
    }

    /// A name that is not taken, after the offset at which the bytes were.
    fn side_path(&mut self, offset: Offset) -> PathBuf {
        let log_name = OffsetFile::Log.name(offset);
        let numbered = |number: u32| match number {
            0 => format!("{log_name}{CUT_OFF_SUFFIX}"),
            _ => format!("{log_name}{CUT_OFF_SUFFIX}.{number}"),
        };
        let name = (0..)
            .map(numbered)
            .find(|name| !self.folder.side_files.contains(name));
        let name = name.expect("there are more numbers than files");
        let path = self.path.join(&name);
        self.folder.side_files.insert(name);
        path
    }
}

fn disk_file(
    disk: &dyn crate::disk::Disk,
    path: &Path,
    directory: &DirectoryContext,
) -> Result<std::sync::Arc<dyn DiskFile>, StorageError> {
    directory.wrote(disk.open(path, OpenMode::Replace), path)
}

fn copy(from: &dyn DiskFile, position: u64, end: u64, to: &dyn DiskFile) -> std::io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES.min((end - position) as usize)];
    let mut copied = 0;
    while position + copied < end {
        let wanted = buffer.len().min((end - position - copied) as usize);
        let read = read_up_to(from, &mut buffer[..wanted], position + copied)?;
        if read == 0 {
            break;
        }
        to.append(copied, &[IoSlice::new(&buffer[..read])])?;
        copied += read as u64;
    }
    to.sync()
}

const COPY_BYTES: usize = 1024 * 1024;

/// Whether a whole, undamaged batch of an offset that could come behind `log_end` begins
/// anywhere between the positions. The length of what is bad is not known, so each byte is
/// looked at; the work on false hits is bounded by a multiple of the bytes.
fn holds_valid_batch(
    file: &dyn DiskFile,
    position: u64,
    end: u64,
    log_end: Offset,
) -> std::io::Result<bool> {
    if BatchWalk::new(file, position, end)
        .next_batch()
        .is_ok_and(|batch| batch.is_some())
    {
        return Ok(true);
    }
    let mut work_left = (end - position).saturating_mul(VERIFY_FACTOR);
    let mut start = position;
    let mut window = Vec::new();
    while start + BATCH_HEADER_BYTES as u64 <= end {
        window.resize(SEARCH_BYTES.min((end - start) as usize), 0);
        let read = read_up_to(file, &mut window, start)?;
        if read < BATCH_HEADER_BYTES {
            break;
        }
        for offset in 0..=read - BATCH_HEADER_BYTES {
            let at = start + offset as u64;
            let Ok(header) = BatchHeader::parse(&window[offset..read]) else {
                continue;
            };
            let size_bytes = header.size_bytes as u64;
            let is_plausible = header.base_offset >= log_end && at + size_bytes <= end;
            if !is_plausible || size_bytes > work_left {
                continue;
            }
            work_left -= size_bytes;
            let mut bytes = vec![0; header.size_bytes];
            let read = read_up_to(file, &mut bytes, at)?;
            bytes.truncate(read);
            if RecordBatch::parse_verified(&Bytes::from(bytes)).is_ok() {
                return Ok(true);
            }
        }
        start += (read - BATCH_HEADER_BYTES + 1) as u64;
    }
    Ok(false)
}

const SEARCH_BYTES: usize = 1024 * 1024;
const VERIFY_FACTOR: u64 = 4;
