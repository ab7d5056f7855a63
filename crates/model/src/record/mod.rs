//! Record batches, version 2: the one format of Kafka's log and wire (KIP-98, KIP-82).
//!
//! A batch is a header of 61 bytes and its records, compressed as a whole or not at all. It is
//! never decoded into objects: [`RecordBatch`] is a checked header over refcounted [`bytes::Bytes`],
//! and [`Records`] walks the records in place, as slices. Nothing here allocates by a count or
//! a length that the bytes claim, and every decompression has a bound given by the caller.
//!
//! Start at [`RecordBatch::parse`] for one batch, [`Batches`] for a buffer of them,
//! [`ProduceRules::check`] for what a client sent, and [`BatchBuilder`] for writing one. The
//! bytes are described in `docs/formats/record-batch.md`.

mod batch;
mod batch_header;
mod builder;
mod compression;
mod control;
mod crc;
pub mod patch;
mod records;
mod shape;
mod timestamps;
mod validation;
pub mod varint;

pub use batch::{BatchError, Batches, RecompressError, RecordBatch};
pub use batch_header::{
    Attributes, BATCH_FRAME_BYTES, BATCH_HEADER_BYTES, BatchFrame, BatchHeader, BatchProducer,
    HeaderError, MAGIC, TimestampType,
};
pub use builder::{AppendError, BatchBuilder, BatchSettings, BuildError, NO_HEADERS};
pub use compression::{
    CompressError, Compression, CompressionLevelOutOfRange, CompressionSetting, Compressor,
    DecompressError, Decompressor, decompress,
};
pub use control::{
    ControlError, ControlType, EndTransactionMarker, TransactionResult, control_type,
};
pub use crc::crc32c;
pub use records::{
    Header, Headers, Record, RecordError, RecordProblem, Records, RecordsError, RecordsWalked,
};
pub use timestamps::{ReadError, RecordPosition};
pub use validation::{
    BatchRefusal, PLAIN_BYTES_MAX_DEFAULT, ProduceError, ProduceRules, REJECTIONS_KEPT_MAX,
    RecordRejection, RejectionReason, ValidationDepth,
};
