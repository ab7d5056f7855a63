//! Closing the segment that is written and beginning the next.

use std::io::IoSlice;
use std::sync::Arc;

use fleuve_model::record::BatchHeader;
use fleuve_model::{Offset, Timestamp};

use super::{ActiveSegment, PartitionLog};
use crate::disk::OpenMode;
use crate::error::StorageError;
use crate::file_names::OffsetFile;
use crate::index::{IndexEntry, OffsetEntry, TimeEntry, relative_offset};
use crate::producer_state::encode_snapshot;
use crate::segment::{Segment, SegmentTables, TableWriting};

impl PartitionLog {
    /// Whether a batch belongs into a new segment, if `pending_batches` of `pending_bytes` come
    /// before it.
    pub(super) fn must_roll(
        &self,
        pending_bytes: u64,
        pending_batches: usize,
        header: &BatchHeader,
        now: Timestamp,
    ) -> bool {
        let segment = self.active_segment();
        let filled_bytes = segment.length_bytes() + pending_bytes;
        let base = segment.base_offset();
        let is_too_far = relative_offset(base, header.last_offset()).is_none();
        if filled_bytes == 0 {
            return is_too_far;
        }
        is_too_far
            || filled_bytes + header.size_bytes as u64 > u64::from(self.config.segment_bytes)
            || self.are_tables_full(pending_batches)
            || self.is_active_aged(header.max_timestamp, now)
    }

    /// Closes the active segment if it is older than `segment.ms` though nothing is appended.
    /// Returns whether it did.
    pub fn roll_if_aged(&mut self, now: Timestamp) -> Result<bool, StorageError> {
        let is_empty = self.active_segment().length_bytes() == 0;
        if is_empty || !self.is_active_aged(Some(now), now) {
            return Ok(false);
        }
        self.roll(self.log_end, now)?;
        Ok(true)
    }

    fn are_tables_full(&self, pending_batches: usize) -> bool {
        let entries_max = |bytes: usize| u64::from(self.config.index_bytes) / bytes as u64;
        let segment = self.active_segment();
        let tables = segment.tables();
        let pending = pending_batches as u64;
        // The time table keeps room for the entry that closes it.
        tables.offsets.len() + pending >= entries_max(OffsetEntry::BYTES)
            || tables.times.len() + pending + 1 >= entries_max(TimeEntry::BYTES)
    }

    /// The time that counts is the records' own, as far as they have one.
    fn is_active_aged(&self, next: Option<Timestamp>, now: Timestamp) -> bool {
        match (self.active.first_timestamp, next) {
            (Some(first), Some(next)) => self.config.is_segment_aged(first, next),
            (Some(_), None) => false,
            (None, _) => self.config.is_segment_aged(self.active.created, now),
        }
    }

    /// Closes the active segment: writes its tables and a snapshot of the producers, and begins
    /// a segment at the log's end, or at `next_offset` if that is too far away for the old one.
    pub(super) fn roll(&mut self, next_offset: Offset, now: Timestamp) -> Result<(), StorageError> {
        self.directory.check_online()?;
        self.cut_torn_tail()?;
        let old = self.active_segment().clone();
        let base = if old.base_offset() == self.log_end {
            next_offset
        } else {
            self.log_end
        };
        // Right after a start nothing may have been appended: then the recovery point lies at
        // the end of the segment and vouches for it and its tables as soon as there is a next one.
        let is_vouched_for = self.directory.may_vouch_for(&self.partition, self.log_end);
        let writing = match is_vouched_for {
            true => TableWriting::Atomic,
            false => TableWriting::Plain,
        };
        if is_vouched_for {
            self.sync_active()?;
        }
        let mut side_files = self.write_tables(&old, writing)?;
        side_files.extend(self.write_snapshot()?);
        let path = self.path.join(OffsetFile::Log.name(base));
        let file = self
            .directory
            .wrote(self.disk().open(&path, OpenMode::Replace), &path)?;

        let mut files = side_files.iter();
        if let (Some(offsets), Some(times)) = (files.next(), files.next()) {
            old.change_tables(|tables| {
                tables.offsets.move_to_file(offsets.clone());
                tables.times.move_to_file(times.clone());
            });
        }
        self.unsynced.side_files.append(&mut side_files);
        if std::mem::take(&mut self.unsynced.active) {
            self.unsynced.sealed.push(old.file().clone());
        }
        self.unsynced.names = true;
        let segment = Segment::new(base, file, 0, SegmentTables::empty(base));
        self.segments.push(Arc::new(segment));
        self.active = ActiveSegment::new(now);
        self.publish_segments();
        Ok(())
    }

    /// Writes the tables of the active segment to their files, as they are.
    pub(super) fn write_tables(
        &self,
        segment: &Segment,
        writing: TableWriting,
    ) -> Result<Vec<Arc<dyn crate::disk::DiskFile>>, StorageError> {
        segment.change_tables(|tables| tables.note_latest());
        let base = segment.base_offset();
        let written = segment
            .tables()
            .write(self.disk(), &self.path, base, writing);
        self.directory.wrote(written, &self.path)
    }

    /// Writes the producers as of the log's end, unless that has been done. Returns the file.
    pub(super) fn write_snapshot(
        &mut self,
    ) -> Result<Option<Arc<dyn crate::disk::DiskFile>>, StorageError> {
        if self.snapshots.contains(&self.log_end) || self.size_bytes() == 0 {
            return Ok(None);
        }
        let path = self.path.join(OffsetFile::Snapshot.name(self.log_end));
        let content = encode_snapshot(self.producers.iter());
        let written = self.disk().open(&path, OpenMode::Replace).and_then(|file| {
            file.append(0, &[IoSlice::new(&content)])?;
            Ok(file)
        });
        let file = self.directory.wrote(written, &path)?;
        self.snapshots.insert(self.log_end);
        Ok(Some(file))
    }
}

impl ActiveSegment {
    /// A segment without batches, made or opened at `now`.
    pub(crate) fn new(now: Timestamp) -> ActiveSegment {
        ActiveSegment {
            created: now,
            first_timestamp: None,
            bytes_since_entry: 0,
            has_torn_tail: false,
        }
    }
}
