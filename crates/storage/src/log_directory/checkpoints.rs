//! The three files in which a log directory keeps one offset for each of its partitions.

use std::collections::BTreeMap;
use std::path::Path;

use fleuve_model::{Offset, TopicPartition};

use super::context::DirectoryContext;
use crate::checkpoint_file::{CheckpointError, decode_offsets, encode_offsets};
use crate::disk::{Disk, read_file, replace_file};
use crate::error::StorageError;

/// Which of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointKind {
    /// Up to where each log is durable, with everything that belongs to it.
    RecoveryPoints,
    /// Where a log begins, if that is within its first segment.
    LogStarts,
    /// The high watermarks.
    HighWatermarks,
}

impl CheckpointKind {
    /// All of them, in the order in which they are written.
    pub const ALL: [CheckpointKind; 3] = [
        CheckpointKind::RecoveryPoints,
        CheckpointKind::LogStarts,
        CheckpointKind::HighWatermarks,
    ];

    /// Kafka's name of the file.
    pub const fn file_name(self) -> &'static str {
        match self {
            CheckpointKind::RecoveryPoints => "recovery-point-offset-checkpoint",
            CheckpointKind::LogStarts => "log-start-offset-checkpoint",
            CheckpointKind::HighWatermarks => "replication-offset-checkpoint",
        }
    }
}

type Offsets = BTreeMap<TopicPartition, Offset>;

/// The values of the three files, as noted and as last written.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    tables: [CheckpointTable; 3],
}

#[derive(Debug, Default)]
struct CheckpointTable {
    noted: Offsets,
    written: Offsets,
    /// Whether a write has failed since: then the file may hold one or the other.
    is_in_doubt: bool,
}

/// A checkpoint file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadCheckpointError {
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its content is not what it should be.
    #[error("{file_name}: {source}")]
    Content {
        /// Which file.
        file_name: &'static str,
        /// What is wrong with it.
        source: CheckpointError,
    },
}

impl Checkpoints {
    /// Reads the files in the log directory `path`. One that does not exist is empty.
    pub(crate) fn load(disk: &dyn Disk, path: &Path) -> Result<Checkpoints, LoadCheckpointError> {
        let mut checkpoints = Checkpoints::default();
        for kind in CheckpointKind::ALL {
            let file_name = kind.file_name();
            let content = read_file(disk, &path.join(file_name))?.unwrap_or_default();
            let offsets = decode_offsets(&content)
                .map_err(|source| LoadCheckpointError::Content { file_name, source })?;
            let table = &mut checkpoints.tables[kind as usize];
            table.noted.clone_from(&offsets);
            table.written = offsets;
        }
        Ok(checkpoints)
    }

    pub(super) fn noted(&self, kind: CheckpointKind) -> &Offsets {
        &self.tables[kind as usize].noted
    }

    /// Whether the file might hold a value of `partition` for which `is_wrong` is true.
    pub(super) fn may_hold(
        &self,
        kind: CheckpointKind,
        partition: &TopicPartition,
        is_wrong: impl Fn(Option<Offset>) -> bool,
    ) -> bool {
        let table = &self.tables[kind as usize];
        table.is_in_doubt || is_wrong(table.written.get(partition).copied())
    }

    pub(super) fn note(
        &mut self,
        kind: CheckpointKind,
        partition: &TopicPartition,
        offset: Option<Offset>,
    ) {
        let noted = &mut self.tables[kind as usize].noted;
        match offset {
            Some(offset) => _ = noted.insert(partition.clone(), offset),
            None => _ = noted.remove(partition),
        }
    }

    /// Replaces the file durably if what it should hold has changed.
    pub(super) fn write(
        &mut self,
        context: &DirectoryContext,
        kind: CheckpointKind,
    ) -> Result<(), StorageError> {
        let table = &mut self.tables[kind as usize];
        if table.noted == table.written && !table.is_in_doubt {
            return Ok(());
        }
        table.is_in_doubt = true;
        let path = context.path().join(kind.file_name());
        let content = encode_offsets(&table.noted);
        context.wrote(
            replace_file(context.disk(), &path, content.as_bytes()),
            &path,
        )?;
        table.written.clone_from(&table.noted);
        table.is_in_doubt = false;
        Ok(())
    }
}
