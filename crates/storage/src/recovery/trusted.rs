//! The segments below the recovery point, which are taken as they are.
//!
//! What is looked at is little: whether each has its tables, whether they belong to it, and
//! whether the segments join.

use std::io;
use std::sync::Arc;

use fleuve_model::Offset;

use super::{CutReason, Damage, Load, scan};
use crate::disk::{DiskFile, OpenMode};
use crate::error::StorageError;
use crate::file_names::OffsetFile;
use crate::index::IndexError;
use crate::segment::{Segment, SegmentTables};
use crate::walk::{HeaderWalk, WalkError};

/// A segment's file before its batches are looked at.
pub(super) struct OpenedSegment {
    pub(super) base: Offset,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) length_bytes: u64,
    /// None if its batches are to be verified.
    pub(super) tables: Option<SegmentTables>,
}

impl Load<'_> {
    /// Opens the segments that need no verification, and the files of those that do.
    pub(super) fn open_segments(&self) -> Result<Vec<OpenedSegment>, StorageError> {
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
        file: &dyn DiskFile,
    ) -> Result<Option<SegmentTables>, StorageError> {
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

    /// Turns trusted segments into ones that are read, each with the offset where it ends. That
    /// they join is checked by a look at each one's last batches.
    pub(super) fn check_trusted(
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
}
