//! Changes to a batch in the buffer where it lies.
//!
//! A leader gives each batch its offset and its epoch, and under `LogAppendTime` its timestamp.
//! Offset and epoch lie outside the CRC; the timestamp lies inside, so the CRC is renewed. Each
//! function takes the batch's bytes from the first on and panics if they are shorter than what
//! it changes: callers have parsed them.

use super::batch_header::{Attributes, BATCH_HEADER_BYTES, TimestampType, at};
use super::crc::crc32c;
use crate::{LeaderEpoch, Offset, Timestamp};

/// Writes the batch's base offset and leader epoch; `batch` may be the header alone.
pub fn assign(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    assert!(
        batch.len() >= BATCH_HEADER_BYTES,
        "a batch holds its header"
    );
    put(batch, at::BASE_OFFSET, base_offset.value().to_be_bytes());
    put(batch, at::LEADER_EPOCH, leader_epoch.value().to_be_bytes());
}

/// Writes timestamp type and maximum timestamp; renews the CRC if that changes anything.
///
/// `batch` is the whole batch. With [`TimestampType::LogAppendTime`] this is how a broker sets
/// its time; with [`TimestampType::CreateTime`] how it corrects a maximum that a producer
/// claimed wrongly.
pub fn set_max_timestamp(
    batch: &mut [u8],
    timestamp_type: TimestampType,
    max_timestamp: Option<Timestamp>,
) {
    assert!(
        batch.len() >= BATCH_HEADER_BYTES,
        "a batch holds its header"
    );
    let old_bits = u16::from_be_bytes(get(batch, at::ATTRIBUTES));
    let bits = Attributes::timestamp_type_bits(old_bits, timestamp_type);
    let millis = max_timestamp.map_or(-1, Timestamp::as_millis);
    if bits == old_bits && millis == i64::from_be_bytes(get(batch, at::MAX_TIMESTAMP)) {
        return;
    }
    put(batch, at::ATTRIBUTES, bits.to_be_bytes());
    put(batch, at::MAX_TIMESTAMP, millis.to_be_bytes());
    refresh_crc(batch);
}

/// Computes and stores the CRC of a whole batch, and returns it.
pub fn refresh_crc(batch: &mut [u8]) -> u32 {
    let crc = crc32c(&batch[at::ATTRIBUTES..]);
    put(batch, at::CRC, crc.to_be_bytes());
    crc
}

fn put<const N: usize>(batch: &mut [u8], position: usize, bytes: [u8; N]) {
    batch[position..position + N].copy_from_slice(&bytes);
}

fn get<const N: usize>(batch: &[u8], position: usize) -> [u8; N] {
    *batch[position..]
        .first_chunk()
        .expect("the field lies within the header")
}
