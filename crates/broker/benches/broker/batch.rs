//! What is produced: batches of records of 100 bytes, built once.

use bytes::Bytes;
use fleuve_model::Timestamp;
use fleuve_model::record::{BatchBuilder, BatchSettings, NO_HEADERS};

/// A prebuilt batch.
#[derive(Clone)]
pub(crate) struct Batch {
    pub(crate) bytes: Bytes,
    pub(crate) records: i64,
}

/// As many records of 100 bytes as fit into `size_bytes`.
pub(crate) fn batch(size_bytes: usize) -> Batch {
    let mut builder = BatchBuilder::with_capacity(size_bytes + 200);
    let mut records = 0;
    while builder.size_bytes() + 112 <= size_bytes {
        let now = Some(Timestamp::from_millis(1_700_000_000_000));
        builder
            .append(now, None, Some(&noise(records)), NO_HEADERS)
            .expect("it fits");
        records += 1;
    }
    let batch = builder.build(&BatchSettings::default());
    Batch {
        bytes: batch.expect("it is small").into_bytes(),
        records: records as i64,
    }
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
