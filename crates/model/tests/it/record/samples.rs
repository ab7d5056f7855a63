//! Batches to test with.

use bytes::Bytes;
use fleuve_model::record::{
    BatchBuilder, BatchHeader, BatchSettings, Compression, Compressor, Header, Record, RecordBatch,
};
use fleuve_model::{Offset, Timestamp};
use proptest::prelude::*;

/// More than any sample holds.
pub(crate) const PLAIN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A record as a producer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Sample {
    pub(crate) fn new(timestamp: i64, key: Option<&str>, value: Option<&str>) -> Sample {
        let owned = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        Sample {
            timestamp: Timestamp::from_wire(timestamp),
            key: owned(key),
            value: owned(value),
            headers: Vec::new(),
        }
    }

    pub(crate) fn read(record: &Record<'_>) -> Sample {
        let headers = record
            .headers
            .map(|it| (it.key.to_vec(), it.value.map(<[u8]>::to_vec)));
        Sample {
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        }
    }

    pub(crate) fn append_to(&self, builder: &mut BatchBuilder) {
        let headers = self.headers.iter();
        let headers = headers.map(|(key, value)| Header {
            key,
            value: value.as_deref(),
        });
        builder
            .append(
                self.timestamp,
                self.key.as_deref(),
                self.value.as_deref(),
                headers,
            )
            .expect("a sample fits");
    }
}

/// The batch of `samples` under `compression`.
pub(crate) fn batch_of(
    samples: &[Sample],
    settings: &BatchSettings,
    compression: Compression,
) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    for sample in samples {
        sample.append_to(&mut builder);
    }
    let mut compressor = Compressor::new(compression).expect("every codec works");
    builder
        .build_compressed(settings, &mut compressor)
        .expect("samples are small")
}

/// A batch of three records: one plain, one without key, one tombstone.
pub(crate) fn three_records(compression: Compression) -> RecordBatch {
    let samples = [
        Sample::new(1_000, Some("a"), Some("first")),
        Sample::new(1_003, None, Some("second")),
        Sample::new(1_001, Some("a"), None),
    ];
    batch_of(&samples, &BatchSettings::default(), compression)
}

/// The records of a batch, read.
pub(crate) fn read(batch: &RecordBatch) -> Vec<Sample> {
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, PLAIN_BYTES_MAX)
        .expect("it decompresses");
    records
        .map(|record| Sample::read(&record.expect("it is well formed")))
        .collect()
}

/// `batch` with another header, its CRC right.
pub(crate) fn with_header(batch: &RecordBatch, change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let mut bytes = batch.bytes().to_vec();
    let mut header = *batch.header();
    change(&mut header);
    header.write(bytes.first_chunk_mut().expect("a batch holds its header"));
    fleuve_model::record::patch::refresh_crc(&mut bytes);
    Bytes::from(bytes)
}

pub(crate) fn any_compression() -> impl Strategy<Value = Compression> {
    prop::sample::select(&Compression::ALL[..])
}

pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        // What compresses well, and is longer than one block of any framing now and then.
        (any::<u8>(), 0..100_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

pub(crate) fn any_sample() -> impl Strategy<Value = Sample> {
    let header = (
        prop::collection::vec(any::<u8>(), 0..8),
        prop::option::of(any_bytes()),
    );
    (
        prop::option::of((0..i64::MAX).prop_map(Timestamp::from_millis)),
        prop::option::of(any_bytes()),
        prop::option::of(any_bytes()),
        prop::collection::vec(header, 0..3),
    )
        .prop_map(|(timestamp, key, value, headers)| Sample {
            timestamp,
            key,
            value,
            headers,
        })
}

pub(crate) fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec(any_sample(), 1..12)
}

pub(crate) fn any_offset() -> impl Strategy<Value = Offset> {
    // Room for the batch itself before the largest offset.
    (0..i64::MAX - 1_000).prop_map(|value| Offset::new(value).expect("it is not negative"))
}
