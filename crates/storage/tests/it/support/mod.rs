//! What the tests share: a directory on the simulated disk, batches, and a seeded chance.

pub(crate) mod plain_log;
pub(crate) mod world;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fleuve_model::record::{
    Attributes, BatchBuilder, BatchProducer, BatchSettings, Batches, NO_HEADERS, RecordBatch,
};
use fleuve_model::{
    LeaderEpoch, Offset, PartitionId, ProducerEpoch, ProducerId, Sequence, Timestamp, TopicName,
    TopicPartition,
};
use fleuve_storage::disk::{Chance, Disk, SimulatedDisk};
use fleuve_storage::{
    LoadedDirectory, LogConfig, LogDirectory, LogSnapshot, PartitionLog, ReadError,
};

pub(crate) const LOGS: &str = "/logs";

/// SplitMix64: small, seeded, good enough to drive tests.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

impl Chance for Seeded {
    fn choose(&mut self, options: u32) -> u32 {
        self.below(u64::from(options)) as u32
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn offset(value: i64) -> Offset {
    Offset::new(value).unwrap()
}

pub(crate) fn epoch(value: i32) -> LeaderEpoch {
    LeaderEpoch::new(value).unwrap()
}

pub(crate) fn orders(number: i32) -> TopicPartition {
    TopicPartition::new(
        TopicName::new("orders").unwrap(),
        PartitionId::new(number).unwrap(),
    )
}

/// A config with small segments and frequent index entries, so that little data does much.
pub(crate) fn small_config() -> LogConfig {
    LogConfig {
        segment_bytes: 1024,
        index_interval_bytes: 128,
        ..LogConfig::default()
    }
}

pub(crate) fn new_disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_dir(Path::new(LOGS)).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

pub(crate) fn open(disk: &SimulatedDisk) -> LogDirectory {
    LogDirectory::open(Arc::new(disk.clone()), Path::new(LOGS)).unwrap()
}

pub(crate) fn load(directory: &LogDirectory, config: &LogConfig) -> LoadedDirectory {
    directory.load(&|_| config.clone(), at(0), 1).unwrap()
}

/// The only log of a directory that is fine.
pub(crate) fn load_one(directory: &LogDirectory, config: &LogConfig) -> PartitionLog {
    let mut loaded = load(directory, config);
    assert!(loaded.damaged.is_empty(), "{:?}", loaded.damaged);
    assert!(loaded.failed.is_empty(), "{:?}", loaded.failed);
    assert_eq!(loaded.logs.len(), 1);
    loaded.logs.pop().unwrap().0
}

/// What a test's batch is to be like.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchSpec {
    pub(crate) records: u32,
    pub(crate) value_bytes: usize,
    pub(crate) timestamp: i64,
    pub(crate) fill: u8,
    pub(crate) producer: Option<(i64, i16, i32)>,
    pub(crate) transactional: bool,
}

pub(crate) fn plain(records: u32, timestamp: i64) -> BatchSpec {
    BatchSpec {
        records,
        value_bytes: 10,
        timestamp,
        fill: b'x',
        ..BatchSpec::default()
    }
}

impl BatchSpec {
    pub(crate) fn build(&self) -> RecordBatch {
        let value = vec![self.fill; self.value_bytes];
        let mut builder = BatchBuilder::new();
        for record in 0..self.records {
            let timestamp = at(self.timestamp + i64::from(record));
            builder
                .append(Some(timestamp), None, Some(&value), NO_HEADERS)
                .unwrap();
        }
        let producer = self.producer.map(|(id, epoch, sequence)| BatchProducer {
            id: ProducerId::new(id).unwrap(),
            epoch: ProducerEpoch::new(epoch).unwrap(),
            base_sequence: Some(Sequence::new(sequence).unwrap()),
        });
        let attributes = Attributes::default().with_transactional(self.transactional);
        let settings = BatchSettings {
            producer,
            attributes,
            ..BatchSettings::default()
        };
        builder.build(&settings).unwrap()
    }
}

/// All batches from `from` to the log's end.
pub(crate) fn read_all(snapshot: &LogSnapshot, from: Offset) -> Vec<RecordBatch> {
    try_read_all(snapshot, from).unwrap()
}

/// All batches from `from` to the log's end, as far as the disk lets us read them.
pub(crate) fn try_read_all(
    snapshot: &LogSnapshot,
    from: Offset,
) -> Result<Vec<RecordBatch>, ReadError> {
    let mut batches = Vec::new();
    let mut next = from;
    loop {
        let slice = snapshot.read(next, snapshot.log_end(), 700, true)?;
        if slice.is_empty() {
            return Ok(batches);
        }
        assert!(slice.next_offset > next, "a read moves on");
        next = slice.next_offset;
        for batch in Batches::new(slice.read()?) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            batches.push(batch);
        }
    }
}

pub(crate) fn joined(batches: &[RecordBatch]) -> Bytes {
    batches
        .iter()
        .flat_map(|batch| batch.bytes().iter().copied())
        .collect()
}

/// How many tries a sweep makes: `FLEUVE_TEST_SCALE` multiplies what CI does.
pub(crate) fn scaled(tries: u64) -> u64 {
    let scale = std::env::var("FLEUVE_TEST_SCALE")
        .ok()
        .and_then(|scale| scale.parse::<f64>().ok());
    ((tries as f64 * scale.unwrap_or(1.0)) as u64).max(1)
}

/// The one seed to run, if `FLEUVE_TEST_SEED` names it.
pub(crate) fn only_seed() -> Option<u64> {
    std::env::var("FLEUVE_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
}

/// Runs `test` for each seed on two threads. A failure prints the seed and how to run it again.
pub(crate) fn for_each_seed(name: &str, seeds: u64, test: impl Fn(u64) + Sync) {
    let (first, end) = only_seed().map_or((0, seeds), |seed| (seed, seed + 1));
    let next = std::sync::atomic::AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let run = std::panic::AssertUnwindSafe(|| test(seed));
            if std::panic::catch_unwind(run).is_err() {
                next.store(end, std::sync::atomic::Ordering::Relaxed);
                panic!(
                    "seed {seed} failed; to run it again:\n  \
                     FLEUVE_TEST_SEED={seed} cargo test -p fleuve-storage --test it {name}"
                );
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}
