//! Recovery of a log directory in which anything may lie.
//!
//! The input is a list of files: which one, how long, its content. Whatever they are, loading
//! ends; a log that loads takes appends, and what is in it then is there after every restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleuve_model::record::{
    BatchBuilder, BatchFrame, BatchSettings, Batches, Compression, Compressor, NO_HEADERS,
    RecordBatch, patch,
};
use fleuve_model::{LeaderEpoch, Offset, PartitionId, Timestamp, TopicName, TopicPartition};
use fleuve_storage::disk::{Disk, SimulatedDisk};
use fleuve_storage::recovery::LoadReport;
use fleuve_storage::{
    AppendOrigin, Durability, LogConfig, LogDirectory, PartitionLog, commit_round,
};

const DIRECTORY: &str = "/logs";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Offsets that files are named after: those of the seeds' segments, and the ends of the range.
const OFFSETS: [i64; 16] = [
    0,
    3,
    6,
    9,
    12,
    15,
    18,
    21,
    24,
    27,
    30,
    33,
    35,
    1_000,
    i64::MAX - 1,
    i64::MAX,
];

const IN_DIRECTORY: [&str; 5] = [
    ".kafka_cleanshutdown",
    "log-start-offset-checkpoint",
    "meta.properties",
    "recovery-point-offset-checkpoint",
    "replication-offset-checkpoint",
];
const IN_PARTITION: [&str; 2] = ["leader-epoch-checkpoint", "partition.metadata"];
const AT_OFFSETS: [&str; 9] = [
    ".log",
    ".index",
    ".timeindex",
    ".txnindex",
    ".snapshot",
    ".log.swap",
    ".log.cleaned",
    ".index.deleted",
    ".log.cut-off",
];

/// A file of an input: its name's number, whether the CRCs of its batches are made right, and
/// its content.
struct Entry<'a> {
    name: u8,
    repair: bool,
    content: &'a [u8],
}

/// Loads what `data` says lies in a directory, writes to it and loads it again.
pub fn recovery(data: &[u8]) {
    exercise(&disk_of(data));
}

fn disk_of(data: &[u8]) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let partition_folder = Path::new(DIRECTORY).join("t-0");
    for folder in [Path::new(DIRECTORY), &partition_folder] {
        disk.create_dir(folder).expect("the disk is empty");
    }
    for entry in entries(data) {
        let mut content = entry.content.to_vec();
        if entry.repair {
            repair(&mut content);
        }
        disk.poke(&path_of(entry.name), &content);
    }
    disk
}

fn exercise(disk: &SimulatedDisk) {
    let Some((directory, mut log, report)) = load(disk) else {
        return;
    };
    // What a clean stop or a recovery point vouched for may be anything, for nobody looked at it.
    let all_verified = report.verified_bytes == log.size_bytes();
    let before = batches(&log);
    let written = append(&mut log);
    let after = batches(&log);
    let bounds = (log.log_start(), log.log_end());
    drop((log, directory));

    // Nothing was closed, but all was synced.
    let again = load(disk);
    if !all_verified {
        return;
    }
    let before = before.expect("what was verified can be read");
    let after = after.expect("what was verified can be read");
    assert_eq!(after.len(), before.len() + usize::from(written));
    assert_in_order(&after, bounds.1);
    let (directory, log, _) = again.expect("what was synced loads");
    assert_eq!((log.log_start(), log.log_end()), bounds);
    assert_eq!(batches(&log).as_ref(), Some(&after));
    let high_watermark = Some(log.log_end());
    let closed = directory.close([(log, high_watermark)], 1);
    closed.expect("the disk works");

    let (_directory, log, report) = load(disk).expect("a log that was closed loads");
    assert_eq!(report.verified_bytes, 0);
    assert_eq!((log.log_start(), log.log_end()), bounds);
    assert_eq!(batches(&log).as_ref(), Some(&after));
}

/// Opens the one log, if it opens.
fn load(disk: &SimulatedDisk) -> Option<(LogDirectory, PartitionLog, LoadReport)> {
    let directory = LogDirectory::open(Arc::new(disk.clone()), Path::new(DIRECTORY)).ok()?;
    let mut loaded = directory.load(&|_| config(), NOW, 1).ok()?;
    assert_eq!(
        loaded.logs.len() + loaded.damaged.len() + loaded.failed.len(),
        1
    );
    let (log, report) = loaded.logs.pop()?;
    Some((directory, log, report))
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 600,
        index_interval_bytes: 100,
        ..LogConfig::default()
    }
}

/// All batches of a log, if it can be read to its end.
fn batches(log: &PartitionLog) -> Option<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    read_all(log, &mut batches).map(|()| batches)
}

fn read_all(log: &PartitionLog, batches: &mut Vec<RecordBatch>) -> Option<()> {
    let snapshot = log.reader().snapshot();
    let mut from = snapshot.log_start();
    while from < snapshot.log_end() {
        let slice = snapshot
            .read(from, snapshot.log_end(), 1 << 20, true)
            .ok()?;
        for batch in Batches::new(slice.read().ok()?) {
            let batch = batch.ok()?;
            batch.verify_crc().ok()?;
            batches.push(batch);
        }
        // No batch has the last offsets: those of a hole that compaction left.
        if slice.is_empty() && slice.next_offset == from {
            break;
        }
        from = slice.next_offset;
    }
    Some(())
}

fn assert_in_order(batches: &[RecordBatch], log_end: Offset) {
    for pair in batches.windows(2) {
        assert!(pair[0].header().last_offset() < pair[1].header().base_offset);
    }
    if let Some(last) = batches.last() {
        assert!(last.header().next_offset() <= log_end);
    }
}

/// Appends a batch, durably, and reads it back. A log at the end of all offsets refuses.
fn append(log: &mut PartitionLog) -> bool {
    let batch = batch_of(2, Compression::None, &BatchSettings::default());
    let epoch = log.epochs().latest_epoch().unwrap_or(LeaderEpoch::ZERO);
    let Ok(appended) = log.append_as_leader(&batch, epoch, AppendOrigin::Client, NOW) else {
        return false;
    };
    for outcome in commit_round([&mut *log], Durability::Fsync) {
        assert_eq!(
            outcome.committed_end.expect("the disk works"),
            log.log_end()
        );
    }
    let snapshot = log.reader().snapshot();
    let slice = snapshot.read(appended.base_offset, snapshot.log_end(), 1, true);
    let bytes = slice.and_then(|slice| slice.read().map_err(Into::into));
    let read = RecordBatch::parse_verified(&bytes.expect("it was just written"));
    assert_eq!(
        read.expect("it was just written").payload(),
        batch.payload()
    );
    true
}

fn batch_of(records: i64, compression: Compression, settings: &BatchSettings) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    for number in 0..records {
        let time = Some(Timestamp::from_millis(NOW.as_millis() + number));
        builder
            .append(time, Some(b"key"), Some(b"value"), NO_HEADERS)
            .expect("it fits");
    }
    let mut compressor = Compressor::new(compression).expect("every codec works");
    builder
        .build_compressed(settings, &mut compressor)
        .expect("it is small")
}

fn entries(data: &[u8]) -> Vec<Entry<'_>> {
    let mut rest = data;
    let mut entries = Vec::new();
    while let Some(([flags, name, high, low], behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (content, behind) = behind.split_at(length);
        entries.push(Entry {
            name: *name,
            repair: flags & 1 == 1,
            content,
        });
        rest = behind;
    }
    entries
}

fn path_of(number: u8) -> PathBuf {
    let number = usize::from(number);
    let directory = Path::new(DIRECTORY);
    if let Some(name) = IN_DIRECTORY.get(number) {
        return directory.join(name);
    }
    let number = number - IN_DIRECTORY.len();
    let partition = directory.join("t-0");
    if let Some(name) = IN_PARTITION.get(number) {
        return partition.join(name);
    }
    let number = (number - IN_PARTITION.len()) % (AT_OFFSETS.len() * OFFSETS.len());
    let (suffix, offset) = (number % AT_OFFSETS.len(), number / AT_OFFSETS.len());
    partition.join(format!("{:020}{}", OFFSETS[offset], AT_OFFSETS[suffix]))
}

/// Makes the CRC of every batch right, so that mutations get behind that check.
fn repair(log: &mut [u8]) {
    let mut rest = log;
    while let Ok(frame) = BatchFrame::peek(rest)
        && rest.len() >= frame.size_bytes
    {
        let (batch, behind) = rest.split_at_mut(frame.size_bytes);
        patch::refresh_crc(batch);
        rest = behind;
    }
}

/// How the process ended that wrote a seed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    CrashAfterCheckpoint,
    CrashWithoutCheckpoint,
}

/// Directories after a clean stop and after crashes.
pub fn recovery_seeds() -> Vec<Vec<u8>> {
    let ends = [
        End::Clean,
        End::CrashAfterCheckpoint,
        End::CrashWithoutCheckpoint,
    ];
    ends.map(seed).to_vec()
}

fn seed(end: End) -> Vec<u8> {
    let disk = SimulatedDisk::new();
    disk.create_dir(Path::new(DIRECTORY))
        .expect("the disk is empty");
    let directory = LogDirectory::open(Arc::new(disk.clone()), Path::new(DIRECTORY));
    let directory = directory.expect("the folder is there");
    let topic = TopicName::new("t").expect("it is a name");
    let partition = TopicPartition::new(topic, PartitionId::new(0).expect("it is not negative"));
    let log = directory.create_partition(partition, None, config(), NOW);
    let mut log = log.expect("the disk works");
    write(&mut log);
    if end == End::CrashAfterCheckpoint {
        let checkpoint = directory.checkpoint([(&mut log, None)]);
        checkpoint.expect("the disk works");
    }
    append(&mut log);
    if end == End::Clean {
        let high_watermark = Some(log.log_end());
        let closed = directory.close([(log, high_watermark)], 1);
        closed.expect("the disk works");
    }
    encode(&disk)
}

fn write(log: &mut PartitionLog) {
    for (number, compression) in (0_i32..).zip(Compression::ALL) {
        let settings = BatchSettings {
            producer: Some(producer(number)),
            ..Default::default()
        };
        for settings in [BatchSettings::default(), settings] {
            let batch = batch_of(3, compression, &settings);
            let epoch = LeaderEpoch::new(number / 2).expect("it is not negative");
            log.append_as_leader(&batch, epoch, AppendOrigin::Client, NOW)
                .expect("the log takes it");
        }
    }
}

fn producer(number: i32) -> fleuve_model::record::BatchProducer {
    fleuve_model::record::BatchProducer {
        id: fleuve_model::ProducerId::new(7).expect("it is not negative"),
        epoch: fleuve_model::ProducerEpoch::new(0).expect("it is not negative"),
        base_sequence: fleuve_model::Sequence::from_wire(3 * number),
    }
}

/// The files of a disk that inputs can name, as an input.
fn encode(disk: &SimulatedDisk) -> Vec<u8> {
    let mut data = Vec::new();
    for name in 0..=u8::MAX {
        let path = path_of(name);
        let is_first = (0..name).all(|earlier| path_of(earlier) != path);
        let Some(content) = disk.peek(&path).filter(|_| is_first) else {
            continue;
        };
        let length = u16::try_from(content.len()).expect("seeds are small");
        data.extend([1, name]);
        data.extend(length.to_be_bytes());
        data.extend(content);
    }
    data
}

/// Prints the files of an input, and what becomes of them.
pub fn show_recovery(data: &[u8]) {
    let disk = disk_of(data);
    for entry in entries(data) {
        let path = path_of(entry.name);
        let content = disk.peek(&path).unwrap_or_default();
        println!("{} {} bytes", path.display(), content.len());
        if path.extension().is_some_and(|it| it == "log") {
            for batch in Batches::new(bytes::Bytes::from(content)) {
                match batch {
                    Ok(batch) => {
                        let header = batch.header();
                        let (base, last) = (header.base_offset, header.last_offset());
                        println!("  {base}..{last}, CRC {:?}", batch.verify_crc());
                    }
                    Err(error) => println!("  {error}"),
                }
            }
        } else {
            println!("  {}", String::from_utf8_lossy(&content).escape_debug());
        }
    }
    let directory = LogDirectory::open(Arc::new(disk.clone()), Path::new(DIRECTORY));
    match directory.map(|directory| directory.load(&|_| config(), NOW, 1)) {
        Ok(Ok(loaded)) => {
            println!("{:?} {:?}", loaded.damaged, loaded.failed);
            for (log, report) in &loaded.logs {
                println!("{}..{} {report:?}", log.log_start(), log.log_end());
            }
        }
        other => println!("{other:?}"),
    }
}
