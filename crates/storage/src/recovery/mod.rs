//! Opening a log that is on disk, after a clean stop or a crash.
//!
//! The recovery point is the offset below which the log was durable when that was last noted.
//! Segments below it are trusted; from the one that holds it on, every batch is verified. Above
//! the recovery point the first bad batch ends the log, since nothing behind it was promised; if
//! valid batches follow, what is cut off is kept in a side file. Below it a bad batch is damage
//! to what was promised: then nothing is changed and the partition does not open. After a clean
//! stop nothing is verified. Start at [`load_partition`].

mod folder;
mod producers;
mod salvage;
mod scan;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use fleuve_model::record::BatchError;
use fleuve_model::{Offset, Timestamp, TopicPartition};

use crate::config::LogConfig;
use crate::disk::{OpenMode, read_file};
use crate::error::StorageError;
use crate::file_names::{LEADER_EPOCHS, OffsetFile, PARTITION_METADATA};
use crate::leader_epochs::LeaderEpochs;
use crate::log_directory::{CheckpointKind, DirectoryContext};
use crate::partition_log::{ActiveSegment, LogParts, PartitionLog, Unsynced};
use crate::partition_metadata::PartitionMetadata;
use crate::segment::{Segment, SegmentTables};
use crate::walk::{HeaderWalk, WalkError};

pub(crate) use producers::ProducerBase;

use folder::Folder;
use scan::Scan;

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

/// How a log is to be opened.
pub(crate) struct LoadRequest {
    pub(crate) directory: Arc<DirectoryContext>,
    pub(crate) partition: TopicPartition,
    pub(crate) config: LogConfig,
    pub(crate) was_stopped_cleanly: bool,
    pub(crate) now: Timestamp,
}

/// Opens the log of a partition whose folder exists.
pub(crate) fn load_partition(request: &LoadRequest) -> Result<LoadedPartition, StorageError> {
    let LoadRequest {
        directory,
        partition,
        ..
    } = request;
    let path = directory.path().join(partition.to_string());
    let noted = |kind| directory.noted(kind, partition);
    let recovery_point = noted(CheckpointKind::RecoveryPoints).unwrap_or_default();
    let noted_start = noted(CheckpointKind::LogStarts).unwrap_or_default();
    let folder = Folder::tidy(directory, &path, noted_start)?;

    let mut load = Load {
        request,
        path,
        folder,
        recovery_point,
        noted_start,
    };
    let segments = load.open_segments()?;
    load.finish(segments)
}

struct Load<'a> {
    request: &'a LoadRequest,
    path: PathBuf,
    folder: Folder,
    recovery_point: Offset,
    noted_start: Offset,
}

impl Load<'_> {
    /// Opens the segments that need no verification, and the files of those that do.
    fn open_segments(&self) -> Result<Vec<OpenedSegment>, StorageError> {
        let directory = &self.request.directory;
        let disk = directory.disk();
        let bases: Vec<Offset> = self.folder.logs.keys().copied().collect();
        let mut opened: Vec<OpenedSegment> = Vec::new();
        for (number, (base, length_bytes)) in self.folder.logs.iter().enumerate() {
            let path = self.path.join(OffsetFile::Log.name(*base));
            let file = directory.read(disk.open(&path, OpenMode::Append), &path)?;
            let reaches_above = bases
                .get(number + 1)
                .is_none_or(|next| *next > self.recovery_point);
            let is_above = reaches_above && !self.request.was_stopped_cleanly;
            // From the first segment on that is verified, all are: transactions may span them.
            let is_verified = is_above || opened.last().is_some_and(|last| last.tables.is_none());
            let tables = match is_verified {
                true => None,
                false => self.open_tables(*base, *length_bytes, &*file)?,
            };
            opened.push(OpenedSegment {
                base: *base,
                file,
                length_bytes: *length_bytes,
                tables,
            });
        }
        Ok(opened)
    }

    /// The tables of a trusted segment, unless it must be walked to make them anew.
    fn open_tables(
        &self,
        base: Offset,
        length_bytes: u64,
        file: &dyn crate::disk::DiskFile,
    ) -> Result<Option<SegmentTables>, StorageError> {
        use crate::index::IndexError;
        let disk = self.request.directory.disk();
        let tables = match SegmentTables::open(disk, &self.path, base) {
            Ok(tables) => tables,
            Err(IndexError::Io(error)) if error.kind() != io::ErrorKind::NotFound => {
                return self.request.directory.read(Err(error), &self.path);
            }
            Err(_) => return Ok(None),
        };
        let last = tables.offsets.last();
        let last = self.request.directory.read(last, &self.path)?;
        let start = last.map_or(0, |entry| u64::from(entry.position));
        // A table of another file would lead somewhere else.
        let mut walk = HeaderWalk::new(file, start, length_bytes);
        match walk.next_header() {
            Ok(Some((_, header)))
                if last.is_none_or(|last| last.offset == header.last_offset()) =>
            {
                Ok(Some(tables))
            }
            Ok(None) if last.is_none() => Ok(Some(tables)),
            Ok(_) | Err(WalkError::Bad { .. }) => Ok(None),
            Err(WalkError::Io(error)) => self.request.directory.read(Err(error), &self.path),
        }
    }

    fn finish(&mut self, opened: Vec<OpenedSegment>) -> Result<LoadedPartition, StorageError> {
        let LoadRequest {
            directory,
            partition,
            config,
            now,
            ..
        } = self.request;
        let (now, expiration) = (*now, config.producer_expiration);
        let verified_from = opened.iter().position(|segment| segment.tables.is_none());
        let mut trusted = opened;
        let unverified = trusted.split_off(verified_from.unwrap_or(trusted.len()));
        let trusted = match self.check_trusted(trusted, unverified.first().map(|next| next.base))? {
            Ok(trusted) => trusted,
            Err(damage) => return Ok(LoadedPartition::Damaged(damage)),
        };
        let producers_end = match (unverified.first(), trusted.last()) {
            (Some(first), _) => first.base,
            (None, Some((_, end))) => *end,
            (None, None) => self.noted_start,
        };
        let segments: Vec<Arc<Segment>> = trusted
            .into_iter()
            .map(|(segment, _)| Arc::new(segment))
            .collect();
        let first_base = segments.first().map(|segment| segment.base_offset());
        let first_base = first_base.or(unverified.first().map(|segment| segment.base));
        let base = ProducerBase::of(
            directory.disk(),
            &self.path,
            &self.folder.snapshots,
            producers_end,
        );
        let producers = base.and_then(|base| base.replayed(&segments, now, expiration));
        let producers = match producers {
            Ok(producers) => producers,
            Err(WalkError::Io(error)) => return directory.read(Err(error), &self.path),
            Err(WalkError::Bad { position, reason }) => {
                let reason = Some(CutReason::Bad(reason));
                let segment = first_base.unwrap_or_default();
                return Ok(LoadedPartition::Damaged(self.damage(
                    segment,
                    position,
                    producers_end,
                    reason,
                )));
            }
        };
        let epochs = self.load_epochs(&segments, !unverified.is_empty())?;
        let mut scan = Scan::new(
            self.request,
            &self.path,
            segments,
            producers_end,
            producers,
            epochs,
        );
        for segment in unverified {
            if !scan.verify(segment)? {
                break;
            }
        }
        if scan.log_end < self.recovery_point {
            return Ok(LoadedPartition::Damaged(self.damage_of(&scan)));
        }
        let cut_off = salvage::cut(&mut scan, &mut self.folder, directory, &self.path)?;
        let report = LoadReport {
            verified_bytes: scan.verified_bytes,
            cut_off,
        };
        let log = self.assemble(scan)?;
        debug_assert_eq!(log.partition(), partition);
        Ok(LoadedPartition::Log(Box::new(log), report))
    }

    /// Turns trusted segments into ones that are read, each with the offset where it ends. That
    /// they join is checked by a look at each one's last batches.
    fn check_trusted(
        &self,
        opened: Vec<OpenedSegment>,
        next_base: Option<Offset>,
    ) -> Result<Result<Vec<(Segment, Offset)>, Damage>, StorageError> {
        let mut trusted: Vec<(Segment, Offset)> = Vec::new();
        let mut bases = opened
            .iter()
            .map(|segment| segment.base)
            .skip(1)
            .collect::<Vec<_>>();
        bases.extend(next_base);
        for (number, segment) in opened.into_iter().enumerate() {
            let OpenedSegment {
                base,
                file,
                length_bytes,
                tables,
            } = segment;
            let tables = tables.expect("a trusted segment has its tables");
            let segment = Segment::new(base, file, length_bytes, tables);
            let end = match segment.next_offset(length_bytes) {
                Ok(end) => end,
                Err(WalkError::Io(error)) => {
                    return self.request.directory.read(Err(error), &self.path);
                }
                Err(WalkError::Bad { position, reason }) => {
                    let reason = Some(CutReason::Bad(reason));
                    return Ok(Err(self.damage(base, position, base, reason)));
                }
            };
            let next = bases.get(number);
            let has_hole = next.is_some_and(|next| *next != end && *next > self.noted_start);
            if has_hole && !self.may_have_holes(&segment)? {
                return Ok(Err(self.damage(
                    base,
                    length_bytes,
                    end,
                    Some(CutReason::Gap),
                )));
            }
            trusted.push((segment, end));
        }
        Ok(Ok(trusted))
    }

    /// Whether compaction may have taken what is missing behind `segment`: the topic is
    /// compacted, or it was once, which shows in the batches that are left.
    fn may_have_holes(&self, segment: &Segment) -> Result<bool, StorageError> {
        if self.request.config.compacts {
            return Ok(true);
        }
        match scan::looks_compacted(segment) {
            Err(WalkError::Io(error)) => self.request.directory.read(Err(error), &self.path),
            looks_compacted => Ok(looks_compacted.unwrap_or(false)),
        }
    }

    fn damage(
        &self,
        base: Offset,
        position: u64,
        next_offset: Offset,
        reason: Option<CutReason>,
    ) -> Damage {
        Damage {
            partition: self.request.partition.clone(),
            path: self.path.join(OffsetFile::Log.name(base)),
            position,
            next_offset,
            recovery_point: self.recovery_point,
            reason,
        }
    }

    fn damage_of(&self, scan: &Scan<'_>) -> Damage {
        let (base, position) = scan.stopped_at();
        let reason = scan.stop.as_ref().map(|stop| stop.reason.clone());
        self.damage(base, position, scan.log_end, reason)
    }

    /// The epochs below the recovery point. Above it they are read from the batches, since the
    /// file may be older or newer than they are.
    fn load_epochs(
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

    fn assemble(&mut self, scan: Scan<'_>) -> Result<PartitionLog, StorageError> {
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
            side_files: scan.side_files,
            ..Unsynced::default()
        };
        if segments.is_empty() {
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
        unsynced.names = true;
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
        // What survived a killed process may be in the operating system's memory only.
        log.sync()?;
        Ok(log)
    }
}

/// A segment's file before its batches are looked at.
struct OpenedSegment {
    base: Offset,
    file: Arc<dyn crate::disk::DiskFile>,
    length_bytes: u64,
    /// None if its batches are to be verified.
    tables: Option<SegmentTables>,
}
