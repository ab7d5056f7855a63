//! A log in lines of text, as `compat/java/KafkaLog.java` prints one.

use std::fmt::Write;

use fleuve_model::record::{Batches, RecordBatch};
use fleuve_model::{LeaderEpoch, ProducerEpoch, Sequence, Timestamp};
use fleuve_storage::{LogSnapshot, PartitionLog};

const READ_BYTES_MAX: u64 = 1 << 20;

pub(super) fn describe(log: &PartitionLog) -> Vec<String> {
    let snapshot = log.reader().snapshot();
    let mut lines = Vec::new();
    for batch in batches(&snapshot) {
        describe_batch(&batch, &mut lines);
    }
    for aborted in snapshot.aborted_transactions(log.log_start(), log.log_end()) {
        lines.push(format!(
            "aborted producer={} first={} last={} stable={}",
            aborted.producer, aborted.first_offset, aborted.last_offset, aborted.last_stable_offset
        ));
    }
    for (epoch, start) in log.epochs().iter() {
        lines.push(format!("epoch {epoch} from {start}"));
    }
    describe_producers(log, &mut lines);
    let stable = snapshot.last_stable_offset(log.log_end());
    let (start, end) = (log.log_start(), log.log_end());
    lines.push(format!("log start={start} end={end} stable={stable}"));
    lines
}

fn batches(snapshot: &LogSnapshot) -> Vec<RecordBatch> {
    let mut from = snapshot.log_start();
    let mut batches = Vec::new();
    while from < snapshot.log_end() {
        let end = snapshot.log_end();
        let slice = snapshot
            .read(from, end, READ_BYTES_MAX, true)
            .expect("the log is readable");
        let bytes = slice.read().expect("the file is readable");
        batches.extend(Batches::new(bytes).map(|batch| batch.expect("batches are whole")));
        from = slice.next_offset;
    }
    batches
}

fn describe_batch(batch: &RecordBatch, lines: &mut Vec<String>) {
    batch.verify_crc().expect("batches are undamaged");
    let header = batch.header();
    let producer = header.producer;
    let sequence = producer.and_then(|producer| producer.base_sequence);
    lines.push(format!(
        "batch {}..{} epoch={} {} {} max={} producer={}/{} sequence={}{}{} size={} crc={:08x}",
        header.base_offset,
        header.last_offset(),
        header.leader_epoch.map_or(-1, LeaderEpoch::value),
        header.compression(),
        header.attributes.timestamp_type().name(),
        header.max_timestamp.map_or(-1, Timestamp::as_millis),
        producer.map_or(-1, |producer| producer.id.value()),
        producer.map_or(-1, |producer| producer.epoch.value()),
        sequence.map_or(-1, Sequence::value),
        if header.attributes.is_transactional() {
            " transactional"
        } else {
            ""
        },
        if header.attributes.is_control() {
            " control"
        } else {
            ""
        },
        header.size_bytes,
        header.crc,
    ));
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, usize::MAX)
        .expect("payloads decompress");
    for record in records {
        let record = record.expect("records are well formed");
        let timestamp = record.timestamp.map_or(-1, Timestamp::as_millis);
        let (key, value) = (hex(record.key), hex(record.value));
        let mut line = format!("  record {} {timestamp} {key} {value}", record.offset);
        for header in record.headers {
            let key = String::from_utf8_lossy(header.key);
            write!(line, " {key}={}", hex(header.value)).expect("strings take everything");
        }
        lines.push(line);
    }
}

fn describe_producers(log: &PartitionLog, lines: &mut Vec<String>) {
    for (id, entry) in log.producers().iter() {
        let last = entry.last_batch().map_or("-".to_owned(), |batch| {
            let first = batch.first_sequence().map_or(-1, Sequence::value);
            let last = batch.last_sequence.map_or(-1, Sequence::value);
            format!("{first}..{last}@{}", batch.first_offset())
        });
        let open = entry
            .transaction_start
            .map_or("-".to_owned(), |first| first.to_string());
        let coordinator = entry.coordinator_epoch.unwrap_or(-1);
        lines.push(format!(
            "producer {id} epoch={} coordinator={coordinator} open={open} last={last}",
            entry.epoch.map_or(-1, ProducerEpoch::value)
        ));
    }
}

fn hex(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "-".to_owned();
    };
    bytes.iter().fold("x".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("strings take everything");
        text
    })
}
