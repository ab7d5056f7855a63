//! The `.snapshot` file: the producers of a log as of the offset that names the file.

use std::collections::{BTreeMap, VecDeque};

use fleuve_model::record::crc32c;
use fleuve_model::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::{ProducerEntry, RememberedBatch};

/// The version that Kafka writes (`ProducerSnapshot` in its schemas).
const VERSION: i16 = 1;

/// Version and CRC precede what the CRC covers.
const HEADER_BYTES: usize = 6;

const ENTRY_BYTES: usize = 46;

/// Why a snapshot is passed over; an older one, or the log itself, serves instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It was written by something newer, or is none.
    #[error("producer snapshot has version {0}, known is {VERSION}")]
    Version(i16),
    /// Its bytes are not those that were written.
    #[error("producer snapshot's CRC does not match")]
    Crc,
    /// It ends early, goes on too long or holds what cannot be.
    #[error("producer snapshot is malformed")]
    Malformed,
}

/// The content for a `.snapshot` file. Of each producer it holds the last batch alone.
pub fn encode_snapshot<'a>(
    producers: impl ExactSizeIterator<Item = (&'a ProducerId, &'a ProducerEntry)>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 + producers.len() * ENTRY_BYTES);
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(producers.len() as u32).to_be_bytes());
    for (producer, entry) in producers {
        encode_entry(*producer, entry, &mut bytes);
    }
    let crc = crc32c(&bytes[HEADER_BYTES..]);
    bytes[2..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn encode_entry(producer: ProducerId, entry: &ProducerEntry, bytes: &mut Vec<u8>) {
    let batch = entry.last_batch();
    let last_sequence = batch
        .and_then(|batch| batch.last_sequence)
        .map_or(-1, Sequence::value);
    let last_offset = batch.map_or(-1, |batch| batch.last_offset.value());
    let offset_delta = batch.map_or(0, |batch| batch.offset_delta);
    let timestamp = entry.last_timestamp.map_or(-1, Timestamp::as_millis);
    let transaction_start = entry.transaction_start.map_or(-1, Offset::value);
    bytes.extend_from_slice(&producer.value().to_be_bytes());
    bytes.extend_from_slice(&entry.epoch.map_or(-1, ProducerEpoch::value).to_be_bytes());
    bytes.extend_from_slice(&last_sequence.to_be_bytes());
    bytes.extend_from_slice(&last_offset.to_be_bytes());
    bytes.extend_from_slice(&offset_delta.to_be_bytes());
    bytes.extend_from_slice(&timestamp.to_be_bytes());
    bytes.extend_from_slice(&entry.coordinator_epoch.unwrap_or(-1).to_be_bytes());
    bytes.extend_from_slice(&transaction_start.to_be_bytes());
}

/// Reads what [`encode_snapshot`] or Kafka wrote.
pub fn decode_snapshot(
    content: &[u8],
) -> Result<BTreeMap<ProducerId, ProducerEntry>, SnapshotError> {
    let (version, rest) = content
        .split_first_chunk()
        .ok_or(SnapshotError::Malformed)?;
    let version = i16::from_be_bytes(*version);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let (crc, body) = rest.split_first_chunk().ok_or(SnapshotError::Malformed)?;
    if u32::from_be_bytes(*crc) != crc32c(body) {
        return Err(SnapshotError::Crc);
    }
    let (count, entries) = body.split_first_chunk().ok_or(SnapshotError::Malformed)?;
    let count = u32::from_be_bytes(*count) as usize;
    if entries.len()
        != count
            .checked_mul(ENTRY_BYTES)
            .ok_or(SnapshotError::Malformed)?
    {
        return Err(SnapshotError::Malformed);
    }
    entries
        .chunks_exact(ENTRY_BYTES)
        .map(|bytes| decode_entry(bytes).ok_or(SnapshotError::Malformed))
        .collect()
}

fn decode_entry(bytes: &[u8]) -> Option<(ProducerId, ProducerEntry)> {
    let (producer, bytes) = bytes.split_first_chunk()?;
    let (epoch, bytes) = bytes.split_first_chunk()?;
    let (last_sequence, bytes) = bytes.split_first_chunk()?;
    let (last_offset, bytes) = bytes.split_first_chunk()?;
    let (offset_delta, bytes) = bytes.split_first_chunk()?;
    let (timestamp, bytes) = bytes.split_first_chunk()?;
    let (coordinator_epoch, bytes) = bytes.split_first_chunk()?;
    let (transaction_start, _) = bytes.split_first_chunk()?;

    let timestamp = Timestamp::from_wire(i64::from_be_bytes(*timestamp));
    let coordinator_epoch = i32::from_be_bytes(*coordinator_epoch);
    let mut batches = VecDeque::new();
    if let Some(last_offset) = Offset::from_wire(i64::from_be_bytes(*last_offset)) {
        batches.push_back(RememberedBatch {
            last_sequence: Sequence::from_wire(i32::from_be_bytes(*last_sequence)),
            last_offset,
            offset_delta: u32::try_from(i32::from_be_bytes(*offset_delta)).ok()?,
            timestamp,
        });
    }
    let entry = ProducerEntry {
        epoch: ProducerEpoch::from_wire(i16::from_be_bytes(*epoch)),
        coordinator_epoch: (coordinator_epoch >= 0).then_some(coordinator_epoch),
        last_timestamp: timestamp,
        transaction_start: Offset::from_wire(i64::from_be_bytes(*transaction_start)),
        batches,
    };
    Some((ProducerId::from_wire(i64::from_be_bytes(*producer))?, entry))
}
