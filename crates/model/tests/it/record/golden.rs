//! Batches that Apache Kafka made, read; and made again, byte for byte where no codec's own
//! choices show.
//!
//! The file comes from `compat/java/RecordBatchGoldens.java`, which says how to make it anew.

use bytes::Bytes;
use fleuve_model::record::{
    Attributes, BatchBuilder, BatchProducer, BatchSettings, Compression, Compressor, ControlType,
    EndTransactionMarker, NO_HEADERS, RecordBatch, TimestampType, TransactionResult, control_type,
};
use fleuve_model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use super::samples::{PLAIN_BYTES_MAX, Sample, batch_of, read};

const GOLDENS: &str = include_str!("../../golden/record-batches.txt");

fn golden(name: &str) -> RecordBatch {
    let line = GOLDENS
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let bytes = Bytes::from(from_hex(
        line.expect("there is a golden batch of that name"),
    ));
    let batch = RecordBatch::parse_verified(&bytes).expect("Kafka's batches are whole");
    assert_eq!(batch.bytes().len(), bytes.len(), "{name} is one batch");
    batch
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("it is hexadecimal") as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn few() -> Vec<Sample> {
    let mut with_headers = Sample::new(1_700_000_000_100, None, Some("second"));
    with_headers.headers = vec![
        (b"trace".to_vec(), Some(b"1".to_vec())),
        (b"none".to_vec(), None),
    ];
    vec![
        Sample::new(1_700_000_000_000, Some("a"), Some("first")),
        with_headers,
        Sample::new(1_700_000_000_050, Some("a"), None),
        Sample::new(1_699_999_999_000, Some(""), Some("")),
    ]
}

fn many() -> Vec<Sample> {
    let sample = |number: i64| {
        let key = format!("key-{}", number % 10);
        let value = format!("{}{number}", "value ".repeat(15));
        Sample::new(1_700_000_000_000 + number, Some(&key), Some(&value))
    };
    (0..1_000).map(sample).collect()
}

/// What the golden batches have in common.
fn settings() -> BatchSettings {
    BatchSettings {
        base_offset: Offset::new(40).expect("it is not negative"),
        leader_epoch: Some(LeaderEpoch::new(3).expect("it is not negative")),
        ..BatchSettings::default()
    }
}

fn producer(base_sequence: Option<i32>) -> BatchProducer {
    BatchProducer {
        id: ProducerId::new(4_000_000_001).expect("it is not negative"),
        epoch: ProducerEpoch::new(7).expect("it is not negative"),
        base_sequence: base_sequence.and_then(Sequence::from_wire),
    }
}

#[test]
fn kafkas_batches_are_read_in_every_compression() {
    for compression in Compression::ALL {
        let batch = golden(&format!("few-{compression}"));
        assert_eq!(batch.header().compression(), compression);
        assert_eq!(read(&batch), few(), "{compression}");
    }
    for compression in &Compression::ALL[1..] {
        assert_eq!(
            read(&golden(&format!("many-{compression}"))),
            many(),
            "{compression}"
        );
    }
}

#[test]
fn kafkas_batches_are_read_at_every_level() {
    for name in ["few-gzip-9", "few-lz4-17", "few-zstd-22"] {
        assert_eq!(read(&golden(name)), few(), "{name}");
    }
}

#[test]
fn kafkas_headers_say_what_kafka_wrote() {
    let header = *golden("idempotent").header();
    assert_eq!(header.base_offset.value(), 40);
    assert_eq!(header.last_offset().value(), 43);
    assert_eq!(header.leader_epoch, LeaderEpoch::from_wire(3));
    assert_eq!(
        header.base_timestamp,
        Timestamp::from_millis(1_700_000_000_000)
    );
    assert_eq!(
        header.max_timestamp,
        Some(Timestamp::from_millis(1_700_000_000_100))
    );
    assert_eq!(header.producer, Some(producer(Some(i32::MAX - 1))));
    assert_eq!(
        header.last_sequence(),
        Sequence::from_wire(1),
        "sequences wrap to 0"
    );
    assert_eq!(header.records_count, 4);
    assert!(!header.attributes.is_transactional());
}

#[test]
fn uncompressed_batches_are_kafkas_byte_for_byte() {
    let plain = |settings: &BatchSettings| batch_of(&few(), settings, Compression::None);
    assert_eq!(plain(&settings()), golden("few-none"));

    let idempotent = BatchSettings {
        producer: Some(producer(Some(i32::MAX - 1))),
        ..settings()
    };
    assert_eq!(plain(&idempotent), golden("idempotent"));

    let transactional = BatchSettings {
        producer: Some(producer(Some(0))),
        attributes: Attributes::default().with_transactional(true),
        ..settings()
    };
    assert_eq!(plain(&transactional), golden("transactional"));
}

#[test]
fn lz4_and_snappy_frames_begin_as_kafkas_do() {
    for (compression, header_bytes) in [(Compression::Lz4, 7), (Compression::Snappy, 16)] {
        let ours = batch_of(&many(), &settings(), compression).payload();
        let kafkas = golden(&format!("many-{compression}")).payload();
        assert_eq!(
            ours[..header_bytes],
            kafkas[..header_bytes],
            "{compression}"
        );
    }
}

#[test]
fn log_append_time_is_every_records_time() {
    let batch = golden("log-append-time");
    assert_eq!(
        batch.header().attributes.timestamp_type(),
        TimestampType::LogAppendTime
    );
    let times: Vec<_> = read(&batch).iter().map(|record| record.timestamp).collect();
    assert_eq!(times, [Some(Timestamp::from_millis(1_700_000_999_999)); 4]);
}

#[test]
fn a_delete_horizon_leaves_the_records_times_alone() {
    let batch = golden("delete-horizon");
    assert_eq!(
        batch.header().delete_horizon(),
        Some(Timestamp::from_millis(1_700_000_500_000))
    );
    assert_eq!(read(&batch), few());
}

#[test]
fn batches_that_compaction_thinned_out_keep_their_offsets() {
    let batch = golden("thinned-out");
    assert_eq!(batch.header().last_offset_delta, 9);
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, PLAIN_BYTES_MAX)
        .expect("it is plain");
    let offsets: Vec<_> = records
        .map(|record| record.expect("it is whole").offset.value())
        .collect();
    assert_eq!(offsets, [42, 47]);

    let mut builder = BatchBuilder::new();
    for (delta, key, value) in [(2, "c", "2"), (7, "h", "7")] {
        let time = Some(Timestamp::from_millis(1_700_000_000_000 + i64::from(delta)));
        let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
        builder
            .append_at(delta, time, key, value, NO_HEADERS)
            .expect("offsets grow");
    }
    let settings = BatchSettings {
        producer: Some(producer(Some(100))),
        last_offset_delta: Some(9),
        ..settings()
    };
    assert_eq!(builder.build(&settings), Ok(batch));
}

#[test]
fn an_empty_batch_is_a_header() {
    let batch = golden("empty");
    assert_eq!(
        (
            batch.header().records_count,
            batch.header().last_offset().value()
        ),
        (0, 49)
    );
    assert_eq!(read(&batch), []);
    let settings = BatchSettings {
        producer: Some(producer(Some(100))),
        last_offset_delta: Some(9),
        max_timestamp: Some(Timestamp::from_millis(1_700_000_000_009)),
        ..settings()
    };
    assert_eq!(BatchBuilder::new().build(&settings), Ok(batch));
}

#[test]
fn records_without_a_timestamp_have_none() {
    let batch = golden("no-timestamp");
    assert_eq!(batch.header().max_timestamp, None);
    let samples = [
        Sample::new(-1, Some("a"), Some("first")),
        Sample::new(-1, Some("b"), Some("second")),
    ];
    assert_eq!(read(&batch), samples);
    assert_eq!(batch_of(&samples, &settings(), Compression::None), batch);
}

#[test]
fn end_transaction_markers_are_kafkas_byte_for_byte() {
    for (name, result) in [
        ("commit", TransactionResult::Commit),
        ("abort", TransactionResult::Abort),
    ] {
        let batch = golden(name);
        assert!(batch.header().attributes.is_control());
        let record = batch
            .records_in(&batch.payload())
            .next()
            .map(|record| EndTransactionMarker::parse(&record.expect("it is whole")));
        let marker = EndTransactionMarker {
            result,
            coordinator_epoch: 11,
        };
        assert_eq!(record, Some(Ok(Some(marker))));

        let BatchProducer { id, epoch, .. } = producer(None);
        let time = Timestamp::from_millis(1_700_000_000_002);
        let offset = Offset::new(80).expect("it is not negative");
        let leader_epoch = LeaderEpoch::new(5).expect("it is not negative");
        assert_eq!(
            marker.batch_at(id, epoch, time, offset, leader_epoch),
            batch
        );
    }
}

#[test]
fn a_leader_change_is_known_by_its_key() {
    let batch = golden("leader-change");
    let payload = batch.payload();
    let record = batch
        .records_in(&payload)
        .next()
        .expect("it has a record")
        .expect("it is whole");
    assert_eq!(control_type(&record), Ok(ControlType::LeaderChange));
    assert_eq!(EndTransactionMarker::parse(&record), Ok(None));
}

#[test]
fn recompression_keeps_what_the_header_says() {
    let batch = golden("transactional");
    let mut compressor = Compressor::new(Compression::Zstd).expect("every codec works");
    let other = batch
        .recompressed(&mut compressor, PLAIN_BYTES_MAX)
        .expect("it is whole");
    assert_eq!(other.header().producer, batch.header().producer);
    assert_eq!(other.header().leader_epoch, batch.header().leader_epoch);
    assert!(other.header().attributes.is_transactional());
    assert_eq!(read(&other), few());
}
