//! Record batches: every way of reading and judging one.

use bytes::Bytes;
use fleuve_model::record::{
    BatchBuilder, BatchProducer, BatchSettings, Batches, Compression, Compressor,
    EndTransactionMarker, Header, ProduceRules, Record, RecordBatch, TransactionResult, patch,
};
use fleuve_model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

/// What a batch may hold here: little, so that a run is fast and a bomb shows.
const PLAIN_BYTES_MAX: usize = 1 << 20;

/// Reads `data` as batches, as they are and with their CRCs made right.
pub fn record_batch(data: &[u8]) {
    let buffer = Bytes::copy_from_slice(data);
    judge(&buffer);
    let mut walked_bytes = 0;
    for batch in Batches::new(buffer).flatten() {
        assert_eq!(batch.bytes().len(), batch.header().size_bytes);
        walked_bytes += batch.bytes().len();
        read(&batch);
    }
    assert!(walked_bytes <= data.len());

    if let Ok(batch) = RecordBatch::parse(&Bytes::copy_from_slice(data)) {
        let mut bytes = batch.bytes().to_vec();
        patch::refresh_crc(&mut bytes);
        let bytes = Bytes::from(bytes);
        judge(&bytes);
        let batch = RecordBatch::parse_verified(&bytes).expect("only the CRC was wrong");
        read(&batch);
        assign(&batch);
    }
}

fn rules() -> ProduceRules {
    ProduceRules {
        plain_bytes_max: PLAIN_BYTES_MAX,
        timestamp_after_max: std::time::Duration::MAX,
        ..ProduceRules::at(Timestamp::from_millis(0))
    }
}

/// A batch that a leader accepts can be read by every consumer.
fn judge(records: &Bytes) {
    let _ = ProduceRules {
        keys_required: true,
        ..rules()
    }
    .check(records);
    let Ok(batch) = rules().check(records) else {
        return;
    };
    assert_eq!(batch.verify_crc(), Ok(()));
    let mut scratch = Vec::new();
    let walk = batch
        .records(&mut scratch, PLAIN_BYTES_MAX)
        .expect("validation decompressed it");
    let mut max_timestamp = None;
    let mut count = 0;
    for record in walk {
        let record = record.expect("validation read it");
        assert_eq!(record.offset_delta, count);
        max_timestamp = max_timestamp.max(record.timestamp);
        count += 1;
    }
    assert_eq!(count, batch.header().records_count);
    assert_eq!(max_timestamp, batch.header().max_timestamp);
    recompress(&batch);
}

fn read(batch: &RecordBatch) {
    let _ = batch.verify_crc();
    let mut scratch = Vec::new();
    let _ = batch.latest(&mut scratch, PLAIN_BYTES_MAX);
    let target = Timestamp::from_millis(1_000);
    let _ = batch.first_since(target, Offset::ZERO, &mut scratch, PLAIN_BYTES_MAX);
    let Ok(plain) = batch.plain_payload(PLAIN_BYTES_MAX) else {
        return;
    };
    let mut read_bytes = 0;
    for record in batch.records_in(&plain).flatten() {
        read_bytes += record.size_bytes;
        read_record(&record);
    }
    assert!(read_bytes <= plain.len());
}

fn read_record(record: &Record<'_>) {
    let _ = EndTransactionMarker::parse(record);
    let mut count = 0;
    for header in record.headers {
        assert!(header.key.len() <= record.size_bytes);
        count += 1;
    }
    assert_eq!(count, record.headers.len());
}

fn assign(batch: &RecordBatch) {
    let offset = Offset::new(1_234_567).expect("it is not negative");
    let epoch = LeaderEpoch::new(89).expect("it is not negative");
    let assigned = batch.clone().assigned(offset, epoch);
    assert_eq!(assigned.verify_crc(), Ok(()));
    assert_eq!(assigned.header().base_offset, offset);
    assert_eq!(assigned.payload(), batch.payload());
}

/// Another codec changes no record.
fn recompress(batch: &RecordBatch) {
    let from = batch.header().compression();
    let to = Compression::ALL[(from.code() as usize + 1) % Compression::ALL.len()];
    let mut compressor = Compressor::new(to).expect("every codec works");
    let other = batch
        .recompressed(&mut compressor, PLAIN_BYTES_MAX)
        .expect("it is readable");
    assert_eq!(other.verify_crc(), Ok(()));
    assert_eq!(
        other.plain_payload(PLAIN_BYTES_MAX),
        batch.plain_payload(PLAIN_BYTES_MAX)
    );
}

/// Batches of every kind, for mutations to begin with.
pub fn record_batch_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for compression in Compression::ALL {
        let mut compressor = Compressor::new(compression).expect("every codec works");
        for settings in [BatchSettings::default(), idempotent()] {
            let mut builder = three_records();
            let batch = builder.build_compressed(&settings, &mut compressor);
            seeds.push(batch.expect("it is small").into_bytes().to_vec());
        }
    }
    let marker = EndTransactionMarker {
        result: TransactionResult::Commit,
        coordinator_epoch: 1,
    };
    let BatchProducer { id, epoch, .. } = producer();
    seeds.push(
        marker
            .batch(id, epoch, Timestamp::from_millis(5))
            .into_bytes()
            .to_vec(),
    );
    let two = [&seeds[0][..], &seeds[1]].concat();
    seeds.push(two);
    seeds
}

fn three_records() -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    let headers = [
        Header {
            key: b"trace",
            value: Some(b"1"),
        },
        Header {
            key: b"",
            value: None,
        },
    ];
    for (number, key) in [(0, Some(&b"a"[..])), (1, None), (2, Some(&b"b"[..]))] {
        let time = Some(Timestamp::from_millis(1_000 + number));
        let value = [b'v'; 40];
        builder
            .append(time, key, Some(&value), headers)
            .expect("it fits");
    }
    builder
}

fn idempotent() -> BatchSettings {
    BatchSettings {
        producer: Some(producer()),
        ..BatchSettings::default()
    }
}

fn producer() -> BatchProducer {
    BatchProducer {
        id: ProducerId::new(1).expect("it is not negative"),
        epoch: ProducerEpoch::new(0).expect("it is not negative"),
        base_sequence: Some(Sequence::ZERO),
    }
}
