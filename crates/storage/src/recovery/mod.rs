//! Opening a log that is on disk, after a clean stop or a crash.
//!
//! The recovery point is the offset below which the log was durable when that was last noted.
//! Segments below it are trusted; from the one that holds it on, every batch is verified. Above
//! the recovery point the first bad batch ends the log, since nothing behind it was promised; if
//! valid batches follow, what is cut off is kept in a side file. Below it a bad batch is damage
//! to what was promised: then nothing is changed and the partition does not open. After a clean
//! stop nothing is verified.
//!
//! What this cannot see: after a failed sync (the directory went offline) the operating system
//! may go on to show bytes that it never wrote. A start of the process alone believes them; only
//! a start of the machine shows what the disk holds. Start at [`load_partition`].

mod assemble;
mod folder;
mod outcome;
mod producers;
mod salvage;
mod scan;
mod trusted;

use std::path::PathBuf;
use std::sync::Arc;

use fleuve_model::{Offset, Timestamp, TopicPartition};

use crate::config::LogConfig;
use crate::error::StorageError;
use crate::file_names::OffsetFile;
use crate::log_directory::{CheckpointKind, DirectoryContext};
use crate::segment::Segment;
use crate::walk::WalkError;

pub use outcome::{CutOff, CutReason, Damage, LoadReport, LoadedPartition};
pub(crate) use producers::ProducerBase;

use folder::Folder;
use scan::Scan;
use trusted::OpenedSegment;

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

impl<'a> Load<'a> {
    fn finish(&mut self, opened: Vec<OpenedSegment>) -> Result<LoadedPartition, StorageError> {
        let verified_from = opened.iter().position(|segment| segment.tables.is_none());
        let mut trusted = opened;
        let unverified = trusted.split_off(verified_from.unwrap_or(trusted.len()));
        let trusted = match self.check_trusted(trusted, unverified.first().map(|next| next.base))? {
            Ok(trusted) => trusted,
            Err(damage) => return Ok(LoadedPartition::Damaged(damage)),
        };
        let mut scan = match self.begin_scan(trusted, unverified.first())? {
            Ok(scan) => scan,
            Err(damage) => return Ok(LoadedPartition::Damaged(damage)),
        };
        for segment in unverified {
            if !scan.verify(segment)? {
                break;
            }
        }
        if scan.log_end < self.recovery_point {
            return Ok(LoadedPartition::Damaged(self.damage_of(&scan)));
        }
        let directory = &self.request.directory;
        let cut_off = salvage::cut(&mut scan, &mut self.folder, directory, &self.path)?;
        let verified_bytes = scan.verified_bytes;
        let report = LoadReport {
            verified_bytes,
            cut_off,
        };
        Ok(LoadedPartition::Log(Box::new(self.assemble(scan)?), report))
    }

    /// The log as far as it is trusted: its segments, and the producers and epochs at their end.
    fn begin_scan(
        &self,
        trusted: Vec<(Segment, Offset)>,
        unverified: Option<&OpenedSegment>,
    ) -> Result<Result<Scan<'a>, Damage>, StorageError> {
        let end = match (unverified, trusted.last()) {
            (Some(first), _) => first.base,
            (None, Some((_, end))) => *end,
            (None, None) => self.noted_start,
        };
        let segments: Vec<Arc<Segment>> = trusted
            .into_iter()
            .map(|(segment, _)| Arc::new(segment))
            .collect();
        let LoadRequest {
            directory,
            config,
            now,
            ..
        } = self.request;
        let base = ProducerBase::of(directory.disk(), &self.path, &self.folder.snapshots, end);
        let expiration = config.producer_expiration;
        let replayed = base.and_then(|base| base.replayed(&segments, *now, expiration));
        let producers = match replayed {
            Ok(producers) => producers,
            Err(WalkError::Io(error)) => return directory.read(Err(error), &self.path),
            Err(WalkError::Bad { position, reason }) => {
                let segment = segments
                    .first()
                    .map_or(end, |segment| segment.base_offset());
                let reason = Some(CutReason::Bad(reason));
                return Ok(Err(self.damage(segment, position, end, reason)));
            }
        };
        let epochs = self.load_epochs(&segments, unverified.is_some())?;
        Ok(Ok(Scan::new(
            self.request,
            &self.path,
            segments,
            end,
            producers,
            epochs,
        )))
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
}
