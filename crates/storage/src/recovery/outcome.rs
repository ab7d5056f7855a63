//! What opening a log comes to.

use std::path::PathBuf;

use fleuve_model::record::BatchError;
use fleuve_model::{Offset, TopicPartition};

use crate::partition_log::PartitionLog;

/// A partition's log, as far as it could be opened.
#[derive(Debug)]
pub enum LoadedPartition {
    /// It is there and can be written.
    Log(Box<PartitionLog>, LoadReport),
    /// It lacks what it had promised. Its files are untouched; it must not lead nor be written.
    Damaged(Damage),
}

/// What opening a log took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// The bytes of batches that were verified.
    pub verified_bytes: u64,
    /// What was behind the log's end and is not part of it any more.
    pub cut_off: Option<CutOff>,
}

/// What recovery cut off a log's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOff {
    /// Where the log ends now.
    pub log_end: Offset,
    /// How many bytes were behind.
    pub bytes: u64,
    /// Why they are not part of the log.
    pub reason: CutReason,
    /// If there were valid batches among them: the files that hold them now. Someone should be
    /// told.
    pub side_files: Vec<PathBuf>,
}

/// Why a log ends where it does although there are bytes behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutReason {
    /// They are no batch, or a damaged one.
    Bad(BatchError),
    /// Their offsets do not come behind the ones before.
    OutOfOrder,
    /// The next segment does not begin where this one ends.
    Gap,
}

/// Why a log does not open: below its recovery point it is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{partition} is damaged at byte {position} of {}: the log ends at offset {next_offset} there, \
     but was durable up to {recovery_point}",
    path.display()
)]
pub struct Damage {
    /// Whose log.
    pub partition: TopicPartition,
    /// The file that is damaged.
    pub path: PathBuf,
    /// Where in the file.
    pub position: u64,
    /// The offset that should have come next.
    pub next_offset: Offset,
    /// Up to where the log was durable.
    pub recovery_point: Offset,
    /// What is wrong there; none if the file just ends.
    pub reason: Option<CutReason>,
}
