//! Looking at the files of a log without opening the log: what `kafka-dump-log` shows.
//!
//! Nothing here changes a file or takes a lock, so it also works beside a broker; then the
//! tables of the segment being written may be missing or behind. Start at [`batches`].

use std::io;
use std::path::Path;
use std::sync::Arc;

use fleuve_model::record::{BatchError, BatchHeader, RecordBatch};
use fleuve_model::{Offset, ProducerId, Timestamp};

use crate::disk::{Disk, DiskFile, OpenMode, read_file};
use crate::file_names::OffsetFile;
use crate::index::{
    AbortedTransaction, IndexEntry, IndexError, OffsetEntry, Table, TimeEntry, decode_transactions,
};
use crate::producer_state::{ProducerEntry, SnapshotError, decode_snapshot};
use crate::walk::{HeaderWalk, WalkError, read_batch_unverified};

/// Why a file cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file's name does not say what it is.
    #[error("the name is not an offset of twenty digits and {suffix}")]
    Name {
        /// What should be behind the digits.
        suffix: &'static str,
    },
    /// It is not a table.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// It is not a snapshot of producers.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The log beside it cannot be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
}

/// A batch of a log file, as it is.
#[derive(Clone, Debug)]
pub struct InspectedBatch {
    /// Where in the file it begins.
    pub position: u64,
    /// The batch.
    pub batch: RecordBatch,
    /// What is wrong with its bytes, if anything is.
    pub damage: Option<BatchError>,
}

/// The batches of a log file, from its first byte on. Ends after the first bytes that have no
/// batch's header; a damaged batch is only reported, as its header says where the next one is.
#[derive(Debug)]
pub struct LogFileBatches {
    file: Arc<dyn DiskFile>,
    position: u64,
    length_bytes: u64,
}

/// The batches of the log file at `path`.
pub fn batches(disk: &dyn Disk, path: &Path) -> io::Result<LogFileBatches> {
    let file = disk.open(path, OpenMode::Read)?;
    let length_bytes = file.length_bytes()?;
    Ok(LogFileBatches {
        file,
        position: 0,
        length_bytes,
    })
}

impl LogFileBatches {
    /// Where the next batch begins, or the bytes that are none.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The file's length when it was opened.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }
}

impl Iterator for LogFileBatches {
    type Item = Result<InspectedBatch, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.position;
        let mut walk = HeaderWalk::new(&*self.file, position, self.length_bytes);
        let header = match walk.next_header() {
            Ok(None) => return None,
            Ok(Some((_, header))) => header,
            Err(error) => {
                self.position = self.length_bytes;
                return Some(Err(error));
            }
        };
        self.position = walk.position();
        let inspect = |batch: RecordBatch| {
            let damage = batch.verify_crc().err();
            InspectedBatch {
                position,
                batch,
                damage,
            }
        };
        Some(read_batch_unverified(&*self.file, position, &header).map(inspect))
    }
}

/// The entries of an `.index` file.
pub fn offset_index(disk: &dyn Disk, path: &Path) -> Result<Vec<OffsetEntry>, InspectError> {
    entries(disk, path, OffsetFile::OffsetIndex)
}

/// The entries of a `.timeindex` file.
pub fn time_index(disk: &dyn Disk, path: &Path) -> Result<Vec<TimeEntry>, InspectError> {
    entries(disk, path, OffsetFile::TimeIndex)
}

/// The entries of a `.txnindex` file.
pub fn transaction_index(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Vec<AbortedTransaction>, InspectError> {
    let base = base_of(path, OffsetFile::TransactionIndex)?;
    Ok(decode_transactions(base, &content_of(disk, path)?)?)
}

/// The producers of a `.snapshot` file, by id.
pub fn producer_snapshot(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Vec<(ProducerId, ProducerEntry)>, InspectError> {
    Ok(decode_snapshot(&content_of(disk, path)?)?
        .into_iter()
        .collect())
}

/// An entry of a table that the log beside it contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// At the entry's position there is another batch, or none.
    Offset {
        /// The entry.
        entry: OffsetEntry,
        /// The last offset of the batch that begins there.
        found: Option<Offset>,
    },
    /// No batch ends at the entry's offset.
    Missing {
        /// The entry.
        entry: TimeEntry,
        /// The last offset of the first batch that ends behind it.
        found: Option<Offset>,
    },
    /// The batch that ends at the entry's offset has another largest timestamp.
    Timestamp {
        /// The entry.
        entry: TimeEntry,
        /// The largest timestamp of that batch.
        found: Option<Timestamp>,
    },
    /// The entry is not later than the one before.
    OutOfOrder {
        /// The entry.
        entry: TimeEntry,
        /// The timestamp of the entry before.
        previous: Timestamp,
    },
    /// A batch before the end of the entry's is later than the entry says.
    Later {
        /// The entry.
        entry: TimeEntry,
        /// The largest timestamp so far.
        found: Timestamp,
    },
}

/// Compares an `.index` file with the log beside it.
pub fn check_offset_index(disk: &dyn Disk, path: &Path) -> Result<Vec<Mismatch>, InspectError> {
    let (file, length_bytes) = log_beside(disk, path, OffsetFile::OffsetIndex)?;
    let mut mismatches = Vec::new();
    for entry in offset_index(disk, path)? {
        let position = u64::from(entry.position).min(length_bytes);
        let found = match HeaderWalk::new(&*file, position, length_bytes).next_header() {
            Ok(found) => found.map(|(_, header)| header.last_offset()),
            Err(WalkError::Bad { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if found != Some(entry.offset) {
            mismatches.push(Mismatch::Offset { entry, found });
        }
    }
    Ok(mismatches)
}

/// Compares a `.timeindex` file with the log beside it.
pub fn check_time_index(disk: &dyn Disk, path: &Path) -> Result<Vec<Mismatch>, InspectError> {
    let (file, length_bytes) = log_beside(disk, path, OffsetFile::TimeIndex)?;
    let mut walk = HeaderWalk::new(&*file, 0, length_bytes);
    let mut latest: Option<Timestamp> = None;
    let mut last: Option<BatchHeader> = None;
    let mut previous: Option<Timestamp> = None;
    let mut mismatches = Vec::new();
    for entry in time_index(disk, path)? {
        while last.is_none_or(|last| last.last_offset() < entry.offset) {
            let Some((_, header)) = walk.next_header()? else {
                break;
            };
            latest = latest.max(header.max_timestamp);
            last = Some(header);
        }
        let batch = last.filter(|last| last.last_offset() == entry.offset);
        mismatches.extend(match batch {
            None => {
                let found = last.map(|last| last.last_offset());
                let found = found.filter(|found| *found > entry.offset);
                Some(Mismatch::Missing { entry, found })
            }
            Some(batch) if batch.max_timestamp != Some(entry.timestamp) => {
                Some(Mismatch::Timestamp {
                    entry,
                    found: batch.max_timestamp,
                })
            }
            Some(_) => latest
                .filter(|latest| *latest > entry.timestamp)
                .map(|found| Mismatch::Later { entry, found }),
        });
        if let Some(previous) = previous.filter(|previous| *previous >= entry.timestamp) {
            mismatches.push(Mismatch::OutOfOrder { entry, previous });
        }
        previous = Some(entry.timestamp);
    }
    Ok(mismatches)
}

/// Checks a table as a start does that decides whether to make it anew.
pub fn check_sanity(disk: &dyn Disk, path: &Path) -> Result<(), InspectError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match OffsetFile::parse(name) {
        Some((OffsetFile::OffsetIndex, base)) => {
            Table::<OffsetEntry>::open(disk, path, base)?;
        }
        Some((OffsetFile::TimeIndex, base)) => {
            Table::<TimeEntry>::open(disk, path, base)?;
        }
        _ => {
            return Err(InspectError::Name {
                suffix: OffsetFile::OffsetIndex.suffix(),
            });
        }
    }
    Ok(())
}

fn entries<E: IndexEntry>(
    disk: &dyn Disk,
    path: &Path,
    kind: OffsetFile,
) -> Result<Vec<E>, InspectError> {
    let base = base_of(path, kind)?;
    let content = content_of(disk, path)?;
    let (length_bytes, entry_bytes) = (content.len() as u64, E::BYTES);
    if !content.len().is_multiple_of(entry_bytes) {
        return Err(IndexError::Length {
            length_bytes,
            entry_bytes,
        }
        .into());
    }
    let mut entries: Vec<E> = Vec::new();
    for (entry, bytes) in (0..).zip(content.chunks_exact(entry_bytes)) {
        // A table that was never closed ends in zeros, which stand for no entry.
        if entry > 0 && bytes.iter().all(|byte| *byte == 0) {
            break;
        }
        entries.push(E::decode(base, bytes).ok_or(IndexError::Order { entry })?);
    }
    Ok(entries)
}

fn content_of(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    read_file(disk, path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn base_of(path: &Path, kind: OffsetFile) -> Result<Offset, InspectError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    match OffsetFile::parse(name) {
        Some((found, base)) if found == kind => Ok(base),
        _ => Err(InspectError::Name {
            suffix: kind.suffix(),
        }),
    }
}

fn log_beside(
    disk: &dyn Disk,
    path: &Path,
    kind: OffsetFile,
) -> Result<(Arc<dyn DiskFile>, u64), InspectError> {
    let base = base_of(path, kind)?;
    let file = disk.open(
        &path.with_file_name(OffsetFile::Log.name(base)),
        OpenMode::Read,
    )?;
    let length_bytes = file.length_bytes()?;
    Ok((file, length_bytes))
}
