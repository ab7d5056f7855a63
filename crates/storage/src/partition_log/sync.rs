//! Making durable what has been appended.

use fleuve_model::Offset;

use super::PartitionLog;
use crate::error::StorageError;
use crate::file_names::{LEADER_EPOCHS, OffsetFile};
use crate::log_directory::{CheckpointKind, Durability};
use crate::segment::TableWriting;

impl PartitionLog {
    /// Whether anything was appended since the last commit.
    pub fn has_uncommitted(&self) -> bool {
        self.has_uncommitted
    }

    /// How many syncs [`PartitionLog::sync`] would need.
    pub fn syncs_needed(&self) -> usize {
        self.unsynced.sealed.len()
            + usize::from(self.unsynced.active)
            + usize::from(self.unsynced.names)
    }

    /// Makes everything appended so far durable, and returns the log's end, which is durable now.
    pub fn sync(&mut self) -> Result<Offset, StorageError> {
        self.directory.check_online()?;
        self.sync_sealed()?;
        self.sync_active()?;
        self.durable_end = self.log_end;
        self.has_uncommitted = false;
        self.publish();
        Ok(self.durable_end)
    }

    /// Commits everything appended so far in the sense of `durability`, and returns the log's
    /// end.
    pub fn commit(&mut self, durability: Durability) -> Result<Offset, StorageError> {
        match durability {
            Durability::Fsync => self.sync()?,
            Durability::PageCache => {
                self.directory.check_online()?;
                self.log_end
            }
        };
        self.has_uncommitted = false;
        Ok(self.log_end)
    }

    /// Makes the closed segments durable, and thereby the log up to the active one.
    pub(crate) fn sync_sealed(&mut self) -> Result<(), StorageError> {
        // Names first: a closed segment's data are of no use if its successor is not there.
        self.sync_names()?;
        for file in &self.unsynced.sealed {
            self.directory.must("sync", file.sync(), &self.path)?;
        }
        self.unsynced.sealed.clear();
        self.durable_end = self.durable_end.max(self.active_segment().base_offset());
        Ok(())
    }

    pub(super) fn sync_active(&mut self) -> Result<(), StorageError> {
        if self.unsynced.active {
            let segment = self.active_segment();
            let path = self.path.join(OffsetFile::Log.name(segment.base_offset()));
            self.directory.must("sync", segment.file().sync(), &path)?;
            self.unsynced.active = false;
        }
        Ok(())
    }

    fn sync_names(&mut self) -> Result<(), StorageError> {
        if self.unsynced.names {
            self.directory.sync_dir(&self.path)?;
            self.unsynced.names = false;
        }
        Ok(())
    }

    /// Makes durable what belongs to the log below its durable end (tables, snapshots, epochs),
    /// and notes that end as the recovery point for the directory's next checkpoint. With it go
    /// the log's start and, if the broker says one, the high watermark.
    pub fn prepare_checkpoint(
        &mut self,
        high_watermark: Option<Offset>,
    ) -> Result<(), StorageError> {
        self.directory.check_online()?;
        self.sync_sealed()?;
        for file in &self.unsynced.side_files {
            self.directory.must("sync", file.sync(), &self.path)?;
        }
        self.unsynced.side_files.clear();
        let first = self.segments[0].base_offset();
        let log_start = (self.log_start > first).then_some(self.log_start);
        if self.unsynced.epochs {
            // The epochs begin where the log does: were its start forgotten, they would be short.
            if let Some(log_start) = log_start {
                self.directory.raise_log_start(&self.partition, log_start)?;
            }
            let path = self.path.join(LEADER_EPOCHS);
            let content = self.epochs.encode();
            let replaced = crate::disk::replace_file(self.disk(), &path, content.as_bytes());
            self.directory.wrote(replaced, &path)?;
            self.unsynced.epochs = false;
        }
        self.sync_names()?;
        let note = |kind, offset| self.directory.note(kind, &self.partition, offset);
        note(CheckpointKind::RecoveryPoints, Some(self.durable_end));
        note(CheckpointKind::LogStarts, log_start);
        if high_watermark.is_some() {
            note(CheckpointKind::HighWatermarks, high_watermark);
        }
        Ok(())
    }

    /// Brings the log into the state that needs no recovery: tables, producers and epochs are
    /// written, everything is durable. The directory's checkpoints and its marker come after.
    pub fn close(mut self, high_watermark: Option<Offset>) -> Result<(), StorageError> {
        self.directory.check_online()?;
        self.cut_torn_tail()?;
        let side_files = self.write_tables(&self.active_segment().clone(), TableWriting::Plain)?;
        let snapshot = self.write_snapshot()?;
        self.unsynced.side_files.extend(side_files);
        self.unsynced.side_files.extend(snapshot);
        self.unsynced.names = true;
        self.sync()?;
        self.prepare_checkpoint(high_watermark)
    }
}
