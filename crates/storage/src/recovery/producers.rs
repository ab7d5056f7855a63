use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::{Offset, Timestamp};

use crate::disk::{Disk, read_file};
use crate::file_names::OffsetFile;
use crate::partition_log::{marker_of, replay};
use crate::producer_state::{ProducerStates, decode_snapshot};
use crate::segment::Segment;
use crate::walk::{HeaderWalk, WalkError, read_batch};

/// The newest usable snapshot of a log's producers up to some offset: from there on the batches
/// are replayed.
pub(crate) struct ProducerBase {
    content: Option<Vec<u8>>,
    offset: Offset,
    end: Offset,
}

impl ProducerBase {
    /// The newest of `snapshots` that is not above `end` and can be read.
    pub(crate) fn of(
        disk: &dyn Disk,
        path: &Path,
        snapshots: &BTreeSet<Offset>,
        end: Offset,
    ) -> Result<ProducerBase, WalkError> {
        for offset in snapshots.range(..=end).rev() {
            let content = read_file(disk, &path.join(OffsetFile::Snapshot.name(*offset)))?;
            if let Some(content) = content
                && decode_snapshot(&content).is_ok()
            {
                return Ok(ProducerBase {
                    content: Some(content),
                    offset: *offset,
                    end,
                });
            }
        }
        Ok(ProducerBase {
            content: None,
            offset: Offset::ZERO,
            end,
        })
    }

    /// The producers as of the end, after a walk over the headers in between.
    pub(crate) fn replayed(
        self,
        segments: &[Arc<Segment>],
        now: Timestamp,
        expiration: Duration,
    ) -> Result<ProducerStates, WalkError> {
        let producers = self
            .content
            .and_then(|content| decode_snapshot(&content).ok());
        let producers = producers.unwrap_or_default();
        let mut producers = ProducerStates::from_snapshot(producers, now, expiration);
        // Batches below the log's start count too, while they are there: it may be lowered again.
        let first = segments
            .first()
            .map_or(self.end, |segment| segment.base_offset());
        let from = self.offset.max(first);
        if from >= self.end {
            return Ok(producers);
        }
        let behind = segments.partition_point(|segment| segment.base_offset() <= from);
        for segment in &segments[behind.saturating_sub(1)..] {
            replay_segment(segment, from, self.end, &mut producers)?;
        }
        Ok(producers)
    }
}

fn replay_segment(
    segment: &Segment,
    from: Offset,
    end: Offset,
    producers: &mut ProducerStates,
) -> Result<(), WalkError> {
    let end_bytes = segment.length_bytes();
    let Some(first) = segment.find(from, end_bytes)? else {
        return Ok(());
    };
    let mut walk = HeaderWalk::new(&**segment.file(), first.position, end_bytes);
    while let Some((position, header)) = walk.next_header()? {
        if header.base_offset >= end {
            break;
        }
        if header.producer.is_none() {
            continue;
        }
        let mut marker = None;
        if header.attributes.is_control() {
            let batch = read_batch(&**segment.file(), position, &header)?;
            marker = marker_of(&batch).ok().flatten();
        }
        replay(producers, &header, marker);
    }
    Ok(())
}
