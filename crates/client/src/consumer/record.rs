use bytes::Bytes;
use fleuve_model::record::{RecordBatch, TimestampType};
use fleuve_model::{LeaderEpoch, Offset, Timestamp, TopicPartition};

use crate::{ClientError, RecordHeader};

/// A record that was read. Key, value and headers are slices of what the broker sent, or of its
/// decompressed form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// Where it is from.
    pub partition: TopicPartition,
    /// Its place there.
    pub offset: Offset,
    /// Its time, if it has one.
    pub timestamp: Option<Timestamp>,
    /// Whose clock that is from.
    pub timestamp_type: TimestampType,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Vec<RecordHeader>,
    /// The epoch of the leader that wrote it.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A decompressed batch is refused beyond this, since a small one can claim to be huge.
const PLAIN_BYTES_MAX: usize = 1 << 30;

/// Reads the records of a batch from offset `from` on.
pub(super) fn records_of(
    partition: &TopicPartition,
    batch: &RecordBatch,
    from: Offset,
    records: &mut impl Extend<ConsumerRecord>,
) -> Result<(), ClientError> {
    let corrupt = |reason: String| ClientError::CorruptRecords {
        partition: partition.clone(),
        offset: batch.header().base_offset.value(),
        reason,
    };
    let plain = batch
        .plain_payload(PLAIN_BYTES_MAX)
        .map_err(|error| corrupt(error.to_string()))?;
    let slice = |bytes: &[u8]| {
        if bytes.is_empty() {
            Bytes::new()
        } else {
            plain.slice_ref(bytes)
        }
    };
    let header = batch.header();
    for record in batch.records_in(&plain) {
        let record = record.map_err(|error| corrupt(error.to_string()))?;
        if record.offset < from {
            continue;
        }
        let headers = record.headers.into_iter().map(|header| RecordHeader {
            key: slice(header.key),
            value: header.value.map(slice),
        });
        records.extend(Some(ConsumerRecord {
            partition: partition.clone(),
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: header.attributes.timestamp_type(),
            key: record.key.map(slice),
            value: record.value.map(slice),
            headers: headers.collect(),
            leader_epoch: header.leader_epoch,
        }));
    }
    Ok(())
}
