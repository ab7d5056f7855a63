//! A folder of partition logs: what `log.dirs` names.
//!
//! One process at a time works in it, held off by a lock. It knows what every one of its logs
//! had durable (its checkpoints) and whether it was stopped cleanly. It fails as a whole: after
//! a failed sync none of its logs is written any more, while other directories go on. Start at
//! [`LogDirectory::open`], [`LogDirectory::load`] and [`commit_round`].

mod checkpoints;
mod clean_shutdown;
mod commit_round;
mod context;
mod loader;
mod meta_properties;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use fleuve_model::{Offset, Timestamp, TopicId, TopicPartition};
use uuid::Uuid;

use crate::config::LogConfig;
use crate::disk::{Disk, DiskLock, DiskSpace, read_file, remove_if_exists, replace_file};
use crate::error::{DirectoryOffline, StorageError};
use crate::parallel;
use crate::partition_log::PartitionLog;

pub use checkpoints::{CheckpointKind, LoadCheckpointError};
pub use clean_shutdown::{decode_clean_shutdown, encode_clean_shutdown};
pub use commit_round::{Durability, RoundOutcome, commit_each, commit_round};
pub(crate) use context::DirectoryContext;
pub(crate) use loader::DELETED_FOLDER_SUFFIX;
pub use loader::{FailedPartition, LoadedDirectory};
pub use meta_properties::{MetaProperties, MetaPropertiesError};

use checkpoints::Checkpoints;

const LOCK: &str = ".lock";
const META_PROPERTIES: &str = "meta.properties";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// An open log directory. Its logs refer to it and may live on other threads.
#[derive(Debug)]
pub struct LogDirectory {
    context: Arc<DirectoryContext>,
    meta_properties: Option<MetaProperties>,
    was_stopped_cleanly: AtomicBool,
    _lock: Box<dyn DiskLock>,
}

/// Why a log directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDirectoryError {
    /// Another process works in it.
    #[error("another process holds the lock of {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The disk failed, or the directory does not exist.
    #[error("cannot open log directory {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A checkpoint file is not one.
    #[error("cannot open log directory {}", path.display())]
    Checkpoint {
        /// The directory.
        path: PathBuf,
        /// Which file, and why.
        source: LoadCheckpointError,
    },
    /// `meta.properties` is not what it should be.
    #[error("cannot open log directory {}", path.display())]
    MetaProperties {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: MetaPropertiesError,
    },
}

impl LogDirectory {
    /// Takes the lock of the existing folder `path` and reads what it says of itself.
    pub fn open(disk: Arc<dyn Disk>, path: &Path) -> Result<LogDirectory, OpenDirectoryError> {
        let io_error = |source| OpenDirectoryError::Io {
            path: path.to_owned(),
            source,
        };
        let lock = disk
            .lock(&path.join(LOCK))
            .map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => OpenDirectoryError::Locked {
                    path: path.to_owned(),
                },
                _ => io_error(error),
            })?;
        let checkpoints = Checkpoints::load(&*disk, path);
        let checkpoints = checkpoints.map_err(|source| match source {
            LoadCheckpointError::Io(source) => io_error(source),
            source => OpenDirectoryError::Checkpoint {
                path: path.to_owned(),
                source,
            },
        })?;
        let meta_properties = read_file(&*disk, &path.join(META_PROPERTIES)).map_err(io_error)?;
        let meta_properties = meta_properties
            .map(|content| MetaProperties::decode(&content))
            .transpose()
            .map_err(|source| OpenDirectoryError::MetaProperties {
                path: path.to_owned(),
                source,
            })?;
        let marker = read_file(&*disk, &path.join(CLEAN_SHUTDOWN)).map_err(io_error)?;
        Ok(LogDirectory {
            context: Arc::new(DirectoryContext::new(disk, path.to_owned(), checkpoints)),
            meta_properties,
            was_stopped_cleanly: AtomicBool::new(marker.is_some()),
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.context.path()
    }

    /// Who it belongs to, if it has been formatted.
    pub fn meta_properties(&self) -> Option<&MetaProperties> {
        self.meta_properties.as_ref()
    }

    /// Whether the process before ended with [`LogDirectory::close`], as far as is still known.
    pub fn was_stopped_cleanly(&self) -> bool {
        self.was_stopped_cleanly.load(Ordering::Acquire)
    }

    /// Why it takes no more writes, if so.
    pub fn offline(&self) -> Option<&DirectoryOffline> {
        self.context.offline()
    }

    /// The room on its file system.
    pub fn space(&self) -> io::Result<DiskSpace> {
        self.context.disk().space(self.path())
    }

    /// Writes `meta.properties`, durably.
    pub fn format(&mut self, meta_properties: MetaProperties) -> Result<(), StorageError> {
        self.context.check_online()?;
        let path = self.path().join(META_PROPERTIES);
        let content = meta_properties.encode();
        let written = replace_file(self.context.disk(), &path, content.as_bytes());
        self.context.wrote(written, &path)?;
        self.meta_properties = Some(meta_properties);
        Ok(())
    }

    /// Makes a new, empty log, durably.
    pub fn create_partition(
        &self,
        partition: TopicPartition,
        topic_id: Option<TopicId>,
        config: LogConfig,
        now: Timestamp,
    ) -> Result<PartitionLog, StorageError> {
        self.begin_work()?;
        PartitionLog::create(self.context.clone(), partition, topic_id, config, now)
    }

    /// Gives up a log: its folder gets a name that says so, durably, and `unique` makes that name
    /// one that was never used. Readers may go on for now. Returns the folder, for
    /// [`LogDirectory::remove_folder`] later.
    pub fn delete_partition(
        &self,
        log: PartitionLog,
        unique: Uuid,
    ) -> Result<PathBuf, StorageError> {
        log.delete(unique)
    }

    /// The high watermark of `partition` as of the last checkpoint.
    pub fn noted_high_watermark(&self, partition: &TopicPartition) -> Option<Offset> {
        self.context
            .noted(CheckpointKind::HighWatermarks, partition)
    }

    /// Writes the checkpoint files with what the logs have noted
    /// ([`PartitionLog::prepare_checkpoint`]); files that would not change are left alone.
    pub fn write_checkpoints(&self) -> Result<(), StorageError> {
        self.context.write_checkpoints()
    }

    /// Prepares the checkpoint of each log and writes the files. To be called every second or
    /// so: what a start after a crash must verify is what was appended since.
    pub fn checkpoint<'a>(
        &self,
        logs: impl IntoIterator<Item = (&'a mut PartitionLog, Option<Offset>)>,
    ) -> Result<(), StorageError> {
        self.for_each(logs, |(log, high_watermark)| {
            log.prepare_checkpoint(high_watermark)
        })?;
        self.write_checkpoints()
    }

    /// Closes the logs, all of this directory's, and marks the directory as stopped cleanly, so
    /// that the next start verifies nothing.
    pub fn close(
        self,
        logs: impl IntoIterator<Item = (PartitionLog, Option<Offset>)>,
        broker_epoch: i64,
    ) -> Result<(), StorageError> {
        self.for_each(logs, |(log, high_watermark)| log.close(high_watermark))?;
        self.write_checkpoints()?;
        let path = self.path().join(CLEAN_SHUTDOWN);
        let content = encode_clean_shutdown(broker_epoch);
        let written = replace_file(self.context.disk(), &path, content.as_bytes());
        self.context.wrote(written, &path)
    }

    /// Does `work` with each log, several at a time. All are tried; the first failure is kept.
    fn for_each<T: Send>(
        &self,
        logs: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> Result<(), StorageError> + Sync,
    ) -> Result<(), StorageError> {
        let failed = OnceLock::new();
        let threads = self.context.disk().parallel_calls();
        parallel::for_each(threads, logs.into_iter().collect(), |log| {
            if let Err(error) = work(log) {
                // Later ones mostly follow from the first.
                let _ = failed.set(error);
            }
        });
        failed.into_inner().map_or(Ok(()), Err)
    }

    /// Removes the marker of a clean stop, durably, before anything changes that it vouches for.
    fn begin_work(&self) -> Result<(), StorageError> {
        self.context.check_online()?;
        if self.was_stopped_cleanly() {
            let path = self.path().join(CLEAN_SHUTDOWN);
            let removed = remove_if_exists(self.context.disk(), &path);
            self.context.must("remove", removed, &path)?;
            self.context.sync_dir(self.path())?;
            self.was_stopped_cleanly.store(false, Ordering::Release);
        }
        Ok(())
    }
}
