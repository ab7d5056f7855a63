//! Deleting a log's old segments, and the files of deleted ones.
//!
//! A segment is deleted in two steps: its files get another name, at once and durably; they are
//! removed later, when no reader is likely to be at them. Before the first step the log's new
//! start is made durable, so a crash in between cannot bring back a hole.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Offset, Timestamp};

use super::{PartitionLog, RetiredFiles};
use crate::disk::{remove_if_exists, with_suffix};
use crate::error::StorageError;
use crate::file_names::{DELETED_SUFFIX, OffsetFile};
use crate::segment::Segment;

impl PartitionLog {
    /// Raises the first offset that can be read (KIP-107). It is durable with the directory's
    /// next checkpoint. Returns whether it changed.
    pub fn advance_log_start(&mut self, log_start: Offset) -> bool {
        let log_start = log_start.min(self.log_end);
        if log_start <= self.log_start {
            return false;
        }
        self.log_start = log_start;
        self.change_epochs(|epochs| epochs.truncate_from_start(log_start));
        self.publish();
        true
    }

    /// Deletes the segments that lie below the log's start, and, where the topic's policy is to
    /// delete, those that are too old or too many; never one that reaches above
    /// `high_watermark`, and never the last. Returns how many.
    pub fn apply_retention(
        &mut self,
        high_watermark: Offset,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        self.directory.check_online()?;
        if self.must_close_for_retention(high_watermark, now) {
            self.roll(self.log_end, now)?;
        }
        let count = self.segments_to_delete(high_watermark, now);
        if count == 0 {
            return Ok(0);
        }
        let log_start = self.log_start.max(self.segments[count].base_offset());
        self.directory.raise_log_start(&self.partition, log_start)?;
        let segments: Vec<Arc<Segment>> = self.segments.drain(..count).collect();
        self.log_start = log_start;
        self.change_epochs(|epochs| epochs.truncate_from_start(log_start));
        self.publish_segments();
        let first = self.segments[0].base_offset();
        self.retire_segments(&segments, now)?;
        self.retire_snapshots(|offset| offset < first, now)?;
        self.directory.sync_dir(&self.path)?;
        Ok(count)
    }

    /// Removes the files of segments that were deleted `file.delete.delay.ms` ago. Returns how
    /// many files.
    pub fn remove_retired(&mut self, now: Timestamp) -> Result<usize, StorageError> {
        let delay = self.config.file_delete_delay;
        let due = |files: &RetiredFiles| now.since(files.since) >= delay || delay == Duration::ZERO;
        let count = self.retired.iter().take_while(|files| due(files)).count();
        let mut removed = 0;
        for files in self.retired.drain(..count) {
            for path in files.paths {
                let found = remove_if_exists(self.directory.disk(), &path);
                removed += usize::from(self.directory.wrote(found, &path)?);
            }
        }
        Ok(removed)
    }

    /// Whether even the last segment is too old: it is closed, and goes with the others.
    fn must_close_for_retention(&self, high_watermark: Offset, now: Timestamp) -> bool {
        let last = self.active_segment();
        self.config.deletes
            && last.length_bytes() > 0
            && high_watermark >= self.log_end
            && self
                .segments
                .iter()
                .all(|segment| self.is_expired(segment, now))
    }

    fn segments_to_delete(&self, high_watermark: Offset, now: Timestamp) -> usize {
        let mut surplus_bytes = match self.config.retention_bytes {
            Some(kept_bytes) => self.size_bytes().saturating_sub(kept_bytes),
            None => 0,
        };
        let mut count = 0;
        for pair in self.segments.windows(2) {
            let (segment, next) = (&pair[0], pair[1].base_offset());
            let length_bytes = segment.length_bytes();
            let is_surplus = length_bytes > 0 && surplus_bytes >= length_bytes;
            let is_unwanted = self.config.deletes && (is_surplus || self.is_expired(segment, now));
            if next > high_watermark || !(is_unwanted || next <= self.log_start) {
                break;
            }
            surplus_bytes = surplus_bytes.saturating_sub(length_bytes);
            count += 1;
        }
        count
    }

    fn is_expired(&self, segment: &Segment, now: Timestamp) -> bool {
        let Some(retention_age) = self.config.retention_age else {
            return false;
        };
        segment
            .latest_timestamp()
            .is_some_and(|latest| now.since(latest) > retention_age)
    }

    /// Gives the files of `segments` the name that says they are deleted. The caller syncs the
    /// folder.
    pub(super) fn retire_segments(
        &mut self,
        segments: &[Arc<Segment>],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        for segment in segments {
            let paths = segment.paths(&self.path);
            self.retire_files(&paths, now)?;
        }
        Ok(())
    }

    /// Does the same with the snapshots whose offset `goes`. Returns whether there were any.
    pub(super) fn retire_snapshots(
        &mut self,
        goes: impl Fn(Offset) -> bool,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let offsets: Vec<Offset> = self
            .snapshots
            .iter()
            .copied()
            .filter(|offset| goes(*offset))
            .collect();
        for offset in offsets.iter().rev() {
            let path = self.path.join(OffsetFile::Snapshot.name(*offset));
            self.retire_files(&[path], now)?;
            self.snapshots.remove(offset);
        }
        Ok(!offsets.is_empty())
    }

    fn retire_files(&mut self, paths: &[PathBuf], now: Timestamp) -> Result<(), StorageError> {
        let mut renamed = Vec::new();
        for path in paths {
            let retired = with_suffix(path, DELETED_SUFFIX);
            match self.disk().rename(path, &retired) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                outcome => {
                    self.directory.must("rename", outcome, path)?;
                    renamed.push(retired);
                }
            }
        }
        self.retired.push(RetiredFiles {
            paths: renamed,
            since: now,
        });
        Ok(())
    }
}
