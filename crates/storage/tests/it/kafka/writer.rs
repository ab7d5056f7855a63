//! A log of ours with every kind of batch.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleuve_model::record::{
    Attributes, BatchBuilder, BatchProducer, BatchSettings, Compression, Compressor,
    EndTransactionMarker, Header, NO_HEADERS, RecordBatch, TransactionResult,
};
use fleuve_model::{
    LeaderEpoch, PartitionId, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicId, TopicName,
    TopicPartition,
};
use fleuve_storage::disk::RealDisk;
use fleuve_storage::recovery::LoadReport;
use fleuve_storage::{
    AppendOrigin, Durability, LogConfig, LogDirectory, PartitionLog, commit_round,
};

use super::describe::describe;

/// An open log and the directory that it is in.
pub(super) struct Opened {
    directory: LogDirectory,
    pub(super) log: PartitionLog,
    pub(super) report: LoadReport,
}

/// Opens the one log in `folder`.
pub(super) fn open(folder: &Path) -> Opened {
    let directory = open_directory(folder);
    let mut loaded = directory
        .load(&|_| config(), now(), 1)
        .expect("the directory loads");
    assert!(
        loaded.damaged.is_empty() && loaded.failed.is_empty(),
        "{loaded:?}"
    );
    let (log, report) = loaded.logs.pop().expect("there is a log");
    assert!(loaded.logs.is_empty(), "there is one log");
    Opened {
        directory,
        log,
        report,
    }
}

fn create(folder: &Path) -> Opened {
    let directory = open_directory(folder);
    let topic = TopicName::new("interop").expect("it is a name");
    let partition = TopicPartition::new(topic, PartitionId::new(0).expect("it is not negative"));
    let topic_id = TopicId::parse("q1Sh-9_ISia_zwGINzRvyQ");
    let log = directory.create_partition(partition, topic_id, config(), now());
    let log = log.expect("the directory takes a log");
    Opened {
        directory,
        log,
        report: LoadReport::default(),
    }
}

fn open_directory(folder: &Path) -> LogDirectory {
    let disk = Arc::new(RealDisk);
    LogDirectory::open(disk, folder).expect("the folder is a log directory")
}

/// Small segments, and tables with many entries.
fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 16 * 1024,
        index_interval_bytes: 200,
        ..LogConfig::default()
    }
}

/// Writes segments, epochs, producers and transactions, stops cleanly, and describes the log.
pub(super) fn write_every_kind(folder: &Path) -> Vec<String> {
    let mut writer = Writer::new(create(folder));
    for compression in Compression::ALL {
        for records in 1..20 {
            let batch = writer.batch(compression, None, false, 1 + records % 5);
            writer.append(&batch);
        }
    }
    writer.epoch = 1;
    for round in 0..8 {
        for producer in 1000..1003 {
            let producer = Some((producer, 2 * round));
            let batch = writer.batch(Compression::Lz4, producer, false, 2);
            writer.append(&batch);
        }
    }
    writer.epoch = 3;
    writer.transaction(2000, 0, TransactionResult::Commit);
    writer.transaction(2001, 0, TransactionResult::Abort);
    let batch = writer.batch(Compression::Zstd, Some((2002, 0)), true, 3);
    writer.append(&batch);
    let batch = writer.batch(Compression::None, Some((2001, 3)), true, 3);
    writer.append(&batch);
    writer.transaction(2003, 0, TransactionResult::Commit);
    for _ in 0..100 {
        let batch = writer.batch(Compression::None, None, false, 3);
        writer.append(&batch);
    }
    writer.marker(2001, TransactionResult::Abort);
    stop(writer.opened)
}

/// Goes on with the log that Kafka has written, and describes it.
pub(super) fn write_more(folder: &Path) -> Vec<String> {
    let mut writer = Writer::new(open(folder));
    writer.epoch = 5;
    writer.number = 5_000;
    writer.marker(2002, TransactionResult::Abort);
    let batch = writer.batch(Compression::Gzip, Some((1001, 16)), false, 4);
    writer.append(&batch);
    for _ in 0..50 {
        let batch = writer.batch(Compression::Snappy, None, false, 3);
        writer.append(&batch);
    }
    writer.transaction(2000, 3, TransactionResult::Abort);
    stop(writer.opened)
}

struct Writer {
    opened: Opened,
    start: Timestamp,
    epoch: i32,
    number: i64,
}

impl Writer {
    fn new(opened: Opened) -> Writer {
        let start = now().saturating_sub(Duration::from_secs(60));
        Writer {
            opened,
            start,
            epoch: 0,
            number: 0,
        }
    }

    fn batch(
        &mut self,
        compression: Compression,
        producer: Option<(i64, i32)>,
        transactional: bool,
        records: i64,
    ) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        for _ in 0..records {
            self.record(&mut builder);
        }
        let producer = producer.map(|(id, sequence)| BatchProducer {
            base_sequence: Sequence::from_wire(sequence),
            ..identity(id)
        });
        let attributes = Attributes::default().with_transactional(transactional);
        let settings = BatchSettings {
            producer,
            attributes,
            ..BatchSettings::default()
        };
        let mut compressor = Compressor::new(compression).expect("every codec works");
        builder
            .build_compressed(&settings, &mut compressor)
            .expect("it is small")
    }

    fn record(&mut self, builder: &mut BatchBuilder) {
        self.number += 1;
        let number = self.number;
        let early = Duration::from_millis((number % 3) as u64 * 5);
        let time = Some(self.time().saturating_sub(early));
        let key = format!("key-{}", number % 10);
        let key = (number % 7 != 0).then_some(key.as_bytes());
        let value = format!("value {}{number}", "abcdefgh".repeat(number as usize % 20));
        let value = (number % 11 != 0).then_some(value.as_bytes());
        let headers = [
            Header {
                key: b"h",
                value: Some(b"1"),
            },
            Header {
                key: b"n",
                value: None,
            },
        ];
        let appended = if number % 5 == 0 {
            builder.append(time, key, value, headers)
        } else {
            builder.append(time, key, value, NO_HEADERS)
        };
        appended.expect("it fits");
    }

    fn time(&self) -> Timestamp {
        self.start
            .saturating_add(Duration::from_millis(self.number as u64))
    }

    fn append(&mut self, batch: &RecordBatch) {
        self.append_from(batch, AppendOrigin::Client);
    }

    fn append_from(&mut self, batch: &RecordBatch, origin: AppendOrigin) {
        let epoch = LeaderEpoch::new(self.epoch).expect("it is not negative");
        let appended = self
            .opened
            .log
            .append_as_leader(batch, epoch, origin, now());
        appended.expect("the log takes it");
    }

    fn transaction(&mut self, producer: i64, sequence: i32, result: TransactionResult) {
        let batch = self.batch(Compression::None, Some((producer, sequence)), true, 3);
        self.append(&batch);
        self.marker(producer, result);
    }

    fn marker(&mut self, producer: i64, result: TransactionResult) {
        self.number += 1;
        let marker = EndTransactionMarker {
            result,
            coordinator_epoch: 9,
        };
        let BatchProducer { id, epoch, .. } = identity(producer);
        let batch = marker.batch(id, epoch, self.time());
        self.append_from(&batch, AppendOrigin::Coordinator);
    }
}

/// Stops cleanly, and describes the log.
pub(super) fn stop(opened: Opened) -> Vec<String> {
    let Opened {
        directory, mut log, ..
    } = opened;
    for outcome in commit_round([&mut log], Durability::Fsync) {
        outcome.committed_end.expect("the disk syncs");
    }
    let described = describe(&log);
    let high_watermark = Some(log.log_end());
    let closed = directory.close([(log, high_watermark)], 1);
    closed.expect("the directory closes");
    described
}

fn identity(producer: i64) -> BatchProducer {
    BatchProducer {
        id: ProducerId::new(producer).expect("it is not negative"),
        epoch: ProducerEpoch::new(5).expect("it is not negative"),
        base_sequence: None,
    }
}

/// The real time: Kafka forgets producers by it.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.expect("1970 has begun").as_millis();
    Timestamp::from_millis(i64::try_from(millis).expect("it is long until then"))
}
