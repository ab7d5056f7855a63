use bytes::Bytes;
use fleuve_model::record::{
    BatchSettings, Batches, Compression, Compressor, ProduceRules, RecordBatch,
};
use fleuve_model::{LeaderEpoch, Timestamp};
use proptest::prelude::*;

use super::samples::{
    PLAIN_BYTES_MAX, any_compression, any_offset, any_samples, batch_of, read, three_records,
};

proptest! {
    #[test]
    fn what_is_appended_is_read_back(samples in any_samples(), compression in any_compression()) {
        let batch = batch_of(&samples, &BatchSettings::default(), compression);
        let again = RecordBatch::parse_verified(batch.bytes()).expect("it is whole");
        prop_assert_eq!(again.header().compression(), compression);
        prop_assert_eq!(again.header().records_count as usize, samples.len());
        prop_assert_eq!(read(&again), samples);
    }

    #[test]
    fn validation_passes_what_the_builder_makes(
        samples in any_samples(),
        compression in any_compression(),
    ) {
        let batch = batch_of(&samples, &BatchSettings::default(), compression);
        let rules = ProduceRules {
            batch_bytes_max: usize::MAX,
            ..ProduceRules::at(Timestamp::from_millis(i64::MAX))
        };
        prop_assert_eq!(rules.check(batch.bytes()), Ok(batch));
    }

    #[test]
    fn recompression_changes_no_record(
        samples in any_samples(),
        from in any_compression(),
        to in any_compression(),
    ) {
        let batch = batch_of(&samples, &BatchSettings::default(), from);
        let mut compressor = Compressor::new(to).expect("every codec works");
        let other = batch.recompressed(&mut compressor, PLAIN_BYTES_MAX).expect("it is whole");
        prop_assert_eq!(other.verify_crc(), Ok(()));
        prop_assert_eq!(other.header().compression(), to);
        prop_assert_eq!(read(&other), samples);
    }

    #[test]
    fn assigning_an_offset_keeps_the_crc(offset in any_offset(), epoch in 0..i32::MAX) {
        let epoch = LeaderEpoch::new(epoch).expect("it is not negative");
        let batch = three_records(Compression::None);
        let vectored = [&batch.assigned_header(offset, epoch)[..], &batch.payload()].concat();
        let assigned = batch.assigned(offset, epoch);
        prop_assert_eq!(assigned.verify_crc(), Ok(()));
        prop_assert_eq!(assigned.header().base_offset, offset);
        prop_assert_eq!(assigned.header().leader_epoch, Some(epoch));
        prop_assert_eq!(assigned.bytes(), &vectored);
    }
}

#[test]
fn a_buffer_of_batches_ends_in_a_cut_off_one() {
    let batch = three_records(Compression::Lz4).into_bytes();
    let buffer = [&batch[..], &batch, &batch[..70]].concat();
    let walked: Vec<_> = Batches::new(Bytes::from(buffer)).collect();
    let [Ok(first), Ok(second), Err(last)] = &walked[..] else {
        panic!("{walked:?}")
    };
    assert_eq!((first.bytes(), second.bytes()), (&batch, &batch));
    assert!(last.is_incomplete());
}
