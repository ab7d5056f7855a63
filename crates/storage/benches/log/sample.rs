//! Medians, and what is appended.

use std::time::Duration;

use bytes::Bytes;
use fleuve_model::Timestamp;
use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS, RecordBatch};

/// Records of 100 bytes, as few as fill `size_bytes`.
pub(super) fn batch(size_bytes: usize) -> RecordBatch {
    let mut builder = BatchBuilder::with_capacity(size_bytes + 200);
    let mut number = 0_u64;
    while builder.size_bytes() + 112 <= size_bytes {
        let value = noise(number);
        number += 1;
        let time = Some(Timestamp::from_millis(1_700_000_000_000));
        builder
            .append(time, None, Some(&value), NO_HEADERS)
            .expect("it fits");
    }
    builder
        .build(&BatchSettings::default())
        .expect("it is small")
}

/// 100 bytes that no file system compresses.
fn noise(seed: u64) -> [u8; 100] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::array::from_fn(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
}

/// A batch as a request brings it: bytes of its own, not yet looked at.
pub(super) fn as_received(batch: &RecordBatch) -> Bytes {
    Bytes::copy_from_slice(batch.bytes())
}

pub(super) fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations[durations.len() / 2]
}

pub(super) fn mib_per_second(bytes: usize, duration: Duration) -> f64 {
    bytes as f64 / duration.as_secs_f64() / f64::from(1 << 20)
}
