//! One file of a log and the tables that find things in it.
//!
//! A segment is shared by the log's writer and its readers. Its tables and its length only grow
//! while it is written and never change afterwards; cutting it makes a new [`Segment`] of the
//! same file. Its open file outlives its name, so a reader may go on with a deleted segment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use fleuve_model::record::BatchHeader;
use fleuve_model::{Offset, Timestamp};

use crate::disk::{Disk, DiskFile, OpenMode, remove_if_exists, replace_file};
use crate::file_names::OffsetFile;
use crate::index::{
    AbortedTransaction, IndexError, OffsetEntry, Table, TimeEntry, decode_transactions,
    encode_transactions,
};
use crate::walk::{HeaderWalk, WalkError};

/// A stretch of a log from its base offset to that of the next segment.
#[derive(Debug)]
pub struct Segment {
    base_offset: Offset,
    file: Arc<dyn DiskFile>,
    length_bytes: AtomicU64,
    tables: RwLock<SegmentTables>,
}

/// What is known of a segment besides its bytes.
#[derive(Clone, Debug)]
pub struct SegmentTables {
    /// From offsets to positions.
    pub offsets: Table<OffsetEntry>,
    /// From timestamps to offsets.
    pub times: Table<TimeEntry>,
    /// The transactions whose abort marker is in the segment, in the order of the markers.
    pub aborted: Vec<AbortedTransaction>,
    /// The largest timestamp, and the last offset of the first batch that has it.
    pub latest: Option<TimeEntry>,
}

impl SegmentTables {
    /// The tables of a segment without batches.
    pub fn empty(base: Offset) -> SegmentTables {
        SegmentTables {
            offsets: Table::empty(base),
            times: Table::empty(base),
            aborted: Vec::new(),
            latest: None,
        }
    }

    /// Opens the tables of the segment `base` in the partition's folder `path`.
    pub fn open(disk: &dyn Disk, path: &Path, base: Offset) -> Result<SegmentTables, IndexError> {
        let offsets = Table::open(disk, &path.join(OffsetFile::OffsetIndex.name(base)), base)?;
        let times = Table::open(disk, &path.join(OffsetFile::TimeIndex.name(base)), base)?;
        let transactions = path.join(OffsetFile::TransactionIndex.name(base));
        let aborted = match crate::disk::read_file(disk, &transactions)? {
            Some(content) => decode_transactions(base, &content)?,
            None => Vec::new(),
        };
        let latest = times.last()?;
        Ok(SegmentTables {
            offsets,
            times,
            aborted,
            latest,
        })
    }

    /// Notes a batch that begins at `position`: its time, and if `indexed` its place.
    pub fn note(&mut self, position: u64, header: &BatchHeader, indexed: bool) {
        let offset = header.last_offset();
        if let Some(timestamp) = header.max_timestamp
            && self
                .latest
                .is_none_or(|latest| timestamp > latest.timestamp)
        {
            self.latest = Some(TimeEntry { timestamp, offset });
        }
        // What lies further on than an entry can say is found by walking.
        if indexed && let Ok(position) = i32::try_from(position) {
            let position = position.unsigned_abs();
            self.offsets.push(OffsetEntry { offset, position });
            self.note_latest();
        }
    }

    /// Brings the latest timestamp into the time table, as is done at a segment's end.
    pub fn note_latest(&mut self) {
        let noted = self.times.last().ok().flatten();
        if let Some(latest) = self.latest
            && noted.is_none_or(|noted| latest.timestamp > noted.timestamp)
        {
            self.times.push(latest);
        }
    }

    /// Writes the tables beside the log. Returns their files: the offset table's, the time
    /// table's and, if any transaction was aborted, theirs.
    pub(crate) fn write(
        &self,
        disk: &dyn Disk,
        path: &Path,
        base: Offset,
        writing: TableWriting,
    ) -> io::Result<Vec<Arc<dyn DiskFile>>> {
        let path = |kind: OffsetFile| path.join(kind.name(base));
        let mut files = vec![
            writing.write(
                disk,
                &path(OffsetFile::OffsetIndex),
                &self.offsets.to_bytes()?,
            )?,
            writing.write(disk, &path(OffsetFile::TimeIndex), &self.times.to_bytes()?)?,
        ];
        let transactions = path(OffsetFile::TransactionIndex);
        if self.aborted.is_empty() {
            remove_if_exists(disk, &transactions)?;
        } else {
            let content = encode_transactions(&self.aborted);
            files.push(writing.write(disk, &transactions, &content)?);
        }
        Ok(files)
    }
}

/// How the tables of a segment get onto the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableWriting {
    /// Unsynced: the recovery point does not reach the segment's end, so after a crash they
    /// would be made anew. The caller syncs them before it does.
    Plain,
    /// Whole or not at all, whenever a crash comes: the recovery point vouches for them already.
    Atomic,
}

impl TableWriting {
    fn write(self, disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<Arc<dyn DiskFile>> {
        match self {
            TableWriting::Plain => {
                let file = disk.open(path, OpenMode::Replace)?;
                file.append(0, &[io::IoSlice::new(bytes)])?;
                Ok(file)
            }
            TableWriting::Atomic => {
                replace_file(disk, path, bytes)?;
                disk.open(path, OpenMode::Append)
            }
        }
    }
}

/// Where a batch was found.
#[derive(Clone, Copy, Debug)]
pub struct FoundBatch {
    /// Where it begins in the segment's file.
    pub position: u64,
    /// Its header.
    pub header: BatchHeader,
}

impl Segment {
    /// The segment in `file`, which holds whole batches up to `length_bytes`.
    pub fn new(
        base_offset: Offset,
        file: Arc<dyn DiskFile>,
        length_bytes: u64,
        tables: SegmentTables,
    ) -> Segment {
        let length_bytes = AtomicU64::new(length_bytes);
        Segment {
            base_offset,
            file,
            length_bytes,
            tables: RwLock::new(tables),
        }
    }

    /// The offset that the segment's files are named after: no record of it is before.
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The segment's log file.
    pub fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    /// The bytes of batches in it, so far.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes.load(Ordering::Acquire)
    }

    /// The largest timestamp of its records.
    pub fn latest_timestamp(&self) -> Option<Timestamp> {
        self.tables().latest.map(|latest| latest.timestamp)
    }

    /// The tables, for a look without I/O.
    pub fn tables(&self) -> RwLockReadGuard<'_, SegmentTables> {
        self.tables
            .read()
            .expect("no table is changed by code that panics")
    }

    /// Changes the tables; for the log's writer alone.
    pub(crate) fn change_tables<T>(&self, change: impl FnOnce(&mut SegmentTables) -> T) -> T {
        change(
            &mut self
                .tables
                .write()
                .expect("no table is changed by code that panics"),
        )
    }

    /// Shows readers what has been appended up to `length_bytes`.
    pub(crate) fn set_length(&self, length_bytes: u64) {
        self.length_bytes.store(length_bytes, Ordering::Release);
    }

    /// The paths of its files in the partition's folder `path`, whether they exist or not.
    pub fn paths(&self, path: &Path) -> [PathBuf; 4] {
        OffsetFile::OF_SEGMENT.map(|kind| path.join(kind.name(self.base_offset)))
    }

    /// The first batch that reaches `offset` or beyond, below `end`.
    pub fn find(&self, offset: Offset, end: u64) -> Result<Option<FoundBatch>, WalkError> {
        let start = self.last_position(|entry| entry.offset <= offset)?;
        let mut walk = HeaderWalk::new(&*self.file, start.min(end), end);
        while let Some((position, header)) = walk.next_header()? {
            if header.last_offset() >= offset {
                return Ok(Some(FoundBatch { position, header }));
            }
        }
        Ok(None)
    }

    /// The last batch that ends at `limit` or before, if one begins at `from` or after. `from`
    /// is where a batch begins.
    pub fn last_batch_before(
        &self,
        from: u64,
        limit: u64,
        end: u64,
    ) -> Result<Option<FoundBatch>, WalkError> {
        let limit = limit.min(end);
        let start = self.last_position(|entry| u64::from(entry.position) <= limit)?;
        // The batch that begins at the entry may already end beyond the limit: then the one
        // before is wanted, and it may lie before the entry.
        let found = self.last_between(start.max(from), limit, end)?;
        if found.is_some() || start <= from {
            return Ok(found);
        }
        let earlier = self.last_position(|entry| u64::from(entry.position) < start)?;
        self.last_between(earlier.max(from), limit, end)
    }

    fn last_between(
        &self,
        from: u64,
        limit: u64,
        end: u64,
    ) -> Result<Option<FoundBatch>, WalkError> {
        let mut walk = HeaderWalk::new(&*self.file, from, end);
        let mut found = None;
        while let Some((position, header)) = walk.next_header()? {
            if walk.position() > limit {
                break;
            }
            found = Some(FoundBatch { position, header });
        }
        Ok(found)
    }

    /// The first batch below `end` whose largest timestamp is `target` or later and that reaches
    /// `from` or beyond.
    pub fn find_timestamp(
        &self,
        target: Timestamp,
        from: Offset,
        end: u64,
    ) -> Result<Option<FoundBatch>, WalkError> {
        let before = self
            .tables()
            .times
            .last_where(|entry| entry.timestamp < target)?;
        let start = before.map_or(from, |entry| entry.offset.max(from));
        let start = self.last_position(|entry| entry.offset <= start)?;
        let mut walk = HeaderWalk::new(&*self.file, start.min(end), end);
        while let Some((position, header)) = walk.next_header()? {
            let is_late = header
                .max_timestamp
                .is_some_and(|timestamp| timestamp >= target);
            if is_late && header.last_offset() >= from {
                return Ok(Some(FoundBatch { position, header }));
            }
        }
        Ok(None)
    }

    /// Where the records end: the offset behind the last batch, or the base offset if there is
    /// none. The batches must fill the file up to `end`.
    pub fn next_offset(&self, end: u64) -> Result<Offset, WalkError> {
        let start = self.last_position(|_| true)?;
        let mut walk = HeaderWalk::new(&*self.file, start.min(end), end);
        let mut next = self.base_offset;
        while let Some((_, header)) = walk.next_header()? {
            next = header.next_offset();
        }
        Ok(next)
    }

    /// The aborted transactions with records in `from..end`. The flag says whether later
    /// segments can have none.
    pub fn aborted_between(&self, from: Offset, end: Offset) -> (Vec<AbortedTransaction>, bool) {
        let mut found = Vec::new();
        for aborted in &self.tables().aborted {
            if aborted.last_offset >= from && aborted.first_offset < end {
                found.push(*aborted);
            }
            if aborted.last_stable_offset >= end {
                return (found, true);
            }
        }
        (found, false)
    }

    /// Where the batch of the last entry begins for which `holds` is true, or 0.
    ///
    /// A table that is searched in its file belongs to a sealed segment, whose tables nobody
    /// changes: holding the lock while reading keeps nobody waiting.
    fn last_position(&self, holds: impl Fn(OffsetEntry) -> bool) -> io::Result<u64> {
        let entry = self.tables().offsets.last_where(holds)?;
        Ok(entry.map_or(0, |entry| u64::from(entry.position)))
    }
}
