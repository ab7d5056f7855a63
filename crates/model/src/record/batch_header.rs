use super::compression::Compression;
use crate::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// The bytes that say where a batch begins and ends: base offset and length.
pub const BATCH_FRAME_BYTES: usize = 12;

/// The bytes of a batch before its records.
pub const BATCH_HEADER_BYTES: usize = 61;

/// The version of the format. Versions 0 and 1 left Kafka with 4.0 (KIP-724).
pub const MAGIC: i8 = 2;

/// Where each field of the header begins, in bytes from the start of the batch.
pub(super) mod at {
    pub(in crate::record) const BASE_OFFSET: usize = 0;
    pub(in crate::record) const LENGTH: usize = 8;
    pub(in crate::record) const LEADER_EPOCH: usize = 12;
    pub(in crate::record) const MAGIC: usize = 16;
    pub(in crate::record) const CRC: usize = 17;
    /// Also where the bytes begin that the CRC covers.
    pub(in crate::record) const ATTRIBUTES: usize = 21;
    pub(in crate::record) const LAST_OFFSET_DELTA: usize = 23;
    pub(in crate::record) const BASE_TIMESTAMP: usize = 27;
    pub(in crate::record) const MAX_TIMESTAMP: usize = 35;
    pub(in crate::record) const PRODUCER_ID: usize = 43;
    pub(in crate::record) const PRODUCER_EPOCH: usize = 51;
    pub(in crate::record) const BASE_SEQUENCE: usize = 53;
    pub(in crate::record) const RECORDS_COUNT: usize = 57;
    const _: () = assert!(RECORDS_COUNT + 4 == super::BATCH_HEADER_BYTES);
}

/// Why bytes are not the beginning of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes end inside the header. At the end of a log or a fetch this is a cut-off batch.
    #[error("a batch header ends after {available_bytes} bytes")]
    Incomplete { available_bytes: usize },
    /// The base offset is negative.
    #[error("base offset {0} is negative")]
    BaseOffset(i64),
    /// The length leaves no room for the header.
    #[error("batch length {0} is smaller than its header")]
    Length(i32),
    /// The format is an old or an unknown one.
    #[error("message format version {0} is not supported, only 2")]
    Magic(i8),
    /// The compression codec is unknown.
    #[error("compression codec {0} is unknown")]
    Compression(u8),
    /// The last offset lies before the first, or beyond the largest offset.
    #[error("last offset delta {last_offset_delta} at base offset {base_offset} is out of range")]
    LastOffsetDelta {
        base_offset: Offset,
        last_offset_delta: i32,
    },
    /// The number of records is negative.
    #[error("number of records {0} is negative")]
    RecordsCount(i32),
    /// There is a producer id, but no producer epoch.
    #[error("producer {producer} has epoch {epoch}")]
    ProducerEpoch { producer: ProducerId, epoch: i16 },
}

/// Where a batch begins in its log and how long it is: the first 12 bytes, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchFrame {
    /// The offset of the batch's first record.
    pub base_offset: Offset,
    /// The bytes of the whole batch, these 12 included.
    pub size_bytes: usize,
}

impl BatchFrame {
    /// Reads the first 12 bytes of `bytes`. The size is claimed, not verified.
    pub fn peek(bytes: &[u8]) -> Result<BatchFrame, HeaderError> {
        let Some(frame) = bytes.first_chunk::<BATCH_FRAME_BYTES>() else {
            return Err(HeaderError::Incomplete {
                available_bytes: bytes.len(),
            });
        };
        let base_offset = i64::from_be_bytes(field(frame, at::BASE_OFFSET));
        let base_offset = Offset::new(base_offset).map_err(|bad| HeaderError::BaseOffset(bad.0))?;
        let length = i32::from_be_bytes(field(frame, at::LENGTH));
        if length < (BATCH_HEADER_BYTES - BATCH_FRAME_BYTES) as i32 {
            return Err(HeaderError::Length(length));
        }
        Ok(BatchFrame {
            base_offset,
            size_bytes: length as usize + BATCH_FRAME_BYTES,
        })
    }
}

/// Whose clock the timestamps of a batch are from (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// The producer's: each record has its own.
    #[default]
    CreateTime,
    /// The broker's: all records have the batch's maximum timestamp.
    LogAppendTime,
}

impl TimestampType {
    /// Kafka's name, `CreateTime` or `LogAppendTime`.
    pub const fn name(self) -> &'static str {
        match self {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        }
    }
}

/// The flags of a batch. Bits that Kafka does not define are kept as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Attributes {
    bits: u16,
    compression: Compression,
}

impl Attributes {
    const COMPRESSION: u16 = 0x07;
    const LOG_APPEND_TIME: u16 = 0x08;
    const TRANSACTIONAL: u16 = 0x10;
    const CONTROL: u16 = 0x20;
    const DELETE_HORIZON: u16 = 0x40;

    /// Reads the flags, of which only the compression codec can be wrong.
    pub fn from_bits(bits: u16) -> Result<Attributes, HeaderError> {
        let code = (bits & Self::COMPRESSION) as u8;
        let compression = Compression::from_code(code).ok_or(HeaderError::Compression(code))?;
        Ok(Attributes { bits, compression })
    }

    /// The integer that the batch stores.
    pub const fn bits(self) -> u16 {
        self.bits
    }

    /// How the records are compressed.
    pub const fn compression(self) -> Compression {
        self.compression
    }

    /// Whose clock the timestamps are from.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.bits & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the records belong to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.bits & Self::TRANSACTIONAL != 0
    }

    /// Whether the record is a marker for the brokers and clients, not data.
    pub const fn is_control(self) -> bool {
        self.bits & Self::CONTROL != 0
    }

    /// Whether the base timestamp says when compaction may drop tombstones (KIP-534).
    pub const fn has_delete_horizon(self) -> bool {
        self.bits & Self::DELETE_HORIZON != 0
    }

    /// The same flags with another compression.
    #[must_use]
    pub const fn with_compression(self, compression: Compression) -> Attributes {
        let bits = self.bits & !Self::COMPRESSION | compression.code() as u16;
        Attributes { bits, compression }
    }

    /// The same flags with another timestamp type.
    #[must_use]
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Attributes {
        self.with(
            Self::LOG_APPEND_TIME,
            matches!(timestamp_type, TimestampType::LogAppendTime),
        )
    }

    /// The same flags, transactional or not.
    #[must_use]
    pub const fn with_transactional(self, transactional: bool) -> Attributes {
        self.with(Self::TRANSACTIONAL, transactional)
    }

    /// The same flags, of a control batch or not.
    #[must_use]
    pub const fn with_control(self, control: bool) -> Attributes {
        self.with(Self::CONTROL, control)
    }

    /// The same flags, with a delete horizon or without.
    #[must_use]
    pub const fn with_delete_horizon(self, horizon: bool) -> Attributes {
        self.with(Self::DELETE_HORIZON, horizon)
    }

    /// The flags `bits`, whatever else they say, with another timestamp type.
    pub(super) const fn timestamp_type_bits(bits: u16, timestamp_type: TimestampType) -> u16 {
        match timestamp_type {
            TimestampType::CreateTime => bits & !Self::LOG_APPEND_TIME,
            TimestampType::LogAppendTime => bits | Self::LOG_APPEND_TIME,
        }
    }

    const fn with(self, flag: u16, set: bool) -> Attributes {
        let bits = if set {
            self.bits | flag
        } else {
            self.bits & !flag
        };
        Attributes {
            bits,
            compression: self.compression,
        }
    }
}

/// Who wrote a batch, if an idempotent or transactional producer did, or a coordinator for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchProducer {
    /// The producer's id.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// The sequence number of the first record; none in control batches.
    pub base_sequence: Option<Sequence>,
}

/// The 61 bytes before the records, read and checked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record that the batch was written with.
    pub base_offset: Offset,
    /// The bytes of the whole batch.
    pub size_bytes: usize,
    /// The epoch of the leader that appended the batch; none before it was appended.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The CRC-32C of everything behind it, as stored.
    pub crc: u32,
    /// Compression, timestamp type and the other flags.
    pub attributes: Attributes,
    /// Last offset minus base offset. Compaction keeps it, so the batch may hold fewer records.
    pub last_offset_delta: u32,
    /// What the records' timestamps are relative to; any integer.
    pub base_timestamp: Timestamp,
    /// The largest timestamp in the batch; none if no record has one.
    pub max_timestamp: Option<Timestamp>,
    /// The producer's identity and sequence; none without idempotence.
    pub producer: Option<BatchProducer>,
    /// How many records the batch claims to hold.
    pub records_count: u32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`, which need not hold the records.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, HeaderError> {
        let frame = BatchFrame::peek(bytes)?;
        let Some(header) = bytes.first_chunk::<BATCH_HEADER_BYTES>() else {
            return Err(HeaderError::Incomplete {
                available_bytes: bytes.len(),
            });
        };
        let magic = i8::from_be_bytes(field(header, at::MAGIC));
        if magic != MAGIC {
            return Err(HeaderError::Magic(magic));
        }
        let epoch = i32::from_be_bytes(field(header, at::LEADER_EPOCH));
        let base_timestamp = i64::from_be_bytes(field(header, at::BASE_TIMESTAMP));
        let max_timestamp = i64::from_be_bytes(field(header, at::MAX_TIMESTAMP));
        let bits = u16::from_be_bytes(field(header, at::ATTRIBUTES));
        Ok(BatchHeader {
            base_offset: frame.base_offset,
            size_bytes: frame.size_bytes,
            leader_epoch: LeaderEpoch::from_wire(epoch),
            crc: u32::from_be_bytes(field(header, at::CRC)),
            attributes: Attributes::from_bits(bits)?,
            last_offset_delta: last_offset_delta(header, frame.base_offset)?,
            base_timestamp: Timestamp::from_millis(base_timestamp),
            max_timestamp: Timestamp::from_wire(max_timestamp),
            producer: producer(header)?,
            records_count: records_count(header)?,
        })
    }

    /// Writes the header as the first 61 bytes of a batch, with the CRC it carries.
    pub fn write(&self, header: &mut [u8; BATCH_HEADER_BYTES]) {
        let length = (self.size_bytes - BATCH_FRAME_BYTES) as i32;
        let epoch = self.leader_epoch.map_or(-1, LeaderEpoch::value);
        let max_timestamp = self.max_timestamp.map_or(-1, Timestamp::as_millis);
        let producer = self.producer;
        let sequence = producer.and_then(|producer| producer.base_sequence);
        let mut put = |position: usize, bytes: &[u8]| {
            header[position..position + bytes.len()].copy_from_slice(bytes);
        };
        put(at::BASE_OFFSET, &self.base_offset.value().to_be_bytes());
        put(at::LENGTH, &length.to_be_bytes());
        put(at::LEADER_EPOCH, &epoch.to_be_bytes());
        put(at::MAGIC, &MAGIC.to_be_bytes());
        put(at::CRC, &self.crc.to_be_bytes());
        put(at::ATTRIBUTES, &self.attributes.bits().to_be_bytes());
        put(at::LAST_OFFSET_DELTA, &self.last_offset_delta.to_be_bytes());
        put(
            at::BASE_TIMESTAMP,
            &self.base_timestamp.as_millis().to_be_bytes(),
        );
        put(at::MAX_TIMESTAMP, &max_timestamp.to_be_bytes());
        put(
            at::PRODUCER_ID,
            &producer.map_or(-1, |it| it.id.value()).to_be_bytes(),
        );
        put(
            at::PRODUCER_EPOCH,
            &producer.map_or(-1, |it| it.epoch.value()).to_be_bytes(),
        );
        put(
            at::BASE_SEQUENCE,
            &sequence.map_or(-1, Sequence::value).to_be_bytes(),
        );
        put(at::RECORDS_COUNT, &self.records_count.to_be_bytes());
    }

    /// The offset of the last record that the batch was written with.
    pub fn last_offset(&self) -> Offset {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The offset after the last record: where the next batch may begin.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// How the records are compressed.
    pub const fn compression(&self) -> Compression {
        self.attributes.compression()
    }

    /// The sequence number of the last record, if the records have any.
    pub fn last_sequence(&self) -> Option<Sequence> {
        let base = self.producer?.base_sequence?;
        Some(base.advance(self.last_offset_delta))
    }

    /// When compaction may drop the batch's tombstones and markers, once it has seen them.
    pub const fn delete_horizon(&self) -> Option<Timestamp> {
        if self.attributes.has_delete_horizon() {
            Some(self.base_timestamp)
        } else {
            None
        }
    }

    /// The timestamp that all records have under [`TimestampType::LogAppendTime`].
    pub(super) fn append_time(&self) -> Option<Timestamp> {
        match self.attributes.timestamp_type() {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => self.max_timestamp,
        }
    }
}

fn last_offset_delta(
    header: &[u8; BATCH_HEADER_BYTES],
    base_offset: Offset,
) -> Result<u32, HeaderError> {
    let last_offset_delta = i32::from_be_bytes(field(header, at::LAST_OFFSET_DELTA));
    // The offset after the last one must exist too: it is where the log ends.
    match base_offset.checked_add(i64::from(last_offset_delta) + 1) {
        Some(_) if last_offset_delta >= 0 => Ok(last_offset_delta as u32),
        _ => Err(HeaderError::LastOffsetDelta {
            base_offset,
            last_offset_delta,
        }),
    }
}

fn producer(header: &[u8; BATCH_HEADER_BYTES]) -> Result<Option<BatchProducer>, HeaderError> {
    let id = i64::from_be_bytes(field(header, at::PRODUCER_ID));
    let Some(id) = ProducerId::from_wire(id) else {
        return Ok(None);
    };
    let epoch = i16::from_be_bytes(field(header, at::PRODUCER_EPOCH));
    let Some(known_epoch) = ProducerEpoch::from_wire(epoch) else {
        return Err(HeaderError::ProducerEpoch {
            producer: id,
            epoch,
        });
    };
    let sequence = i32::from_be_bytes(field(header, at::BASE_SEQUENCE));
    let base_sequence = Sequence::from_wire(sequence);
    Ok(Some(BatchProducer {
        id,
        epoch: known_epoch,
        base_sequence,
    }))
}

fn records_count(header: &[u8; BATCH_HEADER_BYTES]) -> Result<u32, HeaderError> {
    let count = i32::from_be_bytes(field(header, at::RECORDS_COUNT));
    u32::try_from(count).map_err(|_| HeaderError::RecordsCount(count))
}

/// The `N` bytes at `position`; every caller stays within the header.
fn field<const N: usize>(header: &[u8], position: usize) -> [u8; N] {
    *header[position..]
        .first_chunk()
        .expect("the field lies within the header")
}
