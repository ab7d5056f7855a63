use std::io;
use std::path::PathBuf;

use fleuve_model::record::{BatchError, ControlError, ReadError as RecordReadError};
use fleuve_model::{LeaderEpoch, Offset, TopicPartition};

use crate::producer_state::ProducerError;
use crate::walk::WalkError;

/// Why a change of the disk did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system is full. The log stays readable, and goes on once there is room.
    #[error("no space left for {}", path.display())]
    NoSpace {
        /// What was to be written.
        path: PathBuf,
    },
    /// There is a folder of this name already.
    #[error("{} exists", path.display())]
    AlreadyExists {
        /// The folder.
        path: PathBuf,
    },
    /// The log directory has failed, now or before: none of its logs is written any more.
    #[error(transparent)]
    Offline(#[from] DirectoryOffline),
    /// Something could not be read. What was written is not in doubt for that.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// Batches that should be whole are not.
    #[error("the log of {partition} is damaged")]
    Damaged {
        /// Whose log.
        partition: TopicPartition,
        /// Where and how.
        source: WalkError,
    },
}

/// A log directory that took no more after a failed write or sync.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log directory {} is offline: {reason}", path.display())]
pub struct DirectoryOffline {
    /// Which directory.
    pub path: PathBuf,
    /// What failed first.
    pub reason: String,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its producer may not write it.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// It is damaged.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// It claims to hold a marker and does not.
    #[error(transparent)]
    Marker(#[from] MarkerError),
    /// No segment could hold it (`segment.bytes`).
    #[error("a batch of {size_bytes} bytes does not fit a segment of {segment_bytes}")]
    TooLarge {
        /// The batch's size.
        size_bytes: usize,
        /// The configured size of a segment.
        segment_bytes: u32,
    },
    /// The leader's epoch is behind the log's.
    #[error("append at leader epoch {requested}, the log is at {current}")]
    StaleLeaderEpoch {
        /// The epoch of the append.
        requested: LeaderEpoch,
        /// The latest epoch of the log.
        current: LeaderEpoch,
    },
    /// A replicated batch begins before the log's end.
    #[error("batch at offset {found} after the log's end {log_end}")]
    OutOfOrder {
        /// Where the batch begins.
        found: Offset,
        /// Where the log ends.
        log_end: Offset,
    },
    /// The largest offset has been reached.
    #[error("no offsets are left")]
    OffsetsExhausted,
}

/// Why a control batch's marker cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MarkerError {
    /// The batch's records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordReadError),
    /// The record is no control record.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log does not reach there, or not any more.
    #[error("offset {requested} is not within {log_start}..={log_end}")]
    OffsetOutOfRange {
        /// What was asked for.
        requested: Offset,
        /// Where the log begins.
        log_start: Offset,
        /// Where it ends.
        log_end: Offset,
    },
    /// A batch reaches beyond the log's end: the segment's file is damaged.
    #[error("a batch ends at {found}, the log at {log_end}")]
    BeyondEnd {
        /// Where the batch ends.
        found: Offset,
        /// Where the log ends.
        log_end: Offset,
    },
    /// The disk failed, or the bytes there are no batches.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A batch's records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordReadError),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Walk(WalkError::Io(error))
    }
}
