//! Reading a log, beside its writer.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fleuve_model::record::{PLAIN_BYTES_MAX_DEFAULT, RecordBatch, RecordPosition};
use fleuve_model::{LeaderEpoch, Offset, Timestamp};

use crate::disk::{DiskFile, read_vec};
use crate::error::ReadError;
use crate::index::AbortedTransaction;
use crate::leader_epochs::LeaderEpochs;
use crate::producer_state::Transactions;
use crate::segment::{FoundBatch, Segment};
use crate::walk::{HeaderWalk, read_batch};

/// A handle from which anyone may read, on any thread. Cloning copies a reference.
#[derive(Clone, Debug)]
pub struct LogReader {
    shared: Arc<Mutex<LogSnapshot>>,
}

/// A log as it was at one moment. It reads without waiting for the writer and does not change;
/// what is cut off or deleted later can still be read from it, unless its bytes are overwritten.
#[derive(Clone, Debug)]
pub struct LogSnapshot {
    pub(super) segments: Arc<[Arc<Segment>]>,
    pub(super) active_bytes: u64,
    pub(super) log_start: Offset,
    pub(super) log_end: Offset,
    pub(super) durable_end: Offset,
    pub(super) epochs: Arc<LeaderEpochs>,
    pub(super) transactions: Arc<Transactions>,
}

/// Whole batches as they lie in a segment's file. The file stays readable as long as the slice
/// exists.
#[derive(Clone, Debug)]
pub struct LogSlice {
    /// The segment's log file.
    pub file: Arc<dyn DiskFile>,
    /// Where the first batch begins.
    pub position: u64,
    /// How many bytes of batches there are, perhaps none.
    pub length_bytes: u64,
    /// The offset to read from next: no record lies between the slice and it.
    pub next_offset: Offset,
    /// The base offset of the segment that the slice is from.
    pub segment_base: Offset,
}

/// A record that was looked up by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// Its time.
    pub timestamp: Timestamp,
    /// Its offset.
    pub offset: Offset,
    /// The leader epoch that it was written at.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl LogReader {
    pub(super) fn new(shared: Arc<Mutex<LogSnapshot>>) -> LogReader {
        LogReader { shared }
    }

    /// The log as it is now.
    pub fn snapshot(&self) -> LogSnapshot {
        self.shared
            .lock()
            .expect("no snapshot is changed by code that panics")
            .clone()
    }
}

impl LogSlice {
    /// Whether there are no batches in it.
    pub fn is_empty(&self) -> bool {
        self.length_bytes == 0
    }

    /// Reads the batches.
    pub fn read(&self) -> io::Result<Bytes> {
        let length = usize::try_from(self.length_bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let bytes = read_vec(&*self.file, self.position, length)?;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Bytes::from(bytes))
    }
}

impl LogSnapshot {
    /// The first offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset that the next record gets.
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// Up to where a crash cannot take anything away.
    pub fn durable_end(&self) -> Offset {
        self.durable_end
    }

    /// Which leader epoch begins where.
    pub fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    /// The bytes of all batches.
    pub fn size_bytes(&self) -> u64 {
        (0..self.segments.len())
            .map(|number| self.end_of(number))
            .sum()
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// Up to where every transaction is decided, for a reader who sees what lies below
    /// `high_watermark`.
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        self.transactions.last_stable_offset(high_watermark)
    }

    /// The batches from the one that holds `from` on, as far as they end at `end` or before and
    /// take at most `bytes_max`; of one segment, and of several calls the next goes on at
    /// [`LogSlice::next_offset`]. If `at_least_one`, the first batch comes whatever its size.
    pub fn read(
        &self,
        from: Offset,
        end: Offset,
        bytes_max: u64,
        at_least_one: bool,
    ) -> Result<LogSlice, ReadError> {
        self.check_range(from)?;
        let end = end.min(self.log_end);
        let mut number = self.segment_of(from);
        while from < end && number < self.segments.len() {
            let Some(found) = self.segments[number].find(from, self.end_of(number))? else {
                number += 1;
                continue;
            };
            let (next_offset, log_end) = (found.header.next_offset(), self.log_end);
            if next_offset > log_end {
                return Err(ReadError::BeyondEnd {
                    found: next_offset,
                    log_end,
                });
            }
            if next_offset > end {
                break;
            }
            if found.header.size_bytes as u64 > bytes_max && !at_least_one {
                break;
            }
            return self.slice(number, &found, end, bytes_max);
        }
        Ok(self.empty_slice(number.min(self.segments.len() - 1), from))
    }

    /// The first record with a timestamp of `target` or later, and an offset within the log and
    /// below `end`.
    pub fn offset_for_timestamp(
        &self,
        target: Timestamp,
        end: Offset,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let from = self.log_start;
        for number in self.segment_of(from)..self.segments.len() {
            let segment = &self.segments[number];
            if segment.base_offset() >= end {
                break;
            }
            if segment
                .latest_timestamp()
                .is_none_or(|latest| latest < target)
            {
                continue;
            }
            let mut batch_from = from;
            while let Some(found) =
                segment.find_timestamp(target, batch_from, self.end_of(number))?
            {
                let record = self.record_since(number, &found, target, from)?;
                if let Some(record) = record {
                    return Ok((record.offset < end).then_some(record));
                }
                // The batch's claim of its largest timestamp was of a record before the start.
                batch_from = found.header.next_offset();
            }
        }
        Ok(None)
    }

    /// The first of the records with the largest timestamp (KIP-734).
    pub fn latest_timestamp(&self) -> Result<Option<TimestampedOffset>, ReadError> {
        let mut latest: Option<(usize, Timestamp)> = None;
        for number in self.segment_of(self.log_start)..self.segments.len() {
            if let Some(timestamp) = self.latest_of(number)?
                && latest.is_none_or(|(_, latest)| timestamp > latest)
            {
                latest = Some((number, timestamp));
            }
        }
        let Some((number, target)) = latest else {
            return Ok(None);
        };
        let segment = &self.segments[number];
        match segment.find_timestamp(target, self.log_start, self.end_of(number))? {
            Some(found) => self.record_since(number, &found, target, self.log_start),
            None => Ok(None),
        }
    }

    /// The aborted transactions with records in `from..end`, which a consumer of a slice needs
    /// to leave them out.
    pub fn aborted_transactions(&self, from: Offset, end: Offset) -> Vec<AbortedTransaction> {
        let mut aborted = Vec::new();
        for segment in &self.segments[self.segment_of(from)..] {
            let (found, is_complete) = segment.aborted_between(from, end);
            aborted.extend(found);
            if is_complete {
                break;
            }
        }
        aborted
    }

    /// The largest epoch of this log not above `requested`, and where it ends (KIP-279).
    pub fn end_offset_for_epoch(&self, requested: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_offset_for(requested, self.log_end)
    }

    fn check_range(&self, requested: Offset) -> Result<(), ReadError> {
        let (log_start, log_end) = (self.log_start, self.log_end);
        if requested < log_start || requested > log_end {
            return Err(ReadError::OffsetOutOfRange {
                requested,
                log_start,
                log_end,
            });
        }
        Ok(())
    }

    /// The number of the segment that `offset` is in, if it is in any.
    fn segment_of(&self, offset: Offset) -> usize {
        let behind = self
            .segments
            .partition_point(|segment| segment.base_offset() <= offset);
        behind.saturating_sub(1)
    }

    /// Where the batches of a segment end. The writer may have added to the last since.
    fn end_of(&self, number: usize) -> u64 {
        if number + 1 == self.segments.len() {
            self.active_bytes
        } else {
            self.segments[number].length_bytes()
        }
    }

    fn slice(
        &self,
        number: usize,
        first: &FoundBatch,
        end: Offset,
        bytes_max: u64,
    ) -> Result<LogSlice, ReadError> {
        let segment = &self.segments[number];
        let segment_end = self.end_of(number);
        let segment_next = self
            .segments
            .get(number + 1)
            .map_or(self.log_end, |next| next.base_offset());
        let slice = |length_bytes, next_offset| LogSlice {
            file: segment.file().clone(),
            position: first.position,
            length_bytes,
            next_offset,
            segment_base: segment.base_offset(),
        };
        let first_bytes = first.header.size_bytes as u64;
        if first_bytes >= bytes_max {
            return Ok(slice(first_bytes, first.header.next_offset()));
        }
        let hidden = match end < segment_next {
            true => segment.find(end, segment_end)?,
            false => None,
        };
        let (visible_end, next_offset) = match hidden {
            // A batch that `end` is within comes as a whole, later.
            Some(hidden) => (hidden.position, end.min(hidden.header.base_offset)),
            None => (segment_end, end.min(segment_next)),
        };
        if visible_end - first.position <= bytes_max {
            return Ok(slice(visible_end - first.position, next_offset));
        }
        let limit = first.position + bytes_max;
        let last = segment.last_batch_before(first.position, limit, visible_end)?;
        let last = last.unwrap_or(*first);
        let length_bytes = last.position + last.header.size_bytes as u64 - first.position;
        Ok(slice(length_bytes, last.header.next_offset()))
    }

    /// The largest timestamp of a segment's batches, as far as they are within the log.
    fn latest_of(&self, number: usize) -> Result<Option<Timestamp>, ReadError> {
        let segment = &self.segments[number];
        if segment.base_offset() >= self.log_start {
            return Ok(segment.latest_timestamp());
        }
        let end = self.end_of(number);
        let Some(first) = segment.find(self.log_start, end)? else {
            return Ok(None);
        };
        let mut walk = HeaderWalk::new(&**segment.file(), first.position, end);
        let mut latest = None;
        while let Some((_, header)) = walk.next_header()? {
            latest = latest.max(header.max_timestamp);
        }
        Ok(latest)
    }

    fn empty_slice(&self, number: usize, next_offset: Offset) -> LogSlice {
        let segment = &self.segments[number];
        LogSlice {
            file: segment.file().clone(),
            position: self.end_of(number),
            length_bytes: 0,
            next_offset,
            segment_base: segment.base_offset(),
        }
    }

    fn record_since(
        &self,
        number: usize,
        found: &FoundBatch,
        target: Timestamp,
        from: Offset,
    ) -> Result<Option<TimestampedOffset>, ReadError> {
        let batch = read_batch(
            &**self.segments[number].file(),
            found.position,
            &found.header,
        )?;
        let mut scratch = Vec::new();
        let record = batch.first_since(target, from, &mut scratch, PLAIN_BYTES_MAX_DEFAULT)?;
        Ok(record.map(|record| timestamped(&batch, record)))
    }
}

fn timestamped(batch: &RecordBatch, record: RecordPosition) -> TimestampedOffset {
    let RecordPosition { timestamp, offset } = record;
    TimestampedOffset {
        timestamp,
        offset,
        leader_epoch: batch.header().leader_epoch,
    }
}
