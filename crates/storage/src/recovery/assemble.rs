//! Putting a log together from what was found.

use std::collections::BTreeSet;
use std::sync::Arc;

use fleuve_model::Offset;

use super::scan::{self, Scan};
use super::{Load, LoadRequest};
use crate::disk::{OpenMode, read_file};
use crate::error::StorageError;
use crate::file_names::{LEADER_EPOCHS, OffsetFile, PARTITION_METADATA};
use crate::leader_epochs::LeaderEpochs;
use crate::partition_log::{ActiveSegment, LogParts, PartitionLog, Unsynced};
use crate::partition_metadata::PartitionMetadata;
use crate::segment::{Segment, SegmentTables};
use crate::walk::HeaderWalk;

impl Load<'_> {
    /// The epochs below the recovery point. Above it they are read from the batches, since the
    /// file may be older or newer than they are.
    pub(super) fn load_epochs(
        &self,
        trusted: &[Arc<Segment>],
        is_verified: bool,
    ) -> Result<LeaderEpochs, StorageError> {
        let directory = &self.request.directory;
        let path = self.path.join(LEADER_EPOCHS);
        let content = directory.read(read_file(directory.disk(), &path), &path)?;
        match LeaderEpochs::decode(&content.unwrap_or_default()) {
            Ok(mut epochs) => {
                if is_verified {
                    epochs.truncate_from_end(self.recovery_point);
                }
                Ok(epochs)
            }
            Err(_) => {
                let walked = scan::epochs_of(trusted);
                walked.map_err(|source| StorageError::Damaged {
                    partition: self.request.partition.clone(),
                    source,
                })
            }
        }
    }

    pub(super) fn assemble(&self, scan: Scan<'_>) -> Result<PartitionLog, StorageError> {
        let LoadRequest {
            directory,
            partition,
            config,
            now,
            ..
        } = self.request;
        let path = self.path.clone();
        let metadata_path = path.join(PARTITION_METADATA);
        let metadata = read_file(directory.disk(), &metadata_path);
        let metadata = directory.read(metadata, &metadata_path)?;
        let topic_id = metadata
            .and_then(|content| PartitionMetadata::decode(&content).ok())
            .map(|metadata| metadata.topic_id);

        let Scan {
            mut segments,
            log_end,
            producers,
            mut epochs,
            epochs_before,
            ..
        } = scan;
        let mut unsynced = Unsynced {
            names: self.folder.was_changed || !self.request.was_stopped_cleanly,
            side_files: scan.side_files,
            ..Unsynced::default()
        };
        unsynced.names |= !unsynced.side_files.is_empty() || !scan.verified_files.is_empty();
        if segments.is_empty() {
            unsynced.names = true;
            let base = self.noted_start.max(log_end);
            let log_path = path.join(OffsetFile::Log.name(base));
            let file = directory.disk().open(&log_path, OpenMode::Replace);
            let file = directory.wrote(file, &log_path)?;
            segments.push(Arc::new(Segment::new(
                base,
                file,
                0,
                SegmentTables::empty(base),
            )));
        }
        let last = segments
            .last()
            .expect("a segment was made if there was none")
            .clone();
        let log_end = log_end.max(last.base_offset());
        let log_start = segments[0].base_offset().max(self.noted_start).min(log_end);
        let loaded = last.change_tables(|tables| {
            tables.offsets.load()?;
            tables.times.load()
        });
        directory.read(loaded, &path)?;
        epochs.truncate_from_end(log_end);
        epochs.truncate_from_start(log_start);
        unsynced.epochs = epochs != epochs_before;
        unsynced.sealed = scan.verified_files;
        let first = HeaderWalk::new(&**last.file(), 0, last.length_bytes()).next_header();
        let first_timestamp = match first {
            Ok(first) => first.and_then(|(_, header)| header.max_timestamp),
            Err(source) => {
                let partition = partition.clone();
                return Err(StorageError::Damaged { partition, source });
            }
        };
        let snapshots: BTreeSet<Offset> = self
            .folder
            .snapshots
            .iter()
            .copied()
            .filter(|offset| *offset <= log_end)
            .collect();
        let parts = LogParts {
            topic_id,
            config: config.clone(),
            segments,
            active: ActiveSegment {
                first_timestamp,
                ..ActiveSegment::new(*now)
            },
            log_start,
            log_end,
            durable_end: self.recovery_point.min(log_end),
            epochs,
            producers,
            snapshots,
            unsynced,
        };
        let mut log = PartitionLog::from_parts(directory.clone(), partition.clone(), path, parts);
        // The start only moves over what is durable: what is left below it is given up already.
        if log.log_end() < self.noted_start {
            log.truncate_fully_and_start_at(self.noted_start, *now)?;
        }
        // What survived a killed process may be in the operating system's memory only. A clean stop
        // has synced everything, names included: then nothing is left to do here.
        log.sync()?;
        Ok(log)
    }
}
