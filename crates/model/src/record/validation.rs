//! What a leader asks of a batch that a client sent, before it gives it an offset.
//!
//! The batch is judged where it lies: nothing is decoded into objects, and a compressed batch
//! is decompressed as a stream of constant memory. The questions are those of Kafka's
//! `LogValidator`, with three answers of our own: inner offsets other than 0, 1, 2… are refused
//! where Kafka would rewrite a compressed batch; so is a producer that claims
//! `LogAppendTime`; and a compressed batch may not hold more than a given number of bytes.
//! Start at [`ProduceRules::check`].

use std::time::Duration;

use bytes::Bytes;

use super::batch::{BatchError, RecordBatch};
use super::batch_header::{BATCH_HEADER_BYTES, BatchHeader, TimestampType};
use super::compression::{DecompressError, Decompressor};
use super::patch;
use super::records::{RecordBase, RecordError, RecordProblem, Records, RecordsError};
use super::shape::{ShapeError, ShapeReader};
use crate::{Offset, Timestamp};

/// How many rejected records an error names; the others are only counted.
pub const REJECTIONS_KEPT_MAX: usize = 1_000;

/// What a compressed batch may hold by default, in bytes. Kafka has no such limit.
pub const PLAIN_BYTES_MAX_DEFAULT: usize = 256 * 1024 * 1024;

/// How closely a batch is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ValidationDepth {
    /// Header and CRC only. Times are judged by the header's claims; records are trusted, so
    /// this is for topics whose consumers forgive. Ignored where keys are required.
    Header,
    /// Every record, as Kafka does it.
    #[default]
    Records,
}

/// What a topic asks of a batch that is produced to it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceRules {
    /// The broker's time.
    pub now: Timestamp,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max: Duration,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max: Duration,
    /// Whether records need keys: the topic is compacted.
    pub keys_required: bool,
    /// `max.message.bytes`.
    pub batch_bytes_max: usize,
    /// What a compressed batch may hold.
    pub plain_bytes_max: usize,
    /// How closely to look.
    pub depth: ValidationDepth,
}

/// Why a record is rejected, and with it its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectionReason {
    /// The topic is compacted and the record has no key.
    #[error("Compacted topic cannot accept message without key")]
    KeyMissing,
    /// Its timestamp is too far from the broker's time.
    #[error(
        "Timestamp {timestamp} is out of range. \
         The timestamp should be within [{earliest}, {latest}]"
    )]
    Timestamp {
        timestamp: Timestamp,
        earliest: Timestamp,
        latest: Timestamp,
    },
}

/// One rejected record (`record_errors` of a produce response, KIP-467).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {index}: {reason}")]
pub struct RecordRejection {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// Why.
    pub reason: RejectionReason,
}

/// What is wrong with a batch as a whole, though its bytes are undamaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefusal {
    /// A partition's records are not exactly one batch.
    #[error("a partition takes exactly one batch of a request, and {trailing_bytes} bytes follow")]
    MoreThanOneBatch { trailing_bytes: usize },
    /// There is no batch at all.
    #[error("the request has no batch for the partition")]
    NoBatch,
    /// Only the log assigns offsets.
    #[error("The baseOffset of the record batch should be 0, but it is {0}")]
    BaseOffset(Offset),
    /// It holds no record, or its offsets are not one for each.
    #[error("{records_count} records cannot span {last_offset_delta} + 1 offsets")]
    Count {
        records_count: u32,
        last_offset_delta: u32,
    },
    /// Control records are the broker's.
    #[error("Clients are not allowed to write control records")]
    Control,
    /// There is a producer id without a sequence number.
    #[error("Invalid sequence number in a record batch with a producer id")]
    Sequence,
    /// Only the broker appends by its own time.
    #[error("Producer should not set timestamp type to LogAppendTime")]
    LogAppendTime,
    /// Only compaction sets a delete horizon.
    #[error("a producer cannot set a delete horizon")]
    DeleteHorizon,
    /// A record is not at its place.
    #[error("record {index} has offset delta {offset_delta}")]
    InnerOffset { index: u32, offset_delta: i32 },
}

/// Why a batch is not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// It is not a batch, or it was damaged on its way (`CORRUPT_MESSAGE`).
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// It is larger than the topic allows (`MESSAGE_TOO_LARGE`).
    #[error("The record batch is {size_bytes} bytes, more than the maximum of {bytes_max}")]
    TooLarge { size_bytes: usize, bytes_max: usize },
    /// It is not what a client may send (`INVALID_RECORD`; for
    /// [`BatchRefusal::LogAppendTime`] it is `INVALID_TIMESTAMP`).
    #[error(transparent)]
    Refused(#[from] BatchRefusal),
    /// Its records cannot be decompressed within the limit (`INVALID_RECORD`).
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// Its records cannot be read (`INVALID_RECORD`).
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Some records are not what the topic takes (`INVALID_TIMESTAMP` if `timestamps`, else
    /// `INVALID_RECORD`).
    #[error("One or more records have been rejected: {rejected_count} in total")]
    Rejected {
        /// The first [`REJECTIONS_KEPT_MAX`] of them.
        rejections: Vec<RecordRejection>,
        /// How many there are.
        rejected_count: u32,
        /// Whether any was rejected for its timestamp.
        timestamps: bool,
    },
}

impl ProduceRules {
    /// Kafka's defaults for a topic, at the time `now`.
    pub const fn at(now: Timestamp) -> ProduceRules {
        ProduceRules {
            now,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max: Duration::MAX,
            timestamp_after_max: Duration::from_secs(60 * 60),
            keys_required: false,
            batch_bytes_max: 1_048_588,
            plain_bytes_max: PLAIN_BYTES_MAX_DEFAULT,
            depth: ValidationDepth::Records,
        }
    }

    /// Judges `records`, which a produce request holds for one partition, and returns its batch
    /// ready for its offset.
    ///
    /// The batch is a slice of `records`. Only its maximum timestamp may have been changed (and
    /// then its bytes copied): to `now` under `LogAppendTime`, or to the records' own maximum if
    /// the producer claimed another.
    pub fn check(&self, records: &Bytes) -> Result<RecordBatch, ProduceError> {
        if records.is_empty() {
            return Err(BatchRefusal::NoBatch.into());
        }
        let batch = RecordBatch::parse(records)?;
        let size_bytes = batch.header().size_bytes;
        if size_bytes < records.len() {
            let trailing_bytes = records.len() - size_bytes;
            return Err(BatchRefusal::MoreThanOneBatch { trailing_bytes }.into());
        }
        if size_bytes > self.batch_bytes_max {
            return Err(ProduceError::TooLarge {
                size_bytes,
                bytes_max: self.batch_bytes_max,
            });
        }
        batch.verify_crc()?;
        check_header(batch.header())?;
        let max_timestamp = self.check_records(&batch)?;
        Ok(self.timed(batch, max_timestamp))
    }

    /// Judges the records and returns the largest of their timestamps.
    fn check_records(&self, batch: &RecordBatch) -> Result<Option<Timestamp>, ProduceError> {
        let mut judge = Judge::new(self, batch.header());
        if self.depth == ValidationDepth::Header && !self.keys_required {
            judge.header_times(batch.header());
        } else if batch.header().compression().is_none() {
            judge.plain_records(batch)?;
        } else {
            judge.compressed_records(batch)?;
        }
        judge.verdict()
    }

    fn timed(&self, batch: RecordBatch, max_timestamp: Option<Timestamp>) -> RecordBatch {
        let max_timestamp = match self.timestamp_type {
            TimestampType::CreateTime => max_timestamp,
            TimestampType::LogAppendTime => Some(self.now),
        };
        let header = batch.header();
        if header.attributes.timestamp_type() == self.timestamp_type
            && header.max_timestamp == max_timestamp
        {
            return batch;
        }
        batch.patched(|bytes| patch::set_max_timestamp(bytes, self.timestamp_type, max_timestamp))
    }
}

/// The questions that the header alone answers.
fn check_header(header: &BatchHeader) -> Result<(), BatchRefusal> {
    let BatchHeader {
        base_offset,
        records_count,
        last_offset_delta,
        attributes,
        ..
    } = *header;
    if base_offset != Offset::ZERO {
        return Err(BatchRefusal::BaseOffset(base_offset));
    }
    // Every record at one offset holds for what producers write, and only there: compaction
    // thins batches out on disk.
    if records_count.checked_sub(1) != Some(last_offset_delta) {
        return Err(BatchRefusal::Count {
            records_count,
            last_offset_delta,
        });
    }
    if attributes.is_control() {
        return Err(BatchRefusal::Control);
    }
    if header
        .producer
        .is_some_and(|producer| producer.base_sequence.is_none())
    {
        return Err(BatchRefusal::Sequence);
    }
    if attributes.timestamp_type() == TimestampType::LogAppendTime {
        return Err(BatchRefusal::LogAppendTime);
    }
    if attributes.has_delete_horizon() {
        return Err(BatchRefusal::DeleteHorizon);
    }
    Ok(())
}

/// Looks at one record after the other and remembers what was found.
struct Judge<'r> {
    rules: &'r ProduceRules,
    base: RecordBase,
    earliest: Timestamp,
    latest: Timestamp,
    max_timestamp: Option<Timestamp>,
    rejections: Vec<RecordRejection>,
    rejected_count: u32,
    timestamps: bool,
}

impl<'r> Judge<'r> {
    fn new(rules: &'r ProduceRules, header: &BatchHeader) -> Judge<'r> {
        Judge {
            rules,
            base: RecordBase::of(header),
            earliest: rules.now.saturating_sub(rules.timestamp_before_max),
            latest: rules.now.saturating_add(rules.timestamp_after_max),
            max_timestamp: None,
            rejections: Vec::new(),
            rejected_count: 0,
            timestamps: false,
        }
    }

    fn header_times(&mut self, header: &BatchHeader) {
        self.max_timestamp = header.max_timestamp;
        let base_timestamp = Timestamp::from_wire(header.base_timestamp.as_millis());
        let claimed = [base_timestamp, header.max_timestamp];
        for timestamp in claimed.into_iter().flatten() {
            if self.is_out_of_range(timestamp) {
                return self.reject(0, self.timestamp_reason(timestamp));
            }
        }
    }

    fn plain_records(&mut self, batch: &RecordBatch) -> Result<(), ProduceError> {
        let payload = &batch.bytes()[BATCH_HEADER_BYTES..];
        for (index, record) in (0..).zip(Records::new(batch.header(), payload)) {
            let record = record?;
            let offset_delta = record.offset_delta as i32;
            self.record(index, offset_delta, record.timestamp, record.key.is_some())?;
        }
        Ok(())
    }

    fn compressed_records(&mut self, batch: &RecordBatch) -> Result<(), ProduceError> {
        let header = batch.header();
        let payload = &batch.bytes()[BATCH_HEADER_BYTES..];
        let stream = Decompressor::new(header.compression(), payload, self.rules.plain_bytes_max)?;
        let mut shapes = ShapeReader::new(stream);
        for index in 0..header.records_count {
            let record = shapes.next_record();
            let record = record.map_err(|error| explain(&shapes, index, error))?;
            let timestamp = self.base.timestamp(record.timestamp_delta);
            let timestamp = timestamp.map_err(|problem| malformed(index, problem))?;
            self.record(index, record.offset_delta, timestamp, record.has_key)?;
        }
        let records_count = header.records_count;
        match shapes.is_at_end() {
            Ok(true) => Ok(()),
            Ok(false) => Err(RecordsError::LeftOver { records_count }.into()),
            Err(error) => Err(explain(&shapes, records_count, error)),
        }
    }

    #[inline]
    fn record(
        &mut self,
        index: u32,
        offset_delta: i32,
        timestamp: Option<Timestamp>,
        has_key: bool,
    ) -> Result<(), BatchRefusal> {
        if u32::try_from(offset_delta) != Ok(index) {
            return Err(BatchRefusal::InnerOffset {
                index,
                offset_delta,
            });
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        if self.rules.keys_required && !has_key {
            self.reject(index, RejectionReason::KeyMissing);
        } else if let Some(timestamp) = timestamp
            && self.is_out_of_range(timestamp)
        {
            self.reject(index, self.timestamp_reason(timestamp));
        }
        Ok(())
    }

    /// Under `LogAppendTime` the producer's times do not count.
    fn is_out_of_range(&self, timestamp: Timestamp) -> bool {
        self.rules.timestamp_type == TimestampType::CreateTime
            && !(self.earliest..=self.latest).contains(&timestamp)
    }

    fn timestamp_reason(&self, timestamp: Timestamp) -> RejectionReason {
        let (earliest, latest) = (self.earliest, self.latest);
        RejectionReason::Timestamp {
            timestamp,
            earliest,
            latest,
        }
    }

    fn reject(&mut self, index: u32, reason: RejectionReason) {
        self.rejected_count += 1;
        self.timestamps |= matches!(reason, RejectionReason::Timestamp { .. });
        if self.rejections.len() < REJECTIONS_KEPT_MAX {
            self.rejections.push(RecordRejection { index, reason });
        }
    }

    fn verdict(self) -> Result<Option<Timestamp>, ProduceError> {
        let Judge {
            rejections,
            rejected_count,
            timestamps,
            ..
        } = self;
        if rejections.is_empty() {
            return Ok(self.max_timestamp);
        }
        Err(ProduceError::Rejected {
            rejections,
            rejected_count,
            timestamps,
        })
    }
}

fn explain(shapes: &ShapeReader<Decompressor<'_>>, index: u32, error: ShapeError) -> ProduceError {
    match error {
        ShapeError::Record(problem) => malformed(index, problem),
        ShapeError::Stream(error) => shapes.stream().explain(&error).into(),
    }
}

fn malformed(index: u32, problem: RecordProblem) -> ProduceError {
    RecordsError::from(RecordError { index, problem }).into()
}
