//! Cutting a log's end off: a follower gives up what its leader does not have.
//!
//! The order makes every crash leave a log that is a beginning of the old one, and never lets
//! what is appended afterwards meet leftovers of what was cut off: first the recovery point is
//! lowered, durably; then later segments and snapshots lose their names, durably; then the file
//! is cut.

use std::sync::Arc;

use fleuve_model::{LeaderEpoch, Offset, Timestamp};

use super::{ActiveSegment, PartitionLog};
use crate::disk::{DiskFile, OpenMode};
use crate::error::StorageError;
use crate::file_names::OffsetFile;
use crate::index::{IndexError, TimeEntry};
use crate::log_directory::CheckpointKind;
use crate::recovery::ProducerBase;
use crate::segment::{Segment, SegmentTables};
use crate::walk::{HeaderWalk, WalkError};

impl PartitionLog {
    /// Cuts off all records at `target` and beyond, and the batch that `target` is within. Below
    /// the log's first segment nothing is left, and the log begins anew at `target`. Returns
    /// whether there was anything to cut.
    pub fn truncate_to(&mut self, target: Offset, now: Timestamp) -> Result<bool, StorageError> {
        if target >= self.log_end {
            return Ok(false);
        }
        if target < self.segments[0].base_offset() {
            self.truncate_fully_and_start_at(target, now)?;
            return Ok(true);
        }
        self.directory.check_online()?;
        let kept = self
            .segments
            .partition_point(|segment| segment.base_offset() <= target);
        let cut = self.plan_cut(&self.segments[kept - 1], target)?;
        // A batch that `target` is within goes as a whole: the new end may lie below.
        let log_end = cut.log_end;
        self.directory.lower_to(&self.partition, log_end)?;
        self.durable_end = self.durable_end.min(log_end);
        self.retire_after_cut(kept, log_end, now)?;
        self.cut_last_segment(cut, now)?;
        self.change_epochs(|epochs| epochs.truncate_from_end(log_end));
        self.log_start = self.log_start.min(self.log_end);
        self.rebuild_producers(now)?;
        self.publish_segments();
        Ok(true)
    }

    /// Cuts off what was written after `epoch` ended at the leader: everything beyond `end`, and
    /// all of later epochs (KIP-101). Returns the log's end.
    pub fn truncate_to_epoch(
        &mut self,
        epoch: LeaderEpoch,
        end: Offset,
        now: Timestamp,
    ) -> Result<Offset, StorageError> {
        let own_end = self.epochs.end_offset_for(epoch, self.log_end);
        let target = own_end.map_or(end, |(_, own_end)| own_end.min(end));
        self.truncate_to(target, now)?;
        Ok(self.log_end)
    }

    /// Gives up all records; the next one gets the offset `start`.
    pub fn truncate_fully_and_start_at(
        &mut self,
        start: Offset,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.directory.check_online()?;
        // With the recovery point at the first segment, a crash on the way leaves a beginning of
        // the old log, and later what is left of it lies below the new start.
        let segments = self.segments.clone();
        let floor = start.min(segments[0].base_offset());
        self.directory.lower_to(&self.partition, floor)?;
        let mut later = segments[1..].to_vec();
        later.reverse();
        self.retire_segments(&later, now)?;
        self.retire_snapshots(|_| true, now)?;
        self.directory.sync_dir(&self.path)?;
        let raised = self.directory.raise_log_start(&self.partition, start);
        raised.map_err(|error| self.directory.give_up("raise the log start", &error))?;
        self.retire_segments(&segments[..1], now)?;
        let path = self.path.join(OffsetFile::Log.name(start));
        let made = self.disk().open(&path, OpenMode::Replace);
        let file = self.directory.must("create", made, &path)?;
        self.directory.sync_dir(&self.path)?;

        let segment = Segment::new(start, file, 0, SegmentTables::empty(start));
        self.segments = vec![Arc::new(segment)];
        self.active = ActiveSegment::new(now);
        self.unsynced.sealed.clear();
        self.unsynced.active = false;
        (self.log_start, self.log_end, self.durable_end) = (start, start, start);
        self.directory
            .note(CheckpointKind::RecoveryPoints, &self.partition, Some(start));
        self.change_epochs(|epochs| epochs.clear());
        self.producers = Default::default();
        self.publish_segments();
        self.publish_transactions();
        Ok(())
    }

    /// Takes the names of the segments from number `kept` on and of the snapshots above
    /// `log_end`, the last first.
    fn retire_after_cut(
        &mut self,
        kept: usize,
        log_end: Offset,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut cut = self.segments[kept..].to_vec();
        cut.reverse();
        let changed = !cut.is_empty();
        self.retire_segments(&cut, now)?;
        let changed = self.retire_snapshots(|offset| offset > log_end, now)? || changed;
        if changed {
            self.directory.sync_dir(&self.path)?;
        }
        if kept < self.segments.len() {
            // The last one kept was sealed, and may still be unsynced: it is the active one now.
            self.segments.truncate(kept);
            self.unsynced.active = true;
            self.active = ActiveSegment::new(now);
        }
        Ok(())
    }

    /// Finds out all that is to be known before anything is changed.
    fn plan_cut(&self, segment: &Segment, target: Offset) -> Result<Cut, StorageError> {
        let damaged = |source| self.damaged(source);
        let file = &**segment.file();
        let found = segment
            .find(target, segment.length_bytes())
            .map_err(damaged)?;
        let (length_bytes, log_end) = match found {
            Some(cut) => (cut.position, target.min(cut.header.base_offset)),
            None => (segment.length_bytes(), target),
        };
        let mut tables = segment.tables().clone();
        cut_tables(&mut tables, target, length_bytes).map_err(|error| damaged(error.into()))?;
        tables.latest = latest_of(&tables, file, length_bytes).map_err(damaged)?;
        let first = HeaderWalk::new(file, 0, length_bytes)
            .next_header()
            .map_err(damaged)?;
        let first_timestamp = first.and_then(|(_, header)| header.max_timestamp);
        Ok(Cut {
            length_bytes,
            log_end,
            tables,
            first_timestamp,
        })
    }

    fn cut_last_segment(&mut self, cut: Cut, now: Timestamp) -> Result<(), StorageError> {
        let old = self.active_segment().clone();
        let (base, file) = (old.base_offset(), old.file().clone());
        let path = self.path.join(OffsetFile::Log.name(base));
        self.directory
            .must("truncate", file.truncate(cut.length_bytes), &path)?;
        // The recovery point may lie at the new end. It vouches that the segment ends there too,
        // which it must still do when the process is killed and nobody remembers this cut.
        self.directory.must("sync", file.sync(), &path)?;
        self.unsynced.active = false;
        let segment = Segment::new(base, file, cut.length_bytes, cut.tables);
        *self.segments.last_mut().expect("a log has a segment") = Arc::new(segment);
        let first_timestamp = cut.first_timestamp;
        self.active = ActiveSegment {
            first_timestamp,
            ..ActiveSegment::new(now)
        };
        self.log_end = cut.log_end;
        Ok(())
    }

    fn rebuild_producers(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let (disk, expiration) = (self.directory.disk(), self.config.producer_expiration);
        let base = ProducerBase::of(disk, &self.path, &self.snapshots, self.log_end);
        let rebuilt = base.and_then(|base| base.replayed(&self.segments, now, expiration));
        // Without them no append can be judged any more.
        let rebuilt = rebuilt.map_err(|error| match error {
            WalkError::Io(error) => error,
            bad => std::io::Error::other(bad),
        });
        self.producers = self.directory.must("read", rebuilt, &self.path)?;
        self.publish_transactions();
        Ok(())
    }

    pub(super) fn damaged(&self, source: WalkError) -> StorageError {
        StorageError::Damaged {
            partition: self.partition.clone(),
            source,
        }
    }
}

/// Where and how a segment is cut.
struct Cut {
    length_bytes: u64,
    log_end: Offset,
    tables: SegmentTables,
    first_timestamp: Option<Timestamp>,
}

fn cut_tables(
    tables: &mut SegmentTables,
    target: Offset,
    length_bytes: u64,
) -> std::io::Result<()> {
    tables.offsets.load()?;
    tables.times.load()?;
    let offsets = tables
        .offsets
        .count_where(|entry| entry.offset < target && u64::from(entry.position) < length_bytes)?;
    tables.offsets.truncate(offsets);
    let times = tables.times.count_where(|entry| entry.offset < target)?;
    tables.times.truncate(times);
    tables
        .aborted
        .retain(|aborted| aborted.last_offset < target);
    Ok(())
}

/// The largest timestamp up to `end`: the last one that the time table has, or one behind it.
pub(crate) fn latest_of(
    tables: &SegmentTables,
    file: &dyn DiskFile,
    end: u64,
) -> Result<Option<TimeEntry>, WalkError> {
    let mut latest = tables.times.last()?;
    let start = match latest {
        Some(noted) => tables
            .offsets
            .last_where(|entry| entry.offset <= noted.offset)?,
        None => None,
    };
    let start = start.map_or(0, |entry| u64::from(entry.position));
    let mut walk = HeaderWalk::new(file, start.min(end), end);
    while let Some((_, header)) = walk.next_header()? {
        if let Some(timestamp) = header.max_timestamp
            && latest.is_none_or(|latest| timestamp > latest.timestamp)
        {
            latest = Some(TimeEntry {
                timestamp,
                offset: header.last_offset(),
            });
        }
    }
    Ok(latest)
}

impl From<IndexError> for WalkError {
    fn from(error: IndexError) -> WalkError {
        match error {
            IndexError::Io(error) => WalkError::Io(error),
            other => WalkError::Io(std::io::Error::other(other)),
        }
    }
}
