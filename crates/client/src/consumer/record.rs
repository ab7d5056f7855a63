use bytes::Bytes;
use fleuve_model::record::{
    BatchHeader, Record, RecordBatch, Records, RecordsWalked, TimestampType,
};
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

/// A batch that was fetched, whose records are made when they are handed out.
#[derive(Clone, Debug)]
pub(super) struct FetchedBatch {
    batch: RecordBatch,
    /// The records' bytes, uncompressed, and how far they are handed out, once they are.
    begun: Option<(Bytes, RecordsWalked)>,
    /// Records before this are skipped: a batch is sent whole.
    from: Offset,
}

impl FetchedBatch {
    pub(super) fn new(batch: RecordBatch, from: Offset) -> FetchedBatch {
        FetchedBatch {
            batch,
            begun: None,
            from,
        }
    }

    /// What it takes as long as it is not handed out.
    pub(super) fn size_bytes(&self) -> usize {
        self.batch.bytes().len()
    }

    /// Puts further records into `records` until these are `records_max` or the batch is done;
    /// whether it is.
    pub(super) fn hand_out(
        &mut self,
        partition: &TopicPartition,
        records: &mut Vec<ConsumerRecord>,
        records_max: usize,
    ) -> Result<bool, ClientError> {
        let corrupt = |error: &dyn std::error::Error| ClientError::CorruptRecords {
            partition: partition.clone(),
            offset: self.batch.header().base_offset.value(),
            reason: error.to_string(),
        };
        let header = self.batch.header();
        let (plain, walked) = match self.begun.take() {
            Some((plain, walked)) => (plain, Some(walked)),
            None => {
                let plain = self.batch.plain_payload(PLAIN_BYTES_MAX);
                (plain.map_err(|error| corrupt(&error))?, None)
            }
        };
        let mut walk = match walked {
            Some(walked) => Records::resume(header, &plain, walked),
            None => Records::new(header, &plain),
        };
        let slices = Slices(&plain);
        while records.len() < records_max {
            let Some(record) = walk.next() else {
                return Ok(true);
            };
            let record = record.map_err(|error| corrupt(&error))?;
            if record.offset >= self.from {
                records.push(slices.record(partition, header, record));
            }
        }
        let walked = walk.walked();
        self.begun = Some((plain, walked));
        Ok(false)
    }
}

/// Makes records whose bytes are slices of a batch's.
struct Slices<'a>(&'a Bytes);

impl Slices<'_> {
    fn record(
        &self,
        partition: &TopicPartition,
        header: &BatchHeader,
        record: Record<'_>,
    ) -> ConsumerRecord {
        let headers = record.headers.map(|header| RecordHeader {
            key: self.slice(header.key),
            value: header.value.map(|value| self.slice(value)),
        });
        ConsumerRecord {
            partition: partition.clone(),
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: header.attributes.timestamp_type(),
            key: record.key.map(|key| self.slice(key)),
            value: record.value.map(|value| self.slice(value)),
            headers: headers.collect(),
            leader_epoch: header.leader_epoch,
        }
    }

    fn slice(&self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        self.0.slice_ref(bytes)
    }
}

#[cfg(test)]
mod tests {
    use fleuve_model::record::{
        BatchBuilder, BatchSettings, Compression, CompressionSetting, Compressor, NO_HEADERS,
    };
    use fleuve_model::{PartitionId, TopicName};

    use super::*;

    fn partition() -> TopicPartition {
        let topic = TopicName::new("t").expect("valid");
        TopicPartition::new(topic, PartitionId::new(0).expect("valid"))
    }

    /// A batch of records `0`, `1`, ... at offsets from 10 on.
    fn batch(count: u8, compression: Compression) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        for number in 0..count {
            let value = [b'0' + number];
            let appended = builder.append(None, None, Some(&value), NO_HEADERS);
            appended.expect("there is room");
        }
        let settings = BatchSettings {
            base_offset: Offset::from_wire(10).expect("not negative"),
            ..BatchSettings::default()
        };
        let mut compressor = Compressor::new(CompressionSetting::new(compression)).expect("there");
        let built = builder.build_compressed(&settings, &mut compressor);
        built.expect("it is small")
    }

    fn values(records: &[ConsumerRecord]) -> Vec<&[u8]> {
        let values = records.iter().map(|record| record.value.as_deref());
        values.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn a_batch_is_handed_out_in_portions_from_the_offset_that_was_asked_for() {
        for compression in [Compression::None, Compression::Lz4] {
            let from = Offset::from_wire(11).expect("not negative");
            let mut fetched = FetchedBatch::new(batch(5, compression), from);
            let mut records = Vec::new();
            let mut hand_out = |records: &mut Vec<_>| {
                let done = fetched.hand_out(&partition(), records, 2);
                done.expect("the batch is whole")
            };
            assert!(!hand_out(&mut records));
            assert_eq!(values(&records), [b"1", b"2"]);
            assert_eq!(records[0].offset, from);
            records.clear();
            assert!(!hand_out(&mut records));
            assert_eq!(values(&records), [b"3", b"4"]);
            records.clear();
            assert!(hand_out(&mut records), "only the end was left");
            assert!(records.is_empty());
        }
    }

    #[test]
    fn a_damaged_batch_is_named_with_its_partition() {
        let mut bytes = batch(2, Compression::None).into_bytes().to_vec();
        *bytes.last_mut().expect("it has records") = 0x7f;
        let damaged = RecordBatch::parse(&bytes.into()).expect("the header is whole");
        let mut fetched = FetchedBatch::new(damaged, Offset::ZERO);
        let mut records = Vec::new();
        let error = fetched.hand_out(&partition(), &mut records, 9);
        let error = error.expect_err("the last record is cut off");
        assert_eq!(values(&records), [b"0"]);
        assert!(error.to_string().contains("t-0"), "{error}");
    }
}
