use std::time::Duration;

use bytes::Bytes;
use fleuve_model::record::{
    Attributes, BatchError, BatchHeader, BatchProducer, BatchRefusal, BatchSettings, Compression,
    DecompressError, HeaderError, ProduceError, ProduceRules, REJECTIONS_KEPT_MAX, RecordError,
    RecordProblem, RecordRejection, RecordsError, RejectionReason, TimestampType, ValidationDepth,
};
use fleuve_model::{Offset, ProducerEpoch, ProducerId, Timestamp};

use super::samples::{Sample, batch_of, three_records, with_header};

/// A second after the latest of the three records.
const NOW: Timestamp = Timestamp::from_millis(2_003);

fn rules() -> ProduceRules {
    ProduceRules::at(NOW)
}

fn refusal(change: impl FnOnce(&mut BatchHeader)) -> BatchRefusal {
    let records = with_header(&three_records(Compression::None), change);
    match rules().check(&records) {
        Err(ProduceError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_untouched_batch_is_a_slice_of_the_request() {
    let batch = three_records(Compression::Zstd);
    let checked = rules()
        .check(batch.bytes())
        .expect("it is what a client sends");
    assert_eq!(checked.bytes().as_ptr(), batch.bytes().as_ptr());
}

#[test]
fn a_partition_takes_exactly_one_batch() {
    let batch = three_records(Compression::None).into_bytes();
    let two = Bytes::from([&batch[..], &batch].concat());
    let trailing_bytes = batch.len();
    assert_eq!(
        rules().check(&two),
        Err(ProduceError::Refused(BatchRefusal::MoreThanOneBatch {
            trailing_bytes
        }))
    );
    assert_eq!(
        rules().check(&Bytes::new()),
        Err(ProduceError::Refused(BatchRefusal::NoBatch))
    );
}

#[test]
fn headers_that_no_client_may_send_are_refused() {
    let one = Offset::new(1).expect("it is not negative");
    assert_eq!(
        refusal(|it| it.base_offset = one),
        BatchRefusal::BaseOffset(one)
    );
    assert_eq!(
        refusal(|it| it.last_offset_delta = 3),
        BatchRefusal::Count {
            records_count: 3,
            last_offset_delta: 3
        }
    );
    assert_eq!(
        refusal(|it| it.records_count = 0),
        BatchRefusal::Count {
            records_count: 0,
            last_offset_delta: 2
        }
    );
    assert_eq!(
        refusal(|it| it.attributes = it.attributes.with_control(true)),
        BatchRefusal::Control
    );
    assert_eq!(
        refusal(|it| it.attributes = it
            .attributes
            .with_timestamp_type(TimestampType::LogAppendTime)),
        BatchRefusal::LogAppendTime
    );
    assert_eq!(
        refusal(|it| it.attributes = it.attributes.with_delete_horizon(true)),
        BatchRefusal::DeleteHorizon
    );
    let id = ProducerId::new(1).expect("it is not negative");
    let epoch = ProducerEpoch::new(0).expect("it is not negative");
    assert_eq!(
        refusal(|it| it.producer = Some(BatchProducer {
            id,
            epoch,
            base_sequence: None
        })),
        BatchRefusal::Sequence
    );
}

#[test]
fn fewer_or_more_records_than_claimed_are_refused() {
    for compression in Compression::ALL {
        let batch = three_records(compression);
        let more = with_header(&batch, |it| {
            (it.records_count, it.last_offset_delta) = (4, 3)
        });
        let index = 3;
        let problem = match rules().check(&more) {
            Err(ProduceError::Records(RecordsError::Record(error))) => {
                assert_eq!(error.index, index);
                error.problem
            }
            other => panic!("{compression}: {other:?}"),
        };
        assert!(matches!(
            problem,
            RecordProblem::Truncated | RecordProblem::Varint
        ));

        let fewer = with_header(&batch, |it| {
            (it.records_count, it.last_offset_delta) = (2, 1)
        });
        let left_over = RecordsError::LeftOver { records_count: 2 };
        assert_eq!(
            rules().check(&fewer),
            Err(ProduceError::Records(left_over)),
            "{compression}"
        );
    }
}

#[test]
fn records_out_of_their_places_are_refused() {
    for compression in Compression::ALL {
        let mut builder = fleuve_model::record::BatchBuilder::new();
        for delta in [0, 2] {
            builder
                .append_at(
                    delta,
                    Some(NOW),
                    None,
                    None,
                    fleuve_model::record::NO_HEADERS,
                )
                .expect("offsets grow");
        }
        let settings = BatchSettings {
            last_offset_delta: Some(1),
            ..BatchSettings::default()
        };
        let mut compressor =
            fleuve_model::record::Compressor::new(compression).expect("every codec works");
        let batch = builder
            .build_compressed(&settings, &mut compressor)
            .expect("it is small");
        let inner = BatchRefusal::InnerOffset {
            index: 1,
            offset_delta: 2,
        };
        assert_eq!(
            rules().check(batch.bytes()),
            Err(ProduceError::Refused(inner))
        );
    }
}

#[test]
fn compacted_topics_name_each_record_without_a_key() {
    for compression in Compression::ALL {
        let batch = three_records(compression);
        // The header knows no keys, so looking only at it is not enough here.
        let depth = ValidationDepth::Header;
        let rules = ProduceRules {
            keys_required: true,
            depth,
            ..rules()
        };
        let rejection = RecordRejection {
            index: 1,
            reason: RejectionReason::KeyMissing,
        };
        assert_eq!(
            rules.check(batch.bytes()),
            Err(ProduceError::Rejected {
                rejections: vec![rejection],
                rejected_count: 1,
                timestamps: false
            })
        );
    }
}

#[test]
fn timestamps_too_far_from_now_are_rejected_each() {
    let earliest = Timestamp::from_millis(1_001);
    let latest = Timestamp::from_millis(1_002);
    let rules = ProduceRules {
        now: latest,
        timestamp_before_max: Duration::from_millis(1),
        timestamp_after_max: Duration::ZERO,
        ..rules()
    };
    let reject = |index, millis| {
        let timestamp = Timestamp::from_millis(millis);
        let reason = RejectionReason::Timestamp {
            timestamp,
            earliest,
            latest,
        };
        RecordRejection { index, reason }
    };
    for compression in Compression::ALL {
        assert_eq!(
            rules.check(three_records(compression).bytes()),
            Err(ProduceError::Rejected {
                rejections: vec![reject(0, 1_000), reject(1, 1_003)],
                rejected_count: 2,
                timestamps: true
            })
        );
    }
}

#[test]
fn a_batch_of_rejected_records_makes_an_error_of_bounded_size() {
    let count = REJECTIONS_KEPT_MAX + 500;
    let samples = vec![Sample::new(0, None, None); count];
    let batch = batch_of(&samples, &BatchSettings::default(), Compression::Gzip);
    let rules = ProduceRules {
        keys_required: true,
        ..rules()
    };
    match rules.check(batch.bytes()) {
        Err(ProduceError::Rejected {
            rejections,
            rejected_count,
            ..
        }) => {
            assert_eq!(
                (rejections.len(), rejected_count as usize),
                (REJECTIONS_KEPT_MAX, count)
            );
        }
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn log_append_time_overwrites_the_producers_times() {
    let rules = ProduceRules {
        timestamp_type: TimestampType::LogAppendTime,
        timestamp_before_max: Duration::ZERO,
        ..rules()
    };
    for compression in Compression::ALL {
        let batch = three_records(compression);
        let checked = rules
            .check(batch.bytes())
            .expect("the producer's times do not count");
        assert_eq!(checked.verify_crc(), Ok(()));
        assert_eq!(checked.header().max_timestamp, Some(NOW));
        let times = super::samples::read(&checked);
        assert!(times.iter().all(|record| record.timestamp == Some(NOW)));
    }
}

#[test]
fn a_maximum_timestamp_claimed_wrongly_is_corrected() {
    let claimed = Some(Timestamp::from_millis(1_500));
    for compression in Compression::ALL {
        let batch = three_records(compression);
        let wrong = with_header(&batch, |header| header.max_timestamp = claimed);
        assert_eq!(rules().check(&wrong), Ok(batch));
        let header_only = ProduceRules {
            depth: ValidationDepth::Header,
            ..rules()
        };
        let trusted = header_only.check(&wrong).expect("the header is plausible");
        assert_eq!(trusted.bytes(), &wrong);
    }
}

#[test]
fn the_header_alone_is_enough_to_reject_its_own_times() {
    let header_only = ProduceRules {
        depth: ValidationDepth::Header,
        ..rules()
    };
    let future = Some(NOW.saturating_add(Duration::from_secs(2 * 60 * 60)));
    let batch = three_records(Compression::None);
    let wrong = with_header(&batch, |header| header.max_timestamp = future);
    let error = header_only.check(&wrong).expect_err("it is too late");
    assert!(
        matches!(
            error,
            ProduceError::Rejected {
                timestamps: true,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_batch_larger_than_the_topic_allows_is_refused_before_it_is_read() {
    let batch = three_records(Compression::None);
    let size_bytes = batch.header().size_bytes;
    let rules = ProduceRules {
        batch_bytes_max: size_bytes - 1,
        ..rules()
    };
    assert_eq!(
        rules.check(batch.bytes()),
        Err(ProduceError::TooLarge {
            size_bytes,
            bytes_max: size_bytes - 1
        })
    );
}

#[test]
fn a_small_batch_that_holds_too_much_is_refused() {
    let zeroes = "0".repeat(10_000_000);
    let samples = [Sample::new(0, None, Some(&zeroes))];
    let bytes_max = 1_000_000;
    for compression in &Compression::ALL[1..] {
        let batch = batch_of(&samples, &BatchSettings::default(), *compression);
        let rules = ProduceRules {
            plain_bytes_max: bytes_max,
            ..rules()
        };
        assert_eq!(
            rules.check(batch.bytes()),
            Err(ProduceError::Decompress(DecompressError::TooLarge {
                bytes_max
            })),
            "{compression}"
        );
        let mut scratch = Vec::new();
        assert!(batch.records(&mut scratch, bytes_max).is_err());
        assert!(
            scratch.capacity() <= 4 * bytes_max,
            "{compression}: {}",
            scratch.capacity()
        );
    }
}

#[test]
fn exactly_as_much_as_allowed_may_come_out() {
    let samples = [Sample::new(0, None, Some("0".repeat(100_000).as_str()))];
    let plain_bytes = batch_of(&samples, &BatchSettings::default(), Compression::None)
        .payload()
        .len();
    for compression in Compression::ALL {
        let batch = batch_of(&samples, &BatchSettings::default(), compression);
        assert!(batch.plain_payload(plain_bytes).is_ok(), "{compression}");
        let short = batch.plain_payload(plain_bytes - 1);
        assert_eq!(short.is_err(), !compression.is_none(), "{compression}");
    }
}

#[test]
fn every_flipped_bit_is_detected() {
    let batch = three_records(Compression::Snappy);
    let bytes = batch.bytes();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let checked = rules().check(&Bytes::from(flipped));
        // The leader epoch belongs to the leader, who overwrites it.
        let is_leader_epoch = (12..16).contains(&(bit / 8));
        assert_eq!(checked.is_err(), !is_leader_epoch, "bit {bit}: {checked:?}");
    }
}

#[test]
fn unknown_formats_are_refused_by_name() {
    let mut bytes = three_records(Compression::None).bytes().to_vec();
    bytes[16] = 1;
    assert_eq!(
        rules().check(&Bytes::from(bytes)),
        Err(ProduceError::Batch(BatchError::Header(HeaderError::Magic(
            1
        ))))
    );
    assert_eq!(Attributes::from_bits(5), Err(HeaderError::Compression(5)));
}

#[test]
fn a_record_longer_than_its_batch_is_malformed() {
    let mut bytes = three_records(Compression::None).bytes().to_vec();
    bytes[61] = 0x7e;
    fleuve_model::record::patch::refresh_crc(&mut bytes);
    let error = RecordError {
        index: 0,
        problem: RecordProblem::Truncated,
    };
    assert_eq!(
        rules().check(&Bytes::from(bytes)),
        Err(ProduceError::Records(RecordsError::Record(error)))
    );
}
