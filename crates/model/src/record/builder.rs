use super::batch::RecordBatch;
use super::batch_header::{Attributes, BATCH_HEADER_BYTES, BatchHeader, BatchProducer};
use super::compression::{CompressError, Compressor};
use super::records::Header;
use super::varint;
use crate::{LeaderEpoch, Offset, Timestamp};

/// For records without headers.
pub const NO_HEADERS: [Header<'static>; 0] = [];

/// The largest batch: its length field holds 31 bits.
const BATCH_BYTES_MAX: usize = i32::MAX as usize;

/// Why a record was not appended; the batch is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The batch would be larger than a batch can be.
    #[error("with this record the batch would have {size_bytes} bytes")]
    TooLarge { size_bytes: usize },
    /// The offset does not follow the last record's, or lies too far behind the first.
    #[error("offset delta {offset_delta} cannot follow {last_offset_delta:?}")]
    OffsetDelta {
        offset_delta: u32,
        last_offset_delta: Option<u32>,
    },
}

/// Why a batch could not be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The codec failed.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// Compression made it larger than a batch can be.
    #[error("the compressed batch is larger than a batch can be")]
    TooLarge,
}

/// What a batch's header says besides what its records determine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BatchSettings {
    /// The offset of the batch; producers leave it 0.
    pub base_offset: Offset,
    /// The epoch of the leader; producers leave it out.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The producer's identity and sequence.
    pub producer: Option<BatchProducer>,
    /// Timestamp type, transactional, control; the compression in it is the compressor's.
    pub attributes: Attributes,
    /// A last offset beyond the last record's, for batches that compaction thinned out.
    pub last_offset_delta: Option<u32>,
    /// A maximum timestamp other than the records', for `LogAppendTime`.
    pub max_timestamp: Option<Timestamp>,
}

/// Writes one batch after another.
///
/// Appending writes the record into the batch's own buffer and allocates nothing else.
/// [`BatchBuilder::build`] gives the batch away and leaves the builder empty for the next.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    /// The header's place and then the records, uncompressed.
    bytes: Vec<u8>,
    capacity_bytes: usize,
    base_timestamp: i64,
    max_timestamp: i64,
    last_offset_delta: Option<u32>,
    records_count: u32,
}

/// The wire's "no timestamp".
const NO_TIMESTAMP: i64 = -1;

impl Default for BatchBuilder {
    fn default() -> BatchBuilder {
        BatchBuilder::new()
    }
}

impl BatchBuilder {
    /// An empty batch whose buffer grows as needed.
    pub fn new() -> BatchBuilder {
        BatchBuilder::with_capacity(BATCH_HEADER_BYTES)
    }

    /// An empty batch with room for `capacity_bytes`, as each batch after it will have.
    pub fn with_capacity(capacity_bytes: usize) -> BatchBuilder {
        let capacity_bytes = capacity_bytes.max(BATCH_HEADER_BYTES);
        let mut builder = BatchBuilder {
            bytes: Vec::new(),
            capacity_bytes,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            last_offset_delta: None,
            records_count: 0,
        };
        builder.reset();
        builder
    }

    /// The bytes of the batch so far, uncompressed.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many records it holds.
    pub const fn records_count(&self) -> u32 {
        self.records_count
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.records_count == 0
    }

    /// What a record adds to the batch at the most, for deciding whether it still fits.
    pub fn record_size_max<'h>(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl IntoIterator<Item = Header<'h>>,
    ) -> usize {
        const LENGTH: usize = 5;
        const FIXED: usize = LENGTH + 1 + 10 + 5 + LENGTH;
        let headers = headers.into_iter();
        FIXED
            + size_of_bytes(key)
            + size_of_bytes(value)
            + headers.map(size_of_header).sum::<usize>()
    }

    /// Appends a record behind the last one.
    ///
    /// `headers` is walked twice: once to measure, once to write.
    pub fn append<'h, H>(
        &mut self,
        timestamp: Option<Timestamp>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: H,
    ) -> Result<(), AppendError>
    where
        H: IntoIterator<Item = Header<'h>, IntoIter: Clone>,
    {
        let next = self
            .last_offset_delta
            .map_or(0, |last| last.saturating_add(1));
        self.append_at(next, timestamp, key, value, headers)
    }

    /// Appends a record at an offset of its own, later than the last one's: for compaction,
    /// which leaves gaps.
    pub fn append_at<'h, H>(
        &mut self,
        offset_delta: u32,
        timestamp: Option<Timestamp>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: H,
    ) -> Result<(), AppendError>
    where
        H: IntoIterator<Item = Header<'h>, IntoIter: Clone>,
    {
        let headers = headers.into_iter();
        let delta = self.checked_offset_delta(offset_delta)?;
        let millis = timestamp.map_or(NO_TIMESTAMP, Timestamp::as_millis);
        let base_timestamp = if self.is_empty() {
            millis
        } else {
            self.base_timestamp
        };
        let timestamp_delta = millis.wrapping_sub(base_timestamp);

        let (headers_count, headers_bytes) = measure(headers.clone());
        let body_bytes = 1
            + varint::size_i64(timestamp_delta)
            + varint::size_i32(delta)
            + size_of_bytes(key)
            + size_of_bytes(value)
            + varint::size_i32(headers_count as i32)
            + headers_bytes;
        let size_bytes = self.bytes.len() + body_bytes + varint::size_i32(i32::MAX);
        if size_bytes > BATCH_BYTES_MAX {
            return Err(AppendError::TooLarge { size_bytes });
        }

        let out = &mut self.bytes;
        varint::put_i32(out, body_bytes as i32);
        out.push(0);
        varint::put_i64(out, timestamp_delta);
        varint::put_i32(out, delta);
        put_bytes(out, key);
        put_bytes(out, value);
        varint::put_i32(out, headers_count as i32);
        for header in headers {
            put_bytes(out, Some(header.key));
            put_bytes(out, header.value);
        }
        self.base_timestamp = base_timestamp;
        self.max_timestamp = self.max_timestamp.max(millis);
        self.last_offset_delta = Some(offset_delta);
        self.records_count += 1;
        Ok(())
    }

    fn checked_offset_delta(&self, offset_delta: u32) -> Result<i32, AppendError> {
        let last_offset_delta = self.last_offset_delta;
        match i32::try_from(offset_delta) {
            Ok(delta) if last_offset_delta.is_none_or(|last| last < offset_delta) => Ok(delta),
            _ => Err(AppendError::OffsetDelta {
                offset_delta,
                last_offset_delta,
            }),
        }
    }

    /// Closes the batch without compression and begins the next.
    pub fn build(&mut self, settings: &BatchSettings) -> Result<RecordBatch, BuildError> {
        let header = self.header(settings, Attributes::default());
        let bytes = self.reset();
        RecordBatch::sealed(header, bytes).ok_or(BuildError::TooLarge)
    }

    /// Closes the batch, its records compressed as `compressor` does it, and begins the next.
    pub fn build_compressed(
        &mut self,
        settings: &BatchSettings,
        compressor: &mut Compressor,
    ) -> Result<RecordBatch, BuildError> {
        let compression = compressor.compression();
        if compression.is_none() {
            return self.build(settings);
        }
        let header = self.header(
            settings,
            Attributes::default().with_compression(compression),
        );
        let mut compressed = Vec::with_capacity(self.bytes.len());
        compressed.resize(BATCH_HEADER_BYTES, 0);
        compressor.compress(&self.bytes[BATCH_HEADER_BYTES..], &mut compressed)?;
        self.clear();
        RecordBatch::sealed(header, compressed).ok_or(BuildError::TooLarge)
    }

    /// Forgets the records appended so far.
    pub fn clear(&mut self) {
        self.bytes.truncate(BATCH_HEADER_BYTES);
        self.forget_records();
    }

    /// Takes the buffer out and puts a new one in.
    fn reset(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.capacity_bytes);
        bytes.resize(BATCH_HEADER_BYTES, 0);
        self.forget_records();
        std::mem::replace(&mut self.bytes, bytes)
    }

    fn forget_records(&mut self) {
        self.base_timestamp = NO_TIMESTAMP;
        self.max_timestamp = NO_TIMESTAMP;
        self.last_offset_delta = None;
        self.records_count = 0;
    }

    fn header(&self, settings: &BatchSettings, compressed: Attributes) -> BatchHeader {
        let last_offset_delta = self.last_offset_delta.unwrap_or(0);
        BatchHeader {
            base_offset: settings.base_offset,
            size_bytes: self.bytes.len(),
            leader_epoch: settings.leader_epoch,
            crc: 0,
            attributes: settings
                .attributes
                .with_compression(compressed.compression()),
            last_offset_delta: settings.last_offset_delta.unwrap_or(last_offset_delta),
            base_timestamp: Timestamp::from_millis(self.base_timestamp),
            max_timestamp: settings
                .max_timestamp
                .or(Timestamp::from_wire(self.max_timestamp)),
            producer: settings.producer,
            records_count: self.records_count,
        }
    }
}

fn measure<'h>(headers: impl Iterator<Item = Header<'h>>) -> (usize, usize) {
    headers.fold((0, 0), |(count, bytes), header| {
        (count + 1, bytes + size_of_header(header))
    })
}

fn size_of_header(header: Header<'_>) -> usize {
    size_of_bytes(Some(header.key)) + size_of_bytes(header.value)
}

/// What a nullable run of bytes takes. A length beyond 31 bits counts in full, so that the
/// batch is refused as too large before its length is written.
fn size_of_bytes(bytes: Option<&[u8]>) -> usize {
    match bytes {
        Some(bytes) => varint::size_i64(bytes.len() as i64) + bytes.len(),
        None => varint::size_i32(-1),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            varint::put_i32(out, bytes.len() as i32);
            out.extend_from_slice(bytes);
        }
        None => varint::put_i32(out, -1),
    }
}
