//! Bytes that nobody wrote: whatever they are, reading ends in a value or an error.

use bytes::Bytes;
use fleuve_model::Timestamp;
use fleuve_model::record::{
    BatchSettings, Batches, Compression, EndTransactionMarker, ProduceRules, decompress, patch,
};
use proptest::prelude::*;

use super::samples::{any_compression, any_samples, batch_of};

/// Small, so that a bomb would show.
const PLAIN_BYTES_MAX: usize = 1 << 20;

/// Reads `bytes` in every way there is.
fn exercise(bytes: &[u8]) {
    let rules = ProduceRules {
        keys_required: true,
        plain_bytes_max: PLAIN_BYTES_MAX,
        ..ProduceRules::at(Timestamp::from_millis(1_000))
    };
    let buffer = Bytes::copy_from_slice(bytes);
    let _ = rules.check(&buffer);
    for batch in Batches::new(buffer).flatten() {
        let mut scratch = Vec::new();
        let _ = batch.latest(&mut scratch, PLAIN_BYTES_MAX);
        let Ok(records) = batch.records(&mut scratch, PLAIN_BYTES_MAX) else {
            continue;
        };
        for record in records.flatten() {
            let _ = EndTransactionMarker::parse(&record);
            assert_eq!(record.headers.count(), record.headers.len());
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn batches_with_changed_bytes_never_panic(
        samples in any_samples(),
        compression in any_compression(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let batch = batch_of(&samples, &BatchSettings::default(), compression);
        let mut bytes = batch.bytes().to_vec();
        for (index, byte) in changes {
            bytes[index.index(batch.bytes().len())] = byte;
        }
        exercise(&bytes);
        // With its CRC right, what was changed is what is judged.
        patch::refresh_crc(&mut bytes);
        exercise(&bytes);
    }

    #[test]
    fn truncated_payloads_are_errors(
        samples in any_samples(),
        compression in any_compression(),
        cut in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!compression.is_none());
        let batch = batch_of(&samples, &BatchSettings::default(), compression);
        let payload = batch.payload();
        let cut_off = &payload[..cut.index(payload.len())];
        let mut plain = Vec::new();
        let result = decompress(compression, cut_off, usize::MAX, &mut plain);
        // Snappy's framing has no end mark: cut between two blocks, it is a shorter stream.
        let whole = batch.plain_payload(usize::MAX).expect("it is whole");
        let is_shorter = compression == Compression::Snappy && plain.len() < whole.len();
        prop_assert!(result.is_err() || is_shorter);
    }

    #[test]
    fn garbage_never_decompresses_beyond_the_limit(
        compression in any_compression(),
        payload in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut plain = Vec::new();
        let _ = decompress(compression, &payload, PLAIN_BYTES_MAX, &mut plain);
        prop_assert!(plain.len() <= PLAIN_BYTES_MAX + 1);
    }
}

#[test]
fn claimed_sizes_are_not_believed() {
    // A Snappy block of 3 GiB, raw and as Java frames it.
    let raw = [0x80, 0x80, 0x80, 0x80, 0x0c, 0x00];
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06"[..], &raw].concat();
    for payload in [&raw[..], &framed] {
        let mut plain = Vec::new();
        assert!(decompress(Compression::Snappy, payload, usize::MAX, &mut plain).is_err());
        assert_eq!(plain.capacity(), 0);
    }
}
