//! Verifying segments, and making anew all that follows from their batches.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleuve_model::Offset;
use fleuve_model::record::RecordBatch;

use super::{CutReason, LoadRequest, OpenedSegment};
use crate::disk::DiskFile;
use crate::error::StorageError;
use crate::index::relative_offset;
use crate::leader_epochs::LeaderEpochs;
use crate::partition_log::{aborted_entry, marker_of, replay};
use crate::producer_state::ProducerStates;
use crate::segment::{Segment, SegmentTables, TableWriting};
use crate::walk::{BatchWalk, HeaderWalk, WalkError};

/// The log as far as it has been verified.
pub(super) struct Scan<'a> {
    request: &'a LoadRequest,
    path: PathBuf,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) log_end: Offset,
    pub(super) producers: ProducerStates,
    pub(super) epochs: LeaderEpochs,
    pub(super) epochs_before: LeaderEpochs,
    pub(super) verified_bytes: u64,
    /// The files that hold verified batches, which may be unsynced.
    pub(super) verified_files: Vec<Arc<dyn DiskFile>>,
    /// The tables of verified segments that are sealed.
    pub(super) side_files: Vec<Arc<dyn DiskFile>>,
    pub(super) stop: Option<Stop>,
}

/// Where the log ends although its files go on.
pub(super) struct Stop {
    /// The segment that is cut; none if its successor does not follow on it.
    pub(super) base: Offset,
    pub(super) position: u64,
    /// The length of the segment's file.
    pub(super) length_bytes: u64,
    pub(super) reason: CutReason,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        request: &'a LoadRequest,
        path: &Path,
        trusted: Vec<Arc<Segment>>,
        log_end: Offset,
        producers: ProducerStates,
        epochs: LeaderEpochs,
    ) -> Scan<'a> {
        Scan {
            request,
            path: path.to_owned(),
            segments: trusted,
            log_end,
            producers,
            epochs_before: epochs.clone(),
            epochs,
            verified_bytes: 0,
            verified_files: Vec::new(),
            side_files: Vec::new(),
            stop: None,
        }
    }

    /// Verifies the next segment. Returns whether the log goes on behind it.
    pub(super) fn verify(&mut self, opened: OpenedSegment) -> Result<bool, StorageError> {
        let OpenedSegment {
            base,
            file,
            length_bytes,
            ..
        } = opened;
        if self.segments.is_empty() {
            self.log_end = base;
        }
        if !self.follows(base)? {
            let (base, position) = self.stopped_at();
            let reason = CutReason::Gap;
            self.stop = Some(Stop {
                base,
                position,
                length_bytes: position,
                reason,
            });
            return Ok(false);
        }
        self.seal_last()?;
        self.log_end = base;
        let mut tables = SegmentTables::empty(base);
        let mut walk = BatchWalk::new(&*file, 0, length_bytes);
        let mut bytes_since_entry = 0;
        let mut end = 0;
        let reason = loop {
            match walk.next_batch() {
                Ok(None) => break None,
                Ok(Some((_, batch))) if !self.comes_next(base, &batch) => {
                    break Some(CutReason::OutOfOrder);
                }
                Ok(Some((position, batch))) => {
                    self.note(position, &batch, &mut tables, &mut bytes_since_entry);
                    end = walk.position();
                }
                Err(WalkError::Bad { reason, .. }) => break Some(CutReason::Bad(reason)),
                Err(WalkError::Io(error)) => {
                    return self.request.directory.read(Err(error), &self.path);
                }
            }
        };
        self.verified_bytes += end;
        self.verified_files.push(file.clone());
        self.segments
            .push(Arc::new(Segment::new(base, file, end, tables)));
        self.stop = reason.map(|reason| Stop {
            base,
            position: end,
            length_bytes,
            reason,
        });
        Ok(self.stop.is_none())
    }

    fn follows(&self, base: Offset) -> Result<bool, StorageError> {
        if base <= self.log_end || self.request.config.compacts {
            return Ok(base >= self.log_end);
        }
        let Some(last) = self.segments.last() else {
            return Ok(true);
        };
        match looks_compacted(last) {
            Err(WalkError::Io(error)) => self.request.directory.read(Err(error), &self.path),
            looks_compacted => Ok(looks_compacted.unwrap_or(false)),
        }
    }

    fn comes_next(&self, base: Offset, batch: &RecordBatch) -> bool {
        let header = batch.header();
        header.base_offset >= self.log_end && relative_offset(base, header.last_offset()).is_some()
    }

    fn note(
        &mut self,
        position: u64,
        batch: &RecordBatch,
        tables: &mut SegmentTables,
        bytes_since_entry: &mut u64,
    ) {
        let header = batch.header();
        let indexed = *bytes_since_entry > u64::from(self.request.config.index_interval_bytes);
        if indexed {
            *bytes_since_entry = 0;
        }
        *bytes_since_entry += header.size_bytes as u64;
        tables.note(position, header, indexed);
        if let Some(epoch) = header.leader_epoch
            && self
                .epochs
                .latest_epoch()
                .is_none_or(|latest| epoch > latest)
        {
            self.epochs.assign(epoch, header.base_offset);
        }
        // A marker that cannot be read ends no transaction; the batch itself is undamaged.
        let marker = marker_of(batch).ok().flatten();
        let completed = replay(&mut self.producers, header, marker);
        tables.aborted.extend(completed.and_then(aborted_entry));
        self.log_end = header.next_offset();
    }

    /// Writes the tables of the segment before, now that it is known to be sealed.
    fn seal_last(&mut self) -> Result<(), StorageError> {
        if self.verified_files.is_empty() {
            return Ok(());
        }
        let Some(last) = self.segments.last() else {
            return Ok(());
        };
        let directory = &self.request.directory;
        let written = last.change_tables(|tables| {
            tables.note_latest();
            // The recovery point may lie above a segment whose tables were unusable.
            let base = last.base_offset();
            let files = tables.write(directory.disk(), &self.path, base, TableWriting::Atomic)?;
            if let [offsets, times, ..] = files.as_slice() {
                tables.offsets.move_to_file(offsets.clone());
                tables.times.move_to_file(times.clone());
            }
            Ok(files)
        });
        let files = directory.wrote(written, &self.path)?;
        self.side_files.extend(files);
        Ok(())
    }

    /// Where the log ends: the segment and the position in its file.
    pub(super) fn stopped_at(&self) -> (Offset, u64) {
        match self.segments.last() {
            Some(last) => (last.base_offset(), last.length_bytes()),
            None => (self.log_end, 0),
        }
    }
}

/// The epochs that the batches of trusted segments carry.
pub(super) fn epochs_of(segments: &[Arc<Segment>]) -> Result<LeaderEpochs, WalkError> {
    let mut epochs = LeaderEpochs::default();
    for segment in segments {
        let mut walk = HeaderWalk::new(&**segment.file(), 0, segment.length_bytes());
        while let Some((_, header)) = walk.next_header()? {
            if let Some(epoch) = header.leader_epoch
                && epochs.latest_epoch().is_none_or(|latest| epoch > latest)
            {
                epochs.assign(epoch, header.base_offset);
            }
        }
    }
    Ok(epochs)
}

/// Whether batches of a segment show that compaction was at it: records are missing within or
/// between them.
pub(super) fn looks_compacted(segment: &Segment) -> Result<bool, WalkError> {
    let mut walk = HeaderWalk::new(&**segment.file(), 0, segment.length_bytes());
    let mut next = segment.base_offset();
    while let Some((_, header)) = walk.next_header()? {
        if header.base_offset != next || header.records_count != header.last_offset_delta + 1 {
            return Ok(true);
        }
        next = header.next_offset();
    }
    Ok(false)
}
