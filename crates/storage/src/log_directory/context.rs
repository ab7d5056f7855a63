//! What all logs of a directory share: its disk, whether it still works, and its checkpoints.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use fleuve_model::{Offset, TopicPartition};

use super::checkpoints::{CheckpointKind, Checkpoints};
use crate::disk::Disk;
use crate::error::{DirectoryOffline, StorageError};

/// The part of a log directory that its logs refer to.
#[derive(Debug)]
pub(crate) struct DirectoryContext {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    offline: OnceLock<DirectoryOffline>,
    checkpoints: Mutex<Checkpoints>,
}

impl DirectoryContext {
    pub(crate) fn new(disk: Arc<dyn Disk>, path: PathBuf, checkpoints: Checkpoints) -> Self {
        let checkpoints = Mutex::new(checkpoints);
        DirectoryContext {
            disk,
            path,
            offline: OnceLock::new(),
            checkpoints,
        }
    }

    /// The disk that the directory is on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Where the directory is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why the directory takes no more writes, if so.
    pub(crate) fn offline(&self) -> Option<&DirectoryOffline> {
        self.offline.get()
    }

    /// Fails if the directory is offline.
    pub(crate) fn check_online(&self) -> Result<(), DirectoryOffline> {
        self.offline()
            .map_or(Ok(()), |offline| Err(offline.clone()))
    }

    /// Judges the outcome of a write: a full disk is an error of this write alone; anything else
    /// takes the directory offline, since nobody knows what the disk holds after it.
    pub(crate) fn wrote<T>(&self, written: io::Result<T>, path: &Path) -> Result<T, StorageError> {
        written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::NoSpace {
                path: path.to_owned(),
            },
            _ => self.take_offline("write", path, &error).into(),
        })
    }

    /// Judges the outcome of a step after which there is no way back: if it fails, memory and
    /// disk disagree, and the directory goes offline. Such is a sync: after a failed one the
    /// operating system may have dropped what was unsynced and report success the next time, so
    /// there is no next time.
    pub(crate) fn must<T>(
        &self,
        doing: &str,
        outcome: io::Result<T>,
        path: &Path,
    ) -> Result<T, StorageError> {
        outcome.map_err(|error| self.take_offline(doing, path, &error).into())
    }

    /// Judges the outcome of a read.
    pub(crate) fn read<T>(&self, read: io::Result<T>, path: &Path) -> Result<T, StorageError> {
        read.map_err(|source| StorageError::Read {
            path: path.to_owned(),
            source,
        })
    }

    /// Takes the directory offline. The first reason stays.
    pub(crate) fn take_offline(
        &self,
        doing: &str,
        path: &Path,
        error: &io::Error,
    ) -> DirectoryOffline {
        let reason = format!("{doing} of {}: {error}", path.display());
        let offline = DirectoryOffline {
            path: self.path.clone(),
            reason,
        };
        self.offline.get_or_init(|| offline).clone()
    }

    /// Takes the directory offline because a step after which there is no way back failed.
    pub(crate) fn give_up(&self, doing: &str, error: &StorageError) -> DirectoryOffline {
        self.take_offline(doing, &self.path, &io::Error::other(error.to_string()))
    }

    /// Makes the names in the folder `path` durable.
    pub(crate) fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.must("sync", self.disk.sync_dir(path), path)
    }

    /// Notes a value for the next writing of a checkpoint file.
    pub(crate) fn note(
        &self,
        kind: CheckpointKind,
        partition: &TopicPartition,
        offset: Option<Offset>,
    ) {
        self.checkpoints().note(kind, partition, offset);
    }

    /// The value noted last.
    pub(crate) fn noted(&self, kind: CheckpointKind, partition: &TopicPartition) -> Option<Offset> {
        self.checkpoints().noted(kind).get(partition).copied()
    }

    /// Whether a start after a crash might find a recovery point of `partition` at `offset` or
    /// above.
    pub(crate) fn may_vouch_for(&self, partition: &TopicPartition, offset: Offset) -> bool {
        let reaches = |point: Option<Offset>| point.is_some_and(|point| point >= offset);
        self.checkpoints()
            .may_hold(CheckpointKind::RecoveryPoints, partition, reaches)
    }

    /// Makes sure, before it returns, that no crash brings back a recovery point or a log start
    /// of `partition` above `offset`: what lies above is about to be cut off and written anew.
    pub(crate) fn lower_to(
        &self,
        partition: &TopicPartition,
        offset: Offset,
    ) -> Result<(), StorageError> {
        let mut checkpoints = self.checkpoints();
        let is_above = |noted: Option<Offset>| noted.is_some_and(|noted| noted > offset);
        for kind in [CheckpointKind::RecoveryPoints, CheckpointKind::LogStarts] {
            if is_above(checkpoints.noted(kind).get(partition).copied()) {
                checkpoints.note(kind, partition, Some(offset));
            }
            if checkpoints.may_hold(kind, partition, is_above) {
                checkpoints.write(self, kind)?;
            }
        }
        Ok(())
    }

    /// Makes sure, before it returns, that no crash brings back a log start of `partition` below
    /// `offset`: the segments below are about to go, and not all may go at once.
    pub(crate) fn raise_log_start(
        &self,
        partition: &TopicPartition,
        offset: Offset,
    ) -> Result<(), StorageError> {
        let kind = CheckpointKind::LogStarts;
        let mut checkpoints = self.checkpoints();
        let is_below = |start: Option<Offset>| start.is_none_or(|start| start < offset);
        if !checkpoints.may_hold(kind, partition, is_below) {
            return Ok(());
        }
        checkpoints.note(kind, partition, Some(offset));
        checkpoints.write(self, kind)
    }

    /// Writes the checkpoint files that have changed.
    pub(crate) fn write_checkpoints(&self) -> Result<(), StorageError> {
        self.check_online()?;
        let mut checkpoints = self.checkpoints();
        CheckpointKind::ALL
            .into_iter()
            .try_for_each(|kind| checkpoints.write(self, kind))
    }

    /// Forgets a partition that is gone; its entries go with the next writing of each file.
    pub(crate) fn forget(&self, partition: &TopicPartition) {
        let mut checkpoints = self.checkpoints();
        for kind in CheckpointKind::ALL {
            checkpoints.note(kind, partition, None);
        }
    }

    /// Makes sure, before it returns, that no crash brings back what was noted of an earlier
    /// partition of this name: a new log would seem to lack what the old one had promised.
    pub(crate) fn forget_durably(&self, partition: &TopicPartition) -> Result<(), StorageError> {
        self.forget(partition);
        let mut checkpoints = self.checkpoints();
        for kind in CheckpointKind::ALL {
            if checkpoints.may_hold(kind, partition, |noted| noted.is_some()) {
                checkpoints.write(self, kind)?;
            }
        }
        Ok(())
    }

    fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints
            .lock()
            .expect("no checkpoint is changed by code that panics")
    }
}
