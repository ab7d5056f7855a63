//! Making a log, and putting one together from what recovery found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fleuve_model::{Offset, Timestamp, TopicId, TopicPartition};

use super::{ActiveSegment, LogSnapshot, PartitionLog, Unsynced};
use crate::config::LogConfig;
use crate::disk::{OpenMode, replace_file};
use crate::error::StorageError;
use crate::file_names::{OffsetFile, PARTITION_METADATA};
use crate::leader_epochs::LeaderEpochs;
use crate::log_directory::DirectoryContext;
use crate::partition_metadata::PartitionMetadata;
use crate::producer_state::ProducerStates;
use crate::segment::{Segment, SegmentTables};

/// What a log consists of when it is opened.
pub(crate) struct LogParts {
    pub(crate) topic_id: Option<TopicId>,
    pub(crate) config: LogConfig,
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) active: ActiveSegment,
    pub(crate) log_start: Offset,
    pub(crate) log_end: Offset,
    pub(crate) durable_end: Offset,
    pub(crate) epochs: LeaderEpochs,
    pub(crate) producers: ProducerStates,
    pub(crate) snapshots: BTreeSet<Offset>,
    pub(crate) unsynced: Unsynced,
}

impl PartitionLog {
    /// Makes the folder and the first segment of a new log, durably.
    pub(crate) fn create(
        directory: Arc<DirectoryContext>,
        partition: TopicPartition,
        topic_id: Option<TopicId>,
        config: LogConfig,
        now: Timestamp,
    ) -> Result<PartitionLog, StorageError> {
        directory.check_online()?;
        let path = directory.path().join(partition.to_string());
        directory.forget_durably(&partition)?;
        make_folder(&directory, &path)?;
        let base = Offset::ZERO;
        let log_path = path.join(OffsetFile::Log.name(base));
        let file = directory.disk().open(&log_path, OpenMode::Replace);
        let file = directory.wrote(file, &log_path)?;
        if let Some(topic_id) = topic_id {
            let metadata_path = path.join(PARTITION_METADATA);
            let content = PartitionMetadata { topic_id }.encode();
            let replaced = replace_file(directory.disk(), &metadata_path, content.as_bytes());
            directory.wrote(replaced, &metadata_path)?;
        }
        directory.sync_dir(&path)?;
        directory.sync_dir(directory.path())?;
        let segment = Segment::new(base, file, 0, SegmentTables::empty(base));
        let parts = LogParts {
            topic_id,
            config,
            segments: vec![Arc::new(segment)],
            active: ActiveSegment::new(now),
            log_start: base,
            log_end: base,
            durable_end: base,
            epochs: LeaderEpochs::default(),
            producers: ProducerStates::default(),
            snapshots: BTreeSet::new(),
            unsynced: Unsynced::default(),
        };
        Ok(PartitionLog::from_parts(directory, partition, path, parts))
    }

    pub(crate) fn from_parts(
        directory: Arc<DirectoryContext>,
        partition: TopicPartition,
        path: PathBuf,
        parts: LogParts,
    ) -> PartitionLog {
        let epochs = Arc::new(parts.epochs);
        let transactions = Arc::new(parts.producers.transactions().clone());
        let last = parts.segments.last().expect("a log has a segment");
        let snapshot = LogSnapshot {
            segments: Arc::from(parts.segments.as_slice()),
            active_bytes: last.length_bytes(),
            log_start: parts.log_start,
            log_end: parts.log_end,
            durable_end: parts.durable_end,
            epochs: epochs.clone(),
            transactions: transactions.clone(),
        };
        PartitionLog {
            directory,
            partition,
            path,
            topic_id: parts.topic_id,
            config: parts.config,
            segments: parts.segments,
            active: parts.active,
            log_start: parts.log_start,
            log_end: parts.log_end,
            durable_end: parts.durable_end,
            epochs,
            producers: parts.producers,
            transactions,
            snapshots: parts.snapshots,
            unsynced: parts.unsynced,
            has_uncommitted: false,
            retired: Vec::new(),
            shared: Arc::new(Mutex::new(snapshot)),
        }
    }
}

fn make_folder(directory: &DirectoryContext, path: &Path) -> Result<(), StorageError> {
    match directory.disk().create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(StorageError::AlreadyExists {
                path: path.to_owned(),
            })
        }
        made => directory.wrote(made, path),
    }
}
